#!/usr/bin/python3
"""Every code that the API gives a problem stands in the table that docs/errors.md and /docs/errors are printed from."""
# SPDX-License-Identifier: Apache-2.0

import pathlib
import re
import sys

API = pathlib.Path(__file__).resolve().parents[2] / "api"
TABLE = API / "server/problem_codes.c"

# A code is the first text after the kind of an error, or after the pointer of a field's problem.
GIVEN = (re.compile(r'err_set_code\(\s*\w+,\s*ERR_\w+,\s*([^"]*"[a-z_]+"(?:\s*:\s*"[a-z_]+")?)'),
         re.compile(r'field_problem_add\([^,]+,\s*(?:"[^"]*"|[^",]+),\s*([^"]*"[a-z_]+"(?:\s*:\s*"[a-z_]+")?)'))


def main():
    known = re.findall(r'^\s*\{"([a-z_]+)",\s*ERR_', TABLE.read_text(), re.MULTILINE)
    given = {}
    for folder in ("server", "resources", "auth"):
        for path in sorted((API / folder).glob("*.c")):
            text = path.read_text()
            for pattern in GIVEN:
                for code in pattern.findall(text):
                    given.update({name: path.name for name in re.findall(r'"([a-z_]+)"', code)})
    findings = [f"{path}: the code '{code}' is not in the table" for code, path in sorted(given.items()) if code not in known]
    findings += [f"the code '{code}' stands in the table twice" for code in sorted(set(known)) if known.count(code) > 1]
    print("\n".join(findings + [f"{len(given)} codes given, {len(known)} documented, {len(findings)} findings"]))
    sys.exit(1 if findings or not given else 0)


if __name__ == "__main__":
    main()
