-- Which programs may run upon a schema, the schema says itself. Till now a program took one that was one ahead of its own at most: a
-- release of ten migrations left the programs of before down, had they to start between it and their successors.
SET LOCAL ROLE sluice_owner;

ALTER TABLE sluice.schema_migration ADD COLUMN oldest_known integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN sluice.schema_migration.oldest_known IS
    'A program must know this schema at least to run upon what the file made; 0: whatever ran before goes on. From the file''s line "-- oldest_known: N"';
