-- What objects need to be replaced and deleted as a whole: nodes have labels, remember the leaf that was said of them, and
-- can be retired; maintenance windows remember how their nodes were named, and can be hidden.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

ALTER TABLE node
    ADD COLUMN labels jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN leaf text,
    ADD COLUMN retired_at timestamptz,
    ADD COLUMN retired_name text,
    ADD CONSTRAINT node_retired_has_a_name CHECK ((retired_at IS NULL) = (retired_name IS NULL));
COMMENT ON COLUMN node.labels IS 'The operators'' own key and value pairs';
COMMENT ON COLUMN node.leaf IS 'Name of the leaf switch as it was said of this node; null: it was not. Where its rack is: rack.leaf_id';
COMMENT ON COLUMN node.retired_at IS 'Domain time at which it was taken out of the fleet for good; null: it was not';
COMMENT ON COLUMN node.retired_name IS 'The name it had: another node may have it now, so name became its id; null: it is not retired';
-- Who enrolled a node in a rack that is behind a leaf may have said so.
UPDATE node n SET leaf = l.name FROM rack r JOIN leaf l ON l.id = r.leaf_id WHERE r.id = n.rack_id;

ALTER TABLE maintenance_window
    ADD COLUMN node_names text[],
    ADD COLUMN rack text,
    ADD COLUMN leaf text,
    ADD COLUMN hidden_at timestamptz;
COMMENT ON COLUMN maintenance_window.node_names IS 'Its nodes as they were named; null: they were not';
COMMENT ON COLUMN maintenance_window.rack IS 'Its rack as it was named; null: it was not';
COMMENT ON COLUMN maintenance_window.leaf IS 'Its leaf as it was named; null: it was not';
COMMENT ON COLUMN maintenance_window.hidden_at IS 'Domain time at which it was deleted; null: it was not';
GRANT UPDATE (reason, hidden_at) ON maintenance_window TO sluice_api_system;
