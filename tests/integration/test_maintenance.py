"""Maintenance windows: nodes leave service for a time, at nobody's expense."""
# SPDX-License-Identifier: Apache-2.0

from stack import eventually

WINDOWS = "/v1/system/maintenance-windows"


def at(time, day=1):
    return f"2026-01-{day:02}T{time}Z"


def reserve(client, starts, ends, count=1, **fields):
    body = {"instance_type": "h100.8x", "zone": "us-east-1a", "count": count, "starts_at": starts, "ends_at": ends, **fields}
    return client.post("/v1/reservations", body).expect(201).body


def window(*nodes, starts=at("10:00:00"), ends=at("12:00:00"), **fields):
    return {"zone": "us-east-1a", "nodes": list(nodes), "starts_at": starts, "ends_at": ends, "reason": "new firmware", **fields}


def ask(stack, body):
    """Posts a window and returns it as decided."""
    made = stack.operator.post(WINDOWS, body).expect(202).body
    eventually(lambda: decided(stack, made)["status"]["state"] != "pending", "the window is decided")
    return decided(stack, made)


def decided(stack, made):
    return stack.operator.get(f"{WINDOWS}/{made['id']}").expect(200).body


def node_states(stack):
    return {node["name"]: node["status"]["state"] for node in stack.operator.items("/v1/system/nodes")}


def places(stack, reservation):
    return {row["name"] for row in stack.sql("""
        SELECT n.name FROM allocation a JOIN node n ON n.id = a.node_id WHERE a.kind = 'instance' AND a.reservation_id = (
          SELECT id FROM reservation WHERE name = %s)""", (reservation["name"],))}


def test_a_free_node_is_in_maintenance_from_start_to_end(stack):
    stack.fleet(2)
    made = ask(stack, window("n0000"))
    assert (made["status"]["state"], made["nodes"]) == ("planned", ["n0000"])
    acme = stack.tenant("acme")
    refused = acme.post("/v1/reservations", {"instance_type": "h100.8x", "zone": "us-east-1a", "count": 2,
                                             "starts_at": at("11:00:00"), "ends_at": at("13:00:00")}).expect(409).body
    assert refused["binding"]["constraint"] in ("capacity", "maintenance")
    stack.advance(at("10:00:00"))
    assert node_states(stack) == {"n0000": "maintenance", "n0001": "ready"}
    assert decided(stack, made)["status"]["state"] == "active"
    after = reserve(acme, at("12:00:00"), at("13:00:00"), count=2)
    stack.advance(at("12:00:00"))
    assert decided(stack, made)["status"]["state"] == "done"
    assert acme.get(f"/v1/reservations/{after['id']}").body["status"]["state"] == "active"
    kinds = [event["kind"] for event in stack.events(stack.operator, "/v1/system/events") if event["object_type"] in ("maintenance", "node")]
    for kind in ("maintenance.planned", "maintenance.active", "maintenance.done", "node.maintenance"):
        assert kind in kinds


def test_a_window_without_a_start_begins_now(stack):
    stack.fleet(1)
    body = window("n0000")
    del body["starts_at"]
    previewed = stack.operator.post(f"{WINDOWS}?validate_only=true", body).expect(200).body
    assert previewed["starts_at"] == at("00:00:00")
    made = ask(stack, body)
    assert (made["starts_at"], made["status"]["state"]) == (at("00:00:00"), "active")


def test_what_has_begun_is_named_and_nothing_is_taken(stack):
    stack.fleet(1)
    acme = stack.tenant("acme")
    running = reserve(acme, None, at("11:00:00"))
    problem = stack.operator.post(WINDOWS, window("n0000")).expect(409)
    assert problem.code == "maintenance_conflict"
    (hit,) = problem.body["hits"]
    assert (hit["reservation"], hit["tenant"], hit["begun"], hit["instances"]) == (running["id"], "acme", True, 1)
    assert list(stack.operator.items(WINDOWS)) == []


def test_what_has_not_begun_is_moved_aside(stack):
    stack.fleet(3)
    acme = stack.tenant("acme")
    ahead = reserve(acme, at("09:00:00"), at("18:00:00"), count=2, name="ahead")
    taken = sorted(places(stack, ahead))
    (free,) = {"n0000", "n0001", "n0002"} - set(taken)
    made = ask(stack, window(taken[0]))
    assert (made["status"]["state"], made["status"]["moved_count"]) == ("planned", 1)
    assert places(stack, ahead) == {taken[1], free}
    assert stack.operator.get("/v1/system/planner/verify?zone=us-east-1a").expect(200).body["equal"] is True
    stack.advance(at("10:00:00"))
    assert acme.get(f"/v1/reservations/{ahead['id']}").body["status"]["delivered_count"] == 2
    assert node_states(stack)[taken[0]] == "maintenance"
    (block,) = [row for row in stack.operator.items("/v1/system/allocations") if row["kind"] == "maintenance"]
    assert (block["maintenance_window"], block["reservation"], block["slots"]) == (made["id"], None, [0, 8000])
    told = [event["object_id"] for event in stack.events(stack.operator, "/v1/system/events") if event["object_type"] == "maintenance"]
    assert told == [made["id"], made["id"]]


def test_what_finds_no_other_place_is_left_alone(stack):
    stack.fleet(2)
    acme = stack.tenant("acme")
    ahead = reserve(acme, at("09:00:00"), at("18:00:00"), count=2, name="ahead")
    made = ask(stack, window("n0000"))
    assert (made["status"]["state"], made["status"]["reason"]) == ("refused", "maintenance_conflict")
    (hit,) = made["hits"]
    assert (hit["reservation"], hit["begun"]) == (ahead["id"], False)
    assert places(stack, ahead) == {"n0000", "n0001"}
    assert stack.sql("SELECT count(*) AS rows FROM allocation WHERE kind = 'maintenance'") == [{"rows": 0}]


def test_a_dry_run_names_whom_it_hits_and_the_cheapest_slot(stack):
    stack.fleet(1)
    acme = stack.tenant("acme")
    running = reserve(acme, None, at("11:00:00"))
    ahead = reserve(acme, at("13:00:00"), at("18:00:00"))
    answer = stack.operator.post(f"{WINDOWS}?validate_only=true&search_until={at('20:00:00')}", window("n0000")).expect(200).body
    assert [(hit["reservation"], hit["begun"]) for hit in answer["hits"]] == [(running["id"], True)]
    assert answer["cheapest"] == {"starts_at": at("11:00:00"), "ends_at": at("13:00:00"), "hit_gpu_milli_seconds": 0}
    longer = window("n0000", ends=at("14:00:00"))
    answer = stack.operator.post(f"{WINDOWS}?validate_only=true&search_until={at('20:00:00')}", longer).expect(200).body
    assert [hit["reservation"] for hit in answer["hits"]] == [running["id"], ahead["id"]]
    assert answer["cheapest"]["hit_gpu_milli_seconds"] == 2 * 3600 * 8000
    assert list(stack.operator.items(WINDOWS)) == []


def test_a_cancelled_window_gives_its_nodes_back(stack):
    stack.fleet(1)
    made = ask(stack, window("n0000"))
    stack.advance(at("10:30:00"))
    stack.operator.post(f"{WINDOWS}/{made['id']}/cancel").expect(200)
    eventually(lambda: decided(stack, made)["status"]["state"] == "cancelled", "it is cancelled")
    stack.advance(at("10:30:01"))
    status = decided(stack, made)["status"]
    assert (status["state"], status["ends_at"]) == ("cancelled", at("10:30:00"))
    assert node_states(stack) == {"n0000": "ready"}
    early = ask(stack, window("n0000", starts=at("14:00:00"), ends=at("15:00:00")))
    stack.operator.post(f"{WINDOWS}/{early['id']}/cancel").expect(200)
    eventually(lambda: decided(stack, early)["status"]["state"] == "cancelled", "it is cancelled")
    reserve(stack.tenant("acme"), at("14:00:00"), at("15:00:00"))


def test_a_leader_that_begins_anew_knows_the_windows(stack):
    stack.fleet(2)
    made = ask(stack, window("n0000"))
    ask(stack, window("n0001", starts=at("12:00:00"), ends=at("14:00:00")))
    stack.advance(at("10:00:00"))
    stack.provisioner.stop()
    stack.provisioner.start()
    acme = stack.tenant("acme")
    reserve(acme, at("12:00:00"), at("13:00:00"))
    acme.post("/v1/reservations", {"instance_type": "h100.8x", "zone": "us-east-1a", "starts_at": at("11:30:00"),
                                   "ends_at": at("13:00:00")}).expect(409)
    assert node_states(stack)["n0000"] == "maintenance"
    stack.advance(at("12:00:00"))
    assert decided(stack, made)["status"]["state"] == "done"
    assert node_states(stack) == {"n0000": "allocated", "n0001": "maintenance"}


def test_a_node_may_be_switched_off_while_it_is_worked_on(stack):
    nodes = stack.fleet(1)
    ask(stack, window("n0000"))
    stack.advance(at("10:00:00"))
    stack.operator.post(f"/v1/system/nodes/{nodes[0]['id']}/power", {"on": False}).expect(200)
    stack.advance(at("11:00:00"))
    assert node_states(stack) == {"n0000": "maintenance"}
    stack.advance(at("12:00:00"))
    assert node_states(stack) == {"n0000": "quarantined"}
    stack.tenant("acme").post("/v1/reservations", {"instance_type": "h100.8x", "zone": "us-east-1a", "starts_at": at("13:00:00"),
                                                   "ends_at": at("14:00:00")}).expect(409)


def test_a_rack_is_all_of_its_nodes(stack):
    stack.fleet(2)
    stack.node("m1", rack="r2")
    body = {**window(), "rack": "r1"}
    body.pop("nodes")
    assert ask(stack, body)["status"]["nodes"] == ["n0000", "n0001"]
    refused = stack.operator.post(WINDOWS, window("n0000", "nowhere")).expect(422).body
    assert refused["errors"][0]["code"] == "unknown_node"
