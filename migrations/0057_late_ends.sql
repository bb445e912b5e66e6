-- An end that came to be known after its day was closed is noted as what comes late: minimum durations depend on it.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

COMMENT ON COLUMN late_usage.period_start IS 'The interval, as in usage_interval: inclusive; of an end the second before it';
COMMENT ON COLUMN late_usage.seq IS 'Its number; -1: no interval, but that the instance ended with the last day that was closed then';
