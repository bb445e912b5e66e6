-- Who belongs to a tenant, with which role; and tokens that can do less than whoever they stand for, and are changed
-- without a gap.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

-- ---- Principals ----

ALTER TABLE principal
    ADD COLUMN role text CHECK (role IN ('viewer', 'member', 'admin', 'billing', 'operator', 'finance', 'auditor', 'system_admin', 'agent')),
    ADD COLUMN email text CHECK (length(email) BETWEEN 3 AND 254),
    ADD COLUMN description text,
    ADD COLUMN external_subject text CHECK (length(external_subject) BETWEEN 1 AND 512),
    ADD COLUMN disabled boolean NOT NULL DEFAULT false,
    ADD COLUMN removed_at timestamptz,
    ADD COLUMN revision bigint NOT NULL DEFAULT 1,
    ADD CONSTRAINT principal_role_is_of_its_plane
        CHECK ((tenant_id IS NULL) = (role IN ('operator', 'finance', 'auditor', 'system_admin', 'agent'))),
    ADD CONSTRAINT principal_of_tenant UNIQUE (id, tenant_id);
COMMENT ON COLUMN principal.role IS 'The most that it may do; null until its first token, which sets it';
COMMENT ON COLUMN principal.email IS 'Of a user: where to reach it, and what it may sign in as; null: none';
COMMENT ON COLUMN principal.description IS 'For people; null: none';
COMMENT ON COLUMN principal.external_subject IS 'Who it is to an identity provider (issuer and subject); null: it signs in by tokens only';
COMMENT ON COLUMN principal.disabled IS 'Whether its tokens are refused for the time being';
COMMENT ON COLUMN principal.removed_at IS 'Real time; the row stays for audit and reservations. Null: it is there';
COMMENT ON COLUMN principal.revision IS 'Rises with each change; events carry it';
COMMENT ON COLUMN principal.name IS 'Unique within the tenant among those that are there';

-- A name is free again when its principal is gone.
ALTER TABLE principal DROP CONSTRAINT principal_tenant_id_name_key;
CREATE UNIQUE INDEX principal_name ON principal (tenant_id, name) NULLS NOT DISTINCT WHERE removed_at IS NULL;
CREATE UNIQUE INDEX principal_email ON principal (tenant_id, lower(email)) NULLS NOT DISTINCT WHERE removed_at IS NULL AND email IS NOT NULL;
CREATE UNIQUE INDEX principal_subject ON principal (tenant_id, external_subject) NULLS NOT DISTINCT
    WHERE removed_at IS NULL AND external_subject IS NOT NULL;

-- A principal of before may do what the strongest of its tokens may. The owner reads past its policies for this statement.
ALTER TABLE principal NO FORCE ROW LEVEL SECURITY;
ALTER TABLE token NO FORCE ROW LEVEL SECURITY;
UPDATE principal p SET role = (
    SELECT k.role FROM token k WHERE k.principal_id = p.id
     ORDER BY array_position(ARRAY['system_admin', 'operator', 'finance', 'auditor', 'agent', 'admin', 'member', 'billing', 'viewer'], k.role) LIMIT 1);
ALTER TABLE principal FORCE ROW LEVEL SECURITY;
ALTER TABLE token FORCE ROW LEVEL SECURITY;

-- Programs of before make principals without a role, each with a token.
CREATE FUNCTION principal_take_role() RETURNS trigger LANGUAGE plpgsql SET search_path = sluice, pg_temp AS $$
BEGIN
    UPDATE principal p SET role = NEW.role WHERE p.id = NEW.principal_id AND p.role IS NULL;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION principal_take_role IS 'Trigger: the first token of a principal without a role says what it may do';
CREATE TRIGGER first_role AFTER INSERT ON token FOR EACH ROW EXECUTE FUNCTION principal_take_role();

-- ---- Tokens ----

ALTER TABLE token
    ADD COLUMN scopes text[],
    ADD COLUMN previous_sha256 bytea CHECK (length(previous_sha256) = 32),
    ADD COLUMN previous_until timestamptz,
    ADD COLUMN rotated_at timestamptz,
    ADD COLUMN hidden_at timestamptz,
    ADD COLUMN revision bigint NOT NULL DEFAULT 1,
    ADD CONSTRAINT token_previous_has_an_end CHECK ((previous_sha256 IS NULL) = (previous_until IS NULL)),
    ADD CONSTRAINT token_is_of_its_principals_tenant FOREIGN KEY (principal_id, tenant_id) REFERENCES principal (id, tenant_id);
COMMENT ON COLUMN token.role IS 'What it may do, as far as its principal may';
COMMENT ON COLUMN token.scopes IS 'What of it, as "reservations:read"; null: all';
COMMENT ON COLUMN token.previous_sha256 IS 'Of the secret before the last rotation; null: there was none';
COMMENT ON COLUMN token.previous_until IS 'Real time until which that secret is still taken';
COMMENT ON COLUMN token.rotated_at IS 'Real time of the last rotation; null: none';
COMMENT ON COLUMN token.hidden_at IS 'Real time of DELETE, which revokes, too: reads no longer show it';
COMMENT ON COLUMN token.revision IS 'Rises with each change; events carry it';
CREATE INDEX token_of_principal ON token (principal_id);

-- ---- Grants ----

GRANT INSERT, UPDATE (role, email, description, disabled, removed_at, revision) ON principal TO sluice_api;
GRANT SELECT, INSERT, UPDATE (name, secret_sha256, previous_sha256, previous_until, rotated_at, expires_at, revoked_at, hidden_at, revision)
    ON token TO sluice_api;
