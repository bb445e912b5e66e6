-- What hardware is worth: what each cohort brought in day by day, market prices as operators enter them, book value against
-- market, and the warnings that follow.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

-- ---- What a cohort brings in ----

CREATE TABLE cohort_result (
    day date NOT NULL,
    cohort text NOT NULL,
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    revenue_u bigint NOT NULL,
    depreciation_u bigint NOT NULL,
    cash_u bigint NOT NULL,
    gpu_milli_seconds bigint NOT NULL,
    PRIMARY KEY (cohort, currency, day)
);
COMMENT ON TABLE cohort_result IS 'What the nodes of a cohort brought in and cost on a day that is closed, by the cohorts of that day: the actual part of a payback curve, and the cash flows of an impairment test. Written by sluice-billing';
COMMENT ON COLUMN cohort_result.day IS 'UTC day';
COMMENT ON COLUMN cohort_result.cohort IS 'Of the nodes'' most expensive assets';
COMMENT ON COLUMN cohort_result.currency IS 'ISO 4217';
COMMENT ON COLUMN cohort_result.revenue_u IS 'What was rated, fees spread over what they cover; micro-units';
COMMENT ON COLUMN cohort_result.depreciation_u IS 'Which is not paid in cash';
COMMENT ON COLUMN cohort_result.cash_u IS 'Power, colocation, operations, network and storage';
COMMENT ON COLUMN cohort_result.gpu_milli_seconds IS 'Billed';

INSERT INTO cohort_result
SELECT f.day, c.cohort, f.currency, sum(f.revenue_u), sum(f.depreciation_u),
       sum(f.power_u + f.colocation_u + f.operations_u + f.network_u + f.storage_u), sum(f.gpu_milli_seconds)
  FROM billing_day b CROSS JOIN LATERAL margin_facts(b.day, b.day + 1) f JOIN node_cohort c ON c.node_id = f.node_id
 GROUP BY 1, 2, 3;

-- ---- Market prices ----

CREATE TABLE market_price (
    id uuid PRIMARY KEY,
    cohort text CHECK (length(cohort) BETWEEN 1 AND 63),
    gpu_model text CHECK (length(gpu_model) BETWEEN 1 AND 63),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
    selling_cost_minor bigint NOT NULL DEFAULT 0 CHECK (selling_cost_minor >= 0),
    valid_from date NOT NULL,
    source text NOT NULL,
    created_by uuid,
    created_at timestamptz NOT NULL DEFAULT sluice_now(),
    CHECK ((cohort IS NULL) <> (gpu_model IS NULL))
);
COMMENT ON TABLE market_price IS 'What hardware could be sold for, as operators found it: of a node of a cohort, or of a GPU of a model with its share of the node. The latest one by valid_from, then by id, holds; a cohort''s own before its model''s. Written by sluice-api';
COMMENT ON COLUMN market_price.id IS 'UUIDv7';
COMMENT ON COLUMN market_price.cohort IS 'Per node of this cohort';
COMMENT ON COLUMN market_price.gpu_model IS 'Or per GPU of this model';
COMMENT ON COLUMN market_price.currency IS 'ISO 4217';
COMMENT ON COLUMN market_price.amount_minor IS 'Per node, or per GPU';
COMMENT ON COLUMN market_price.selling_cost_minor IS 'What selling it would cost, per node or GPU (IAS 36.28)';
COMMENT ON COLUMN market_price.valid_from IS 'First day';
COMMENT ON COLUMN market_price.source IS 'Where it was found, for the auditor';
COMMENT ON COLUMN market_price.created_by IS 'Principal';
COMMENT ON COLUMN market_price.created_at IS 'Domain time';
CREATE INDEX market_price_of_cohort ON market_price (cohort, currency, valid_from DESC, id DESC) WHERE cohort IS NOT NULL;
CREATE INDEX market_price_of_model ON market_price (gpu_model, currency, valid_from DESC, id DESC) WHERE gpu_model IS NOT NULL;

-- ---- Book against market ----

CREATE FUNCTION book_values(report_by text, asked_currency text, on_day date, significant_bp integer, discount_bp integer)
RETURNS TABLE (key text, nodes bigint, gpus bigint, assets bigint, cost_minor bigint, accumulated_minor bigint, impairment_minor bigint,
               book_minor bigint, market_minor bigint, selling_minor bigint, months_left numeric, monthly_cash_minor bigint,
               undiscounted_minor bigint, value_in_use_minor bigint, recoverable_minor bigint, asc_360_loss_minor bigint,
               ias_36_loss_minor bigint, assessment text)
LANGUAGE sql STABLE SET search_path = sluice, pg_temp
BEGIN ATOMIC
    WITH placed AS (
        SELECT coalesce(a.node_id, whole.node_id) AS node_id, r.cost_minor, r.accumulated_minor, r.impairment_minor, a.salvage_minor,
               greatest(0, (r.in_service + make_interval(months => coalesce(life.months, a.life_months)))::date - on_day) AS days_left
          FROM asset_register r JOIN asset a ON a.id = r.asset_id LEFT JOIN asset whole ON whole.id = a.component_of
          LEFT JOIN LATERAL (
            SELECT c.life_months AS months FROM asset_change c JOIN asset_change_status s ON s.change_id = c.id AND s.outcome = 'applied'
             WHERE c.asset_id = a.id AND c.life_months IS NOT NULL ORDER BY c.effective_on DESC, c.id DESC LIMIT 1) life ON true
         WHERE r.currency = asked_currency AND r.in_service IS NOT NULL AND (r.disposed_on IS NULL OR r.disposed_on > on_day)
           AND coalesce(a.node_id, whole.node_id) IS NOT NULL
    ), of_node AS (
        SELECT p.node_id, count(*) AS assets, sum(p.cost_minor) AS cost, sum(p.accumulated_minor) AS accumulated,
               sum(p.impairment_minor) AS impairment, sum(p.salvage_minor) AS salvage,
               sum(p.days_left * p.cost_minor::numeric) / nullif(sum(p.cost_minor), 0) AS days_left
          FROM placed p GROUP BY 1
    ), priced AS (
        SELECT o.*, k.cohort, n.gpu_model, n.gpu_count,
               coalesce(c.amount_minor, m.amount_minor * n.gpu_count) AS market, coalesce(c.selling_cost_minor, m.selling_cost_minor * n.gpu_count) AS selling
          FROM of_node o JOIN node n ON n.id = o.node_id JOIN node_cohort k ON k.node_id = o.node_id
          LEFT JOIN LATERAL (SELECT p.amount_minor, p.selling_cost_minor FROM market_price p
                              WHERE p.cohort = k.cohort AND p.currency = asked_currency AND p.valid_from <= on_day
                              ORDER BY p.valid_from DESC, p.id DESC LIMIT 1) c ON true
          LEFT JOIN LATERAL (SELECT p.amount_minor, p.selling_cost_minor FROM market_price p
                              WHERE p.gpu_model = n.gpu_model AND p.currency = asked_currency AND p.valid_from <= on_day
                              ORDER BY p.valid_from DESC, p.id DESC LIMIT 1) m ON true
    ), recent AS (
        -- What a node of a cohort left in cash per month of 8766 / 12 hours, over its last 30 closed days.
        SELECT r.cohort, sum(r.revenue_u - r.cash_u) / count(*) * 8766 / 12 / 24 AS monthly_u
          FROM (SELECT x.*, row_number() OVER (PARTITION BY x.cohort ORDER BY x.day DESC) AS place
                  FROM cohort_result x WHERE x.currency = asked_currency AND x.day <= on_day) r
         WHERE r.place <= 30 GROUP BY 1
    ), sized AS (
        SELECT p.cohort, count(*) AS nodes FROM priced p GROUP BY 1
    ), keyed AS (
        SELECT CASE report_by WHEN 'cohort' THEN p.cohort WHEN 'gpu_model' THEN p.gpu_model END AS key, count(*) AS nodes,
               sum(p.gpu_count) AS gpus, sum(p.assets) AS assets, sum(p.cost) AS cost, sum(p.accumulated) AS accumulated,
               sum(p.impairment) AS impairment, sum(p.salvage) AS salvage, sum(p.cost - p.accumulated - p.impairment) AS book,
               CASE WHEN count(p.market) = count(*) THEN sum(p.market) END AS market,
               CASE WHEN count(p.market) = count(*) THEN sum(p.selling) END AS selling,
               sum(p.days_left * p.cost) / nullif(sum(p.cost), 0) * 288 / 8766 AS months,
               sum(r.monthly_u / s.nodes) / micro_per_minor(asked_currency) AS monthly
          FROM priced p JOIN sized s ON s.cohort = p.cohort LEFT JOIN recent r ON r.cohort = p.cohort GROUP BY 1
    ), valued AS (
        SELECT k.*, greatest(k.monthly, 0) * k.months + k.salvage AS undiscounted,
               CASE WHEN discount_bp = 0 THEN greatest(k.monthly, 0) * k.months + k.salvage
                    ELSE greatest(k.monthly, 0) * (1 - power(1 + discount_bp / 10000.0, -k.months)) / (discount_bp / 10000.0)
                         + k.salvage * power(1 + discount_bp / 10000.0, -k.months) END AS in_use
          FROM keyed k
    ), tested AS (
        SELECT v.*, greatest(v.market - v.selling, v.in_use) AS recoverable,
               v.market < v.book * (10000 - significant_bp) / 10000 AS is_indicated,
               CASE WHEN v.undiscounted < v.book THEN greatest(v.book - v.market, 0) ELSE 0 END AS asc_loss,
               greatest(v.book - greatest(v.market - v.selling, v.in_use), 0) AS ias_loss
          FROM valued v
    )
    SELECT t.key, t.nodes, t.gpus, t.assets::bigint, t.cost::bigint, t.accumulated::bigint, t.impairment::bigint, t.book::bigint,
           t.market::bigint, t.selling::bigint, round(t.months, 2), round(t.monthly)::bigint,
           CASE WHEN t.monthly IS NOT NULL THEN round(t.undiscounted)::bigint END,
           CASE WHEN t.monthly IS NOT NULL THEN round(t.in_use)::bigint END,
           CASE WHEN t.monthly IS NOT NULL AND t.market IS NOT NULL THEN round(t.recoverable)::bigint END,
           CASE WHEN t.monthly IS NOT NULL AND t.market IS NOT NULL THEN round(t.asc_loss)::bigint END,
           CASE WHEN t.monthly IS NOT NULL AND t.market IS NOT NULL THEN round(t.ias_loss)::bigint END,
           CASE WHEN t.market IS NULL THEN 'no_market_price' WHEN NOT t.is_indicated THEN 'sound'
                WHEN t.monthly IS NULL OR round(t.asc_loss) = 0 AND round(t.ias_loss) = 0 THEN 'indicated' ELSE 'impaired' END
      FROM tested t ORDER BY 1;
END;
COMMENT ON FUNCTION book_values IS 'Book value of the assets that nodes have against market prices, by cohort or gpu_model: what ASC 360-10-35-21(a) and IAS 36.12(a) call an indication (market below book by significant_bp basis points), and what the tests of both come to by the cash flows of the last 30 closed days, discounted by discount_bp a month; null where something is not known';
GRANT EXECUTE ON FUNCTION book_values TO sluice_api_system, sluice_billing;
GRANT EXECUTE ON FUNCTION margin_facts TO sluice_billing;
GRANT SELECT ON asset_register, node_cohort TO sluice_billing;

CREATE TABLE impairment_warning (
    id uuid PRIMARY KEY,
    cohort text NOT NULL,
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    assessment text NOT NULL CHECK (assessment IN ('indicated', 'impaired')),
    since date NOT NULL,
    cleared_on date,
    revision bigint NOT NULL DEFAULT 1
);
COMMENT ON TABLE impairment_warning IS 'Cohorts whose market price fell significantly below their book value, as the close of a day found it. Written by sluice-billing';
COMMENT ON COLUMN impairment_warning.id IS 'The warning';
COMMENT ON COLUMN impairment_warning.cohort IS 'Of which cohort';
COMMENT ON COLUMN impairment_warning.currency IS 'ISO 4217, of its assets';
COMMENT ON COLUMN impairment_warning.assessment IS 'indicated: a test is due, or was passed; impaired: a test fails';
COMMENT ON COLUMN impairment_warning.since IS 'Day whose close found it first';
COMMENT ON COLUMN impairment_warning.cleared_on IS 'Day whose close did not find it any more; null: it stands';
COMMENT ON COLUMN impairment_warning.revision IS 'Rises with each change';
CREATE UNIQUE INDEX impairment_warning_open ON impairment_warning (cohort, currency) WHERE cleared_on IS NULL;

GRANT SELECT ON cohort_result, market_price, impairment_warning TO sluice_api_system;
GRANT INSERT ON market_price TO sluice_api_system;
GRANT SELECT ON market_price TO sluice_billing;
GRANT SELECT, INSERT, DELETE ON cohort_result TO sluice_billing;
GRANT SELECT, INSERT, UPDATE ON impairment_warning TO sluice_billing;
