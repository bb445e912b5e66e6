-- Webhooks: events brought to a tenant's (or the provider's) own address. What is wished is sluice-api's, for a tenant;
-- what was sent is written by the sluice-api that leads "webhooks". Deliveries come out of the event log by cursor.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

CREATE TABLE webhook (
    id uuid PRIMARY KEY,
    tenant_id uuid REFERENCES tenant,
    url text NOT NULL CHECK (length(url) BETWEEN 1 AND 2048),
    events text[] NOT NULL CHECK (cardinality(events) BETWEEN 1 AND 32),
    object text,
    object_id uuid,
    description text CHECK (length(description) <= 255),
    active boolean NOT NULL,
    secret text NOT NULL,
    previous_secret text,
    previous_until timestamptz,
    revision bigint NOT NULL DEFAULT 1,
    created_xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK ((object IS NULL) = (object_id IS NULL)),
    CHECK ((previous_secret IS NULL) = (previous_until IS NULL))
);
COMMENT ON TABLE webhook IS 'Where events are to be brought. Written by sluice-api';
COMMENT ON COLUMN webhook.id IS 'UUIDv7; "whk_..." outside';
COMMENT ON COLUMN webhook.tenant_id IS 'Whose; null: the provider''s, which gets the events of all';
COMMENT ON COLUMN webhook.url IS 'Where to';
COMMENT ON COLUMN webhook.events IS 'Kinds of events, or their beginnings: "reservation.*"';
COMMENT ON COLUMN webhook.object IS 'Only events of this object, as it was submitted; null: of every one';
COMMENT ON COLUMN webhook.object_id IS 'The same as a UUID';
COMMENT ON COLUMN webhook.description IS 'For people';
COMMENT ON COLUMN webhook.active IS 'Whether events are brought there; those of the time in between are not brought later';
COMMENT ON COLUMN webhook.secret IS 'What signs, sealed by a key that the database does not have';
COMMENT ON COLUMN webhook.previous_secret IS 'What signed before, and signs beside the new one for a while; null: nothing';
COMMENT ON COLUMN webhook.previous_until IS 'Real time at which the previous secret signs no more';
COMMENT ON COLUMN webhook.revision IS 'Rises with each change; a change also enables it again where it was disabled';
COMMENT ON COLUMN webhook.created_xid IS 'The transaction that made it: events of later ones are brought';
COMMENT ON COLUMN webhook.created_at IS 'Real time';
CREATE INDEX webhook_of_tenant ON webhook (tenant_id, id);

CREATE TABLE webhook_status (
    webhook_id uuid PRIMARY KEY,
    tenant_id uuid,
    revision bigint NOT NULL DEFAULT 1,
    failing_since timestamptz,
    last_success_at timestamptz,
    last_failure_at timestamptz,
    last_error text,
    disabled_at timestamptz,
    disabled_revision bigint
);
COMMENT ON TABLE webhook_status IS 'How a webhook fares; no row: nothing was sent yet. Written by the sluice-api that leads "webhooks"';
COMMENT ON COLUMN webhook_status.webhook_id IS 'The webhook';
COMMENT ON COLUMN webhook_status.tenant_id IS 'Its tenant';
COMMENT ON COLUMN webhook_status.revision IS 'Rises with each change';
COMMENT ON COLUMN webhook_status.failing_since IS 'Real time of the first failure since the last success; null: none';
COMMENT ON COLUMN webhook_status.last_success_at IS 'Real time';
COMMENT ON COLUMN webhook_status.last_failure_at IS 'Real time';
COMMENT ON COLUMN webhook_status.last_error IS 'What was wrong with the last one that failed';
COMMENT ON COLUMN webhook_status.disabled_at IS 'Real time at which it was disabled, because it failed for too long; null: it was not';
COMMENT ON COLUMN webhook_status.disabled_revision IS 'The webhook''s revision then: it is disabled as long as it has that';

CREATE TABLE webhook_delivery (
    id uuid PRIMARY KEY,
    webhook_id uuid NOT NULL,
    tenant_id uuid,
    event_generation bigint NOT NULL,
    event_xid xid8 NOT NULL,
    event_seq bigint NOT NULL,
    event_recorded_at timestamptz NOT NULL,
    kind text NOT NULL,
    object_id uuid NOT NULL,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'failed')),
    attempts integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_attempt_at timestamptz,
    response_status integer,
    response_snippet text,
    error text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE webhook_delivery IS 'An event on its way to a webhook, and what came of it; kept for 30 days. Written by the sluice-api that leads "webhooks"';
COMMENT ON COLUMN webhook_delivery.id IS 'UUIDv7; "whd_..." outside';
COMMENT ON COLUMN webhook_delivery.webhook_id IS 'Where to';
COMMENT ON COLUMN webhook_delivery.tenant_id IS 'The webhook''s tenant';
COMMENT ON COLUMN webhook_delivery.event_generation IS 'The log''s generation: part of the event''s id';
COMMENT ON COLUMN webhook_delivery.event_xid IS 'The event''s transaction';
COMMENT ON COLUMN webhook_delivery.event_seq IS 'The event''s sequence';
COMMENT ON COLUMN webhook_delivery.event_recorded_at IS 'When it was recorded: its partition';
COMMENT ON COLUMN webhook_delivery.kind IS 'The event''s kind';
COMMENT ON COLUMN webhook_delivery.object_id IS 'The event''s object';
COMMENT ON COLUMN webhook_delivery.state IS 'pending until it was answered with 2xx, or tried as often as it may be';
COMMENT ON COLUMN webhook_delivery.attempts IS 'How often it was tried';
COMMENT ON COLUMN webhook_delivery.next_attempt_at IS 'Real time; of pending ones';
COMMENT ON COLUMN webhook_delivery.last_attempt_at IS 'Real time at which the last attempt ended; null: none yet';
COMMENT ON COLUMN webhook_delivery.response_status IS 'Status of the last answer; null: there was none';
COMMENT ON COLUMN webhook_delivery.response_snippet IS 'The beginning of its body';
COMMENT ON COLUMN webhook_delivery.error IS 'Why there was no answer, or none of 2xx; null: there was';
COMMENT ON COLUMN webhook_delivery.created_at IS 'Real time';
CREATE INDEX webhook_delivery_of_webhook ON webhook_delivery (webhook_id, id);
CREATE INDEX webhook_delivery_due ON webhook_delivery (webhook_id, next_attempt_at, event_xid, event_seq) WHERE state = 'pending';

-- ---- Who may what ----

GRANT SELECT, INSERT, UPDATE, DELETE ON webhook TO sluice_api, sluice_api_system;
GRANT SELECT ON webhook_status, webhook_delivery TO sluice_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON webhook_status, webhook_delivery TO sluice_api_system;
GRANT INSERT, UPDATE ON event_cursor TO sluice_api_system;

DO $$
DECLARE
    subject text;
BEGIN
    FOREACH subject IN ARRAY ARRAY['webhook', 'webhook_status', 'webhook_delivery'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', subject);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', subject);
        EXECUTE format('CREATE POLICY own_tenant ON %I FOR ALL TO sluice_api USING (tenant_id = nullif(current_setting(''sluice.tenant'', true), '''')::uuid)', subject);
        EXECUTE format('CREATE POLICY sluice_api_system ON %I FOR ALL TO sluice_api_system USING (true) WITH CHECK (true)', subject);
    END LOOP;
END $$;
