-- Meters: quantities beside GPU-time that agents report of a reservation (traffic, storage, licences, energy that is sold ...), priced by the
-- price book, rated, invoiced and explained as GPU-hours are. node_energy stays what it is: a node's cost, whoever holds it, not anybody's usage.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

-- ---- What can be metered ----

CREATE TABLE meter (
    id uuid PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
    unit text NOT NULL CHECK (length(unit) BETWEEN 1 AND 24),
    aggregation text NOT NULL CHECK (aggregation IN ('sum', 'level')),
    decimals smallint NOT NULL CHECK (decimals BETWEEN 0 AND 3),
    description text CHECK (length(description) BETWEEN 1 AND 255),
    created_by uuid,
    created_at timestamptz NOT NULL DEFAULT sluice_now(),
    retired_at timestamptz
);
COMMENT ON TABLE meter IS 'What agents may report of reservations beside GPU-time. Never changed but for its retirement, since prices, readings and invoices mean it. Written by sluice-api';
COMMENT ON COLUMN meter.id IS 'UUIDv7; "mtr_..." outside';
COMMENT ON COLUMN meter.name IS 'Name, which prices have as their sku';
COMMENT ON COLUMN meter.unit IS 'Of what is reported: GB, kWh, licences ... (SI or UCUM)';
COMMENT ON COLUMN meter.aggregation IS 'sum: readings are amounts, which add up, priced per unit; level: a reading is what was held for its span, which counts by time, priced per unit and hour';
COMMENT ON COLUMN meter.decimals IS 'Decimals that a reading may have';
COMMENT ON COLUMN meter.description IS 'For people';
COMMENT ON COLUMN meter.created_by IS 'Principal';
COMMENT ON COLUMN meter.created_at IS 'Domain time';
COMMENT ON COLUMN meter.retired_at IS 'Domain time from which on it takes no readings and no prices; null: it does';

CREATE FUNCTION meter_priced_unit(aggregation text, unit text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = sluice, pg_temp
RETURN unit || CASE aggregation WHEN 'level' THEN '-Hours' ELSE '' END;
COMMENT ON FUNCTION meter_priced_unit IS 'The unit that a meter''s prices are of';

CREATE FUNCTION meter_per_unit(aggregation text) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = sluice, pg_temp
RETURN CASE aggregation WHEN 'level' THEN 3600000 ELSE 1000 END;
COMMENT ON FUNCTION meter_per_unit IS 'What a unit that is priced is in the measure in which quantities are counted: thousandths of a unit, of a level times seconds';

CREATE FUNCTION meter_micro_units(aggregation text, quantity bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = sluice, pg_temp
RETURN greatest(least(round(quantity * 1000000.0 / CASE aggregation WHEN 'level' THEN 3600000 ELSE 1000 END), 9223372036854775807), -9223372036854775807)::bigint;
COMMENT ON FUNCTION meter_micro_units IS 'A counted quantity in millionths of the unit that is priced, for people, or the most that can be told; money follows from the quantity itself';

-- ---- What was reported ----

CREATE TABLE meter_reading (
    tenant_id uuid NOT NULL,
    event_id text NOT NULL CHECK (length(event_id) BETWEEN 1 AND 64),
    reservation_id uuid NOT NULL,
    meter_id uuid NOT NULL REFERENCES meter,
    from_at timestamptz,
    to_at timestamptz NOT NULL,
    quantity_milli bigint NOT NULL CHECK (quantity_milli BETWEEN 0 AND 1000000000000),
    reported_by uuid,
    received_at timestamptz NOT NULL DEFAULT sluice_now(),
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    seq bigint GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (tenant_id, event_id, to_at),
    CHECK (from_at < to_at AND to_at - from_at <= interval '86400 s')
) PARTITION BY RANGE (to_at);
COMMENT ON TABLE meter_reading IS 'What agents reported: facts, never changed; meter_event keeps each from coming twice. Written by sluice-api';
COMMENT ON COLUMN meter_reading.tenant_id IS 'Whose reservation it is';
COMMENT ON COLUMN meter_reading.event_id IS 'Chosen by the agent: what comes again with it counts once';
COMMENT ON COLUMN meter_reading.reservation_id IS 'The reservation';
COMMENT ON COLUMN meter_reading.meter_id IS 'What was metered';
COMMENT ON COLUMN meter_reading.from_at IS 'Domain time, inclusive; null: an amount of an instant';
COMMENT ON COLUMN meter_reading.to_at IS 'Domain time, exclusive: its last second decides which day, billing period and price it is of; the partition key';
COMMENT ON COLUMN meter_reading.quantity_milli IS 'Thousandths of the meter''s unit';
COMMENT ON COLUMN meter_reading.reported_by IS 'Principal';
COMMENT ON COLUMN meter_reading.received_at IS 'Domain time';
COMMENT ON COLUMN meter_reading.xid IS 'Transaction: with seq the order in which it is read';
COMMENT ON COLUMN meter_reading.seq IS 'Sequence';
CREATE INDEX meter_reading_order ON meter_reading (xid, seq);
CREATE INDEX meter_reading_of_tenant ON meter_reading (tenant_id, seq);
CREATE INDEX meter_reading_by_seq ON meter_reading (seq);
CREATE INDEX meter_reading_in_order ON meter_reading (reservation_id, seq);
CREATE INDEX meter_reading_of_reservation ON meter_reading (reservation_id, meter_id, to_at, event_id);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON meter_reading FOR EACH ROW EXECUTE FUNCTION ledger_refuses_change();
CREATE TABLE meter_reading_default PARTITION OF meter_reading DEFAULT;
COMMENT ON TABLE meter_reading_default IS 'Catches what no partition takes; a row in it raises the alert SluiceDefaultPartitionUsed';

CREATE TABLE meter_event (
    tenant_id uuid NOT NULL,
    event_id text NOT NULL,
    to_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, event_id)
);
COMMENT ON TABLE meter_event IS 'The agents'' ids of readings, each once, while they may come again: a month longer than a reading may be old. Not partitioned, since an id is looked for whatever its time. Written by sluice-api';
COMMENT ON COLUMN meter_event.tenant_id IS 'Whose';
COMMENT ON COLUMN meter_event.event_id IS 'The id';
COMMENT ON COLUMN meter_event.to_at IS 'End of the reading that it stands for';
CREATE INDEX meter_event_by_end ON meter_event (to_at);

-- ---- What counts of it ----

CREATE TABLE meter_usage (
    tenant_id uuid NOT NULL,
    reservation_id uuid NOT NULL,
    meter_id uuid NOT NULL REFERENCES meter,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    counted_with date NOT NULL,
    quantity numeric NOT NULL CHECK (quantity >= 0),
    PRIMARY KEY (tenant_id, starts_at, reservation_id, meter_id, ends_at, counted_with),
    CHECK (ends_at > starts_at AND ends_at - starts_at <= interval '86400 s')
) PARTITION BY RANGE (starts_at);
COMMENT ON TABLE meter_usage IS 'Readings as they are metered: sums over stretches of UTC days, added to in the transaction that counts a reading. A stretch ends where a price, a discount or the billing period does, as far as that was known; where one turns up within it later, the readings of that day themselves are rated. Written by sluice-billing';
COMMENT ON COLUMN meter_usage.tenant_id IS 'Whose';
COMMENT ON COLUMN meter_usage.reservation_id IS 'The reservation';
COMMENT ON COLUMN meter_usage.meter_id IS 'The meter';
COMMENT ON COLUMN meter_usage.starts_at IS 'Stretch in which the last seconds of its readings lie, inclusive; the partition key';
COMMENT ON COLUMN meter_usage.ends_at IS 'Exclusive; within the same UTC day';
COMMENT ON COLUMN meter_usage.counted_with IS 'Its UTC day, or, if that was closed, the first day that was open: its close rates it';
COMMENT ON COLUMN meter_usage.quantity IS 'What counts: thousandths of a unit; of a level times the seconds of the readings'' spans. A number of any size: what agents report never stops the counting';
CREATE INDEX meter_usage_of_reservation ON meter_usage (reservation_id, meter_id, starts_at);
CREATE TABLE meter_usage_default PARTITION OF meter_usage DEFAULT;
COMMENT ON TABLE meter_usage_default IS 'Catches what no partition takes; a row in it raises the alert SluiceDefaultPartitionUsed';

INSERT INTO partition_policy VALUES ('meter_reading', 'month', 3, NULL, true), ('meter_usage', 'month', 3, NULL, true);
SELECT partition_ensure(p.table_name, sluice_now() - interval '63 days', sluice_now() + p.ahead * ('1 ' || p.step)::interval)
  FROM partition_policy p WHERE p.table_name IN ('meter_reading', 'meter_usage');

CREATE TABLE meter_counted (
    day date PRIMARY KEY,
    xid xid8 NOT NULL,
    seq bigint NOT NULL
);
COMMENT ON TABLE meter_counted IS 'Up to which reading was counted while a day was the first open one: which day''s close rates a reading follows from it. Written by sluice-billing';
COMMENT ON COLUMN meter_counted.day IS 'The day';
COMMENT ON COLUMN meter_counted.xid IS 'Of the last reading';
COMMENT ON COLUMN meter_counted.seq IS 'Of the last reading';
CREATE UNIQUE INDEX meter_counted_in_order ON meter_counted (xid, seq);

CREATE FUNCTION meter_counted_with(to_at timestamptz, of_xid xid8, of_seq bigint) RETURNS date
LANGUAGE sql STABLE SET search_path = sluice, pg_temp
BEGIN ATOMIC
    SELECT greatest(c.day, ((meter_counted_with.to_at - interval '1 second') AT TIME ZONE 'UTC')::date) FROM meter_counted c
     WHERE (c.xid, c.seq) >= (of_xid, of_seq) ORDER BY c.xid, c.seq LIMIT 1;
END;
COMMENT ON FUNCTION meter_counted_with IS 'The day whose close rates a reading: its own, or, if that was closed when it was counted, the first that was open; null: it is not counted yet';

CREATE TABLE meter_touch (
    counted_with date NOT NULL,
    tenant_id uuid NOT NULL,
    meter_id uuid NOT NULL REFERENCES meter,
    day date NOT NULL,
    PRIMARY KEY (counted_with, tenant_id, meter_id, day)
);
COMMENT ON TABLE meter_touch IS 'Which days'' readings of whom were counted with a day: what its close has to look at. A row a tenant, meter and day, so not partitioned. Written by sluice-billing';
COMMENT ON COLUMN meter_touch.counted_with IS 'As in meter_usage';
COMMENT ON COLUMN meter_touch.tenant_id IS 'Whose';
COMMENT ON COLUMN meter_touch.meter_id IS 'The meter';
COMMENT ON COLUMN meter_touch.day IS 'UTC day of the readings'' last seconds';
CREATE INDEX meter_touch_of_meter ON meter_touch (meter_id, day);

CREATE FUNCTION meter_touched(of_day date, late_days integer) RETURNS TABLE (tenant_id uuid, at timestamptz, anew boolean)
LANGUAGE sql STABLE SET search_path = sluice, pg_temp
BEGIN ATOMIC
    SELECT u.tenant_id, s.at, u.anew
      FROM (SELECT t.tenant_id, t.day, false AS anew FROM meter_touch t WHERE t.counted_with = of_day
             UNION
            SELECT t.tenant_id, t.day, true
              FROM price p JOIN meter m ON m.name = p.sku
              JOIN meter_touch t ON t.meter_id = m.id AND t.day >= (lower(p.valid) AT TIME ZONE 'UTC')::date
               AND t.day <= (coalesce(upper(p.valid), 'infinity') AT TIME ZONE 'UTC')::date AND t.counted_with <= of_day
              JOIN tenant n ON n.id = t.tenant_id AND n.currency = p.currency
             WHERE p.sku_kind = 'meter' AND p.created_at >= (of_day - late_days)::timestamp AT TIME ZONE 'UTC'
               AND p.created_at < (of_day + 1)::timestamp AT TIME ZONE 'UTC' AND p.withdrawn_at IS NULL
               AND lower(p.valid) < date_trunc('day', p.created_at, 'UTC') AND (p.tenant_id IS NULL OR p.tenant_id = t.tenant_id)) u
     CROSS JOIN LATERAL (VALUES (u.day::timestamp AT TIME ZONE 'UTC'), ((u.day + 1)::timestamp AT TIME ZONE 'UTC' - interval '1 second')) AS s (at);
END;
COMMENT ON FUNCTION meter_touched IS 'Instants whose billing periods a day rates because readings were counted with it, or because a meter got a price that begins in the past (anew: from the facts), which is looked at so many days again';

-- ---- Prices ----

ALTER TABLE price DROP CONSTRAINT price_sku_kind_check, DROP CONSTRAINT price_tier_check;
ALTER TABLE price
    ADD CONSTRAINT price_sku_kind_check CHECK (sku_kind IN ('instance_type', 'gpu_model', 'meter')),
    ADD CONSTRAINT price_tier_check CHECK (tier IN ('reserved', 'on_demand', 'preemptible', 'any') AND (tier = 'any') = (sku_kind = 'meter')),
    ADD CONSTRAINT price_of_a_meter_is_of_no_time CHECK (sku_kind <> 'meter' OR windows IS NULL AND minimum_s = 0);
COMMENT ON COLUMN price.sku_kind IS 'What the price is of: a named type, a GPU model for given shapes, or a meter';
COMMENT ON COLUMN price.sku IS 'Name of the instance type, GPU model or meter';
COMMENT ON COLUMN price.tier IS 'The reservation''s tier; any: of a meter';
COMMENT ON COLUMN price.gpu_hour_u IS 'Micro-units per GPU-hour, or per unit of a meter; with tiers: of the first; of a package: of each of its units';
COMMENT ON COLUMN price.tiers IS '[{up_to_gpu_hours, gpu_hour_u}]: rising, each including its end, the last without one; for graduated and volume; of a meter in its units';
COMMENT ON COLUMN price.package_gpu_hours IS 'GPU-hours, or units of a meter, of a package; for package';
ALTER TABLE discount DROP CONSTRAINT discount_sku_kind_check;
ALTER TABLE discount ADD CONSTRAINT discount_sku_kind_check CHECK (sku_kind IN ('instance_type', 'gpu_model', 'meter'));

-- ---- Rated lines and invoices ----

ALTER TABLE rated_line
    ADD COLUMN meter_id uuid,
    ADD COLUMN meter_quantity bigint NOT NULL DEFAULT 0,
    ADD CONSTRAINT rated_line_is_of_time_or_of_a_meter CHECK (CASE WHEN meter_id IS NULL THEN meter_quantity = 0 ELSE gpu_milli_seconds = 0 AND seconds = 0 END) NOT VALID;
COMMENT ON COLUMN rated_line.meter_id IS 'Of a meter''s readings; null: of GPU-time, a fee or a rule';
COMMENT ON COLUMN rated_line.meter_quantity IS 'Counted of the meter, added, as in meter_usage.quantity';
COMMENT ON COLUMN provisional_revenue.charge_category IS 'As of rated_line; metered: usage of a meter';
ALTER TABLE invoice_line
    ADD COLUMN meter_id uuid,
    ADD COLUMN meter_quantity bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN invoice_line.meter_id IS 'The meter that it is of; null: of none';
COMMENT ON COLUMN invoice_line.meter_quantity IS 'Quantity of it, as in meter_usage.quantity';

DROP FUNCTION invoice_groups(uuid, timestamptz);
CREATE FUNCTION invoice_groups(of_tenant uuid, of_period timestamptz)
RETURNS TABLE (reservation_id uuid, price_id uuid, commitment_id uuid, charge_category text, charge_class text, corrects bigint,
               reason text, currency text, gpu_milli_seconds bigint, amount_u bigint, sku text, model text, tier text,
               discounted boolean, unit_price_u bigint, meter_id uuid, meter_quantity bigint, meter_micro_units bigint, unit text)
LANGUAGE sql STABLE SET search_path = sluice, pg_temp
BEGIN ATOMIC
    SELECT l.reservation_id, l.price_id, l.commitment_id, l.charge_category, l.charge_class,
           extract(epoch FROM l.corrects)::bigint, l.reason, l.currency, sum(l.gpu_milli_seconds)::bigint, sum(l.amount_u)::bigint,
           p.sku, p.model, p.tier, bool_or(l.discount_id IS NOT NULL),
           CASE WHEN p.model = 'flat' AND p.windows IS NULL AND l.charge_category = 'usage' AND l.commitment_id IS NULL
                 AND NOT bool_or(l.discount_id IS NOT NULL) THEN p.gpu_hour_u END,
           l.meter_id, sum(l.meter_quantity)::bigint, meter_micro_units(m.aggregation, sum(l.meter_quantity)::bigint),
           meter_priced_unit(m.aggregation, m.unit)
      FROM rated_line l LEFT JOIN price p ON p.id = l.price_id LEFT JOIN meter m ON m.id = l.meter_id
     WHERE l.tenant_id = of_tenant AND l.period_start = of_period
     GROUP BY l.reservation_id, l.price_id, l.commitment_id, l.charge_category, l.charge_class, l.corrects, l.reason, l.currency, p.id,
              l.meter_id, m.aggregation, m.unit
     ORDER BY l.corrects NULLS FIRST, l.reservation_id, l.commitment_id NULLS FIRST, lower(p.valid), l.price_id, l.charge_category, l.reason;
END;
COMMENT ON FUNCTION invoice_groups IS 'The lines of a tenant''s billing period, in their order: what was rated, summed per group';
REVOKE EXECUTE ON FUNCTION invoice_groups FROM PUBLIC;

-- What a line says of a meter; of any other it says nothing, so that what was issued before keeps its hash.
CREATE FUNCTION invoice_line_meter(of_meter uuid, quantity bigint) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = sluice, pg_temp
BEGIN ATOMIC
    SELECT coalesce((SELECT jsonb_build_object('meter', m.name, 'unit', meter_priced_unit(m.aggregation, m.unit),
                                               'micro_units', meter_micro_units(m.aggregation, quantity))
                       FROM meter m WHERE m.id = of_meter), '{}');
END;
COMMENT ON FUNCTION invoice_line_meter IS 'Of a document''s line: name of the meter, unit that is priced, quantity in millionths of it';

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
                                    || invoice_line_meter(l.meter_id, l.meter_quantity) ORDER BY l.line_no), '[]')
                           FROM invoice_line l WHERE l.invoice_id = i.id))
      FROM invoice i WHERE i.id = of_invoice;
END;

-- ---- Checks ----

CREATE VIEW check_meters WITH (security_invoker = true) AS
WITH counted AS (
    SELECT u.reservation_id, u.meter_id, sum(u.quantity_milli * CASE m.aggregation WHEN 'level' THEN extract(epoch FROM u.to_at - u.from_at) ELSE 1 END) AS quantity
      FROM meter_reading u JOIN meter m ON m.id = u.meter_id JOIN reservation r ON r.id = u.reservation_id JOIN tenant t ON t.id = r.tenant_id,
           books_closed_until b
     WHERE (meter_counted_with(u.to_at, u.xid, u.seq) + 1)::timestamp AT TIME ZONE 'UTC' <= b.closed_until AND EXISTS (
        SELECT FROM price p WHERE p.sku_kind = 'meter' AND p.sku = m.name AND p.currency = t.currency AND p.valid @> u.to_at - interval '1 second'
           AND (p.tenant_id IS NULL OR p.tenant_id = r.tenant_id AND (p.project IS NULL OR p.project = r.project))
           AND p.created_at < b.closed_until AND (p.withdrawn_at IS NULL OR p.withdrawn_at >= b.closed_until))
     GROUP BY 1, 2
), rated AS (
    SELECT reservation_id, meter_id, sum(meter_quantity) AS quantity
      FROM rated_line WHERE meter_id IS NOT NULL AND charge_category = 'usage' GROUP BY 1, 2
)
SELECT coalesce(c.reservation_id, d.reservation_id) AS reservation_id, coalesce(c.meter_id, d.meter_id) AS meter_id,
       c.quantity AS counted_quantity, d.quantity AS rated_quantity
  FROM counted c FULL JOIN rated d ON d.reservation_id = c.reservation_id AND d.meter_id = c.meter_id
 WHERE coalesce(c.quantity, 0) <> coalesce(d.quantity, 0);
COMMENT ON VIEW check_meters IS 'Reservations of which not just what has a price and was counted until the last close is rated of a meter: none';

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
UNION ALL SELECT 'charges_are_invoiced', (SELECT count(*) FROM check_focus)
UNION ALL SELECT 'summaries_agree', (SELECT count(*) FROM check_cost_summary)
UNION ALL SELECT 'meters_are_rated', (SELECT count(*) FROM check_meters);

-- ---- Who may do what ----

DO $$
DECLARE
    subject text;
    reader text;
BEGIN
    FOREACH subject IN ARRAY ARRAY['meter_reading', 'meter_usage', 'meter_event', 'meter_touch'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', subject);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', subject);
        CONTINUE WHEN subject IN ('meter_event', 'meter_touch');
        EXECUTE format('CREATE POLICY own_tenant ON %I FOR SELECT TO sluice_api USING (tenant_id = nullif(current_setting(''sluice.tenant'', true), '''')::uuid)', subject);
        FOREACH reader IN ARRAY ARRAY['sluice_api_system', 'sluice_billing'] LOOP
            EXECUTE format('CREATE POLICY %I ON %I FOR ALL TO %I USING (true) WITH CHECK (true)', reader, subject, reader);
        END LOOP;
    END LOOP;
END $$;
CREATE POLICY sluice_api_system ON meter_event FOR ALL TO sluice_api_system USING (true) WITH CHECK (true);
CREATE POLICY sluice_billing ON meter_touch FOR ALL TO sluice_billing USING (true) WITH CHECK (true);
GRANT SELECT ON meter, meter_reading, meter_usage, meter_counted TO sluice_api, sluice_api_system, sluice_billing;
GRANT SELECT, INSERT, DELETE ON meter_event TO sluice_api_system;
GRANT SELECT, INSERT ON meter_touch TO sluice_billing;
GRANT INSERT, UPDATE ON meter_counted TO sluice_billing;
GRANT INSERT ON meter, meter_reading TO sluice_api_system;
GRANT UPDATE (retired_at) ON meter TO sluice_api_system;
GRANT INSERT, UPDATE (quantity) ON meter_usage TO sluice_billing;
GRANT EXECUTE ON FUNCTION partition_ensure TO sluice_api_system;
GRANT SELECT ON check_meters TO sluice_api_system, sluice_billing;
REVOKE EXECUTE ON FUNCTION meter_priced_unit, meter_per_unit, meter_micro_units, meter_touched, meter_counted_with, invoice_line_meter FROM PUBLIC;
GRANT EXECUTE ON FUNCTION invoice_groups, meter_counted_with, meter_priced_unit, meter_per_unit, meter_micro_units, invoice_line_meter TO sluice_api, sluice_api_system, sluice_billing;
GRANT EXECUTE ON FUNCTION meter_touched TO sluice_billing;
