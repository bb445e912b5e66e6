-- Hardware that is to be replaced: who asked for it and why, and what became of it.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

CREATE TABLE replacement_request (
    id uuid PRIMARY KEY,
    node_id uuid NOT NULL REFERENCES node,
    gpu integer CHECK (gpu >= 0),
    part text NOT NULL CHECK (length(part) BETWEEN 1 AND 128),
    serial text,
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 255),
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'ordered', 'replaced', 'cancelled')),
    reference text,
    new_serial text,
    asset_change_id uuid REFERENCES asset_change,
    cancel_reason text,
    created_by uuid,
    created_at timestamptz NOT NULL DEFAULT sluice_now(),
    ordered_at timestamptz,
    ended_at timestamptz,
    revision bigint NOT NULL DEFAULT 1,
    CHECK ((state IN ('replaced', 'cancelled')) = (ended_at IS NOT NULL)),
    CHECK ((state = 'cancelled') = (cancel_reason IS NOT NULL)),
    CHECK (state = 'replaced' OR (new_serial IS NULL AND asset_change_id IS NULL))
);
COMMENT ON TABLE replacement_request IS 'A part of a node that is to be replaced, and what became of it. Written by sluice-api';
COMMENT ON COLUMN replacement_request.id IS 'UUIDv7';
COMMENT ON COLUMN replacement_request.node_id IS 'The node';
COMMENT ON COLUMN replacement_request.gpu IS 'Number of the GPU in the node, from 0; null: it is about no GPU';
COMMENT ON COLUMN replacement_request.part IS 'What is to be replaced';
COMMENT ON COLUMN replacement_request.serial IS 'Serial number of what goes; null: not said';
COMMENT ON COLUMN replacement_request.reason IS 'Why';
COMMENT ON COLUMN replacement_request.state IS 'open, ordered; replaced and cancelled are for good';
COMMENT ON COLUMN replacement_request.reference IS 'The vendor''s number of the return or order; null: not said';
COMMENT ON COLUMN replacement_request.new_serial IS 'Serial number of what came; null: not said';
COMMENT ON COLUMN replacement_request.asset_change_id IS 'The change by which the part left the books; null: none';
COMMENT ON COLUMN replacement_request.cancel_reason IS 'Why it was cancelled';
COMMENT ON COLUMN replacement_request.created_by IS 'Principal';
COMMENT ON COLUMN replacement_request.created_at IS 'Domain time, as all instants here';
COMMENT ON COLUMN replacement_request.ordered_at IS 'When it was ordered; null: it was not';
COMMENT ON COLUMN replacement_request.ended_at IS 'When it was replaced or cancelled';
COMMENT ON COLUMN replacement_request.revision IS 'Rises with each change';
CREATE UNIQUE INDEX replacement_request_open ON replacement_request (node_id, coalesce(gpu, -1), part) WHERE state IN ('open', 'ordered');

-- The operators' plane has no rows of tenants here: no policies are needed.
GRANT SELECT, INSERT, UPDATE ON replacement_request TO sluice_api_system;

RESET ROLE;
