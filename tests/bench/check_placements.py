#!/usr/bin/python3
"""Checks the decisions that tests/bench/planner --placements wrote, knowing nothing of the program that made them.

    tests/bench/check_placements.py PLACEMENTS.csv --nodes NODES.csv
    tests/bench/check_placements.py PLACEMENTS.csv --regular GPUS,CPU_MILLI,MEMORY_MIB [--turnaround-s S]

With --regular all nodes are alike, and their names are paths: fabric/leaf/rack/node.

For each policy, load and seed: no two rectangles of a node overlap, turnaround behind
whole GPUs included (a share's is not bound to slots); CPU and memory stay within the node at every
instant; models are allowed; every instance has all it asked for at every instant of its window, on one node, a share on
one GPU; a gang is complete, and within its scope if that is required. Prints how much it checked.

Exit codes: 0 all is well, 1 something is wrong (it says what), 2 usage.
"""

# SPDX-License-Identifier: Apache-2.0

import argparse
import collections
import csv
import math
import sys

GPU = 1000
GROUP_DEPTH = {"fabric": 1, "leaf": 2, "rack": 3, "node": 4}  # parts of a node's path that its group is named by


class Wrong(Exception):
    pass


def must(condition, row, what):
    if not condition:
        raise Wrong(f"{row['policy']}, load {row['load_percent']} %, seed {row['seed']}, request {row['request']}: {what}")


def instant(text):
    return math.inf if text == "open" else int(text)


def overlapping(intervals):
    """Whether two of (from, to) overlap."""
    intervals = sorted(intervals)
    return any(after[0] < before[1] for before, after in zip(intervals, intervals[1:]))


def peak(holds):
    """The most of (from, to, amount) at one instant."""
    steps = sorted([(start, amount) for start, _, amount in holds] + [(end, -amount) for _, end, amount in holds])
    most = level = 0
    for _, change in steps:
        level += change
        most = max(most, level)
    return most


def check_instance(rows):
    """One instance's rectangles: all that was asked for, at every instant of the window, on one node."""
    first = rows[0]
    asked_from, asked_to = instant(first["asked_from"]), instant(first["asked_to"])
    must(len({row["node"] for row in rows}) == 1, first, "an instance is on several nodes")
    gpus, milli = int(first["gpus"]), int(first["gpu_milli"])
    cuts = sorted({instant(row[end]) for row in rows for end in ("from", "to")})
    must(cuts[0] == asked_from and cuts[-1] == asked_to, first, "an instance is not held for its whole window")
    for start in cuts[:-1]:
        held = [(int(row["slots_from"]), int(row["slots_to"])) for row in rows if instant(row["from"]) <= start < instant(row["to"])]
        must(sum(end - begin for begin, end in held) == gpus * GPU + milli, first, "an instance holds too much or too little")
        if gpus:
            must(all(begin % GPU == 0 and end % GPU == 0 for begin, end in held), first, "whole GPUs are broken")
        if milli:
            must(len({slot // GPU for begin, end in held for slot in (begin, end - 1)}) == 1, first, "a share is on several GPUs")


def check_request(rows, models_of):
    first = rows[0]
    if first["decision"] == "refused":
        must(len(rows) == 1, first, "it is refused and placed")
        return
    instances = collections.defaultdict(list)
    for row in rows:
        must(row["decision"] == "placed", row, f"decision '{row['decision']}'")
        instances[int(row["instance"])].append(row)
    must(set(instances) == set(range(int(first["count"]))), first, "the gang is not complete")
    for held in instances.values():
        check_instance(held)
    allowed = set(filter(None, first["gpu_spec"].split("|")))
    must(not allowed or all(models_of(row["node"]) in allowed for row in rows), first, "a model is not allowed")
    depth = GROUP_DEPTH.get(first["scope"])
    if depth and first["scope_preferred"] == "0":
        must(len({tuple(row["node"].split("/")[:depth]) for row in rows}) == 1, first, "the gang is not within its scope")


def check_node(name, node, rows, turnaround_s):
    """No two rectangles overlap; CPU and memory suffice."""
    first = rows[0]
    edges = sorted({int(row[end]) for row in rows for end in ("slots_from", "slots_to")})
    must(not edges or (edges[0] >= 0 and edges[-1] <= node["gpus"] * GPU), first, f"slots beyond node {name}")
    for begin, end in zip(edges, edges[1:]):  # strips of slots that no rectangle ends within
        strip = [row for row in rows if int(row["slots_from"]) <= begin and end <= int(row["slots_to"])]
        spans = [(instant(row["from"]), instant(row["to"]) + (turnaround_s if row["gpu_milli"] == "0" else 0)) for row in strip]
        must(not overlapping(spans), first, f"rectangles overlap on node {name}")
    for what in ("cpu_milli", "memory_mib"):
        holds = {(row["request"], row["instance"]): (instant(row["asked_from"]), instant(row["asked_to"]), int(row[what])) for row in rows}
        must(peak(holds.values()) <= node[what], first, f"{what} of node {name} is exceeded")


def nodes_of(options):
    if options.nodes:
        with open(options.nodes, newline="", encoding="utf-8") as file:
            return {row["sn"]: {"gpus": int(row["gpu"]), "cpu_milli": int(row["cpu_milli"]), "memory_mib": int(row["memory_mib"]), "model": row["model"]}
                    for row in csv.DictReader(file)}
    gpus, cpu_milli, memory_mib = map(int, options.regular.split(","))
    return collections.defaultdict(lambda: {"gpus": gpus, "cpu_milli": cpu_milli, "memory_mib": memory_mib, "model": ""})


def check(options):
    nodes = nodes_of(options)
    requests = collections.defaultdict(list)
    with open(options.placements, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            requests[row["policy"], row["load_percent"], row["seed"], row["request"]].append(row)
    on_node = collections.defaultdict(list)
    for (*run, _), rows in requests.items():
        check_request(rows, lambda name: nodes[name]["model"])
        for row in rows:
            if row["decision"] == "placed":
                on_node[tuple(run), row["node"]].append(row)
    for (_, name), rows in on_node.items():
        check_node(name, nodes[name], rows, options.turnaround_s)
    placed = sum(rows[0]["decision"] == "placed" for rows in requests.values())
    print(f"{len(requests)} decisions, {placed} placed, on {len(on_node)} timelines of nodes: all is well")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("placements")
    parser.add_argument("--turnaround-s", type=int, default=0)
    fleet = parser.add_mutually_exclusive_group(required=True)
    fleet.add_argument("--nodes")
    fleet.add_argument("--regular")
    try:
        check(parser.parse_args())
    except Wrong as wrong:
        sys.exit(f"{wrong}")


if __name__ == "__main__":
    main()
