-- Price floors: what an instance type must at least be sold for, by policy; and who sold it for less, and why.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

CREATE TABLE price_floor (
    id uuid PRIMARY KEY,
    instance_type text NOT NULL CHECK (length(instance_type) BETWEEN 1 AND 64),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    mode text NOT NULL CHECK (mode IN ('off', 'warn', 'require')),
    margin_bp integer NOT NULL CHECK (margin_bp BETWEEN 0 AND 9999),
    utilisation_bp integer NOT NULL CHECK (utilisation_bp BETWEEN 1 AND 10000),
    valid tstzrange NOT NULL CHECK (NOT isempty(valid) AND lower_inc(valid) AND NOT upper_inc(valid)),
    created_by uuid,
    created_at timestamptz NOT NULL DEFAULT sluice_now(),
    CONSTRAINT price_floors_do_not_overlap EXCLUDE USING gist (instance_type WITH =, currency WITH =, valid WITH &&)
);
COMMENT ON TABLE price_floor IS 'What happens to a price below the floor of an instance type: unit cost and margin. A version is immutable but for its end. Written by sluice-api';
COMMENT ON COLUMN price_floor.id IS 'UUIDv7';
COMMENT ON COLUMN price_floor.instance_type IS 'Name of the instance type';
COMMENT ON COLUMN price_floor.currency IS 'ISO 4217: costs and prices of this currency';
COMMENT ON COLUMN price_floor.mode IS 'off: nothing; warn: a preview tells it; require: refused without a reason';
COMMENT ON COLUMN price_floor.margin_bp IS 'Share of the price that is to be left over its cost, in basis points';
COMMENT ON COLUMN price_floor.utilisation_bp IS 'Share of all GPU-hours that is sold, which the fixed cost is spread over';
COMMENT ON COLUMN price_floor.valid IS 'Domain time';
COMMENT ON COLUMN price_floor.created_by IS 'Principal';
COMMENT ON COLUMN price_floor.created_at IS 'Domain time';

CREATE TABLE price_floor_override (
    id uuid PRIMARY KEY,
    price_floor_id uuid NOT NULL REFERENCES price_floor,
    sold_by text NOT NULL CHECK (sold_by IN ('price', 'discount', 'commitment')),
    object_id uuid NOT NULL,
    tenant_id uuid REFERENCES tenant,
    tier text NOT NULL CHECK (tier IN ('reserved', 'on_demand', 'preemptible')),
    gpu_hour_u bigint NOT NULL CHECK (gpu_hour_u >= 0),
    floor_u bigint NOT NULL CHECK (floor_u > gpu_hour_u),
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 255),
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT sluice_now()
);
COMMENT ON TABLE price_floor_override IS 'What was sold below a floor that requires a reason, with the reason and who gave it; made with the price, discount or commitment. Append-only. Written by sluice-api';
COMMENT ON COLUMN price_floor_override.id IS 'UUIDv7';
COMMENT ON COLUMN price_floor_override.price_floor_id IS 'The floor''s policy, which has instance type and currency';
COMMENT ON COLUMN price_floor_override.sold_by IS 'By what';
COMMENT ON COLUMN price_floor_override.object_id IS 'Which price, discount or commitment';
COMMENT ON COLUMN price_floor_override.tenant_id IS 'To whom; null: the list price';
COMMENT ON COLUMN price_floor_override.tier IS 'Of which tier';
COMMENT ON COLUMN price_floor_override.gpu_hour_u IS 'The least that a GPU-hour costs by it, micro-units';
COMMENT ON COLUMN price_floor_override.floor_u IS 'The floor at that time, micro-units';
COMMENT ON COLUMN price_floor_override.reason IS 'Why';
COMMENT ON COLUMN price_floor_override.created_by IS 'Principal: the audit has the request';
COMMENT ON COLUMN price_floor_override.created_at IS 'Domain time';
CREATE INDEX price_floor_override_of_object ON price_floor_override (object_id);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON price_floor_override FOR EACH ROW EXECUTE FUNCTION ledger_refuses_change();

ALTER TABLE price_floor_override ENABLE ROW LEVEL SECURITY;
ALTER TABLE price_floor_override FORCE ROW LEVEL SECURITY;
CREATE POLICY sluice_api_system ON price_floor_override FOR ALL TO sluice_api_system USING (true) WITH CHECK (true);
-- Nothing of it is a tenant's to see: no grant to sluice_api.
GRANT SELECT, INSERT ON price_floor, price_floor_override TO sluice_api_system;
GRANT UPDATE (valid) ON price_floor TO sluice_api_system;
