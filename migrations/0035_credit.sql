-- Credit at the verdict, statements by month, and the checks that keep both honest. Behind the migrations of capex and invoices,
-- whose checks it knows.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;
GRANT CREATE ON SCHEMA sluice TO sluice_credit;
RESET ROLE;
SET LOCAL ROLE sluice_credit;
SET LOCAL search_path = sluice, pg_temp;

-- ---- What something may cost ----

CREATE FUNCTION credit_cost(tenant uuid, in_project text, kind text, skus text[], in_tier text, in_currency text,
                            from_at timestamptz, to_at timestamptz, gpu_milli bigint) RETURNS bigint
LANGUAGE sql STABLE SET search_path = sluice, pg_temp
BEGIN ATOMIC
    WITH version AS (
        SELECT p.sku, p.valid, (p.project IS NOT NULL)::integer + (p.tenant_id IS NOT NULL)::integer AS rank,
               greatest(p.gpu_hour_u, (SELECT max((s->>'gpu_hour_u')::bigint) FROM jsonb_array_elements(p.tiers) s),
                        (SELECT max((s->>'gpu_hour_u')::bigint) FROM jsonb_array_elements(p.windows) s)) AS gpu_hour_u,
               coalesce(p.package_gpu_hours, 0) AS package_gpu_hours
          FROM price p
         WHERE p.sku_kind = kind AND (skus IS NULL OR p.sku = ANY (skus)) AND p.tier = in_tier AND p.currency = in_currency
           AND (p.tenant_id IS NULL OR p.tenant_id = tenant) AND (p.project IS NULL OR p.project = in_project)
           AND p.withdrawn_at IS NULL AND from_at < to_at AND p.valid && tstzrange(from_at, to_at)
    ), piece AS (
        -- Where a nearer book has a price of its own, a farther one does not hold.
        SELECT v.sku, v.gpu_hour_u, v.package_gpu_hours, extract(epoch FROM upper(r.part) - lower(r.part)) AS seconds
          FROM version v
         CROSS JOIN LATERAL unnest(tstzmultirange(v.valid * tstzrange(from_at, to_at))
               - coalesce((SELECT range_agg(o.valid) FROM version o WHERE o.sku = v.sku AND o.rank > v.rank), '{}')) AS r (part)
    )
    SELECT coalesce(max(c.cost_u), 0)::bigint
      FROM (SELECT sum(ceil(p.gpu_hour_u * (p.seconds * gpu_milli / 3600000 + p.package_gpu_hours))) AS cost_u
              FROM piece p GROUP BY p.sku) c;
END;
COMMENT ON FUNCTION credit_cost IS 'At most what usage of a size in a window comes to, micro-units: each second at the highest price that its book may ask (of tiers, windows and skus), a begun package paid whole; what no price covers costs nothing, discounts and commitments lessen nothing';

CREATE FUNCTION credit_balances(tenant uuid)
RETURNS TABLE (currency text, unbilled_u bigint, receivable_u bigint, customer_credit_u bigint, prepaid_u bigint, held_u bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = sluice, pg_temp
BEGIN ATOMIC
    SELECT c.currency, sum(c.amount_u) FILTER (WHERE c.code = 'unbilled_receivable')::bigint,
           sum(c.amount_u) FILTER (WHERE c.code = 'receivable')::bigint,
           sum(-c.amount_u) FILTER (WHERE c.code = 'customer_credit')::bigint,
           sum(c.amount_u) FILTER (WHERE c.code = 'prepaid')::bigint, sum(c.amount_u) FILTER (WHERE c.code = 'held')::bigint
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
     GROUP BY 1;
END;
COMMENT ON FUNCTION credit_balances IS 'How a tenant stands, per currency: rated and not invoiced, invoiced and not settled, credit of its own, prepaid credit that is left and has not expired, and what open holds keep. A tenant''s connection is told of its own only. Null: nothing';

-- ---- Holds ----

CREATE FUNCTION credit_ask(reservations uuid[], starts bigint[], ends bigint[], counts bigint[])
RETURNS TABLE (ordinal bigint, is_covered boolean, currency text, limit_u bigint, used_u bigint, held_u bigint, needed_u bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = sluice, pg_temp AS $$
#variable_conflict use_column
DECLARE
    present timestamptz := sluice_now();
    closed_until timestamptz := (SELECT (max(day) + 1)::timestamp AT TIME ZONE 'UTC' FROM billing_day);
    asked record;
    tenant uuid;
    had bigint;
    used bigint;
    held bigint;
BEGIN
    -- One verdict of a tenant after the other, whichever zone it is of; all rows at once and in order, so that nobody waits in a ring.
    PERFORM FROM credit_limit l
      WHERE l.tenant_id IN (SELECT r.tenant_id FROM reservation r WHERE r.id = ANY (reservations))
      ORDER BY l.tenant_id, l.currency FOR UPDATE;
    -- What follows sees what those committed whom this waited for: each statement has a snapshot of its own.
    FOR asked IN
        SELECT a.ordinal, r.id, r.tenant_id, l.currency, l.limit_u, w.starts_at, w.ends_at, w.gpu_milli, r.hold_until,
               credit_cost(r.tenant_id, r.project, CASE WHEN t.id IS NULL THEN 'gpu_model' ELSE 'instance_type' END,
                           CASE WHEN t.id IS NULL THEN r.gpu_models ELSE ARRAY[t.name] END, r.tier, l.currency,
                           greatest(w.starts_at, closed_until),
                           coalesce(w.ends_at, greatest(w.starts_at, present) + coalesce(n.on_demand_horizon_s, 86400) * interval '1 second'),
                           w.gpu_milli) AS cost_u
          FROM unnest(reservations, starts, ends, counts) WITH ORDINALITY AS a (id, starts_s, ends_s, count, ordinal)
          JOIN reservation r ON r.id = a.id
          JOIN tenant n ON n.id = r.tenant_id
          JOIN credit_limit l ON l.tenant_id = r.tenant_id AND l.currency = n.currency
          LEFT JOIN instance_type t ON t.id = r.instance_type_id
         CROSS JOIN LATERAL (SELECT to_timestamp(a.starts_s) AS starts_at, to_timestamp(a.ends_s) AS ends_at,
                                    a.count * (r.gpu_count::bigint * 1000 + r.gpu_milli) AS gpu_milli) w
         ORDER BY r.tenant_id, a.ordinal
    LOOP
        IF asked.tenant_id IS DISTINCT FROM tenant THEN
            tenant := asked.tenant_id;
            SELECT coalesce(b.unbilled_u, 0) + coalesce(b.receivable_u, 0) - coalesce(b.customer_credit_u, 0) - coalesce(b.prepaid_u, 0),
                   coalesce(b.held_u, 0)
              INTO used, held FROM credit_balances(tenant) b WHERE b.currency = asked.currency;
            used := coalesce(used, 0);
            held := coalesce(held, 0);
        END IF;
        had := coalesce((SELECT h.amount_u FROM credit_hold h WHERE h.reservation_id = asked.id), 0);
        ordinal := asked.ordinal;
        is_covered := asked.cost_u <= had OR used + held - had + asked.cost_u <= asked.limit_u;
        currency := asked.currency;
        limit_u := asked.limit_u;
        used_u := used;
        held_u := held - had;
        needed_u := asked.cost_u;
        IF is_covered THEN
            -- Until the verdict is written both the old terms and the new ones may become true.
            INSERT INTO credit_hold AS h (reservation_id, tenant_id, currency, state, amount_u, starts_at, ends_at, gpu_milli, status_revision, expires_at)
            VALUES (asked.id, tenant, asked.currency, 'pending', asked.cost_u, asked.starts_at, asked.ends_at, asked.gpu_milli, 0, asked.hold_until)
            ON CONFLICT (reservation_id) DO UPDATE
               SET state = 'pending', amount_u = greatest(h.amount_u, excluded.amount_u), changed_at = present;
            held := held - had + greatest(had, asked.cost_u);
        END IF;
        RETURN NEXT;
    END LOOP;
END $$;
COMMENT ON FUNCTION credit_ask IS 'Before a zone decides: may these reservations of limited tenants, with these windows (seconds; an end of null: open) and numbers of instances, cost what they may? Decided one upon the other; what is covered is held at once, within the caller''s transaction, until credit_settle of the same reservations. Rows of tenants without a limit in their currency are left out';

CREATE FUNCTION credit_settle_at(reservations uuid[], closed_until timestamptz) RETURNS bigint
LANGUAGE sql SET search_path = sluice, pg_temp
BEGIN ATOMIC
    WITH found AS (
        SELECT h.reservation_id, v.state, v.status_revision, v.granted_starts_at AS starts_at, v.granted_ends_at AS ends_at,
               v.count * (v.gpu_count::bigint * 1000 + v.gpu_milli) AS gpu_milli,
               CASE WHEN v.state = 'held' AND v.confirmed_at IS NULL THEN v.hold_until END AS expires_at,
               v.tenant_id, v.project, v.tier, v.gpu_models, t.name AS type, h.currency, coalesce(n.on_demand_horizon_s, 86400) AS horizon_s
          FROM credit_hold h JOIN reservation_view v ON v.id = h.reservation_id
          JOIN tenant n ON n.id = h.tenant_id LEFT JOIN instance_type t ON t.id = v.instance_type_id
         WHERE h.state = 'pending' AND h.reservation_id = ANY (credit_settle_at.reservations)
    ), judged AS (
        SELECT f.*, f.starts_at IS NULL OR f.state IN ('pending', 'waitlisted', 'rejected', 'expired', 'cancelled') AS is_void,
               f.state = 'ended' AND f.ends_at <= credit_settle_at.closed_until AS is_rated,
               credit_cost(f.tenant_id, f.project, CASE WHEN f.type IS NULL THEN 'gpu_model' ELSE 'instance_type' END,
                           CASE WHEN f.type IS NULL THEN f.gpu_models ELSE ARRAY[f.type] END, f.tier, f.currency,
                           greatest(f.starts_at, credit_settle_at.closed_until),
                           coalesce(f.ends_at, greatest(f.starts_at, sluice_now()) + f.horizon_s * interval '1 second'), f.gpu_milli) AS cost_u
          FROM found f
    ), changed AS (
        UPDATE credit_hold h
           SET state = CASE WHEN j.is_void THEN 'voided' WHEN j.is_rated THEN 'posted' ELSE 'pending' END,
               amount_u = CASE WHEN j.is_void OR j.is_rated THEN 0 ELSE j.cost_u END,
               starts_at = coalesce(j.starts_at, h.starts_at), ends_at = j.ends_at, gpu_milli = j.gpu_milli,
               status_revision = j.status_revision, expires_at = j.expires_at, changed_at = sluice_now()
          FROM judged j WHERE h.reservation_id = j.reservation_id
        RETURNING 1
    )
    SELECT count(*) FROM changed;
END;
COMMENT ON FUNCTION credit_settle_at IS 'Brings pending holds to what their reservations may still cost beyond what is rated up to an instant: void without a place, posted once all of it is rated. Call it under the locks of the tenants'' limits';

CREATE FUNCTION credit_settle(reservations uuid[]) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = sluice, pg_temp
BEGIN ATOMIC
    SELECT credit_settle_at(reservations, (SELECT (max(day) + 1)::timestamp AT TIME ZONE 'UTC' FROM billing_day));
END;
COMMENT ON FUNCTION credit_settle IS 'After a zone has written its verdicts, in the same transaction: the holds of these reservations become what was decided';

CREATE FUNCTION credit_settle_due(closed_until timestamptz, is_day_closed boolean) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = sluice, pg_temp AS $$
DECLARE
    due uuid[];
BEGIN
    PERFORM FROM credit_limit ORDER BY tenant_id, currency FOR UPDATE;
    due := ARRAY(SELECT h.reservation_id FROM credit_hold h JOIN reservation_status s ON s.reservation_id = h.reservation_id
                  WHERE h.state = 'pending' AND (is_day_closed OR s.revision <> h.status_revision));
    RETURN credit_settle_at(due, closed_until);
END $$;
COMMENT ON FUNCTION credit_settle_due IS 'For billing: the holds whose reservations have moved on since; once a day is rated, in that transaction, all';

REVOKE EXECUTE ON FUNCTION credit_cost, credit_balances, credit_ask, credit_settle_at, credit_settle, credit_settle_due FROM PUBLIC;
GRANT EXECUTE ON FUNCTION credit_balances TO sluice_api, sluice_api_system, sluice_billing;
GRANT EXECUTE ON FUNCTION credit_ask, credit_settle TO sluice_provisioner;
GRANT EXECUTE ON FUNCTION credit_settle_due TO sluice_billing;
RESET ROLE;
SET LOCAL ROLE sluice_owner;
REVOKE CREATE ON SCHEMA sluice FROM sluice_credit;
GRANT SELECT ON credit_grant, credit_grant_status TO sluice_credit;
CREATE POLICY sluice_credit ON credit_grant FOR SELECT TO sluice_credit USING (true);
CREATE POLICY sluice_credit ON credit_grant_status FOR SELECT TO sluice_credit USING (true);

-- ---- What is open of an invoice ----

GRANT EXECUTE ON FUNCTION micro_per_minor TO sluice_api;
CREATE VIEW invoice_open WITH (security_invoker = true) AS
SELECT i.id AS invoice_id, i.tenant_id, i.currency, i.issued_at, i.total_minor * micro_per_minor(i.currency) AS total_u,
       coalesce(s.settled_u, 0) AS settled_u, i.total_minor * micro_per_minor(i.currency) - coalesce(s.settled_u, 0) AS open_u
  FROM invoice i
  LEFT JOIN LATERAL (SELECT sum(s.amount_u)::bigint AS settled_u FROM settlement s WHERE s.invoice_id = i.id) s ON true
 WHERE i.status IN ('issued', 'void');
COMMENT ON VIEW invoice_open IS 'Invoices that were issued: what they came to, what was settled of it, and what is open, micro-units';
GRANT SELECT ON invoice_open TO sluice_api, sluice_api_system, sluice_billing;

-- ---- Statements by month ----

CREATE FUNCTION ledger_by_month(from_month date, to_month date)
RETURNS TABLE (month date, currency text, code text, kind text, source_type text, debit_u numeric, credit_u numeric)
LANGUAGE sql STABLE SET search_path = sluice, pg_temp
BEGIN ATOMIC
    SELECT date_trunc('month', j.posted_at AT TIME ZONE 'UTC')::date, a.currency, a.code, a.kind, j.source_type,
           sum(e.debit_u), sum(e.credit_u)
      FROM entry e JOIN journal j ON j.id = e.journal_id JOIN account a ON a.id = e.account_id
     WHERE j.posted_at >= from_month::timestamp AT TIME ZONE 'UTC' AND j.posted_at < to_month::timestamp AT TIME ZONE 'UTC'
     GROUP BY 1, 2, 3, 4, 5;
END;
COMMENT ON FUNCTION ledger_by_month IS 'What was posted in each month (UTC) of [from_month, to_month), by account of the chart and by what it comes from';

CREATE FUNCTION trial_balance_by_month(from_month date, to_month date)
RETURNS TABLE (month date, currency text, code text, kind text, opening_u numeric, debit_u numeric, credit_u numeric, closing_u numeric)
LANGUAGE sql STABLE SET search_path = sluice, pg_temp
BEGIN ATOMIC
    WITH moved AS MATERIALIZED (
        SELECT l.month, l.currency, l.code, l.kind, sum(l.debit_u) AS debit_u, sum(l.credit_u) AS credit_u
          FROM ledger_by_month('-infinity', to_month) l GROUP BY 1, 2, 3, 4
    ), asked AS (
        SELECT m::date AS month FROM generate_series(date_trunc('month', from_month::timestamp), to_month - interval '1 day', interval '1 month') m
    )
    SELECT a.month, m.currency, m.code, m.kind,
           coalesce(sum(m.debit_u - m.credit_u) FILTER (WHERE m.month < a.month), 0),
           coalesce(sum(m.debit_u) FILTER (WHERE m.month = a.month), 0),
           coalesce(sum(m.credit_u) FILTER (WHERE m.month = a.month), 0), sum(m.debit_u - m.credit_u)
      FROM asked a JOIN moved m ON m.month <= a.month
     GROUP BY 1, 2, 3, 4;
END;
COMMENT ON FUNCTION trial_balance_by_month IS 'For each month of [from_month, to_month): each account''s balance before it, what was posted in it, and its balance after; balances are debits less credits and sum to 0 per currency';

CREATE FUNCTION income_statement_by_month(from_month date, to_month date)
RETURNS TABLE (month date, currency text, section text, line text, amount_u numeric)
LANGUAGE sql STABLE SET search_path = sluice, pg_temp
BEGIN ATOMIC
    WITH moved AS MATERIALIZED (
        SELECT l.month, l.currency, l.kind, CASE WHEN l.code = 'revenue' THEN 'revenue_' || l.source_type ELSE l.code END AS line,
               sum(l.credit_u - l.debit_u) AS amount_u
          FROM ledger_by_month(from_month, to_month) l WHERE l.kind IN ('income', 'expense') GROUP BY 1, 2, 3, 4
    )
    SELECT m.month, m.currency, m.kind, m.line, CASE WHEN m.kind = 'income' THEN m.amount_u ELSE -m.amount_u END FROM moved m
    UNION ALL
    SELECT m.month, m.currency, 'total', t.line, sum(CASE WHEN t.line = 'expenses' THEN -m.amount_u ELSE m.amount_u END)
      FROM moved m JOIN (VALUES ('income', 'income'), ('expenses', 'expense'), ('net_result', 'income'), ('net_result', 'expense')) AS t (line, kind)
        ON t.kind = m.kind
     GROUP BY 1, 2, 4;
END;
COMMENT ON FUNCTION income_statement_by_month IS 'Income and expenses of each month of [from_month, to_month): revenue by what it comes from, every expense by its account, and totals; net_result is income less expenses';

CREATE FUNCTION balance_sheet_by_month(from_month date, to_month date)
RETURNS TABLE (month date, currency text, section text, line text, amount_u numeric)
LANGUAGE sql STABLE SET search_path = sluice, pg_temp
BEGIN ATOMIC
    WITH closing AS MATERIALIZED (
        SELECT b.month, b.currency, b.code, CASE WHEN b.kind IN ('income', 'expense') THEN 'equity' ELSE b.kind END AS section,
               CASE WHEN b.kind IN ('income', 'expense') THEN 'current_result' ELSE b.code END AS line, b.closing_u
          FROM trial_balance_by_month(from_month, to_month) b
    )
    SELECT c.month, c.currency, c.section, c.line, sum(CASE WHEN c.section = 'asset' THEN c.closing_u ELSE -c.closing_u END)
      FROM closing c GROUP BY 1, 2, 3, 4
    UNION ALL
    SELECT c.month, c.currency, 'total', t.line, sum(CASE WHEN c.section = 'asset' THEN c.closing_u ELSE -c.closing_u END)
      FROM closing c
      JOIN (VALUES ('assets', 'asset'), ('liabilities', 'liability'), ('equity', 'equity'), ('liabilities_and_equity', 'liability'),
                   ('liabilities_and_equity', 'equity')) AS t (line, section) ON t.section = c.section
     GROUP BY 1, 2, 4
    UNION ALL
    SELECT c.month, c.currency, 'total', 'book_value_of_hardware', sum(c.closing_u)
      FROM closing c WHERE c.code IN ('hardware_cost', 'accumulated_depreciation', 'accumulated_impairment') GROUP BY 1, 2;
END;
COMMENT ON FUNCTION balance_sheet_by_month IS 'What is owned and owed at the end of each month of [from_month, to_month): contra accounts negative, income and expenses to date as current_result, and totals: assets are liabilities_and_equity';
GRANT EXECUTE ON FUNCTION ledger_by_month, trial_balance_by_month, income_statement_by_month, balance_sheet_by_month TO sluice_api_system;

-- ---- Checks ----

CREATE VIEW check_settlement WITH (security_invoker = true) AS
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
 WHERE open_u * sign(total_u) < 0 OR abs(open_u) > abs(total_u);
COMMENT ON VIEW check_settlement IS 'Tenants whose receivable is not the sum of what is open of their invoices, and invoices settled by more than they came to';

CREATE VIEW check_prepaid WITH (security_invoker = true) AS
SELECT g.id AS grant_id, g.amount_u, s.remaining_u, s.expired_u, coalesce(d.drawn_u, 0) AS drawn_u
  FROM credit_grant_status s JOIN credit_grant g ON g.id = s.grant_id
  LEFT JOIN (SELECT source_id, sum(amount_u)::bigint AS drawn_u FROM settlement WHERE kind = 'prepaid' GROUP BY 1) d ON d.source_id = g.id
 WHERE g.amount_u <> s.remaining_u + s.expired_u + coalesce(d.drawn_u, 0);
COMMENT ON VIEW check_prepaid IS 'Grants that are not what was drawn, what expired and what is left';

CREATE VIEW check_reversal WITH (security_invoker = true) AS
SELECT j.id AS journal_id, j.reverses FROM journal j
 WHERE j.reverses IS NOT NULL
   AND (SELECT array_agg(row(e.account_id, e.debit_u, e.credit_u)::text ORDER BY e.account_id, e.debit_u, e.credit_u) FROM entry e WHERE e.journal_id = j.id)
       IS DISTINCT FROM
       (SELECT array_agg(row(e.account_id, e.credit_u, e.debit_u)::text ORDER BY e.account_id, e.credit_u, e.debit_u) FROM entry e WHERE e.journal_id = j.reverses);
COMMENT ON VIEW check_reversal IS 'Reversals that are not their journals with the sides swapped';

CREATE VIEW check_hold WITH (security_invoker = true) AS
SELECT h.reservation_id, h.state, h.amount_u, s.state AS reservation_state
  FROM credit_hold h JOIN reservation_status s ON s.reservation_id = h.reservation_id
 WHERE h.status_revision = s.revision
   AND (h.state = 'pending' AND s.state IN ('rejected', 'expired', 'cancelled', 'waitlisted')
        OR h.state = 'voided' AND s.state IN ('held', 'scheduled', 'activating', 'active', 'ending'));
COMMENT ON VIEW check_hold IS 'Holds that were settled and yet do not fit the state of their reservations';
GRANT SELECT ON check_settlement, check_prepaid, check_reversal, check_hold TO sluice_api_system;

-- As it was, but what credit does to the same accounts is told apart: it stands in the journals of its own kinds.
CREATE OR REPLACE VIEW check_ledger WITH (security_invoker = true) AS
WITH booked AS (
    SELECT a.code, a.currency, sum(e.debit_u - e.credit_u)::bigint AS balance_u
      FROM entry e JOIN journal j ON j.id = e.journal_id JOIN account a ON a.id = e.account_id
     WHERE j.source_type NOT IN ('grant', 'breakage', 'drawdown', 'credit_note') GROUP BY 1, 2
), expected AS (
    SELECT 'revenue' AS code, currency, -sum(effective_u)::bigint AS balance_u FROM rated_line GROUP BY 2
    UNION ALL
    SELECT 'deferred_revenue', currency, sum(effective_u - amount_u)::bigint FROM rated_line GROUP BY 2
    UNION ALL
    SELECT 'unbilled_receivable', currency, sum(amount_u)::bigint FROM (
        SELECT currency, amount_u FROM rated_line
        UNION ALL
        SELECT i.currency, -l.amount_u FROM invoice_line l JOIN invoice i ON i.id = l.invoice_id WHERE i.status = 'issued') open GROUP BY 2
)
SELECT e.code, e.currency, e.balance_u AS expected_u, coalesce(b.balance_u, 0) AS booked_u
  FROM expected e LEFT JOIN booked b ON b.code = e.code AND b.currency = e.currency
 WHERE e.balance_u <> coalesce(b.balance_u, 0);

CREATE OR REPLACE VIEW billing_check WITH (security_invoker = true) AS
SELECT 'usage_tiles_windows' AS name, (SELECT count(*) FROM check_usage_tiling) AS violations
UNION ALL SELECT 'billed_is_delivered', (SELECT count(*) FROM check_billed_delivered)
UNION ALL SELECT 'journals_balance', (SELECT count(*) FROM check_journal_balance)
UNION ALL SELECT 'attribution_sums', (SELECT count(*) FROM check_attribution)
UNION ALL SELECT 'invoices_add_up', (SELECT count(*) FROM check_invoices)
UNION ALL SELECT 'ledger_agrees', (SELECT count(*) FROM check_ledger)
UNION ALL SELECT 'usage_has_prices', (SELECT count(*) FROM unpriced_usage)
UNION ALL SELECT 'commitments_are_spread', (SELECT count(*) FROM check_commitments)
UNION ALL SELECT 'depreciation_sums', (SELECT count(*) FROM check_depreciation)
UNION ALL SELECT 'register_agrees', (SELECT count(*) FROM check_capex_ledger)
UNION ALL SELECT 'receivable_is_what_is_open', (SELECT count(*) FROM check_settlement)
UNION ALL SELECT 'prepaid_credit_adds_up', (SELECT count(*) FROM check_prepaid)
UNION ALL SELECT 'reversals_mirror', (SELECT count(*) FROM check_reversal)
UNION ALL SELECT 'holds_fit', (SELECT count(*) FROM check_hold);
