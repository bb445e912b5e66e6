-- Where the event log grows, ANALYZE passes every few seconds. Two thirds of its time (of 0.8 s for 40,000 events) went into
-- comparing payloads with one another, which no plan asks for: rows are found by cursor or by object.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

ALTER TABLE event ALTER COLUMN payload SET STATISTICS 0;

-- As before, but a new partition takes over what its table says of statistics: PostgreSQL hands that on to the partitions
-- there are, not to those that come.
CREATE OR REPLACE FUNCTION partition_ensure(table_name text, from_at timestamptz, to_at timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = sluice, pg_temp AS $$
DECLARE
    policy partition_policy;
    start_at timestamp;
    made integer := 0;
    partition_name text;
    column_name name;
    target integer;
BEGIN
    SELECT * INTO STRICT policy FROM partition_policy p WHERE p.table_name = partition_ensure.table_name;
    start_at := date_trunc(policy.step, from_at AT TIME ZONE 'UTC');
    WHILE start_at <= to_at AT TIME ZONE 'UTC' LOOP
        partition_name := format('%s_%s', policy.table_name, to_char(start_at, 'YYYYMMDD'));
        IF to_regclass(format('sluice.%I', partition_name)) IS NULL THEN
            EXECUTE format('CREATE TABLE IF NOT EXISTS sluice.%I PARTITION OF sluice.%I FOR VALUES FROM (%L) TO (%L)',
                           partition_name, policy.table_name, start_at AT TIME ZONE 'UTC',
                           (start_at + ('1 ' || policy.step)::interval) AT TIME ZONE 'UTC');
            EXECUTE format('COMMENT ON TABLE sluice.%I IS %L', partition_name,
                           format('Partition of %s from %s', policy.table_name, start_at));
            FOR column_name, target IN
                SELECT a.attname, a.attstattarget FROM pg_attribute a
                 WHERE a.attrelid = format('sluice.%I', policy.table_name)::regclass
                   AND a.attnum > 0 AND NOT a.attisdropped AND a.attstattarget >= 0
            LOOP
                EXECUTE format('ALTER TABLE sluice.%I ALTER COLUMN %I SET STATISTICS %s', partition_name, column_name, target);
            END LOOP;
            made := made + 1;
        END IF;
        start_at := start_at + ('1 ' || policy.step)::interval;
    END LOOP;
    RETURN made;
END $$;
