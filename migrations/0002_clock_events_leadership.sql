-- What all processes share: the two clocks, the event log, leadership, audit and partitions.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

-- ---- Two clocks ----

CREATE TABLE domain_clock (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    virtual boolean NOT NULL DEFAULT false,
    now timestamptz NOT NULL DEFAULT date_trunc('second', clock_timestamp()),
    tick bigint NOT NULL DEFAULT 0
);
COMMENT ON TABLE domain_clock IS 'Domain time. One row: a real database follows the wall clock, a virtual one stands still until it is moved';
COMMENT ON COLUMN domain_clock.only_row IS 'Always true: there is one clock';
COMMENT ON COLUMN domain_clock.virtual IS 'Whether domain time stands still until POST /v1/system/clock moves it; set when the database is created, never changed';
COMMENT ON COLUMN domain_clock.now IS 'Domain time of a virtual clock; never goes back';
COMMENT ON COLUMN domain_clock.tick IS 'Rises by one with each step of a virtual clock; components acknowledge a tick';
INSERT INTO domain_clock DEFAULT VALUES;

CREATE TABLE clock_acknowledgement (
    component text PRIMARY KEY,
    tick bigint NOT NULL,
    next_due_at timestamptz
);
COMMENT ON TABLE clock_acknowledgement IS 'What each component has finished, so that a move of a virtual clock knows when to go on';
COMMENT ON COLUMN clock_acknowledgement.component IS '"billing", or "zone:<uuid>" for the planner and reconciler of a zone';
COMMENT ON COLUMN clock_acknowledgement.tick IS 'The tick up to which everything due is done';
COMMENT ON COLUMN clock_acknowledgement.next_due_at IS 'The next instant at which the component has something to do; null for none';

CREATE FUNCTION sluice_now() RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = sluice, pg_temp
RETURN (SELECT CASE WHEN virtual THEN now ELSE date_trunc('second', clock_timestamp()) END FROM domain_clock);
COMMENT ON FUNCTION sluice_now() IS 'Domain time in whole seconds: windows, metering, periods and prices. Real time is clock_timestamp()';

CREATE FUNCTION clock_acknowledge(component text, tick bigint, next_due_at timestamptz) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = sluice, pg_temp
BEGIN ATOMIC
    INSERT INTO clock_acknowledgement AS known (component, tick, next_due_at)
    VALUES (clock_acknowledge.component, clock_acknowledge.tick, clock_acknowledge.next_due_at)
    ON CONFLICT (component) DO UPDATE SET tick = excluded.tick, next_due_at = excluded.next_due_at;
    SELECT pg_notify('sluice_clock_ack', '');
END;
COMMENT ON FUNCTION clock_acknowledge(text, bigint, timestamptz) IS 'A component has done everything that is due at the tick';

CREATE FUNCTION clock_step(new_now timestamptz) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = sluice, pg_temp
BEGIN ATOMIC
    SELECT pg_notify('sluice_clock', '');
    UPDATE domain_clock SET now = greatest(now, new_now), tick = tick + 1 WHERE virtual RETURNING tick;
END;
COMMENT ON FUNCTION clock_step(timestamptz) IS 'Moves a virtual clock to an instant, never back, and returns the new tick; null where the clock is real';

-- ---- The event log ----

CREATE TABLE event_generation (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    generation bigint NOT NULL DEFAULT 1
);
COMMENT ON TABLE event_generation IS 'The generation of the event log: a restore raises it, and cursors of an older generation get "reset"';
COMMENT ON COLUMN event_generation.only_row IS 'Always true';
COMMENT ON COLUMN event_generation.generation IS 'Part of every cursor';
INSERT INTO event_generation DEFAULT VALUES;

CREATE TABLE event (
    seq bigint GENERATED ALWAYS AS IDENTITY,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    occurred_at timestamptz NOT NULL DEFAULT sluice_now(),
    tenant_id uuid,
    zone_id uuid,
    object_type text NOT NULL,
    object_id uuid NOT NULL,
    object_revision bigint NOT NULL,
    kind text NOT NULL,
    transition integer,
    payload jsonb NOT NULL DEFAULT '{}'
) PARTITION BY RANGE (recorded_at);
COMMENT ON TABLE event IS 'Every change of state, inserted in the transaction of the change. Readers go by (xid, seq) and stop below the oldest running transaction';
COMMENT ON COLUMN event.seq IS 'Position within a transaction, rising';
COMMENT ON COLUMN event.xid IS 'The transaction that made the change: the first part of a cursor';
COMMENT ON COLUMN event.recorded_at IS 'Real time; the partition key';
COMMENT ON COLUMN event.occurred_at IS 'Domain time of the change';
COMMENT ON COLUMN event.tenant_id IS 'Whose object changed; null for the provider''s own';
COMMENT ON COLUMN event.zone_id IS 'The zone that must act on it; null for none';
COMMENT ON COLUMN event.object_type IS 'reservation, instance, node, invoice, ...';
COMMENT ON COLUMN event.object_id IS 'The object';
COMMENT ON COLUMN event.object_revision IS 'The object''s revision after the change, taken under its row lock: consumers apply per object by it';
COMMENT ON COLUMN event.kind IS 'What happened: "reservation.created", "instance.running", ...';
COMMENT ON COLUMN event.transition IS 'The stable number of the row of the state machine that moved it; null otherwise';
COMMENT ON COLUMN event.payload IS 'What a consumer needs to know of the object at this revision';
CREATE INDEX event_cursor_order ON event (xid, seq);
CREATE INDEX event_of_object ON event (object_id, object_revision);
CREATE TABLE event_default PARTITION OF event DEFAULT;
COMMENT ON TABLE event_default IS 'Catches what no partition takes; a row in it raises the alert SluiceDefaultPartitionUsed';

CREATE TABLE event_cursor (
    consumer text PRIMARY KEY,
    generation bigint NOT NULL,
    xid xid8 NOT NULL,
    seq bigint NOT NULL
);
COMMENT ON TABLE event_cursor IS 'How far each consumer has read; moved in the transaction of the effect, so that each event counts once';
COMMENT ON COLUMN event_cursor.consumer IS '"billing", "zone:<uuid>"';
COMMENT ON COLUMN event_cursor.generation IS 'The log''s generation the position belongs to';
COMMENT ON COLUMN event_cursor.xid IS 'Transaction of the last event consumed';
COMMENT ON COLUMN event_cursor.seq IS 'Its sequence';

CREATE FUNCTION event_append(tenant_id uuid, zone_id uuid, object_type text, object_id uuid, object_revision bigint,
                             kind text, transition integer, payload jsonb, occurred_at timestamptz DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = sluice, pg_temp AS $$
DECLARE
    appended bigint;
BEGIN
    -- A tenant's connection can write into its own log only.
    IF session_user = 'sluice_api'
       AND event_append.tenant_id IS DISTINCT FROM nullif(current_setting('sluice.tenant', true), '')::uuid THEN
        RAISE insufficient_privilege USING MESSAGE = 'an event of another tenant';
    END IF;
    INSERT INTO event AS e (tenant_id, zone_id, object_type, object_id, object_revision, kind, transition, payload, occurred_at)
    VALUES (event_append.tenant_id, event_append.zone_id, event_append.object_type, event_append.object_id,
            event_append.object_revision, event_append.kind, event_append.transition, event_append.payload,
            coalesce(event_append.occurred_at, sluice_now()))
    RETURNING e.seq INTO appended;
    RETURN appended;
END $$;
COMMENT ON FUNCTION event_append IS 'The one way into the event log outside admission. Call it under the lock of the object''s row';

-- ---- Leadership ----

CREATE TABLE leader_epoch (
    name text PRIMARY KEY,
    epoch bigint NOT NULL
);
COMMENT ON TABLE leader_epoch IS 'Fences leaders: each transaction of one locks its row FOR SHARE, a takeover updates it and so waits';
COMMENT ON COLUMN leader_epoch.name IS 'What is led: "zone:<uuid>", "billing", "housekeeping"';
COMMENT ON COLUMN leader_epoch.epoch IS 'Rises with each takeover';
CREATE TABLE leader_lease (
    name text PRIMARY KEY REFERENCES leader_epoch,
    holder text NOT NULL,
    epoch bigint NOT NULL,
    renewed_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
COMMENT ON TABLE leader_lease IS 'Who leads until when (real time). Renewal touches this table only';
COMMENT ON COLUMN leader_lease.name IS 'What is led';
COMMENT ON COLUMN leader_lease.holder IS 'host:pid:random of the process';
COMMENT ON COLUMN leader_lease.epoch IS 'The epoch under which it leads';
COMMENT ON COLUMN leader_lease.renewed_at IS 'Real time of the last renewal';
COMMENT ON COLUMN leader_lease.expires_at IS 'Real time after which another may take over';

CREATE FUNCTION leader_take(name text, holder text, ttl interval) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = sluice, pg_temp AS $$
DECLARE
    lease leader_lease;
    new_epoch bigint;
BEGIN
    UPDATE leader_lease l SET renewed_at = clock_timestamp(), expires_at = clock_timestamp() + ttl
     WHERE l.name = leader_take.name AND l.holder = leader_take.holder AND l.expires_at > clock_timestamp()
     RETURNING l.epoch INTO new_epoch;
    IF FOUND THEN
        RETURN new_epoch;
    END IF;

    SELECT * INTO lease FROM leader_lease l WHERE l.name = leader_take.name;
    IF FOUND AND lease.expires_at > clock_timestamp() THEN
        RETURN NULL;
    END IF;

    -- The update waits for every transaction that the old leader still runs under its share lock.
    INSERT INTO leader_epoch AS e (name, epoch) VALUES (leader_take.name, 1)
    ON CONFLICT ON CONSTRAINT leader_epoch_pkey DO UPDATE SET epoch = e.epoch + 1
    RETURNING e.epoch INTO new_epoch;
    -- Two candidates waited in line: the second finds the first one's lease and has only burnt an epoch, so it undoes that.
    SELECT * INTO lease FROM leader_lease l WHERE l.name = leader_take.name FOR UPDATE;
    IF FOUND AND lease.expires_at > clock_timestamp() AND lease.holder <> leader_take.holder THEN
        UPDATE leader_epoch e SET epoch = lease.epoch WHERE e.name = leader_take.name;
        RETURN NULL;
    END IF;
    INSERT INTO leader_lease AS l (name, holder, epoch, renewed_at, expires_at)
    VALUES (leader_take.name, leader_take.holder, new_epoch, clock_timestamp(), clock_timestamp() + ttl)
    ON CONFLICT ON CONSTRAINT leader_lease_pkey DO UPDATE
       SET holder = excluded.holder, epoch = excluded.epoch, renewed_at = excluded.renewed_at, expires_at = excluded.expires_at;
    RETURN new_epoch;
END $$;
COMMENT ON FUNCTION leader_take IS 'Renews the holder''s lease or takes a free one; returns the epoch, or null while another leads';

CREATE FUNCTION leader_give(name text, holder text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = sluice, pg_temp
BEGIN ATOMIC
    UPDATE leader_lease l SET expires_at = clock_timestamp() WHERE l.name = leader_give.name AND l.holder = leader_give.holder;
END;
COMMENT ON FUNCTION leader_give IS 'Gives a lease back on shutdown, so that a standby need not wait for its end';

CREATE FUNCTION leader_fence(name text, epoch bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = sluice, pg_temp AS $$
BEGIN
    PERFORM 1 FROM leader_epoch e WHERE e.name = leader_fence.name AND e.epoch = leader_fence.epoch FOR SHARE;
    RETURN FOUND;
END $$;
COMMENT ON FUNCTION leader_fence IS 'First statement of a leader''s transaction: holds the epoch until commit; false: another leads';

-- ---- Audit ----

CREATE TABLE audit (
    id uuid NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    tenant_id uuid,
    principal_id uuid,
    request_id text NOT NULL,
    remote text NOT NULL,
    action text NOT NULL,
    object_id uuid,
    result text NOT NULL
) PARTITION BY RANGE (recorded_at);
COMMENT ON TABLE audit IS 'Who did what, from where, on what, with what result: mutations and refusals. Append-only';
COMMENT ON COLUMN audit.id IS 'UUIDv7';
COMMENT ON COLUMN audit.recorded_at IS 'Real time; the partition key';
COMMENT ON COLUMN audit.tenant_id IS 'The tenant acted for; null for the provider''s own';
COMMENT ON COLUMN audit.principal_id IS 'Who; null where nobody was recognised';
COMMENT ON COLUMN audit.request_id IS 'Request-Id of the answer';
COMMENT ON COLUMN audit.remote IS 'From where: an address, or "unix"';
COMMENT ON COLUMN audit.action IS 'Method and route: "POST /v1/reservations"';
COMMENT ON COLUMN audit.object_id IS 'On what; null for none';
COMMENT ON COLUMN audit.result IS '"ok", or the problem code of the refusal';
CREATE INDEX audit_of_tenant ON audit (tenant_id, recorded_at);
CREATE TABLE audit_default PARTITION OF audit DEFAULT;
COMMENT ON TABLE audit_default IS 'Catches what no partition takes; a row in it raises the alert SluiceDefaultPartitionUsed';

CREATE FUNCTION audit_refuses_change() RETURNS trigger LANGUAGE plpgsql SET search_path = sluice, pg_temp AS $$
BEGIN
    RAISE insufficient_privilege USING MESSAGE = 'audit is append-only';
END $$;
COMMENT ON FUNCTION audit_refuses_change IS 'Trigger: audit rows are neither changed nor deleted';
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_refuses_change();

CREATE FUNCTION audit_append(id uuid, tenant_id uuid, principal_id uuid, request_id text, remote text, action text,
                             object_id uuid, result text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = sluice, pg_temp
BEGIN ATOMIC
    INSERT INTO audit (id, tenant_id, principal_id, request_id, remote, action, object_id, result)
    VALUES (audit_append.id, audit_append.tenant_id, audit_append.principal_id, audit_append.request_id, audit_append.remote,
            audit_append.action, audit_append.object_id, audit_append.result);
END;
COMMENT ON FUNCTION audit_append IS 'The one way into the audit outside admission';

-- ---- Partitions ----

CREATE TABLE partition_policy (
    table_name text PRIMARY KEY,
    step text NOT NULL CHECK (step IN ('day', 'week', 'month')),
    ahead integer NOT NULL CHECK (ahead BETWEEN 1 AND 100),
    keep interval,
    domain_time boolean NOT NULL
);
COMMENT ON TABLE partition_policy IS 'The tables that grow without bound: how they are cut, how far ahead partitions are made, and when they expire';
COMMENT ON COLUMN partition_policy.table_name IS 'A table of this schema, partitioned by range of one timestamptz';
COMMENT ON COLUMN partition_policy.step IS 'Width of a partition';
COMMENT ON COLUMN partition_policy.ahead IS 'How many partitions are made ahead';
COMMENT ON COLUMN partition_policy.keep IS 'Age at which a partition is dropped; null: kept for ever';
COMMENT ON COLUMN partition_policy.domain_time IS 'Whether the key is domain time (else real time)';
INSERT INTO partition_policy VALUES
    ('event', 'day', 7, '90 days', false),
    ('audit', 'month', 3, '7 years', false);

CREATE FUNCTION partition_ensure(table_name text, from_at timestamptz, to_at timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = sluice, pg_temp AS $$
DECLARE
    policy partition_policy;
    start_at timestamp;
    made integer := 0;
    partition_name text;
BEGIN
    SELECT * INTO STRICT policy FROM partition_policy p WHERE p.table_name = partition_ensure.table_name;
    start_at := date_trunc(policy.step, from_at AT TIME ZONE 'UTC');
    WHILE start_at <= to_at AT TIME ZONE 'UTC' LOOP
        partition_name := format('%s_%s', policy.table_name, to_char(start_at, 'YYYYMMDD'));
        IF to_regclass(format('sluice.%I', partition_name)) IS NULL THEN
            EXECUTE format('CREATE TABLE IF NOT EXISTS sluice.%I PARTITION OF sluice.%I FOR VALUES FROM (%L) TO (%L)',
                           partition_name, policy.table_name, start_at AT TIME ZONE 'UTC',
                           (start_at + ('1 ' || policy.step)::interval) AT TIME ZONE 'UTC');
            EXECUTE format('COMMENT ON TABLE sluice.%I IS %L', partition_name,
                           format('Partition of %s from %s', policy.table_name, start_at));
            made := made + 1;
        END IF;
        start_at := start_at + ('1 ' || policy.step)::interval;
    END LOOP;
    RETURN made;
END $$;
COMMENT ON FUNCTION partition_ensure IS 'Makes the partitions that cover a span of time; returns how many were missing';

CREATE FUNCTION partition_maintain() RETURNS TABLE (table_name text, made integer, dropped integer, rows_in_default boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = sluice, pg_temp AS $$
DECLARE
    policy partition_policy;
    present timestamptz;
    old record;
BEGIN
    FOR policy IN SELECT * FROM partition_policy p ORDER BY p.table_name LOOP
        present := CASE WHEN policy.domain_time THEN sluice_now() ELSE clock_timestamp() END;
        table_name := policy.table_name;
        made := partition_ensure(policy.table_name, present, present + policy.ahead * ('1 ' || policy.step)::interval);
        dropped := 0;
        IF policy.keep IS NOT NULL THEN
            FOR old IN
                SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                 WHERE i.inhparent = format('sluice.%I', policy.table_name)::regclass
                   AND c.relname ~ '_[0-9]{8}$'
                   AND to_timestamp(right(c.relname, 8), 'YYYYMMDD') + ('1 ' || policy.step)::interval < present - policy.keep
            LOOP
                EXECUTE format('DROP TABLE sluice.%I', old.relname);
                dropped := dropped + 1;
            END LOOP;
        END IF;
        EXECUTE format('SELECT EXISTS (SELECT FROM sluice.%I)', policy.table_name || '_default') INTO rows_in_default;
        RETURN NEXT;
    END LOOP;
END $$;
COMMENT ON FUNCTION partition_maintain IS 'The housekeeping job''s part: partitions ahead, expiry by policy, and whether a default partition holds rows (an alert)';

SELECT partition_ensure(p.table_name, clock_timestamp(), clock_timestamp() + p.ahead * ('1 ' || p.step)::interval) FROM partition_policy p;
