-- What the nodes' own exporters say of their GPUs: readings, errors, firmware. It informs; what is done about it (cordon,
-- drain, maintenance) is an operator's wish, as ever.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

CREATE TABLE gpu_reading (
    node_id uuid NOT NULL REFERENCES node,
    gpu integer NOT NULL CHECK (gpu >= 0),
    read_at timestamptz NOT NULL,
    temperature_c integer CHECK (temperature_c BETWEEN -50 AND 200),
    power_w integer CHECK (power_w BETWEEN 0 AND 10000),
    utilization_percent integer CHECK (utilization_percent BETWEEN 0 AND 100),
    ecc_corrected bigint CHECK (ecc_corrected >= 0),
    ecc_uncorrected bigint CHECK (ecc_uncorrected >= 0),
    remapped_rows integer CHECK (remapped_rows >= 0),
    remap_is_pending boolean NOT NULL,
    PRIMARY KEY (node_id, gpu)
) WITH (fillfactor = 70);
COMMENT ON TABLE gpu_reading IS 'The newest reading of each GPU. Written by sluice-api';
COMMENT ON COLUMN gpu_reading.node_id IS 'Its node';
COMMENT ON COLUMN gpu_reading.gpu IS 'Its number in the node, from 0';
COMMENT ON COLUMN gpu_reading.read_at IS 'Domain time of the reading';
COMMENT ON COLUMN gpu_reading.temperature_c IS 'Of the GPU, in degrees Celsius; null: not said, as all that follow';
COMMENT ON COLUMN gpu_reading.power_w IS 'Drawn by the GPU, in watts';
COMMENT ON COLUMN gpu_reading.utilization_percent IS 'Share of the time in which a kernel ran';
COMMENT ON COLUMN gpu_reading.ecc_corrected IS 'Memory errors corrected in the life of the GPU';
COMMENT ON COLUMN gpu_reading.ecc_uncorrected IS 'Memory errors not corrected in the life of the GPU';
COMMENT ON COLUMN gpu_reading.remapped_rows IS 'Memory rows replaced by spare ones in the life of the GPU';
COMMENT ON COLUMN gpu_reading.remap_is_pending IS 'A row is replaced at the next reset of the GPU';

CREATE TABLE gpu_error (
    node_id uuid NOT NULL REFERENCES node,
    gpu integer NOT NULL CHECK (gpu >= 0),
    happened_at timestamptz NOT NULL,
    xid integer NOT NULL CHECK (xid BETWEEN 0 AND 999),
    message text NOT NULL CHECK (length(message) <= 255),
    PRIMARY KEY (node_id, happened_at, gpu, xid)
);
CREATE INDEX gpu_error_newest ON gpu_error (happened_at DESC, node_id DESC, gpu DESC, xid DESC);
COMMENT ON TABLE gpu_error IS 'Errors of GPUs as their driver logged them, each once. Written by sluice-api';
COMMENT ON COLUMN gpu_error.node_id IS 'The node';
COMMENT ON COLUMN gpu_error.gpu IS 'The GPU''s number in the node, from 0';
COMMENT ON COLUMN gpu_error.happened_at IS 'Domain time';
COMMENT ON COLUMN gpu_error.xid IS 'The driver''s number for the kind of error (NVIDIA XID)';
COMMENT ON COLUMN gpu_error.message IS 'What the driver wrote; empty: nothing';

CREATE TABLE node_firmware (
    node_id uuid PRIMARY KEY REFERENCES node,
    versions jsonb NOT NULL CHECK (jsonb_typeof(versions) = 'object'),
    reported_at timestamptz NOT NULL
);
COMMENT ON TABLE node_firmware IS 'What runs below the operating system. Written by sluice-api';
COMMENT ON COLUMN node_firmware.node_id IS 'The node';
COMMENT ON COLUMN node_firmware.versions IS 'Version by component, e.g. {"vbios": "96.00.74.00.1a"}';
COMMENT ON COLUMN node_firmware.reported_at IS 'Domain time of the report';

CREATE VIEW node_health AS
    SELECT r.node_id, count(*) AS gpus_reporting, min(r.read_at) AS read_at, max(r.temperature_c) AS temperature_c,
           sum(r.power_w) AS power_w, round(avg(r.utilization_percent))::integer AS utilization_percent,
           sum(r.ecc_corrected)::bigint AS ecc_corrected, sum(r.ecc_uncorrected)::bigint AS ecc_uncorrected,
           sum(r.remapped_rows) AS remapped_rows, bool_or(r.remap_is_pending) AS remap_is_pending
      FROM gpu_reading r GROUP BY r.node_id;
COMMENT ON VIEW node_health IS 'The readings of a node''s GPUs in one row: the hottest, the sums, the mean use, the oldest reading';

-- The operators' plane has no rows of tenants here: no policies are needed.
GRANT SELECT, INSERT, UPDATE ON gpu_reading, node_firmware TO sluice_api_system;
GRANT SELECT, INSERT ON gpu_error TO sluice_api_system;
GRANT SELECT ON node_health TO sluice_api_system;
