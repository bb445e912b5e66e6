-- The place of a charge as an expression that row security lets an index answer: what may leak waits behind the policies, and PostgreSQL 15
-- takes coalesce for such (contain_leaked_vars), CASE not.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

DROP INDEX rated_in_order;
CREATE INDEX rated_in_order ON rated_line (tenant_id, period_start, day, (CASE WHEN reservation_id IS NULL THEN '00000000-0000-0000-0000-000000000000' ELSE reservation_id END));
DROP INDEX invoice_line_of_subject;
CREATE INDEX invoice_line_of_subject ON invoice_line (invoice_id, (CASE WHEN reservation_id IS NULL THEN '00000000-0000-0000-0000-000000000000' ELSE reservation_id END));

CREATE OR REPLACE VIEW focus_group WITH (security_invoker = true) AS
SELECT tenant_id, period_start, day, currency, charge_category, charge_class, corrects, reason, reservation_id, price_id, commitment_id,
       commitment_status, capacity_status, CASE WHEN reservation_id IS NULL THEN '00000000-0000-0000-0000-000000000000' ELSE reservation_id END AS subject, min(id) AS seq,
       sum(amount_u)::bigint AS billed_u, sum(contracted_u)::bigint AS contracted_u, sum(effective_u)::bigint AS effective_u,
       sum(list_u)::bigint AS list_u, sum(gpu_milli_seconds)::bigint AS gpu_milli_seconds
  FROM rated_line
 GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13
HAVING sum(amount_u) <> 0 OR sum(effective_u) <> 0 OR sum(contracted_u) <> 0 OR sum(list_u) <> 0 OR sum(gpu_milli_seconds) <> 0;

CREATE OR REPLACE VIEW focus_cost_and_usage WITH (security_invoker = true) AS
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
       c.description AS "ChargeDescription",
       c.frequency AS "ChargeFrequency",
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
            WHEN 2 THEN c.seq::text END) END AS "InvoiceDetailId",
       i.number AS "InvoiceId",
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
       p.id AS "SkuPriceId",
       j.id AS "SubAccountId",
       r.project AS "SubAccountName",
       coalesce(r.labels, '{}') AS "Tags",
       c.subject
  FROM focus_charge c
  JOIN (SELECT t.id, t.name, coalesce(s.legal_name, 'The provider') AS seller FROM tenant t, billing_profile s WHERE s.tenant_id IS NULL) a
    ON a.id = c.tenant_id
  JOIN billing_period b ON b.tenant_id = c.tenant_id AND b.starts_at = c.period_start
  LEFT JOIN focus_invoice i ON i.tenant_id = c.tenant_id AND i.period_start = c.period_start AND i.status <> 'void'
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
 CROSS JOIN LATERAL (SELECT coalesce(p.sku, k.sku) AS sku, identity_text('cmt', k.id) AS contract,
                            CASE WHEN c.charge_category = 'usage' THEN round(c.gpu_milli_seconds / 3.6)::bigint
                                 WHEN c.charge_category = 'purchase' THEN coalesce(k.gpu_hours, 1) * 1000000 END AS priced,
                            c.charge_category = 'usage' AND c.reservation_id IS NOT NULL AS is_consumed) u;

CREATE OR REPLACE FUNCTION focus_page_end(account uuid, period timestamptz, from_day date, from_subject uuid, most bigint)
RETURNS TABLE (day date, subject uuid)
LANGUAGE sql STABLE SET search_path = sluice, pg_temp
BEGIN ATOMIC
    -- From one day and subject to the next by the index: what lies between them is not read. charges counts those behind the first,
    -- of which the page before may have shown some.
    WITH RECURSIVE head AS (
        (SELECT l.day, CASE WHEN l.reservation_id IS NULL THEN '00000000-0000-0000-0000-000000000000' ELSE l.reservation_id END AS subject, 0::bigint AS charges FROM rated_line l
          WHERE l.tenant_id = account AND l.period_start = period AND (l.day, CASE WHEN l.reservation_id IS NULL THEN '00000000-0000-0000-0000-000000000000' ELSE l.reservation_id END) >= (from_day, from_subject)
          ORDER BY l.day, CASE WHEN l.reservation_id IS NULL THEN '00000000-0000-0000-0000-000000000000' ELSE l.reservation_id END LIMIT 1)
        UNION ALL
        SELECT x.day, x.subject, h.charges + (SELECT count(*) FROM focus_group g
                                               WHERE g.tenant_id = account AND g.period_start = period AND g.day = x.day AND g.subject = x.subject)
          FROM head h CROSS JOIN LATERAL (
            SELECT l.day, CASE WHEN l.reservation_id IS NULL THEN '00000000-0000-0000-0000-000000000000' ELSE l.reservation_id END AS subject FROM rated_line l
             WHERE l.tenant_id = account AND l.period_start = period
               AND (l.day, CASE WHEN l.reservation_id IS NULL THEN '00000000-0000-0000-0000-000000000000' ELSE l.reservation_id END) > (h.day, h.subject)
             ORDER BY l.day, CASE WHEN l.reservation_id IS NULL THEN '00000000-0000-0000-0000-000000000000' ELSE l.reservation_id END LIMIT 1) x
         WHERE h.charges < most
    )
    SELECT h.day, h.subject FROM head h ORDER BY h.day DESC, h.subject DESC LIMIT 1;
END;
