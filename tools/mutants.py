"""Mutation tests of the modules that money and stock depend on: is every line of theirs held by a test?

    python -m tools.mutants                 the figures, and the survivors, into docs/mutants.md
    python -m tools.mutants --check         a sample, nothing written; exit code 1 where a module is below its threshold
    python -m tools.mutants money pricing   only the modules whose path has one of these words in it; nothing written

Mutants are made by mutmut, which wants modules under `src/`: modules with the same tests share a stage under
.cache/mutants, made anew in every run. What survives for a reason is told in tools/survivors.toml.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STAGES, REPORT, REASONS = ROOT / ".cache/mutants", ROOT / "docs/mutants.md", ROOT / "tools/survivors.toml"
THRESHOLD = 90.0
"""Percent of a module's mutants that its tests must notice."""

_KERNEL, _FUNCTIONS = "layers/kernel/python/", "functions/"
_BESIDE = ("local", "infra", "store", "tools", "statemachines", "events")
_NOTICED = frozenset({1, 3, 24, 36, 37, 152, 255, -24})
"""Exit codes of mutmut's runs that a mutant does not survive: tests failed, or never ended."""

_SAMPLE = "0369"
"""Where a sample is enough, mutants whose number in their function ends in one of these are made: four of ten."""


@dataclass(frozen=True, slots=True)
class Module:
    """A file to mutate, and the fast tests that are to notice."""

    path: str
    tests: tuple[str, ...]

    @property
    def source(self) -> str:
        return "src/" + self.path.removeprefix(_KERNEL).removeprefix(_FUNCTIONS)

    @property
    def stage(self) -> Path:
        """Where this module is the first of those that share it."""
        return STAGES / self.source.removeprefix("src/").removesuffix(".py").replace("/", "-")


_REFUNDS, _LEDGER, _ORDERS = (f"tests/services/{name}" for name in ("refunds", "ledger", "orders"))
_BOOKING = tuple(f"{_LEDGER}/test_booking_{name}.py" for name in ("details", "subsidies"))
_COMMISSION = tuple(f"{_LEDGER}/test_commission.py::{name}" for name in ("TestWhichRuleHolds", "TestWhatARuleTakes"))
_STOCK = tuple(
    f"tests/services/inventory/test_{name}.py" for name in ("fragment_details", "source_details", "sources", "moves")
)
_STOCK_MODULES = ("offers", "purchases", "holds", "sources", "journal", "shifts", "moves", "changes")
MODULES = (
    Module(f"{_KERNEL}market/money.py", ("tests/kernel/test_money.py", "tests/kernel/test_money_details.py")),
    *(Module(f"{_FUNCTIONS}inventory/{name}.py", _STOCK) for name in _STOCK_MODULES),
    Module(
        f"{_FUNCTIONS}orders/pricing/pipeline.py",
        tuple(f"{_ORDERS}/test_pricing_{name}.py" for name in ("details", "by_hand", "steps", "ways")),
    ),
    Module(
        f"{_FUNCTIONS}refunds/model.py",
        tuple(f"{_REFUNDS}/test_share_{name}.py" for name in ("details", "edges", "subsidies")),
    ),
    Module(f"{_FUNCTIONS}ledger/contract.py", _BOOKING),
    Module(f"{_FUNCTIONS}ledger/accounts.py", _BOOKING),
    Module(f"{_FUNCTIONS}ledger/model.py", (*_BOOKING, *_COMMISSION)),
)


@dataclass(frozen=True, slots=True)
class Survivor:
    """A change that no test noticed: the lines before and after it, and why that is accepted, if somebody said."""

    module: str
    function: str
    change: str
    why: str


@dataclass(frozen=True, slots=True)
class Score:
    """What became of a module's mutants."""

    module: Module
    mutants: int
    survivors: tuple[Survivor, ...]

    @property
    def percent(self) -> float:
        return 100.0 * (self.mutants - len(self.survivors)) / self.mutants if self.mutants else 0.0


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.mutants", description=__doc__.split("\n")[0])
    parser.add_argument("words", nargs="*", metavar="WORD", help="only modules with one of these in their path")
    parser.add_argument("--check", action="store_true", help="a sample of each module's mutants; write nothing")
    given = parser.parse_args(arguments)
    chosen = [m for m in MODULES if not given.words or any(word in m.path for word in given.words)]
    reasons = _reasons()
    scores: list[Score] = []
    for _, together in groupby(chosen, key=lambda module: module.tests):
        scores += _scores(list(together), reasons, _SAMPLE if given.check else "")
    if given.words:
        sys.stdout.writelines(_told(survivor) for score in scores for survivor in score.survivors if not survivor.why)
    elif not given.check:
        REPORT.write_text(_report(scores), encoding="utf-8")
    return 0 if all(score.percent >= THRESHOLD for score in scores) else 1


def _scores(modules: list[Module], reasons: dict[tuple[str, str, str], str], digits: str) -> Iterator[Score]:
    """Of modules with the same tests. digits: what the numbers of the mutants end in; any, if empty."""
    stage = modules[0].stage
    _prepare(modules, stage)
    run = [sys.executable, "-m", "mutmut", "run", "--max-children", str(os.cpu_count() or 2)]
    run += [f"*__mutmut_*[{digits}]"] if digits else []
    log = stage / "run.log"
    with log.open("wb") as out:
        subprocess.run(run, cwd=stage, env=_environment(), stdout=out, stderr=subprocess.STDOUT, check=False)  # noqa: S603
    for module in modules:
        yield _score(module, stage, reasons, digits)


def _score(module: Module, stage: Path, reasons: dict[tuple[str, str, str], str], digits: str) -> Score:
    results, log = stage / "mutants" / f"{module.source}.meta", stage / "run.log"
    if not results.exists():
        raise SystemExit(f"mutmut gave up on {module.path}: see {log}")
    codes = json.loads(results.read_text())["exit_code_by_key"]
    codes = {name: code for name, code in codes.items() if not digits or name[-1] in digits}
    if not codes or any(code in (None, 2) for code in codes.values()):
        raise SystemExit(f"mutmut did not finish {module.path}: see {log}")
    left = sorted(name for name, code in codes.items() if code not in _NOTICED)
    score = Score(module, len(codes), tuple(_survivor(module, stage, name, reasons) for name in left))
    sys.stdout.write(f"{_line(score)}\n")
    sys.stdout.flush()
    return score


def _prepare(modules: list[Module], stage: Path) -> None:
    """The project as mutmut wants it."""
    shutil.rmtree(stage, ignore_errors=True)
    for folder in _BESIDE:
        _mirror(ROOT / folder, stage / folder)
    _mirror(ROOT / "tests", stage / "tests")
    for package in ("market", "declared"):
        _mirror(ROOT / _KERNEL / package, stage / "src" / package)
    for service in sorted((ROOT / _FUNCTIONS).glob("*/__init__.py")):
        _mirror(service.parent, stage / "src" / service.parent.name)
    for name in ("package.json", "cdk.json"):
        shutil.copy2(ROOT / name, stage / name)
    settings = {
        "source_paths": ["src"],
        "only_mutate": [module.source for module in modules],
        "also_copy": [*_BESIDE, "pyproject.toml", "package.json", "cdk.json"],
        "pytest_add_cli_args": ["-p", "no:cacheprovider", "-q"],
        "pytest_add_cli_args_test_selection": list(modules[0].tests),
        "use_git_change_detection": False,
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (stage / "pyproject.toml").write_text("\n".join([project, "[tool.mutmut]", *lines, ""]), encoding="utf-8")


def _mirror(source: Path, target: Path) -> None:
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.pyc", "openapi.json"))


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": ".:src"}


def _survivor(module: Module, stage: Path, name: str, reasons: dict[tuple[str, str, str], str]) -> Survivor:
    shown = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "mutmut", "show", name],
        cwd=stage,
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
    ).stdout.splitlines()
    changed = [line for line in shown if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    change = "\n".join(f"{line[0]} {line[1:].strip()}" for line in changed)
    function = name.rpartition(".")[2].rpartition("__mutmut_")[0].removeprefix("x").strip("_ǁ").replace("ǁ", ".")
    return Survivor(module.path, function, change, reasons.get((module.path, function, change), ""))


def _reasons() -> dict[tuple[str, str, str], str]:
    """By module, function and change."""
    if not REASONS.exists():
        return {}
    told = tomllib.loads(REASONS.read_text(encoding="utf-8"))["survivor"]
    return {(s["module"], s["function"], s["change"].strip()): s["why"] for s in told}


def _line(score: Score) -> str:
    killed = score.mutants - len(score.survivors)
    return f"{score.module.path}: {killed} of {score.mutants} killed, {score.percent:.1f} %"


def _told(survivor: Survivor) -> str:
    return f"\n{survivor.module} {survivor.function}\n{survivor.change}\n"


def _report(scores: Iterable[Score]) -> str:
    scores = list(scores)
    rows = [f"| `{s.module.path}` | {s.mutants} | {s.mutants - len(s.survivors)} | {s.percent:.1f} % |" for s in scores]
    lines = [
        "# Mutants",
        "",
        "Small changes made to the code that money and stock depend on, and how many of them the tests notice. Written",
        f"by `make mutants`; CI wants {THRESHOLD:.0f} % of each module. Texts of errors are mutated too, and count.",
        "",
        "| module | mutants | killed | |",
        "|---|---:|---:|---:|",
        *rows,
        "",
        "## Survivors",
    ]
    for score in scores:
        if score.survivors:
            lines += ["", f"### `{score.module.path}`"]
        for survivor in score.survivors:
            lines += ["", f"`{survivor.function}`: {survivor.why or 'not yet looked at'}", "", "```diff"]
            lines += [*survivor.change.splitlines(), "```"]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    sys.exit(main())
