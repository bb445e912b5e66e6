-- What a tenant wishes comes back as it was sent, after an amendment too: till now an amended reservation had the granted start and end
-- in place of a start that was left open or of a length with a range for its start.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

ALTER TABLE amendment
    ADD COLUMN gives_window boolean NOT NULL DEFAULT false,
    ADD COLUMN wished_starts_at timestamptz,
    ADD COLUMN wished_ends_at timestamptz,
    ADD COLUMN duration_s bigint,
    ADD COLUMN start_from timestamptz,
    ADD COLUMN start_to timestamptz,
    ADD CHECK (gives_window OR num_nonnulls(wished_starts_at, wished_ends_at, duration_s, start_from, start_to) = 0),
    ADD CHECK ((duration_s IS NULL) = (start_to IS NULL) AND (duration_s IS NULL OR num_nonnulls(wished_starts_at, wished_ends_at) = 0));
COMMENT ON COLUMN amendment.gives_window IS
    'Whether the wish, once granted, has its window as the following columns say, all of it; false: what changes is as starts_at and ends_at say';
COMMENT ON COLUMN amendment.wished_starts_at IS 'Start as it was sent; null: none, and the reservation keeps the one it has or begins at once';
COMMENT ON COLUMN amendment.wished_ends_at IS 'End as it was sent; null: until cancelled, or by duration_s';
COMMENT ON COLUMN amendment.duration_s IS 'Length in seconds as it was sent; null: the window is two times';
COMMENT ON COLUMN amendment.start_from IS 'Earliest start of the range that was sent with duration_s; null: now';
COMMENT ON COLUMN amendment.start_to IS 'Latest start of that range';

ALTER TABLE reservation_status
    ADD COLUMN wished_starts_at timestamptz,
    ADD COLUMN wished_ends_at timestamptz,
    ADD COLUMN wished_duration_s bigint,
    ADD COLUMN wished_start_from timestamptz,
    ADD COLUMN wished_start_to timestamptz;
COMMENT ON COLUMN reservation_status.wished_starts_at IS 'Start as it was last sent and granted; counts where granted_count is not null, as the four below';
COMMENT ON COLUMN reservation_status.wished_ends_at IS 'End as it was last sent and granted';
COMMENT ON COLUMN reservation_status.wished_duration_s IS 'Length as it was last sent and granted; null: the window is two times';
COMMENT ON COLUMN reservation_status.wished_start_from IS 'Earliest start as it was last sent and granted; null: now, or no range';
COMMENT ON COLUMN reservation_status.wished_start_to IS 'Latest start as it was last sent and granted; null: no range';

-- The window as it is wished by a row that was granted, upon the one before. Where a length with a range is amended by a single time, the
-- other one is what was granted with it.
CREATE FUNCTION window_wished(before reservation_status, asked amendment, granted amendment_status) RETURNS reservation_status
LANGUAGE plpgsql IMMUTABLE SET search_path = sluice, pg_temp AS $$
DECLARE
    wished reservation_status := before;
BEGIN
    IF asked.gives_window THEN
        wished.wished_starts_at := asked.wished_starts_at;
        wished.wished_ends_at := asked.wished_ends_at;
        wished.wished_duration_s := asked.duration_s;
        wished.wished_start_from := asked.start_from;
        wished.wished_start_to := asked.start_to;
    ELSIF asked.changes_start OR asked.changes_end THEN
        IF before.wished_duration_s IS NOT NULL THEN
            wished.wished_starts_at := granted.starts_at;
            wished.wished_ends_at := granted.ends_at;
            wished.wished_duration_s := NULL;
            wished.wished_start_from := NULL;
            wished.wished_start_to := NULL;
        END IF;
        IF asked.changes_start THEN
            wished.wished_starts_at := asked.starts_at;
        END IF;
        IF asked.changes_end THEN
            wished.wished_ends_at := asked.ends_at;
        END IF;
    END IF;
    RETURN wished;
END $$;
COMMENT ON FUNCTION window_wished IS 'The status with the window as it is wished once this amendment is granted';

-- By a trigger, since provisioners of before grant, too.
CREATE FUNCTION amendment_is_granted() RETURNS trigger
LANGUAGE plpgsql SET search_path = sluice, pg_temp AS $$
DECLARE
    present reservation_status;
    asked amendment;
BEGIN
    SELECT * INTO STRICT asked FROM amendment WHERE id = NEW.amendment_id;
    SELECT * INTO STRICT present FROM reservation_status WHERE reservation_id = NEW.reservation_id;
    IF present.granted_count IS NULL THEN
        SELECT r.starts_at, r.ends_at, r.duration_s, r.start_from, r.start_to
          INTO present.wished_starts_at, present.wished_ends_at, present.wished_duration_s, present.wished_start_from, present.wished_start_to
          FROM reservation r WHERE r.id = NEW.reservation_id;
    END IF;
    present := window_wished(present, asked, NEW);
    -- The count, too: another one that is granted with this finds its window here.
    UPDATE reservation_status
       SET granted_count = NEW.count, wished_starts_at = present.wished_starts_at, wished_ends_at = present.wished_ends_at,
           wished_duration_s = present.wished_duration_s, wished_start_from = present.wished_start_from,
           wished_start_to = present.wished_start_to
     WHERE reservation_id = NEW.reservation_id;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION amendment_is_granted IS 'Keeps the window as it was sent with what was granted';
CREATE TRIGGER granted AFTER INSERT ON amendment_status FOR EACH ROW WHEN (NEW.state = 'granted') EXECUTE FUNCTION amendment_is_granted();
REVOKE EXECUTE ON FUNCTION window_wished, amendment_is_granted FROM PUBLIC;
GRANT EXECUTE ON FUNCTION window_wished TO sluice_provisioner;

-- What was amended before, in the order in which it was granted: past all policies.
RESET ROLE;
DO $$
DECLARE
    amended record;
    each record;
    present reservation_status;
BEGIN
    FOR amended IN SELECT r.id, r.starts_at, r.ends_at, r.duration_s, r.start_from, r.start_to FROM reservation r
                     JOIN reservation_status s ON s.reservation_id = r.id WHERE s.granted_count IS NOT NULL LOOP
        present.wished_starts_at := amended.starts_at;
        present.wished_ends_at := amended.ends_at;
        present.wished_duration_s := amended.duration_s;
        present.wished_start_from := amended.start_from;
        present.wished_start_to := amended.start_to;
        FOR each IN SELECT a AS asked, d AS granted FROM amendment a JOIN amendment_status d ON d.amendment_id = a.id
                     WHERE a.reservation_id = amended.id AND d.state = 'granted' ORDER BY a.revision LOOP
            present := window_wished(present, each.asked, each.granted);
        END LOOP;
        UPDATE reservation_status
           SET wished_starts_at = present.wished_starts_at, wished_ends_at = present.wished_ends_at,
               wished_duration_s = present.wished_duration_s, wished_start_from = present.wished_start_from,
               wished_start_to = present.wished_start_to
         WHERE reservation_id = amended.id;
    END LOOP;
END $$;
SET LOCAL ROLE sluice_owner;

CREATE OR REPLACE VIEW reservation_view WITH (security_invoker = true) AS
SELECT r.id, r.tenant_id, r.principal_id, r.name, r.project, r.zone_id, r.instance_type_id, r.gpu_count, r.gpu_milli, r.gpu_models,
       r.cpu_milli, r.memory_mib, coalesce(s.granted_count, r.count) AS count,
       CASE WHEN s.granted_count IS NULL THEN r.starts_at ELSE s.wished_starts_at END AS starts_at,
       CASE WHEN s.granted_count IS NULL THEN r.ends_at ELSE s.wished_ends_at END AS ends_at,
       r.within, r.within_required, r.tier, r.if_unavailable,
       r.labels, r.image, r.decide_by, r.cancel_requested_at, r.hidden_at, r.created_at, r.revision AS wish_revision,
       coalesce(s.state, 'pending') AS state, coalesce(s.health, 'ok') AS health, coalesce(s.revision, 0) AS status_revision,
       s.reason, s.binding, s.alternatives, s.starts_at AS granted_starts_at, s.ends_at AS granted_ends_at, s.decided_at,
       coalesce(s.delivered_count, 0) AS delivered_count, s.last_error,
       r.spread,
       CASE WHEN s.granted_count IS NULL THEN r.duration_s ELSE s.wished_duration_s END AS duration_s,
       CASE WHEN s.granted_count IS NULL THEN r.start_from ELSE s.wished_start_from END AS start_from,
       CASE WHEN s.granted_count IS NULL THEN r.start_to ELSE s.wished_start_to END AS start_to,
       r.quote_ttl_s, r.hold_until, r.confirmed_at, r.ssh_keys, r.authorized_keys, r.user_data,
       s.ends_by, s.estimated_starts_at
  FROM reservation r LEFT JOIN reservation_status s ON s.reservation_id = r.id;
