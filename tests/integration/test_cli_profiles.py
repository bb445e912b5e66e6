"""The command line's profiles: which one is taken, and that none is lost."""
# SPDX-License-Identifier: Apache-2.0

import stat

from command_line import TENANT


def test_a_profile_is_listed_used_and_deleted(sluice, server, tmp_path):
    server.script = [(200, TENANT)] * 20
    for name in ("work", "home"):
        sluice("login", "--url", server.url, "--profile", name, stdin=f"slu_{name}\n").expect(0)
    listed = sluice("profile", "list").expect(0)
    assert [line.split() for line in listed.out.splitlines()] == [
        ["NAME", "IN", "USE", "URL"], ["work", "no", server.url], ["home", "no", server.url]]
    assert "slu_" not in listed.out + sluice("profile", "list", "-o", "json").out
    assert "'sluice profile use NAME' takes one of: work, home" in sluice("me").expect(3).log  # none of them is 'default'

    def bearer(*arguments, **environment):
        sluice("me", *arguments, **environment).expect(0)
        return server.seen[-1][2]["Authorization"]

    sluice("profile", "use", "home").expect(0)
    assert bearer() == "Bearer slu_home"
    assert bearer("--profile", "work") == "Bearer slu_work" and bearer(SLUICE_PROFILE="work") == "Bearer slu_work"
    assert [(each["name"], each["in_use"]) for each in sluice("profile", "list", "-o", "json").json] == [("work", False), ("home", True)]
    sluice("login", stdin="slu_again\n").expect(0)  # of the one in use, at its address
    assert bearer() == "Bearer slu_again"

    sluice("profile", "delete", "home").expect(0)
    assert "'default'" in sluice("me").expect(3).log and bearer("--profile", "work") == "Bearer slu_work"
    file = tmp_path / "config/sluice/profiles"
    assert "slu_again" not in file.read_text(encoding="utf-8") and stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_profile_that_is_named_stands_over_the_environment(sluice, server):
    server.script = [(200, TENANT)] * 20
    sluice("login", "--url", server.url, "--profile", "work", stdin="slu_work\n").expect(0)
    elsewhere = {"url": "http://127.0.0.1:1", "token": "slu_other"}
    sluice("me", "--profile", "work", **elsewhere).expect(0)
    assert server.seen[-1][2]["Authorization"] == "Bearer slu_work"
    sluice("me", SLUICE_PROFILE="work", **elsewhere).expect(1)
    assert "there is no profile 'home'" in sluice("me", "--profile", "home", **elsewhere).expect(3).log
    # Its address is kept with a new token; a new one begins where the environment says.
    sluice("login", "--profile", "work", stdin="slu_again\n", **elsewhere).expect(0)
    assert server.seen[-1][2]["Authorization"] == "Bearer slu_again"
    sluice("login", "--profile", "home", stdin="slu_home\n", url=server.url).expect(0)
    assert [each["url"] for each in sluice("profile", "list", "-o", "json").json] == [server.url] * 2


def test_what_is_no_profile_is_not_used_and_changes_nothing(sluice, server, tmp_path):
    for what in ("use", "delete"):
        assert "there is no profile 'work'" in sluice("profile", what, "work").expect(4).log
        sluice("profile", what, "in use").expect(2)
    assert sluice("profile", "list", "-o", "json").expect(0).json == []
    server.script = [(200, TENANT)]
    sluice("login", "--url", server.url, stdin="slu_x\n").expect(0)
    file = tmp_path / "config/sluice/profiles"
    before = file.read_bytes()
    for what in ("use", "delete"):
        sluice("profile", what, "other").expect(4)
    assert file.read_bytes() == before
    file.chmod(0o644)
    for command in (("profile", "list"), ("profile", "use", "default"), ("profile", "delete", "default")):
        assert "chmod 600" in sluice(*command).expect(3).log
