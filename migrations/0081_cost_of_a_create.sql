-- What a create costs the database, in instructions (callgrind, 15.18; about 5,000 are a microsecond).
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

-- Domain time is asked for by every batch, piece of work and read. A function in SQL plans its statement anew in each
-- statement that calls it; one in PL/pgSQL keeps the plan as long as its connection lives: 180,000 fewer, of 2,460,000 that
-- an admission costs before its first row.
CREATE OR REPLACE FUNCTION sluice_now() RETURNS timestamptz
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = sluice, pg_temp AS $$
BEGIN
    RETURN (SELECT CASE WHEN virtual THEN now ELSE date_trunc('second', clock_timestamp()) END FROM domain_clock);
END $$;

-- As before, with the columns unnested in the target list, where their elements are handed on one by one. In FROM those of
-- each column are first stored as rows of their own: an admission of 30 costs 273,000 a create instead of 307,000.
CREATE OR REPLACE FUNCTION event_append_all(zone uuid, tenants uuid[], object_types text[], object_ids uuid[], object_revisions bigint[],
                                 kinds text[], transitions integer[], payloads text[], occurred bigint[]) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = sluice, pg_temp AS $$
DECLARE
    appended bigint;
BEGIN
    -- The order of the arrays is the order of the log: seq is drawn after the sort.
    INSERT INTO event (tenant_id, zone_id, object_type, object_id, object_revision, kind, transition, payload, occurred_at)
    SELECT n.tenant_id, zone, n.object_type, n.object_id, n.object_revision, n.kind, nullif(n.transition, 0), n.payload::jsonb,
           to_timestamp(n.occurred_s)
      FROM (SELECT unnest(tenants) AS tenant_id, unnest(object_types) AS object_type, unnest(object_ids) AS object_id,
                   unnest(object_revisions) AS object_revision, unnest(kinds) AS kind, unnest(transitions) AS transition,
                   unnest(payloads) AS payload, unnest(occurred) AS occurred_s,
                   generate_series(1, cardinality(object_ids)) AS place) n
     ORDER BY n.place;
    GET DIAGNOSTICS appended = ROW_COUNT;
    RETURN appended;
END $$;

-- As before, likewise.
GRANT CREATE ON SCHEMA sluice TO sluice_batch;
RESET ROLE;
SET LOCAL ROLE sluice_batch;
CREATE OR REPLACE FUNCTION admission_enter(
    ids uuid[], tenants uuid[], principals uuid[], keys text[], hashes bytea[], names text[], projects text[], zones text[],
    types text[], gpu_counts integer[], gpu_millis integer[], models text[], cpu_millis bigint[], memory_mibs bigint[],
    counts integer[], starts bigint[], ends bigint[], durations bigint[], start_froms bigint[], start_tos bigint[], withins text[],
    requireds boolean[], spreads text[], tiers text[], unavailables text[], labels jsonb[], images text[],
    wished_keys text[], user_datas text[], ttls integer[], quotes uuid[], audits uuid[], requests text[], remotes text[])
RETURNS TABLE (ordinal bigint, outcome text, object_id uuid, created_at_s bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = sluice, pg_temp AS $$
#variable_conflict use_column
DECLARE
    present timestamptz := sluice_now();
    present_s bigint := extract(epoch FROM present);
BEGIN
    -- An array of nulls alone may be null itself, and what depends on it is passed over.
    -- Replicas count a tenant's open quotes one after the other.
    IF num_nonnulls(VARIADIC ttls) > 0 THEN
        PERFORM pg_advisory_xact_lock(hashtextextended('quotes of ' || q.tenant_id, 0))
           FROM (SELECT DISTINCT a.tenant_id FROM unnest(tenants, ttls) AS a (tenant_id, ttl_s) WHERE a.ttl_s IS NOT NULL ORDER BY 1) q;
    END IF;

    -- A name held by a reservation that is over is free for whoever asks for it now.
    IF num_nonnulls(VARIADIC names) > 0 THEN
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

    IF num_nonnulls(VARIADIC quotes) > 0 THEN
        RETURN QUERY
        SELECT c.* FROM (
            SELECT array_agg(a.quote) AS quotes, array_agg(a.ordinal) AS ordinals, array_agg(a.tenant_id) AS tenants,
                   array_agg(a.principal_id) AS principals, array_agg(a.key) AS keys, array_agg(a.hash) AS hashes,
                   array_agg(a.audit_id) AS audits, array_agg(a.request) AS requests, array_agg(a.remote) AS remotes
              FROM unnest(quotes, tenants, principals, keys, hashes, audits, requests, remotes) WITH ORDINALITY
                AS a (quote, tenant_id, principal_id, key, hash, audit_id, request, remote, ordinal)
             WHERE a.quote IS NOT NULL) q
         CROSS JOIN LATERAL admission_confirm(q.quotes, q.ordinals, q.tenants, q.principals, q.keys, q.hashes, q.audits, q.requests,
                                              q.remotes) c;
    END IF;

    RETURN QUERY
    WITH asked AS (
        SELECT a.*
          FROM (SELECT unnest(ids) AS id, unnest(tenants) AS tenant_id, unnest(principals) AS principal_id, unnest(keys) AS key,
                       unnest(hashes) AS hash, unnest(names) AS name, unnest(projects) AS project, unnest(zones) AS zone,
                       unnest(types) AS type, unnest(gpu_counts) AS gpu_count, unnest(gpu_millis) AS gpu_milli,
                       unnest(models) AS models, unnest(cpu_millis) AS cpu_milli, unnest(memory_mibs) AS memory_mib,
                       unnest(counts) AS count, unnest(starts) AS starts_s, unnest(ends) AS ends_s, unnest(durations) AS duration_s,
                       unnest(start_froms) AS start_from_s, unnest(start_tos) AS start_to_s, unnest(withins) AS within,
                       unnest(requireds) AS required, unnest(spreads) AS spread, unnest(tiers) AS tier,
                       unnest(unavailables) AS unavailable, unnest(labels) AS labels, unnest(images) AS image,
                       unnest(wished_keys) AS ssh_keys, unnest(user_datas) AS user_data, unnest(ttls) AS ttl_s, unnest(quotes) AS quote,
                       unnest(audits) AS audit_id, unnest(requests) AS request, unnest(remotes) AS remote,
                       generate_series(1::bigint, cardinality(ids)) AS ordinal) a
         WHERE a.quote IS NULL
    ), weighed AS MATERIALIZED (
        SELECT a.ordinal, a.id, a.tenant_id, a.principal_id, a.key, a.hash, a.name, a.project, a.count, a.within, a.required, a.spread,
               a.tier, a.unavailable, a.labels, a.image, a.ssh_keys::text[] AS ssh_keys, a.user_data, a.ttl_s, a.audit_id, a.request, a.remote,
               -- Its instances get what the keys are now; one that is not there is a null, and a refusal below.
               CASE WHEN a.ssh_keys IS NOT NULL THEN (
                    SELECT array_agg(k.public_key ORDER BY n.place) FROM unnest(a.ssh_keys::text[]) WITH ORDINALITY AS n (name, place)
                      LEFT JOIN ssh_key k ON k.tenant_id = a.tenant_id AND k.name = n.name) END AS authorized_keys,
               z.id AS zone_id, t.id AS type_id,
               CASE WHEN a.type IS NULL THEN a.gpu_count ELSE t.gpu_count END AS gpu_count,
               CASE WHEN a.type IS NULL THEN a.gpu_milli ELSE t.gpu_milli END AS gpu_milli,
               CASE WHEN a.type IS NULL THEN a.models::text[] ELSE t.gpu_models END AS gpu_models,
               CASE WHEN a.type IS NULL THEN a.cpu_milli ELSE t.cpu_milli END AS cpu_milli,
               CASE WHEN a.type IS NULL THEN a.memory_mib ELSE t.memory_mib END AS memory_mib,
               a.starts_s, a.ends_s, a.duration_s, a.start_from_s, a.start_to_s, i.object_id AS known_id,
               CASE WHEN i.object_id IS NOT NULL AND i.request_sha256 = a.hash THEN 'replayed'
                    WHEN i.object_id IS NOT NULL THEN 'idempotency_key_reused'
                    WHEN w.status IS DISTINCT FROM 'active' THEN 'tenant_suspended'
                    WHEN z.id IS NULL THEN 'unknown_zone'
                    WHEN a.type IS NOT NULL AND t.id IS NULL THEN 'unknown_instance_type'
                    WHEN t.retired THEN 'instance_type_retired'
                    WHEN p.id IS NULL THEN 'unknown_project'
                    WHEN a.image IS NOT NULL AND b.id IS NULL THEN 'unknown_image'
                    WHEN a.ssh_keys IS NOT NULL AND EXISTS (
                         SELECT FROM unnest(a.ssh_keys::text[]) AS n
                          WHERE NOT EXISTS (SELECT FROM ssh_key k WHERE k.tenant_id = a.tenant_id AND k.name = n)) THEN 'unknown_ssh_key'
                    WHEN a.type IS NULL AND NOT w.may_shape THEN 'shape_not_allowed'
                    WHEN a.ends_s <= a.starts_s THEN 'window_reversed'
                    WHEN a.starts_s IS NULL AND to_timestamp(a.ends_s) <= present + a.ttl_s * interval '1 second' THEN 'window_reversed'
                    WHEN to_timestamp(a.starts_s) < present OR to_timestamp(a.ends_s) <= present THEN 'window_in_past'
                    WHEN to_timestamp(a.start_to_s) < present THEN 'start_range_in_past'
                    WHEN a.type IS NULL AND EXISTS (
                         SELECT FROM unnest(a.models::text[]) AS m
                          WHERE NOT EXISTS (SELECT FROM node n WHERE n.zone_id = z.id AND n.gpu_model = m)) THEN 'unknown_gpu_model'
                    -- Those before it in this batch count as if each were admitted.
                    WHEN a.ttl_s IS NOT NULL AND w.quotes_max <=
                         (SELECT count(*) FROM reservation q
                           WHERE q.tenant_id = a.tenant_id AND q.hold_until > present AND q.confirmed_at IS NULL
                             AND q.cancel_requested_at IS NULL
                             AND NOT EXISTS (SELECT FROM reservation_status s
                                              WHERE s.reservation_id = q.id AND s.state IN ('rejected', 'expired', 'cancelled')))
                         + (SELECT count(*) FROM unnest(tenants, ttls) WITH ORDINALITY AS b (tenant_id, ttl_s, ordinal)
                             WHERE b.tenant_id = a.tenant_id AND b.ttl_s IS NOT NULL AND b.ordinal < a.ordinal) THEN 'quote_limit'
                    WHEN a.name IS NOT NULL AND EXISTS (
                         SELECT FROM reservation r WHERE r.tenant_id = a.tenant_id AND r.name = a.name AND r.name_held) THEN 'name_taken'
                    ELSE 'created'
               END AS opinion
          FROM asked a
          LEFT JOIN tenant w ON w.id = a.tenant_id
          LEFT JOIN zone z ON z.name = a.zone
          LEFT JOIN instance_type t ON t.name = a.type
          LEFT JOIN project p ON p.tenant_id = a.tenant_id AND p.name = a.project
          LEFT JOIN image b ON b.name = a.image AND NOT b.retired
          LEFT JOIN idempotency i ON a.key IS NOT NULL AND i.tenant_id = a.tenant_id AND i.principal_id = a.principal_id AND i.key = a.key
    ), judged AS MATERIALIZED (
        -- Of those who ask for one name together, the first gets it.
        SELECT w.*, CASE WHEN w.opinion = 'created' AND w.name IS NOT NULL AND w.id NOT IN (
                              SELECT DISTINCT ON (f.tenant_id, f.name) f.id FROM weighed f WHERE f.opinion = 'created' AND f.name IS NOT NULL
                               ORDER BY f.tenant_id, f.name, f.id) THEN 'name_taken'
                         ELSE w.opinion END AS outcome
          FROM weighed w
    ), made AS (
        -- Sorted by the unique key, so that replicas wait for each other in one direction only.
        INSERT INTO reservation (id, tenant_id, principal_id, name, project, zone_id, instance_type_id, gpu_count, gpu_milli,
                                 gpu_models, cpu_milli, memory_mib, count, starts_at, ends_at, duration_s, start_from, start_to,
                                 within, within_required, spread, tier, if_unavailable, labels, image, ssh_keys, authorized_keys, user_data,
                                 quote_ttl_s, hold_until, decide_by, created_at)
        SELECT id, tenant_id, principal_id, name, project, zone_id, type_id, gpu_count, gpu_milli, gpu_models, cpu_milli,
               memory_mib, count, to_timestamp(starts_s), to_timestamp(ends_s), duration_s, to_timestamp(start_from_s),
               to_timestamp(start_to_s), within, required, spread, tier, unavailable, labels, image, ssh_keys,
               authorized_keys, user_data, ttl_s,
               to_timestamp(CASE WHEN ttl_s IS NOT NULL THEN least(present_s + ttl_s, starts_s, start_to_s) END),
               to_timestamp(CASE WHEN unavailable <> 'waitlist'
                                 THEN least(coalesce(starts_s, start_to_s) + 60, present_s + 3600, present_s + ttl_s) END),
               present
          FROM judged WHERE outcome = 'created'
         ORDER BY tenant_id, name, id
    ), remembered AS (
        INSERT INTO idempotency (tenant_id, principal_id, key, request_sha256, object_id)
        SELECT tenant_id, principal_id, key, hash, id FROM judged WHERE outcome = 'created' AND key IS NOT NULL
         ORDER BY tenant_id, principal_id, key
    ), told AS (
        INSERT INTO event (occurred_at, tenant_id, zone_id, object_type, object_id, object_revision, kind)
        SELECT present, tenant_id, zone_id, 'reservation_wish', id, 1, 'reservation.created' FROM judged WHERE outcome = 'created'
         ORDER BY ordinal
    ), audited AS (
        INSERT INTO audit (id, tenant_id, principal_id, request_id, remote, action, object_id, result)
        SELECT audit_id, tenant_id, principal_id, request, remote,
               CASE WHEN ttl_s IS NULL THEN 'POST /v1/reservations' ELSE 'POST /v1/quotes' END,
               CASE WHEN outcome = 'replayed' THEN known_id WHEN outcome = 'created' THEN id END,
               CASE WHEN outcome = 'created' THEN 'ok' ELSE outcome END
          FROM judged
    )
    SELECT j.ordinal, j.outcome, coalesce(j.known_id, j.id), present_s FROM judged j;
END $$;
RESET ROLE;
SET LOCAL ROLE sluice_owner;
REVOKE CREATE ON SCHEMA sluice FROM sluice_batch;
RESET ROLE;
