-- Who may ask: tenants, principals, tokens; and what they asked before: idempotency keys. Written by sluice-api.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

CREATE TABLE tenant (
    id uuid PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
    status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended')),
    currency text NOT NULL DEFAULT 'USD' CHECK (currency ~ '^[A-Z]{3}$'),
    billing_timezone text NOT NULL DEFAULT 'UTC',
    tax_rate_bp integer NOT NULL DEFAULT 0 CHECK (tax_rate_bp BETWEEN 0 AND 10000),
    may_shape boolean NOT NULL DEFAULT false,
    on_demand_horizon_s bigint CHECK (on_demand_horizon_s > 0),
    revision bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT sluice_now()
);
COMMENT ON TABLE tenant IS 'A customer: owns reservations and gets invoices';
COMMENT ON COLUMN tenant.id IS 'UUIDv7; "ten_..." outside';
COMMENT ON COLUMN tenant.name IS 'Unique name';
COMMENT ON COLUMN tenant.status IS 'A suspended tenant may read, not create';
COMMENT ON COLUMN tenant.currency IS 'ISO 4217 code of its invoices';
COMMENT ON COLUMN tenant.billing_timezone IS 'IANA zone whose calendar months are its billing periods';
COMMENT ON COLUMN tenant.tax_rate_bp IS 'Tax on invoices in basis points (1900 is 19 %)';
COMMENT ON COLUMN tenant.may_shape IS 'May give a shape of its own instead of an instance type';
COMMENT ON COLUMN tenant.on_demand_horizon_s IS 'Rolling guarantee of open-ended reservations in seconds; null: they hold for ever';
COMMENT ON COLUMN tenant.revision IS 'Rises with each change';
COMMENT ON COLUMN tenant.created_at IS 'Domain time';

CREATE TABLE principal (
    id uuid PRIMARY KEY,
    tenant_id uuid REFERENCES tenant,
    kind text NOT NULL CHECK (kind IN ('user', 'service_account')),
    name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE NULLS NOT DISTINCT (tenant_id, name)
);
COMMENT ON TABLE principal IS 'Who acts: a user or a service account, of a tenant or of the provider. The scope of idempotency keys';
COMMENT ON COLUMN principal.id IS 'UUIDv7';
COMMENT ON COLUMN principal.tenant_id IS 'Null for the provider''s own';
COMMENT ON COLUMN principal.kind IS 'A person or a program';
COMMENT ON COLUMN principal.name IS 'Unique within the tenant';
COMMENT ON COLUMN principal.created_at IS 'Real time';

CREATE TABLE token (
    id uuid PRIMARY KEY,
    principal_id uuid NOT NULL REFERENCES principal,
    tenant_id uuid REFERENCES tenant,
    role text NOT NULL CHECK (role IN ('viewer', 'member', 'admin', 'billing', 'operator', 'finance', 'auditor', 'system_admin', 'agent')),
    secret_sha256 bytea NOT NULL CHECK (length(secret_sha256) = 32),
    name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    CHECK ((tenant_id IS NULL) = (role IN ('operator', 'finance', 'auditor', 'system_admin', 'agent')))
);
COMMENT ON TABLE token IS 'What a principal shows: only the SHA-256 of a 256-bit secret is stored';
COMMENT ON COLUMN token.id IS 'UUIDv7; part of the token''s text';
COMMENT ON COLUMN token.principal_id IS 'Whose';
COMMENT ON COLUMN token.tenant_id IS 'The principal''s tenant; null for the provider''s own';
COMMENT ON COLUMN token.role IS 'What it may do';
COMMENT ON COLUMN token.secret_sha256 IS 'Compared in constant time';
COMMENT ON COLUMN token.name IS 'For people';
COMMENT ON COLUMN token.created_at IS 'Real time';
COMMENT ON COLUMN token.expires_at IS 'Real time; null: never';
COMMENT ON COLUMN token.revoked_at IS 'Real time; null: not revoked';
COMMENT ON COLUMN token.last_used_at IS 'Real time, to the minute';

CREATE TABLE idempotency (
    tenant_id uuid NOT NULL,
    principal_id uuid NOT NULL,
    key text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    request_sha256 bytea NOT NULL CHECK (length(request_sha256) = 32),
    object_id uuid NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, principal_id, key)
);
COMMENT ON TABLE idempotency IS 'Which request made which object, so that a repetition makes none; kept 24 hours at least';
COMMENT ON COLUMN idempotency.tenant_id IS 'The caller''s tenant; the nil UUID for the provider''s own';
COMMENT ON COLUMN idempotency.principal_id IS 'User or service account, not the token: a retry after rotation is the same request';
COMMENT ON COLUMN idempotency.key IS 'Idempotency-Key or client_token';
COMMENT ON COLUMN idempotency.request_sha256 IS 'Hash of method, path and body';
COMMENT ON COLUMN idempotency.object_id IS 'The object made; a repetition is answered from it';
COMMENT ON COLUMN idempotency.recorded_at IS 'Real time; the housekeeping job deletes by it';
CREATE INDEX idempotency_by_age ON idempotency (recorded_at);
