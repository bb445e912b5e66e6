-- What a wish names: projects, SSH keys, images. Until now a project and an image were any text; those in use become
-- objects, so what is there keeps working, and a text that names none is refused from now on.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

-- ---- Projects ----

-- A project is known by its name, which never changes: reservations, quotas and events carry the name, and keep it when the
-- project is gone. Names of before this migration may have any characters.
CREATE TABLE project (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenant,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 63),
    description text,
    labels jsonb NOT NULL DEFAULT '{}',
    revision bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT sluice_now(),
    UNIQUE (tenant_id, name)
);
COMMENT ON TABLE project IS 'What a tenant groups its reservations by, and what quotas may be about. Written by sluice-api';
COMMENT ON COLUMN project.id IS 'UUIDv7 (made by a migration or with its tenant: random); "prj_..." outside';
COMMENT ON COLUMN project.tenant_id IS 'Whose';
COMMENT ON COLUMN project.name IS 'Unique within the tenant; what reservations and quotas name';
COMMENT ON COLUMN project.description IS 'For people; null: none';
COMMENT ON COLUMN project.labels IS 'The tenant''s own key and value pairs';
COMMENT ON COLUMN project.revision IS 'Rises with each change; events carry it';
COMMENT ON COLUMN project.created_at IS 'Domain time';

-- ---- SSH keys ----

CREATE TABLE ssh_key (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenant,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 63),
    public_key text NOT NULL CHECK (length(public_key) BETWEEN 1 AND 8192 AND public_key !~ '[[:cntrl:]]'),
    fingerprint text NOT NULL CHECK (fingerprint ~ '^SHA256:[A-Za-z0-9+/]{43}$'),
    revision bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT sluice_now(),
    UNIQUE (tenant_id, name)
);
COMMENT ON TABLE ssh_key IS 'Public keys that open a tenant''s instances. Written by sluice-api';
COMMENT ON COLUMN ssh_key.id IS 'UUIDv7; "key_..." outside';
COMMENT ON COLUMN ssh_key.tenant_id IS 'Whose';
COMMENT ON COLUMN ssh_key.name IS 'Unique within the tenant; what reservations name';
COMMENT ON COLUMN ssh_key.public_key IS 'One line as in authorized_keys: type, base64, comment';
COMMENT ON COLUMN ssh_key.fingerprint IS 'SHA-256 of the key as OpenSSH prints it';
COMMENT ON COLUMN ssh_key.revision IS 'Rises with each change; events carry it';
COMMENT ON COLUMN ssh_key.created_at IS 'Domain time';

-- ---- Images ----

CREATE TABLE image (
    id uuid PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 255),
    description text,
    source text,
    sha256 text CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    retired boolean NOT NULL DEFAULT false,
    revision bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT sluice_now()
);
COMMENT ON TABLE image IS 'What instances boot. Written by sluice-api, for operators';
COMMENT ON COLUMN image.id IS 'UUIDv7 (made by a migration: random); "img_..." outside';
COMMENT ON COLUMN image.name IS 'Unique; what reservations name';
COMMENT ON COLUMN image.description IS 'For people; null: none';
COMMENT ON COLUMN image.source IS 'Where the driver fetches it from; null: the driver knows it by its name';
COMMENT ON COLUMN image.sha256 IS 'What it must hash to, in hexadecimal; null: not said';
COMMENT ON COLUMN image.retired IS 'Whether new reservations may no longer name it';
COMMENT ON COLUMN image.revision IS 'Rises with each change; events carry it';
COMMENT ON COLUMN image.created_at IS 'Domain time';

-- ---- What is there ----

-- The owner reads past the policies of its own tables for these two statements.
ALTER TABLE tenant NO FORCE ROW LEVEL SECURITY;
ALTER TABLE reservation NO FORCE ROW LEVEL SECURITY;
ALTER TABLE quota NO FORCE ROW LEVEL SECURITY;
INSERT INTO project (id, tenant_id, name)
SELECT gen_random_uuid(), n.tenant_id, n.name
  FROM (SELECT id AS tenant_id, 'default' AS name FROM tenant
        UNION SELECT tenant_id, project FROM reservation WHERE length(project) BETWEEN 1 AND 63
        UNION SELECT tenant_id, project FROM quota WHERE project IS NOT NULL) n;
INSERT INTO image (id, name)
SELECT gen_random_uuid(), n.image FROM (SELECT DISTINCT image FROM reservation WHERE length(image) BETWEEN 1 AND 255) n;
ALTER TABLE tenant FORCE ROW LEVEL SECURITY;
ALTER TABLE reservation FORCE ROW LEVEL SECURITY;
ALTER TABLE quota FORCE ROW LEVEL SECURITY;

-- A wish that names no project is in "default". A trigger, because programs of before make tenants too.
CREATE FUNCTION project_make_default() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = sluice, pg_temp AS $$
BEGIN
    INSERT INTO project (id, tenant_id, name) VALUES (gen_random_uuid(), NEW.id, 'default');
    RETURN NULL;
END $$;
COMMENT ON FUNCTION project_make_default IS 'Trigger: a new tenant has the project "default"';
CREATE TRIGGER default_project AFTER INSERT ON tenant FOR EACH ROW EXECUTE FUNCTION project_make_default();

-- ---- Wishes ----

ALTER TABLE reservation
    ADD COLUMN ssh_keys text[],
    ADD COLUMN authorized_keys text[],
    ADD COLUMN user_data text CHECK (octet_length(user_data) <= 65536);
COMMENT ON COLUMN reservation.project IS 'Name of the project, which may be gone';
COMMENT ON COLUMN reservation.image IS 'Name of the image that the instances boot; null: the type''s default';
COMMENT ON COLUMN reservation.ssh_keys IS 'The names that were wished for; null: none';
COMMENT ON COLUMN reservation.authorized_keys IS 'The keys of these names as they were when it was made: what the instances get';
COMMENT ON COLUMN reservation.user_data IS 'What the instances are told when they first start, e.g. for cloud-init; null: nothing';

CREATE OR REPLACE VIEW reservation_view WITH (security_invoker = true) AS
SELECT r.id, r.tenant_id, r.principal_id, r.name, r.project, r.zone_id, r.instance_type_id, r.gpu_count, r.gpu_milli, r.gpu_models,
       r.cpu_milli, r.memory_mib, coalesce(s.granted_count, r.count) AS count,
       CASE WHEN s.granted_count IS NULL THEN r.starts_at ELSE s.terms_starts_at END AS starts_at,
       CASE WHEN s.granted_count IS NULL THEN r.ends_at ELSE s.terms_ends_at END AS ends_at,
       r.within, r.within_required, r.tier, r.if_unavailable,
       r.labels, r.image, r.decide_by, r.cancel_requested_at, r.hidden_at, r.created_at, r.revision AS wish_revision,
       coalesce(s.state, 'pending') AS state, coalesce(s.health, 'ok') AS health, coalesce(s.revision, 0) AS status_revision,
       s.reason, s.binding, s.alternatives, s.starts_at AS granted_starts_at, s.ends_at AS granted_ends_at, s.decided_at,
       coalesce(s.delivered_count, 0) AS delivered_count, s.last_error,
       r.spread,
       CASE WHEN s.granted_count IS NULL THEN r.duration_s END AS duration_s,
       CASE WHEN s.granted_count IS NULL THEN r.start_from END AS start_from,
       CASE WHEN s.granted_count IS NULL THEN r.start_to END AS start_to,
       r.quote_ttl_s, r.hold_until, r.confirmed_at, r.ssh_keys, r.authorized_keys, r.user_data
  FROM reservation r LEFT JOIN reservation_status s ON s.reservation_id = r.id;

-- ---- Grants ----

GRANT SELECT ON image TO sluice_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON project, ssh_key TO sluice_api;
GRANT SELECT ON project, ssh_key TO sluice_api_system;
GRANT SELECT, INSERT, UPDATE, DELETE ON image TO sluice_api_system;
GRANT SELECT ON project, ssh_key, image TO sluice_batch;

DO $$
DECLARE
    subject text;
    process text;
BEGIN
    FOREACH subject IN ARRAY ARRAY['project', 'ssh_key'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', subject);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', subject);
        EXECUTE format('CREATE POLICY own_tenant ON %I FOR ALL TO sluice_api USING (tenant_id = nullif(current_setting(''sluice.tenant'', true), '''')::uuid)', subject);
        FOREACH process IN ARRAY ARRAY['sluice_api_system', 'sluice_batch'] LOOP
            EXECUTE format('CREATE POLICY %I ON %I FOR ALL TO %I USING (true) WITH CHECK (true)', process, subject, process);
        END LOOP;
    END LOOP;
END $$;
CREATE POLICY sluice_owner ON project FOR INSERT TO sluice_owner WITH CHECK (true); -- the trigger of a new tenant

-- ---- Admission ----

-- The successor of admission_admit, which programs of before call: with wished_keys (each the text of an array of names) and
-- user_datas, and what a wish names is looked up.
CREATE FUNCTION admission_enter(
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
BEGIN
    -- Replicas count a tenant's open quotes one after the other.
    IF EXISTS (SELECT FROM unnest(ttls) AS t WHERE t IS NOT NULL) THEN
        PERFORM pg_advisory_xact_lock(hashtextextended('quotes of ' || q.tenant_id, 0))
           FROM (SELECT DISTINCT a.tenant_id FROM unnest(tenants, ttls) AS a (tenant_id, ttl_s) WHERE a.ttl_s IS NOT NULL ORDER BY 1) q;
    END IF;

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

    IF EXISTS (SELECT FROM unnest(quotes) AS q WHERE q IS NOT NULL) THEN
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
    WITH asked AS MATERIALIZED (
        SELECT a.*
          FROM unnest(ids, tenants, principals, keys, hashes, names, projects, zones, types, gpu_counts, gpu_millis, models,
                      cpu_millis, memory_mibs, counts, starts, ends, durations, start_froms, start_tos, withins, requireds, spreads,
                      tiers, unavailables, labels, images, wished_keys, user_datas, ttls, quotes, audits, requests, remotes) WITH ORDINALITY
            AS a (id, tenant_id, principal_id, key, hash, name, project, zone, type, gpu_count, gpu_milli, models,
                  cpu_milli, memory_mib, count, starts_s, ends_s, duration_s, start_from_s, start_to_s, within, required, spread,
                  tier, unavailable, labels, image, ssh_keys, user_data, ttl_s, quote, audit_id, request, remote, ordinal)
         WHERE a.quote IS NULL
    ), judged AS MATERIALIZED (
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
               to_timestamp(a.starts_s) AS starts_at, to_timestamp(a.ends_s) AS ends_at, a.duration_s,
               to_timestamp(a.start_from_s) AS start_from, to_timestamp(a.start_to_s) AS start_to,
               i.object_id AS known_id,
               CASE WHEN i.object_id IS NOT NULL AND i.request_sha256 = a.hash THEN 'replayed'
                    WHEN i.object_id IS NOT NULL THEN 'idempotency_key_reused'
                    WHEN w.status IS DISTINCT FROM 'active' THEN 'tenant_suspended'
                    WHEN z.id IS NULL THEN 'unknown_zone'
                    WHEN a.type IS NOT NULL AND t.id IS NULL THEN 'unknown_instance_type'
                    WHEN p.id IS NULL THEN 'unknown_project'
                    WHEN a.image IS NOT NULL AND b.id IS NULL THEN 'unknown_image'
                    WHEN a.ssh_keys IS NOT NULL AND EXISTS (
                         SELECT FROM unnest(a.ssh_keys::text[]) AS n
                          WHERE NOT EXISTS (SELECT FROM ssh_key k WHERE k.tenant_id = a.tenant_id AND k.name = n)) THEN 'unknown_ssh_key'
                    WHEN a.type IS NULL AND NOT w.may_shape THEN 'shape_not_allowed'
                    WHEN a.ends_s <= coalesce(a.starts_s, extract(epoch FROM present)::bigint)
                         AND a.starts_s IS NOT NULL THEN 'window_reversed'
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
                         + (SELECT count(*) FROM asked b
                             WHERE b.tenant_id = a.tenant_id AND b.ttl_s IS NOT NULL AND b.ordinal < a.ordinal) THEN 'quote_limit'
               END AS refusal
          FROM asked a
          LEFT JOIN tenant w ON w.id = a.tenant_id
          LEFT JOIN zone z ON z.name = a.zone
          LEFT JOIN instance_type t ON t.name = a.type
          LEFT JOIN project p ON p.tenant_id = a.tenant_id AND p.name = a.project
          LEFT JOIN image b ON b.name = a.image AND NOT b.retired
          LEFT JOIN idempotency i ON a.key IS NOT NULL AND i.tenant_id = a.tenant_id AND i.principal_id = a.principal_id AND i.key = a.key
    ), made AS (
        -- Sorted by the unique key, so that replicas wait for each other in one direction only.
        INSERT INTO reservation (id, tenant_id, principal_id, name, project, zone_id, instance_type_id, gpu_count, gpu_milli,
                                 gpu_models, cpu_milli, memory_mib, count, starts_at, ends_at, duration_s, start_from, start_to,
                                 within, within_required, spread, tier, if_unavailable, labels, image, ssh_keys, authorized_keys,
                                 user_data, quote_ttl_s, hold_until,                                 decide_by, created_at)
        SELECT id, tenant_id, principal_id, name, project, zone_id, type_id, gpu_count, gpu_milli, gpu_models, cpu_milli,
               memory_mib, count, starts_at, ends_at, duration_s, start_from, start_to, within, required, spread, tier, unavailable,
               labels, image, ssh_keys, authorized_keys, user_data, ttl_s,
               CASE WHEN ttl_s IS NOT NULL THEN least(present + ttl_s * interval '1 second', starts_at, start_to) END,
               CASE WHEN unavailable <> 'waitlist'
                    THEN least(coalesce(starts_at, start_to) + interval '60 seconds', present + interval '1 hour',
                               present + ttl_s * interval '1 second') END,
               present
          FROM judged WHERE refusal IS NULL
         ORDER BY tenant_id, name, id
        ON CONFLICT DO NOTHING
        RETURNING id
    -- From here on (... IN ...) IS TRUE where a join would say the same: it is hashed whatever the planner believes of the
    -- batch's size, and it believes one row. Nested loops took 43 us a row in batches of 256.
    ), remembered AS (
        INSERT INTO idempotency (tenant_id, principal_id, key, request_sha256, object_id)
        SELECT j.tenant_id, j.principal_id, j.key, j.hash, j.id
          FROM judged j WHERE j.key IS NOT NULL AND (j.id IN (SELECT id FROM made)) IS TRUE
         ORDER BY j.tenant_id, j.principal_id, j.key
        ON CONFLICT DO NOTHING
        RETURNING object_id
    ), told AS (
        INSERT INTO event (occurred_at, tenant_id, zone_id, object_type, object_id, object_revision, kind)
        SELECT present, j.tenant_id, j.zone_id, 'reservation_wish', j.id, 1, 'reservation.created'
          FROM judged j WHERE (j.id IN (SELECT id FROM made)) IS TRUE
         ORDER BY j.ordinal
    ), concluded AS MATERIALIZED (
        SELECT j.*,
               CASE WHEN j.refusal IS NOT NULL THEN j.refusal
                    -- Who took the name is not in sight yet: it may be this very request, sent to another replica.
                    WHEN NOT j.is_made AND j.key IS NOT NULL
                         AND NOT EXISTS (SELECT FROM reservation r
                                          WHERE r.tenant_id = j.tenant_id AND r.name = j.name AND r.name_held)
                         AND NOT EXISTS (SELECT FROM made n JOIN judged o ON o.id = n.id
                                          WHERE o.tenant_id = j.tenant_id AND o.name = j.name) THEN admission_raced()
                    WHEN NOT j.is_made THEN 'name_taken'
                    WHEN j.key IS NOT NULL AND NOT j.is_remembered THEN admission_raced()
                    ELSE 'created'
               END AS conclusion
          FROM (SELECT *, (id IN (SELECT id FROM made)) IS TRUE AS is_made,
                       (id IN (SELECT object_id FROM remembered)) IS TRUE AS is_remembered
                  FROM judged OFFSET 0) j
    ), audited AS (
        INSERT INTO audit (id, tenant_id, principal_id, request_id, remote, action, object_id, result)
        SELECT audit_id, tenant_id, principal_id, request, remote,
               CASE WHEN ttl_s IS NULL THEN 'POST /v1/reservations' ELSE 'POST /v1/quotes' END,
               CASE WHEN conclusion = 'replayed' THEN known_id WHEN conclusion = 'created' THEN id END,
               CASE WHEN conclusion = 'created' THEN 'ok' ELSE conclusion END
          FROM concluded
    )
    SELECT c.ordinal, c.conclusion, coalesce(c.known_id, c.id), extract(epoch FROM present)::bigint
      FROM concluded c
     ORDER BY c.ordinal;
END $$;
COMMENT ON FUNCTION admission_enter IS 'Admits a batch of wishes, one array element each: reservations, quotes (ttls) and confirmations of quotes (quotes), with idempotency, event and audit. Expected refusals are outcomes of their rows; the caller merges equal keys beforehand and sends one NOTIFY per batch';

GRANT CREATE ON SCHEMA sluice TO sluice_batch;
ALTER FUNCTION admission_enter OWNER TO sluice_batch;
REVOKE CREATE ON SCHEMA sluice FROM sluice_batch;
RESET ROLE;
SET LOCAL ROLE sluice_batch;
REVOKE EXECUTE ON FUNCTION admission_enter FROM PUBLIC;
GRANT EXECUTE ON FUNCTION admission_enter TO sluice_api_writer;
RESET ROLE;
