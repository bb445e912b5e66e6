"""Promises of the schema and of deploy/migrate, kept by PostgreSQL itself."""
# SPDX-License-Identifier: Apache-2.0

import contextlib
import os
import re
import shutil
import subprocess

import psycopg2
import pytest

from contract import ROOT, binaries

LOGIN_ROLES = ["sluice_api", "sluice_api_system", "sluice_api_writer", "sluice_provisioner", "sluice_billing"]

# Which process writes which table, by the architecture: one table, one writer. Columns of one writer in another's
# table (cancel_requested_at, price.valid) are granted column by column and so do not appear here.
WRITERS = {
    "sluice_api": {"webhook", "cancellation", "idempotency", "planner_question", "amendment", "instance_action", "project", "ssh_key", "principal", "token", "session"},
    "sluice_api_system": {"tenant", "principal", "token", "session", "zone", "fabric", "leaf", "rack", "node", "instance_type", "asset", "price",
                          "idempotency", "planner_question", "quota", "maintenance_window", "audit_seal", "image",
                          "webhook", "webhook_status", "webhook_delivery", "event_cursor", "purchase_order", "asset_change",
                          "cost_rate", "power_profile", "node_energy", "market_price", "amendment", "instance_action", "gpu_reading", "gpu_error", "node_firmware",
                          "replacement_request", "commitment", "discount", "price_floor", "price_floor_override", "charge_policy", "cancellation", "usage_correction",
                          "credit_limit", "credit_grant", "payment", "meter", "meter_reading", "meter_event",
                          "billing_profile", "invoice_request", "invoice_request_line", "tax_rate", "zone_pause"},
    "sluice_api_writer": set(),
    "sluice_provisioner": {"reservation_status", "node_status", "instance", "instance_incarnation", "event_cursor",
                           "allocation", "allocation_history", "sim_workload", "planner_answer", "amendment_status",
                           "maintenance_window_status", "instance_action_status", "instance_console_line", "zone_pause_status", "zone_verification"},
    "sluice_billing": {"event_cursor", "meter_instance", "meter_node", "billing_period", "account", "invoice_series",
                       "usage_interval", "billing_cut", "billing_day", "rated_line", "journal", "entry", "invoice", "invoice_line",
                       "depreciation", "node_cost", "cost_allocation", "unpriced_usage", "unpriced_late", "late_usage", "meter_usage", "meter_counted", "meter_touch",
                       "unrated_period", "asset_change_status", "asset_book",
                       "commitment_period", "provisional_day", "provisional_revenue", "provisional_cost", "cohort_result", "cost_summary", "impairment_warning",
                       "credit_hold", "credit_grant_status", "payment_status", "settlement",
                       "invoice_tax", "credit_note", "credit_note_line", "invoice_request_status", "month_close"},
}


@pytest.fixture
def ask(cluster, database):
    """Runs one query as a role and returns its rows."""

    def run(query, parameters=None, role="postgres"):
        with contextlib.closing(cluster.connect(database, role)) as connection, connection.cursor() as cursor:
            cursor.execute(query, parameters)
            return cursor.fetchall() if cursor.description else []

    return run


@pytest.fixture
def edited_tree(cluster, scratch, request):
    """A copy of deploy/ and migrations/ to edit, and a migrated database with a real clock; returns (tree, run)."""
    tree = scratch / request.node.name
    for folder in ("deploy", "migrations"):
        shutil.copytree(ROOT / folder, tree / folder)
    name = "migrate_" + request.node.name[:40]
    cluster.copy_template(name)

    def run(*arguments):
        environment = dict(os.environ, SLUICE_DATABASE_URL=cluster.url(name), PGUSER="postgres")
        return subprocess.run([tree / "deploy/migrate", *arguments], env=environment, capture_output=True, text=True, check=False)

    run.database = name
    yield tree, run
    cluster.drop_database(name)


def test_migrating_twice_changes_nothing(cluster, database, ask):
    before = ask("SELECT version, checksum, applied_at FROM schema_migration ORDER BY version")
    again = cluster.migrate(database)
    assert again.stdout == ""
    assert before == ask("SELECT version, checksum, applied_at FROM schema_migration ORDER BY version")
    assert len(before) == len(list((ROOT / "migrations").glob("[0-9]*.sql")))


def test_an_edited_old_file_is_refused(edited_tree):
    tree, run = edited_tree
    assert run().returncode == 0
    oldest = sorted((tree / "migrations").glob("[0-9]*.sql"))[0]
    oldest.write_text(oldest.read_text() + "\n-- edited\n")
    refused = run()
    assert refused.returncode == 1
    assert oldest.stem in refused.stderr


def test_a_migration_that_fails_leaves_nothing_behind(edited_tree):
    tree, run = edited_tree
    broken = tree / "migrations/0999_broken.sql"
    broken.write_text("CREATE TABLE sluice.half_made (id integer);\nSELECT 1 / 0;\n")
    assert run().returncode != 0
    broken.write_text("CREATE TABLE sluice.half_made (id integer);\n")
    done = run()
    assert done.returncode == 0, done.stderr
    assert done.stdout == "applied 0999_broken\n"


def test_what_a_migration_says_of_older_programs_is_kept(edited_tree, cluster):
    tree, run = edited_tree
    (tree / "migrations/0998_adds.sql").write_text("CREATE TABLE sluice.added (id integer);\n")
    (tree / "migrations/0999_takes.sql").write_text("-- Nobody uses it.\n-- oldest_known: 998\nDROP TABLE sluice.added;\n")
    assert run().stdout == "applied 0998_adds\napplied 0999_takes\n"
    with contextlib.closing(cluster.connect(run.database)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT version, oldest_known FROM schema_migration WHERE version >= 998 ORDER BY 1")
        assert cursor.fetchall() == [(998, 0), (999, 998)]


def test_nothing_is_applied_that_excludes_a_program_that_shall_run(edited_tree):
    tree, run = edited_tree
    program = f"--for={binaries() / 'sluice-billing'}"
    (tree / "migrations/0998_adds.sql").write_text("CREATE TABLE sluice.added (id integer);\n")
    takes = tree / "migrations/0999_takes.sql"
    takes.write_text("-- oldest_known: 998\nDROP TABLE sluice.added;\n")
    refused = run(program)
    assert refused.returncode == 1 and refused.stdout == ""
    assert re.search(r"run programs that know 998 at least, and \S+/sluice-billing knows \d+: build or install that of a later release first", refused.stderr)
    silent = run("--for=/bin/true")
    assert silent.returncode == 1 and "/bin/true knows none that it tells" in silent.stderr
    takes.unlink()
    assert run(program).stdout == "applied 0998_adds\n"


def test_a_real_clock_cannot_become_virtual(edited_tree):
    _, run = edited_tree
    assert run().returncode == 0
    refused = run("--virtual-clock")
    assert refused.returncode == 1
    assert "real clock" in refused.stderr


def test_every_table_column_and_function_is_commented(ask):
    # A partition has the columns of its table, which carry the comments.
    bare = ask("""
        SELECT c.relname::text, coalesce(a.attname::text, '') FROM pg_class c
          LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                                      AND NOT c.relispartition AND c.relkind IN ('r', 'p')
         WHERE c.relnamespace = 'sluice'::regnamespace AND c.relkind IN ('r', 'p', 'v')
           AND (obj_description(c.oid, 'pg_class') IS NULL
                OR (a.attnum IS NOT NULL AND col_description(c.oid, a.attnum) IS NULL))
         UNION ALL
        SELECT p.proname::text, 'function' FROM pg_proc p
         WHERE p.pronamespace = 'sluice'::regnamespace AND obj_description(p.oid, 'pg_proc') IS NULL
           AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')""")
    assert bare == []


def test_public_executes_nothing(ask):
    # Functions of an extension are PostgreSQL's own, and harmless.
    open_to_all = ask("""
        SELECT p.proname::text FROM pg_proc p
         WHERE p.pronamespace = 'sluice'::regnamespace AND has_function_privilege('public', p.oid, 'EXECUTE')
           AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')""")
    assert open_to_all == []


def test_a_new_function_is_closed_by_default(ask):
    made = ask("""
        SET ROLE sluice_owner;
        CREATE FUNCTION sluice.just_made() RETURNS integer LANGUAGE sql AS 'SELECT 1';
        SELECT has_function_privilege('public', 'sluice.just_made()', 'EXECUTE')""")
    assert made == [(False,)]


def test_every_function_fixes_its_search_path(ask):
    loose = ask("""
        SELECT p.proname::text FROM pg_proc p
         WHERE p.pronamespace = 'sluice'::regnamespace
           AND NOT EXISTS (SELECT FROM unnest(p.proconfig) AS setting WHERE setting LIKE 'search_path=%')
           AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')""")
    assert loose == []


def test_nobody_passes_row_security_and_no_process_owns_a_table(ask):
    assert ask("SELECT rolname::text FROM pg_roles WHERE rolname LIKE 'sluice%' AND (rolbypassrls OR rolsuper)") == []
    owners = {row[0] for row in ask("""
        SELECT DISTINCT pg_get_userbyid(relowner)::text FROM pg_class
         WHERE relnamespace = 'sluice'::regnamespace AND relkind IN ('r', 'p', 'v')""")}
    assert owners == {"sluice_owner"}


def test_every_table_with_a_tenant_has_forced_row_security(ask):
    loose = ask("""
        SELECT c.relname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
         WHERE c.relnamespace = 'sluice'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
           AND NOT (c.relrowsecurity AND c.relforcerowsecurity)""")
    assert loose == []


def test_partitions_are_reached_through_their_table_only(ask):
    # Row security of a parent does not bind who reads a partition by name.
    by_name = ask("""
        SELECT r.rolname::text, c.relname::text FROM pg_class c, pg_roles r
         WHERE c.relnamespace = 'sluice'::regnamespace AND c.relispartition AND c.relkind = 'r' AND r.rolname = 'sluice_api'
           AND has_table_privilege(r.oid, c.oid, 'SELECT, INSERT, UPDATE, DELETE')""")
    assert by_name == []


def test_a_new_partition_takes_over_what_its_table_says_of_statistics(ask):
    ask("SELECT partition_ensure('event', '2099-01-01', '2099-01-02')")
    targets = ask("""
        SELECT a.attstattarget FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
         WHERE c.relnamespace = 'sluice'::regnamespace AND c.relname ~ '^event_2[0-9]{7}$' AND a.attname = 'payload'""")
    assert len(targets) >= 2 and {row[0] for row in targets} == {0}


def test_no_column_of_a_table_that_grows_fast_has_the_default_of_statistics(ask):
    # One such column makes ANALYZE read four times as many rows of its table: 0.1 s of a processor that creates wait for.
    # A computed column of an index counts, too.
    assert ask("""
        SELECT c.relname::text, a.attname::text FROM pg_class t LEFT JOIN pg_index x ON x.indrelid = t.oid AND x.indexprs IS NOT NULL
          JOIN pg_class c ON c.oid IN (t.oid, x.indexrelid) JOIN pg_attribute a ON a.attrelid = c.oid
         WHERE t.relnamespace = 'sluice'::regnamespace
           AND t.relname IN ('reservation', 'reservation_status', 'allocation', 'event', 'audit', 'idempotency')
           AND a.attnum > 0 AND NOT a.attisdropped AND NOT a.attstattarget BETWEEN 0 AND 25
           AND (c.oid = t.oid OR x.indkey[a.attnum - 1] = 0)""") == []


@pytest.mark.parametrize("role", LOGIN_ROLES)
def test_a_table_has_one_writer(ask, role):
    written = {row[0] for row in ask("""
        SELECT c.relname::text FROM pg_class c
         WHERE c.relnamespace = 'sluice'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
           AND (has_table_privilege(%(role)s, c.oid, 'INSERT') OR has_table_privilege(%(role)s, c.oid, 'UPDATE')
                OR has_table_privilege(%(role)s, c.oid, 'DELETE') OR has_table_privilege(%(role)s, c.oid, 'TRUNCATE'))""",
        {"role": role})}
    assert written == WRITERS[role]


def test_a_tenants_connection_sees_nothing_without_a_tenant(ask):
    make = """INSERT INTO tenant (id, name) VALUES
              ('00000000-0000-7000-8000-000000000001', 'acme'), ('00000000-0000-7000-8000-000000000002', 'other')"""
    ask(make)
    assert ask("SELECT name FROM tenant", role="sluice_api") == []
    mine = ask("""SELECT set_config('sluice.tenant', '00000000-0000-7000-8000-000000000001', false);
                  SELECT name FROM tenant""", role="sluice_api")
    assert mine == [("acme",)]


def test_a_tenants_connection_writes_no_foreign_event(ask):
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        ask("""SELECT set_config('sluice.tenant', '00000000-0000-7000-8000-000000000001', false);
               SELECT event_append('00000000-0000-7000-8000-000000000002', NULL, 'reservation_wish',
                                   '00000000-0000-7000-8000-000000000003', 1, 'reservation.created', NULL, '{}')""",
            role="sluice_api")


def test_the_batchers_connection_reads_no_table(ask):
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        ask("SELECT * FROM reservation", role="sluice_api_writer")


def test_the_ledger_and_the_audit_refuse_change(ask):
    ask("""
        INSERT INTO journal (idempotency_key, posted_at, source_type) VALUES ('k', now(), 'test');
        SELECT audit_append('00000000-0000-7000-8000-000000000009', NULL, NULL, 'r', 'unix', 'POST /', NULL, 'ok')""")
    for statement in ("UPDATE journal SET source_type = 'x'", "DELETE FROM journal",
                      "UPDATE audit SET result = 'x'", "DELETE FROM audit"):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            ask(statement)


def test_an_unbalanced_journal_cannot_be_committed(ask):
    with pytest.raises(psycopg2.errors.CheckViolation):
        ask("""
            INSERT INTO account (code, currency, kind) VALUES ('cash', 'USD', 'asset');
            INSERT INTO journal (idempotency_key, posted_at, source_type) VALUES ('k2', now(), 'test');
            INSERT INTO entry (journal_id, seq, account_id, debit_u)
            SELECT j.id, 1, a.id, 5 FROM journal j, account a WHERE j.idempotency_key = 'k2' AND a.code = 'cash'""")


def test_a_charge_by_rule_names_one_of_the_rules(ask):
    line = ("INSERT INTO rated_line (day, tenant_id, reservation_id, period_start, seconds, gpu_milli_seconds, currency, amount_u, list_u, contracted_u,"
            " effective_u, charge_category, reason) SELECT '2026-01-01', id, gen_random_uuid(), '2026-01-01', 0, 0, 'USD', 0, 0, 0, 0, 'adjustment', '{}' FROM tenant")
    ask("INSERT INTO tenant (id, name) VALUES (gen_random_uuid(), 'acme')")
    for rule in ("sla_credit", "cancellation", "early_release", "minimum"):
        ask(line.format(rule))
    with pytest.raises(psycopg2.errors.CheckViolation):
        ask(line.format("minimun"))
