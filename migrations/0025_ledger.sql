-- The ledger: the chart of accounts as a table, journals that take no entry after the statement that posted them, credit limits
-- and holds, prepaid credit, payments, and what settles an invoice. Limits, grants and payments are wishes (written by
-- sluice-api); what became of them is written by sluice-billing.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'sluice_credit') THEN
        CREATE ROLE sluice_credit NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
        COMMENT ON ROLE sluice_credit IS 'Owns the functions by which a zone''s verdicts hold credit of many tenants at once';
    END IF;
END $$;
GRANT sluice_credit TO sluice_owner;
GRANT USAGE ON SCHEMA sluice TO sluice_credit;
ALTER DEFAULT PRIVILEGES FOR ROLE sluice_credit REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

-- ---- The chart of accounts ----

CREATE TABLE chart_of_accounts (
    code text PRIMARY KEY CHECK (code ~ '^[a-z][a-z_]{1,62}$'),
    kind text NOT NULL CHECK (kind IN ('asset', 'liability', 'income', 'expense', 'equity')),
    normal_side text NOT NULL CHECK (normal_side IN ('debit', 'credit')),
    per_tenant boolean NOT NULL,
    description text NOT NULL,
    UNIQUE (code, kind)
);
COMMENT ON TABLE chart_of_accounts IS 'Every account that may be posted to; an account is made from it by its first posting. Written by migrations alone';
COMMENT ON COLUMN chart_of_accounts.code IS 'Its name everywhere';
COMMENT ON COLUMN chart_of_accounts.kind IS 'Its side of the books';
COMMENT ON COLUMN chart_of_accounts.normal_side IS 'The side on which its balance stands; a contra account''s is not that of its kind';
COMMENT ON COLUMN chart_of_accounts.per_tenant IS 'Whether each tenant has one of its own';
COMMENT ON COLUMN chart_of_accounts.description IS 'For people';
INSERT INTO chart_of_accounts (code, kind, normal_side, per_tenant, description) VALUES
    ('unbilled_receivable',      'asset',     'debit',  true,  'Rated and not invoiced yet'),
    ('receivable',               'asset',     'debit',  true,  'Invoiced and not settled yet'),
    ('cash',                     'asset',     'debit',  false, 'Money received and paid'),
    ('hardware_cost',            'asset',     'debit',  false, 'Hardware as it was capitalised'),
    ('accumulated_depreciation', 'asset',     'credit', false, 'Depreciation to date; contra to hardware_cost'),
    ('accumulated_impairment',   'asset',     'credit', false, 'Impairment to date; contra to hardware_cost'),
    ('tax_payable',              'liability', 'credit', false, 'Tax on invoices, owed to the tax office'),
    ('deferred_revenue',         'liability', 'credit', true,  'Paid for in advance and not consumed yet: prepaid credit, commitments'),
    ('customer_credit',          'liability', 'credit', true,  'Overpaid or credited: settles the next invoice, or is refunded'),
    ('accounts_payable',         'liability', 'credit', false, 'Owed to suppliers'),
    ('accrued_power',            'liability', 'credit', false, 'Power consumed and not invoiced by the supplier yet'),
    ('accrued_colocation',       'liability', 'credit', false, 'Colocation used and not invoiced by the supplier yet'),
    ('accrued_operations',       'liability', 'credit', false, 'Operations worked and not paid yet'),
    ('accrued_network',          'liability', 'credit', false, 'Network used and not invoiced by the supplier yet'),
    ('accrued_storage',          'liability', 'credit', false, 'Storage used and not invoiced by the supplier yet'),
    ('revenue',                  'income',    'credit', true,  'Earned by delivery, and by prepaid credit that expired'),
    ('disposal_gain',            'income',    'credit', false, 'Hardware sold above its book value'),
    ('cost_of_revenue',          'expense',   'debit',  false, 'Depreciation of hardware'),
    ('power',                    'expense',   'debit',  false, 'Power'),
    ('colocation',               'expense',   'debit',  false, 'Colocation'),
    ('operations',               'expense',   'debit',  false, 'Operations'),
    ('network',                  'expense',   'debit',  false, 'Network share'),
    ('storage',                  'expense',   'debit',  false, 'Storage share'),
    ('impairment_loss',          'expense',   'debit',  false, 'Book value written off'),
    ('disposal_loss',            'expense',   'debit',  false, 'Hardware sold or scrapped below its book value'),
    ('rounding',                 'expense',   'debit',  false, 'Between micro-units and what an invoice can say'),
    ('capital',                  'equity',    'credit', false, 'Paid in by owners'),
    ('retained_earnings',        'equity',    'credit', false, 'Results of earlier years');
ALTER TABLE account ADD CONSTRAINT account_is_in_the_chart FOREIGN KEY (code, kind) REFERENCES chart_of_accounts (code, kind);
COMMENT ON TABLE account IS 'What is posted to: an account of the chart in a currency, of the provider or of one tenant';
COMMENT ON COLUMN account.code IS 'Of the chart';

-- ---- Journals ----

ALTER TABLE journal ADD COLUMN reverses bigint UNIQUE REFERENCES journal;
COMMENT ON COLUMN journal.reverses IS 'The journal whose sides this one swaps; at most one does. Null: it reverses none';
COMMENT ON COLUMN journal.idempotency_key IS 'What is posted once: "rate:<tenant>:<day>", "invoice:<id>", "payment:<id>"; a repetition posts nothing, and says other things at its peril';
COMMENT ON COLUMN journal.source_type IS 'What it comes from: rating, depreciation, invoice, payment, grant, drawdown, breakage, reversal, ...';
CREATE INDEX journal_by_time ON journal (posted_at, id);
CREATE INDEX journal_of_source ON journal (source_type, id);

CREATE OR REPLACE FUNCTION journal_balances() RETURNS trigger LANGUAGE plpgsql SET search_path = sluice, pg_temp AS $$
DECLARE
    wrong bigint;
BEGIN
    SELECT min(e.journal_id) INTO wrong FROM (
        SELECT e.journal_id FROM entry e JOIN account a ON a.id = e.account_id
         WHERE e.journal_id IN (SELECT n.journal_id FROM added n)
         GROUP BY e.journal_id, a.currency HAVING sum(e.debit_u) <> sum(e.credit_u)) e;
    IF wrong IS NOT NULL THEN
        RAISE check_violation USING MESSAGE = format('journal %s does not balance', wrong);
    END IF;
    SELECT min(e.journal_id) INTO wrong FROM (
        SELECT e.journal_id FROM entry e WHERE e.journal_id IN (SELECT n.journal_id FROM added n)
        EXCEPT ALL SELECT n.journal_id FROM added n) e;
    IF wrong IS NOT NULL THEN
        RAISE check_violation USING MESSAGE = format('journal %s is posted: it takes no more entries', wrong);
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION journal_balances IS 'Trigger: after each statement, debits equal credits per journal and currency, and the statement''s entries are all that its journals have';

-- ---- Credit limits and holds ----

CREATE TABLE credit_limit (
    tenant_id uuid NOT NULL REFERENCES tenant,
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    limit_u bigint NOT NULL CHECK (limit_u >= 0),
    revision bigint NOT NULL DEFAULT 1,
    changed_at timestamptz NOT NULL DEFAULT sluice_now(),
    PRIMARY KEY (tenant_id, currency)
);
COMMENT ON TABLE credit_limit IS 'How far a tenant may owe: a verdict that it does not cover is refused. No row: no limit. Its row is what verdicts of one tenant wait for. Written by sluice-api';
COMMENT ON COLUMN credit_limit.tenant_id IS 'The tenant';
COMMENT ON COLUMN credit_limit.currency IS 'ISO 4217: amounts of this currency only';
COMMENT ON COLUMN credit_limit.limit_u IS 'Micro-units; 0: what is prepaid only';
COMMENT ON COLUMN credit_limit.revision IS 'Rises with each change; events carry it';
COMMENT ON COLUMN credit_limit.changed_at IS 'Domain time';

CREATE TABLE credit_hold (
    reservation_id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    currency text NOT NULL,
    state text NOT NULL CHECK (state IN ('pending', 'posted', 'voided')),
    amount_u bigint NOT NULL CHECK (amount_u >= 0 AND (state = 'pending' OR amount_u = 0)),
    starts_at timestamptz NOT NULL,
    ends_at timestamptz,
    gpu_milli bigint NOT NULL,
    status_revision bigint NOT NULL,
    expires_at timestamptz,
    made_at timestamptz NOT NULL DEFAULT sluice_now(),
    changed_at timestamptz NOT NULL DEFAULT sluice_now()
);
COMMENT ON TABLE credit_hold IS 'What a limited tenant''s reservation may still cost: made at its verdict, made smaller as usage is rated. Written by sluice-billing and, for the zones'' verdicts, by its functions';
COMMENT ON COLUMN credit_hold.reservation_id IS 'The reservation';
COMMENT ON COLUMN credit_hold.tenant_id IS 'Whose';
COMMENT ON COLUMN credit_hold.currency IS 'ISO 4217';
COMMENT ON COLUMN credit_hold.state IS 'pending; posted: all of it is rated; voided: given back';
COMMENT ON COLUMN credit_hold.amount_u IS 'Held now: at most this is still to be rated of it';
COMMENT ON COLUMN credit_hold.starts_at IS 'Of the window that it is for';
COMMENT ON COLUMN credit_hold.ends_at IS 'Likewise; null: open-ended';
COMMENT ON COLUMN credit_hold.gpu_milli IS 'Size of all its instances';
COMMENT ON COLUMN credit_hold.status_revision IS 'Revision of the reservation''s status that it was last seen with';
COMMENT ON COLUMN credit_hold.expires_at IS 'A quote''s: void from then on, unless it is confirmed; null: lives as long as the reservation';
COMMENT ON COLUMN credit_hold.made_at IS 'Domain time';
COMMENT ON COLUMN credit_hold.changed_at IS 'Domain time';
CREATE INDEX credit_hold_open ON credit_hold (tenant_id, currency) WHERE state = 'pending';

-- ---- Prepaid credit ----

CREATE TABLE credit_grant (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenant,
    kind text NOT NULL CHECK (kind IN ('prepaid', 'promotional')),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    amount_u bigint NOT NULL CHECK (amount_u > 0),
    priority integer NOT NULL DEFAULT 0 CHECK (priority BETWEEN 0 AND 1000),
    expires_at timestamptz,
    note text NOT NULL DEFAULT '' CHECK (length(note) <= 255),
    created_by uuid,
    created_at timestamptz NOT NULL DEFAULT sluice_now()
);
COMMENT ON TABLE credit_grant IS 'Credit that a tenant has paid for in advance, or was given. Written by sluice-api';
COMMENT ON COLUMN credit_grant.id IS 'UUIDv7; "cgr_..." outside';
COMMENT ON COLUMN credit_grant.tenant_id IS 'Whose';
COMMENT ON COLUMN credit_grant.kind IS 'prepaid: bought, cash was received; promotional: given, revenue is less by it';
COMMENT ON COLUMN credit_grant.currency IS 'ISO 4217';
COMMENT ON COLUMN credit_grant.amount_u IS 'Micro-units, whole minor units';
COMMENT ON COLUMN credit_grant.priority IS 'Lower is drawn first; then what expires soonest, then the oldest';
COMMENT ON COLUMN credit_grant.expires_at IS 'What is left then becomes revenue; null: never';
COMMENT ON COLUMN credit_grant.note IS 'For people';
COMMENT ON COLUMN credit_grant.created_by IS 'Principal';
COMMENT ON COLUMN credit_grant.created_at IS 'Domain time';
CREATE INDEX credit_grant_of_tenant ON credit_grant (tenant_id, id);

CREATE TABLE credit_grant_status (
    grant_id uuid PRIMARY KEY REFERENCES credit_grant,
    tenant_id uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('active', 'used_up', 'expired')),
    remaining_u bigint NOT NULL CHECK (remaining_u >= 0 AND (state = 'active') = (remaining_u > 0)),
    expired_u bigint NOT NULL DEFAULT 0 CHECK (expired_u >= 0),
    posted_at timestamptz NOT NULL DEFAULT sluice_now(),
    changed_at timestamptz NOT NULL DEFAULT sluice_now()
);
COMMENT ON TABLE credit_grant_status IS 'What is left of each grant; no row: not posted yet. What was drawn stands in settlement. Written by sluice-billing';
COMMENT ON COLUMN credit_grant_status.grant_id IS 'The grant';
COMMENT ON COLUMN credit_grant_status.tenant_id IS 'Whose';
COMMENT ON COLUMN credit_grant_status.state IS 'active, used_up or expired';
COMMENT ON COLUMN credit_grant_status.remaining_u IS 'Micro-units; never negative';
COMMENT ON COLUMN credit_grant_status.expired_u IS 'What was left when it expired';
COMMENT ON COLUMN credit_grant_status.posted_at IS 'Domain time';
COMMENT ON COLUMN credit_grant_status.changed_at IS 'Domain time';
CREATE INDEX credit_grant_active ON credit_grant_status (tenant_id) WHERE state = 'active';

-- ---- Payments ----

CREATE TABLE payment (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenant,
    kind text NOT NULL CHECK (kind IN ('payment', 'refund')),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    amount_u bigint NOT NULL CHECK (amount_u > 0),
    invoice_ids uuid[],
    reference text NOT NULL DEFAULT '' CHECK (length(reference) <= 255),
    created_by uuid,
    created_at timestamptz NOT NULL DEFAULT sluice_now(),
    CHECK (kind = 'payment' OR invoice_ids IS NULL)
);
COMMENT ON TABLE payment IS 'Money received from a tenant, or paid back to it. Written by sluice-api';
COMMENT ON COLUMN payment.id IS 'UUIDv7; "pay_..." outside';
COMMENT ON COLUMN payment.tenant_id IS 'Whose';
COMMENT ON COLUMN payment.kind IS 'payment: received; refund: customer credit that is paid back';
COMMENT ON COLUMN payment.currency IS 'ISO 4217';
COMMENT ON COLUMN payment.amount_u IS 'Micro-units, whole minor units';
COMMENT ON COLUMN payment.invoice_ids IS 'The invoices that it is for, in order; null: the oldest that are open';
COMMENT ON COLUMN payment.reference IS 'Of the bank, for people';
COMMENT ON COLUMN payment.created_by IS 'Principal';
COMMENT ON COLUMN payment.created_at IS 'Domain time';
CREATE INDEX payment_of_tenant ON payment (tenant_id, id);

CREATE TABLE payment_status (
    payment_id uuid PRIMARY KEY REFERENCES payment,
    tenant_id uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('posted', 'refused')),
    reason text,
    settled_u bigint NOT NULL DEFAULT 0 CHECK (settled_u >= 0),
    credited_u bigint NOT NULL DEFAULT 0 CHECK (credited_u >= 0),
    decided_at timestamptz NOT NULL DEFAULT sluice_now(),
    CHECK ((state = 'refused') = (reason IS NOT NULL))
);
COMMENT ON TABLE payment_status IS 'What became of each payment; no row: not posted yet. Written by sluice-billing';
COMMENT ON COLUMN payment_status.payment_id IS 'The payment';
COMMENT ON COLUMN payment_status.tenant_id IS 'Whose';
COMMENT ON COLUMN payment_status.state IS 'posted, or refused: a refund of more than there is';
COMMENT ON COLUMN payment_status.reason IS 'Why it was refused: a code';
COMMENT ON COLUMN payment_status.settled_u IS 'Micro-units that settled invoices';
COMMENT ON COLUMN payment_status.credited_u IS 'Micro-units beyond that, in customer_credit';
COMMENT ON COLUMN payment_status.decided_at IS 'Domain time';

CREATE TABLE settlement (
    invoice_id uuid NOT NULL REFERENCES invoice,
    seq integer NOT NULL CHECK (seq > 0),
    tenant_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('prepaid', 'customer_credit', 'payment', 'credit_note', 'void')),
    source_id uuid,
    amount_u bigint NOT NULL CHECK (amount_u <> 0),
    settled_at timestamptz NOT NULL,
    PRIMARY KEY (invoice_id, seq)
);
COMMENT ON TABLE settlement IS 'What settles an invoice''s receivable: its total less these is what is open of it. Append-only. Written by sluice-billing';
COMMENT ON COLUMN settlement.invoice_id IS 'The invoice';
COMMENT ON COLUMN settlement.seq IS 'From 1';
COMMENT ON COLUMN settlement.tenant_id IS 'Whose';
COMMENT ON COLUMN settlement.kind IS 'prepaid credit, customer credit, a payment, a credit note, or that the invoice is void';
COMMENT ON COLUMN settlement.source_id IS 'The grant, payment or credit note; null for customer credit and a void';
COMMENT ON COLUMN settlement.amount_u IS 'Micro-units; negative: taken back';
COMMENT ON COLUMN settlement.settled_at IS 'Domain time';
CREATE INDEX settlement_of_source ON settlement (source_id) WHERE source_id IS NOT NULL;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON settlement FOR EACH ROW EXECUTE FUNCTION ledger_refuses_change();

-- ---- Who may do what ----

GRANT SELECT ON chart_of_accounts TO sluice_api, sluice_api_system, sluice_billing;
GRANT SELECT ON credit_limit, credit_hold, credit_grant, credit_grant_status, payment, payment_status, settlement TO sluice_api, sluice_billing, sluice_api_system;
GRANT INSERT, UPDATE, DELETE ON credit_limit TO sluice_api_system;
GRANT INSERT ON credit_grant, payment TO sluice_api_system;
GRANT INSERT, UPDATE ON credit_hold, credit_grant_status TO sluice_billing;
GRANT INSERT ON payment_status, settlement TO sluice_billing;
GRANT SELECT ON credit_limit TO sluice_provisioner;
GRANT SELECT, UPDATE ON credit_limit TO sluice_credit; -- to lock it
GRANT SELECT, INSERT, UPDATE ON credit_hold TO sluice_credit;
GRANT SELECT ON account, entry, tenant, reservation, reservation_status, reservation_view, price, instance_type, billing_day, domain_clock TO sluice_credit;
GRANT EXECUTE ON FUNCTION sluice_now() TO sluice_credit;

DO $$
DECLARE
    subject text;
    process text;
BEGIN
    FOREACH subject IN ARRAY ARRAY['credit_limit', 'credit_hold', 'credit_grant', 'credit_grant_status', 'payment', 'payment_status', 'settlement'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', subject);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', subject);
        EXECUTE format('CREATE POLICY own_tenant ON %I FOR ALL TO sluice_api USING (tenant_id = nullif(current_setting(''sluice.tenant'', true), '''')::uuid)', subject);
        FOREACH process IN ARRAY ARRAY['sluice_api_system', 'sluice_billing'] LOOP
            EXECUTE format('CREATE POLICY %I ON %I FOR ALL TO %I USING (true) WITH CHECK (true)', process, subject, process);
        END LOOP;
    END LOOP;
    -- The zones' verdicts hold credit through functions of this role.
    FOREACH subject IN ARRAY ARRAY['credit_limit', 'credit_hold', 'account', 'tenant', 'reservation', 'reservation_status', 'price'] LOOP
        EXECUTE format('CREATE POLICY sluice_credit ON %I FOR ALL TO sluice_credit USING (true) WITH CHECK (true)', subject);
    END LOOP;
END $$;
CREATE POLICY sluice_provisioner ON credit_limit FOR SELECT TO sluice_provisioner USING (true);
