#!/usr/bin/python3
"""The OpenAPI documents are whole: what they refer to is there, everything says what it is, every example fits its schema, every
link leads to an operation, and the 3.0.3 copy has nothing that only 3.1 knows.

    tests/lint/openapi.py SLUICE-API
"""
# SPDX-License-Identifier: Apache-2.0

import json
import re
import subprocess
import sys

import jsonschema

METHODS = ("get", "post", "put", "patch", "delete")
ONLY_31 = ("propertyNames", "const", "$defs", "prefixItems", "webhooks", "jsonSchemaDialect")


def printed(program, option):
    return json.loads(subprocess.run([program, option], stdout=subprocess.PIPE, check=True).stdout)


def walk(value, where=""):
    """(where, object) of every object in the document, the outermost first."""
    if isinstance(value, dict):
        yield where, value
        for key, below in value.items():
            yield from walk(below, f"{where}/{key}")
    elif isinstance(value, list):
        for index, below in enumerate(value):
            yield from walk(below, f"{where}/{index}")


def resolve(document, reference):
    found = document
    for step in reference.removeprefix("#/").split("/"):
        found = found.get(step) if isinstance(found, dict) else None
    return found


def operations(document):
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method in METHODS:
                yield path, method, operation


def references(document):
    for where, value in walk(document):
        reference = value.get("$ref")
        if isinstance(reference, str) and resolve(document, reference) is None:
            yield f"{where}: there is no {reference}"


def unused(document):
    text = json.dumps(document)
    for section, entries in document["components"].items():
        for name in entries if section != "securitySchemes" else ():
            if f'"#/components/{section}/{name}"' not in text:
                yield f"#/components/{section}/{name} is used nowhere"


def descriptions(document):
    tags = {tag["name"]: tag.get("description") for tag in document["tags"]}
    yield from (f"the tag '{name}' does not say what it is" for name, text in tags.items() if not text)
    for path, method, operation in operations(document):
        where = f"{method.upper()} {path}"
        if not operation.get("summary") or operation["summary"].endswith("."):
            yield f"{where}: the summary is missing, or ends with a full stop"
        yield from (f"{where}: there is no tag '{tag}'" for tag in operation["tags"] if tag not in tags)
        parameters = [resolve(document, each["$ref"]) if "$ref" in each else each for each in operation["parameters"]]
        names = [(each["in"], each["name"]) for each in parameters]
        yield from (f"{where}: the parameter {name} stands twice" for name in set(names) if names.count(name) > 1)
        yield from (f"{where}: the parameter '{each['name']}' does not say what it is" for each in parameters if not each.get("description"))
        if {name for kind, name in names if kind == "path"} != set(re.findall(r"\{(\w+)\}", path)):
            yield f"{where}: the parameters of the path are not those in it"
        if not any(status.startswith("2") or status == "303" for status in operation["responses"]):
            yield f"{where}: no success"


def unique_ids(document):
    seen = [operation["operationId"] for _, _, operation in operations(document)]
    yield from (f"the operationId '{name}' stands twice" for name in sorted(set(seen)) if seen.count(name) > 1)


def links(document):
    known = {operation["operationId"]: operation for _, _, operation in operations(document)}
    for where, value in walk(document["paths"]):
        for name, link in (value.get("links") or {}).items():
            target = known.get(link["operationId"])
            if target is None:
                yield f"{where}: the link '{name}' leads nowhere"
            elif not set(link["parameters"]) <= {each.get("name") for each in target["parameters"]}:
                yield f"{where}: the link '{name}' has a parameter that its operation has not"


def examples(document):
    def findings(schema, value, where):
        validator = jsonschema.Draft202012Validator({**schema, "components": document["components"]})
        yield from (f"{where}: the example does not fit: {error.json_path} {error.message[:120]}" for error in validator.iter_errors(value))

    for name, schema in document["components"]["schemas"].items():
        if not schema.get("examples"):
            yield f"{name} has no example"
        for value in schema.get("examples", ()):
            yield from findings(schema, value, name)
    for where, value in walk(document["paths"]):
        if "schema" in value and "example" in value:
            yield from findings(value["schema"], value["example"], where)
    for where, value in walk(document["components"]["responses"]):
        for name, example in (value.get("examples") or {}).items():
            yield from findings(value["schema"], example["value"], f"{where}/{name}")


def only_31(document):
    for where, value in walk(document):
        if "/example" in where:
            continue
        yield from (f"3.0.3: {where}/{key} is of 3.1" for key in ONLY_31 if key in value and not where.endswith("/properties"))
        if isinstance(value.get("type"), list):
            yield f"3.0.3: {where} has several types"
        if "$ref" in value and len(value) > 1 and not where.endswith("/properties"):
            yield f"3.0.3: {where}: a reference has neighbours"


def main():
    document, copy = printed(sys.argv[1], "--print-openapi"), printed(sys.argv[1], "--print-openapi-3.0")
    found = [finding for rule in (references, unused, descriptions, unique_ids, links, examples) for finding in rule(document)]
    found += [finding for rule in (references, only_31) for finding in rule(copy)]
    if document["openapi"] != "3.1.0" or copy["openapi"] != "3.0.3" or set(document["paths"]) != set(copy["paths"]):
        found.append("the versions are wrong, or the copy has other paths")
    count = len(list(operations(document)))
    print("\n".join(found + [f"{count} operations, {len(document['components']['schemas'])} schemas, {len(found)} findings"]))
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
