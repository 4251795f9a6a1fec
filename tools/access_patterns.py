"""Writes the recorded access patterns into the READMEs of the services, or checks that they are there.

    python -m pytest --access-patterns .cache/access-patterns.json
    python -m tools.access_patterns --write      or --check: exit code 1 where a README says something else

Run all tests for it: a pattern that no test used is not recorded. The check wants the same functions with the same
operations; that a run met other keys of an item's family is shown, and is no fault.
"""

import argparse
import difflib
import json
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RECORD = ROOT / ".cache/access-patterns.json"
START, END = "<!-- access-patterns:start -->", "<!-- access-patterns:end -->"
_HEAD = ["| pattern | operation | key |", "|---|---|---|"]


class NoPlace(Exception):
    """A README has no place for the table."""


def table(rows: Iterable[tuple[str, str, str]]) -> list[str]:
    """Lines of the table of (function, operation, key) rows: one line per function and operation."""
    keys: dict[tuple[str, str], set[str]] = {}
    for function, operation, key in rows:
        keys.setdefault((function, operation), set()).add(key)
    lines = [
        f"| `{function}` | {operation} | {' · '.join(f'`{key}`' for key in sorted(found))} |"
        for (function, operation), found in sorted(keys.items())
    ]
    return [*_HEAD, *lines] if lines else []


def with_table(readme: str, lines: list[str]) -> str:
    """The README with `lines` between the markers. Raises NoPlace."""
    before, start, rest = readme.partition(f"{START}\n")
    _, end, after = rest.partition(END)
    if not start or not end:
        raise NoPlace(f"{START} … {END} is missing")
    return before + start + "".join(f"{line}\n" for line in lines) + end + after


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.access_patterns", description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--write", action="store_true", help="write the tables")
    what.add_argument(
        "--check", action="store_true", help="exit with 1 where a table lacks an operation, or has one too many"
    )
    parser.add_argument("--record", type=Path, default=RECORD, metavar="FILE")
    parser.add_argument("--functions", type=Path, default=ROOT / "functions", metavar="DIR", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if not given.record.exists():
        _say(f"There is no {given.record}: run the tests with --access-patterns {given.record}")
        return 1
    recorded: dict[str, list[tuple[str, str, str]]] = {}
    for service, function, operation, key in json.loads(given.record.read_text()):
        recorded.setdefault(service, []).append((function, operation, key))
    folders = sorted(path.parent for path in given.functions.glob("*/manifest.py"))
    fits = [_settle(folder / "README.md", recorded.get(folder.name, []), given.write) for folder in folders]
    return 0 if all(fits) else 1


def _settle(readme: Path, rows: list[tuple[str, str, str]], write: bool) -> bool:
    """Write or compare one table; whether it is as recorded now."""
    present = readme.read_text() if readme.exists() else ""
    try:
        wanted = with_table(present, table(rows))
    except NoPlace as missing:
        if rows:
            _say(f"{readme}: {missing}")
        return not rows
    if wanted == present:
        return True
    if not write and _operations(wanted) == _operations(present):
        _say(f"{readme}: other keys were met than the table tells")
        return True
    if write:
        readme.write_text(wanted)
        _say(f"{readme}: written")
        return True
    _say("".join(difflib.unified_diff(present.splitlines(True), wanted.splitlines(True), str(readme), "recorded")))
    return False


def _operations(readme: str) -> set[tuple[str, str]]:
    """The functions of the table, each with its operations."""
    rows = (line.split(" | ") for line in readme.partition(START)[2].partition(END)[0].splitlines())
    return {(row[0], row[1]) for row in rows if len(row) > 2}


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
