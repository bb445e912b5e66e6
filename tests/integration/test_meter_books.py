"""What readings of meters do to the books of many: each second at the price that holds then, however its readings were summed, and one tenant's never
stop the others'. sluice-billing alone; readings are written as sluice-api would write them."""
# SPDX-License-Identifier: Apache-2.0

import uuid

import pytest

from bookkeeping import Bookkeeping
from stack import eventually

START = "2026-03-19T00:00:00Z"
# What reads all that was rated of a tenant's period is refused, or takes too long, for those who are put into the table; or whatever reads it does, always.
HELD_UP = """
CREATE TABLE held_up (tenant_id uuid PRIMARY KEY, how text NOT NULL);
CREATE FUNCTION hold_up(of_tenant uuid) RETURNS boolean LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = sluice, pg_temp AS $$
DECLARE
    how text := (SELECT h.how FROM held_up h WHERE h.tenant_id = of_tenant
                 AND (h.how = 'always' OR current_query() LIKE '%%$3::boolean AND l.reason = ''minimum''%%'));
BEGIN
    IF how IN ('slow', 'always') THEN
        PERFORM pg_sleep(60);
    ELSIF how = 'refused' THEN
        RAISE check_violation USING MESSAGE = 'refused on purpose';
    END IF;
    RETURN true;
END $$;
"""
HOLD_UP = "CREATE POLICY held_up ON rated_line AS RESTRICTIVE FOR SELECT TO sluice_billing USING (hold_up(tenant_id))"


class Meters:
    """Tenants with a reservation each and meters, one book for all tests of this file: each test has tenants and meters of its own."""

    def __init__(self, books):
        self.books = books
        self.serial = 0
        books.node("n1")

    def tenant(self, name, **options):
        made = self.books.tenant(name, **options)
        return made, self.books.reservation(made)

    def meter(self, name, aggregation="sum"):
        made = str(uuid.uuid4())
        self.books.run("INSERT INTO meter (id, name, unit, aggregation, decimals) VALUES (%s, %s, 'GB', %s, 3)", made, name, aggregation)
        return made

    def price(self, meter, price_u, valid_from, valid_until=None, **more):
        return self.books.price(meter, price_u, valid_from, valid_until, kind="meter", tier="any", **more)

    def report(self, tenant, meter, milli, to, **options):
        self.serial += 1
        columns = {"tenant_id": tenant[0], "event_id": f"e{self.serial}", "reservation_id": tenant[1], "meter_id": meter, "to_at": to, "quantity_milli": milli,
                   **options}
        self.books.insert("meter_reading", columns)

    def lines(self, tenant):
        """Quantity and amount by price, of the prices that anything is left of."""
        found = self.books.rows("SELECT price_id, sum(meter_quantity)::bigint AS quantity, sum(amount_u)::bigint AS amount FROM rated_line"
                                " WHERE tenant_id = %s AND meter_id IS NOT NULL GROUP BY 1 HAVING sum(meter_quantity) <> 0", tenant[0])
        return {each["price_id"]: (each["quantity"], each["amount"]) for each in found}


@pytest.fixture(scope="module")
def meters(cluster, tmp_path_factory):
    books = Bookkeeping(cluster, tmp_path_factory.mktemp("meters"), start=START, settings={"SLUICE_LEASE_TTL_MS": "3000"})
    books.daemon.start()
    yield Meters(books)
    books.close()


# The tests go through time, in their order.


def test_a_period_that_is_rated_anew_may_be_refused_or_take_too_long_and_tells_nothing_wrong_meanwhile(meters):
    """A price that was withdrawn after its day: nobody's book has it any more, so what was written is read once more, by price and facts."""
    books, meter = meters.books, meters.meter("held")
    refused, slow = meters.tenant("held-refused"), meters.tenant("held-slow")
    books.commitment(slow[0], "2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z", 1, 10_000)  # its period is due each day, reading or none
    wrong = meters.price("held", 1_000_000, START)
    for each in (refused, slow):
        meters.report(each, meter, 1000, "2026-03-19T01:00:00Z")
    books.advance("2026-03-20T00:00:00Z")
    books.step("2026-03-20T00:10:00Z")
    assert meters.lines(refused) == {wrong: (1000, 1_000_000)}
    meters.report(refused, meter, 1000, "2026-03-20T00:05:00Z")
    books.step("2026-03-20T12:00:00Z")
    withdrawn = "2026-03-21T00:03:00Z"
    books.run("UPDATE price SET withdrawn_at = %s WHERE id = %s", withdrawn, wrong)
    right = meters.price("held", 2_000_000, START, corrects=wrong, created_at=withdrawn)
    books.step("2026-03-20T23:59:59Z")
    eventually(lambda: books.value("SELECT bool_and(as_of = sluice_now()) FROM provisional_day"), "the open day is told")
    told = books.value("SELECT coalesce(sum(r.effective_u), 0) FROM provisional_revenue r JOIN provisional_day d ON d.generation = r.generation AND d.day = r.day"
                       " WHERE r.tenant_id = %s", refused[0])
    assert told == 0, "what the old price was paid for is not told again at the new one"

    books.run(HELD_UP)
    books.run(HOLD_UP)
    books.run("INSERT INTO held_up VALUES (%s, 'refused')", refused[0])
    daemon = books.daemon.process
    books.tick("2026-03-21T00:00:00Z")
    eventually(lambda: books.daemon.log.read_text().count("refused on purpose") > 0, "the second reading is refused")
    books.run("INSERT INTO held_up VALUES (%s, 'slow')", slow[0])
    books.run("DELETE FROM held_up WHERE how = 'refused'")
    eventually(lambda: books.value("SELECT max(day)::text FROM billing_day") == "2026-03-20", f"the day is closed without the slow one:\n{books.daemon.log_tail()}")
    assert daemon.poll() is None, books.daemon.log_tail()
    books.run("DROP POLICY held_up ON rated_line")
    assert meters.lines(refused) == {right: (2000, 4_000_000)}
    (waiting,) = books.rows("SELECT tenant_id, reason FROM unrated_period")
    assert waiting["tenant_id"] == slow[0] and "timeout" in waiting["reason"]
    books.advance("2026-03-22T00:00:00Z")
    assert {price: quantity for price, (quantity, _) in meters.lines(slow).items()} == {right: 1000}
    assert books.rows("SELECT * FROM unrated_period") == []


def test_a_day_is_one_sum_however_often_agents_report(meters):
    tenant, meter = meters.tenant("often"), meters.meter("often")
    price = meters.price("often", 1_000_000, START)
    for minute in range(1, 120):
        meters.report(tenant, meter, 1000, f"2026-03-22T{minute // 60:02}:{minute % 60:02}:00Z")
    meters.books.advance("2026-03-23T00:00:00Z")
    meters.books.step("2026-03-23T00:10:00Z")
    assert meters.books.value("SELECT count(*) FROM meter_usage WHERE tenant_id = %s", tenant[0]) == 1
    assert meters.lines(tenant) == {price: (119_000, 119_000_000)}
    meters.books.sound()


def test_a_price_that_begins_within_an_hour_rates_from_its_own_second_on(meters):
    tenant, other, meter = meters.tenant("cut"), meters.tenant("cut-before"), meters.meter("cut")
    first = meters.price("cut", 1_000_000, START, "2026-03-23T12:34:56Z")
    second = meters.price("cut", 3_000_000, "2026-03-23T12:34:56Z")
    for to in ("12:34:55", "12:34:56", "12:34:57", "12:59:59"):  # the last second of the second one is the last of the first price
        meters.report(tenant, meter, 1000, f"2026-03-23T{to}Z")
    meters.report(other, meter, 1000, "2026-03-23T12:34:56Z")
    meters.books.advance("2026-03-24T00:00:00Z")
    meters.books.step("2026-03-24T00:10:00Z")
    assert meters.lines(tenant) == {first: (2000, 2_000_000), second: (2000, 6_000_000)}
    assert meters.lines(other) == {first: (1000, 1_000_000)}
    meters.books.sound()


def test_a_price_made_later_rates_what_was_summed_across_its_beginning(meters):
    tenant, meter = meters.tenant("late-price"), meters.meter("late-price", "level")
    listed = meters.price("late-price", 3_600_000, START)
    for begin, end in (("09:30", "10:00"), ("10:00", "10:30"), ("10:30", "11:00")):
        meters.report(tenant, meter, 1000, f"2026-03-24T{end}:00Z", from_at=f"2026-03-24T{begin}:00Z")
    meters.books.advance("2026-03-25T00:00:00Z")
    meters.books.step("2026-03-25T00:10:00Z")
    assert meters.lines(tenant) == {listed: (3 * 1000 * 1800, 3 * 1_800_000)}
    own = meters.price("late-price", 7_200_000, "2026-03-24T10:10:10Z", tenant=tenant[0])  # within a stretch that is summed
    meters.report(tenant, meter, 1000, "2026-03-24T11:30:00Z", from_at="2026-03-24T11:00:00Z")  # late: counted with the 4th
    meters.books.advance("2026-03-26T00:00:00Z")
    meters.books.step("2026-03-26T00:10:00Z")
    assert meters.lines(tenant) == {listed: (1000 * 1800, 1_800_000), own: (3 * 1000 * 1800, 3 * 3_600_000)}
    meters.books.sound()


def test_a_price_that_was_withdrawn_after_its_day_gives_its_readings_to_the_one_in_its_place(meters):
    """Before the close of that day: withdrawn on the next one, the close's book does not know it any more. So also for whom the day is rated
    without a reading: every day of a commitment is."""
    tenant, bound, meter = meters.tenant("corrected"), meters.tenant("corrected-bound"), meters.meter("corrected")
    wrong = meters.price("corrected", 1_000_000, START)
    meters.books.commitment(bound[0], "2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z", 1, 10_000)
    for each in (tenant, bound):
        meters.report(each, meter, 1000, "2026-03-26T01:00:00Z")
    meters.books.advance("2026-03-27T00:00:00Z")
    meters.books.step("2026-03-27T00:10:00Z")
    assert meters.lines(tenant) == {wrong: (1000, 1_000_000)}
    meters.report(tenant, meter, 1000, "2026-03-27T00:05:00Z")
    meters.books.step("2026-03-27T23:59:59Z")
    withdrawn = "2026-03-28T00:03:00Z"  # as a clock that runs on while the day is not closed yet
    meters.books.run("UPDATE price SET withdrawn_at = %s WHERE id = %s", withdrawn, wrong)
    right = meters.price("corrected", 2_000_000, START, corrects=wrong, created_at=withdrawn)
    meters.books.step("2026-03-28T00:00:00Z")
    meters.books.step("2026-03-28T00:00:00Z")
    assert meters.lines(tenant) == {right: (2000, 4_000_000)}
    assert {price: quantity for price, (quantity, _) in meters.lines(bound).items()} == {right: 1000}
    meters.books.step("2026-03-28T00:10:00Z")


@pytest.mark.parametrize("name,price_u,readings", [("dear", 1000 * 1_000_000, 3), ("endless", 0, 11_000)])
def test_readings_that_fit_no_amount_stop_nobody_else(meters, name, price_u, readings):
    """What comes to more than a period may, and a quantity beyond 64 bits."""
    tenant, other, meter = meters.tenant(name), meters.tenant(f"{name}-other"), meters.meter(name, "level")
    price = meters.price(name, price_u, START)
    day = meters.books.now().strftime("%Y-%m-%d")
    tomorrow = meters.books.value("SELECT (sluice_now() AT TIME ZONE 'UTC')::date + 1").isoformat()
    meters.books.run("INSERT INTO meter_reading (tenant_id, event_id, reservation_id, meter_id, from_at, to_at, quantity_milli)"
                     " SELECT %s, %s || n, %s, %s, %s, %s, 9999999000 FROM generate_series(1, %s) n", tenant[0], name, tenant[1], meter,
                     f"{day}T00:00:01Z", f"{tomorrow}T00:00:00Z", readings)
    meters.report(other, meter, 1000, f"{tomorrow}T00:00:00Z", from_at=f"{day}T00:00:01Z")
    meters.books.advance(f"{tomorrow}T00:00:00Z")
    meters.books.step(f"{tomorrow}T00:10:00Z")
    assert meters.books.value("SELECT max(day) FROM billing_day").isoformat() == day
    assert list(meters.lines(other)) == [price] and meters.lines(tenant) == {}
    (waiting,) = meters.books.rows("SELECT * FROM unrated_period WHERE tenant_id = %s", tenant[0])
    assert "than a tenant's billing period may come to" in waiting["reason"] or "does not fit" in waiting["reason"]


def test_a_period_that_could_not_be_rated_is_rated_once_it_can_be(meters):
    """Here by a correction of the price; what fits no quantity waits on, and keeps its month open."""
    tenant = meters.books.value("SELECT id FROM tenant WHERE name = 'dear'")
    wrong = meters.books.value("SELECT id FROM price WHERE sku = 'dear'")
    meters.books.run("UPDATE price SET withdrawn_at = sluice_now() WHERE id = %s", wrong)
    meters.price("dear", 1, START, corrects=wrong)
    meters.books.advance("2026-03-31T00:00:00Z")
    meters.books.step("2026-03-31T00:10:00Z")
    assert [each["name"] for each in meters.books.rows("SELECT t.name FROM unrated_period u JOIN tenant t ON t.id = u.tenant_id")] == ["endless"]
    assert [quantity for quantity, amount in meters.lines((tenant,)).values()] == [3 * 9_999_999_000 * 86_399]


def test_the_close_of_the_month_waits_for_whom_it_could_not_rate_alone(meters):
    meters.books.advance("2026-04-02T00:00:00Z")
    meters.books.step("2026-04-02T00:10:00Z")
    state = {each["name"]: each["status"] for each in meters.books.rows(
        "SELECT t.name, p.status FROM billing_period p JOIN tenant t ON t.id = p.tenant_id WHERE p.starts_at = '2026-03-01'")}
    assert state["often"] == "closed" and state.get("endless", "open") == "open"
    assert meters.books.value("SELECT meter_micro_units('sum', 9223372036854775807)") == 9223372036854775807, "what cannot be told stops no invoice"


def test_a_request_about_an_invoice_that_takes_too_long_is_put_off_and_holds_up_no_other(meters):
    books = meters.books

    def void(name):
        asked = str(uuid.uuid4())
        (invoice,) = books.rows("SELECT i.id, i.tenant_id FROM invoice i JOIN tenant t ON t.id = i.tenant_id WHERE t.name = %s AND i.status = 'issued'", name)
        books.insert("invoice_request", {"id": asked, "kind": "void", "tenant_id": invoice["tenant_id"], "invoice_id": invoice["id"], "reason": "because",
                                         "principal_id": str(uuid.uuid4())})
        return asked

    def answered(request):
        books.run("SELECT pg_notify('sluice_event', '')")
        return books.rows("SELECT state, problem FROM invoice_request_status WHERE request_id = %s", request)

    books.run("DELETE FROM held_up")
    books.run("INSERT INTO held_up SELECT id, 'always' FROM tenant WHERE name = 'often'")
    books.run(HOLD_UP)
    slow, other = void("often"), void("cut")
    assert eventually(lambda: answered(other), "another is carried out") == [{"state": "done", "problem": None}]
    assert answered(slow) == []
    books.run("DROP POLICY held_up ON rated_line")
    assert eventually(lambda: answered(slow), "it is carried out now") == [{"state": "done", "problem": None}]


def test_a_grant_that_was_made_before_an_invoice_is_issued_pays_for_it_however_late_billing_comes_to_know_of_both(meters):
    books, asked = meters.books, str(uuid.uuid4())
    (draft,) = books.rows("SELECT i.id, i.tenant_id, i.total_minor FROM invoice i JOIN tenant t ON t.id = i.tenant_id WHERE t.name = 'often' AND i.status = 'draft'")
    books.daemon.stop()
    books.insert("credit_grant", {"id": str(uuid.uuid4()), "tenant_id": draft["tenant_id"], "kind": "promotional", "currency": "USD", "amount_u": 1_000_000})
    books.insert("invoice_request", {"id": asked, "kind": "issue", "tenant_id": draft["tenant_id"], "invoice_id": draft["id"], "principal_id": str(uuid.uuid4())})
    books.daemon.start()
    decided = eventually(lambda: books.rows("SELECT state, problem FROM invoice_request_status WHERE request_id = %s", asked), "it is issued")
    assert decided == [{"state": "done", "problem": None}] and draft["total_minor"] >= 100
    assert books.rows("SELECT kind, amount_u FROM settlement WHERE invoice_id = %s", draft["id"]) == [{"kind": "prepaid", "amount_u": 1_000_000}]
