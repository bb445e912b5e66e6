"""The close of a month under kill -9 and under rollbacks: gapless numbers, and the books of a close that nobody disturbed."""
# SPDX-License-Identifier: Apache-2.0

import contextlib
import os
import random
import threading
import uuid

import pytest

from billed_month import write_month
from bookkeeping import Bookkeeping
from stack import eventually

SEED = int(os.environ.get("SLUICE_TEST_SEED", random.randrange(1 << 31)))
KILLS = int(os.environ.get("SLUICE_CLOSE_KILLS", "5"))
TENANTS = max(24, 4 * KILLS)  # so that there is something left to do at each kill
MONTH, CLOSED, AFTER = "2026-02-01", "2026-02-28", "2026-03-01T00:00:00Z"


@pytest.fixture
def billed_month(cluster, tmp_path):
    """billed_month(tenants) returns Bookkeeping of a month that is delivered and rated, and due; its daemon does not run."""
    with contextlib.ExitStack() as cleanup:

        def make(tenants):
            books = Bookkeeping(cluster, tmp_path, start=AFTER, settings={"SLUICE_LEASE_TTL_MS": "500"})
            cleanup.callback(books.close)
            with books.connection.cursor() as cursor:
                write_month(cursor, MONTH, CLOSED, tenants, reservations=3)
            return books

        yield make


def issued(books):
    return books.value("SELECT count(*) FROM invoice WHERE status = 'issued'")


def wait_for_the_end(books):
    eventually(lambda: books.value("SELECT count(*) FROM month_close WHERE finished_at IS NOT NULL") == 1, "the month is closed")


def numbers(books, series="INV"):
    return [row["number"] for row in books.rows("SELECT number FROM invoice WHERE series = %s ORDER BY number", series)]


def books_of(books):
    """What the close came to, by tenants' names: ids and the order of numbers are other ones each time."""
    return {
        "invoices": books.rows("SELECT t.name, i.status, i.period_start, i.net_minor, i.tax_minor, i.total_minor, count(l.*) AS lines, sum(l.amount_u) AS amount_u"
                               "  FROM invoice i JOIN tenant t ON t.id = i.tenant_id JOIN invoice_line l ON l.invoice_id = i.id"
                               " GROUP BY i.id, t.name ORDER BY t.name"),
        "entries": books.rows("SELECT t.name, j.source_type, a.code, e.debit_u, e.credit_u FROM entry e JOIN journal j ON j.id = e.journal_id"
                              "  JOIN account a ON a.id = e.account_id LEFT JOIN tenant t ON t.id = a.tenant_id ORDER BY 1, 2, 3, 4, 5"),
        "periods": books.rows("SELECT t.name, p.status, p.parked_at FROM billing_period p JOIN tenant t ON t.id = p.tenant_id ORDER BY 1"),
    }


def amiss(books):
    """Checks that find something. There are no events and no day's journals behind these rows, so only those of the close are asked."""
    return [name for name in ("check_invoices", "check_journal_balance", "check_settlement") if books.rows(f"SELECT * FROM {name}")]


def test_a_close_that_is_killed_again_and_again_ends_as_one_that_is_not(billed_month):
    print(f"SLUICE_TEST_SEED={SEED}, {KILLS} kills, {TENANTS} tenants")
    dice = random.Random(SEED)
    quiet, books = billed_month(TENANTS), billed_month(TENANTS)
    quiet.daemon.start()
    wait_for_the_end(quiet)
    quiet.daemon.stop()
    for kill in range(KILLS):
        most = TENANTS * (kill + 1) // (KILLS + 1)
        until = dice.randint(min(issued(books), most), most)
        books.daemon.launch()
        eventually(lambda: issued(books) >= until, f"the close goes on: {until} are issued")  # noqa: B023
        # Not a wait for a condition: where in its transaction the daemon dies is what is varied.
        threading.Event().wait(dice.uniform(0.0, 0.02))
        books.daemon.kill()
    done = issued(books)
    print(f"{done} of {TENANTS} were issued at the last kill")
    assert done < TENANTS, "the last kill came before the end"
    assert numbers(books) == list(range(1, done + 1)), "without a gap while it is half done, too"
    books.daemon.start()
    wait_for_the_end(books)
    assert numbers(books) == list(range(1, TENANTS + 1))
    assert books_of(books) == books_of(quiet)
    assert amiss(books) == []


# What the database refuses at the last moment, when the number has long been taken: some of the attempts, at random.
ROLLBACKS = """
CREATE FUNCTION undo_some() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF random() < 0.35 THEN
        RAISE check_violation USING MESSAGE = 'rolled back on purpose';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER undo_some AFTER INSERT OR UPDATE ON invoice DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.number IS NOT NULL) EXECUTE FUNCTION undo_some();
"""


def ask(books, kind, invoice, **more):
    """As the API writes it; returns the request."""
    made = str(uuid.uuid4())
    tenant = books.value("SELECT tenant_id FROM invoice WHERE id = %s", invoice)
    books.insert("invoice_request", {"id": made, "kind": kind, "tenant_id": tenant, "invoice_id": invoice, "principal_id": str(uuid.uuid4()), **more})
    books.run("SELECT pg_notify('sluice_event', '')")
    return made


class Rivals:
    """Sessions that take numbers of the same series and of that of credit notes all the time, and give each one back by a rollback."""

    def __init__(self, books, count=3):
        self.books, self.stop = books, threading.Event()
        self.taken = 0
        self.threads = [threading.Thread(target=self.run, args=(number,), daemon=True) for number in range(count)]

    def run(self, number):
        dice = random.Random(SEED + number)
        with contextlib.closing(self.books.cluster.connect(self.books.database, "sluice_billing")) as connection:
            connection.autocommit = False
            while not self.stop.is_set():
                with connection.cursor() as cursor:
                    cursor.execute("SELECT document_number_take(%s, %s)", dice.choice((("INV", "invoice"), ("CRN", "credit_note"))))
                    self.taken += 1
                    self.stop.wait(dice.uniform(0, 0.004))
                connection.rollback()

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join(30)


def test_numbers_are_gapless_when_issues_meet_and_roll_back(billed_month):
    print(f"SLUICE_TEST_SEED={SEED}")
    tenants = 30
    books = billed_month(tenants)
    books.insert("billing_profile", {"id": str(uuid.uuid4()), "tenant_id": books.value("SELECT id FROM tenant ORDER BY id LIMIT 1"), "issue": "by_hand"})
    books.run(ROLLBACKS)
    with Rivals(books) as rivals:
        books.daemon.start()
        attempts = 0
        eventually(lambda: books.value("SELECT count(*) FROM billing_period WHERE status = 'open' AND parked_at IS NULL") == 0, "every tenant is issued or parked")
        assert books.value("SELECT count(*) FROM billing_period WHERE parked_at IS NOT NULL") > 0, "some were rolled back"
        while books.value("SELECT count(*) FROM billing_period WHERE status = 'open'") > 0:
            attempts += 1
            made = str(uuid.uuid4())
            books.insert("invoice_request", {"id": made, "kind": "close", "month": MONTH, "principal_id": str(uuid.uuid4())})
            books.run("SELECT pg_notify('sluice_event', '')")
            eventually(lambda: books.value("SELECT count(*) FROM billing_period WHERE status = 'open' AND parked_at IS NULL") == 0
                       and books.value("SELECT count(*) FROM invoice_request WHERE is_open") == 0, "they were tried again")
            assert attempts < 100
        # By hand, and credit notes of a third of them, all at once.
        open_asks = [(ask(books, "issue", row["id"]), "issue", row["id"]) for row in books.rows("SELECT id FROM invoice WHERE status = 'draft'")]
        open_asks += [(ask(books, "credit", row["id"], reason="all of it"), "credit", row["id"])
                      for row in books.rows("SELECT id FROM invoice WHERE status = 'issued' ORDER BY number LIMIT %s", tenants // 3)]
        while open_asks:
            attempts += 1
            eventually(lambda: books.value("SELECT count(*) FROM invoice_request WHERE is_open") == 0, "all are decided")
            refused = {str(row["request_id"]) for row in books.rows("SELECT request_id FROM invoice_request_status WHERE state = 'refused'")}
            again = [(kind, invoice) for request, kind, invoice in open_asks if request in refused]
            open_asks = [(ask(books, kind, invoice, **({"reason": "all of it"} if kind == "credit" else {})), kind, invoice) for kind, invoice in again]
            assert attempts < 200
    print(f"{attempts} attempts, {rivals.taken} numbers taken and given back")
    assert rivals.taken > 20
    assert numbers(books) == list(range(1, tenants + 1))
    notes = [row["number"] for row in books.rows("SELECT number FROM credit_note ORDER BY number")]
    assert notes == list(range(1, tenants // 3 + 1))
    assert amiss(books) == []
