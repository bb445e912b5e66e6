-- Admission: the write batcher commits many tenants' reservations in one transaction through this one function. It
-- belongs to sluice_batch, which owns no table; sluice_api_writer may execute it and nothing else.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

-- Admission asks whether a GPU model that a shape names exists in the zone at all.
CREATE INDEX node_of_model ON node (zone_id, gpu_model);
GRANT SELECT ON node TO sluice_batch;

CREATE FUNCTION admission_raced() RETURNS text
LANGUAGE plpgsql SET search_path = sluice, pg_temp AS $$
BEGIN
    RAISE serialization_failure USING MESSAGE = 'another replica admitted a request with the same idempotency key or name meanwhile';
END $$;
COMMENT ON FUNCTION admission_raced IS 'Two replicas raced on one idempotency key or name: the whole batch is tried again and then sees who was first';

CREATE FUNCTION admission_create(
    ids uuid[], tenants uuid[], principals uuid[], keys text[], hashes bytea[], names text[], projects text[], zones text[],
    types text[], gpu_counts integer[], gpu_millis integer[], models text[], cpu_millis bigint[], memory_mibs bigint[],
    counts integer[], starts bigint[], ends bigint[], withins text[], requireds boolean[], tiers text[], unavailables text[],
    labels jsonb[], images text[], audits uuid[], requests text[], remotes text[])
RETURNS TABLE (ordinal bigint, outcome text, object_id uuid, zone_id uuid, gpu_count integer, gpu_milli integer,
               gpu_models text[], cpu_milli bigint, memory_mib bigint, created_at_s bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = sluice, pg_temp AS $$
#variable_conflict use_column
DECLARE
    present timestamptz := sluice_now();
BEGIN
    -- A name held by a reservation that is over is free for whoever asks for it now.
    IF EXISTS (SELECT FROM unnest(names) AS n WHERE n IS NOT NULL) THEN
        WITH finished AS (
            SELECT r.id
              FROM (SELECT DISTINCT tenant_id, name FROM unnest(tenants, names) AS n (tenant_id, name) WHERE name IS NOT NULL) a
              JOIN reservation r ON r.tenant_id = a.tenant_id AND r.name = a.name AND r.name_held
              JOIN reservation_status s ON s.reservation_id = r.id AND s.state IN ('rejected', 'cancelled', 'expired', 'ended')
             ORDER BY r.tenant_id, r.name
               FOR UPDATE OF r
        )
        UPDATE reservation r SET name_held = false FROM finished WHERE r.id = finished.id;
    END IF;

    RETURN QUERY
    WITH asked AS MATERIALIZED (
        SELECT a.*
          FROM unnest(ids, tenants, principals, keys, hashes, names, projects, zones, types, gpu_counts, gpu_millis, models,
                      cpu_millis, memory_mibs, counts, starts, ends, withins, requireds, tiers, unavailables, labels, images,
                      audits, requests, remotes) WITH ORDINALITY
            AS a (id, tenant_id, principal_id, key, hash, name, project, zone, type, gpu_count, gpu_milli, models,
                  cpu_milli, memory_mib, count, starts_s, ends_s, within, required, tier, unavailable, labels, image,
                  audit_id, request, remote, ordinal)
    ), judged AS MATERIALIZED (
        SELECT a.ordinal, a.id, a.tenant_id, a.principal_id, a.key, a.hash, a.name, a.project, a.count, a.within, a.required,
               a.tier, a.unavailable, a.labels, a.image, a.audit_id, a.request, a.remote,
               z.id AS zone_id, t.id AS type_id,
               CASE WHEN a.type IS NULL THEN a.gpu_count ELSE t.gpu_count END AS gpu_count,
               CASE WHEN a.type IS NULL THEN a.gpu_milli ELSE t.gpu_milli END AS gpu_milli,
               CASE WHEN a.type IS NULL THEN a.models::text[] ELSE t.gpu_models END AS gpu_models,
               CASE WHEN a.type IS NULL THEN a.cpu_milli ELSE t.cpu_milli END AS cpu_milli,
               CASE WHEN a.type IS NULL THEN a.memory_mib ELSE t.memory_mib END AS memory_mib,
               to_timestamp(a.starts_s) AS starts_at, to_timestamp(a.ends_s) AS ends_at,
               i.object_id AS known_id,
               CASE WHEN i.object_id IS NOT NULL AND i.request_sha256 = a.hash THEN 'replayed'
                    WHEN i.object_id IS NOT NULL THEN 'idempotency_key_reused'
                    WHEN w.status IS DISTINCT FROM 'active' THEN 'tenant_suspended'
                    WHEN z.id IS NULL THEN 'unknown_zone'
                    WHEN a.type IS NOT NULL AND t.id IS NULL THEN 'unknown_instance_type'
                    WHEN a.type IS NULL AND NOT w.may_shape THEN 'shape_not_allowed'
                    WHEN a.ends_s <= coalesce(a.starts_s, extract(epoch FROM present)::bigint)
                         AND a.starts_s IS NOT NULL THEN 'window_reversed'
                    WHEN to_timestamp(a.starts_s) < present OR to_timestamp(a.ends_s) <= present THEN 'window_in_past'
                    WHEN a.type IS NULL AND EXISTS (
                         SELECT FROM unnest(a.models::text[]) AS m
                          WHERE NOT EXISTS (SELECT FROM node n WHERE n.zone_id = z.id AND n.gpu_model = m)) THEN 'unknown_gpu_model'
               END AS refusal
          FROM asked a
          LEFT JOIN tenant w ON w.id = a.tenant_id
          LEFT JOIN zone z ON z.name = a.zone
          LEFT JOIN instance_type t ON t.name = a.type
          LEFT JOIN idempotency i ON a.key IS NOT NULL AND i.tenant_id = a.tenant_id AND i.principal_id = a.principal_id AND i.key = a.key
    ), made AS (
        -- Sorted by the unique key, so that replicas wait for each other in one direction only.
        INSERT INTO reservation (id, tenant_id, principal_id, name, project, zone_id, instance_type_id, gpu_count, gpu_milli,
                                 gpu_models, cpu_milli, memory_mib, count, starts_at, ends_at, within, within_required, tier,
                                 if_unavailable, labels, image, decide_by, created_at)
        SELECT id, tenant_id, principal_id, name, project, zone_id, type_id, gpu_count, gpu_milli, gpu_models, cpu_milli,
               memory_mib, count, starts_at, ends_at, within, required, tier, unavailable, labels, image,
               CASE WHEN unavailable <> 'waitlist' THEN least(starts_at + interval '60 seconds', present + interval '1 hour') END,
               present
          FROM judged WHERE refusal IS NULL
         ORDER BY tenant_id, name, id
        ON CONFLICT DO NOTHING
        RETURNING id
    ), remembered AS (
        INSERT INTO idempotency (tenant_id, principal_id, key, request_sha256, object_id)
        SELECT j.tenant_id, j.principal_id, j.key, j.hash, j.id
          FROM judged j JOIN made m ON m.id = j.id WHERE j.key IS NOT NULL
         ORDER BY j.tenant_id, j.principal_id, j.key
        ON CONFLICT DO NOTHING
        RETURNING object_id
    ), told AS (
        INSERT INTO event (occurred_at, tenant_id, zone_id, object_type, object_id, object_revision, kind)
        SELECT present, j.tenant_id, j.zone_id, 'reservation_wish', j.id, 1, 'reservation.created'
          FROM judged j JOIN made m ON m.id = j.id
         ORDER BY j.ordinal
    ), concluded AS MATERIALIZED (
        SELECT j.*,
               CASE WHEN j.refusal IS NOT NULL THEN j.refusal
                    -- Who took the name is not in sight yet: it may be this very request, sent to another replica.
                    WHEN m.id IS NULL AND j.key IS NOT NULL
                         AND NOT EXISTS (SELECT FROM reservation r
                                          WHERE r.tenant_id = j.tenant_id AND r.name = j.name AND r.name_held)
                         AND NOT EXISTS (SELECT FROM made n JOIN judged o ON o.id = n.id
                                          WHERE o.tenant_id = j.tenant_id AND o.name = j.name) THEN admission_raced()
                    WHEN m.id IS NULL THEN 'name_taken'
                    WHEN j.key IS NOT NULL AND k.object_id IS NULL THEN admission_raced()
                    ELSE 'created'
               END AS conclusion
          FROM judged j
          LEFT JOIN made m ON m.id = j.id
          LEFT JOIN remembered k ON k.object_id = j.id
    ), audited AS (
        INSERT INTO audit (id, tenant_id, principal_id, request_id, remote, action, object_id, result)
        SELECT audit_id, tenant_id, principal_id, request, remote, 'POST /v1/reservations',
               CASE WHEN conclusion = 'replayed' THEN known_id WHEN conclusion = 'created' THEN id END,
               CASE WHEN conclusion = 'created' THEN 'ok' ELSE conclusion END
          FROM concluded
    )
    SELECT c.ordinal, c.conclusion, coalesce(c.known_id, c.id), c.zone_id, c.gpu_count, c.gpu_milli, c.gpu_models, c.cpu_milli,
           c.memory_mib, extract(epoch FROM present)::bigint
      FROM concluded c
     ORDER BY c.ordinal;
END $$;
COMMENT ON FUNCTION admission_create IS 'Admits a batch of wishes, one array element each: idempotency, reservation, event and audit. Expected refusals are outcomes of their rows; the caller merges equal keys beforehand and sends one NOTIFY per batch';

GRANT CREATE ON SCHEMA sluice TO sluice_batch;
ALTER FUNCTION admission_raced() OWNER TO sluice_batch;
ALTER FUNCTION admission_create OWNER TO sluice_batch;
REVOKE CREATE ON SCHEMA sluice FROM sluice_batch;
RESET ROLE;
SET LOCAL ROLE sluice_batch;
REVOKE EXECUTE ON FUNCTION admission_create, admission_raced FROM PUBLIC;
GRANT EXECUTE ON FUNCTION admission_create TO sluice_api_writer;
RESET ROLE;
