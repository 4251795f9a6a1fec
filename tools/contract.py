"""Which features of docs/features.md are proved by passing tests.

    python -m pytest --contract-report .cache/contract.json
    python -m tools.contract            prints the features of each section that have passing tests
    python -m tools.contract --write    writes the status column of docs/features.md
    python -m tools.contract --check    exit code 1 if a test names an unknown feature, or the list claims too much

What a person wrote into the status after `; open:` stays: tests may prove a part of a feature only.
"""

import argparse
import ast
import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FEATURES, TESTS, REPORT = ROOT / "docs/features.md", ROOT / "tests", ROOT / ".cache/contract.json"
NOT_YET = "not yet"
_SECTION = re.compile(r"## (?P<number>\w+)\. (?P<title>.+)")
_ROW = re.compile(r"\| (?P<id>\d+\.\d+) \| (?P<text>.+?) \| (?P<status>[^|]*?)(?P<rest>; open: [^|]*)? \|")

Outcomes = Mapping[str, Mapping[str, str]]
"""Per feature, the outcome of each test: passed, failed or skipped."""


@dataclass(frozen=True, slots=True)
class Feature:
    id: str
    section: str
    text: str
    status: str


def features(text: str) -> list[Feature]:
    """The features listed in the text of docs/features.md."""
    found, section = [], ""
    for line in text.splitlines():
        if match := _SECTION.fullmatch(line):
            section = f"{match['number']} {match['title']}"
        elif match := _ROW.fullmatch(line):
            found.append(Feature(match["id"], section, match["text"], match["status"].strip()))
    return found


def status(tests: Mapping[str, str]) -> str:
    passed = sum(outcome == "passed" for outcome in tests.values())
    if "failed" in tests.values():
        return f"failing: {sum(outcome == 'failed' for outcome in tests.values())} of {len(tests)} tests"
    return f"proved by {passed} test{'s' * (passed != 1)}" if passed else NOT_YET


def with_statuses(text: str, outcomes: Outcomes) -> str:
    """The same list with the status column as the tests left it."""

    def row(match: re.Match[str]) -> str:
        return f"| {match['id']} | {match['text']} | {status(outcomes.get(match['id'], {}))}{match['rest'] or ''} |"

    return _ROW.sub(row, text)


def named_by_tests(folder: Path) -> Iterator[tuple[str, str]]:
    """Each feature id in a `contract(...)` mark, with the place."""
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            marks = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "contract"
            if not marks or not ast.unparse(node.func).endswith("mark.contract"):  # type: ignore[attr-defined]
                continue
            for argument in node.args:  # type: ignore[attr-defined]
                named = argument.value if isinstance(argument, ast.Constant) else ast.unparse(argument)
                yield str(named), f"{path.relative_to(folder.parent)}:{argument.lineno}"


def mistakes(text: str, tests: Path, outcomes: Outcomes | None) -> Iterator[str]:
    """What the list and the tests say of each other that is not so; without outcomes, claims are not judged."""
    known = {feature.id for feature in features(text)}
    for named, place in named_by_tests(tests):
        if named not in known:
            yield f"{place} names the feature {named}, which docs/features.md does not list"
    for feature in features(text) if outcomes is not None else ():
        if feature.status.startswith("proved") and not status((outcomes or {}).get(feature.id, {})).startswith(
            "proved"
        ):
            yield f"docs/features.md claims that {feature.id} is {feature.status}; no passing test says so"


def summary(text: str, outcomes: Outcomes) -> Iterator[str]:
    """One line per section, its proved features below, and the totals."""
    sections: dict[str, list[Feature]] = {}
    for feature in features(text):
        sections.setdefault(feature.section, []).append(feature)
    done = 0
    for section, listed in sections.items():
        proved = {f: line for f in listed if (line := status(outcomes.get(f.id, {}))) != NOT_YET}
        done += sum(line.startswith("proved") for line in proved.values())
        yield f"{section}: {len(proved)} of {len(listed)}"
        yield from (f"    {feature.id:<5} {line:<20} {feature.text}" for feature, line in proved.items())
    tests = {test for outcome in outcomes.values() for test in outcome}
    yield f"\n{done} of {sum(map(len, sections.values()))} features have passing tests, {len(tests)} in all"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.contract", description="Features and the tests that prove them"
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--write", action="store_true", help="write the status column of docs/features.md")
    what.add_argument(
        "--check", action="store_true", help="exit with 1 for unknown ids and claims without a passing test"
    )
    parser.add_argument("--report", type=Path, default=REPORT, metavar="FILE")
    given = parser.parse_args(arguments)
    text = FEATURES.read_text()
    outcomes: Outcomes | None = json.loads(given.report.read_text()) if given.report.exists() else None
    if given.check:
        found = list(mistakes(text, TESTS, outcomes))
        _say("\n".join(found) or "The tests and docs/features.md agree.")
        return bool(found)
    if outcomes is None:
        _say(f"There is no {given.report}: run the tests with --contract-report {given.report}")
        return 1
    if given.write:
        FEATURES.write_text(with_statuses(text, outcomes))
    else:
        _say("\n".join(summary(text, outcomes)))
    return 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
