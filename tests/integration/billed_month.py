"""A month of many tenants, delivered and rated, whose close is all that is left to do: rows as sluice-billing would have
written them, set-based, so that a hundred thousand reservations take seconds; the same amounts each time. For the
benchmark of the close and for killing it."""
# SPDX-License-Identifier: Apache-2.0

# One instance of 8 GPUs a reservation, two whole days each, at 2.49; every seventh second of quantity makes the cents odd.
STATEMENTS = """
INSERT INTO instance_type (id, name, gpu_count, gpu_models, cpu_milli, memory_mib) VALUES (gen_random_uuid(), 'h100.8x', 8, '{H100}', 1, 1);
INSERT INTO price (id, sku_kind, sku, currency, gpu_hour_u, valid)
VALUES (gen_random_uuid(), 'instance_type', 'h100.8x', 'USD', 2490000, tstzrange('2020-01-01', NULL));
INSERT INTO tenant (id, name, tax_rate_bp) SELECT gen_random_uuid(), 'tenant-' || n, 1900 FROM generate_series(1, %(tenants)s) n;
INSERT INTO reservation (id, tenant_id, principal_id, name, zone_id, instance_type_id, gpu_count, gpu_milli, gpu_models, cpu_milli, memory_mib, count)
SELECT gen_random_uuid(), t.id, gen_random_uuid(), 'train-' || n, z.id, i.id, 8, 0, '{}', 0, 0, 1
  FROM tenant t CROSS JOIN zone z CROSS JOIN instance_type i CROSS JOIN generate_series(1, %(reservations)s) n;
CREATE TEMPORARY TABLE delivered AS
SELECT r.id AS reservation_id, r.tenant_id, gen_random_uuid() AS instance_id, d.day,
       (%(month)s::date + r.number %% 26 + d.day)::timestamp AT TIME ZONE 'UTC' AS starts_at, 86400 - r.number %% 7 AS seconds
  FROM (SELECT r.id, r.tenant_id, (row_number() OVER (ORDER BY t.name, r.name))::integer AS number
          FROM reservation r JOIN tenant t ON t.id = r.tenant_id) r CROSS JOIN generate_series(0, 1) AS d (day);
INSERT INTO usage_interval (period_start, instance_id, seq, period_end, tenant_id, reservation_id, gpu_milli, class)
SELECT starts_at, instance_id, 0, starts_at + seconds * interval '1 second', tenant_id, reservation_id, 8000, 'used' FROM delivered;
INSERT INTO rated_line (day, tenant_id, reservation_id, price_id, period_start, seconds, gpu_milli_seconds, currency, amount_u, list_u, contracted_u, effective_u)
SELECT (d.starts_at AT TIME ZONE 'UTC')::date, d.tenant_id, d.reservation_id, p.id, %(month)s::date::timestamp AT TIME ZONE 'UTC', d.seconds,
       d.seconds * 8000, 'USD', a.u, a.u, a.u, a.u
  FROM delivered d CROSS JOIN price p CROSS JOIN LATERAL (SELECT round(p.gpu_hour_u::numeric * d.seconds * 8000 / 3600000)::bigint AS u) a;
INSERT INTO billing_period (tenant_id, starts_at, ends_at)
SELECT id, %(month)s::date::timestamp AT TIME ZONE 'UTC', (%(month)s::date + interval '1 month') AT TIME ZONE 'UTC' FROM tenant;
INSERT INTO billing_day (day) VALUES (%(closed)s::date);
DROP TABLE delivered;
ANALYZE;
"""


def write_month(cursor, month, closed, tenants, reservations):
    """month: its first day; closed: the last day that is closed; reservations: of each tenant. In sluice's schema, with one zone."""
    cursor.execute(STATEMENTS, {"month": month, "closed": closed, "tenants": tenants, "reservations": reservations})
