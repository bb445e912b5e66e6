-- Changes of capacity are found by the few transitions that can be one, not among all that tenants' coming and going makes.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

DROP INDEX event_node_move;
CREATE INDEX event_node_capacity ON event (occurred_at, object_id, object_revision)
 WHERE object_type = 'node' AND transition IN (120, 205, 210, 240, 305, 310, 330, 405, 410, 505, 510, 540, 720, 810);

CREATE OR REPLACE VIEW capacity_change WITH (security_invoker = true) AS
WITH candidate AS (
    SELECT m.* FROM node_move m WHERE m.transition IN (120, 205, 210, 240, 305, 310, 330, 405, 410, 505, 510, 540, 720, 810)
), change AS (
    -- Validated from elsewhere than behind a tenant (120, 720, 810): what comes next brings it into service, or does not.
    SELECT c.node_id, next.revision, next.occurred_at, true AS came,
           CASE c.from_state WHEN 'repair' THEN 'repaired' WHEN 'maintenance' THEN 'maintained' ELSE 'enrolled' END AS cause, next.reason
      FROM candidate c
      JOIN LATERAL (SELECT n.* FROM node_move n WHERE n.node_id = c.node_id AND n.revision > c.revision ORDER BY n.revision LIMIT 1) next
        ON next.to_state IN ('ready', 'allocated')
     WHERE c.transition IN (120, 720, 810)
    UNION ALL
    SELECT c.node_id, c.revision, c.occurred_at, false, c.to_state, c.reason
      FROM candidate c WHERE c.transition IN (305, 310, 330, 405, 410, 505, 510, 540)
    UNION ALL
    -- Out of validation (205, 210, 240) it leaves the service only if it had just been wiped behind a tenant.
    SELECT c.node_id, c.revision, c.occurred_at, false, c.to_state, c.reason
      FROM candidate c
      JOIN LATERAL (SELECT b.* FROM node_move b WHERE b.node_id = c.node_id AND b.revision < c.revision ORDER BY b.revision DESC LIMIT 1) before
        ON before.from_state = 'sanitizing'
     WHERE c.transition IN (205, 210, 240)
)
SELECT c.node_id, c.revision, c.occurred_at, n.zone_id, CASE WHEN c.came THEN n.gpu_count ELSE -n.gpu_count END AS gpus, c.cause, c.reason
  FROM change c JOIN node n ON n.id = c.node_id;

RESET ROLE;
