-- How delivered seconds are priced: books of prices per list, tenant and project; tiers, packages and windows of the day;
-- commitments and discounts; what is charged or credited by rule; corrections of usage. Rated lines tell what each second
-- costs by the list, by contract, effectively, and what of it is billed.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

-- ---- Prices ----

CREATE FUNCTION price_tiers_are_sound(tiers jsonb) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = sluice, pg_temp AS $$
DECLARE
    tier jsonb;
    last_end bigint := 0;
    is_open boolean := false;
BEGIN
    IF jsonb_typeof(tiers) <> 'array' OR jsonb_array_length(tiers) NOT BETWEEN 1 AND 16 THEN
        RETURN false;
    END IF;
    FOR tier IN SELECT * FROM jsonb_array_elements(tiers) LOOP
        IF is_open OR coalesce((tier->>'gpu_hour_u')::bigint, -1) < 0 THEN
            RETURN false;
        END IF;
        is_open := tier->>'up_to_gpu_hours' IS NULL;
        IF NOT is_open AND (tier->>'up_to_gpu_hours')::bigint <= last_end THEN
            RETURN false;
        END IF;
        last_end := (tier->>'up_to_gpu_hours')::bigint;
    END LOOP;
    RETURN is_open;
END $$;
COMMENT ON FUNCTION price_tiers_are_sound IS 'One to 16 tiers {up_to_gpu_hours, gpu_hour_u} in rising order; only the last is without an end';

CREATE FUNCTION price_windows_are_sound(windows jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT SET search_path = sluice, pg_temp
BEGIN ATOMIC
    SELECT jsonb_typeof(windows) = 'array' AND jsonb_array_length(windows) BETWEEN 1 AND 8 AND (
        SELECT bool_and(w->>'from' ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$' AND w->>'to' ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$'
                        AND (w->>'days')::integer BETWEEN 1 AND 127 AND (w->>'gpu_hour_u')::bigint >= 0)
          FROM jsonb_array_elements(windows) w);
END;
COMMENT ON FUNCTION price_windows_are_sound IS 'One to 8 windows {days, from, to, gpu_hour_u}: days are a mask (1 Monday, 64 Sunday), from and to local times "HH:MM"';

ALTER TABLE price DROP CONSTRAINT price_versions_do_not_overlap;
ALTER TABLE price
    ADD COLUMN project text CHECK (length(project) BETWEEN 1 AND 63),
    ADD COLUMN model text NOT NULL DEFAULT 'flat' CHECK (model IN ('flat', 'graduated', 'volume', 'package')),
    ADD COLUMN tiers jsonb CHECK (price_tiers_are_sound(tiers)),
    ADD COLUMN package_gpu_hours bigint CHECK (package_gpu_hours BETWEEN 1 AND 1000000),
    ADD COLUMN windows jsonb CHECK (price_windows_are_sound(windows)),
    ADD COLUMN minimum_s integer NOT NULL DEFAULT 0 CHECK (minimum_s BETWEEN 0 AND 2678400),
    ADD COLUMN corrects uuid REFERENCES price,
    ADD COLUMN withdrawn_at timestamptz,
    ADD CONSTRAINT price_of_a_project_is_a_tenants CHECK (project IS NULL OR tenant_id IS NOT NULL),
    ADD CONSTRAINT price_has_what_its_model_needs CHECK ((tiers IS NOT NULL) = (model IN ('graduated', 'volume'))
        AND (package_gpu_hours IS NOT NULL) = (model = 'package') AND (windows IS NULL OR model = 'flat')),
    ADD CONSTRAINT price_versions_do_not_overlap EXCLUDE USING gist (sku_kind WITH =, sku WITH =, tier WITH =, currency WITH =,
        (coalesce(tenant_id, '00000000-0000-0000-0000-000000000000')) WITH =, (coalesce(project, '')) WITH =, valid WITH &&)
        WHERE (withdrawn_at IS NULL);
COMMENT ON TABLE price IS 'A version of a price: immutable but for the end of its validity, which a new version sets, and its withdrawal by a correction. Written by sluice-api';
COMMENT ON COLUMN price.project IS 'A project''s own price, before its tenant''s; null: of the whole tenant, or the list';
COMMENT ON COLUMN price.model IS 'flat; graduated: each tier at its own price; volume: everything at the price of the tier that the total reaches; package: begun packages are paid whole. Measured per tenant, sku and billing period';
COMMENT ON COLUMN price.gpu_hour_u IS 'Micro-units per GPU-hour; with tiers: of the first; of a package: of each of its GPU-hours';
COMMENT ON COLUMN price.tiers IS '[{up_to_gpu_hours, gpu_hour_u}]: rising, each including its end, the last without one; for graduated and volume';
COMMENT ON COLUMN price.package_gpu_hours IS 'GPU-hours of a package; for package';
COMMENT ON COLUMN price.windows IS '[{days, from, to, gpu_hour_u}]: what holds at times of the local day (billing timezone) instead of gpu_hour_u; the first that fits. days: a mask of the days it begins on, 1 Monday to 64 Sunday; to <= from: until the next day; for flat';
COMMENT ON COLUMN price.minimum_s IS 'Least seconds that an instance which ran at all is charged for; 0: none';
COMMENT ON COLUMN price.corrects IS 'The version whose place it takes from its beginning on; null: it is no correction';
COMMENT ON COLUMN price.withdrawn_at IS 'Domain time at which a correction took its place: what was rated by it is rated again; null: it holds';
GRANT UPDATE (withdrawn_at) ON price TO sluice_api_system;

-- ---- Commitments ----

CREATE TABLE commitment (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenant,
    category text NOT NULL CHECK (category IN ('usage', 'spend')),
    sku_kind text CHECK (sku_kind IN ('instance_type', 'gpu_model')),
    sku text,
    tier text NOT NULL DEFAULT 'reserved' CHECK (tier IN ('reserved', 'on_demand', 'preemptible')),
    gpu_hours bigint CHECK (gpu_hours BETWEEN 1 AND 1000000000),
    unit_price_u bigint CHECK (unit_price_u >= 0),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    fee_minor bigint NOT NULL CHECK (fee_minor BETWEEN 0 AND 1000000000000),
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL CHECK (ends_at > starts_at),
    months integer NOT NULL CHECK (months BETWEEN 1 AND 120),
    payment_model text NOT NULL CHECK (payment_model IN ('no_upfront', 'partial_upfront', 'all_upfront')),
    upfront_bp integer NOT NULL CHECK (upfront_bp BETWEEN 0 AND 10000),
    created_by uuid,
    created_at timestamptz NOT NULL DEFAULT sluice_now(),
    CHECK ((category = 'usage') = (sku IS NOT NULL) AND (sku IS NULL) = (sku_kind IS NULL)
        AND (category = 'usage') = (gpu_hours IS NOT NULL) AND (category = 'usage') = (unit_price_u IS NOT NULL)),
    CHECK (CASE payment_model WHEN 'no_upfront' THEN upfront_bp = 0 WHEN 'all_upfront' THEN upfront_bp = 10000
           ELSE upfront_bp BETWEEN 1 AND 9999 END)
);
COMMENT ON TABLE commitment IS 'What a tenant has bound itself to take per billing period: GPU-hours at a unit price, or money. Written by sluice-api';
COMMENT ON COLUMN commitment.id IS 'UUIDv7; "cmt_..." outside';
COMMENT ON COLUMN commitment.tenant_id IS 'Whose';
COMMENT ON COLUMN commitment.category IS 'usage: GPU-hours of a sku; spend: money, whatever it is spent on';
COMMENT ON COLUMN commitment.sku_kind IS 'For usage: of what';
COMMENT ON COLUMN commitment.sku IS 'For usage: name of the instance type or GPU model';
COMMENT ON COLUMN commitment.tier IS 'For usage: the reservations'' tier';
COMMENT ON COLUMN commitment.gpu_hours IS 'For usage: per billing period';
COMMENT ON COLUMN commitment.unit_price_u IS 'For usage: micro-units per GPU-hour';
COMMENT ON COLUMN commitment.currency IS 'ISO 4217';
COMMENT ON COLUMN commitment.fee_minor IS 'Of a billing period: gpu_hours x unit_price, rounded once, or the money committed to';
COMMENT ON COLUMN commitment.starts_at IS 'Domain time, inclusive: the begin of a billing month of its tenant';
COMMENT ON COLUMN commitment.ends_at IS 'Domain time, exclusive';
COMMENT ON COLUMN commitment.months IS 'Billing periods from start to end';
COMMENT ON COLUMN commitment.payment_model IS 'How much of all fees is paid when it begins';
COMMENT ON COLUMN commitment.upfront_bp IS 'The share of all fees that is paid when it begins, in basis points';
COMMENT ON COLUMN commitment.created_by IS 'Principal';
COMMENT ON COLUMN commitment.created_at IS 'Domain time';
CREATE INDEX commitment_of_tenant ON commitment (tenant_id, id);
CREATE INDEX commitment_by_time ON commitment USING gist (tstzrange(starts_at, ends_at));

CREATE TABLE commitment_period (
    commitment_id uuid NOT NULL REFERENCES commitment,
    period_start timestamptz NOT NULL,
    tenant_id uuid NOT NULL,
    period_end timestamptz NOT NULL,
    used_gpu_milli_seconds bigint NOT NULL,
    overage_gpu_milli_seconds bigint NOT NULL,
    cost_u bigint NOT NULL,
    used_u bigint NOT NULL,
    overage_u bigint NOT NULL,
    billed_u bigint NOT NULL,
    rated_until timestamptz NOT NULL,
    PRIMARY KEY (commitment_id, period_start)
);
COMMENT ON TABLE commitment_period IS 'What became of a commitment in a billing period so far. Written by sluice-billing';
COMMENT ON COLUMN commitment_period.commitment_id IS 'The commitment';
COMMENT ON COLUMN commitment_period.period_start IS 'The billing period, inclusive';
COMMENT ON COLUMN commitment_period.tenant_id IS 'Whose';
COMMENT ON COLUMN commitment_period.period_end IS 'Exclusive';
COMMENT ON COLUMN commitment_period.used_gpu_milli_seconds IS 'Usage it covers, in milli-GPU-seconds';
COMMENT ON COLUMN commitment_period.overage_gpu_milli_seconds IS 'Usage of the same kind beyond it, in milli-GPU-seconds; of a spend commitment 0';
COMMENT ON COLUMN commitment_period.cost_u IS 'What the period of the commitment costs, amortised: fee and its part of what was paid upfront';
COMMENT ON COLUMN commitment_period.used_u IS 'Effective cost of the usage it covers; what is left of cost_u at the period''s end is unused: the true-up';
COMMENT ON COLUMN commitment_period.overage_u IS 'What the usage beyond it is billed';
COMMENT ON COLUMN commitment_period.billed_u IS 'Fees billed in the period';
COMMENT ON COLUMN commitment_period.rated_until IS 'Domain time; the period''s end once it is complete';

-- ---- Discounts ----

CREATE TABLE discount (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenant,
    project text CHECK (length(project) BETWEEN 1 AND 63),
    sku_kind text CHECK (sku_kind IN ('instance_type', 'gpu_model')),
    sku text,
    percent_bp integer CHECK (percent_bp BETWEEN 1 AND 10000),
    gpu_hour_u bigint CHECK (gpu_hour_u >= 0),
    currency text CHECK (currency ~ '^[A-Z]{3}$'),
    valid tstzrange NOT NULL CHECK (NOT isempty(valid) AND lower_inc(valid) AND NOT upper_inc(valid)),
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 255),
    created_by uuid,
    created_at timestamptz NOT NULL DEFAULT sluice_now(),
    CHECK ((percent_bp IS NULL) <> (gpu_hour_u IS NULL) AND (gpu_hour_u IS NULL) = (currency IS NULL)),
    CHECK ((sku IS NULL) = (sku_kind IS NULL) AND (gpu_hour_u IS NULL OR sku IS NOT NULL)),
    CONSTRAINT discounts_do_not_overlap EXCLUDE USING gist (tenant_id WITH =, (coalesce(project, '')) WITH =,
        (coalesce(sku_kind, '')) WITH =, (coalesce(sku, '')) WITH =, valid WITH &&)
);
COMMENT ON TABLE discount IS 'What a tenant pays less: a percentage, or a fixed price of a sku. One holds at a time, the most specific. Written by sluice-api';
COMMENT ON COLUMN discount.id IS 'UUIDv7; "dsc_..." outside';
COMMENT ON COLUMN discount.tenant_id IS 'Whose';
COMMENT ON COLUMN discount.project IS 'Only of this project; null: of all';
COMMENT ON COLUMN discount.sku_kind IS 'Only of this; null: of everything';
COMMENT ON COLUMN discount.sku IS 'Name of the instance type or GPU model; null: of everything';
COMMENT ON COLUMN discount.percent_bp IS 'Off the price that holds, in basis points; null: a fixed price';
COMMENT ON COLUMN discount.gpu_hour_u IS 'Instead of the price that holds, micro-units per GPU-hour; null: a percentage';
COMMENT ON COLUMN discount.currency IS 'ISO 4217, of a fixed price';
COMMENT ON COLUMN discount.valid IS 'Domain time';
COMMENT ON COLUMN discount.reason IS 'Why it was granted';
COMMENT ON COLUMN discount.created_by IS 'Principal';
COMMENT ON COLUMN discount.created_at IS 'Domain time';
CREATE INDEX discount_of_tenant ON discount (tenant_id, id);

-- ---- Charges and credits by rule ----

CREATE FUNCTION policy_steps_are_sound(steps jsonb) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = sluice, pg_temp AS $$
DECLARE
    step jsonb;
    last_least bigint := -1;
BEGIN
    IF jsonb_typeof(steps) <> 'array' OR jsonb_array_length(steps) NOT BETWEEN 1 AND 16 THEN
        RETURN false;
    END IF;
    FOR step IN SELECT * FROM jsonb_array_elements(steps) LOOP
        IF (step->>'least')::bigint IS NULL OR (step->>'least')::bigint <= last_least
           OR coalesce((step->>'share_bp')::bigint, -1) NOT BETWEEN 0 AND 10000 THEN
            RETURN false;
        END IF;
        last_least := (step->>'least')::bigint;
    END LOOP;
    RETURN true;
END $$;
COMMENT ON FUNCTION policy_steps_are_sound IS 'One to 16 steps {least, share_bp} in rising order of least, shares of at most 10000';

CREATE TABLE charge_policy (
    id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('sla_credit', 'cancellation', 'early_release')),
    tenant_id uuid REFERENCES tenant,
    tier text NOT NULL DEFAULT 'reserved' CHECK (tier IN ('reserved', 'on_demand', 'preemptible')),
    steps jsonb NOT NULL CHECK (policy_steps_are_sound(steps)),
    valid tstzrange NOT NULL CHECK (NOT isempty(valid) AND lower_inc(valid) AND NOT upper_inc(valid)),
    created_by uuid,
    created_at timestamptz NOT NULL DEFAULT sluice_now(),
    CONSTRAINT charge_policies_do_not_overlap EXCLUDE USING gist (kind WITH =, tier WITH =,
        (coalesce(tenant_id, '00000000-0000-0000-0000-000000000000')) WITH =, valid WITH &&)
);
COMMENT ON TABLE charge_policy IS 'What is credited for what was not delivered, and charged for what was not taken: the last step whose least is reached holds. A tenant''s own before everybody''s. Written by sluice-api';
COMMENT ON COLUMN charge_policy.id IS 'UUIDv7; "pol_..." outside';
COMMENT ON COLUMN charge_policy.kind IS 'sla_credit: of what the reservation''s usage of the period costs; cancellation, early_release: of what is left of the window, before and after its start';
COMMENT ON COLUMN charge_policy.tenant_id IS 'A tenant''s own; null: everybody''s';
COMMENT ON COLUMN charge_policy.tier IS 'Of which tier of reservations';
COMMENT ON COLUMN charge_policy.steps IS '[{least, share_bp}]: least is, for sla_credit, the undelivered share of the promised seconds in basis points; for cancellation the notice before the start, for early_release before the end, in seconds';
COMMENT ON COLUMN charge_policy.valid IS 'Domain time';
COMMENT ON COLUMN charge_policy.created_by IS 'Principal';
COMMENT ON COLUMN charge_policy.created_at IS 'Domain time';

CREATE TABLE cancellation (
    reservation_id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('cancellation', 'early_release')),
    policy_id uuid REFERENCES charge_policy,
    requested_at timestamptz NOT NULL,
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    remaining_u bigint NOT NULL CHECK (remaining_u >= 0),
    charge_bp integer NOT NULL CHECK (charge_bp BETWEEN 0 AND 10000)
);
COMMENT ON TABLE cancellation IS 'What a cancellation was told to cost, in the transaction that wished it. Written by sluice-api; sluice-billing charges it once';
COMMENT ON COLUMN cancellation.reservation_id IS 'The reservation';
COMMENT ON COLUMN cancellation.tenant_id IS 'Whose';
COMMENT ON COLUMN cancellation.kind IS 'Before or after its start';
COMMENT ON COLUMN cancellation.policy_id IS 'The rule that held; null: none, nothing is charged';
COMMENT ON COLUMN cancellation.requested_at IS 'Domain time';
COMMENT ON COLUMN cancellation.currency IS 'ISO 4217';
COMMENT ON COLUMN cancellation.remaining_u IS 'What the rest of the window would have cost';
COMMENT ON COLUMN cancellation.charge_bp IS 'The share of it that is charged, in basis points';
CREATE INDEX cancellation_by_time ON cancellation (requested_at);

CREATE TABLE usage_correction (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    reservation_id uuid NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL CHECK (ends_at > starts_at),
    gpu_milli integer NOT NULL CHECK (gpu_milli <> 0 AND gpu_milli BETWEEN -100000000 AND 100000000),
    gpu_model text,
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 255),
    created_by uuid,
    created_at timestamptz NOT NULL DEFAULT sluice_now()
);
COMMENT ON TABLE usage_correction IS 'A fact that came after its seconds were metered: so much of a span is billed besides, or taken back. Written by sluice-api; rated at the prices of the span';
COMMENT ON COLUMN usage_correction.id IS 'UUIDv7; "cor_..." outside';
COMMENT ON COLUMN usage_correction.tenant_id IS 'Whose';
COMMENT ON COLUMN usage_correction.reservation_id IS 'Of which reservation';
COMMENT ON COLUMN usage_correction.starts_at IS 'Inclusive; whole seconds';
COMMENT ON COLUMN usage_correction.ends_at IS 'Exclusive; not in the future when it was written';
COMMENT ON COLUMN usage_correction.gpu_milli IS 'Thousandths of a GPU that are billed besides (negative: taken back) for each second';
COMMENT ON COLUMN usage_correction.gpu_model IS 'For a reservation with a shape of its own: the model whose price holds';
COMMENT ON COLUMN usage_correction.reason IS 'Why';
COMMENT ON COLUMN usage_correction.created_by IS 'Principal';
COMMENT ON COLUMN usage_correction.created_at IS 'Domain time: it is rated with this day';
CREATE INDEX usage_correction_by_time ON usage_correction (created_at);
CREATE INDEX usage_correction_of_tenant ON usage_correction (tenant_id, starts_at);

-- ---- Rated lines ----

ALTER TABLE rated_line DROP CONSTRAINT rated_line_day_reservation_id_price_id_period_start_key;
ALTER TABLE rated_line
    ALTER COLUMN reservation_id DROP NOT NULL,
    ALTER COLUMN price_id DROP NOT NULL,
    ADD COLUMN list_price_id uuid,
    ADD COLUMN window_no smallint NOT NULL DEFAULT 0 CHECK (window_no BETWEEN 0 AND 8),
    ADD COLUMN list_window_no smallint NOT NULL DEFAULT 0 CHECK (list_window_no BETWEEN 0 AND 8),
    ADD COLUMN discount_id uuid,
    ADD COLUMN capacity_status text CHECK (capacity_status IN ('used', 'unused')),
    ADD COLUMN commitment_id uuid,
    ADD COLUMN commitment_status text CHECK (commitment_status IN ('used', 'unused')),
    ADD COLUMN charge_category text NOT NULL DEFAULT 'usage' CHECK (charge_category IN ('usage', 'purchase', 'credit', 'adjustment')),
    ADD COLUMN charge_class text CHECK (charge_class = 'correction'),
    ADD COLUMN corrects timestamptz,
    ADD COLUMN reason text,
    ADD COLUMN list_u bigint,
    ADD COLUMN contracted_u bigint,
    ADD COLUMN effective_u bigint;
-- What was rated so far was billed as it was listed. The owner reads and writes past its own policies and the trigger once.
ALTER TABLE rated_line NO FORCE ROW LEVEL SECURITY;
ALTER TABLE rated_line DISABLE TRIGGER append_only;
UPDATE rated_line SET list_u = amount_u, contracted_u = amount_u, effective_u = amount_u;
ALTER TABLE rated_line ENABLE TRIGGER append_only;
ALTER TABLE rated_line FORCE ROW LEVEL SECURITY;
ALTER TABLE rated_line
    ALTER COLUMN list_u SET NOT NULL,
    ALTER COLUMN contracted_u SET NOT NULL,
    ALTER COLUMN effective_u SET NOT NULL,
    ADD CHECK ((commitment_id IS NULL) = (commitment_status IS NULL AND charge_category <> 'purchase')),
    ADD CHECK ((charge_class IS NULL) = (corrects IS NULL)),
    ADD CHECK (reservation_id IS NOT NULL OR commitment_id IS NOT NULL),
    ADD CHECK (price_id IS NOT NULL OR charge_category <> 'usage' OR commitment_status = 'unused');
COMMENT ON TABLE rated_line IS 'What usage, commitments and rules come to, in deltas: the sum over a group (tenant, reservation, price, commitment, period, category, class, corrects) is the rating of all that is known. Append-only';
COMMENT ON COLUMN rated_line.reservation_id IS 'Group: the reservation; null: a commitment''s fee, or what of it was not used';
COMMENT ON COLUMN rated_line.price_id IS 'Group: the price version; null: no usage at a price';
COMMENT ON COLUMN rated_line.list_price_id IS 'The list price of the same seconds; null: the list has none, or it is the price itself that is the list''s';
COMMENT ON COLUMN rated_line.window_no IS 'The price''s window of the local day, from 1; 0: its base price';
COMMENT ON COLUMN rated_line.list_window_no IS 'The same of the list price';
COMMENT ON COLUMN rated_line.discount_id IS 'The discount that holds; null: none';
COMMENT ON COLUMN rated_line.capacity_status IS 'Whether the instances ran (used) or were held, stopped by their tenant (unused); null: nothing is reserved';
COMMENT ON COLUMN rated_line.commitment_id IS 'Group: the commitment that bears it';
COMMENT ON COLUMN rated_line.commitment_status IS 'used: usage that it covers; unused: what of it nobody used, known at the period''s end; null: none of both';
COMMENT ON COLUMN rated_line.charge_category IS 'Group: usage; purchase: a fee; credit: given back by rule; adjustment: charged by rule';
COMMENT ON COLUMN rated_line.charge_class IS 'Group: correction: of a period that was closed; null: of its own period';
COMMENT ON COLUMN rated_line.corrects IS 'Start of the billing period that a correction is of; else null';
COMMENT ON COLUMN rated_line.reason IS 'Of a credit or adjustment: sla_credit, cancellation, early_release, minimum';
COMMENT ON COLUMN rated_line.seconds IS 'Billable instance-seconds added; 0 where nothing was delivered';
COMMENT ON COLUMN rated_line.gpu_milli_seconds IS 'Billable milli-GPU-seconds added; of an unused commitment what was not used';
COMMENT ON COLUMN rated_line.amount_u IS 'Billed, micro-units added: the group''s total rounded once half to even, less what was rated before';
COMMENT ON COLUMN rated_line.list_u IS 'At the list price, micro-units added';
COMMENT ON COLUMN rated_line.contracted_u IS 'At the contracted price, discounts taken off, micro-units added';
COMMENT ON COLUMN rated_line.effective_u IS 'What it costs once fees are spread over what they cover, micro-units added: the revenue';
CREATE INDEX rated_by_day ON rated_line (day, reservation_id);
CREATE INDEX rated_corrections ON rated_line (tenant_id, corrects) WHERE corrects IS NOT NULL;

-- What was delivered in a billing period and what was rated for it, corrections included, in milli-GPU-seconds.
CREATE FUNCTION delivered_and_rated(tenant uuid, starts timestamptz, ends timestamptz)
RETURNS TABLE (delivered bigint, rated bigint)
LANGUAGE sql STABLE SET search_path = sluice, pg_temp
BEGIN ATOMIC
    SELECT (coalesce((SELECT sum(u.gpu_milli * extract(epoch FROM least(u.period_end, ends) - greatest(u.period_start, starts))::bigint)
                        FROM usage_interval u JOIN reservation r ON r.id = u.reservation_id
                       WHERE u.tenant_id = tenant AND u.period_start < ends AND u.period_start > starts - interval '86400 s'
                         AND u.period_end > starts AND (u.class = 'used' OR u.class = 'unused' AND r.tier <> 'preemptible')), 0)
            + coalesce((SELECT sum(c.gpu_milli * extract(epoch FROM least(c.ends_at, ends) - greatest(c.starts_at, starts))::bigint)
                          FROM usage_correction c
                         WHERE c.tenant_id = tenant AND c.starts_at < ends AND c.ends_at > starts AND c.created_at < b.closed_until), 0))::bigint,
           coalesce((SELECT sum(l.gpu_milli_seconds) FROM rated_line l
                      WHERE l.tenant_id = tenant AND l.charge_category = 'usage' AND l.reservation_id IS NOT NULL
                        AND (l.period_start = starts AND l.corrects IS NULL OR l.corrects = starts)), 0)::bigint
      FROM (SELECT coalesce(max(day + 1)::timestamp AT TIME ZONE 'UTC', '-infinity') AS closed_until FROM billing_day) b;
END;
COMMENT ON FUNCTION delivered_and_rated IS 'Milli-GPU-seconds of a tenant''s billing period that are billable, and that are rated: equal once the period''s days are closed';

CREATE OR REPLACE VIEW check_billed_delivered WITH (security_invoker = true) AS
WITH delivered AS (
    SELECT reservation_id, sum(amount)::bigint AS amount
      FROM (SELECT u.reservation_id, u.gpu_milli * extract(epoch FROM u.period_end - u.period_start)::bigint AS amount
              FROM usage_interval u JOIN reservation r ON r.id = u.reservation_id, books_closed_until b
             WHERE u.period_end <= b.closed_until AND (u.class = 'used' OR u.class = 'unused' AND r.tier <> 'preemptible')
            UNION ALL
            SELECT c.reservation_id, c.gpu_milli * extract(epoch FROM c.ends_at - c.starts_at)::bigint
              FROM usage_correction c, books_closed_until b WHERE c.created_at < b.closed_until) either
     GROUP BY 1
), billed AS (
    SELECT reservation_id, sum(amount)::bigint AS amount
      FROM (SELECT reservation_id, gpu_milli_seconds AS amount FROM rated_line
             WHERE charge_category = 'usage' AND reservation_id IS NOT NULL
            UNION ALL SELECT reservation_id, gpu_milli_seconds FROM unpriced_usage) either
     GROUP BY 1
)
SELECT coalesce(d.reservation_id, b.reservation_id) AS reservation_id, d.amount AS delivered_gpu_milli_seconds, b.amount AS billed_gpu_milli_seconds
  FROM delivered d FULL JOIN billed b ON b.reservation_id = d.reservation_id
 WHERE coalesce(d.amount, 0) <> coalesce(b.amount, 0);

CREATE VIEW check_commitments WITH (security_invoker = true) AS
SELECT c.commitment_id, c.period_start, c.cost_u, coalesce(l.effective_u, 0) AS effective_u
  FROM commitment_period c
  LEFT JOIN (SELECT commitment_id, coalesce(corrects, period_start) AS period_start, sum(effective_u)::bigint AS effective_u
               FROM rated_line WHERE charge_category = 'usage' AND commitment_id IS NOT NULL GROUP BY 1, 2) l
    ON l.commitment_id = c.commitment_id AND l.period_start = c.period_start
 WHERE c.rated_until >= c.period_end AND c.cost_u <> coalesce(l.effective_u, 0) OR c.used_u > c.cost_u;
COMMENT ON VIEW check_commitments IS 'Complete periods of commitments whose used and unused cost is not what the period costs';

-- The books: what is billed is unbilled_receivable, what is effective is revenue, and fees wait between in deferred_revenue.
CREATE OR REPLACE VIEW check_ledger WITH (security_invoker = true) AS
WITH booked AS (
    SELECT code, currency, sum(debit_u - credit_u)::bigint AS balance_u FROM trial_balance GROUP BY 1, 2
), expected AS (
    SELECT 'revenue' AS code, currency, -sum(effective_u)::bigint AS balance_u FROM rated_line GROUP BY 2
    UNION ALL
    SELECT 'deferred_revenue', currency, sum(effective_u - amount_u)::bigint FROM rated_line GROUP BY 2
    UNION ALL
    SELECT 'cost_of_revenue', currency, sum(depreciation_u)::bigint FROM node_cost GROUP BY 2
    UNION ALL
    SELECT 'unbilled_receivable', currency, sum(amount_u)::bigint FROM (
        SELECT currency, amount_u FROM rated_line
        UNION ALL
        SELECT i.currency, -l.amount_u FROM invoice_line l JOIN invoice i ON i.id = l.invoice_id) open GROUP BY 2
)
SELECT e.code, e.currency, e.balance_u AS expected_u, coalesce(b.balance_u, 0) AS booked_u
  FROM expected e LEFT JOIN booked b ON b.code = e.code AND b.currency = e.currency
 WHERE e.balance_u <> coalesce(b.balance_u, 0);

CREATE OR REPLACE VIEW billing_check WITH (security_invoker = true) AS
SELECT 'usage_tiles_windows' AS name, (SELECT count(*) FROM check_usage_tiling) AS violations
UNION ALL SELECT 'billed_is_delivered', (SELECT count(*) FROM check_billed_delivered)
UNION ALL SELECT 'journals_balance', (SELECT count(*) FROM check_journal_balance)
UNION ALL SELECT 'attribution_sums', (SELECT count(*) FROM check_attribution)
UNION ALL SELECT 'invoices_add_up', (SELECT count(*) FROM check_invoices)
UNION ALL SELECT 'ledger_agrees', (SELECT count(*) FROM check_ledger)
UNION ALL SELECT 'usage_has_prices', (SELECT count(*) FROM unpriced_usage)
UNION ALL SELECT 'commitments_are_spread', (SELECT count(*) FROM check_commitments);

-- ---- Reports: revenue is what is effective ----

CREATE OR REPLACE FUNCTION margin_facts(from_day date, to_day date)
RETURNS TABLE (day date, tenant_id uuid, reservation_id uuid, node_id uuid, currency text, revenue_u bigint,
               amortization_u bigint, gpu_milli_seconds bigint)
LANGUAGE sql STABLE SET search_path = sluice, pg_temp
BEGIN ATOMIC
    WITH rated AS (
        SELECT r.day, r.tenant_id, r.reservation_id, r.currency, sum(r.effective_u) AS effective_u,
               coalesce(sum(r.gpu_milli_seconds) FILTER (WHERE r.reservation_id IS NOT NULL), 0) AS billed
          FROM rated_line r WHERE r.day >= from_day AND r.day < to_day GROUP BY 1, 2, 3, 4
    ), delivered AS (
        SELECT (u.period_start AT TIME ZONE 'UTC')::date AS day, u.reservation_id, u.node_id,
               sum(u.gpu_milli * extract(epoch FROM u.period_end - u.period_start)) AS weight
          FROM usage_interval u
         WHERE u.period_start >= from_day::timestamp AT TIME ZONE 'UTC' AND u.period_start < to_day::timestamp AT TIME ZONE 'UTC'
           AND u.class IN ('used', 'unused')
         GROUP BY 1, 2, 3
    ), part AS (
        SELECT r.day, r.tenant_id, r.reservation_id, d.node_id, r.currency, r.effective_u, r.billed,
               coalesce(d.weight, 1) AS weight,
               sum(coalesce(d.weight, 1)) OVER each_node AS upto, sum(coalesce(d.weight, 1)) OVER whole AS total
          FROM rated r LEFT JOIN delivered d ON d.day = r.day AND d.reservation_id = r.reservation_id
        WINDOW whole AS (PARTITION BY r.day, r.tenant_id, r.reservation_id, r.currency),
               each_node AS (PARTITION BY r.day, r.tenant_id, r.reservation_id, r.currency ORDER BY d.node_id ROWS UNBOUNDED PRECEDING)
    )
    SELECT p.day, p.tenant_id, p.reservation_id, p.node_id, p.currency,
           (round(p.effective_u * p.upto / p.total) - round(p.effective_u * (p.upto - p.weight) / p.total))::bigint, 0::bigint,
           (round(p.billed * p.upto / p.total) - round(p.billed * (p.upto - p.weight) / p.total))::bigint
      FROM part p
    UNION ALL
    SELECT c.day, c.tenant_id, c.reservation_id, c.node_id, c.currency, 0::bigint, c.amount_u, 0::bigint
      FROM cost_allocation c
     WHERE c.day >= from_day AND c.day < to_day AND c.reservation_id IS NOT NULL;
END;

CREATE OR REPLACE VIEW economics_by_day WITH (security_invoker = true) AS
SELECT coalesce(r.day, c.day) AS day, coalesce(r.currency, c.currency) AS currency, coalesce(r.revenue_u, 0) AS revenue_u,
       coalesce(c.delivered_u, 0) AS amortization_delivered_u, coalesce(c.idle_u, 0) AS amortization_idle_u
  FROM (SELECT day, currency, sum(effective_u)::bigint AS revenue_u FROM rated_line GROUP BY 1, 2) r
  FULL JOIN (SELECT day, currency, coalesce(sum(amount_u) FILTER (WHERE reservation_id IS NOT NULL), 0)::bigint AS delivered_u,
                    coalesce(sum(amount_u) FILTER (WHERE reservation_id IS NULL), 0)::bigint AS idle_u
               FROM cost_allocation GROUP BY 1, 2) c ON c.day = r.day AND c.currency = r.currency;

-- ---- Who may do what ----

DO $$
DECLARE
    subject record;
    reader text;
BEGIN
    FOR subject IN SELECT * FROM (VALUES
        ('commitment', false), ('commitment_period', false), ('discount', false), ('charge_policy', true),
        ('cancellation', false), ('usage_correction', false)) AS t (name, shared)
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', subject.name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', subject.name);
        EXECUTE format('CREATE POLICY own_tenant ON %I FOR ALL TO sluice_api USING (tenant_id = nullif(current_setting(''sluice.tenant'', true), '''')::uuid%s)',
                       subject.name, CASE WHEN subject.shared THEN ' OR tenant_id IS NULL' ELSE '' END);
        FOREACH reader IN ARRAY ARRAY['sluice_api_system', 'sluice_billing'] LOOP
            EXECUTE format('CREATE POLICY %I ON %I FOR ALL TO %I USING (true) WITH CHECK (true)', reader, subject.name, reader);
        END LOOP;
    END LOOP;
END $$;
GRANT SELECT ON commitment, commitment_period, discount, charge_policy, cancellation, usage_correction, meter_instance TO sluice_api;
GRANT SELECT ON commitment, commitment_period, discount, charge_policy, cancellation, usage_correction, check_commitments TO sluice_api_system;
GRANT SELECT ON commitment, discount, charge_policy, cancellation, usage_correction TO sluice_billing;
GRANT INSERT ON commitment, discount, charge_policy, usage_correction TO sluice_api_system;
GRANT UPDATE (valid) ON discount, charge_policy TO sluice_api_system;
GRANT INSERT ON cancellation TO sluice_api, sluice_api_system;
GRANT SELECT, INSERT, UPDATE ON commitment_period TO sluice_billing;
GRANT EXECUTE ON FUNCTION delivered_and_rated TO sluice_billing, sluice_api_system;
-- The checks of the tables run as who writes them.
GRANT EXECUTE ON FUNCTION price_tiers_are_sound, price_windows_are_sound, policy_steps_are_sound TO sluice_api_system;
