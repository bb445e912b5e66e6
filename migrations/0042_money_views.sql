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
    SELECT date_trunc(idle_steps.step, c.day::timestamp)::date, c.target, c.currency, sum(c.depreciation_u)::bigint, sum(c.power_u)::bigint,
           sum(c.colocation_u)::bigint, sum(c.operations_u)::bigint, sum(c.network_u)::bigint, sum(c.storage_u)::bigint,
           sum(c.amount_u)::bigint, sum(c.weight)::bigint
      FROM cost_allocation c
     WHERE c.day >= from_day AND c.day < to_day AND c.reservation_id IS NULL
     GROUP BY 1, 2, 3;
END;
COMMENT ON FUNCTION idle_steps IS 'Cost that nobody bore, by cause and step (day, week, month), for days in [from_day, to_day): idle_report over time';
GRANT EXECUTE ON FUNCTION idle_steps TO sluice_api_system;
