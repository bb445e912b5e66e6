-- Operators may ask for other terms of a reservation, in its tenant's place.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

GRANT INSERT ON amendment TO sluice_api_system;
COMMENT ON COLUMN amendment.principal_id IS 'Who asked for it: one of the tenant''s, or an operator in its place';
