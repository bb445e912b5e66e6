-- What the consoles of instances said, as their drivers tell it.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

CREATE TABLE instance_console_line (
    instance_id uuid NOT NULL,
    incarnation integer NOT NULL,
    number integer NOT NULL CHECK (number > 0),
    tenant_id uuid NOT NULL,
    said_at timestamptz NOT NULL,
    text text NOT NULL CHECK (octet_length(text) < 1024),
    PRIMARY KEY (instance_id, incarnation, number, said_at)
) PARTITION BY RANGE (said_at);
COMMENT ON TABLE instance_console_line IS 'What the console of an instance said, by stay: the newest 1,000 lines of each. Written by sluice-provisioner';
COMMENT ON COLUMN instance_console_line.instance_id IS 'The instance';
COMMENT ON COLUMN instance_console_line.incarnation IS 'Which of its stays on a node';
COMMENT ON COLUMN instance_console_line.number IS '1, 2, ... within the stay, as the driver numbers them: a line that is handed over again is kept once';
COMMENT ON COLUMN instance_console_line.tenant_id IS 'Whose';
COMMENT ON COLUMN instance_console_line.said_at IS 'Domain time; the partition key';
COMMENT ON COLUMN instance_console_line.text IS 'The line, without control characters';
CREATE TABLE instance_console_line_default PARTITION OF instance_console_line DEFAULT;
COMMENT ON TABLE instance_console_line_default IS 'Catches what no partition takes; a row in it raises the alert SluiceDefaultPartitionUsed';

-- Secrets end up on consoles: no longer than somebody may look for why a machine failed.
INSERT INTO partition_policy VALUES ('instance_console_line', 'month', 2, '30 days', true);
SELECT partition_ensure(p.table_name, sluice_now(), sluice_now() + p.ahead * ('1 ' || p.step)::interval)
  FROM partition_policy p WHERE p.table_name = 'instance_console_line';

GRANT SELECT ON instance_console_line TO sluice_api, sluice_api_system;
GRANT SELECT, INSERT, DELETE ON instance_console_line TO sluice_provisioner;

ALTER TABLE instance_console_line ENABLE ROW LEVEL SECURITY;
ALTER TABLE instance_console_line FORCE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON instance_console_line FOR ALL TO sluice_api
    USING (tenant_id = nullif(current_setting('sluice.tenant', true), '')::uuid);
CREATE POLICY sluice_api_system ON instance_console_line FOR ALL TO sluice_api_system USING (true) WITH CHECK (true);
CREATE POLICY sluice_provisioner ON instance_console_line FOR ALL TO sluice_provisioner USING (true) WITH CHECK (true);

-- The simulated driver tells once what time has made of its orders, so its world has that, too. Nothing finds a row by
-- when it changes, and without that index the change is within its page.
ALTER TABLE sim_workload ADD COLUMN line_count integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN sim_workload.line_count IS 'How many lines its console has said';
COMMENT ON COLUMN sim_workload.changes_at IS 'Domain time at which starting becomes up (or broken), or stopping becomes down; null: it has';
DROP INDEX sim_workload_changing;
UPDATE sim_workload
   SET changes_at = NULL, state = CASE WHEN state = 'stopping' THEN 'down' WHEN will_fail THEN 'broken' ELSE 'up' END
 WHERE changes_at <= sluice_now();

RESET ROLE;
