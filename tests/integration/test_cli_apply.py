"""Declarative files: what they say comes to be, once, and what is wrong with them changes nothing."""
# SPDX-License-Identifier: Apache-2.0

import json
import re

import pytest

from command_line import TENANT
from contract import ROOT, binaries

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAbxtRHhZwWzpfHPcT8rmQIS3TC4EnITgX5Qj71ad0+6 ana@acme"
RESERVATION = """
kind: reservation
name: llama
spec:
  project: research
  instance_type: h100.8x
  count: 1
  zone: us-east-1a
  ssh_keys: [ana]
  starts_at: 2026-01-03T00:00:00Z
  ends_at: 2026-01-04T00:00:00Z
"""
TEAM = f"""
kind: ssh-key
name: ana
spec: {{public_key: {KEY}}}
---
kind: project
name: research
spec:
  description: For all
  labels: &labels {{team: pretrain, no: "yes"}}
---
kind: webhook
name: https://hooks.example.com/sluice
spec: {{events: [reservation.*]}}
"""


@pytest.fixture
def write(tmp_path):
    """Writes files of a directory; gives its path and theirs."""

    def files(directory="declared", **texts):
        place = tmp_path / directory
        place.mkdir(exist_ok=True)
        for name, text in texts.items():
            (place / name.replace("_", ".")).write_text(text, encoding="utf-8")
        return place

    return files


@pytest.fixture
def stack(make_stack, tmp_path):
    """A Sluice that keeps webhooks' secrets."""
    keys = tmp_path / "webhook-keys"
    keys.write_text(f"1 {'A' * 43}=\n", encoding="ascii")
    keys.chmod(0o600)
    return make_stack(settings={"sluice-api": {"SLUICE_WEBHOOK_KEY_FILE": str(keys)}})


def applying(sluice, stack, client):
    return lambda *arguments, **options: sluice("apply", *arguments, url=stack.url, token=client.token, **options)


def actions(done):
    return {item["shown"]: (item["action"], item["done"]) for item in done.json["items"]}


# ---- A tenant's files ----


def test_a_team_and_its_reservation_come_to_be_once(stack, sluice, write):
    stack.fleet(2)
    acme = stack.tenant("acme")
    apply = applying(sluice, stack, acme)
    # The reservation stands first: what it needs is made before it all the same.
    place = write(a_yaml=RESERVATION, b_yml=TEAM, c_txt="no: file")

    dry = apply("-f", str(place), "--dry-run").expect(0)
    assert apply("-f", str(place), "--dry-run", "--detailed-exitcode").expect(7).out == dry.out
    apply("-f", str(place), "--detailed-exitcode").expect(2)
    assert "+ project/research\n" in dry.out and '+   labels.team: "pretrain"\n' in dry.out
    assert "to be checked once there is project/research" in dry.out
    assert acme.items("/v1/projects?name=research") == []
    assert acme.items("/v1/reservations") == [] and acme.items("/v1/ssh-keys") == []

    done = apply("-f", str(place)).expect(0)
    lines = [line for line in done.out.splitlines() if " created" in line]
    assert [line.split()[0] for line in lines] == ["project/research", "ssh-key/ana", "webhook/https://hooks.example.com/sluice", "reservation/llama"]
    assert lines[-1].endswith("(scheduled)") and re.search("shown this once: whsec_", done.out)
    assert "4 to create, 0 to change, 0 unchanged, 0 refused; 4 done" in done.log
    assert acme.items("/v1/projects?name=research")[0]["labels"] == {"team": "pretrain", "no": "yes"}

    events = len(stack.events(acme))
    again = apply("-f", str(place)).expect(0)
    assert [line.split() for line in again.out.splitlines()] == [[line.split()[0], "unchanged"] for line in lines]
    assert len(stack.events(acme)) == events


def test_what_is_otherwise_is_changed_as_it_was_compared(stack, sluice, write):
    stack.fleet(2)
    acme = stack.tenant("acme")
    apply = applying(sluice, stack, acme)
    place = write(team_yaml=TEAM + "---" + RESERVATION)
    apply("-f", str(place)).expect(0)
    longer = RESERVATION.replace("count: 1", "count: 2").replace("01-04", "01-05")
    write(team_yaml=TEAM.replace("  description: For all\n", "").replace('team: pretrain, no: "yes"', "team: research") + "---" + longer)
    planned = apply("-f", str(place), "--dry-run").expect(0)
    assert '-   description: "For all"\n' in planned.out and '-   labels.no: "yes"\n' in planned.out
    assert '-   labels.team: "pretrain"\n+   labels.team: "research"\n' in planned.out
    assert "-   count: 1\n+   count: 2\n" in planned.out and "    costs: " in planned.out
    assert acme.items("/v1/reservations")[0]["count"] == 1

    done = apply("-f", str(place), "-o", "json").expect(0)
    assert actions(done) == {"project/research": ("change", True), "ssh-key/ana": ("none", False),
                             "webhook/https://hooks.example.com/sluice": ("none", False), "reservation/llama": ("change", True)}
    assert {"field": "ends_at", "before": "2026-01-04T00:00:00Z", "after": "2026-01-05T00:00:00Z"} in done.json["items"][-1]["differences"]
    assert [(each["count"], each["ends_at"]) for each in acme.items("/v1/reservations")] == [(2, "2026-01-05T00:00:00Z")]
    assert acme.items("/v1/projects?name=research")[0]["labels"] == {"team": "research"}
    assert all(each["action"] == "none" for each in apply("-f", str(place), "-o", "json").expect(0).json["items"])


def test_a_flexible_start_is_unchanged_when_applied_again_and_lengthened_when_it_says_so(stack, sluice, write):
    stack.fleet(2)
    acme = stack.tenant("acme")
    apply = applying(sluice, stack, acme)
    flexible = re.sub(r"  starts_at: .*\n  ends_at: .*\n", "  duration_s: 86400\n  start_range: [null, 2026-01-09T00:00:00Z]\n", RESERVATION)
    assert flexible != RESERVATION
    for count, days, seconds in ((1, 1, 86400), (2, 1, 86400), (2, 2, 172800)):
        place = write(team_yaml=TEAM + "---" + flexible.replace("count: 1", f"count: {count}").replace("86400", str(seconds)))
        apply("-f", str(place)).expect(0)
        assert all(each["action"] == "none" for each in apply("-f", str(place), "-o", "json").expect(0).json["items"])
        (made,) = acme.items("/v1/reservations")
        assert (made["count"], made["duration_s"], made["status"]["ends_at"]) == (count, seconds, f"2026-01-0{1 + days}T00:00:00Z")


def test_a_plan_warns_of_what_would_wait(stack, sluice, write):
    stack.fleet(1)
    acme = stack.tenant("acme")
    waits = RESERVATION.replace("count: 1", "count: 2\n  if_unavailable: waitlist").replace("  project: research\n", "").replace("  ssh_keys: [ana]\n", "")
    planned = applying(sluice, stack, acme)("-f", str(write(llama_yaml=waits)), "--dry-run").expect(0)
    assert "    warning: there is no place now" in planned.out


def test_nothing_is_changed_where_anything_is_refused(stack, sluice, write):
    stack.fleet(1)
    acme = stack.tenant("acme")
    apply = applying(sluice, stack, acme)
    place = write(a_yaml=TEAM, b_yaml=RESERVATION.replace("count: 1", "count: 9").replace("  project: research\n", "").replace("  ssh_keys: [ana]\n", ""),
                  c_yaml="kind: project\nname: other\nspec: {colour: red}\n---\nkind: reservation\nname: x\nspec: {zone: nowhere, instance_type: h100.8x}\n")
    refused = apply("-f", str(place)).expect(1)  # as the first of them
    assert f"'{place}/b.yaml', document 1 (line 2): " in refused.log and "what would fit (each can be the spec instead)" in refused.log
    assert f"'{place}/c.yaml', document 1 (line 1): " in refused.log and "/colour" in refused.log
    assert f"'{place}/c.yaml', document 2 (line 5): " in refused.log and "/zone" in refused.log
    assert "nothing was changed: 3 of 6 cannot be as declared" in refused.log
    assert acme.items("/v1/ssh-keys") == [] and acme.items("/v1/reservations") == []
    report = apply("-f", str(place), "-o", "json").expect(1).json
    assert [item["action"] for item in report["items"]] == ["create", "refuse", "create", "create", "refuse", "refuse"]
    assert report["items"][1]["problem"]["errors"][0]["pointer"] == "/colour"


def test_what_fails_between_is_told_with_what_was_done_and_goes_on_the_next_time(stack, sluice, write):
    stack.fleet(1)
    acme = stack.tenant("acme")
    apply = applying(sluice, stack, acme)
    # Two that each fit, but not both: only once the first has its place is the second refused.
    both = TEAM + "---" + RESERVATION + "---" + RESERVATION.replace("llama", "mistral")
    place = write(a_yaml=both)
    failed = apply("-f", str(place)).expect(5)
    assert "reservation/llama created (scheduled)" in failed.out and "reservation/mistral created" not in failed.out
    assert f"'{place}/a.yaml', document 5 (line " in failed.log and "1 refused; 4 done" in failed.log
    write(a_yaml=both.replace("name: mistral", "name: mistral # later").rpartition("2026-01-03")[0] + "2026-01-04T00:00:00Z\n  ends_at: 2026-01-05T00:00:00Z\n")
    assert "reservation/llama unchanged" in apply("-f", str(place)).expect(0).out
    states = sorted((each["name"], each["status"]["state"]) for each in acme.items("/v1/reservations"))
    assert states == [("llama", "scheduled"), ("mistral", "rejected"), ("mistral", "scheduled")]


def test_a_reservation_that_had_its_time_is_done_and_one_that_was_cancelled_is_wanted_again(stack, sluice):
    stack.fleet(1)
    acme = stack.tenant("acme")
    apply = applying(sluice, stack, acme)
    wanted = RESERVATION.replace("  project: research\n", "").replace("  ssh_keys: [ana]\n", "")

    def ids():
        return {each["id"]: each["status"]["state"] for each in acme.items("/v1/reservations?name=llama")}

    apply("-f", "-", stdin=wanted).expect(0)
    first = next(iter(ids()))
    acme.post(f"/v1/reservations/{first}/cancel").expect(200)
    assert "reservation/llama created (scheduled)" in apply("-f", "-", stdin=wanted).expect(0).out
    assert sorted(ids().values()) == ["cancelled", "scheduled"]
    stack.advance("2026-01-05T00:00:00Z")
    assert sorted(ids().values()) == ["cancelled", "ended"]
    assert "reservation/llama unchanged (ended)" in apply("-f", "-", stdin=wanted).expect(0).out
    later = wanted.replace("2026-01-0", "2026-02-0")
    assert "reservation/llama created (scheduled)" in apply("-f", "-", stdin=later).expect(0).out
    assert len(ids()) == 3


def test_of_many_that_left_their_name_the_newest_is_asked_for_first(ask, server):
    server.script = [(200, TENANT), (401, {"detail": "enough"})]
    ask("apply", "-f", "-", stdin=RESERVATION).expect(3)
    assert server.seen[-1][1] == "/v1/reservations?name=llama&order=newest&limit=1000"


# ---- Operators' files ----


def test_a_fleet_its_tenants_and_their_quotas_are_declared(stack, sluice):
    apply = applying(sluice, stack, stack.operator)
    files = """
kind: quota
spec: {tenant: acme, zone: eu-1, peak_gpu_milli: 8000}
---
kind: quota
spec: {tenant: acme, zone: eu-1, gpu_model: H100, peak_gpu_milli: 4000}
---
kind: node
name: n1
spec: {zone: eu-1, fabric: f1, rack: r1, gpu_model: H100, gpu_count: 8, cpu_milli: 192000, memory_mib: 2097152}
---
kind: node
name: n2
spec: {zone: eu-1, fabric: f1, rack: r2, gpu_model: H100, gpu_count: 8, cpu_milli: 9000, memory_mib: 9000, labels: {row: "7"}}
---
kind: instance_type
name: h100.8x
spec: {gpu_count: 8, gpu_models: [H100], cpu_milli: 192000, memory_mib: 2097152}
---
kind: zone
name: eu-1
spec: {lead_s: 600}
---
kind: image
name: ubuntu
---
kind: tenant
name: acme
spec: {currency: USD}
---
kind: tenant
name: other
---
kind: member
name: ana
spec: {tenant: acme, role: admin}
---
kind: member
name: ana
spec: {tenant: other, role: viewer}
---
kind: service-account
name: deployer
spec: {tenant: acme, role: member}
---
kind: asset
name: SN-1
spec:
  cohort: 2025-q4
  purchase_order: PO-1
  cost: {amount: "24000.00", currency: USD}
  salvage: {amount: "0.00", currency: USD}
  in_service: 2025-12-01
  life_months: 60
---
kind: purchase-order
name: PO-1
spec: {vendor: acme, ordered_on: 2025-11-01, price: {amount: "48000.00", currency: USD}}
---
kind: billing-profile
spec: {tenant: acme, legal_name: Acme AG, country: DE}
"""
    done = apply("-f", "-", "-o", "json", stdin=files).expect(0)
    assert len(actions(done)) == 15 and set(actions(done).values()) == {("create", True)}
    assert set(actions(apply("-f", "-", "-o", "json", stdin=files).expect(0)).values()) == {("none", False)}
    changed = files
    for before, after in (("lead_s: 600", "lead_s: 900"), ("peak_gpu_milli: 4000", "peak_gpu_milli: 6000"), ("role: viewer", "role: member"),
                          ("Acme AG", "Acme SE"), ('"7"', '"8"')):
        changed = changed.replace(before, after)
    done = actions(apply("-f", "-", "-o", "json", stdin=changed).expect(0))
    assert {shown for shown, action in done.items() if action == ("change", True)} == {
        "zone/eu-1", "node/eu-1/n2", "quota/acme/eu-1/H100", "member/other/ana", "billing-profile/acme"}
    assert stack.operator.items("/v1/system/nodes?name=n2")[0]["labels"] == {"row": "8"}
    immutable = apply("-f", "-", stdin=changed.replace("rack: r2, gpu_model: H100, gpu_count: 8", "rack: r2, gpu_model: H100, gpu_count: 4")).expect(1)
    assert "/gpu_count" in immutable.log and "'standard input', document 4 (line " in immutable.log
    assert "a project is not made with a provider's token" in apply("-f", "-", stdin="kind: project\nname: x\n").expect(3).log
    tenants = applying(sluice, stack, stack.token("admin", "acme"))
    assert "a zone is not made with a tenant's token" in tenants("-f", "-", stdin="kind: zone\nname: x\n").expect(3).log


def test_nodes_of_two_zones_may_be_called_alike(stack, sluice):
    apply = applying(sluice, stack, stack.operator)
    files = "".join(f"""
---
kind: zone
name: {zone}
---
kind: node
name: n1
spec: {{zone: {zone}, fabric: f1, rack: r1, gpu_model: H100, gpu_count: 8, cpu_milli: 192000, memory_mib: 2097152}}
""" for zone in ("eu-1", "eu-2"))
    done = apply("-f", "-", "-o", "json", stdin=files).expect(0)
    nodes = {"node/eu-1/n1", "node/eu-2/n1"}
    assert {shown for shown, action in actions(done).items() if action == ("create", True)} == nodes | {"zone/eu-1", "zone/eu-2"}
    assert set(actions(apply("-f", "-", "-o", "json", stdin=files).expect(0)).values()) == {("none", False)}
    assert sorted(each["zone"] for each in stack.operator.items("/v1/system/nodes?name=n1")) == ["eu-1", "eu-2"]


def test_what_is_never_shown_is_sent_again_and_told_by_what_became_of_it(stack, sluice):
    acme = stack.tenant("acme")
    apply = applying(sluice, stack, acme)
    hook = "kind: webhook\nname: https://hooks.example.com/x\nspec: {events: [reservation.*], secret: whsec_%s}\n"
    first, second = hook % ("A" * 32), hook % ("B" * 32)
    assert "webhook/https://hooks.example.com/x created" in apply("-f", "-", stdin=first).expect(0).out
    assert "webhook/https://hooks.example.com/x unchanged" in apply("-f", "-", stdin=first).expect(0).out
    for secret, code in ((first, 0), (second, 7)):
        assert "sent again" in apply("-f", "-", "--dry-run", "--detailed-exitcode", stdin=secret).expect(code).out
    assert "webhook/https://hooks.example.com/x changed" in apply("-f", "-", stdin=second).expect(0).out


# ---- Files that are none ----


@pytest.mark.parametrize("text,log", [
    ("kind: project\nname: a\n---\nkind: project\nname: [b\n", "'standard input': line 6: "),
    ("kind: project\nname: a\n---\nkind: pod\nname: b\n", "'standard input', document 2 (line 4): there is no kind 'pod'"),
    ("kind: project\nname: a\n---\nkind: project\nname: a\n", "document 2 (line 4): project/a stands in 'standard input', document 1"),
    ('{"kind": "project",\n"name" "a"}', "'standard input': line 2: "),
    ("kind: project\nname: a\nspec: {client_token: x}\n", "document 1 (line 1): spec.client_token is one request's"),
    ("kind: quote\nname: a\n", "document 1 (line 1): a quote is not declared: it holds for a while"),
    ("# nothing\n", "nothing is declared there"),
])
def test_a_file_that_cannot_be_read_is_told_with_its_line_before_anybody_is_asked(ask, server, text, log):
    assert log in ask("apply", "-f", "-", stdin=text).expect(2).log
    assert server.seen == []


def test_files_that_are_not_there_or_too_large_are_told(ask, server, tmp_path):
    assert "cannot open" in ask("apply", "-f", str(tmp_path / "x")).expect(2).log
    assert "has no file" in ask("apply", "-f", str(tmp_path)).expect(2).log
    (tmp_path / "large.yaml").write_text("#" * (4 << 20) + "\n", encoding="ascii")
    assert "is longer than" in ask("apply", "-f", str(tmp_path)).expect(2).log
    assert "needs a file" in ask("apply").expect(2).log
    assert "nothing is declared" in ask("apply", "-f", "-", "-f", "-", stdin="").expect(2).log
    assert server.seen == []


def test_who_changed_it_meanwhile_is_not_overwritten_and_a_lost_answer_is_told(ask, server):
    found = {"items": [{"id": "prj_1", "name": "a"}], "next_page": None}
    before, after = {"id": "prj_1", "name": "a", "description": "x"}, {"id": "prj_1", "name": "a", "description": "y"}
    asked = [(200, TENANT), (200, found), (200, before, 'ETag: "3-0"\r\n'), (200, after)]
    file = "kind: project\nname: a\nspec: {description: y}\n"
    server.script = [*asked, (412, {"detail": "it has changed"})]
    assert "apply again" in ask("apply", "-f", "-", stdin=file).expect(5).log
    assert [(method, path) for method, path, _, _ in server.seen[3:]] == [
        ("PUT", "/v1/projects/prj_1?validate_only=true"), ("PUT", "/v1/projects/prj_1")]
    assert all(headers["If-Match"] == '"3-0"' for _, _, headers, _ in server.seen[3:])
    assert json.loads(server.seen[-1][3]) == {"name": "a", "description": "y"}

    server.script = [(200, TENANT), (200, {"items": [], "next_page": None}), (200, after), *[None] * 10]
    server.seen.clear()
    lost = ask("apply", "-f", "-", stdin=file).expect(1)
    assert "apply again, which finds what did" in lost.log
    keys = [headers["Idempotency-Key"] for _, _, headers, _ in server.seen if "Idempotency-Key" in headers]
    assert len(keys) >= 4 and len(set(keys)) == 1


# ---- The table of kinds ----


def test_each_kind_is_one_of_the_contract(sluice):
    document = json.loads((ROOT / "api" / "openapi.json").read_text(encoding="utf-8"))["paths"]
    reference = sluice("--print-docs").expect(0).out
    kinds = re.findall(r"^\| `([a-z-]+)` \| (`[^|]*) \| (yes)? ?\| (yes)? ?\|$", reference, re.MULTILINE)
    assert len(kinds) > 10 and binaries()
    for kind, fields, tenants, provider in kinds:
        for side, is_made in (("/v1", tenants), ("/v1/system", provider)):
            path = f"{side}/{kind}s"
            declarative = {"post", "get"} <= set(document.get(path, ())) and "put" in document.get(path + "/{id}", ())
            assert declarative == bool(is_made), path
            if is_made:
                filters = {each.get("name") for each in document[path]["get"]["parameters"]}
                found_by = set(re.findall(r"`(\w+)`", fields))
                assert found_by - {"tenant" if side == "/v1" else "gpu_model"} - filters <= {"gpu_model"}, path
    # What can be made and changed and is no kind is an act, which has no name: it is asked for, not declared.
    others = {path for path in document if "post" in document[path] and "put" in document.get(path + "/{id}", ())}
    others -= {f"{side}/{kind}s" for kind, _, _, _ in kinds for side in ("/v1", "/v1/system")}
    assert others == {"/v1/system/maintenance-windows", "/v1/system/replacement-requests"}
