-- What a tenant can wish: topology (leaves, NVLink domains, spread), a start that is left to the planner, and quotes:
-- priced holds with a time to live. Admission gets a successor that takes them; programs of before call the old function.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

-- ---- Topology ----

CREATE TABLE leaf (
    id uuid PRIMARY KEY,
    fabric_id uuid NOT NULL REFERENCES fabric,
    name text NOT NULL,
    UNIQUE (fabric_id, name)
);
COMMENT ON TABLE leaf IS 'A leaf switch (rail group) within a fabric: the racks behind it are one step apart. Written by sluice-api';
COMMENT ON COLUMN leaf.id IS 'UUIDv7';
COMMENT ON COLUMN leaf.fabric_id IS 'Its fabric';
COMMENT ON COLUMN leaf.name IS 'Unique within the fabric';

ALTER TABLE rack ADD COLUMN leaf_id uuid REFERENCES leaf;
COMMENT ON COLUMN rack.leaf_id IS 'The leaf switch it is behind; null: not known, then the rack is a leaf by itself';

ALTER TABLE node ADD COLUMN nvlink_domain text NOT NULL DEFAULT 'node' CHECK (nvlink_domain IN ('node', 'rack'));
COMMENT ON COLUMN node.nvlink_domain IS 'How far its NVLink reaches: the node (HGX) or its rack (NVL72)';

-- ---- Wishes ----

ALTER TABLE reservation
    ADD COLUMN spread text CHECK (spread IN ('node', 'rack', 'leaf')),
    ADD COLUMN duration_s bigint CHECK (duration_s BETWEEN 1 AND 315360000),
    ADD COLUMN start_from timestamptz,
    ADD COLUMN start_to timestamptz,
    ADD COLUMN quote_ttl_s integer CHECK (quote_ttl_s BETWEEN 10 AND 86400),
    ADD COLUMN hold_until timestamptz,
    ADD COLUMN confirmed_at timestamptz,
    ADD CONSTRAINT reservation_start_is_fixed_or_flexible
        CHECK (CASE WHEN duration_s IS NULL THEN start_from IS NULL AND start_to IS NULL
                    ELSE start_to IS NOT NULL AND starts_at IS NULL AND ends_at IS NULL END),
    ADD CONSTRAINT reservation_start_range_is_in_order CHECK (start_from <= start_to),
    ADD CONSTRAINT reservation_quote_has_an_end
        CHECK ((quote_ttl_s IS NULL) = (hold_until IS NULL) AND (confirmed_at IS NULL OR hold_until IS NOT NULL)),
    DROP CONSTRAINT reservation_within_check,
    ADD CONSTRAINT reservation_within_check CHECK (within IN ('zone', 'fabric', 'leaf', 'rack', 'nvlink_domain', 'node'));
COMMENT ON COLUMN reservation.spread IS 'No two instances within one of these; null: it does not matter';
COMMENT ON COLUMN reservation.duration_s IS 'Length, where the start is flexible; starts_at and ends_at are null then';
COMMENT ON COLUMN reservation.start_from IS 'Earliest start, where it is flexible; null: the instant of the decision';
COMMENT ON COLUMN reservation.start_to IS 'Latest start, where it is flexible';
COMMENT ON COLUMN reservation.quote_ttl_s IS 'How long the quote holds, as asked for; null: this is no quote';
COMMENT ON COLUMN reservation.hold_until IS 'Domain time at which an unconfirmed quote ends; null: this is no quote';
COMMENT ON COLUMN reservation.confirmed_at IS 'Domain time at which the quote became a reservation; null: it did not';
CREATE INDEX reservation_open_quotes ON reservation (tenant_id, hold_until) WHERE hold_until IS NOT NULL AND confirmed_at IS NULL;

ALTER TABLE tenant ADD COLUMN quotes_max integer NOT NULL DEFAULT 20 CHECK (quotes_max BETWEEN 0 AND 100000);
COMMENT ON COLUMN tenant.quotes_max IS 'Quotes it may hold at one time';

ALTER TABLE reservation_status
    DROP CONSTRAINT reservation_status_state_check,
    ADD CONSTRAINT reservation_status_state_check CHECK (state IN ('held', 'scheduled', 'activating', 'active', 'ending', 'ended',
                                                                   'waitlisted', 'rejected', 'cancelled', 'expired'));
DROP INDEX reservation_status_live;
CREATE INDEX reservation_status_live ON reservation_status (zone_id, state)
    WHERE state IN ('held', 'scheduled', 'activating', 'active', 'ending', 'waitlisted');

CREATE OR REPLACE VIEW reservation_view WITH (security_invoker = true) AS
SELECT r.id, r.tenant_id, r.principal_id, r.name, r.project, r.zone_id, r.instance_type_id, r.gpu_count, r.gpu_milli, r.gpu_models,
       r.cpu_milli, r.memory_mib, r.count, r.starts_at, r.ends_at, r.within, r.within_required, r.tier, r.if_unavailable,
       r.labels, r.image, r.decide_by, r.cancel_requested_at, r.hidden_at, r.created_at, r.revision AS wish_revision,
       coalesce(s.state, 'pending') AS state, coalesce(s.health, 'ok') AS health, coalesce(s.revision, 0) AS status_revision,
       s.reason, s.binding, s.alternatives, s.starts_at AS granted_starts_at, s.ends_at AS granted_ends_at, s.decided_at,
       coalesce(s.delivered_count, 0) AS delivered_count, s.last_error,
       r.spread, r.duration_s, r.start_from, r.start_to, r.quote_ttl_s, r.hold_until, r.confirmed_at
  FROM reservation r LEFT JOIN reservation_status s ON s.reservation_id = r.id;

-- ---- Grants ----

GRANT SELECT, INSERT, UPDATE ON leaf TO sluice_api_system;
GRANT SELECT ON leaf TO sluice_provisioner;
GRANT UPDATE (confirmed_at, revision) ON reservation TO sluice_batch;

-- ---- Admission ----

-- Confirms quotes: each row is one repetition-proof attempt to turn a hold firm.
CREATE FUNCTION admission_confirm(quotes uuid[], ordinals bigint[], tenants uuid[], principals uuid[], keys text[], hashes bytea[],
                                  audits uuid[], requests text[], remotes text[])
RETURNS TABLE (ordinal bigint, outcome text, object_id uuid, created_at_s bigint)
LANGUAGE plpgsql SET search_path = sluice, pg_temp AS $$
#variable_conflict use_column
DECLARE
    present timestamptz := sluice_now();
BEGIN
    -- What is read below stands until the commit: nobody else confirms these or gives them back.
    PERFORM FROM reservation r WHERE r.id = ANY (quotes) ORDER BY r.id FOR UPDATE;

    RETURN QUERY
    WITH asked AS MATERIALIZED (
        SELECT a.* FROM unnest(quotes, ordinals, tenants, principals, keys, hashes, audits, requests, remotes)
            AS a (quote, ordinal, tenant_id, principal_id, key, hash, audit_id, request, remote)
    ), judged AS MATERIALIZED (
        SELECT a.*, r.zone_id, r.revision, i.object_id AS known_id,
               CASE WHEN i.object_id IS NOT NULL AND i.request_sha256 = a.hash THEN 'replayed'
                    WHEN i.object_id IS NOT NULL THEN 'idempotency_key_reused'
                    WHEN w.status IS DISTINCT FROM 'active' THEN 'tenant_suspended'
                    WHEN r.id IS NULL THEN 'unknown_quote'
                    WHEN r.confirmed_at IS NOT NULL THEN 'quote_used'
                    WHEN s.state = 'held' AND r.hold_until > present
                         AND row_number() OVER (PARTITION BY a.quote ORDER BY a.ordinal) = 1 THEN 'confirmed'
                    WHEN s.state = 'held' AND r.hold_until > present THEN 'quote_used'
                    WHEN s.state = 'held' OR s.state = 'expired' THEN 'quote_expired'
                    ELSE 'quote_not_held'
               END AS conclusion
          FROM asked a
          LEFT JOIN tenant w ON w.id = a.tenant_id
          LEFT JOIN reservation r ON r.id = a.quote AND r.tenant_id = a.tenant_id AND r.hold_until IS NOT NULL AND r.hidden_at IS NULL
          LEFT JOIN reservation_status s ON s.reservation_id = r.id
          LEFT JOIN idempotency i ON a.key IS NOT NULL AND i.tenant_id = a.tenant_id AND i.principal_id = a.principal_id AND i.key = a.key
    ), firm AS (
        UPDATE reservation r SET confirmed_at = present, revision = r.revision + 1
          FROM judged j WHERE j.conclusion = 'confirmed' AND r.id = j.quote
        RETURNING r.id, r.revision
    ), remembered AS (
        INSERT INTO idempotency (tenant_id, principal_id, key, request_sha256, object_id)
        SELECT j.tenant_id, j.principal_id, j.key, j.hash, j.quote
          FROM judged j WHERE j.conclusion = 'confirmed' AND j.key IS NOT NULL
         ORDER BY j.tenant_id, j.principal_id, j.key
        ON CONFLICT DO NOTHING
        RETURNING object_id
    ), told AS (
        INSERT INTO event (occurred_at, tenant_id, zone_id, object_type, object_id, object_revision, kind)
        SELECT present, j.tenant_id, j.zone_id, 'reservation_wish', j.quote, f.revision, 'reservation.confirmed'
          FROM judged j JOIN firm f ON f.id = j.quote AND j.conclusion = 'confirmed'
         ORDER BY j.ordinal
    ), concluded AS MATERIALIZED (
        SELECT j.*, CASE WHEN j.conclusion = 'confirmed' AND j.key IS NOT NULL AND k.object_id IS NULL THEN admission_raced()
                         ELSE j.conclusion END AS final
          FROM judged j LEFT JOIN remembered k ON k.object_id = j.quote
    ), audited AS (
        INSERT INTO audit (id, tenant_id, principal_id, request_id, remote, action, object_id, result)
        SELECT audit_id, tenant_id, principal_id, request, remote, 'POST /v1/reservations',
               CASE WHEN final = 'replayed' THEN known_id WHEN final = 'confirmed' THEN quote END,
               CASE WHEN final = 'confirmed' THEN 'ok' ELSE final END
          FROM concluded
    )
    SELECT c.ordinal, c.final, coalesce(c.known_id, c.quote), extract(epoch FROM present)::bigint FROM concluded c;
END $$;
COMMENT ON FUNCTION admission_confirm IS 'The part of admission_admit that turns quotes into reservations: each row has its outcome';

CREATE FUNCTION admission_admit(
    ids uuid[], tenants uuid[], principals uuid[], keys text[], hashes bytea[], names text[], projects text[], zones text[],
    types text[], gpu_counts integer[], gpu_millis integer[], models text[], cpu_millis bigint[], memory_mibs bigint[],
    counts integer[], starts bigint[], ends bigint[], durations bigint[], start_froms bigint[], start_tos bigint[], withins text[],
    requireds boolean[], spreads text[], tiers text[], unavailables text[], labels jsonb[], images text[], ttls integer[],
    quotes uuid[], audits uuid[], requests text[], remotes text[])
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
                      tiers, unavailables, labels, images, ttls, quotes, audits, requests, remotes) WITH ORDINALITY
            AS a (id, tenant_id, principal_id, key, hash, name, project, zone, type, gpu_count, gpu_milli, models,
                  cpu_milli, memory_mib, count, starts_s, ends_s, duration_s, start_from_s, start_to_s, within, required, spread,
                  tier, unavailable, labels, image, ttl_s, quote, audit_id, request, remote, ordinal)
         WHERE a.quote IS NULL
    ), judged AS MATERIALIZED (
        SELECT a.ordinal, a.id, a.tenant_id, a.principal_id, a.key, a.hash, a.name, a.project, a.count, a.within, a.required, a.spread,
               a.tier, a.unavailable, a.labels, a.image, a.ttl_s, a.audit_id, a.request, a.remote,
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
          LEFT JOIN idempotency i ON a.key IS NOT NULL AND i.tenant_id = a.tenant_id AND i.principal_id = a.principal_id AND i.key = a.key
    ), made AS (
        -- Sorted by the unique key, so that replicas wait for each other in one direction only.
        INSERT INTO reservation (id, tenant_id, principal_id, name, project, zone_id, instance_type_id, gpu_count, gpu_milli,
                                 gpu_models, cpu_milli, memory_mib, count, starts_at, ends_at, duration_s, start_from, start_to,
                                 within, within_required, spread, tier, if_unavailable, labels, image, quote_ttl_s, hold_until,
                                 decide_by, created_at)
        SELECT id, tenant_id, principal_id, name, project, zone_id, type_id, gpu_count, gpu_milli, gpu_models, cpu_milli,
               memory_mib, count, starts_at, ends_at, duration_s, start_from, start_to, within, required, spread, tier, unavailable,
               labels, image, ttl_s,
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
COMMENT ON FUNCTION admission_admit IS 'Admits a batch of wishes, one array element each: reservations, quotes (ttls) and confirmations of quotes (quotes), with idempotency, event and audit. Expected refusals are outcomes of their rows; the caller merges equal keys beforehand and sends one NOTIFY per batch';

GRANT CREATE ON SCHEMA sluice TO sluice_batch;
ALTER FUNCTION admission_confirm OWNER TO sluice_batch;
ALTER FUNCTION admission_admit OWNER TO sluice_batch;
REVOKE CREATE ON SCHEMA sluice FROM sluice_batch;
RESET ROLE;
SET LOCAL ROLE sluice_batch;
REVOKE EXECUTE ON FUNCTION admission_admit, admission_confirm FROM PUBLIC;
GRANT EXECUTE ON FUNCTION admission_admit TO sluice_api_writer;
RESET ROLE;
