-- What operators ask of one node and of the fleet's capacity: how a node went from state to state, what came into service or went out
-- of it and why, and what a node cost that nobody bore.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

-- ---- Changes of state ----

CREATE INDEX event_node_move ON event (occurred_at, object_id, object_revision) WHERE object_type = 'node' AND transition IS NOT NULL;

CREATE VIEW node_move WITH (security_invoker = true) AS
SELECT e.object_id AS node_id, e.object_revision AS revision, e.occurred_at, e.transition,
       CASE e.transition / 100 WHEN 1 THEN 'enrolled' WHEN 2 THEN 'validating' WHEN 3 THEN 'ready' WHEN 4 THEN 'allocated' WHEN 5 THEN 'sanitizing'
                               WHEN 6 THEN 'quarantined' WHEN 7 THEN 'repair' WHEN 8 THEN 'maintenance' END AS from_state,
       e.payload ->> 'state' AS to_state, e.payload ->> 'reason' AS reason
  FROM event e WHERE e.object_type = 'node' AND e.transition IS NOT NULL;
COMMENT ON VIEW node_move IS 'Each change of a node''s state, as long as the event log has it. The hundreds of a transition''s number are the state that it leaves (docs/states.md; a unit test holds the table to it)';
COMMENT ON COLUMN node_move.node_id IS 'The node';
COMMENT ON COLUMN node_move.revision IS 'Revision of its status after the change';
COMMENT ON COLUMN node_move.occurred_at IS 'Domain time';
COMMENT ON COLUMN node_move.transition IS 'Number of the transition in docs/states.md';
COMMENT ON COLUMN node_move.from_state IS 'The state that it left';
COMMENT ON COLUMN node_move.to_state IS 'The state that it came to';
COMMENT ON COLUMN node_move.reason IS 'Why';

-- ---- Capacity ----

CREATE VIEW capacity_change WITH (security_invoker = true) AS
WITH placed AS (
    -- A node that is validated is in service if it only was wiped behind a tenant: where it was validated from is in the change before.
    SELECT m.*, before.from_state AS validated_from,
           m.from_state IN ('ready', 'allocated', 'sanitizing') OR coalesce(before.from_state = 'sanitizing', false) AS was_in_service,
           m.to_state IN ('ready', 'allocated', 'sanitizing') OR m.to_state = 'validating' AND m.from_state = 'sanitizing' AS is_in_service
      FROM node_move m
      LEFT JOIN LATERAL (SELECT p.from_state FROM node_move p
                          WHERE m.from_state = 'validating' AND p.node_id = m.node_id AND p.revision < m.revision
                          ORDER BY p.revision DESC LIMIT 1) before ON true
)
SELECT p.node_id, p.revision, p.occurred_at, n.zone_id, CASE WHEN p.is_in_service THEN n.gpu_count ELSE -n.gpu_count END AS gpus,
       CASE WHEN NOT p.is_in_service THEN p.to_state
            WHEN p.validated_from = 'repair' THEN 'repaired'
            WHEN p.validated_from = 'maintenance' THEN 'maintained'
            ELSE 'enrolled' END AS cause,
       p.reason
  FROM placed p JOIN node n ON n.id = p.node_id
 WHERE p.was_in_service <> p.is_in_service;
COMMENT ON VIEW capacity_change IS 'What came into service or went out of it, as long as the event log has it. In service are nodes that are ready, allocated, or wiped and validated behind a tenant; cordons are wishes and do not count';
COMMENT ON COLUMN capacity_change.node_id IS 'The node';
COMMENT ON COLUMN capacity_change.revision IS 'Revision of its status after the change';
COMMENT ON COLUMN capacity_change.occurred_at IS 'Domain time';
COMMENT ON COLUMN capacity_change.zone_id IS 'Its zone';
COMMENT ON COLUMN capacity_change.gpus IS 'Its GPUs: positive where they came, negative where they went';
COMMENT ON COLUMN capacity_change.cause IS 'Came: enrolled, repaired, maintained; went: quarantined, maintenance, retired';
COMMENT ON COLUMN capacity_change.reason IS 'What the change of state gives as its reason';

GRANT SELECT ON node_move, capacity_change TO sluice_api_system;

-- ---- What a node cost that nobody bore ----

CREATE FUNCTION idle_of_node(of_node uuid, from_day date, to_day date)
RETURNS TABLE (cause text, currency text, amount_u bigint, gpu_milli_seconds bigint)
LANGUAGE sql STABLE SET search_path = sluice, pg_temp
BEGIN ATOMIC
    WITH open AS (
        SELECT o.day, o.generation FROM provisional_day o WHERE o.day >= from_day AND o.day < to_day
    ), idle AS (
        SELECT c.target, c.currency, c.amount_u, c.weight FROM cost_allocation c
         WHERE c.node_id = of_node AND c.day >= from_day AND c.day < to_day AND c.reservation_id IS NULL AND c.day NOT IN (SELECT o.day FROM open o)
        UNION ALL
        SELECT c.target, c.currency, c.depreciation_u + c.power_u + c.colocation_u + c.operations_u + c.network_u + c.storage_u, c.weight
          FROM provisional_cost c JOIN open o ON o.day = c.day AND o.generation = c.generation
         WHERE c.node_id = of_node AND c.reservation_id IS NULL
    )
    SELECT i.target, i.currency, sum(i.amount_u)::bigint, sum(i.weight)::bigint FROM idle i GROUP BY 1, 2 ORDER BY 1, 2;
END;
COMMENT ON FUNCTION idle_of_node IS 'idle_report of one node';
REVOKE EXECUTE ON FUNCTION idle_of_node FROM PUBLIC;
GRANT EXECUTE ON FUNCTION idle_of_node TO sluice_api_system;

RESET ROLE;
