-- What fits no amount is its own reservation's fault and stops nobody: its days wait as those without a price do, with the reason. And what is
-- told of a tenant whose sums fit no number is the most that can be told.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

ALTER TABLE unpriced_usage ADD COLUMN reason text;
ALTER TABLE unpriced_usage ADD CONSTRAINT unpriced_usage_reason_check CHECK (length(reason) <= 600) NOT VALID;
COMMENT ON TABLE unpriced_usage IS 'A reservation''s delivered day with a second that no price covers, or with an amount that fits no number: not rated, not dropped, tried again at each day''s close; its month stays open. Written by sluice-billing';
COMMENT ON COLUMN unpriced_usage.sku IS 'What cannot be rated: "<kind> <name>, <tier>, <currency>"';
COMMENT ON COLUMN unpriced_usage.reason IS 'Why it fits no number; null: it has no price';
GRANT UPDATE (reason) ON unpriced_usage TO sluice_billing;

CREATE OR REPLACE VIEW usage_waiting WITH (security_invoker = true) AS
SELECT w.tenant_id, w.day, w.reservation_id, w.sku, w.gpu_milli_seconds, w.day::timestamp AT TIME ZONE 'UTC' AS starts_at,
       (w.day + 1)::timestamp AT TIME ZONE 'UTC' AS ends_at, w.reason
  FROM unpriced_usage w
UNION ALL
SELECT l.tenant_id, l.day, l.reservation_id, l.sku, l.gpu_milli_seconds, l.period_start, l.period_start + interval '1 second', NULL FROM unpriced_late l
UNION ALL
SELECT u.tenant_id, u.day, NULL, u.reason, 0, u.period_start, u.period_start + interval '1 second', u.reason FROM unrated_period u;

-- Compared before they are made to fit.
CREATE OR REPLACE VIEW check_ledger WITH (security_invoker = true) AS
WITH booked AS (
    SELECT a.code, a.currency, sum(e.debit_u - e.credit_u) AS balance_u
      FROM entry e JOIN journal j ON j.id = e.journal_id JOIN account a ON a.id = e.account_id
     WHERE j.source_type NOT IN ('grant', 'breakage', 'drawdown', 'credit_note') GROUP BY 1, 2
), expected AS (
    SELECT 'revenue' AS code, currency, -sum(effective_u) AS balance_u FROM rated_line GROUP BY 2
    UNION ALL
    SELECT 'deferred_revenue', currency, sum(effective_u::numeric - amount_u) FROM rated_line GROUP BY 2
    UNION ALL
    SELECT 'unbilled_receivable', currency, sum(amount_u) FROM (
        SELECT currency, amount_u FROM rated_line
        UNION ALL
        SELECT i.currency, -l.amount_u FROM invoice_line l JOIN invoice i ON i.id = l.invoice_id WHERE i.status = 'issued') open GROUP BY 2
)
SELECT e.code, e.currency, greatest(least(e.balance_u, 9223372036854775807), -9223372036854775807)::bigint AS expected_u,
       greatest(least(coalesce(b.balance_u, 0), 9223372036854775807), -9223372036854775807)::bigint AS booked_u
  FROM expected e LEFT JOIN booked b ON b.code = e.code AND b.currency = e.currency
 WHERE e.balance_u <> coalesce(b.balance_u, 0);

GRANT CREATE ON SCHEMA sluice TO sluice_credit;
RESET ROLE;
SET LOCAL ROLE sluice_credit;
SET LOCAL search_path = sluice, pg_temp;

CREATE OR REPLACE FUNCTION credit_balances(tenant uuid)
RETURNS TABLE (currency text, unbilled_u bigint, receivable_u bigint, customer_credit_u bigint, prepaid_u bigint, held_u bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = sluice, pg_temp
BEGIN ATOMIC
    -- An eighth of what a number can tell: whoever adds them up gets a number. Null stays null, which least() passes over.
    SELECT b.currency, CASE WHEN b.unbilled_u IS NOT NULL THEN greatest(least(b.unbilled_u, 1152921504606846975), -1152921504606846975) END::bigint,
           CASE WHEN b.receivable_u IS NOT NULL THEN greatest(least(b.receivable_u, 1152921504606846975), -1152921504606846975) END::bigint,
           CASE WHEN b.customer_credit_u IS NOT NULL THEN greatest(least(b.customer_credit_u, 1152921504606846975), -1152921504606846975) END::bigint,
           CASE WHEN b.prepaid_u IS NOT NULL THEN greatest(least(b.prepaid_u, 1152921504606846975), -1152921504606846975) END::bigint,
           CASE WHEN b.held_u IS NOT NULL THEN least(b.held_u, 9223372036854775807) END::bigint
      FROM (
    SELECT c.currency, sum(c.amount_u) FILTER (WHERE c.code = 'unbilled_receivable') AS unbilled_u,
           sum(c.amount_u) FILTER (WHERE c.code = 'receivable') AS receivable_u,
           sum(-c.amount_u) FILTER (WHERE c.code = 'customer_credit') AS customer_credit_u,
           sum(c.amount_u) FILTER (WHERE c.code = 'prepaid') AS prepaid_u, sum(c.amount_u) FILTER (WHERE c.code = 'held') AS held_u
      FROM (
        SELECT a.currency, a.code, coalesce(sum(e.debit_u - e.credit_u), 0) AS amount_u
          FROM account a LEFT JOIN entry e ON e.account_id = a.id
         WHERE a.tenant_id = credit_balances.tenant AND a.code IN ('unbilled_receivable', 'receivable', 'customer_credit')
         GROUP BY 1, 2
        UNION ALL
        SELECT g.currency, 'prepaid', sum(s.remaining_u) FROM credit_grant_status s JOIN credit_grant g ON g.id = s.grant_id
         WHERE s.tenant_id = credit_balances.tenant AND s.state = 'active' AND (g.expires_at IS NULL OR g.expires_at > sluice_now())
         GROUP BY 1
        UNION ALL
        SELECT h.currency, 'held', sum(h.amount_u) FROM credit_hold h
         WHERE h.tenant_id = credit_balances.tenant AND h.state = 'pending' AND (h.expires_at IS NULL OR h.expires_at > sluice_now())
         GROUP BY 1
      ) c
     WHERE session_user <> 'sluice_api' OR credit_balances.tenant = nullif(current_setting('sluice.tenant', true), '')::uuid
     GROUP BY 1) b;
END;
COMMENT ON FUNCTION credit_balances IS 'How a tenant stands, per currency: rated and not invoiced, invoiced and not settled, credit of its own, prepaid credit that is left and has not expired, and what open holds keep; of each at most what still adds up to a number. A tenant''s connection is told of its own only. Null: nothing';

RESET ROLE;
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;
REVOKE CREATE ON SCHEMA sluice FROM sluice_credit;
RESET ROLE;
