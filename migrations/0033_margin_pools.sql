-- Margin by all that costs: every pool of a node's day, by more keys, and step by step.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

-- The CLI and the console of before read the API, not these functions: so they may change as a whole.
DROP FUNCTION margin_report(text, date, date);
DROP FUNCTION margin_facts(date, date);

-- A reservation's revenue of a day is split over the nodes that delivered it, by GPU-seconds and by cumulative rounding,
-- so that the parts sum exactly; what no node of that day delivered (usage priced late, a commitment's fee) has no node.
CREATE FUNCTION margin_facts(from_day date, to_day date)
RETURNS TABLE (day date, tenant_id uuid, reservation_id uuid, node_id uuid, currency text, is_idle boolean, revenue_u bigint,
               depreciation_u bigint, power_u bigint, colocation_u bigint, operations_u bigint, network_u bigint, storage_u bigint,
               gpu_milli_seconds bigint)
LANGUAGE sql STABLE SET search_path = sluice, pg_temp
BEGIN ATOMIC
    WITH rated AS (
        SELECT r.day, r.tenant_id, r.reservation_id, r.currency, sum(r.effective_u) AS effective_u,
               coalesce(sum(r.gpu_milli_seconds) FILTER (WHERE r.reservation_id IS NOT NULL), 0) AS billed
          FROM rated_line r WHERE r.day >= from_day AND r.day < to_day GROUP BY 1, 2, 3, 4
    ), delivered AS (
        SELECT (u.period_start AT TIME ZONE 'UTC')::date AS day, u.reservation_id, u.node_id,
               sum(u.gpu_milli * extract(epoch FROM u.period_end - u.period_start)) AS weight
          FROM usage_interval u
         WHERE u.period_start >= from_day::timestamp AT TIME ZONE 'UTC' AND u.period_start < to_day::timestamp AT TIME ZONE 'UTC'
           AND u.class IN ('used', 'unused')
         GROUP BY 1, 2, 3
    ), part AS (
        SELECT r.day, r.tenant_id, r.reservation_id, d.node_id, r.currency, r.effective_u, r.billed,
               coalesce(d.weight, 1) AS weight,
               sum(coalesce(d.weight, 1)) OVER each_node AS upto, sum(coalesce(d.weight, 1)) OVER whole AS total
          FROM rated r LEFT JOIN delivered d ON d.day = r.day AND d.reservation_id = r.reservation_id
        WINDOW whole AS (PARTITION BY r.day, r.tenant_id, r.reservation_id, r.currency),
               each_node AS (PARTITION BY r.day, r.tenant_id, r.reservation_id, r.currency ORDER BY d.node_id ROWS UNBOUNDED PRECEDING)
    )
    SELECT p.day, p.tenant_id, p.reservation_id, p.node_id, p.currency, false,
           (round(p.effective_u * p.upto / p.total) - round(p.effective_u * (p.upto - p.weight) / p.total))::bigint,
           0::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint,
           (round(p.billed * p.upto / p.total) - round(p.billed * (p.upto - p.weight) / p.total))::bigint
      FROM part p
    UNION ALL
    SELECT c.day, c.tenant_id, c.reservation_id, c.node_id, c.currency, c.reservation_id IS NULL, 0::bigint,
           c.depreciation_u, c.power_u, c.colocation_u, c.operations_u, c.network_u, c.storage_u, 0::bigint
      FROM cost_allocation c
     WHERE c.day >= from_day AND c.day < to_day;
END;
COMMENT ON FUNCTION margin_facts IS 'Revenue and each pool of cost per day, reservation and node, for days in [from_day, to_day), with what nobody bore; sums are exact';

CREATE FUNCTION margin_report(report_by text, step text, from_day date, to_day date)
RETURNS TABLE (period_start date, key text, currency text, revenue_u bigint, depreciation_u bigint, power_u bigint, colocation_u bigint,
               operations_u bigint, network_u bigint, storage_u bigint, idle_u bigint, gpu_milli_seconds_billed bigint)
LANGUAGE sql STABLE SET search_path = sluice, pg_temp
BEGIN ATOMIC
    WITH keyed AS (
        SELECT date_trunc(step, f.day::timestamp)::date AS period_start,
               CASE report_by
                   WHEN 'tenant' THEN t.name
                   WHEN 'project' THEN t.name || '/' || coalesce(r.project, '-')
                   WHEN 'instance_type' THEN coalesce(i.name, 'shape')
                   WHEN 'node' THEN coalesce(f.node_id::text, 'none')
                   WHEN 'rack' THEN coalesce(fabric.name || '/' || rack.name, 'none')
                   WHEN 'cohort' THEN coalesce(c.cohort, 'none')
                   WHEN 'day' THEN f.day::text
                   WHEN 'reservation' THEN coalesce(f.reservation_id::text, 'none')
               END AS key,
               f.currency, f.is_idle, f.revenue_u, f.depreciation_u, f.power_u, f.colocation_u, f.operations_u, f.network_u, f.storage_u,
               f.gpu_milli_seconds
          FROM margin_facts(from_day, to_day) f
          LEFT JOIN tenant t ON t.id = f.tenant_id
          LEFT JOIN reservation r ON r.id = f.reservation_id
          LEFT JOIN instance_type i ON i.id = r.instance_type_id
          LEFT JOIN node_cohort c ON c.node_id = f.node_id
          LEFT JOIN node n ON n.id = f.node_id
          LEFT JOIN rack ON rack.id = n.rack_id
          LEFT JOIN fabric ON fabric.id = rack.fabric_id
         WHERE NOT f.is_idle OR report_by IN ('day', 'node', 'rack', 'cohort')
    )
    SELECT k.period_start, k.key AS report_key, k.currency, sum(k.revenue_u)::bigint, sum(k.depreciation_u)::bigint, sum(k.power_u)::bigint,
           sum(k.colocation_u)::bigint, sum(k.operations_u)::bigint, sum(k.network_u)::bigint, sum(k.storage_u)::bigint,
           coalesce(sum(k.depreciation_u + k.power_u + k.colocation_u + k.operations_u + k.network_u + k.storage_u) FILTER (WHERE k.is_idle), 0)::bigint,
           sum(k.gpu_milli_seconds)::bigint
      FROM keyed k GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
END;
COMMENT ON FUNCTION margin_report IS 'Revenue and costs for days in [from_day, to_day) by tenant, project, instance_type, node, rack, cohort, day or reservation (keys are names, or uuids), per step (day, week, month; null: all at once). Tenants, projects, types and reservations bear what was delivered to them; days, nodes, racks and cohorts bear their idle too';

CREATE OR REPLACE FUNCTION idle_report(from_day date, to_day date)
RETURNS TABLE (cause text, currency text, amount_u bigint, gpu_milli_seconds bigint)
LANGUAGE sql STABLE SET search_path = sluice, pg_temp
BEGIN ATOMIC
    SELECT c.target, c.currency, sum(c.amount_u)::bigint, sum(c.weight)::bigint
      FROM cost_allocation c
     WHERE c.day >= from_day AND c.day < to_day AND c.reservation_id IS NULL
     GROUP BY 1, 2 ORDER BY 1, 2;
END;
COMMENT ON FUNCTION idle_report IS 'Cost that nobody bore, by cause, for days in [from_day, to_day)';

GRANT EXECUTE ON FUNCTION margin_facts, margin_report TO sluice_api_system;
