"""Quotes: priced holds with a time to live, and what becomes of them."""
# SPDX-License-Identifier: Apache-2.0

import concurrent.futures
import contextlib

import pytest

from stack import eventually

DAY = "2026-02-{:02}T00:00:00Z"


@pytest.fixture(scope="module")
def market(module_stack):
    """A fleet of four nodes, under a clock that nobody moves."""
    module_stack.fleet(nodes=4, price="2.500000")
    return module_stack


@pytest.fixture
def guest(market):
    with market.guests() as make:
        yield make


@pytest.fixture
def acme(guest):
    """A tenant of the market for one test."""
    return guest()


@pytest.fixture
def mover(stack):
    """A tenant with such a fleet for itself, for a test that moves the clock or stops a daemon."""
    stack.fleet(nodes=4, price="2.500000")
    return stack.tenant("acme")


def wish(**fields):
    return {"instance_type": "h100.8x", "count": 2, "zone": "us-east-1a", "starts_at": DAY.format(1),
            "ends_at": DAY.format(3), **fields}


def quote(client, **fields):
    answer = client.post("/v1/quotes", wish(**fields)).expect(201)
    assert answer.headers["Location"] == f"/v1/quotes/{answer.body['id']}"
    return answer.body


def uuid_part(identity):
    return identity.split("_", 1)[1]


def test_a_quote_holds_its_place_until_it_ends(stack, mover):
    held = quote(mover, count=4, ttl_s=600)
    assert held["status"]["state"] == "held" and held["id"].startswith("quo_") and held["hold_until"] == "2026-01-01T00:10:00Z"
    refused = mover.post("/v1/reservations", wish(count=1)).expect(409)
    assert refused.code == "capacity_unavailable"
    stack.advance("2026-01-01T00:10:00Z")
    lapsed = mover.get(f"/v1/quotes/{held['id']}").expect(200).body
    assert lapsed["status"]["state"] == "expired" and lapsed["status"]["reason"] == "hold_over"
    mover.post("/v1/reservations", wish(count=4)).expect(201)
    late = mover.post("/v1/reservations", {"quote": held["id"]}).expect(409)
    assert late.code == "quote_expired"


def test_a_confirmed_quote_is_the_reservation_that_was_held(stack, mover):
    held = quote(mover, count=3, name="train", labels={"team": "a"}, starts_at="2026-01-02T00:00:00Z", ends_at="2026-01-03T00:00:00Z")
    assert mover.items("/v1/reservations") == []
    mover.get("/v1/reservations/rsv_" + uuid_part(held["id"])).expect(404)
    before = stack.sql("SELECT node_id, slots, period FROM allocation ORDER BY 1, 2")
    firm = mover.post("/v1/reservations", {"quote": held["id"]}).expect(201)
    assert uuid_part(firm.body["id"]) == uuid_part(held["id"])
    assert firm.headers["Location"] == f"/v1/reservations/{firm.body['id']}"
    assert firm.body["status"]["state"] == "scheduled" and firm.body["labels"] == {"team": "a"} and firm.body["count"] == 3
    assert stack.sql("SELECT node_id, slots, period FROM allocation ORDER BY 1, 2") == before
    assert [item["name"] for item in mover.items("/v1/reservations")] == ["train"]
    shown = mover.get(f"/v1/quotes/{held['id']}").expect(200).body
    assert shown["status"]["state"] == "confirmed" and shown["reservation"] == firm.body["id"]
    stack.advance("2026-01-02T01:00:00Z")
    assert mover.get(f"/v1/reservations/{firm.body['id']}").body["status"]["state"] == "active"


def test_a_quote_is_confirmed_once(acme):
    held = quote(acme)
    key = {"Idempotency-Key": "once"}
    first = acme.post("/v1/reservations", {"quote": held["id"]}, headers=key).expect(201)
    again = acme.post("/v1/reservations", {"quote": held["id"]}, headers=key).expect(201)
    assert again.headers["Idempotent-Replayed"] == "true" and again.body["id"] == first.body["id"]
    assert acme.post("/v1/reservations", {"quote": held["id"]}).expect(409).code == "quote_used"
    assert acme.delete(f"/v1/quotes/{held['id']}").expect(409).code == "quote_used"


def test_a_quote_is_its_tenants_own(acme, guest):
    held = quote(acme)
    other = guest("borealis")
    assert other.post("/v1/reservations", {"quote": held["id"]}).expect(422).code == "unknown_quote"
    other.get(f"/v1/quotes/{held['id']}").expect(404)
    other.delete(f"/v1/quotes/{held['id']}").expect(404)
    assert other.items("/v1/quotes") == [] and len(acme.items("/v1/quotes")) == 1


def test_a_quote_given_back_is_gone_and_its_place_is_free(acme):
    held = quote(acme, count=4, name="maybe")
    acme.delete(f"/v1/quotes/{held['id']}").expect(204)
    acme.get(f"/v1/quotes/{held['id']}").expect(404)
    assert acme.post("/v1/reservations", {"quote": held["id"]}).expect(422).code == "unknown_quote"
    acme.post("/v1/reservations", wish(count=4, name="maybe")).expect(201)


def test_a_tenant_holds_only_so_many_quotes(guest):
    small = guest("small", quotes_max=2)
    first, _ = quote(small, count=1), quote(small, count=1)
    assert small.post("/v1/quotes", wish(count=1)).expect(409).code == "quote_limit"
    small.post("/v1/reservations", {"quote": first["id"]}).expect(201)
    quote(small, count=1)


def test_a_start_left_open_is_when_the_hold_is_over(stack, mover):
    held = quote(mover, starts_at=None, ends_at=None, ttl_s=3600)
    assert held["status"]["starts_at"] == held["hold_until"] == "2026-01-01T01:00:00Z"
    assert held["price"] == {"hourly": {"amount": "40.000000", "currency": "USD"}, "estimate": None, "metered": []}
    stack.advance("2026-01-01T00:59:59Z")
    mover.post("/v1/reservations", {"quote": held["id"]}).expect(201)


def test_a_hold_ends_at_its_start(acme):
    held = quote(acme, starts_at="2026-01-01T00:05:00Z", ttl_s=86400)
    assert held["hold_until"] == "2026-01-01T00:05:00Z"


def test_a_refused_quote_says_why_and_what_else(acme):
    refused = acme.post("/v1/quotes", wish(count=9)).expect(409)
    assert refused.code == "capacity_unavailable" and refused.body["quote"].startswith("quo_")
    assert refused.body["binding"]["asked"] == 9
    for body in refused.body["alternatives"]:
        held = acme.post("/v1/quotes", body).expect(201).body
        assert held["status"]["state"] == "held" and held["ttl_s"] == 900
        acme.delete(f"/v1/quotes/{held['id']}").expect(204)
    assert acme.post("/v1/reservations", {"quote": refused.body["quote"]}).expect(409).code == "quote_not_held"


def test_a_held_quote_is_not_metered(stack, mover):
    quote(mover, starts_at="2026-01-02T00:00:00Z", ends_at="2026-01-04T00:00:00Z", ttl_s=86400)
    stack.advance("2026-01-06T00:00:00Z")
    assert stack.sql("SELECT 1 FROM usage_interval") == [] and stack.sql("SELECT 1 FROM instance") == []


def test_an_estimate_is_what_the_invoice_rates(make_stack):
    """Across a change of price and a billing month, of a tenant with a price and a calendar of its own."""
    stack = make_stack(start="2026-01-29T00:00:00Z")
    stack.fleet(nodes=4, price="2.500000")
    stack.operator.create("/v1/system/tenants", {"name": "tokyo", "billing_timezone": "Asia/Tokyo"})
    tokyo = stack.token("admin", "tokyo")
    stack.operator.create("/v1/system/prices", {
        "sku_kind": "instance_type", "sku": "h100.8x", "gpu_hour": {"amount": "2.345679", "currency": "USD"},
        "tenant": "tokyo", "valid_from": "2026-01-30T07:11:13Z"})
    held = quote(tokyo, count=3, starts_at="2026-01-29T10:00:01Z", ends_at="2026-02-02T03:04:05Z")
    tokyo.post("/v1/reservations", {"quote": held["id"]}).expect(201)
    stack.advance("2026-02-04T00:00:00Z")
    rated = stack.sql("SELECT sum(amount_u)::bigint AS amount_u FROM rated_line")[0]["amount_u"]
    assert held["price"]["estimate"] == {"amount": f"{rated // 10**6}.{rated % 10**6:06}", "currency": "USD"}


def test_a_shape_is_priced_by_its_model_where_there_is_but_one(market, guest):
    market.node("other", gpu_model="A100")
    for model, amount in (("H100", "3.000000"), ("A100", "1.000000")):
        market.operator.create("/v1/system/prices", {
            "sku_kind": "gpu_model", "sku": model, "gpu_hour": {"amount": amount, "currency": "USD"}})
    maker = guest("maker", may_shape=True)
    body = {key: value for key, value in wish(count=1).items() if key != "instance_type"}
    shape = {"gpu_milli": 470, "gpu_models": ["A100"]}
    held = maker.create("/v1/quotes", {**body, "shape": shape})
    assert held["price"] == {"hourly": {"amount": "0.470000", "currency": "USD"},
                             "estimate": {"amount": "22.560000", "currency": "USD"}, "metered": []}
    assert "price" not in maker.create("/v1/quotes", {**body, "shape": {**shape, "gpu_models": ["A100", "H100"]}})
    assert "price" not in maker.create("/v1/quotes", {**body, "shape": shape, "tier": "on_demand"}), "nobody set that price"


def test_what_a_quote_or_its_confirmation_cannot_be(acme):
    held = quote(acme)
    for path, body, pointer in (
            ("/v1/quotes", wish(if_unavailable="waitlist"), "/if_unavailable"),
            ("/v1/quotes", wish(ttl_s=9), "/ttl_s"),
            ("/v1/quotes", {"quote": held["id"]}, "/quote"),
            ("/v1/reservations", wish(quote=held["id"]), "/quote"),
            ("/v1/reservations", wish(ttl_s=60), "/ttl_s")):
        answer = acme.post(path, body).expect(422)
        assert pointer in [error["pointer"] for error in answer.body["errors"]], answer


def at_once(client, bodies, path):
    """Posts all bodies at the same time, each on a connection of its own."""
    with concurrent.futures.ThreadPoolExecutor(len(bodies)) as pool:
        return list(pool.map(lambda body: client.clone().post(path, body), bodies))


def test_of_confirmations_at_once_one_wins(acme):
    held = quote(acme, count=1)
    answers = at_once(acme, [{"quote": held["id"]}] * 12, "/v1/reservations")
    assert sorted(answer.status for answer in answers) == [201] + [409] * 11
    assert {answer.code for answer in answers if answer.status == 409} == {"quote_used"}


def test_quotes_at_once_keep_the_limit(guest):
    small = guest("small", quotes_max=3)
    bodies = [{**wish(count=1), "starts_at": DAY.format(day), "ends_at": DAY.format(day + 1)} for day in range(1, 11)]
    answers = at_once(small, bodies, "/v1/quotes")
    assert sorted(answer.status for answer in answers) == [201] * 3 + [409] * 7
    assert {answer.code for answer in answers if answer.status == 409} == {"quote_limit"}


def test_a_confirmation_outlives_the_provisioner(stack, mover):
    """Confirmed while nobody decides, and looked at only when its time is long over: it is firm."""
    firm, lapsed = quote(mover, count=2, ttl_s=60), quote(mover, count=2, ttl_s=60)
    stack.provisioner.stop()
    answer = mover.post("/v1/reservations", {"quote": firm["id"]}, headers={"Prefer": "wait=0"}).expect(202)
    assert answer.body["status"]["state"] == "held"
    stack.provisioner.start()
    stack.advance("2026-01-01T01:00:00Z")
    assert mover.get(f"/v1/reservations/{answer.body['id']}").body["status"]["state"] == "scheduled"
    assert mover.get(f"/v1/quotes/{lapsed['id']}").body["status"]["state"] == "expired"
    mover.post("/v1/reservations", wish(count=2)).expect(201)


def test_operators_see_whose_quotes_there_are(market, acme):
    held = quote(acme)
    whose = f"tenant={acme.tenant}"
    assert [(item["id"], item["tenant"]) for item in market.operator.items(f"/v1/system/quotes?{whose}")] == [(held["id"], acme.tenant)]
    assert market.operator.items(f"/v1/system/quotes?{whose}&state=expired") == [] == market.operator.items(f"/v1/system/reservations?{whose}")
    assert market.operator.get(f"/v1/system/quotes/{held['id']}").expect(200).body["price"] == held["price"]


def test_a_program_of_before_admits_by_the_old_function(market, acme):
    """The API of the release before calls admission_create: what it makes is decided and shown as ever."""
    with contextlib.closing(market.cluster.connect(market.database, "sluice_api_writer")) as old, old.cursor() as cursor:
        ids = market.sql("SELECT t.id AS tenant, p.id AS principal FROM tenant t JOIN principal p ON p.tenant_id = t.id WHERE t.name = %s", (acme.tenant,))[0]
        cursor.execute("""
            SELECT outcome FROM admission_create(array[gen_random_uuid()], array[%(tenant)s]::uuid[], array[%(principal)s]::uuid[], array[null::text],
                array[null::bytea], array['old'], array['default'], array['us-east-1a'], array['h100.8x'], array[null::int], array[null::int],
                array[null::text], array[null::bigint], array[null::bigint], array[2], array[null::bigint], array[null::bigint], array['rack'],
                array[true], array['reserved'], array['reject'], array['{}'::jsonb], array[null::text], array[gen_random_uuid()], array['r'],
                array['unix']), pg_notify('sluice_wish', '')""", ids)
        assert cursor.fetchall() == [("created",)]
    eventually(lambda: [item["status"]["state"] for item in acme.items("/v1/reservations?name=old")] == ["active"], "it is decided")
