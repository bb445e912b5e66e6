-- What the books say: margin by whatever it is asked by, idle cost by cause, the trial balance; and the checks, views
-- that are empty while every invariant of docs/money.md holds. All run with the reader's rights.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

-- ---- Usage that waits for a price ----

CREATE TABLE unpriced_usage (
    day date NOT NULL,
    reservation_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    sku text NOT NULL,
    gpu_milli_seconds bigint NOT NULL CHECK (gpu_milli_seconds > 0),
    PRIMARY KEY (day, reservation_id)
);
COMMENT ON TABLE unpriced_usage IS 'A reservation''s delivered day with a second that no price covers: not rated, not dropped, tried again at each day''s close; its month stays open. Written by sluice-billing';
COMMENT ON COLUMN unpriced_usage.day IS 'UTC day of the usage';
COMMENT ON COLUMN unpriced_usage.reservation_id IS 'The reservation';
COMMENT ON COLUMN unpriced_usage.tenant_id IS 'Its tenant';
COMMENT ON COLUMN unpriced_usage.sku IS 'What has no price: "<kind> <name>, <tier>, <currency>"';
COMMENT ON COLUMN unpriced_usage.gpu_milli_seconds IS 'Billable milli-GPU-seconds that wait';
ALTER TABLE unpriced_usage ENABLE ROW LEVEL SECURITY;
ALTER TABLE unpriced_usage FORCE ROW LEVEL SECURITY;
CREATE POLICY sluice_api_system ON unpriced_usage FOR SELECT TO sluice_api_system USING (true);
CREATE POLICY sluice_billing ON unpriced_usage FOR ALL TO sluice_billing USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, DELETE ON unpriced_usage TO sluice_billing;
-- What it acknowledged last tells a restarted process how far everybody has come.
GRANT SELECT ON clock_acknowledgement TO sluice_billing;

COMMENT ON COLUMN meter_node.revision IS 'Revision of the last event of the node within the stretch';
CREATE INDEX meter_node_idle ON meter_node (node_id) WHERE cause <> 'unsold';
CREATE INDEX meter_node_open ON meter_node (node_id) WHERE ends_at IS NULL;
CREATE INDEX billing_period_open ON billing_period (ends_at) WHERE status = 'open';

-- ---- The balance of a journal ----

-- A journal's entries come in one statement, so one look per statement proves the balance: a trigger per row costs
-- the square of an invoice's lines.
DROP TRIGGER balanced ON entry;
DROP FUNCTION journal_balances();
CREATE FUNCTION journal_balances() RETURNS trigger LANGUAGE plpgsql SET search_path = sluice, pg_temp AS $$
DECLARE
    wrong bigint;
BEGIN
    SELECT min(e.journal_id) INTO wrong FROM (
        SELECT e.journal_id FROM entry e JOIN account a ON a.id = e.account_id
         WHERE e.journal_id IN (SELECT n.journal_id FROM added n)
         GROUP BY e.journal_id, a.currency HAVING sum(e.debit_u) <> sum(e.credit_u)) e;
    IF wrong IS NOT NULL THEN
        RAISE check_violation USING MESSAGE = format('journal %s does not balance', wrong);
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION journal_balances IS 'Trigger: after each statement, debits equal credits per journal and currency';
GRANT EXECUTE ON FUNCTION journal_balances TO sluice_billing;
CREATE TRIGGER balanced AFTER INSERT ON entry REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION journal_balances();

-- ---- Reports ----

CREATE VIEW trial_balance WITH (security_invoker = true) AS
SELECT a.code, a.kind, a.currency, a.tenant_id, t.name AS tenant,
       coalesce(sum(e.debit_u), 0)::bigint AS debit_u, coalesce(sum(e.credit_u), 0)::bigint AS credit_u
  FROM account a LEFT JOIN entry e ON e.account_id = a.id LEFT JOIN tenant t ON t.id = a.tenant_id
 GROUP BY a.id, t.name;
COMMENT ON VIEW trial_balance IS 'Debits and credits of each account; over all accounts of a currency they are equal';

CREATE VIEW node_cohort WITH (security_invoker = true) AS
SELECT DISTINCT ON (node_id) node_id, cohort FROM asset WHERE node_id IS NOT NULL ORDER BY node_id, cost_minor DESC, serial;
COMMENT ON VIEW node_cohort IS 'The cohort of a node is that of its most expensive asset';

-- A reservation's revenue of a day is split over the nodes that delivered it, by GPU-seconds and by cumulative rounding,
-- so that the parts sum exactly; what no node of that day delivered (usage priced late) has no node.
CREATE FUNCTION margin_facts(from_day date, to_day date)
RETURNS TABLE (day date, tenant_id uuid, reservation_id uuid, node_id uuid, currency text, revenue_u bigint,
               amortization_u bigint, gpu_milli_seconds bigint)
LANGUAGE sql STABLE SET search_path = sluice, pg_temp
BEGIN ATOMIC
    WITH rated AS (
        SELECT r.day, r.tenant_id, r.reservation_id, r.currency, sum(r.amount_u) AS amount_u, sum(r.gpu_milli_seconds) AS billed
          FROM rated_line r WHERE r.day >= from_day AND r.day < to_day GROUP BY 1, 2, 3, 4
    ), delivered AS (
        SELECT (u.period_start AT TIME ZONE 'UTC')::date AS day, u.reservation_id, u.node_id,
               sum(u.gpu_milli * extract(epoch FROM u.period_end - u.period_start)) AS weight
          FROM usage_interval u
         WHERE u.period_start >= from_day::timestamp AT TIME ZONE 'UTC' AND u.period_start < to_day::timestamp AT TIME ZONE 'UTC'
           AND u.class IN ('used', 'unused')
         GROUP BY 1, 2, 3
    ), part AS (
        SELECT r.day, r.tenant_id, r.reservation_id, d.node_id, r.currency, r.amount_u, r.billed,
               coalesce(d.weight, 1) AS weight,
               sum(coalesce(d.weight, 1)) OVER each_node AS upto, sum(coalesce(d.weight, 1)) OVER whole AS total
          FROM rated r LEFT JOIN delivered d ON d.day = r.day AND d.reservation_id = r.reservation_id
        WINDOW whole AS (PARTITION BY r.day, r.reservation_id, r.currency),
               each_node AS (PARTITION BY r.day, r.reservation_id, r.currency ORDER BY d.node_id ROWS UNBOUNDED PRECEDING)
    )
    SELECT p.day, p.tenant_id, p.reservation_id, p.node_id, p.currency,
           (round(p.amount_u * p.upto / p.total) - round(p.amount_u * (p.upto - p.weight) / p.total))::bigint, 0::bigint,
           (round(p.billed * p.upto / p.total) - round(p.billed * (p.upto - p.weight) / p.total))::bigint
      FROM part p
    UNION ALL
    SELECT c.day, c.tenant_id, c.reservation_id, c.node_id, c.currency, 0::bigint, c.amount_u, 0::bigint
      FROM cost_allocation c
     WHERE c.day >= from_day AND c.day < to_day AND c.reservation_id IS NOT NULL;
END;
COMMENT ON FUNCTION margin_facts IS 'Revenue and amortization per day, reservation and node, for days in [from_day, to_day); sums are exact';

CREATE FUNCTION margin_report(report_by text, from_day date, to_day date)
RETURNS TABLE (key text, currency text, revenue_u bigint, amortization_u bigint, margin_u bigint, gpu_milli_seconds_billed bigint)
LANGUAGE sql STABLE SET search_path = sluice, pg_temp
BEGIN ATOMIC
    SELECT CASE report_by
               WHEN 'tenant' THEN t.name
               WHEN 'instance_type' THEN coalesce(i.name, 'shape')
               WHEN 'cohort' THEN coalesce(c.cohort, 'none')
               WHEN 'day' THEN f.day::text
               WHEN 'reservation' THEN f.reservation_id::text
           END AS report_key,
           f.currency, sum(f.revenue_u)::bigint, sum(f.amortization_u)::bigint, sum(f.revenue_u - f.amortization_u)::bigint,
           sum(f.gpu_milli_seconds)::bigint
      FROM margin_facts(from_day, to_day) f
      JOIN tenant t ON t.id = f.tenant_id
      LEFT JOIN reservation r ON r.id = f.reservation_id
      LEFT JOIN instance_type i ON i.id = r.instance_type_id
      LEFT JOIN node_cohort c ON c.node_id = f.node_id
     GROUP BY 1, 2 ORDER BY 1, 2;
END;
COMMENT ON FUNCTION margin_report IS 'Margin for days in [from_day, to_day) by tenant, instance_type, cohort, day or reservation (key is its uuid)';

CREATE FUNCTION idle_report(from_day date, to_day date)
RETURNS TABLE (cause text, currency text, amount_u bigint, gpu_milli_seconds bigint)
LANGUAGE sql STABLE SET search_path = sluice, pg_temp
BEGIN ATOMIC
    SELECT c.target, c.currency, sum(c.amount_u)::bigint, sum(c.weight)::bigint
      FROM cost_allocation c
     WHERE c.day >= from_day AND c.day < to_day AND c.reservation_id IS NULL
     GROUP BY 1, 2 ORDER BY 1, 2;
END;
COMMENT ON FUNCTION idle_report IS 'Amortization that nobody bore, by cause, for days in [from_day, to_day)';

CREATE VIEW economics_by_day WITH (security_invoker = true) AS
SELECT coalesce(r.day, c.day) AS day, coalesce(r.currency, c.currency) AS currency, coalesce(r.revenue_u, 0) AS revenue_u,
       coalesce(c.delivered_u, 0) AS amortization_delivered_u, coalesce(c.idle_u, 0) AS amortization_idle_u
  FROM (SELECT day, currency, sum(amount_u)::bigint AS revenue_u FROM rated_line GROUP BY 1, 2) r
  FULL JOIN (SELECT day, currency, coalesce(sum(amount_u) FILTER (WHERE reservation_id IS NOT NULL), 0)::bigint AS delivered_u,
                    coalesce(sum(amount_u) FILTER (WHERE reservation_id IS NULL), 0)::bigint AS idle_u
               FROM cost_allocation GROUP BY 1, 2) c ON c.day = r.day AND c.currency = r.currency;
COMMENT ON VIEW economics_by_day IS 'Revenue against amortization, delivered and idle, by day';

-- ---- Checks: each row is a violation ----

CREATE VIEW books_closed_until WITH (security_invoker = true) AS
SELECT max(day + 1)::timestamp AT TIME ZONE 'UTC' AS closed_until FROM billing_day;
COMMENT ON VIEW books_closed_until IS 'The instant up to which everything is metered, rated and attributed; null before the first close';

CREATE VIEW check_usage_tiling WITH (security_invoker = true) AS
WITH piece AS (
    SELECT instance_id, period_start, period_end, lag(period_end) OVER (PARTITION BY instance_id ORDER BY period_start, seq) AS previous_end
      FROM usage_interval
), covered AS (
    SELECT instance_id, min(period_start) AS first_start,
           bool_and(previous_end IS NULL OR previous_end = period_start) AS seamless,
           sum(greatest(least(period_end, b.closed_until), period_start) - period_start) AS length
      FROM piece, books_closed_until b GROUP BY instance_id
)
SELECT i.id AS instance_id, i.starts_at, least(i.ends_at, b.closed_until) AS ends_at, c.first_start, c.length, c.seamless
  FROM instance i CROSS JOIN books_closed_until b LEFT JOIN covered c ON c.instance_id = i.id
 WHERE i.starts_at < least(i.ends_at, b.closed_until)
   AND (c.instance_id IS NULL OR NOT c.seamless OR c.first_start <> i.starts_at
        OR c.length <> least(i.ends_at, b.closed_until) - i.starts_at);
COMMENT ON VIEW check_usage_tiling IS 'Instances whose intervals do not tile their window (up to the last close) without gap or overlap';

CREATE VIEW check_billed_delivered WITH (security_invoker = true) AS
WITH delivered AS (
    SELECT u.reservation_id, sum(u.gpu_milli * extract(epoch FROM u.period_end - u.period_start))::bigint AS amount
      FROM usage_interval u JOIN reservation r ON r.id = u.reservation_id, books_closed_until b
     WHERE u.period_end <= b.closed_until AND (u.class = 'used' OR u.class = 'unused' AND r.tier <> 'preemptible')
     GROUP BY 1
), billed AS (
    SELECT reservation_id, sum(amount)::bigint AS amount
      FROM (SELECT reservation_id, gpu_milli_seconds AS amount FROM rated_line
            UNION ALL SELECT reservation_id, gpu_milli_seconds FROM unpriced_usage) either
     GROUP BY 1
)
SELECT coalesce(d.reservation_id, b.reservation_id) AS reservation_id, d.amount AS delivered_gpu_milli_seconds, b.amount AS billed_gpu_milli_seconds
  FROM delivered d FULL JOIN billed b ON b.reservation_id = d.reservation_id
 WHERE d.amount IS DISTINCT FROM b.amount;
COMMENT ON VIEW check_billed_delivered IS 'Reservations whose billed (or held) milli-GPU-seconds are not the delivered ones';

CREATE VIEW check_journal_balance WITH (security_invoker = true) AS
SELECT e.journal_id, a.currency, sum(e.debit_u) AS debit_u, sum(e.credit_u) AS credit_u
  FROM entry e JOIN account a ON a.id = e.account_id
 GROUP BY 1, 2 HAVING sum(e.debit_u) <> sum(e.credit_u);
COMMENT ON VIEW check_journal_balance IS 'Journals whose debits are not their credits';

CREATE VIEW check_attribution WITH (security_invoker = true) AS
SELECT coalesce(n.node_id, c.node_id) AS node_id, coalesce(n.day, c.day) AS day, n.depreciation_u, c.amount_u
  FROM node_cost n
  FULL JOIN (SELECT node_id, day, currency, sum(amount_u)::bigint AS amount_u FROM cost_allocation GROUP BY 1, 2, 3) c
    ON c.node_id = n.node_id AND c.day = n.day AND c.currency = n.currency
 WHERE n.depreciation_u IS DISTINCT FROM c.amount_u;
COMMENT ON VIEW check_attribution IS 'Node-days whose attribution does not sum to their cost';

CREATE VIEW check_invoices WITH (security_invoker = true) AS
SELECT i.series, i.number, 'lines do not sum to the invoice' AS problem
  FROM invoice i JOIN (SELECT invoice_id, sum(net_minor) AS net, sum(tax_shown_minor) AS tax FROM invoice_line GROUP BY 1) l ON l.invoice_id = i.id
 WHERE l.net <> i.net_minor OR l.tax <> i.tax_minor
UNION ALL
SELECT s.series, s.next_number, 'numbers are not gapless'
  FROM invoice_series s LEFT JOIN invoice i ON i.series = s.series
 GROUP BY 1, 2 HAVING count(i.number) <> s.next_number - 1 OR coalesce(max(i.number), 0) <> s.next_number - 1
UNION ALL
SELECT i.series, i.number, 'has no journal'
  FROM invoice i WHERE NOT EXISTS (SELECT FROM journal j WHERE j.idempotency_key = 'invoice:' || i.id);
COMMENT ON VIEW check_invoices IS 'Invoices that do not add up, gaps in a series, invoices outside the books';

CREATE VIEW check_ledger WITH (security_invoker = true) AS
WITH booked AS (
    SELECT code, currency, sum(debit_u - credit_u)::bigint AS balance_u FROM trial_balance GROUP BY 1, 2
), expected AS (
    SELECT 'revenue' AS code, currency, -sum(amount_u)::bigint AS balance_u FROM rated_line GROUP BY 2
    UNION ALL
    SELECT 'cost_of_revenue', currency, sum(depreciation_u)::bigint FROM node_cost GROUP BY 2
    UNION ALL
    SELECT 'unbilled_receivable', currency, sum(amount_u)::bigint FROM (
        SELECT currency, amount_u FROM rated_line
        UNION ALL
        SELECT i.currency, -l.amount_u FROM invoice_line l JOIN invoice i ON i.id = l.invoice_id) open GROUP BY 2
)
SELECT e.code, e.currency, e.balance_u AS expected_u, coalesce(b.balance_u, 0) AS booked_u
  FROM expected e LEFT JOIN booked b ON b.code = e.code AND b.currency = e.currency
 WHERE e.balance_u <> coalesce(b.balance_u, 0);
COMMENT ON VIEW check_ledger IS 'Accounts whose balance is not what rating, invoices and node costs say (outside a running close)';

CREATE VIEW billing_check WITH (security_invoker = true) AS
SELECT 'usage_tiles_windows' AS name, (SELECT count(*) FROM check_usage_tiling) AS violations
UNION ALL SELECT 'billed_is_delivered', (SELECT count(*) FROM check_billed_delivered)
UNION ALL SELECT 'journals_balance', (SELECT count(*) FROM check_journal_balance)
UNION ALL SELECT 'attribution_sums', (SELECT count(*) FROM check_attribution)
UNION ALL SELECT 'invoices_add_up', (SELECT count(*) FROM check_invoices)
UNION ALL SELECT 'ledger_agrees', (SELECT count(*) FROM check_ledger)
UNION ALL SELECT 'usage_has_prices', (SELECT count(*) FROM unpriced_usage);
COMMENT ON VIEW billing_check IS 'Every invariant of the books and how often it is violated: all zero';

GRANT SELECT ON unpriced_usage, trial_balance, node_cohort, economics_by_day, books_closed_until, check_usage_tiling,
    check_billed_delivered, check_journal_balance, check_attribution, check_invoices, check_ledger, billing_check TO sluice_api_system;
GRANT EXECUTE ON FUNCTION margin_facts, margin_report, idle_report TO sluice_api_system;
