"""?validate_only=true of new reservations, quotes and amendments: what it says comes true when it is posted, and it leaves nothing."""
# SPDX-License-Identifier: Apache-2.0

import os
import random

import pytest

from stack import eventually

ZONE = "us-east-1a"
LEFT = ("reservation", "reservation_status", "allocation", "instance", "event", "idempotency", "audit", "audit_block")


def at(day, hour=0):
    return f"2026-01-{day:02}T{hour:02}:00:00Z"


def wish(day, days=1, count=1, **fields):
    return {"instance_type": "h100.8x", "zone": ZONE, "count": count, "starts_at": at(day), "ends_at": at(day + days), **fields}


@pytest.fixture(scope="module")
def sluice(module_stack):
    """Four nodes of eight GPUs, which all tests of this file share: each has days of its own."""
    module_stack.fleet(nodes=4)
    return module_stack


@pytest.fixture
def acme(sluice, request):
    name = request.node.name.replace("_", "-")[:40].strip("-")
    client = sluice.tenant(name, may_shape=True)
    client.name = name
    return client


def rows(sluice):
    """Of the audit what was done: what was refused before is written a little later."""
    tables = {row["table_name"] for row in sluice.sql("SELECT table_name FROM information_schema.tables WHERE table_schema = 'sluice'")}
    done = {"audit": "WHERE result = 'ok'"}
    return {table: sluice.sql(f"SELECT count(*) AS n FROM {table} {done.get(table, '')}")[0]["n"] for table in LEFT if table in tables}


def audited(sluice, answers):
    requests = [answer.headers["Request-Id"] for answer in answers]
    return sluice.sql("SELECT count(*) AS n FROM audit WHERE request_id = ANY (%s)", (requests,))[0]["n"]


def preview(client, body, path="/v1/reservations"):
    return client.post(f"{path}?validate_only=true", body)


def says_the_same(said, came):
    """A preview and what posting was answered with."""
    if said.status == 200:
        came.expect(201, 202)
        for member in ("state", "starts_at", "ends_at"):
            assert said.body["status"][member] == came.body["status"][member], member
        return
    came.expect(said.status)
    for member in ("code", "title", "retryable", "binding", "alternatives", "reason", "errors"):
        assert said.body.get(member) == came.body.get(member), member


def comes_true(client, reservation, body):
    """Previews an amendment and then asks for it: the same is answered. Returns the code of the refusal, or None."""
    path = f"/v1/reservations/{reservation['id']}/amendments"
    said, came = client.post(f"{path}?validate_only=true", body), client.post(path, body)
    if said.status == 200:
        assert said.body["terms"] == came.expect(201).body["terms"], body
        return None
    came.expect(said.status)
    for member in ("code", "title", "retryable", "binding", "alternatives", "errors"):
        assert said.body.get(member) == came.body.get(member), (member, body)
    return said.code


def limit(sluice, tenant, amount):
    (found,) = sluice.operator.items(f"/v1/system/tenants?name={tenant.name}")
    sluice.operator.request("PUT", f"/v1/system/tenants/{found['id']}/credit-limit", {"limit": {"amount": amount, "currency": "USD"}}).expect(200)


def capped(sluice, percent):
    """A type of which only so much is sold without an end, at 24 an hour."""
    name = f"capped-{percent}"
    sluice.operator.create("/v1/system/instance-types", {"name": name, "gpu_count": 8, "gpu_models": ["H100"], "cpu_milli": 96000,
                                                         "memory_mib": 1048576, "open_ended_max_percent": percent})
    sluice.operator.create("/v1/system/prices", {"sku_kind": "instance_type", "sku": name, "gpu_hour": {"amount": "3.000000", "currency": "USD"}})
    return name


# ---- Yes ----


def test_what_a_preview_grants_can_be_posted_and_costs_what_it_said(sluice, acme):
    said = preview(acme, wish(2, count=2, name="llama", labels={"team": "a"})).expect(200)
    assert said.body["status"]["state"] == "scheduled" and said.body["status"]["starts_at"] == at(2)
    assert said.body["cost_delta"] == {"amount": "1152.000000", "currency": "USD"} and said.body["warnings"] == []
    assert "ETag" not in said.headers and "Location" not in said.headers
    came = acme.post("/v1/reservations", wish(2, count=2, name="llama", labels={"team": "a"}))
    says_the_same(said, came)
    assert {key: said.body[key] for key in ("name", "labels", "count", "zone")} == {key: came.body[key] for key in ("name", "labels", "count", "zone")}


def test_a_quote_is_previewed_with_its_price(sluice, acme):
    said = preview(acme, {**wish(3), "ttl_s": 600}, "/v1/quotes").expect(200)
    assert said.body["status"]["state"] == "held" and said.body["reservation"] is None
    came = acme.post("/v1/quotes", {**wish(3), "ttl_s": 600}).expect(201)
    assert said.body["price"] == came.body["price"] and said.body["hold_until"] == came.body["hold_until"]
    assert said.body["cost_delta"] == said.body["price"]["estimate"]


def test_confirming_a_quote_is_previewed_without_a_planner(sluice, acme):
    quote = acme.create("/v1/quotes", wish(3))
    said = preview(acme, {"quote": quote["id"]}).expect(200)
    assert said.body["status"]["state"] == "scheduled" and said.body["cost_delta"] == quote["price"]["estimate"]
    assert acme.get(f"/v1/quotes/{quote['id']}").body["status"]["state"] == "held"
    says_the_same(said, acme.post("/v1/reservations", {"quote": quote["id"]}))
    assert preview(acme, {"quote": quote["id"]}).expect(409).code == "quote_used"


def test_who_would_wait_is_told_so(sluice, acme):
    acme.create("/v1/reservations", wish(4, count=4))
    body = wish(4, if_unavailable="waitlist")
    said = preview(acme, body).expect(200)
    assert said.body["status"]["state"] == "waitlisted" and said.body["warnings"][0]["code"] == "waits"
    says_the_same(said, acme.post("/v1/reservations", body).expect(202))


# ---- No ----


def test_what_a_preview_refuses_is_refused_with_the_same_words(sluice, acme):
    acme.create("/v1/reservations", wish(5, count=3))
    for body in (wish(5, count=2), wish(5, days=2, count=4), {**wish(5, count=2), "placement": {"within": "node"}}):
        said = preview(acme, body).expect(409)
        assert said.code == "capacity_unavailable" and said.body["binding"]["message"] and "reservation" not in said.body
        says_the_same(said, acme.post("/v1/reservations", body))
    instead = preview(acme, wish(5, count=2)).body["alternatives"]
    assert instead and all(preview(acme, each).status == 200 for each in instead)


def test_a_preview_sees_the_quotas(sluice, acme):
    sluice.quota(acme.name, peak_gpu_milli=8000)
    eventually(lambda: all(item["held_gpu_milli"] is not None for item in acme.items("/v1/quotas")), "the planner knows of the quota")
    assert preview(acme, wish(6)).status == 200
    said = preview(acme, wish(6, count=2)).expect(409)
    assert said.code == "quota_exceeded" and said.body["binding"]["limit"] == 8
    says_the_same(said, acme.post("/v1/reservations", wish(6, count=2)))
    acme.create("/v1/reservations", wish(6))
    assert preview(acme, wish(6)).expect(409).code == "quota_exceeded"


def test_a_preview_sees_the_credit_limit(sluice, acme):
    limit(sluice, acme, "600.00")
    says_the_same(preview(acme, wish(17)).expect(200), acme.post("/v1/reservations", wish(17)))
    for path in ("/v1/reservations", "/v1/quotes"):
        said = preview(acme, wish(18), path).expect(409)
        assert said.code == "credit_exhausted" and said.body["binding"]["held"] == "576.000000"
        says_the_same(said, acme.post(path, wish(18)))


def test_a_preview_sees_what_is_sold_without_an_end(sluice, acme):
    body = wish(31, count=2, instance_type=capped(sluice, 40), ends_at=None)
    said = preview(acme, body).expect(409)
    assert said.body["binding"]["constraint"] == "open_ended_share"
    says_the_same(said, acme.post("/v1/reservations", body))


def test_a_preview_of_an_amendment_sees_all_that_its_verdict_does(sluice, acme):
    limit(sluice, acme, "600.00")
    made = acme.create("/v1/reservations", wish(19, instance_type=capped(sluice, 20)))
    assert comes_true(acme, made, {"ends_at": at(21)}) == "credit_exhausted"
    assert comes_true(acme, made, {"ends_at": None}) == "capacity_unavailable"  # 20 % of four nodes are none
    assert comes_true(acme, made, {"starts_at": None, "ends_at": at(20), "count": 4}) == "credit_exhausted"
    assert comes_true(acme, made, {"starts_at": at(19, 12)}) is None
    assert comes_true(acme, made, {"starts_at": None, "ends_at": at(1, 6)}) is None  # it begins: its start is past
    assert comes_true(acme, made, {"starts_at": at(2)}) == "start_is_past"
    acme.post(f"/v1/reservations/{made['id']}/cancel").expect(200)


def test_who_gives_way_is_told_by_a_preview_too_that_nothing_is_amended(sluice, acme):
    there = acme.create("/v1/reservations", {**wish(1), "starts_at": None, "ends_at": at(1, 22), "tier": "preemptible"})
    firm = acme.create("/v1/reservations", {**wish(1, count=4), "starts_at": at(1, 1), "ends_at": at(1, 20)})
    assert comes_true(acme, there, {"ends_at": at(1, 12)}) == "not_amendable"
    for each in (there, firm):
        acme.post(f"/v1/reservations/{each['id']}/cancel").expect(200)


def test_what_admission_refuses_a_preview_refuses(sluice, acme):
    acme.create("/v1/reservations", wish(7, name="taken"))
    for body in (wish(7, name="taken"), wish(7, zone="nowhere"), wish(7, instance_type="none"), wish(7, project="none"),
                 wish(7, image="none"), wish(7, ssh_keys=["none"]), wish(7, days=-1), {"quote": "quo_01ARZ3NDEKTSV4RRFFQ69G5FAV"},
                 {"zone": ZONE, "shape": {"gpus": 1, "gpu_models": ["none"]}}, {"zone": ZONE}, wish(7, count=0)):
        said = preview(acme, body)
        assert said.status in (409, 422), body
        says_the_same(said, acme.post("/v1/reservations", body))


def test_another_tenants_quote_is_none(sluice, acme):
    quote = acme.create("/v1/quotes", wish(8))
    other = sluice.tenant("somebody-else")
    assert preview(other, {"quote": quote["id"]}).expect(422).code == "unknown_quote"


# ---- Nothing ----


def test_a_preview_leaves_nothing_behind(sluice, acme):
    quote = acme.create("/v1/quotes", wish(9))
    before = rows(sluice)
    planner = sluice.operator.get(f"/v1/system/planner/verify?zone={ZONE}").expect(200).body
    asked = []
    for body in (wish(9, name="once"), wish(9, count=5), wish(9, name="once", if_unavailable="waitlist"), {"quote": quote["id"]}):
        for _ in range(2):
            asked.append(acme.post("/v1/reservations?validate_only=true", body, headers={"Idempotency-Key": "same"}).expect(200, 409))
    asked.append(acme.post("/v1/quotes?validate_only=true", wish(9)).expect(200))
    assert rows(sluice) == before
    assert audited(sluice, asked) == 0
    after = sluice.operator.get(f"/v1/system/planner/verify?zone={ZONE}").expect(200).body
    assert after["equal"] and after["memory"] == planner["memory"]
    made = acme.post("/v1/reservations", wish(9, name="once"), headers={"Idempotency-Key": "same"}).expect(201)
    assert audited(sluice, [made]) == 1


def test_a_tenants_role_makes_previews_of_its_own_only(sluice, acme):
    import psycopg2
    with sluice.cluster.connect(sluice.database, role="sluice_api") as db, db.cursor() as cursor:
        cursor.execute("SET search_path = sluice")
        arrays = ", ".join(["'{11111111-1111-1111-1111-111111111111}'"] * 3 + ["NULL"] * 31)
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute(f"SELECT * FROM admission_preview({arrays})")


def test_a_preview_that_cannot_be_read_for_is_a_problem_and_holds_up_nobody(sluice, acme):
    made = acme.create("/v1/reservations", wish(20))
    path = f"/v1/reservations/{made['id']}/amendments?validate_only=true"
    signature = "FUNCTION credit_look(uuid, uuid, text, uuid, text[], text, bigint, bigint, bigint)"
    owner = sluice.cluster.connect(sluice.database)
    owner.cursor().execute(f"REVOKE EXECUTE ON {signature} FROM sluice_provisioner")
    try:
        assert acme.post(path, {"ends_at": at(22)}).expect(500).code == "internal"
        acme.get(f"/v1/availability?zone={ZONE}&from={at(20)}&to={at(21)}").expect(200)
        acme.create("/v1/reservations", wish(21))
    finally:
        owner.cursor().execute(f"GRANT EXECUTE ON {signature} TO sluice_provisioner")
        owner.close()
    acme.post(path, {"ends_at": at(22)}).expect(200)


# ---- Simulations ask them, too ----


def test_a_simulated_deal_is_held_against_the_tenants_quotas(sluice, acme):
    deal = {"zone": ZONE, "tenant": acme.name, "reservations": [wish(10), wish(10), wish(11)]}

    def admitted():
        return [item["admitted"] for item in sluice.operator.post("/v1/system/simulate", deal).expect(200).body["items"]]

    assert admitted() == [True, True, True]
    sluice.quota(acme.name, peak_gpu_milli=8000)
    eventually(lambda: admitted() == [True, False, True], "each is held against the quota with those before it")
    assert admitted() == [True, False, True]
    acme.create("/v1/reservations", wish(11))
    assert admitted() == [True, False, False]
    nobodys = {**deal, "tenant": None}
    assert all(item["admitted"] for item in sluice.operator.post("/v1/system/simulate", nobodys).expect(200).body["items"])


# ---- Both, over a random history ----


def test_previews_of_amendments_come_true_throughout_a_history(sluice, acme):
    """Of what has begun and what has not, within a quota, a credit limit, and a share that is sold without an end."""
    seed = int(os.environ.get("SLUICE_SEED", random.randrange(1 << 30)))
    print(f"SLUICE_SEED={seed}")
    chance = random.Random(seed)
    sluice.quota(acme.name, peak_gpu_milli=24000)
    eventually(lambda: all(item["held_gpu_milli"] is not None for item in acme.items("/v1/quotas")), "the planner knows of the quota")
    limit(sluice, acme, "5000.00")
    kind = capped(sluice, 30)
    made = [acme.create("/v1/reservations", body) for body in (
        wish(28), wish(29, instance_type=kind), wish(29, instance_type=kind), {**wish(1), "starts_at": None, "ends_at": at(1, 20), "instance_type": kind})]
    outcomes = set()
    for _ in range(40):
        body = {"starts_at": at(chance.randint(26, 30)), "ends_at": chance.choice([None, *(at(day, 6) for day in range(27, 32))]),
                "count": chance.randint(1, 4)}
        for member in chance.sample(sorted(body), chance.choice([0, 1, 1, 2])):
            del body[member]
        outcomes.add(comes_true(acme, chance.choice(made), body))
    assert None in outcomes and len(outcomes) > 2, outcomes
    for each in made:
        acme.post(f"/v1/reservations/{each['id']}/cancel").expect(200)


def test_previews_come_true_throughout_a_history(sluice, acme):
    seed = int(os.environ.get("SLUICE_SEED", random.randrange(1 << 30)))
    print(f"SLUICE_SEED={seed}")
    chance = random.Random(seed)
    said_no = 0
    for _ in range(30):
        day = chance.randint(12, 16)
        body = wish(day, days=chance.randint(1, 4), count=chance.randint(1, 4), tier=chance.choice(["reserved", "preemptible"]),
                    if_unavailable=chance.choice(["reject", "reject", "waitlist", "next_window"]))
        if chance.random() < 0.3:
            del body["starts_at"], body["ends_at"]
            body |= {"duration_s": 86400 * chance.randint(1, 3), "start_range": [at(day), at(day + chance.randint(0, 3))]}
        said = preview(acme, body)
        says_the_same(said, acme.post("/v1/reservations", body))
        said_no += said.status == 409
    assert 0 < said_no < 30
