-- Who may do what. Grants say which table has which writer; row-level security, enabled and forced everywhere a row
-- has a tenant, says which rows. A policy that is missing lets nobody through.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

-- ---- Grants: one table, one writer ----

-- sluice-api for a tenant
GRANT SELECT ON domain_clock, event_generation, zone, instance_type, tenant, principal, reservation, reservation_status, reservation_view,
    instance, instance_incarnation, price, usage_interval, rated_line, invoice, invoice_line, billing_period, event, idempotency TO sluice_api;
GRANT UPDATE (cancel_requested_at, hidden_at, name_held, revision) ON reservation TO sluice_api;
GRANT INSERT ON idempotency TO sluice_api;

-- sluice-api for operators: reads everything, writes the wishes
GRANT SELECT ON ALL TABLES IN SCHEMA sluice TO sluice_api_system;
GRANT INSERT, UPDATE ON tenant, principal, token, zone, fabric, rack, node, instance_type, asset TO sluice_api_system;
GRANT INSERT ON price TO sluice_api_system;
GRANT UPDATE (valid) ON price TO sluice_api_system;
GRANT UPDATE (cancel_requested_at, hidden_at, name_held, revision) ON reservation TO sluice_api_system;
GRANT INSERT, DELETE ON idempotency TO sluice_api_system;

-- Admission, which commits for many tenants at once
GRANT SELECT ON domain_clock, tenant, zone, instance_type, reservation_status TO sluice_batch;
GRANT SELECT, INSERT ON idempotency, event, audit TO sluice_batch;
GRANT SELECT, INSERT, UPDATE (name_held) ON reservation TO sluice_batch;

-- sluice-provisioner: verdicts, allocations and what runs
GRANT SELECT ON domain_clock, event, event_generation, event_cursor, tenant, zone, fabric, rack, node, instance_type, reservation TO sluice_provisioner;
GRANT SELECT, INSERT, UPDATE ON reservation_status, node_status, instance, instance_incarnation, event_cursor TO sluice_provisioner;
GRANT SELECT, INSERT, UPDATE, DELETE ON allocation, sim_workload TO sluice_provisioner;
GRANT SELECT, INSERT ON allocation_history TO sluice_provisioner;

-- sluice-billing: facts into money
GRANT SELECT ON domain_clock, event, event_generation, event_cursor, tenant, zone, fabric, rack, node, node_status, instance_type, reservation,
    reservation_status, instance, instance_incarnation, allocation, allocation_history, price, asset TO sluice_billing;
GRANT SELECT, INSERT, UPDATE ON event_cursor, meter_instance, meter_node, billing_period, account, invoice_series TO sluice_billing;
GRANT SELECT, INSERT ON usage_interval, billing_day, rated_line, journal, entry, invoice, invoice_line, depreciation, node_cost, cost_allocation TO sluice_billing;

-- Functions, each by name: PUBLIC executes nothing
GRANT EXECUTE ON FUNCTION sluice_now() TO sluice_api, sluice_api_system, sluice_api_writer, sluice_batch, sluice_provisioner, sluice_billing;
GRANT EXECUTE ON FUNCTION event_append TO sluice_api, sluice_api_system, sluice_provisioner, sluice_billing;
GRANT EXECUTE ON FUNCTION audit_append TO sluice_api, sluice_api_system, sluice_provisioner, sluice_billing;
GRANT EXECUTE ON FUNCTION leader_take, leader_give, leader_fence TO sluice_api_system, sluice_provisioner, sluice_billing;
GRANT EXECUTE ON FUNCTION clock_acknowledge TO sluice_provisioner, sluice_billing;
GRANT EXECUTE ON FUNCTION clock_step TO sluice_api_system;
GRANT EXECUTE ON FUNCTION partition_maintain TO sluice_api_system;
GRANT EXECUTE ON FUNCTION partition_ensure TO sluice_provisioner, sluice_billing;

-- Every daemon asks which schema it meets. The table is deploy/migrate's.
GRANT SELECT ON schema_migration TO sluice_api, sluice_api_system, sluice_api_writer, sluice_provisioner, sluice_billing;

-- ---- Row-level security ----

DO $$
DECLARE
    subject record;
    reader text;
BEGIN
    -- Tables whose rows belong to a tenant, and by which column sluice_api knows its own. Shared rows (the provider's
    -- prices) have a null there and are seen by all where shared is true.
    FOR subject IN SELECT * FROM (VALUES
        ('tenant', 'id', false), ('principal', 'tenant_id', false), ('token', 'tenant_id', false),
        ('idempotency', 'tenant_id', false), ('reservation', 'tenant_id', false), ('reservation_status', 'tenant_id', false),
        ('allocation', 'tenant_id', false), ('allocation_history', 'tenant_id', false),
        ('instance', 'tenant_id', false), ('instance_incarnation', 'tenant_id', false),
        ('event', 'tenant_id', false), ('audit', 'tenant_id', false), ('price', 'tenant_id', true),
        ('meter_instance', 'tenant_id', false), ('usage_interval', 'tenant_id', false), ('rated_line', 'tenant_id', false),
        ('billing_period', 'tenant_id', false), ('invoice', 'tenant_id', false), ('invoice_line', 'tenant_id', false),
        ('account', 'tenant_id', false), ('cost_allocation', 'tenant_id', false)
    ) AS t (name, owner_column, shared)
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', subject.name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', subject.name);
        EXECUTE format('CREATE POLICY own_tenant ON %I FOR ALL TO sluice_api USING (%I = nullif(current_setting(''sluice.tenant'', true), '''')::uuid%s)',
                       subject.name, subject.owner_column,
                       CASE WHEN subject.shared THEN format(' OR %I IS NULL', subject.owner_column) ELSE '' END);
        -- The provider's own processes see all rows; which tables they may touch, and how, the grants above say.
        FOREACH reader IN ARRAY ARRAY['sluice_api_system', 'sluice_provisioner', 'sluice_billing'] LOOP
            EXECUTE format('CREATE POLICY %I ON %I FOR ALL TO %I USING (true) WITH CHECK (true)', reader, subject.name, reader);
        END LOOP;
    END LOOP;

    -- Admission touches just these; the functions of the event log and the audit run as the owner.
    FOR subject IN SELECT * FROM (VALUES
        ('tenant', 'sluice_batch'), ('idempotency', 'sluice_batch'), ('reservation', 'sluice_batch'), ('reservation_status', 'sluice_batch'),
        ('event', 'sluice_batch'), ('audit', 'sluice_batch'), ('event', 'sluice_owner'), ('audit', 'sluice_owner')
    ) AS t (name, role_name)
    LOOP
        EXECUTE format('CREATE POLICY %I ON %I FOR ALL TO %I USING (true) WITH CHECK (true)', subject.role_name, subject.name, subject.role_name);
    END LOOP;
END $$;
