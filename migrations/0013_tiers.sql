-- Who gives way to whom, and when; who waits; what is worked on.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

-- ---- Preemption ----

ALTER TABLE zone ADD COLUMN preemption_notice_s integer NOT NULL DEFAULT 120 CHECK (preemption_notice_s BETWEEN 0 AND 86400);
COMMENT ON COLUMN zone.preemption_notice_s IS 'How long before its end a preemptible instance is told that it gives way';
ALTER TABLE reservation_status ADD COLUMN ends_by timestamptz;
COMMENT ON COLUMN reservation_status.ends_by IS 'When the first of its instances that were told to give way, or whose horizon cannot be held longer, is gone; null: none';
ALTER TABLE instance ADD COLUMN ends_by timestamptz;
COMMENT ON COLUMN instance.ends_by IS 'When it is gone because it gives way, or its horizon cannot be held longer; what is left of its window then is metered as preempted; null: not in sight';
COMMENT ON COLUMN instance_incarnation.end_reason IS 'Why it left: window_ended, cancelled, preempted, horizon_ended, node_lost, start_failed';

-- ---- Open-ended ----

ALTER TABLE instance_type ADD COLUMN open_ended_max_percent integer CHECK (open_ended_max_percent BETWEEN 0 AND 100);
COMMENT ON COLUMN instance_type.open_ended_max_percent IS 'The share of the GPUs that it may land on, per zone, that is sold without an end; null: no cap';

-- ---- Waitlist ----

ALTER TABLE reservation_status ADD COLUMN estimated_starts_at timestamptz;
COMMENT ON COLUMN reservation_status.estimated_starts_at IS 'While it waits: when it would start as things stand; null: not in sight, or not among the first';
CREATE INDEX reservation_status_waiting ON reservation_status (zone_id, decided_at, reservation_id) WHERE state = 'waitlisted';

CREATE POLICY sluice_owner ON reservation_status FOR SELECT TO sluice_owner USING (state = 'waitlisted');
CREATE FUNCTION waitlist_position(zone uuid, since timestamptz, reservation uuid) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = sluice, pg_temp
BEGIN ATOMIC
    SELECT count(*) FROM reservation_status s
     WHERE s.zone_id = zone AND s.state = 'waitlisted' AND (s.decided_at, s.reservation_id) <= (since, reservation);
END;
COMMENT ON FUNCTION waitlist_position IS 'How many of a zone wait up to one that has waited since an instant, itself included; whose they are is not told';
GRANT EXECUTE ON FUNCTION waitlist_position TO sluice_api, sluice_api_system;

-- ---- Maintenance ----

CREATE TABLE maintenance_window (
    id uuid PRIMARY KEY,
    zone_id uuid NOT NULL REFERENCES zone,
    node_ids uuid[] NOT NULL CHECK (cardinality(node_ids) BETWEEN 1 AND 1000),
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL CHECK (ends_at > starts_at),
    reason text NOT NULL,
    principal_id uuid NOT NULL,
    cancel_requested_at timestamptz,
    revision bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT sluice_now()
);
COMMENT ON TABLE maintenance_window IS 'An operator''s wish to take nodes out of service for a time. Written by sluice-api';
COMMENT ON COLUMN maintenance_window.id IS 'UUIDv7; "mnt_..." outside';
COMMENT ON COLUMN maintenance_window.zone_id IS 'Where';
COMMENT ON COLUMN maintenance_window.node_ids IS 'The nodes, all or none; those of a rack or leaf as they were when it was asked for';
COMMENT ON COLUMN maintenance_window.starts_at IS 'Inclusive';
COMMENT ON COLUMN maintenance_window.ends_at IS 'Exclusive';
COMMENT ON COLUMN maintenance_window.reason IS 'Why';
COMMENT ON COLUMN maintenance_window.principal_id IS 'Who asked';
COMMENT ON COLUMN maintenance_window.cancel_requested_at IS 'Domain time of the wish to cancel, or to end it early; null: none';
COMMENT ON COLUMN maintenance_window.revision IS 'Rises with each change of the wish';
COMMENT ON COLUMN maintenance_window.created_at IS 'Domain time';
CREATE INDEX maintenance_window_of_zone ON maintenance_window (zone_id, created_at);

CREATE TABLE maintenance_window_status (
    window_id uuid PRIMARY KEY,
    zone_id uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('planned', 'active', 'done', 'refused', 'cancelled')),
    revision bigint NOT NULL DEFAULT 1,
    wish_revision bigint NOT NULL,
    reason text,
    conflict jsonb,
    moved_count integer NOT NULL DEFAULT 0,
    ends_at timestamptz NOT NULL,
    decided_at timestamptz NOT NULL,
    due_at timestamptz
);
COMMENT ON TABLE maintenance_window_status IS 'What became of a maintenance window. No row: pending. Written by sluice-provisioner';
COMMENT ON COLUMN maintenance_window_status.window_id IS 'The window';
COMMENT ON COLUMN maintenance_window_status.zone_id IS 'Its zone';
COMMENT ON COLUMN maintenance_window_status.state IS 'State of docs/states.md';
COMMENT ON COLUMN maintenance_window_status.revision IS 'Rises with each change';
COMMENT ON COLUMN maintenance_window_status.wish_revision IS 'The wish''s revision it was decided upon';
COMMENT ON COLUMN maintenance_window_status.reason IS 'Why it was refused: a code; null: it was not';
COMMENT ON COLUMN maintenance_window_status.conflict IS 'Who stands in its way (ids) and why; null: nobody';
COMMENT ON COLUMN maintenance_window_status.moved_count IS 'Reservations that were moved aside for it';
COMMENT ON COLUMN maintenance_window_status.ends_at IS 'Its end, moved forward by a cancellation';
COMMENT ON COLUMN maintenance_window_status.decided_at IS 'Domain time of the verdict';
COMMENT ON COLUMN maintenance_window_status.due_at IS 'Domain time at which the reconciler must look again';
CREATE INDEX maintenance_window_due ON maintenance_window_status (zone_id, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX maintenance_window_active ON maintenance_window_status (zone_id) WHERE state = 'active';

ALTER TABLE allocation ADD COLUMN maintenance_window_id uuid;
COMMENT ON COLUMN allocation.maintenance_window_id IS 'For maintenance';
COMMENT ON COLUMN allocation.ordinal IS 'Which instance of the reservation, or which node of the maintenance window, from 0';
ALTER TABLE allocation DROP CONSTRAINT allocation_check1;
ALTER TABLE allocation ADD CONSTRAINT allocation_has_one_owner
    CHECK ((kind = 'maintenance') = (reservation_id IS NULL) AND (kind = 'maintenance') = (maintenance_window_id IS NOT NULL)) NOT VALID;
ALTER TABLE allocation VALIDATE CONSTRAINT allocation_has_one_owner;
CREATE INDEX allocation_of_maintenance ON allocation (maintenance_window_id) WHERE maintenance_window_id IS NOT NULL;
ALTER TABLE allocation_history ADD COLUMN maintenance_window_id uuid;
COMMENT ON COLUMN allocation_history.maintenance_window_id IS 'For maintenance';

GRANT SELECT, INSERT ON maintenance_window TO sluice_api_system;
GRANT UPDATE (cancel_requested_at, revision) ON maintenance_window TO sluice_api_system;
GRANT SELECT ON maintenance_window_status TO sluice_api_system;
GRANT SELECT ON maintenance_window TO sluice_provisioner;
GRANT SELECT, INSERT, UPDATE ON maintenance_window_status TO sluice_provisioner;
