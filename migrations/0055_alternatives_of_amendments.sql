-- What could be asked for in place of an amendment that is refused.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

ALTER TABLE amendment_status ADD COLUMN alternatives jsonb;
COMMENT ON COLUMN amendment_status.alternatives IS 'Bodies of amendments that could be posted instead; null unless refused by the planner or a quota';

RESET ROLE;
