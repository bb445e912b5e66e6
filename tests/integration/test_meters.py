"""Meters from an agent's reading to the cent of an invoice: on one stack that bills January."""
# SPDX-License-Identifier: Apache-2.0

import decimal

import pytest

READINGS = "/v1/system/meter-readings"
USD = {"currency": "USD"}


def money(amount):
    return {"amount": amount, **USD}


class Metered:
    """A tenant with a reservation over the end of January, three meters, of which one has no price."""

    def __init__(self, stack):
        self.stack = stack
        stack.fleet(2, price="2.490000")
        self.finance, self.agent = stack.token("finance"), stack.token("agent")
        self.acme, self.other = stack.tenant("acme", currency="USD"), stack.tenant("other", currency="USD")
        for name, unit, aggregation, decimals in (("egress", "GB", "sum", 3), ("storage", "GB", "level", 0), ("seats", "Seats", "sum", 0)):
            self.finance.create("/v1/system/meters", {"name": name, "unit": unit, "aggregation": aggregation, "decimals": decimals})
        self.price("egress", "0.000000", model="graduated", tiers=[
            {"up_to_gpu_hours": 10, "gpu_hour": "0.000000"}, {"up_to_gpu_hours": None, "gpu_hour": "0.090000"}])
        self.price("storage", "0.000100")
        self.reservation = self.acme.create("/v1/reservations", {
            "instance_type": "h100.8x", "zone": "us-east-1a", "count": 1, "name": "llama",
            "starts_at": "2026-01-30T00:00:00Z", "ends_at": "2026-02-03T00:00:00Z"})["id"]
        self.other.create("/v1/reservations", {"instance_type": "h100.8x", "zone": "us-east-1a", "count": 1,
                                               "starts_at": "2026-01-30T00:00:00Z", "ends_at": "2026-01-31T00:00:00Z"})

    def price(self, meter, amount, **fields):
        return self.finance.create("/v1/system/prices", {"sku_kind": "meter", "sku": meter, "gpu_hour": money(amount), **fields})

    def reading(self, event, meter, quantity, to, **fields):
        return {"event": event, "reservation": self.reservation, "meter": meter, "quantity": quantity, "to": to, **fields}

    def report(self, *items):
        return self.agent.post(READINGS, {"items": list(items)})

    def lines(self, where="true"):
        return self.stack.sql("SELECT m.name, sum(l.meter_quantity)::bigint AS quantity, sum(l.amount_u)::bigint AS amount_u, l.corrects"
                              "  FROM sluice.rated_line l JOIN sluice.meter m ON m.id = l.meter_id WHERE " + where +
                              " GROUP BY m.name, l.corrects ORDER BY m.name, l.corrects")

    def sound(self):
        violated = self.stack.sql("SELECT name, violations FROM sluice.billing_check WHERE violations > 0")
        assert violated == [], (violated, self.stack.sql("SELECT * FROM sluice.check_meters"))


@pytest.fixture(scope="module")
def metered(make_module_stack):
    made = Metered(make_module_stack(start="2026-01-30T00:00:00Z"))
    made.stack.advance("2026-01-30T12:00:00Z")
    made.first = (made.reading("e1", "egress", "6.500000", "2026-01-30T06:00:00Z", **{"from": "2026-01-30T00:00:00Z"}),
                  made.reading("s1", "storage", "500.000000", "2026-01-30T12:00:00Z", **{"from": "2026-01-30T00:00:00Z"}),
                  made.reading("u1", "seats", "3.000000", "2026-01-30T12:00:00Z"))
    made.report(*made.first).expect(204)
    return made


def test_what_comes_again_counts_once_and_what_says_something_else_is_refused(metered):
    metered.report(*metered.first).expect(204)
    answer = metered.report(metered.first[1], dict(metered.first[0], quantity="6.501000")).expect(422)
    assert [(each["pointer"], each["code"]) for each in answer.body["errors"]] == [("/items/1/event", "reading_differs")]
    new = metered.reading("n1", "egress", "1.000000", "2026-01-30T07:00:00Z")
    metered.report(new, dict(new, quantity="2.000000")).expect(422)
    assert metered.acme.items("/v1/meter-readings?meter=egress")[0]["quantity"] == "6.500000"
    assert len(metered.acme.items("/v1/meter-readings")) == 3, "of a batch all are taken, or none"


@pytest.mark.parametrize("change,pointer,code", [
    ({"meter": "ingress"}, "meter", "unknown_meter"),
    ({"reservation": "rsv_01kyyyyyyyyyyyyyyyyyyyyyyy"}, "reservation", "unknown_reservation"),
    ({"quantity": "-1.000000"}, "quantity", "out_of_range"),
    ({"quantity": "1.000100"}, "quantity", "out_of_range"),
    ({"quantity": "1000000000.000000"}, "quantity", "out_of_range"),
    ({"to": "2026-01-30T18:00:00Z"}, "to", "out_of_range"),
    ({"to": "2026-01-29T23:00:00Z"}, "to", "outside_reservation"),
    ({"from": "2026-01-30T07:00:00Z"}, "from", "out_of_range"),
    ({"to": "2025-11-01T00:00:00Z"}, "to", "out_of_range"),
    ({"meter": "storage", "quantity": "1.000000"}, "from", "missing_field"),
])
def test_a_reading_that_cannot_be_is_refused_by_its_row(metered, change, pointer, code):
    bad = dict(metered.reading("bad", "egress", "1.000000", "2026-01-30T06:00:00Z"), **change)
    errors = metered.report(metered.first[0], bad).expect(422).body["errors"]
    assert (f"/items/1/{pointer}", code) in [(each["pointer"], each["code"]) for each in errors], errors
    assert all(each["pointer"].startswith("/items/1/") for each in errors)


def test_every_bad_row_of_a_batch_is_named(metered):
    bad = metered.reading("bad", "egress", "1.000100", "2026-01-30T06:00:00Z")
    errors = metered.report(*(dict(bad, event=f"bad{n}") for n in range(300))).expect(422).body["errors"]
    assert [each["pointer"] for each in errors] == [f"/items/{n}/quantity" for n in range(300)]
    known = [dict(metered.first[0], quantity="7.000000")] * 150
    assert len(metered.report(*known).expect(422).body["errors"]) == 150


def test_prices_and_readings_stay_within_what_an_amount_can_say(metered):
    for wish, pointer in ((money("100000000.000001"), "/gpu_hour/amount"), (money("1000001.000000"), "/package_gpu_hours")):
        package = {"model": "package", "package_gpu_hours": 1_000_000} if pointer != "/gpu_hour/amount" else {}
        errors = metered.finance.post("/v1/system/prices", {"sku_kind": "meter", "sku": "seats", "gpu_hour": wish, **package}).expect(422).body["errors"]
        assert [each["pointer"] for each in errors] == [pointer]
    metered.finance.create("/v1/system/meters", {"name": "licences", "unit": "Licences", "aggregation": "sum", "decimals": 0})
    metered.price("licences", "100000.000000", valid_from="2026-01-30T00:00:00Z")
    huge = metered.reading("huge", "licences", "1000001.000000", "2026-01-30T07:00:00Z")
    (error,) = metered.report(huge).expect(422).body["errors"]
    assert error["pointer"] == "/items/0/quantity" and "comes to more" in error["detail"]


def test_a_price_of_a_meter_has_no_tier_and_no_time_of_the_day(metered):
    wish = {"sku_kind": "meter", "sku": "seats", "gpu_hour": money("1.000000")}
    metered.finance.post("/v1/system/prices", dict(wish, tier="reserved")).expect(422)
    metered.finance.post("/v1/system/prices", dict(wish, minimum_s=60)).expect(422)
    metered.finance.post("/v1/system/prices", dict(wish, sku="ingress")).expect(422)
    metered.finance.post("/v1/system/prices", {"sku_kind": "instance_type", "sku": "h100.8x", "tier": "any", "gpu_hour": money("1.000000")}).expect(422)
    assert {each["tier"] for each in metered.acme.items("/v1/prices?sku_kind=meter")} == {"any"}


def test_tenants_see_their_own_readings_only(metered):
    assert metered.other.items("/v1/meter-readings") == []
    assert [each["name"] for each in metered.other.items("/v1/meters")] == ["egress", "storage", "seats", "licences"]
    assert {each["tenant"] for each in metered.stack.operator.items(READINGS)} == {"acme"}


# The tests below go through time, in their order.


def test_readings_become_an_invoice(metered):
    metered.stack.advance("2026-01-31T12:00:00Z")  # the 30th is closed: what comes of it now is counted with the 31st
    assert metered.lines() == [
        {"name": "egress", "quantity": 6500, "amount_u": 0, "corrects": None},
        {"name": "storage", "quantity": 500000 * 43200, "amount_u": 600000, "corrects": None}]
    meters = metered.acme.get(f"/v1/reservations/{metered.reservation}/cost").expect(200).body["meters"]
    assert [(each["meter"], each["quantity"], each["unit"], each["amount"] and each["amount"]["amount"]) for each in meters] == [
        ("egress", "6.500000", "GB", "0.000000"), ("seats", "3.000000", "Seats", None), ("storage", "6000.000000", "GB-Hours", "0.600000")]
    metered.report(metered.reading("e2", "egress", "7.250000", "2026-01-30T23:00:00Z"),
                   metered.reading("s2", "storage", "500.000000", "2026-01-31T00:00:00Z", **{"from": "2026-01-30T12:00:00Z"})).expect(204)
    metered.stack.advance("2026-02-01T00:30:00Z")
    assert metered.acme.items("/v1/invoices") == [] and len(metered.other.items("/v1/invoices")) == 1, "agents get a grace; who has nothing metered does not wait"
    metered.report(metered.reading("s3", "storage", "60.000000", "2026-02-01T00:00:00Z", **{"from": "2026-01-31T23:00:00Z"})).expect(204)
    metered.stack.advance("2026-02-02T00:30:00Z")
    assert [each["counted_with"] for each in metered.acme.items("/v1/meter-readings")] == ["2026-01-30"] * 3 + ["2026-01-31"] * 2 + ["2026-02-01"]
    metered.sound()
    (invoice,) = metered.acme.items("/v1/invoices")
    lines = {each["meter"]: each for each in metered.acme.items(f"/v1/invoices/{invoice['id']}/lines")}
    assert set(lines) == {None, "egress", "storage"}, "what has no price is free"
    shown = {name: (line["quantity"], line["unit"], line["amount_exact"]["amount"]) for name, line in lines.items() if name}
    assert shown == {"egress": ("13.750000", "GB", "0.337500"), "storage": ("12060.000000", "GB-Hours", "1.206000")}
    assert lines["storage"]["description"] == "storage at 0.000100 USD per GB-Hours"
    assert decimal.Decimal(invoice["net"]["amount"]) == sum(decimal.Decimal(line["net"]["amount"]) for line in lines.values())


def test_a_line_is_explained_back_to_its_readings_and_price(metered):
    (invoice,) = metered.acme.items("/v1/invoices")
    expected = {"egress": ("(0 x 10000 + 90000 x 3750) / 1000, half to even", "337500", ["e1", "e2"]),
                "storage": ("(100 x 43416000000) / 3600000, half to even", "1206000", ["s1", "s2", "s3"])}
    for line in metered.acme.items(f"/v1/invoices/{invoice['id']}/lines"):
        if line["meter"] is None:
            continue
        how, amount_u, events = expected[line["meter"]]
        where = f"/v1/invoices/{invoice['id']}/lines/{line['line_no']}/explain"
        explained = metered.acme.get(where).expect(200).body
        assert (explained["meter"], explained["quantity"], explained["gpu_milli_seconds"]) == (line["meter"], line["quantity"], 0)
        assert explained["price"]["sku"] == line["meter"]
        steps = {step["what"]: step for step in explained["steps"]}
        assert steps["exact amount, in micro-units"]["how"].startswith(how) and steps["exact amount, in micro-units"]["result"] == amount_u
        readings = metered.acme.items(f"{where}/readings")
        assert [each["event"] for each in readings] == events
        assert sum(decimal.Decimal(each["counts"]) for each in readings) == decimal.Decimal(line["quantity"])
        assert sum(decimal.Decimal(each["quantity"]) for each in metered.acme.items(f"{where}/days")) == decimal.Decimal(line["quantity"])
        assert metered.other.get(f"{where}/readings").status == 404


def test_focus_tells_of_meters_in_their_units_and_of_what_was_invoiced(metered):
    (invoice,) = metered.acme.items("/v1/invoices")
    rows = metered.acme.items("/v1/focus/cost-and-usage?month=2026-01-01")
    told = {}
    for row in rows:
        told.setdefault((row["SkuMeter"], row["ConsumedUnit"], row["PricingUnit"]), []).append(decimal.Decimal(row["ConsumedQuantity"] or 0))
    assert sum(told["egress", "GB", "GB"]) == decimal.Decimal("13.75") and sum(told["storage", "GB-Hours", "GB-Hours"]) == 12060
    assert all(row["CapacityReservationId"] is None for row in rows if row["SkuMeter"] in ("egress", "storage"))
    billed = sum(decimal.Decimal(row["BilledCost"]) for row in rows if row["InvoiceId"] == invoice["number"])
    assert billed == decimal.Decimal(invoice["total"]["amount"])


def test_a_credit_note_on_a_line_of_a_meter_is_of_the_meter_in_focus(metered):
    (invoice,) = metered.acme.items("/v1/invoices")
    (line,) = [each for each in metered.acme.items(f"/v1/invoices/{invoice['id']}/lines") if each["meter"] == "storage"]
    metered.finance.post(f"/v1/system/invoices/{invoice['id']}/credit", {"reason": "a wrong reading", "lines": [
        {"line_no": line["line_no"], "share_numerator": 1, "share_denominator": 2}]}).expect(201)
    metered.stack.advance("2026-02-02T01:00:00Z")
    (row,) = [each for each in metered.acme.items("/v1/focus/cost-and-usage?month=2026-02-01") if each["ChargeDescription"] == "Credit note: a wrong reading"]
    assert (row["SkuMeter"], row["SkuId"], row["BilledCost"]) == ("storage", "storage", "-0.600000")


def test_what_comes_late_corrects_a_closed_month_in_the_open_one(metered):
    metered.report(metered.reading("e3", "egress", "2.000000", "2026-01-31T23:59:59Z")).expect(204)
    metered.stack.advance("2026-02-03T00:30:00Z")
    (late,) = [line for line in metered.lines() if line["corrects"] is not None]
    assert (late["name"], late["quantity"], late["amount_u"]) == ("egress", 2000, 180000)
    metered.sound()


def test_a_price_that_begins_in_the_past_rates_what_was_free(metered):
    metered.price("seats", "5.000000", valid_from="2026-01-01T00:00:00Z")
    metered.stack.advance("2026-02-04T00:30:00Z")
    (seats,) = [line for line in metered.lines() if line["name"] == "seats"]
    assert (seats["quantity"], seats["amount_u"], seats["corrects"] is not None) == (3000, 15000000, True)
    metered.sound()


def test_a_retired_meter_takes_what_was_used_before_and_corrections_of_its_price(metered):
    (seats,) = metered.finance.items("/v1/system/meters?name=seats")
    for _ in range(2):
        assert metered.finance.post(f"/v1/system/meters/{seats['id']}/retire").expect(200).body["retired_at"] == "2026-02-04T00:30:00Z"
    used = metered.reading("u2", "seats", "1.000000", "2026-02-02T00:00:00Z")
    metered.report(used).expect(204)
    (price,) = [each for each in metered.finance.items("/v1/system/prices?sku_kind=meter&sku=seats") if each["withdrawn_at"] is None]
    metered.price("seats", "4.000000", corrects=price["id"])
    metered.finance.post("/v1/system/prices", {"sku_kind": "meter", "sku": "seats", "gpu_hour": money("4.000000")}).expect(422)
    metered.stack.advance("2026-02-05T00:30:00Z")
    metered.report(used).expect(204)
    errors = metered.report(dict(used, event="u3", to="2026-02-04T00:30:01Z")).expect(422).body["errors"]
    assert "unknown_meter" in [each["code"] for each in errors]
    assert sum(line["amount_u"] for line in metered.lines() if line["name"] == "seats") == 4 * 4_000_000
    metered.sound()


def test_what_comes_again_is_taken_however_old_it_is_by_now(metered):
    for name in ("sluice-billing", "sluice-provisioner"):
        metered.stack.daemons[name].stop()  # they would close seventy days
    metered.stack.sql("UPDATE sluice.domain_clock SET now = now + interval '70 days'")
    metered.report(*metered.first).expect(204)
    metered.report(dict(metered.first[0], event="e9")).expect(422)


def test_the_cost_of_a_reservation_is_told_where_a_meter_fits_no_amount(metered):
    metered.stack.sql("UPDATE sluice.meter_usage SET quantity = 1e19 WHERE meter_id = (SELECT id FROM sluice.meter WHERE name = 'egress')")
    meters = metered.acme.get(f"/v1/reservations/{metered.reservation}/cost").expect(200).body["meters"]
    told = {each["meter"]: (each["quantity"], each["amount"] and each["amount"]["amount"]) for each in meters}
    assert told["egress"] == ("9223372036854.775807", None) and told["storage"] == ("12060.000000", "1.206000")
