-- Open days are told of as their close will: with credits, corrections and, of what has no price, how much waits.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

-- Unlogged, and computed anew in a moment: what is there now lacks the columns. The defaults are for the programs of the release before.
DELETE FROM provisional_day;
TRUNCATE provisional_revenue;
ALTER TABLE provisional_revenue
    ADD COLUMN period_start timestamptz NOT NULL DEFAULT 'epoch',
    ADD COLUMN charge_category text NOT NULL DEFAULT 'usage',
    ADD COLUMN unpriced_gpu_milli_seconds bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN provisional_revenue.period_start IS 'Of the billing period that it is of';
COMMENT ON COLUMN provisional_revenue.charge_category IS 'As of rated_line';
COMMENT ON COLUMN provisional_revenue.unpriced_gpu_milli_seconds IS 'Billable milli-GPU-seconds that wait for a price';
GRANT SELECT ON unpriced_usage TO sluice_api_system;

DROP FUNCTION margin_report(text, text, date, date);
DROP FUNCTION margin_facts(date, date);

-- ---- What was earned, and by what it is split ----

CREATE VIEW usage_late WITH (security_invoker = true) AS
SELECT l.rated_with, u.* FROM late_usage l
  JOIN usage_interval u ON u.period_start = l.period_start AND u.instance_id = l.instance_id AND u.seq = l.seq;
COMMENT ON VIEW usage_late IS 'What was delivered on days that were closed when it was metered, with the day whose books have it';
GRANT SELECT ON usage_late TO sluice_api_system, sluice_billing;

CREATE FUNCTION margin_delivered(from_day date, to_day date, only_reservations uuid[] DEFAULT NULL)
RETURNS TABLE (day date, reservation_id uuid, node_id uuid, weight numeric)
LANGUAGE sql STABLE SET search_path = sluice, pg_temp SET work_mem = '64MB'
BEGIN ATOMIC
    WITH open AS (
        SELECT o.day, o.day::timestamp AT TIME ZONE 'UTC' AS starts_at, o.as_of
          FROM provisional_day o WHERE o.day >= from_day AND o.day < to_day
    ), closed AS (
        SELECT u.* FROM usage_interval u
         WHERE only_reservations IS NULL
           AND u.period_start >= from_day::timestamp AT TIME ZONE 'UTC' AND u.period_start < to_day::timestamp AT TIME ZONE 'UTC'
        UNION ALL
        SELECT u.* FROM unnest(only_reservations) AS r (id) JOIN usage_interval u ON u.reservation_id = r.id
         WHERE u.period_start >= from_day::timestamp AT TIME ZONE 'UTC' AND u.period_start < to_day::timestamp AT TIME ZONE 'UTC'
    )
    SELECT (u.period_start AT TIME ZONE 'UTC')::date, u.reservation_id, u.node_id, sum(u.gpu_milli * (date_part('epoch', u.period_end - u.period_start) * 1000000)::bigint)
      FROM closed u
     WHERE u.class IN ('used', 'unused') AND (u.period_start AT TIME ZONE 'UTC')::date NOT IN (SELECT o.day FROM open o)
       AND NOT EXISTS (SELECT FROM late_usage l WHERE l.period_start = u.period_start AND l.instance_id = u.instance_id AND l.seq = u.seq)
     GROUP BY 1, 2, 3
    UNION ALL
    SELECT u.rated_with, u.reservation_id, u.node_id, sum(u.gpu_milli * (date_part('epoch', u.period_end - u.period_start) * 1000000)::bigint)
      FROM usage_late u
     WHERE u.class IN ('used', 'unused') AND u.rated_with >= from_day AND u.rated_with < to_day
       AND (only_reservations IS NULL OR u.reservation_id = ANY (only_reservations))
     GROUP BY 1, 2, 3
    UNION ALL
    SELECT o.day, u.reservation_id, u.node_id,
           sum(u.gpu_milli * (date_part('epoch', least(u.period_end, o.as_of) - greatest(u.period_start, o.starts_at)) * 1000000)::bigint)
      FROM open o JOIN usage_so_far u ON u.period_start < o.as_of AND u.period_end > o.starts_at
     WHERE u.class IN ('used', 'unused') AND (only_reservations IS NULL OR u.reservation_id = ANY (only_reservations))
       AND u.period_start >= (SELECT min(o.starts_at) FROM open o)
     GROUP BY 1, 2, 3;
END;
COMMENT ON FUNCTION margin_delivered IS 'Milli-GPU-microseconds that each node delivered to each reservation, or to some, per day in [from_day, to_day) in whose books they are; sums of whole numbers, which are faster than those of intervals';

CREATE FUNCTION margin_served(of_node uuid, from_day date, to_day date) RETURNS uuid[]
LANGUAGE sql STABLE SET search_path = sluice, pg_temp
BEGIN ATOMIC
    SELECT array_agg(s.reservation_id) FROM (
        SELECT u.reservation_id FROM usage_interval u
         WHERE u.node_id = of_node AND u.period_start >= from_day::timestamp AT TIME ZONE 'UTC'
           AND u.period_start < to_day::timestamp AT TIME ZONE 'UTC'
        UNION
        SELECT u.reservation_id FROM usage_late u WHERE u.node_id = of_node AND u.rated_with >= from_day AND u.rated_with < to_day
        UNION
        SELECT m.reservation_id FROM meter_instance m WHERE m.node_id = of_node AND NOT m.closed) s;
END;
COMMENT ON FUNCTION margin_served IS 'The reservations that a node may have served on days in [from_day, to_day); null: none';

CREATE FUNCTION margin_revenue(from_day date, to_day date)
RETURNS TABLE (day date, tenant_id uuid, reservation_id uuid, currency text, effective_u numeric, billed numeric, unpriced numeric,
               is_provisional boolean)
LANGUAGE sql STABLE SET search_path = sluice, pg_temp
BEGIN ATOMIC
    WITH open AS (
        SELECT o.day, o.generation FROM provisional_day o WHERE o.day >= from_day AND o.day < to_day
    ), found AS (
        SELECT r.day, r.tenant_id, r.reservation_id, r.currency, sum(r.effective_u) AS effective_u,
               coalesce(sum(r.gpu_milli_seconds) FILTER (WHERE r.reservation_id IS NOT NULL), 0) AS billed, 0::numeric AS unpriced,
               false AS is_provisional
          FROM rated_line r WHERE r.day >= from_day AND r.day < to_day AND r.day NOT IN (SELECT o.day FROM open o) GROUP BY 1, 2, 3, 4
        UNION ALL
        SELECT w.day, w.tenant_id, w.reservation_id, t.currency, 0, 0, w.gpu_milli_seconds, false
          FROM unpriced_usage w JOIN tenant t ON t.id = w.tenant_id
         WHERE w.day >= from_day AND w.day < to_day AND w.day NOT IN (SELECT o.day FROM open o)
        UNION ALL
        SELECT p.day, p.tenant_id, p.reservation_id, p.currency, sum(p.effective_u),
               coalesce(sum(p.gpu_milli_seconds) FILTER (WHERE p.reservation_id IS NOT NULL), 0), sum(p.unpriced_gpu_milli_seconds), true
          FROM provisional_revenue p JOIN open o ON o.day = p.day AND o.generation = p.generation GROUP BY 1, 2, 3, 4
    )
    SELECT f.day, f.tenant_id, f.reservation_id, f.currency, sum(f.effective_u), sum(f.billed), sum(f.unpriced), bool_or(f.is_provisional)
      FROM found f GROUP BY 1, 2, 3, 4;
END;
COMMENT ON FUNCTION margin_revenue IS 'Micro-units, and milli-GPU-seconds billed and waiting for a price, per day and reservation, for days in [from_day, to_day). A day with provisional figures has no others, even while its close is under way';

-- ---- Facts ----

CREATE FUNCTION margin_facts(from_day date, to_day date, of_node uuid DEFAULT NULL)
RETURNS TABLE (day date, tenant_id uuid, reservation_id uuid, node_id uuid, currency text, is_idle boolean, revenue_u bigint,
               depreciation_u bigint, power_u bigint, colocation_u bigint, operations_u bigint, network_u bigint, storage_u bigint,
               gpu_milli_seconds bigint, unpriced_gpu_milli_seconds bigint, is_provisional boolean)
LANGUAGE sql STABLE SET search_path = sluice, pg_temp SET work_mem = '64MB'
BEGIN ATOMIC
    WITH open AS (
        SELECT o.day, o.generation FROM provisional_day o WHERE o.day >= from_day AND o.day < to_day
    ), delivered AS (
        SELECT * FROM margin_delivered(from_day, to_day) WHERE of_node IS NULL
        UNION ALL
        SELECT * FROM margin_delivered(from_day, to_day, coalesce(margin_served(of_node, from_day, to_day), '{}')) WHERE of_node IS NOT NULL
    ), part AS (
        SELECT r.day, r.tenant_id, r.reservation_id, d.node_id, r.currency, r.effective_u, r.billed, r.unpriced, r.is_provisional,
               coalesce(d.weight, 1) AS weight,
               sum(coalesce(d.weight, 1)) OVER each_node AS upto, sum(coalesce(d.weight, 1)) OVER whole AS total
          FROM margin_revenue(from_day, to_day) r
          LEFT JOIN delivered d ON d.day = r.day AND d.reservation_id = r.reservation_id
        WINDOW whole AS (PARTITION BY r.day, r.tenant_id, r.reservation_id, r.currency),
               each_node AS (PARTITION BY r.day, r.tenant_id, r.reservation_id, r.currency ORDER BY d.node_id ROWS UNBOUNDED PRECEDING)
    )
    SELECT p.day, p.tenant_id, p.reservation_id, p.node_id, p.currency, false,
           (round(p.effective_u * p.upto / p.total) - round(p.effective_u * (p.upto - p.weight) / p.total))::bigint,
           0::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint,
           (round(p.billed * p.upto / p.total) - round(p.billed * (p.upto - p.weight) / p.total))::bigint,
           (round(p.unpriced * p.upto / p.total) - round(p.unpriced * (p.upto - p.weight) / p.total))::bigint, p.is_provisional
      FROM part p WHERE of_node IS NULL OR p.node_id = of_node
    UNION ALL
    SELECT c.day, c.tenant_id, c.reservation_id, c.node_id, c.currency, c.reservation_id IS NULL, 0::bigint,
           c.depreciation_u, c.power_u, c.colocation_u, c.operations_u, c.network_u, c.storage_u, 0::bigint, 0::bigint, false
      FROM cost_allocation c
     WHERE c.day >= from_day AND c.day < to_day AND c.day NOT IN (SELECT o.day FROM open o)
       AND (of_node IS NULL OR c.node_id = of_node)
    UNION ALL
    SELECT c.day, c.tenant_id, c.reservation_id, c.node_id, c.currency, c.reservation_id IS NULL, 0::bigint,
           c.depreciation_u, c.power_u, c.colocation_u, c.operations_u, c.network_u, c.storage_u, 0::bigint, 0::bigint, true
      FROM provisional_cost c JOIN open o ON o.day = c.day AND o.generation = c.generation
     WHERE of_node IS NULL OR c.node_id = of_node;
END;
COMMENT ON FUNCTION margin_facts IS 'Revenue and each pool of cost per day, reservation and node, for days in [from_day, to_day), with what nobody bore, of all nodes or of one; sums are exact: a reservation''s revenue of a day is split over the nodes that delivered it, by GPU-seconds and by cumulative rounding. Days that are not closed are provisional: as far as they have come. unpriced_gpu_milli_seconds wait for a price and are not in the revenue';

CREATE FUNCTION margin_summary(from_day date, to_day date, by_place boolean)
RETURNS TABLE (day date, tenant_id uuid, reservation_id uuid, rack_id uuid, cohort text, currency text, is_idle boolean, revenue_u bigint,
               depreciation_u bigint, power_u bigint, colocation_u bigint, operations_u bigint, network_u bigint, storage_u bigint,
               gpu_milli_seconds bigint, unpriced_gpu_milli_seconds bigint, is_provisional boolean)
LANGUAGE sql STABLE SET search_path = sluice, pg_temp SET work_mem = '64MB'
BEGIN ATOMIC
    WITH open AS (
        SELECT o.day, o.generation FROM provisional_day o WHERE o.day >= from_day AND o.day < to_day
    ), place AS (
        SELECT n.id AS node_id, n.rack_id, k.cohort FROM node n LEFT JOIN node_cohort k ON k.node_id = n.id
    ), delivered AS (
        SELECT w.day, w.reservation_id, w.rack_id, w.cohort, sum(w.weight) AS weight
          FROM (SELECT c.day, c.reservation_id, c.rack_id, c.cohort, c.target, max(c.gpu_milli_seconds) AS weight -- of any of its currencies
                  FROM cost_summary c
                 WHERE by_place AND c.day >= from_day AND c.day < to_day AND c.reservation_id IS NOT NULL
                   AND c.day NOT IN (SELECT o.day FROM open o)
                 GROUP BY 1, 2, 3, 4, 5
                UNION ALL
                SELECT c.day, c.reservation_id, p.rack_id, p.cohort, c.target, max(c.weight)
                  FROM provisional_cost c JOIN open o ON o.day = c.day AND o.generation = c.generation JOIN place p ON p.node_id = c.node_id
                 WHERE by_place AND c.reservation_id IS NOT NULL GROUP BY c.node_id, 1, 2, 3, 4, 5
                UNION ALL
                SELECT u.rated_with, u.reservation_id, p.rack_id, p.cohort, u.class,
                       u.gpu_milli * date_part('epoch', u.period_end - u.period_start)::bigint
                  FROM usage_late u JOIN place p ON p.node_id = u.node_id
                 WHERE by_place AND u.class IN ('used', 'unused') AND u.rated_with >= from_day AND u.rated_with < to_day) w
         GROUP BY 1, 2, 3, 4 HAVING sum(w.weight) > 0
    ), part AS (
        SELECT r.day, r.tenant_id, r.reservation_id, d.rack_id, d.cohort, r.currency, r.effective_u, r.billed, r.unpriced, r.is_provisional,
               coalesce(d.weight, 1) AS weight,
               sum(coalesce(d.weight, 1)) OVER each_place AS upto, sum(coalesce(d.weight, 1)) OVER whole AS total
          FROM margin_revenue(from_day, to_day) r
          LEFT JOIN delivered d ON d.day = r.day AND d.reservation_id = r.reservation_id
        WINDOW whole AS (PARTITION BY r.day, r.tenant_id, r.reservation_id, r.currency),
               each_place AS (PARTITION BY r.day, r.tenant_id, r.reservation_id, r.currency
                              ORDER BY d.rack_id, d.cohort ROWS UNBOUNDED PRECEDING)
    )
    SELECT p.day, p.tenant_id, p.reservation_id, p.rack_id, p.cohort, p.currency, false,
           (round(p.effective_u * p.upto / p.total) - round(p.effective_u * (p.upto - p.weight) / p.total))::bigint,
           0::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint,
           (round(p.billed * p.upto / p.total) - round(p.billed * (p.upto - p.weight) / p.total))::bigint,
           (round(p.unpriced * p.upto / p.total) - round(p.unpriced * (p.upto - p.weight) / p.total))::bigint, p.is_provisional
      FROM part p
    UNION ALL
    SELECT c.day, c.tenant_id, c.reservation_id, c.rack_id, c.cohort, c.currency, c.reservation_id IS NULL, 0::bigint,
           c.depreciation_u, c.power_u, c.colocation_u, c.operations_u, c.network_u, c.storage_u, 0::bigint, 0::bigint, false
      FROM cost_summary c
     WHERE c.day >= from_day AND c.day < to_day AND c.day NOT IN (SELECT o.day FROM open o)
    UNION ALL
    SELECT c.day, c.tenant_id, c.reservation_id, p.rack_id, p.cohort, c.currency, c.reservation_id IS NULL, 0::bigint,
           c.depreciation_u, c.power_u, c.colocation_u, c.operations_u, c.network_u, c.storage_u, 0::bigint, 0::bigint, true
      FROM provisional_cost c JOIN open o ON o.day = c.day AND o.generation = c.generation JOIN place p ON p.node_id = c.node_id;
END;
COMMENT ON FUNCTION margin_summary IS 'margin_facts by rack and cohort instead of by node: of a closed day those of its close, for revenue as for cost. Revenue is split over them, exactly, where by_place says so, and else has none; nor has what was delivered by nodes without any cost';

-- ---- Reports ----

CREATE FUNCTION margin_report(report_by text, step text, from_day date, to_day date, of_node uuid DEFAULT NULL)
RETURNS TABLE (period_start date, key text, currency text, revenue_u bigint, depreciation_u bigint, power_u bigint, colocation_u bigint,
               operations_u bigint, network_u bigint, storage_u bigint, idle_u bigint, gpu_milli_seconds_billed bigint,
               gpu_milli_seconds_unpriced bigint, is_provisional boolean)
LANGUAGE sql STABLE SET search_path = sluice, pg_temp SET work_mem = '64MB'
BEGIN ATOMIC
    WITH fact AS (
        SELECT f.day, f.tenant_id, f.reservation_id, f.node_id, NULL::uuid AS rack_id, NULL::text AS cohort, f.currency, f.is_idle,
               f.revenue_u, f.depreciation_u, f.power_u, f.colocation_u, f.operations_u, f.network_u, f.storage_u,
               f.gpu_milli_seconds, f.unpriced_gpu_milli_seconds, f.is_provisional
          FROM margin_facts(from_day, to_day, of_node) f WHERE report_by = 'node'
        UNION ALL
        SELECT s.day, s.tenant_id, s.reservation_id, NULL, s.rack_id, s.cohort, s.currency, s.is_idle,
               s.revenue_u, s.depreciation_u, s.power_u, s.colocation_u, s.operations_u, s.network_u, s.storage_u,
               s.gpu_milli_seconds, s.unpriced_gpu_milli_seconds, s.is_provisional
          FROM margin_summary(from_day, to_day, report_by IN ('rack', 'cohort')) s WHERE report_by <> 'node'
    ), keyed AS (
        SELECT date_trunc(step, f.day::timestamp)::date AS period_start,
               CASE report_by
                   WHEN 'tenant' THEN t.name
                   WHEN 'project' THEN t.name || '/' || coalesce(r.project, '-')
                   WHEN 'instance_type' THEN coalesce(i.name, 'shape')
                   WHEN 'node' THEN coalesce(f.node_id::text, 'none')
                   WHEN 'rack' THEN coalesce(fabric.name || '/' || rack.name, 'none')
                   WHEN 'cohort' THEN coalesce(f.cohort, 'none')
                   WHEN 'day' THEN f.day::text
                   WHEN 'reservation' THEN coalesce(f.reservation_id::text, 'none')
               END AS key,
               f.currency, f.is_idle, f.revenue_u, f.depreciation_u, f.power_u, f.colocation_u, f.operations_u, f.network_u, f.storage_u,
               f.gpu_milli_seconds, f.unpriced_gpu_milli_seconds, f.is_provisional
          FROM fact f
          LEFT JOIN tenant t ON t.id = f.tenant_id
          LEFT JOIN reservation r ON r.id = f.reservation_id
          LEFT JOIN instance_type i ON i.id = r.instance_type_id
          LEFT JOIN rack ON rack.id = f.rack_id
          LEFT JOIN fabric ON fabric.id = rack.fabric_id
         WHERE NOT f.is_idle OR report_by IN ('day', 'node', 'rack', 'cohort')
    )
    SELECT k.period_start, k.key AS report_key, k.currency, sum(k.revenue_u)::bigint, sum(k.depreciation_u)::bigint, sum(k.power_u)::bigint,
           sum(k.colocation_u)::bigint, sum(k.operations_u)::bigint, sum(k.network_u)::bigint, sum(k.storage_u)::bigint,
           coalesce(sum(k.depreciation_u + k.power_u + k.colocation_u + k.operations_u + k.network_u + k.storage_u) FILTER (WHERE k.is_idle), 0)::bigint,
           sum(k.gpu_milli_seconds)::bigint, sum(k.unpriced_gpu_milli_seconds)::bigint, bool_or(k.is_provisional)
      FROM keyed k GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
END;
COMMENT ON FUNCTION margin_report IS 'Revenue and costs for days in [from_day, to_day) by tenant, project, instance_type, node, rack, cohort, day or reservation (keys are names, or uuids), per step (day, week, month; null: all at once). Tenants, projects, types and reservations bear what was delivered to them; days, nodes, racks and cohorts bear their idle too. What a provisional day is part of is provisional. Racks and cohorts are those of the day''s close. A report by node may be of one node alone';
GRANT EXECUTE ON FUNCTION margin_delivered, margin_served, margin_revenue, margin_facts, margin_summary, margin_report TO sluice_api_system;
GRANT EXECUTE ON FUNCTION margin_delivered, margin_served, margin_revenue, margin_facts TO sluice_billing;
