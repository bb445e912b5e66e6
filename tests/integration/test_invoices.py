"""Invoices from the close of a month to the last cent explained: on one stack that has billed January."""
# SPDX-License-Identifier: Apache-2.0

import contextlib
import hashlib
import random
import threading

import psycopg2
import pytest

from counting_house import uuid_of
from stack import eventually

WISH = {"instance_type": "h100.8x", "zone": "us-east-1a", "count": 1}
PROVIDER = "/v1/system/billing-profiles"
MANY = 1100  # lines


def usd(amount):
    return {"amount": amount, "currency": "USD"}


class Billed:
    """Tenants of different terms, each with some hours of January, whose month was closed."""

    def __init__(self, stack):
        self.stack = stack
        stack.fleet(10, price="2.490000")
        self.finance = stack.token("finance")
        self.finance.patch(f"{PROVIDER}/{self.finance.items(PROVIDER)[0]['id']}", {
            "legal_name": "Sluice Compute GmbH", "address": "Rechenzentrumsstraße 8\n60314 Frankfurt", "country": "DE",
            "tax_number": "DE123456789", "note": "IBAN DE02 1203 0000 0000 2020 51"}).expect(200)
        for code, country, rate, note in (("standard", "DE", 1900, None), ("reverse_charge", "CH", 0, "Reverse charge: the recipient owes the tax.")):
            self.finance.create("/v1/system/tax-rates", {"code": code, "country": country, "rate_bp": rate, "note": note,
                                                         "valid_from": "2026-01-01T00:00:00Z"})
        self.tenants = {
            "acme": self.tenant("acme", tax_code="standard", tax_country="DE", legal_name="Acme Research AG", reference="PO-1"),
            "held": self.tenant("held", tax_code="standard", tax_country="DE", issue="by_hand", invoice_series="HAND"),
            "zurich": self.tenant("zurich", tax_code="reverse_charge", country="CH", payment_days=14),
            "astray": self.tenant("astray", tax_code="nowhere", tax_country="FR"),
            "wrong": self.tenant("wrong", tax_code="standard", tax_country="DE"),
            "granted": self.tenant("granted"),
            "noted": self.tenant("noted"),
        }
        for name in ("granted", "noted"):  # what expires at ten past is drawn at midnight
            for kind, amount, expires_at in (("promotional", "5.00", None), ("prepaid", "3.00", "2026-02-01T00:10:00Z")):
                self.finance.create("/v1/system/credit-grants", {"tenant": name, "kind": kind, "amount": usd(amount), "expires_at": expires_at})
        self.many()
        for hours, name in enumerate(self.tenants, start=1):
            for count in (1, 2) if name == "acme" else (1,):
                self.tenants[name].create("/v1/reservations", {
                    **WISH, "starts_at": "2026-01-31T01:00:00Z", "ends_at": f"2026-01-31T{hours + count:02}:20:01Z"})
        stack.advance("2026-02-01T00:30:00Z")

    def many(self):
        """A tenant whose price changes a thousand times: as many lines."""
        self.tenants["many"] = self.tenant("many", tax_code="standard", tax_country="DE")
        self.stack.sql(f"""
            INSERT INTO sluice.price (id, sku_kind, sku, tier, tenant_id, currency, gpu_hour_u, valid)
            SELECT gen_random_uuid(), 'instance_type', 'h100.8x', 'reserved', t.id, 'USD', 1000000 + n * 1000,
                   tstzrange('2026-01-31T01:00:00Z'::timestamptz + n * interval '10 s', '2026-01-31T01:00:00Z'::timestamptz + (n + 1) * interval '10 s')
              FROM sluice.tenant t, generate_series(0, {MANY - 1}) n WHERE t.name = 'many'""")

    def tenant(self, name, **profile):
        client = self.stack.tenant(name, currency="USD")
        self.finance.create(PROVIDER, {"tenant": name, **profile})
        return client

    def invoice(self, name, status="issued"):
        (found,) = self.finance.items(f"/v1/system/invoices?tenant={name}&status={status}")
        return found

    @contextlib.contextmanager
    def changed(self, frozen, change):
        """What nobody may change is changed by a cent for a while."""
        for sign in ("+", "-"):
            for statement in (frozen.format("DISABLE"), change.format(sign), frozen.format("ENABLE")):
                self.stack.sql(statement)
            if sign == "+":
                yield

    def sound(self):
        violated = self.stack.sql("SELECT name, violations FROM sluice.billing_check WHERE violations > 0")
        assert violated == [], (violated, self.stack.sql("SELECT * FROM sluice.check_invoices"), self.stack.sql("SELECT * FROM sluice.check_ledger"))


@pytest.fixture(scope="module")
def billed(make_module_stack):
    return Billed(make_module_stack(start="2026-01-31T00:00:00Z"))


def cents(money):
    return round(float(money["amount"]) * 100)


def test_an_invoice_says_who_owes_what_by_when_and_its_document_is_the_one_that_was_hashed(billed):
    acme, invoice = billed.tenants["acme"], billed.invoice("acme")
    assert invoice["number"].startswith("INV-") and invoice["due_at"] == "2026-03-03T00:00:00Z"
    (tax,) = invoice["taxes"]
    assert (tax["code"], tax["country"], tax["rate_bp"]) == ("standard", "DE", 1900)
    assert cents(tax["base"]) == cents(invoice["net"]) and cents(tax["tax"]) == cents(invoice["tax"])
    assert cents(invoice["net"]) + cents(invoice["tax"]) == cents(invoice["total"])
    lines = acme.items(f"/v1/invoices/{invoice['id']}/lines")
    assert sum(cents(line["tax_shown"]) for line in lines) == cents(invoice["tax"]) and len(lines) == 2
    pdf = acme.get(f"/v1/invoices/{invoice['id']}/pdf", headers={"Accept": "application/pdf"}).expect(200)
    assert pdf.headers["Content-Type"] == "application/pdf" and pdf.content.startswith(b"%PDF-")
    assert hashlib.sha256(pdf.content).hexdigest() == invoice["pdf_sha256"]
    same = billed.finance.get(f"/v1/system/invoices/{invoice['id']}", headers={"Accept": "application/pdf"}).expect(200)
    assert same.content == pdf.content


def test_who_owes_the_tax_himself_pays_none_and_is_told_so(billed):
    invoice = billed.invoice("zurich")
    assert cents(invoice["tax"]) == 0 and invoice["taxes"][0]["note"].startswith("Reverse charge")
    assert invoice["due_at"] == "2026-02-15T00:00:00Z"


def test_a_fault_of_one_tenant_parks_that_tenant_only_and_can_be_tried_again(billed):
    finance = billed.finance

    def attention():
        (row,) = [row for row in finance.items("/v1/system/attention") if row["kind"] == "periods_parked"]
        return row["count"], row["since"]

    (month,) = finance.items("/v1/system/month-closes")
    assert (month["month"], month["total"], month["done"], month["parked"], month["finished_at"]) == ("2026-01-01", 8, 7, 1, None)
    (parked,) = finance.items("/v1/system/billing-periods?state=parked")
    assert parked["tenant"] == "astray" and "'nowhere' has no rate in 'FR'" in parked["reason"]
    assert attention() == (1, "2026-02-01T00:00:00Z"), "it is due since the month ended"
    finance.create("/v1/system/tax-rates", {"code": "nowhere", "country": "FR", "rate_bp": 2000, "valid_from": "2026-01-01T00:00:00Z"})
    asked = finance.post("/v1/system/month-closes", {"month": "2026-01-01", "tenant": "astray"}).expect(201).body
    assert asked["state"] == "done"
    eventually(lambda: finance.items("/v1/system/month-closes")[0]["done"] == 8, "the month is closed")
    eventually(lambda: finance.items("/v1/system/month-closes")[0]["finished_at"] is not None, "the month is finished")
    assert attention() == (0, None)
    assert cents(billed.invoice("astray")["tax"]) == round(cents(billed.invoice("astray")["net"]) * 0.2)
    billed.sound()


def test_a_draft_is_the_providers_until_an_operator_issues_it(billed):
    held, finance = billed.tenants["held"], billed.finance
    draft = billed.invoice("held", "draft")
    assert draft["number"] is None and held.items("/v1/invoices") == []
    held.get(f"/v1/invoices/{draft['id']}").expect(404)
    held.get(f"/v1/invoices/{draft['id']}/lines").expect(404)
    finance.get(f"/v1/system/invoices/{draft['id']}/pdf", headers={"Accept": "application/pdf"}).expect(409)
    finance.patch(f"{PROVIDER}/{finance.items(PROVIDER + '?tenant=held')[0]['id']}", {"legal_name": "Held & Söhne"}).expect(200)
    assert finance.post(f"/v1/system/invoices/{draft['id']}/finalize").expect(201).body["state"] == "done"
    finalized = billed.invoice("held", "finalized")
    assert finalized["content_sha256"] is not None and finalized["net"] == draft["net"]
    assert finance.post(f"/v1/system/invoices/{draft['id']}/finalize").expect(409).code == "invoice_not_draft"
    total = "UPDATE sluice.invoice SET net_minor = net_minor {0} 1, total_minor = total_minor {0} 1 WHERE id = (SELECT id FROM sluice.invoice WHERE status = 'finalized')"
    frozen = "ALTER TABLE sluice.invoice {} TRIGGER USER"
    with billed.changed(frozen, total):  # its tenant's FOCUS export would not sum to it
        refused = finance.post(f"/v1/system/invoices/{draft['id']}/issue").expect(409)
        assert "the charges of its period come to" in refused.body["detail"] and held.items("/v1/invoices") == []
        assert billed.stack.sql("SELECT violations FROM sluice.billing_check WHERE name = 'charges_are_invoiced'") == [{"violations": 1}]
    finance.post(f"/v1/system/invoices/{draft['id']}/issue").expect(201)
    (issued,) = held.items("/v1/invoices")
    assert issued["number"] == "HAND-000001" and issued["content_sha256"] == finalized["content_sha256"]
    names = billed.stack.sql("SELECT configuration->'buyer'->>'name' AS name FROM sluice.invoice WHERE id = (SELECT id FROM sluice.invoice WHERE series = 'HAND')")
    assert names == [{"name": "Held & Söhne"}]
    billed.sound()


def test_a_void_invoice_keeps_its_number_and_a_draft_takes_its_place(billed):
    finance, invoice = billed.finance, billed.invoice("wrong")
    preview = finance.post(f"/v1/system/invoices/{invoice['id']}/void?validate_only=true", {"reason": "a mistake"}).expect(200).body
    assert cents(preview["cost_delta"]) == -cents(invoice["total"]) and billed.invoice("wrong")["status"] == "issued"
    assert finance.post(f"/v1/system/invoices/{invoice['id']}/issue?validate_only=true").expect(409).code == "invoice_not_draft"
    asked = finance.post(f"/v1/system/invoices/{invoice['id']}/void", {"reason": "billed to the wrong account"}).expect(201).body
    void = finance.get(f"/v1/system/invoices/{invoice['id']}").expect(200).body
    assert (void["status"], void["number"], void["void_reason"]) == ("void", invoice["number"], "billed to the wrong account")
    draft = finance.get(f"/v1/system/invoices/{asked['draft']}").expect(200).body
    assert (draft["status"], draft["replaces"], draft["total"]) == ("draft", invoice["id"], invoice["total"])
    balance = billed.stack.sql("SELECT sum(debit_u - credit_u) AS u FROM sluice.trial_balance WHERE code = 'receivable' AND tenant = 'wrong'")
    assert balance == [{"u": 0}]
    assert finance.post(f"/v1/system/invoices/{invoice['id']}/void", {"reason": "again"}).expect(409).code == "invoice_not_issued"
    finance.post(f"/v1/system/invoices/{draft['id']}/issue").expect(201)
    assert {each["status"] for each in billed.tenants["wrong"].items("/v1/invoices")} == {"void", "issued"}
    billed.sound()


def test_credits_are_capped_and_three_thirds_leave_nothing(billed):
    finance, invoice = billed.finance, billed.invoice("acme")
    path = f"/v1/system/invoices/{invoice['id']}/credit"
    lines = [line["line_no"] for line in finance.items(f"/v1/system/invoices/{invoice['id']}/lines")]
    third = {"reason": "an outage", "lines": [{"line_no": number, "share_numerator": 1, "share_denominator": 3} for number in lines]}
    for _ in range(2):
        preview = finance.post(f"{path}?validate_only=true", third).expect(200).body
        made = finance.get(f"/v1/system/credit-notes/{finance.post(path, third).expect(201).body['credit_note']}").expect(200).body
        assert preview["state"] == "open" and cents(preview["cost_delta"]) == -cents(made["total"])
    for asked in (path, f"{path}?validate_only=true"):
        half = {"reason": "too much", "lines": [{"line_no": 1, "share_numerator": 1, "share_denominator": 2}]}
        assert finance.post(asked, half).expect(409).code == "credit_exceeds_line"
    assert finance.post(path, {"reason": "no such", "lines": [{"line_no": 99, "gpu_milli_seconds": 1}]}).expect(409).code == "unknown_line"
    asked = finance.post(path, third).expect(201).body
    notes = billed.tenants["acme"].items(f"/v1/credit-notes?invoice={invoice['id']}")
    assert [note["number"] for note in notes] == ["CRN-000001", "CRN-000002", "CRN-000003"]
    assert sum(cents(note["net"]) for note in notes) == cents(invoice["net"])
    assert sum(cents(note["tax"]) for note in notes) == cents(invoice["tax"])
    assert cents(billed.invoice("acme")["credited"]) == cents(invoice["total"])
    assert all(line["credited"] == line["net"] for line in finance.items(f"/v1/system/invoices/{invoice['id']}/lines"))
    assert finance.post(path, {"reason": "all of it"}).expect(409).code == "nothing_to_credit"
    assert finance.post(f"/v1/system/invoices/{invoice['id']}/void", {"reason": "no"}).expect(409).code == "invoice_is_credited"
    pdf = finance.get(f"/v1/system/credit-notes/{asked['credit_note']}/pdf", headers={"Accept": "application/pdf"}).expect(200)
    assert hashlib.sha256(pdf.content).hexdigest() == notes[-1]["pdf_sha256"]
    billed.sound()


def test_a_share_of_an_invoice_is_of_every_line_however_many(billed):
    finance, invoice = billed.finance, billed.invoice("many")
    path = f"/v1/system/invoices/{invoice['id']}/credit"
    assert len(finance.items(f"/v1/system/invoices/{invoice['id']}/lines")) == MANY + 1
    for wrong in ({"share": {"numerator": 3, "denominator": 2}}, {"share": {"numerator": 1}}, {"share": {"numerator": 1, "denominator": 0}},
                  {"share": {"numerator": 1, "denominator": 3}, "lines": [{"line_no": 1, "share_numerator": 1, "share_denominator": 3}]},
                  {"lines": [{"line_no": 1, "gpu_milli_seconds": 1}, {"line_no": 1, "gpu_milli_seconds": 1}]}):
        finance.post(path, {"reason": "no", **wrong}).expect(422)
    third = {"reason": "an outage", "share": {"numerator": 1, "denominator": 3}}
    for _ in range(3):
        preview = finance.post(f"{path}?validate_only=true", third).expect(200).body
        made = finance.get(f"/v1/system/credit-notes/{finance.post(path, third).expect(201).body['credit_note']}").expect(200).body
        assert cents(preview["cost_delta"]) == -cents(made["total"])
        assert abs(cents(made["net"]) - cents(invoice["net"]) / 3) <= MANY
    left = billed.stack.sql(f"SELECT line_no FROM sluice.invoice_line l WHERE invoice_id = '{uuid_of(invoice['id'])}' AND net_minor <> (SELECT sum(n.net_minor)"
                            " FROM sluice.credit_note_line n WHERE n.invoice_id = l.invoice_id AND n.invoice_line_no = l.line_no)")
    assert left == [] and cents(billed.invoice("many")["credited"]) == cents(invoice["total"])
    billed.sound()


def left_of_grants(billed, name):
    return {grant["kind"]: (grant["remaining"]["amount"], grant["state"]) for grant in billed.finance.items(f"/v1/system/credit-grants?tenant={name}")}


def test_a_void_gives_each_grant_its_own_back_and_what_expired_meanwhile_is_gone(billed):
    """The void invoice was paid by a grant that lives on, by one that expired since, and by its tenant."""
    finance, invoice = billed.finance, billed.invoice("granted")
    assert {state for _, state in left_of_grants(billed, "granted").values()} == {"used_up"}
    finance.create("/v1/system/payments", {"tenant": "granted", "amount": usd("11.00"), "invoices": [invoice["number"]]})
    eventually(lambda: billed.tenants["granted"].items("/v1/balance")[0]["receivable"]["amount"] ==
               f"{(cents(invoice['total']) - 1900) / 100:.6f}", "the payment is posted")
    revenue = billed.stack.sql("SELECT sum(credit_u - debit_u)::bigint AS u FROM sluice.trial_balance WHERE code = 'revenue' AND tenant = 'granted'")[0]["u"]
    finance.post(f"/v1/system/invoices/{invoice['id']}/void", {"reason": "billed to the wrong account"}).expect(201)
    assert left_of_grants(billed, "granted") == {"promotional": ("5.00", "active"), "prepaid": ("0.00", "expired")}
    balance = billed.tenants["granted"].items("/v1/balance")[0]
    assert balance["customer_credit"] == usd("11.000000") and balance["receivable"] == usd("0.000000")
    told = billed.stack.sql("SELECT code, sum(credit_u - debit_u)::bigint AS u FROM sluice.trial_balance"
                            " WHERE tenant = 'granted' AND code IN ('revenue', 'deferred_revenue') GROUP BY 1 ORDER BY 1")
    assert told == [{"code": "deferred_revenue", "u": 5_000_000}, {"code": "revenue", "u": revenue + 3_000_000}]
    billed.sound()


def test_a_credit_note_gives_back_what_was_paid_last_first(billed):
    """As if the invoice had come to 6.00 from the start: 3.00 of each grant, for the one that expires was drawn first."""
    finance, invoice = billed.finance, billed.invoice("noted")
    rest = cents(invoice["total"]) - 800
    finance.create("/v1/system/payments", {"tenant": "noted", "amount": usd(f"{rest / 100:.2f}")})
    eventually(lambda: billed.tenants["noted"].items("/v1/balance")[0]["receivable"] == usd("0.000000"), "the payment is posted")
    finance.post(f"/v1/system/invoices/{invoice['id']}/credit", {"reason": "an outage", "lines": [
        {"line_no": 1, "net": usd(f"{(cents(invoice['total']) - 600) / 100:.6f}")}]}).expect(201)
    assert left_of_grants(billed, "noted") == {"promotional": ("2.00", "active"), "prepaid": ("0.00", "used_up")}
    balance = billed.tenants["noted"].items("/v1/balance")[0]
    assert balance["customer_credit"] == usd(f"{rest / 100:.6f}")
    billed.sound()


def test_a_preview_is_what_the_invoice_came_to(billed):
    preview = billed.tenants["zurich"].get("/v1/invoice-preview?month=2026-01-01").expect(200).body
    invoice = billed.invoice("zurich")
    assert {key: preview[key] for key in ("net", "tax", "total", "period_start", "period_end")} == {
        key: invoice[key] for key in ("net", "tax", "total", "period_start", "period_end")}
    now = billed.finance.get("/v1/system/invoice-preview?tenant=zurich").expect(200).body
    assert now["period_start"] == "2026-02-01T00:00:00Z" and now["line_count"] == 0


def test_each_cent_is_explained_down_to_the_events(billed):
    zurich, invoice = billed.tenants["zurich"], billed.invoice("zurich")
    line = f"/v1/invoices/{invoice['id']}/lines/1/explain"
    explained = zurich.get(line).expect(200).body
    days, usage = zurich.items(f"{line}/days"), zurich.items(f"{line}/usage")
    assert sum(day["gpu_milli_seconds"] for day in days) == explained["gpu_milli_seconds"]
    assert days[-1]["total_amount"] == explained["amount_exact"] and len(days) == explained["day_count"]
    billed_usage = [each for each in usage if each["is_billed"]]
    assert sum(each["gpu_milli_seconds"] for each in billed_usage) == explained["gpu_milli_seconds"]
    exact = round(explained["price"]["gpu_hour_u"] * explained["gpu_milli_seconds"] / 3_600_000)
    assert round(float(explained["amount_exact"]["amount"]) * 1_000_000) == exact
    kinds = {event["id"]: event["kind"] for event in billed.stack.events(zurich)}
    assert {kinds[each["event"]] for each in billed_usage} == {"instance.running"}
    assert len(explained["steps"]) == 5
    zurich.get(f"/v1/invoices/{invoice['id']}/lines/2/explain").expect(404)
    billed.tenants["acme"].get(line).expect(404)


def test_what_is_issued_does_not_change_by_one_byte(billed):
    ident = billed.stack.sql("SELECT i.id::text AS id FROM sluice.invoice i JOIN sluice.tenant t ON t.id = i.tenant_id WHERE t.name = 'zurich'")[0]["id"]
    for change in ("UPDATE invoice SET total_minor = total_minor + 1, net_minor = net_minor + 1", "UPDATE invoice SET configuration = '{}'",
                   "UPDATE invoice SET status = 'draft'", "DELETE FROM invoice_line", "UPDATE invoice SET pdf_sha256 = sha256('x')"):
        where = "invoice_id" if "line" in change else "id"
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            billed.stack.sql(f"{change} WHERE {where} = '{ident}'")
    assert billed.stack.sql("SELECT count(*) AS n FROM sluice.check_invoices") == [{"n": 0}]


def test_numbers_are_gapless_whoever_takes_them_and_rolls_back(billed):
    taken, lock = [], threading.Lock()

    def take(seed):
        dice = random.Random(seed)
        with contextlib.closing(billed.stack.cluster.connect(billed.stack.database, "sluice_billing")) as connection:
            connection.autocommit = False
            for _ in range(25):
                with connection.cursor() as cursor:
                    cursor.execute("SELECT document_number_take('RACE', 'invoice')")
                    number = cursor.fetchone()[0]
                if dice.random() < 0.4:
                    connection.rollback()
                else:
                    connection.commit()
                    with lock:
                        taken.append(number)

    threads = [threading.Thread(target=take, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    billed.stack.sql("DELETE FROM sluice.invoice_series WHERE series = 'RACE'")
    assert sorted(taken) == list(range(1, len(taken) + 1)) and len(taken) > 50
