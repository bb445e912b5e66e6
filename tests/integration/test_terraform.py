"""A generic REST provider of Terraform manages nodes, SSH keys and reservations: its own sequence of requests, written from
its documentation, and the program itself where it can be had."""
# SPDX-License-Identifier: Apache-2.0

import os
import pathlib
import shutil
import subprocess

import pytest

from contract import ROOT
from stack import eventually

EXAMPLE = ROOT / "docs/terraform/main.tf"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAbxtRHhZwWzpfHPcT8rmQIS3TC4EnITgX5Qj71ad0+6 ana@acme"
NODE = {"name": "gpu-0001", "zone": "us-east-1a", "fabric": "f1", "rack": "r1", "leaf": None, "gpu_model": "H100", "gpu_count": 8,
        "cpu_milli": 192000, "memory_mib": 2097152, "labels": {"row": "7", "b": "1", "a": "2"}}
RESERVATION = {"name": "llama-pretrain-3", "instance_type": "h100.8x", "count": 1, "zone": "us-east-1a", "starts_at": "2026-12-01T00:00:00Z",
               "ends_at": "2026-12-08T00:00:00Z", "placement": {"within": "fabric"}, "ssh_keys": ["ben", "ana"],
               "labels": {"team": "pretrain", "a": "\u00e9 \U0001f680"}, "image": None}


def drift(sent, found):
    """What the provider takes for a change outside: every key that was sent, deeply; null is as good as absent, lists are
    compared in order, what the server added is ignored."""
    changed = {}
    for key, value in sent.items():
        actual = found.get(key)
        if isinstance(value, dict):
            below = drift(value, actual) if isinstance(actual, dict) else {"": actual}
            if below:
                changed[key] = below
        elif value != actual:
            changed[key] = actual
    return changed


class Object:
    """One resource of the provider: headers that never change, the id from the answer, PUT of the whole."""

    def __init__(self, client, path, body):
        self.client = client
        self.path = path
        self.headers = {"If-Match": "*", "Prefer": "wait=60"}
        self.body = body
        self.id = None

    def request(self, method, path, body=None):
        return self.client.request(method, path, body, headers=self.headers)

    def apply(self, **changes):
        self.body = {**self.body, **changes}
        if self.id is None:
            answer = self.request("POST", self.path, self.body).expect(200, 201)
            self.id = answer.body["id"]
        else:
            answer = self.request("PUT", f"{self.path}/{self.id}", self.body).expect(200)
        assert drift(self.body, answer.body) == {}
        assert self.plan() == {}

    def plan(self):
        """What a refresh finds changed; None where the object is gone and would be made anew."""
        answer = self.request("GET", f"{self.path}/{self.id}")
        return None if answer.status == 404 else drift(self.body, answer.expect(200).body)

    def version(self):
        """Of its wish."""
        return self.request("GET", f"{self.path}/{self.id}").expect(200).headers["ETag"].split("-")[0]

    def find(self):
        """The data source: search_key = "name", results_key = "items"."""
        found = self.request("GET", f"{self.path}?name={self.body['name']}").expect(200).body["items"]
        return [each["id"] for each in found]

    def destroy(self):
        self.request("DELETE", f"{self.path}/{self.id}").expect(200, 202, 204)
        assert self.plan() is None and self.find() == []


@pytest.fixture
def land(stack):
    """A zone and a type to reserve, without nodes."""
    stack.fleet(0)
    stack.acme = stack.tenant("acme")
    return stack


def is_ready(stack, node):
    return stack.operator.get(f"/v1/system/nodes/{node.id}").body["status"]["state"] == "ready"


def test_the_providers_requests_make_change_and_destroy_what_it_manages(land):
    node = Object(land.operator, "/v1/system/nodes", NODE)
    second = Object(land.operator, "/v1/system/nodes", {**NODE, "name": "gpu-0002"})
    keys = [Object(land.acme, "/v1/ssh-keys", {"name": name, "public_key": KEY.replace("ana@acme", name)}) for name in ("ana", "ben")]
    training = Object(land.acme, "/v1/reservations", RESERVATION)
    for each in (node, second, *keys):
        each.apply()
        assert each.find() == [each.id]
    eventually(lambda: is_ready(land, node) and is_ready(land, second), "the nodes are ready")
    training.apply()
    # Again without a change, as after an import; then one with a new name, more instances and another end at once.
    training.apply()
    training.apply(name="llama-pretrain-4", count=2, ends_at="2026-12-09T00:00:00Z", labels={"team": "serve"})
    assert training.find() == [training.id]
    training.apply(count=1, name=RESERVATION["name"])
    keys[0].apply(public_key=KEY.replace("ana@acme", "ana@laptop"))
    second.apply(name="gpu-0009", labels={})
    # Somebody else changes it: the next plan says what.
    land.acme.patch(f"/v1/reservations/{training.id}", {"labels": {"team": "other"}}).expect(200)
    assert training.plan() == {"labels": {"team": "other"}}
    training.apply()
    # Imported by the id that the data source finds: as it is configured, and written back it is not another version.
    imported = Object(land.acme, "/v1/reservations", training.body)
    (imported.id,) = training.find()
    before = imported.version()
    assert imported.plan() == {}
    imported.apply()
    assert imported.version() == before
    # Somebody else deletes one: the plan finds it gone, and it is made anew under its name; to destroy what is gone is no error.
    former = keys[1].id
    land.acme.delete(f"/v1/ssh-keys/{former}").expect(204)
    assert keys[1].plan() is None and keys[1].request("PUT", f"/v1/ssh-keys/{former}", keys[1].body).expect(404).code == "not_found"
    keys[1].request("DELETE", f"/v1/ssh-keys/{former}").expect(404)
    keys[1].id = None
    keys[1].apply()
    assert keys[1].find() == [keys[1].id] != [former]
    for each in (training, *keys):
        each.destroy()
    for each in (node, second):
        eventually(lambda each=each: each.request("DELETE", f"{each.path}/{each.id}").status == 204, "nobody needs the node")
        assert each.plan() is None
    # And the whole once more, under the same names.
    node.id = None
    node.apply()
    assert node.find() == [node.id]


def test_a_change_that_is_refused_leaves_what_there_was(land):
    node = Object(land.operator, "/v1/system/nodes", NODE)
    node.apply()
    eventually(lambda: is_ready(land, node), "the node is ready")
    training = Object(land.acme, "/v1/reservations", {**RESERVATION, "ssh_keys": []})
    training.apply()
    before = land.acme.get(f"/v1/reservations/{training.id}").body
    refused = training.request("PUT", f"{training.path}/{training.id}", {**training.body, "count": 2})
    assert refused.expect(409).code == "capacity_unavailable"
    assert training.plan() == {} and land.acme.get(f"/v1/reservations/{training.id}").body["status"] == before["status"]
    assert training.request("PUT", f"{training.path}/{training.id}", {**training.body, "zone": "elsewhere"}).expect(422).code == "immutable_field"
    assert training.request("PUT", f"{training.path}/{training.id}", {**training.body, "starts_at": "2026-12-01T01:00:00+01:00"}).expect(422).code == "wrong_type"


# ---- The program itself ----


def mirror():
    """Where terraform finds the provider without a network: TF_PROVIDER_MIRROR names the folder."""
    folder = os.environ.get("TF_PROVIDER_MIRROR")
    if shutil.which("terraform") is None:
        pytest.skip("terraform is not here")
    if folder is None:
        pytest.skip("TF_PROVIDER_MIRROR names no folder with the provider Mastercard/restapi")
    return pathlib.Path(folder)


def test_terraform_applies_the_example(land, tmp_path):
    folder = mirror()
    shutil.copy(EXAMPLE, tmp_path / "main.tf")
    configuration = tmp_path / "terraform.rc"
    configuration.write_text(f'provider_installation {{\n  filesystem_mirror {{\n    path = "{folder}"\n  }}\n}}\n')
    environment = dict(os.environ, TF_CLI_CONFIG_FILE=str(configuration), TF_IN_AUTOMATION="1", TF_VAR_url=land.url,
                       TF_VAR_tenant_token=land.acme.token, TF_VAR_operator_token=land.operator.token, TF_VAR_public_key=KEY)

    def terraform(*arguments, expected=0):
        done = subprocess.run(["terraform", *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == expected, done.stdout + done.stderr

    terraform("init", "-input=false")
    terraform("apply", "-input=false", "-auto-approve")
    terraform("plan", "-input=false", "-detailed-exitcode")  # 0: no change
    text = (tmp_path / "main.tf").read_text()
    (tmp_path / "main.tf").write_text(text.replace("llama-pretrain-3", "llama-pretrain-4").replace("12-08T", "12-09T"))
    terraform("plan", "-input=false", "-detailed-exitcode", expected=2)
    terraform("apply", "-input=false", "-auto-approve")
    terraform("plan", "-input=false", "-detailed-exitcode")
    terraform("destroy", "-input=false", "-auto-approve")
    assert land.acme.items("/v1/reservations") == [] and land.operator.items("/v1/system/nodes") == []
