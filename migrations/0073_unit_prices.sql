-- The unit price of FOCUS is a quotient: of a begun package and next to no usage it fits no column, and one such row is no reason to tell none.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

CREATE FUNCTION focus_unit_price(amount_u bigint, micro_units bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = sluice, pg_temp
RETURN (SELECT CASE WHEN u.price <= 9223372036854775807 THEN u.price::bigint END FROM (SELECT abs(round(amount_u * 1000000.0 / nullif(micro_units, 0)))) AS u (price));
COMMENT ON FUNCTION focus_unit_price IS 'What an amount is per unit, in millionths; null: of no quantity, or more than fits';
REVOKE EXECUTE ON FUNCTION focus_unit_price FROM PUBLIC;
GRANT EXECUTE ON FUNCTION focus_unit_price TO sluice_api, sluice_api_system, sluice_billing;

CREATE OR REPLACE VIEW focus_cost_and_usage WITH (security_invoker = true) AS
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
       focus_unit_price(c.contracted_u, u.priced) AS "ContractedUnitPrice",
       c.effective_u AS "EffectiveCost",
       a.seller AS "HostProviderName",
       CASE WHEN i.number IS NOT NULL THEN coalesce(n.line_no::text, 'tax-' || c.tax_code, CASE c.kind
            WHEN 2 THEN c.seq::text END) ELSE c.detail END AS "InvoiceDetailId",
       coalesce(i.number, c.document) AS "InvoiceId",
       a.seller AS "InvoiceIssuerName",
       c.list_u AS "ListCost",
       focus_unit_price(c.list_u, u.priced) AS "ListUnitPrice",
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
