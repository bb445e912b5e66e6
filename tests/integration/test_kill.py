"""kill -9 of each daemon, again and again, while reservations are made and the clock moves."""
# SPDX-License-Identifier: Apache-2.0

import http.client
import os
import random
import threading

from stack import HAPPENS_WITHIN_S, eventually

ROUNDS = int(os.environ.get("SLUICE_KILL_ROUNDS", "20"))
SEED = int(os.environ.get("SLUICE_SEED", "1"))
PAUSE_S = 0.02  # before the same is asked again: whoever asks without end takes the core that the restart needs
GONE = (OSError, http.client.HTTPException)


class Customer(threading.Thread):
    """Asks for reservations without end; an answer that never came is asked for again under the same key."""

    def __init__(self, number, client, stopping):
        super().__init__(daemon=True)
        self.number, self.client, self.stopping = number, client, stopping
        self.random = random.Random(SEED * 1000 + number)
        self.acknowledged = {}  # key: (status, reservation id)
        self.trouble = None

    def run(self):
        try:
            serial = 0
            while not self.stopping.is_set():
                serial += 1
                self.ask(f"kill-{self.number}-{serial}")
        except BaseException as error:  # told by the test's own thread
            self.trouble = error

    def ask(self, key):
        day, hour = self.random.randrange(2, 8), self.random.randrange(0, 20)
        body = {
            "instance_type": "h100.8x", "zone": "us-east-1a", "count": self.random.choice((1, 1, 2)),
            "starts_at": f"2026-01-{day + 1:02}T{hour:02}:00:00Z", "ends_at": f"2026-01-{day + 1:02}T{hour + self.random.randrange(1, 4):02}:00:00Z",
        }
        while True:
            try:
                answer = self.client.post("/v1/reservations", body, headers={"Idempotency-Key": key})
            except GONE:
                self.stopping.wait(PAUSE_S)  # the API is being restarted; the same key again
                continue
            if answer.status == 503:
                self.stopping.wait(PAUSE_S)  # the database or the batcher asks to come back
                continue
            assert answer.status in (201, 202, 409), f"{key}: {answer.status} {answer.content!r}"
            if answer.status == 409:  # expired: the clock moved on while nobody was there to decide
                assert answer.code in ("capacity_unavailable", "expired"), answer.content
                self.acknowledged[key] = (409, answer.body["reservation"])
            else:
                self.acknowledged[key] = (answer.status, answer.body["id"])
            return


def advance_persistently(stack, to):
    """Moves the clock although daemons die meanwhile."""
    client = stack.operator.clone()

    def is_there():
        try:
            return client.post("/v1/system/clock", {"advance_to": to}).status in (200, 422)
        except GONE:
            return False

    eventually(is_there, f"the clock is at {to}", 240)


def test_what_was_acknowledged_survives_kills_and_is_billed_once(make_stack):
    print(f"seed {SEED}, {ROUNDS} rounds")
    stack = make_stack()
    stack.fleet(6)
    tenants = [stack.tenant(f"customer-{number}") for number in range(3)]
    stopping = threading.Event()
    customers = [Customer(number, client, stopping) for number, client in enumerate(tenants)]
    for customer in customers:
        customer.start()

    daemons = list(stack.daemons.values())
    for number in range(ROUNDS):
        for daemon in daemons:
            made = sum(len(customer.acknowledged) for customer in customers)
            daemon.kill(expires=number > 0)  # at first as it is where nobody helps
            daemon.start()
            eventually(lambda: sum(len(c.acknowledged) for c in customers) > made or any(c.trouble for c in customers),
                       "creates go on after a kill")
            assert not any(c.trouble for c in customers), [c.trouble for c in customers]
        if number % 5 == 4:  # so that instances run, stop and are metered while daemons die
            advance_persistently(stack, f"2026-01-01T{number:02}:30:00Z")
    stopping.set()
    for customer in customers:
        customer.join(HAPPENS_WITHIN_S)
        assert customer.trouble is None, customer.trouble

    # The meter and the reconciler are killed while there is much to do.
    mover = threading.Thread(target=advance_persistently, args=(stack, "2026-01-09T12:00:00Z"), daemon=True)
    mover.start()
    kills = 0
    while mover.is_alive() and kills < 20:
        daemon = (stack.provisioner, stack.billing)[kills % 2]
        daemon.kill()
        daemon.start()
        kills += 1
    mover.join(240)
    assert not mover.is_alive()
    advance_persistently(stack, "2026-02-01T01:00:00Z")

    stack.operator.close()  # its kept connection was the killed server's
    acknowledged_are_there(stack, customers)
    nothing_is_double_booked(stack)
    nothing_is_billed_twice(stack)
    consoles_say_everything_once(stack)


def acknowledged_are_there(stack, customers):
    for customer in customers:
        assert customer.acknowledged, "the customer got no answer at all"
        ids = [identity for _, identity in customer.acknowledged.values()]
        assert len(set(ids)) == len(ids), "two keys, one reservation"
        known = {item["id"]: item["status"]["state"] for item in customer.client.items("/v1/reservations?limit=1000")}
        for key, (status, identity) in customer.acknowledged.items():
            assert identity in known, f"{key} was answered {status} and is gone"
            if status == 409:
                assert known[identity] in ("rejected", "expired"), f"{key} was refused and is {known[identity]}"
            elif status == 201:
                assert known[identity] == "ended", f"{key} was granted and is {known[identity]}"
        # One object per key: a request that was sent again made no second one.
        assert len(known) == len(set(known)) >= len(ids)
    twice = stack.sql("SELECT tenant_id, count(*) FROM reservation GROUP BY tenant_id")
    keys = stack.sql("SELECT tenant_id, count(*) FROM idempotency WHERE key LIKE 'kill-%%' GROUP BY tenant_id")
    assert {row["tenant_id"]: row["count"] for row in twice} == {row["tenant_id"]: row["count"] for row in keys}


def nothing_is_double_booked(stack):
    overlaps = stack.sql("""
        WITH rectangle AS (SELECT node_id, slots, period, reservation_id, ordinal FROM allocation
                           UNION ALL SELECT node_id, slots, period, reservation_id, ordinal FROM allocation_history)
        SELECT a.node_id, a.reservation_id, b.reservation_id AS other
          FROM rectangle a JOIN rectangle b ON a.node_id = b.node_id AND a.slots && b.slots AND a.period && b.period
           AND (a.reservation_id, a.ordinal, a.period, a.slots) < (b.reservation_id, b.ordinal, b.period, b.slots)""")
    assert overlaps == []
    placed = stack.sql("""
        SELECT r.id FROM reservation r JOIN reservation_status s ON s.reservation_id = r.id AND s.state = 'ended'
          LEFT JOIN instance i ON i.reservation_id = r.id GROUP BY r.id, r.count HAVING count(i.id) <> r.count""")
    assert placed == [], "as many instances as were asked for"


def nothing_is_billed_twice(stack):
    tiles = stack.sql("""
        SELECT i.id, sum(extract(epoch FROM u.period_end - u.period_start))::bigint AS metered,
               extract(epoch FROM i.ends_at - i.starts_at)::bigint AS window
          FROM instance i JOIN usage_interval u ON u.instance_id = i.id GROUP BY i.id
        HAVING sum(extract(epoch FROM u.period_end - u.period_start)) <> extract(epoch FROM i.ends_at - i.starts_at)""")
    assert tiles == [], "the usage of an instance is its window"
    differing = stack.sql("""
        WITH delivered AS (SELECT reservation_id, sum(gpu_milli * extract(epoch FROM period_end - period_start))::bigint AS units
                             FROM usage_interval WHERE class IN ('used', 'unused') GROUP BY reservation_id),
             billed AS (SELECT reservation_id, sum(gpu_milli_seconds)::bigint AS units FROM invoice_line GROUP BY reservation_id)
        SELECT * FROM delivered d FULL JOIN billed b USING (reservation_id) WHERE d.units IS DISTINCT FROM b.units""")
    assert differing == [], "billed is delivered, to the second"
    assert stack.sql("SELECT count(*) AS n FROM invoice_line")[0]["n"] > 0
    numbers = [row["number"] for row in stack.sql("SELECT number FROM invoice ORDER BY number")]
    assert numbers == list(range(1, len(numbers) + 1)), "numbers without gap"
    unbalanced = stack.sql("SELECT journal_id FROM entry GROUP BY journal_id HAVING sum(debit_u) <> sum(credit_u)")
    assert unbalanced == []


def consoles_say_everything_once(stack):
    stays = stack.sql("""
        SELECT s.instance_id, s.incarnation, array_agg(l.number ORDER BY l.number) AS numbers, array_agg(l.text ORDER BY l.number) AS texts
          FROM instance_incarnation s LEFT JOIN instance_console_line l USING (instance_id, incarnation) WHERE s.ended_at IS NOT NULL GROUP BY 1, 2""")
    assert stays != []
    for stay in stays:
        texts = stay["texts"]
        assert stay["numbers"] == list(range(1, len(texts) + 1)), stay
        assert texts[0].startswith("sim: power on, attempt 1;") and texts[-1].startswith(("sim: powered off", "sim: forgotten here")), stay
        assert len(texts) == len(set(texts)), "nobody asked for a reboot: no line comes twice"
