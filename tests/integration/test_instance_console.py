"""What the console of an instance said: whose it is, who may read it, and that each line is there once."""
# SPDX-License-Identifier: Apache-2.0

import csv
import io

import pytest

from stack import eventually

KEPT = 1000  # of a stay


def at(time):
    return f"2026-01-{time}Z"


@pytest.fixture(scope="module")
def hall(make_module_stack):
    """A zone of three nodes; each test has a day of its own."""
    stack = make_module_stack()
    stack.fleet(3)
    stack.where = f"/v1/system/zones/{stack.operator.items('/v1/system/zones')[0]['id']}"
    settle(stack, sim_start_s=120, sim_stop_s=60)
    stack.acme, stack.other = stack.tenant("acme"), stack.tenant("other")
    return stack


def settle(hall, **fields):
    hall.operator.patch(hall.where, fields, headers={"If-Match": "*"}).expect(200)


def started(hall, day):
    """acme's instance, which is to run from the start of that day until noon."""
    hall.advance(at(f"{day}T00:00:00"))
    reservation = hall.acme.post("/v1/reservations", {"instance_type": "h100.8x", "zone": "us-east-1a", "count": 1,
                                                      "ends_at": at(f"{day}T12:00:00")}).expect(201).body
    return hall.acme.items(f"/v1/instances?reservation={reservation['id']}")[0]


def console(client, instance, query="limit=1000"):
    return client.items(f"/v1/instances/{instance['id']}/console?{query}")


def told(lines):
    return [(line["id"], line["said_at"][11:19], line["text"]) for line in lines]


def node_of(hall, instance):
    return hall.operator.get(f"/v1/system/instances/{instance['id']}").expect(200).body["node"]


def power(hall, node, is_on):
    hall.operator.post(f"/v1/system/nodes/{node}/power", {"on": is_on}).expect(200)


POWER_ON = "sim: power on, attempt {}; no machine boots, it counts as up after 120 s"


def test_it_tells_a_start_a_stop_and_the_end_as_they_were(hall):
    instance = started(hall, "02")
    hall.advance(at("02T01:00:00"))
    up = hall.acme.get(f"/v1/instances/{instance['id']}").expect(200).body["address"]
    assert told(console(hall.acme, instance)) == [
        ("1-1", "00:00:00", POWER_ON.format(1)),
        ("1-2", "00:02:00", f"sim: up at {up}"),
    ]
    hall.acme.post(f"/v1/instances/{instance['id']}/actions", {"action": "reboot"}).expect(202)
    hall.advance(at("02T13:00:00"))
    assert told(console(hall.acme, instance, "after=1-2")) == [
        ("1-3", "01:00:00", "sim: shutdown asked; it counts as off after 60 s"),
        ("1-4", "01:01:00", "sim: powered off"),
        ("1-5", "01:01:00", POWER_ON.format(1)),
        ("1-6", "01:03:00", f"sim: up at {up}"),
        ("1-7", "12:00:00", "sim: shutdown asked; it counts as off after 60 s"),
        ("1-8", "12:01:00", "sim: powered off"),
    ]


def test_a_drawn_fault_and_the_stay_on_another_node_are_told_apart(hall):
    settle(hall, sim_fail_ppm=1000000)
    instance = started(hall, "03")
    hall.advance(at("03T00:02:00"))
    settle(hall, sim_fail_ppm=0)  # the second attempt is already drawn: it fails, too
    hall.advance(at("03T00:30:00"))
    first = node_of(hall, instance)
    texts = [line["text"] for line in console(hall.acme, instance)]
    assert texts[:3] == [POWER_ON.format(1), "sim: it does not come up: a fault was drawn, as in 1000000 of 1,000,000 starts", POWER_ON.format(2)]
    assert texts[-1].startswith("sim: up at ")
    power(hall, first, False)
    eventually(lambda: node_of(hall, instance) not in (None, first), "it has another node")
    hall.advance(at("03T01:00:00"))
    power(hall, first, True)
    lines = console(hall.acme, instance)
    stays = {stay: [line["text"] for line in lines if line["incarnation"] == stay] for stay in (1, 2)}
    assert stays[1][-1] == "sim: forgotten here; it was up"
    assert stays[2][0] == POWER_ON.format(1) and stays[2][1].startswith("sim: up at ") and stays[2][1] != stays[1][-2]
    assert console(hall.acme, instance, "incarnation=2") == [line for line in lines if line["incarnation"] == 2]
    hall.advance(at("03T13:00:00"))


def test_its_tail_its_pages_and_its_csv_are_the_same_lines(hall):
    instance = started(hall, "04")
    hall.advance(at("04T13:00:00"))
    path = f"/v1/instances/{instance['id']}/console"
    lines = console(hall.acme, instance)
    assert len(lines) == 4
    assert console(hall.acme, instance, "limit=2") == lines
    assert console(hall.acme, instance, "tail=3") == lines[1:]
    assert console(hall.acme, instance, "tail=2&limit=1") == lines[2:]
    assert console(hall.acme, instance, "tail=3&after=1-3") == lines[3:]
    assert console(hall.acme, instance, "tail=1&after=1-2") == lines[3:]
    assert console(hall.acme, instance, "tail=100") == lines
    rows = list(csv.DictReader(io.StringIO(hall.acme.get(path, headers={"Accept": "text/csv"}).expect(200).content.decode())))
    assert [(row["id"], row["text"]) for row in rows] == [(line["id"], line["text"]) for line in lines]
    for query in ("after=1", "after=-1-2", "after=1-2-3", "after=1-99999999999", "after=99999999999999999999-1", "tail=0", "tail=x", "incarnation=0"):
        assert hall.acme.get(f"{path}?{query}").expect(422).code in ("wrong_type", "out_of_range"), query


def test_whoever_may_not_use_the_instance_does_not_see_it(hall):
    instance = started(hall, "05")
    path = f"/v1/instances/{instance['id']}/console"
    hall.other.get(path).expect(404)
    hall.token("viewer", tenant="acme").get(path).expect(403)
    hall.token("auditor").get(f"/v1/system/instances/{instance['id']}/console").expect(403)
    seen = hall.operator.items(f"/v1/system/instances/{instance['id']}/console")
    assert seen == console(hall.token("member", tenant="acme"), instance) != []
    hall.advance(at("05T13:00:00"))


def test_of_a_stay_the_newest_thousand_lines_are_kept(hall):
    instance = started(hall, "06")
    hall.advance(at("06T01:00:00"))
    hall.sql("""INSERT INTO sluice.instance_console_line (instance_id, incarnation, number, tenant_id, said_at, text)
                SELECT l.instance_id, 1, n, l.tenant_id, l.said_at, 'line ' || n FROM sluice.instance_console_line l, generate_series(3, %s) n
                 WHERE l.number = 2 AND l.instance_id = (SELECT id FROM sluice.instance ORDER BY id DESC LIMIT 1)""", (KEPT,))
    hall.sql("UPDATE sluice.sim_workload SET line_count = %s", (KEPT,))
    hall.acme.post(f"/v1/instances/{instance['id']}/actions", {"action": "reboot"}).expect(202)
    hall.advance(at("06T02:00:00"))
    numbers = [line["number"] for line in console(hall.acme, instance)]
    assert numbers == list(range(5, KEPT + 5))


def test_a_line_is_there_once_though_the_reconciler_dies(hall):
    """It is killed as it starts, comes up and goes; what it had said and not committed it says again."""
    instance = started(hall, "07")
    for minutes in ("00:01", "00:02", "00:03"):
        hall.provisioner.kill()
        hall.provisioner.start()
        hall.advance(at(f"07T{minutes}:00"))
    hall.acme.post(f"/v1/instances/{instance['id']}/actions", {"action": "stop"}).expect(202)
    hall.provisioner.kill()
    hall.provisioner.start()
    hall.advance(at("07T13:00:00"))
    lines = console(hall.acme, instance)
    assert [line["number"] for line in lines] == list(range(1, len(lines) + 1))
    assert [line["text"].split(",")[0].split(";")[0].split(" at ")[0] for line in lines] == [
        "sim: power on", "sim: up", "sim: shutdown asked", "sim: powered off"]
