"""The audit: who did what, and what was refused, in a chain that tells of each change to what was written."""
# SPDX-License-Identifier: Apache-2.0

import concurrent.futures
import contextlib
import json
import os
import re
import shutil
import subprocess
import uuid

import psycopg2
import pytest

from cluster import DEPLOY
from stack import Client, Daemon, eventually

SYSTEM_AUDIT = "/v1/system/audit"
WISH = {"instance_type": "h100.8x", "zone": "us-east-1a", "count": 1,
        "starts_at": "2026-01-03T00:00:00Z", "ends_at": "2026-01-03T01:00:00Z"}


@pytest.fixture
def audited(make_stack, tmp_path):
    """A stack that writes checkpoints every second; .checkpoints and .public_key are files."""
    key, checkpoints, public = (tmp_path / name for name in ("audit.pem", "checkpoints", "audit.pub"))
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", key], check=True, capture_output=True)
    subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-out", public], check=True, capture_output=True)
    key.chmod(0o600)
    stack = make_stack(settings={"sluice-api": {
        "SLUICE_AUDIT_KEY_FILE": str(key), "SLUICE_AUDIT_CHECKPOINT_FILE": str(checkpoints), "SLUICE_AUDIT_CHECKPOINT_S": "1"}})
    stack.checkpoints, stack.public_key = checkpoints, public
    return stack


def rows_of(stack, path=SYSTEM_AUDIT, client=None):
    """What is listed, once it is all in sight."""
    eventually(lambda: stack.sql("SELECT NOT EXISTS (SELECT FROM audit WHERE xid >= pg_snapshot_xmin(pg_current_snapshot())) AS all")[0]["all"],
               "every row is in sight")
    return (client or stack.operator).items(path)


def unsealed(stack):
    return stack.sql("""SELECT count(*) AS n FROM audit a WHERE (a.xid, a.id) > (
        coalesce((SELECT last_xid FROM audit_seal ORDER BY number DESC LIMIT 1), '0'),
        coalesce((SELECT last_id FROM audit_seal ORDER BY number DESC LIMIT 1), '00000000-0000-0000-0000-000000000000'))""")[0]["n"]


def wait_sealed(stack):
    eventually(lambda: unsealed(stack) == 0, "every row is sealed")


def head(stack):
    return stack.sql("SELECT max(number) AS number FROM audit_seal")[0]["number"]


def wait_checkpointed(stack):
    wait_sealed(stack)
    eventually(lambda: stack.checkpoints.exists() and json.loads(stack.checkpoints.read_text().splitlines()[-1])["number"] == head(stack),
               "the newest seal has a checkpoint")


def make_seals(stack, count):
    """At least so many seals more, of some rows each."""
    for _ in range(count):
        before = head(stack) or 0
        for _ in range(3):
            stack.operator.create("/v1/system/tenants", {"name": f"t{uuid.uuid4()}"})
        eventually(lambda seen=before: (head(stack) or 0) > seen, "the rows are sealed")


def tamper(stack, statements):
    """As a superuser who switches the triggers off: the chain, not the privileges, has to tell."""
    with contextlib.closing(stack.cluster.connect(stack.database)) as connection, connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(statements)


def verify(stack, query=""):
    return stack.operator.get("/v1/system/audit/verify" + query).expect(200).body


def verify_offline(stack, tmp_path, *arguments):
    """Exports through the API and runs the offline verifier on that; returns (status, its lines)."""
    for name, path in (("rows", SYSTEM_AUDIT), ("seals", SYSTEM_AUDIT + "/seals")):
        lines = [json.dumps(item) for item in stack.operator.items(path)]
        (tmp_path / name).write_text("\n".join(lines) + "\n")
    status, said, wrong = run_verifier(stack, tmp_path, *arguments)
    assert status in (0, 1), wrong
    return status, said


def run_verifier(stack, tmp_path, *arguments, key=True):
    """Of the exports there; returns (status, its lines, what went wrong)."""
    keys = ["--public-key", stack.public_key] if key else []
    done = subprocess.run([DEPLOY / "audit-verify", "--rows", tmp_path / "rows", "--seals", tmp_path / "seals", "--checkpoints", stack.checkpoints,
                           *keys, *arguments], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


# ---- What is written ----


def test_every_change_and_every_refusal_is_there(stack):
    stack.fleet(1)
    acme = stack.tenant("acme")
    viewer = stack.token("viewer", "acme")
    made = acme.create("/v1/reservations", WISH)
    acme.post("/v1/reservations", {**WISH, "count": 0}).expect(422)
    acme.post("/v1/reservations", {**WISH, "count": 9}).expect(409)
    acme.post("/v1/reservations", b"{").expect(400)
    viewer.post("/v1/reservations", WISH).expect(403)
    viewer.get("/v1/system/zones").expect(403)
    less = stack.client(acme.create("/v1/tokens", {"name": "less", "role": "member"})["token"])
    less.post("/v1/tokens?validate_only=true", {"name": "more", "role": "admin"}).expect(403)
    acme.post("/v1/tokens?validate_only=true", {"name": "late", "expires_at": "2020-01-01T00:00:00Z"}).expect(422)
    stack.client("slu_t_nonsense").get("/v1/reservations").expect(401)
    acme.post(f"/v1/reservations/{made['id'][:-4]}0000/cancel").expect(404)
    stack.operator.post("/v1/system/clock", {"advance_to": "2026-01-02T00:00:00Z"}).expect(200)
    stack.operator.post("/v1/system/clock", {"advance_to": "2026-01-01T00:00:00Z"}).expect(422)
    acme.get("/v1/reservations").expect(200)

    def found(action, result):
        return [row for row in rows_of(stack) if (row["action"], row["result"]) == (action, result)]

    eventually(lambda: found("GET /v1/reservations", "unauthenticated"), "the door's refusals are written")
    assert found("POST /v1/tokens", "forbidden"), "of a preview, too"
    assert not found("POST /v1/tokens", "out_of_range"), "which is no change"
    created = found("POST /v1/reservations", "ok")
    assert [row["object"] for row in created] == [made["id"], created[-1]["object"]]  # the second: refused by the planner, yet made
    assert created[0]["tenant"] and created[0]["principal"] and created[0]["remote"] == "127.0.0.1"
    assert created[0]["tenant_name"] == "acme" and created[0]["principal_name"] == acme.get("/v1/me").body["principal"]
    assert created[0]["request_id"].startswith("req_")
    for action, result in (("POST /v1/reservations", "out_of_range"), ("POST /v1/reservations", "malformed_json"),
                           ("POST /v1/reservations", "forbidden"), ("GET /v1/system/zones", "forbidden"),
                           ("POST /v1/reservations/{id}/cancel", "not_found"),
                           ("POST /v1/system/clock", "ok"), ("POST /v1/system/clock", "clock_in_past"), ("token create", "ok")):
        assert len(found(action, result)) == 1, (action, result)
    assert found("GET /v1/reservations", "ok") == []


def test_the_list_is_filtered_and_a_tenant_reads_its_own(stack):
    acme, other = stack.tenant("acme"), stack.tenant("other")
    acme.post("/v1/reservations", {**WISH, "zone": "nowhere", "instance_type": "x"}).expect(422)
    other.post("/v1/reservations", {**WISH, "zone": "nowhere", "instance_type": "x"}).expect(422)
    own = rows_of(stack, "/v1/audit", acme)
    assert [row["result"] for row in own] == ["unknown_zone"]
    assert [row["id"] for row in rows_of(stack, SYSTEM_AUDIT + "?tenant=acme")] == [own[0]["id"]]
    stack.token("member", "acme").get("/v1/audit").expect(403)
    acme.get("/v1/system/audit").expect(403)
    eventually(lambda: len(rows_of(stack, SYSTEM_AUDIT + "?result=forbidden")) == 2, "the door's refusals are written")

    everything = rows_of(stack, SYSTEM_AUDIT + "?limit=2")
    assert [(int(row["transaction"]), row["id"]) for row in everything] == sorted((int(row["transaction"]), row["id"]) for row in everything)
    row = next(row for row in everything if row["action"] == "POST /v1/system/tenants")
    for query, expected in ((f"object={row['object']}", lambda each: each["object"] == row["object"]),
                            (f"principal={row['principal']}", lambda each: each["principal"] == row["principal"]),
                            ("action=POST%20/v1/system/tenants", lambda each: each["action"] == row["action"]),
                            ("result=refused", lambda each: each["result"] != "ok"),
                            ("from=2020-01-01T00:00:00Z&until=2020-01-02T00:00:00Z", lambda each: False),
                            (f"from={row['recorded_at']}", lambda each: each["recorded_at"] >= row["recorded_at"])):
        assert rows_of(stack, f"{SYSTEM_AUDIT}?{query}") == [each for each in everything if expected(each)], query
    stack.operator.get(SYSTEM_AUDIT + "?object=what").expect(422)


def test_nobody_writes_for_another_tenant(stack):
    stack.tenant("acme")
    wait_sealed(stack)
    with contextlib.closing(stack.cluster.connect(stack.database, "sluice_api")) as connection, connection.cursor() as cursor:
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute("SELECT audit_append(gen_random_uuid(), gen_random_uuid(), NULL, 'r', 'unix', 'POST /', NULL, 'ok')")
    for statement in ("UPDATE audit_seal SET number = 9", "DELETE FROM audit_seal", "TRUNCATE audit", "TRUNCATE audit_seal",
                      "DELETE FROM audit"):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            stack.sql(statement)


# ---- The chain ----


def test_the_chain_is_whole_and_an_export_of_it_verifies(audited, tmp_path):
    make_seals(audited, 3)
    slowest = audited.sql("""SELECT max(extract(epoch FROM s.sealed_at - a.recorded_at)) AS s FROM audit_seal s
        JOIN audit a ON a.id = s.last_id WHERE s.number > 1""")[0]["s"]
    assert slowest < 1, "rows are sealed within a second"
    wait_checkpointed(audited)
    found = verify(audited)
    assert found["ok"] and found["problems"] == [] and found["next"] is None
    assert found["rows"] == len(rows_of(audited)) and found["checkpoints"] > 0
    part = verify(audited, "?from=2&seals=1")
    assert (part["from"], part["until"], part["seals"], part["next"]) == (2, 2, 1, 3)
    status, said = verify_offline(audited, tmp_path)
    assert status == 0, said
    assert f"{found['seals']} seals, {found['rows']} rows" in said and "0 findings" in said


def test_what_is_exported_as_described_verifies_though_the_log_goes_on(audited, tmp_path):
    make_seals(audited, 2)
    wait_checkpointed(audited)
    described = re.search(r"```sh\n(pages\(\).*?)```", (DEPLOY.parent / "docs" / "audit.md").read_text(), re.DOTALL).group(1)
    described = described.replace("limit=1000", "limit=5").replace("/var/lib/sluice/audit/checkpoints", str(audited.checkpoints))
    desk = tmp_path / "desk"
    desk.mkdir()
    (desk / "deploy").symlink_to(DEPLOY)
    shutil.copy(audited.public_key, desk / "public.pem")
    fetched = desk / "fetched"
    halting = f'curl() {{ command curl "$@" || return; touch {fetched}; while [ -e {fetched} ]; do sleep 0.05; done; }}\n'
    running = subprocess.Popen(["bash", "-c", halting + described], cwd=desk, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               env=dict(os.environ, SLUICE_URL=audited.url, SLUICE_TOKEN=audited.operator.token))
    pages = 0
    while eventually(lambda: fetched.exists() or running.poll() is not None, "a page is fetched") and running.poll() is None:
        if pages < 4:  # else there is no end of pages
            make_seals(audited, 1)
        wait_checkpointed(audited)
        pages += 1
        fetched.unlink()
    said, wrong = running.communicate()
    assert running.returncode == 0 and "0 findings" in said, (said, wrong)
    assert pages > 4, "several of each"


def test_an_export_as_csv_verifies_whatever_requests_are_called(audited, tmp_path):
    """Spreadsheets get an apostrophe before what they would compute; it is no part of the log."""
    audited.operator.create("/v1/system/tenants", {"name": "dashing"}, headers={"Request-Id": "-1"})
    wait_checkpointed(audited)
    for name, path in (("rows", SYSTEM_AUDIT), ("seals", SYSTEM_AUDIT + "/seals")):
        (tmp_path / name).write_bytes(audited.operator.get(path + "?limit=1000", headers={"Accept": "text/csv"}).expect(200).content)
    assert ",'-1," in (tmp_path / "rows").read_text()
    status, said, _ = run_verifier(audited, tmp_path)
    assert status == 0, said


def test_what_is_no_export_is_told_from_a_log_that_was_changed(audited, tmp_path):
    make_seals(audited, 1)
    wait_checkpointed(audited)
    verify_offline(audited, tmp_path)
    status, _, wrong = run_verifier(audited, tmp_path, key=False)
    assert status == 2 and "--public-key" in wrong
    (tmp_path / "seals").write_bytes(audited.client("slu_nobody").get(SYSTEM_AUDIT + "/seals").expect(401).content)
    status, _, wrong = run_verifier(audited, tmp_path)
    assert status == 2 and "seals is no such export" in wrong and "unauthenticated" in wrong, wrong


REWRITE = """
    UPDATE audit SET result = 'forged' WHERE id = (SELECT last_id FROM audit_seal WHERE number = 2);
    DELETE FROM audit_seal WHERE number >= 2"""

DAMAGES = {
    "row_changed": "UPDATE audit SET remote = '203.0.113.9' WHERE id = (SELECT last_id FROM audit_seal WHERE number = 2)",
    "row_missing": "DELETE FROM audit WHERE id = (SELECT last_id FROM audit_seal WHERE number = 2)",
    "row_added": """INSERT INTO audit (id, xid, request_id, remote, action, result)
                    SELECT '00000000-0000-0000-0000-000000000001', last_xid, 'r', 'unix', 'POST /', 'ok' FROM audit_seal WHERE number = 2""",
    "seal_changed": "UPDATE audit_seal SET row_hashes = overlay(row_hashes PLACING '\\x00' FROM 1) WHERE number = 2",
    "seal_unlinked": "DELETE FROM audit_seal WHERE number = 2",
    "truncated": """DELETE FROM audit WHERE (xid, id) > (SELECT last_xid, last_id FROM audit_seal WHERE number = 1);
                    DELETE FROM audit_seal WHERE number > 1""",
}


def test_what_is_done_to_the_log_is_found(audited, tmp_path):
    make_seals(audited, 3)
    wait_checkpointed(audited)
    tamper(audited, "CREATE TABLE kept_rows AS SELECT * FROM audit; CREATE TABLE kept_seals AS SELECT * FROM audit_seal")
    for kind, damage in DAMAGES.items():
        tamper(audited, damage)
        found = verify(audited)
        assert not found["ok"] and kind in {problem["kind"] for problem in found["problems"]}, (kind, found)
        status, said = verify_offline(audited, tmp_path)
        assert status == 1 and kind in said, (kind, said)
        tamper(audited, """DELETE FROM audit; INSERT INTO audit SELECT * FROM kept_rows;
                           DELETE FROM audit_seal; INSERT INTO audit_seal SELECT * FROM kept_seals""")
        assert verify(audited)["ok"], "all is as it was"


def test_a_chain_that_was_made_anew_is_found_by_its_checkpoints(audited, tmp_path):
    """Whoever may write everything in the database can seal what they like: the sealer itself does it here."""
    make_seals(audited, 3)
    wait_checkpointed(audited)
    last = head(audited)
    audited.api.kill()
    tamper(audited, REWRITE)
    audited.api.start()
    audited.operator.close()
    make_seals(audited, last)
    found = verify(audited)
    assert "rewritten" in {problem["kind"] for problem in found["problems"]}, found
    status, said = verify_offline(audited, tmp_path)
    assert status == 1 and "rewritten" in said, said


def test_a_forged_checkpoint_is_found(audited, tmp_path):
    make_seals(audited, 1)
    wait_checkpointed(audited)
    lines = audited.checkpoints.read_text().splitlines()
    forged = json.loads(lines[-1])
    forged["hash"] = "00" * 32
    with open(audited.checkpoints, "a", encoding="ascii") as file:
        file.write(json.dumps(forged) + "\nnonsense\n")
    kinds = [problem["kind"] for problem in verify(audited)["problems"]]
    assert kinds == ["checkpoint_forged", "checkpoint_forged"]
    status, said = verify_offline(audited, tmp_path)
    assert status == 1 and said.count("checkpoint_forged") == 2, said


def test_the_chain_survives_a_partition_that_retention_dropped(audited, tmp_path):
    make_seals(audited, 1)
    # What the rows and seals of years ago look like to whoever verifies: retention is an hour, and these are older.
    wait_checkpointed(audited)
    last = head(audited)
    tamper(audited, f"""
        UPDATE partition_policy SET keep = '1 second' WHERE table_name = 'audit';
        DELETE FROM audit WHERE (xid, id) <= (SELECT last_xid, last_id FROM audit_seal WHERE number = {last})""")
    oldest = audited.sql("SELECT to_char(clock_timestamp(), 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') AS at")[0]["at"]
    eventually(lambda: verify(audited)["expired"] == last, "the rows are older than what is kept")
    tamper(audited, "UPDATE partition_policy SET keep = '7 years' WHERE table_name = 'audit'")
    assert {problem["kind"] for problem in verify(audited)["problems"]} == {"row_missing"}, "nothing is old enough to be gone"
    tamper(audited, f"DELETE FROM audit_seal WHERE number < {last}; UPDATE partition_policy SET keep = '1 second' WHERE table_name = 'audit'")
    eventually(lambda: verify(audited)["ok"], "the first seal that is left anchors the rest")
    assert verify(audited)["from"] == last
    make_seals(audited, 1)
    tamper(audited, "UPDATE partition_policy SET keep = '7 years' WHERE table_name = 'audit'")
    status, said = verify_offline(audited, tmp_path, "--expired-before", oldest)
    assert "row_" not in said and "seal_" not in said, (status, said)


# ---- Sealing ----


def test_a_row_that_commits_late_comes_before_what_was_sealed_after_it(stack):
    wait_sealed(stack)
    with contextlib.closing(stack.cluster.connect(stack.database)) as connection, connection.cursor() as cursor:
        late = str(uuid.uuid4())
        cursor.execute("BEGIN")
        cursor.execute("SELECT audit_append(%s, NULL, NULL, 'r', 'unix', 'POST /late', NULL, 'ok')", (late,))
        stack.operator.create("/v1/system/tenants", {"name": "meanwhile"})
        before = head(stack)
        stack.operator.create("/v1/system/tenants", {"name": "and-again"})
        assert head(stack) == before, "nothing is sealed past a transaction that still runs"
        cursor.execute("COMMIT")
    wait_sealed(stack)
    order = [row["action"] for row in stack.sql("SELECT action FROM audit ORDER BY xid, id")]
    assert order.index("POST /late") < len(order) - 1, "the late row has the lower transaction"
    assert verify(stack)["ok"]


def test_two_replicas_seal_one_chain_and_a_crash_loses_nothing(stack, tmp_path):
    port, admin_port = stack.ports.take(), stack.ports.take()
    second = Daemon("sluice-api", tmp_path, {**stack.api.environment, "SLUICE_LISTEN": f"127.0.0.1:{port}",
                                             "SLUICE_ADMIN_LISTEN": f"127.0.0.1:{admin_port}"}, admin_port).start()
    stack.daemons["second"] = second

    def write(which):
        client = Client(stack.port if which % 2 else port, stack.operator.token)
        done = [client.create("/v1/system/tenants", {"name": f"t{which}-{number}"})["id"] for number in range(20)]
        client.close()
        return done

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        made = {each for batch in pool.map(write, range(4)) for each in batch}
    wait_sealed(stack)
    leaders = [daemon for daemon in (stack.api, second) if daemon.metrics()["sluice_audit_sealed_rows_total"] > 0]
    assert len(leaders) == 1, "only one of them seals"
    leaders[0].kill()
    other = Client(port if leaders[0] is stack.api else stack.port, stack.operator.token)
    made.add(other.create("/v1/system/tenants", {"name": "after"})["id"])
    wait_sealed(stack)
    found = other.get("/v1/system/audit/verify").expect(200).body
    assert found["ok"] and found["rows"] == stack.sql("SELECT count(*) AS n FROM audit")[0]["n"]
    audited_objects = {row["object"] for row in rows_of(stack, SYSTEM_AUDIT + "?action=POST%20/v1/system/tenants", other)}
    assert audited_objects == made
    leaders[0].start()


def test_a_key_that_others_can_read_stops_the_start(stack, tmp_path):
    key = tmp_path / "open.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", key], check=True, capture_output=True)
    key.chmod(0o644)
    second = Daemon("sluice-api", tmp_path, {**stack.api.environment, "SLUICE_AUDIT_KEY_FILE": str(key),
                                             "SLUICE_AUDIT_CHECKPOINT_FILE": str(tmp_path / "c")}, stack.ports.take()).launch()
    assert second.process.wait(30) != 0
    assert "mode 0600" in second.log_tail()
