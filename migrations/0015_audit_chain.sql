-- The audit's hash chain (docs/audit.md has the form of what is hashed). Rows are written unchained, because a chain in
-- the transaction of a request would make every replica wait for every other; one leader of sluice-api seals them in the
-- order of the log, as events are read: by transaction, and only below the oldest that still runs, so that no late row
-- comes before one that is sealed.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

ALTER TABLE audit ADD COLUMN xid xid8 NOT NULL DEFAULT pg_current_xact_id();
COMMENT ON COLUMN audit.xid IS 'The transaction that wrote it: with the id, its place in the order of the log';
DROP INDEX audit_of_tenant;
CREATE INDEX audit_order ON audit (xid, id);
CREATE INDEX audit_of_tenant ON audit (tenant_id, xid, id);

CREATE TRIGGER never_emptied BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_refuses_change();

-- A tenant's connection writes of its own tenant only.
CREATE OR REPLACE FUNCTION audit_append(id uuid, tenant_id uuid, principal_id uuid, request_id text, remote text, action text,
                                        object_id uuid, result text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = sluice, pg_temp AS $$
BEGIN
    IF session_user = 'sluice_api'
       AND audit_append.tenant_id IS DISTINCT FROM nullif(current_setting('sluice.tenant', true), '')::uuid THEN
        RAISE insufficient_privilege USING MESSAGE = 'an audit row of another tenant';
    END IF;
    INSERT INTO audit (id, tenant_id, principal_id, request_id, remote, action, object_id, result)
    VALUES (audit_append.id, audit_append.tenant_id, audit_append.principal_id, audit_append.request_id, audit_append.remote,
            audit_append.action, audit_append.object_id, audit_append.result);
END $$;

CREATE TABLE audit_seal (
    number bigint NOT NULL CHECK (number > 0),
    sealed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    position bigint NOT NULL CHECK (position >= 0),
    row_count integer NOT NULL CHECK (row_count > 0),
    recorded_from timestamptz NOT NULL,
    last_xid xid8 NOT NULL,
    last_id uuid NOT NULL,
    row_hashes bytea NOT NULL CHECK (length(row_hashes) = 32 * row_count),
    previous_hash bytea NOT NULL CHECK (length(previous_hash) = 32),
    hash bytea NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (number, sealed_at)
) PARTITION BY RANGE (sealed_at);
COMMENT ON TABLE audit_seal IS 'The audit''s hash chain: each seal holds the hashes of the rows that follow those of the seal before it. Append-only; written by the sluice-api that leads "audit"';
COMMENT ON COLUMN audit_seal.number IS 'Rises by one';
COMMENT ON COLUMN audit_seal.sealed_at IS 'Real time; the partition key';
COMMENT ON COLUMN audit_seal.position IS 'How many rows were sealed before it';
COMMENT ON COLUMN audit_seal.row_count IS 'How many rows it seals';
COMMENT ON COLUMN audit_seal.recorded_from IS 'The earliest recorded_at of its rows: older than what the audit keeps, they may be gone';
COMMENT ON COLUMN audit_seal.last_xid IS 'Transaction of its last row';
COMMENT ON COLUMN audit_seal.last_id IS 'Id of its last row';
COMMENT ON COLUMN audit_seal.row_hashes IS 'SHA-256 of each row, in order, 32 bytes each: tells which row was changed';
COMMENT ON COLUMN audit_seal.previous_hash IS 'The hash of the seal before; zeros for the first';
COMMENT ON COLUMN audit_seal.hash IS 'SHA-256 of all of the above but sealed_at';
ALTER TABLE audit_seal ALTER COLUMN row_hashes SET STORAGE EXTERNAL; -- hashes do not compress
CREATE TABLE audit_seal_default PARTITION OF audit_seal DEFAULT;
COMMENT ON TABLE audit_seal_default IS 'Catches what no partition takes; a row in it raises the alert SluiceDefaultPartitionUsed';
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit_seal FOR EACH ROW EXECUTE FUNCTION audit_refuses_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON audit_seal FOR EACH STATEMENT EXECUTE FUNCTION audit_refuses_change();

-- Seals outlive the rows they seal by a month: the first that is left anchors what follows.
INSERT INTO partition_policy VALUES ('audit_seal', 'month', 3, '7 years 1 month', false);
SELECT partition_ensure('audit_seal', clock_timestamp(), clock_timestamp() + interval '3 months');

GRANT SELECT, INSERT ON audit_seal TO sluice_api_system;
GRANT SELECT ON audit TO sluice_api;
