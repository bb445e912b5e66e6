"""Drives the running system through REST: registers the fleet, asks for every task at its creation time, moves the
virtual clock, and reads back what came of it. What the trace does not say (racks, fabrics, tenants, prices, costs,
purchase dates) is made up here, by fixed rules."""

# SPDX-License-Identifier: Apache-2.0

import collections
import dataclasses
import datetime
import sys
import time

from rest import Client, Problem

NODES_PER_RACK = 16
LIFE_MONTHS = 60
# Made up: (cost of a node per GPU, price of a GPU-hour) in USD by GPU model.
ECONOMICS = {
    "T4": (6_500, "0.350000"), "P100": (11_000, "0.600000"), "V100M16": (16_000, "0.950000"), "V100M32": (19_000, "1.150000"),
    "A10": (9_500, "0.700000"), "G2": (14_000, "0.900000"), "G3": (24_000, "1.600000"), "H100": (38_000, "2.490000"),
}
ECONOMICS_OF_OTHERS = (15_000, "1.000000")


def instant(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds_of(text):
    return int(datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc).timestamp())


def next_midnight(seconds):
    return -(-seconds // 86400) * 86400


def next_month(seconds):
    at = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return int(datetime.datetime(at.year + at.month // 12, at.month % 12 + 1, 1, tzinfo=datetime.timezone.utc).timestamp())


def name_of(text):
    """A name as the API takes it: lower case letters, digits, '.', '_' and '-'."""
    return "".join(c if c.isalnum() or c in "._-" else "-" for c in text.lower())[:40]


@dataclasses.dataclass
class Outcome:
    """What became of a task."""

    task: object
    reservation: str | None
    refusal: str | None  # the binding constraint or problem code; None: admitted


class Drive:
    def __init__(self, url, token, start_delay_s=0, turnaround_s=0, progress=True):
        self.url, self.operator = url, Client(url, token)
        self.start_delay_s, self.turnaround_s, self.progress = start_delay_s, turnaround_s, progress
        self.run = f"replay-{time.time_ns() // 1_000_000:x}"
        self.tenants, self.tenant_ids = {}, {}
        self.origin = self.now = seconds_of(self.operator.get("/v1/system/clock")["now"])
        self.ticks = 0

    def say(self, text):
        if self.progress:
            print(text, file=sys.stderr, flush=True)

    def advance(self, to):
        self.operator.post("/v1/system/clock", {"advance_to": instant(to)})
        self.now = to
        self.ticks += 1

    # ---- The world before the first task ----

    def register(self, nodes, groups):
        self.advance(next_midnight(self.now))
        self.origin = self.now
        self.operator.post("/v1/system/zones", {"name": self.run, "lead_s": 0, "sim_start_s": self.start_delay_s})
        for group in groups:
            self._register_tenant(group)
        for model in sorted({node.gpu_model for node in nodes}):
            self._register_price(model)
        position = collections.Counter()
        for node in nodes:
            self._register_node(node, position[node.gpu_model])
            position[node.gpu_model] += 1
        self.advance(self.now)  # the nodes are validated and ready

    def _register_tenant(self, group):
        name = f"{self.run}-{name_of(group)}"
        tenant = self.operator.post("/v1/system/tenants", {"name": name, "currency": "USD", "may_shape": True})
        token = self.operator.post("/v1/system/tokens", {"tenant": name, "role": "member", "name": "replay"})
        self.tenants[group] = Client(self.url, token["token"])
        self.tenant_ids[group] = tenant["id"]

    def _register_price(self, model):
        price = ECONOMICS.get(model, ECONOMICS_OF_OTHERS)[1]
        body = {"sku_kind": "gpu_model", "sku": model, "gpu_hour": {"amount": price, "currency": "USD"}, "valid_from": instant(self.now)}
        try:
            self.operator.post("/v1/system/prices", body)
        except Problem as problem:
            # A second replay on the same day finds the version of the first, at the same price.
            if problem.status != 409:
                raise

    def _register_node(self, node, position):
        made = self.operator.post("/v1/system/nodes", {
            "name": node.name, "zone": self.run, "fabric": name_of(node.gpu_model), "rack": f"r{position // NODES_PER_RACK:04d}",
            "gpu_model": node.gpu_model, "gpu_count": node.gpu_count, "cpu_milli": node.cpu_milli, "memory_mib": node.memory_mib,
            "turnaround_s": self.turnaround_s,
        })
        cost = ECONOMICS.get(node.gpu_model, ECONOMICS_OF_OTHERS)[0] * node.gpu_count
        self.operator.post("/v1/system/assets", {
            "serial": f"{self.run}-{node.name}", "node": made["id"], "cohort": f"{self.run}-{name_of(node.gpu_model)}",
            "cost": {"amount": f"{cost}.00", "currency": "USD"}, "salvage": {"amount": f"{cost // 10}.00", "currency": "USD"},
            "in_service": instant(self.origin)[:10], "life_months": LIFE_MONTHS,
        })

    # ---- The tasks ----

    def play(self, tasks):
        outcomes, last_said = [], time.monotonic()
        for index, task in enumerate(tasks):
            if self.origin + task.start > self.now:
                self.advance(self.origin + task.start)
            outcomes.append(self._ask(task))
            if time.monotonic() - last_said > 5:
                last_said = time.monotonic()
                self.say(f"  {index + 1}/{len(tasks)} tasks, domain time {instant(self.now)}")
        return outcomes

    def _ask(self, task):
        shape = {"gpus": task.gpu_count} if task.gpu_count else {"gpu_milli": task.gpu_milli}
        shape.update(cpu_milli=task.cpu_milli, memory_mib=task.memory_mib)
        if task.gpu_models:
            shape["gpu_models"] = list(task.gpu_models)
        body = {
            "name": task.name, "zone": self.run, "count": 1, "shape": shape,
            "starts_at": instant(self.origin + task.start), "ends_at": instant(self.origin + task.end),
        }
        client = self.tenants[task.group]
        status, answer = client.request("POST", "/v1/reservations", body, {"Idempotency-Key": f"{self.run}-{task.name}", "Prefer": "wait=60"})
        if status == 201:
            return Outcome(task, answer["id"], None)
        if status == 409 and answer.get("code") == "capacity_unavailable":
            binding = answer.get("binding") or {}
            return Outcome(task, None, binding.get("constraint", "capacity_unavailable"))
        if 400 <= status < 500:
            return Outcome(task, None, answer.get("code", str(status)))
        raise Problem("POST", "/v1/reservations", status, answer)

    def finish(self, outcomes):
        """To the end of the month in which the last window ends: everything is metered and invoiced then."""
        last_end = max((outcome.task.end for outcome in outcomes if outcome.reservation), default=0)
        self.advance(next_month(self.origin + last_end) + 3600)

    # ---- What came of it ----

    def nodes(self):
        return [node for node in self.operator.pages(f"/v1/system/nodes?zone={self.run}")]

    def reservations(self):
        for client in self.tenants.values():
            yield from client.pages("/v1/reservations")

    def usage(self):
        for client in self.tenants.values():
            yield from client.pages("/v1/usage")

    def invoices(self):
        """Pairs of an invoice and its lines."""
        for client in self.tenants.values():
            for invoice in client.pages("/v1/invoices"):
                yield invoice, list(client.pages(f"/v1/invoices/{invoice['id']}/lines"))

    def allocations(self):
        return self.operator.pages(f"/v1/system/allocations?zone={self.run}")

    def attribution(self):
        return self.operator.pages(f"/v1/system/attribution?from={instant(self.origin)[:10]}&to={instant(self.now)[:10]}&zone={self.run}")

    def ledger(self):
        return self.operator.pages("/v1/system/ledger/entries")

    def prices(self):
        return {price["id"]: price for price in self.operator.pages("/v1/prices")}
