-- Who was told to give way, found by its zone when places come back.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

CREATE INDEX reservation_status_told ON reservation_status (zone_id, ends_by) WHERE ends_by IS NOT NULL;

RESET ROLE;
