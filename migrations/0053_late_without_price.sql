-- What comes late is never forgotten: usage of closed days that no price covers waits where everybody sees it. And what a credit note or a
-- void gives back goes where it came from.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

-- ---- What came late and waits for a price ----

CREATE TABLE unpriced_late (
    tenant_id uuid NOT NULL,
    period_start timestamptz NOT NULL,
    day date NOT NULL,
    reservation_id uuid NOT NULL,
    sku text NOT NULL,
    gpu_milli_seconds bigint NOT NULL,
    PRIMARY KEY (tenant_id, period_start, day, reservation_id)
);
COMMENT ON TABLE unpriced_late IS 'Usage of closed days and usage corrections with a second that no price covers: left out where its billing period is rated anew, and tried again at each day''s close; its month stays open if it is. Written by sluice-billing';
COMMENT ON COLUMN unpriced_late.tenant_id IS 'Whose';
COMMENT ON COLUMN unpriced_late.period_start IS 'The billing period that it is of';
COMMENT ON COLUMN unpriced_late.day IS 'The day in whose books it would be: whose close rated it first, or on which the correction was made';
COMMENT ON COLUMN unpriced_late.reservation_id IS 'The reservation';
COMMENT ON COLUMN unpriced_late.sku IS 'What has no price: "<kind> <name>, <tier>, <currency>"';
COMMENT ON COLUMN unpriced_late.gpu_milli_seconds IS 'Billable milli-GPU-seconds that wait; negative: to be taken back';
ALTER TABLE unpriced_late ENABLE ROW LEVEL SECURITY;
ALTER TABLE unpriced_late FORCE ROW LEVEL SECURITY;
CREATE POLICY sluice_api_system ON unpriced_late FOR SELECT TO sluice_api_system USING (true);
CREATE POLICY sluice_billing ON unpriced_late FOR ALL TO sluice_billing USING (true) WITH CHECK (true);
GRANT SELECT ON unpriced_late TO sluice_api_system;
GRANT SELECT, INSERT, DELETE ON unpriced_late TO sluice_billing;
GRANT UPDATE (sku, gpu_milli_seconds) ON unpriced_usage TO sluice_billing;

CREATE VIEW usage_waiting WITH (security_invoker = true) AS
SELECT w.tenant_id, w.day, w.reservation_id, w.sku, w.gpu_milli_seconds, w.day::timestamp AT TIME ZONE 'UTC' AS starts_at,
       (w.day + 1)::timestamp AT TIME ZONE 'UTC' AS ends_at
  FROM unpriced_usage w
UNION ALL
SELECT l.tenant_id, l.day, l.reservation_id, l.sku, l.gpu_milli_seconds, l.period_start, l.period_start + interval '1 second' FROM unpriced_late l;
COMMENT ON VIEW usage_waiting IS 'All that waits for a price, by the day whose books would have it; a billing period with an instant of [starts_at, ends_at) stays open';
GRANT SELECT ON usage_waiting TO sluice_api_system, sluice_billing;

-- As it was, with what came late among what waits.
CREATE OR REPLACE FUNCTION margin_revenue(from_day date, to_day date)
RETURNS TABLE (day date, tenant_id uuid, reservation_id uuid, currency text, effective_u numeric, billed numeric, unpriced numeric,
               is_provisional boolean)
LANGUAGE sql STABLE SET search_path = sluice, pg_temp
BEGIN ATOMIC
    WITH open AS (
        SELECT o.day, o.generation FROM provisional_day o WHERE o.day >= from_day AND o.day < to_day
    ), found AS (
        SELECT r.day, r.tenant_id, r.reservation_id, r.currency, sum(r.effective_u) AS effective_u,
               coalesce(sum(r.gpu_milli_seconds) FILTER (WHERE r.reservation_id IS NOT NULL), 0) AS billed, 0::numeric AS unpriced,
               false AS is_provisional
          FROM rated_line r WHERE r.day >= from_day AND r.day < to_day AND r.day NOT IN (SELECT o.day FROM open o) GROUP BY 1, 2, 3, 4
        UNION ALL
        SELECT w.day, w.tenant_id, w.reservation_id, t.currency, 0, 0, w.gpu_milli_seconds, false
          FROM usage_waiting w JOIN tenant t ON t.id = w.tenant_id
         WHERE w.day >= from_day AND w.day < to_day AND w.day NOT IN (SELECT o.day FROM open o)
        UNION ALL
        SELECT p.day, p.tenant_id, p.reservation_id, p.currency, sum(p.effective_u),
               coalesce(sum(p.gpu_milli_seconds) FILTER (WHERE p.reservation_id IS NOT NULL), 0), sum(p.unpriced_gpu_milli_seconds), true
          FROM provisional_revenue p JOIN open o ON o.day = p.day AND o.generation = p.generation GROUP BY 1, 2, 3, 4
    )
    SELECT f.day, f.tenant_id, f.reservation_id, f.currency, sum(f.effective_u), sum(f.billed), sum(f.unpriced), bool_or(f.is_provisional)
      FROM found f GROUP BY 1, 2, 3, 4;
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
            UNION ALL SELECT reservation_id, gpu_milli_seconds FROM usage_waiting) either
     GROUP BY 1
)
SELECT coalesce(d.reservation_id, b.reservation_id) AS reservation_id, d.amount AS delivered_gpu_milli_seconds, b.amount AS billed_gpu_milli_seconds
  FROM delivered d FULL JOIN billed b ON b.reservation_id = d.reservation_id
 WHERE coalesce(d.amount, 0) <> coalesce(b.amount, 0);

-- ---- What settled an invoice ----

COMMENT ON COLUMN settlement.kind IS 'prepaid credit, customer credit, a payment, a credit note, or that the invoice is void. What is taken back of prepaid credit is its grant''s again';
COMMENT ON COLUMN credit_grant_status.expired_u IS 'What was left when it expired, and what came back to it afterwards';

-- A void invoice of less than nothing may leave something open: customer credit that was spent before it became void.
CREATE OR REPLACE VIEW check_settlement WITH (security_invoker = true) AS
WITH booked AS (
    SELECT a.tenant_id, a.currency, sum(e.debit_u - e.credit_u)::bigint AS booked_u
      FROM account a JOIN entry e ON e.account_id = a.id WHERE a.code = 'receivable' GROUP BY 1, 2
), expected AS (
    SELECT tenant_id, currency, sum(open_u)::bigint AS open_u FROM invoice_open GROUP BY 1, 2
)
SELECT coalesce(b.tenant_id, x.tenant_id) AS tenant_id, coalesce(b.currency, x.currency) AS currency, coalesce(b.booked_u, 0) AS booked_u,
       coalesce(x.open_u, 0) AS open_u, 'receivable is not what is open' AS problem
  FROM booked b FULL JOIN expected x ON x.tenant_id = b.tenant_id AND x.currency = b.currency
 WHERE coalesce(b.booked_u, 0) <> coalesce(x.open_u, 0)
UNION ALL
SELECT tenant_id, currency, total_u, open_u, 'settled beyond its total' FROM invoice_open
 WHERE open_u < 0 OR open_u > abs(total_u);

-- ---- A share of every line ----

ALTER TABLE invoice_request
    ADD COLUMN share_numerator integer CHECK (share_numerator > 0),
    ADD COLUMN share_denominator integer CHECK (share_denominator BETWEEN 1 AND 1000000),
    ADD CHECK ((share_numerator IS NULL) = (share_denominator IS NULL) AND share_numerator <= share_denominator),
    ADD CHECK (share_numerator IS NULL OR kind = 'credit');
COMMENT ON COLUMN invoice_request.share_numerator IS 'Of a credit without lines: such a share of every line; null: all that is left of them';
COMMENT ON COLUMN invoice_request.share_denominator IS 'The share''s denominator';
COMMENT ON TABLE invoice_request_line IS 'What of a line is to be credited: by quantity, share or amount. A credit without lines is of the request''s share of every line, or of all that is left';

-- ---- What is not partitioned, and why ----

COMMENT ON TABLE cost_summary IS 'Sums of cost_allocation of a closed day, by the racks and cohorts that the nodes were of when it closed. Written by sluice-billing with the day''s close; of days that a release without it closed, when it takes the lead. Not partitioned, unlike what it sums up: 12,500 nodes leave 1,600 rows a day, 128 MB a year with the index, nothing of it is ever dropped, and reports read it by day';
COMMENT ON TABLE late_usage IS 'Usage intervals of days that were closed when they were metered, as where a window that was over is made longer: the books of those days stay, and the intervals'' billing period is rated anew with an open day. Written by sluice-billing. Not partitioned, unlike usage_interval: one in a thousand of the 100,000 intervals that 12,500 nodes leave a day are 7 MB a year, and it is read by the day that rates them';

-- ---- Checks ----

CREATE OR REPLACE VIEW billing_check WITH (security_invoker = true) AS
SELECT 'usage_tiles_windows' AS name, (SELECT count(*) FROM check_usage_tiling) AS violations
UNION ALL SELECT 'billed_is_delivered', (SELECT count(*) FROM check_billed_delivered)
UNION ALL SELECT 'journals_balance', (SELECT count(*) FROM check_journal_balance)
UNION ALL SELECT 'attribution_sums', (SELECT count(*) FROM check_attribution)
UNION ALL SELECT 'invoices_add_up', (SELECT count(*) FROM check_invoices)
UNION ALL SELECT 'ledger_agrees', (SELECT count(*) FROM check_ledger)
UNION ALL SELECT 'usage_has_prices', (SELECT count(*) FROM usage_waiting)
UNION ALL SELECT 'commitments_are_spread', (SELECT count(*) FROM check_commitments)
UNION ALL SELECT 'depreciation_sums', (SELECT count(*) FROM check_depreciation)
UNION ALL SELECT 'register_agrees', (SELECT count(*) FROM check_capex_ledger)
UNION ALL SELECT 'receivable_is_what_is_open', (SELECT count(*) FROM check_settlement)
UNION ALL SELECT 'prepaid_credit_adds_up', (SELECT count(*) FROM check_prepaid)
UNION ALL SELECT 'reversals_mirror', (SELECT count(*) FROM check_reversal)
UNION ALL SELECT 'holds_fit', (SELECT count(*) FROM check_hold)
UNION ALL SELECT 'charges_are_invoiced', (SELECT count(*) FROM check_focus)
UNION ALL SELECT 'summaries_agree', (SELECT count(*) FROM check_cost_summary)
UNION ALL SELECT 'meters_are_rated', (SELECT count(*) FROM check_meters);
