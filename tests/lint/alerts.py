#!/usr/bin/python3
"""Every metric that an alert rule or a dashboard asks for is exported by a program: an alert on a name nobody exports is silent
for ever, and a panel empty. A dashboard is also one that Grafana provisions: its own identity, panels that do not lie upon each
other, and the data source a variable."""
# SPDX-License-Identifier: Apache-2.0

import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
DASHBOARDS = ROOT / "deploy/grafana"
SOURCE = {"type": "prometheus", "uid": "${datasource}"}


def exported_metrics():
    """The names of the series: a histogram has three."""
    names = set()
    for folder in ("common", "api", "provisioner", "billing"):
        for path in (ROOT / folder).rglob("*.c"):
            for name, kind in re.findall(r'\.name = "(sluice_[a-z_]+)",[\s\\]*\.type = METRIC_(\w+)', path.read_text()):
                names |= {f"{name}_{part}" for part in ("bucket", "sum", "count")} if kind == "HISTOGRAM" else {name}
    return names


def metrics_of(expression):
    return set(re.findall(r"\bsluice_[a-z_]+", re.sub(r'"[^"]*"', "", expression)))


def alert_expressions():
    path = ROOT / "deploy/prometheus/alerts.yml"
    for expression in re.findall(r"^\s*expr: (.*)$", path.read_text(), re.MULTILINE):
        yield path.name, expression


def dashboard_expressions(path, dashboard):
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield f"{path.name}, '{panel['title']}'", target["expr"]


def overlapping(panels):
    taken = {}
    for panel in panels:
        place = panel["gridPos"]
        for cell in ((x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])):
            if cell in taken or cell[0] >= 24:
                return f"'{panel['title']}' lies upon '{taken.get(cell, 'the edge')}'"
            taken[cell] = panel["title"]
    return None


def badly_made(path, dashboard):
    variables = {variable["name"]: variable["type"] for variable in dashboard["templating"]["list"]}
    if dashboard.get("uid") != path.stem or dashboard.get("id") is not None:
        yield f"{path.name}: its uid is not '{path.stem}', or it has an id"
    if variables.get("datasource") != "datasource":
        yield f"{path.name}: its data source is no variable"
    if overlapping(dashboard["panels"]):
        yield f"{path.name}: {overlapping(dashboard['panels'])}"
    for panel in dashboard["panels"]:
        if panel["type"] != "row" and (panel["datasource"] != SOURCE or not panel["targets"]):
            yield f"{path.name}: '{panel['title']}' asks nothing, or another source than the variable"


def main():
    exported, found = exported_metrics(), []
    asked = list(alert_expressions())
    for path in sorted(DASHBOARDS.glob("*.json")):
        dashboard = json.loads(path.read_text())
        asked += dashboard_expressions(path, dashboard)
        found += badly_made(path, dashboard)
    found += [f"{place}: no program exports {name}" for place, expression in asked for name in sorted(metrics_of(expression) - exported)]
    print("\n".join(found + [f"{len(asked)} expressions, {len(found)} findings"]))
    sys.exit(1 if found or not asked else 0)


if __name__ == "__main__":
    main()
