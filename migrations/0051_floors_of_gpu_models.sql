-- Price floors of GPU models, which shapes of tenants' own are priced by, beside those of instance types.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

ALTER TABLE price_floor DROP CONSTRAINT price_floors_do_not_overlap;
ALTER TABLE price_floor
    ALTER COLUMN instance_type DROP NOT NULL,
    ADD COLUMN gpu_model text CHECK (length(gpu_model) BETWEEN 1 AND 64),
    ADD CHECK ((instance_type IS NULL) <> (gpu_model IS NULL)),
    ADD CONSTRAINT price_floors_do_not_overlap EXCLUDE USING gist
        ((coalesce(instance_type, '')) WITH =, (coalesce(gpu_model, '')) WITH =, currency WITH =, valid WITH &&);
COMMENT ON TABLE price_floor IS 'What happens to a price below the floor of an instance type or a GPU model: unit cost and margin. A version is immutable but for its end. Written by sluice-api';
COMMENT ON COLUMN price_floor.instance_type IS 'Name of the instance type; or';
COMMENT ON COLUMN price_floor.gpu_model IS 'The GPU model, of shapes that tenants give';
COMMENT ON COLUMN price_floor_override.price_floor_id IS 'The floor''s policy, which has instance type or GPU model, and currency';
COMMENT ON COLUMN impairment_warning.since IS 'Day that was open, or closed, when it was found first';
COMMENT ON COLUMN impairment_warning.cleared_on IS 'Day that was open, or closed, when it was not found any more; null: it stands';
