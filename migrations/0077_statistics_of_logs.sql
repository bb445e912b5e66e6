-- Six tables grow with every reservation, so ANALYZE passes every quarter of a minute, and each time compared 30,000 rows of each,
-- column by column: 0.5 s of a processor in all, while creates waited for it. A quarter of them says as much about what plans ask
-- of these tables, which is found by key, by cursor or by tenant.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

DO $$
DECLARE
    of record;
BEGIN
    FOR of IN
        SELECT a.attrelid::regclass AS name, a.attname AS column_name
          FROM pg_attribute a
         WHERE a.attrelid IN ('reservation'::regclass, 'reservation_status'::regclass, 'allocation'::regclass,
                              'event'::regclass, 'audit'::regclass, 'idempotency'::regclass)
           AND a.attnum > 0 AND NOT a.attisdropped AND a.attstattarget <> 0
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET STATISTICS 25', of.name, of.column_name);
    END LOOP;
END $$;
RESET ROLE;
