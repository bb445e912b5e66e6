#!/usr/bin/python3
"""Every metric that an alert rule asks for is exported by a program: an alert on a name nobody exports is silent for ever."""
# SPDX-License-Identifier: Apache-2.0

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def main():
    rules = (ROOT / "deploy/prometheus/alerts.yml").read_text()
    asked = set()
    for expression in re.findall(r"^\s*expr: (.*)$", rules, re.MULTILINE):
        asked |= set(re.findall(r"\bsluice_[a-z_]+", expression))
    exported = set()
    for folder in ("common", "api", "provisioner", "billing"):
        for path in (ROOT / folder).rglob("*.c"):
            exported |= set(re.findall(r'"(sluice_[a-z_]+)"', path.read_text()))
    missing = sorted(asked - exported)
    print("\n".join([f"no program exports {name}" for name in missing] + [f"{len(asked)} metrics, {len(missing)} missing"]))
    sys.exit(1 if missing or not asked else 0)


if __name__ == "__main__":
    main()
