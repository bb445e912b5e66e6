-- What is removed: zones and instance types that nothing refers to, tenants that are closed; and what a refused amendment
-- takes back.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

-- ---- Zones and instance types ----

GRANT DELETE ON zone, instance_type TO sluice_api_system;

-- ---- Tenants ----

ALTER TABLE tenant DROP CONSTRAINT tenant_status_check;
ALTER TABLE tenant
    ADD COLUMN closed_at timestamptz,
    ADD CONSTRAINT tenant_status_check CHECK (status IN ('active', 'suspended', 'closed')),
    ADD CONSTRAINT tenant_closed_once CHECK ((status = 'closed') = (closed_at IS NOT NULL));
COMMENT ON COLUMN tenant.status IS 'A suspended tenant may read, not create; a closed one is gone but for its books';
COMMENT ON COLUMN tenant.closed_at IS 'Domain time at which it was closed; null: it was not';

-- ---- What is changed beside terms ----

ALTER TABLE amendment ADD COLUMN beside jsonb;
COMMENT ON COLUMN amendment.beside IS 'What the request changed at once beside the terms: by column, what it was and what it became. Null: nothing';

GRANT SELECT ON amendment TO sluice_batch;
GRANT UPDATE (name, project, labels, if_unavailable) ON reservation TO sluice_batch;
CREATE POLICY sluice_batch ON amendment FOR SELECT TO sluice_batch USING (true);
GRANT CREATE ON SCHEMA sluice TO sluice_batch;
RESET ROLE;
SET LOCAL ROLE sluice_batch;
-- The last amendment first. What was changed again since stays. A name that somebody else has taken meanwhile is lost.
CREATE FUNCTION sluice.amendment_take_back(amendments uuid[]) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = sluice, pg_temp AS $$
DECLARE
    refused record;
    changed record;
    many integer := 0;
BEGIN
    FOR refused IN SELECT a.reservation_id, a.beside FROM amendment a
                    WHERE a.id = ANY (amendments) AND a.beside IS NOT NULL ORDER BY a.reservation_id, a.revision DESC LOOP
        UPDATE reservation r
           SET name = CASE WHEN NOT refused.beside ? 'name' OR r.name IS DISTINCT FROM refused.beside -> 'name' ->> 1 THEN r.name
                           WHEN NOT EXISTS (SELECT FROM reservation o WHERE o.tenant_id = r.tenant_id AND o.id <> r.id AND o.name_held
                                               AND o.name = refused.beside -> 'name' ->> 0) THEN refused.beside -> 'name' ->> 0 END,
               project = CASE WHEN r.project = refused.beside -> 'project' ->> 1 THEN refused.beside -> 'project' ->> 0 ELSE r.project END,
               if_unavailable = CASE WHEN r.if_unavailable = refused.beside -> 'if_unavailable' ->> 1
                                     THEN refused.beside -> 'if_unavailable' ->> 0 ELSE r.if_unavailable END,
               labels = CASE WHEN r.labels = refused.beside -> 'labels' -> 1 THEN refused.beside -> 'labels' -> 0 ELSE r.labels END,
               revision = r.revision + 1
         WHERE r.id = refused.reservation_id
        RETURNING r.id, r.tenant_id, r.zone_id, r.revision INTO changed;
        INSERT INTO event (occurred_at, tenant_id, zone_id, object_type, object_id, object_revision, kind)
        VALUES (sluice_now(), changed.tenant_id, changed.zone_id, 'reservation_wish', changed.id, changed.revision, 'reservation.changed');
        many := many + 1;
    END LOOP;
    RETURN many;
END $$;
COMMENT ON FUNCTION sluice.amendment_take_back IS 'Undoes what requests for these amendments, which were refused, changed at once beside the terms; in the verdict''s transaction, so that the request is all or nothing. Returns how many there were';
REVOKE EXECUTE ON FUNCTION sluice.amendment_take_back FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sluice.amendment_take_back TO sluice_provisioner;
RESET ROLE;
SET LOCAL ROLE sluice_owner;
REVOKE CREATE ON SCHEMA sluice FROM sluice_batch;
RESET ROLE;
