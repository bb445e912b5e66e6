"""The invariants, computed anew from what the API tells, not asked of the system: a check that fails names the first
culprit."""

# SPDX-License-Identifier: Apache-2.0

import collections
import decimal
import heapq

from drive import seconds_of

FOREVER = 1 << 60
BILLED_CLASSES = ("used", "unused")


def micro(money):
    """{"amount": "2.490000", "currency": "USD"} in micro-units, exactly."""
    value = decimal.Decimal(money["amount"]) * 1_000_000
    if value != value.to_integral_value():
        raise ValueError(f"{money} is finer than a micro-unit")
    return int(value)


def round_half_even(numerator, denominator):
    quotient, remainder = divmod(numerator, denominator)
    return quotient + (2 * remainder > denominator or (2 * remainder == denominator and quotient % 2 == 1))


class Check:
    def __init__(self, name, violations, counted, first=None):
        self.name, self.violations, self.counted, self.first = name, violations, counted, first

    def as_json(self):
        return {"check": self.name, "ok": self.violations == 0, "violations": self.violations, "counted": self.counted, "first": self.first}


def no_overlap(allocations):
    """No two rectangles of a node share a milli-GPU at an instant. Sweeps each node's rectangles by their start."""
    by_node = collections.defaultdict(list)
    for row in allocations:
        until = seconds_of(row["to"]) if row["to"] else FOREVER
        by_node[row["node"]].append((seconds_of(row["from"]), until, row["slots"][0], row["slots"][1], row["reservation"]))
    violations, first, counted = 0, None, 0
    for node, rectangles in by_node.items():
        live = []  # heap by end: (until, slots from, slots to, reservation)
        for begin, until, low, high, who in sorted(rectangles, key=lambda r: (r[0], r[2], r[1])):
            counted += 1
            while live and live[0][0] <= begin:
                heapq.heappop(live)
            for _, other_low, other_high, other in live:
                if low < other_high and other_low < high:
                    violations += 1
                    first = first or f"{node}: {who} and {other} at {begin}"
            heapq.heappush(live, (until, low, high, who))
    return Check("no_overlap", violations, counted, first)


def within_nodes(allocations, nodes):
    """No rectangle lies outside its node's slots; the CPU and memory in use never exceed the node's."""
    limits = {node["id"]: node for node in nodes}
    steps = collections.defaultdict(list)
    violations, first = 0, None
    for row in allocations:
        node = limits[row["node"]]
        if row["slots"][0] < 0 or row["slots"][1] > 1000 * node["gpu_count"]:
            violations += 1
            first = first or f"{row['node']}: slots {row['slots']}"
        if row["kind"] != "instance":
            continue
        until = seconds_of(row["to"]) if row["to"] else FOREVER
        steps[row["node"]].append((seconds_of(row["from"]), row["cpu_milli"], row["memory_mib"]))
        steps[row["node"]].append((until, -row["cpu_milli"], -row["memory_mib"]))
    for node, changes in steps.items():
        cpu = memory = 0
        for at, cpu_step, memory_step in sorted(changes):
            cpu, memory = cpu + cpu_step, memory + memory_step
            if cpu > limits[node]["cpu_milli"] or memory > limits[node]["memory_mib"]:
                violations += 1
                first = first or f"{node} at {at}: cpu {cpu}, memory {memory}"
    return Check("cpu_and_memory_fit", violations, len(steps), first)


def usage_tiles(usage, reservations):
    """The intervals of each instance tile the granted window of its reservation: no gap, no overlap."""
    windows = {}
    for reservation in reservations:
        status = reservation["status"]
        if status["state"] in ("ended", "cancelled") and status["starts_at"]:
            windows[reservation["id"]] = (seconds_of(status["starts_at"]), seconds_of(status["ends_at"]), reservation["count"])
    intervals = collections.defaultdict(list)
    for row in usage:
        intervals[(row["reservation"], row["instance"])].append((seconds_of(row["period_start"]), seconds_of(row["period_end"])))
    violations, first = 0, None
    metered = collections.Counter(reservation for reservation, _ in intervals)
    for reservation, (begin, end, count) in windows.items():
        if end > begin and metered[reservation] != count:
            violations += 1
            first = first or f"{reservation}: {metered[reservation]} of {count} instances metered"
    for (reservation, instance), parts in intervals.items():
        begin, end, _ = windows.get(reservation, (None, None, None))
        at = begin
        for part_begin, part_end in sorted(parts):
            if part_begin != at or part_end <= part_begin:
                break
            at = part_end
        if begin is None or at != end:
            violations += 1
            first = first or f"{reservation} {instance}: tiled to {at} of [{begin},{end})"
    return Check("usage_tiles_windows", violations, len(windows), first)


def journal_balances(entries):
    sums = collections.Counter()
    counted = 0
    for row in entries:
        counted += 1
        key = (row["journal"], row["currency"])
        sums[key] += micro({"amount": row["debit"]}) - micro({"amount": row["credit"]})
    wrong = [key for key, value in sums.items() if value != 0]
    return Check("journal_balances", len(wrong), counted, str(wrong[0]) if wrong else None)


def attribution_sums(attribution):
    """Each node's day goes to reservations and idle causes without remainder, and the weights are the whole day."""
    violations, first, counted = 0, None, 0
    for row in attribution:
        counted += 1
        parts = row["allocations"]
        if sum(micro(part["amount"]) for part in parts) != micro(row["cost"]) or any(micro(part["amount"]) < 0 for part in parts):
            violations += 1
            first = first or f"{row['node']} {row['day']}"
    return Check("attribution_sums", violations, counted, first)


def billed_is_delivered(usage, invoices):
    """To the second: what each reservation was invoiced for is what it was delivered."""
    delivered, billed = collections.Counter(), collections.Counter()
    for row in usage:
        if row["class"] in BILLED_CLASSES:
            delivered[row["reservation"]] += row["gpu_milli"] * row["seconds"]
    for _, lines in invoices:
        for line in lines:
            billed[line["reservation"]] += line["gpu_milli_seconds"]
    wrong = [key for key in delivered.keys() | billed.keys() if delivered[key] != billed[key]]
    first = f"{wrong[0]}: delivered {delivered[wrong[0]]}, billed {billed[wrong[0]]} milli-GPU-seconds" if wrong else None
    return Check("billed_equals_delivered", len(wrong), len(delivered), first)


def lines_are_rated(invoices, prices):
    """Each line is round_half_even(price x milli-GPU-seconds / 3,600,000) micro-units, and invoices add up."""
    violations, first, counted = 0, None, 0
    for invoice, lines in invoices:
        for line in lines:
            counted += 1
            exact = round_half_even(micro(prices[line["price"]]["gpu_hour"]) * line["gpu_milli_seconds"], 3_600_000)
            if exact != micro(line["amount_exact"]):
                violations += 1
                first = first or f"{invoice['number']} line {line['line_no']}: {line['amount_exact']}, expected {exact} micro"
        if sum(micro(line["net"]) for line in lines) != micro(invoice["net"]):
            violations += 1
            first = first or f"{invoice['number']}: lines do not add up"
    return Check("lines_are_rated_exactly", violations, counted, first)


def numbers_are_gapless(numbers):
    """Of all invoices of the system, not only of this replay."""
    values = sorted(int(number.rsplit("-", 1)[1]) for number in numbers)
    missing = [value for value, at in zip(values, range(1, len(values) + 1)) if value != at]
    return Check("invoice_numbers_gapless", len(missing), len(values), str(missing[0]) if missing else None)
