-- What was taken away by other terms in a pause still runs until the zone works again, and its ordinal may be given again.
SET LOCAL ROLE sluice_owner;
SET LOCAL search_path = sluice, pg_temp;

ALTER TABLE instance ADD COLUMN given_up boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN instance.given_up IS 'Other terms took its ordinal from its reservation: it is over, whether it has stopped yet or not';

DROP INDEX instance_of_ordinal;
CREATE UNIQUE INDEX instance_of_ordinal ON instance (reservation_id, ordinal)
 WHERE state NOT IN ('stopping', 'terminated', 'failed') AND NOT given_up;

RESET ROLE;
