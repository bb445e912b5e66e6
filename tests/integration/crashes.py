"""Crashes of sluice-billing within a history: a statement of its own is counted, and the connection that runs the chosen one is ended by the
database, so that what was committed stays and the rest is gone; as often as not the daemon is killed with it and another takes over."""
# SPDX-License-Identifier: Apache-2.0

# What closes of days and months write, and what operators ask of billing.
WRITTEN = ("usage_interval", "meter_usage", "billing_cut", "rated_line", "unpriced_usage", "commitment_period", "asset_book", "depreciation", "node_cost",
           "cost_allocation", "cost_summary", "journal", "entry", "billing_day", "billing_period", "invoice", "invoice_line",
           "invoice_tax", "invoice_series", "month_close", "unrated_period", "unpriced_late", "cohort_result",
           "invoice_request_status", "credit_note", "credit_note_line", "settlement", "credit_grant_status", "payment_status", "credit_hold", "event_cursor")
# A sequence is not rolled back: so the count goes on behind a crash, and nothing crashes twice.
COUNTED = """
CREATE SEQUENCE crash_count;
CREATE TABLE crash_at (nth bigint NOT NULL);
INSERT INTO crash_at VALUES (0);
CREATE FUNCTION crash_here() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = sluice, pg_temp AS $$
BEGIN
    IF nextval('crash_count') = (SELECT nth FROM crash_at) THEN
        PERFORM pg_terminate_backend(pg_backend_pid());
    END IF;
    RETURN NULL;
END $$;
GRANT EXECUTE ON FUNCTION crash_here TO PUBLIC;
"""


class Crashes:
    """Of a History: a close in so many breaks off."""

    def set_up_crashes(self):
        self.usual, self.crashes = 60, 0  # statements that write, of the last close
        self.house.run(COUNTED)
        for table in WRITTEN:
            self.house.run(f"CREATE TRIGGER crash AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION crash_here()")

    def counted(self):
        return self.house.value("SELECT last_value FROM crash_count")

    def crash_soon(self, times=1):
        """From here on, within about so many times as many statements as a close took before."""
        self.house.run("UPDATE crash_at SET nth = %s", self.counted() + self.dice.randrange(1, times * self.usual + 1))

    def midnight_with_crash(self):
        """The close of a day, and of the months that are over with it, that may break off."""
        before, is_killed = self.counted(), self.dice.random() < 0.5
        self.house.begin_midnight()
        nth = self.house.value("SELECT nth FROM crash_at")
        if is_killed and nth > before:
            self.house.until(lambda is_closed: is_closed or self.counted() >= nth)
            self.house.kill_leader()
        self.house.until(lambda is_closed: is_closed)
        self.crashes += before < nth <= self.counted()
        self.house.run("UPDATE crash_at SET nth = 0")
        self.usual = max(20, self.counted() - before)
