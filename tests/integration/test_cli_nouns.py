"""The command line's nouns: how one is found by what it is called, and what everybody can do with it."""
# SPDX-License-Identifier: Apache-2.0

import json
import subprocess

import pytest

from command_line import TENANT
from contract import ROOT, binaries
from stack import eventually

ID = "0" * 26


def page(*names, following=None):
    return 200, {"items": [{"id": f"x_{number:05}", "name": name} for number, name in enumerate(names)], "next_page": following}


# ---- Found by name ----


@pytest.mark.parametrize("noun", ["reservation", "quote"])
def test_of_many_that_had_the_name_the_newest_is_shown(ask, server, noun):
    # The API has ever so many of that name: the first page has the one that is meant.
    server.script = [(200, TENANT), page(*["llama"] * 1000, following="a"), (200, {"id": "x_00999"})]
    ask(noun, "get", "llama").expect(0)
    assert [path for _, path, _, _ in server.seen[1:]] == [f"/v1/{noun}s?name=llama&order=newest&limit=1000", f"/v1/{noun}s/x_00999"]


def test_a_name_may_begin_as_an_id_does(ask, server):
    server.script = [(200, TENANT), page("rsv_test"), (200, {"id": "x_00000"})]
    ask("reservation", "get", "rsv_test").expect(0)
    assert server.seen[1][1].startswith("/v1/reservations?name=rsv_test&")
    server.script = [(200, TENANT), (200, {"id": f"rsv_{ID}"})]
    ask("reservation", "get", f"rsv_{ID}").expect(0)
    assert server.seen[-1][1] == f"/v1/reservations/rsv_{ID}"


# ---- Shown ----


def commands():
    """All of them, by their two words."""
    reference = subprocess.run([binaries() / "sluice", "--print-docs"], stdout=subprocess.PIPE, text=True, check=True).stdout
    return {tuple(part.split("\n", 1)[0].split()) for part in reference.split("\n## sluice ")[1:]}


@pytest.mark.parametrize("noun", sorted(words[0] for words in commands() if words[1:] == ("list",) and words[0] != "profile"))
def test_what_is_listed_can_be_shown(ask, server, noun):
    paths = json.loads((ROOT / "api" / "openapi.json").read_text(encoding="utf-8"))["paths"]
    server.script = [(200, TENANT), (200, {"items": [], "next_page": None})]
    if ask(noun, "list").code != 0:
        server.script, server.seen = [(200, {"items": [], "next_page": None})], []
        ask(noun, "list").expect(0)
    path = server.seen[-1][1].partition("?")[0]
    assert ((noun, "get") in commands()) == ("get" in paths.get(path + "/{id}", ())), path


def test_a_note_stands_below_what_it_is_about(server, tmp_path):
    server.script = [page("a", "b", following="more")]
    shown = subprocess.run([binaries() / "sluice", "zone", "list", "--limit", "2"], check=True, text=True, timeout=120,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           env={"SLUICE_URL": server.url, "SLUICE_TOKEN": "slu_x", "XDG_CONFIG_HOME": str(tmp_path)}).stdout
    assert shown.startswith("NAME") and shown.endswith("; --limit shows more\n")


def test_a_list_that_is_cut_says_so(ask, server):
    action = {"items": [{"action": "stop"}], "next_page": "more"}
    for arguments in (("zone", "list"), ("instance", "actions", f"ins_{ID}")):
        server.script = [(200, action)] if arguments[0] == "zone" else [(200, TENANT), (200, action)]
        assert "these are the first 1; --limit shows more" in ask(*arguments, "--limit", "1").expect(0).log


def test_the_help_of_a_noun_is_about_it(sluice):
    assert "Usage: sluice reservation COMMAND [OPTION]...\n" in sluice("reservation", "--help").expect(0).out


# ---- A whole Sluice ----


def test_what_was_made_is_changed_by_name_and_the_rest_of_it_stays(make_stack, sluice, tmp_path):
    keys = tmp_path / "webhook-keys"
    keys.write_text(f"1 {'A' * 43}=\n", encoding="ascii")
    keys.chmod(0o600)
    stack = make_stack(settings={"sluice-api": {"SLUICE_WEBHOOK_KEY_FILE": str(keys)}})
    acme = stack.tenant("acme")

    def change(noun, name, *arguments):
        return sluice(noun, "update", name, *arguments, "-o", "json", url=stack.url, token=acme.token).expect(0).json

    acme.create("/v1/projects", {"name": "research", "description": "For all", "labels": {"team": "a"}})
    changed = change("project", "research", "--label", "cost=b")
    assert (changed["description"], changed["labels"]) == ("For all", {"team": "a", "cost": "b"})
    acme.create("/v1/members", {"name": "ana", "role": "viewer", "email": "ana@example.com"})
    changed = change("member", "ana", "--role", "member")
    assert (changed["role"], changed["email"]) == ("member", "ana@example.com")
    acme.create("/v1/service-accounts", {"name": "ci", "role": "viewer", "description": "Deploys"})
    changed = change("service-account", "ci", "--role", "member")
    assert (changed["role"], changed["description"]) == ("member", "Deploys")
    acme.create("/v1/tokens", {"name": "ci", "role": "viewer"})
    assert change("token", "ci", "--expires-at", "+90d")["role"] == "viewer"
    acme.create("/v1/webhooks", {"url": "https://hooks.example.com/x", "events": ["reservation.*"]})
    change("webhook", "https://hooks.example.com/x", "--target", "https://hooks.example.com/y")
    assert change("webhook", "https://hooks.example.com/y", "--events", "instance.*")["events"] == ["instance.*"]


def test_a_token_and_a_secret_are_given_another_text(make_stack, sluice, tmp_path):
    keys = tmp_path / "webhook-keys"
    keys.write_text(f"1 {'A' * 43}=\n", encoding="ascii")
    keys.chmod(0o600)
    stack = make_stack(settings={"sluice-api": {"SLUICE_WEBHOOK_KEY_FILE": str(keys)}})
    acme = stack.tenant("acme")

    def made(*arguments):
        return sluice(*arguments, "-o", "json", url=stack.url, token=acme.token).expect(0).json

    def me(token):
        return sluice("me", url=stack.url, token=token).code

    first = made("token", "create", "--name", "ci", "--role", "viewer")["token"]
    second = made("token", "rotate", "ci")["token"]  # the first is good for an hour yet
    assert (me(first), me(second)) == (0, 0)
    third = made("token", "rotate", "ci", "--overlap", "0s")["token"]
    eventually(lambda: (me(first), me(second)) == (3, 3), "what they were is good no more")
    assert me(third) == 0
    secret = made("webhook", "create", "--target", "https://hooks.example.com/x", "--events", "reservation.*")["secret"]
    assert made("webhook", "rotate-secret", "https://hooks.example.com/x", "--overlap", "2h")["secret"] not in (None, secret)


def test_a_start_and_a_length_are_a_window(stack, sluice):
    stack.fleet(nodes=1)
    acme = stack.tenant("acme")
    made = sluice("reservation", "create", "--name", "llama", "--instance-type", "h100.8x", "--zone", "us-east-1a",
                  "--starts-at", "2026-01-03", "--duration", "36h", "-o", "json", url=stack.url, token=acme.token).expect(0).json
    assert (made["starts_at"], made["ends_at"]) == ("2026-01-03T00:00:00Z", "2026-01-04T12:00:00Z")


def test_operators_end_and_change_a_tenants_reservation_by_name(stack, sluice):
    stack.fleet(nodes=1)
    acme = stack.tenant("acme")
    made = acme.post("/v1/reservations", {"name": "llama", "instance_type": "h100.8x", "zone": "us-east-1a",
                                          "starts_at": "2026-01-03T00:00:00Z", "ends_at": "2026-01-05T00:00:00Z"}).expect(201).body

    def operate(*arguments):
        return sluice("reservation", *arguments, "-o", "json", url=stack.url, token=stack.operator.token)

    assert operate("amend", "llama", "--ends-at", "2026-01-04").expect(0).json["state"] == "granted"
    assert operate("cancel", "llama").expect(0).json["id"] == made["id"]
    stack.advance("2026-01-01T01:00:00Z")
    assert acme.get(f"/v1/reservations/{made['id']}").body["status"]["state"] == "cancelled"


@pytest.mark.parametrize("command", [
    ("reservation", "delete", "llama"), ("reservation", "update", "llama", "--name", "x"), ("quote", "delete", "maybe"),
    ("project", "delete", "default"), ("project", "create", "--name", "x"), ("project", "get", "default")], ids=" ".join)
def test_what_tenants_alone_do_is_refused_to_operators_as_such(stack, sluice, command):
    acme = stack.tenant("acme")
    stack.fleet(nodes=2)
    wish = {"instance_type": "h100.8x", "zone": "us-east-1a", "starts_at": "2026-01-03T00:00:00Z", "ends_at": "2026-01-04T00:00:00Z"}
    acme.post("/v1/reservations", {"name": "llama", **wish}).expect(201)
    acme.post("/v1/quotes", {"name": "maybe", **wish}).expect(201)
    assert "(forbidden)" in sluice(*command, url=stack.url, token=stack.operator.token).expect(3).log


def test_nodes_are_kept_free_and_emptied_by_name(stack, sluice):
    stack.fleet(nodes=1)

    def operate(*arguments):
        return sluice("node", *arguments, "n0000", "-o", "json", url=stack.url, token=stack.operator.token)

    assert operate("cordon", "--reason", "a fan").expect(0).json["cordon_reason"] == "a fan"
    assert operate("uncordon").expect(0).json["cordoned"] is False
    assert operate("drain", "--reason", "firmware").expect(0).json["draining"] is True
    assert operate("uncordon").expect(0).json["draining"] is False
    assert "/reason" in operate("cordon").expect(1).log


def test_tenants_are_listed_suspended_and_resumed_by_name(stack, sluice):
    stack.tenant("acme")

    def operate(*arguments):
        return sluice("tenant", *arguments, url=stack.url, token=stack.operator.token)

    assert "acme" in operate("list", "--status", "active").expect(0).out
    assert operate("suspend", "acme", "-o", "json").expect(0).json["status"] == "suspended"
    assert "suspended" in operate("get", "acme").expect(0).out
    assert operate("resume", "acme", "-o", "json").expect(0).json["status"] == "active"
