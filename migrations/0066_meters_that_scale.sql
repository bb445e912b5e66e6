-- Meters at scale: what 0052 left to be done without keeping anybody from rated_line; and periods that wait because they cannot be rated.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

ALTER TABLE rated_line VALIDATE CONSTRAINT rated_line_is_of_time_or_of_a_meter;
CREATE INDEX rated_of_meters ON rated_line (tenant_id, period_start) WHERE meter_id IS NOT NULL; -- a tenant's lines of meters are rated without all others

CREATE TABLE unrated_period (
    tenant_id uuid NOT NULL,
    period_start timestamptz NOT NULL,
    day date NOT NULL,
    reason text NOT NULL CHECK (length(reason) <= 600),
    PRIMARY KEY (tenant_id, period_start)
);
COMMENT ON TABLE unrated_period IS 'Billing periods of tenants that could not be rated as a whole, as where what their readings come to fits no amount: rated from the facts at each day''s close until it can be, and open until then. Written by sluice-billing';
COMMENT ON COLUMN unrated_period.tenant_id IS 'Whose';
COMMENT ON COLUMN unrated_period.period_start IS 'The billing period';
COMMENT ON COLUMN unrated_period.day IS 'The day whose close could not rate it last';
COMMENT ON COLUMN unrated_period.reason IS 'Why';
ALTER TABLE unrated_period ENABLE ROW LEVEL SECURITY;
ALTER TABLE unrated_period FORCE ROW LEVEL SECURITY;
CREATE POLICY sluice_api_system ON unrated_period FOR SELECT TO sluice_api_system USING (true);
CREATE POLICY sluice_billing ON unrated_period FOR ALL TO sluice_billing USING (true) WITH CHECK (true);
GRANT SELECT ON unrated_period TO sluice_api_system;
GRANT SELECT, INSERT, UPDATE, DELETE ON unrated_period TO sluice_billing;

CREATE OR REPLACE VIEW usage_waiting WITH (security_invoker = true) AS
SELECT w.tenant_id, w.day, w.reservation_id, w.sku, w.gpu_milli_seconds, w.day::timestamp AT TIME ZONE 'UTC' AS starts_at,
       (w.day + 1)::timestamp AT TIME ZONE 'UTC' AS ends_at
  FROM unpriced_usage w
UNION ALL
SELECT l.tenant_id, l.day, l.reservation_id, l.sku, l.gpu_milli_seconds, l.period_start, l.period_start + interval '1 second' FROM unpriced_late l
UNION ALL
SELECT u.tenant_id, u.day, NULL, u.reason, 0, u.period_start, u.period_start + interval '1 second' FROM unrated_period u;
COMMENT ON VIEW usage_waiting IS 'All that waits to be rated, by the day whose books would have it; a billing period with an instant of [starts_at, ends_at) stays open';
