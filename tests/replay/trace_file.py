"""Reading a fleet and its tasks: the CSV format of the openb trace (Alibaba, USENIX ATC'23), checked line by line.

A window is [creation, deletion) in seconds. What cannot be a reservation is counted with its reason, never dropped
in silence.
"""

# SPDX-License-Identifier: Apache-2.0

import csv
import collections
import dataclasses

NODE_COLUMNS = ("sn", "cpu_milli", "memory_mib", "gpu", "model")
TASK_COLUMNS = ("name", "cpu_milli", "memory_mib", "num_gpu", "gpu_milli", "gpu_spec", "creation_time", "deletion_time")


class TraceError(Exception):
    """The file does not have the format; the text names file, line and column."""


@dataclasses.dataclass(frozen=True)
class Node:
    name: str
    cpu_milli: int
    memory_mib: int
    gpu_count: int
    gpu_model: str


@dataclasses.dataclass(frozen=True)
class Task:
    name: str
    cpu_milli: int
    memory_mib: int
    gpu_count: int  # whole GPUs; 0 for a share
    gpu_milli: int  # share of one GPU in thousandths; 0 for whole GPUs
    gpu_models: tuple  # models allowed; empty: any
    group: str  # quality of service: the replay makes one tenant of each
    start: int  # seconds, inclusive
    end: int  # seconds, exclusive

    @property
    def milli(self):
        return self.gpu_count * 1000 + self.gpu_milli

    @property
    def gpu_milli_seconds(self):
        return self.milli * (self.end - self.start)


def _rows(path, columns):
    with open(path, newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        missing = [column for column in columns if column not in (reader.fieldnames or ())]
        if missing:
            raise TraceError(f"{path}: column '{missing[0]}' is missing")
        for row in reader:
            yield reader.line_num, row


def _whole(path, line, row, column, least=0):
    text = (row[column] or "").strip()
    try:
        value = int(float(text)) if "." in text else int(text)
    except ValueError:
        raise TraceError(f"{path}:{line}: column '{column}': '{text}' is not a whole number") from None
    if value < least:
        raise TraceError(f"{path}:{line}: column '{column}': {value} is less than {least}")
    return value


def read_nodes(path):
    """Returns (nodes with GPUs, number of nodes without: they have nothing to sell here)."""
    nodes, without_gpu, names = [], 0, set()
    for line, row in _rows(path, NODE_COLUMNS):
        gpu_count = _whole(path, line, row, "gpu")
        if gpu_count == 0:
            without_gpu += 1
            continue
        name = row["sn"].strip()
        if name in names:
            raise TraceError(f"{path}:{line}: node '{name}' stands twice")
        names.add(name)
        model = (row["model"] or "").strip() or "unknown"
        nodes.append(
            Node(name, _whole(path, line, row, "cpu_milli", 1), _whole(path, line, row, "memory_mib", 1), gpu_count, model)
        )
    return nodes, without_gpu


def read_tasks(path, compression=1):
    """Returns (tasks by start, counts of what was skipped by reason). Creation times are divided by compression,
    lives are kept."""
    tasks, skipped, open_ended = [], collections.Counter(), []
    latest = 0
    for line, row in _rows(path, TASK_COLUMNS):
        gpu_count = _whole(path, line, row, "num_gpu")
        if gpu_count == 0:
            skipped["no_gpu"] += 1
            continue
        milli = _whole(path, line, row, "gpu_milli")
        shared = gpu_count == 1 and 0 < milli < 1000
        if gpu_count == 1 and milli == 0:
            skipped["zero_gpu_milli"] += 1
            continue
        created = _whole(path, line, row, "creation_time")
        deleted = (row["deletion_time"] or "").strip()
        life = _whole(path, line, row, "deletion_time") - created if deleted else None
        if life is not None and life == 0:
            skipped["zero_length"] += 1
            continue
        if life is not None and life < 0:
            skipped["reversed_window"] += 1
            continue
        start = created // compression
        latest = max(latest, start + (life or 0))
        models = tuple(model for model in (row["gpu_spec"] or "").split("|") if model)
        task = Task(
            row["name"].strip(), _whole(path, line, row, "cpu_milli"), _whole(path, line, row, "memory_mib"),
            0 if shared else gpu_count, milli if shared else 0, models,
            (row.get("qos") or "none").strip().lower() or "none", start, start + (life or 0),
        )
        (tasks if life is not None else open_ended).append(task)
    # A task without a deletion time still runs when the trace ends.
    for task in open_ended:
        if latest > task.start:
            tasks.append(dataclasses.replace(task, end=latest))
        else:
            skipped["zero_length"] += 1
    tasks.sort(key=lambda task: (task.start, task.name))
    return tasks, skipped


def sample_fleet(nodes, fraction):
    """Every model keeps its share: of n nodes of a model, round(n * fraction), at least one, evenly spaced by name."""
    by_model = collections.defaultdict(list)
    for node in nodes:
        by_model[node.gpu_model].append(node)
    kept = []
    for model in sorted(by_model):
        all_of_model = sorted(by_model[model], key=lambda node: node.name)
        wanted = max(1, round(len(all_of_model) * fraction))
        kept += [all_of_model[index * len(all_of_model) // wanted] for index in range(wanted)]
    return kept


def peak_milli(tasks):
    """The most milli-GPUs asked for at one instant."""
    steps = sorted([(task.start, task.milli) for task in tasks] + [(task.end, -task.milli) for task in tasks])
    level = peak = 0
    for _, step in steps:
        level += step
        peak = max(peak, level)
    return peak


def synthetic(seed, node_count=24, task_count=400):
    """A small generated fleet and trace for where no real one is at hand: labelled synthetic wherever it shows."""
    import random

    rng = random.Random(seed)
    shapes = [("A10", 1, 64000, 131072), ("V100M16", 4, 64000, 262144), ("G2", 8, 96000, 524288)]
    nodes = []
    for index in range(node_count):
        model, gpus, cpu, memory = shapes[index % len(shapes)]
        nodes.append(Node(f"synthetic-node-{index:04d}", cpu, memory, gpus, model))
    tasks, clock = [], 0
    for index in range(task_count):
        clock += rng.randrange(0, 900)
        share = rng.random() < 0.4
        gpu_count = 0 if share else rng.choice((1, 1, 1, 1, 2, 4, 8))
        tasks.append(
            Task(
                f"synthetic-task-{index:05d}", rng.choice((1000, 4000, 8000)), rng.choice((4096, 16384, 32768)),
                gpu_count, rng.choice((150, 250, 460, 500, 700)) if share else 0,
                ("G2",) if gpu_count == 8 else rng.choice(((), (), ("V100M16", "G2"))),
                rng.choice(("ls", "be")), clock, clock + rng.choice((60, 540, 3600, 43200, 180000)),
            )
        )
    return nodes, tasks
