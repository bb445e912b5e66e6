-- Money: what was delivered, what it costs the tenant, what the hardware costs, and the books. Micro is one millionth
-- of a currency's major unit (columns ..._u); minor is its smallest unit (columns ..._minor). Prices and assets are
-- wishes (written by sluice-api); everything else is written by sluice-billing.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

CREATE TABLE price (
    id uuid PRIMARY KEY,
    sku_kind text NOT NULL CHECK (sku_kind IN ('instance_type', 'gpu_model')),
    sku text NOT NULL,
    tenant_id uuid REFERENCES tenant,
    tier text NOT NULL DEFAULT 'reserved' CHECK (tier IN ('reserved', 'on_demand', 'preemptible')),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    gpu_hour_u bigint NOT NULL CHECK (gpu_hour_u >= 0),
    valid tstzrange NOT NULL CHECK (NOT isempty(valid) AND lower_inc(valid) AND NOT upper_inc(valid)),
    created_by uuid,
    created_at timestamptz NOT NULL DEFAULT sluice_now(),
    CONSTRAINT price_versions_do_not_overlap EXCLUDE USING gist (sku_kind WITH =, sku WITH =, tier WITH =, currency WITH =,
        (coalesce(tenant_id, '00000000-0000-0000-0000-000000000000')) WITH =, valid WITH &&)
);
COMMENT ON TABLE price IS 'A version of a price: immutable but for the end of its validity, which a new version sets. Written by sluice-api';
COMMENT ON COLUMN price.id IS 'UUIDv7';
COMMENT ON COLUMN price.sku_kind IS 'What the price is of: a named type, or a GPU model for given shapes';
COMMENT ON COLUMN price.sku IS 'Name of the instance type or GPU model';
COMMENT ON COLUMN price.tenant_id IS 'A tenant''s own price; null: the list price';
COMMENT ON COLUMN price.tier IS 'The reservation''s tier';
COMMENT ON COLUMN price.currency IS 'ISO 4217';
COMMENT ON COLUMN price.gpu_hour_u IS 'Micro-units per GPU-hour';
COMMENT ON COLUMN price.valid IS 'Domain time';
COMMENT ON COLUMN price.created_by IS 'Principal';
COMMENT ON COLUMN price.created_at IS 'Domain time';

CREATE TABLE asset (
    id uuid PRIMARY KEY,
    serial text NOT NULL UNIQUE,
    node_id uuid REFERENCES node,
    cohort text NOT NULL,
    vendor text NOT NULL DEFAULT '',
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    cost_minor bigint NOT NULL CHECK (cost_minor >= 0),
    salvage_minor bigint NOT NULL DEFAULT 0 CHECK (salvage_minor >= 0),
    in_service date NOT NULL,
    life_months integer NOT NULL CHECK (life_months BETWEEN 1 AND 240),
    method text NOT NULL DEFAULT 'straight_line_daily' CHECK (method IN ('straight_line_daily')),
    created_at timestamptz NOT NULL DEFAULT sluice_now(),
    CHECK (salvage_minor <= cost_minor)
);
COMMENT ON TABLE asset IS 'Hardware as bought: what amortization starts from. Written by sluice-api';
COMMENT ON COLUMN asset.id IS 'UUIDv7';
COMMENT ON COLUMN asset.serial IS 'Serial number';
COMMENT ON COLUMN asset.node_id IS 'The node it is or belongs to; null: in stock';
COMMENT ON COLUMN asset.cohort IS 'Purchase lot, e.g. "2025-q1"';
COMMENT ON COLUMN asset.vendor IS 'From whom';
COMMENT ON COLUMN asset.currency IS 'ISO 4217';
COMMENT ON COLUMN asset.cost_minor IS 'Capitalised cost';
COMMENT ON COLUMN asset.salvage_minor IS 'Salvage value at the end of its life';
COMMENT ON COLUMN asset.in_service IS 'Day it was available for use (IAS 16.55): depreciation starts';
COMMENT ON COLUMN asset.life_months IS 'Useful life in calendar months from in_service';
COMMENT ON COLUMN asset.method IS 'Depreciation method';
COMMENT ON COLUMN asset.created_at IS 'Domain time';
CREATE INDEX asset_of_node ON asset (node_id);

CREATE TABLE meter_instance (
    instance_id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    reservation_id uuid NOT NULL,
    revision bigint NOT NULL,
    class text NOT NULL CHECK (class IN ('used', 'unused', 'unready', 'failed', 'preempted')),
    open_since timestamptz NOT NULL,
    node_id uuid,
    gpu_milli integer NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz,
    next_seq integer NOT NULL DEFAULT 0,
    closed boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE meter_instance IS 'The open stretch of each instance: what the meter knows between two events';
COMMENT ON COLUMN meter_instance.instance_id IS 'The instance';
COMMENT ON COLUMN meter_instance.tenant_id IS 'Whose';
COMMENT ON COLUMN meter_instance.reservation_id IS 'Of which reservation';
COMMENT ON COLUMN meter_instance.revision IS 'Revision of the last event applied: an older one is a duplicate';
COMMENT ON COLUMN meter_instance.class IS 'What its seconds are since the open start';
COMMENT ON COLUMN meter_instance.open_since IS 'End of the last interval written: the next one starts here';
COMMENT ON COLUMN meter_instance.node_id IS 'The node that holds it; null for none';
COMMENT ON COLUMN meter_instance.gpu_milli IS 'Its size';
COMMENT ON COLUMN meter_instance.starts_at IS 'Start of its window';
COMMENT ON COLUMN meter_instance.ends_at IS 'End of its window; null: open';
COMMENT ON COLUMN meter_instance.next_seq IS 'Sequence of the next interval';
COMMENT ON COLUMN meter_instance.closed IS 'Whether the window is fully metered';
CREATE INDEX meter_instance_open ON meter_instance (open_since) WHERE NOT closed;

CREATE TABLE usage_interval (
    period_start timestamptz NOT NULL,
    instance_id uuid NOT NULL,
    seq integer NOT NULL,
    period_end timestamptz NOT NULL,
    tenant_id uuid NOT NULL,
    reservation_id uuid NOT NULL,
    node_id uuid,
    gpu_milli integer NOT NULL CHECK (gpu_milli > 0),
    class text NOT NULL CHECK (class IN ('used', 'unused', 'unready', 'failed', 'preempted')),
    CHECK (period_end > period_start),
    UNIQUE (period_start, instance_id, seq)
) PARTITION BY RANGE (period_start);
COMMENT ON TABLE usage_interval IS 'The class of each second of each instance''s window: intervals tile it without gap or overlap; cut at UTC midnight';
COMMENT ON COLUMN usage_interval.period_start IS 'Inclusive; the partition key';
COMMENT ON COLUMN usage_interval.instance_id IS 'The instance';
COMMENT ON COLUMN usage_interval.seq IS 'Rises by one per interval of an instance';
COMMENT ON COLUMN usage_interval.period_end IS 'Exclusive';
COMMENT ON COLUMN usage_interval.tenant_id IS 'Whose';
COMMENT ON COLUMN usage_interval.reservation_id IS 'Of which reservation';
COMMENT ON COLUMN usage_interval.node_id IS 'Which node held it; null: none';
COMMENT ON COLUMN usage_interval.gpu_milli IS 'Its size';
COMMENT ON COLUMN usage_interval.class IS 'What the seconds are: see docs/money.md';
CREATE INDEX usage_of_reservation ON usage_interval (reservation_id, period_start);
CREATE INDEX usage_of_tenant ON usage_interval (tenant_id, period_start);
CREATE TABLE usage_interval_default PARTITION OF usage_interval DEFAULT;
COMMENT ON TABLE usage_interval_default IS 'Catches what no partition takes; a row in it raises the alert SluiceDefaultPartitionUsed';
INSERT INTO partition_policy VALUES ('usage_interval', 'month', 3, NULL, true);

CREATE TABLE meter_node (
    node_id uuid NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz,
    revision bigint NOT NULL,
    cause text NOT NULL CHECK (cause IN ('unsold', 'maintenance', 'quarantined', 'sanitizing', 'not_in_service')),
    PRIMARY KEY (node_id, starts_at, revision)
);
COMMENT ON TABLE meter_node IS 'What each node''s idle time is caused by, as a series of stretches; the last one is open';
COMMENT ON COLUMN meter_node.node_id IS 'The node';
COMMENT ON COLUMN meter_node.starts_at IS 'Start of the stretch';
COMMENT ON COLUMN meter_node.ends_at IS 'End; null: still so';
COMMENT ON COLUMN meter_node.revision IS 'Revision of the node''s event that began it';
COMMENT ON COLUMN meter_node.cause IS 'Idle cause while nothing is allocated';

CREATE TABLE billing_day (
    day date PRIMARY KEY,
    closed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE billing_day IS 'Each UTC day that billing has closed: metered, rated, depreciated and attributed';
COMMENT ON COLUMN billing_day.day IS 'The day';
COMMENT ON COLUMN billing_day.closed_at IS 'Real time';

CREATE TABLE billing_period (
    tenant_id uuid NOT NULL REFERENCES tenant,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL CHECK (ends_at > starts_at),
    status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'closed')),
    closed_at timestamptz,
    PRIMARY KEY (tenant_id, starts_at)
);
COMMENT ON TABLE billing_period IS 'A tenant''s calendar month in its billing timezone';
COMMENT ON COLUMN billing_period.tenant_id IS 'Whose';
COMMENT ON COLUMN billing_period.starts_at IS 'Inclusive, UTC instant';
COMMENT ON COLUMN billing_period.ends_at IS 'Exclusive, UTC instant';
COMMENT ON COLUMN billing_period.status IS 'A closed one takes no more lines';
COMMENT ON COLUMN billing_period.closed_at IS 'Domain time';

CREATE TABLE rated_line (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    day date NOT NULL,
    tenant_id uuid NOT NULL,
    reservation_id uuid NOT NULL,
    price_id uuid NOT NULL REFERENCES price,
    period_start timestamptz NOT NULL,
    seconds bigint NOT NULL,
    gpu_milli_seconds bigint NOT NULL,
    currency text NOT NULL,
    amount_u bigint NOT NULL,
    UNIQUE (day, reservation_id, price_id, period_start)
);
COMMENT ON TABLE rated_line IS 'Usage times price, in deltas: the sum over a group is the rating of its summed seconds. Append-only';
COMMENT ON COLUMN rated_line.id IS 'For paging only';
COMMENT ON COLUMN rated_line.day IS 'UTC day whose close made it';
COMMENT ON COLUMN rated_line.tenant_id IS 'Whose';
COMMENT ON COLUMN rated_line.reservation_id IS 'Group: the reservation';
COMMENT ON COLUMN rated_line.price_id IS 'Group: the price version';
COMMENT ON COLUMN rated_line.period_start IS 'Group: the tenant''s billing period';
COMMENT ON COLUMN rated_line.seconds IS 'Billed instance-seconds added';
COMMENT ON COLUMN rated_line.gpu_milli_seconds IS 'Billed milli-GPU-seconds added';
COMMENT ON COLUMN rated_line.currency IS 'ISO 4217';
COMMENT ON COLUMN rated_line.amount_u IS 'Micro-units added: round_half_even of the group''s total less what was rated before';
CREATE INDEX rated_of_group ON rated_line (reservation_id, price_id, period_start);
CREATE INDEX rated_of_period ON rated_line (tenant_id, period_start);

CREATE TABLE account (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL,
    tenant_id uuid REFERENCES tenant,
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    kind text NOT NULL CHECK (kind IN ('asset', 'liability', 'income', 'expense', 'equity')),
    UNIQUE NULLS NOT DISTINCT (code, tenant_id, currency)
);
COMMENT ON TABLE account IS 'Chart of accounts';
COMMENT ON COLUMN account.id IS 'For entries only';
COMMENT ON COLUMN account.code IS 'unbilled_receivable, receivable, revenue, tax_payable, rounding, cost_of_revenue, accumulated_depreciation, ...';
COMMENT ON COLUMN account.tenant_id IS 'A tenant''s sub-account; null: the provider''s';
COMMENT ON COLUMN account.currency IS 'ISO 4217';
COMMENT ON COLUMN account.kind IS 'Its side of the books';

CREATE TABLE journal (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    idempotency_key text NOT NULL UNIQUE,
    posted_at timestamptz NOT NULL,
    source_type text NOT NULL,
    source_id uuid,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE journal IS 'A transaction of the double-entry ledger: immutable, balanced per currency, at most one per key';
COMMENT ON COLUMN journal.id IS 'For entries only';
COMMENT ON COLUMN journal.idempotency_key IS '"rate:<tenant>:<day>", "depreciation:<day>", "invoice:<id>": a repetition posts nothing';
COMMENT ON COLUMN journal.posted_at IS 'Domain time';
COMMENT ON COLUMN journal.source_type IS 'What it comes from: rating, depreciation, invoice';
COMMENT ON COLUMN journal.source_id IS 'Which; null for a day''s summary';
COMMENT ON COLUMN journal.recorded_at IS 'Real time';
CREATE TABLE entry (
    journal_id bigint NOT NULL REFERENCES journal,
    seq integer NOT NULL,
    account_id bigint NOT NULL REFERENCES account,
    debit_u bigint NOT NULL DEFAULT 0 CHECK (debit_u >= 0),
    credit_u bigint NOT NULL DEFAULT 0 CHECK (credit_u >= 0),
    PRIMARY KEY (journal_id, seq),
    CHECK ((debit_u > 0) <> (credit_u > 0))
);
COMMENT ON TABLE entry IS 'One side of a journal. Append-only';
COMMENT ON COLUMN entry.journal_id IS 'Its journal';
COMMENT ON COLUMN entry.seq IS 'From 1';
COMMENT ON COLUMN entry.account_id IS 'Which account';
COMMENT ON COLUMN entry.debit_u IS 'Micro-units';
COMMENT ON COLUMN entry.credit_u IS 'Micro-units';
CREATE INDEX entry_of_account ON entry (account_id, journal_id);

CREATE FUNCTION journal_balances() RETURNS trigger LANGUAGE plpgsql SET search_path = sluice, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM entry e JOIN account a ON a.id = e.account_id WHERE e.journal_id = NEW.journal_id
               GROUP BY a.currency HAVING sum(e.debit_u) <> sum(e.credit_u)) THEN
        RAISE check_violation USING MESSAGE = format('journal %s does not balance', NEW.journal_id);
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION journal_balances IS 'Deferred trigger: at commit, debits equal credits per journal and currency';
CREATE CONSTRAINT TRIGGER balanced AFTER INSERT ON entry DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION journal_balances();

CREATE FUNCTION ledger_refuses_change() RETURNS trigger LANGUAGE plpgsql SET search_path = sluice, pg_temp AS $$
BEGIN
    RAISE insufficient_privilege USING MESSAGE = format('%s is append-only', TG_TABLE_NAME);
END $$;
COMMENT ON FUNCTION ledger_refuses_change IS 'Trigger: posted rows are neither changed nor deleted';
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON journal FOR EACH ROW EXECUTE FUNCTION ledger_refuses_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON entry FOR EACH ROW EXECUTE FUNCTION ledger_refuses_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON rated_line FOR EACH ROW EXECUTE FUNCTION ledger_refuses_change();

CREATE TABLE invoice_series (
    series text PRIMARY KEY,
    next_number bigint NOT NULL DEFAULT 1
);
COMMENT ON TABLE invoice_series IS 'Gapless numbers: the next one is taken in the transaction that issues (EU VAT Directive 2006/112/EC, art. 226(2))';
COMMENT ON COLUMN invoice_series.series IS '"INV"';
COMMENT ON COLUMN invoice_series.next_number IS 'Number of the next invoice';
INSERT INTO invoice_series VALUES ('INV', 1);

CREATE TABLE invoice (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenant,
    series text NOT NULL REFERENCES invoice_series,
    number bigint NOT NULL CHECK (number > 0),
    period_start timestamptz NOT NULL,
    period_end timestamptz NOT NULL,
    currency text NOT NULL,
    net_minor bigint NOT NULL,
    tax_rate_bp integer NOT NULL,
    tax_minor bigint NOT NULL,
    total_minor bigint NOT NULL CHECK (total_minor = net_minor + tax_minor),
    status text NOT NULL DEFAULT 'issued' CHECK (status IN ('issued', 'void')),
    issued_at timestamptz NOT NULL,
    UNIQUE (series, number),
    UNIQUE (tenant_id, period_start)
);
COMMENT ON TABLE invoice IS 'A tenant''s invoice for a billing period; immutable once issued';
COMMENT ON COLUMN invoice.id IS 'UUIDv7';
COMMENT ON COLUMN invoice.tenant_id IS 'Whose';
COMMENT ON COLUMN invoice.series IS 'Series of its number';
COMMENT ON COLUMN invoice.number IS 'Gapless within the series';
COMMENT ON COLUMN invoice.period_start IS 'Billing period, inclusive';
COMMENT ON COLUMN invoice.period_end IS 'Exclusive';
COMMENT ON COLUMN invoice.currency IS 'ISO 4217';
COMMENT ON COLUMN invoice.net_minor IS 'Sum of the lines';
COMMENT ON COLUMN invoice.tax_rate_bp IS 'Tax rate in basis points, as it was';
COMMENT ON COLUMN invoice.tax_minor IS 'Rounded once, on the invoice';
COMMENT ON COLUMN invoice.total_minor IS 'What is owed';
COMMENT ON COLUMN invoice.status IS 'A void one keeps its number';
COMMENT ON COLUMN invoice.issued_at IS 'Domain time';
CREATE TABLE invoice_line (
    invoice_id uuid NOT NULL REFERENCES invoice,
    line_no integer NOT NULL CHECK (line_no > 0),
    tenant_id uuid NOT NULL,
    reservation_id uuid NOT NULL,
    price_id uuid NOT NULL REFERENCES price,
    description text NOT NULL,
    gpu_milli_seconds bigint NOT NULL,
    amount_u bigint NOT NULL,
    net_minor bigint NOT NULL,
    tax_shown_minor bigint NOT NULL,
    PRIMARY KEY (invoice_id, line_no)
);
COMMENT ON TABLE invoice_line IS 'A line: one reservation at one price version';
COMMENT ON COLUMN invoice_line.invoice_id IS 'The invoice';
COMMENT ON COLUMN invoice_line.line_no IS 'From 1';
COMMENT ON COLUMN invoice_line.tenant_id IS 'Whose';
COMMENT ON COLUMN invoice_line.reservation_id IS 'The reservation';
COMMENT ON COLUMN invoice_line.price_id IS 'The price version';
COMMENT ON COLUMN invoice_line.description IS 'For people';
COMMENT ON COLUMN invoice_line.gpu_milli_seconds IS 'Billed milli-GPU-seconds';
COMMENT ON COLUMN invoice_line.amount_u IS 'Micro total of the group';
COMMENT ON COLUMN invoice_line.net_minor IS 'The micro total rounded half away from zero';
COMMENT ON COLUMN invoice_line.tax_shown_minor IS 'The line''s share of the tax: split by largest remainder';

CREATE TABLE depreciation (
    asset_id uuid NOT NULL REFERENCES asset,
    day date NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
    accumulated_minor bigint NOT NULL,
    PRIMARY KEY (asset_id, day)
);
COMMENT ON TABLE depreciation IS 'What was posted per asset and day';
COMMENT ON COLUMN depreciation.asset_id IS 'The asset';
COMMENT ON COLUMN depreciation.day IS 'UTC day';
COMMENT ON COLUMN depreciation.amount_minor IS 'The day''s charge';
COMMENT ON COLUMN depreciation.accumulated_minor IS 'Through this day';
CREATE TABLE node_cost (
    node_id uuid NOT NULL REFERENCES node,
    day date NOT NULL,
    currency text NOT NULL,
    depreciation_u bigint NOT NULL CHECK (depreciation_u >= 0),
    PRIMARY KEY (node_id, day, currency)
);
COMMENT ON TABLE node_cost IS 'The cost of a node''s day; only amortization so far';
COMMENT ON COLUMN node_cost.node_id IS 'The node';
COMMENT ON COLUMN node_cost.day IS 'UTC day';
COMMENT ON COLUMN node_cost.currency IS 'ISO 4217';
COMMENT ON COLUMN node_cost.depreciation_u IS 'Sum over its assets, micro-units';
CREATE INDEX node_cost_by_day ON node_cost (day);
CREATE TABLE cost_allocation (
    node_id uuid NOT NULL,
    day date NOT NULL,
    currency text NOT NULL,
    target text NOT NULL CHECK (target IN ('used', 'unused', 'unsold', 'unready', 'failed', 'maintenance', 'quarantined', 'sanitizing', 'not_in_service')),
    reservation_id uuid,
    tenant_id uuid,
    weight bigint NOT NULL CHECK (weight >= 0),
    amount_u bigint NOT NULL CHECK (amount_u >= 0),
    CHECK ((target IN ('used', 'unused')) = (reservation_id IS NOT NULL)),
    UNIQUE NULLS NOT DISTINCT (node_id, day, currency, target, reservation_id)
);
COMMENT ON TABLE cost_allocation IS 'Where a node''s day went: to reservations and to idle by cause; sums exactly to node_cost';
COMMENT ON COLUMN cost_allocation.node_id IS 'The node';
COMMENT ON COLUMN cost_allocation.day IS 'UTC day';
COMMENT ON COLUMN cost_allocation.currency IS 'ISO 4217';
COMMENT ON COLUMN cost_allocation.target IS 'A reservation''s used or unused time, or an idle cause';
COMMENT ON COLUMN cost_allocation.reservation_id IS 'For used and unused';
COMMENT ON COLUMN cost_allocation.tenant_id IS 'The reservation''s tenant';
COMMENT ON COLUMN cost_allocation.weight IS 'Milli-GPU-seconds of the day';
COMMENT ON COLUMN cost_allocation.amount_u IS 'Micro-units';
CREATE INDEX cost_allocation_by_day ON cost_allocation (day);
CREATE INDEX cost_of_reservation ON cost_allocation (reservation_id, day);
