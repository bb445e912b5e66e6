-- Days that are not closed yet: what their usage and their costs come to so far, for reports alone. Nothing of it is posted,
-- billed or kept; the close of a day replaces it. Unlogged: after a crash of the database it is computed anew.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

CREATE UNLOGGED TABLE provisional_day (
    day date PRIMARY KEY,
    generation bigint NOT NULL,
    as_of timestamptz NOT NULL
);
COMMENT ON TABLE provisional_day IS 'Each open day of which provisional figures are there; its close deletes the row in the transaction that notes the day. Written by sluice-billing';
COMMENT ON COLUMN provisional_day.day IS 'UTC day';
COMMENT ON COLUMN provisional_day.generation IS 'Which rows are its figures: those of other generations are no longer, or not yet, of any day';
COMMENT ON COLUMN provisional_day.as_of IS 'Domain time up to which the figures are, at most the end of the day';

CREATE UNLOGGED TABLE provisional_revenue (
    generation bigint NOT NULL,
    day date NOT NULL,
    tenant_id uuid NOT NULL,
    reservation_id uuid,
    currency text NOT NULL,
    effective_u bigint NOT NULL,
    gpu_milli_seconds bigint NOT NULL
);
COMMENT ON TABLE provisional_revenue IS 'What a day''s usage so far adds to what was rated, by the function that the close rates with. Written by sluice-billing';
COMMENT ON COLUMN provisional_revenue.generation IS 'See provisional_day';
COMMENT ON COLUMN provisional_revenue.day IS 'UTC day';
COMMENT ON COLUMN provisional_revenue.tenant_id IS 'Whose';
COMMENT ON COLUMN provisional_revenue.reservation_id IS 'Of which reservation; null: of none, as a fee';
COMMENT ON COLUMN provisional_revenue.currency IS 'ISO 4217';
COMMENT ON COLUMN provisional_revenue.effective_u IS 'Micro-units';
COMMENT ON COLUMN provisional_revenue.gpu_milli_seconds IS 'Billable milli-GPU-seconds';

CREATE UNLOGGED TABLE provisional_cost (
    generation bigint NOT NULL,
    node_id uuid NOT NULL,
    day date NOT NULL,
    currency text NOT NULL,
    target text NOT NULL,
    reservation_id uuid,
    tenant_id uuid,
    weight bigint NOT NULL,
    depreciation_u bigint NOT NULL,
    power_u bigint NOT NULL,
    colocation_u bigint NOT NULL,
    operations_u bigint NOT NULL,
    network_u bigint NOT NULL,
    storage_u bigint NOT NULL
);
COMMENT ON TABLE provisional_cost IS 'Where the elapsed part of a node''s day goes, as cost_allocation has it once it is over. Written by sluice-billing';
COMMENT ON COLUMN provisional_cost.generation IS 'See provisional_day';
COMMENT ON COLUMN provisional_cost.node_id IS 'The node';
COMMENT ON COLUMN provisional_cost.day IS 'UTC day';
COMMENT ON COLUMN provisional_cost.currency IS 'ISO 4217';
COMMENT ON COLUMN provisional_cost.target IS 'A reservation''s used or unused time, or an idle cause';
COMMENT ON COLUMN provisional_cost.reservation_id IS 'For used and unused';
COMMENT ON COLUMN provisional_cost.tenant_id IS 'The reservation''s tenant';
COMMENT ON COLUMN provisional_cost.weight IS 'Milli-GPU-seconds';
COMMENT ON COLUMN provisional_cost.depreciation_u IS 'Its part of the amortization, micro-units, as all pools';
COMMENT ON COLUMN provisional_cost.power_u IS 'Of the power';
COMMENT ON COLUMN provisional_cost.colocation_u IS 'Of the colocation';
COMMENT ON COLUMN provisional_cost.operations_u IS 'Of the operations';
COMMENT ON COLUMN provisional_cost.network_u IS 'Of the network';
COMMENT ON COLUMN provisional_cost.storage_u IS 'Of the storage';

-- Whole generations come and go every minute: what is dead must not pile up.
ALTER TABLE provisional_revenue SET (autovacuum_vacuum_scale_factor = 0.5, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE provisional_cost SET (autovacuum_vacuum_scale_factor = 0.5, autovacuum_vacuum_cost_delay = 0);

DO $$
DECLARE
    subject text;
BEGIN
    FOREACH subject IN ARRAY ARRAY['provisional_revenue', 'provisional_cost'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', subject);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', subject);
        EXECUTE format('CREATE POLICY sluice_api_system ON %I FOR SELECT TO sluice_api_system USING (true)', subject);
        EXECUTE format('CREATE POLICY sluice_billing ON %I FOR ALL TO sluice_billing USING (true) WITH CHECK (true)', subject);
    END LOOP;
END $$;
GRANT SELECT ON provisional_day, provisional_revenue, provisional_cost TO sluice_api_system;
GRANT SELECT, INSERT, UPDATE, DELETE ON provisional_day TO sluice_billing;
GRANT SELECT, INSERT, DELETE ON provisional_revenue, provisional_cost TO sluice_billing;

-- ---- Usage so far ----

CREATE VIEW usage_so_far WITH (security_invoker = true) AS
SELECT u.period_start, u.period_end, u.tenant_id, u.reservation_id, u.node_id, u.gpu_milli, u.class FROM usage_interval u
UNION ALL
SELECT m.open_since, coalesce(m.ends_at, 'infinity'), m.tenant_id, m.reservation_id, m.node_id, m.gpu_milli, m.class
  FROM meter_instance m WHERE NOT m.closed;
COMMENT ON VIEW usage_so_far IS 'What was metered, and the open stretch of each instance to the end of its window: what tiling_cut() would write, to be cut off at an instant that is not after the present one';
GRANT SELECT ON usage_so_far TO sluice_api_system, sluice_billing;

-- ---- Reports ----

DROP FUNCTION margin_report(text, text, date, date);
DROP FUNCTION margin_facts(date, date);

-- A reservation's revenue of a day is split over the nodes that delivered it, by GPU-seconds and by cumulative rounding,
-- so that the parts sum exactly. A day with provisional figures has no others, even while its close is under way.
CREATE FUNCTION margin_facts(from_day date, to_day date)
RETURNS TABLE (day date, tenant_id uuid, reservation_id uuid, node_id uuid, currency text, is_idle boolean, revenue_u bigint,
               depreciation_u bigint, power_u bigint, colocation_u bigint, operations_u bigint, network_u bigint, storage_u bigint,
               gpu_milli_seconds bigint, is_provisional boolean)
LANGUAGE sql STABLE SET search_path = sluice, pg_temp
BEGIN ATOMIC
    WITH open AS (
        SELECT o.day, o.generation, o.day::timestamp AT TIME ZONE 'UTC' AS starts_at, o.as_of
          FROM provisional_day o WHERE o.day >= from_day AND o.day < to_day
    ), rated AS (
        SELECT r.day, r.tenant_id, r.reservation_id, r.currency, sum(r.effective_u) AS effective_u,
               coalesce(sum(r.gpu_milli_seconds) FILTER (WHERE r.reservation_id IS NOT NULL), 0) AS billed, false AS is_provisional
          FROM rated_line r WHERE r.day >= from_day AND r.day < to_day AND r.day NOT IN (SELECT o.day FROM open o) GROUP BY 1, 2, 3, 4
        UNION ALL
        SELECT p.day, p.tenant_id, p.reservation_id, p.currency, sum(p.effective_u),
               coalesce(sum(p.gpu_milli_seconds) FILTER (WHERE p.reservation_id IS NOT NULL), 0), true
          FROM provisional_revenue p JOIN open o ON o.day = p.day AND o.generation = p.generation GROUP BY 1, 2, 3, 4
    ), delivered AS (
        SELECT (u.period_start AT TIME ZONE 'UTC')::date AS day, u.reservation_id, u.node_id,
               sum(u.gpu_milli * extract(epoch FROM u.period_end - u.period_start)) AS weight
          FROM usage_interval u
         WHERE u.period_start >= from_day::timestamp AT TIME ZONE 'UTC' AND u.period_start < to_day::timestamp AT TIME ZONE 'UTC'
           AND u.class IN ('used', 'unused') AND (u.period_start AT TIME ZONE 'UTC')::date NOT IN (SELECT o.day FROM open o)
         GROUP BY 1, 2, 3
        UNION ALL
        SELECT o.day, u.reservation_id, u.node_id,
               sum(u.gpu_milli * extract(epoch FROM least(u.period_end, o.as_of) - greatest(u.period_start, o.starts_at)))
          FROM open o JOIN usage_so_far u ON u.period_start < o.as_of AND u.period_end > o.starts_at
         WHERE u.class IN ('used', 'unused')
           AND u.period_start >= (SELECT min(o.starts_at) FROM open o)
         GROUP BY 1, 2, 3
    ), part AS (
        SELECT r.day, r.tenant_id, r.reservation_id, d.node_id, r.currency, r.effective_u, r.billed, r.is_provisional,
               coalesce(d.weight, 1) AS weight,
               sum(coalesce(d.weight, 1)) OVER each_node AS upto, sum(coalesce(d.weight, 1)) OVER whole AS total
          FROM rated r LEFT JOIN delivered d ON d.day = r.day AND d.reservation_id = r.reservation_id
        WINDOW whole AS (PARTITION BY r.day, r.tenant_id, r.reservation_id, r.currency),
               each_node AS (PARTITION BY r.day, r.tenant_id, r.reservation_id, r.currency ORDER BY d.node_id ROWS UNBOUNDED PRECEDING)
    )
    SELECT p.day, p.tenant_id, p.reservation_id, p.node_id, p.currency, false,
           (round(p.effective_u * p.upto / p.total) - round(p.effective_u * (p.upto - p.weight) / p.total))::bigint,
           0::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint,
           (round(p.billed * p.upto / p.total) - round(p.billed * (p.upto - p.weight) / p.total))::bigint, p.is_provisional
      FROM part p
    UNION ALL
    SELECT c.day, c.tenant_id, c.reservation_id, c.node_id, c.currency, c.reservation_id IS NULL, 0::bigint,
           c.depreciation_u, c.power_u, c.colocation_u, c.operations_u, c.network_u, c.storage_u, 0::bigint, false
      FROM cost_allocation c
     WHERE c.day >= from_day AND c.day < to_day AND c.day NOT IN (SELECT o.day FROM open o)
    UNION ALL
    SELECT c.day, c.tenant_id, c.reservation_id, c.node_id, c.currency, c.reservation_id IS NULL, 0::bigint,
           c.depreciation_u, c.power_u, c.colocation_u, c.operations_u, c.network_u, c.storage_u, 0::bigint, true
      FROM provisional_cost c JOIN open o ON o.day = c.day AND o.generation = c.generation;
END;
COMMENT ON FUNCTION margin_facts IS 'Revenue and each pool of cost per day, reservation and node, for days in [from_day, to_day), with what nobody bore; sums are exact. Days that are not closed are provisional: as far as they have come';

CREATE FUNCTION margin_report(report_by text, step text, from_day date, to_day date)
RETURNS TABLE (period_start date, key text, currency text, revenue_u bigint, depreciation_u bigint, power_u bigint, colocation_u bigint,
               operations_u bigint, network_u bigint, storage_u bigint, idle_u bigint, gpu_milli_seconds_billed bigint, is_provisional boolean)
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
               f.gpu_milli_seconds, f.is_provisional
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
           sum(k.gpu_milli_seconds)::bigint, bool_or(k.is_provisional)
      FROM keyed k GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
END;
COMMENT ON FUNCTION margin_report IS 'Revenue and costs for days in [from_day, to_day) by tenant, project, instance_type, node, rack, cohort, day or reservation (keys are names, or uuids), per step (day, week, month; null: all at once). Tenants, projects, types and reservations bear what was delivered to them; days, nodes, racks and cohorts bear their idle too. What a provisional day is part of is provisional';

CREATE OR REPLACE FUNCTION idle_report(from_day date, to_day date)
RETURNS TABLE (cause text, currency text, amount_u bigint, gpu_milli_seconds bigint)
LANGUAGE sql STABLE SET search_path = sluice, pg_temp
BEGIN ATOMIC
    WITH open AS (
        SELECT o.day, o.generation FROM provisional_day o WHERE o.day >= from_day AND o.day < to_day
    ), idle AS (
        SELECT c.target, c.currency, c.amount_u, c.weight FROM cost_allocation c
         WHERE c.day >= from_day AND c.day < to_day AND c.reservation_id IS NULL AND c.day NOT IN (SELECT o.day FROM open o)
        UNION ALL
        SELECT c.target, c.currency, c.depreciation_u + c.power_u + c.colocation_u + c.operations_u + c.network_u + c.storage_u, c.weight
          FROM provisional_cost c JOIN open o ON o.day = c.day AND o.generation = c.generation WHERE c.reservation_id IS NULL
    )
    SELECT i.target, i.currency, sum(i.amount_u)::bigint, sum(i.weight)::bigint FROM idle i GROUP BY 1, 2 ORDER BY 1, 2;
END;
COMMENT ON FUNCTION idle_report IS 'Cost that nobody bore, by cause, for days in [from_day, to_day); of a day that is not closed, as far as it has come';

GRANT EXECUTE ON FUNCTION margin_facts, margin_report TO sluice_api_system;
