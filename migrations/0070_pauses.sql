-- An operator's stop of the automation in one zone: the wish, what the zone's leader made of it, and since when who leads.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

CREATE TABLE zone_pause (
    zone_id uuid PRIMARY KEY REFERENCES zone ON DELETE CASCADE,
    revision bigint NOT NULL DEFAULT 1,
    reason text NOT NULL,
    paused_by uuid NOT NULL,
    paused_at timestamptz NOT NULL DEFAULT sluice_now(),
    paused_until timestamptz NOT NULL,
    resumed_at timestamptz
);
COMMENT ON TABLE zone_pause IS 'That nothing is to be done to the nodes of a zone for a while: the last such wish. Written by sluice-api';
COMMENT ON COLUMN zone_pause.zone_id IS 'The zone';
COMMENT ON COLUMN zone_pause.revision IS 'Rises with each pause and resume; events carry it';
COMMENT ON COLUMN zone_pause.reason IS 'Why';
COMMENT ON COLUMN zone_pause.paused_by IS 'Who asked for it';
COMMENT ON COLUMN zone_pause.paused_at IS 'Domain time at which it was asked for; one that is prolonged keeps it';
COMMENT ON COLUMN zone_pause.paused_until IS 'Domain time at which it ends by itself';
COMMENT ON COLUMN zone_pause.resumed_at IS 'Domain time at which it was ended before that; null: it was not';

CREATE TABLE zone_pause_status (
    zone_id uuid PRIMARY KEY REFERENCES zone ON DELETE CASCADE,
    wish_revision bigint NOT NULL DEFAULT 0,
    revision bigint NOT NULL DEFAULT 0,
    paused_since timestamptz,
    paused_until timestamptz,
    CHECK ((paused_since IS NULL) = (paused_until IS NULL))
);
COMMENT ON TABLE zone_pause_status IS 'The pause that the leader of a zone keeps to: from its commit on no order is given. Written by sluice-provisioner';
COMMENT ON COLUMN zone_pause_status.zone_id IS 'The zone';
COMMENT ON COLUMN zone_pause_status.wish_revision IS 'The revision of zone_pause that it follows; 0: none yet';
COMMENT ON COLUMN zone_pause_status.revision IS 'Rises with each change; events carry it';
COMMENT ON COLUMN zone_pause_status.paused_since IS 'Domain time since which it holds; null: the zone works';
COMMENT ON COLUMN zone_pause_status.paused_until IS 'Domain time at which the zone works again: its deadlines and whatever waits are set to that; null: it works';

CREATE TABLE zone_verification (
    zone_id uuid PRIMARY KEY REFERENCES zone ON DELETE CASCADE,
    verified_at timestamptz NOT NULL,
    is_equal boolean NOT NULL
);
COMMENT ON TABLE zone_verification IS 'What the last comparison of a leader''s memory with the database found. Written by sluice-provisioner';
COMMENT ON COLUMN zone_verification.zone_id IS 'The zone';
COMMENT ON COLUMN zone_verification.verified_at IS 'Real time';
COMMENT ON COLUMN zone_verification.is_equal IS 'Whether both were the same';

-- Whose window is over and who is there nevertheless: few, or none.
CREATE INDEX instance_window_end ON instance (zone_id, least(ends_at, ends_by))
 WHERE state NOT IN ('planned', 'replacing', 'terminated', 'failed');
-- Who was on a node until lately, and who is there.
CREATE INDEX instance_incarnation_on_node ON instance_incarnation (node_id, coalesce(ended_at, 'infinity'));

CREATE VIEW zone_drift WITH (security_invoker = true) AS
SELECT z.id AS zone_id, d.kind, d.count, d.since
  FROM zone z CROSS JOIN LATERAL (
    SELECT 'instances_to_start' AS kind, count(*) AS count, min(i.starts_at) AS since FROM instance i
     WHERE i.zone_id = z.id AND i.due_at IS NOT NULL AND i.state IN ('planned', 'provisioning', 'replacing', 'starting')
       AND NOT i.stop_wished AND i.starts_at <= sluice_now() AND coalesce(least(i.ends_at, i.ends_by), 'infinity') > sluice_now()
    UNION ALL
    SELECT 'instances_to_stop', count(*), min(least(i.ends_at, i.ends_by)) FROM instance i
     WHERE i.zone_id = z.id AND i.state NOT IN ('planned', 'replacing', 'terminated', 'failed')
       AND least(i.ends_at, i.ends_by) <= sluice_now()
    UNION ALL
    SELECT 'actions_pending', count(*), min(a.requested_at) FROM instance_action a
     WHERE a.zone_id = z.id AND NOT EXISTS (SELECT FROM instance_action_status t WHERE t.action_id = a.id)
    UNION ALL
    SELECT v.kind, count(*) FILTER (WHERE v.holds), min(v.since) FILTER (WHERE v.holds)
      FROM (SELECT) one LEFT JOIN node n ON n.zone_id = z.id LEFT JOIN node_status s ON s.node_id = n.id CROSS JOIN LATERAL (VALUES
        ('nodes_silent', n.retired_at IS NULL AND NOT n.sim_powered, CASE WHEN s.state = 'quarantined' THEN s.since END),
        ('nodes_to_prepare', n.id IS NOT NULL AND n.retired_at IS NULL AND coalesce(s.state, 'enrolled') IN ('enrolled', 'validating', 'sanitizing', 'repair'),
         coalesce(s.since, n.enrolled_at)),
        ('nodes_to_empty', n.retired_at IS NULL AND n.draining AND EXISTS (
           SELECT FROM allocation a WHERE a.node_id = n.id AND upper(a.period) > sluice_now()), n.draining_since),
        ('nodes_to_retire', n.retired_at IS NOT NULL, n.retired_at)) v (kind, holds, since)
     WHERE s.state IS DISTINCT FROM 'retired' GROUP BY v.kind) d;
COMMENT ON VIEW zone_drift IS 'What is not as it is wished, by zone and kind; zeros included';
COMMENT ON COLUMN zone_drift.zone_id IS 'The zone';
COMMENT ON COLUMN zone_drift.kind IS 'instances_to_start, instances_to_stop, actions_pending, nodes_silent, nodes_to_prepare, nodes_to_empty, nodes_to_retire';
COMMENT ON COLUMN zone_drift.count IS 'How many';
COMMENT ON COLUMN zone_drift.since IS 'Domain time since which the oldest is; null: none, or not known';

ALTER TABLE leader_lease ADD COLUMN led_since timestamptz;
COMMENT ON COLUMN leader_lease.led_since IS 'Real time since which its holder leads; null: since before this was kept';

CREATE OR REPLACE FUNCTION leader_take(name text, holder text, ttl interval) RETURNS bigint
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
    INSERT INTO leader_lease AS l (name, holder, epoch, renewed_at, expires_at, led_since)
    VALUES (leader_take.name, leader_take.holder, new_epoch, clock_timestamp(), clock_timestamp() + ttl, clock_timestamp())
    ON CONFLICT ON CONSTRAINT leader_lease_pkey DO UPDATE
       SET holder = excluded.holder, epoch = excluded.epoch, renewed_at = excluded.renewed_at, expires_at = excluded.expires_at,
           led_since = excluded.led_since;
    RETURN new_epoch;
END $$;

GRANT SELECT, INSERT, UPDATE ON zone_pause TO sluice_api_system;
GRANT SELECT ON zone_pause TO sluice_provisioner;
GRANT SELECT, INSERT, UPDATE ON zone_pause_status, zone_verification TO sluice_provisioner;
GRANT SELECT ON zone_pause_status, zone_verification, zone_drift TO sluice_api_system;

RESET ROLE;
