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
    storage_u bigint NOT NULL,
    UNIQUE NULLS NOT DISTINCT (day, currency, target, reservation_id, rack_id, cohort)
);
COMMENT ON TABLE cost_summary IS 'Sums of cost_allocation of a closed day, by the racks and cohorts that the nodes were of when it closed. Written by sluice-billing with the day''s close; of days that a release without it closed, when it takes the lead';
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

ALTER TABLE cost_summary ENABLE ROW LEVEL SECURITY;
ALTER TABLE cost_summary FORCE ROW LEVEL SECURITY;
CREATE POLICY sluice_api_system ON cost_summary FOR SELECT TO sluice_api_system USING (true);
CREATE POLICY sluice_billing ON cost_summary FOR ALL TO sluice_billing USING (true) WITH CHECK (true);
GRANT SELECT ON cost_summary TO sluice_api_system;
GRANT SELECT, INSERT ON cost_summary TO sluice_billing;
GRANT EXECUTE ON FUNCTION cost_summary_write TO sluice_billing;

-- ---- Idle ----

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

GRANT EXECUTE ON FUNCTION idle_facts TO sluice_api_system;

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
