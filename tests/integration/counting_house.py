"""Bookkeeping with sluice-api beside it: what is done is done through REST (facts of instances and nodes apart, which the provisioner would
write), and told to the oracle's world at the same time."""
# SPDX-License-Identifier: Apache-2.0

import csv
import datetime
import io
import json
import os
import re
import subprocess
import uuid

from bookkeeping import Bookkeeping
from contract import binaries
from oracle import books as oracle_books
from oracle import capex, metering, pricing, rating
from oracle.amounts import DAY_S, EXPONENTS, GPU_HOUR, instant, text_of
from stack import UNLIMITED, Client, Daemon, eventually

DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32


def uuid_of(identity):
    """Of "prc_..."."""
    number = 0
    for digit in identity.split("_")[1]:
        number = number * 32 + DIGITS.index(digit)
    return str(uuid.UUID(int=number))


def identity_of(prefix, uid):
    number, text = uuid.UUID(uid).int, ""
    for _ in range(26):
        number, digit = divmod(number, 32)
        text = DIGITS[digit] + text
    return f"{prefix}_{text}"


def price_text(micro):
    return f"{micro // 10 ** 6}.{micro % 10 ** 6:06}"


def minor_text(minor, currency):
    size = 10 ** EXPONENTS[currency]
    return f"{minor // size}.{minor % size:0{EXPONENTS[currency]}}" if size > 1 else str(minor)


def money(micro, currency):
    return {"amount": price_text(micro), "currency": currency}


def minor(amount, currency):
    return {"amount": minor_text(amount, currency), "currency": currency}


class CountingHouse(Bookkeeping):
    def __init__(self, cluster, directory, start):
        super().__init__(cluster, directory, start=start, settings={"SLUICE_LEASE_TTL_MS": "1000"})
        self.port, admin, standby = self.ports.take(), self.ports.take(), self.ports.take()
        environment = {"SLUICE_DATABASE_URL": cluster.url(self.database), "SLUICE_ADMIN_LISTEN": f"127.0.0.1:{admin}",
                       "SLUICE_LISTEN": f"127.0.0.1:{self.port}", **UNLIMITED}
        self.api = Daemon("sluice-api", directory, environment, admin)
        (directory / "standby").mkdir()
        self.standby = Daemon("sluice-billing", directory / "standby", {**self.daemon.environment, "SLUICE_ADMIN_LISTEN": f"127.0.0.1:{standby}"}, standby)
        self.world, self.fleet, self.assets, self.books = rating.World(), capex.Fleet(), [], {}
        self.clients, self.commitment_count = {}, 0
        self.meters = {}            # name -> aggregation
        self.weights = {}           # (node id, day) -> what was delivered and what not, once the day is closed
        self.expected_changes = []  # (id, amount or None where it is refused)
        self.today = instant(start) // DAY_S * DAY_S

    def start(self):
        token = subprocess.run([binaries() / "sluice-api", "token", "create", "--role", "system_admin", "--name", "house"],
                               env=dict(os.environ, **self.api.environment), capture_output=True, text=True, check=True).stdout
        self.operator = Client(self.port, next(word for word in token.split() if word.startswith("slu_")))
        self.api.launch()
        self.daemon.launch()
        self.api.wait_ready()
        self.daemon.wait_ready()
        self.standby.launch()
        return self

    def close(self):
        try:
            self.api.stop()
            self.standby.stop()
        finally:
            super().close()

    def kill_leader(self):
        """The other one takes over; who was killed comes back to stand by."""
        self.daemon.kill()
        self.daemon.launch()
        self.daemon, self.standby = self.standby, self.daemon

    # ---- Time ----

    def at(self):
        return int(self.now().timestamp())

    def evening(self):
        """One second before midnight: what happens on a day is told then."""
        self.tick(text_of(self.today + DAY_S - 1))

    def begin_midnight(self):
        self.today += DAY_S
        self.ticked = self.tick(text_of(self.today))

    def until(self, condition):
        """Waits for a condition, which is told whether billing is done with the midnight."""
        def is_closed():
            return self.value("SELECT coalesce(max(tick), 0) FROM clock_acknowledgement WHERE component = 'billing'") >= self.ticked

        eventually(lambda: condition(is_closed()), f"billing acknowledges tick {self.ticked}:\n{self.daemon.log_tail()}")

    def midnight(self):
        self.begin_midnight()
        self.until(lambda is_closed: is_closed)

    # ---- Tenants and what they pay ----

    def new_tenant(self, name, zone="UTC", currency="USD", tax_bp=0):
        made = self.operator.create("/v1/system/tenants", {"name": name, "billing_timezone": zone, "currency": currency, "tax_rate_bp": tax_bp})
        tenant = rating.Tenant(uuid_of(made["id"]), name, zone, currency, [(0, tax_bp)])
        token = self.operator.create("/v1/system/tokens", {"role": "admin", "name": f"of-{name}", "tenant": name})["token"]
        self.clients[name] = Client(self.port, token)
        self.clients[name].create("/v1/projects", {"name": "research"})
        self.world.tenants.append(tenant)
        self.books[name] = oracle_books.Books(tenant)
        return tenant

    def kind_of(self, sku):
        return "meter" if sku in self.meters else "gpu_model" if sku in ("H100", "A100") else "instance_type"

    def new_meter(self, name, unit, aggregation):
        self.operator.create("/v1/system/meters", {"name": name, "unit": unit, "aggregation": aggregation})
        self.meters[name] = aggregation

    def report(self, event, reservation, meter, milli, end, length, times=1):
        """An agent's reading, sent so many times, and once with another content, which is refused."""
        self.run("INSERT INTO reservation_status (reservation_id, tenant_id, zone_id, state, wish_revision, starts_at) VALUES (%s, %s, %s, 'active', 1, to_timestamp(0))"
                 " ON CONFLICT DO NOTHING", reservation.id, reservation.tenant.id, self.zone)
        item = {"event": event, "reservation": identity_of("rsv", reservation.id), "meter": meter, "to": text_of(end), "quantity": f"{milli // 1000}.{milli % 1000:03}000"}
        if length is not None:
            item["from"] = text_of(end - length)
        for _ in range(times):
            self.operator.post("/v1/system/meter-readings", {"items": [item]}).expect(204)
        assert self.operator.post("/v1/system/meter-readings", {"items": [{**item, "quantity": "7.777000"}]}).status == 422
        self.world.readings.append(rating.Reading(reservation, meter, milli, end, length if self.meters[meter] == "level" else None, self.at()))

    def new_price(self, sku, tier, currency, unit_u, begins=None, tenant=None, project=None, corrects=None, **more):
        kind = self.kind_of(sku)
        if kind == "meter":
            more["per"] = {"sum": 1000, "level": GPU_HOUR}[self.meters[sku]]
        wish = {"sku_kind": kind, "sku": sku, "tier": tier, "gpu_hour": money(unit_u, currency)}
        if begins is not None:
            wish["valid_from"] = text_of(begins)
        if tenant is not None:
            wish["tenant"] = tenant.name
        if project is not None:
            wish["project"] = project
        if corrects is not None:
            wish["corrects"] = identity_of("prc", corrects.id)
        if more.get("tiers"):
            wish["tiers"] = [{"up_to_gpu_hours": end, "gpu_hour": price_text(u)} for end, u in more["tiers"]]
        if more.get("windows"):
            wish["windows"] = [{"days": list(w.days), "from": w.begins, "to": w.ends, "gpu_hour": price_text(w.unit_u)} for w in more["windows"]]
        wish.update({name: more[key] for key, name in (("model", "model"), ("package", "package_gpu_hours"), ("minimum_s", "minimum_s")) if more.get(key)})
        answer = self.operator.post("/v1/system/prices", wish)
        if answer.status == 409:
            return None  # it would overlap
        made, now = answer.expect(201).body, self.at()
        price = pricing.Price(uuid_of(made["id"]), kind, sku, tier, currency, unit_u, instant(made["valid_from"]), tenant=tenant and tenant.id,
                              project=project, created_at=now, **more)
        if corrects is not None:
            price.ends, corrects.withdrawn_at = corrects.ends, now
        for other in self.world.book.prices:
            same = (other.sku, other.tier, other.currency, other.tenant, other.project) == (sku, tier, currency, price.tenant, project)
            if corrects is None and same and other.ends == metering.FOREVER and other.withdrawn_at == metering.FOREVER:
                other.ends = price.begins
        self.world.book.prices.append(price)
        return price

    def new_discount(self, tenant, begins, ends=None, project=None, sku=None, percent_bp=None, fixed_u=None):
        wish = {"tenant": tenant.name, "valid_from": text_of(begins), "reason": "because", "project": project}
        if ends is not None:
            wish["valid_until"] = text_of(ends)
        if sku is not None:
            wish.update({"sku_kind": self.kind_of(sku), "sku": sku})
        wish.update({"percent_bp": percent_bp} if fixed_u is None else {"gpu_hour": money(fixed_u, tenant.currency)})
        answer = self.operator.post("/v1/system/discounts", wish)
        if answer.status == 409:
            return
        made = answer.expect(201).body
        self.world.book.discounts.append(pricing.Discount(uuid_of(made["id"]), tenant.id, begins, ends or metering.FOREVER, project, sku, percent_bp, fixed_u,
                                                          tenant.currency if fixed_u is not None else None))

    def new_commitment(self, tenant, first_month, months, sku=None, tier="reserved", gpu_hours=0, unit_u=0, amount=0, upfront_bp=0):
        """first_month: "2026-03-01"; amount: of a spend commitment, minor units per period."""
        wish = {"tenant": tenant.name, "first_month": first_month, "months": months, "category": "usage" if sku else "spend"}
        wish["payment_model"] = {0: "no_upfront", 10000: "all_upfront"}.get(upfront_bp, "partial_upfront")
        if wish["payment_model"] == "partial_upfront":
            wish["upfront_bp"] = upfront_bp
        if sku:
            wish.update({"sku_kind": "instance_type", "sku": sku, "tier": tier, "gpu_hours": gpu_hours, "unit_price": money(unit_u, tenant.currency)})
        else:
            wish["amount"] = minor(amount, tenant.currency)
        made = self.operator.create("/v1/system/commitments", wish)
        size = 10 ** (6 - EXPONENTS[tenant.currency])
        total = amount * months if not sku else oracle_books.half_away(oracle_books.Fraction(gpu_hours * unit_u, size)) * months
        assert made["total"] == minor(total, tenant.currency), made
        self.commitment_count += 1
        self.world.commitments.append(rating.Commitment(uuid_of(made["id"]), tenant, wish["category"], total, instant(made["starts_at"]), instant(made["ends_at"]),
                                                        months, upfront_bp, sku, tier, gpu_hours, self.commitment_count))

    def new_policy(self, kind, steps, tier="reserved", tenant=None):
        made = self.operator.create("/v1/system/charge-policies", {
            "kind": kind, "tier": tier, "tenant": tenant and tenant.name, "steps": [{"least": least, "share_bp": share} for least, share in steps]})
        self.world.policies.append(rating.Policy(kind, steps, instant(made["valid_from"]), tenant, tier))

    def new_correction(self, reservation, begin, end, gpu_milli, model=None):
        wish = {"reservation": identity_of("rsv", reservation.id), "starts_at": text_of(begin), "ends_at": text_of(end), "gpu_milli": gpu_milli, "reason": "because"}
        if reservation.sku is None:
            wish["gpu_model"] = model
        self.operator.post("/v1/system/usage-corrections", wish).expect(201)
        self.world.corrections.append(rating.Correction(reservation, begin, end, gpu_milli, model, self.at()))

    def new_cancellation(self, reservation, kind, remaining_u, share_bp):
        """The row in which sluice-api keeps what it said that it would cost."""
        self.insert("cancellation", {"reservation_id": reservation.id, "tenant_id": reservation.tenant.id, "kind": kind, "requested_at": text_of(self.at()),
                                     "currency": reservation.tenant.currency, "remaining_u": remaining_u, "charge_bp": share_bp})
        self.world.cancellations.append(rating.Cancellation(reservation, kind, self.at(), remaining_u, share_bp))

    # ---- Terms of invoices ----

    def new_tax_rate(self, code, country, rate_bp, begins):
        answer = self.operator.post("/v1/system/tax-rates", {"code": code, "country": country, "rate_bp": rate_bp, "valid_from": text_of(begins)})
        if answer.status == 409:
            return  # it would overlap
        answer.expect(201)
        self.world.taxes.setdefault((code, country), []).append((begins, rate_bp))

    def new_profile_of(self, tenant, **terms):
        """terms: fields of a billing profile, with a tax by code and how invoices are issued."""
        self._takes_terms(tenant, terms)
        return self.operator.create("/v1/system/billing-profiles", {"tenant": tenant.name, **terms})["id"]

    def change_profile(self, tenant, profile, **terms):
        self._takes_terms(tenant, terms)
        self.operator.patch(f"/v1/system/billing-profiles/{profile}", terms).expect(200)

    def _takes_terms(self, tenant, terms):
        tenant.tax_rates = self.world.taxes[terms["tax_code"], terms["tax_country"]]
        tenant.by_hand = terms["issue"] == "by_hand"

    # ---- Money that moves ----

    def posted(self, path, made):
        return eventually(lambda: (body := self.operator.get(f"{path}/{made['id']}").expect(200).body)["state"] != "requested" and body, "billing has posted it")

    def new_grant(self, tenant, amount, promotional=False, priority=0, expires_at=None):
        wish = {"tenant": tenant.name, "amount": minor(amount, tenant.currency), "kind": "promotional" if promotional else "prepaid", "priority": priority}
        if expires_at:
            wish["expires_at"] = text_of(expires_at)
        made = self.posted("/v1/system/credit-grants", self.operator.post("/v1/system/credit-grants", wish).expect(201).body)
        self.books[tenant.name].grant(oracle_books.Grant(uuid_of(made["id"]), self.at(), amount * 10 ** (6 - EXPONENTS[tenant.currency]), promotional, priority,
                                                         expires_at or metering.FOREVER))

    def new_payment(self, tenant, amount, named=(), refund=False):
        wish = {"tenant": tenant.name, "amount": minor(amount, tenant.currency), "kind": "refund" if refund else "payment"}
        if named:
            wish["invoices"] = [invoice.number for invoice in named]
        made = self.posted("/v1/system/payments", self.operator.post("/v1/system/payments", wish).expect(201).body)
        size, ours = 10 ** (6 - EXPONENTS[tenant.currency]), self.books[tenant.name]
        expected = ours.refund(amount * size) if refund else (ours.pay(amount * size, named), True)[1]
        assert (made["state"] == "posted") == expected, (tenant.name, wish, made)

    def new_credit(self, books, invoice, asked, share=None):
        """A credit note of an invoice's lines, of a share of all of them (numerator, denominator), or of all that is left of it."""
        wish = {"reason": "because"}
        if share is not None:
            wish["share"] = dict(zip(("numerator", "denominator"), share))
            asked = [(n, *share) for n in range(len(invoice.lines))]
        elif asked is not None:
            wish["lines"] = [{"line_no": invoice.line_numbers[n], "share_numerator": numerator, "share_denominator": denominator} for n, numerator, denominator in asked]
        answer = self.operator.post(f"/v1/system/invoices/{identity_of('inv', invoice.id)}/credit", wish)
        expected = books.credit(invoice, asked, self.at())
        if expected is None:
            assert answer.status == 409, (answer, asked, [vars(line) for line in invoice.lines])
            return
        made = self.operator.get(f"/v1/system/credit-notes/{answer.expect(201).body['credit_note']}").expect(200).body
        told = [made[name]["amount"] for name in ("net", "tax")]
        assert told == [minor_text(amount, invoice.tenant.currency) for amount in expected], (made, expected)

    def match(self, tenant, period, expected):
        """The invoice that a close has drawn up is the expected one."""
        rows = self.rows("SELECT id::text AS id FROM invoice WHERE tenant_id = %s AND period_start = to_timestamp(%s)", tenant.id, period[0])
        assert len(rows) == (expected is not None), f"{tenant}, {period}: {len(rows)} invoices, expected {expected and expected.lines}; {self.unclosed(tenant)}"
        if expected is not None:
            expected.id = rows[0]["id"]
            self.match_lines(expected)

    def match_lines(self, expected):
        """Of an invoice whose id is known, line by line; it takes how its lines are numbered."""
        lines = {}
        for line in self.rows("SELECT line_no, reservation_id::text AS r, price_id::text AS p, commitment_id::text AS c, charge_category AS category, reason,"
                              " extract(epoch FROM corrects)::bigint AS corrects, gpu_milli_seconds + meter_quantity AS quantity, amount_u, net_minor AS net FROM invoice_line"
                              " WHERE invoice_id = %s", expected.id):
            lines[line["r"], line["p"], line["c"], line["category"], line["reason"], line["corrects"]] = line
        ours = {(x.group.reservation, x.group.price, x.group.commitment, x.group.category, x.group.reason, x.corrects): x for x in expected.lines}
        for key in {*lines, *ours}:
            told = [lines[key][name] for name in ("quantity", "amount_u", "net")] if key in lines else [0, 0, 0]
            due = [ours[key].quantity, ours[key].amount_u, ours[key].net] if key in ours else [0, 0, 0]
            assert told == due, f"{expected.tenant}, {expected.period}, {key}: the system says {told}, the oracle {due}; tenant's lines {lines}"
        expected.line_numbers = [lines[key]["line_no"] for key in ours]
        self.match_totals(expected)

    def match_totals(self, expected):
        (row,) = self.rows("SELECT series, number, net_minor, tax_minor, total_minor FROM invoice WHERE id = %s", expected.id)
        assert [row[name] for name in ("net_minor", "tax_minor", "total_minor")] == [expected.net, expected.tax, expected.total], (row, expected)
        if row["number"] is not None:
            expected.number = f"{row['series']}-{row['number']:06}"

    def act_on_invoice(self, invoice, action):
        """finalize or issue."""
        self.operator.post(f"/v1/system/invoices/{identity_of('inv', invoice.id)}/{action}").expect(201)
        self.match_lines(invoice)

    def void_invoice(self, invoice, status):
        """The draft that takes its place."""
        answer = self.operator.post(f"/v1/system/invoices/{identity_of('inv', invoice.id)}/void", {"reason": "because"}).expect(status)
        return uuid_of(answer.body["draft"]) if status == 201 else None

    def unclosed(self, tenant):
        """What there is to say of periods that are not closed."""
        return (self.rows("SELECT starts_at, status, parked_reason FROM billing_period WHERE tenant_id = %s", tenant.id),
                self.rows("SELECT day, sku FROM unpriced_usage WHERE tenant_id = %s", tenant.id),
                self.rows("SELECT day, period_start, corrects, count(*) FROM rated_line WHERE tenant_id = %s GROUP BY 1, 2, 3 ORDER BY 1 DESC LIMIT 9", tenant.id))

    # ---- Capacity and facts ----

    def new_node(self, name, gpus, model):
        made, at = str(uuid.uuid4()), text_of(self.at())
        self.insert("node", {"id": made, "zone_id": self.zone, "rack_id": self.rack, "name": name, "gpu_model": model, "gpu_count": gpus, "cpu_milli": 1,
                             "memory_mib": 1})
        node = metering.Node(made, gpus, model, instant(at))
        self.world.nodes.append(node)
        return node

    def node_is(self, node, at, state):
        self.node_becomes(node.id, state, text_of(at))
        node.facts.append((at, state))

    def new_reservation(self, tenant, sku, project, tier, types):
        made = str(uuid.uuid4())
        self.insert("reservation", {"id": made, "tenant_id": tenant.id, "principal_id": str(uuid.uuid4()), "zone_id": self.zone, "project": project,
                                    "instance_type_id": types.get(sku), "gpu_count": 1, "gpu_milli": 0, "cpu_milli": 0, "memory_mib": 0, "count": 1, "tier": tier,
                                    "gpu_models": "{}"})
        reservation = rating.Reservation(made, tenant, project, sku, tier)
        self.world.reservations.append(reservation)
        return reservation

    def new_instance(self, reservation, gpu_milli, starts_at):
        instance = metering.Instance(str(uuid.uuid4()), reservation, gpu_milli, starts_at)
        self.world.instances.append(instance)
        self.insert("instance", {"id": instance.id, "tenant_id": reservation.tenant.id, "reservation_id": reservation.id, "zone_id": self.zone, "state": "planned",
                                 "ordinal": sum(i.reservation is reservation for i in self.world.instances) - 1, "gpu_milli": gpu_milli, "cpu_milli": 0,
                                 "memory_mib": 0, "starts_at": text_of(starts_at)})
        return instance

    def tell(self, told, shuffled=None):
        """Facts of instances, (instance, fact) each in the order of revisions, in one transaction; shuffled: dice, to write them in any order, some twice."""
        rows = []
        for instance, fact in told:
            fact.known_at = self.today
            instance.facts.append(fact)
            payload = {"state": fact.state, "reservation_id": instance.reservation.id, "ordinal": 0, "incarnation": 1, "node_id": fact.node,
                       "gpu_milli": instance.gpu_milli, "starts_at": instance.starts_at}
            payload.update({name: value for name, value in (("ends_at", fact.ends_at), ("ends_by", fact.ends_by)) if value != metering.FOREVER})
            rows.append((instance.reservation.tenant.id, self.zone, instance.id, len(instance.facts), f"instance.{fact.state}", json.dumps(payload), text_of(fact.at)))
        if shuffled:
            rows += [row for row in rows if shuffled.random() < 0.5]
            shuffled.shuffle(rows)
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT count(event_append(t::uuid, z::uuid, 'instance', i::uuid, r, k, NULL, p::jsonb, a::timestamptz)), pg_notify('sluice_event', '')"
                           "  FROM unnest(%s, %s, %s, %s, %s, %s, %s) AS x (t, z, i, r, k, p, a)", [list(column) for column in zip(*rows)])
            for instance in {instance for instance, _ in told}:  # as the provisioner keeps it
                last, ends_at = instance.facts[-1], instance.ends_at()
                cursor.execute("UPDATE instance SET state = %s, node_id = %s, ends_at = to_timestamp(%s) WHERE id = %s",
                               (last.state, last.node, None if ends_at == metering.FOREVER else ends_at, instance.id))

    # ---- Hardware ----

    def new_asset(self, serial, node, terms, component_of=None):
        wish = {"serial": serial, "node": node and identity_of("nod", node.id), "cohort": "c1", "cost": minor(terms.cost, "USD"),
                "salvage": minor(terms.salvage, "USD"), "in_service": str(capex.date_of(terms.in_service)), "life_months": terms.life_months,
                "method": terms.method, "convention": terms.convention, "step_months": terms.step_months}
        if terms.lifetime_units:
            wish["lifetime_gpu_hours"] = terms.lifetime_units // GPU_HOUR
        if component_of is not None:
            wish["component_of"] = component_of.serial
        made = self.operator.create("/v1/system/assets", wish)
        self.assets.append(capex.Asset(uuid_of(made["id"]), serial, node, "USD", terms, self.today // DAY_S, component_of))
        return self.assets[-1]

    @staticmethod
    def node_of(asset):
        """Its own, or that of what it is a component of."""
        return asset.node or (asset.component_of and asset.component_of.node)

    def new_change(self, asset, change):
        """Wished today, applied at the close of its day: what the oracle says of it is held against the outcome then."""
        wish = {"kind": change.kind, "effective_on": str(capex.date_of(change.day)), "reason": "because"}
        names = {"life_months": "life_months", "standard": "standard", "part_count": "part_count", "part_total": "part_total"}
        amounts = {"salvage": "salvage", "undiscounted": "undiscounted_cash_flows", "fair_value": "fair_value", "value_in_use": "value_in_use",
                   "selling_cost": "selling_cost", "proceeds": "proceeds"}
        said = {name: value for name, value in vars(change).items() if value is not None and value != type(change).__dataclass_fields__[name].default}
        wish.update({names[name]: value for name, value in said.items() if name in names})
        wish.update({amounts[name]: minor(value, "USD") for name, value in said.items() if name in amounts})
        answer = self.operator.post(f"/v1/system/assets/{identity_of('ast', asset.id)}/changes", wish)
        return uuid_of(answer.body["id"]) if answer.status == 201 else None

    def weights_of(self, node, day):
        """Of a closed day."""
        if (node.id, day) not in self.weights:
            self.weights[node.id, day] = metering.weights_of_day(node, self.world.instances, day, self.today)
        return self.weights[node.id, day]

    def units(self, asset, day):
        """Milli-GPU-seconds that its node delivered while it was in the books, before a day."""
        node = self.node_of(asset)
        return sum(sum(self.weights_of(node, each)[0].values()) for each in range(asset.recognised_on, day)) if node else 0

    def new_rate(self, pool, basis, amount_u, zone=None, pue_milli=None, begins=None):
        wish = {"pool": pool, "basis": basis, "amount": money(amount_u, "USD"), "zone": zone, "pue_milli": pue_milli}
        if begins is not None:
            wish["valid_from"] = str(capex.date_of(begins))
        if self.operator.post("/v1/system/cost-rates", wish).status == 201:
            self.fleet.rates.append(capex.Rate(pool, basis, amount_u, self.today // DAY_S if begins is None else begins, zone, pue_milli or 1000))

    def new_profile(self, model, gpus, idle_w, full_w):
        self.operator.request("PUT", "/v1/system/power-profiles", {"gpu_model": model, "gpu_count": gpus, "idle_w": idle_w, "full_w": full_w}).expect(200, 201)
        self.fleet.profiles[model, gpus] = idle_w, full_w

    def new_reading(self, node, day, watt_hours):
        items = [{"node": identity_of("nod", node.id), "day": str(capex.date_of(day)), "watt_hours": watt_hours}]
        self.operator.post("/v1/system/energy-readings", {"items": items}).expect(204)
        self.fleet.readings[node.id, day] = watt_hours

    # ---- What is read back ----

    def focus(self, path):
        """Every row of a data set."""
        rows, page = [], None
        while True:
            answer = self.operator.get(f"/v1/system/focus/{path}&limit=500" + (f"&page={page}" if page else ""), headers={"Accept": "text/csv"}).expect(200)
            rows += list(csv.DictReader(io.StringIO(answer.content.decode())))
            following = re.search(r'<[^>]*[?&]page=([^>&]+)[^>]*>; rel="next"', answer.headers.get("Link") or "")
            if following is None:
                return rows
            page = following[1]



def month_text(at):
    return datetime.datetime.fromtimestamp(at, datetime.timezone.utc).strftime("%Y-%m-01")
