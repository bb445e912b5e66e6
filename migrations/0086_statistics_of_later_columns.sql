-- 0077 lowered what ANALYZE compares of the tables that grow with every reservation. Columns that came later (0084) and a column of an index that is
-- computed have the default, and the greatest of a table decides how many of its rows are read: four times as many again, 0.1 s of a processor every
-- quarter of a minute, while creates waited for it.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

ALTER TABLE reservation_status
    ALTER COLUMN wished_starts_at SET STATISTICS 25,
    ALTER COLUMN wished_ends_at SET STATISTICS 25,
    ALTER COLUMN wished_duration_s SET STATISTICS 25,
    ALTER COLUMN wished_start_from SET STATISTICS 25,
    ALTER COLUMN wished_start_to SET STATISTICS 25;
ALTER INDEX allocation_ended ALTER COLUMN 2 SET STATISTICS 25;
RESET ROLE;
