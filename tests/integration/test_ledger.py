"""The ledger: credit limits at the verdict, prepaid credit, payments, journals and the statements that tie them together."""
# SPDX-License-Identifier: Apache-2.0

import contextlib
import csv
import io
import os
import random
import subprocess
import threading
from datetime import date, timedelta
from decimal import Decimal

import pytest

from contract import binaries
from oracle_ledger import Books
from stack import eventually

SEED = int(os.environ.get("SLUICE_TEST_SEED", random.randrange(1 << 31)))


def at(day, hour=0, month=1):
    return f"2026-{month:02}-{day:02}T{hour:02}:00:00Z"


def usd(amount):
    return {"amount": f"{amount:.2f}", "currency": "USD"}


class Tenant:
    """A tenant's client, and the operator's hand on its credit. An instance costs 24 an hour (8 GPUs at 3)."""

    def __init__(self, stack, name):
        self.stack, self.name = stack, name
        self.client = stack.tenant(name)
        (found,) = stack.operator.items(f"/v1/system/tenants?name={name}")
        self.id = found["id"]

    def limit(self, amount):
        self.stack.operator.request("PUT", f"/v1/system/tenants/{self.id}/credit-limit", {"limit": usd(amount)}).expect(200)

    def grant(self, amount, **fields):
        made = self.stack.operator.post("/v1/system/credit-grants", {"tenant": self.name, "amount": usd(amount), **fields}).expect(201).body
        return self.posted(f"/v1/system/credit-grants/{made['id']}")

    def pay(self, amount, **fields):
        made = self.stack.operator.post("/v1/system/payments", {"tenant": self.name, "amount": usd(amount), **fields}).expect(201).body
        return self.posted(f"/v1/system/payments/{made['id']}")

    def posted(self, path):
        eventually(lambda: self.stack.operator.get(path).expect(200).body["state"] != "requested", "billing has posted it")
        return self.stack.operator.get(path).body

    def wish(self, hours, count=1, start=at(2), zone="us-east-1a", **fields):
        day, hour = int(start[8:10]), int(start[11:13])
        end = fields.pop("ends_at", at(day + (hour + hours) // 24, (hour + hours) % 24))
        return self.client.post("/v1/reservations", {
            "instance_type": "h100.8x", "count": count, "zone": zone, "starts_at": start, "ends_at": end, **fields})

    def balance(self):
        (found,) = [row for row in self.client.items("/v1/balance") if row["currency"] == "USD"]
        return {key: None if value is None else value["amount"] for key, value in found.items() if key != "currency"}

    def held(self):
        return Decimal(self.balance()["held"])


@pytest.fixture(scope="module")
def fleet(module_stack):
    """Two zones of eight nodes each; every test has a tenant and windows of its own."""
    module_stack.fleet(nodes=8)
    module_stack.zone("us-west-1a")
    for number in range(8):
        module_stack.node(f"w{number:04}", "us-west-1a")
    return module_stack


def no_violation(stack):
    return {row["name"]: row["violations"] for row in stack.sql("SELECT * FROM sluice.billing_check WHERE violations > 0")} == {}


# ---- Holds and limits ----

def test_a_verdict_that_the_credit_limit_does_not_cover_is_refused_with_numbers(fleet):
    acme = Tenant(fleet, "limited")
    acme.limit(1000)
    made = acme.wish(24).expect(201).body  # 576
    assert acme.balance()["held"] == "576.000000" and acme.balance()["available"] == "424.000000"
    refused = acme.wish(24).expect(409)
    assert refused.code == "credit_exhausted" and refused.body["retryable"] is False
    binding = refused.body["binding"]
    assert {key: binding[key] for key in ("constraint", "currency", "limit", "used", "held", "needed")} == {
        "constraint": "credit", "currency": "USD", "limit": "1000.000000", "used": "0.000000", "held": "576.000000", "needed": "576.000000"}
    assert binding["message"] == ("it may cost 576.000000 USD, and of the credit limit of 1000.000000 USD, 0.000000 are used "
                                  "and 576.000000 held for other reservations")
    assert refused.body["alternatives"] == []
    acme.wish(17).expect(201)  # 408 of 424
    acme.client.post(f"/v1/reservations/{made['id']}/cancel").expect(200)
    eventually(lambda: acme.held() == 408, "what was cancelled is given back")
    acme.wish(24).expect(201)


def test_without_a_limit_nothing_is_held_and_a_lifted_limit_refuses_nothing(fleet):
    acme = Tenant(fleet, "unlimited")
    acme.wish(24).expect(201)
    assert fleet.sql("SELECT count(*) AS n FROM sluice.credit_hold h JOIN sluice.tenant t ON t.id = h.tenant_id WHERE t.name = 'unlimited'")[0]["n"] == 0
    assert acme.balance()["limit"] is None and acme.balance()["available"] is None
    acme.limit(0)
    assert acme.wish(1).expect(409).code == "credit_exhausted"
    unsaid = fleet.operator.delete(f"/v1/system/tenants/{acme.id}/credit-limit").expect(422).body["errors"]
    assert [(error["pointer"], error["code"]) for error in unsaid] == [("?currency", "missing_field")]
    fleet.operator.delete(f"/v1/system/tenants/{acme.id}/credit-limit?currency=USD").expect(204)
    acme.wish(1).expect(201)


def test_an_amendment_needs_the_credit_for_what_is_added_and_a_refused_one_leaves_the_hold(fleet):
    acme = Tenant(fleet, "amending")
    acme.limit(600)
    made = acme.wish(12, start=at(3)).expect(201).body  # 288
    refused = acme.client.patch(f"/v1/reservations/{made['id']}", {"count": 3}).expect(409)
    assert refused.code == "credit_exhausted"
    assert acme.held() == 288
    acme.client.patch(f"/v1/reservations/{made['id']}", {"count": 2}).expect(200)
    assert acme.held() == 576
    acme.client.patch(f"/v1/reservations/{made['id']}", {"count": 1}).expect(200)
    assert acme.held() == 288


def test_a_refusal_for_capacity_leaves_no_hold(fleet):
    acme = Tenant(fleet, "too-much")
    acme.limit(1000000)
    assert acme.wish(1, count=500, start=at(4)).expect(409).code == "capacity_unavailable"
    assert acme.held() == 0


def test_a_wish_of_more_than_an_amount_can_tell_is_refused_and_holds_up_nobody(fleet):
    """800,000 GPUs for longer than anybody lives, beside a wish of another tenant's in the same zone."""
    greedy, modest = Tenant(fleet, "greedy"), Tenant(fleet, "modest")
    greedy.limit(1000)
    greedy.wish(1, start=at(5)).expect(201)
    refused = greedy.wish(1, count=100000, start=at(5), ends_at="9999-01-01T00:00:00Z").expect(409)
    assert (refused.code, refused.body["binding"]["needed"]) == ("credit_exhausted", "9223372036854.775807")
    modest.wish(1, start=at(5)).expect(201)


def test_what_lacks_to_a_minimum_duration_is_held_and_projected(fleet):
    acme = Tenant(fleet, "brief")
    fleet.operator.create("/v1/system/prices", {"sku_kind": "instance_type", "sku": "h100.8x", "tenant": "brief", "minimum_s": 4 * 3600,
                                                "gpu_hour": {"amount": "3.000000", "currency": "USD"}})
    acme.limit(95)  # three hours of four
    refused = acme.wish(1, start=at(6)).expect(409)
    assert (refused.code, refused.body["binding"]["needed"]) == ("credit_exhausted", "96.000000")
    acme.limit(96)
    made = acme.wish(1, start=at(6)).expect(201).body
    assert acme.held() == 96
    assert acme.client.get(f"/v1/reservations/{made['id']}/cost").expect(200).body["projected"]["amount"] == "96.000000"


def test_a_quote_holds_credit_until_it_expires(fleet):
    acme = Tenant(fleet, "quoting")
    acme.limit(100)
    body = {"instance_type": "h100.8x", "count": 1, "zone": "us-east-1a", "starts_at": at(5), "ends_at": at(5, 4), "ttl_s": 3600}
    quote = acme.client.post("/v1/quotes", body).expect(201).body
    assert acme.held() == 96
    assert acme.wish(1, start=at(5)).expect(409).code == "credit_exhausted"
    acme.client.delete(f"/v1/quotes/{quote['id']}").expect(204)
    eventually(lambda: acme.held() == 0, "the quote is given back")


def test_two_zones_deciding_at_once_never_exceed_one_limit(fleet):
    acme = Tenant(fleet, "racing")
    acme.limit(24 * 10)  # ten hours of an instance
    answers = []
    ready = threading.Barrier(8)

    def ask(number):
        client = acme.client.clone()
        ready.wait()
        for turn in range(4):
            answers.append(client.post("/v1/reservations", {
                "instance_type": "h100.8x", "count": 1, "zone": ("us-east-1a", "us-west-1a")[number % 2],
                "starts_at": at(6, turn), "ends_at": at(6, turn + 1)}))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted({answer.status for answer in answers}) == [201, 409]
    assert [answer.status for answer in answers].count(201) == 10
    assert {answer.code for answer in answers if answer.status == 409} == {"credit_exhausted"}
    assert acme.held() == 240
    zones = {row["zone_id"] for row in fleet.sql("SELECT DISTINCT zone_id FROM sluice.reservation r JOIN sluice.tenant t ON t.id = r.tenant_id WHERE t.name = 'racing'")}
    assert len(zones) == 2


def test_two_zones_that_have_both_begun_to_decide_grant_one_of_two(fleet):
    """Both are stopped after they have asked for credit and before they can write what they decided."""
    acme = Tenant(fleet, "stepping")
    acme.limit(24)

    def ask(zone):
        acme.client.clone().post("/v1/reservations", {
            "instance_type": "h100.8x", "count": 1, "zone": zone, "starts_at": at(7), "ends_at": at(7, 1)})

    threads = [threading.Thread(target=ask, args=(zone,)) for zone in ("us-east-1a", "us-west-1a")]
    with contextlib.closing(fleet.cluster.connect(fleet.database)) as stopper, stopper.cursor() as cursor:
        stopper.autocommit = False
        cursor.execute("LOCK TABLE sluice.reservation_status IN SHARE ROW EXCLUSIVE MODE")
        for thread in threads:
            thread.start()
        waiting = "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'zone:%%' AND wait_event_type = 'Lock'"
        eventually(lambda: fleet.sql(waiting)[0]["n"] == 2, "both zones wait")
        stopper.rollback()
    for thread in threads:
        thread.join()
    eventually(lambda: all(item["status"]["state"] != "pending" for item in acme.client.items("/v1/reservations")), "both are decided")
    assert sorted(item["status"]["state"] for item in acme.client.items("/v1/reservations")) == ["rejected", "scheduled"]
    assert acme.held() == 24


# ---- Prepaid credit, payments and statements: one history, looked at from each side ----

class Billed:
    """Tenants billed for months under one virtual clock, and what the invoices came to."""

    def __init__(self, stack):
        stack.fleet(nodes=4)
        self.stack = stack

    def invoices(self, tenant):
        return tenant.client.items("/v1/invoices")

    def statement(self, name, **query):
        words = "&".join(f"{key}={value}" for key, value in {"from": "2026-01-01", "to": "2026-06-01", **query}.items())
        return self.stack.operator.items(f"/v1/system/statements/{name}?{words}")

    def account(self, code, tenant):
        rows = self.stack.sql("""SELECT coalesce(sum(e.debit_u - e.credit_u), 0)::bigint AS u FROM sluice.entry e JOIN sluice.account a ON a.id = e.account_id
                                  JOIN sluice.tenant t ON t.id = a.tenant_id WHERE a.code = %s AND t.name = %s""", (code, tenant.name))
        return rows[0]["u"] / 1e6


def open_of(stack, tenant):
    rows = stack.sql("SELECT o.open_u FROM sluice.invoice_open o WHERE o.tenant_id = %s ORDER BY o.issued_at", (stack.sql(
        "SELECT id::text AS id FROM sluice.tenant WHERE name = %s", (tenant.name,))[0]["id"],))
    return [row["open_u"] / 1e6 for row in rows]


def test_a_slip_of_a_payment_or_a_grant_is_refused_before_it_makes_sums_that_do_not_fit(fleet):
    acme = Tenant(fleet, "slips")
    for path in ("/v1/system/payments", "/v1/system/credit-grants"):
        refused = fleet.operator.post(path, {"tenant": acme.name, "amount": {"amount": "1000000000000.01", "currency": "USD"}}).expect(422)
        assert [(error["pointer"], error["code"]) for error in refused.body["errors"]] == [("/amount/amount", "out_of_range")]
    assert acme.client.items("/v1/payments") == acme.client.items("/v1/credit-grants") == []


def test_credit_and_cash_settle_invoices_and_the_statements_tie(stack):
    books = Billed(stack)
    prepaid, paying, limited = (Tenant(stack, name) for name in ("prepaid", "paying", "limited"))
    # Drawn: priority first, then what expires soonest, then the oldest.
    late = prepaid.grant(300, expires_at=at(1, month=12))
    forever = prepaid.grant(500)
    soon = prepaid.grant(200, expires_at=at(20, month=2))
    first = prepaid.grant(50, priority=0, expires_at=at(1, month=4), kind="promotional")
    lost = prepaid.grant(70, priority=9, expires_at=at(10, month=1))
    limited.limit(2000)
    for tenant in (prepaid, paying, limited):
        tenant.wish(10, start=at(5)).expect(201)  # 240 in January
        tenant.wish(20, start="2026-02-05T00:00:00Z", ends_at="2026-02-05T20:00:00Z").expect(201)  # 480 in February
    assert limited.held() == 720
    stack.advance("2026-01-05T12:00:00Z")
    assert limited.held() == 720, "what ran is held until it is rated"
    stack.advance("2026-01-06T00:30:00Z")
    eventually(lambda: limited.held() == 480 and limited.balance()["unbilled"] == "240.000000", "what is rated is held no more")
    assert limited.balance()["available"] == "1280.000000"
    stack.advance("2026-02-01T01:00:00Z")

    grants = {row["id"]: row for row in prepaid.client.items("/v1/credit-grants")}
    assert grants[lost["id"]]["state"] == "expired" and grants[lost["id"]]["expired"]["amount"] == "70.00"
    # 240 net; these tenants pay no tax: soon 200 (expires first of priority 0), then the promotional 40 of 50.
    assert grants[soon["id"]]["state"] == "used_up" and grants[first["id"]]["remaining"]["amount"] == "10.00"
    assert grants[late["id"]]["remaining"]["amount"] == "300.00" and grants[forever["id"]]["remaining"]["amount"] == "500.00"
    assert open_of(stack, prepaid) == [0.0] and open_of(stack, paying) == [240.0]

    # A payment in advance of what is owed becomes customer credit, which settles the next invoice; a refund takes the rest.
    (invoice,) = books.invoices(paying)
    paid = paying.pay(1000, invoices=[invoice["number"]], reference="SEPA 4711")
    assert paid["state"] == "posted" and paid["credited"]["amount"] == "760.00"
    assert [(row["invoice"], row["amount"]["amount"]) for row in paid["settlements"]] == [(invoice["id"], "240.00")]
    assert paying.balance()["customer_credit"] == "760.000000"
    assert paying.pay(761, kind="refund")["reason"] == "insufficient_credit"
    stack.advance("2026-03-01T01:00:00Z")
    assert open_of(stack, paying) == [0.0, 0.0] and paying.balance()["customer_credit"] == "280.000000"
    assert paying.pay(280, kind="refund")["state"] == "posted"
    assert open_of(stack, limited) == [240.0, 480.0]
    assert limited.pay(300)["state"] == "posted"  # the oldest first
    assert open_of(stack, limited) == [0.0, 420.0]
    assert limited.balance()["held"] == "0.000000" and limited.balance()["receivable"] == "420.000000"
    everybody = stack.operator.items("/v1/system/balances?limit=1")
    names = [(row["tenant"], row["currency"]) for row in everybody]
    assert names == sorted(set(names)) and {name for name, _ in names} == {each["name"] for each in stack.operator.items("/v1/system/tenants")}
    (row,) = [row for row in everybody if row["tenant"] == limited.name]
    assert (row["tenant_id"], row["receivable"]["amount"]) == (limited.id, limited.balance()["receivable"])
    # February's 480: the promotional 10, then what expires sooner of the others.
    grants = {row["id"]: row for row in prepaid.client.items("/v1/credit-grants")}
    assert grants[late["id"]]["state"] == "used_up" and grants[forever["id"]]["remaining"]["amount"] == "330.00"

    income = books.statement("income-statement")
    january = {row["line"]: Decimal(row["amount"]) for row in income if row["month"] == "2026-01-01"}
    assert january["revenue_rating"] == 720 and january["revenue_breakage"] == 70 and january["revenue_grant"] == -50
    assert january["net_result"] == january["income"] - january["expenses"] and january["expenses"] > 0
    sheet = books.statement("balance-sheet")
    months = {row["month"] for row in sheet}
    assert months == {f"2026-{month:02}-01" for month in range(1, 6)}
    result = 0
    for month in sorted(months):
        total = {row["line"]: Decimal(row["amount"]) for row in sheet if row["month"] == month and row["section"] == "total"}
        lines = {row["line"]: Decimal(row["amount"]) for row in sheet if row["month"] == month and row["section"] != "total"}
        assert total["assets"] == total["liabilities_and_equity"]
        result += sum(Decimal(row["amount"]) for row in income if row["month"] == month and row["line"] == "net_result")
        assert lines["current_result"] == result, "the result to date is what the income statements sum to"
    assert Decimal({row["line"]: row["amount"] for row in sheet if row["month"] == "2026-03-01"}["deferred_revenue"]) == 330
    trial = books.statement("trial-balance")
    for month in months:
        assert sum(Decimal(row["closing"]) for row in trial if row["month"] == month) == 0
        assert sum(Decimal(row["debit"]) for row in trial if row["month"] == month) == sum(Decimal(row["credit"]) for row in trial if row["month"] == month)
    answer = stack.operator.get("/v1/system/statements/income-statement?from=2026-01-01&to=2026-02-01", headers={"Accept": "text/csv"}).expect(200)
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert {row["line"]: row["amount"] for row in rows} == {row["line"]: row["amount"] for row in income if row["month"] == "2026-01-01"}
    assert no_violation(stack)


def test_however_many_grants_expire_at_once_all_are_over_when_the_clock_has_moved(stack):
    """More than billing expires in one transaction: statements of a month must not have some of its breakage only."""
    acme = Tenant(stack, "many-grants")
    stack.sql("""INSERT INTO sluice.credit_grant (id, tenant_id, kind, currency, amount_u, expires_at)
                 SELECT gen_random_uuid(), t.id, 'prepaid', 'USD', 1000000, '2026-01-01T06:00:00Z'
                   FROM sluice.tenant t, generate_series(1, 1001) WHERE t.name = %s""", (acme.name,))
    eventually(lambda: states_of(stack, acme) == {"active": 1001}, "all are posted")
    stack.advance("2026-01-01T07:00:00Z")
    assert states_of(stack, acme) == {"expired": 1001}


def states_of(stack, tenant):
    rows = stack.sql("""SELECT s.state, count(*) AS n FROM sluice.credit_grant_status s JOIN sluice.tenant t ON t.id = s.tenant_id
                         WHERE t.name = %s GROUP BY 1""", (tenant.name,))
    return {row["state"]: row["n"] for row in rows}


# ---- An oracle that knows only what the documentation says ----

HISTORIES = int(os.environ.get("SLUICE_LEDGER_STEPS", "40"))


class Histories:
    """Random histories of tenants, played to Sluice and to the oracle alike. A tenant's reservations stand alone in their hours,
    so that all of them are delivered."""

    def __init__(self, stack, seed):
        stack.fleet(nodes=3)
        self.stack, self.random = stack, random.Random(seed)
        self.tenants = [Tenant(stack, f"history-{number}") for number in range(3)]
        self.books = [Books() for _ in self.tenants]
        self.today = date(2026, 1, 1)

    def step(self):
        number = self.random.randrange(len(self.tenants))
        act = self.random.choice((self.reserve, self.reserve, self.grant, self.pay, self.refund, self.advance))
        act(self.tenants[number], self.books[number])

    def amount(self, most):
        return Decimal(self.random.randrange(1, most * 100)) / 100

    def reserve(self, tenant, books):
        day = self.today + timedelta(days=self.random.randrange(1, 40))
        hours = self.random.randrange(1, 24)
        answer = tenant.client.post("/v1/reservations", {
            "instance_type": "h100.8x", "count": 1, "zone": "us-east-1a", "starts_at": f"{day}T00:00:00Z", "ends_at": f"{day}T{hours:02}:00:00Z"})
        if answer.status == 201:
            books.uses(str(day), Decimal(24 * hours))

    def grant(self, tenant, books):
        expires = self.today + timedelta(days=self.random.randrange(1, 70)) if self.random.random() < 0.7 else None
        fields = {"priority": self.random.randrange(3), "kind": self.random.choice(("prepaid", "promotional"))}
        if expires:
            fields["expires_at"] = f"{expires}T00:00:00Z"
        amount = self.amount(400)
        tenant.grant(amount, **fields)
        books.grant(amount, fields.get("expires_at"), fields["kind"] == "promotional", fields["priority"])

    def pay(self, tenant, books):
        amount = self.amount(600)
        assert tenant.pay(amount)["state"] == "posted"
        books.pay(amount)

    def refund(self, tenant, books):
        amount = self.amount(200)
        assert (tenant.pay(amount, kind="refund")["state"] == "posted") == books.refund(amount)

    def advance(self, _tenant, _books):
        until = self.today + timedelta(days=self.random.randrange(1, 20))
        days = [self.today + timedelta(days=number) for number in range((until - self.today).days)]
        midnights = {str(day): str(day + timedelta(days=1)) for day in days}
        self.stack.advance(f"{until}T00:00:00Z")
        for books in self.books:
            books.pass_to([str(day) for day in days], midnights)
        self.today = until

    def check(self):
        for tenant, books in zip(self.tenants, self.books):
            told = {key: Decimal(value) for key, value in tenant.balance().items() if key in books.told()}
            assert told == books.told(), f"{tenant.name} on {self.today}"
            assert all(grant.left >= 0 for grant in books.grants)
        until = self.today + timedelta(days=1)
        rows = self.stack.operator.items(f"/v1/system/statements/balance-sheet?from={self.today}&to={until}")
        sheet = {row["line"]: Decimal(row["amount"]) for row in rows}
        assert sheet.get("assets", 0) == sheet.get("liabilities_and_equity", 0)
        assert sheet.get("cash", 0) == sum(books.cash for books in self.books)
        earned = sum(Decimal(row["amount"]) for row in self.stack.operator.items(f"/v1/system/statements/income-statement?from=2026-01-01&to={until}")
                     if row["line"] == "income")
        assert earned == sum(books.revenue for books in self.books)
        assert no_violation(self.stack)


def test_any_history_leaves_what_an_independent_ledger_says(stack):
    print(f"SLUICE_TEST_SEED={SEED}, {HISTORIES} steps")
    histories = Histories(stack, SEED)
    for number in range(HISTORIES):
        histories.step()
        if number % 8 == 7:
            histories.check()
    histories.advance(None, None)
    histories.check()


# ---- Books that do not care about kills ----

KILLS = int(os.environ.get("SLUICE_LEDGER_KILLS", "6"))


def books_of(stack):
    """Every entry by what it is for, not by when it was written: ids of tenants, grants and invoices are other ones each time."""
    return stack.sql("""
        SELECT j.source_type, j.posted_at, a.code, t.name AS tenant, a.currency, e.debit_u, e.credit_u, count(*) AS times
          FROM sluice.entry e JOIN sluice.journal j ON j.id = e.journal_id JOIN sluice.account a ON a.id = e.account_id
          LEFT JOIN sluice.tenant t ON t.id = a.tenant_id GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY 1, 2, 3, 4, 5, 6, 7""")


def live_two_months(stack, disturb):
    stack.fleet(nodes=4)
    tenants = [Tenant(stack, f"kept-{number}") for number in range(3)]
    for number, tenant in enumerate(tenants):
        tenant.grant(100 * (number + 1), expires_at=at(20))
        tenant.grant(50)
        tenant.limit(10000)
        for day in range(2, 30, 3):
            tenant.wish(5 + number, start=at(day)).expect(201)
    with disturb():
        for day in (4, 9, 15, 22, 28):
            advance_persistently(stack, at(day, 7))
        for tenant in tenants:
            made = stack.operator.post("/v1/system/payments", {"tenant": tenant.name, "amount": usd(123)}).expect(201).body
            tenant.posted(f"/v1/system/payments/{made['id']}")
        advance_persistently(stack, at(3, 0, month=2))
    eventually(lambda: stack.sql("SELECT count(*) AS n FROM sluice.invoice WHERE status = 'issued'")[0]["n"] == len(tenants), "January is invoiced")
    eventually(lambda: all(tenant.held() == 0 for tenant in tenants), "all holds are settled")
    return books_of(stack)


def advance_persistently(stack, instant):
    eventually(lambda: stack.operator.post("/v1/system/clock", {"advance_to": instant}).status in (200, 422), f"the clock is at {instant}")


class Killing:
    """Kills sluice-billing again and again, at instants that the seed says, while it is entered."""

    def __init__(self, stack, kills, seed):
        self.stack, self.kills, self.random = stack, kills, random.Random(seed)
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        for _ in range(self.kills):
            # Not a wait for a condition: where in its work the daemon dies is what is varied.
            threading.Event().wait(self.random.uniform(0.0, 0.3))
            self.stack.billing.kill()
            self.stack.billing.start()

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *_):
        self.thread.join(120)
        assert not self.thread.is_alive()


def test_books_of_a_billing_daemon_that_is_killed_are_those_of_one_that_is_not(make_stack):
    print(f"SLUICE_TEST_SEED={SEED}, {KILLS} kills")
    quiet = make_stack()
    undisturbed = live_two_months(quiet, contextlib.nullcontext)
    quiet.stop()  # a cluster has connections for so many stacks
    stack = make_stack(settings={"sluice-billing": {"SLUICE_LEASE_TTL_MS": "500"}})
    disturbed = live_two_months(stack, lambda: Killing(stack, KILLS, SEED))
    assert disturbed == undisturbed
    assert no_violation(stack)


def test_a_journal_is_posted_once_per_key_balanced_and_for_good(cluster, database):
    with contextlib.closing(cluster.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute("""INSERT INTO tenant (id, name) VALUES
                          ('00000000-0000-7000-8000-000000000001', 'acme'), ('00000000-0000-7000-8000-000000000002', 'other')""")
    done = subprocess.run([binaries() / "journal_probe", cluster.url(database)], capture_output=True, text=True, check=False, timeout=120)
    print(done.stdout)
    assert done.returncode == 0, done.stderr
