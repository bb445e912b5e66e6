-- What the books cost to write: updates that touch no index, and one look at the prices per statement instead of one per line.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

-- Each event of an instance updates its row. Where no indexed column changes and the page has room, the new version stays on
-- its page and no index learns of it (HOT); so the index of what is open is not by the instant that every event moves.
DROP INDEX meter_instance_open;
CREATE INDEX meter_instance_open ON meter_instance (instance_id) WHERE NOT closed;
ALTER TABLE meter_instance SET (fillfactor = 50);

-- A foreign key looks once per line; a day's lines share a handful of prices. The other side of the key, that no price is
-- deleted, is a refusal.
ALTER TABLE rated_line DROP CONSTRAINT rated_line_price_id_fkey;
CREATE FUNCTION rated_lines_have_prices() RETURNS trigger LANGUAGE plpgsql SET search_path = sluice, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM (SELECT DISTINCT price_id FROM added WHERE price_id IS NOT NULL) a
                WHERE NOT EXISTS (SELECT FROM price p WHERE p.id = a.price_id)) THEN
        RAISE foreign_key_violation USING MESSAGE = 'a rated line has a price that does not exist';
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION rated_lines_have_prices IS 'Trigger: the prices of all inserted lines exist, looked up once per price and statement';
CREATE TRIGGER have_prices AFTER INSERT ON rated_line REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION rated_lines_have_prices();
CREATE FUNCTION price_refuses_deletion() RETURNS trigger LANGUAGE plpgsql SET search_path = sluice, pg_temp AS $$
BEGIN
    RAISE foreign_key_violation USING MESSAGE = 'a price is never deleted: rated lines name it';
END $$;
COMMENT ON FUNCTION price_refuses_deletion IS 'Trigger: what rated lines name stays';
CREATE TRIGGER stays BEFORE DELETE ON price FOR EACH ROW EXECUTE FUNCTION price_refuses_deletion();
