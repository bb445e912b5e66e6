"""What a GPU-hour costs, what it must be sold for, and when hardware is paid back: the golden node through the API."""
# SPDX-License-Identifier: Apache-2.0

import uuid

import pytest

from stack import eventually

CAPEX = {"cost": {"amount": "312000.00", "currency": "USD"}, "salvage": {"amount": "31200.00", "currency": "USD"}}


@pytest.fixture(scope="module")
def golden(module_stack):
    """Two nodes as in G11: 312,000 each over five years, 3.4 to 10.2 kW, PUE 1.30, 0.085 per kWh, 180 per kW-month, 900 a month."""
    stack = module_stack
    stack.zone()
    stack.operator.create("/v1/system/instance-types", {
        "name": "h100.8x", "gpu_count": 8, "gpu_models": ["H100"], "cpu_milli": 96000, "memory_mib": 1048576})
    for tier, price in (("reserved", "2.490000"), ("on_demand", "2.250000"), ("preemptible", "0.090000")):
        stack.operator.create("/v1/system/prices", {"sku_kind": "instance_type", "sku": "h100.8x", "tier": tier,
                                                    "gpu_hour": {"amount": price, "currency": "USD"}})
    for number in range(2):
        node = stack.node(f"n{number}")
        stack.operator.create("/v1/system/assets", {"serial": f"S{number}", "node": node["id"], "cohort": "2026-q1", "vendor": "acme",
                                                    "in_service": "2026-01-01", "life_months": 60, **CAPEX})
    stack.sql("INSERT INTO power_profile VALUES ('H100', 8, 3400, 10200)")
    for pool, basis, amount_u, pue in (("power", "kwh", 85000, 1300), ("colocation", "kw_month", 180_000_000, None),
                                       ("operations", "node_month", 900_000_000, None)):
        stack.sql("INSERT INTO cost_rate (id, pool, basis, currency, amount_u, pue_milli, valid)"
                  " VALUES (%s, %s, %s, 'USD', %s, %s, '[2026-01-01,)')", (str(uuid.uuid4()), pool, basis, amount_u, pue))
    return stack


def unit_costs(stack, query=""):
    return {item["tier"]: item for item in stack.operator.items(f"/v1/system/unit-costs?limit=2{query}")}


def test_g11_unit_costs_floor_and_break_even_by_tier(golden):
    by_tier = unit_costs(golden)
    reserved = by_tier["reserved"]
    assert reserved["nodes"] == 2 and reserved["gpu_count"] == 8 and reserved["instance_type"] == "h100.8x"
    assert reserved["node_hour_depreciation"]["amount"] == "6.407448"
    assert reserved["node_hour_cash"]["amount"] == "4.121080"
    assert reserved["gpu_hour_variable"]["amount"] == "0.093925"
    assert reserved["gpu_hour_floor"]["amount"] == "2.310850" and not reserved["is_below_floor"]
    assert reserved["break_even_bp"] == 5493
    assert by_tier["on_demand"]["is_below_floor"]
    # What would stand idle must only cover what it takes to run, and at less than that no utilisation pays.
    assert by_tier["preemptible"]["gpu_hour_floor"]["amount"] == "0.093925"
    assert by_tier["preemptible"]["is_below_floor"] and by_tier["preemptible"]["break_even_bp"] is None


def test_the_cost_of_an_hour_rises_as_utilisation_falls(golden):
    for utilisation_bp, cost in ((10000, "1.409991"), (8000, "1.739007"), (6000, "2.287368"), (4000, "3.384090")):
        assert unit_costs(golden, f"&utilisation_bp={utilisation_bp}")["reserved"]["gpu_hour_cost"]["amount"] == cost


def test_a_zones_own_rate_holds_before_every_zones(golden):
    (zone,) = golden.sql("SELECT id FROM zone")
    before = unit_costs(golden)["reserved"]["node_hour_cash"]["amount"]
    golden.sql("INSERT INTO cost_rate (id, pool, basis, zone_id, currency, amount_u, valid)"
               " VALUES (%s, 'operations', 'node_month', %s, 'USD', 0, '[2026-01-01,)')", (str(uuid.uuid4()), zone["id"]))
    assert unit_costs(golden)["reserved"]["node_hour_cash"]["amount"] == "2.889047"
    golden.sql("DELETE FROM cost_rate WHERE zone_id IS NOT NULL")
    assert unit_costs(golden)["reserved"]["node_hour_cash"]["amount"] == before


def payback(stack, query):
    return stack.operator.get(f"/v1/system/payback?cohort=2026-q1&{query}")


def test_g24_payback_under_falling_rents(golden):
    asked = "gpu_hour=2.490000&utilisation_bp=7000&months=72"
    steady = payback(golden, asked).expect(200).body
    assert steady["capex"]["amount"] == "624000.000000" and steady["gpus"] == 16
    assert steady["curve"][0]["cumulative"]["amount"].startswith("13582.8")
    months = {bp: payback(golden, f"{asked}&decline_bp={bp}").expect(200).body for bp in (0, 50, 100, 200)}
    assert [months[bp]["paid_back_month"] for bp in (0, 50, 100, 200)] == [46, 57, None, None]
    assert months[200]["peak_month"] == 55 and len(months[200]["curve"]) == 72
    assert payback(golden, f"{asked}&discount_bp=100").expect(200).body["paid_back_month"] == 62


def test_what_nobody_bought_has_to_be_said(golden):
    answer = payback(golden, "months=12").expect(422)
    assert answer.body["errors"][0]["pointer"] == "?gpu_hour"
    assert golden.operator.get("/v1/system/payback?cohort=none").expect(422).code == "unknown_cohort"
    assert golden.operator.get("/v1/system/unit-costs?currency=XXX").expect(422).body["errors"][0]["pointer"] == "?currency"


# ---- Break-even ----

WEEK = "2026-01-05"  # the first one that lies ahead whole


def break_even(stack, query=""):
    return stack.operator.get(f"/v1/system/break-even?week={WEEK}{query}").expect(200).body


def test_g11_an_unsold_week_must_sell_the_golden_share(golden):
    (item,) = break_even(golden)["items"]
    assert (item["key"], item["week"], item["nodes"], item["gpus"]) == ("H100", WEEK, 2, 16)
    assert item["cost"]["amount"] == item["gap"]["amount"] and float(item["cost"]["amount"]) == pytest.approx(2 * 168 * 10.528528, abs=0.01)
    assert item["gpu_hours_free"] == "2688.000000" and item["gpu_hour_price"]["amount"] == "2.490000"
    assert item["share_to_sell_bp"] == 5493 and item["outlook"] == "possible"
    (at_the_variable_cost,) = break_even(golden, "&tier=preemptible")["items"]
    assert at_the_variable_cost["outlook"] == "out_of_reach" and at_the_variable_cost["gpu_hours_to_sell"] is None


def test_what_is_sold_of_a_week_lessens_what_must_still_be_sold(golden):
    (before,) = break_even(golden, "&by=instance_type")["items"]
    acme = golden.tenant("acme")
    acme.post("/v1/reservations", {"instance_type": "h100.8x", "count": 1, "zone": "us-east-1a",
                                   "starts_at": "2026-01-04T00:00:00Z", "ends_at": "2026-01-10T00:00:00Z"}).expect(201)
    by_week = {item["week"]: item for item in break_even(golden, "&by=fleet&weeks=2")["items"]}
    sold = by_week[WEEK]
    # Five of its six days lie within the week: 8 GPUs x 120 h at 2.49, and the power that they take.
    assert sold["gpu_hours_sold"] == "960.000000" and sold["gpu_hours_free"] == "1728.000000"
    assert sold["revenue_booked"]["amount"] == "2390.400000"
    assert float(sold["cost"]["amount"]) - float(before["cost"]["amount"]) == pytest.approx(960 * 0.093925, abs=0.01)
    to_sell = float(sold["gap"]["amount"]) / (2.49 - 0.093925)
    assert float(sold["gpu_hours_to_sell"]) == pytest.approx(to_sell, abs=0.001)
    assert sold["share_to_sell_bp"] == round(to_sell / 1728 * 10000)
    assert by_week["2026-01-12"]["revenue_booked"]["amount"] == "0.000000"
    acme.post("/v1/reservations", {"instance_type": "h100.8x", "count": 1, "zone": "us-east-1a",
                                   "starts_at": "2026-01-05T00:00:00Z", "ends_at": "2026-01-12T00:00:00Z"}).expect(201)
    (zone,) = break_even(golden, "&by=zone")["items"]
    assert zone["key"] == "us-east-1a" and zone["outlook"] == "reached" and float(zone["gap"]["amount"]) < 0
    assert zone["gpu_hours_to_sell"] == "0.000000"


def test_what_is_held_before_its_window_is_not_sold(make_stack):
    stack = make_stack()
    stack.fleet(nodes=1, price="2.000000")
    (zone,) = stack.operator.items("/v1/system/zones")
    stack.operator.patch(f"/v1/system/zones/{zone['id']}", {"lead_s": 600, "sim_start_s": 300}, headers={"If-Match": "*"}).expect(200)
    stack.tenant("acme").create("/v1/reservations", {"instance_type": "h100.8x", "zone": "us-east-1a", "starts_at": "2026-01-07T00:00:00Z", "ends_at": "2026-01-08T00:00:00Z"})
    stack.advance("2026-01-06T23:59:00Z")
    held = stack.sql("SELECT min(lower(period)) < '2026-01-07T00:00:00Z' AS is_early FROM allocation WHERE kind = 'instance'")
    assert held[0]["is_early"]
    (item,) = break_even(stack)["items"]
    assert (item["gpu_hours_sold"], item["revenue_booked"]["amount"]) == ("192.000000", "384.000000")


# ---- Book against market, and what came back ----

@pytest.fixture(scope="module")
def aged(module_stack, golden):
    """The golden nodes after 32 days, one of them sold for most of it: 8 GPUs at 2.49 an hour."""
    stack = golden
    beta = stack.tenant("beta")
    beta.post("/v1/reservations", {"instance_type": "h100.8x", "count": 1, "zone": "us-east-1a", "starts_at": "2026-01-12T00:00:00Z",
                                   "ends_at": "2026-02-02T00:00:00Z"}).expect(201)
    stack.advance("2026-02-02T00:00:00Z")
    return stack


def book_value(stack, query=""):
    (item,) = stack.operator.items(f"/v1/system/book-values?{query}")
    return item


def test_a_market_far_below_the_book_warns_once_and_says_what_is_recoverable(aged):
    before = book_value(aged)
    # 280,800 over 1,826 days, 32 of them gone, twice.
    assert before["cost"]["amount"] == "624000.00" and float(before["book_value"]["amount"]) == pytest.approx(624000 - 2 * 280800 * 32 / 1826, abs=0.02)
    assert before["assessment"] == "no_market_price" and before["market_value"] is None and before["recoverable_amount"] is None
    aged.operator.create("/v1/system/market-prices", {"gpu_model": "H100", "price": {"amount": "37000.00", "currency": "USD"}, "source": "list"})
    assert book_value(aged)["assessment"] == "sound" and book_value(aged)["market_value"]["amount"] == "592000.00"
    price = aged.operator.create("/v1/system/market-prices", {
        "cohort": "2026-q1", "price": {"amount": "150000.00", "currency": "USD"}, "selling_cost": {"amount": "2000.00", "currency": "USD"},
        "source": "broker quote"})
    found = book_value(aged)
    assert found["market_value"]["amount"] == "300000.00"
    assert float(found["difference"]["amount"]) == pytest.approx(300000 - float(found["book_value"]["amount"]), abs=0.01)
    # Both tests by hand, from what the report says of cash and time.
    months, cash = found["months_left"], float(found["monthly_cash"]["amount"])
    undiscounted = cash * months + 62400
    in_use = cash * (1 - 1.01 ** -months) / 0.01 + 62400 * 1.01 ** -months
    book = float(found["book_value"]["amount"])
    assert float(found["undiscounted_cash_flows"]["amount"]) == pytest.approx(undiscounted, rel=1e-3)
    assert float(found["value_in_use"]["amount"]) == pytest.approx(in_use, rel=1e-3)
    assert float(found["recoverable_amount"]["amount"]) == pytest.approx(max(in_use, 296000), rel=1e-3)
    assert float(found["asc_360_loss"]["amount"]) == pytest.approx(book - 300000 if undiscounted < book else 0, rel=1e-3)
    assert float(found["ias_36_loss"]["amount"]) == pytest.approx(max(0, book - max(in_use, 296000)), rel=1e-3)
    assert found["assessment"] == ("impaired" if found["asc_360_loss"]["amount"] != "0.00" or found["ias_36_loss"]["amount"] != "0.00" else "indicated")
    # It is raised at once, and once; a better price clears it.
    eventually(lambda: book_value(aged)["warning_since"] == "2026-02-02", "the day is open, and billing has looked at the price")
    warnings = [event["kind"] for event in aged.events(aged.operator, "/v1/system/events?type=impairment_warning.*")]
    assert warnings == ["impairment_warning.raised"]
    aged.advance("2026-02-04T00:00:00Z")
    assert book_value(aged)["warning_since"] == "2026-02-02"
    aged.operator.create("/v1/system/market-prices", {"cohort": "2026-q1", "price": {"amount": "310000.00", "currency": "USD"}, "source": "broker quote"})
    aged.advance("2026-02-05T00:00:00Z")
    assert book_value(aged, "by=gpu_model")["key"] == "H100" and book_value(aged)["warning_since"] is None
    kinds = [event["kind"] for event in aged.events(aged.operator, "/v1/system/events?type=impairment_warning.*")]
    assert kinds == ["impairment_warning.raised", "impairment_warning.cleared"]
    assert aged.operator.get(f"/v1/system/market-prices/{price['id']}").expect(200).body["valid_from"] == "2026-02-02"
    wrong = aged.operator.post("/v1/system/market-prices", {"price": {"amount": "1.00", "currency": "USD"}, "source": "x"}).expect(422)
    assert wrong.body["errors"][0]["pointer"] == "/cohort"


def test_the_payback_curve_begins_with_the_months_that_were(aged):
    asked = "gpu_hour=2.490000&utilisation_bp=7000&months=72"
    alone = payback(aged, f"{asked}&continued=false").expect(200).body
    curve = payback(aged, asked).expect(200).body
    assert alone["actual_months"] == 0 and alone["since"] is None and not any(month["actual"] for month in alone["curve"])
    assert curve["since"] == "2026-01-01" and curve["actual_months"] == 1
    assert [month["actual"] for month in curve["curve"][:3]] == [True, False, False]
    rows = aged.sql("SELECT sum(revenue_u - cash_u)::bigint AS all_u, (sum(revenue_u - cash_u) FILTER (WHERE day < '2026-02-01'))::bigint AS month_u"
                    " FROM sluice.cohort_result WHERE cohort = '2026-q1'")[0]
    micro = [round(float(month["cumulative"]["amount"]) * 1_000_000) for month in curve["curve"]]
    assert micro[0] == pytest.approx(rows["month_u"], abs=2) and round(float(curve["brought_back"]["amount"]) * 1_000_000) == pytest.approx(rows["all_u"], abs=2)
    # From there the scenario goes on as it began.
    first = round(float(alone["curve"][0]["cumulative"]["amount"]) * 1_000_000)
    assert micro[1] - micro[0] == pytest.approx(first, abs=3)
    # Nothing said: what the last 30 closed days brought.
    assert payback(aged, "months=12").expect(200).body["utilisation_bp"] > 0


# ---- The price floor ----

BELOW = {"sku_kind": "instance_type", "sku": "h100.8x", "gpu_hour": {"amount": "2.000000", "currency": "USD"}}


@pytest.fixture(scope="module")
def floored(golden):
    """G11's floor of 2.310850 at 75 % utilisation and a margin of 20 %, required; two tenants who buy at list price."""
    golden.harbour = golden.tenant("harbour", may_shape=True)
    golden.floor = golden.operator.create("/v1/system/price-floors", {"instance_type": "h100.8x", "mode": "require"})
    return golden


def an_hour_later(stack):
    (at,) = stack.sql("SELECT to_char((sluice.sluice_now() + interval '1 hour') AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') AS text")
    stack.advance(at["text"])


def overrides(stack):
    return stack.operator.items("/v1/system/price-floor-overrides?instance_type=h100.8x")


def test_what_is_sold_below_the_floor_needs_a_reason_which_is_kept(floored):
    finance = floored.token("finance")
    refused = finance.post("/v1/system/prices", dict(BELOW, tenant="harbour")).expect(409)
    assert refused.code == "price_below_floor" and "2.310850" in refused.body["detail"]
    assert overrides(floored) == []
    own = finance.create("/v1/system/prices", dict(BELOW, tenant="harbour", below_floor_reason="launch customer"))
    assert "below_floor_reason" not in own, "it is the provider's: a tenant sees its prices"
    (kept,) = overrides(floored)
    assert kept["price"] == own["id"] and kept["reason"] == "launch customer" and kept["tenant"] == "harbour"
    assert (kept["gpu_hour"]["amount"], kept["floor"]["amount"]) == ("2.000000", "2.310850")
    assert kept["price_floor"] == floored.floor["id"] and kept["made_by"] is not None
    finance.create("/v1/system/prices", dict(BELOW, tenant="harbour", tier="on_demand", gpu_hour={"amount": "2.310850", "currency": "USD"}))
    assert len(overrides(floored)) == 1, "at the floor is not below it"


def test_the_cheapest_tier_of_a_price_counts_and_preemptible_only_covers_its_power(floored):
    tiers = [{"up_to_gpu_hours": 100, "gpu_hour": "2.600000"}, {"up_to_gpu_hours": None, "gpu_hour": "2.300000"}]
    wish = dict(BELOW, tenant="harbour", gpu_hour={"amount": "2.600000", "currency": "USD"}, model="graduated", tiers=tiers)
    assert floored.operator.post("/v1/system/prices", wish).expect(409).code == "price_below_floor"
    spot = dict(BELOW, tenant="harbour", tier="preemptible")
    assert floored.operator.post("/v1/system/prices", dict(spot, gpu_hour={"amount": "0.093924", "currency": "USD"})).expect(409).code == "price_below_floor"
    floored.operator.create("/v1/system/prices", dict(spot, gpu_hour={"amount": "0.093925", "currency": "USD"}))


def test_discounts_and_commitments_sell_too(floored):
    operator = floored.operator
    discount = {"tenant": "harbour", "percent_bp": 1000, "reason": "loyal", "valid_from": "2027-01-01T00:00:00Z", "sku_kind": "instance_type", "sku": "h100.8x"}
    assert operator.post("/v1/system/discounts", discount).expect(409).code == "price_below_floor"
    commitment = {"tenant": "harbour", "category": "usage", "sku_kind": "instance_type", "sku": "h100.8x", "gpu_hours": 500,
                  "unit_price": {"amount": "1.850000", "currency": "USD"}, "first_month": "2026-02-01", "months": 12}
    assert operator.post("/v1/system/commitments", commitment).expect(409).code == "price_below_floor"
    made = operator.create("/v1/system/commitments", dict(commitment, below_floor_reason="fills the night"))
    granted = operator.create("/v1/system/discounts", dict(discount, below_floor_reason="to keep them"))
    kept = {override["sold_by"]: override for override in overrides(floored)}
    assert kept["commitment"]["commitment"] == made["id"] and kept["commitment"]["gpu_hour"]["amount"] == "1.850000"
    assert kept["discount"]["discount"] == granted["id"]


def test_a_quote_shows_operators_what_it_leaves_and_tenants_nothing_of_it(floored):
    quote = floored.harbour.create("/v1/quotes", {"instance_type": "h100.8x", "zone": "us-east-1a", "tier": "reserved",
                                               "starts_at": "2026-02-10T00:00:00Z", "ends_at": "2026-02-11T00:00:00Z"})
    said = floored.operator.get(f"/v1/system/quotes/{quote['id']}/floor").expect(200).body
    assert (said["gpu_hour_price"]["amount"], said["gpu_hour_floor"]["amount"]) == ("2.000000", "2.310850")
    assert said["gpu_hour_cost"]["amount"] == "1.848680" and (said["margin_bp"], said["floor_margin_bp"]) == (756, 2000)
    assert said["mode"] == "require" and said["is_below_floor"]
    assert not [name for name in quote if "floor" in name or "cost" in name or "margin" in name]
    floored.harbour.get(f"/v1/system/quotes/{quote['id']}/floor").expect(403)
    floored.harbour.get("/v1/system/price-floor-overrides").expect(403)


def test_a_gpu_model_that_shapes_are_priced_by_has_a_floor_too(floored):
    operator = floored.operator
    shape = {"sku_kind": "gpu_model", "sku": "H100", "gpu_hour": {"amount": "2.000000", "currency": "USD"}, "tenant": "harbour"}
    assert operator.post("/v1/system/prices?validate_only=true", shape).expect(200).body["warnings"] == []
    floor = operator.create("/v1/system/price-floors", {"gpu_model": "H100", "mode": "require"})
    assert floor["instance_type"] is None
    refused = operator.post("/v1/system/prices", shape).expect(409)
    assert refused.code == "price_below_floor" and "2.310850" in refused.body["detail"]
    operator.create("/v1/system/prices", dict(shape, gpu_hour={"amount": "2.400000", "currency": "USD"}))
    off = {"tenant": "harbour", "percent_bp": 1000, "reason": "loyal", "sku_kind": "gpu_model", "sku": "H100"}
    assert operator.post("/v1/system/discounts", off).expect(409).code == "price_below_floor"
    commitment = {"tenant": "harbour", "category": "usage", "sku_kind": "gpu_model", "sku": "H100", "gpu_hours": 500,
                  "unit_price": {"amount": "1.850000", "currency": "USD"}, "first_month": "2026-03-01", "months": 12}
    assert operator.post("/v1/system/commitments", commitment).expect(409).code == "price_below_floor"
    operator.create("/v1/system/commitments", dict(commitment, below_floor_reason="fills the night"))
    (kept,) = operator.items("/v1/system/price-floor-overrides?gpu_model=H100")
    assert kept["price_floor"] == floor["id"] and kept["instance_type"] is None and kept["gpu_model"] == "H100"
    quote = floored.harbour.create("/v1/quotes", {"shape": {"gpu_models": ["H100"], "gpus": 4}, "zone": "us-east-1a", "tier": "reserved",
                                               "starts_at": "2026-02-10T00:00:00Z", "ends_at": "2026-02-11T00:00:00Z"})
    said = operator.get(f"/v1/system/quotes/{quote['id']}/floor").expect(200).body
    assert (said["gpu_model"], said["gpu_hour_price"]["amount"], said["gpu_hour_floor"]["amount"]) == ("H100", "2.400000", "2.310850")
    wrong = operator.post("/v1/system/price-floors", {"gpu_model": "H100", "instance_type": "h100.8x", "mode": "warn"}).expect(422)
    assert wrong.body["errors"][0]["pointer"] == "/gpu_model"


def test_a_floor_that_warns_refuses_nothing_and_one_that_ended_says_nothing(floored):
    operator = floored.operator
    an_hour_later(floored)
    warning = operator.create("/v1/system/price-floors", {"instance_type": "h100.8x", "mode": "warn"})
    assert operator.get(f"/v1/system/price-floors/{floored.floor['id']}").expect(200).body["valid_until"] is not None
    said = operator.post("/v1/system/prices?validate_only=true", BELOW).expect(200).body["warnings"]
    assert [problem["code"] for problem in said] == ["price_below_floor"]
    an_hour_later(floored)
    operator.post(f"/v1/system/price-floors/{warning['id']}/end", {}).expect(200)
    assert operator.post("/v1/system/prices?validate_only=true", BELOW).expect(200).body["warnings"] == []
    operator.create("/v1/system/price-floors", {"instance_type": "h100.8x", "mode": "off"})


# ---- One node, one cohort, below its address ----


def micro(money):
    return round(float(money["amount"]) * 1_000_000)


def test_a_nodes_economics_are_its_part_of_the_fleets(aged):
    asked = "from=2026-01-01&to=2026-02-02"
    nodes = {node["name"]: node["id"] for node in aged.operator.items("/v1/system/nodes")}
    fleet = aged.operator.get(f"/v1/system/margin?by=node&{asked}").expect(200).body
    each = {name: aged.operator.get(f"/v1/system/nodes/{node}/economics?{asked}").expect(200).body for name, node in nodes.items()}
    for name, node in nodes.items():
        (item,) = each[name]["items"]
        assert item == next(row for row in fleet["items"] if row["key"] == node)
        assert all(each[name]["totals"][part] == item[part] for part in ("revenue", "cost", "idle", "margin", "power"))
        assert sum(micro(cause["amount"]) for cause in each[name]["idle"]) == micro(item["idle"])
        by_day = aged.operator.get(f"/v1/system/nodes/{node}/economics?{asked}&step=day").expect(200).body
        assert len(by_day["items"]) == 32 and sum(micro(row["cost"]) for row in by_day["items"]) == micro(item["cost"])
    for cause in fleet["idle"]:
        parts = [row for one in each.values() for row in one["idle"] if row["cause"] == cause["cause"]]
        assert sum(micro(row["amount"]) for row in parts) == micro(cause["amount"])
    assert sum(micro(one["totals"]["revenue"]) for one in each.values()) == micro(fleet["totals"]["revenue"]) > 0


def test_a_cohorts_payback_is_read_below_its_name(aged):
    asked = "gpu_hour=2.490000&utilisation_bp=7000&months=72"
    path = "/v1/system/cohorts/2026-q1/payback"
    assert aged.operator.get(f"{path}?{asked}").expect(200).body == payback(aged, asked).expect(200).body
    assert aged.operator.get(f"/v1/system/cohorts/none/payback?{asked}").expect(404).code == "not_found"
    assert aged.operator.get(f"{path}?cohort=2026-q1").expect(422).body["errors"][0]["pointer"] == "?cohort"


def test_a_fee_is_of_no_reservation_in_the_margin(stack):
    stack.fleet(1)
    stack.tenant("acme")
    stack.operator.create("/v1/system/commitments", {
        "tenant": "acme", "category": "spend", "amount": {"amount": "100.00", "currency": "USD"}, "first_month": "2026-02-01", "months": 1})
    stack.advance("2026-02-03T00:00:00Z")
    (fee,) = stack.operator.get("/v1/system/margin?by=reservation&from=2026-02-01&to=2026-02-02").expect(200).body["items"]
    assert (fee["key"], fee["name"]) == (None, None)


def test_a_margin_is_of_a_currency_that_there_is(golden):
    node = golden.operator.items("/v1/system/nodes")[0]["id"]
    for path in ("/v1/system/margin", f"/v1/system/nodes/{node}/economics"):
        for currency in ("XXX", "1e9"):
            refused = golden.operator.get(f"{path}?currency={currency}").expect(422)
            assert [(error["pointer"], error["code"]) for error in refused.body["errors"]] == [("?currency", "out_of_range")]
