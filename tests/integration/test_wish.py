"""What a tenant can wish: topology, a start that is left to the planner; and what a refusal tells."""
# SPDX-License-Identifier: Apache-2.0

import itertools

import pytest

from stack import eventually

DAY = "2026-02-{:02}T00:00:00Z"


def wish(**fields):
    return {"instance_type": "h100.8x", "count": 1, "zone": "us-east-1a", "starts_at": DAY.format(1),
            "ends_at": DAY.format(8), **fields}


def flexible(**fields):
    return {**{key: value for key, value in wish(**fields).items() if key not in ("starts_at", "ends_at")}}


@pytest.fixture(scope="module")
def plant(module_stack):
    """Two fabrics of two leaves of two racks of two nodes: sixteen nodes, named by where they are. Nobody moves its clock."""
    module_stack.fleet(nodes=0)
    for fabric, leaf, rack, node in itertools.product("ab", "12", "xy", "mn"):
        module_stack.node(f"{fabric}{leaf}{rack}{node}", fabric=f"fabric-{fabric}", leaf=f"leaf-{fabric}{leaf}",
                          rack=f"rack-{fabric}{leaf}{rack}")
    return module_stack


@pytest.fixture
def acme(plant):
    """A tenant of its own for each test, which leaves nothing behind."""
    with plant.guests() as make:
        yield make()


def places(stack, reservation):
    """The names of the nodes it is on."""
    return sorted(row["name"] for row in stack.sql(
        """SELECT DISTINCT n.name FROM allocation a JOIN node n ON n.id = a.node_id JOIN reservation r ON r.id = a.reservation_id
            WHERE r.name = %s AND a.kind = 'instance'""", (reservation,)))


def test_a_whole_number_may_have_a_point(acme):
    made = acme.create("/v1/reservations", wish(count=2.0))
    assert made["count"] == 2 and isinstance(made["count"], int)


# ---- Topology ----


@pytest.mark.parametrize("within, count, prefix", [("rack", 2, 3), ("leaf", 4, 2), ("fabric", 8, 1)])
def test_a_gang_stays_within_its_scope(plant, acme, within, count, prefix):
    acme.create("/v1/reservations", wish(name="gang", count=count, placement={"within": within}))
    assert len(places(plant, "gang")) == count
    assert len({name[:prefix] for name in places(plant, "gang")}) == 1
    refused = acme.post("/v1/reservations", wish(count=count + 1, placement={"within": within})).expect(409)
    assert refused.body["binding"]["scope"] == within


@pytest.mark.parametrize("spread, count, prefix", [("rack", 8, 3), ("leaf", 4, 2), ("node", 16, 4)])
def test_a_gang_is_spread_over_as_many_groups_as_it_has_instances(plant, acme, spread, count, prefix):
    made = acme.create("/v1/reservations", wish(name="wide", count=count, placement={"spread": spread}))
    assert made["placement"] == {"within": "zone", "mode": "required", "spread": spread}
    assert len({name[:prefix] for name in places(plant, "wide")}) == count


def test_an_nvlink_domain_is_the_node_unless_it_reaches_the_rack(stack):
    stack.fleet(nodes=2)
    for name in ("one", "two"):
        stack.node(name, rack="nvl72", nvlink_domain="rack")
    acme = stack.tenant("acme")
    acme.create("/v1/reservations", wish(name="domain", count=2, placement={"within": "nvlink_domain"}))
    assert places(stack, "domain") == ["one", "two"]
    refused = acme.post("/v1/reservations", wish(count=2, placement={"within": "nvlink_domain"})).expect(409)
    assert refused.body["binding"]["message"].startswith("2 whole nodes in one NVLink domain: ")


def test_a_rack_learns_its_leaf_and_keeps_it(stack):
    stack.fleet(nodes=0)
    stack.node("early", rack="r1")
    stack.node("late", rack="r1", leaf="left")
    stack.node("beside", rack="r2", leaf="left")
    answer = stack.operator.post("/v1/system/nodes", {
        "name": "stray", "zone": "us-east-1a", "fabric": "f1", "leaf": "right", "rack": "r1", "gpu_model": "H100", "gpu_count": 8,
        "cpu_milli": 1, "memory_mib": 1}).expect(422)
    assert answer.body["errors"][0]["pointer"] == "/leaf"
    assert {node["name"]: node["status"]["leaf"] for node in stack.operator.items("/v1/system/nodes")} == \
        {"early": "left", "late": "left", "beside": "left"}
    acme = stack.tenant("acme")
    acme.create("/v1/reservations", wish(name="gang", count=3, placement={"within": "leaf"}))
    assert places(stack, "gang") == ["beside", "early", "late"]


# ---- A flexible start ----


def test_a_flexible_start_is_the_earliest_that_fits(plant, acme):
    acme.create("/v1/reservations", wish(count=16, starts_at=DAY.format(1), ends_at=DAY.format(4)))
    acme.create("/v1/reservations", wish(count=16, starts_at=DAY.format(5), ends_at=DAY.format(6)))
    made = acme.create("/v1/reservations", flexible(duration_s=2 * 86400, start_range=[DAY.format(2), DAY.format(20)]))
    assert made["status"]["starts_at"] == DAY.format(6) and made["status"]["ends_at"] == DAY.format(8)
    assert made["start_range"] == [DAY.format(2), DAY.format(20)] and made["duration_s"] == 2 * 86400
    assert made["starts_at"] is None and made["ends_at"] is None
    short = acme.create("/v1/reservations", flexible(duration_s=3600, start_range=[None, DAY.format(20)]))
    assert short["status"]["starts_at"] == "2026-01-01T00:00:00Z"


def test_a_flexible_start_beyond_its_range_is_refused_or_the_next_window(plant, acme):
    acme.create("/v1/reservations", wish(count=16, starts_at=DAY.format(1), ends_at=DAY.format(10)))
    body = flexible(duration_s=86400, start_range=[DAY.format(1), DAY.format(9)])
    refused = acme.post("/v1/reservations", body).expect(409)
    assert refused.code == "capacity_unavailable"
    made = acme.create("/v1/reservations", {**body, "if_unavailable": "next_window"})
    assert made["status"]["starts_at"] == DAY.format(10)


@pytest.fixture
def eve(make_stack):
    """A node on the day before the first that a wish is for: a day that the clock moves over costs as much as a test."""
    made = make_stack(start="2026-01-31T00:00:00Z")
    made.fleet(nodes=1)
    return made


def test_a_waiting_flexible_wish_is_served_within_its_range(eve):
    acme = eve.tenant("acme")
    full = acme.create("/v1/reservations", wish(starts_at=DAY.format(1), ends_at=DAY.format(28)))
    waiting = acme.post("/v1/reservations", flexible(
        duration_s=86400, start_range=[DAY.format(1), DAY.format(9)], if_unavailable="waitlist")).expect(202).body
    eve.advance(DAY.format(5))
    acme.post(f"/v1/reservations/{full['id']}/cancel").expect(200)
    eve.advance("2026-02-05T00:00:01Z")
    found = acme.get(f"/v1/reservations/{waiting['id']}").body["status"]
    assert found["state"] == "active" and DAY.format(5) <= found["starts_at"] <= DAY.format(9)


def test_a_flexible_wish_that_waits_in_vain_expires_after_its_range(eve):
    acme = eve.tenant("acme")
    acme.create("/v1/reservations", wish(starts_at=DAY.format(1), ends_at=DAY.format(28)))
    waiting = acme.post("/v1/reservations", flexible(
        duration_s=86400, start_range=[DAY.format(1), DAY.format(2)], if_unavailable="waitlist")).expect(202).body
    eve.advance(DAY.format(3))
    assert acme.get(f"/v1/reservations/{waiting['id']}").body["status"]["state"] == "expired"


@pytest.mark.parametrize("fields, pointer", [
    ({"duration_s": 60}, "/start_range"),
    ({"start_range": [None, DAY.format(1)]}, "/duration_s"),
    ({"duration_s": 60, "start_range": [DAY.format(2), DAY.format(1)]}, "/start_range"),
    ({"duration_s": 60, "start_range": [DAY.format(2)]}, "/start_range"),
    ({"duration_s": 60, "start_range": [DAY.format(1), None]}, "/start_range"),
    ({"duration_s": 60, "start_range": [None, "tomorrow"]}, "/start_range"),
    ({"duration_s": 0, "start_range": [None, DAY.format(1)]}, "/duration_s"),
    ({"duration_s": 60, "start_range": [None, DAY.format(1)], "starts_at": DAY.format(1)}, "/starts_at"),
    ({"duration_s": 60, "start_range": [None, DAY.format(1)], "ends_at": DAY.format(1)}, "/ends_at"),
])
def test_a_window_is_said_in_one_way(acme, fields, pointer):
    answer = acme.post("/v1/reservations", {**flexible(), **fields}).expect(422)
    assert [error["pointer"] for error in answer.body["errors"]] == [pointer]


def test_a_range_that_is_past_is_refused(acme):
    answer = acme.post("/v1/reservations", flexible(duration_s=60, start_range=[None, "2025-12-31T00:00:00Z"])).expect(422)
    assert answer.code == "start_range_in_past"


# ---- Refusals ----


def test_a_refusal_says_what_bound_with_numbers_and_names(plant, acme):
    acme.create("/v1/reservations", wish(count=6, placement={"within": "fabric"}, name="first"))
    other = {"a": "b", "b": "a"}[places(plant, "first")[0][0]]
    acme.create("/v1/reservations", wish(count=3, placement={"within": "fabric"}, name="second"))
    refused = acme.post("/v1/reservations", wish(count=7, placement={"within": "fabric"})).expect(409)
    binding = refused.body["binding"]
    assert binding["message"] == \
        f"7 whole nodes in one fabric: 5 free in fabric-{other} from 2026-02-01 to 02-08, the best of 2 fabrics"
    assert binding == {"constraint": binding["constraint"], "message": binding["message"], "scope": "fabric", "asked": 7,
                       "best_count": 5, "fleet_count": 7, "where": f"fabric-{other}", "scope_count": 2,
                       "starts_at": DAY.format(1), "ends_at": DAY.format(8)}
    zone = acme.post("/v1/reservations", wish(count=9, starts_at="2026-02-01T00:00:01Z")).expect(409).body["binding"]
    assert zone["message"] == \
        "9 whole nodes in zone us-east-1a: 7 free from 2026-02-01T00:00:01Z to 2026-02-08T00:00:00Z"


REFUSED = {
    "a fixed window": wish(count=9),
    "a start left open": wish(count=9, starts_at=None),
    "an open end": wish(count=9, ends_at=None),
    "a flexible start": flexible(count=9, duration_s=3 * 86400, start_range=[DAY.format(1), DAY.format(3)]),
    "one fabric": wish(count=7, placement={"within": "fabric"}),
    "one leaf, a rack each": wish(count=3, placement={"within": "leaf", "spread": "rack"}),
    "a rack each": wish(count=7, placement={"spread": "rack"}),
    "more than there are": wish(count=40),
    "one rack": wish(count=3, placement={"within": "rack"}),
    "a quote": wish(count=9, ttl_s=1800),
}
KEPT = {"name": "refused", "project": "research", "labels": {"team": "a", "odd \"key\"": "\\ü"}, "image": "ubuntu-24.04",
        "tier": "on_demand", "ssh_keys": ["ana"], "user_data": "#cloud-config\n\tx: \"y\"\r\n"}
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAbxtRHhZwWzpfHPcT8rmQIS3TC4EnITgX5Qj71ad0+6 ana@acme"


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED)
def test_every_alternative_is_granted_as_it_stands(plant, acme, body):
    """Eight of sixteen nodes are taken until the eighth, and two of the others until the ninth."""
    acme.create("/v1/reservations", wish(count=8, placement={"within": "fabric"}, starts_at=None, ends_at=DAY.format(8)))
    acme.create("/v1/reservations", wish(count=2, placement={"spread": "rack"}, starts_at=DAY.format(1), ends_at=DAY.format(9)))
    path = "/v1/quotes" if "ttl_s" in body else "/v1/reservations"
    plant.operator.post("/v1/system/images", {"name": KEPT["image"]}).expect(201, 409)
    acme.create("/v1/projects", {"name": KEPT["project"]})
    acme.create("/v1/ssh-keys", {"name": "ana", "public_key": KEY})
    refused = acme.post(path, {**body, **KEPT}).expect(409)
    assert refused.code == "capacity_unavailable" and refused.body["alternatives"], refused.body
    for alternative in refused.body["alternatives"]:
        made = acme.post(path, alternative).expect(201).body
        assert made["status"]["state"] in ("scheduled", "active", "held")
        assert {key: made[key] for key in KEPT} == KEPT
        changed = {key for key in alternative if key not in KEPT and alternative[key] != made.get(key)}
        assert changed == set(), "what was sent comes back"
        acme.delete(f"{path}/{made['id']}").expect(204)


def test_alternatives_change_one_thing_each(plant, acme):
    acme.create("/v1/reservations", wish(count=6, placement={"within": "fabric"}))
    acme.create("/v1/reservations", wish(count=6, placement={"within": "fabric"}))
    acme.create("/v1/reservations", wish(count=1, starts_at=DAY.format(4), ends_at=DAY.format(5)))
    body = wish(count=4, placement={"within": "fabric", "mode": "required"})
    found = acme.post("/v1/reservations", body).expect(409).body["alternatives"]
    told = [{key: value for key, value in alternative.items() if key in body and value != body[key]} for alternative in found]
    assert {"starts_at": DAY.format(8), "ends_at": "2026-02-15T00:00:00Z"} in told
    assert {"count": 2} in told


def test_another_zone_that_would_grant_it_is_among_the_alternatives(make_stack):
    """As it stands but for the zone; also of a repetition, a preview and a quote; and not where that zone has no room, or no quota.
    However often a refusal is repeated: who comes next still waits for their verdict, of which two may."""
    stack = make_stack(settings={"sluice-api": {"SLUICE_SUSPENDED_PER_TENANT_MAX": "2"}})
    stack.fleet(nodes=1)
    stack.zone("us-west-2b")
    stack.node("w1", zone="us-west-2b", fabric="west")
    acme, other = stack.tenant("acme"), stack.tenant("other")
    acme.create("/v1/reservations", wish(ends_at=None))
    body = wish(labels={"team": "a"}, name="llama", placement={"within": "node"})
    keyed = {"Idempotency-Key": "once"}
    west = {**body, "zone": "us-west-2b"}

    def zones(refused):
        assert refused.code == "capacity_unavailable"
        return [alternative["zone"] for alternative in refused.body["alternatives"]]

    first = acme.post("/v1/reservations", body, headers=keyed).expect(409)
    assert zones(first) == ["us-east-1a"] * (len(zones(first)) - 1) + ["us-west-2b"]
    assert {key: first.body["alternatives"][-1][key] for key in west if key != "placement"} == {key: west[key] for key in west if key != "placement"}
    for _ in range(3):
        again = acme.post("/v1/reservations", body, headers=keyed).expect(409)
        assert again.body["alternatives"] == first.body["alternatives"]
    assert zones(acme.post("/v1/reservations?validate_only=true", body).expect(409)) == zones(first)
    for start, is_told in (("00:00:59", False), ("00:01:00", True)):
        soon = acme.post("/v1/reservations", {**body, "starts_at": f"2026-01-01T{start}Z"}).expect(409)
        assert ("us-west-2b" in zones(soon)) == is_told, "a start that is past when it is posted is not told"
    quote = acme.post("/v1/quotes", {**wish(), "ttl_s": 900}).expect(409)
    held = acme.post("/v1/quotes", quote.body["alternatives"][-1]).expect(201).body
    assert held["zone"] == "us-west-2b" and held["status"]["state"] == "held"
    assert "us-west-2b" not in zones(acme.post("/v1/reservations", body).expect(409)), "the quote has its place"
    acme.delete(f"/v1/quotes/{held['id']}").expect(204)
    made = acme.post("/v1/reservations", first.body["alternatives"][-1]).expect(201).body
    assert (made["zone"], made["status"]["state"], made["labels"]) == ("us-west-2b", "scheduled", {"team": "a"})
    acme.delete(f"/v1/reservations/{made['id']}").expect(204)
    stack.quota("other", zone="us-west-2b", peak_gpu_milli=4000)
    eventually(lambda: "us-west-2b" not in zones(other.post("/v1/reservations", wish()).expect(409)), "its quota there is too small")
    stack.sql("""CREATE FUNCTION keep_silent() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no answer'; END $$""")
    stack.sql("CREATE TRIGGER keep_silent BEFORE INSERT ON sluice.planner_answer FOR EACH ROW EXECUTE FUNCTION keep_silent()")
    assert "us-west-2b" not in zones(acme.post("/v1/reservations", body).expect(409)), "it is answered without what nobody says"


def sold(stack, name, models, price=None, gpus=8, **fields):
    """A type of eight GPUs of a node, or of what is said, and its price for a GPU-hour."""
    made = stack.operator.create("/v1/system/instance-types", {
        "name": name, "gpu_count": gpus, "gpu_models": models, "cpu_milli": 96000, "memory_mib": 1048576, **fields})
    if price is not None:
        stack.operator.create("/v1/system/prices", {"sku_kind": "instance_type", "sku": name, "gpu_hour": {"amount": price, "currency": "USD"}})
    return made


def test_other_types_that_have_room_are_among_the_alternatives(make_stack):
    """Of a type that has none: those with as much of everything at least, the cheapest first, each of which is granted when it is
    posted; as the tenant's project pays for them, and as far as its credit goes. A share of a GPU is told of whole ones."""
    stack = make_stack()
    stack.fleet(nodes=1)
    stack.node("b", gpu_model="B200", rack="r2")
    stack.node("h", gpu_model="H200", rack="r3")
    sold(stack, "b200.8x", ["B200"], "6.000000")
    sold(stack, "h200.8x", ["H200"], "4.000000")
    sold(stack, "h200.priceless", ["H200"])
    sold(stack, "h200.capped", ["H200"], open_ended_max_percent=0)
    sold(stack, "h200.small", ["H200"], "0.100000", gpus=4)
    sold(stack, "h200.thin", ["H200"], "0.100000", memory_mib=1048575)
    sold(stack, "h100.again", ["H100"], "0.100000")
    sold(stack, "l40.8x", ["L40"], "0.100000")
    retired = sold(stack, "h200.old", ["H200"], "0.100000")
    stack.operator.patch(f"/v1/system/instance-types/{retired['id']}", {"retired": True}).expect(200)
    sold(stack, "h100.half", ["H100"], gpus=0, gpu_milli=500, cpu_milli=1000, memory_mib=1024)
    acme = stack.tenant("acme", may_shape=True)
    acme.create("/v1/reservations", wish(ends_at=None))
    body = wish(labels={"team": "a"}, name="llama", ends_at=None)

    def types(refused):
        assert refused.code == "capacity_unavailable"
        return [each["instance_type"] for each in refused.body["alternatives"] if each.get("instance_type") != body["instance_type"]]

    refused = acme.post("/v1/reservations", body).expect(409)
    assert types(refused) == ["h200.8x", "b200.8x", "h200.priceless"]
    assert types(acme.post("/v1/reservations?validate_only=true", body).expect(409)) == types(refused)
    assert types(acme.post("/v1/quotes", body).expect(409)) == types(refused)
    assert types(acme.post("/v1/reservations", {**body, "ends_at": DAY.format(8)}).expect(409)) == ["h200.8x", "b200.8x", "h200.capped", "h200.priceless"]
    for each in refused.body["alternatives"]:
        made = acme.post("/v1/reservations", each).expect(201).body
        assert (made["status"]["state"], made["labels"], made["name"]) == ("scheduled", {"team": "a"}, "llama")
        acme.delete(f"/v1/reservations/{made['id']}").expect(204)
    assert types(acme.post("/v1/reservations", {**wish(instance_type="h100.half")}).expect(409))[0] == "h200.small"
    shaped = {key: value for key, value in body.items() if key != "instance_type"} | {"shape": {"gpus": 8, "gpu_models": ["H100"]}}
    assert types(acme.post("/v1/reservations", shaped).expect(409)) == [], "it says itself on what it may land"
    acme.create("/v1/projects", {"name": "research"})
    stack.operator.create("/v1/system/prices", {"sku_kind": "instance_type", "sku": "b200.8x", "tenant": "acme", "project": "research",
                                                "gpu_hour": {"amount": "1.000000", "currency": "USD"}})
    assert types(acme.post("/v1/reservations", {**body, "project": "research"}).expect(409))[0] == "b200.8x"
    poor = stack.tenant("poor")
    (tenant,) = stack.operator.items("/v1/system/tenants?name=poor")
    week = 8 * 24 * 7
    stack.operator.request("PUT", f"/v1/system/tenants/{tenant['id']}/credit-limit", {"limit": {"amount": f"{week * 5}.00", "currency": "USD"}}).expect(200)
    assert types(poor.post("/v1/reservations", wish()).expect(409)) == ["h200.8x", "h200.capped", "h200.priceless"], "its credit goes no further"
    acme.create("/v1/reservations", wish(instance_type="h200.8x"))
    assert types(acme.post("/v1/reservations", wish()).expect(409)) == ["b200.8x"], "no other has room either"
