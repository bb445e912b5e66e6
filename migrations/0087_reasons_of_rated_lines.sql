-- oldest_known: 0
-- A charge by rule names one of the rules, as its siblings name their categories. Lines of before were written from the same list (billing/ledger/rated_line.h) and are not
-- read again: a later migration may validate it.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

ALTER TABLE rated_line ADD CONSTRAINT rated_line_reason_check CHECK (reason IN ('sla_credit', 'cancellation', 'early_release', 'minimum')) NOT VALID;
RESET ROLE;
