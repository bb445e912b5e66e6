-- What is asked (reservation), what was decided (reservation_status, allocation) and what runs (instance).
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

-- No foreign keys on the way of a create: admission joins the rows it names, and no role may delete those.
CREATE TABLE reservation (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    principal_id uuid NOT NULL,
    name text CHECK (length(name) BETWEEN 1 AND 128),
    name_held boolean NOT NULL DEFAULT true,
    project text NOT NULL DEFAULT 'default',
    zone_id uuid NOT NULL,
    instance_type_id uuid,
    gpu_count integer NOT NULL CHECK (gpu_count BETWEEN 0 AND 64),
    gpu_milli integer NOT NULL CHECK (gpu_milli BETWEEN 0 AND 999),
    gpu_models text[] NOT NULL,
    cpu_milli bigint NOT NULL CHECK (cpu_milli >= 0),
    memory_mib bigint NOT NULL CHECK (memory_mib >= 0),
    count integer NOT NULL CHECK (count BETWEEN 1 AND 100000),
    starts_at timestamptz,
    ends_at timestamptz,
    within text NOT NULL DEFAULT 'zone' CHECK (within IN ('zone', 'fabric', 'rack', 'node')),
    within_required boolean NOT NULL DEFAULT true,
    tier text NOT NULL DEFAULT 'reserved' CHECK (tier IN ('reserved', 'on_demand', 'preemptible')),
    if_unavailable text NOT NULL DEFAULT 'reject' CHECK (if_unavailable IN ('reject', 'waitlist', 'next_window')),
    labels jsonb NOT NULL DEFAULT '{}',
    image text,
    decide_by timestamptz,
    cancel_requested_at timestamptz,
    hidden_at timestamptz,
    revision bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT sluice_now(),
    CHECK ((gpu_count = 0) <> (gpu_milli = 0)),
    CHECK (ends_at > starts_at)
);
COMMENT ON TABLE reservation IS 'A tenant''s wish for instances in a window of time. Written by sluice-api';
COMMENT ON COLUMN reservation.id IS 'UUIDv7; "rsv_..." outside';
COMMENT ON COLUMN reservation.tenant_id IS 'Whose';
COMMENT ON COLUMN reservation.principal_id IS 'Who asked';
COMMENT ON COLUMN reservation.name IS 'Unique per tenant while held; null: none';
COMMENT ON COLUMN reservation.name_held IS 'Whether the name is still taken: freed when the reservation is over and the name is asked for again';
COMMENT ON COLUMN reservation.project IS 'The tenant''s own grouping';
COMMENT ON COLUMN reservation.zone_id IS 'Where';
COMMENT ON COLUMN reservation.instance_type_id IS 'What each instance is; null where the tenant gave a shape';
COMMENT ON COLUMN reservation.gpu_count IS 'Whole GPUs of an instance; 0 for a share';
COMMENT ON COLUMN reservation.gpu_milli IS 'Share of one GPU of an instance, in thousandths; 0 for whole GPUs';
COMMENT ON COLUMN reservation.gpu_models IS 'Models allowed; empty: any';
COMMENT ON COLUMN reservation.cpu_milli IS 'CPU of an instance in thousandths of a core';
COMMENT ON COLUMN reservation.memory_mib IS 'Memory of an instance in MiB';
COMMENT ON COLUMN reservation.count IS 'Instances, all or none';
COMMENT ON COLUMN reservation.starts_at IS 'Wished start, inclusive; null: the instant of the decision';
COMMENT ON COLUMN reservation.ends_at IS 'Wished end, exclusive; null: until cancelled';
COMMENT ON COLUMN reservation.within IS 'Scope that holds all instances';
COMMENT ON COLUMN reservation.within_required IS 'Whether the scope must hold (else it is preferred)';
COMMENT ON COLUMN reservation.tier IS 'What may take its place';
COMMENT ON COLUMN reservation.if_unavailable IS 'What to do where it does not fit';
COMMENT ON COLUMN reservation.labels IS 'The tenant''s own key and value pairs';
COMMENT ON COLUMN reservation.image IS 'Image the instances boot; null: the type''s default';
COMMENT ON COLUMN reservation.decide_by IS 'Past it the wish expires (domain time), so a late planner starts nothing late; null where waitlisted';
COMMENT ON COLUMN reservation.cancel_requested_at IS 'Domain time of the wish to cancel; null: none';
COMMENT ON COLUMN reservation.hidden_at IS 'Domain time of DELETE: reads no longer show it; usage and invoices still do';
COMMENT ON COLUMN reservation.revision IS 'wish_revision: rises with each change of the wish';
COMMENT ON COLUMN reservation.created_at IS 'Domain time';
CREATE UNIQUE INDEX reservation_name ON reservation (tenant_id, name) WHERE name IS NOT NULL AND name_held;
CREATE INDEX reservation_of_tenant ON reservation (tenant_id, id);

CREATE TABLE reservation_status (
    reservation_id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    zone_id uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('scheduled', 'activating', 'active', 'ending', 'ended', 'waitlisted', 'rejected', 'cancelled', 'expired')),
    health text NOT NULL DEFAULT 'ok' CHECK (health IN ('ok', 'degraded', 'short')),
    revision bigint NOT NULL DEFAULT 1,
    wish_revision bigint NOT NULL,
    reason text,
    binding jsonb,
    alternatives jsonb,
    starts_at timestamptz,
    ends_at timestamptz,
    decided_at timestamptz NOT NULL DEFAULT sluice_now(),
    delivered_count integer NOT NULL DEFAULT 0,
    due_at timestamptz,
    deadline_at timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    last_error text
);
COMMENT ON TABLE reservation_status IS 'What was decided and found. No row: pending. Written by sluice-provisioner';
COMMENT ON COLUMN reservation_status.reservation_id IS 'The reservation';
COMMENT ON COLUMN reservation_status.tenant_id IS 'Its tenant';
COMMENT ON COLUMN reservation_status.zone_id IS 'Its zone';
COMMENT ON COLUMN reservation_status.state IS 'State of docs/states.md';
COMMENT ON COLUMN reservation_status.health IS 'From its instances';
COMMENT ON COLUMN reservation_status.revision IS 'status_revision: rises with each change';
COMMENT ON COLUMN reservation_status.wish_revision IS 'The wish''s revision it was decided upon';
COMMENT ON COLUMN reservation_status.reason IS 'Why, where it was refused or went wrong: a code';
COMMENT ON COLUMN reservation_status.binding IS 'The constraint that bound, with numbers; null unless refused';
COMMENT ON COLUMN reservation_status.alternatives IS 'Bodies that can be posted instead; null unless refused';
COMMENT ON COLUMN reservation_status.starts_at IS 'Granted start; null unless granted';
COMMENT ON COLUMN reservation_status.ends_at IS 'Granted end, moved forward by a cancellation; null: open-ended';
COMMENT ON COLUMN reservation_status.decided_at IS 'Domain time of the verdict';
COMMENT ON COLUMN reservation_status.delivered_count IS 'Instances that run now';
COMMENT ON COLUMN reservation_status.due_at IS 'Domain time at which the reconciler must look again';
COMMENT ON COLUMN reservation_status.deadline_at IS 'Domain time at which a transitional state has failed';
COMMENT ON COLUMN reservation_status.attempts IS 'Attempts in this state';
COMMENT ON COLUMN reservation_status.last_error IS 'The last thing that went wrong';
CREATE INDEX reservation_status_due ON reservation_status (zone_id, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX reservation_status_live ON reservation_status (zone_id, state) WHERE state IN ('scheduled', 'activating', 'active', 'ending', 'waitlisted');

CREATE TABLE allocation (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    node_id uuid NOT NULL,
    zone_id uuid NOT NULL,
    slots int4range NOT NULL,
    period tstzrange NOT NULL,
    kind text NOT NULL CHECK (kind IN ('instance', 'turnaround', 'maintenance')),
    reservation_id uuid,
    ordinal integer,
    tenant_id uuid,
    cpu_milli bigint NOT NULL DEFAULT 0,
    memory_mib bigint NOT NULL DEFAULT 0,
    CHECK (NOT isempty(slots) AND NOT isempty(period) AND lower_inc(period) AND NOT upper_inc(period)),
    CHECK ((kind = 'maintenance') = (reservation_id IS NULL)),
    CONSTRAINT allocation_no_double_booking EXCLUDE USING gist (node_id WITH =, slots WITH &&, period WITH &&)
);
COMMENT ON TABLE allocation IS 'Rectangles of present and future: slices of a node''s GPUs for a period. Written by sluice-provisioner';
COMMENT ON COLUMN allocation.id IS 'For paging only';
COMMENT ON COLUMN allocation.node_id IS 'The node';
COMMENT ON COLUMN allocation.zone_id IS 'Its zone';
COMMENT ON COLUMN allocation.slots IS 'Milli-GPUs of the node: GPU 3 whole is [3000,4000)';
COMMENT ON COLUMN allocation.period IS 'Half-open, UTC, domain time; upper infinity: open-ended';
COMMENT ON COLUMN allocation.kind IS 'What takes it';
COMMENT ON COLUMN allocation.reservation_id IS 'For an instance and the turnaround behind it';
COMMENT ON COLUMN allocation.ordinal IS 'Which instance of the reservation, from 0';
COMMENT ON COLUMN allocation.tenant_id IS 'The reservation''s tenant';
COMMENT ON COLUMN allocation.cpu_milli IS 'CPU taken; carried by one rectangle per instance and instant';
COMMENT ON COLUMN allocation.memory_mib IS 'Memory taken; likewise';
CREATE INDEX allocation_of_reservation ON allocation (reservation_id, ordinal);
CREATE INDEX allocation_ended ON allocation (zone_id, upper(period));

CREATE TABLE allocation_history (
    node_id uuid NOT NULL,
    zone_id uuid NOT NULL,
    slots int4range NOT NULL,
    period tstzrange NOT NULL,
    ended_at timestamptz NOT NULL,
    kind text NOT NULL,
    reservation_id uuid,
    ordinal integer,
    tenant_id uuid,
    cpu_milli bigint NOT NULL,
    memory_mib bigint NOT NULL
) PARTITION BY RANGE (ended_at);
COMMENT ON TABLE allocation_history IS 'Rectangles that ended: moved here so that the exclusion index stays as small as the future is. Written by sluice-provisioner';
COMMENT ON COLUMN allocation_history.node_id IS 'The node';
COMMENT ON COLUMN allocation_history.zone_id IS 'Its zone';
COMMENT ON COLUMN allocation_history.slots IS 'Milli-GPUs';
COMMENT ON COLUMN allocation_history.period IS 'When';
COMMENT ON COLUMN allocation_history.ended_at IS 'Upper bound of the period: the partition key';
COMMENT ON COLUMN allocation_history.kind IS 'What took it';
COMMENT ON COLUMN allocation_history.reservation_id IS 'Whose';
COMMENT ON COLUMN allocation_history.ordinal IS 'Which instance';
COMMENT ON COLUMN allocation_history.tenant_id IS 'The reservation''s tenant';
COMMENT ON COLUMN allocation_history.cpu_milli IS 'CPU taken';
COMMENT ON COLUMN allocation_history.memory_mib IS 'Memory taken';
CREATE INDEX allocation_history_of_reservation ON allocation_history (reservation_id);
CREATE TABLE allocation_history_default PARTITION OF allocation_history DEFAULT;
COMMENT ON TABLE allocation_history_default IS 'Catches what no partition takes; a row in it raises the alert SluiceDefaultPartitionUsed';
INSERT INTO partition_policy VALUES ('allocation_history', 'month', 3, NULL, true);

CREATE TABLE instance (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    reservation_id uuid NOT NULL,
    ordinal integer NOT NULL,
    zone_id uuid NOT NULL,
    node_id uuid,
    state text NOT NULL CHECK (state IN ('planned', 'provisioning', 'running', 'stopping', 'terminated', 'stopped', 'replacing', 'failed')),
    revision bigint NOT NULL DEFAULT 1,
    incarnation integer NOT NULL DEFAULT 1,
    gpu_milli integer NOT NULL CHECK (gpu_milli > 0),
    cpu_milli bigint NOT NULL,
    memory_mib bigint NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz,
    address text,
    due_at timestamptz,
    deadline_at timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    last_error text,
    created_at timestamptz NOT NULL DEFAULT sluice_now(),
    UNIQUE (reservation_id, ordinal)
);
COMMENT ON TABLE instance IS 'A GPU instance: a durable identity that keeps its id when it moves to another node. Written by sluice-provisioner';
COMMENT ON COLUMN instance.id IS 'UUIDv7; "ins_..." outside';
COMMENT ON COLUMN instance.tenant_id IS 'Whose';
COMMENT ON COLUMN instance.reservation_id IS 'Of which reservation';
COMMENT ON COLUMN instance.ordinal IS 'Which of its instances, from 0';
COMMENT ON COLUMN instance.zone_id IS 'Where';
COMMENT ON COLUMN instance.node_id IS 'The node it is on; null while it is replaced or after it failed';
COMMENT ON COLUMN instance.state IS 'State of docs/states.md';
COMMENT ON COLUMN instance.revision IS 'Rises with each change; events carry it';
COMMENT ON COLUMN instance.incarnation IS 'Number of its current or last incarnation';
COMMENT ON COLUMN instance.gpu_milli IS 'Its size: 1000 per whole GPU';
COMMENT ON COLUMN instance.cpu_milli IS 'CPU';
COMMENT ON COLUMN instance.memory_mib IS 'Memory';
COMMENT ON COLUMN instance.starts_at IS 'Start of its window';
COMMENT ON COLUMN instance.ends_at IS 'End of its window; null: open-ended';
COMMENT ON COLUMN instance.address IS 'Where to connect; null until it runs';
COMMENT ON COLUMN instance.due_at IS 'Domain time at which the reconciler must look again';
COMMENT ON COLUMN instance.deadline_at IS 'Domain time at which a transitional state has failed';
COMMENT ON COLUMN instance.attempts IS 'Attempts in this state';
COMMENT ON COLUMN instance.last_error IS 'The last thing that went wrong';
COMMENT ON COLUMN instance.created_at IS 'Domain time';
CREATE INDEX instance_due ON instance (zone_id, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX instance_on_node ON instance (node_id) WHERE state NOT IN ('terminated', 'failed');
CREATE INDEX instance_of_tenant ON instance (tenant_id, id);

CREATE TABLE instance_incarnation (
    instance_id uuid NOT NULL,
    incarnation integer NOT NULL,
    tenant_id uuid NOT NULL,
    node_id uuid NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at timestamptz,
    end_reason text,
    PRIMARY KEY (instance_id, incarnation)
);
COMMENT ON TABLE instance_incarnation IS 'Each stay of an instance on a node. Written by sluice-provisioner';
COMMENT ON COLUMN instance_incarnation.instance_id IS 'The instance';
COMMENT ON COLUMN instance_incarnation.incarnation IS '1, 2, ...';
COMMENT ON COLUMN instance_incarnation.tenant_id IS 'Whose';
COMMENT ON COLUMN instance_incarnation.node_id IS 'The node';
COMMENT ON COLUMN instance_incarnation.started_at IS 'Domain time at which it was started there';
COMMENT ON COLUMN instance_incarnation.ended_at IS 'Domain time at which it left; null while it is there';
COMMENT ON COLUMN instance_incarnation.end_reason IS 'Why it left: window_ended, cancelled, node_lost, start_failed';

CREATE TABLE sim_workload (
    instance_id uuid NOT NULL,
    incarnation integer NOT NULL,
    zone_id uuid NOT NULL,
    node_id uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('starting', 'up', 'stopping', 'down', 'broken')),
    changes_at timestamptz,
    will_fail boolean NOT NULL DEFAULT false,
    PRIMARY KEY (instance_id, incarnation)
);
COMMENT ON TABLE sim_workload IS 'The sim driver''s world: what its stand-in nodes run. Written by sluice-provisioner';
COMMENT ON COLUMN sim_workload.instance_id IS 'The instance';
COMMENT ON COLUMN sim_workload.incarnation IS 'Its incarnation';
COMMENT ON COLUMN sim_workload.zone_id IS 'Its zone';
COMMENT ON COLUMN sim_workload.node_id IS 'Where';
COMMENT ON COLUMN sim_workload.state IS 'What the node would report; broken: the start failed';
COMMENT ON COLUMN sim_workload.changes_at IS 'Domain time at which starting becomes up (or broken), or stopping becomes down';
COMMENT ON COLUMN sim_workload.will_fail IS 'Drawn at the start from the zone''s probability and seed';
CREATE INDEX sim_workload_changing ON sim_workload (zone_id, changes_at) WHERE changes_at IS NOT NULL;

-- What a tenant sees of a reservation: the wish and, where there is one, the verdict. Runs with the reader's rights.
CREATE VIEW reservation_view WITH (security_invoker = true) AS
SELECT r.id, r.tenant_id, r.principal_id, r.name, r.project, r.zone_id, r.instance_type_id, r.gpu_count, r.gpu_milli, r.gpu_models,
       r.cpu_milli, r.memory_mib, r.count, r.starts_at, r.ends_at, r.within, r.within_required, r.tier, r.if_unavailable,
       r.labels, r.image, r.decide_by, r.cancel_requested_at, r.hidden_at, r.created_at, r.revision AS wish_revision,
       coalesce(s.state, 'pending') AS state, coalesce(s.health, 'ok') AS health, coalesce(s.revision, 0) AS status_revision,
       s.reason, s.binding, s.alternatives, s.starts_at AS granted_starts_at, s.ends_at AS granted_ends_at, s.decided_at,
       coalesce(s.delivered_count, 0) AS delivered_count, s.last_error
  FROM reservation r LEFT JOIN reservation_status s ON s.reservation_id = r.id;
COMMENT ON VIEW reservation_view IS 'A reservation as its tenant sees it: the wish with the verdict; no verdict yet is pending';
