-- Which action an instance has begun, and which of its actions is the newest: what is over is not read again.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

-- Given within the lock of the reservation, unlike the id: of an instance's actions the one with the highest is the newest.
ALTER TABLE instance_action ADD COLUMN sequence bigint GENERATED ALWAYS AS IDENTITY;
COMMENT ON COLUMN instance_action.sequence IS 'Order in which they were asked: only the newest of an instance can be open';
CREATE INDEX instance_action_newest ON instance_action (instance_id, sequence);

ALTER TABLE instance ADD COLUMN begun_action_id uuid;
COMMENT ON COLUMN instance.begun_action_id IS 'The action that was begun last, over or not; null: none was';

-- Until now an open action counted as begun where the instance was on its way. The owner reads and writes past its own policies once.
ALTER TABLE instance NO FORCE ROW LEVEL SECURITY;
ALTER TABLE instance_action NO FORCE ROW LEVEL SECURITY;
ALTER TABLE instance_action_status NO FORCE ROW LEVEL SECURITY;
UPDATE instance i SET begun_action_id = a.id
  FROM instance_action a
 WHERE i.id = a.instance_id AND i.state IN ('halting', 'starting')
   AND NOT EXISTS (SELECT FROM instance_action_status s WHERE s.action_id = a.id);
ALTER TABLE instance FORCE ROW LEVEL SECURITY;
ALTER TABLE instance_action FORCE ROW LEVEL SECURITY;
ALTER TABLE instance_action_status FORCE ROW LEVEL SECURITY;

RESET ROLE;
