-- What the money pages of the console ask for beside what there was: a commitment's amount as it was submitted, and the cost that nobody
-- bore by cause and step.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

ALTER TABLE commitment ADD COLUMN amount_minor bigint CHECK (amount_minor BETWEEN 0 AND 100000000000000);
COMMENT ON COLUMN commitment.amount_minor IS 'Of spend by billing period, as it was submitted: total_minor follows from it. Null: the total was submitted, or it is of usage';

CREATE FUNCTION idle_steps(step text, from_day date, to_day date)
RETURNS TABLE (period_start date, cause text, currency text, depreciation_u bigint, power_u bigint, colocation_u bigint,
               operations_u bigint, network_u bigint, storage_u bigint, amount_u bigint, gpu_milli_seconds bigint)
LANGUAGE sql STABLE SET search_path = sluice, pg_temp
BEGIN ATOMIC
    WITH open AS (
        SELECT o.day, o.generation FROM provisional_day o WHERE o.day >= from_day AND o.day < to_day
    ), idle AS (
        SELECT c.day, c.target, c.currency, c.depreciation_u, c.power_u, c.colocation_u, c.operations_u, c.network_u, c.storage_u, c.weight
          FROM cost_allocation c
         WHERE c.day >= from_day AND c.day < to_day AND c.reservation_id IS NULL AND c.day NOT IN (SELECT o.day FROM open o)
        UNION ALL
        SELECT c.day, c.target, c.currency, c.depreciation_u, c.power_u, c.colocation_u, c.operations_u, c.network_u, c.storage_u, c.weight
          FROM provisional_cost c JOIN open o ON o.day = c.day AND o.generation = c.generation WHERE c.reservation_id IS NULL
    )
    SELECT date_trunc(idle_steps.step, i.day::timestamp)::date, i.target, i.currency, sum(i.depreciation_u)::bigint, sum(i.power_u)::bigint,
           sum(i.colocation_u)::bigint, sum(i.operations_u)::bigint, sum(i.network_u)::bigint, sum(i.storage_u)::bigint,
           sum(i.depreciation_u + i.power_u + i.colocation_u + i.operations_u + i.network_u + i.storage_u)::bigint, sum(i.weight)::bigint
      FROM idle i GROUP BY 1, 2, 3;
END;
COMMENT ON FUNCTION idle_steps IS 'Cost that nobody bore, by cause and step (day, week, month), for days in [from_day, to_day): idle_report over time. Of a day that is not closed, as far as it has come';
GRANT EXECUTE ON FUNCTION idle_steps TO sluice_api_system;
