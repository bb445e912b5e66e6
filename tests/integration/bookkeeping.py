"""A database and sluice-billing alone: facts are written as the provisioner would write them, the clock is moved as the
API would move it, and the books are read. For tests of what the money comes to."""
# SPDX-License-Identifier: Apache-2.0

import contextlib
import datetime
import json
import uuid

import psycopg2.extras

from stack import Daemon, Ports, eventually

UTC = datetime.timezone.utc
ZONE = "zone:test"


def instant(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def seconds(text):
    return int(instant(text).timestamp())


class Bookkeeping:
    """One zone, rack and fabric; nodes, tenants, prices and instances by name."""

    def __init__(self, cluster, directory, start="2026-01-01T00:00:00Z", settings=None):
        self.cluster = cluster
        self.database = cluster.create_database(start)
        self.connection = cluster.connect(self.database)
        self.ports = Ports()
        port = self.ports.take()
        environment = {"SLUICE_DATABASE_URL": cluster.url(self.database), "SLUICE_ADMIN_LISTEN": f"127.0.0.1:{port}"}
        environment.update(settings or {})
        self.daemon = Daemon("sluice-billing", directory, environment, port)
        self.revision = {}
        self.instances = {}
        self.zone, self.rack, fabric = (str(uuid.uuid4()) for _ in range(3))
        self.run("INSERT INTO zone (id, name) VALUES (%s, 'z')", self.zone)
        self.run("INSERT INTO fabric (id, zone_id, name) VALUES (%s, %s, 'f')", fabric, self.zone)
        self.run("INSERT INTO rack (id, fabric_id, name) VALUES (%s, %s, 'r')", self.rack, fabric)

    def close(self):
        try:
            self.daemon.stop()
        finally:
            self.connection.close()
            self.ports.release()
            self.cluster.drop_database(self.database)

    # ---- SQL ----

    def run(self, query, *parameters):
        with self.connection.cursor() as cursor:
            cursor.execute(query, parameters)

    def rows(self, query, *parameters):
        with contextlib.closing(self.connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor)) as cursor:
            cursor.execute(query, parameters)
            return [dict(row) for row in cursor.fetchall()]

    def value(self, query, *parameters):
        (row,) = self.rows(query, *parameters)
        (found,) = row.values()
        return found

    # ---- What there is ----

    def tenant(self, name, timezone="UTC", tax_rate_bp=0, currency="USD"):
        made = str(uuid.uuid4())
        self.run("INSERT INTO tenant (id, name, billing_timezone, tax_rate_bp, currency) VALUES (%s, %s, %s, %s, %s)",
                 made, name, timezone, tax_rate_bp, currency)
        return made

    def instance_type(self, name, gpus=8):
        made = str(uuid.uuid4())
        self.run("INSERT INTO instance_type (id, name, gpu_count, gpu_models, cpu_milli, memory_mib)"
                 " VALUES (%s, %s, %s, '{H100}', 1, 1)", made, name, gpus)
        return made

    def price(self, sku, gpu_hour_u, valid_from, valid_until=None, tenant=None, kind="instance_type", currency="USD", **more):
        """more: other columns, such as model, tiers (as JSON), windows, project, minimum_s, corrects."""
        made = str(uuid.uuid4())
        columns = {"id": made, "sku_kind": kind, "sku": sku, "tenant_id": tenant, "currency": currency, "gpu_hour_u": gpu_hour_u, **more}
        self.insert("price", columns, valid=(valid_from, valid_until))
        return made

    def insert(self, table, columns, valid=None):
        """A row; valid: from and until, where the table has a range of that name."""
        names, places = list(columns), ["%s"] * len(columns)
        values = [json.dumps(value) if isinstance(value, list) else value for value in columns.values()]
        if valid is not None:
            names.append("valid")
            places.append("tstzrange(%s, %s)")
            values += valid
        self.run(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join(places)})", *values)

    def commitment(self, tenant, starts_at, ends_at, months, total_minor, **more):
        made = str(uuid.uuid4())
        self.insert("commitment", {"id": made, "tenant_id": tenant, "category": "usage" if "sku" in more else "spend", "currency": "USD",
                                   "starts_at": starts_at, "ends_at": ends_at, "months": months, "total_minor": total_minor,
                                   "payment_model": "no_upfront", "upfront_bp": 0, **more})
        return made

    def node(self, name, gpus=8, cost_minor=None, salvage_minor=0, in_service=None, life_months=60, cohort="c1",
             states=("ready",)):
        """An enrolled node that reported the states at the present instant, with an asset where a cost is given."""
        made = str(uuid.uuid4())
        self.run("INSERT INTO node (id, zone_id, rack_id, name, gpu_model, gpu_count, cpu_milli, memory_mib)"
                 " VALUES (%s, %s, %s, %s, 'H100', %s, 1, 1)", made, self.zone, self.rack, name, gpus)
        if cost_minor is not None:
            self.run("INSERT INTO asset (id, serial, node_id, cohort, currency, cost_minor, salvage_minor, in_service,"
                     " life_months) VALUES (%s, %s, %s, %s, 'USD', %s, %s, %s, %s)", str(uuid.uuid4()), name, made, cohort,
                     cost_minor, salvage_minor, in_service or self.now().date(), life_months)
        for state in states:
            self.node_becomes(made, state)
        return made

    def node_becomes(self, node, state, at=None):
        self._event("node", node, state, {"state": state}, at)

    def reservation(self, tenant, instance_type=None, gpus=8, tier="reserved"):
        made = str(uuid.uuid4())
        self.run("INSERT INTO reservation (id, tenant_id, principal_id, zone_id, instance_type_id, gpu_count, gpu_milli,"
                 " gpu_models, cpu_milli, memory_mib, count, tier) VALUES (%s, %s, %s, %s, %s, %s, 0, '{}', 0, 0, 1, %s)",
                 made, tenant, str(uuid.uuid4()), self.zone, instance_type, gpus, tier)
        return made

    def instance(self, reservation, tenant, node, starts_at, ends_at, gpus=8):
        """Planned at the present instant."""
        made = str(uuid.uuid4())
        ordinal = self.value("SELECT count(*) FROM instance WHERE reservation_id = %s", reservation)
        self.instances[made] = {"reservation_id": reservation, "ordinal": ordinal, "incarnation": 1, "node_id": node,
                                "gpu_milli": gpus * 1000, "starts_at": seconds(starts_at),
                                "ends_at": seconds(ends_at) if ends_at else None, "tenant": tenant}
        self.run("INSERT INTO instance (id, tenant_id, reservation_id, ordinal, zone_id, node_id, state, gpu_milli, cpu_milli,"
                 " memory_mib, starts_at, ends_at) VALUES (%s, %s, %s, %s, %s, %s, 'planned', %s, 0, 0, %s, %s)",
                 made, tenant, reservation, ordinal, self.zone, node, gpus * 1000, starts_at, ends_at)
        self.instance_becomes(made, "planned")
        return made

    def instance_becomes(self, instance, state, at=None, **changes):
        """An event of the instance at an instant, the present one by default; changes: node_id, ends_at."""
        known = self.instances[instance]
        if "ends_at" in changes:
            changes["ends_at"] = seconds(changes["ends_at"])
        known.update(changes)
        payload = {key: value for key, value in known.items() if key != "tenant"}
        self.run("UPDATE instance SET state = %s, node_id = %s, ends_at = to_timestamp(%s) WHERE id = %s",
                 state, known["node_id"], known["ends_at"], instance)
        self._event("instance", instance, state, {**payload, "state": state}, at, known["tenant"])

    def _event(self, object_type, object_id, state, payload, at=None, tenant=None):
        revision = self.revision[object_id] = self.revision.get(object_id, 0) + 1
        self.run("SELECT event_append(%s, %s, %s, %s, %s, %s, NULL, %s, %s), pg_notify('sluice_event', '')",
                 tenant, self.zone, object_type, object_id, revision, f"{object_type}.{state}", json.dumps(payload), at)

    # ---- Time ----

    def now(self):
        return self.value("SELECT sluice_now()")

    def tick(self, to):
        """Moves the clock once and answers for the zones, which have nothing to do here. Returns the tick."""
        tick = self.value("SELECT clock_step(%s)", to)
        self.run("SELECT clock_acknowledge('zone:' || id, %s, NULL) FROM zone", tick)
        return tick

    def step(self, to):
        """The same, and waits for billing."""
        tick = self.tick(to)

        def acknowledged():
            return self.value("SELECT coalesce(max(tick), 0) FROM clock_acknowledgement WHERE component = 'billing'") >= tick

        eventually(acknowledged, f"billing acknowledges tick {tick}:\n{self.daemon.log_tail()}")

    def advance(self, to):
        """Moves the clock through every midnight up to an instant, twice each, as POST /v1/system/clock does."""
        target = instant(to)
        while True:
            now = self.now()
            midnight = datetime.datetime.combine(now.astimezone(UTC).date() + datetime.timedelta(days=1), datetime.time(), UTC)
            upcoming = min(midnight, target)
            self.step(upcoming)
            self.step(upcoming)
            if upcoming >= target:
                return

    # ---- What the books say ----

    def sound(self):
        """Every invariant holds."""
        violated = self.rows("SELECT name, violations FROM billing_check WHERE violations > 0")
        assert violated == [], violated


def delivered(books, tenant, instance_type, node, starts_at, ends_at, **options):
    """A reservation that ran without a hitch for its whole window, which begins now."""
    reservation = books.reservation(tenant, instance_type, **options)
    instance = books.instance(reservation, tenant, node, starts_at, ends_at)
    books.instance_becomes(instance, "running")
    books.advance(ends_at)
    books.instance_becomes(instance, "terminated")
    return reservation


def billed(books, **by):
    """Sums of rated lines by column values, in micro-units."""
    where = " AND ".join(f"{column} IS NOT DISTINCT FROM %s" for column in by) or "true"
    (row,) = books.rows("SELECT coalesce(sum(list_u), 0)::bigint AS list, coalesce(sum(contracted_u), 0)::bigint AS contracted,"
                        " coalesce(sum(effective_u), 0)::bigint AS effective, coalesce(sum(amount_u), 0)::bigint AS billed"
                        f" FROM rated_line WHERE {where}", *by.values())
    return row
