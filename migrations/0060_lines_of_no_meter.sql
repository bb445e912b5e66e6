-- A month's close draws up a hundred thousand lines, of which most are of no meter and many have no name: those call no function
-- (some 10 us a line: a second of that close).
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

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
                                    || CASE WHEN l.meter_id IS NULL THEN '{}' ELSE invoice_line_meter(l.meter_id, l.meter_quantity) END
                                    || CASE WHEN l.reservation_name IS NULL THEN '{}' ELSE invoice_line_name(l.reservation_name) END ORDER BY l.line_no), '[]')
                           FROM invoice_line l WHERE l.invoice_id = i.id))
      FROM invoice i WHERE i.id = of_invoice;
END;
