-- Facts that come after their day was closed: usage intervals are noted as such, rated with the first day that was open then, and held
-- against what was rated only from there.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

CREATE TABLE late_usage (
    period_start timestamptz NOT NULL,
    instance_id uuid NOT NULL,
    seq integer NOT NULL,
    period_end timestamptz NOT NULL,
    tenant_id uuid NOT NULL,
    rated_with date NOT NULL,
    PRIMARY KEY (period_start, instance_id, seq)
);
COMMENT ON TABLE late_usage IS 'Usage intervals of days that were closed when they were metered, as where a window that was over is made longer: the books of those days stay, and the intervals'' billing period is rated anew with an open day. Written by sluice-billing';
COMMENT ON COLUMN late_usage.period_start IS 'The interval, as in usage_interval: inclusive';
COMMENT ON COLUMN late_usage.instance_id IS 'Its instance';
COMMENT ON COLUMN late_usage.seq IS 'Its number';
COMMENT ON COLUMN late_usage.period_end IS 'Exclusive';
COMMENT ON COLUMN late_usage.tenant_id IS 'Whose';
COMMENT ON COLUMN late_usage.rated_with IS 'The first day that was open then: its close rates the interval';
CREATE INDEX late_usage_by_day ON late_usage (rated_with);
CREATE INDEX late_usage_of_tenant ON late_usage (tenant_id, period_start);
ALTER TABLE late_usage ENABLE ROW LEVEL SECURITY;
ALTER TABLE late_usage FORCE ROW LEVEL SECURITY;
CREATE POLICY sluice_api_system ON late_usage FOR SELECT TO sluice_api_system USING (true);
CREATE POLICY sluice_billing ON late_usage FOR ALL TO sluice_billing USING (true) WITH CHECK (true);
GRANT SELECT ON late_usage TO sluice_api_system;
GRANT SELECT, INSERT ON late_usage TO sluice_billing;
-- Each day's close looks for prices that came lately.
CREATE INDEX price_by_time ON price (created_at);

CREATE VIEW usage_rated WITH (security_invoker = true) AS
SELECT u.* FROM usage_interval u
 WHERE NOT EXISTS (SELECT FROM late_usage l
                    WHERE l.period_start = u.period_start AND l.instance_id = u.instance_id AND l.seq = u.seq
                      AND l.rated_with > (SELECT coalesce(max(day), '-infinity') FROM billing_day));
COMMENT ON VIEW usage_rated IS 'Usage intervals but those that came late and wait for the close of an open day';
GRANT SELECT ON usage_rated TO sluice_api_system, sluice_billing;

CREATE OR REPLACE FUNCTION delivered_and_rated(tenant uuid, starts timestamptz, ends timestamptz)
RETURNS TABLE (delivered bigint, rated bigint)
LANGUAGE sql STABLE SET search_path = sluice, pg_temp
BEGIN ATOMIC
    SELECT (coalesce((SELECT sum(u.gpu_milli * extract(epoch FROM least(u.period_end, ends) - greatest(u.period_start, starts))::bigint)
                        FROM usage_rated u JOIN reservation r ON r.id = u.reservation_id
                       WHERE u.tenant_id = tenant AND u.period_start < ends AND u.period_start > starts - interval '86400 s'
                         AND u.period_end > starts AND (u.class = 'used' OR u.class = 'unused' AND r.tier <> 'preemptible')), 0)
            + coalesce((SELECT sum(c.gpu_milli * extract(epoch FROM least(c.ends_at, ends) - greatest(c.starts_at, starts))::bigint)
                          FROM usage_correction c
                         WHERE c.tenant_id = tenant AND c.starts_at < ends AND c.ends_at > starts AND c.created_at < b.closed_until), 0))::bigint,
           coalesce((SELECT sum(l.gpu_milli_seconds) FROM rated_line l
                      WHERE l.tenant_id = tenant AND l.charge_category = 'usage' AND l.reservation_id IS NOT NULL
                        AND (l.period_start = starts AND l.corrects IS NULL OR l.corrects = starts)), 0)::bigint
      FROM (SELECT coalesce(max(day + 1)::timestamp AT TIME ZONE 'UTC', '-infinity') AS closed_until FROM billing_day) b;
END;

CREATE OR REPLACE VIEW check_billed_delivered WITH (security_invoker = true) AS
WITH delivered AS (
    SELECT reservation_id, sum(amount)::bigint AS amount
      FROM (SELECT u.reservation_id, u.gpu_milli * extract(epoch FROM u.period_end - u.period_start)::bigint AS amount
              FROM usage_rated u JOIN reservation r ON r.id = u.reservation_id, books_closed_until b
             WHERE u.period_end <= b.closed_until AND (u.class = 'used' OR u.class = 'unused' AND r.tier <> 'preemptible')
            UNION ALL
            SELECT c.reservation_id, c.gpu_milli * extract(epoch FROM c.ends_at - c.starts_at)::bigint
              FROM usage_correction c, books_closed_until b WHERE c.created_at < b.closed_until) either
     GROUP BY 1
), billed AS (
    SELECT reservation_id, sum(amount)::bigint AS amount
      FROM (SELECT reservation_id, gpu_milli_seconds AS amount FROM rated_line
             WHERE charge_category = 'usage' AND reservation_id IS NOT NULL
            UNION ALL SELECT reservation_id, gpu_milli_seconds FROM unpriced_usage) either
     GROUP BY 1
)
SELECT coalesce(d.reservation_id, b.reservation_id) AS reservation_id, d.amount AS delivered_gpu_milli_seconds, b.amount AS billed_gpu_milli_seconds
  FROM delivered d FULL JOIN billed b ON b.reservation_id = d.reservation_id
 WHERE coalesce(d.amount, 0) <> coalesce(b.amount, 0);
