"""--check-config names weak settings, and is content with strong ones."""
# SPDX-License-Identifier: Apache-2.0

import os
import subprocess

import pytest

from contract import binaries

STRONG = {"SLUICE_DATABASE_URL": "postgresql:///sluice?host=/run/sluice-postgres", "SLUICE_CURSOR_SECRET": "c" * 64,
          "SLUICE_AUDIT_KEY_FILE": "/etc/sluice/audit.pem", "SLUICE_LISTEN": "127.0.0.1:7070,unix:/nowhere/api.socket"}


def check(*arguments, program="sluice-api", **changes):
    environment = {name: value for name, value in {**os.environ, **STRONG, **changes}.items() if value is not None}
    done = subprocess.run([binaries() / program, "--check-config", *arguments], env=environment, capture_output=True, text=True, check=False)
    weak = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("weak: ")]
    return done.returncode, weak, done.stdout + done.stderr


@pytest.mark.parametrize("program", ["sluice-api", "sluice-provisioner", "sluice-billing"])
def test_a_strong_configuration_has_nothing_to_say(program):
    changes = {name: None for name in STRONG if name != "SLUICE_DATABASE_URL"} if program != "sluice-api" else {}
    assert check("--strict", program=program, **changes)[:2] == (0, [])


@pytest.mark.parametrize("weak, changes", [
    ("database_url", {"SLUICE_DATABASE_URL": "postgresql://db.example/sluice"}),
    ("database_url", {"SLUICE_DATABASE_URL": "host=db.example dbname=sluice sslmode=require"}),
    ("database_url", {"SLUICE_DATABASE_URL": "postgresql://sluice:secret@127.0.0.1/sluice"}),
    ("log_level", {"SLUICE_LOG_LEVEL": "debug"}),
    ("admin_listen", {"SLUICE_ADMIN_LISTEN": "0.0.0.0:7071"}),
    ("SLUICE_TOKEN", {"SLUICE_TOKEN": "slu_s_x"}),
    ("cursor_secret", {"SLUICE_CURSOR_SECRET": None}),
    ("cursor_secret", {"SLUICE_CURSOR_SECRET": "short"}),
    ("listen", {"SLUICE_LISTEN": "127.0.0.1:7070"}),
    ("listen", {"SLUICE_LISTEN": "127.0.0.1:7070,unix:/tmp/api.socket"}),
    ("rate_read_per_s", {"SLUICE_RATE_WRITE_PER_S": "0"}),
    ("rate_unauthenticated_per_s", {"SLUICE_RATE_UNAUTHENTICATED_PER_S": "0"}),
    ("header_timeout_s", {"SLUICE_HEADER_TIMEOUT_S": "300"}),
    ("cors_origins", {"SLUICE_CORS_ORIGINS": "https://a.example,http://b.example"}),
    ("audit_key_file", {"SLUICE_AUDIT_KEY_FILE": None}),
    ("session_lifetime_s", {"SLUICE_SESSION_LIFETIME_S": "604801"}),
    ("sign_in_issuer", {"SLUICE_SIGN_IN_ISSUER": "http://id.example", "SLUICE_SIGN_IN_CLIENT_ID": "sluice"}),
    ("workload_issuer", {"SLUICE_WORKLOAD_ISSUER": "http://localhost.example", "SLUICE_WORKLOAD_AUDIENCE": "sluice"}),
    ("workload_audience", {"SLUICE_WORKLOAD_ISSUER": "https://id.example"}),
    ("workload_audience", {"SLUICE_WORKLOAD_ISSUER": "https://id.example", "SLUICE_WORKLOAD_AUDIENCE": "sluice",
                           "SLUICE_SIGN_IN_ISSUER": "https://id.example", "SLUICE_SIGN_IN_CLIENT_ID": "sluice"}),
    ("workload_lifetime_max_s", {"SLUICE_WORKLOAD_LIFETIME_MAX_S": "86401"}),
])
def test_what_is_weak_is_named_and_fails_where_that_is_asked(weak, changes):
    status, named, said = check(**changes)
    assert (status, named) == (0, [weak]), said
    assert "secret@" not in said and "short\n" not in said
    assert check("--strict", **changes)[0] == 1


def test_a_database_elsewhere_is_fine_by_verified_tls():
    assert check(SLUICE_DATABASE_URL="postgresql://db.example/sluice?sslmode=verify-full")[1] == []


def test_an_issuer_on_this_machine_may_be_asked_without_tls():
    for host in ("127.0.0.1:8080", "localhost/realm", "[::1]:8080"):
        assert check(SLUICE_SIGN_IN_ISSUER=f"http://{host}", SLUICE_SIGN_IN_CLIENT_ID="sluice")[1] == []


def test_a_secret_among_the_arguments_is_named():
    assert check(f"--cursor-secret={'s' * 64}")[1] == ["cursor_secret"]
    assert check("--database-url", "postgresql:///sluice")[1] == ["database_url"]


def test_a_file_that_all_can_read_is_named(tmp_path):
    path = tmp_path / "sluice.conf"
    path.write_text("log_level = info\n")
    path.chmod(0o644)
    assert check("--config", str(path))[1] == ["the"]
    path.chmod(0o640)
    assert check("--config", str(path))[1] == []
