"""What each second of an instance was, from the facts (docs/money.md, "What a second is")."""
# SPDX-License-Identifier: Apache-2.0

from collections import defaultdict
from dataclasses import dataclass, field

from .amounts import DAY_S

CLASS_OF_STATE = {"planned": "unready", "provisioning": "unready", "replacing": "unready", "running": "used", "halting": "used", "stopped": "unused", "starting": "unused",
                  "failed": "failed", "stopping": None, "terminated": None}  # None: the window ends
OVER = ("failed", "stopping", "terminated")
FOREVER = 1 << 60


@dataclass
class Fact:
    at: int
    state: str
    node: str = None
    ends_at: int = FOREVER
    ends_by: int = FOREVER  # before ends_at: it gives way
    known_at: int = 0       # the UTC midnight through which the books were closed when it came

    def gave_way(self):
        """What is left of its window is preempted."""
        return self.ends_by < self.ends_at and self.state in OVER


@dataclass
class Stretch:
    begin: int
    end: int
    kind: str
    node: str
    gpu_milli: int


@dataclass(eq=False)
class Instance:
    id: str
    reservation: object
    gpu_milli: int
    starts_at: int
    facts: list = field(default_factory=list)

    def stretches(self, until, known=FOREVER + 1):
        """[starts_at, the end of its window or until) without a gap: a class and a node each. A fact counts from its second on, but not
        before what came first, nor within a day that was closed when it came; one that opens a window again that was over, from there on.
        known: a midnight; only what had come when the books were closed up to it."""
        found, stands, over_at = [], self.starts_at, FOREVER
        facts = [fact for fact in self.facts if fact.known_at < known]
        for number, fact in enumerate(facts):
            begin = max(stands, min(over_at, max(fact.at, fact.known_at)))
            if begin > stands and number == 0:
                found.append(Stretch(stands, begin, "unready", None, self.gpu_milli))
            following = facts[number + 1] if number + 1 < len(facts) else None
            end = min(until, fact.ends_at)
            if following is not None:
                end = min(end, max(following.at, following.known_at))
            kind = CLASS_OF_STATE[fact.state]
            if fact.gave_way():
                kind = "preempted"
            over_at = begin if kind is None else fact.ends_at
            if kind is None:
                end = begin
            goes_at = min(end, max(begin, fact.ends_by)) if fact.ends_by < fact.ends_at else end
            for low, high, each in ((begin, goes_at, kind), (goes_at, end, "preempted")):
                if high > low:
                    found.append(Stretch(low, high, each, fact.node, self.gpu_milli))
            stands = max(stands, begin, end)
        return found

    def ends_at(self, known=FOREVER + 1):
        """The end of its window, as far as it is known."""
        found = self.stretches(FOREVER, known)
        return found[-1].end if found else self.starts_at

    def is_over(self, until):
        """As it was known then."""
        return self.ends_at(until) <= until

    def reopened(self):
        """When it was known of each window that was over, and its day closed, that it is not: the midnight up to which books were closed."""
        return [fact.known_at for before, fact in zip(self.facts, self.facts[1:]) if before.ends_at < fact.known_at and before.ends_at < fact.ends_at]


def merged(stretches):
    """Neighbours that say the same as one: what the database may have cut where it likes."""
    found = []
    for each in sorted(stretches, key=lambda s: s.begin):
        last = found[-1] if found else None
        if last and last.end == each.begin and (last.kind, last.node, last.gpu_milli) == (each.kind, each.node, each.gpu_milli):
            last.end = each.end
        else:
            found.append(Stretch(each.begin, each.end, each.kind, each.node, each.gpu_milli))
    return found


IDLE_OF_STATE = {"enrolled": "not_in_service", "ready": "unsold", "allocated": "unsold", "sanitizing": "sanitizing", "quarantined": "quarantined",
                 "repair": "quarantined", "maintenance": "maintenance", "retired": "not_in_service"}


@dataclass(eq=False)
class Node:
    id: str
    gpus: int
    model: str
    enrolled_at: int
    facts: list = field(default_factory=list)  # (at, state)

    def causes(self, begin, end):
        """(from, to, cause) of what is not delivered; before its first report it was not in service, and what validates is what it was taken out for."""
        cause, at, found = "not_in_service", begin, []
        for when, state in sorted(self.facts, key=lambda fact: fact[0]):  # of one instant the last one told
            if when > at and when < end:
                found.append((at, when, cause))
                at = when
            if when >= end:
                break
            if state == "validating":
                cause = "sanitizing" if cause == "unsold" else cause
            else:
                cause = IDLE_OF_STATE[state]
        found.append((at, end, cause))
        return [each for each in found if each[1] > each[0]]


def weights_of_day(node, instances, day, until):
    """Milli-GPU-seconds of a node's UTC day: by (reservation, class) what was delivered, and by cause what was not."""
    begin, end = day * DAY_S, (day + 1) * DAY_S
    delivered, idle = defaultdict(int), defaultdict(int)
    held = []  # (from, to, milli, cause or None)
    for each in instances:
        for stretch in each.stretches(until, end):  # what comes later leaves a closed day as it is
            low, high = max(stretch.begin, begin), min(stretch.end, end)
            if stretch.node != node.id or high <= low or stretch.kind == "preempted":
                continue
            cause = None if stretch.kind in ("used", "unused") else stretch.kind
            held.append((low, high, stretch.gpu_milli, cause))
            if cause is None:
                delivered[each.reservation, stretch.kind] += (high - low) * stretch.gpu_milli
    marks = sorted({begin, end, *(mark for low, high, _, _ in held for mark in (low, high)), *(low for low, _, _ in node.causes(begin, end))})
    causes = node.causes(begin, end)
    for low, high in zip(marks, marks[1:]):
        (cause,) = [name for first, last, name in causes if first <= low < last]
        free = node.gpus * 1000
        for first, last, milli, of_instance in held:
            if first <= low < last:
                free -= milli
                if of_instance is not None:
                    idle[of_instance] += (high - low) * milli
        assert free >= 0, "the history places no two instances in one GPU"
        idle[cause] += (high - low) * free
    return {key: weight for key, weight in delivered.items() if weight}, {key: weight for key, weight in idle.items() if weight}
