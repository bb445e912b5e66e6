"""What operators see of the fleet at once, and draining nodes."""
# SPDX-License-Identifier: Apache-2.0

import pytest

from stack import eventually

FLEET = "/v1/system/fleet"
LATER, END = "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z"


@pytest.fixture(name="fleet", scope="module")
def a_fleet(make_module_stack):
    """Two fabrics with a rack of two nodes each."""
    stack = make_module_stack()
    stack.fleet(0)
    for number, (fabric, rack) in enumerate((("f1", "r1"), ("f1", "r1"), ("f2", "r2"), ("f2", "r2"))):
        stack.node(f"n{number}", fabric=fabric, rack=rack)
    stack.advance("2026-01-01T00:01:00Z")
    return stack


def by_name(items):
    return {item["name"]: item for item in items}


def reserve(client, count, starts_at, ends_at=END, **fields):
    return client.post("/v1/reservations", {"instance_type": "h100.8x", "count": count, "zone": "us-east-1a",
                                            "starts_at": starts_at, "ends_at": ends_at, **fields}).expect(201).body


def nodes_of(stack, reservation):
    return {row["node"] for row in stack.operator.items("/v1/system/allocations")
            if row["reservation"] == reservation["id"] and row["kind"] == "instance"}


def test_the_fleet_sums_what_its_nodes_do_rack_by_rack(fleet):
    acme = fleet.tenant("acme")
    reserve(acme, 1, None, placement={"within": "fabric", "mode": "required"}, name="now")
    racks = by_name(fleet.operator.items(f"{FLEET}?nodes=true"))
    assert {name: (rack["fabric"], rack["node_count"], rack["gpu_count"]) for name, rack in racks.items()} == {
        "r1": ("f1", 2, 16), "r2": ("f2", 2, 16)}
    nodes = fleet.operator.items("/v1/system/nodes")
    for rack in racks.values():
        mine = [node for node in nodes if node["rack"] == rack["name"]]
        assert [node["id"] for node in rack["nodes"]] == [node["id"] for node in sorted(mine, key=lambda node: node["name"])]
        assert rack["allocated_gpu_milli"] == sum(node["status"]["allocated_gpu_milli"] for node in mine)
        assert sum(rack["states"].values()) == 2
        for node, whole in zip(rack["nodes"], sorted(mine, key=lambda node: node["name"])):
            assert (node["state"], node["gpu_count"]) == (whole["status"]["state"], 8)
            assert sum(until - slot for slot, until, _ in node["held"]) == whole["status"]["allocated_gpu_milli"]
    (held,) = [rack for rack in racks.values() if rack["allocated_gpu_milli"]]
    assert held["tenants"] == {"acme": 8000}
    assert [node["held"] for node in held["nodes"] if node["held"]] == [[[0, 8000, "acme"]]]
    assert [rack["name"] for rack in fleet.operator.items(f"{FLEET}?fabric=f2")] == ["r2"]
    assert "nodes" not in fleet.operator.items(FLEET)[0]
    assert [rack["name"] for rack in fleet.operator.items(f"{FLEET}?limit=1")] == ["r1", "r2"]


def test_allocations_are_found_by_place_and_time_with_whose_they_are(fleet):
    (now,) = [row for row in fleet.operator.items(f"/v1/system/allocations?to={LATER}") if row["kind"] == "instance"]
    assert (now["tenant"], now["reservation_name"]) == ("acme", "now")
    assert fleet.operator.items(f"/v1/system/allocations?from=2026-02-01T00:00:00Z") == []
    racks = {node["id"]: node["rack"] for node in fleet.operator.items("/v1/system/nodes")}
    for rack in ("r1", "r2"):
        rows = fleet.operator.items(f"/v1/system/allocations?zone=us-east-1a&rack={rack}")
        assert {racks[row["node"]] for row in rows} <= {rack}


def test_a_drain_moves_what_has_not_begun_and_waits_for_the_rest(fleet):
    acme = fleet.tenant("drained")
    ahead = reserve(acme, 1, LATER, name="ahead")
    (node,) = nodes_of(fleet, ahead)
    path = f"/v1/system/nodes/{node}"
    drained = fleet.operator.post(f"{path}/drain", {"reason": "a fan is loud"}).expect(200).body
    assert (drained["draining"], drained["cordoned"], drained["cordon_reason"]) == (True, True, "a fan is loud")
    fleet.advance("2026-01-01T00:02:00Z")
    assert nodes_of(fleet, ahead).isdisjoint({node})
    assert fleet.operator.get("/v1/system/planner/verify?zone=us-east-1a").expect(200).body["equal"] is True
    (busy,) = [row["node"] for row in fleet.operator.items("/v1/system/allocations") if row["reservation_name"] == "now" and row["kind"] == "instance"]
    begun = fleet.operator.post(f"/v1/system/nodes/{busy}/drain", {"reason": "a leak"}).expect(200).body
    assert begun["status"]["empty_from"] >= END
    fleet.advance("2026-01-01T00:03:00Z")
    assert busy in {row["node"] for row in fleet.operator.items("/v1/system/allocations") if row["reservation_name"] == "now"}
    fleet.advance("2026-01-03T01:00:00Z")
    empty = fleet.operator.get(f"/v1/system/nodes/{busy}").expect(200).body
    assert empty["status"]["empty_from"] == "2026-01-03T01:00:00Z"
    back = fleet.operator.post(f"/v1/system/nodes/{busy}/uncordon").expect(200).body
    assert (back["draining"], back["drain_reason"], back["cordoned"], back["status"]["empty_from"]) == (False, None, False, None)


def test_a_reservation_without_another_place_stays_on_a_drained_node(fleet):
    acme = fleet.tenant("stays")
    free = [node["id"] for node in fleet.operator.items("/v1/system/nodes") if not node["cordoned"]]
    all_of_it = reserve(acme, len(free), "2026-01-04T00:00:00Z", "2026-01-05T00:00:00Z")
    fleet.operator.post(f"/v1/system/nodes/{free[0]}/drain", {"reason": "try"}).expect(200)
    fleet.advance("2026-01-03T02:00:00Z")
    assert nodes_of(fleet, all_of_it) == set(free)
    assert fleet.operator.get(f"/v1/system/nodes/{free[0]}").body["status"]["empty_from"] == "2026-01-05T00:00:00Z"


def test_capacity_can_be_asked_of_one_fabric(fleet):
    of_one = fleet.operator.get("/v1/system/capacity?zone=us-east-1a&fabric=f2&step_s=86400").expect(200).body["items"]
    assert {item["fabric"] for item in of_one} == {"f2"}


# ---- What is asked below a node's address, and of its groups ----

BELOW_A_NODE = ("gpus", "health", "maintenance", "transitions", "economics", "events")


@pytest.fixture(name="history", scope="module")
def a_nodes_history(fleet):
    """A node that was enrolled, lost, repaired, worked on and retired; and, while it was lost, how healthy each group was."""
    operator, node = fleet.operator, fleet.node("n9", fabric="f3", rack="r9", leaf="l9")
    path, healthy = f"/v1/system/nodes/{node['id']}", {}
    fleet.advance("2026-01-05T01:00:00Z")
    operator.post(f"{path}/power", {"on": False}).expect(200)
    fleet.advance("2026-01-05T02:00:00Z")
    (sick,) = operator.items("/v1/system/nodes?name=n0")
    operator.post("/v1/system/gpu-readings", {"items": [
        {"node": sick["id"], "gpu": gpu, "read_at": "2026-01-05T02:00:00Z", "temperature_c": 50, "remap_is_pending": gpu == 1} for gpu in (0, 1)]}).expect(204)
    operator.post(f"/v1/system/nodes/{sick['id']}/uncordon").expect(200)
    for level in ("zone", "fabric", "leaf", "rack", "node_model"):
        healthy[level] = operator.items(f"/v1/system/health-groups?level={level}&limit=1")
    operator.post(f"{path}/power", {"on": True}).expect(200)
    fleet.advance("2026-01-05T04:00:00Z")
    window = operator.post("/v1/system/maintenance-windows", {"zone": "us-east-1a", "nodes": ["n9"], "reason": "a fan",
                           "starts_at": "2026-01-05T05:00:00Z", "ends_at": "2026-01-05T06:00:00Z"}).expect(202).body
    fleet.advance("2026-01-05T05:30:00Z")
    fleet.advance("2026-01-05T07:00:00Z")
    windows = operator.items(f"{path}/maintenance")
    assert [each["id"] for each in windows] == [window["id"]] and windows[0]["status"]["state"] == "done"
    assert operator.items(f"{path}/maintenance?state=refused") == operator.items(f"/v1/system/nodes/{sick['id']}/maintenance") == []
    operator.request("DELETE", path, headers={"If-Match": "*"}).expect(204)
    fleet.advance("2026-01-05T08:00:00Z")
    return {"id": node["id"], "sick": sick["id"], "health": healthy}


def test_a_nodes_transitions_are_one_chain_with_when_and_why(fleet, history):
    path = f"/v1/system/nodes/{history['id']}/transitions"
    moves = fleet.operator.items(f"{path}?include=deleted&limit=3")
    assert [move["to"] for move in moves] == ["retired", "ready", "validating", "maintenance", "ready", "validating", "repair",
                                              "quarantined", "ready", "validating"]
    assert [move["from"] for move in moves] == [move["to"] for move in moves[1:]] + ["enrolled"]
    assert moves[0]["reason"] == "operators took it out of the fleet" and moves[7]["reason"] == "the node does not answer"
    assert [move["at"] for move in moves] == sorted((move["at"] for move in moves), reverse=True)
    within = fleet.operator.items(f"{path}?include=deleted&from=2026-01-05T05:00:00Z&to=2026-01-05T06:00:00Z")
    assert [move["to"] for move in within] == ["maintenance"]


def test_the_resource_index_has_what_came_and_went_and_no_change_of_tenants(fleet, history):
    rows = fleet.operator.items("/v1/system/resource-index?limit=2")
    assert [(row["cause"], row["gpus"]) for row in rows if row["node"] == history["id"]] == [
        ("retired", -8), ("maintained", 8), ("maintenance", -8), ("repaired", 8), ("quarantined", -8), ("enrolled", 8)]
    busy = {row["node"] for row in fleet.operator.items("/v1/system/allocations") if row["kind"] == "instance"}
    assert busy and all([row["cause"] for row in rows if row["node"] == node] == ["enrolled"] for node in busy)
    delivered = fleet.operator.items("/v1/system/governance")[0]["gpus_delivered"]
    assert sum(row["gpus"] for row in rows) == delivered == 32
    assert {row["name"] for row in fleet.operator.items("/v1/system/resource-index?cause=retired&zone=us-east-1a")} == {"n9"}


def test_health_groups_show_the_worst_first_and_each_node_once(history):
    for level, groups in history["health"].items():
        shares = [group["failing_bp"] for group in groups]
        assert shares == sorted(shares, reverse=True) and sum(group["node_count"] for group in groups) == 5, level
        for group in groups:
            assert (sum(group["nodes"].values()), sum(group["gpus"].values())) == (group["node_count"], group["gpu_count"])
        assert sum(group["nodes"]["quarantined"] for group in groups) == 1
        assert sum(group["gpus_faulty"] for group in groups) == 1
    worst, second = history["health"]["rack"][:2]
    assert (worst["name"], worst["fabric"], worst["failing_bp"], worst["gpus"]["quarantined"]) == ("r9", "f3", 10000, 8)
    assert (second["name"], second["failing_bp"], second["nodes"]["degraded"], second["gpus_faulty"]) == ("r1", 5000, 1, 1)
    assert {group["name"] for group in history["health"]["leaf"]} == {"l9", None}
    assert [(group["name"], group["zone"]) for group in history["health"]["node_model"]] == [("H100", None)]


def test_what_is_read_below_a_nodes_address_is_that_nodes_own(fleet, history):
    sick = f"/v1/system/nodes/{history['sick']}"
    assert fleet.operator.items(f"{sick}/gpus") == fleet.operator.items(f"/v1/system/gpus?node={history['sick']}")
    assert [(row["node"], row["gpus_reporting"]) for row in fleet.operator.items(f"{sick}/health")] == [(history["sick"], 2)]
    other = fleet.operator.items("/v1/system/nodes?name=n3")[0]["id"]
    assert fleet.operator.items(f"/v1/system/nodes/{other}/gpus") == fleet.operator.items(f"/v1/system/nodes/{other}/health") == []
    for below in BELOW_A_NODE:
        assert fleet.operator.get(f"/v1/system/nodes/{history['id']}/{below}").expect(404).code == "not_found"
        assert fleet.operator.get(f"/v1/system/nodes/nod_01kyyyyyyyyyyyyyyyyyyyyyyy/{below}").expect(404).code == "not_found"


# ---- What is to be replaced ----

def test_a_node_that_is_sound_again_needs_no_hand(fleet):
    """What went wrong with it is told until it is in service again."""
    operator = fleet.operator

    sound = next(node["name"] for node in operator.items("/v1/system/nodes") if not node["cordoned"])

    def told():
        (node,) = operator.items(f"/v1/system/nodes?name={sound}")
        (tile,) = [each for rack in operator.items(f"{FLEET}?nodes=true") for each in rack["nodes"] if each["id"] == node["id"]]
        attention = {row["kind"]: row["count"] for row in operator.items("/v1/system/attention") if row["kind"].startswith("nodes_")}
        return node["id"], (node["status"]["state"], node["status"]["last_error"], tile["note"]), {kind: count for kind, count in attention.items() if count}

    node = told()[0]
    operator.post(f"/v1/system/nodes/{node}/power", {"on": False}).expect(200)
    fleet.advance("2026-01-20T01:00:00Z")
    assert told()[1:] == (("quarantined", "the node does not answer", "the node does not answer"), {"nodes_quarantined": 1})
    operator.post(f"/v1/system/nodes/{node}/power", {"on": True}).expect(200)
    fleet.advance("2026-01-20T02:00:00Z")
    assert told()[1:] == (("ready", None, None), {})


REQUESTS = "/v1/system/replacement-requests"


def test_a_replacement_is_asked_for_once_and_goes_its_way_to_the_end(fleet):
    operator = fleet.operator
    node = operator.items("/v1/system/nodes?name=n1")[0]["id"]
    wish = {"node": node, "gpu": 3, "part": "H100 SXM5", "serial": "S-1", "reason": "XID 79"}
    made = operator.post(REQUESTS, wish, headers={"Idempotency-Key": "once"}).expect(201).body
    assert operator.post(REQUESTS, wish, headers={"Idempotency-Key": "once"}).expect(200).body == made
    assert {name: made[name] for name in wish} == wish and made["status"]["state"] == "open"
    assert operator.post(REQUESTS, wish).expect(409).code == "replacement_asked_for"
    other = operator.create(REQUESTS, {**wish, "gpu": 4})
    path = f"{REQUESTS}/{made['id']}"
    assert operator.patch(path, {"serial": "S-1a"}).expect(200).body["serial"] == "S-1a"
    assert operator.patch(path, {"part": "a fan"}).expect(422).code == "immutable_field"
    assert operator.request("PUT", path, wish, headers={"If-Match": "*"}).expect(200).body["serial"] == "S-1"
    ordered = operator.post(f"{path}/order", {"reference": "RMA-7"}).expect(200)
    again = operator.post(f"{path}/order", {"reference": "RMA-8"}).expect(200)
    assert again.body == ordered.body and again.headers["ETag"] == ordered.headers["ETag"]
    assert operator.post(f"{path}/complete", {}, headers={"If-Match": '"1-0"'}).expect(412).code == "precondition_failed"
    done = operator.post(f"{path}/complete", {"new_serial": "S-2"}, headers={"If-Match": ordered.headers["ETag"]}).expect(200).body
    status = done["status"]
    assert [status[name] for name in ("state", "reference", "new_serial", "asset_change")] == ["replaced", "RMA-7", "S-2", None]
    assert status["ordered_at"] is not None and status["ended_at"] is not None
    assert operator.post(f"{path}/cancel", {"reason": "too late"}).expect(409).code == "replacement_is_over"
    cancelled = operator.post(f"{REQUESTS}/{other['id']}/cancel", {"reason": "a reset mended it"}).expect(200).body["status"]
    assert (cancelled["state"], cancelled["cancel_reason"], cancelled["ordered_at"]) == ("cancelled", "a reset mended it", None)
    assert operator.create(REQUESTS, wish)["id"] != made["id"]  # the last one is over
    assert [row["id"] for row in operator.items(f"{REQUESTS}?node={node}&state=replaced")] == [made["id"]]
    told = [event["kind"] for event in fleet.events(operator, f"/v1/system/events?object={made['id']}")]
    assert told == [f"replacement_request.{step}" for step in ("opened", "changed", "changed", "ordered", "replaced")]
    assert operator.patch(path, {"reason": "another"}).expect(409).code == "replacement_is_over"
    operator.patch(path, {"reason": wish["reason"]}).expect(200)  # it is so


def test_a_replacement_of_what_is_not_there_is_refused(fleet):
    node = fleet.operator.items("/v1/system/nodes?name=n1")[0]["id"]
    wish = {"node": node, "part": "a fan", "reason": "it is loud"}
    for wrong, pointer, code in (({"node": "nod_01kyyyyyyyyyyyyyyyyyyyyyyy"}, "/node", "unknown_node"), ({"gpu": 8}, "/gpu", "out_of_range"),
                                 ({"part": ""}, "/part", "out_of_range")):
        refused = fleet.operator.post(REQUESTS, {**wish, **wrong}).expect(422)
        assert {error["pointer"]: error["code"] for error in refused.body["errors"]} == {pointer: code}
    made = fleet.operator.create(REQUESTS, wish)
    refused = fleet.operator.post(f"{REQUESTS}/{made['id']}/complete", {"asset_change": "ach_01kyyyyyyyyyyyyyyyyyyyyyyy"}).expect(422)
    assert refused.body["errors"][0]["pointer"] == "/asset_change"


def test_a_replacement_names_the_change_of_the_books_that_belongs_to_it(fleet):
    operator = fleet.operator
    node = operator.items("/v1/system/nodes?name=n3")[0]["id"]
    money = {"amount": "8000.00", "currency": "USD"}
    assets = [operator.create("/v1/system/assets", {"serial": f"A{number}", "cohort": "c", "cost": money, "in_service": "2026-01-01", "life_months": 60,
                                                    **where})["id"] for number, where in enumerate(({"node": node}, {}))]
    here, elsewhere = (operator.post(f"/v1/system/assets/{asset}/changes", {
        "kind": "replace_part", "part_count": 1, "part_total": 8, "effective_on": "2026-02-01", "reason": "XID 79"}).expect(201).body["id"] for asset in assets)
    made = operator.create(REQUESTS, {"node": node, "gpu": 0, "part": "H100 SXM5", "reason": "XID 79"})
    assert operator.post(f"{REQUESTS}/{made['id']}/complete", {"asset_change": elsewhere}).expect(422).body["errors"][0]["pointer"] == "/asset_change"
    done = operator.post(f"{REQUESTS}/{made['id']}/complete", {"asset_change": here}).expect(200).body
    assert done["status"]["asset_change"] == here


# ---- As a tree ----


def test_fabrics_switches_and_racks_are_listed_with_their_nodes(stack):
    stack.fleet(0)
    stack.node("a", rack="r1", leaf="l1")
    stack.node("b", rack="r1")
    gone = stack.node("c", rack="r2", fabric="f2")
    stack.operator.delete(f"/v1/system/nodes/{gone['id']}").expect(204)

    def told(path, *fields):
        return [tuple(each[field] for field in fields) for each in stack.operator.items(path)]
    assert told("/v1/system/fabrics", "name", "zone", "racks", "nodes") == [("f1", "us-east-1a", 1, 2), ("f2", "us-east-1a", 1, 0)]
    assert told("/v1/system/racks?fabric=f1", "name", "leaf", "nodes") == [("r1", "l1", 2)]
    assert told("/v1/system/switches?name=l1&zone=us-east-1a", "name", "fabric", "racks", "nodes") == [("l1", "f1", 1, 2)]
    assert told("/v1/system/racks?name=r9", "name") == []
    stack.tenant("acme").get("/v1/system/racks").expect(403)


def test_a_zone_is_told_as_a_tree(stack):
    """Of each branch the sums of those below it; a rack behind no known switch hangs on its fabric."""
    stack.fleet(0)
    for name, where in (("a", {"rack": "r1", "leaf": "l1"}), ("b", {"rack": "r1"}), ("c", {"rack": "r2"}), ("d", {"rack": "r3", "leaf": "l1"})):
        stack.node(name, **where)
    elsewhere = stack.node("e", rack="r1", fabric="f2")
    stack.operator.delete(f"/v1/system/nodes/{elsewhere['id']}").expect(204)
    nodes = {each["name"]: each for each in stack.operator.items("/v1/system/nodes")}
    stack.operator.post(f"/v1/system/nodes/{nodes['c']['id']}/cordon", {"reason": "a fan"}).expect(200)
    eventually(lambda: all(each["status"]["state"] == "ready" for each in stack.operator.items("/v1/system/nodes")), "all are ready")

    def sums(branch):
        return [branch[f"{name}_count"] for name in ("node", "gpu", "ready", "cordoned")]
    first, second = stack.operator.items("/v1/system/topology?zone=us-east-1a")
    assert (first["name"], sums(first), second["name"], sums(second)) == ("f1", [4, 32, 4, 1], "f2", [0, 0, 0, 0])
    (switch,) = first["switches"]
    assert (switch["name"], sums(switch)) == ("l1", [3, 24, 3, 0])
    assert [(rack["name"], sums(rack)) for rack in switch["racks"]] == [("r1", [2, 16, 2, 0]), ("r3", [1, 8, 1, 0])]
    assert [(rack["name"], sums(rack)) for rack in first["racks"]] == [("r2", [1, 8, 1, 1])]
    racks = {each["id"] for each in stack.operator.items("/v1/system/racks")}
    assert {rack["id"] for fabric in (first, second) for rack in (*fabric["racks"], *(each for branch in fabric["switches"] for each in branch["racks"]))} == racks
    page = stack.operator.get("/v1/system/topology?limit=1").expect(200).body
    assert [each["name"] for each in page["items"]] == ["f1"]
    assert [each["name"] for each in stack.operator.get(f"/v1/system/topology?limit=1&page={page['next_page']}").expect(200).body["items"]] == ["f2"]
    assert stack.operator.items("/v1/system/topology?zone=elsewhere") == []
    stack.sql("INSERT INTO rack (id, fabric_id, name) SELECT gen_random_uuid(), id, 'many-' || n FROM fabric, generate_series(1, 10000) n WHERE name = 'f2'")
    assert stack.operator.get("/v1/system/topology").expect(422).code == "too_much_asked"
    assert len(stack.operator.items("/v1/system/topology?fabric=f1")) == 1
