#!/usr/bin/python3
"""Links of the documentation lead to pages and headings that are there, every page is in its index, every README names what
is in its folder, files that sources name exist, tests that pages name too, what the console offers as a command is one, and
what pages have from the programs' tables is what the programs print.

    tests/lint/docs.py [SLUICE-API SLUICE-PROVISIONER SLUICE-BILLING]
"""
# SPDX-License-Identifier: Apache-2.0

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = ("api", "billing", "common", "deploy", "migrations", "provisioner", "tests")
MAPPED = ("api", "billing", "common", "deploy", "provisioner", "tests")
SOURCES = {".c", ".h", ".sql", ".py", ".yml", ".txt", ".ts", ".tsx", ""}


def files(*folders):
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and not {"node_modules", "__pycache__", "dist"} & set(path.parts):
                yield path


def pages():
    yield from ROOT.glob("*.md")
    yield from (path for path in files("docs", *FOLDERS) if path.suffix == ".md")


def anchors(page):
    """What GitHub makes of the headings: lower case, without punctuation, spaces as dashes. (No page of ours has one twice.)"""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def broken_links(page):
    for target, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)", page.read_text()):
        there = page.parent / target if target else page
        if "://" in target or target.startswith("mailto:"):
            continue
        if not there.exists():
            yield f"{page.relative_to(ROOT)}: there is no '{target}'"
        elif anchor and there.suffix == ".md" and anchor not in set(anchors(there)):
            yield f"{page.relative_to(ROOT)}: '{target}' has no heading '#{anchor}'"


def missing_files(source, there):
    """Pages that a source names, and files that comments in C name, by their names alone."""
    text, endings = source.read_text(errors="replace"), "md"
    if source.suffix in (".c", ".h"):
        text, endings = "\n".join(re.findall(r"/\*.*?\*/|//[^\n]*", text, re.DOTALL)), "md|c|h|py|sql"
    for name in re.findall(rf"\b([\w-]+\.(?:{endings}))\b(?![.(])", text):
        if name not in there:
            yield f"{source.relative_to(ROOT)}: there is no '{name}'"


def missing_tests(page):
    """Tests that a page names, as test_x.py::test_y, fuzz/x or lint/x."""
    text = page.read_text()
    for module, test in re.findall(r"\b(test_[a-z0-9_]+\.py)::(test_[a-z0-9_]+)", text):
        path = ROOT / "tests/integration" / module
        if not path.exists() or f"def {test}(" not in path.read_text():
            yield f"{page.relative_to(ROOT)}: there is no test {module}::{test}"
    for kind, name in re.findall(r"`(fuzz|lint)/([a-z_]+)`", text):
        listed = (ROOT / "tests" / kind / "CMakeLists.txt").read_text()
        if f"sluice_fuzz({name} " not in listed and f"lint/{name} " not in listed:
            yield f"{page.relative_to(ROOT)}: there is no test {kind}/{name}"


def missing_commands():
    """What the console offers to copy as a command is one that docs/cli.md has."""
    table = ROOT / "api/console/src/api/commands.ts"
    commands = set(re.findall(r"^## sluice (.+)$", (ROOT / "docs/cli.md").read_text(), re.MULTILINE))
    for words in re.findall(r'words: "([^"]+)"', table.read_text()):
        if words not in commands:
            yield f"{table.relative_to(ROOT)}: there is no command 'sluice {words}'"


def unnamed(folder):
    """What stands in a folder and its README does not name: `name`, `name.c`, `name/`, or `family` of a family_of_files."""
    named = set(re.findall(r"`([\w.-]+?)(?:/[\w*]*)?(?:\.c|\.h)?`", (ROOT / folder / "README.md").read_text()))
    there = {path.stem if path.suffix in (".c", ".h") else path.name for path in (ROOT / folder).iterdir()
             if path.suffix not in (".md", ".txt") and not path.name.startswith((".", "__"))}
    for name in sorted(there - named - {"run"}):
        if name.split("_")[0] not in named:
            yield f"{folder}/README.md: does not name {name}"


def configuration(programs):
    """What the programs print is what docs/configuration.md has below its head."""
    head, mark, tables = (ROOT / "docs/configuration.md").read_text().partition("\n## ")
    printed = "".join(subprocess.run([program, "--print-docs"], stdout=subprocess.PIPE, text=True, check=True).stdout for program in programs)
    if programs and mark + tables != printed:
        yield "docs/configuration.md: the tables are not those that the programs print with --print-docs"


def states(provisioner):
    printed = subprocess.run([provisioner, "--print-states"], stdout=subprocess.PIPE, text=True, check=True).stdout
    if (ROOT / "docs/states.md").read_text() != printed:
        yield "docs/states.md: is not what sluice-provisioner --print-states prints"


def main():
    found = [finding for page in pages() for finding in broken_links(page)]
    found += [finding for page in pages() for finding in missing_tests(page)]
    there = {path.name for path in [*ROOT.glob("*.md"), *files("docs", *FOLDERS)]}
    found += [finding for path in files(*FOLDERS) if path.suffix in SOURCES for finding in missing_files(path, there)]
    index = (ROOT / "docs/README.md").read_text()
    found += [f"docs/README.md: does not name {page.name}" for page in sorted((ROOT / "docs").glob("*.md"))
              if page.name != "README.md" and f"({page.name})" not in index]
    found += missing_commands()
    found += [finding for folder in MAPPED for finding in unnamed(folder)]
    found += configuration(sys.argv[1:])
    found += [finding for program in sys.argv[1:] if program.endswith("provisioner") for finding in states(program)]
    print("\n".join(found + [f"{len(list(pages()))} pages, {len(found)} findings"]))
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
