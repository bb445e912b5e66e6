"""Amounts that fit no number are their owner's own trouble: everybody else's days are closed and invoices issued, and what waits is rated once it is mended."""
# SPDX-License-Identifier: Apache-2.0

import uuid

import pytest

from stack import eventually

BILLION_U = 10**15


@pytest.fixture
def books(keep_books):
    return keep_books(start="2026-03-31T00:00:00Z")


def delivered(books, tenant, sku, type_id, days, price_u, ends_at="2026-04-01T00:00:00Z"):
    """One reservation of eight GPUs per day asked for, each with a node of its own, from the present instant on, at the tenant's own price."""
    price = books.price(sku, price_u, "2026-01-01T00:00:00Z", tenant=tenant)
    instances = []
    for _ in range(days):
        reservation = books.reservation(tenant, type_id)
        instance = books.instance(reservation, tenant, books.node(f"n{uuid.uuid4()}"), "2026-03-31T00:00:00Z", ends_at)
        books.instance_becomes(instance, "running")
        instances.append(instance)
    return price, instances


def waiting(books):
    return books.rows("SELECT t.name, w.day::text AS day, w.reservation_id IS NOT NULL AS is_one, w.reason IS NOT NULL AS is_unfit FROM usage_waiting w"
                      " JOIN tenant t ON t.id = w.tenant_id ORDER BY 1, 2")


def net_of(books):
    return {row["name"]: row["net_minor"] for row in
            books.rows("SELECT t.name, i.net_minor FROM invoice i JOIN tenant t ON t.id = i.tenant_id WHERE i.period_start = '2026-03-01Z'")}


def events(books):
    return [row["kind"] for row in books.rows("SELECT kind FROM event WHERE object_type = 'usage_waiting' ORDER BY xid, seq")]


def test_an_amount_that_fits_no_number_keeps_nobody_else_waiting_and_is_rated_once_it_is_mended(books):
    names = ("before", "odd", "summed", "brief", "cancelled", "zlast")
    tenants = {name: books.tenant(name) for name in names}
    kind = books.instance_type("h100.8x")
    plain = {name: delivered(books, tenants[name], "h100.8x", kind, 2, 2_000_000) for name in ("before", "zlast")}
    # A day of eight GPUs comes to more than 64 bits; one beside it has a price of its own that fits.
    slip, odd = delivered(books, tenants["odd"], "h100.8x", kind, 1, 10**17)
    fits = books.instance_type("fits.8x")
    fit = delivered(books, tenants["odd"], "fits.8x", fits, 1, 1_000_000)
    # Each fits, and not all ten together.
    summed = delivered(books, tenants["summed"], "h100.8x", kind, 10, 5 * BILLION_U)
    # Used an hour, and billed for 31 days.
    brief = books.price("h100.8x", BILLION_U, "2026-01-01T00:00:00Z", tenant=tenants["brief"], minimum_s=2678400)
    briefly = books.instance(books.reservation(tenants["brief"], kind), tenants["brief"], books.node("brief"), "2026-03-31T00:00:00Z", "2026-03-31T01:00:00Z")
    books.instance_becomes(briefly, "running")
    books.run("INSERT INTO cancellation (reservation_id, tenant_id, kind, requested_at, currency, remaining_u, charge_bp)"
              " VALUES (%s, %s, 'cancellation', '2026-03-31T00:00:00Z', 'USD', 9223372036854775807, 10000)",
              books.reservation(tenants["cancelled"], kind), tenants["cancelled"])
    books.step("2026-03-31T01:00:00Z")
    books.instance_becomes(briefly, "terminated")
    books.step("2026-04-01T00:00:00Z")
    for _, instances in (*plain.values(), (slip, odd), fit, summed):
        for instance in instances:
            books.instance_becomes(instance, "terminated")
    books.advance("2026-04-02T00:00:00Z")

    assert books.value("SELECT max(day)::text FROM billing_day") == "2026-04-01"
    assert waiting(books) == [{"name": "brief", "day": "2026-04-01", "is_one": False, "is_unfit": True},
                              {"name": "cancelled", "day": "2026-04-01", "is_one": False, "is_unfit": True},
                              {"name": "odd", "day": "2026-03-31", "is_one": True, "is_unfit": True}]
    assert events(books) == ["usage_waiting.raised"]
    hours = 24 * 8
    # What waits keeps its own tenant's month open, and an invoice that fits no number is parked: all others are issued.
    assert net_of(books) == {"before": 2 * hours * 200, "zlast": 2 * hours * 200}
    assert books.value("SELECT parked_reason IS NOT NULL FROM billing_period WHERE tenant_id = %s", tenants["summed"])
    rated = books.value("SELECT sum(amount_u) FROM rated_line WHERE tenant_id = %s", tenants["summed"])
    assert rated == 10 * hours * 5 * BILLION_U > 2**63
    assert books.value("SELECT sum(e.debit_u - e.credit_u) FROM entry e JOIN account a ON a.id = e.account_id"
                       " WHERE a.tenant_id = %s AND a.code = 'unbilled_receivable'", tenants["summed"]) == rated
    assert [row["name"] for row in books.rows("SELECT name FROM billing_check WHERE violations > 0")] == ["usage_has_prices"]
    assert books.value("SELECT unbilled_u FROM credit_balances(%s)", tenants["summed"]) > 0

    # Mended as a slip of the pen is: withdrawn, and set again.
    for price, tenant, amount_u, more in ((slip, "odd", 3_000_000, {}), (summed[0], "summed", 4_000_000, {}),
                                          (brief, "brief", 5_000_000, {"minimum_s": 7200})):
        books.run("UPDATE price SET withdrawn_at = sluice_now() WHERE id = %s", price)
        books.price("h100.8x", amount_u, "2026-01-01T00:00:00Z", tenant=tenants[tenant], corrects=price, **more)
    books.run("UPDATE cancellation SET remaining_u = 7000000")
    books.advance("2026-04-03T00:00:00Z")
    assert waiting(books) == []
    assert events(books) == ["usage_waiting.raised", "usage_waiting.cleared"]
    assert net_of(books) == {"before": 2 * hours * 200, "zlast": 2 * hours * 200, "odd": hours * 400, "summed": 10 * hours * 400, "brief": 2 * 8 * 500,
                             "cancelled": 700}
    books.sound()


def test_a_day_that_fits_no_number_is_told_of_once_and_that_it_was_rated_however_many_prices_it_takes(books):
    odd = books.tenant("odd")
    price, (instance,) = delivered(books, odd, "h100.8x", books.instance_type("h100.8x"), 1, 10**17)
    books.step("2026-04-01T00:00:00Z")
    books.instance_becomes(instance, "terminated")
    books.advance("2026-04-02T00:00:00Z")
    for day, amount_u in ((3, None), (4, 10**17), (5, None), (6, 10**6)):
        if amount_u is None:
            books.run("UPDATE price SET withdrawn_at = sluice_now() WHERE id = %s", price)
        else:
            price = books.price("h100.8x", amount_u, "2026-01-01T00:00:00Z", tenant=odd, corrects=price)
        assert (len(waiting(books)), events(books)) == (1, ["usage_waiting.raised"])
        books.advance(f"2026-04-{day:02}T00:00:00Z")
    assert (waiting(books), events(books)) == ([], ["usage_waiting.raised", "usage_waiting.cleared"])


def test_what_fits_no_number_is_left_out_of_open_days_and_nothing_else_is(books):
    odd, plain = books.tenant("odd"), books.tenant("plain")
    kind = books.instance_type("h100.8x")
    delivered(books, odd, "h100.8x", kind, 1, 10**17)
    delivered(books, plain, "h100.8x", kind, 3, 2_000_000)
    books.step("2026-03-31T12:00:00Z")
    eventually(lambda: books.value("SELECT coalesce(bool_and(as_of = sluice_now()), false) FROM provisional_day"), "open days are told of")
    told = {row["key"]: row for row in books.rows("SELECT * FROM margin_report('tenant', NULL, '2026-03-31', '2026-04-01')")}
    assert told["plain"]["revenue_u"] == 3 * 12 * 8 * 2_000_000
    assert (told["odd"]["revenue_u"], told["odd"]["gpu_milli_seconds_unpriced"]) == (0, 12 * 3600 * 8000)


def paid(books, tenant, amount_u, kind="payment", made=None):
    made = made or str(uuid.uuid4())
    books.run("INSERT INTO payment (id, tenant_id, kind, currency, amount_u) VALUES (%s, %s, %s, 'USD', %s); SELECT pg_notify('sluice_event', '')",
              made, tenant, kind, amount_u)
    return made


def became(books, payment):
    eventually(lambda: books.value("SELECT count(*) FROM payment_status WHERE payment_id = %s", payment), f"it is decided:\n{books.daemon.log_tail()}")
    return books.rows("SELECT state, reason, settled_u, credited_u FROM payment_status WHERE payment_id = %s", payment)[0]


def test_a_payment_that_cannot_be_posted_is_refused_and_keeps_no_other_waiting(books):
    rich, broken, plain = (books.tenant(name) for name in ("rich", "broken", "plain"))
    kind = books.instance_type("h100.8x")
    _, instances = delivered(books, broken, "h100.8x", kind, 1, 2_000_000)
    books.step("2026-04-01T00:00:00Z")
    books.instance_becomes(instances[0], "terminated")
    books.advance("2026-04-02T00:00:00Z")
    # Payments of old were not bounded: the sum of two is more than a number, and a refund is of what there is.
    for _ in range(2):
        assert became(books, paid(books, rich, 9 * 10**18))["state"] == "posted"
    assert became(books, paid(books, rich, 5_000_000, "refund"))["state"] == "posted"
    # What is open of the invoice fits no number.
    books.run("SET session_replication_role = replica; UPDATE invoice SET net_minor = 9223372036854775807, total_minor = 9223372036854775807;"
              " SET session_replication_role = origin")
    odd, after = paid(books, broken, 7_000_000), paid(books, plain, 8_000_000)
    assert became(books, odd) == {"state": "refused", "reason": "invalid", "settled_u": 0, "credited_u": 0}
    assert became(books, after) == {"state": "posted", "reason": None, "settled_u": 0, "credited_u": 8_000_000}
    assert books.value("SELECT count(*) FROM journal WHERE source_id = %s", odd) == 0


@pytest.mark.parametrize("code", ["query_canceled", "lock_not_available", "insufficient_privilege"])
def test_a_payment_that_the_database_fails_is_put_off_and_keeps_no_other_waiting(books, code):
    """It was received, so nothing that passes refuses it."""
    unlucky, plain = books.tenant("unlucky"), books.tenant("plain")
    books.run(f"""CREATE FUNCTION public.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE {code}; END $$;
        CREATE TRIGGER fail BEFORE INSERT ON payment_status FOR EACH ROW
          WHEN (NEW.state = 'posted' AND NEW.tenant_id = '{unlucky}') EXECUTE FUNCTION public.fail()""")
    first = str(uuid.UUID(int=uuid.uuid4().int % 2**64))
    held, back = paid(books, unlucky, 7_000_000, made=first), paid(books, unlucky, 7_000_000, "refund")
    assert became(books, paid(books, plain, 8_000_000))["state"] == "posted"
    assert books.value("SELECT count(*) FROM payment_status WHERE payment_id IN (%s, %s)", held, back) == 0
    books.run("DROP TRIGGER fail ON payment_status; SELECT pg_notify('sluice_event', '')")
    assert became(books, held) == {"state": "posted", "reason": None, "settled_u": 0, "credited_u": 7_000_000}
    assert became(books, back)["state"] == "posted", "what it gives back was put off before it"
