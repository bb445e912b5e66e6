-- Invoices from draft to void: who sells and buys, tax by a rate table, requests of operators and what became of them,
-- credit notes, the content that a hash is taken of, and the progress of a month's close.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

-- ---- Who sells, who buys, and on which terms ----

CREATE TABLE billing_profile (
    id uuid PRIMARY KEY,
    tenant_id uuid UNIQUE NULLS NOT DISTINCT REFERENCES tenant,
    legal_name text CHECK (length(legal_name) BETWEEN 1 AND 200),
    address text CHECK (length(address) BETWEEN 1 AND 500),
    country text CHECK (country ~ '^[A-Z]{2}$'),
    tax_number text CHECK (length(tax_number) BETWEEN 1 AND 40),
    reference text CHECK (length(reference) BETWEEN 1 AND 80),
    note text CHECK (length(note) BETWEEN 1 AND 1000),
    tax_code text CHECK (tax_code ~ '^[a-z][a-z0-9_]{0,31}$'),
    tax_country text CHECK (tax_country ~ '^[A-Z]{2}$'),
    issue text CHECK (issue IN ('at_close', 'by_hand')),
    invoice_series text CHECK (invoice_series ~ '^[A-Z0-9][A-Z0-9/-]{0,15}$'),
    credit_series text CHECK (credit_series ~ '^[A-Z0-9][A-Z0-9/-]{0,15}$'),
    payment_days integer CHECK (payment_days BETWEEN 0 AND 365),
    revision bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT sluice_now(),
    CHECK (invoice_series <> credit_series),
    CHECK (tenant_id IS NOT NULL OR num_nulls(issue, invoice_series, credit_series, payment_days) = 0)
);
COMMENT ON TABLE billing_profile IS 'A party of invoices and the terms that it is billed on. The row without a tenant is the provider''s: the seller, and what holds where a tenant''s says nothing. Written by sluice-api';
COMMENT ON COLUMN billing_profile.id IS 'UUIDv7; "bpr_..." outside';
COMMENT ON COLUMN billing_profile.tenant_id IS 'Whose; null: the provider''s';
COMMENT ON COLUMN billing_profile.legal_name IS 'Name on invoices; null: the tenant''s name';
COMMENT ON COLUMN billing_profile.address IS 'Postal address, in lines; null: none is printed';
COMMENT ON COLUMN billing_profile.country IS 'ISO 3166-1 code of the address';
COMMENT ON COLUMN billing_profile.tax_number IS 'Its number for value added tax, as it is printed';
COMMENT ON COLUMN billing_profile.reference IS 'The buyer''s own reference, for example a purchase order';
COMMENT ON COLUMN billing_profile.note IS 'Printed at the foot: the provider''s has its bank account';
COMMENT ON COLUMN billing_profile.tax_code IS 'Which tax: a code of tax_rate; null: tenant.tax_rate_bp';
COMMENT ON COLUMN billing_profile.tax_country IS 'The country whose rate of that code holds; null: that of the address';
COMMENT ON COLUMN billing_profile.issue IS 'Whether its invoices are issued as its month closes, or stay drafts for an operator to issue; null: as the provider''s';
COMMENT ON COLUMN billing_profile.invoice_series IS 'Series of its invoices; null: the provider''s';
COMMENT ON COLUMN billing_profile.credit_series IS 'Series of its credit notes; null: the provider''s';
COMMENT ON COLUMN billing_profile.payment_days IS 'Days from issue to the due date; null: as the provider''s';
COMMENT ON COLUMN billing_profile.revision IS 'Rises with each change';
COMMENT ON COLUMN billing_profile.created_at IS 'Domain time';
INSERT INTO billing_profile (id, issue, invoice_series, credit_series, payment_days, created_at)
VALUES ('00000000-0000-7000-8000-0000000000b1', 'at_close', 'INV', 'CRN', 30, 'epoch');

CREATE TABLE tax_rate (
    id uuid PRIMARY KEY,
    code text NOT NULL CHECK (code ~ '^[a-z][a-z0-9_]{0,31}$'),
    country text NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    rate_bp integer NOT NULL CHECK (rate_bp BETWEEN 0 AND 10000),
    note text CHECK (length(note) BETWEEN 1 AND 300),
    valid tstzrange NOT NULL CHECK (NOT isempty(valid) AND lower_inc(valid) AND NOT upper_inc(valid)),
    created_by uuid,
    created_at timestamptz NOT NULL DEFAULT sluice_now(),
    CONSTRAINT tax_rates_do_not_overlap EXCLUDE USING gist (code WITH =, country WITH =, valid WITH &&)
);
COMMENT ON TABLE tax_rate IS 'Tax by code and country: a version is immutable but for the end of its validity. Written by sluice-api';
COMMENT ON COLUMN tax_rate.id IS 'UUIDv7; "txr_..." outside';
COMMENT ON COLUMN tax_rate.code IS '"standard", "reduced", "exempt", "reverse_charge", ...';
COMMENT ON COLUMN tax_rate.country IS 'ISO 3166-1';
COMMENT ON COLUMN tax_rate.rate_bp IS 'Basis points: 1900 is 19 %';
COMMENT ON COLUMN tax_rate.note IS 'What an invoice must say with it: why nothing is charged, who owes it; null: nothing';
COMMENT ON COLUMN tax_rate.valid IS 'Domain time. An invoice has the rate of its period''s last second';
COMMENT ON COLUMN tax_rate.created_by IS 'Principal';
COMMENT ON COLUMN tax_rate.created_at IS 'Domain time';

-- ---- Invoices ----

ALTER TABLE invoice_series ADD COLUMN kind text NOT NULL DEFAULT 'invoice' CHECK (kind IN ('invoice', 'credit_note'));
COMMENT ON COLUMN invoice_series.series IS '"INV"; made by the first document that has it';
COMMENT ON COLUMN invoice_series.next_number IS 'Number of the next document';
COMMENT ON COLUMN invoice_series.kind IS 'Invoices and credit notes have series of their own';

ALTER TABLE invoice
    ALTER COLUMN number DROP NOT NULL,
    ALTER COLUMN series DROP NOT NULL,
    ALTER COLUMN issued_at DROP NOT NULL,
    ADD COLUMN drawn_up_at timestamptz NOT NULL DEFAULT sluice_now(),
    ADD COLUMN finalized_at timestamptz,
    ADD COLUMN due_at timestamptz,
    ADD COLUMN voided_at timestamptz,
    ADD COLUMN void_reason text CHECK (length(void_reason) BETWEEN 1 AND 500),
    ADD COLUMN replaces uuid REFERENCES invoice,
    ADD COLUMN tax_code text NOT NULL DEFAULT 'standard',
    ADD COLUMN configuration jsonb,
    ADD COLUMN content_sha256 bytea CHECK (length(content_sha256) = 32),
    ADD COLUMN pdf_sha256 bytea CHECK (length(pdf_sha256) = 32),
    DROP CONSTRAINT invoice_status_check,
    ADD CONSTRAINT invoice_status_check CHECK (status IN ('draft', 'finalized', 'issued', 'void')),
    ADD CONSTRAINT invoice_has_a_number_once_issued
        CHECK ((status IN ('issued', 'void')) = (number IS NOT NULL) AND (number IS NULL) = (series IS NULL)
               AND (number IS NULL) = (issued_at IS NULL)),
    ADD CONSTRAINT invoice_void_has_a_time CHECK ((status = 'void') = (voided_at IS NOT NULL)),
    DROP CONSTRAINT invoice_tenant_id_period_start_key;
CREATE UNIQUE INDEX invoice_of_period ON invoice (tenant_id, period_start) WHERE status <> 'void';
CREATE INDEX invoice_of_tenant ON invoice (tenant_id, id);
COMMENT ON TABLE invoice IS 'A tenant''s invoice for a billing period: drawn up, finalized, issued, perhaps void. Immutable once issued, but that it may become void';
COMMENT ON COLUMN invoice.series IS 'Series of its number; null until it is issued';
COMMENT ON COLUMN invoice.number IS 'Gapless within the series; null until it is issued';
COMMENT ON COLUMN invoice.status IS 'draft: may be drawn up again; finalized: its content is frozen; issued: it has a number and is owed; void: was issued, keeps its number, is owed no more';
COMMENT ON COLUMN invoice.issued_at IS 'Domain time; null until it is issued';
COMMENT ON COLUMN invoice.drawn_up_at IS 'Domain time at which its lines were drawn up';
COMMENT ON COLUMN invoice.finalized_at IS 'Domain time; null: a draft';
COMMENT ON COLUMN invoice.due_at IS 'Domain time by which it is to be paid';
COMMENT ON COLUMN invoice.voided_at IS 'Domain time; null: it is not void';
COMMENT ON COLUMN invoice.void_reason IS 'Why it is void';
COMMENT ON COLUMN invoice.replaces IS 'The void invoice of the same period that it stands for; null: none';
COMMENT ON COLUMN invoice.tax_code IS 'Code of the tax';
COMMENT ON COLUMN invoice.configuration IS 'Seller, buyer, terms, tax rate and price versions as they were when it was finalized; null: finalized before there was one, or a draft';
COMMENT ON COLUMN invoice.content_sha256 IS 'SHA-256 of invoice_content(id) when it was finalized';
COMMENT ON COLUMN invoice.pdf_sha256 IS 'SHA-256 of the PDF document as it was issued';

ALTER TABLE invoice_line
    ALTER COLUMN reservation_id DROP NOT NULL,
    ALTER COLUMN price_id DROP NOT NULL,
    ADD COLUMN charge_category text NOT NULL DEFAULT 'usage' CHECK (charge_category IN ('usage', 'purchase', 'credit', 'adjustment')),
    ADD COLUMN charge_class text CHECK (charge_class IN ('correction')),
    ADD COLUMN commitment_id uuid,
    ADD COLUMN corrects timestamptz,
    ADD COLUMN reason text,
    ADD COLUMN unit_price_u bigint;
COMMENT ON TABLE invoice_line IS 'A line: a group of rated lines';
COMMENT ON COLUMN invoice_line.reservation_id IS 'Of the group: the reservation; null: of none';
COMMENT ON COLUMN invoice_line.price_id IS 'Of the group: the price version; null: of none';
COMMENT ON COLUMN invoice_line.charge_category IS 'Of the group: usage, purchase, credit or adjustment';
COMMENT ON COLUMN invoice_line.charge_class IS 'correction: of a period that was closed before; null: not';
COMMENT ON COLUMN invoice_line.commitment_id IS 'Of the group: the commitment; null: none';
COMMENT ON COLUMN invoice_line.corrects IS 'Start of the billing period that it corrects; null: its own';
COMMENT ON COLUMN invoice_line.reason IS 'Of the group: the rule of a credit or adjustment; null: of none';
COMMENT ON COLUMN invoice_line.unit_price_u IS 'Micro-units per GPU-hour, for people; null: there is no one price';

CREATE TABLE invoice_tax (
    invoice_id uuid NOT NULL REFERENCES invoice,
    tax_code text NOT NULL,
    tenant_id uuid NOT NULL,
    country text,
    rate_bp integer NOT NULL CHECK (rate_bp BETWEEN 0 AND 10000),
    base_minor bigint NOT NULL,
    tax_minor bigint NOT NULL,
    note text,
    PRIMARY KEY (invoice_id, tax_code)
);
COMMENT ON TABLE invoice_tax IS 'The tax of an invoice: rounded once per code on the sum of its lines. Immutable with the invoice';
COMMENT ON COLUMN invoice_tax.invoice_id IS 'The invoice';
COMMENT ON COLUMN invoice_tax.tax_code IS 'Code of tax_rate; "standard" where the rate is the tenant''s own';
COMMENT ON COLUMN invoice_tax.tenant_id IS 'Whose';
COMMENT ON COLUMN invoice_tax.country IS 'Country of the rate; null: the tenant''s own rate';
COMMENT ON COLUMN invoice_tax.rate_bp IS 'Basis points, as it was';
COMMENT ON COLUMN invoice_tax.base_minor IS 'Sum of the lines that it is on';
COMMENT ON COLUMN invoice_tax.tax_minor IS 'Half away from zero';
COMMENT ON COLUMN invoice_tax.note IS 'What the rate says must be printed';
INSERT INTO invoice_tax (invoice_id, tax_code, tenant_id, rate_bp, base_minor, tax_minor)
SELECT id, 'standard', tenant_id, tax_rate_bp, net_minor, tax_minor FROM invoice;

-- ---- Credit notes ----

CREATE TABLE credit_note (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenant,
    invoice_id uuid NOT NULL REFERENCES invoice,
    series text NOT NULL REFERENCES invoice_series,
    number bigint NOT NULL CHECK (number > 0),
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    currency text NOT NULL,
    net_minor bigint NOT NULL,
    tax_minor bigint NOT NULL,
    total_minor bigint NOT NULL CHECK (total_minor = net_minor + tax_minor),
    issued_at timestamptz NOT NULL,
    configuration jsonb NOT NULL,
    pdf_sha256 bytea CHECK (length(pdf_sha256) = 32),
    UNIQUE (series, number)
);
COMMENT ON TABLE credit_note IS 'What is taken back of an issued invoice: never more than a line and its tax came to. Append-only';
COMMENT ON COLUMN credit_note.id IS 'UUIDv7; "crn_..." outside';
COMMENT ON COLUMN credit_note.tenant_id IS 'Whose';
COMMENT ON COLUMN credit_note.invoice_id IS 'The invoice, whose number it names';
COMMENT ON COLUMN credit_note.series IS 'Series of its number';
COMMENT ON COLUMN credit_note.number IS 'Gapless within the series';
COMMENT ON COLUMN credit_note.reason IS 'Why, as it is printed';
COMMENT ON COLUMN credit_note.currency IS 'The invoice''s';
COMMENT ON COLUMN credit_note.net_minor IS 'Sum of its lines, with the sign that the invoice has';
COMMENT ON COLUMN credit_note.tax_minor IS 'By cumulative rounding over the credited net: full credit leaves no tax';
COMMENT ON COLUMN credit_note.total_minor IS 'What is no longer owed';
COMMENT ON COLUMN credit_note.issued_at IS 'Domain time';
COMMENT ON COLUMN credit_note.configuration IS 'Seller, buyer and tax rate: the invoice''s';
COMMENT ON COLUMN credit_note.pdf_sha256 IS 'SHA-256 of the PDF document as it was issued';
CREATE INDEX credit_note_of_invoice ON credit_note (invoice_id);
CREATE INDEX credit_note_of_tenant ON credit_note (tenant_id, id);

CREATE TABLE credit_note_line (
    credit_note_id uuid NOT NULL REFERENCES credit_note,
    line_no integer NOT NULL CHECK (line_no > 0),
    tenant_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    invoice_line_no integer NOT NULL,
    gpu_milli_seconds bigint,
    amount_u bigint NOT NULL,
    net_minor bigint NOT NULL,
    tax_shown_minor bigint NOT NULL,
    PRIMARY KEY (credit_note_id, line_no),
    UNIQUE (credit_note_id, invoice_line_no),
    FOREIGN KEY (invoice_id, invoice_line_no) REFERENCES invoice_line (invoice_id, line_no)
);
COMMENT ON TABLE credit_note_line IS 'What a credit note takes back of a line of the invoice. Append-only';
COMMENT ON COLUMN credit_note_line.credit_note_id IS 'The credit note';
COMMENT ON COLUMN credit_note_line.line_no IS 'From 1';
COMMENT ON COLUMN credit_note_line.tenant_id IS 'Whose';
COMMENT ON COLUMN credit_note_line.invoice_id IS 'The invoice';
COMMENT ON COLUMN credit_note_line.invoice_line_no IS 'Its line';
COMMENT ON COLUMN credit_note_line.gpu_milli_seconds IS 'Quantity, where it was credited by quantity; null: by share or amount';
COMMENT ON COLUMN credit_note_line.amount_u IS 'Micro total taken back of the line''s';
COMMENT ON COLUMN credit_note_line.net_minor IS 'Rounded with what was credited of the line before, so that a line''s credits sum to its amount';
COMMENT ON COLUMN credit_note_line.tax_shown_minor IS 'The line''s share of the tax: split by largest remainder';
CREATE INDEX credit_of_invoice_line ON credit_note_line (invoice_id, invoice_line_no);

-- ---- What operators ask of billing, and what became of it ----

CREATE TABLE invoice_request (
    id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('finalize', 'issue', 'void', 'credit', 'close')),
    tenant_id uuid REFERENCES tenant,
    invoice_id uuid REFERENCES invoice,
    month date CHECK (extract(day FROM month) = 1),
    reason text CHECK (length(reason) BETWEEN 1 AND 500),
    principal_id uuid NOT NULL,
    is_open boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT sluice_now(),
    CHECK ((kind = 'close') = (invoice_id IS NULL) AND (kind = 'close') = (month IS NOT NULL)),
    CHECK (reason IS NOT NULL OR kind NOT IN ('void', 'credit')),
    CHECK (tenant_id IS NOT NULL OR kind = 'close')
);
COMMENT ON TABLE invoice_request IS 'What an operator wishes of billing. Written by sluice-api; sluice-billing carries it out once and says so in invoice_request_status';
COMMENT ON COLUMN invoice_request.id IS 'UUIDv7; "irq_..." outside';
COMMENT ON COLUMN invoice_request.kind IS 'finalize, issue or void an invoice, credit some of it, or try a month''s parked closes again';
COMMENT ON COLUMN invoice_request.tenant_id IS 'Whose invoice; of a close: only this tenant''s, null: of all';
COMMENT ON COLUMN invoice_request.invoice_id IS 'Which invoice; null for a close';
COMMENT ON COLUMN invoice_request.month IS 'Which month is to be closed, by its first day';
COMMENT ON COLUMN invoice_request.reason IS 'Why: printed on credit notes';
COMMENT ON COLUMN invoice_request.principal_id IS 'Who asked';
COMMENT ON COLUMN invoice_request.is_open IS 'Whether it is still to be carried out; cleared by sluice-billing with the status'' row';
COMMENT ON COLUMN invoice_request.created_at IS 'Domain time';
CREATE INDEX invoice_request_open ON invoice_request (id) WHERE is_open;
CREATE INDEX invoice_request_of_invoice ON invoice_request (invoice_id, id);

CREATE TABLE invoice_request_line (
    request_id uuid NOT NULL REFERENCES invoice_request,
    invoice_line_no integer NOT NULL CHECK (invoice_line_no > 0),
    tenant_id uuid NOT NULL,
    gpu_milli_seconds bigint CHECK (gpu_milli_seconds > 0),
    share_numerator integer CHECK (share_numerator > 0),
    share_denominator integer CHECK (share_denominator BETWEEN 1 AND 1000000),
    net_minor bigint CHECK (net_minor <> 0),
    PRIMARY KEY (request_id, invoice_line_no),
    CHECK (num_nonnulls(gpu_milli_seconds, share_numerator, net_minor) = 1),
    CHECK ((share_numerator IS NULL) = (share_denominator IS NULL) AND share_numerator <= share_denominator)
);
COMMENT ON TABLE invoice_request_line IS 'What of a line is to be credited: by quantity, share or amount. A credit without lines is of all that is left';
COMMENT ON COLUMN invoice_request_line.request_id IS 'The request';
COMMENT ON COLUMN invoice_request_line.invoice_line_no IS 'Line of the invoice';
COMMENT ON COLUMN invoice_request_line.tenant_id IS 'Whose';
COMMENT ON COLUMN invoice_request_line.gpu_milli_seconds IS 'So much of its quantity';
COMMENT ON COLUMN invoice_request_line.share_numerator IS 'Such a share of the whole line';
COMMENT ON COLUMN invoice_request_line.share_denominator IS 'The share''s denominator';
COMMENT ON COLUMN invoice_request_line.net_minor IS 'Such an amount, net, with the line''s sign';

CREATE TABLE invoice_request_status (
    request_id uuid PRIMARY KEY REFERENCES invoice_request,
    tenant_id uuid,
    state text NOT NULL CHECK (state IN ('done', 'refused')),
    problem text,
    detail text,
    credit_note_id uuid REFERENCES credit_note,
    draft_id uuid REFERENCES invoice,
    decided_at timestamptz NOT NULL DEFAULT sluice_now(),
    CHECK ((state = 'refused') = (problem IS NOT NULL))
);
COMMENT ON TABLE invoice_request_status IS 'What became of a request. No row: it is open. Written by sluice-billing';
COMMENT ON COLUMN invoice_request_status.request_id IS 'The request';
COMMENT ON COLUMN invoice_request_status.tenant_id IS 'Its tenant';
COMMENT ON COLUMN invoice_request_status.state IS 'done or refused';
COMMENT ON COLUMN invoice_request_status.problem IS 'Why it was refused: a problem code';
COMMENT ON COLUMN invoice_request_status.detail IS 'The same in words';
COMMENT ON COLUMN invoice_request_status.credit_note_id IS 'The credit note that it made';
COMMENT ON COLUMN invoice_request_status.draft_id IS 'The draft that replaces what it made void';
COMMENT ON COLUMN invoice_request_status.decided_at IS 'Domain time';

-- ---- The close of a month ----

ALTER TABLE billing_period
    ADD COLUMN month date GENERATED ALWAYS AS
        (date_trunc('month', (starts_at AT TIME ZONE 'UTC') + interval '14 days')::date) STORED,
    ADD COLUMN parked_at timestamptz,
    ADD COLUMN parked_reason text,
    ADD COLUMN attempts integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN billing_period.month IS 'The month by its first day: two weeks after its start, any zone''s calendar is within it';
COMMENT ON COLUMN billing_period.parked_at IS 'Up to when the books were closed as its close failed: the next day''s close or a request tries it again; null: it did not';
COMMENT ON COLUMN billing_period.parked_reason IS 'Why it failed';
COMMENT ON COLUMN billing_period.attempts IS 'How often its close failed';
CREATE INDEX billing_period_of_month ON billing_period (month, tenant_id);

CREATE TABLE month_close (
    month date PRIMARY KEY,
    started_at timestamptz NOT NULL DEFAULT sluice_now(),
    finished_at timestamptz
);
COMMENT ON TABLE month_close IS 'The close of a month over all tenants: a job that goes on where it stopped. Written by sluice-billing';
COMMENT ON COLUMN month_close.month IS 'The month, by its first day';
COMMENT ON COLUMN month_close.started_at IS 'Domain time at which its first period was due';
COMMENT ON COLUMN month_close.finished_at IS 'Domain time at which its last period was closed; null: some are open';

-- ---- Immutable once issued ----

CREATE FUNCTION invoice_guards() RETURNS trigger LANGUAGE plpgsql SET search_path = sluice, pg_temp AS $$
DECLARE
    free text[] := CASE
        WHEN OLD.status = 'issued' AND NEW.status = 'void' THEN ARRAY['status', 'voided_at', 'void_reason']
        WHEN OLD.status = 'finalized' AND NEW.status = 'issued'
            THEN ARRAY['status', 'series', 'number', 'issued_at', 'due_at']
        WHEN OLD.status = 'issued' AND NEW.status = 'issued' AND OLD.pdf_sha256 IS NULL THEN ARRAY['pdf_sha256']
    END;
BEGIN
    IF OLD.status = 'draft' AND NEW.status IN ('draft', 'finalized') AND NEW.id = OLD.id THEN
        RETURN NEW;
    END IF;
    IF free IS NULL OR to_jsonb(OLD) - free <> to_jsonb(NEW) - free THEN
        RAISE insufficient_privilege USING MESSAGE = format('invoice %s is %s: it may not change so', OLD.id, OLD.status);
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION invoice_guards IS 'Trigger: draft, finalized, issued, void, in this order; from finalized on the content stays as it is';
CREATE TRIGGER guarded BEFORE UPDATE ON invoice FOR EACH ROW EXECUTE FUNCTION invoice_guards();
CREATE TRIGGER never_deleted BEFORE DELETE ON invoice FOR EACH ROW EXECUTE FUNCTION ledger_refuses_change();

CREATE FUNCTION invoice_parts_guarded() RETURNS trigger LANGUAGE plpgsql SET search_path = sluice, pg_temp AS $$
BEGIN
    -- Programs of before write an invoice as issued and then its lines, in one transaction.
    IF EXISTS (SELECT FROM changed c JOIN invoice i ON i.id = c.invoice_id
                WHERE i.status <> 'draft' AND (TG_OP = 'DELETE' OR i.xmin <> pg_current_xact_id()::xid)) THEN
        RAISE insufficient_privilege USING MESSAGE = format('%s: only a draft''s may change', TG_TABLE_NAME);
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION invoice_parts_guarded IS 'Trigger: lines and taxes come and go with a draft only';
CREATE TRIGGER guarded_insert AFTER INSERT ON invoice_line REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION invoice_parts_guarded();
CREATE TRIGGER guarded_delete AFTER DELETE ON invoice_line REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION invoice_parts_guarded();
CREATE TRIGGER append_only BEFORE UPDATE ON invoice_line FOR EACH ROW EXECUTE FUNCTION ledger_refuses_change();
CREATE TRIGGER guarded_insert AFTER INSERT ON invoice_tax REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION invoice_parts_guarded();
CREATE TRIGGER guarded_delete AFTER DELETE ON invoice_tax REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION invoice_parts_guarded();
CREATE TRIGGER append_only BEFORE UPDATE ON invoice_tax FOR EACH ROW EXECUTE FUNCTION ledger_refuses_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON credit_note FOR EACH ROW EXECUTE FUNCTION ledger_refuses_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON credit_note_line FOR EACH ROW EXECUTE FUNCTION ledger_refuses_change();

-- ---- The content of a document: what is hashed, and what is printed ----

CREATE FUNCTION document_number(series text, number bigint) RETURNS text LANGUAGE sql IMMUTABLE SET search_path = sluice, pg_temp
RETURN series || '-' || lpad(number::text, greatest(6, length(number::text)), '0');
COMMENT ON FUNCTION document_number IS '"INV-000001": the number of an invoice or credit note as it is printed';

CREATE FUNCTION invoice_content(of_invoice uuid) RETURNS jsonb LANGUAGE sql STABLE SET search_path = sluice, pg_temp
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
                                    'net_minor', l.net_minor, 'tax_shown_minor', l.tax_shown_minor) ORDER BY l.line_no), '[]')
                           FROM invoice_line l WHERE l.invoice_id = i.id))
      FROM invoice i WHERE i.id = of_invoice;
END;
COMMENT ON FUNCTION invoice_content IS 'All that a finalized invoice says, but for its number and dates: content_sha256 is of its text';

CREATE FUNCTION invoice_document(of_invoice uuid) RETURNS jsonb LANGUAGE sql STABLE SET search_path = sluice, pg_temp
BEGIN ATOMIC
    SELECT invoice_content(i.id) || jsonb_build_object(
               'kind', 'invoice', 'number', document_number(i.series, i.number), 'issued_at', extract(epoch FROM i.issued_at)::bigint,
               'due_at', extract(epoch FROM i.due_at)::bigint)
      FROM invoice i WHERE i.id = of_invoice;
END;
COMMENT ON FUNCTION invoice_document IS 'All that an issued invoice says: what its PDF is made from';

CREATE FUNCTION credit_note_document(of_credit_note uuid) RETURNS jsonb LANGUAGE sql STABLE SET search_path = sluice, pg_temp
BEGIN ATOMIC
    SELECT jsonb_build_object(
               'kind', 'credit_note', 'number', document_number(c.series, c.number),
               'corrects', document_number(i.series, i.number), 'corrects_issued_at', extract(epoch FROM i.issued_at)::bigint,
               'reason', c.reason, 'invoice', i.id, 'currency', c.currency,
               'net_minor', c.net_minor, 'tax_minor', c.tax_minor, 'total_minor', c.total_minor,
               'issued_at', extract(epoch FROM c.issued_at)::bigint,
               'period_start', extract(epoch FROM i.period_start)::bigint, 'period_end', extract(epoch FROM i.period_end)::bigint,
               'configuration', c.configuration,
               'taxes', (SELECT coalesce(jsonb_agg(jsonb_build_object(
                                    'code', t.tax_code, 'country', t.country, 'rate_bp', t.rate_bp, 'base_minor', c.net_minor,
                                    'tax_minor', c.tax_minor, 'note', t.note) ORDER BY t.tax_code), '[]')
                           FROM invoice_tax t WHERE t.invoice_id = i.id),
               'lines', (SELECT coalesce(jsonb_agg(jsonb_build_object(
                                    'line_no', n.line_no, 'description', l.description, 'reservation', l.reservation_id,
                                    'invoice_line_no', n.invoice_line_no, 'unit_price_u', l.unit_price_u,
                                    'gpu_milli_seconds', n.gpu_milli_seconds, 'category', l.charge_category,
                                    'amount_u', n.amount_u, 'net_minor', n.net_minor, 'tax_shown_minor', n.tax_shown_minor)
                                    ORDER BY n.line_no), '[]')
                           FROM credit_note_line n
                           JOIN invoice_line l ON l.invoice_id = n.invoice_id AND l.line_no = n.invoice_line_no
                          WHERE n.credit_note_id = c.id))
      FROM credit_note c JOIN invoice i ON i.id = c.invoice_id WHERE c.id = of_credit_note;
END;
COMMENT ON FUNCTION credit_note_document IS 'All that a credit note says: what its PDF is made from';

-- ---- Checks: each row is a violation ----

CREATE OR REPLACE VIEW check_invoices WITH (security_invoker = true) AS
SELECT i.series, i.number, 'lines do not sum to the invoice' AS problem
  FROM invoice i JOIN (SELECT invoice_id, sum(net_minor) AS net, sum(tax_shown_minor) AS tax FROM invoice_line GROUP BY 1) l ON l.invoice_id = i.id
 WHERE l.net <> i.net_minor OR l.tax <> i.tax_minor
UNION ALL
SELECT i.series, i.number, 'taxes do not sum to the invoice'
  FROM invoice i JOIN (SELECT invoice_id, sum(base_minor) AS base, sum(tax_minor) AS tax FROM invoice_tax GROUP BY 1) t ON t.invoice_id = i.id
 WHERE t.base <> i.net_minor OR t.tax <> i.tax_minor
UNION ALL
SELECT s.series, s.next_number, 'numbers are not gapless'
  FROM invoice_series s
  LEFT JOIN (SELECT series, number FROM invoice WHERE number IS NOT NULL UNION ALL SELECT series, number FROM credit_note) d ON d.series = s.series
 GROUP BY 1, 2 HAVING count(d.number) <> s.next_number - 1 OR coalesce(max(d.number), 0) <> s.next_number - 1
UNION ALL
SELECT i.series, i.number, 'has no journal'
  FROM invoice i WHERE i.status IN ('issued', 'void') AND NOT EXISTS (SELECT FROM journal j WHERE j.idempotency_key = 'invoice:' || i.id)
UNION ALL
SELECT i.series, i.number, 'is void and has no reversal'
  FROM invoice i WHERE i.status = 'void' AND NOT EXISTS (SELECT FROM journal j WHERE j.idempotency_key = 'reversal:invoice:' || i.id)
UNION ALL
SELECT i.series, i.number, 'is not what was finalized'
  FROM invoice i WHERE i.content_sha256 <> sha256(convert_to(invoice_content(i.id)::text, 'UTF8'))
UNION ALL
SELECT c.series, c.number, 'lines do not sum to the credit note'
  FROM credit_note c JOIN (SELECT credit_note_id, sum(net_minor) AS net, sum(tax_shown_minor) AS tax FROM credit_note_line GROUP BY 1) l ON l.credit_note_id = c.id
 WHERE l.net <> c.net_minor OR l.tax <> c.tax_minor
UNION ALL
SELECT c.series, c.number, 'credit note has no journal'
  FROM credit_note c WHERE NOT EXISTS (SELECT FROM journal j WHERE j.idempotency_key = 'credit_note:' || c.id)
UNION ALL
SELECT i.series, i.number, 'more is credited than was billed'
  FROM invoice i JOIN (SELECT invoice_id, sum(net_minor) AS net, sum(tax_minor) AS tax FROM credit_note GROUP BY 1) c ON c.invoice_id = i.id
 WHERE abs(c.net) > abs(i.net_minor) OR abs(c.tax) > abs(i.tax_minor) OR c.net = i.net_minor AND c.tax <> i.tax_minor
UNION ALL
SELECT i.series, i.number, 'more is credited than a line came to'
  FROM invoice i JOIN invoice_line l ON l.invoice_id = i.id
  JOIN (SELECT invoice_id, invoice_line_no, sum(net_minor) AS net FROM credit_note_line GROUP BY 1, 2) c
    ON c.invoice_id = l.invoice_id AND c.invoice_line_no = l.line_no
 WHERE abs(c.net) > abs(l.net_minor) OR c.net * l.net_minor < 0;
COMMENT ON VIEW check_invoices IS 'Invoices and credit notes that do not add up, gaps in a series, what is outside the books, what was changed';

CREATE VIEW month_close_progress WITH (security_invoker = true) AS
SELECT p.month, count(*) AS total, count(*) FILTER (WHERE p.status = 'closed') AS done,
       count(*) FILTER (WHERE p.status = 'open' AND p.parked_at IS NOT NULL) AS parked,
       m.started_at, CASE WHEN bool_and(p.status = 'closed') THEN m.finished_at END AS finished_at
  FROM billing_period p LEFT JOIN month_close m ON m.month = p.month
 GROUP BY p.month, m.started_at, m.finished_at;
COMMENT ON VIEW month_close_progress IS 'How far the close of each month has come, over all tenants';

-- ---- Who may what ----

GRANT SELECT, INSERT, UPDATE ON billing_profile TO sluice_api_system;
GRANT SELECT, INSERT, UPDATE (valid) ON tax_rate TO sluice_api_system;
GRANT SELECT, INSERT ON invoice_request, invoice_request_line TO sluice_api_system;
GRANT SELECT ON invoice_tax, credit_note, credit_note_line, invoice_request_status, month_close, month_close_progress TO sluice_api_system;
GRANT SELECT ON billing_profile, tax_rate, invoice_tax, credit_note, credit_note_line TO sluice_api;
GRANT SELECT ON billing_profile, tax_rate, invoice_request, invoice_request_line TO sluice_billing;
GRANT UPDATE (is_open) ON invoice_request TO sluice_billing;
GRANT UPDATE ON invoice TO sluice_billing;
GRANT DELETE ON invoice_line TO sluice_billing;
GRANT SELECT, INSERT, DELETE ON invoice_tax TO sluice_billing;
GRANT SELECT, INSERT ON credit_note, credit_note_line, invoice_request_status TO sluice_billing;
GRANT SELECT, INSERT, UPDATE ON month_close TO sluice_billing;
GRANT EXECUTE ON FUNCTION document_number, invoice_content, invoice_document, credit_note_document TO sluice_api, sluice_api_system, sluice_billing;
GRANT EXECUTE ON FUNCTION invoice_guards, invoice_parts_guarded TO sluice_billing;

DO $$
DECLARE
    subject record;
    process text;
    mine constant text := 'tenant_id = nullif(current_setting(''sluice.tenant'', true), '''')::uuid';
BEGIN
    FOR subject IN SELECT * FROM (VALUES
        ('billing_profile', true, ' OR tenant_id IS NULL'), ('invoice_tax', true, ''), ('credit_note', true, ''), ('credit_note_line', true, ''),
        ('invoice_request', false, ''), ('invoice_request_line', false, ''), ('invoice_request_status', false, '')
    ) AS t (name, of_tenant, besides)
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', subject.name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', subject.name);
        IF subject.of_tenant THEN
            EXECUTE format('CREATE POLICY own_tenant ON %I FOR ALL TO sluice_api USING (%s%s)', subject.name, mine, subject.besides);
        END IF;
        FOREACH process IN ARRAY ARRAY['sluice_api_system', 'sluice_billing'] LOOP
            EXECUTE format('CREATE POLICY %I ON %I FOR ALL TO %I USING (true) WITH CHECK (true)', process, subject.name, process);
        END LOOP;
    END LOOP;

    -- A tenant sees what was issued to it; drafts are the provider's.
    DROP POLICY own_tenant ON invoice;
    EXECUTE format('CREATE POLICY own_tenant ON invoice FOR ALL TO sluice_api USING (%s AND status IN (''issued'', ''void''))', mine);
    FOREACH process IN ARRAY ARRAY['invoice_line', 'invoice_tax'] LOOP
        EXECUTE format('DROP POLICY own_tenant ON %I', process);
        EXECUTE format('CREATE POLICY own_tenant ON %I FOR ALL TO sluice_api USING (%s AND EXISTS (SELECT FROM invoice i WHERE i.id = invoice_id))', process, mine);
    END LOOP;
END $$;
