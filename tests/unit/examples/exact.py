"""Rounding and splitting by their definitions (docs/money.md, units), for examples that are computed by themselves."""
# SPDX-License-Identifier: Apache-2.0

import math
from fractions import Fraction

GPU_H = 3_600_000  # milli-GPU-seconds


def even(value):
    """To micro-units: the exact half to the even neighbour."""
    below = math.floor(value)
    rest = Fraction(value) - below
    return below + (rest > Fraction(1, 2) or (rest == Fraction(1, 2) and below % 2 == 1))


def away(value):
    """To minor units: the exact half away from zero."""
    return math.floor(value + Fraction(1, 2)) if value >= 0 else -math.floor(-value + Fraction(1, 2))


def hamilton(total, weights):
    """What is left over goes to the largest remainders, ties to the first; weights of one sign."""
    whole = sum(weights)
    floors = [abs(total) * weight // whole for weight in weights]
    order = sorted(range(len(weights)), key=lambda i: (-(abs(total) * weights[i] % whole), i))
    for i in order[:abs(total) - sum(floors)]:
        floors[i] += 1
    return [part if total >= 0 else -part for part in floors]


def cumulative(total, marks):
    """The parts of a total by marks of a whole that rise from 0 to 1: each the difference of two roundings."""
    return [away(total * high) - away(total * low) for low, high in zip(marks, marks[1:])]
