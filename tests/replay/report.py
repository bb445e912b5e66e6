"""From what the drive read back to the report: one dictionary, printed as JSON or as lines for people."""

# SPDX-License-Identifier: Apache-2.0

import collections

import checks
from drive import seconds_of

HOUR = 3_600_000  # milli-GPU-seconds of a GPU-hour


def gpu_hours(milli_seconds):
    return round(milli_seconds / HOUR, 3)


def money(micro):
    return f"{'-' if micro < 0 else ''}{abs(micro) // 1_000_000}.{abs(micro) % 1_000_000:06d}"


def peak_allocated(allocations):
    steps = []
    for row in allocations:
        if row["kind"] == "instance":
            size = row["slots"][1] - row["slots"][0]
            steps += [(seconds_of(row["from"]), size), (seconds_of(row["to"]), -size)]
    level = peak = 0
    for _, step in sorted(steps):
        level += step
        peak = max(peak, level)
    return peak


def build(drive, fleet, tasks, outcomes, skipped, facts):
    usage, invoices, allocations = list(drive.usage()), list(drive.invoices()), list(drive.allocations())
    attribution, nodes, reservations = list(drive.attribution()), drive.nodes(), list(drive.reservations())

    idle, amortization_u, attributed_u = collections.Counter(), 0, 0
    for row in attribution:
        amortization_u += checks.micro(row["cost"])
        for part in row["allocations"]:
            if part["reservation"] is None:
                idle[part["target"]] += checks.micro(part["amount"])
            else:
                attributed_u += checks.micro(part["amount"])
    seconds_by_class = collections.Counter()
    for row in usage:
        seconds_by_class[row["class"]] += row["gpu_milli"] * row["seconds"]
    revenue_u = sum(checks.micro(line["amount_exact"]) for _, lines in invoices for line in lines)
    invoiced_u = sum(checks.micro(invoice["net"]) for invoice, _ in invoices)
    refused = collections.Counter(outcome.refusal for outcome in outcomes if outcome.refusal)
    capacity = sum(node.gpu_count for node in fleet)

    results = [
        checks.no_overlap(allocations),
        checks.within_nodes(allocations, nodes),
        checks.usage_tiles(usage, reservations),
        checks.journal_balances(drive.ledger()),
        checks.attribution_sums(attribution),
        checks.billed_is_delivered(usage, invoices),
        checks.lines_are_rated(invoices, drive.prices()),
        checks.numbers_are_gapless(invoice["number"] for invoice in drive.operator.pages("/v1/system/invoices")),
    ]
    return {
        **facts,
        "fleet": {"nodes": len(fleet), "gpus": capacity},
        "requests": len(outcomes),
        "skipped": dict(sorted(skipped.items())),
        "admitted": sum(1 for outcome in outcomes if outcome.reservation),
        "refused": dict(sorted(refused.items())),
        "refused_total": sum(refused.values()),
        "gpu_hours": {
            "asked": gpu_hours(sum(task.gpu_milli_seconds for task in tasks)),
            "admitted": gpu_hours(sum(outcome.task.gpu_milli_seconds for outcome in outcomes if outcome.reservation)),
            "delivered": gpu_hours(sum(seconds_by_class[name] for name in checks.BILLED_CLASSES)),
            "billed": gpu_hours(sum(line["gpu_milli_seconds"] for _, lines in invoices for line in lines)),
        },
        "gpu_milli_seconds_by_class": dict(sorted(seconds_by_class.items())),
        "peak_gpus": {"asked": facts["peak_asked_milli"] / 1000, "allocated": peak_allocated(allocations) / 1000, "fleet": capacity},
        "money_usd": {
            "revenue": money(revenue_u),
            "invoiced_net": money(invoiced_u),
            "amortization": money(amortization_u),
            "amortization_of_reservations": money(attributed_u),
            "idle_by_cause": {cause: money(amount) for cause, amount in sorted(idle.items())},
            "margin": money(revenue_u - amortization_u),
        },
        "invoices": len(invoices),
        "checks": [check.as_json() for check in results],
        "ok": all(check.violations == 0 for check in results),
    }


def print_for_people(report):
    def line(name, value):
        print(f"  {name:<36}{value}")

    print(f"Replay of {report['source']}" + (" (synthetic)" if report["synthetic"] else ""))
    line("fleet",
         f"{report['fleet']['nodes']} nodes, {report['fleet']['gpus']} GPUs (fraction {report['fleet_fraction']}; {report['nodes_without_gpu']} nodes without GPU left out)")
    line("time", f"compression {report['time_compression']}, turnaround {report['turnaround_s']} s, start delay {report['start_delay_s']} s")
    line("made up", "racks, fabrics, tenants (by qos), prices, costs, purchase dates")
    line("requests", f"{report['requests']} (skipped: {report['skipped'] or 'none'})")
    line("admitted", report["admitted"])
    line("refused", f"{report['refused_total']} {report['refused'] or ''}")
    for name, value in report["gpu_hours"].items():
        line(f"GPU-hours {name}", f"{value:,.3f}")
    peak = report["peak_gpus"]
    line("peak GPUs", f"asked {peak['asked']:.3f} ({peak['asked'] / peak['fleet']:.1%} of the fleet), allocated {peak['allocated']:.3f}")
    for name, value in report["money_usd"].items():
        for part, amount in (value.items() if isinstance(value, dict) else [(None, value)]):
            line(f"{name}{' ' + part if part else ''} (USD)".replace("_", " "), amount)
    line("invoices", report["invoices"])
    line("wall time", f"{report['wall_s']} s ({report['wall_by_part']})")
    for check in report["checks"]:
        line(check["check"], f"{'ok' if check['ok'] else 'VIOLATED'} ({check['counted']} checked{', ' + str(check['first']) if check['first'] else ''})")
    print("All invariants hold." if report["ok"] else "INVARIANTS VIOLATED.")
