"""Schemathesis draws names at random, and nothing has such a name: most of what fits the schema would end at "there is no such
zone". So what is meant to be accepted gets the names and times of what there is; what is meant to be refused stays as drawn.
"""
# SPDX-License-Identifier: Apache-2.0

import datetime
import os

import schemathesis

KNOWN = {"zone": "us-east-1a", "instance_type": "h100.8x", "tenant": "acme", "gpu_model": "H100", "currency": "USD", "sku": "h100.8x",
         "public_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAbxtRHhZwWzpfHPcT8rmQIS3TC4EnITgX5Qj71ad0+6 drawn"}
# Each excludes others, or names what is most likely not there.
LEFT_OUT = ("quote", "shape", "duration_s", "start_range", "node", "image", "nodes", "leaf")


# Who calls, and for whom: found by the walk along the links, and not to be ended by it.
KEPT = set(os.environ.get("SLUICE_KEPT", "").split(","))
NOBODY = "01kyyyyyyyyyyyyyyyyyyyyyyy"


def instant(hours):
    then = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=hours)
    return then.strftime("%Y-%m-%dT%H:%M:%SZ")


def deepened(body):
    changed = {name: KNOWN.get(name, value) for name, value in body.items()}
    if "instance_type" in changed or "zone" in changed:
        changed = {name: value for name, value in changed.items() if name not in LEFT_OUT}
    for name, hours in (("starts_at", 24), ("ends_at", 30)):
        if changed.get(name) is not None:
            changed[name] = instant(hours)
    return changed


@schemathesis.hook
def before_call(context, case, kwargs):
    named = (case.path_parameters or {}).get("id")
    if case.method != "GET" and named in KEPT:
        case.path_parameters["id"] = named[:4] + NOBODY
    if case.query:  # what was deleted is shown to who asks for it: no finding
        case.query.pop("include", None)
    is_positive = case.meta is not None and case.meta.generation.mode.is_positive
    is_wish = case.method in ("POST", "PUT", "PATCH") and isinstance(case.body, dict)
    if is_positive and is_wish and "offers" not in case.path:
        case.body = deepened(case.body)
