-- What people call the reservation of an invoice's line, as it was when the invoice was drawn up: documents say it from then on.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

ALTER TABLE invoice_line ADD COLUMN reservation_name text;
COMMENT ON COLUMN invoice_line.reservation_name IS 'Name of the reservation when the invoice was drawn up; null: it had none, or the line is of before there was this column';

CREATE FUNCTION invoice_line_name(name text) RETURNS jsonb LANGUAGE sql IMMUTABLE SET search_path = sluice, pg_temp
RETURN CASE WHEN name IS NULL THEN '{}'::jsonb ELSE jsonb_build_object('reservation_name', name) END;
COMMENT ON FUNCTION invoice_line_name IS 'Of a document''s line: name of its reservation. Nothing where there is none, so that what was frozen before stays as it was';

CREATE OR REPLACE FUNCTION invoice_content(of_invoice uuid) RETURNS jsonb LANGUAGE sql STABLE SET search_path = sluice, pg_temp
BEGIN ATOMIC
    SELECT jsonb_build_object(
               'invoice', i.id, 'currency', i.currency, 'net_minor', i.net_minor, 'tax_minor', i.tax_minor, 'total_minor', i.total_minor,
               'period_start', extract(epoch FROM i.period_start)::bigint, 'period_end', extract(epoch FROM i.period_end)::bigint,
               'configuration', i.configuration,
               'taxes', (SELECT coalesce(jsonb_agg(jsonb_build_object(
                                    'code', t.tax_code, 'country', t.country, 'rate_bp', t.rate_bp, 'base_minor', t.base_minor,
                                    'tax_minor', t.tax_minor, 'note', t.note) ORDER BY t.tax_code), '[]')
                           FROM invoice_tax t WHERE t.invoice_id = i.id),
               'lines', (SELECT coalesce(jsonb_agg(jsonb_build_object(
                                    'line_no', l.line_no, 'description', l.description, 'reservation', l.reservation_id,
                                    'price', l.price_id, 'unit_price_u', l.unit_price_u, 'gpu_milli_seconds', l.gpu_milli_seconds,
                                    'category', l.charge_category, 'class', l.charge_class, 'amount_u', l.amount_u,
                                    'net_minor', l.net_minor, 'tax_shown_minor', l.tax_shown_minor)
                                    || invoice_line_meter(l.meter_id, l.meter_quantity) || invoice_line_name(l.reservation_name) ORDER BY l.line_no), '[]')
                           FROM invoice_line l WHERE l.invoice_id = i.id))
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
                                    'amount_u', n.amount_u, 'net_minor', n.net_minor, 'tax_shown_minor', n.tax_shown_minor) || invoice_line_name(l.reservation_name)
                                    ORDER BY n.line_no), '[]')
                           FROM credit_note_line n
                           JOIN invoice_line l ON l.invoice_id = n.invoice_id AND l.line_no = n.invoice_line_no
                          WHERE n.credit_note_id = c.id))
      FROM credit_note c JOIN invoice i ON i.id = c.invoice_id WHERE c.id = of_credit_note;
END;

REVOKE EXECUTE ON FUNCTION invoice_line_name FROM PUBLIC;
GRANT EXECUTE ON FUNCTION invoice_line_name TO sluice_api, sluice_api_system, sluice_billing;
