"""What one connection, one address and one tenant may take: time, requests on a connection, requests a second."""
# SPDX-License-Identifier: Apache-2.0

import contextlib
import math
import select
import time

import pytest

import raw
from stack import Client, eventually, least

HURRIED = {"sluice-api": {"SLUICE_HEADER_TIMEOUT_S": "1", "SLUICE_BODY_TIMEOUT_S": "1", "SLUICE_IDLE_TIMEOUT_S": "3",
                          "SLUICE_ANSWER_TIMEOUT_S": "1", "SLUICE_REQUESTS_PER_CONNECTION_MAX": "3"}}
LIMIT_S, IDLE_S, SLACK_S = 1, 3, 4  # the walk comes four times a second, and the machine may be busy
TRIES = 3
TICK_S = 0.002  # the server's clock counts whole milliseconds, so a limit may end one early


@pytest.fixture(scope="module")
def hurried(make_module_stack):
    return make_module_stack(settings=HURRIED)


def life_s(address, before, content):
    """How long a connection lives that sends something at once and then a byte at a time."""
    begun = time.monotonic()
    with contextlib.closing(raw.connect(address)) as connection:
        connection.sendall(before)
        raw.drip(connection, content)
    return time.monotonic() - begun


def cuts(hurried):
    """How many connections were cut, by what they were at."""
    cut = "sluice_api_connections_cut_total"
    return {name.removeprefix(cut): count for name, count in hurried.api.metrics().items() if name.startswith(cut)}


def has_hung_up(connection):
    """The other side; what it had said need not be read."""
    waiting = select.poll()
    waiting.register(connection, 0)
    return bool(waiting.poll(0))


def lives_within(limit_s, *sent):
    """It lives as long as it may, and not much longer. Where this machine stands still, it may end by the limit before."""
    lives_s = []
    while len(lives_s) < TRIES and not any(limit_s - TICK_S <= each < limit_s + SLACK_S for each in lives_s):
        lives_s.append(life_s(*sent))
    assert limit_s - TICK_S <= lives_s[-1] < limit_s + SLACK_S, lives_s


@pytest.mark.parametrize("before, content", [
    (b"", b"GET /v1/me?x=" + b"a" * 4000),
    (b"GET /v1/me HTTP/1.1\r\nHost: x\r\n", b"X-Padding: " + b"a" * 4000),
], ids=["request line", "headers"])
def test_headers_that_drip_do_not_outlive_their_limit(hurried, before, content):
    lives_within(LIMIT_S, hurried.port, before, content)


def test_a_body_that_drips_does_not_outlive_its_limit(hurried):
    head = b"POST /v1/reservations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n"

    def is_cut_in_its_body():
        lives_within(LIMIT_S, hurried.port, head, b" " * 5000)
        return cuts(hurried)['{at="body"}'] >= 1

    eventually(is_cut_in_its_body, "it is cut in its body")


def test_a_second_request_that_drips_does_not_outlive_the_limit_of_an_idle_connection(hurried):
    lives_within(IDLE_S + LIMIT_S, hurried.port, b"GET /v1/me HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /v1/me?x=" + b"a" * 4000)


def test_an_answer_that_nobody_reads_does_not_outlive_its_limit(hurried):
    def is_cut_after_s():
        begun, before = time.monotonic(), cuts(hurried)
        with contextlib.closing(raw.connect(hurried.socket)) as connection:  # its buffer does not grow
            connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 2)
            eventually(lambda: cuts(hurried) != before or has_hung_up(connection), "it is cut")
        return time.monotonic() - begun if cuts(hurried)['{at="answer"}'] > before['{at="answer"}'] else math.inf

    assert least(is_cut_after_s, LIMIT_S + SLACK_S) < LIMIT_S + SLACK_S


def test_a_connection_is_closed_after_as_many_requests_as_it_may_have(hurried):
    def has_three_answers():  # unless its time is over before, on a crowded machine
        with contextlib.closing(raw.connect(hurried.port)) as connection:
            return raw.exchange(connection, b"GET /v1/me HTTP/1.1\r\nHost: x\r\n\r\n" * 5) == [401, 401, 401]

    eventually(has_three_answers, "three requests are answered, and then it is closed")


@pytest.mark.parametrize("head", [b"GET /v1/me?" + b"&".join([b"a=1"] * 900) + b" HTTP/1.1\r\nHost: x\r\n",
                                  b"GET /v1/me HTTP/1.1\r\nHost: x\r\nCookie: " + b"; ".join([b"a=1"] * 800) + b"\r\n"], ids=["query", "cookies"])
def test_a_head_of_more_parts_than_a_connection_holds_leaves_nothing_behind(make_stack, head):
    """The HTTP library gives up, with or without an answer, and does not always tell: what was begun must not stay."""
    stack = make_stack(settings=HURRIED)
    for _ in range(3):
        with contextlib.closing(raw.connect(stack.port)) as connection:
            connection.sendall(head + b"Connection: close\r\n\r\n")
            raw.read_all(connection)
    stack.api.stop()  # AddressSanitizer tells of what is left


# ---- Bodies ----

BODY_MEMORY_MIB = 8


def send_all_but_one_byte(address, size):
    """Of a body, by a stranger."""
    connection = raw.connect(address)
    connection.sendall(b"POST /v1/projects HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % size)
    connection.sendall(b" " * (size - 1))
    return connection


def test_the_bodies_of_all_requests_take_only_so_much_memory(make_stack):
    stack = make_stack(settings={"sluice-api": {"SLUICE_BODY_MEMORY_MIB": str(BODY_MEMORY_MIB)}})
    acme, memory = stack.tenant("acme"), "sluice_api_body_bytes"
    large = b'{"name": "large"}'.rjust(1 << 20)
    with contextlib.ExitStack() as strangers:

        def is_refused():
            strangers.enter_context(contextlib.closing(send_all_but_one_byte(stack.port, 1 << 20)))
            return acme.post("/v1/projects", large).status == 503

        eventually(is_refused, "there is no room for another large body")
        assert BODY_MEMORY_MIB / 2 < stack.api.metrics()[memory] / (1 << 20) <= BODY_MEMORY_MIB
        acme.get("/v1/projects").expect(200)
    eventually(lambda: stack.api.metrics()[memory] == 0, "their memory is free again")
    acme.patch(f"/v1/projects/{acme.items('/v1/projects?name=large')[0]['id']}", {"description": "small"}).expect(200)


# ---- Requests a second ----

LIMITED = {"sluice-api": {"SLUICE_RATE_READ_PER_S": "5", "SLUICE_RATE_WRITE_PER_S": "2", "SLUICE_RATE_UNAUTHENTICATED_PER_S": "3",
                          "SLUICE_RATE_BURST_S": "60"}}


@pytest.fixture(scope="module")
def limited(make_module_stack):
    return make_module_stack(settings=LIMITED)


def until_refused(client, per_s, burst):
    """What was answered before the first 429, and that: a burst, and as many as came free meanwhile."""
    answers, begun = [], time.monotonic()
    while len(answers) < 10 * burst and (not answers or answers[-1].status != 429):
        answers.append(client.get("/v1/me"))
    assert burst < len(answers) <= burst + 2 + per_s * (time.monotonic() - begun)
    return answers


def test_a_tenant_has_its_burst_and_is_told_what_is_left(limited):
    acme, other = limited.tenant("acme"), limited.tenant("other")
    *passed, refused = until_refused(acme, per_s=5, burst=300)
    assert passed[0].headers["RateLimit-Policy"] == '"read";q=300;w=60'
    assert passed[0].headers["RateLimit"] == '"read";r=299;t=1'
    assert refused.expect(429).code == "rate_limited" and refused.body["retryable"] is True
    assert refused.headers["Retry-After"] == "1" and refused.headers["RateLimit"] == '"read";r=0;t=60'
    # Neither another tenant's requests nor one's own of another class are refused; the provider's have no limit.
    other.get("/v1/me").expect(200)
    assert acme.post("/v1/reservations", {"zone": "none"}).expect(422).headers["RateLimit"].startswith('"write";r=119')
    assert limited.operator.get("/v1/me").expect(200).headers["RateLimit"] is None
    eventually(lambda: acme.get("/v1/me").status == 200, "a second later it is let in again")
    assert limited.api.metrics()['sluice_api_rate_limited_total{class="read"}'] >= 1


def test_an_address_has_so_many_tries_without_a_good_token(limited):
    *passed, refused = until_refused(Client(limited.port), per_s=3, burst=180)
    assert {answer.status for answer in passed} == {401}
    assert refused.code == "rate_limited" and refused.headers["RateLimit"].startswith('"unauthenticated";r=0')
    # Who is known by now is not held up by who guesses beside them.
    limited.operator.get("/v1/me").expect(200)
