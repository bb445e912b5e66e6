"""Every command of the README does what it says."""
# SPDX-License-Identifier: Apache-2.0

import os
import re
import subprocess

from contract import ROOT, binaries
from stack import eventually

# These two are run whole elsewhere: by integration/deploy_up, and by whoever runs this.
THE_TWO_COMMANDS = ("./deploy/up", "./tests/run")


def blocks():
    return re.findall(r"^```sh\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)


def state_directory(stack, path):
    """What deploy/up leaves for deploy/env: the address, tokens by name, the programs."""
    tokens = {"acme": stack.tenant("acme").token, "finance": stack.token("finance").token}
    path.mkdir()
    (path / "url").write_text(stack.url + "\n")
    (path / "tokens").write_text("".join(f"{name} {token}\n" for name, token in tokens.items()))
    (path / "bin").symlink_to(binaries())
    return path


def test_the_commands_of_the_readme_work(stack, tmp_path):
    stack.fleet(4)
    stack.operator.create("/v1/system/instance-types", {
        "name": "h100.1x", "gpu_count": 1, "gpu_models": ["H100"], "cpu_milli": 8000, "memory_mib": 65536})
    stack.advance("2026-01-03T00:00:00Z")
    environment = dict(os.environ, SLUICE_STATE_DIR=str(state_directory(stack, tmp_path / "state")), XDG_CONFIG_HOME=str(tmp_path))

    found = blocks()
    assert len(found) >= 5
    first, *others = found
    assert all(command in first and os.access(ROOT / command, os.X_OK) for command in THE_TWO_COMMANDS)
    # One shell for all, as a reader would have: what a block sets is there in the next.
    script = "set -euo pipefail\n" + "\n".join(others)
    done = subprocess.run(["bash", "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    assert '"my-first"' in done.stdout and "my-second" in done.stdout and "All invariants hold." in done.stdout


def test_what_the_operations_say_of_an_empty_sluice_leads_to_a_reservation(make_stack, tmp_path):
    stack = make_stack(start=None)
    section = re.search(r"^## An empty Sluice\n(.*?)^## ", (ROOT / "docs/operations.md").read_text(), re.MULTILINE | re.DOTALL)[1]
    provider, tenant = re.findall(r"^```sh\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    state = tmp_path / "state"
    state.mkdir()
    (state / "url").write_text(stack.url + "\n")
    (state / "tokens").write_text(f"system_admin {stack.operator.token}\n")
    (state / "bin").symlink_to(binaries())
    environment = dict(os.environ, SLUICE_STATE_DIR=str(state), XDG_CONFIG_HOME=str(tmp_path), PATH=f"{binaries()}:{os.environ['PATH']}",
                       SLUICE_URL=stack.url)

    def run(script):
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", script.replace("deploy/env", f"{ROOT}/deploy/env")], cwd=tmp_path, env=environment,
                              capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout

    run(provider)
    eventually(lambda: [node["status"]["state"] for node in stack.operator.items("/v1/system/nodes")] == ["ready"], "the node is ready")
    assert "first" in run(tenant)
    (made,) = stack.operator.items("/v1/system/reservations")
    assert (made["name"], made["tenant"]) == ("first", "acme") and made["status"]["state"] in ("scheduled", "activating", "active")


def test_links_and_pictures_of_the_documents_are_there():
    missing = []
    for document in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text()):
            if not target.startswith(("http://", "https://")) and not (document.parent / target).exists():
                missing.append(f"{document.relative_to(ROOT)}: {target}")
    assert missing == []
