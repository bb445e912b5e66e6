#!/usr/bin/python3
"""Rules of the sources that no compiler and no formatter knows: files that grew too long, lines that grew too wide; of C
also functions that are banned, includes that point sideways, pure folders that do I/O, statements built from text, files
that lack their head, headers that declare what nobody else needs, macros that nothing needs; of migrations those that take
something away and do not say which programs may still run.

    tests/lint/source_rules.py [--self-test]
"""
# SPDX-License-Identifier: Apache-2.0

import collections
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = ("common", "api", "provisioner", "billing", "tests", "deploy", "migrations")
LINES_MAX = 600
COLUMNS_MAX = 180  # what is laid out by no formatter (TypeScript is by Prettier), or left as it is by one (texts in C)

# What is banned, and what to use. Word boundaries keep snprintf and strtok_r apart from their parents.
BANNED = {
    "strcpy": "memcpy of a known length", "strcat": "snprintf", "sprintf": "snprintf", "vsprintf": "vsnprintf",
    "strtok": "strcspn", "atoi": "strtoll with checks", "atol": "strtoll with checks", "atof": "no floating point",
    "localtime": "common/calendar.h", "gmtime": "common/calendar.h", "ctime": "common/calendar.h",
    "rand": "getrandom", "srand": "getrandom", "random": "getrandom", "system": "posix_spawn", "popen": "posix_spawn",
    "alloca": "an arena", "sleep": "a wait for a condition", "usleep": "a wait for a condition", "gets": "fgets",
    "tmpnam": "mkstemp", "mktemp": "mkstemp",
}

# Folders that neither do I/O nor know a clock: what they may include.
PURE = ("api/economics", "provisioner/planner", "provisioner/quota", "billing/capex")
PURE_SYSTEM = {"stdbool.h", "stddef.h", "stdint.h", "string.h", "limits.h", "assert.h", "inttypes.h"}
PURE_COMMON = {"common/alloc.h", "common/arena.h", "common/calendar.h", "common/cleanup.h", "common/gpu_model.h", "common/err.h", "common/identity.h", "common/least.h",
               "common/money.h", "common/must.h", "common/text_find.h", "provisioner/idmap.h"}

BY_HAND = re.compile(r"// clang-format off.*?// clang-format on", re.DOTALL)
TOKENS = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def without(text, strings):
    """The text without comments, and without what stands in strings where asked; line numbers are kept."""

    def blank(match):
        token = match.group(0)
        if token.startswith("/"):
            return "\n" * token.count("\n") + " "
        return token if not strings else token[0] * 2

    return TOKENS.sub(blank, text)


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def banned_functions(path, text):
    code = without(text, strings=True)
    for match in re.finditer(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(", code):
        yield line_of(code, match.start()), f"{match.group(1)} is banned: use {BANNED[match.group(1)]}"


def built_statements(path, text):
    if path.startswith("common/db"):
        return  # the database module itself, which says BEGIN, LISTEN and COPY for everybody else
    code = without(text, strings=True)
    for match in re.finditer(r"\bPQ(?:sendQuery|exec)\s*\([^,()]*(?:\([^()]*\))?[^,()]*,\s*", code):
        if not code.startswith('"', match.end()):
            yield line_of(code, match.start()), "PQexec with text that is not a literal: use a struct db_stmt"


def includes(text):
    code = without(text, strings=False)
    for match in re.finditer(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', code, re.MULTILINE):
        yield line_of(code, match.start()), match.group(1) == '"', match.group(2)


def sideways_includes(path, text):
    house = path.split("/")[0]
    for line, own, name in includes(text):
        if not own:
            continue
        if "/" not in name or name.startswith("."):
            yield line, f'"{name}": include by path from the root'
        elif house == "common" and not name.startswith("common/"):
            yield line, f'"{name}": common includes nothing above it'
        elif house in ("api", "provisioner", "billing") and name.split("/")[0] not in (house, "common"):
            yield line, f'"{name}": {house} includes common and itself only'


def impure_includes(path, text):
    folder = next((pure for pure in PURE if path.startswith(pure + "/")), None)
    if folder is None:
        return
    for line, own, name in includes(text):
        if own and not name.startswith(folder + "/") and name not in PURE_COMMON:
            yield line, f'"{name}" in a pure folder'
        elif not own and name not in PURE_SYSTEM:
            yield line, f"<{name}> in a pure folder"


def head(path, text):
    if not text.startswith("/*"):
        yield 1, "does not begin with a comment that says what the file is for"
    if "SPDX-License-Identifier: Apache-2.0" not in re.split(r"^(?:#|static|struct|int)", text, maxsplit=1, flags=re.MULTILINE)[0]:
        yield 1, "has no SPDX line"
    if path.endswith(".h") and not re.search(r"^#pragma once$", text, re.MULTILINE):
        yield 1, "has no #pragma once"


def length(path, text):
    lines = text.count("\n")
    if lines > LINES_MAX:
        yield LINES_MAX, f"has {lines} lines, more than {LINES_MAX}: look for the second thing it does"


def width(path, text):
    """Tables that are laid out by hand are as wide as they like."""
    laid_out = BY_HAND.sub(lambda match: "\n" * match.group(0).count("\n"), text)
    for number, line in enumerate(laid_out.split("\n"), 1):
        if len(line) > COLUMNS_MAX:
            yield number, f"has {len(line)} columns, more than {COLUMNS_MAX}"


WORD = re.compile(r"\w+")
DECLARATION = re.compile(r"^(?!\s*(?:#|typedef|static)\b)[^;#={}]*?\b(\w+)\s*\([^;{}]*;|^extern [^;]*?\b(\w+)(?:\[[^;]*\])?;", re.MULTILINE)


def declared(header):
    """The names of the functions and objects that a header without comments and strings declares, with their lines."""
    depth, outside = 0, ""
    for part in re.split(r"([{}])", header):
        depth += {"{": 1, "}": -1}.get(part, 0)
        outside += part if depth == 0 else "\n" * part.count("\n")
    for match in DECLARATION.finditer(outside):
        group = 1 if match.group(1) else 2
        yield match.group(group), line_of(outside, match.start(group))


def defined(source):
    """The names of the functions and objects that a source without comments and strings defines for others, too."""
    return set(re.findall(r"^(?!static\b)(?:\w+[ *]+)+(\w+)(?:\([^;{}]*\)\s*\{|(?:\[\w*\])* = )", source, re.MULTILINE))


def needless_declarations(texts):
    """What a header of the programs declares, another file than that which defines it needs; else it is static, or dead. What only tests
    need says so above ("for tests"); an x_free() may stand there for the sake of its x_freep(), which CLEANUP takes, and a
    function for that of a macro."""
    words = {path: collections.Counter(WORD.findall(without(text, strings=True))) for path, text in texts.items()}
    definitions = {path: defined(without(text, strings=True)) for path, text in texts.items() if path.endswith(".c")}
    for path, text in texts.items():
        if not path.endswith(".h") or path.startswith("tests/"):
            continue
        for name, line in declared(without(text, strings=True)):
            # Not always the source of the header's name: a folder may have one header for all of its files.
            sources = [other for other, names in definitions.items() if name in names] or [path[:-1] + "c"]
            users = [other for other in words if words[other][name] and other not in (path, *sources)]
            uses_itself = any(words.get(source, {}).get(name, 0) > 1 for source in sources)
            is_tested_only = all(user.startswith("tests/") for user in users) and not uses_itself
            if words[path][name] > 1 or (name.endswith("_free") and words[path][name + "p"]):
                continue
            if not users:
                yield f"{path}:{line}: no other file needs {name}: make it static, or remove it"
            elif is_tested_only and "for tests" not in "\n".join(text.splitlines()[max(0, line - 4):line]).lower():
                yield f"{path}:{line}: only tests need {name}: remove it, or say so above (for tests)"


def needless_macros(path, text):
    """A macro of a source is used there."""
    words = collections.Counter(WORD.findall(without(text, strings=True)))
    for match in re.finditer(r"^#define (\w+)", text if path.endswith(".c") else "", re.MULTILINE):
        if words[match.group(1)] == 1 and match.group(1) != "_GNU_SOURCE":
            yield line_of(text, match.start(1)), f"nothing here needs the macro {match.group(1)}"


OLDEST_KNOWN_SINCE = 83  # migrations of before are fixed
# What a program may use that knows less: all DROPs but of what no statement names, and what narrows or closes.
TAKES_AWAY = re.compile(r"\bDROP\s+(?!CONSTRAINT\b|TRIGGER\b|POLICY\b|DEFAULT\b|NOT\s+NULL\b|IDENTITY\b|EXPRESSION\b)|\bRENAME\b|\bSET\s+NOT\s+NULL\b"
                        r"|\bALTER\s+(?:COLUMN\s+)?\w+\s+(?:SET\s+DATA\s+)?TYPE\b|\bREVOKE\s+(?!CREATE\b)(?!(?:(?!\bFROM\b)[^;])*\bFROM\s+PUBLIC\b)", re.IGNORECASE)
SQL_ASIDE = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:''|[^'])*'|(\$\w*\$).*?\1", re.DOTALL)  # comments, texts and the bodies of functions


def excluded_programs(path, text):
    """A migration that takes something away says which programs may still run upon it (migrations/README.md)."""
    number = int(re.match(r"\d*", pathlib.Path(path).name)[0] or 0)
    if number < OLDEST_KNOWN_SINCE:
        return
    said = list(re.finditer(r"^-- *oldest_known\b.*$", text, re.MULTILINE | re.IGNORECASE))
    for match in said:
        known = re.fullmatch(r"-- oldest_known: (\d+)", match[0])
        if known is None or int(known[1]) > number or len(said) > 1:
            yield line_of(text, match.start()), f"'{match[0]}': one line '-- oldest_known: N' with an N of 0 to {number} is what deploy/migrate reads"
    code = SQL_ASIDE.sub(lambda match: "\n" * match[0].count("\n") + " ", text)
    taken = TAKES_AWAY.search(code)
    if taken and not said:
        yield line_of(code, taken.start()), f"{' '.join(code[taken.start():].split()[:3])}: which programs may still run? Say '-- oldest_known: N' (0: all)"


# By the end of a file's name.
RULES = {
    (".c", ".h"): (banned_functions, built_statements, sideways_includes, impure_includes, head, length, width, needless_macros),
    (".py",): (length, width),
    (".ts", ".tsx"): (length,),
    (".sql",): (excluded_programs,),
}

HEAD = "/* What for. */\n/* SPDX-License-Identifier: Apache-2.0 */\n"
SAMPLES = (  # path, text, how many findings
    ("api/a.c", HEAD + "x = atoi (s);", 1),
    ("api/a.c", HEAD + 'log("atoi(s)"); /* atoi(s) */ // atoi(s)', 0),
    ("api/a.c", HEAD + "snprintf(a, n, f); my_sleep(1); db->system(x);", 0),
    ("api/a.c", HEAD + 'PQexec(conn, "BEGIN"); PQexec(conn, "a" "b");', 0),
    ("api/a.c", HEAD + "PQexec(db->conn, text);", 1),
    ("common/db.c", HEAD + "PQexec(db->conn, text);", 0),
    ("api/a.c", HEAD + '#include "billing/x.h"\n', 1),
    ("api/a.c", HEAD + '#include "common/x.h"\n#include "api/x.h"\n#include <stdio.h>\n', 0),
    ("api/a.c", HEAD + '#include "x.h"\n', 1),
    ("common/a.c", HEAD + '#include "api/x.h"\n', 1),
    ("billing/capex/a.c", HEAD + '#include <stdio.h>\n#include "common/db.h"\n', 2),
    ("billing/capex/a.c", HEAD + '#include <stdint.h>\n#include "common/money.h"\n', 0),
    ("api/a.c", HEAD + "#define A 1\n#define B A\nint x = A;", 1),
    ("common/a.h", HEAD, 1),
    ("common/a.c", "int x;", 2),
    ("common/a.c", HEAD + "\n" * LINES_MAX, 1),
    ("common/a.c", HEAD + "// " + "x" * COLUMNS_MAX, 1),
    ("common/a.c", HEAD + "// clang-format off\n// " + "x" * COLUMNS_MAX + "\n// clang-format on\n", 0),
    ("tests/a.py", "\n" * LINES_MAX + "x" * (COLUMNS_MAX + 1) + "\n", 2),
    ("api/a.tsx", "\n" * LINES_MAX + "x" * (COLUMNS_MAX + 1) + "\n", 1),
    ("migrations/0082_a.sql", "DROP TABLE a;", 0),
    ("migrations/0083_a.sql", "DROP TABLE a;", 1),
    ("migrations/0083_a.sql", "ALTER TABLE a\n  DROP COLUMN b;", 1),
    ("migrations/0083_a.sql", "ALTER TABLE a DROP b;", 1),
    ("migrations/0083_a.sql", "ALTER TABLE a RENAME b TO c;", 1),
    ("migrations/0083_a.sql", "ALTER TABLE a ALTER b TYPE bigint;", 1),
    ("migrations/0083_a.sql", "ALTER TABLE a ALTER COLUMN b SET NOT NULL;", 1),
    ("migrations/0083_a.sql", "DROP FUNCTION a(uuid);\nCREATE FUNCTION a(uuid, text) RETURNS void;", 1),
    ("migrations/0083_a.sql", "REVOKE SELECT ON a FROM sluice_api;", 1),
    ("migrations/0083_a.sql", "REVOKE EXECUTE ON FUNCTION a FROM PUBLIC; REVOKE CREATE ON SCHEMA s FROM a; ALTER TABLE a ALTER b DROP NOT NULL, DROP CONSTRAINT c;", 0),
    ("migrations/0083_a.sql", "-- DROP TABLE a\nCREATE FUNCTION a() AS $$ EXECUTE 'DROP TABLE x'; DROP TABLE y; $$;\nSELECT 'it''s DROP TABLE a';", 0),
    ("migrations/0083_a.sql", "-- oldest_known: 83\nDROP TABLE a;", 0),
    ("migrations/0083_a.sql", "-- oldest_known: 0\nDROP INDEX a;", 0),
    ("migrations/0083_a.sql", "-- oldest_known: 84\nDROP TABLE a;", 1),
    ("migrations/0083_a.sql", "-- Oldest_known: 83, for b\nDROP TABLE a;", 1),
    ("migrations/0083_a.sql", "-- oldest_known: 82\n-- oldest_known: 83\n", 2),
)


TREES = (  # path: text, how many declarations are needless
    ({"api/a.h": "int a_get(int x);", "api/a.c": "int a_get(int x) {}", "api/b.c": "a_get(1);"}, 0),
    ({"api/a.h": "int a_get(int x);", "api/a.c": "int a_get(int x) {} int y = a_get(1);"}, 1),
    ({"api/a.h": "int a_get(int x);", "api/a.c": "int a_get(int x) {}", "tests/t.c": "a_get(1);"}, 1),
    ({"api/a.h": "int b_get(int x);", "api/b.c": "int b_get(int x)\n{\n}\nint y = b_get(1);"}, 1),
    ({"api/a.h": "int b_get(int x);", "api/b.c": "int b_get(int x)\n{\n}", "api/c.c": "b_get(1);"}, 0),
    ({"api/a.h": "extern const int b_rows[];", "api/b.c": "const int b_rows[] = {1};"}, 1),
    ({"api/a.h": "/* for tests */\nint a_get(int x);", "api/a.c": "int a_get(int x) {}", "tests/t.c": "a_get(1);"}, 0),
    ({"api/a.h": "int a_get(int x);", "api/a.c": "int a_get(int x) {} int y = a_get(1);", "tests/t.c": "a_get(1);"}, 0),
    ({"api/a.h": "void a_free(int x);\nvoid a_freep(int *x);", "api/b.c": "CLEANUP(a_freep)"}, 0),
    ({"api/a.h": "extern const int a_rows[];\nstruct b { int (*run)(void); };"}, 1),
)


def findings(path, text):
    rules = next(rules for ends, rules in RULES.items() if path.endswith(ends))
    return [f"{path}:{line}: {message}" for rule in rules for line, message in rule(path, text)]


def sources():
    """Those of C, Python, TypeScript and SQL that are written, not made."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix and any(path.suffix in ends for ends in RULES) and "node_modules" not in path.parts and path.name != "schema.d.ts":
                yield path


def main():
    for path, text, expected in SAMPLES:
        found = findings(path, text)
        if len(found) != expected:
            sys.exit(f"self-test: {expected} findings expected in {text!r}, not {found}")
    for texts, expected in TREES:
        found = list(needless_declarations(texts))
        if len(found) != expected:
            sys.exit(f"self-test: {expected} needless declarations expected in {texts}, not {found}")
    if sys.argv[1:] == ["--self-test"]:
        return
    texts = {str(path.relative_to(ROOT)): path.read_text() for path in sources()}
    c_texts = {path: text for path, text in texts.items() if path.endswith((".c", ".h"))}
    found = [finding for path, text in texts.items() for finding in findings(path, text)] + list(needless_declarations(c_texts))
    print("\n".join(found + [f"{len(texts)} files, {len(found)} findings"]))
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
