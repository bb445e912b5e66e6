"""The metrics behind the alerts move when what they tell of happens."""
# SPDX-License-Identifier: Apache-2.0

import contextlib

from stack import eventually


def test_an_open_writer_is_seen_and_forgotten(make_stack):
    stack = make_stack(start=None)
    with contextlib.closing(stack.cluster.connect(stack.database)) as connection, connection.cursor() as cursor:
        cursor.execute("BEGIN; SELECT pg_current_xact_id()")
        eventually(lambda: stack.api.metrics()["sluice_oldest_writer_seconds"] >= 2, "the open writer is seen")
        cursor.execute("ROLLBACK")
    eventually(lambda: stack.api.metrics()["sluice_oldest_writer_seconds"] < 2, "the closed writer is forgotten")


def test_a_missing_leader_and_unread_events_are_seen(make_stack):
    stack = make_stack(start=None)
    stack.fleet(nodes=1)
    eventually(lambda: stack.sql("SELECT consumer FROM event_cursor WHERE consumer = 'billing'"), "billing has read the log")
    eventually(lambda: stack.api.metrics()["sluice_leases_expired"] == 0, "everything is led")
    eventually(lambda: stack.api.metrics()["sluice_event_lag_seconds"] == 0, "everything is read")
    stack.billing.kill(expires=False)
    stack.node("late")
    eventually(lambda: stack.api.metrics()["sluice_leases_expired"] == 1, "the lease of billing ran out")
    eventually(lambda: stack.api.metrics()["sluice_event_lag_seconds"] > 0, "events wait")
    stack.billing.start()
    eventually(lambda: stack.api.metrics()["sluice_leases_expired"] == 0, "billing is led again")
    eventually(lambda: stack.api.metrics()["sluice_event_lag_seconds"] == 0, "everything is read again")


def test_what_is_kept_for_a_while_goes_however_much_came_in(stack):
    """More than a statement takes; that looks every ten minutes."""
    stack.api.stop()
    stack.operator.close()
    stack.sql("""INSERT INTO idempotency (tenant_id, principal_id, key, request_sha256, object_id, recorded_at)
                 SELECT gen_random_uuid(), gen_random_uuid(), n::text, sha256(''), gen_random_uuid(), clock_timestamp() - n * interval '1 second'
                   FROM generate_series(1, 400000, 20) n""")
    stack.api.start()
    eventually(lambda: stack.sql("SELECT min(recorded_at) > clock_timestamp() - interval '48 hours 1 minute' AS done FROM idempotency")[0]["done"], "old keys are gone")
    assert stack.sql("SELECT count(*) AS n FROM idempotency")[0]["n"] > 8000, "younger ones are kept"


def test_nodes_are_counted_by_their_state(make_stack):
    stack = make_stack(start=None)

    def counted(state):
        return stack.api.metrics()[f'sluice_nodes{{state="{state}"}}']

    stack.fleet(nodes=3)
    eventually(lambda: counted("ready") == 3, "the nodes are in service")
    stack.provisioner.stop()  # it would say otherwise
    stack.sql("UPDATE node_status SET state = 'quarantined' WHERE node_id = (SELECT min(node_id::text)::uuid FROM node_status)")
    eventually(lambda: counted("quarantined") == 1 and counted("ready") == 2, "the node in quarantine is counted")
