-- Meters in what is explained and exported: a line of a meter goes back to its readings, and FOCUS tells of its own quantity and unit.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

-- ---- Explanations: what is counted of a meter stands where GPU-time does ----

CREATE OR REPLACE FUNCTION invoice_line_told(of_invoice uuid, of_line integer) RETURNS TABLE (id bigint, period_start timestamptz, reservation_id uuid, price_id uuid, commitment_id uuid, window_no smallint, discount_id uuid,
               gpu_milli_seconds bigint, amount_u bigint, contracted_u bigint, effective_u bigint)
LANGUAGE sql STABLE SET search_path = sluice, pg_temp
BEGIN ATOMIC
    SELECT r.id, r.period_start, r.reservation_id, r.price_id, r.commitment_id, r.window_no, r.discount_id, r.gpu_milli_seconds + r.meter_quantity, r.amount_u, r.contracted_u, r.effective_u
      FROM invoice_line l JOIN invoice i ON i.id = l.invoice_id JOIN rated_line r
        ON r.tenant_id = l.tenant_id AND r.period_start = coalesce(l.corrects, i.period_start) AND r.corrects IS NULL
     WHERE l.invoice_id = of_invoice AND l.line_no = of_line AND r.charge_category = l.charge_category AND r.reason IS NOT DISTINCT FROM l.reason
    UNION ALL
    SELECT r.id, r.period_start, r.reservation_id, r.price_id, r.commitment_id, r.window_no, r.discount_id, r.gpu_milli_seconds + r.meter_quantity, r.amount_u, r.contracted_u, r.effective_u
      FROM invoice_line l JOIN invoice i ON i.id = l.invoice_id JOIN rated_line r
        ON r.tenant_id = l.tenant_id AND r.corrects = l.corrects AND r.period_start <= i.period_start
     WHERE l.invoice_id = of_invoice AND l.line_no = of_line AND r.charge_category = l.charge_category AND r.reason IS NOT DISTINCT FROM l.reason;
END;
COMMENT ON FUNCTION invoice_line_told IS 'All that was rated up to an invoice of the tenant''s charges of the line''s kind in the period that the line is of: of a correction, what was invoiced before too. gpu_milli_seconds of a meter is what was counted of it';

-- ---- FOCUS ----

CREATE OR REPLACE VIEW focus_group WITH (security_invoker = true) AS
SELECT tenant_id, period_start, day, currency, charge_category, charge_class, corrects, reason, reservation_id, price_id, commitment_id,
       commitment_status, capacity_status, CASE WHEN reservation_id IS NULL THEN '00000000-0000-0000-0000-000000000000' ELSE reservation_id END AS subject, min(id) AS seq,
       sum(amount_u)::bigint AS billed_u, sum(contracted_u)::bigint AS contracted_u, sum(effective_u)::bigint AS effective_u,
       sum(list_u)::bigint AS list_u, sum(gpu_milli_seconds)::bigint AS gpu_milli_seconds,
       meter_id, sum(meter_quantity)::bigint AS meter_quantity
  FROM rated_line
 GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, meter_id
HAVING sum(amount_u) <> 0 OR sum(effective_u) <> 0 OR sum(contracted_u) <> 0 OR sum(list_u) <> 0 OR sum(gpu_milli_seconds) <> 0 OR sum(meter_quantity) <> 0;

CREATE OR REPLACE VIEW focus_charge WITH (security_invoker = true) AS
SELECT l.tenant_id, l.period_start, 0 AS kind, l.seq, l.currency, l.billed_u,
       CASE WHEN l.commitment_status = 'unused' THEN l.effective_u ELSE l.contracted_u END AS contracted_u, l.effective_u,
       CASE WHEN l.commitment_status = 'unused' THEN l.effective_u ELSE l.list_u END AS list_u,
       l.charge_category, l.charge_class, l.corrects, l.reason,
       CASE l.charge_category
           WHEN 'usage' THEN CASE l.commitment_status WHEN 'used' THEN 'Usage that a commitment covers' WHEN 'unused' THEN 'What nobody used of a commitment'
                             ELSE coalesce(m.description, m.name, 'GPU usage') END
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
       m.name AS meter, meter_micro_units(m.aggregation, l.meter_quantity) AS micro_units, meter_priced_unit(m.aggregation, m.unit) AS unit
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

CREATE OR REPLACE VIEW focus_credit_line WITH (security_invoker = true) AS
SELECT c.tenant_id, date_trunc('month', c.issued_at AT TIME ZONE t.billing_timezone) AT TIME ZONE t.billing_timezone AS period_start, c.id,
       document_number(c.series, c.number) AS document, document_number(i.series, i.number) AS corrects_document, c.currency, c.issued_at, c.reason,
       i.period_start AS corrects, i.period_end AS corrects_until, x.place, x.detail, x.category, x.amount_minor, x.reservation_id, x.price_id, x.meter_id
  FROM credit_note c JOIN tenant t ON t.id = c.tenant_id JOIN invoice i ON i.id = c.invoice_id
 CROSS JOIN LATERAL (
    SELECT n.line_no AS place, n.line_no::text AS detail, 'credit' AS category, -n.net_minor AS amount_minor, l.reservation_id, l.price_id, l.meter_id
      FROM credit_note_line n JOIN invoice_line l ON l.invoice_id = n.invoice_id AND l.line_no = n.invoice_line_no
     WHERE n.credit_note_id = c.id AND n.net_minor <> 0
     UNION ALL
    SELECT 2147483647, 'tax-' || i.tax_code, 'tax', -c.tax_minor, NULL, NULL, NULL WHERE c.tax_minor <> 0) x;

CREATE OR REPLACE VIEW focus_credit WITH (security_invoker = true) AS
SELECT c.tenant_id, c.period_start, 3 AS kind, row_number() OVER (PARTITION BY c.tenant_id, c.period_start ORDER BY c.id, c.place) AS seq, c.currency,
       u.amount_u AS billed_u, u.amount_u AS contracted_u, u.amount_u AS effective_u, u.amount_u AS list_u, c.category AS charge_category,
       'correction' AS charge_class, c.corrects, NULL::text AS reason, 'Credit note: ' || c.reason AS description, 'One-Time' AS frequency,
       c.corrects AS charge_start, c.corrects_until AS charge_end, c.reservation_id, c.price_id, NULL::uuid AS commitment_id,
       NULL::text AS commitment_status, NULL::text AS capacity_status, NULL::bigint AS gpu_milli_seconds, NULL::date AS day, NULL::uuid AS invoice_id,
       NULL::text AS tax_code, NULL::uuid AS subject, c.document, c.detail, m.name AS meter
  FROM focus_credit_line c LEFT JOIN meter m ON m.id = c.meter_id
 CROSS JOIN LATERAL (SELECT c.amount_minor * micro_per_minor(c.currency) AS amount_u) u;

DROP VIEW focus_cost_and_usage;
CREATE VIEW focus_cost_and_usage WITH (security_invoker = true) AS
SELECT c.tenant_id, c.period_start, c.kind, c.seq, c.day, c.reservation_id, c.gpu_milli_seconds, c.currency, u.is_consumed,
       z.name AS "AvailabilityZone",
       c.billed_u AS "BilledCost",
       a.id AS "BillingAccountId",
       a.name AS "BillingAccountName",
       c.currency AS "BillingCurrency",
       extract(epoch FROM b.ends_at)::bigint AS "BillingPeriodEnd",
       extract(epoch FROM b.starts_at)::bigint AS "BillingPeriodStart",
       CASE WHEN c.charge_category = 'usage' AND c.meter IS NULL THEN c.reservation_id END AS "CapacityReservationId",
       CASE WHEN u.is_consumed THEN initcap(coalesce(c.capacity_status, 'used')) END AS "CapacityReservationStatus",
       initcap(c.charge_category) AS "ChargeCategory",
       initcap(c.charge_class) AS "ChargeClass",
       coalesce(charge_rule_text(c.reason), c.description) AS "ChargeDescription",
       CASE WHEN c.charge_category = 'purchase' AND k.payment_model = 'all_upfront' THEN 'One-Time' ELSE c.frequency END AS "ChargeFrequency",
       extract(epoch FROM c.charge_end)::bigint AS "ChargePeriodEnd",
       extract(epoch FROM c.charge_start)::bigint AS "ChargePeriodStart",
       initcap(k.category) AS "CommitmentDiscountCategory",
       k.id AS "CommitmentDiscountId",
       coalesce(k.sku, k.currency) || ', ' || k.months || ' months' AS "CommitmentDiscountName",
       CASE WHEN k.category = 'usage' AND c.charge_category = 'purchase' THEN k.gpu_hours * 1000000
            WHEN k.category = 'usage' THEN round(c.gpu_milli_seconds / 3.6)::bigint
            WHEN k.category = 'spend' THEN greatest(c.billed_u, c.effective_u) END AS "CommitmentDiscountQuantity",
       initcap(c.commitment_status) AS "CommitmentDiscountStatus",
       CASE k.category WHEN 'usage' THEN 'GPU-hour commitment' WHEN 'spend' THEN 'Spend commitment' END AS "CommitmentDiscountType",
       CASE k.category WHEN 'usage' THEN 'Hours' WHEN 'spend' THEN k.currency END AS "CommitmentDiscountUnit",
       CASE WHEN u.is_consumed THEN round(c.gpu_milli_seconds / 3.6)::bigint WHEN c.charge_category = 'usage' THEN c.micro_units END AS "ConsumedQuantity",
       CASE WHEN u.is_consumed THEN 'Hours' WHEN c.charge_category = 'usage' THEN c.unit END AS "ConsumedUnit",
       CASE WHEN c.commitment_status IS NOT NULL THEN json_build_object('Elements', json_build_array(
            CASE k.category WHEN 'usage'
            THEN json_build_object('ContractId', u.contract, 'ContractCommitmentId', u.contract, 'ContractCommitmentAppliedUnit', 'Hours',
                                   'ContractCommitmentAppliedQuantity', trim_scale(round(c.gpu_milli_seconds / 3600000.0, 6)))
            ELSE json_build_object('ContractId', u.contract, 'ContractCommitmentId', u.contract,
                                   'ContractCommitmentAppliedCost', trim_scale(c.effective_u / 1000000.0)) END)) END AS "ContractApplied",
       c.contracted_u AS "ContractedCost",
       abs(round(c.contracted_u * 1000000.0 / nullif(u.priced, 0)))::bigint AS "ContractedUnitPrice",
       c.effective_u AS "EffectiveCost",
       a.seller AS "HostProviderName",
       CASE WHEN i.number IS NOT NULL THEN coalesce(n.line_no::text, 'tax-' || c.tax_code, CASE c.kind
            WHEN 2 THEN c.seq::text END) ELSE c.detail END AS "InvoiceDetailId",
       coalesce(i.number, c.document) AS "InvoiceId",
       a.seller AS "InvoiceIssuerName",
       c.list_u AS "ListCost",
       abs(round(c.list_u * 1000000.0 / nullif(u.priced, 0)))::bigint AS "ListUnitPrice",
       CASE WHEN c.charge_category = 'usage' THEN CASE WHEN c.commitment_id IS NOT NULL THEN 'Committed' WHEN p.tier = 'preemptible' THEN 'Dynamic'
            ELSE 'Standard' END WHEN c.charge_category = 'purchase' THEN 'Standard' END AS "PricingCategory",
       u.priced AS "PricingQuantity",
       CASE WHEN c.charge_category = 'usage' THEN coalesce(c.unit, 'Hours') WHEN k.gpu_hours IS NOT NULL THEN 'Hours'
            WHEN c.charge_category = 'purchase' THEN 'Months' END AS "PricingUnit",
       c.reservation_id AS "ResourceId",
       r.name AS "ResourceName",
       CASE WHEN c.reservation_id IS NOT NULL THEN 'GPU Reservation' END AS "ResourceType",
       'Compute' AS "ServiceCategory",
       'GPU Instances' AS "ServiceName",
       a.seller AS "ServiceProviderName",
       'Virtual Machines' AS "ServiceSubcategory",
       u.sku AS "SkuId",
       CASE WHEN u.sku IS NOT NULL THEN coalesce(c.meter, 'GPU-Hours') END AS "SkuMeter",
       CASE WHEN p.id IS NOT NULL
            THEN json_strip_nulls(json_build_object('InstanceType', CASE WHEN c.meter IS NULL THEN y.name END,
                                                    'GpuCount', CASE WHEN c.meter IS NULL THEN nullif(coalesce(y.gpu_count, r.gpu_count), 0) END,
                                                    'x_Tier', p.tier, 'x_Model', p.model)) END AS "SkuPriceDetails",
       coalesce(identity_text('prc', p.id), u.contract) AS "SkuPriceId",
       j.id AS "SubAccountId",
       r.project AS "SubAccountName",
       coalesce(r.labels, '{}') AS "Tags",
       c.subject
  FROM (SELECT f.*, NULL::text AS document, NULL::text AS detail FROM focus_charge f
        UNION ALL
        SELECT q.tenant_id, q.period_start, q.kind, q.seq, q.currency, q.billed_u, q.contracted_u, q.effective_u, q.list_u, q.charge_category,
               q.charge_class, q.corrects, q.reason, q.description, q.frequency, q.charge_start, q.charge_end, q.reservation_id, q.price_id,
               q.commitment_id, q.commitment_status, q.capacity_status, q.gpu_milli_seconds, q.day, q.invoice_id, q.tax_code, q.subject,
               q.meter, NULL, NULL, q.document, q.detail
          FROM focus_credit q) c
  JOIN (SELECT t.id, t.name, coalesce(s.legal_name, 'The provider') AS seller FROM tenant t, billing_profile s WHERE s.tenant_id IS NULL) a
    ON a.id = c.tenant_id
  JOIN billing_period b ON b.tenant_id = c.tenant_id AND b.starts_at = c.period_start
  LEFT JOIN focus_invoice i ON i.tenant_id = c.tenant_id AND i.period_start = c.period_start AND i.status <> 'void' AND c.kind < 3
   AND (c.invoice_id IS NULL OR i.id = c.invoice_id)
  LEFT JOIN invoice_line n ON c.kind = 0 AND n.invoice_id = i.id AND n.charge_category = c.charge_category
   AND CASE WHEN n.reservation_id IS NULL THEN '00000000-0000-0000-0000-000000000000' ELSE n.reservation_id END = c.subject AND n.price_id IS NOT DISTINCT FROM c.price_id
   AND n.commitment_id IS NOT DISTINCT FROM c.commitment_id AND n.charge_class IS NOT DISTINCT FROM c.charge_class
   AND n.corrects IS NOT DISTINCT FROM c.corrects AND n.reason IS NOT DISTINCT FROM c.reason
  LEFT JOIN reservation r ON r.id = c.reservation_id
  LEFT JOIN zone z ON z.id = r.zone_id
  LEFT JOIN instance_type y ON y.id = r.instance_type_id
  LEFT JOIN price p ON p.id = c.price_id
  LEFT JOIN commitment k ON k.id = c.commitment_id
  LEFT JOIN project j ON j.tenant_id = c.tenant_id AND j.name = r.project
 CROSS JOIN LATERAL (SELECT coalesce(p.sku, k.sku, 'spend.' || lower(k.currency)) AS sku, identity_text('cmt', k.id) AS contract,
                            CASE WHEN c.charge_category = 'usage' THEN coalesce(c.micro_units, round(c.gpu_milli_seconds / 3.6)::bigint)
                                 WHEN c.charge_category = 'purchase' THEN coalesce(k.gpu_hours, 1) * 1000000 END AS priced,
                            c.charge_category = 'usage' AND c.reservation_id IS NOT NULL AND c.meter IS NULL AS is_consumed) u;
COMMENT ON VIEW focus_cost_and_usage IS 'FOCUS 1.4, Cost and Usage: amounts and quantities in millionths; its first columns are for paging and joining';
GRANT SELECT ON focus_cost_and_usage TO sluice_api, sluice_api_system;
