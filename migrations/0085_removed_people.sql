-- Of a person who was removed there stays what was done under which id, for audit and reservations, and nothing that says who that was.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

GRANT UPDATE (name, external_subject) ON principal TO sluice_api;
COMMENT ON COLUMN principal.removed_at IS 'Real time; the row stays for audit and reservations, a person''s without name, address and subject. Null: it is there';

-- Those removed before. The owner writes past its policies for these statements.
ALTER TABLE principal NO FORCE ROW LEVEL SECURITY;
UPDATE principal SET name = 'removed member', email = NULL, external_subject = NULL WHERE removed_at IS NOT NULL AND kind = 'user';
ALTER TABLE token NO FORCE ROW LEVEL SECURITY;
UPDATE token k SET name = 'token of a removed member' FROM principal p WHERE p.id = k.principal_id AND p.removed_at IS NOT NULL AND p.kind = 'user';
ALTER TABLE token FORCE ROW LEVEL SECURITY;
ALTER TABLE principal FORCE ROW LEVEL SECURITY;
RESET ROLE;
