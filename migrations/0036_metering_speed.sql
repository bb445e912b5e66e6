-- What the books cost to write: updates that touch no index, and one look at the prices per statement instead of one per line.
-- What the FOCUS exports cost to read: a page reads the lines that it shows, however large the month.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

-- Each event of an instance updates its row. Where no indexed column changes and the page has room, the new version stays on
-- its page and no index learns of it (HOT); so the index of what is open is not by the instant that every event moves.
DROP INDEX meter_instance_open;
CREATE INDEX meter_instance_open ON meter_instance (instance_id) WHERE NOT closed;
ALTER TABLE meter_instance SET (fillfactor = 50);

-- A foreign key looks once per line; a day's lines share a handful of prices. The other side of the key, that no price is
-- deleted, is a refusal.
ALTER TABLE rated_line DROP CONSTRAINT rated_line_price_id_fkey;
CREATE FUNCTION rated_lines_have_prices() RETURNS trigger LANGUAGE plpgsql SET search_path = sluice, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM (SELECT DISTINCT price_id FROM added WHERE price_id IS NOT NULL) a
                WHERE NOT EXISTS (SELECT FROM price p WHERE p.id = a.price_id)) THEN
        RAISE foreign_key_violation USING MESSAGE = 'a rated line has a price that does not exist';
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION rated_lines_have_prices IS 'Trigger: the prices of all inserted lines exist, looked up once per price and statement';
CREATE TRIGGER have_prices AFTER INSERT ON rated_line REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION rated_lines_have_prices();
CREATE FUNCTION price_refuses_deletion() RETURNS trigger LANGUAGE plpgsql SET search_path = sluice, pg_temp AS $$
BEGIN
    RAISE foreign_key_violation USING MESSAGE = 'a price is never deleted: rated lines name it';
END $$;
COMMENT ON FUNCTION price_refuses_deletion IS 'Trigger: what rated lines name stays';
CREATE TRIGGER stays BEFORE DELETE ON price FOR EACH ROW EXECUTE FUNCTION price_refuses_deletion();

-- ---- FOCUS: a page reads what it shows ----

-- Charges of a period are in the order of day and subject (the reservation; the nil UUID for a commitment's own), which the index
-- has, so that a page begins where the one before ended and adds up no more than its own groups.
CREATE INDEX rated_in_order ON rated_line (tenant_id, period_start, day, coalesce(reservation_id, '00000000-0000-0000-0000-000000000000'));
DROP INDEX rated_of_period_in_order;
CREATE INDEX invoice_line_of_subject ON invoice_line (invoice_id, coalesce(reservation_id, '00000000-0000-0000-0000-000000000000'));

CREATE VIEW focus_group WITH (security_invoker = true) AS
SELECT tenant_id, period_start, day, currency, charge_category, charge_class, corrects, reason, reservation_id, price_id, commitment_id,
       commitment_status, capacity_status, coalesce(reservation_id, '00000000-0000-0000-0000-000000000000') AS subject, min(id) AS seq,
       sum(amount_u)::bigint AS billed_u, sum(contracted_u)::bigint AS contracted_u, sum(effective_u)::bigint AS effective_u,
       sum(list_u)::bigint AS list_u, sum(gpu_milli_seconds)::bigint AS gpu_milli_seconds
  FROM rated_line
 GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13
HAVING sum(amount_u) <> 0 OR sum(effective_u) <> 0 OR sum(contracted_u) <> 0 OR sum(list_u) <> 0 OR sum(gpu_milli_seconds) <> 0;
COMMENT ON VIEW focus_group IS 'Rated lines (deltas) added up by day and group; those that came to nothing are left out';
GRANT SELECT ON focus_group TO sluice_api, sluice_api_system, sluice_billing;

CREATE OR REPLACE VIEW focus_charge WITH (security_invoker = true) AS
SELECT l.tenant_id, l.period_start, 0 AS kind, l.seq, l.currency, l.billed_u,
       CASE WHEN l.commitment_status = 'unused' THEN l.effective_u ELSE l.contracted_u END AS contracted_u, l.effective_u,
       CASE WHEN l.commitment_status = 'unused' THEN l.effective_u ELSE l.list_u END AS list_u,
       l.charge_category, l.charge_class, l.corrects, l.reason,
       CASE l.charge_category
           WHEN 'usage' THEN CASE l.commitment_status WHEN 'used' THEN 'Usage that a commitment covers' WHEN 'unused' THEN 'What nobody used of a commitment'
                             ELSE 'GPU usage' END
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
       NULL::uuid AS invoice_id, NULL::text AS tax_code, l.subject
  FROM focus_group l
  JOIN tenant t ON t.id = l.tenant_id
  JOIN billing_period b ON b.tenant_id = l.tenant_id AND b.starts_at = l.period_start
UNION ALL
SELECT i.tenant_id, i.period_start, 1, x.seq, i.currency, x.tax_minor * micro_per_minor(i.currency), x.tax_minor * micro_per_minor(i.currency),
       x.tax_minor * micro_per_minor(i.currency), x.tax_minor * micro_per_minor(i.currency), 'tax', NULL, NULL, NULL,
       'Tax at ' || trim_scale(x.rate_bp / 100.0) || ' %', 'One-Time', i.period_start, b.ends_at,
       NULL, NULL, NULL, NULL, NULL, NULL, NULL, i.id, x.tax_code, NULL
  FROM invoice i
  JOIN billing_period b ON b.tenant_id = i.tenant_id AND b.starts_at = i.period_start
  JOIN (SELECT invoice_id, tax_code, rate_bp, tax_minor, row_number() OVER (PARTITION BY invoice_id ORDER BY tax_code) AS seq FROM invoice_tax) x
    ON x.invoice_id = i.id
 WHERE i.status <> 'void' AND x.tax_minor <> 0
UNION ALL
SELECT i.tenant_id, i.period_start, 2, n.line_no, i.currency, n.rounded_u, n.rounded_u, n.rounded_u, n.rounded_u, 'adjustment', NULL, NULL, NULL,
       'Rounding of line ' || n.line_no || ' to the smallest unit', 'One-Time', i.period_start, b.ends_at,
       NULL, NULL, NULL, NULL, NULL, NULL, NULL, i.id, NULL, NULL
  FROM invoice i
  JOIN billing_period b ON b.tenant_id = i.tenant_id AND b.starts_at = i.period_start
 CROSS JOIN LATERAL (SELECT line_no, net_minor * micro_per_minor(i.currency) - amount_u AS rounded_u FROM invoice_line WHERE invoice_id = i.id) n
 WHERE i.status <> 'void' AND n.rounded_u <> 0;

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
   AND coalesce(n.reservation_id, '00000000-0000-0000-0000-000000000000') = c.subject AND n.price_id IS NOT DISTINCT FROM c.price_id
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

CREATE FUNCTION focus_page_end(account uuid, period timestamptz, from_day date, from_subject uuid, most bigint)
RETURNS TABLE (day date, subject uuid)
LANGUAGE sql STABLE SET search_path = sluice, pg_temp
BEGIN ATOMIC
    -- From one day and subject to the next by the index: what lies between them is not read. charges counts those behind the first,
    -- of which the page before may have shown some.
    WITH RECURSIVE head AS (
        (SELECT l.day, coalesce(l.reservation_id, '00000000-0000-0000-0000-000000000000') AS subject, 0::bigint AS charges FROM rated_line l
          WHERE l.tenant_id = account AND l.period_start = period AND (l.day, coalesce(l.reservation_id, '00000000-0000-0000-0000-000000000000')) >= (from_day, from_subject)
          ORDER BY l.day, coalesce(l.reservation_id, '00000000-0000-0000-0000-000000000000') LIMIT 1)
        UNION ALL
        SELECT x.day, x.subject, h.charges + (SELECT count(*) FROM focus_group g
                                               WHERE g.tenant_id = account AND g.period_start = period AND g.day = x.day AND g.subject = x.subject)
          FROM head h CROSS JOIN LATERAL (
            SELECT l.day, coalesce(l.reservation_id, '00000000-0000-0000-0000-000000000000') AS subject FROM rated_line l
             WHERE l.tenant_id = account AND l.period_start = period
               AND (l.day, coalesce(l.reservation_id, '00000000-0000-0000-0000-000000000000')) > (h.day, h.subject)
             ORDER BY l.day, coalesce(l.reservation_id, '00000000-0000-0000-0000-000000000000') LIMIT 1) x
         WHERE h.charges < most
    )
    SELECT h.day, h.subject FROM head h ORDER BY h.day DESC, h.subject DESC LIMIT 1;
END;
COMMENT ON FUNCTION focus_page_end IS 'The last day and subject that a page of so many charges, which begins with or behind these, can reach; no row: nothing is left';
GRANT EXECUTE ON FUNCTION focus_page_end TO sluice_api, sluice_api_system;

-- ---- Reconciled before issue ----

GRANT EXECUTE ON FUNCTION micro_per_minor TO sluice_billing;
GRANT SELECT ON focus_charge, check_focus TO sluice_billing;
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
UNION ALL SELECT 'holds_fit', (SELECT count(*) FROM check_hold)
UNION ALL SELECT 'charges_are_invoiced', (SELECT count(*) FROM check_focus);
