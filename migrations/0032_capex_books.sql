-- The asset register, fully loaded cost, and the checks that tie both to the ledger. All run with the reader's rights.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

CREATE INDEX depreciation_in_stock ON depreciation (day) WHERE node_id IS NULL;

CREATE FUNCTION micro_per_minor(currency text) RETURNS bigint LANGUAGE sql IMMUTABLE SET search_path = sluice, pg_temp
BEGIN ATOMIC
    SELECT CASE WHEN currency IN ('CLP', 'ISK', 'JPY', 'KRW', 'PYG', 'RWF', 'UGX', 'VND', 'XAF', 'XOF', 'XPF') THEN 1000000
                WHEN currency IN ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') THEN 1000
                ELSE 10000 END::bigint;
END;
COMMENT ON FUNCTION micro_per_minor IS 'Micro-units in a minor unit of the currency: ISO 4217, as common/money.c has it';

-- ---- The register ----

CREATE VIEW asset_register WITH (security_invoker = true) AS
SELECT b.asset_id, a.currency, b.recognised_on, b.in_service, b.opening_minor, b.disposed_on,
       coalesce(c.cost_minor, a.cost_minor) AS cost_minor,
       CASE WHEN d.day >= c.effective_on OR c.effective_on IS NULL THEN coalesce(d.accumulated_minor, b.opening_minor)
            ELSE c.accumulated_minor END AS accumulated_minor,
       coalesce(c.impairment_minor, 0) AS impairment_minor
  FROM asset_book b JOIN asset a ON a.id = b.asset_id
  LEFT JOIN LATERAL (SELECT s.cost_minor, s.accumulated_minor, s.impairment_minor, w.effective_on
                       FROM asset_change w JOIN asset_change_status s ON s.change_id = w.id AND s.outcome = 'applied'
                      WHERE w.asset_id = b.asset_id ORDER BY w.effective_on DESC, w.id DESC LIMIT 1) c ON true
  LEFT JOIN LATERAL (SELECT p.day, p.accumulated_minor FROM depreciation p
                      WHERE p.asset_id = b.asset_id ORDER BY p.day DESC LIMIT 1) d ON true;
COMMENT ON VIEW asset_register IS 'Each asset in the books: gross cost, accumulated depreciation and impairment as posted to date; after disposal all are 0';

-- ---- Fully loaded ----

-- Idle cost of a node's day shared over who had the node that day, by weight and by largest remainder, ties to the lower
-- key (common/money.h, money_split). What nobody had stays idle: unshared.
CREATE FUNCTION loaded_cost(from_day date, to_day date)
RETURNS TABLE (node_id uuid, day date, currency text, target text, reservation_id uuid, tenant_id uuid, amount_u bigint, idle_u bigint)
LANGUAGE sql STABLE SET search_path = sluice, pg_temp
BEGIN ATOMIC
    WITH idle AS (
        SELECT c.node_id, c.day, c.currency, sum(c.amount_u) AS amount_u
          FROM cost_allocation c WHERE c.day >= from_day AND c.day < to_day AND c.reservation_id IS NULL GROUP BY 1, 2, 3
    ), part AS (
        SELECT c.node_id, c.day, c.currency, c.target, c.reservation_id, c.tenant_id, c.amount_u,
               coalesce(i.amount_u, 0) * c.weight AS exact, coalesce(i.amount_u, 0) AS idle_u,
               sum(c.weight) OVER node_day AS whole
          FROM cost_allocation c LEFT JOIN idle i ON i.node_id = c.node_id AND i.day = c.day AND i.currency = c.currency
         WHERE c.day >= from_day AND c.day < to_day AND c.reservation_id IS NOT NULL
        WINDOW node_day AS (PARTITION BY c.node_id, c.day, c.currency)
    ), ranked AS (
        SELECT p.*, div(p.exact, p.whole) AS share,
               row_number() OVER (node_day ORDER BY p.exact % p.whole DESC, p.reservation_id, p.target) AS place,
               p.idle_u - sum(div(p.exact, p.whole)) OVER node_day AS missing
          FROM part p WHERE p.whole > 0
        WINDOW node_day AS (PARTITION BY p.node_id, p.day, p.currency)
    )
    SELECT r.node_id, r.day, r.currency, r.target, r.reservation_id, r.tenant_id, r.amount_u,
           (r.share + CASE WHEN r.place <= r.missing THEN 1 ELSE 0 END)::bigint
      FROM ranked r
    UNION ALL
    SELECT c.node_id, c.day, c.currency, c.target, NULL, NULL, 0, c.amount_u
      FROM cost_allocation c
     WHERE c.day >= from_day AND c.day < to_day AND c.reservation_id IS NULL
       AND NOT EXISTS (SELECT FROM cost_allocation d WHERE d.node_id = c.node_id AND d.day = c.day AND d.currency = c.currency
                          AND d.reservation_id IS NOT NULL AND d.weight > 0);
END;
COMMENT ON FUNCTION loaded_cost IS 'Where the cost of days in [from_day, to_day) went, all pools: what each bore itself, and its share of the idle cost of the node''s day; idle without anybody to share it has no reservation. Sums to node_cost';

-- ---- Checks: each row is a violation ----

CREATE OR REPLACE VIEW check_attribution WITH (security_invoker = true) AS
SELECT coalesce(n.node_id, c.node_id) AS node_id, coalesce(n.day, c.day) AS day, n.amount_u AS depreciation_u, c.amount_u
  FROM node_cost n
  FULL JOIN (SELECT node_id, day, currency, sum(depreciation_u)::bigint AS depreciation_u, sum(power_u)::bigint AS power_u,
                    sum(colocation_u)::bigint AS colocation_u, sum(operations_u)::bigint AS operations_u,
                    sum(network_u)::bigint AS network_u, sum(storage_u)::bigint AS storage_u, sum(amount_u)::bigint AS amount_u
               FROM cost_allocation GROUP BY 1, 2, 3) c
    ON c.node_id = n.node_id AND c.day = n.day AND c.currency = n.currency
 WHERE (n.depreciation_u, n.power_u, n.colocation_u, n.operations_u, n.network_u, n.storage_u)
       IS DISTINCT FROM (c.depreciation_u, c.power_u, c.colocation_u, c.operations_u, c.network_u, c.storage_u);
COMMENT ON VIEW check_attribution IS 'Node-days of which a pool''s attribution does not sum to its cost';

CREATE VIEW check_depreciation WITH (security_invoker = true) AS
WITH posted AS (
    SELECT d.node_id, d.day, a.currency, sum(d.amount_minor * micro_per_minor(a.currency)) AS amount_u
      FROM depreciation d JOIN asset a ON a.id = d.asset_id WHERE d.node_id IS NOT NULL GROUP BY 1, 2, 3
)
SELECT coalesce(n.node_id, p.node_id) AS node_id, coalesce(n.day, p.day) AS day, n.depreciation_u, p.amount_u
  FROM node_cost n FULL JOIN posted p ON p.node_id = n.node_id AND p.day = n.day AND p.currency = n.currency
 WHERE coalesce(n.depreciation_u, 0) <> coalesce(p.amount_u, 0);
COMMENT ON VIEW check_depreciation IS 'Node-days whose amortization is not what their assets'' rows come to';

CREATE VIEW check_capex_ledger WITH (security_invoker = true) AS
WITH booked AS (
    SELECT code, currency, sum(debit_u - credit_u) AS balance_u FROM trial_balance WHERE tenant_id IS NULL GROUP BY 1, 2
), register AS (
    SELECT currency, sum(cost_minor * micro_per_minor(currency)) AS cost_u,
           sum(accumulated_minor * micro_per_minor(currency)) AS accumulated_u,
           sum(impairment_minor * micro_per_minor(currency)) AS impairment_u
      FROM asset_register GROUP BY 1
), stock AS (
    SELECT a.currency, sum(d.amount_minor * micro_per_minor(a.currency)) AS amount_u
      FROM depreciation d JOIN asset a ON a.id = d.asset_id WHERE d.node_id IS NULL GROUP BY 1
), nodes AS (
    SELECT currency, sum(power_u) AS power_u, sum(colocation_u) AS colocation_u, sum(operations_u) AS operations_u,
           sum(network_u) AS network_u, sum(storage_u) AS storage_u FROM node_cost GROUP BY 1
), expected AS (
    SELECT 'hardware_cost' AS code, currency, cost_u AS balance_u FROM register
    UNION ALL SELECT 'accumulated_depreciation', currency, -accumulated_u FROM register
    UNION ALL SELECT 'accumulated_impairment', currency, -impairment_u FROM register
    UNION ALL SELECT 'power', currency, power_u FROM nodes
    UNION ALL SELECT 'colocation', currency, colocation_u FROM nodes
    UNION ALL SELECT 'network', currency, network_u FROM nodes
    UNION ALL SELECT 'storage', currency, storage_u FROM nodes
    UNION ALL SELECT 'operations', coalesce(n.currency, s.currency), coalesce(n.operations_u, 0) + coalesce(s.amount_u, 0)
                FROM nodes n FULL JOIN stock s ON s.currency = n.currency
)
SELECT e.code, e.currency, e.balance_u AS expected_u, coalesce(b.balance_u, 0) AS booked_u
  FROM expected e LEFT JOIN booked b ON b.code = e.code AND b.currency = e.currency
 WHERE e.balance_u <> coalesce(b.balance_u, 0);
COMMENT ON VIEW check_capex_ledger IS 'Accounts whose balance is not what the asset register and the nodes'' costs say (outside a running close)';

GRANT EXECUTE ON FUNCTION micro_per_minor TO sluice_api_system, sluice_billing;
GRANT EXECUTE ON FUNCTION loaded_cost TO sluice_api_system;
GRANT SELECT ON asset_register, check_depreciation, check_capex_ledger TO sluice_api_system;

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
UNION ALL SELECT 'register_agrees', (SELECT count(*) FROM check_capex_ledger);
