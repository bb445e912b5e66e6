"""What was asked for first is done first, though billing comes to know of all of it at once: payments, refunds, and what is issued."""
# SPDX-License-Identifier: Apache-2.0

import uuid

import pytest

from stack import eventually

DUE_U = 24 * 8 * 2_000_000


@pytest.fixture
def books(keep_books):
    return keep_books(start="2026-03-31T00:00:00Z")


def wish(number):
    """Ids that sort as they are numbered."""
    return str(uuid.UUID(int=(0x0190 << 112) + (number << 64) + uuid.uuid4().int % 2**64))


def payment(number, tenant, kind="payment"):
    return "INSERT INTO payment (id, tenant_id, kind, currency, amount_u) VALUES (%s, %s, %s, 'USD', %s);", [wish(number), tenant, kind, DUE_U]


def request(number, tenant, kind, invoice):
    return ("INSERT INTO invoice_request (id, kind, tenant_id, invoice_id, reason, principal_id) VALUES (%s, %s, %s, %s, 'x', %s);",
            [wish(number), kind, tenant, invoice, str(uuid.uuid4())])


def asked(books, *wishes):
    """At once, so that billing sees all or none."""
    texts, values = zip(*wishes, ("SELECT pg_notify('sluice_event', '');", []))
    books.run("BEGIN;" + "".join(texts) + "COMMIT", *(value for each in values for value in each))


def decided(books):
    eventually(lambda: books.value("SELECT NOT EXISTS (SELECT FROM invoice_request WHERE is_open) AND NOT EXISTS (SELECT FROM payment p WHERE NOT EXISTS"
                                   " (SELECT FROM payment_status s WHERE s.payment_id = p.id))"), f"all is decided:\n{books.daemon.log_tail()}", 30)


def refund_of(books, tenant):
    return books.rows("SELECT s.state, s.reason FROM payment p JOIN payment_status s ON s.payment_id = p.id WHERE p.tenant_id = %s AND p.kind = 'refund'"
                      " ORDER BY p.id DESC LIMIT 1", tenant)[0]["state"]


def open_of(books, tenant):
    return books.value("SELECT sum(o.open_u) FROM invoice_open o JOIN invoice i ON i.id = o.invoice_id WHERE o.tenant_id = %s AND i.status = 'issued'", tenant)


def begin(books, *tenants):
    """Each uses a node of its own for the month's last day."""
    kind = books.instance_type("h100.8x")
    books.price("h100.8x", 2_000_000, "2026-01-01T00:00:00Z")
    running = []
    for tenant in tenants:
        reservation = books.reservation(tenant, kind)
        running.append(books.instance(reservation, tenant, books.node(f"n{tenant}"), "2026-03-31T00:00:00Z", "2026-04-01T00:00:00Z"))
        books.instance_becomes(running[-1], "running")
    return running


def test_a_refund_is_judged_before_what_is_issued_after_it_was_asked_for(books):
    first, later = books.tenant("first"), books.tenant("later")
    running = begin(books, first, later)
    asked(books, payment(1, first), payment(2, later))
    decided(books)
    books.step("2026-04-01T00:00:00Z")
    for instance in running:
        books.instance_becomes(instance, "terminated")
    books.step("2026-04-01T00:00:00Z")
    assert books.value("SELECT count(*) FROM invoice") == 2 and open_of(books, first) == 0
    drafts = {}
    asked(books, *(request(number, tenant, "void", books.value("SELECT id FROM invoice WHERE tenant_id = %s", tenant)) for number, tenant in ((3, first), (4, later))))
    decided(books)
    for tenant in (first, later):
        drafts[tenant] = books.value("SELECT id FROM invoice WHERE tenant_id = %s AND status = 'draft'", tenant)
    # Each has credit again that its refund and its new invoice are after: who asks first gets it.
    asked(books, payment(5, first, "refund"), request(6, first, "issue", drafts[first]), request(7, later, "issue", drafts[later]), payment(8, later, "refund"))
    decided(books)
    assert (refund_of(books, first), open_of(books, first)) == ("posted", DUE_U)
    assert (refund_of(books, later), open_of(books, later)) == ("refused", 0)
    books.sound()


def test_a_refund_that_was_asked_for_before_a_month_is_closed_is_paid_first(books):
    tenant = books.tenant("acme")
    kind = books.instance_type("h100.8x")
    books.price("h100.8x", 2_000_000, "2026-01-01T00:00:00Z")
    instance = books.instance(books.reservation(tenant, kind), tenant, books.node("n"), "2026-03-31T00:00:00Z", "2026-03-31T12:00:00Z")
    books.instance_becomes(instance, "running")
    asked(books, payment(1, tenant))
    decided(books)
    books.step("2026-03-31T12:00:00Z")
    books.instance_becomes(instance, "terminated")
    books.step("2026-03-31T13:00:00Z")
    # Asked for while nobody does the books, who then find the month over as well.
    books.daemon.stop()
    asked(books, payment(2, tenant, "refund"))
    books.tick("2026-04-01T00:00:00Z")
    books.daemon.start()
    books.step("2026-04-01T00:00:00Z")
    assert books.value("SELECT count(*) FROM invoice") == 1
    assert (refund_of(books, tenant), open_of(books, tenant)) == ("posted", DUE_U // 2)
    books.sound()


def state_of(books, tenant):
    """Of what was asked of its invoices, in that order, and of its payments."""
    return [row["state"] for row in books.rows("SELECT s.state FROM invoice_request q LEFT JOIN invoice_request_status s ON s.request_id = q.id"
                                               " WHERE q.tenant_id = %s ORDER BY q.id", tenant)] + \
           [row["state"] for row in books.rows("SELECT s.state FROM payment p LEFT JOIN payment_status s ON s.payment_id = p.id WHERE p.tenant_id = %s", tenant)]


@pytest.mark.parametrize("code, passes_others", [("query_canceled", True), ("lock_not_available", True), ("insufficient_privilege", True), ("disk_full", False)])
def test_a_request_that_the_database_fails_is_put_off_and_keeps_only_its_own_tenants_waiting(books, code, passes_others):
    unlucky, plain = books.tenant("unlucky"), books.tenant("plain")
    running = begin(books, unlucky, plain)
    books.step("2026-04-01T00:00:00Z")
    for instance in running:
        books.instance_becomes(instance, "terminated")
    books.step("2026-04-01T00:00:00Z")
    invoice = {tenant: books.value("SELECT id FROM invoice WHERE tenant_id = %s", tenant) for tenant in (unlucky, plain)}
    books.run(f"""CREATE FUNCTION public.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE {code}; END $$;
        CREATE TRIGGER fail BEFORE INSERT ON invoice_request_status FOR EACH ROW WHEN (NEW.tenant_id = '{unlucky}' AND NEW.state = 'done') EXECUTE FUNCTION public.fail()""")
    asked(books, request(1, unlucky, "credit", invoice[unlucky]), request(2, unlucky, "void", invoice[unlucky]), payment(3, unlucky),
          request(4, plain, "credit", invoice[plain]), payment(5, plain))
    if passes_others:
        eventually(lambda: state_of(books, plain) == ["done", "posted"], f"nobody else waits:\n{books.daemon.log_tail()}", 30)
        eventually(lambda: books.daemon.log_tail().count("invoice_request_put_off") > 1, "it is tried again", 30)
    else:
        eventually(lambda: "round_failed" in books.daemon.log_tail(), "the round ends", 30)
    assert state_of(books, unlucky) == [None, None, None]
    books.run("DROP TRIGGER fail ON invoice_request_status; SELECT pg_notify('sluice_event', '')")
    decided(books)
    # In the order in which they were asked for: a void comes too late behind a credit, and the payment settles nothing.
    assert state_of(books, unlucky) == ["done", "refused", "posted"]
    assert state_of(books, plain) == ["done", "posted"]
    books.sound()
