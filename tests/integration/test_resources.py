"""What the resources of the API promise: their shapes, what they refuse, who sees what, and how the clock moves."""
# SPDX-License-Identifier: Apache-2.0

import base64
import http.client
import json
import threading

import pytest

from contract import contract
from stack import A_SECOND_S, ANSWER_WITHIN_S, Client, eventually

NOBODY = "01kyyyyyyyyyyyyyyyyyyyyyyy"
DAY_ONE = "2026-01-01T00:00:00Z"
REPORT = "from=2026-01-01&to=2026-02-01"


def reserve(client, **fields):
    body = {"instance_type": "h100.8x", "count": 1, "zone": "us-east-1a", "starts_at": DAY_ONE,
            "ends_at": "2026-01-03T12:00:00Z", **fields}
    return client.post("/v1/reservations", body).expect(201).body


def micro(money):
    whole, _, rest = money["amount"].lstrip("-").partition(".")
    return (-1 if money["amount"].startswith("-") else 1) * int(whole + rest.ljust(6, "0"))


def pointers(answer):
    return {error["pointer"]: error["code"] for error in answer.body["errors"]}


@pytest.fixture(scope="module")
def still(make_module_stack):
    """A fleet of one, under a clock that nobody moves; what else a test needs it makes under names of its own."""
    made = make_module_stack()
    made.fleet(1)
    return made


@pytest.fixture
def guest(still):
    with still.guests() as make:
        yield make


@pytest.fixture(scope="module")
def month(make_module_stack):
    """A fleet of two, one tenant with one reservation of 60 hours, and January invoiced: for who looks only."""
    return invoiced(make_module_stack())


@pytest.fixture
def february(make_stack):
    """The same for a test of its own that goes on from there, of January's last day alone."""
    return invoiced(make_stack(start="2026-01-31T00:00:00Z"), starts_at="2026-01-31T00:00:00Z", ends_at="2026-01-31T12:00:00Z")


def invoiced(stack, **window):
    stack.nodes = stack.fleet(2)
    stack.acme = stack.tenant("acme", tax_rate_bp=1900)
    stack.reservation = reserve(stack.acme, name="llama", **window)
    stack.advance("2026-02-01T00:00:00Z")
    return stack


# ---- What operators make ----



def ranges():
    """Of every GET that takes one: its path, the name of its end, and what follows a day in it."""
    for path, operations in contract().document["paths"].items():
        formats = {each.get("name"): each.get("schema", {}).get("format") for each in operations.get("get", {}).get("parameters", [])}
        for last in {"to", "until"} & set(formats) if "from" in formats else ():
            yield path, last, "T00:00:00Z" if formats["from"] == "date-time" else ""


@pytest.mark.parametrize("path, last, time", ranges())
def test_no_range_ends_before_it_begins(still, guest, path, last, time):
    client = still.operator if path.startswith("/v1/system") else guest("ranges")
    node = still.operator.items("/v1/system/nodes")[0]["id"]
    refused = client.get(f"{path.format(id=node)}?from=2026-02-02{time}&{last}=2026-02-01{time}{'&zone=us-east-1a' if path == '/v1/system/capacity' else ''}").expect(422)
    asks_planners = path in ("/v1/availability", "/v1/system/capacity")
    assert pointers(refused) == {f"?{last}": "window_reversed" if asks_planners else "out_of_range"}


def test_a_node_makes_its_fabric_and_rack_by_first_mention(still):
    still.zone(zone := "mentioned-1a")
    first, second = still.node("n1", zone), still.node("n2", zone)
    assert (first["fabric"], first["rack"]) == (second["fabric"], second["rack"]) == ("f1", "r1")
    still.node("n3", zone, rack="r2")
    counted = """SELECT count(DISTINCT f.id) AS fabrics, count(*) AS racks FROM zone z JOIN fabric f ON f.zone_id = z.id JOIN rack r ON r.fabric_id = f.id
                  WHERE z.name = %s"""
    assert still.sql(counted, (zone,)) == [{"fabrics": 1, "racks": 2}]
    assert still.operator.post("/v1/system/nodes", {**body_of(first), "name": "n1"}).expect(409).code == "name_taken"
    refused = still.operator.post("/v1/system/nodes", {**body_of(first), "zone": "nowhere"}).expect(422)
    assert pointers(refused) == {"/zone": "unknown_zone"}


def body_of(node):
    return {name: node[name] for name in
            ("name", "zone", "fabric", "rack", "gpu_model", "gpu_count", "cpu_milli", "memory_mib")}


def test_an_action_that_changes_nothing_is_no_event(still):
    still.zone("acted-upon-1a")
    node = still.node("n1", "acted-upon-1a")
    path = f"/v1/system/nodes/{node['id']}"
    for _ in range(2):
        assert still.operator.create(f"{path}/cordon", {"reason": "a fan"})["cordon_reason"] == "a fan"
    for _ in range(2):
        assert still.operator.create(f"{path}/uncordon", {})["cordoned"] is False
    for _ in range(2):
        assert still.operator.create(f"{path}/power", {"on": False})["sim_powered"] is False
    wishes = [event for event in still.events(still.operator, f"/v1/system/events?object={node['id']}")
              if event["object_type"] == "node_wish"]
    assert [(event["revision"], event["kind"]) for event in wishes] == [
        (1, "node.enrolled"), (2, "node.cordoned"), (3, "node.uncordoned"), (4, "node.power_off")]
    assert {event["object_id"] for event in wishes} == {node["id"]}


def test_every_error_of_a_body_is_told(still):
    refused = still.operator.post("/v1/system/nodes", {
        "name": "n1", "zone": "us-east-1a", "fabric": "F 1", "rack": "r1", "gpu_model": "H100", "gpu_count": 65,
        "cpu_milli": "1", "colour": "red"}).expect(422)
    assert pointers(refused) == {"/fabric": "out_of_range", "/gpu_count": "out_of_range", "/cpu_milli": "wrong_type",
                                 "/colour": "unknown_field", "/memory_mib": "missing_field"}


def test_an_instance_type_is_whole_gpus_or_a_share(still):
    body = {"name": "x", "gpu_models": ["H100"], "cpu_milli": 1000, "memory_mib": 1024}
    for wrong in ({}, {"gpu_count": 1, "gpu_milli": 500}):
        refused = still.operator.post("/v1/system/instance-types", {**body, **wrong}).expect(422)
        assert pointers(refused) == {"/gpu_count": "out_of_range"}
    share = still.operator.create("/v1/system/instance-types", {**body, "gpu_milli": 500})
    assert (share["gpu_count"], share["gpu_milli"], share["gpu_models"]) == (0, 500, ["H100"])


def test_a_tenants_currency_and_time_zone_must_exist(still):
    refused = still.operator.post("/v1/system/tenants", {
        "name": "mars", "currency": "XXX", "billing_timezone": "Mars/Olympus"}).expect(422)
    assert pointers(refused) == {"/currency": "out_of_range", "/billing_timezone": "out_of_range"}
    still.operator.create("/v1/system/tenants", {"name": "berlin", "currency": "EUR", "billing_timezone": "Europe/Berlin"})


def test_a_suspended_tenant_reads_and_does_not_create(still, guest):
    acme = guest()
    tenant = still.operator.items(f"/v1/system/tenants?name={acme.tenant}")[0]
    made = {"name": "before"}, {"Idempotency-Key": "once"}
    acme.post("/v1/projects", made[0], headers=made[1]).expect(201)
    assert still.operator.create(f"/v1/system/tenants/{tenant['id']}/suspend", {})["status"] == "suspended"

    def is_refused():
        return acme.post("/v1/reservations", {"instance_type": "h100.8x", "count": 1, "zone": "us-east-1a", "starts_at": DAY_ONE,
                                              "ends_at": "2026-01-01T01:00:00Z"}).code == "tenant_suspended"
    eventually(is_refused, "the suspension is known")
    acme.get("/v1/reservations").expect(200)
    project = acme.items("/v1/projects")
    assert acme.post("/v1/projects", {"name": "research"}).expect(403).code == "tenant_suspended"
    assert acme.post("/v1/projects", made[0], headers=made[1]).expect(200).headers["Idempotent-Replayed"] == "true", "that was before"
    acme.delete(f"/v1/projects/{project[0]['id']}").expect(204)
    still.operator.create(f"/v1/system/tenants/{tenant['id']}/resume", {})
    eventually(lambda: not is_refused(), "the tenant may create again")


# ---- Tokens ----


def test_the_text_of_a_token_is_told_once(still, guest):
    body = {"role": "viewer", "tenant": guest().tenant, "name": "ana", "client_token": "first"}
    made = still.operator.create("/v1/system/tokens", body)
    assert still.client(made["token"]).get("/v1/me").expect(200).body["principal"] == "ana"
    again = still.operator.post("/v1/system/tokens", body).expect(200, 201)
    assert again.headers["Idempotent-Replayed"] == "true" and again.body["id"] == made["id"] and "token" not in again.body
    assert all("token" not in token for token in still.operator.items("/v1/system/tokens"))
    secret = made["token"].rsplit("_", 1)[1]
    assert still.sql("SELECT 1 FROM token WHERE token::text LIKE %s", (f"%{secret[:20]}%",)) == []


def test_a_revoked_token_is_refused_at_once(still):
    made = still.operator.create("/v1/system/tokens", {"role": "auditor", "name": "leaving"})
    holder = still.client(made["token"])
    holder.get("/v1/me").expect(200)
    for _ in range(2):
        assert still.operator.create(f"/v1/system/tokens/{made['id']}/revoke", {})["revoked_at"]
    eventually(lambda: holder.get("/v1/me").code == "token_revoked", "the token is refused", A_SECOND_S)


def test_role_and_tenant_of_a_token_go_together(still):
    refused = still.operator.post("/v1/system/tokens", {"role": "member", "name": "x"}).expect(422)
    assert pointers(refused) == {"/tenant": "missing_field"}
    refused = still.operator.post("/v1/system/tokens", {"role": "member", "name": "x", "tenant": "nobody"}).expect(422)
    assert pointers(refused) == {"/tenant": "unknown_tenant"}
    operator = still.token("operator")
    assert operator.post("/v1/system/tokens", {"role": "system_admin", "name": "x"}).expect(403).code == "forbidden"


# ---- Prices and assets ----


def test_a_new_price_ends_the_open_one_and_never_the_past(stack):
    stack.fleet(1)
    body = {"sku_kind": "instance_type", "sku": "h100.8x", "gpu_hour": {"amount": "2.500000", "currency": "USD"}}
    stack.operator.create("/v1/system/prices", {**body, "valid_from": "2026-01-10T00:00:00Z"})
    versions = [(price["gpu_hour"]["amount"], price["valid_from"], price["valid_until"])
                for price in stack.operator.items("/v1/system/prices?sku=h100.8x")]
    assert versions == [("3.000000", DAY_ONE, "2026-01-10T00:00:00Z"), ("2.500000", "2026-01-10T00:00:00Z", None)]
    for start in (None, "2026-01-05T00:00:00Z", "2026-01-10T00:00:00Z"):
        assert stack.operator.post("/v1/system/prices", {**body, "valid_from": start}).expect(409).code == "price_overlaps"
    stack.advance("2026-01-12T00:00:00Z")
    past = stack.operator.post("/v1/system/prices", {**body, "valid_from": "2026-01-11T00:00:00Z"}).expect(409)
    assert past.code == "price_overlaps"
    assert versions == [(price["gpu_hour"]["amount"], price["valid_from"], price["valid_until"])
                        for price in stack.operator.items("/v1/system/prices?sku=h100.8x")]


def test_a_tenants_own_price_is_its_own(still, guest):
    acme, other = guest(), guest()
    for tenant in (None, acme.tenant):
        still.operator.create("/v1/system/prices", {"sku_kind": "gpu_model", "sku": "H100", "tenant": tenant,
                                                    "gpu_hour": {"amount": "2.000000", "currency": "USD"}})
    assert [price["tenant"] for price in acme.items("/v1/prices?sku=H100")] == [None, acme.tenant]
    assert [price["tenant"] for price in other.items("/v1/prices?sku=H100")] == [None]


def test_amounts_come_back_as_they_were_sent(still):
    body = {"serial": "S1", "cohort": "2026-q1", "cost": {"amount": "312500.00", "currency": "USD"},
            "salvage": {"amount": "31250.00", "currency": "USD"}, "in_service": "2026-03-17", "life_months": 72}
    asset = still.operator.create("/v1/system/assets", body)
    assert {name: asset[name] for name in body} == body
    yen = still.operator.create("/v1/system/assets", {**body, "serial": "S2", "cost": {"amount": "1000", "currency": "JPY"},
                                                      "salvage": {"amount": "10", "currency": "JPY"}})
    assert yen["cost"] == {"amount": "1000", "currency": "JPY"}
    for amount in ("312500", "312500.0", "312500.000", "0312500.00", "3.1e5", "-0.00"):
        wrong = {**body, "serial": "S3", "cost": {"amount": amount, "currency": "USD"}}
        assert pointers(still.operator.post("/v1/system/assets", wrong).expect(422))["/cost/amount"] == "wrong_type"
    wrong = {**body, "serial": "S3", "salvage": {"amount": "312500.01", "currency": "USD"}, "node": f"nod_{NOBODY}"}
    assert pointers(still.operator.post("/v1/system/assets", wrong).expect(422)) == {
        "/salvage/amount": "out_of_range", "/node": "unknown_node"}


def test_a_schedule_is_the_golden_one(still):
    """Example G2 of the design: straight line by days, leap day included."""
    asset = still.operator.create("/v1/system/assets", {
        "serial": "G2", "cohort": "2026-q1", "cost": {"amount": "312500.00", "currency": "USD"},
        "salvage": {"amount": "31250.00", "currency": "USD"}, "in_service": "2026-03-17", "life_months": 72})
    months = {row["from"]: row for row in still.operator.items(f"/v1/system/assets/{asset['id']}/schedule?limit=10")}
    assert len(months) == 73
    golden = {"2026-03-17": "1924.61", "2026-04-01": "3849.23", "2027-02-01": "3592.61", "2028-02-01": "3720.92", "2032-03-01": "2052.92"}
    assert {start: months[start]["amount"]["amount"] for start in golden} == golden
    assert months["2032-03-01"]["net_book_value"]["amount"] == "31250.00"
    assert sum(micro(row["amount"]) for row in months.values()) == 281_250_000_000


# ---- What came of a month ----


def test_a_month_adds_up_wherever_one_looks(month):
    usage = month.acme.items("/v1/usage?limit=2")
    assert sum(row["seconds"] for row in usage) == 60 * 3600 and {row["class"] for row in usage} == {"used"}
    (invoice,) = month.acme.items("/v1/invoices?number=INV-000001")
    assert (invoice["net"]["amount"], invoice["tax"]["amount"], invoice["total"]["amount"]) == ("1440.00", "273.60", "1713.60")
    (line,) = month.acme.items(f"/v1/invoices/{invoice['id']}/lines")
    assert line["reservation"] == month.reservation["id"] and line["gpu_hours"] == "480.000000"
    assert line["price"] in {price["id"] for price in month.acme.items("/v1/prices")}

    attribution = month.operator.items(f"/v1/system/attribution?{REPORT}&limit=7")
    assert len(attribution) == 2 * 31
    assert all(sum(micro(part["amount"]) for part in row["allocations"]) == micro(row["cost"]) for row in attribution)
    cost = sum(micro(row["cost"]) for row in attribution)
    for by in ("tenant", "project", "instance_type", "cohort", "reservation", "day", "node", "rack"):
        margin = month.operator.get(f"/v1/system/margin?by={by}&{REPORT}").expect(200).body
        assert micro(margin["totals"]["revenue"]) == sum(micro(item["revenue"]) for item in margin["items"]) == 1_440_000_000
        assert micro(margin["totals"]["amortization"]) == cost
        assert micro(margin["totals"]["idle"]) == sum(micro(idle["amount"]) for idle in margin["idle"])
        borne = sum(micro(item["amortization"]) for item in margin["items"])
        assert borne == cost - (0 if by in ("day", "node", "rack", "cohort") else micro(margin["totals"]["idle"]))
        weeks = month.operator.get(f"/v1/system/margin?by={by}&step=week&{REPORT}").expect(200).body
        assert weeks["totals"] == margin["totals"]
        assert len({item["period_start"] for item in weeks["items"]}) == (5 if by in ("day", "node", "rack", "cohort") else 1)
        assert sum(micro(item["margin"]) for item in weeks["items"]) == sum(micro(item["margin"]) for item in margin["items"])
    (item,) = month.operator.get(f"/v1/system/margin?by=reservation&{REPORT}").body["items"]
    assert (item["key"], item["name"]) == (month.reservation["id"], month.reservation.get("name"))
    nodes = {node["id"]: node["name"] for node in month.operator.items("/v1/system/nodes")}
    by_node = [item for item in month.operator.get(f"/v1/system/margin?by=node&{REPORT}").body["items"] if item["key"] is not None]
    assert by_node and all(item["name"] == nodes[item["key"]] for item in by_node)
    only = month.operator.get(f"/v1/system/margin?by=node&key={by_node[-1]['key']}&{REPORT}").expect(200).body
    assert only["items"] == by_node[-1:] and only["totals"] == margin["totals"]
    assert month.operator.get(f"/v1/system/margin?by=node&key=gpu-1&{REPORT}").expect(422).body["errors"][0]["pointer"] == "?key"
    (item,) = month.operator.get(f"/v1/system/margin?by=tenant&key=acme&{REPORT}").expect(200).body["items"]
    assert (item["key"], item["name"]) == ("acme", "acme")

    idle_days = month.operator.items(f"/v1/system/idle?step=day&{REPORT}&limit=7")
    for idle in margin["idle"]:
        days = [each for each in idle_days if each["cause"] == idle["cause"]]
        assert micro(idle["amount"]) == sum(micro(each["amount"]) for each in days) and idle["gpu_seconds"] == sum(each["gpu_seconds"] for each in days)
    assert {each["cause"] for each in idle_days} == {idle["cause"] for idle in margin["idle"]}

    balance = month.operator.items("/v1/system/ledger?limit=2")
    assert sum(micro({"amount": row["debit"]}) - micro({"amount": row["credit"]}) for row in balance) == 0
    entries = month.operator.items("/v1/system/ledger/entries?limit=5")
    for side in ("debit", "credit"):
        assert sum(micro({"amount": row[side]}) for row in entries) == sum(micro({"amount": row[side]}) for row in balance)


def test_allocations_are_past_present_and_future(february):
    reserve(february.acme, name="now", starts_at="2026-02-01T00:00:00Z", ends_at="2026-02-02T00:00:00Z")
    reserve(february.acme, name="later", starts_at="2026-03-01T00:00:00Z", ends_at="2026-03-02T00:00:00Z")
    every = february.operator.items("/v1/system/allocations?zone=us-east-1a&limit=1")
    assert sorted(row["from"] for row in every) == ["2026-01-31T00:00:00Z", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"]
    assert all(row["slots"] == [0, 8000] and row["kind"] == "instance" for row in every)
    of_nodes = [row for node in february.nodes for row in february.operator.items(f"/v1/system/allocations?node={node['id']}")]
    assert sorted(map(json.dumps, of_nodes)) == sorted(map(json.dumps, every))
    taken = [node["status"]["allocated_gpu_milli"] for node in february.operator.items("/v1/system/nodes?zone=us-east-1a")]
    assert sorted(taken) == [0, 8000]


def test_a_page_ends_where_the_next_begins(month):
    lists = ("/v1/system/usage", "/v1/system/allocations", "/v1/system/ledger", "/v1/system/ledger/entries", "/v1/system/events",
             "/v1/system/nodes", "/v1/system/assets", "/v1/system/tokens", "/v1/system/instances", "/v1/system/leaders",
             "/v1/system/partitions", f"/v1/system/attribution?{REPORT}", f"/v1/system/assets/{month.operator.items('/v1/system/assets')[0]['id']}/schedule")
    for path in lists:
        mark = "&" if "?" in path else "?"
        whole = month.operator.items(f"{path}{mark}limit=1000")
        assert whole, path
        if path.endswith("leaders"):
            whole, parts = ([row["name"] for row in month.operator.items(f"{path}?limit={limit}")] for limit in (1000, 1))
        else:
            parts = month.operator.items(f"{path}{mark}limit=2")
        assert whole == parts, path


def test_a_cursor_is_of_its_list_its_filter_and_its_tenant(month):
    page = month.acme.get("/v1/events?limit=2").expect(200).body["next_page"]
    month.acme.get(f"/v1/events?limit=5&page={page}").expect(200)  # how much of it is one's own affair
    signed = bytearray(base64.urlsafe_b64decode(page + "=" * (-len(page) % 4)))
    forged = [base64.urlsafe_b64encode(signed[:at] + bytes([signed[at] ^ 1]) + signed[at + 1:]).decode().rstrip("=") for at in (0, 15, 16, len(signed) - 1)]
    for client, address in (*((month.acme, f"/v1/events?page={each}") for each in (*forged, page[:-1], page + "A", "", "x", "A" * 4000)),
                            (month.acme, f"/v1/events?type=*&page={page}"), (month.acme, f"/v1/usage?page={page}"),
                            (month.tenant("of-its-own"), f"/v1/events?page={page}"), (month.operator, f"/v1/system/events?page={page}")):
        refused = client.get(address).expect(422)
        assert [(error["pointer"], error["code"]) for error in refused.body["errors"]] == [("?page", "bad_page")], address
    for limit in ("0", "-1", "1001", "+5", "%205", "5x", "", "99999999999999999999", "2&limit=2"):
        refused = month.acme.get(f"/v1/events?limit={limit}").expect(422)
        assert [(error["pointer"], error["code"]) for error in refused.body["errors"]] == [("?limit", "out_of_range")], limit


def test_another_tenants_objects_are_not_there(month):
    other = month.tenant("other")
    (invoice,) = month.acme.items("/v1/invoices")
    (instance,) = month.acme.items("/v1/instances")
    for path in (f"/v1/invoices/{invoice['id']}", f"/v1/invoices/{invoice['id']}/lines", f"/v1/instances/{instance['id']}",
                 f"/v1/invoices/inv_{NOBODY}", f"/v1/instances/ins_{NOBODY}"):
        assert other.get(path).expect(404).code == "not_found"
    for path in ("/v1/invoices", "/v1/instances", "/v1/usage", f"/v1/usage?reservation={month.reservation['id']}"):
        assert other.items(path) == []
    assert {event["tenant"] for event in month.events(other)} == {month.operator.items("/v1/system/tenants?name=other")[0]["id"]}
    assert month.acme.get("/v1/system/nodes").expect(403).code == "forbidden"
    assert "node" not in instance and "node" in month.operator.items("/v1/system/instances")[0]


# ---- Events ----


def test_a_stream_tells_what_pages_tell(month):
    pages = month.events(month.acme, "/v1/events?limit=3")
    positions = [tuple(map(int, event["id"].split("-"))) for event in pages]
    assert positions == sorted(set(positions))
    assert month.acme.items(f"/v1/events?after={pages[4]['id']}") == pages[5:]
    streamed = follow(month, month.acme.token, pages[0]["id"], len(pages) - 1)
    assert [json.loads(data) for data in streamed] == pages[1:]


def test_pages_and_streams_are_filtered_alike(month):
    pages = month.events(month.acme)
    instance = next(event["object_id"] for event in pages if event["object_type"] == "instance")
    for query, passes in (("type=instance.*", lambda event: event["kind"].startswith("instance.")),
                          ("type=reservation.created,invoice.issued", lambda event: event["kind"] in ("reservation.created", "invoice.issued")),
                          (f"object={instance}", lambda event: event["object_id"] == instance),
                          (f"object={instance}&type=instance.running", lambda event: event["object_id"] == instance and event["kind"] == "instance.running"),
                          ("type=*", lambda event: True)):
        expected = [event for event in pages if passes(event)]
        assert expected and month.acme.items(f"/v1/events?{query}&limit=2") == expected, query
        behind = [event for event in expected if event["id"] != pages[0]["id"]]
        streamed = follow(month, month.acme.token, pages[0]["id"], len(behind), f"?{query}")
        assert [json.loads(data) for data in streamed] == behind, query
    assert month.acme.get("/v1/events?type=no.such").expect(200).body["items"] == []
    for wrong in ("type=", "type=instance.running,", "type=%25", "type=*.created", "object=what"):
        month.acme.get(f"/v1/events?{wrong}").expect(422)
        month.acme.get(f"/v1/events?{wrong}", headers={"Accept": "text/event-stream"}).expect(422)


def test_the_events_of_a_reservation_and_of_a_node_stand_below_their_address(month):
    reservation, node = month.reservation["id"], month.operator.items("/v1/system/nodes")[0]["id"]
    for client, every, path, identity in ((month.acme, "/v1/events", "/v1/reservations", reservation),
                                          (month.operator, "/v1/system/events", "/v1/system/reservations", reservation),
                                          (month.operator, "/v1/system/events", "/v1/system/nodes", node)):
        expected = month.events(client, f"{every}?object={identity}")
        assert expected and client.items(f"{path}/{identity}/events?limit=2") == expected, path
        kind = expected[0]["kind"]
        assert client.items(f"{path}/{identity}/events?type={kind}") == [event for event in expected if event["kind"] == kind]
        streamed = follow(month, client.token, expected[0]["id"], len(expected) - 1, path=f"{path}/{identity}/events")
        assert [json.loads(data) for data in streamed] == expected[1:]
        assert client.get(f"{path}/{identity}/events?object={identity}").expect(422).code == "unknown_field"
        for accept in ("application/json", "text/event-stream"):
            assert client.get(f"{path}/{identity[:4]}{NOBODY}/events", headers={"Accept": accept}).expect(404).code == "not_found"
    assert month.tenant("stranger").get(f"/v1/reservations/{reservation}/events").expect(404).code == "not_found"


def follow(stack, token, after, count, query="", path="/v1/events"):
    """The data of the next count events of the stream behind a position."""
    connection = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=ANSWER_WITHIN_S)
    connection.request("GET", path + query, headers={
        "Authorization": f"Bearer {token}", "Accept": "text/event-stream", "Last-Event-ID": after})
    response = connection.getresponse()
    assert response.status == 200 and response.headers["Content-Type"].startswith("text/event-stream")
    found = []
    while len(found) < count:
        line = response.readline().decode()
        assert line, "the stream ended"
        if line.startswith("data: "):
            found.append(line[len("data: "):])
    connection.close()
    return found


def test_a_position_that_is_none_is_refused(still):
    for after in ("0", "1-2", "7-1-1", "x-y-z"):
        assert still.operator.get(f"/v1/system/events?after={after}").expect(422).code == "invalid_cursor"


# ---- The clock ----


def test_the_clock_never_goes_back(stack):
    now = stack.advance("2026-01-02T00:00:00Z")["now"]
    assert now == "2026-01-02T00:00:00Z"
    assert stack.operator.post("/v1/system/clock", {"advance_to": DAY_ONE}).expect(422).code == "clock_in_past"
    assert stack.operator.get("/v1/system/clock").body["now"] == now
    assert stack.operator.post("/v1/system/clock", {"advance_to": "tomorrow"}).expect(422).code == "wrong_type"


def test_a_real_clock_cannot_be_moved(make_stack):
    real = make_stack(start=None)
    assert real.operator.get("/v1/system/clock").expect(404).code == "not_found"
    assert real.operator.post("/v1/system/clock", {"advance_to": "2030-01-01T00:00:00Z"}).expect(404).code == "not_found"
    assert real.operator.get("/v1/me").body["virtual_clock"] is False


def test_moves_of_the_clock_take_turns(february):
    answers = []

    def move(day):
        client = Client(february.port, february.operator.token)
        answers.append((day, client.post("/v1/system/clock", {"advance_to": f"2026-02-{day:02}T00:00:00Z"})))

    threads = [threading.Thread(target=move, args=(day,)) for day in (3, 12, 6, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Whoever came after a farther move is told that its instant is past; nobody is told that it is then, who was not.
    for day, answer in answers:
        assert answer.status == 200 and answer.body["now"] == f"2026-02-{day:02}T00:00:00Z" or answer.code == "clock_in_past"
    assert february.operator.get("/v1/system/clock").body["now"] == "2026-02-12T00:00:00Z"
    assert february.sql("SELECT count(*) AS days FROM billing_day WHERE day >= '2026-02-01'") == [{"days": 11}]
    assert all(row["violations"] == 0 for row in february.sql("SELECT * FROM billing_check"))


def test_a_move_visits_every_instant_at_which_something_is_due(stack):
    stack.fleet(1)
    acme = stack.tenant("acme")
    windows = [(f"2026-01-05T0{hour}:00:00Z", f"2026-01-05T0{hour}:30:07Z") for hour in range(3)]
    for start, end in windows:
        reserve(acme, starts_at=start, ends_at=end)
    stack.advance("2026-01-07T00:00:00Z")
    moments = sorted((event["occurred_at"], event["kind"]) for event in stack.events(acme)
                     if event["kind"] in ("instance.running", "instance.terminated"))
    assert moments == sorted([(start, "instance.running") for start, _ in windows] + [(end, "instance.terminated") for _, end in windows])


# ---- What happens to assets ----


def test_assets_come_from_a_spreadsheet_all_or_none_and_change_with_a_reason(stack):
    finance = stack.operator
    finance.create("/v1/system/purchase-orders", {"number": "PO-7", "vendor": "Example Systems", "ordered_on": "2025-12-01",
                                                  "price": {"amount": "580000.00", "currency": "USD"},
                                                  "freight": {"amount": "20000.00", "currency": "USD"}})
    head = "serial,part,component_of,purchase_order,cohort,cost.amount,cost.currency,salvage.amount,salvage.currency,in_service,life_months,convention"
    rows = ["A1,chassis,,PO-7,c1,300000.00,USD,30000.00,USD,2026-01-01,60,full_month",
            'A2,"gpus, eight",A1,PO-7,c1,300000.00,USD,,,2026-01-01,48,full_month']
    wrong = [rows[0], rows[1].replace("A2", "A1"), "A3,,,PO-8,c1,1.5,USD,,,2026-01-01,sixty,weekly"]
    refused = finance.post("/v1/system/assets/import", "\r\n".join([head, *wrong])).expect(422)
    named = {"/rows/1/serial": "name_taken", "/rows/2/purchase_order": "unknown_purchase_order", "/rows/1/component_of": "unknown_asset"}
    assert pointers(refused) == {"/rows/2/cost/amount": "wrong_type", "/rows/2/life_months": "wrong_type", "/rows/2/convention": "out_of_range", **named}
    refused = finance.post("/v1/system/assets/import", "\n".join([head, *wrong[:2], wrong[2].replace("1.5", "1.50").replace("sixty", "60").replace("weekly", "daily")])).expect(422)
    assert pointers(refused) == named
    refused = finance.post("/v1/system/assets/import", "\n".join([f"{head},colour", *(row.replace("2026", "nineteen") + ",red" for row in rows * 400)])).expect(422)
    assert len(refused.body["errors"]) == 1000 and refused.body["errors"][0]["pointer"] == "/header/colour"
    assert "and 1598 more" in refused.body["detail"], "800 dates and 798 serial numbers"
    twice = finance.post("/v1/system/assets/import", "\n".join([f"{head},serial", *(row + ",A9" for row in rows)])).expect(400)
    assert twice.code == "malformed_csv" and "the column 'serial' stands twice" in twice.body["detail"]
    text = ("\ufeff" + "\r\n".join([head, *rows, ""])).encode()
    csv = {"Content-Type": "text/csv"}
    assert finance.post("/v1/system/assets/import?validate_only=true", text, headers=csv).expect(200).body == {
        "assets": 2, "cohorts": [{"cohort": "c1", "assets": 2, "cost": {"amount": "600000.00", "currency": "USD"}}],
        "warnings": []}
    assert finance.items("/v1/system/assets") == []
    once = finance.post("/v1/system/assets/import", text, headers={**csv, "Idempotency-Key": "sheet"}).expect(201)
    again = finance.post("/v1/system/assets/import", text, headers={**csv, "Idempotency-Key": "sheet"})
    assert (again.body, again.headers["Idempotent-Replayed"]) == (once.body, "true")
    gpus, = finance.items("/v1/system/assets?component_of=A1")
    assert (gpus["part"], gpus["life_months"]) == ("gpus, eight", 48)
    order, = finance.items("/v1/system/purchase-orders?number=PO-7")
    assert (order["status"]["assets"], order["status"]["difference"]["amount"]) == (2, "0.00")

    chassis, = finance.items("/v1/system/assets?serial=A1")
    where = f"/v1/system/assets/{chassis['id']}"
    impairment = {"kind": "impair", "effective_on": "2028-07-01", "standard": "asc_360", "reason": "a new generation",
                  "undiscounted_cash_flows": {"amount": "150000.00", "currency": "USD"},
                  "fair_value": {"amount": "120000.00", "currency": "USD"}, "salvage": {"amount": "10000.00", "currency": "USD"}}
    preview = finance.post(f"{where}/changes?validate_only=true", impairment).expect(200).body["status"]
    assert (preview["outcome"], preview["effect"]["amount"]["amount"], preview["effect"]["net_book_value"]["amount"]) == (
        "pending", "-45000.00", "120000.00")  # example G8
    assert finance.items(f"{where}/changes") == []
    made = finance.create(f"{where}/changes", impairment)
    assert finance.get(f"/v1/system/asset-changes/{made['id']}").expect(200).body == made
    rows = {row["from"]: row for row in finance.items(f"{where}/schedule")}
    assert [rows[month]["amount"]["amount"] for month in ("2028-06-01", "2028-07-01", "2028-08-01")] == ["4500.00", "3666.67", "3666.66"]
    for body, code in (({**impairment, "kind": "reverse", "undiscounted_cash_flows": None, "effective_on": "2028-08-01"}, "asset_change_refused"),
                       ({"kind": "re_estimate", "effective_on": "2028-09-02", "life_months": 72, "reason": "r"}, "asset_change_refused")):
        assert finance.post(f"{where}/changes", body).expect(409).code == code
    assert pointers(finance.post(f"{where}/changes", {"kind": "dispose", "effective_on": "2028-09-01", "reason": "r", "life_months": 3,
                                                      "proceeds": {"amount": "1.00", "currency": "EUR"}}).expect(422)) == {
        "/life_months": "out_of_range", "/proceeds/currency": "out_of_range"}


def test_a_day_of_the_api_ties_out_from_rates_to_the_ledger(stack):
    node = stack.fleet(1)[0]
    stack.operator.request("PUT", "/v1/system/power-profiles", {"gpu_model": "H100", "gpu_count": 8, "idle_w": 3400, "full_w": 10200}).expect(200)
    for pool, basis, amount, pue in (("power", "kwh", "0.085000", 1300), ("colocation", "kw_month", "180.000000", None),
                                     ("operations", "node_month", "900.000000", None), ("storage", "gpu_month", "1.000000", None)):
        stack.operator.create("/v1/system/cost-rates", {"pool": pool, "basis": basis, "amount": {"amount": amount, "currency": "USD"}, "pue_milli": pue})
    stack.operator.post("/v1/system/energy-readings", {"items": [{"node": node["id"], "day": "2026-01-01", "watt_hours": 163200}]}).expect(204)
    stack.advance("2026-01-03T00:00:00Z")
    metered, modelled = stack.operator.items("/v1/system/attribution")
    assert (metered["energy_wh"], metered["energy_is_metered"], metered["power"]["amount"]) == (163200, True, "18.033600")
    assert (modelled["energy_wh"], modelled["energy_is_metered"]) == (3400 * 24, False)
    pools = ("depreciation", "power", "colocation", "operations", "network", "storage")
    for day in (metered, modelled):
        assert sum(micro(day[pool]) for pool in pools) == micro(day["cost"])
        for pool in (*pools, "amount"):
            assert sum(micro(part[pool]) for part in day["allocations"]) == micro(day["cost" if pool == "amount" else pool])
    assert stack.operator.post("/v1/system/cost-rates", {"pool": "network", "basis": "node_month", "valid_from": "2026-01-02",
                                                         "amount": {"amount": "1.000000", "currency": "USD"}}).expect(409).code == "day_closed"
    assert stack.sql("SELECT name FROM billing_check WHERE violations > 0") == []


def test_what_exporters_say_of_gpus_is_kept_and_summed_up_by_node(still):
    still.zone("exported-1a")
    node, operator = still.node("n1", "exported-1a"), still.operator
    of_node = f"?node={node['id']}"
    reading = {"node": node["id"], "gpu": 3, "read_at": DAY_ONE, "temperature_c": 61, "power_w": 540, "ecc_corrected": 2}
    later = {**reading, "read_at": "2026-01-01T00:01:00Z", "temperature_c": 84, "ecc_uncorrected": 1, "remap_is_pending": True}
    cool = {**reading, "gpu": 0, "temperature_c": 40, "power_w": 110}
    operator.post("/v1/system/gpu-readings", {"items": [later, reading, cool]}).expect(204)
    operator.post("/v1/system/gpu-readings", {"items": [reading]}).expect(204)  # it came late: what is known is newer
    error = {"node": node["id"], "gpu": 3, "happened_at": DAY_ONE, "xid": 94, "message": "Contained ECC error"}
    for _ in range(2):
        operator.post("/v1/system/gpu-errors", {"items": [error, {**error, "xid": 63}]}).expect(204)
    gpus = operator.items("/v1/system/gpus" + of_node)
    assert [(gpu["gpu"], gpu["temperature_c"], gpu["ecc_uncorrected"], gpu["xid"]) for gpu in gpus] == [(0, 40, None, None), (3, 84, 1, 94)]
    summed = operator.items("/v1/system/node-health?zone=exported-1a")[0]
    assert [summed[name] for name in ("name", "gpus_reporting", "temperature_c", "power_w", "ecc_corrected", "remap_is_pending")] == [
        "n1", 2, 84, 650, 4, True]
    assert [told["xid"] for told in operator.items("/v1/system/gpu-errors" + of_node)] == [94, 63]
    assert operator.get(f"/v1/system/gpu-errors{of_node}&limit=1").expect(200).body["next_page"] is not None
    firmware = f"/v1/system/nodes/{node['id']}/firmware"
    assert operator.get(firmware).expect(200).body == {"versions": {}, "reported_at": None}
    versions = {"vbios": "96.00.74.00.1a", "nvswitch": "10.1"}
    assert operator.request("PUT", firmware, {"versions": versions}, headers={"If-Match": "*"}).expect(200).body["versions"] == versions


def test_a_report_of_gpus_that_cannot_be_is_refused_as_a_whole(still):
    still.zone("misreported-1a")
    good = {"node": still.node("n1", "misreported-1a")["id"], "gpu": 0, "read_at": DAY_ONE, "temperature_c": 40}
    refused = still.operator.post("/v1/system/gpu-readings", {"items": [
        good, {**good, "node": f"nod_{NOBODY}"}, {**good, "gpu": 8}, {**good, "read_at": "2027-01-01T00:00:00Z"}]}).expect(422)
    assert pointers(refused) == {"/items/1/node": "unknown_node", "/items/2/gpu": "out_of_range", "/items/3/read_at": "out_of_range"}
    assert still.operator.items(f"/v1/system/gpus?node={good['node']}") == []
