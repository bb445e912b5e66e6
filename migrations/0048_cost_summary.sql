-- Reports over months of a large fleet: what a closed day cost, by rack and cohort instead of by node. Twelve thousand nodes write
-- sixteen thousand rows of cost_allocation a day and a tenth of that here, and only a report by node needs the former.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

CREATE TABLE cost_summary (
    day date NOT NULL,
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    target text NOT NULL,
    reservation_id uuid,
    tenant_id uuid,
    rack_id uuid NOT NULL,
    cohort text,
    gpu_milli_seconds bigint NOT NULL,
    depreciation_u bigint NOT NULL,
    power_u bigint NOT NULL,
    colocation_u bigint NOT NULL,
    operations_u bigint NOT NULL,
    network_u bigint NOT NULL,
    storage_u bigint NOT NULL
);
COMMENT ON TABLE cost_summary IS 'Sums of cost_allocation of a closed day, by the racks and cohorts that the nodes were of when it closed. Written by sluice-billing with the day''s close, once';
COMMENT ON COLUMN cost_summary.day IS 'UTC day';
COMMENT ON COLUMN cost_summary.currency IS 'ISO 4217';
COMMENT ON COLUMN cost_summary.target IS 'A reservation''s used or unused time, or an idle cause';
COMMENT ON COLUMN cost_summary.reservation_id IS 'For used and unused';
COMMENT ON COLUMN cost_summary.tenant_id IS 'The reservation''s tenant';
COMMENT ON COLUMN cost_summary.rack_id IS 'Where the nodes stood';
COMMENT ON COLUMN cost_summary.cohort IS 'Of the nodes'' most expensive assets; null: of none';
COMMENT ON COLUMN cost_summary.gpu_milli_seconds IS 'Milli-GPU-seconds of the day';
COMMENT ON COLUMN cost_summary.depreciation_u IS 'Amortization, micro-units, as all pools';
COMMENT ON COLUMN cost_summary.power_u IS 'Of the power';
COMMENT ON COLUMN cost_summary.colocation_u IS 'Of the colocation';
COMMENT ON COLUMN cost_summary.operations_u IS 'Of the operations';
COMMENT ON COLUMN cost_summary.network_u IS 'Of the network';
COMMENT ON COLUMN cost_summary.storage_u IS 'Of the storage';
CREATE INDEX cost_summary_by_day ON cost_summary (day);

CREATE FUNCTION cost_summary_write(of_day date) RETURNS void
LANGUAGE sql SET search_path = sluice, pg_temp
BEGIN ATOMIC
    INSERT INTO cost_summary (day, currency, target, reservation_id, tenant_id, rack_id, cohort, gpu_milli_seconds, depreciation_u,
                              power_u, colocation_u, operations_u, network_u, storage_u)
    SELECT c.day, c.currency, c.target, c.reservation_id, c.tenant_id, n.rack_id, k.cohort, sum(c.weight), sum(c.depreciation_u),
           sum(c.power_u), sum(c.colocation_u), sum(c.operations_u), sum(c.network_u), sum(c.storage_u)
      FROM cost_allocation c JOIN node n ON n.id = c.node_id LEFT JOIN node_cohort k ON k.node_id = c.node_id
     WHERE c.day = of_day GROUP BY 1, 2, 3, 4, 5, 6, 7;
END;
COMMENT ON FUNCTION cost_summary_write IS 'Sums up a day whose costs are all written. For the transaction that closes it';

-- The owner is held to the policies too, and has none: so that it can sum up what is there. cohort_result was begun the same way by 0043,
-- which saw no row, so that days closed before that release had no results; they get them here.
ALTER TABLE cost_allocation NO FORCE ROW LEVEL SECURITY;
ALTER TABLE rated_line NO FORCE ROW LEVEL SECURITY;
ALTER TABLE usage_interval NO FORCE ROW LEVEL SECURITY;
ALTER TABLE meter_instance NO FORCE ROW LEVEL SECURITY;
SELECT cost_summary_write(day) FROM billing_day ORDER BY day;
INSERT INTO cohort_result (day, cohort, currency, revenue_u, depreciation_u, cash_u, gpu_milli_seconds)
SELECT f.day, c.cohort, f.currency, sum(f.revenue_u), sum(f.depreciation_u),
       sum(f.power_u + f.colocation_u + f.operations_u + f.network_u + f.storage_u), sum(f.gpu_milli_seconds)
  FROM (SELECT b.day FROM billing_day b WHERE NOT EXISTS (SELECT FROM cohort_result r WHERE r.day = b.day)) missing
 CROSS JOIN LATERAL margin_facts(missing.day, missing.day + 1) f JOIN node_cohort c ON c.node_id = f.node_id
 GROUP BY 1, 2, 3;
ALTER TABLE cost_allocation FORCE ROW LEVEL SECURITY;
ALTER TABLE rated_line FORCE ROW LEVEL SECURITY;
ALTER TABLE usage_interval FORCE ROW LEVEL SECURITY;
ALTER TABLE meter_instance FORCE ROW LEVEL SECURITY;

ALTER TABLE cost_summary ENABLE ROW LEVEL SECURITY;
ALTER TABLE cost_summary FORCE ROW LEVEL SECURITY;
CREATE POLICY sluice_api_system ON cost_summary FOR SELECT TO sluice_api_system USING (true);
CREATE POLICY sluice_billing ON cost_summary FOR ALL TO sluice_billing USING (true) WITH CHECK (true);
GRANT SELECT ON cost_summary TO sluice_api_system;
GRANT SELECT, INSERT ON cost_summary TO sluice_billing;
GRANT EXECUTE ON FUNCTION cost_summary_write TO sluice_billing;

-- ---- What was earned, and by what it is split ----

CREATE FUNCTION margin_revenue(from_day date, to_day date)
RETURNS TABLE (day date, tenant_id uuid, reservation_id uuid, currency text, effective_u numeric, billed numeric, is_provisional boolean)
LANGUAGE sql STABLE SET search_path = sluice, pg_temp
BEGIN ATOMIC
    WITH open AS (
        SELECT o.day, o.generation FROM provisional_day o WHERE o.day >= from_day AND o.day < to_day
    )
    SELECT r.day, r.tenant_id, r.reservation_id, r.currency, sum(r.effective_u),
           coalesce(sum(r.gpu_milli_seconds) FILTER (WHERE r.reservation_id IS NOT NULL), 0), false
      FROM rated_line r WHERE r.day >= from_day AND r.day < to_day AND r.day NOT IN (SELECT o.day FROM open o) GROUP BY 1, 2, 3, 4
    UNION ALL
    SELECT p.day, p.tenant_id, p.reservation_id, p.currency, sum(p.effective_u),
           coalesce(sum(p.gpu_milli_seconds) FILTER (WHERE p.reservation_id IS NOT NULL), 0), true
      FROM provisional_revenue p JOIN open o ON o.day = p.day AND o.generation = p.generation GROUP BY 1, 2, 3, 4;
END;
COMMENT ON FUNCTION margin_revenue IS 'Micro-units and milli-GPU-seconds billed per day and reservation, for days in [from_day, to_day). A day with provisional figures has no others, even while its close is under way';

CREATE FUNCTION margin_delivered(from_day date, to_day date)
RETURNS TABLE (day date, reservation_id uuid, node_id uuid, weight numeric)
LANGUAGE sql STABLE SET search_path = sluice, pg_temp SET work_mem = '64MB'
BEGIN ATOMIC
    WITH open AS (
        SELECT o.day, o.day::timestamp AT TIME ZONE 'UTC' AS starts_at, o.as_of
          FROM provisional_day o WHERE o.day >= from_day AND o.day < to_day
    )
    SELECT (u.period_start AT TIME ZONE 'UTC')::date, u.reservation_id, u.node_id,
           sum(u.gpu_milli * (date_part('epoch', u.period_end - u.period_start) * 1000000)::bigint)
      FROM usage_interval u
     WHERE u.period_start >= from_day::timestamp AT TIME ZONE 'UTC' AND u.period_start < to_day::timestamp AT TIME ZONE 'UTC'
       AND u.class IN ('used', 'unused') AND (u.period_start AT TIME ZONE 'UTC')::date NOT IN (SELECT o.day FROM open o)
     GROUP BY 1, 2, 3
    UNION ALL
    SELECT o.day, u.reservation_id, u.node_id,
           sum(u.gpu_milli * (date_part('epoch', least(u.period_end, o.as_of) - greatest(u.period_start, o.starts_at)) * 1000000)::bigint)
      FROM open o JOIN usage_so_far u ON u.period_start < o.as_of AND u.period_end > o.starts_at
     WHERE u.class IN ('used', 'unused')
       AND u.period_start >= (SELECT min(o.starts_at) FROM open o)
     GROUP BY 1, 2, 3;
END;
COMMENT ON FUNCTION margin_delivered IS 'Milli-GPU-microseconds that each node delivered to each reservation, per day in [from_day, to_day); sums of whole numbers, which are faster than those of intervals';

CREATE FUNCTION margin_delivered_beside(of_node uuid, from_day date, to_day date)
RETURNS TABLE (day date, reservation_id uuid, node_id uuid, weight numeric)
LANGUAGE sql STABLE SET search_path = sluice, pg_temp
BEGIN ATOMIC
    WITH open AS (
        SELECT o.day, o.day::timestamp AT TIME ZONE 'UTC' AS starts_at, o.as_of
          FROM provisional_day o WHERE o.day >= from_day AND o.day < to_day
    ), served AS (
        SELECT DISTINCT u.reservation_id FROM usage_interval u
         WHERE u.node_id = of_node AND u.period_start >= from_day::timestamp AT TIME ZONE 'UTC'
           AND u.period_start < to_day::timestamp AT TIME ZONE 'UTC'
        UNION
        SELECT m.reservation_id FROM meter_instance m WHERE m.node_id = of_node AND NOT m.closed
    )
    SELECT (u.period_start AT TIME ZONE 'UTC')::date, u.reservation_id, u.node_id,
           sum(u.gpu_milli * (date_part('epoch', u.period_end - u.period_start) * 1000000)::bigint)
      FROM served s JOIN usage_interval u ON u.reservation_id = s.reservation_id
     WHERE u.period_start >= from_day::timestamp AT TIME ZONE 'UTC' AND u.period_start < to_day::timestamp AT TIME ZONE 'UTC'
       AND u.class IN ('used', 'unused') AND (u.period_start AT TIME ZONE 'UTC')::date NOT IN (SELECT o.day FROM open o)
     GROUP BY 1, 2, 3
    UNION ALL
    SELECT o.day, u.reservation_id, u.node_id,
           sum(u.gpu_milli * (date_part('epoch', least(u.period_end, o.as_of) - greatest(u.period_start, o.starts_at)) * 1000000)::bigint)
      FROM open o JOIN usage_so_far u ON u.period_start < o.as_of AND u.period_end > o.starts_at
     WHERE u.class IN ('used', 'unused') AND u.reservation_id IN (SELECT s.reservation_id FROM served s)
       AND u.period_start >= (SELECT min(o.starts_at) FROM open o)
     GROUP BY 1, 2, 3;
END;
COMMENT ON FUNCTION margin_delivered_beside IS 'margin_delivered, of the reservations alone that the node served';

-- ---- Facts ----

DROP FUNCTION margin_report(text, text, date, date);
DROP FUNCTION margin_facts(date, date);

CREATE FUNCTION margin_facts(from_day date, to_day date, of_node uuid DEFAULT NULL)
RETURNS TABLE (day date, tenant_id uuid, reservation_id uuid, node_id uuid, currency text, is_idle boolean, revenue_u bigint,
               depreciation_u bigint, power_u bigint, colocation_u bigint, operations_u bigint, network_u bigint, storage_u bigint,
               gpu_milli_seconds bigint, is_provisional boolean)
LANGUAGE sql STABLE SET search_path = sluice, pg_temp SET work_mem = '64MB'
BEGIN ATOMIC
    WITH open AS (
        SELECT o.day, o.generation FROM provisional_day o WHERE o.day >= from_day AND o.day < to_day
    ), delivered AS (
        SELECT * FROM margin_delivered(from_day, to_day) WHERE of_node IS NULL
        UNION ALL
        SELECT * FROM margin_delivered_beside(of_node, from_day, to_day) WHERE of_node IS NOT NULL
    ), part AS (
        SELECT r.day, r.tenant_id, r.reservation_id, d.node_id, r.currency, r.effective_u, r.billed, r.is_provisional,
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
           (round(p.billed * p.upto / p.total) - round(p.billed * (p.upto - p.weight) / p.total))::bigint, p.is_provisional
      FROM part p WHERE of_node IS NULL OR p.node_id = of_node
    UNION ALL
    SELECT c.day, c.tenant_id, c.reservation_id, c.node_id, c.currency, c.reservation_id IS NULL, 0::bigint,
           c.depreciation_u, c.power_u, c.colocation_u, c.operations_u, c.network_u, c.storage_u, 0::bigint, false
      FROM cost_allocation c
     WHERE c.day >= from_day AND c.day < to_day AND c.day NOT IN (SELECT o.day FROM open o)
       AND (of_node IS NULL OR c.node_id = of_node)
    UNION ALL
    SELECT c.day, c.tenant_id, c.reservation_id, c.node_id, c.currency, c.reservation_id IS NULL, 0::bigint,
           c.depreciation_u, c.power_u, c.colocation_u, c.operations_u, c.network_u, c.storage_u, 0::bigint, true
      FROM provisional_cost c JOIN open o ON o.day = c.day AND o.generation = c.generation
     WHERE of_node IS NULL OR c.node_id = of_node;
END;
COMMENT ON FUNCTION margin_facts IS 'Revenue and each pool of cost per day, reservation and node, for days in [from_day, to_day), with what nobody bore, of all nodes or of one; sums are exact: a reservation''s revenue of a day is split over the nodes that delivered it, by GPU-seconds and by cumulative rounding. Days that are not closed are provisional: as far as they have come';

CREATE FUNCTION margin_summary(from_day date, to_day date, by_place boolean)
RETURNS TABLE (day date, tenant_id uuid, reservation_id uuid, rack_id uuid, cohort text, currency text, is_idle boolean, revenue_u bigint,
               depreciation_u bigint, power_u bigint, colocation_u bigint, operations_u bigint, network_u bigint, storage_u bigint,
               gpu_milli_seconds bigint, is_provisional boolean)
LANGUAGE sql STABLE SET search_path = sluice, pg_temp SET work_mem = '64MB'
BEGIN ATOMIC
    WITH open AS (
        SELECT o.day, o.generation FROM provisional_day o WHERE o.day >= from_day AND o.day < to_day
    ), place AS (
        SELECT n.id AS node_id, n.rack_id, k.cohort FROM node n LEFT JOIN node_cohort k ON k.node_id = n.id
    ), delivered AS (
        SELECT d.day, d.reservation_id, p.rack_id, p.cohort, sum(d.weight) AS weight
          FROM margin_delivered(from_day, to_day) d JOIN place p ON p.node_id = d.node_id
         WHERE by_place GROUP BY 1, 2, 3, 4
    ), part AS (
        SELECT r.day, r.tenant_id, r.reservation_id, d.rack_id, d.cohort, r.currency, r.effective_u, r.billed, r.is_provisional,
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
           (round(p.billed * p.upto / p.total) - round(p.billed * (p.upto - p.weight) / p.total))::bigint, p.is_provisional
      FROM part p
    UNION ALL
    SELECT c.day, c.tenant_id, c.reservation_id, c.rack_id, c.cohort, c.currency, c.reservation_id IS NULL, 0::bigint,
           c.depreciation_u, c.power_u, c.colocation_u, c.operations_u, c.network_u, c.storage_u, 0::bigint, false
      FROM cost_summary c
     WHERE c.day >= from_day AND c.day < to_day AND c.day NOT IN (SELECT o.day FROM open o)
    UNION ALL
    SELECT c.day, c.tenant_id, c.reservation_id, p.rack_id, p.cohort, c.currency, c.reservation_id IS NULL, 0::bigint,
           c.depreciation_u, c.power_u, c.colocation_u, c.operations_u, c.network_u, c.storage_u, 0::bigint, true
      FROM provisional_cost c JOIN open o ON o.day = c.day AND o.generation = c.generation JOIN place p ON p.node_id = c.node_id;
END;
COMMENT ON FUNCTION margin_summary IS 'margin_facts by rack and cohort instead of by node; revenue is split over them, exactly, where by_place says so, and else has none';

-- ---- Reports ----

CREATE FUNCTION margin_report(report_by text, step text, from_day date, to_day date, of_node uuid DEFAULT NULL)
RETURNS TABLE (period_start date, key text, currency text, revenue_u bigint, depreciation_u bigint, power_u bigint, colocation_u bigint,
               operations_u bigint, network_u bigint, storage_u bigint, idle_u bigint, gpu_milli_seconds_billed bigint, is_provisional boolean)
LANGUAGE sql STABLE SET search_path = sluice, pg_temp SET work_mem = '64MB'
BEGIN ATOMIC
    WITH fact AS (
        SELECT f.day, f.tenant_id, f.reservation_id, f.node_id, NULL::uuid AS rack_id, NULL::text AS cohort, f.currency, f.is_idle,
               f.revenue_u, f.depreciation_u, f.power_u, f.colocation_u, f.operations_u, f.network_u, f.storage_u,
               f.gpu_milli_seconds, f.is_provisional
          FROM margin_facts(from_day, to_day, of_node) f WHERE report_by = 'node'
        UNION ALL
        SELECT s.day, s.tenant_id, s.reservation_id, NULL, s.rack_id, s.cohort, s.currency, s.is_idle,
               s.revenue_u, s.depreciation_u, s.power_u, s.colocation_u, s.operations_u, s.network_u, s.storage_u,
               s.gpu_milli_seconds, s.is_provisional
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
               f.gpu_milli_seconds, f.is_provisional
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
           sum(k.gpu_milli_seconds)::bigint, bool_or(k.is_provisional)
      FROM keyed k GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
END;
COMMENT ON FUNCTION margin_report IS 'Revenue and costs for days in [from_day, to_day) by tenant, project, instance_type, node, rack, cohort, day or reservation (keys are names, or uuids), per step (day, week, month; null: all at once). Tenants, projects, types and reservations bear what was delivered to them; days, nodes, racks and cohorts bear their idle too. What a provisional day is part of is provisional. Racks and cohorts are those of the day''s close. A report by node may be of one node alone';

CREATE FUNCTION idle_facts(from_day date, to_day date)
RETURNS TABLE (day date, target text, currency text, gpu_milli_seconds bigint, depreciation_u bigint, power_u bigint, colocation_u bigint,
               operations_u bigint, network_u bigint, storage_u bigint)
LANGUAGE sql STABLE SET search_path = sluice, pg_temp
BEGIN ATOMIC
    WITH open AS (
        SELECT o.day, o.generation FROM provisional_day o WHERE o.day >= from_day AND o.day < to_day
    )
    SELECT c.day, c.target, c.currency, c.gpu_milli_seconds, c.depreciation_u, c.power_u, c.colocation_u, c.operations_u, c.network_u, c.storage_u
      FROM cost_summary c
     WHERE c.day >= from_day AND c.day < to_day AND c.reservation_id IS NULL AND c.day NOT IN (SELECT o.day FROM open o)
    UNION ALL
    SELECT c.day, c.target, c.currency, c.weight, c.depreciation_u, c.power_u, c.colocation_u, c.operations_u, c.network_u, c.storage_u
      FROM provisional_cost c JOIN open o ON o.day = c.day AND o.generation = c.generation WHERE c.reservation_id IS NULL;
END;
COMMENT ON FUNCTION idle_facts IS 'What nobody bore, for days in [from_day, to_day), of a day that is not closed as far as it has come';

CREATE OR REPLACE FUNCTION idle_report(from_day date, to_day date)
RETURNS TABLE (cause text, currency text, amount_u bigint, gpu_milli_seconds bigint)
LANGUAGE sql STABLE SET search_path = sluice, pg_temp
BEGIN ATOMIC
    SELECT i.target, i.currency,
           sum(i.depreciation_u + i.power_u + i.colocation_u + i.operations_u + i.network_u + i.storage_u)::bigint,
           sum(i.gpu_milli_seconds)::bigint
      FROM idle_facts(from_day, to_day) i GROUP BY 1, 2 ORDER BY 1, 2;
END;

CREATE OR REPLACE FUNCTION idle_steps(step text, from_day date, to_day date)
RETURNS TABLE (period_start date, cause text, currency text, depreciation_u bigint, power_u bigint, colocation_u bigint,
               operations_u bigint, network_u bigint, storage_u bigint, amount_u bigint, gpu_milli_seconds bigint)
LANGUAGE sql STABLE SET search_path = sluice, pg_temp
BEGIN ATOMIC
    SELECT date_trunc(idle_steps.step, i.day::timestamp)::date, i.target, i.currency, sum(i.depreciation_u)::bigint, sum(i.power_u)::bigint,
           sum(i.colocation_u)::bigint, sum(i.operations_u)::bigint, sum(i.network_u)::bigint, sum(i.storage_u)::bigint,
           sum(i.depreciation_u + i.power_u + i.colocation_u + i.operations_u + i.network_u + i.storage_u)::bigint,
           sum(i.gpu_milli_seconds)::bigint
      FROM idle_facts(from_day, to_day) i GROUP BY 1, 2, 3;
END;

GRANT EXECUTE ON FUNCTION margin_revenue, margin_delivered, margin_delivered_beside, margin_facts, margin_summary, margin_report, idle_facts TO sluice_api_system;
GRANT EXECUTE ON FUNCTION margin_revenue, margin_delivered, margin_delivered_beside, margin_facts TO sluice_billing;

-- ---- Checks ----

CREATE VIEW check_cost_summary WITH (security_invoker = true) AS
SELECT day, currency, s.weight AS summed_weight, a.weight AS weight, s.amount_u AS summed_u, a.amount_u
  FROM (SELECT day, currency, sum(gpu_milli_seconds) AS weight,
               sum(depreciation_u + power_u + colocation_u + operations_u + network_u + storage_u) AS amount_u
          FROM cost_summary GROUP BY 1, 2) s
  FULL JOIN (SELECT c.day, c.currency, sum(c.weight) AS weight, sum(c.amount_u) AS amount_u
               FROM cost_allocation c JOIN billing_day b ON b.day = c.day GROUP BY 1, 2) a USING (day, currency)
 WHERE s.weight IS DISTINCT FROM a.weight OR s.amount_u IS DISTINCT FROM a.amount_u;
COMMENT ON VIEW check_cost_summary IS 'A closed day''s cost whose summary is not the sum of its parts';

CREATE OR REPLACE VIEW billing_check WITH (security_invoker = true) AS
SELECT 'usage_tiles_windows' AS name, (SELECT count(*) FROM check_usage_tiling) AS violations
UNION ALL SELECT 'billed_is_delivered', (SELECT count(*) FROM check_billed_delivered)
UNION ALL SELECT 'journals_balance', (SELECT count(*) FROM check_journal_balance)
UNION ALL SELECT 'attribution_sums', (SELECT count(*) FROM check_attribution)
UNION ALL SELECT 'invoices_add_up', (SELECT count(*) FROM check_invoices)
UNION ALL SELECT 'ledger_agrees', (SELECT count(*) FROM check_ledger)
UNION ALL SELECT 'usage_has_prices', (SELECT count(*) FROM unpriced_usage)
UNION ALL SELECT 'commitments_are_spread', (SELECT count(*) FROM check_commitments)
UNION ALL SELECT 'depreciation_sums', (SELECT count(*) FROM check_depreciation)
UNION ALL SELECT 'register_agrees', (SELECT count(*) FROM check_capex_ledger)
UNION ALL SELECT 'receivable_is_what_is_open', (SELECT count(*) FROM check_settlement)
UNION ALL SELECT 'prepaid_credit_adds_up', (SELECT count(*) FROM check_prepaid)
UNION ALL SELECT 'reversals_mirror', (SELECT count(*) FROM check_reversal)
UNION ALL SELECT 'holds_fit', (SELECT count(*) FROM check_hold)
UNION ALL SELECT 'charges_are_invoiced', (SELECT count(*) FROM check_focus)
UNION ALL SELECT 'summaries_agree', (SELECT count(*) FROM check_cost_summary);

GRANT SELECT ON check_cost_summary TO sluice_api_system;
