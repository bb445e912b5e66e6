-- Capex: assets with a method, a convention, an order and parts; what happens to them; what a day of a node costs, pool
-- by pool; and who bears it. Wishes (orders, assets, changes, rates, profiles, readings) are written by sluice-api, all
-- else by sluice-billing.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

-- ---- Purchase orders ----

CREATE TABLE purchase_order (
    id uuid PRIMARY KEY,
    number text NOT NULL UNIQUE,
    vendor text NOT NULL,
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    ordered_on date NOT NULL,
    price_minor bigint NOT NULL CHECK (price_minor >= 0),
    freight_minor bigint NOT NULL DEFAULT 0 CHECK (freight_minor >= 0),
    duty_minor bigint NOT NULL DEFAULT 0 CHECK (duty_minor >= 0),
    installation_minor bigint NOT NULL DEFAULT 0 CHECK (installation_minor >= 0),
    description text NOT NULL DEFAULT '',
    revision bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT sluice_now()
);
COMMENT ON TABLE purchase_order IS 'What was ordered, and what it costs until it can be used (IAS 16.16): its assets'' costs should sum to it. Written by sluice-api';
COMMENT ON COLUMN purchase_order.id IS 'UUIDv7';
COMMENT ON COLUMN purchase_order.number IS 'The buyer''s number of it';
COMMENT ON COLUMN purchase_order.vendor IS 'From whom';
COMMENT ON COLUMN purchase_order.currency IS 'ISO 4217';
COMMENT ON COLUMN purchase_order.ordered_on IS 'Day of the order';
COMMENT ON COLUMN purchase_order.price_minor IS 'Purchase price less trade discounts';
COMMENT ON COLUMN purchase_order.freight_minor IS 'Capitalised: delivery and handling';
COMMENT ON COLUMN purchase_order.duty_minor IS 'Capitalised: import duties and taxes that nobody refunds';
COMMENT ON COLUMN purchase_order.installation_minor IS 'Capitalised: site preparation, installation, tests';
COMMENT ON COLUMN purchase_order.description IS 'For people';
COMMENT ON COLUMN purchase_order.revision IS 'Rises with each change of the wish';
COMMENT ON COLUMN purchase_order.created_at IS 'Domain time';

-- ---- Assets ----

ALTER TABLE asset DROP CONSTRAINT asset_method_check;
UPDATE asset SET method = 'straight_line' WHERE method = 'straight_line_daily';
ALTER TABLE asset ALTER COLUMN method SET DEFAULT 'straight_line',
    ADD COLUMN convention text NOT NULL DEFAULT 'daily',
    ADD COLUMN step_months integer NOT NULL DEFAULT 12 CHECK (step_months IN (1, 12)),
    ADD COLUMN lifetime_gpu_hours bigint CHECK (lifetime_gpu_hours BETWEEN 1 AND 100000000),
    ADD COLUMN acquired_on date,
    ADD COLUMN purchase_order_id uuid REFERENCES purchase_order,
    ADD COLUMN lot text NOT NULL DEFAULT '',
    ADD COLUMN part text NOT NULL DEFAULT '',
    ADD COLUMN component_of uuid REFERENCES asset CHECK (component_of <> id),
    ADD COLUMN revision bigint NOT NULL DEFAULT 1,
    ADD CONSTRAINT asset_method CHECK (method IN ('straight_line', 'declining_balance_150', 'declining_balance_double',
        'sum_of_years_digits', 'units_of_production')),
    ADD CONSTRAINT asset_convention CHECK (convention IN ('daily', 'full_month', 'next_month', 'mid_month', 'half_year')),
    ADD CONSTRAINT asset_units CHECK ((method = 'units_of_production') = (lifetime_gpu_hours IS NOT NULL)),
    ADD CONSTRAINT asset_acquired CHECK (acquired_on <= in_service);
COMMENT ON COLUMN asset.method IS 'Depreciation method (docs/money.md)';
COMMENT ON COLUMN asset.convention IS 'When charges begin and what a period is';
COMMENT ON COLUMN asset.step_months IS 'Declining balance and sum of years'' digits: how often the rate applies anew, in months';
COMMENT ON COLUMN asset.lifetime_gpu_hours IS 'Units of production: GPU-hours it will deliver in its life';
COMMENT ON COLUMN asset.acquired_on IS 'Day it became the provider''s; null: in_service';
COMMENT ON COLUMN asset.purchase_order_id IS 'The order it came with; null: not known';
COMMENT ON COLUMN asset.lot IS 'Lot within the order';
COMMENT ON COLUMN asset.part IS 'What it is, e.g. "gpu", "chassis", "nic"';
COMMENT ON COLUMN asset.component_of IS 'The asset that it is a part of, with a life of its own (IAS 16.43); without a node of its own it is where that is';
COMMENT ON COLUMN asset.revision IS 'Rises with each change of the wish';
CREATE INDEX asset_of_order ON asset (purchase_order_id) WHERE purchase_order_id IS NOT NULL;
CREATE INDEX asset_component ON asset (component_of) WHERE component_of IS NOT NULL;

CREATE TABLE asset_change (
    id uuid PRIMARY KEY,
    asset_id uuid NOT NULL REFERENCES asset,
    kind text NOT NULL CHECK (kind IN ('re_estimate', 'impair', 'reverse', 'replace_part', 'dispose')),
    effective_on date NOT NULL,
    life_months integer CHECK (life_months BETWEEN 1 AND 240),
    salvage_minor bigint CHECK (salvage_minor >= 0),
    standard text CHECK (standard IN ('asc_360', 'ias_36')),
    undiscounted_minor bigint CHECK (undiscounted_minor >= 0),
    fair_value_minor bigint CHECK (fair_value_minor >= 0),
    value_in_use_minor bigint CHECK (value_in_use_minor >= 0),
    selling_cost_minor bigint NOT NULL DEFAULT 0 CHECK (selling_cost_minor >= 0),
    proceeds_minor bigint NOT NULL DEFAULT 0 CHECK (proceeds_minor >= 0),
    part_count integer CHECK (part_count BETWEEN 1 AND 1000),
    part_total integer CHECK (part_total BETWEEN 2 AND 1000),
    reason text NOT NULL,
    created_by uuid,
    created_at timestamptz NOT NULL DEFAULT sluice_now(),
    CHECK (kind <> 're_estimate' OR life_months IS NOT NULL OR salvage_minor IS NOT NULL),
    CHECK (kind NOT IN ('impair', 'reverse') OR standard IS NOT NULL AND fair_value_minor IS NOT NULL),
    CHECK ((kind = 'replace_part') = (part_count IS NOT NULL AND part_total IS NOT NULL)),
    CHECK (part_count < part_total)
);
COMMENT ON TABLE asset_change IS 'Something that happens to an asset: wished by sluice-api, done by sluice-billing at the start of effective_on';
COMMENT ON COLUMN asset_change.id IS 'UUIDv7';
COMMENT ON COLUMN asset_change.asset_id IS 'To which asset';
COMMENT ON COLUMN asset_change.kind IS 'What happens';
COMMENT ON COLUMN asset_change.effective_on IS 'At the start of this day: it is the first of the new terms, and not depreciated where it is disposed of';
COMMENT ON COLUMN asset_change.life_months IS 'Re-estimate, impair, reverse: whole life from in_service, in months; null: as it was';
COMMENT ON COLUMN asset_change.salvage_minor IS 'Re-estimate, impair, reverse: value at the end; null: as it was';
COMMENT ON COLUMN asset_change.standard IS 'Impair and reverse: under which standard';
COMMENT ON COLUMN asset_change.undiscounted_minor IS 'ASC 360-10-35-17: undiscounted cash flows of its use and disposal';
COMMENT ON COLUMN asset_change.fair_value_minor IS 'What it could be sold for';
COMMENT ON COLUMN asset_change.value_in_use_minor IS 'IAS 36.6: discounted cash flows of its use';
COMMENT ON COLUMN asset_change.selling_cost_minor IS 'Costs to sell it, or of its disposal';
COMMENT ON COLUMN asset_change.proceeds_minor IS 'Dispose and replace_part: what was paid for it';
COMMENT ON COLUMN asset_change.part_count IS 'Replace_part: how many of part_total equal parts go; the new ones are assets of their own';
COMMENT ON COLUMN asset_change.part_total IS 'Replace_part: of how many equal parts the asset consists that day';
COMMENT ON COLUMN asset_change.reason IS 'Why, for the auditor';
COMMENT ON COLUMN asset_change.created_by IS 'Principal';
COMMENT ON COLUMN asset_change.created_at IS 'Domain time';
CREATE INDEX asset_change_of_asset ON asset_change (asset_id, effective_on, id);
CREATE INDEX asset_change_due ON asset_change (effective_on, id);

CREATE TABLE asset_change_status (
    change_id uuid PRIMARY KEY REFERENCES asset_change,
    outcome text NOT NULL CHECK (outcome IN ('applied', 'refused')),
    problem text,
    units_gpu_milli_s bigint,
    cost_minor bigint,
    accumulated_minor bigint,
    impairment_minor bigint,
    amount_minor bigint,
    decided_at timestamptz NOT NULL DEFAULT sluice_now(),
    CHECK ((outcome = 'refused') = (problem IS NOT NULL)),
    CHECK ((outcome = 'applied') = (amount_minor IS NOT NULL))
);
COMMENT ON TABLE asset_change_status IS 'What became of a change, and what it came to. Written by sluice-billing';
COMMENT ON COLUMN asset_change_status.change_id IS 'The change';
COMMENT ON COLUMN asset_change_status.outcome IS 'Applied, or refused';
COMMENT ON COLUMN asset_change_status.problem IS 'Why it was refused';
COMMENT ON COLUMN asset_change_status.units_gpu_milli_s IS 'Units of production: milli-GPU-seconds delivered until then; null for other methods';
COMMENT ON COLUMN asset_change_status.cost_minor IS 'Gross cost after it';
COMMENT ON COLUMN asset_change_status.accumulated_minor IS 'Accumulated depreciation after it';
COMMENT ON COLUMN asset_change_status.impairment_minor IS 'Accumulated impairment after it';
COMMENT ON COLUMN asset_change_status.amount_minor IS 'What the income statement shows: a gain (+) or a loss (-)';
COMMENT ON COLUMN asset_change_status.decided_at IS 'Domain time';

CREATE TABLE asset_book (
    asset_id uuid PRIMARY KEY REFERENCES asset,
    recognised_on date NOT NULL,
    in_service date,
    opening_minor bigint NOT NULL DEFAULT 0 CHECK (opening_minor >= 0),
    disposed_on date
);
COMMENT ON TABLE asset_book IS 'Since when an asset is in the books: its purchase is posted. Written by sluice-billing';
COMMENT ON COLUMN asset_book.asset_id IS 'The asset';
COMMENT ON COLUMN asset_book.recognised_on IS 'Day whose close posted the purchase';
COMMENT ON COLUMN asset_book.in_service IS 'Day from which it is depreciated: that of the asset, or the first that a node had it; null: in stock, and never used';
COMMENT ON COLUMN asset_book.opening_minor IS 'What its schedule says of days before the first one posted: taken over, not charged';
COMMENT ON COLUMN asset_book.disposed_on IS 'First day it is gone; null: it is there';
CREATE INDEX asset_book_in_stock ON asset_book (asset_id) WHERE in_service IS NULL;

ALTER TABLE depreciation
    ADD COLUMN node_id uuid,
    ADD COLUMN units_gpu_milli_s bigint;
COMMENT ON COLUMN depreciation.node_id IS 'The node whose cost it is; null: it was in stock again';
COMMENT ON COLUMN depreciation.units_gpu_milli_s IS 'Units of production: milli-GPU-seconds delivered through this day; null for other methods';

-- ---- Cost pools ----

CREATE TABLE cost_rate (
    id uuid PRIMARY KEY,
    pool text NOT NULL CHECK (pool IN ('power', 'colocation', 'operations', 'network', 'storage')),
    basis text NOT NULL CHECK (basis IN ('kwh', 'kw_month', 'node_month', 'gpu_month')),
    zone_id uuid REFERENCES zone,
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    amount_u bigint NOT NULL CHECK (amount_u >= 0),
    pue_milli integer CHECK (pue_milli BETWEEN 1000 AND 10000),
    valid daterange NOT NULL CHECK (NOT isempty(valid) AND lower(valid) IS NOT NULL),
    created_by uuid,
    created_at timestamptz NOT NULL DEFAULT sluice_now(),
    CHECK ((pool = 'power') = (basis = 'kwh')),
    CHECK ((basis = 'kwh') = (pue_milli IS NOT NULL)),
    CONSTRAINT cost_rate_versions_do_not_overlap EXCLUDE USING gist (pool WITH =, basis WITH =, currency WITH =,
        (coalesce(zone_id, '00000000-0000-0000-0000-000000000000')) WITH =, valid WITH &&)
);
COMMENT ON TABLE cost_rate IS 'A version of what a pool of a node''s cost is charged at: immutable but for the end of its validity, which a new version sets. Written by sluice-api';
COMMENT ON COLUMN cost_rate.id IS 'UUIDv7';
COMMENT ON COLUMN cost_rate.pool IS 'Which pool';
COMMENT ON COLUMN cost_rate.basis IS 'What one unit is: a kWh at the node, a kW of full power for a month, a node or a GPU for a month; a month is 8766 / 12 hours';
COMMENT ON COLUMN cost_rate.zone_id IS 'The zone''s own rate, which holds before the one without a zone; null: every zone''s';
COMMENT ON COLUMN cost_rate.currency IS 'ISO 4217';
COMMENT ON COLUMN cost_rate.amount_u IS 'Micro-units per unit';
COMMENT ON COLUMN cost_rate.pue_milli IS 'Power: thousandths of the power usage effectiveness, which multiplies the energy';
COMMENT ON COLUMN cost_rate.valid IS 'UTC days';
COMMENT ON COLUMN cost_rate.created_by IS 'Principal';
COMMENT ON COLUMN cost_rate.created_at IS 'Domain time';

CREATE TABLE power_profile (
    gpu_model text NOT NULL,
    gpu_count integer NOT NULL CHECK (gpu_count BETWEEN 0 AND 1000),
    idle_w integer NOT NULL CHECK (idle_w >= 0),
    full_w integer NOT NULL CHECK (full_w >= idle_w),
    PRIMARY KEY (gpu_model, gpu_count)
);
COMMENT ON TABLE power_profile IS 'What a node of a kind takes from the grid: for colocation, and for energy where it is not metered. Written by sluice-api';
COMMENT ON COLUMN power_profile.gpu_model IS 'Nodes of this model';
COMMENT ON COLUMN power_profile.gpu_count IS 'And of so many GPUs';
COMMENT ON COLUMN power_profile.idle_w IS 'Watts while no GPU works';
COMMENT ON COLUMN power_profile.full_w IS 'Watts while all work; what colocation is paid for';

CREATE TABLE node_energy (
    node_id uuid NOT NULL REFERENCES node,
    day date NOT NULL,
    watt_hours bigint NOT NULL CHECK (watt_hours BETWEEN 0 AND 100000000),
    PRIMARY KEY (node_id, day)
);
COMMENT ON TABLE node_energy IS 'Metered energy of a node''s day; counts if it is there when the day is closed. Written by sluice-api';
COMMENT ON COLUMN node_energy.node_id IS 'The node';
COMMENT ON COLUMN node_energy.day IS 'UTC day';
COMMENT ON COLUMN node_energy.watt_hours IS 'At the node, without what cooling and distribution add';

ALTER TABLE node_cost
    ADD COLUMN power_u bigint NOT NULL DEFAULT 0 CHECK (power_u >= 0),
    ADD COLUMN colocation_u bigint NOT NULL DEFAULT 0 CHECK (colocation_u >= 0),
    ADD COLUMN operations_u bigint NOT NULL DEFAULT 0 CHECK (operations_u >= 0),
    ADD COLUMN network_u bigint NOT NULL DEFAULT 0 CHECK (network_u >= 0),
    ADD COLUMN storage_u bigint NOT NULL DEFAULT 0 CHECK (storage_u >= 0),
    ADD COLUMN energy_wh bigint,
    ADD COLUMN energy_is_metered boolean;
ALTER TABLE node_cost
    ADD COLUMN amount_u bigint GENERATED ALWAYS AS (depreciation_u + power_u + colocation_u + operations_u + network_u + storage_u) STORED;
COMMENT ON TABLE node_cost IS 'The cost of a node''s day, pool by pool';
COMMENT ON COLUMN node_cost.power_u IS 'Energy x PUE x tariff';
COMMENT ON COLUMN node_cost.colocation_u IS 'Space, power feed and cooling at the site';
COMMENT ON COLUMN node_cost.operations_u IS 'Remote hands, support, staff';
COMMENT ON COLUMN node_cost.network_u IS 'Its share of the network';
COMMENT ON COLUMN node_cost.storage_u IS 'Its share of the storage';
COMMENT ON COLUMN node_cost.energy_wh IS 'Watt-hours at the node; null: nothing is known';
COMMENT ON COLUMN node_cost.energy_is_metered IS 'Whether it was metered, or follows from its power profile';
COMMENT ON COLUMN node_cost.amount_u IS 'All pools';

-- What depends on the amortization goes on to see it: functions and views know the column, not its name.
ALTER TABLE cost_allocation RENAME COLUMN amount_u TO depreciation_u;
ALTER TABLE cost_allocation
    ADD COLUMN power_u bigint NOT NULL DEFAULT 0 CHECK (power_u >= 0),
    ADD COLUMN colocation_u bigint NOT NULL DEFAULT 0 CHECK (colocation_u >= 0),
    ADD COLUMN operations_u bigint NOT NULL DEFAULT 0 CHECK (operations_u >= 0),
    ADD COLUMN network_u bigint NOT NULL DEFAULT 0 CHECK (network_u >= 0),
    ADD COLUMN storage_u bigint NOT NULL DEFAULT 0 CHECK (storage_u >= 0);
ALTER TABLE cost_allocation
    ADD COLUMN amount_u bigint GENERATED ALWAYS AS (depreciation_u + power_u + colocation_u + operations_u + network_u + storage_u) STORED;
COMMENT ON TABLE cost_allocation IS 'Where a node''s day went: to reservations and to idle by cause; each pool sums exactly to node_cost';
COMMENT ON COLUMN cost_allocation.depreciation_u IS 'Its part of the amortization';
COMMENT ON COLUMN cost_allocation.power_u IS 'Of the power';
COMMENT ON COLUMN cost_allocation.colocation_u IS 'Of the colocation';
COMMENT ON COLUMN cost_allocation.operations_u IS 'Of the operations';
COMMENT ON COLUMN cost_allocation.network_u IS 'Of the network';
COMMENT ON COLUMN cost_allocation.storage_u IS 'Of the storage';
COMMENT ON COLUMN cost_allocation.amount_u IS 'Of all pools';

-- ---- Grants: one table, one writer ----

GRANT SELECT, INSERT, UPDATE ON purchase_order, power_profile, node_energy TO sluice_api_system;
GRANT SELECT, INSERT ON asset_change, cost_rate TO sluice_api_system;
GRANT UPDATE (valid) ON cost_rate TO sluice_api_system;
GRANT SELECT, DELETE ON power_profile TO sluice_api_system;
GRANT SELECT ON asset_change_status, asset_book TO sluice_api_system;
GRANT SELECT ON purchase_order, asset_change, cost_rate, power_profile, node_energy TO sluice_billing;
GRANT SELECT, INSERT ON asset_change_status TO sluice_billing;
GRANT SELECT, INSERT, UPDATE ON asset_book TO sluice_billing;
