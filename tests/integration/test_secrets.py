"""What is secret stays so: tokens, the secret of cursors, the database's password. They are used, well and badly, and then
looked for wherever an operator, a monitor or another user of the machine could see them."""
# SPDX-License-Identifier: Apache-2.0

import base64
import os
import pathlib
import re
import secrets
import subprocess

import pytest

from contract import ROOT, binaries
from stack import Client, Stack, eventually

PROGRAMS = ("sluice-api", "sluice-provisioner", "sluice-billing")


@pytest.fixture
def guarded(cluster, tmp_path):
    """A stack whose database has a password and whose cursors have a secret."""
    stack = Stack(cluster, tmp_path)
    stack.secrets = {"the database's password": secrets.token_hex(16), "the cursors' secret": secrets.token_hex(16)}
    password = stack.secrets["the database's password"]
    mark = "&" if "?" in stack.database_url else "?"
    for daemon in stack.daemons.values():
        daemon.environment["SLUICE_DATABASE_URL"] += f"{mark}password={password}"
    stack.api.environment["SLUICE_CURSOR_SECRET"] = stack.secrets["the cursors' secret"]
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    keys = tmp_path / "webhook-keys"
    keys.write_text(f"1 {key}\n")
    keys.chmod(0o600)
    stack.secrets["the key of webhooks' secrets"] = key
    stack.api.environment["SLUICE_WEBHOOK_KEY_FILE"] = str(keys)
    try:
        yield stack.start()
    finally:
        stack.stop()
        cluster.drop_database(stack.database)


def secret_of(token):
    return token.rsplit("_", 1)[1]


def use_webhook(client, stack):
    """A webhook's secrets: shown once when they are made, given back never."""
    made = client.create("/v1/webhooks", {"url": "https://hooks.example.com/a", "events": ["*"]})
    path = f"/v1/webhooks/{made['id']}"
    rotated = client.post(f"{path}/rotate-secret", {"overlap_s": 60}).expect(200).body
    own = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    client.patch(path, {"secret": own}).expect(200)
    client.create("/v1/projects", {"name": "has-an-event-to-send"})
    eventually(lambda: client.items(f"{path}/deliveries"), "it is tried to send one")
    stack.secrets |= {"a webhook's": made["secret"], "a webhook's second": rotated["secret"], "a webhook's own": own}
    stack.secrets |= {f"{name} without whsec_": text[len("whsec_"):] for name, text in stack.secrets.items() if text.startswith("whsec_")}
    return [client.get(where) for where in (path, "/v1/webhooks", f"{path}/deliveries", "/v1/audit", "/v1/events")]


def use(stack):
    """Each kind of token on each way into a log. Returns what was answered to those who showed it where it belongs: what stands
    in an address or a body is the client's own, and comes back to it in its problem."""
    acme = stack.tenant("acme")
    made = acme.create("/v1/tokens", {"name": "t"})
    rotated = acme.post(f"/v1/tokens/{made['id']}/rotate", {"overlap_s": 60}).expect(200).body
    revoked = acme.create("/v1/tokens", {"name": "gone"})
    acme.post(f"/v1/tokens/{revoked['id']}/revoke").expect(200)
    tokens = {"the operator's": stack.operator.token, "a tenant's": acme.token, "one before rotation": made["token"],
              "one after rotation": rotated["token"], "a revoked one": revoked["token"],
              "a mistyped one": made["token"][:-2] + "00", "a cut one": made["token"][:-1],
              "one that never was": "slu_u_" + "0" * 26 + "_" + secrets.token_hex(26) + "0" * 7}
    answers = []
    for token in tokens.values():
        client, nobody = Client(stack.port, token), Client(stack.port)
        answers += [client.get(path) for path in ("/v1/me", "/v1/reservations", "/v1/tokens", "/v1/system/tokens", "/v1/nothing")]
        answers.append(client.post("/v1/reservations", {"count": 0}))
        basic = base64.b64encode(f"{token}:".encode()).decode()
        answers += [nobody.get("/v1/me", headers={"Authorization": value})
                    for value in (f"Basic {basic}", token, f"bearer  {token}", f"Bearer {token} {token}")]
        for path in (f"/v1/tokens?name={token}", f"/v1/{token}", f"/v1/tokens/{token}", f"/v1/reservations?page={token}"):
            client.get(path)
        client.post("/v1/tokens", {"name": "x", "colour": token, "scopes": [token]})
        client.post("/v1/reservations", {"quote": token})
        client.post("/v1/projects", token.encode())
    answers += use_webhook(acme, stack)
    stack.secrets |= {name: secret_of(token) for name, token in tokens.items()}
    return answers


def look(stack, where, content):
    """Names the secrets that stand in a text or in bytes."""
    text = content if isinstance(content, str) else content.decode(errors="replace")
    return [(where, name) for name, secret in stack.secrets.items() if secret in text]


def test_no_secret_is_told(guarded):
    answers = use(guarded)
    found = [trouble for answer in answers for trouble in look(guarded, f"an answer {answer.status}", answer.content)]
    for daemon in guarded.daemons.values():
        found += look(guarded, f"the log of {daemon.name}", daemon.log.read_bytes())
        found += look(guarded, f"/metrics of {daemon.name}", Client(daemon.admin_port).get("/metrics").content)
        found += look(guarded, f"/readyz of {daemon.name}", Client(daemon.admin_port).get("/readyz?verbose").content)
    for process in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += look(guarded, str(process), process.read_bytes())
        except OSError:
            continue  # it has ended
    for table in ("event", "audit", "token", "principal", "idempotency", "webhook", "webhook_status", "webhook_delivery"):
        rows = guarded.sql(f"SELECT string_agg(t::text, ' ') AS text FROM {table} t")[0]["text"] or ""
        found += look(guarded, f"the table {table}", rows)
    assert found == []


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_that_cannot_start_tells_no_secret(program):
    secret = secrets.token_hex(16)
    for arguments, url in ((["--print-config"], "postgresql:///x"), (["--check-config"], "postgresql:///x"), (["--check-statements"], "host=127.0.0.1 port=1"),
                           (["--nonsense"], "postgresql:///x"), (["--check-config"], "nonsense://")):
        mark = "?" if "://" in url else " "
        environment = dict(os.environ, SLUICE_DATABASE_URL=f"{url}{mark}password={secret}", SLUICE_CURSOR_SECRET=secret)
        done = subprocess.run([binaries() / program, *arguments], env=environment, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, check=False, timeout=120)
        assert secret not in done.stdout + done.stderr, (arguments, url)


def test_a_token_is_on_no_command_line(guarded):
    """sluice takes it from its environment or a file, and has no option for it."""
    acme = guarded.tenant("acme")
    process = subprocess.Popen([binaries() / "sluice", "--url", guarded.url, "me"], env=dict(os.environ, SLUICE_TOKEN=acme.token),
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        seen = pathlib.Path(f"/proc/{process.pid}/cmdline").read_text()
        output = "".join(process.communicate(timeout=120))
    finally:
        process.kill()
        process.wait()
    assert "acme" in output and secret_of(acme.token) not in output + seen
    help_text = subprocess.run([binaries() / "sluice", "help"], capture_output=True, text=True, check=False).stdout
    assert "--token" not in help_text.split()


# ---- The page of secrets ----

PAGE = ROOT / "docs/secrets.md"


def test_the_page_of_secrets_names_each_setting_that_is_one():
    settings = re.findall(r"^\| `(\w*(?:secret|key_file)|database_url)` \|", (ROOT / "docs/configuration.md").read_text(), re.MULTILINE)
    assert len(settings) >= 5
    page = PAGE.read_text()
    assert [name for name in settings if f"SLUICE_{name.upper()}" not in page] == []


def test_each_secret_is_changed_by_what_its_page_says(guarded, tmp_path):
    acme = guarded.tenant("acme")
    acme.create("/v1/service-accounts", {"name": "deployer", "role": "member"})
    old = acme.create("/v1/tokens", {"name": "ci", "principal": "deployer"})["token"]
    (tmp_path / "audit").mkdir()
    (tmp_path / "audit/key.pem").write_text("the key before")
    (tmp_path / "deploy").symlink_to(ROOT / "deploy")
    subprocess.run([ROOT / "deploy/certificates", "door", "--dir", tmp_path / "door"], check=True)
    keys, certificate = (tmp_path / "webhook-keys").read_text(), (tmp_path / "door/door.pem").read_text()
    script = "\n".join(re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL))
    environment = dict(os.environ, SLUICE_URL=guarded.url, SLUICE_TOKEN=acme.token, XDG_CONFIG_HOME=str(tmp_path), PATH=f"{binaries()}:{os.environ['PATH']}")
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    assert "ci-next" in done.stdout and done.stdout.count("notAfter=") == 2
    eventually(lambda: Client(guarded.port, old).get("/v1/me").status == 401, "the old token is refused")
    new_keys = tmp_path / "webhook-keys"
    assert new_keys.read_text().endswith("\n" + keys) and new_keys.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "audit/key.pem").read_text().startswith("-----BEGIN PRIVATE KEY-----") and (tmp_path / "audit/public.pem").exists()
    assert [kept.read_text() for kept in (tmp_path / "audit").glob("*-key.pem")] == ["the key before"]
    assert (tmp_path / "door/door.pem").read_text() != certificate
    guarded.api.stop()
    guarded.api.start()
    eventually(lambda: acme.get("/v1/me").status == 200, "it starts with the keys of before and the new one")
