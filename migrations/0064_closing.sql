-- A day's close that can be taken up again wherever it broke off: which facts belong to the day is settled when it begins.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

CREATE TABLE billing_cut (
    day date PRIMARY KEY,
    cut_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE billing_cut IS 'Each UTC day whose close has begun: its usage is cut, its readings are counted, what was bought is in the books, and what comes later counts with the next day. Written by sluice-billing';
COMMENT ON COLUMN billing_cut.day IS 'The day';
COMMENT ON COLUMN billing_cut.cut_at IS 'Real time';
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON billing_cut FOR EACH ROW EXECUTE FUNCTION ledger_refuses_change();
GRANT SELECT, INSERT ON billing_cut TO sluice_billing;
