#!/usr/bin/python3
"""The planner's experiments on small cases: what they write is checked by another program, and that program can say no.

    test_planner_quality.py BENCH_PLANNER
"""

# SPDX-License-Identifier: Apache-2.0

import csv
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
BENCH_PLANNER = sys.argv.pop(1)
NODE_COLUMNS = ["sn", "cpu_milli", "memory_mib", "gpu", "model"]
TASK_COLUMNS = ["name", "cpu_milli", "memory_mib", "num_gpu", "gpu_milli", "gpu_spec"]
POLICIES = {"random", "first_fit", "best_fit", "worst_fit", "ours"}


def write(path, columns, rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([columns, *rows])
    return str(path)


def fleet(directory):
    """Two models, a model that no task names, and nodes without GPUs."""
    nodes = [[f"cpu-{i}", 32000, 65536, 0, ""] for i in range(3)]
    nodes += [[f"a-{i}", 32000, 131072, 4, "A10"] for i in range(6)] + [[f"t-{i}", 64000, 262144, 2, "T4"] for i in range(4)]
    return write(directory / "nodes.csv", NODE_COLUMNS, nodes + [["odd", 8000, 32768, 1, "X1"]])


def tasks(directory, seed=1):
    chance = random.Random(seed)
    rows = []
    for i in range(200):
        gpus = chance.choice([0, 1, 1, 1, 2, 4])
        milli = chance.choice([1000, 1000, 500, 330, 75]) if gpus == 1 else 1000 * (gpus > 0)
        rows.append([f"task-{i}", chance.choice([1000, 4000, 9000]), chance.choice([2048, 16384]), gpus, milli, chance.choice(["", "", "A10", "A10|T4"]) if gpus else ""])
    return write(directory / "tasks.csv", TASK_COLUMNS, rows)


def bench(*arguments):
    return subprocess.run([BENCH_PLANNER, *map(str, arguments)], capture_output=True, text=True, check=False)


def check(*arguments):
    return subprocess.run([HERE / "check_placements.py", *map(str, arguments)], capture_output=True, text=True, check=False)


class Filling(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.directory = pathlib.Path(scratch.name)
        self.nodes, self.tasks, self.placements = fleet(self.directory), tasks(self.directory), self.directory / "out.csv"

    def fill(self, *arguments):
        done = bench("fill", "--nodes", self.nodes, "--tasks", self.tasks, "--placements", self.placements, *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_every_decision_of_every_policy_holds(self):
        report = json.loads(self.fill("--seeds", 2, "--json"))
        self.assertEqual({policy["policy"] for policy in report["policies"]}, POLICIES)
        self.assertTrue(all(0 < share <= 100 for policy in report["policies"] for share in policy["allocated_percent"]))
        done = check(self.placements, "--nodes", self.nodes)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(self.placements, newline="", encoding="utf-8") as file:
            decisions = {row["decision"] for row in csv.DictReader(file)}
        self.assertEqual(decisions, {"placed", "refused"})

    def test_the_same_seed_decides_alike(self):
        self.fill("--seeds", 1, "--seed", 7)
        first = self.placements.read_text(encoding="utf-8")
        self.fill("--seeds", 1, "--seed", 7)
        self.assertEqual(self.placements.read_text(encoding="utf-8"), first)

    def test_the_checker_finds_what_is_wrong(self):
        self.fill("--seeds", 1, "--policy", "ours")
        with open(self.placements, newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            columns, rows = reader.fieldnames, list(reader)
        shares = [row for row in rows if row["gpu_milli"] == "500" and row["decision"] == "placed"]
        cases = {
            "overlap": lambda: shares[1].update({key: shares[0][key] for key in ("node", "slots_from", "slots_to")}),
            "not complete": lambda: shares[0].update(count="2"),
            "too little": lambda: shares[0].update(slots_to=str(int(shares[0]["slots_to"]) - 1)),
            "not allowed": lambda: shares[0].update(gpu_spec="B200"),
            "exceeded": lambda: shares[0].update(cpu_milli="1000000"),
            "whole window": lambda: shares[0].update({"asked_to": "99"}),
        }
        for what, spoil in cases.items():
            kept = [dict(row) for row in rows]
            spoil()
            write(self.placements, columns, [[row[column] for column in columns] for row in rows])
            done = check(self.placements, "--nodes", self.nodes)
            self.assertEqual(done.returncode, 1, what)
            self.assertIn(what, done.stderr)
            for row, was in zip(rows, kept):
                row.update(was)

    def test_what_is_wrong_in_a_file_is_said_with_line_and_column(self):
        cases = {
            "a,1x,2,3,T4": ":2: column 2 'cpu_milli': '1x'",
            "a,1,2,65,T4": ":2: column 4 'gpu': '65'",
            "a,1,2": ":2: column 4 'gpu': is missing",
            "a,1,,3,T4": ":2: column 3 'memory_mib': is empty",
            'a,"1",2,3,T4': ":2: quoted fields",
            "a,1,2,3," + "x" * 48: ":2: column 5 'model':",
            "a" * 5000 + ",1,2,3,T4": ":2: the line is longer",
            ",".join("a" * 40): ":2: the line has more than",
        }
        for line, said in cases.items():
            path = self.directory / "bad.csv"
            path.write_text(",".join(NODE_COLUMNS) + "\n" + line + "\n", encoding="utf-8")
            done = bench("fill", "--nodes", path, "--tasks", self.tasks)
            self.assertEqual(done.returncode, 2)
            self.assertIn(f"{path}{said}", done.stderr)
        for row, said in ((["t", 1, 1, 1, 0, ""], "needs some of it"), (["t", 1, 1, 2, 500, ""], "has them whole"), (["t", 1, 1, 1, 1001, ""], "'1001'")):
            done = bench("fill", "--nodes", self.nodes, "--tasks", write(self.directory / "bad.csv", TASK_COLUMNS, [row]))
            self.assertEqual(done.returncode, 2)
            self.assertIn(":2: column 5 'gpu_milli':", done.stderr)
            self.assertIn(said, done.stderr)
        self.assertIn("no column 'sn'", bench("fill", "--nodes", self.tasks, "--tasks", self.tasks).stderr)
        self.assertIn("No such file", bench("fill", "--nodes", "nowhere.csv", "--tasks", self.tasks).stderr)


class Windows(unittest.TestCase):
    def test_every_decision_of_every_policy_holds_and_none_exceeds_the_bound(self):
        with tempfile.TemporaryDirectory() as scratch:
            placements = pathlib.Path(scratch) / "out.csv"
            done = bench("windows", "--fleet", 16, "--seeds", 1, "--json", "--placements", placements)
            self.assertEqual(done.returncode, 0, done.stderr)
            results = json.loads(done.stdout)["results"]
            self.assertEqual({result["policy"] for result in results}, POLICIES)
            self.assertTrue(all(0 < result["admitted_percent"] <= result["bound_percent"] <= 100 for result in results))
            done = check(placements, "--regular", "8,192000,2097152", "--turnaround-s", 600)
            self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
