-- A position of the event log behind which events have expired was read on from as if none were missing. The log knows now up to
-- where that is so, so whoever comes back after too long is told to read the objects anew.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

ALTER TABLE event_generation ADD COLUMN expired_xid xid8 NOT NULL DEFAULT '0';
COMMENT ON COLUMN event_generation.expired_xid IS 'The last transaction of which events have expired; 0: none has. Positions up to it get "reset"';

CREATE FUNCTION event_note_expiry(partition_name text) RETURNS void
LANGUAGE plpgsql SET search_path = sluice, pg_temp AS $$
DECLARE
    last xid8;
BEGIN
    EXECUTE format('SELECT e.xid FROM sluice.%I e ORDER BY e.xid DESC LIMIT 1', partition_name) INTO last;
    UPDATE event_generation SET expired_xid = last WHERE expired_xid < last;
END $$;
COMMENT ON FUNCTION event_note_expiry IS 'Notes up to where the event log will have gaps once this partition of it is dropped';
REVOKE ALL ON FUNCTION event_note_expiry FROM PUBLIC;

-- As before, but what the event log loses is noted.
CREATE OR REPLACE FUNCTION partition_maintain() RETURNS TABLE (table_name text, made integer, dropped integer, rows_in_default boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = sluice, pg_temp AS $$
DECLARE
    policy partition_policy;
    present timestamptz;
    old record;
BEGIN
    FOR policy IN SELECT * FROM partition_policy p ORDER BY p.table_name LOOP
        present := CASE WHEN policy.domain_time THEN sluice_now() ELSE clock_timestamp() END;
        table_name := policy.table_name;
        made := partition_ensure(policy.table_name, present, present + policy.ahead * ('1 ' || policy.step)::interval);
        dropped := 0;
        IF policy.keep IS NOT NULL THEN
            FOR old IN
                SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                 WHERE i.inhparent = format('sluice.%I', policy.table_name)::regclass
                   AND c.relname ~ '_[0-9]{8}$'
                   AND to_timestamp(right(c.relname, 8), 'YYYYMMDD') + ('1 ' || policy.step)::interval < present - policy.keep
            LOOP
                IF policy.table_name = 'event' THEN
                    PERFORM event_note_expiry(old.relname);
                END IF;
                EXECUTE format('DROP TABLE sluice.%I', old.relname);
                dropped := dropped + 1;
            END LOOP;
        END IF;
        EXECUTE format('SELECT EXISTS (SELECT FROM sluice.%I)', policy.table_name || '_default') INTO rows_in_default;
        RETURN NEXT;
    END LOOP;
END $$;
RESET ROLE;
