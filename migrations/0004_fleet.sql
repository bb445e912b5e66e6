-- What there is to sell: zones, fabrics, racks, nodes and instance types (wishes of operators), and what the
-- system found of the nodes (node_status).
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

CREATE TABLE zone (
    id uuid PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
    driver text NOT NULL DEFAULT 'sim' CHECK (driver IN ('sim')),
    lead_s integer NOT NULL DEFAULT 0 CHECK (lead_s BETWEEN 0 AND 86400),
    sim_start_s integer NOT NULL DEFAULT 0 CHECK (sim_start_s BETWEEN 0 AND 86400),
    sim_stop_s integer NOT NULL DEFAULT 0 CHECK (sim_stop_s BETWEEN 0 AND 86400),
    sim_fail_ppm integer NOT NULL DEFAULT 0 CHECK (sim_fail_ppm BETWEEN 0 AND 1000000),
    sim_seed bigint NOT NULL DEFAULT 1,
    revision bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT sluice_now()
);
COMMENT ON TABLE zone IS 'The unit of planning: one planner leads it. Written by sluice-api';
COMMENT ON COLUMN zone.id IS 'UUIDv7';
COMMENT ON COLUMN zone.name IS 'Unique name';
COMMENT ON COLUMN zone.driver IS 'How instances get onto its nodes; sim stands for nodes nobody has here';
COMMENT ON COLUMN zone.lead_s IS 'How long before its window an instance is started';
COMMENT ON COLUMN zone.sim_start_s IS 'sim: domain seconds an instance takes to start';
COMMENT ON COLUMN zone.sim_stop_s IS 'sim: domain seconds an instance takes to stop';
COMMENT ON COLUMN zone.sim_fail_ppm IS 'sim: probability that a start fails, in millionths';
COMMENT ON COLUMN zone.sim_seed IS 'sim: seed of its faults: the same seed and history give the same faults';
COMMENT ON COLUMN zone.revision IS 'Rises with each change';
COMMENT ON COLUMN zone.created_at IS 'Domain time';

CREATE TABLE fabric (
    id uuid PRIMARY KEY,
    zone_id uuid NOT NULL REFERENCES zone,
    name text NOT NULL,
    UNIQUE (zone_id, name)
);
COMMENT ON TABLE fabric IS 'A network fabric within a zone. Written by sluice-api';
COMMENT ON COLUMN fabric.id IS 'UUIDv7';
COMMENT ON COLUMN fabric.zone_id IS 'Its zone';
COMMENT ON COLUMN fabric.name IS 'Unique within the zone';

CREATE TABLE rack (
    id uuid PRIMARY KEY,
    fabric_id uuid NOT NULL REFERENCES fabric,
    name text NOT NULL,
    UNIQUE (fabric_id, name)
);
COMMENT ON TABLE rack IS 'A rack within a fabric. Written by sluice-api';
COMMENT ON COLUMN rack.id IS 'UUIDv7';
COMMENT ON COLUMN rack.fabric_id IS 'Its fabric';
COMMENT ON COLUMN rack.name IS 'Unique within the fabric';

CREATE TABLE node (
    id uuid PRIMARY KEY,
    zone_id uuid NOT NULL REFERENCES zone,
    rack_id uuid NOT NULL REFERENCES rack,
    name text NOT NULL,
    gpu_model text NOT NULL,
    gpu_count integer NOT NULL CHECK (gpu_count BETWEEN 1 AND 64),
    gpu_grouping text NOT NULL DEFAULT 'any' CHECK (gpu_grouping IN ('any', 'pairs', 'quads')),
    cpu_milli bigint NOT NULL CHECK (cpu_milli > 0),
    memory_mib bigint NOT NULL CHECK (memory_mib > 0),
    turnaround_s integer NOT NULL DEFAULT 0 CHECK (turnaround_s BETWEEN 0 AND 604800),
    cordoned boolean NOT NULL DEFAULT false,
    cordon_reason text,
    cordoned_by text,
    cordoned_at timestamptz,
    sim_powered boolean NOT NULL DEFAULT true,
    revision bigint NOT NULL DEFAULT 1,
    enrolled_at timestamptz NOT NULL DEFAULT sluice_now(),
    UNIQUE (zone_id, name)
);
COMMENT ON TABLE node IS 'A physical node as enrolled by an operator, and what operators wish of it. Written by sluice-api';
COMMENT ON COLUMN node.id IS 'UUIDv7';
COMMENT ON COLUMN node.zone_id IS 'Its zone';
COMMENT ON COLUMN node.rack_id IS 'Its rack, and so its fabric';
COMMENT ON COLUMN node.name IS 'Serial or host name, unique within the zone';
COMMENT ON COLUMN node.gpu_model IS 'Model of its GPUs, e.g. "H100"';
COMMENT ON COLUMN node.gpu_count IS 'Its range of slots is [0, 1000 * gpu_count) milli-GPUs';
COMMENT ON COLUMN node.gpu_grouping IS 'Which GPUs may go together: any behind an NVSwitch';
COMMENT ON COLUMN node.cpu_milli IS 'CPU in thousandths of a core';
COMMENT ON COLUMN node.memory_mib IS 'Memory in MiB';
COMMENT ON COLUMN node.turnaround_s IS 'Sanitizing and validation after a tenant, in domain seconds';
COMMENT ON COLUMN node.cordoned IS 'Takes no new allocations';
COMMENT ON COLUMN node.cordon_reason IS 'Why';
COMMENT ON COLUMN node.cordoned_by IS 'Who';
COMMENT ON COLUMN node.cordoned_at IS 'Since when (domain time)';
COMMENT ON COLUMN node.sim_powered IS 'sim: whether the stand-in answers; switching it off is how a test makes a node die';
COMMENT ON COLUMN node.revision IS 'Rises with each change of the wish';
COMMENT ON COLUMN node.enrolled_at IS 'Domain time';

CREATE TABLE node_status (
    node_id uuid PRIMARY KEY,
    zone_id uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('enrolled', 'validating', 'ready', 'allocated', 'sanitizing', 'quarantined', 'repair', 'maintenance', 'retired')),
    revision bigint NOT NULL DEFAULT 1,
    since timestamptz NOT NULL,
    due_at timestamptz,
    deadline_at timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    last_error text
);
COMMENT ON TABLE node_status IS 'What the reconciler found of a node. Written by sluice-provisioner';
COMMENT ON COLUMN node_status.node_id IS 'The node';
COMMENT ON COLUMN node_status.zone_id IS 'Its zone';
COMMENT ON COLUMN node_status.state IS 'State of docs/states.md';
COMMENT ON COLUMN node_status.revision IS 'Rises with each change';
COMMENT ON COLUMN node_status.since IS 'Domain time of the last change of state';
COMMENT ON COLUMN node_status.due_at IS 'Domain time at which the reconciler must look again; null: only when something happens';
COMMENT ON COLUMN node_status.deadline_at IS 'Domain time at which a transitional state has failed';
COMMENT ON COLUMN node_status.attempts IS 'Attempts in this state';
COMMENT ON COLUMN node_status.last_error IS 'The last thing that went wrong';
CREATE INDEX node_status_due ON node_status (zone_id, due_at) WHERE due_at IS NOT NULL;

CREATE TABLE instance_type (
    id uuid PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
    gpu_count integer NOT NULL DEFAULT 0 CHECK (gpu_count BETWEEN 0 AND 64),
    gpu_milli integer NOT NULL DEFAULT 0 CHECK (gpu_milli BETWEEN 0 AND 999),
    gpu_models text[] NOT NULL CHECK (cardinality(gpu_models) >= 1),
    cpu_milli bigint NOT NULL CHECK (cpu_milli >= 0),
    memory_mib bigint NOT NULL CHECK (memory_mib >= 0),
    description text NOT NULL DEFAULT '',
    revision bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT sluice_now(),
    CHECK ((gpu_count = 0) <> (gpu_milli = 0))
);
COMMENT ON TABLE instance_type IS 'A shape that is sold under a name and a price. Written by sluice-api';
COMMENT ON COLUMN instance_type.id IS 'UUIDv7';
COMMENT ON COLUMN instance_type.name IS 'Unique name, e.g. "h100.8x"';
COMMENT ON COLUMN instance_type.gpu_count IS 'Whole GPUs; 0 where it is a share';
COMMENT ON COLUMN instance_type.gpu_milli IS 'Share of one GPU in thousandths; 0 where it is whole GPUs';
COMMENT ON COLUMN instance_type.gpu_models IS 'Models it may land on';
COMMENT ON COLUMN instance_type.cpu_milli IS 'CPU in thousandths of a core';
COMMENT ON COLUMN instance_type.memory_mib IS 'Memory in MiB';
COMMENT ON COLUMN instance_type.description IS 'For people';
COMMENT ON COLUMN instance_type.revision IS 'Rises with each change';
COMMENT ON COLUMN instance_type.created_at IS 'Domain time';
