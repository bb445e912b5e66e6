"""What a wish names: projects, SSH keys and images are objects with rules of their own, and a reservation is resolved
against them once, when it is made."""
# SPDX-License-Identifier: Apache-2.0

import contextlib
import os
import shutil
import subprocess

import pytest

from contract import ROOT
from stack import eventually

ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAbxtRHhZwWzpfHPcT8rmQIS3TC4EnITgX5Qj71ad0+6 ana@acme"
FINGERPRINT = "SHA256:EyAnmuIpVHhgsQMlSeayRHFdKC9eGAQnyMmReP6kkq0"
NISTP256 = ("ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBHG6/N1waf/WjieCvsCJRttw8ps/o/+6"
            "3nRsrRs+zCSlFxk4mTuDAb+8LdI3OvPC+wjcEdVHUKieDJNhG6XnJCc= ana@acme")
WISH = {"instance_type": "h100.8x", "zone": "us-east-1a", "starts_at": "2026-01-03T00:00:00Z", "ends_at": "2026-01-03T01:00:00Z"}


@pytest.fixture(scope="module")
def shop(module_stack):
    """Each test has a tenant of its own."""
    module_stack.fleet(4)
    return module_stack


@pytest.fixture
def acme(shop, request):
    return shop.tenant(request.node.name.replace("test_", "").replace("_", "-")[:60])


def pointers(answer):
    return {error["pointer"]: error["code"] for error in answer.body["errors"]}


# ---- SSH keys ----


def test_a_key_comes_back_as_it_was_sent_with_its_fingerprint(acme):
    made = acme.create("/v1/ssh-keys", {"name": "ana", "public_key": ED25519})
    assert made["public_key"] == ED25519 and made["status"] == {"type": "ssh-ed25519", "fingerprint": FINGERPRINT}
    assert acme.get(f"/v1/ssh-keys/{made['id']}").expect(200).body == made
    assert acme.items("/v1/ssh-keys?name=ana") == acme.items(f"/v1/ssh-keys?fingerprint={FINGERPRINT.replace('+', '%2B')}") == [made]
    assert acme.post("/v1/ssh-keys", {"name": "ana", "public_key": NISTP256}).expect(409).code == "name_taken"


def test_a_key_is_replaced_and_removed_as_terraform_does_it(acme):
    made = acme.create("/v1/ssh-keys", {"name": "ana", "public_key": ED25519})
    path = f"/v1/ssh-keys/{made['id']}"
    changed = acme.request("PUT", path, {"name": "ana", "public_key": NISTP256}, headers={"If-Match": "*"}).expect(200)
    assert changed.body["public_key"] == NISTP256 and changed.headers["ETag"].startswith('"2-')
    assert acme.request("PUT", path, {"name": "ana", "public_key": ED25519}, headers={"If-Match": '"1-0"'}).expect(412)
    refused = acme.patch(path, {"name": "bob"}).expect(422)
    assert pointers(refused) == {"/name": "immutable_field"}
    acme.delete(path).expect(204)
    acme.get(path).expect(404)
    assert acme.items("/v1/ssh-keys") == []


def test_what_is_no_key_is_refused(acme):
    for wrong in ("ssh-ed25519 AAAA", ED25519[:60], "command=\"sh\" " + ED25519, "-----BEGIN OPENSSH PRIVATE KEY-----"):
        refused = acme.post("/v1/ssh-keys", {"name": "x", "public_key": wrong}).expect(422)
        assert pointers(refused) == {"/public_key": "invalid_public_key"}, wrong
    refused = acme.post("/v1/ssh-keys", {"name": "x", "public_key": ED25519 + "\n" + NISTP256}).expect(422)
    assert pointers(refused) == {"/public_key": "out_of_range"}


def test_what_an_instance_gets_is_fixed_when_it_is_reserved(acme):
    for name, key in (("ana", ED25519), ("bob", NISTP256)):
        acme.create("/v1/ssh-keys", {"name": name, "public_key": key})
    made = acme.create("/v1/reservations", {**WISH, "ssh_keys": ["bob", "ana"], "user_data": "#cloud-config\nhostname: x\n"})
    assert made["ssh_keys"] == ["bob", "ana"] and made["user_data"] == "#cloud-config\nhostname: x\n"
    path = f"/v1/reservations/{made['id']}"
    assert acme.get(path).body["authorized_keys"] == [NISTP256, ED25519]
    for key in acme.items("/v1/ssh-keys"):
        acme.delete(f"/v1/ssh-keys/{key['id']}").expect(204)
    shown = acme.get(path).body
    assert shown["authorized_keys"] == [NISTP256, ED25519] and shown["ssh_keys"] == ["bob", "ana"]
    assert "authorized_keys" not in acme.items("/v1/reservations")[0]


def test_an_unknown_key_is_refused_and_another_tenants_too(shop, acme):
    acme.create("/v1/ssh-keys", {"name": "ana", "public_key": ED25519})
    assert acme.post("/v1/reservations", {**WISH, "ssh_keys": ["ana", "bob"]}).expect(422).code == "unknown_ssh_key"
    other = shop.tenant("stranger")
    assert other.post("/v1/reservations", {**WISH, "ssh_keys": ["ana"]}).expect(422).code == "unknown_ssh_key"
    assert other.items("/v1/ssh-keys") == []


# ---- Projects ----


def test_a_wish_is_in_a_project_that_there_is(acme):
    assert [project["name"] for project in acme.items("/v1/projects")] == ["default"]
    assert acme.create("/v1/reservations", WISH)["project"] == "default"
    assert pointers(acme.post("/v1/reservations", {**WISH, "project": "research"}).expect(422)) == {"/project": "unknown_project"}
    made = acme.create("/v1/projects", {"name": "research", "labels": {"team": "pretrain"}})
    assert acme.get(f"/v1/projects/{made['id']}").expect(200).body == made
    reserved = acme.create("/v1/reservations", {**WISH, "project": "research"})
    path = f"/v1/reservations/{reserved['id']}"
    assert pointers(acme.patch(path, {"project": "nowhere"}).expect(422)) == {"/project": "unknown_project"}
    assert acme.patch(path, {"project": "default"}).expect(200).body["project"] == "default"


def test_a_project_in_use_is_not_removed(shop, acme):
    made = acme.create("/v1/projects", {"name": "research"})
    path = f"/v1/projects/{made['id']}"
    reserved = acme.create("/v1/reservations", {**WISH, "project": "research"})
    assert acme.delete(path).expect(409).code == "project_in_use"
    acme.post(f"/v1/reservations/{reserved['id']}/cancel").expect(200)
    quota = {"tenant": "a-project-in-use-is-not-removed", "zone": "us-east-1a", "project": "research", "peak_gpu_milli": 8000}
    assert pointers(shop.operator.post("/v1/system/quotas", {**quota, "project": "nowhere"}).expect(422)) == {
        "/project": "unknown_project"}
    quota = shop.operator.create("/v1/system/quotas", quota)
    assert acme.delete(path).expect(409).code == "project_in_use"
    shop.operator.delete(f"/v1/system/quotas/{quota['id']}").expect(204)
    eventually(lambda: acme.delete(path).status == 204, "what was reserved in it is over")
    acme.get(path).expect(404)
    assert acme.get(f"/v1/reservations/{reserved['id']}").body["project"] == "research", "its name stays with what was in it"
    default = acme.items("/v1/projects?name=default")[0]
    assert acme.delete(f"/v1/projects/{default['id']}").expect(409).code == "project_in_use"


def test_operators_see_whose_projects_there_are(shop, acme):
    acme.create("/v1/projects", {"name": "seen"})
    (project,) = shop.operator.items("/v1/system/projects?name=seen")
    assert project["tenant"] == "operators-see-whose-projects-there-are"


# ---- Images ----


def test_an_image_is_the_operators_and_named_by_tenants(shop, acme):
    body = {"name": "ubuntu-24.04", "source": "https://images.example.com/ubuntu", "sha256": "ab" * 32}
    made = shop.operator.create("/v1/system/images", body)
    assert {key: made[key] for key in body} == body
    (shown,) = acme.items("/v1/images?name=ubuntu-24.04")
    assert shown["id"] == made["id"] and "source" not in shown
    acme.post("/v1/system/images", body).expect(403)
    assert acme.post("/v1/reservations", {**WISH, "image": "ubuntu-26.04"}).expect(422).code == "unknown_image"
    reserved = acme.create("/v1/reservations", {**WISH, "image": "ubuntu-24.04"})
    path = f"/v1/system/images/{made['id']}"
    assert shop.operator.delete(path).expect(409).code == "image_in_use"
    assert shop.operator.patch(path, {"retired": True}).expect(200).body["retired"] is True
    assert acme.post("/v1/reservations", {**WISH, "image": "ubuntu-24.04"}).expect(422).code == "unknown_image"
    assert acme.get(f"/v1/reservations/{reserved['id']}").body["image"] == "ubuntu-24.04"
    for wrong in ("ab", "AB" * 32, "zz" * 32):
        assert pointers(shop.operator.patch(path, {"sha256": wrong}).expect(422)) == {"/sha256": "out_of_range"}


# ---- Instance types ----


def test_a_retired_instance_type_keeps_what_is_reserved_and_takes_no_more(shop, acme):
    made = shop.operator.create("/v1/system/instance-types", {
        "name": "h100.old", "gpu_count": 1, "gpu_models": ["H100"], "cpu_milli": 1000, "memory_mib": 1024})
    price = {"sku_kind": "instance_type", "sku": "h100.old", "gpu_hour": {"amount": "2.000000", "currency": "USD"}}
    shop.operator.create("/v1/system/prices", price)
    wish = {"instance_type": "h100.old", "count": 1, "zone": WISH["zone"], "starts_at": "2026-02-03T00:00:00Z", "ends_at": "2026-02-03T01:00:00Z"}
    reserved = acme.create("/v1/reservations", wish)
    quote = acme.create("/v1/quotes", wish)
    repeated = {"Idempotency-Key": "before"}
    before = acme.create("/v1/reservations", wish, headers=repeated)
    path = f"/v1/system/instance-types/{made['id']}"
    assert shop.operator.delete(path).expect(409).code == "instance_type_in_use"
    assert shop.operator.patch(path, {"retired": True}).expect(200).body["retired"] is True
    # Nothing new of it ...
    for way in ("/v1/reservations", "/v1/quotes", "/v1/reservations?validate_only=true"):
        assert acme.post(way, wish).expect(422).code == "instance_type_retired"
    search = {"instance_type": "h100.old", "count": 1, "zone": wish["zone"], "duration_s": {"least": 3600, "most": 3600}}
    assert pointers(acme.post("/v1/offers", search).expect(422)) == {"/instance_type": "instance_type_retired"}
    assert pointers(acme.get("/v1/availability?instance_type=h100.old").expect(422)) == {"?instance_type": "instance_type_retired"}
    assert "h100.old" not in {item["instance_type"] for item in acme.get("/v1/availability").expect(200).body["items"]}
    # ... and what was promised is kept: a repetition, a quote that holds, other terms, and the price.
    assert acme.post("/v1/reservations", wish, headers=repeated).body["id"] == before["id"]
    assert acme.create("/v1/reservations", {"quote": quote["id"]})["instance_type"] == "h100.old"
    longer = f"/v1/reservations/{reserved['id']}/amendments"
    preview = acme.create(longer + "?validate_only=true", {"ends_at": "2026-02-03T02:00:00Z"})
    assert preview["state"] == "granted" and preview["cost_delta"]["amount"] == "2.000000"
    assert acme.create(longer, {"ends_at": "2026-02-03T02:00:00Z"})["state"] == "granted"
    shop.operator.create("/v1/system/prices", {**price, "valid_from": "2026-03-01T00:00:00Z"})
    shop.operator.patch(path, {"retired": False}).expect(200)
    acme.create("/v1/reservations?validate_only=true", wish)


# ---- What was there before ----


def test_what_was_a_text_becomes_an_object(cluster):
    """Migrations up to the one before, a tenant with texts in its wishes, and then the rest."""
    name = "named_things_before"
    files = sorted((ROOT / "migrations").glob("[0-9]*.sql"))
    before = [file for file in files if file < next(file for file in files if "named_things" in file.name)]
    with contextlib.closing(cluster.connect("postgres")) as admin, admin.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    try:
        tree = cluster.directory.parent / name
        shutil.copytree(ROOT / "deploy", tree / "deploy")
        (tree / "migrations").mkdir()
        for file in before:
            shutil.copy(file, tree / "migrations")
        migrate(cluster, tree, name)
        with contextlib.closing(cluster.connect(name)) as database, database.cursor() as cursor:
            cursor.execute("""
                INSERT INTO tenant (id, name) SELECT gen_random_uuid(), n FROM unnest(ARRAY['acme', 'other']) AS n;
                INSERT INTO zone (id, name, driver) VALUES (gen_random_uuid(), 'z', 'sim');
                INSERT INTO reservation (id, tenant_id, principal_id, project, zone_id, gpu_count, gpu_milli, gpu_models, cpu_milli,
                                         memory_mib, count, image)
                SELECT gen_random_uuid(), t.id, t.id, p, z.id, 1, 0, '{}', 0, 0, 1, 'Ubuntu 24'
                  FROM tenant t, zone z, unnest(ARRAY['default', 'Big Model', 'Big Model']) AS p WHERE t.name = 'acme';
                INSERT INTO quota (id, tenant_id, zone_id, project, peak_gpu_milli)
                SELECT gen_random_uuid(), t.id, z.id, 'capped', 1000 FROM tenant t, zone z WHERE t.name = 'other'""")
        migrate(cluster, ROOT, name)
        with contextlib.closing(cluster.connect(name)) as database, database.cursor() as cursor:
            cursor.execute("SELECT t.name, p.name FROM project p JOIN tenant t ON t.id = p.tenant_id ORDER BY 1, 2")
            assert cursor.fetchall() == [("acme", "Big Model"), ("acme", "default"), ("other", "capped"), ("other", "default")]
            cursor.execute("SELECT name FROM image")
            assert cursor.fetchall() == [("Ubuntu 24",)]
    finally:
        cluster.drop_database(name)


def migrate(cluster, tree, database):
    environment = dict(os.environ, SLUICE_DATABASE_URL=cluster.url(database), PGUSER="postgres")
    done = subprocess.run([tree / "deploy/migrate"], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
