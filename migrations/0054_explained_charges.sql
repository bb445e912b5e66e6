-- Explaining every kind of charge, back to what was known when it was rated: which seconds a price version held for, usage corrections and late
-- usage, and what an operator asked to be credited.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

CREATE FUNCTION price_held(of_reservation uuid, of_price uuid, of_span tstzrange, known timestamptz) RETURNS tstzmultirange
LANGUAGE sql STABLE SET search_path = sluice, pg_temp
BEGIN ATOMIC
    SELECT CASE WHEN p.withdrawn_at < known THEN '{}'::tstzmultirange
           ELSE tstzmultirange(p.valid * of_span)
              - coalesce((SELECT range_agg(s.valid) FROM price s
                           WHERE s.sku_kind = p.sku_kind AND s.sku = p.sku AND s.tier = p.tier AND s.currency = p.currency
                             AND s.tenant_id = r.tenant_id AND (s.project IS NULL OR s.project = r.project)
                             AND s.created_at < known AND (s.withdrawn_at IS NULL OR s.withdrawn_at >= known)
                             AND num_nonnulls(s.tenant_id, s.project) > num_nonnulls(p.tenant_id, p.project)), '{}') END
      FROM price p, reservation r WHERE p.id = of_price AND r.id = of_reservation;
END;
COMMENT ON FUNCTION price_held IS 'When within a range a version of a price held for a reservation, by what was known at an instant: not where a project''s or a tenant''s own did. common/price_book.c knows the same';

CREATE FUNCTION gpu_model_of_node(of_node uuid) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = sluice, pg_temp
BEGIN ATOMIC
    SELECT gpu_model FROM node WHERE id = of_node;
END;
COMMENT ON FUNCTION gpu_model_of_node IS 'Which GPUs a node has: tenants, who read no nodes, are billed shapes of their own by it';
REVOKE EXECUTE ON FUNCTION gpu_model_of_node FROM PUBLIC;

CREATE FUNCTION invoice_line_scope(of_invoice uuid, of_line integer)
RETURNS TABLE (tenant_id uuid, reservation_id uuid, gpu_model text, within tstzrange, known timestamptz, holds tstzmultirange)
LANGUAGE sql STABLE SET search_path = sluice, pg_temp
BEGIN ATOMIC
    SELECT l.tenant_id, l.reservation_id, CASE p.sku_kind WHEN 'gpu_model' THEN p.sku END, w.within, k.known,
           CASE WHEN p.id IS NULL THEN tstzmultirange(w.within) ELSE price_held(l.reservation_id, p.id, w.within, k.known) END
      FROM invoice_line l JOIN invoice i ON i.id = l.invoice_id JOIN tenant t ON t.id = l.tenant_id LEFT JOIN price p ON p.id = l.price_id
     CROSS JOIN LATERAL (SELECT CASE WHEN l.corrects IS NULL THEN tstzrange(i.period_start, i.period_end)
           ELSE tstzrange(l.corrects, ((l.corrects AT TIME ZONE t.billing_timezone) + interval '1 month') AT TIME ZONE t.billing_timezone) END AS within) w
     CROSS JOIN LATERAL (SELECT (max(r.day) + 1)::timestamp AT TIME ZONE 'UTC' AS known
                           FROM rated_line r WHERE r.tenant_id = l.tenant_id AND r.period_start = i.period_start) k
     WHERE l.invoice_id = of_invoice AND l.line_no = of_line;
END;
COMMENT ON FUNCTION invoice_line_scope IS 'Where the usage behind a line of an invoice lies: the period it is of, when its price held, and up to when facts were known to it';

CREATE FUNCTION invoice_line_told(of_invoice uuid, of_line integer) RETURNS TABLE (id bigint, period_start timestamptz, reservation_id uuid, price_id uuid, commitment_id uuid, window_no smallint, discount_id uuid,
               gpu_milli_seconds bigint, amount_u bigint, contracted_u bigint, effective_u bigint)
LANGUAGE sql STABLE SET search_path = sluice, pg_temp
BEGIN ATOMIC
    SELECT r.id, r.period_start, r.reservation_id, r.price_id, r.commitment_id, r.window_no, r.discount_id, r.gpu_milli_seconds, r.amount_u, r.contracted_u, r.effective_u
      FROM invoice_line l JOIN invoice i ON i.id = l.invoice_id JOIN rated_line r
        ON r.tenant_id = l.tenant_id AND r.period_start = coalesce(l.corrects, i.period_start) AND r.corrects IS NULL
     WHERE l.invoice_id = of_invoice AND l.line_no = of_line AND r.charge_category = l.charge_category AND r.reason IS NOT DISTINCT FROM l.reason
    UNION ALL
    SELECT r.id, r.period_start, r.reservation_id, r.price_id, r.commitment_id, r.window_no, r.discount_id, r.gpu_milli_seconds, r.amount_u, r.contracted_u, r.effective_u
      FROM invoice_line l JOIN invoice i ON i.id = l.invoice_id JOIN rated_line r
        ON r.tenant_id = l.tenant_id AND r.corrects = l.corrects AND r.period_start <= i.period_start
     WHERE l.invoice_id = of_invoice AND l.line_no = of_line AND r.charge_category = l.charge_category AND r.reason IS NOT DISTINCT FROM l.reason;
END;
COMMENT ON FUNCTION invoice_line_told IS 'All that was rated up to an invoice of the tenant''s charges of the line''s kind in the period that the line is of: of a correction, what was invoiced before too';

CREATE POLICY own_tenant ON late_usage FOR SELECT TO sluice_api USING (tenant_id = nullif(current_setting('sluice.tenant', true), '')::uuid);
CREATE POLICY own_tenant ON invoice_request_status FOR SELECT TO sluice_api
    USING (tenant_id = nullif(current_setting('sluice.tenant', true), '')::uuid AND credit_note_id IS NOT NULL);
CREATE POLICY own_tenant ON invoice_request_line FOR SELECT TO sluice_api
    USING (tenant_id = nullif(current_setting('sluice.tenant', true), '')::uuid
           AND EXISTS (SELECT FROM invoice_request_status s WHERE s.request_id = invoice_request_line.request_id));
GRANT SELECT ON late_usage, invoice_request_line, invoice_request_status TO sluice_api;
GRANT EXECUTE ON FUNCTION price_held, gpu_model_of_node, invoice_line_scope, invoice_line_told TO sluice_api, sluice_api_system;

-- ---- FOCUS: credit notes are charges too, of the month they were issued in, and every usage and purchase has a SKU and a price ----

CREATE FUNCTION charge_rule_text(reason text) RETURNS text LANGUAGE sql IMMUTABLE SET search_path = sluice, pg_temp
RETURN CASE reason WHEN 'sla_credit' THEN 'Credit for time that was promised and not delivered' WHEN 'cancellation' THEN 'Cancellation before the start'
            WHEN 'early_release' THEN 'Release before the end' WHEN 'minimum' THEN 'Minimum duration' END;
COMMENT ON FUNCTION charge_rule_text IS 'What a charge or credit by rule is, for people: as invoices say it (common/invoice_describe.c). Null: no such rule';

-- A number of more than six digits is printed whole.
CREATE OR REPLACE VIEW focus_invoice WITH (security_invoker = true) AS
SELECT i.id, i.tenant_id, i.period_start, i.status, i.currency, i.issued_at, i.drawn_up_at, i.finalized_at, i.due_at, i.voided_at,
       document_number(i.series, i.number) AS number, document_number(r.series, r.number) AS replaces
  FROM invoice i LEFT JOIN invoice r ON r.id = i.replaces;

-- The month of a credit note is the one it was issued in, in its tenant's calendar: what is closed takes no more charges. Its lines, then its tax.
CREATE VIEW focus_credit_line WITH (security_invoker = true) AS
SELECT c.tenant_id, date_trunc('month', c.issued_at AT TIME ZONE t.billing_timezone) AT TIME ZONE t.billing_timezone AS period_start, c.id,
       document_number(c.series, c.number) AS document, document_number(i.series, i.number) AS corrects_document, c.currency, c.issued_at, c.reason,
       i.period_start AS corrects, i.period_end AS corrects_until, x.place, x.detail, x.category, x.amount_minor, x.reservation_id, x.price_id
  FROM credit_note c JOIN tenant t ON t.id = c.tenant_id JOIN invoice i ON i.id = c.invoice_id
 CROSS JOIN LATERAL (
    SELECT n.line_no AS place, n.line_no::text AS detail, 'credit' AS category, -n.net_minor AS amount_minor, l.reservation_id, l.price_id
      FROM credit_note_line n JOIN invoice_line l ON l.invoice_id = n.invoice_id AND l.line_no = n.invoice_line_no
     WHERE n.credit_note_id = c.id AND n.net_minor <> 0
     UNION ALL
    SELECT 2147483647, 'tax-' || i.tax_code, 'tax', -c.tax_minor, NULL, NULL WHERE c.tax_minor <> 0) x;
COMMENT ON VIEW focus_credit_line IS 'What credit notes take back, line by line, and their tax, with the sign of a credit';

CREATE VIEW focus_credit WITH (security_invoker = true) AS
SELECT c.tenant_id, c.period_start, 3 AS kind, row_number() OVER (PARTITION BY c.tenant_id, c.period_start ORDER BY c.id, c.place) AS seq, c.currency,
       u.amount_u AS billed_u, u.amount_u AS contracted_u, u.amount_u AS effective_u, u.amount_u AS list_u, c.category AS charge_category,
       'correction' AS charge_class, c.corrects, NULL::text AS reason, 'Credit note: ' || c.reason AS description, 'One-Time' AS frequency,
       c.corrects AS charge_start, c.corrects_until AS charge_end, c.reservation_id, c.price_id, NULL::uuid AS commitment_id,
       NULL::text AS commitment_status, NULL::text AS capacity_status, NULL::bigint AS gpu_milli_seconds, NULL::date AS day, NULL::uuid AS invoice_id,
       NULL::text AS tax_code, NULL::uuid AS subject, c.document, c.detail
  FROM focus_credit_line c CROSS JOIN LATERAL (SELECT c.amount_minor * micro_per_minor(c.currency) AS amount_u) u;
COMMENT ON VIEW focus_credit IS 'Credit notes as charges of kind 3, beside focus_charge: their document is their own, so that the charges of an invoice still sum to it';

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
       CASE WHEN c.charge_category = 'usage' THEN c.reservation_id END AS "CapacityReservationId",
       CASE WHEN c.reservation_id IS NOT NULL AND c.charge_category = 'usage' THEN initcap(coalesce(c.capacity_status, 'used')) END AS "CapacityReservationStatus",
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
       CASE WHEN u.is_consumed THEN round(c.gpu_milli_seconds / 3.6)::bigint END AS "ConsumedQuantity",
       CASE WHEN u.is_consumed THEN 'Hours' END AS "ConsumedUnit",
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
       CASE WHEN c.charge_category = 'usage' OR k.gpu_hours IS NOT NULL THEN 'Hours'
            WHEN c.charge_category = 'purchase' THEN 'Months' END AS "PricingUnit",
       c.reservation_id AS "ResourceId",
       r.name AS "ResourceName",
       CASE WHEN c.reservation_id IS NOT NULL THEN 'GPU Reservation' END AS "ResourceType",
       'Compute' AS "ServiceCategory",
       'GPU Instances' AS "ServiceName",
       a.seller AS "ServiceProviderName",
       'Virtual Machines' AS "ServiceSubcategory",
       u.sku AS "SkuId",
       CASE WHEN u.sku IS NOT NULL THEN 'GPU-Hours' END AS "SkuMeter",
       CASE WHEN p.id IS NOT NULL
            THEN json_strip_nulls(json_build_object('InstanceType', y.name, 'GpuCount', nullif(coalesce(y.gpu_count, r.gpu_count), 0),
                                                    'x_Tier', p.tier, 'x_Model', p.model)) END AS "SkuPriceDetails",
       coalesce(identity_text('prc', p.id), u.contract) AS "SkuPriceId",
       j.id AS "SubAccountId",
       r.project AS "SubAccountName",
       coalesce(r.labels, '{}') AS "Tags",
       c.subject
  FROM (SELECT f.*, NULL::text AS document, NULL::text AS detail FROM focus_charge f UNION ALL SELECT * FROM focus_credit) c
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
                            CASE WHEN c.charge_category = 'usage' THEN round(c.gpu_milli_seconds / 3.6)::bigint
                                 WHEN c.charge_category = 'purchase' THEN coalesce(k.gpu_hours, 1) * 1000000 END AS priced,
                            c.charge_category = 'usage' AND c.reservation_id IS NOT NULL AS is_consumed) u;
COMMENT ON VIEW focus_cost_and_usage IS 'FOCUS 1.4, Cost and Usage: amounts and quantities in millionths; its first columns are for paging and joining';
GRANT SELECT ON focus_credit_line, focus_credit, focus_cost_and_usage TO sluice_api, sluice_api_system;
GRANT EXECUTE ON FUNCTION charge_rule_text TO sluice_api, sluice_api_system;
