"""What a run costs in CPU time, by process: on a machine that others use too, the figure that wall time hides.

    with Account(stack) as account: ...
    account.per(count)  # microseconds: {"sluice-api": 41, "postgres zone": 62, ...}
"""

# SPDX-License-Identifier: Apache-2.0

import os
import resource

TICK_US = 1_000_000 // os.sysconf("SC_CLK_TCK")


def cpu_us(pid):
    """User and system time of a process, all threads; 0 where it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()  # its name may hold spaces
    except OSError:
        return 0
    return (int(fields[11]) + int(fields[12])) * TICK_US


def children_us():
    """What ended children of this process used: the load generator."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (used.ru_utime + used.ru_stime) * 1_000_000


def name_of(activity):
    """PostgreSQL's processes by what they serve; a zone's leader names itself by its lease."""
    program = activity["application_name"] or activity["backend_type"]
    return "postgres " + ("zone" if program.startswith("zone:") else program.removeprefix("sluice-"))


class Account:
    """Daemons, PostgreSQL's processes and the load generator, between begin and end. Processes of one name are added."""

    def __init__(self, stack):
        self.stack = stack

    def _read(self):
        processes = {daemon.process.pid: name for name, daemon in self.stack.daemons.items() if daemon.process}
        for activity in self.stack.sql("SELECT pid, application_name, backend_type FROM pg_stat_activity WHERE pid <> pg_backend_pid()"):
            processes[activity["pid"]] = name_of(activity)
        return {(pid, name): cpu_us(pid) for pid, name in processes.items()}

    def __enter__(self):
        self.before = self._read()
        self.children_before = children_us()
        return self

    def __exit__(self, *_):
        self.spent = {"load generator": children_us() - self.children_before}
        for (pid, name), used in self._read().items():
            self.spent[name] = self.spent.get(name, 0) + used - self.before.get((pid, name), 0)

    def per(self, count):
        """Per request and process, the dearest first; what is below one microsecond is "others"."""
        each = {name: used / max(count, 1) for name, used in self.spent.items()}
        told = {name: round(each[name]) for name in sorted(each, key=each.get, reverse=True) if each[name] >= 1}
        return {"all": round(sum(each.values())), **told, "others": round(sum(used for used in each.values() if used < 1))}
