-- What documents say in words and dates of the tenant's own calendar; and the ledger's check, which knows credit notes and
-- invoices that are drafts or void.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

-- ---- What an invoice is drawn up from: the same for a preview ----

CREATE FUNCTION invoice_groups(of_tenant uuid, of_period timestamptz)
RETURNS TABLE (reservation_id uuid, price_id uuid, commitment_id uuid, charge_category text, charge_class text, corrects bigint,
               reason text, currency text, gpu_milli_seconds bigint, amount_u bigint, sku text, model text, tier text,
               discounted boolean, unit_price_u bigint)
LANGUAGE sql STABLE SET search_path = sluice, pg_temp
BEGIN ATOMIC
    SELECT l.reservation_id, l.price_id, l.commitment_id, l.charge_category, l.charge_class,
           extract(epoch FROM l.corrects)::bigint, l.reason, l.currency, sum(l.gpu_milli_seconds)::bigint, sum(l.amount_u)::bigint,
           p.sku, p.model, p.tier, bool_or(l.discount_id IS NOT NULL),
           CASE WHEN p.model = 'flat' AND p.windows IS NULL AND l.charge_category = 'usage' AND l.commitment_id IS NULL
                 AND NOT bool_or(l.discount_id IS NOT NULL) THEN p.gpu_hour_u END
      FROM rated_line l LEFT JOIN price p ON p.id = l.price_id
     WHERE l.tenant_id = of_tenant AND l.period_start = of_period
     GROUP BY l.reservation_id, l.price_id, l.commitment_id, l.charge_category, l.charge_class, l.corrects, l.reason, l.currency, p.id
     ORDER BY l.corrects NULLS FIRST, l.reservation_id, l.commitment_id NULLS FIRST, lower(p.valid), l.price_id, l.charge_category, l.reason;
END;
COMMENT ON FUNCTION invoice_groups IS 'The lines of a tenant''s billing period, in their order: what was rated, summed per group';

CREATE FUNCTION invoice_terms(of_tenant uuid, period_end timestamptz)
RETURNS TABLE (by_hand boolean, tax_code text, tax_country text, tax_note text, tax_rate_bp integer)
LANGUAGE sql STABLE SET search_path = sluice, pg_temp
BEGIN ATOMIC
    SELECT coalesce(p.issue, s.issue) = 'by_hand', coalesce(p.tax_code, s.tax_code, 'standard'),
           coalesce(p.tax_country, p.country, s.tax_country, s.country), x.note,
           CASE WHEN coalesce(p.tax_code, s.tax_code) IS NULL THEN t.tax_rate_bp ELSE x.rate_bp END
      FROM tenant t JOIN billing_profile s ON s.tenant_id IS NULL
      LEFT JOIN billing_profile p ON p.tenant_id = t.id
      LEFT JOIN tax_rate x ON x.code = coalesce(p.tax_code, s.tax_code)
       AND x.country = coalesce(p.tax_country, p.country, s.tax_country, s.country)
       AND x.valid @> period_end - interval '1 second'
     WHERE t.id = of_tenant;
END;
COMMENT ON FUNCTION invoice_terms IS 'On which terms a period that ends then is billed, a tenant''s own before the provider''s; tax_rate_bp null: the tax has no rate at its last second';

CREATE FUNCTION document_number_take(of_series text, of_kind text) RETURNS bigint LANGUAGE sql VOLATILE SET search_path = sluice, pg_temp
BEGIN ATOMIC
    INSERT INTO invoice_series (series, next_number, kind) VALUES (of_series, 2, of_kind)
    ON CONFLICT (series) DO UPDATE SET next_number = invoice_series.next_number + 1 WHERE invoice_series.kind = of_kind
    RETURNING next_number - 1;
END;
COMMENT ON FUNCTION document_number_take IS 'The next number of a series, gapless: a row that others wait for until this transaction is over, and that a rollback gives back. Null: the series is of the other kind';

-- ---- Documents ----

CREATE FUNCTION invoice_local_day(of_instant timestamptz, configuration jsonb) RETURNS text
LANGUAGE sql STABLE SET search_path = sluice, pg_temp
RETURN to_char(of_instant AT TIME ZONE coalesce(configuration->'tenant'->>'timezone', 'UTC'), 'YYYY-MM-DD');
COMMENT ON FUNCTION invoice_local_day IS 'The day that an instant is on in the timezone of an invoice''s configuration';

CREATE OR REPLACE FUNCTION invoice_document(of_invoice uuid) RETURNS jsonb LANGUAGE sql STABLE SET search_path = sluice, pg_temp
BEGIN ATOMIC
    SELECT invoice_content(i.id) || jsonb_build_object(
               'kind', 'invoice', 'number', document_number(i.series, i.number), 'issued_at', extract(epoch FROM i.issued_at)::bigint,
               'due_at', extract(epoch FROM i.due_at)::bigint,
               'issued_on', invoice_local_day(i.issued_at, i.configuration), 'due_on', invoice_local_day(i.due_at, i.configuration),
               'period_first_day', invoice_local_day(i.period_start, i.configuration),
               'period_last_day', invoice_local_day(i.period_end - interval '1 second', i.configuration))
      FROM invoice i WHERE i.id = of_invoice;
END;

CREATE OR REPLACE FUNCTION credit_note_document(of_credit_note uuid) RETURNS jsonb LANGUAGE sql STABLE SET search_path = sluice, pg_temp
BEGIN ATOMIC
    SELECT jsonb_build_object(
               'kind', 'credit_note', 'number', document_number(c.series, c.number),
               'corrects', document_number(i.series, i.number), 'corrects_issued_on', invoice_local_day(i.issued_at, c.configuration),
               'reason', c.reason, 'invoice', i.id, 'currency', c.currency,
               'net_minor', c.net_minor, 'tax_minor', c.tax_minor, 'total_minor', c.total_minor,
               'issued_at', extract(epoch FROM c.issued_at)::bigint, 'issued_on', invoice_local_day(c.issued_at, c.configuration),
               'period_first_day', invoice_local_day(i.period_start, c.configuration),
               'period_last_day', invoice_local_day(i.period_end - interval '1 second', c.configuration),
               'configuration', c.configuration,
               'taxes', (SELECT coalesce(jsonb_agg(jsonb_build_object(
                                    'code', t.tax_code, 'country', t.country, 'rate_bp', t.rate_bp, 'base_minor', c.net_minor,
                                    'tax_minor', c.tax_minor, 'note', t.note) ORDER BY t.tax_code), '[]')
                           FROM invoice_tax t WHERE t.invoice_id = i.id),
               'lines', (SELECT coalesce(jsonb_agg(jsonb_build_object(
                                    'line_no', n.line_no, 'description', l.description, 'reservation', l.reservation_id,
                                    'invoice_line_no', n.invoice_line_no, 'unit_price_u', l.unit_price_u,
                                    'gpu_milli_seconds', n.gpu_milli_seconds, 'category', l.charge_category,
                                    'amount_u', n.amount_u, 'net_minor', n.net_minor, 'tax_shown_minor', n.tax_shown_minor)
                                    ORDER BY n.line_no), '[]')
                           FROM credit_note_line n
                           JOIN invoice_line l ON l.invoice_id = n.invoice_id AND l.line_no = n.invoice_line_no
                          WHERE n.credit_note_id = c.id))
      FROM credit_note c JOIN invoice i ON i.id = c.invoice_id WHERE c.id = of_credit_note;
END;

-- The hash is of the whole document, number and all, and so comes after it, in the same transaction.
CREATE FUNCTION credit_note_guards() RETURNS trigger LANGUAGE plpgsql SET search_path = sluice, pg_temp AS $$
BEGIN
    IF OLD.pdf_sha256 IS NOT NULL OR to_jsonb(OLD) - 'pdf_sha256' <> to_jsonb(NEW) - 'pdf_sha256' THEN
        RAISE insufficient_privilege USING MESSAGE = format('credit note %s is issued: it may not change', OLD.id);
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION credit_note_guards IS 'Trigger: a credit note takes the hash of its document once, and nothing else';
DROP TRIGGER append_only ON credit_note;
CREATE TRIGGER guarded BEFORE UPDATE ON credit_note FOR EACH ROW EXECUTE FUNCTION credit_note_guards();
CREATE TRIGGER never_deleted BEFORE DELETE ON credit_note FOR EACH ROW EXECUTE FUNCTION ledger_refuses_change();
COMMENT ON TABLE credit_note IS 'What is taken back of an issued invoice: never more than a line and its tax came to. Immutable';

GRANT UPDATE (pdf_sha256) ON credit_note TO sluice_billing;
GRANT EXECUTE ON FUNCTION credit_note_guards, document_number_take TO sluice_billing;
GRANT EXECUTE ON FUNCTION invoice_local_day, invoice_groups, invoice_terms TO sluice_api, sluice_api_system, sluice_billing;
-- Up to when a preview has what was delivered.
GRANT SELECT ON billing_day TO sluice_api;

-- ---- Checks ----

-- Drafts and void invoices bill nothing. What credit notes take back of revenue stands in journals of their own kind.
CREATE OR REPLACE VIEW check_ledger WITH (security_invoker = true) AS
WITH booked AS (
    SELECT a.code, a.currency, sum(e.debit_u - e.credit_u)::bigint AS balance_u
      FROM entry e JOIN journal j ON j.id = e.journal_id JOIN account a ON a.id = e.account_id
     WHERE j.source_type <> 'credit_note' GROUP BY 1, 2
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
