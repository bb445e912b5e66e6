-- What FOCUS tells of meters: units as it writes them, and a description that is a sentence's beginning.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

CREATE FUNCTION focus_unit(unit text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = sluice, pg_temp
RETURN upper(left(unit, 1)) || replace(substr(unit, 2), '.', '');
COMMENT ON FUNCTION focus_unit IS 'A unit as FOCUS writes it: with a capital letter first, and without the dots of UCUM (licences: Licences, kW.h: KWh)';
REVOKE EXECUTE ON FUNCTION focus_unit FROM PUBLIC;
GRANT EXECUTE ON FUNCTION focus_unit TO sluice_api, sluice_api_system, sluice_billing;

CREATE OR REPLACE VIEW focus_charge WITH (security_invoker = true) AS
SELECT l.tenant_id, l.period_start, 0 AS kind, l.seq, l.currency, l.billed_u,
       CASE WHEN l.commitment_status = 'unused' THEN l.effective_u ELSE l.contracted_u END AS contracted_u, l.effective_u,
       CASE WHEN l.commitment_status = 'unused' THEN l.effective_u ELSE l.list_u END AS list_u,
       l.charge_category, l.charge_class, l.corrects, l.reason,
       CASE l.charge_category
           WHEN 'usage' THEN CASE l.commitment_status WHEN 'used' THEN 'Usage that a commitment covers' WHEN 'unused' THEN 'What nobody used of a commitment'
                             ELSE coalesce(m.description, 'Readings of ' || m.name, 'GPU usage') END
           WHEN 'purchase' THEN 'Commitment fee' ELSE l.reason END AS description,
       CASE l.charge_category WHEN 'usage' THEN 'Usage-Based' WHEN 'purchase' THEN 'Recurring' ELSE 'One-Time' END AS frequency,
       CASE WHEN l.corrects IS NOT NULL THEN l.corrects
            WHEN l.charge_category <> 'usage' OR l.commitment_status = 'unused' THEN l.period_start
            ELSE least(greatest(l.day::timestamp AT TIME ZONE 'UTC', l.period_start), b.ends_at - interval '1 day') END AS charge_start,
       CASE WHEN l.corrects IS NOT NULL
                 THEN ((l.corrects AT TIME ZONE t.billing_timezone) + interval '1 month') AT TIME ZONE t.billing_timezone
            WHEN l.charge_category <> 'usage' OR l.commitment_status = 'unused' THEN b.ends_at
            ELSE least((l.day + 1)::timestamp AT TIME ZONE 'UTC', b.ends_at) END AS charge_end,
       l.reservation_id, l.price_id, l.commitment_id, l.commitment_status, l.capacity_status, l.gpu_milli_seconds, l.day,
       NULL::uuid AS invoice_id, NULL::text AS tax_code, l.subject,
       m.name AS meter, meter_micro_units(m.aggregation, l.meter_quantity) AS micro_units, focus_unit(meter_priced_unit(m.aggregation, m.unit)) AS unit
  FROM focus_group l
  LEFT JOIN meter m ON m.id = l.meter_id
  JOIN tenant t ON t.id = l.tenant_id
  JOIN billing_period b ON b.tenant_id = l.tenant_id AND b.starts_at = l.period_start
UNION ALL
SELECT i.tenant_id, i.period_start, 1, x.seq, i.currency, x.tax_minor * micro_per_minor(i.currency), x.tax_minor * micro_per_minor(i.currency),
       x.tax_minor * micro_per_minor(i.currency), x.tax_minor * micro_per_minor(i.currency), 'tax', NULL, NULL, NULL,
       'Tax at ' || trim_scale(x.rate_bp / 100.0) || ' %', 'One-Time', i.period_start, b.ends_at,
       NULL, NULL, NULL, NULL, NULL, NULL, NULL, i.id, x.tax_code, NULL, NULL, NULL, NULL
  FROM invoice i
  JOIN billing_period b ON b.tenant_id = i.tenant_id AND b.starts_at = i.period_start
  JOIN (SELECT invoice_id, tax_code, rate_bp, tax_minor, row_number() OVER (PARTITION BY invoice_id ORDER BY tax_code) AS seq FROM invoice_tax) x
    ON x.invoice_id = i.id
 WHERE i.status <> 'void' AND x.tax_minor <> 0
UNION ALL
SELECT i.tenant_id, i.period_start, 2, n.line_no, i.currency, n.rounded_u, n.rounded_u, n.rounded_u, n.rounded_u, 'adjustment', NULL, NULL, NULL,
       'Rounding of line ' || n.line_no || ' to the smallest unit', 'One-Time', i.period_start, b.ends_at,
       NULL, NULL, NULL, NULL, NULL, NULL, NULL, i.id, NULL, NULL, NULL, NULL, NULL
  FROM invoice i
  JOIN billing_period b ON b.tenant_id = i.tenant_id AND b.starts_at = i.period_start
 CROSS JOIN LATERAL (SELECT line_no, net_minor * micro_per_minor(i.currency) - amount_u AS rounded_u FROM invoice_line WHERE invoice_id = i.id) n
 WHERE i.status <> 'void' AND n.rounded_u <> 0;
