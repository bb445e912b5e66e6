-- Questions that only a zone's planner can answer: asked by sluice-api, answered by the zone's leader. A question changes
-- nothing, so neither side has an event: who asks and who answers look for open rows themselves (level-triggered) and
-- are woken by NOTIFY. Both tables are transient.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

CREATE TABLE planner_question (
    id uuid NOT NULL,
    tenant_id uuid,
    zone_id uuid NOT NULL,
    kind text NOT NULL,
    body json NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    answer_by timestamptz NOT NULL
) PARTITION BY RANGE (asked_at);
COMMENT ON TABLE planner_question IS 'What is asked of the planner of a zone. Open while no answer has its id and answer_by has not passed. Written by sluice-api';
COMMENT ON COLUMN planner_question.id IS 'UUIDv7';
COMMENT ON COLUMN planner_question.tenant_id IS 'Who asks; null for the provider''s own';
COMMENT ON COLUMN planner_question.zone_id IS 'Whose planner is asked';
COMMENT ON COLUMN planner_question.kind IS 'What is asked: a row of the planner''s table of kinds';
COMMENT ON COLUMN planner_question.body IS 'The question itself, checked by the API; its form belongs to the kind';
COMMENT ON COLUMN planner_question.asked_at IS 'Real time; the partition key';
COMMENT ON COLUMN planner_question.answer_by IS 'Real time until which the asker waits: nobody answers later';
CREATE INDEX planner_question_of_zone ON planner_question (zone_id, asked_at);
CREATE INDEX planner_question_of_tenant ON planner_question (tenant_id, asked_at);
CREATE TABLE planner_question_default PARTITION OF planner_question DEFAULT;
COMMENT ON TABLE planner_question_default IS 'Catches what no partition takes; a row in it raises the alert SluiceDefaultPartitionUsed';

CREATE TABLE planner_answer (
    question_id uuid NOT NULL,
    tenant_id uuid,
    problem text,
    detail text,
    answer json,
    answered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK ((problem IS NULL) = (detail IS NULL) AND (problem IS NULL) = (answer IS NOT NULL))
) PARTITION BY RANGE (answered_at);
COMMENT ON TABLE planner_answer IS 'Answers of planners. Written by sluice-provisioner';
COMMENT ON COLUMN planner_answer.question_id IS 'The question; it has one answer, since only the zone''s leader writes them';
COMMENT ON COLUMN planner_answer.tenant_id IS 'The question''s tenant';
COMMENT ON COLUMN planner_answer.problem IS 'Why it cannot be answered: a problem code; null where there is an answer';
COMMENT ON COLUMN planner_answer.detail IS 'The problem in words';
COMMENT ON COLUMN planner_answer.answer IS 'The answer; its form belongs to the question''s kind';
COMMENT ON COLUMN planner_answer.answered_at IS 'Real time; the partition key';
CREATE INDEX planner_answer_of_question ON planner_answer (question_id);
CREATE TABLE planner_answer_default PARTITION OF planner_answer DEFAULT;
COMMENT ON TABLE planner_answer_default IS 'Catches what no partition takes; a row in it raises the alert SluiceDefaultPartitionUsed';

INSERT INTO partition_policy VALUES
    ('planner_question', 'day', 2, '1 day', false),
    ('planner_answer', 'day', 2, '1 day', false);
SELECT partition_ensure(p.table_name, clock_timestamp(), clock_timestamp() + p.ahead * ('1 ' || p.step)::interval)
  FROM partition_policy p WHERE p.table_name IN ('planner_question', 'planner_answer');

GRANT SELECT, INSERT ON planner_question TO sluice_api, sluice_api_system;
GRANT SELECT ON planner_answer TO sluice_api, sluice_api_system;
GRANT SELECT ON planner_question TO sluice_provisioner;
GRANT SELECT, INSERT ON planner_answer TO sluice_provisioner;

DO $$
DECLARE
    subject text;
    process text;
BEGIN
    FOREACH subject IN ARRAY ARRAY['planner_question', 'planner_answer'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', subject);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', subject);
        EXECUTE format('CREATE POLICY own_tenant ON %I FOR ALL TO sluice_api USING (tenant_id = nullif(current_setting(''sluice.tenant'', true), '''')::uuid)', subject);
        FOREACH process IN ARRAY ARRAY['sluice_api_system', 'sluice_provisioner'] LOOP
            EXECUTE format('CREATE POLICY %I ON %I FOR ALL TO %I USING (true) WITH CHECK (true)', process, subject, process);
        END LOOP;
    END LOOP;
END $$;
