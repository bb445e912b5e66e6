-- What tenants ask of their instances while these have their place: stop, start, reboot.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

CREATE TABLE instance_action (
    id uuid PRIMARY KEY,
    instance_id uuid NOT NULL,
    reservation_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    zone_id uuid NOT NULL,
    principal_id uuid NOT NULL,
    action text NOT NULL CHECK (action IN ('stop', 'start', 'reboot')),
    requested_at timestamptz NOT NULL DEFAULT sluice_now()
);
COMMENT ON TABLE instance_action IS 'What was asked of an instance: a wish. Written by sluice-api';
COMMENT ON COLUMN instance_action.id IS 'UUIDv7; "act_..." outside';
COMMENT ON COLUMN instance_action.instance_id IS 'The instance';
COMMENT ON COLUMN instance_action.reservation_id IS 'Its reservation';
COMMENT ON COLUMN instance_action.tenant_id IS 'Whose';
COMMENT ON COLUMN instance_action.zone_id IS 'Its zone, whose reconciler carries it out';
COMMENT ON COLUMN instance_action.principal_id IS 'Who asked';
COMMENT ON COLUMN instance_action.action IS 'stop: it is to be down and keep its place; start: up again; reboot: down and up again';
COMMENT ON COLUMN instance_action.requested_at IS 'Domain time';
CREATE INDEX instance_action_of_instance ON instance_action (instance_id, id);
CREATE INDEX instance_action_of_reservation ON instance_action (reservation_id);

CREATE TABLE instance_action_status (
    action_id uuid PRIMARY KEY,
    instance_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('done', 'refused', 'failed')),
    reason text,
    finished_at timestamptz NOT NULL DEFAULT sluice_now(),
    CHECK ((state = 'done') = (reason IS NULL))
);
COMMENT ON TABLE instance_action_status IS 'What became of it. No row: pending. Written by sluice-provisioner';
COMMENT ON COLUMN instance_action_status.action_id IS 'The action';
COMMENT ON COLUMN instance_action_status.instance_id IS 'Its instance';
COMMENT ON COLUMN instance_action_status.tenant_id IS 'Its tenant';
COMMENT ON COLUMN instance_action_status.state IS 'done; refused: it was not begun; failed: it was begun';
COMMENT ON COLUMN instance_action_status.reason IS 'Why it was refused or failed: a code; null where it is done';
COMMENT ON COLUMN instance_action_status.finished_at IS 'Domain time';

ALTER TABLE instance
    DROP CONSTRAINT instance_state_check,
    ADD CONSTRAINT instance_state_check CHECK (state IN ('planned', 'provisioning', 'running', 'replacing', 'stopping', 'terminated',
                                                         'failed', 'halting', 'stopped', 'starting')),
    ADD COLUMN stop_wished boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN instance.stop_wished IS 'Its tenant wants it down, wherever it has its place; with false it is to run';

GRANT SELECT, INSERT ON instance_action TO sluice_api, sluice_api_system;
GRANT SELECT ON instance_action_status TO sluice_api, sluice_api_system;
GRANT SELECT ON instance_action TO sluice_provisioner;
GRANT SELECT, INSERT ON instance_action_status TO sluice_provisioner;

DO $$
DECLARE
    subject text;
    process text;
BEGIN
    FOREACH subject IN ARRAY ARRAY['instance_action', 'instance_action_status'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', subject);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', subject);
        EXECUTE format('CREATE POLICY own_tenant ON %I FOR ALL TO sluice_api USING (tenant_id = nullif(current_setting(''sluice.tenant'', true), '''')::uuid)', subject);
        FOREACH process IN ARRAY ARRAY['sluice_api_system', 'sluice_provisioner'] LOOP
            EXECUTE format('CREATE POLICY %I ON %I FOR ALL TO %I USING (true) WITH CHECK (true)', process, subject, process);
        END LOOP;
    END LOOP;
END $$;

RESET ROLE;
