"""What a shell is told when somebody presses tab: names that the API knows, in little time, or nothing."""
# SPDX-License-Identifier: Apache-2.0

import os
import socket
import subprocess
import time

import pytest

from command_line import TENANT
from contract import binaries
from stack import A_SECOND_S

TOKEN = "slu_x"


def completed(line, home, url=None, token=TOKEN):
    """As bash asks."""
    environment = {**{name: os.environ[name] for name in os.environ if not name.startswith("SLUICE_")}, "HOME": str(home), "COMP_LINE": line}
    environment.pop("XDG_CONFIG_HOME", None)
    environment |= {"SLUICE_URL": url, "SLUICE_TOKEN": token} if url else {}
    done = subprocess.run([binaries() / "sluice", "--complete", "sluice", "", ""], env=environment, capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr == "", "nobody reads it in the middle of a line"
    return done.stdout.splitlines()


def page(*names, **fields):
    return 200, {"items": [{"id": f"x_{number}", "name": name, **fields} for number, name in enumerate(names)], "next_page": None}


@pytest.mark.parametrize("line, path, offered", [
    ("sluice reservation cancel ll", "/v1/reservations?order=newest&limit=1000", ["llama-1", "llama-2"]),
    ("sluice reservation cancel ", "/v1/reservations?order=newest&limit=1000", ["llama-1", "x_1", "mixtral", "llama-2"]),
    ("sluice quote confirm m", "/v1/quotes?order=newest&limit=1000", ["mixtral"]),
    ("sluice ssh-key delete l", "/v1/ssh-keys?limit=1000", ["llama-1", "llama-2"]),
    ("sluice reservation create --zone mi", "/v1/zones?limit=1000", ["mixtral"]),
    ("sluice instance stop x_", "/v1/instances?limit=1000", ["x_0", "x_1", "x_2", "x_3"]),
])
def test_what_there_is_is_offered_by_name(server, tmp_path, line, path, offered):
    listed = page("llama-1", "two words", "mixtral", "llama-2")
    is_asked_who = "quote" in line or "reservation cancel" in line or "instance" in line
    server.script = [(200, TENANT), listed] if is_asked_who else [listed]
    assert completed(line, tmp_path, server.url) == offered
    assert server.seen[-1][1] == path


def test_names_are_those_of_the_profile_that_the_line_names(server, tmp_path):
    directory = tmp_path / ".config/sluice"
    directory.mkdir(parents=True, mode=0o700)
    (directory / "credentials").touch(mode=0o600)
    assert completed("sluice zone get --profile nobodys ", tmp_path, server.url) == [] and server.seen == []
    server.script = [page("z1")]
    assert completed(f"sluice zone get --url {server.url} ", tmp_path, "http://127.0.0.1:1") == ["z1"]


@pytest.mark.parametrize("answer", [None, b"nonsense\r\n\r\n", (401, {"code": "token_revoked", "detail": "x"}), (200, []), (200, {"items": [1, None, {}]})])
def test_whatever_goes_wrong_nothing_is_offered_and_nothing_said(server, tmp_path, answer):
    server.script = [answer] * 5
    assert completed("sluice zone get ", tmp_path, server.url) == []


def test_without_a_token_nobody_is_asked(tmp_path):
    assert completed("sluice zone get ", tmp_path) == []


def test_nobody_waits_for_an_api_that_says_nothing(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        assert completed("sluice zone get ", tmp_path, f"http://127.0.0.1:{silent.getsockname()[1]}") == []
        assert time.monotonic() - began < A_SECOND_S


def test_nothing_behind_the_argument_is_taken_for_another(server, tmp_path):
    assert completed("sluice zone get z1 ", tmp_path, server.url) == [] and server.seen == []
