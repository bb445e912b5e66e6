-- The schema and the database roles. Roles belong to the cluster, so they are created only where they are missing.
-- sluice_owner owns every object and cannot log in; each process has a login role that owns nothing; nobody has
-- BYPASSRLS, because managed PostgreSQL does not give it.

DO $$
DECLARE
    wanted record;
BEGIN
    FOR wanted IN SELECT * FROM (VALUES
        ('sluice_owner',       'NOLOGIN', 'Owns the schema sluice; migrations act as it'),
        ('sluice_batch',       'NOLOGIN', 'Owns the admission function, which commits for many tenants at once'),
        ('sluice_api',         'LOGIN',   'sluice-api on behalf of one tenant: sees nothing until sluice.tenant is set'),
        ('sluice_api_system',  'LOGIN',   'sluice-api on behalf of an operator, and its token lookups'),
        ('sluice_api_writer',  'LOGIN',   'sluice-api''s write batcher: may execute the admission function and nothing else'),
        ('sluice_provisioner', 'LOGIN',   'sluice-provisioner: planner, reconciler and drivers'),
        ('sluice_billing',     'LOGIN',   'sluice-billing: metering, ledger, invoices and capex')
    ) AS role (name, login, meaning)
    LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted.name) THEN
            EXECUTE format('CREATE ROLE %I %s NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS', wanted.name, wanted.login);
            EXECUTE format('COMMENT ON ROLE %I IS %L', wanted.name, wanted.meaning);
        END IF;
    END LOOP;
END $$;

GRANT sluice_owner TO CURRENT_USER;
GRANT sluice_batch TO sluice_owner;

CREATE SCHEMA sluice AUTHORIZATION sluice_owner;
COMMENT ON SCHEMA sluice IS 'The control plane of a GPU cloud: wishes, findings and money';
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA sluice TO sluice_batch, sluice_api, sluice_api_system, sluice_api_writer, sluice_provisioner, sluice_billing;

-- The exclusion constraint on allocations mixes equality of uuid with overlap of ranges.
CREATE EXTENSION IF NOT EXISTS btree_gist WITH SCHEMA sluice;

-- PUBLIC may execute nothing that is created from here on.
ALTER DEFAULT PRIVILEGES FOR ROLE sluice_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE sluice_batch REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

CREATE TABLE sluice.schema_migration (
    version integer PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
ALTER TABLE sluice.schema_migration OWNER TO sluice_owner;
COMMENT ON TABLE sluice.schema_migration IS 'Which migrations were applied. Written by deploy/migrate';
COMMENT ON COLUMN sluice.schema_migration.version IS 'The number in front of the file''s name';
COMMENT ON COLUMN sluice.schema_migration.name IS 'The file''s name without its ending';
COMMENT ON COLUMN sluice.schema_migration.checksum IS 'SHA-256 of the file as it was applied: an edited file is refused';
COMMENT ON COLUMN sluice.schema_migration.applied_at IS 'Real time';
