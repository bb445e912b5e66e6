"""The command line: against a server that misbehaves, and against a whole Sluice."""
# SPDX-License-Identifier: Apache-2.0

import json
import os
import pty
import re
import select
import signal
import stat
import subprocess
import threading

import pytest

from command_line import TENANT, whole
from contract import ROOT, binaries
from stack import A_SECOND_S, eventually


def keys(server):
    return [headers["Idempotency-Key"] for method, _, headers, _ in server.seen if method == "POST"]


def test_a_request_whose_connection_was_lost_is_sent_again_as_the_same(ask, server):
    made = {"id": "rsv_1", "status": {"state": "scheduled"}}
    server.script = [None, b"HTTP/1.1 201 X\r\nContent-Length: 500\r\n\r\n{", (409, {"code": "in_flight"}), (201, made)]
    assert ask("reservation", "create", "--count", "1", "-o", "json").expect(0).json == made
    assert len(keys(server)) == 4 and len(set(keys(server))) == 1


def test_what_is_from_now_on_is_left_to_the_api_which_knows_when_now_is(ask, server):
    """A time of the command line's would be past when it is looked at."""
    server.script = [(202, {"id": "mnt_1"})]
    ask("maintenance", "create", "--zone", "z", "--nodes", "n", "--starts-at", "now", "--ends-at", "2030-01-02", "--reason", "x").expect(0)
    (method, _, _, body), = server.seen
    assert method == "POST" and json.loads(body) == {"zone": "z", "nodes": ["n"], "ends_at": "2030-01-02T00:00:00Z", "reason": "x"}


def test_two_requests_are_two_keys_and_a_given_key_is_kept(ask, server):
    server.script = [(201, {"id": "rsv_1"})] * 3
    for arguments in [(), (), ("--idempotency-key", "mine")]:
        ask("reservation", "create", *arguments).expect(0)
    assert len(set(keys(server))) == 3 and keys(server)[2] == "mine"


def test_attempts_end_and_the_key_to_repeat_with_is_told(ask, server):
    server.script = [None] * 10
    done = ask("reservation", "create").expect(1)
    assert len(server.seen) == 4
    assert f"--idempotency-key {keys(server)[0]}" in done.log


def test_what_the_api_refuses_for_good_is_asked_once(ask, server):
    server.script = [(422, {"detail": "no", "retryable": False})]
    ask("reservation", "create").expect(1)
    assert len(server.seen) == 1


@pytest.mark.parametrize("status", [502, 503])
def test_what_a_proxy_says_while_the_api_is_away_is_asked_again(ask, server, status):
    server.script = [(status, b"<html>"), (201, {"id": "rsv_1"})]
    ask("reservation", "create").expect(0)
    assert len(set(keys(server))) == 1 and len(server.seen) == 2


@pytest.mark.parametrize("answer", [
    b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 X\r\nContent-Length: 5\r\n\r\n<html",
    whole(200, b""), whole(200, b"\xff"), whole(200, b'{"items": []'), whole(200, []), whole(200, {"items": 5}),
    whole(200, b"[" * 5000), whole(200, {"items": [], "next_page": "x"}), whole(302, {}, "Location: http://127.0.0.1:1/\r\n"),
    whole(500, b"<html>"), whole(999, {}), b"HTTP/1.1 200 X\r\nContent-Length: 99999999999\r\n\r\n",
    b"HTTP/1.1 200 X\r\n\r\n" + b" " * (9 << 20),
], ids=range(15))
def test_a_broken_server_is_an_error_and_never_a_crash(ask, server, answer):
    server.script = [answer] * 4
    done = ask("zone", "list").expect(1)
    assert done.out == "" and done.log.startswith("sluice: ")


@pytest.mark.parametrize("item", [1, None, "x", [], {}, {"status": 3, "count": "many", "starts_at": [], "shape": "odd"}])
def test_an_odd_object_leaves_cells_empty(ask, server, item):
    server.script = [(200, TENANT), (200, {"items": [item], "next_page": None})]
    assert len(ask("reservation", "list").expect(0).out.splitlines()) == 2


def test_pages_are_followed_up_to_the_limit(ask, server):
    def page(first, following):
        return 200, {"items": [{"name": f"z{first}"}, {"name": f"z{first + 1}"}], "next_page": following}

    server.script = [page(0, "a b"), page(2, "c"), (200, {"items": [{"name": "z4"}], "next_page": "d"})]
    done = ask("zone", "list", "--limit", "5", "--name", "ä&b", "-o", "json").expect(0)
    assert [item["name"] for item in done.json["items"]] == ["z0", "z1", "z2", "z3", "z4"]
    assert [path for _, path, _, _ in server.seen] == [
        "/v1/zones?name=%C3%A4%26b&limit=5", "/v1/zones?name=%C3%A4%26b&limit=3&page=a%20b",
        "/v1/zones?name=%C3%A4%26b&limit=1&page=c"]
    server.script = [page(0, "a"), page(2, "a")]
    ask("zone", "list").expect(1)  # a server that leads in a circle


def test_no_byte_of_a_server_steers_the_terminal(ask, server):
    server.script = [(200, {"items": [{"name": "\x1b]0;x\x07\n"}], "next_page": None}), (404, {"detail": "\x1b[2J"})]
    done = ask("zone", "list").expect(0)
    refused = ask("zone", "list").expect(4)
    assert "\x1b" not in done.out and len(done.out.splitlines()) == 2 and "\x1b" not in refused.log


def test_login_keeps_the_token_to_its_owner_and_checks_it_first(sluice, server, tmp_path):
    server.script = [(401, {"detail": "no such token"}), (200, TENANT), (200, TENANT)]
    file = tmp_path / "config/sluice/profiles"
    sluice("login", "--url", server.url, stdin="slu_x\n").expect(3)
    assert not file.exists()
    sluice("login", "--url", server.url, stdin="slu_x\n").expect(0)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    sluice("me").expect(0)
    assert server.seen[-1][2]["Authorization"] == "Bearer slu_x"
    file.chmod(0o644)
    assert "chmod 600" in sluice("me").expect(3).log
    assert len(server.seen) == 3  # the refused file's token was not sent
    sluice("login", "--url", server.url, stdin="slu x\n").expect(3)


def test_waiting_ends_with_6_and_shows_how_far_it_came(ask, server):
    server.script = [(200, TENANT)] + [(200, {"id": "rsv_1", "status": {"state": "pending"}})] * 100
    done = ask("reservation", "get", "rsv_" + "1" * 26, "--wait=1", "-o", "json").expect(6)
    assert done.json["status"]["state"] == "pending"
    assert len(server.seen) < 10  # an answer that comes at once is no reason to ask at once


def test_a_refusal_in_the_object_counts_like_one_in_the_status(ask, server):
    refused = {"id": "rsv_1", "status": {"state": "rejected", "reason": "capacity_unavailable", "binding": {"constraint": "cpu"}}}
    server.script = [(202, {"id": "rsv_1", "status": {"state": "pending"}}), (200, refused)]
    done = ask("reservation", "create", "--wait", "-o", "json").expect(5)
    assert done.json == refused and "what bound: constraint cpu" in done.log


def test_a_shell_completes_a_line_by_asking_sluice():
    environment = {**os.environ, "PATH": f"{binaries()}:{os.environ['PATH']}", "PS1": "", "TERM": "dumb"}
    child, terminal = pty.fork()
    if child == 0:
        os.execvpe("bash", ["bash", "--norc", "-i"], environment)
    os.write(terminal, b"complete -o default -C 'sluice --complete' sluice\nsluice reservation ca\t")
    said = b""
    while b"reservation cancel" not in said and select.select([terminal], [], [], 30)[0]:
        said += os.read(terminal, 4096)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(terminal)
    assert b"reservation cancel" in said


def test_times_are_sent_as_instants_in_utc_and_from_the_now_of_the_api(ask, server):
    empty = (200, {"items": [], "next_page": None})
    server.script = [(200, TENANT), empty]  # asked once, for the time and for the side
    ask("reservation", "list", "--from", "-7d", "--to", "2026-01-09T09:00+01:00").expect(0)
    assert server.seen[-1][1] == "/v1/reservations?from=2025-12-25T00%3A00%3A00Z&to=2026-01-09T08%3A00%3A00Z&limit=1000"

    server.script = [(200, TENANT), (200, {"items": [], "idle": [], "totals": {}})]
    ask("margin", "--from", "-30d", "--to", "now").expect(0)
    assert server.seen[-1][1] == "/v1/system/margin?by=tenant&from=2025-12-02&to=2026-01-01"

    server.script = [(200, TENANT), (201, {"id": "rsv_1"})]
    ask("reservation", "create", "--starts-at", "now", "--ends-at", "+2h").expect(0)
    assert json.loads(server.seen[-1][3]) == {"starts_at": None, "ends_at": "2026-01-01T02:00:00Z"}

    # Tokens end in real time, whatever the domain's: that of TENANT stands still.
    server.script = [(200, TENANT), (201, {"id": "tok_1"})]
    ask("token", "create", "--name", "ci", "--expires-at", "+90d").expect(0)
    assert json.loads(server.seen[-1][3])["expires_at"] > "2026-04-01"
    server.script = [(200, TENANT | {"virtual_clock": False}), (201, {"id": "tok_1"})]
    ask("token", "create", "--name", "ci", "--expires-at", "+90d").expect(0)
    assert json.loads(server.seen[-1][3])["expires_at"] == "2026-04-01T00:00:00Z"


def test_a_length_alone_begins_now_and_the_line_to_repeat_says_when_that_was(ask, server):
    server.script = [(200, TENANT)] + [None] * 10
    done = ask("reservation", "create", "--duration", "2h").expect(1)
    assert json.loads(server.seen[-1][3]) == {"ends_at": "2026-01-01T02:00:00Z"}
    assert "' and --ends-at 2026-01-01T02:00:00Z instead of --duration: if it took effect" in done.log
    for ttl in (900, 60):  # of a quote the length begins when its hold is over
        server.script = [(200, TENANT), (201, {"id": "quo_1"})]
        ask("quote", "create", "--duration", "2h", *(("--ttl-s", "60") if ttl == 60 else ())).expect(0)
        assert json.loads(server.seen[-1][3]) == {"ttl_s": ttl, "ends_at": f"2026-01-01T02:{ttl // 60:02}:00Z"}


@pytest.mark.parametrize("end", ["/v1", "/v1/", "/"])
def test_an_address_may_end_as_the_routes_begin(sluice, server, end):
    server.script = [(200, TENANT)]
    sluice("me", "--url", server.url + end, token="slu_x").expect(0)
    assert server.seen[-1][1] == "/v1/me"
    assert "'http://v1'" in sluice("me", "--url", "http://v1", token="slu_x").expect(1).log  # a host


def test_nobody_there_is_an_error(sluice):
    assert "SLUICE_URL" in sluice("me", url="http://127.0.0.1:1", token="slu_x").expect(1).log
    sluice("me", url="file:///etc/passwd", token="slu_x").expect(1)
    sluice("me").expect(3)
    sluice("me", "--limit", "3").expect(2)


def test_an_answer_that_cannot_be_written_is_an_error(ask, server):
    server.script = [(200, TENANT)]
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([binaries() / "sluice", "me"], stdout=full, check=False, timeout=120,
                              env={"SLUICE_URL": server.url, "SLUICE_TOKEN": "slu_x", "PATH": os.environ["PATH"]})
    assert done.returncode == 1


# ---- What lists can be asked for ----


def lists():
    """The commands that list something, each with the names of its options, as the reference prints them."""
    reference = subprocess.run([binaries() / "sluice", "--print-docs"], stdout=subprocess.PIPE, text=True, check=True).stdout
    for part in reference.split("\n## sluice ")[1:]:
        command = part.partition("\n")[0]
        if command.endswith(" list") and command != "profile list":  # which asks nobody
            yield command, set(re.findall(r"^\| `(?:-\w, )?--([a-z-]+)", part, re.MULTILINE))


@pytest.mark.parametrize("command,options", lists(), ids=lambda value: value if isinstance(value, str) else "")
def test_every_filter_of_a_list_is_an_option(ask, server, command, options):
    document = json.loads((ROOT / "api" / "openapi.json").read_text())
    for me in (TENANT, {**TENANT, "tenant": None, "role": "operator"}):
        server.script, server.seen = [(200, me), (200, {"items": [], "next_page": None})], []
        if ask(*command.split()).code != 0:
            # A list of one side alone does not ask who one is.
            server.script, server.seen = [(200, {"items": [], "next_page": None})], []
            ask(*command.split()).expect(0)
        path = server.seen[-1][1].partition("?")[0]
        filters = {each["name"] for each in document["paths"][path]["get"]["parameters"] if "$ref" not in each}
        # What a webhook is sent to is --target: --url is where the API is.
        wanted = {"target" if name == "url" else name.replace("_", "-") for name in filters}
        assert wanted <= options, f"{path} can be asked by {wanted - options}"


# ---- A whole Sluice ----


def test_a_reservation_goes_from_the_command_line_to_the_invoice(make_stack, sluice):
    stack = make_stack(start="2026-01-28T00:00:00Z")
    stack.fleet(nodes=2)
    tenant = stack.tenant("acme")

    def ana(*arguments, **options):
        return sluice(*arguments, url=stack.url, token=tenant.token, **options)

    def operator(*arguments):
        return sluice(*arguments, url=stack.url, token=stack.operator.token)

    assert ana("me", "-o", "json").expect(0).json["tenant"] == "acme"
    window = ("--zone", "us-east-1a", "--starts-at", "2026-01-29", "--ends-at", "2026-01-31", "--wait=30")
    wish = ("reservation", "create", "--instance-type", "h100.8x", *window)
    made = ana(*wish, "--name", "llama", "--count", "2", "-o", "json").expect(0).json
    assert made["status"]["state"] == "scheduled"

    refused = ana(*wish, "--name", "too-late", "--count", "1").expect(5)
    assert "capacity_unavailable" in refused.log and "what bound" in refused.log
    invalid = ana("reservation", "create", "--count", "0", "--body", "-", stdin='{"count": "x", "odd": 1}').expect(2)
    assert "--count" in invalid.log
    invalid = ana("reservation", "create", "--body", "-", stdin='{"count": "x", "odd": 1}').expect(1)
    assert "/count" in invalid.log and "/odd" in invalid.log

    stack.advance("2026-02-02T00:00:00Z")
    assert ana("reservation", "get", "llama", "-o", "json").expect(0).json["status"]["state"] == "ended"
    ana("reservation", "get", "nobody").expect(4)
    ana("reservation", "get", "rsv_00000000000000000000000000").expect(4)
    assert "llama" in ana("reservation", "list").expect(0).out
    assert "acme" in operator("reservation", "list").expect(0).out
    nodes = operator("node", "list", "--limit", "1", "-o", "json").expect(0).json
    assert [node["name"] for node in nodes["items"]] == ["n0000"] and nodes["next_page"]
    ana("node", "list").expect(3)
    for noun in ("zone", "instance-type", "instance", "usage", "invoice", "price"):
        for who in (ana, operator):
            assert len(who(noun, "list").expect(0).out.splitlines()) >= 2, noun

    number = ana("invoice", "list", "-o", "json").expect(0).json["items"][0]["number"]
    invoice = ana("invoice", "get", number, "-o", "json").expect(0).json
    assert invoice["net"]["amount"] == "2304.00" and len(invoice["lines"]) >= 1
    assert "2304.00 USD" in ana("invoice", "get", number).expect(0).out
    margin = operator("margin", "--by", "tenant", "--from", "2026-01-01", "--to", "2026-02-01").expect(0)
    assert "acme" in margin.out


def test_a_reservation_from_now_for_a_while(stack, sluice):
    stack.fleet(nodes=2)
    tenant = stack.tenant("acme")

    def made(*arguments):
        made = sluice("reservation", "create", "--instance-type", "h100.8x", "--zone", "us-east-1a", *arguments, "--wait=30", "-o", "json",
                      url=stack.url, token=tenant.token).expect(0).json
        return made["status"]["starts_at"], made["status"]["ends_at"]

    assert made("--duration", "2h") == ("2026-01-01T00:00:00Z", "2026-01-01T02:00:00Z")
    quoted = sluice("quote", "create", "--instance-type", "h100.8x", "--zone", "us-east-1a", "--duration", "2h", "--wait=30", "-o", "json",
                    url=stack.url, token=tenant.token).expect(0).json
    held = quoted["status"]["starts_at"], quoted["status"]["ends_at"]
    assert held == ("2026-01-01T00:15:00Z", "2026-01-01T02:15:00Z"), "for a while from when its hold is over"
    assert made("--starts-at", "+1d", "--ends-at", "2026-01-02T03:00+02:00") == ("2026-01-02T00:00:00Z", "2026-01-02T01:00:00Z")
    sluice("maintenance", "create", "--zone", "us-east-1a", "--nodes", "n0000", "--starts-at", "now", "--ends-at", "+1h", "--reason", "x",
           "--validate-only", url=stack.url, token=stack.operator.token).expect(0)


def test_a_zone_is_paused_and_resumed_from_the_command_line(stack, sluice):
    stack.zone()

    def as_operator(*arguments):
        return sluice("reconciler", *arguments, url=stack.url, token=stack.operator.token)

    refused = as_operator("pause", "us-east-1a").expect(1).log
    assert "/reason" in refused and "\nGive --reason TEXT.\n" in refused
    asked = as_operator("pause", "us-east-1a", "--reason", "switch s3 flaps", "--duration", "2h", "-o", "json").expect(0).json
    assert (asked["paused"], asked["pause"]["until"]) == (True, "2026-01-01T02:00:00Z")
    assert "switch s3 flaps" in as_operator("list").expect(0).out
    eventually(lambda: as_operator("get", asked["id"], "-o", "json").expect(0).json["pause"]["holds"], "the leader keeps to it")
    assert "leader keeps to it" in as_operator("get", "us-east-1a").expect(0).out
    assert as_operator("resume", "us-east-1a", "-o", "json").expect(0).json["paused"] is False
    assert "us-east-1a" in as_operator("list", "--paused", "false").expect(0).out
    sluice("reconciler", "list", url=stack.url, token=stack.tenant("acme").token).expect(3)


def test_an_instance_is_stopped_and_started_from_the_command_line(stack, sluice):
    stack.fleet(nodes=1)
    tenant = stack.tenant("acme")
    tenant.post("/v1/reservations", {"instance_type": "h100.8x", "zone": "us-east-1a", "ends_at": "2026-01-02T00:00:00Z"}).expect(201)
    instance = tenant.items("/v1/instances")[0]["id"]

    def ana(*arguments):
        return sluice(*arguments, url=stack.url, token=tenant.token)

    assert ana("instance", "get", instance, "-o", "json").expect(0).json["state"] == "running"
    node = sluice("node", "get", "n0000", url=stack.url, token=stack.operator.token).expect(0)
    assert "n0000" in node.out and "allocated" in node.out
    assert ana("instance", "stop", instance, "--validate-only", "-o", "json").expect(0).json["state"] == "pending"
    for action, state in (("stop", "stopped"), ("start", "running"), ("reboot", "running")):
        asked = ana("instance", action, instance, "-o", "json").expect(0).json
        assert (asked["action"], asked["instance"]) == (action, instance)
        eventually(lambda: tenant.items(f"/v1/instances/{instance}/actions")[-1]["state"] == "done", f"it did {action}")
        assert tenant.get(f"/v1/instances/{instance}").body["state"] == state
    assert "instance_not_stopped" in ana("instance", "start", instance).expect(5).log
    rows = ana("instance", "actions", instance).expect(0).out.splitlines()
    assert [row.split()[:2] for row in rows[1:]] == [["stop", "done"], ["start", "done"], ["reboot", "done"]]


def test_a_console_is_shown_by_its_tail_and_followed_to_its_end(stack, sluice):
    stack.fleet(nodes=1)
    tenant = stack.tenant("acme")
    tenant.post("/v1/reservations", {"instance_type": "h100.8x", "zone": "us-east-1a", "ends_at": "2026-01-02T00:00:00Z"}).expect(201)
    instance = tenant.items("/v1/instances")[0]["id"]
    followed = []

    def ana(*arguments):
        return sluice("instance", "console", instance, *arguments, url=stack.url, token=tenant.token)

    lines = ana().expect(0).out.splitlines()
    assert len(lines) == 2 and lines[0].startswith("2026-01-01T00:00:00Z 1-1 sim: power on, attempt 1")
    assert ana("--tail", "1").expect(0).out.splitlines() == lines[1:]
    follower = threading.Thread(target=lambda: followed.append(ana("--tail=1", "--follow", "-o", "json")), daemon=True)
    follower.start()
    stack.advance("2026-01-02T00:00:00Z")
    follower.join(30)
    texts = [json.loads(line)["text"] for line in followed[0].expect(0).out.splitlines()]
    assert texts[0].startswith("sim: ") and texts[-1] == "sim: powered off"
    assert ana("--incarnation", "2").expect(0).out == ""
    stack.sql("""INSERT INTO sluice.instance_console_line (instance_id, incarnation, number, tenant_id, said_at, text)
                 SELECT l.instance_id, 1 + n / 1001, 100 + n, l.tenant_id, l.said_at, 'more ' || n
                   FROM sluice.instance_console_line l, generate_series(1, 1001) AS n WHERE l.text = 'sim: powered off'""")
    first = ana("--incarnation", "1", "--tail", "1000", "-o", "json").expect(0).out.splitlines()
    assert {json.loads(line)["incarnation"] for line in first} == {1}, "a full page is not followed by other stays"
    assert sluice("instance", "console", instance, url=stack.url, token=stack.operator.token).expect(0).out.splitlines()[:2] == lines


def test_a_reservation_is_cancelled_by_name_and_its_name_is_free_again(stack, sluice):
    stack.fleet(nodes=1)
    tenant = stack.tenant("acme")

    def ana(*arguments):
        return sluice(*arguments, "-o", "json", url=stack.url, token=tenant.token)

    wish = ("reservation", "create", "--name", "llama", "--instance-type", "h100.8x", "--count", "1", "--zone", "us-east-1a",
            "--starts-at", "2026-03-01", "--ends-at", "2026-03-02", "--wait")
    first = ana(*wish, "--idempotency-key", "a").expect(0).json
    assert ana(*wish, "--idempotency-key", "a").expect(0).json["id"] == first["id"]
    assert ana("reservation", "cancel", "llama", "--validate-only").expect(0).json["cancel_requested_at"]
    ana("reservation", "update", "llama", "--label", "team=research").expect(0)
    named = ana("reservation", "get", "llama").expect(0).json
    assert (named["labels"], named["cancel_requested_at"]) == ({"team": "research"}, None)
    ana("reservation", "cancel", "llama").expect(0)
    stack.advance("2026-01-01T01:00:00Z")
    assert ana("reservation", "get", "llama").expect(0).json["status"]["state"] == "cancelled"
    second = ana(*wish).expect(0).json
    assert second["id"] != first["id"]
    assert ana("reservation", "get", "llama").expect(0).json["id"] == second["id"]
    ana("reservation", "delete", "llama").expect(0)
    ana("reservation", "get", second["id"]).expect(4)


def test_a_quote_with_a_flexible_start_is_made_confirmed_or_given_back_by_name(stack, sluice):
    stack.fleet(nodes=2)
    tenant = stack.tenant("acme")

    def ana(*arguments):
        return sluice(*arguments, "-o", "json", url=stack.url, token=tenant.token)

    wish = ("--instance-type", "h100.8x", "--count", "2", "--zone", "us-east-1a", "--duration", "2d", "--start-from", "2026-03-01",
            "--start-to", "2026-03-10", "--within", "rack", "--preferred", "--spread", "node")
    held = ana("quote", "create", "--name", "maybe", *wish, "--ttl-s", "600").expect(0).json
    assert held["status"]["state"] == "held" and held["duration_s"] == 2 * 86400
    assert held["start_range"] == ["2026-03-01T00:00:00Z", "2026-03-10T00:00:00Z"]
    assert held["placement"] == {"within": "rack", "mode": "preferred", "spread": "node"}
    assert held["price"]["estimate"] == {"amount": "2304.000000", "currency": "USD"}
    shown = sluice("quote", "get", "maybe", url=stack.url, token=tenant.token).expect(0).out
    assert "2304.000000 USD" in shown and "held" in shown
    firm = ana("quote", "confirm", "maybe").expect(0).json
    assert firm["status"]["state"] == "scheduled" and firm["id"].startswith("rsv_")
    assert ana("quote", "confirm", "maybe").expect(5).json["code"] == "quote_used"

    later = ana("quote", "create", "--name", "later", *wish).expect(0).json
    assert later["status"]["starts_at"] == "2026-03-03T00:00:00Z", "behind the other"
    assert [item["name"] for item in ana("quote", "list", "--state", "held").expect(0).json["items"]] == ["later"]
    for order, names in (("oldest", ["maybe", "later"]), ("newest", ["later", "maybe"])):
        assert [item["name"] for item in ana("quote", "list", "--order", order).expect(0).json["items"]] == names
        pages = [tenant.get(f"/v1/quotes?order={order}&limit=1").body]
        pages.append(tenant.get(f"/v1/quotes?order={order}&limit=1&page={pages[0]['next_page']}").body)
        assert [page["items"][0]["name"] for page in pages] == names and pages[1]["next_page"] is None
    ana("quote", "delete", "later").expect(0)
    ana("quote", "get", "later").expect(4)


def test_what_is_free_is_shown_found_and_posted(stack, sluice):
    stack.fleet(nodes=3)
    acme = stack.tenant("acme", currency="USD")
    ask = lambda client, *arguments: sluice(*arguments, url=stack.url, token=client.token)
    window = ("--from", "2026-01-02", "--to", "2026-01-05", "--step-s", "86400")
    acme.create("/v1/reservations", {"instance_type": "h100.8x", "zone": "us-east-1a", "count": 2,
                                     "starts_at": "2026-01-03T00:00:00Z", "ends_at": "2026-01-04T00:00:00Z"})
    rows = [line.split() for line in ask(acme, "availability", *window).expect(0).out.splitlines()[1:]]
    assert [(row[2], row[-1]) for row in rows] == [("2026-01-02", "3"), ("2026-01-03", "1"), ("2026-01-04", "3")]
    search = ("offer", "--instance-type", "h100.8x", "--count", "3", "--zone", "us-east-1a", "--duration", "1d",
              "--duration-most", "36h", "--start-from", "2026-01-03", "--start-to", "2026-01-10", "--budget", "2000 USD")
    shown = ask(acme, *search).expect(0).out.splitlines()
    assert shown[0].split()[0] == "OFFER" and any("earliest" in line and "1728.000000 USD" in line for line in shown[1:])
    offers = ask(acme, *search, "-o", "json").expect(0).json["items"]
    acme.post("/v1/reservations", offers[0]["reservation"]).expect(201)
    assert "nothing fits" in ask(acme, *search[:-1], "1 USD").expect(0).log
    assert ask(acme, *search[:-1], "cheap").expect(2).log
    capacity = ask(stack.operator, "capacity", "--zone", "us-east-1a", *window).expect(0).out.splitlines()
    assert capacity[0].split()[0] == "NAME" and capacity[2].split()[-6:] == ["384", "0", "0", "0", "0", "192"]


def test_what_a_tenant_has_is_made_and_removed(make_stack, sluice, tmp_path):
    keys = tmp_path / "webhook-keys"
    keys.write_text(f"1 {'A' * 43}=\n")
    keys.chmod(0o600)
    stack = make_stack(settings={"sluice-api": {"SLUICE_WEBHOOK_KEY_FILE": str(keys)}})
    stack.fleet(nodes=2, price="2.000000")
    acme = stack.tenant("acme")

    def ask(*arguments, client=acme):
        return sluice(*arguments, url=stack.url, token=client.token)

    public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAbxtRHhZwWzpfHPcT8rmQIS3TC4EnITgX5Qj71ad0+6 ana"
    made = {
        "project": ("--name", "research", "--label", "team=a"),
        "ssh-key": ("--name", "ana", "--public-key", public_key),
        "member": ("--name", "ana", "--email", "ana@example.com", "--role", "viewer"),
        "service-account": ("--name", "deployer", "--role", "member"),
        "webhook": ("--target", "https://hooks.example.com/a", "--events", "reservation.*,instance.running"),
    }
    for noun, options in made.items():
        assert "warnings" in ask(noun, "create", *options, "--validate-only", "-o", "json").expect(0).json
        ask(noun, "create", *options).expect(0)
        assert ask(noun, "list", "-o", "json").expect(0).json["items"], noun
    token = ask("token", "create", "--name", "ci", "--principal", "deployer", "--scopes", "reservations:read", "--expires-at", "2099-01-01",
                "-o", "json").expect(0).json
    assert stack.client(token["token"]).get("/v1/reservations").expect(200) and token["expires_at"] == "2099-01-01T00:00:00Z"
    shown = ask("token", "create", "--name", "shown", "--principal", "deployer").expect(0).out
    assert "slu_" in shown
    assert ask("token", "revoke", "ci").expect(0).out
    eventually(lambda: stack.client(token["token"]).get("/v1/me").status == 401, "the token is refused", A_SECOND_S)
    ask("token", "delete", "shown").expect(0)
    for noun, options in made.items():
        ask(noun, "delete", options[1]).expect(0)
        assert ask(noun, "delete", options[1]).code == 4, noun
    ask("image", "create", "--name", "ubuntu", client=stack.operator).expect(0)
    assert ask("image", "retire", "ubuntu", "-o", "json", client=stack.operator).expect(0).json["retired"] is True
    ask("image", "delete", "ubuntu", client=stack.operator).expect(0)
    # Who is signed in.
    first, second, _ = (acme.create("/v1/sessions", {})["id"] for _ in range(3))
    ask("session", "end", first).expect(0)
    assert second in ask("session", "list").expect(0).out and first not in ask("session", "list", client=stack.operator).out
    assert ask("session", "end-all").expect(0).out.split() == ["ended", "2"]
    assert ask("session", "list", "-o", "json").expect(0).json["items"] == []
    # What is only asked for.
    window = ("--instance-type", "h100.8x", "--zone", "us-east-1a", "--starts-at", "2026-01-02", "--ends-at", "2026-01-03")
    preview = ask("reservation", "create", *window, "--count", "2", "--validate-only").expect(0)
    assert "768.00" in preview.out.replace(",", "") and not ask("reservation", "list", "-o", "json").json["items"]
    assert ask("quote", "create", *window, "--count", "3", "--validate-only").code == 5
    deal = tmp_path / "deal.json"
    deal.write_text(json.dumps({"reservations": [{"instance_type": "h100.8x", "zone": "us-east-1a", "count": count,
                                                  "starts_at": "2026-01-02T00:00:00Z", "ends_at": "2026-01-03T00:00:00Z"} for count in (2, 1)]}))
    rows = ask("simulate", "--zone", "us-east-1a", "--tenant", "acme", "--body", str(deal), client=stack.operator).expect(0).out.splitlines()
    assert rows[1].startswith("yes") and rows[2].startswith("no") and "whole node" in rows[2]
    # Maintenance.
    window = ("--zone", "us-east-1a", "--nodes", "n0000", "--starts-at", "2026-02-01", "--ends-at", "2026-02-02", "--reason", "a fan")
    assert "cheapest" in ask("maintenance", "create", *window, "--validate-only", client=stack.operator).expect(0).out
    identity = ask("maintenance", "create", *window, "-o", "json", client=stack.operator).expect(0).json["id"]
    assert "a fan" in ask("maintenance", "get", identity, client=stack.operator).expect(0).out
    ask("maintenance", "cancel", identity, client=stack.operator).expect(0)
    assert ask("maintenance", "get", "by-no-name", client=stack.operator).code == 2
    assert identity in ask("maintenance", "list", client=stack.operator).expect(0).out
    # What is sold, and for how much.
    as_operator = lambda *arguments: ask(*arguments, "-o", "json", client=stack.operator)
    shape = ("--gpu-count", "4", "--gpu-models", "H100", "--cpu-milli", "96000", "--memory-mib", "1024")
    assert "warnings" in as_operator("instance-type", "create", "--name", "h100.4x", *shape, "--validate-only").expect(0).json
    made = as_operator("instance-type", "create", "--name", "h100.4x", *shape, "--open-ended-max-percent", "40").expect(0).json
    assert (made["gpu_count"], made["gpu_models"], made["cpu_milli"], made["open_ended_max_percent"]) == (4, ["H100"], 96000, 40)
    changed = as_operator("instance-type", "update", "h100.4x", "--gpu-models", "H100,H200", "--description", "half a node").expect(0).json
    assert (changed["gpu_models"], changed["memory_mib"], changed["description"]) == (["H100", "H200"], 1024, "half a node")
    assert "half a node" in ask("instance-type", "get", "h100.4x").expect(0).out
    assert "nothing is said" in ask("instance-type", "update", "h100.4x", client=stack.operator).expect(2).log
    ask("instance-type", "delete", "h100.4x", client=stack.operator).expect(0)
    ask("instance-type", "get", "h100.4x").expect(4)
    sold = ("--sku-kind", "instance_type", "--sku", "h100.8x", "--tenant", "acme")
    price = as_operator("price", "create", *sold, "--gpu-hour", "1.5 USD").expect(0).json
    assert (price["gpu_hour"], price["tenant"], price["model"]) == ({"amount": "1.500000", "currency": "USD"}, "acme", "flat")
    follows = as_operator("price", "create", *sold, "--gpu-hour", "1.25 USD", "--valid-from", "2026-06-01").expect(0).json
    shown = ask("price", "get", price["id"]).expect(0).out
    assert "1.500000 USD" in shown and "2026-06-01" in shown, "the next version ends it"
    assert as_operator("price", "end", follows["id"], "--valid-until", "2026-07-01").expect(0).json["valid_until"] == "2026-07-01T00:00:00Z"
    assert "--gpu-hour wants an amount" in ask("price", "create", *sold, "--gpu-hour", "cheap", client=stack.operator).expect(2).log
    graduated = tmp_path / "graduated.json"
    graduated.write_text(json.dumps({"model": "graduated", "tiers": [{"up_to_gpu_hours": 500, "gpu_hour": "2.000000"}, {"gpu_hour": "1.000000"}]}))
    assert len(as_operator("price", "create", "--body", str(graduated), "--sku-kind", "gpu_model", "--sku", "H200", "--gpu-hour", "2 USD").expect(0).json["tiers"]) == 2
    # What is sold no more.
    ask("instance-type", "retire", "h100.8x", client=stack.operator).expect(0)
    window = ("--instance-type", "h100.8x", "--zone", "us-east-1a", "--starts-at", "2026-01-02", "--ends-at", "2026-01-03")
    assert "instance_type_retired" in ask("reservation", "create", *window, "--count", "1").expect(1).log


def test_a_reservation_is_amended_by_name_and_its_quota_is_shown(stack, sluice):
    stack.fleet(nodes=4, price="2.000000")
    acme = stack.tenant("acme")
    stack.quota("acme", peak_gpu_milli=24000)

    def ask(*arguments):
        return sluice(*arguments, url=stack.url, token=acme.token)

    ask("reservation", "create", "--name", "train", "--instance-type", "h100.8x", "--count", "2", "--zone", "us-east-1a",
        "--starts-at", "2026-01-02", "--ends-at", "2026-01-03").expect(0)
    preview = ask("reservation", "amend", "train", "--ends-at", "2026-01-04", "--validate-only").expect(0)
    assert "768.000000 USD" in preview.out.replace(",", "")
    assert ask("reservation", "get", "train", "-o", "json").json["ends_at"] == "2026-01-03T00:00:00Z"
    granted = ask("reservation", "amend", "train", "--ends-at", "2026-01-04", "--count", "3", "-o", "json").expect(0).json
    assert granted["state"] == "granted" and granted["terms"]["count"] == 3
    assert ask("reservation", "get", "train", "-o", "json").json["ends_at"] == "2026-01-04T00:00:00Z"
    refused = ask("reservation", "amend", "train", "--count", "4")
    assert refused.code == 5 and "quota" in refused.log
    (quota,) = ask("quota", "list", "-o", "json").expect(0).json["items"]
    assert (quota["peak_gpu_milli"], quota["held_peak_gpu_milli"]) == (24000, 24000)
    assert "PEAK GPUS" in ask("quota", "list").expect(0).out


def test_a_replacement_goes_its_way(sluice, stack):
    node = stack.fleet(1)[0]["id"]

    def say(*arguments):
        return sluice("replacement", *arguments, url=stack.url, token=stack.operator.token).expect(0)
    identity = say("create", "--node", node, "--gpu", "3", "--part", "H100 SXM5", "--reason", "XID 79", "-o", "json").json["id"]
    say("update", identity, "--serial", "S-1")
    assert "RMA-7" in say("order", identity, "--reference", "RMA-7").out
    assert identity in say("list", "--state", "ordered", "--node", node).out
    assert "replaced" in say("complete", identity, "--new-serial", "S-2").out
    shown = say("get", identity).out
    assert all(text in shown for text in ("S-1", "S-2", "RMA-7", "XID 79"))
