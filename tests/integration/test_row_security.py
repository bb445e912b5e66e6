"""Row-level security in a database that has lived: each login role sees and does what it may, and nothing else."""
# SPDX-License-Identifier: Apache-2.0

import contextlib

import psycopg2
import pytest

WISH = {
    "instance_type": "h100.8x", "zone": "us-east-1a", "count": 1,
    "starts_at": "2026-01-30T00:00:00Z", "ends_at": "2026-01-30T01:00:00Z",
}
# Where each of two tenants has rows of its own after a month.
LIVED_IN = {"tenant", "principal", "token", "reservation", "reservation_status", "instance", "event", "usage_interval", "invoice"}


class Lived:
    """A stack with two tenants who were served and billed."""

    def __init__(self, stack):
        self.stack = stack
        stack.fleet(2)
        for name in ("ours", "theirs"):
            stack.tenant(name, currency="USD").create("/v1/reservations", WISH)
        stack.advance("2026-02-01T01:00:00Z")
        self.ours, self.theirs = (self.superuser("SELECT id::text AS id FROM tenant WHERE name = %s", (name,))[0][0] for name in ("ours", "theirs"))

    def superuser(self, query, parameters=None):
        return self.run("postgres", query, parameters)

    def run(self, role, query, parameters=None, tenant=None):
        with contextlib.closing(self.stack.cluster.connect(self.stack.database, role)) as connection, connection.cursor() as cursor:
            if tenant is not None:
                cursor.execute("SELECT set_config('sluice.tenant', %s, false)", (tenant,))
            cursor.execute(query, parameters)
            return cursor.fetchall() if cursor.description else cursor.rowcount

    def tenant_column(self, table):
        return "id" if table == "tenant" else "tenant_id"

    def readable_tables(self, role):
        """Tables with rows of tenants that the role may read at all."""
        return [row[0] for row in self.superuser("""
            SELECT c.relname::text FROM pg_class c
             WHERE c.relnamespace = 'sluice'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
               AND (c.relname = 'tenant' OR EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id'))
               AND has_any_column_privilege(%s, c.oid, 'SELECT') ORDER BY 1""", (role,))]


@pytest.fixture(scope="module")
def lived(make_module_stack):
    return Lived(make_module_stack(start="2026-01-29T00:00:00Z"))


def test_a_tenant_sees_its_own_rows_only_and_none_without_its_name(lived):
    tables = lived.readable_tables("sluice_api")
    seen = set()
    for table in tables:
        column = lived.tenant_column(table)
        owners = {row[0] for row in lived.run("sluice_api", f"SELECT DISTINCT {column}::text FROM {table}", tenant=lived.ours)}
        assert owners <= {lived.ours, None}, f"{table} shows another tenant's rows"
        everybody = {row[0] for row in lived.superuser(f"SELECT DISTINCT {column}::text FROM {table}")}
        if lived.theirs in everybody:
            assert lived.ours in owners, f"{table} hides its owner's rows"
            seen.add(table)
        nobody = lived.run("sluice_api", f"SELECT count(*) FROM {table} WHERE {column} IS NOT NULL")
        assert nobody == [(0,)], f"{table} shows rows to a connection that names no tenant"
    assert LIVED_IN & set(tables) <= seen and len(seen) >= 5, "both tenants had rows to be hidden"


def test_a_tenants_connection_changes_nothing_of_another(lived):
    cancel = "UPDATE reservation SET cancel_requested_at = now() WHERE tenant_id = %s"
    assert lived.run("sluice_api", cancel, (lived.theirs,), tenant=lived.ours) == 0
    assert lived.run("sluice_api", cancel, (lived.ours,), tenant=lived.ours) == 1
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        lived.run("sluice_api", """
            INSERT INTO idempotency (tenant_id, principal_id, key, request_sha256, object_id)
            VALUES (%s, %s, 'k', sha256('k'), %s)""", (lived.theirs, lived.theirs, lived.theirs), tenant=lived.ours)
    for table in ("reservation_status", "allocation", "invoice", "token", "price", "node"):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            lived.run("sluice_api", f"DELETE FROM {table}", tenant=lived.ours)


def test_no_row_is_written_into_another_tenant(lived):
    """Each table that a tenant's connection may write: a copy of an own row for another tenant, and changes of its rows."""
    writable = lived.superuser("""
        SELECT c.relname::text, has_table_privilege('sluice_api', c.oid, 'INSERT'),
               array(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                       AND has_column_privilege('sluice_api', c.oid, a.attnum, 'UPDATE'))
          FROM pg_class c JOIN pg_attribute t ON t.attrelid = c.oid AND t.attname = 'tenant_id'
         WHERE c.relnamespace = 'sluice'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1""")
    inserted, updated = set(), set()
    for table, may_insert, columns in writable:
        copy = (f"INSERT INTO {table} SELECT (jsonb_populate_record(t, jsonb_build_object('tenant_id', %s::text))).*"
                f" FROM {table} t WHERE tenant_id = %s LIMIT 1")
        if may_insert and lived.superuser(f"SELECT FROM {table} WHERE tenant_id = %s", (lived.ours,)):
            with pytest.raises(psycopg2.errors.InsufficientPrivilege, match="row-level security|permission denied"):
                lived.run("sluice_api", copy, (lived.theirs, lived.ours), tenant=lived.ours)
            inserted.add(table)
        for column in columns:
            change = f"UPDATE {table} SET {column} = {column} WHERE tenant_id = %s"
            assert lived.run("sluice_api", change, (lived.theirs,), tenant=lived.ours) == 0, f"{table}.{column}"
            updated.add(table)
    assert {"principal", "token", "project"} <= inserted and {"reservation", "principal", "token", "project", "ssh_key"} <= updated


def test_the_batchers_role_does_one_thing(lived):
    functions = lived.superuser("""
        SELECT p.proname::text FROM pg_proc p
         WHERE p.pronamespace = 'sluice'::regnamespace AND has_function_privilege('sluice_api_writer', p.oid, 'EXECUTE')
           AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')""")
    assert set(functions) == {("admission_enter",), ("admission_admit",), ("admission_create",), ("sluice_now",)}, "it admits, and may read the clock"
    tables = lived.superuser("""
        SELECT c.relname::text FROM pg_class c
         WHERE c.relnamespace = 'sluice'::regnamespace AND c.relkind IN ('r', 'p', 'v')
           AND (has_any_column_privilege('sluice_api_writer', c.oid, 'SELECT, INSERT, UPDATE, REFERENCES')
                OR has_table_privilege('sluice_api_writer', c.oid, 'DELETE, TRUNCATE, TRIGGER'))""")
    assert tables == [("schema_migration",)], "whose version every program may read"


@pytest.mark.parametrize("role", ["sluice_api_system", "sluice_provisioner", "sluice_billing"])
def test_who_serves_all_tenants_sees_all_of_what_it_may_read(lived, role):
    """A policy that is missing hides rows in silence: a meter that sees no instances bills nothing."""
    for table in lived.readable_tables(role):
        count = f"SELECT count(*) FROM {table}"
        with contextlib.suppress(psycopg2.errors.InsufficientPrivilege):  # some columns only
            assert lived.run(role, count) == lived.superuser(count), f"{role} does not see all of {table}"


def test_no_role_can_become_another(lived):
    for role in ("sluice_api", "sluice_api_system", "sluice_api_writer", "sluice_provisioner", "sluice_billing"):
        for other in ("sluice_owner", "sluice_batch", "sluice_api_system", "postgres"):
            if other == role:
                continue
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                lived.run(role, f"SET ROLE {other}")
