-- Amendments: new terms for a reservation that has its place; and quotas: what a tenant may hold.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

-- ---- Amendments ----

CREATE TABLE amendment (
    id uuid PRIMARY KEY,
    reservation_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    zone_id uuid NOT NULL,
    principal_id uuid NOT NULL,
    revision bigint NOT NULL,
    changes_start boolean NOT NULL,
    starts_at timestamptz,
    changes_end boolean NOT NULL,
    ends_at timestamptz,
    count integer CHECK (count BETWEEN 1 AND 100000),
    created_at timestamptz NOT NULL DEFAULT sluice_now(),
    CHECK (changes_start OR changes_end OR count IS NOT NULL),
    CHECK ((changes_start OR starts_at IS NULL) AND (changes_end OR ends_at IS NULL)),
    UNIQUE (reservation_id, revision)
);
COMMENT ON TABLE amendment IS 'A wish for other terms of a reservation that was granted: all of it or nothing. Written by sluice-api';
COMMENT ON COLUMN amendment.id IS 'UUIDv7; "amd_..." outside';
COMMENT ON COLUMN amendment.reservation_id IS 'The reservation';
COMMENT ON COLUMN amendment.tenant_id IS 'Whose';
COMMENT ON COLUMN amendment.zone_id IS 'The reservation''s zone, whose planner decides';
COMMENT ON COLUMN amendment.principal_id IS 'Who asked';
COMMENT ON COLUMN amendment.revision IS 'The reservation''s wish_revision that it made; amendments are decided in this order';
COMMENT ON COLUMN amendment.changes_start IS 'Whether another start is wished';
COMMENT ON COLUMN amendment.starts_at IS 'Wished start; null where it is wished: the instant of the decision';
COMMENT ON COLUMN amendment.changes_end IS 'Whether another end is wished';
COMMENT ON COLUMN amendment.ends_at IS 'Wished end; null where it is wished: until cancelled';
COMMENT ON COLUMN amendment.count IS 'Wished number of instances; null: as it is';
COMMENT ON COLUMN amendment.created_at IS 'Domain time';

CREATE TABLE amendment_status (
    amendment_id uuid PRIMARY KEY,
    reservation_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('granted', 'refused', 'cancelled')),
    reason text,
    binding jsonb,
    starts_at timestamptz,
    ends_at timestamptz,
    count integer,
    decided_at timestamptz NOT NULL DEFAULT sluice_now(),
    CHECK ((state = 'granted') = (count IS NOT NULL) AND (state = 'granted') = (starts_at IS NOT NULL))
);
COMMENT ON TABLE amendment_status IS 'What was decided of an amendment. No row: requested. Written by sluice-provisioner';
COMMENT ON COLUMN amendment_status.amendment_id IS 'The amendment';
COMMENT ON COLUMN amendment_status.reservation_id IS 'Its reservation';
COMMENT ON COLUMN amendment_status.tenant_id IS 'Its tenant';
COMMENT ON COLUMN amendment_status.state IS 'granted, refused, or cancelled with its reservation';
COMMENT ON COLUMN amendment_status.reason IS 'Why it was refused: a code; null where granted';
COMMENT ON COLUMN amendment_status.binding IS 'The constraint that bound, with numbers; null unless refused';
COMMENT ON COLUMN amendment_status.starts_at IS 'Start of the reservation by these terms; null unless granted';
COMMENT ON COLUMN amendment_status.ends_at IS 'End by these terms; null: open-ended, or not granted';
COMMENT ON COLUMN amendment_status.count IS 'Instances by these terms; null unless granted';
COMMENT ON COLUMN amendment_status.decided_at IS 'Domain time of the verdict';

-- The wish stays what was first asked for. What holds now, where an amendment was granted, stands with the verdict.
ALTER TABLE reservation_status
    ADD COLUMN granted_count integer,
    ADD COLUMN terms_starts_at timestamptz,
    ADD COLUMN terms_ends_at timestamptz;
COMMENT ON COLUMN reservation_status.granted_count IS 'Instances by the last amendment that was granted; null: none was, and the wish''s terms hold';
COMMENT ON COLUMN reservation_status.terms_starts_at IS 'Start by the last amendment that was granted; null: none was';
COMMENT ON COLUMN reservation_status.terms_ends_at IS 'End by the last amendment that was granted; null: open-ended, or none was';

-- An ordinal that was given up and asked for again is another instance: the one before may still be stopping.
ALTER TABLE instance DROP CONSTRAINT instance_reservation_id_ordinal_key;
CREATE UNIQUE INDEX instance_of_ordinal ON instance (reservation_id, ordinal) WHERE state NOT IN ('stopping', 'terminated', 'failed');
CREATE INDEX instance_of_reservation ON instance (reservation_id, ordinal);

-- count, starts_at and ends_at of a reservation are its terms: the last that were granted, else those of the wish.
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
       r.quote_ttl_s, r.hold_until, r.confirmed_at
  FROM reservation r LEFT JOIN reservation_status s ON s.reservation_id = r.id;

-- ---- Quotas ----

CREATE TABLE quota (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenant,
    zone_id uuid NOT NULL REFERENCES zone,
    project text CHECK (length(project) BETWEEN 1 AND 63),
    gpu_model text CHECK (length(gpu_model) BETWEEN 1 AND 47),
    peak_gpu_milli bigint CHECK (peak_gpu_milli BETWEEN 0 AND 1000000000000),
    month_gpu_hours bigint CHECK (month_gpu_hours BETWEEN 0 AND 1000000000),
    revision bigint NOT NULL DEFAULT 1,
    changed_at timestamptz NOT NULL DEFAULT sluice_now(),
    CHECK (num_nonnulls(peak_gpu_milli, month_gpu_hours) > 0),
    CONSTRAINT quota_subject UNIQUE NULLS NOT DISTINCT (tenant_id, zone_id, project, gpu_model)
);
COMMENT ON TABLE quota IS 'What a tenant or one of its projects may hold of a zone: a grant per zone, so that one planner decides. Written by sluice-api';
COMMENT ON COLUMN quota.id IS 'UUIDv7; "qta_..." outside';
COMMENT ON COLUMN quota.tenant_id IS 'The tenant';
COMMENT ON COLUMN quota.zone_id IS 'The zone';
COMMENT ON COLUMN quota.project IS 'The project; null: the tenant as a whole';
COMMENT ON COLUMN quota.gpu_model IS 'The GPU model; null: any';
COMMENT ON COLUMN quota.peak_gpu_milli IS 'GPUs at one instant, in thousandths; null: no such limit';
COMMENT ON COLUMN quota.month_gpu_hours IS 'GPU-hours of a calendar month (UTC); null: no such limit';
COMMENT ON COLUMN quota.revision IS 'Rises with each change; events carry it';
COMMENT ON COLUMN quota.changed_at IS 'Domain time';
CREATE INDEX quota_of_zone ON quota (zone_id);

-- ---- Grants ----

GRANT SELECT, INSERT ON amendment TO sluice_api;
GRANT SELECT ON amendment_status, quota TO sluice_api;
GRANT UPDATE (name, project, labels, if_unavailable) ON reservation TO sluice_api;
GRANT SELECT ON amendment, amendment_status TO sluice_api_system;
GRANT SELECT, INSERT, UPDATE, DELETE ON quota TO sluice_api_system;
GRANT SELECT ON amendment, quota TO sluice_provisioner;
GRANT SELECT, INSERT ON amendment_status TO sluice_provisioner;

DO $$
DECLARE
    subject text;
    process text;
BEGIN
    FOREACH subject IN ARRAY ARRAY['amendment', 'amendment_status', 'quota'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', subject);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', subject);
        EXECUTE format('CREATE POLICY own_tenant ON %I FOR ALL TO sluice_api USING (tenant_id = nullif(current_setting(''sluice.tenant'', true), '''')::uuid)', subject);
        FOREACH process IN ARRAY ARRAY['sluice_api_system', 'sluice_provisioner'] LOOP
            EXECUTE format('CREATE POLICY %I ON %I FOR ALL TO %I USING (true) WITH CHECK (true)', process, subject, process);
        END LOOP;
    END LOOP;
END $$;
