-- A commitment is of a total for its term: what a month of it costs follows from it, whatever divides.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

ALTER TABLE commitment NO FORCE ROW LEVEL SECURITY;
ALTER TABLE commitment ADD COLUMN total_minor bigint CHECK (total_minor BETWEEN 0 AND 100000000000000);
UPDATE commitment SET total_minor = fee_minor * months;
ALTER TABLE commitment ALTER COLUMN total_minor SET NOT NULL, DROP COLUMN fee_minor;
ALTER TABLE commitment FORCE ROW LEVEL SECURITY;
COMMENT ON COLUMN commitment.total_minor IS 'Of all fees: for usage months x (gpu_hours x unit_price, rounded once). upfront_bp of it is paid when it begins and spread by time, the rest month by month, both by cumulative rounding';
