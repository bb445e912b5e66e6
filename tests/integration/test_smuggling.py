"""The corpus of requests that two readers could read differently (smuggling.py): on its own listener the API refuses what it
can see and hangs up; through the door each is refused, or arrives as exactly one request that can be read in one way."""
# SPDX-License-Identifier: Apache-2.0

import contextlib
import functools
import shutil

import pytest

import door
import raw
from cluster import scratch_directory
from smuggling import BROKEN, ENTRIES, REFUSED, TAKEN

# Sent behind each entry: it is answered only if the connection is still in order, and whoever reads the entry otherwise
# takes it for something else.
LAST = b"GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


def by_name(entries):
    return pytest.mark.parametrize("entry", entries, ids=[entry.name for entry in entries])


# Whoever waits for more of what will never come need not wait long. Others are not hurried: they are answered however slow the machine is.
HURRIED = {"SLUICE_HEADER_TIMEOUT_S": "1", "SLUICE_BODY_TIMEOUT_S": "1"}


@pytest.fixture(scope="module")
def apis(make_module_stack):
    """apis(is_hurried): an API."""
    return functools.cache(lambda is_hurried: make_module_stack(settings={"sluice-api": HURRIED if is_hurried else {}}))


@pytest.fixture(scope="module")
def doors():
    """doors(is_hurried): a door, and what is recorded behind it."""
    if not door.is_installed():
        pytest.skip("there is no haproxy: deploy/packages install runtime")
    with contextlib.ExitStack() as ending:

        @functools.cache
        def make(is_hurried):
            directory = scratch_directory()
            ending.callback(shutil.rmtree, directory, ignore_errors=True)
            recorder = door.Recorder(directory / "api.socket")
            ending.callback(recorder.stop)
            opened = door.Door(directory / "api.socket", **({"SLUICE_DOOR_HEADER_TIMEOUT": "1s"} if is_hurried else {}))
            ending.callback(opened.stop)
            return opened, recorder

        yield make


@by_name(ENTRIES)
def test_the_api_refuses_what_it_can_see_and_hangs_up(apis, entry):
    with contextlib.closing(raw.connect(apis(entry.direct == BROKEN).port)) as connection:
        answers = raw.exchange(connection, entry.sent + LAST)
    print(answers)
    if entry.direct == REFUSED:  # libmicrohttpd 0.9.75 sends the head of an answer of its own twice
        assert answers in ([400], [400, 400], [413, 413])
    elif entry.direct == BROKEN:
        assert answers in ([], [400], [413], [505])
    else:
        assert entry.direct == TAKEN and answers in ([404], [404, 404])


@by_name(ENTRIES)
def test_through_the_door_comes_one_unambiguous_request_or_none(doors, entry):
    opened, recorder = doors(entry.behind is None)
    recorder.received.clear()
    with contextlib.closing(opened.connect()) as connection:
        answers = raw.exchange(connection, entry.sent + LAST)
    print(answers, recorder.received)
    one = [received for received in recorder.received if received.target != "/last"]
    assert [received.trouble for received in recorder.received if received.trouble] == []
    assert [received.all("x-forwarded-for") for received in recorder.received] == [["127.0.0.1"]] * len(recorder.received)
    assert [name for received in recorder.received for name, _ in received.headers if "_" in name] == []  # some take it for "-"
    if entry.behind is None:
        assert one == [] and 400 <= answers[0] < 500 and answers[1:] in ([], [200])
    else:
        assert [received.body for received in one] == [entry.behind] and one[0].target.endswith("one" if "encoded" not in entry.name else "")
        assert answers[0] == 200


def test_a_header_that_drips_does_not_outlive_the_doors_limit(doors):
    opened, recorder = doors(True)
    recorder.received.clear()
    with contextlib.closing(opened.connect()) as connection:
        connection.sendall(b"GET /v1/one HTTP/1.1\r\nHost: a\r\n")
        assert raw.statuses(raw.drip(connection, b"X: " + b"y" * 1000, at_most_s=10)) == [408]
    assert recorder.received == []
