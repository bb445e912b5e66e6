"""Credit limits in a history: verdicts that they cover or refuse, and what is held until it is rated. The test stands in for the zone, which asks,
writes its verdict and settles."""
# SPDX-License-Identifier: Apache-2.0

import uuid

from counting_house import identity_of, minor
from oracle import lending
from oracle.amounts import DAY_S, EXPONENTS, text_of
from oracle.metering import FOREVER, Fact
from oracle.rating import Reservation


class Lending:
    """Of a History. holds: of all reservations that were asked for; limits: by tenant, micro-units."""

    def new_limit(self):
        tenant, dice = self.someone(), self.dice
        wanted = dice.choice((0, dice.randrange(1, 2_000_000), dice.randrange(1, 10 ** 9)))
        self.house.operator.request("PUT", f"/v1/system/tenants/{identity_of('ten', tenant.id)}/credit-limit", {"limit": minor(wanted, tenant.currency)}).expect(200)
        self.limits[tenant.name] = wanted * 10 ** (6 - EXPONENTS[tenant.currency])

    def borrow(self):
        """A reservation of one instance that asks for credit."""
        dice, house, tenant = self.dice, self.house, self.someone()
        sku = dice.choice(("eight", "one", None))
        milli = self.sizes.get(sku, 2000)
        begin = house.today + DAY_S + dice.randrange(0, 3 * DAY_S)
        end = dice.choice((FOREVER, begin + dice.randrange(60, 9 * DAY_S)))
        hold = lending.Hold(self.new_wish(tenant, sku, milli, dice.choice(("reserved", "on_demand"))), begin, end, milli, ("H100", "A100"))
        if not self.ask(hold):
            self.verdict(hold, "rejected")
            return
        node = self.find(milli, begin, min(end + 6 * DAY_S, FOREVER))
        self.verdict(hold, "scheduled" if node else "rejected")
        self.holds.append(hold)
        self.settle([hold])
        if node:
            hold.instance = house.new_instance(hold.reservation, milli, begin)
            facts = [Fact(house.today, "planned", node.id, end), Fact(begin, "running", node.id, end)]
            self.plan(hold.instance, facts + ([Fact(end, "terminated", node.id, end)] if end != FOREVER else []), None, is_prompt=True)

    def new_wish(self, tenant, sku, milli, tier):
        made = str(uuid.uuid4())
        self.house.insert("reservation", {
            "id": made, "tenant_id": tenant.id, "principal_id": str(uuid.uuid4()), "zone_id": self.house.zone, "project": "default", "tier": tier,
            "instance_type_id": self.types.get(sku), "gpu_count": milli // 1000, "gpu_milli": milli % 1000, "cpu_milli": 0, "memory_mib": 0, "count": 1,
            "gpu_models": "{}" if sku else "{H100,A100}"})
        self.house.world.reservations.append(Reservation(made, tenant, "default", sku, tier))
        return self.house.world.reservations[-1]

    def ask(self, hold):
        """Whether it is granted; the numbers of the verdict are the oracle's."""
        house, tenant, now = self.house, hold.reservation.tenant, self.house.at()
        told = house.rows("SELECT * FROM credit_ask(ARRAY[%s]::uuid[], ARRAY[%s]::bigint[], ARRAY[%s]::bigint[], ARRAY[1]::bigint[])", hold.reservation.id, hold.begin,
                          None if hold.end == FOREVER else hold.end)
        if tenant.name not in self.limits:
            assert told == [], "who has no limit is not asked"
            return True
        (row,) = told
        held = sum(each.amount_u for each in self.holds if each.reservation.tenant is tenant)
        used = lending.used(house.world, house.books[tenant.name], house.today, now)
        assert (row["currency"], row["limit_u"], row["used_u"], row["held_u"]) == (tenant.currency, self.limits[tenant.name], used, held), (tenant, row, used, held)
        self.is_most(hold, row["needed_u"], now)
        assert row["is_covered"] == (row["needed_u"] == 0 or used + held + row["needed_u"] <= row["limit_u"]), row
        hold.amount_u = row["needed_u"] if row["is_covered"] else 0
        return row["is_covered"]

    def is_most(self, hold, told, now):
        exact, parts = lending.most(self.house.world, hold, self.house.today, now)
        assert exact <= told < exact + max(parts, 1), (hold, told, exact, parts)

    def verdict(self, hold, state):
        """As a zone writes it."""
        placed = state in ("scheduled", "ended")
        hold.verdict = state
        self.house.run("INSERT INTO reservation_status AS s (reservation_id, tenant_id, zone_id, state, wish_revision, starts_at, ends_at) VALUES (%s, %s, %s, %s, 1, %s, %s)"
                       " ON CONFLICT (reservation_id) DO UPDATE SET state = excluded.state, revision = s.revision + 1", hold.reservation.id, hold.reservation.tenant.id,
                       self.house.zone, state, text_of(hold.begin) if placed else None, text_of(hold.end) if placed and hold.end != FOREVER else None)

    def settle(self, holds):
        self.house.run("SELECT credit_settle(%s::uuid[])", [hold.reservation.id for hold in holds])
        self.match_holds(holds)

    def let_go(self):
        """One that has not begun is cancelled."""
        found = [h for h in self.holds if h.verdict == "scheduled" and h.begin > self.house.at()]
        if not found:
            return
        hold = self.dice.choice(found)
        self.verdict(hold, "cancelled")
        self.told = [each for each in self.told if each[1] is not hold.instance or each[2].state == "planned"]
        self.told.append((self.house.today, hold.instance, Fact(self.house.at(), "terminated", None, hold.end), None))
        self.settle([hold])

    def end_holds(self):
        """In the evening of a window's last day, before the books are closed upon it."""
        for hold in self.holds:
            if hold.verdict == "scheduled" and hold.end <= self.house.at():
                self.verdict(hold, "ended")

    def match_holds(self, holds):
        """What is held of each reservation that has a hold: what it may still cost beyond what is rated."""
        now, house = self.house.at(), self.house
        told = {row["id"]: row for row in house.rows("SELECT reservation_id::text AS id, state, amount_u FROM credit_hold")}
        for hold in holds:
            row = told.get(hold.reservation.id)
            if row is None:  # it was granted while its tenant had no limit
                assert hold.amount_u == 0
                continue
            is_rated = hold.verdict == "ended" and hold.end <= house.today
            due = "voided" if hold.verdict in ("rejected", "cancelled") else "posted" if is_rated else "pending"
            assert row["state"] == due, (hold, row)
            if due == "pending":
                self.is_most(hold, row["amount_u"], now)
            else:
                assert row["amount_u"] == 0
            hold.amount_u = row["amount_u"]
