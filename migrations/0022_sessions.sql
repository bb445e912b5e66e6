-- Browsers' sessions: what a token was exchanged for, or what signing in at an identity provider made.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

CREATE TABLE session (
    id uuid PRIMARY KEY,
    principal_id uuid NOT NULL REFERENCES principal,
    tenant_id uuid REFERENCES tenant,
    token_id uuid REFERENCES token,
    secret_sha256 bytea NOT NULL CHECK (length(secret_sha256) = 32),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL,
    idle_s integer NOT NULL CHECK (idle_s >= 1),
    last_used_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    revoked_at timestamptz,
    address text NOT NULL CHECK (length(address) <= 64),
    user_agent text CHECK (length(user_agent) <= 255),
    FOREIGN KEY (principal_id, tenant_id) REFERENCES principal (id, tenant_id)
);
COMMENT ON TABLE session IS 'A browser that is signed in. Only the SHA-256 of the 256-bit secret in its cookie is stored';
COMMENT ON COLUMN session.id IS 'UUIDv7; "ses_..." outside, and part of the cookie';
COMMENT ON COLUMN session.principal_id IS 'Who is signed in';
COMMENT ON COLUMN session.tenant_id IS 'The principal''s tenant; null for the provider''s own';
COMMENT ON COLUMN session.token_id IS 'The token it was exchanged for, whose role and scopes it has and with which it ends; null: an identity provider said who this is';
COMMENT ON COLUMN session.secret_sha256 IS 'Compared in constant time';
COMMENT ON COLUMN session.created_at IS 'Real time';
COMMENT ON COLUMN session.expires_at IS 'Real time at which it ends, however much it is used';
COMMENT ON COLUMN session.idle_s IS 'Seconds without use after which it ends';
COMMENT ON COLUMN session.last_used_at IS 'Real time, to the minute or to a quarter of idle_s';
COMMENT ON COLUMN session.revoked_at IS 'Real time of signing out; null: not yet';
COMMENT ON COLUMN session.address IS 'Where it was begun from';
COMMENT ON COLUMN session.user_agent IS 'What the browser called itself then; null: nothing';
CREATE INDEX session_of_principal ON session (principal_id, created_at);
CREATE INDEX session_by_age ON session (expires_at);

GRANT SELECT, INSERT, UPDATE (revoked_at) ON session TO sluice_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON session TO sluice_api_system;

ALTER TABLE session ENABLE ROW LEVEL SECURITY;
ALTER TABLE session FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON session FOR ALL TO sluice_api USING (tenant_id = nullif(current_setting('sluice.tenant', true), '')::uuid);
CREATE POLICY sluice_api_system ON session FOR ALL TO sluice_api_system USING (true) WITH CHECK (true);
