"""Examples of the golden kinds (G1 to G24 of tests/unit/golden), made by a seed and computed by themselves, put to the pure functions of production:
run.py PROBE [how many]. SLUICE_SEED=<number> makes the same again."""
# SPDX-License-Identifier: Apache-2.0

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter

import assets
import charges


def made(dice, count):
    """(who made it, what is asked, what is to be answered: a value, or a predicate)."""
    makers, found = assets.EXAMPLES + charges.EXAMPLES, []
    while len(found) < count:
        maker = makers[len(found) % len(makers)]
        example = maker(dice)
        if example is not None:
            found.append((maker.__name__, *example))
    return found


def main():
    seed = int(os.environ.get("SLUICE_SEED", time.time()))
    examples = made(random.Random(seed), int(sys.argv[2]) if len(sys.argv) > 2 else 1700)
    print(f"SLUICE_SEED={seed}: {dict(Counter(name for name, _, _ in examples))}")
    asked = "".join(json.dumps(question) + "\n" for _, question, _ in examples)
    answers = subprocess.run([sys.argv[1]], input=asked, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    assert len(answers) == len(examples)
    wrong = []
    for (name, question, due), line in zip(examples, answers):
        told = json.loads(line)
        if not (due(told) if callable(due) else told == due):
            wrong.append(f"{name}: {json.dumps(question)[:2000]}\n  told {str(told)[:2000]}\n  due  {str(due)[:2000]}")
    print("\n".join(wrong[:9]))
    return f"{len(wrong)} of {len(examples)} differ" if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
