-- What operators look at and do: draining nodes, and what was on a node.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

-- ---- Drains ----

ALTER TABLE node
    ADD COLUMN draining boolean NOT NULL DEFAULT false,
    ADD COLUMN drain_reason text,
    ADD COLUMN drained_by text,
    ADD COLUMN draining_since timestamptz,
    ADD CONSTRAINT node_draining_is_cordoned CHECK (cordoned OR NOT draining);
COMMENT ON COLUMN node.draining IS 'It is being emptied: takes nothing new, what has not begun on it is moved, what has begun stays to its end';
COMMENT ON COLUMN node.drain_reason IS 'Why';
COMMENT ON COLUMN node.drained_by IS 'Who';
COMMENT ON COLUMN node.draining_since IS 'Since when (domain time)';

-- ---- What was on a node ----

CREATE INDEX allocation_history_of_node ON allocation_history (node_id);
