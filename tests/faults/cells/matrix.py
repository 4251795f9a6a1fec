"""The matrix: every call of every step of a flow, times every fault, single and in pairs, and how much was fired."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from tests.faults.cells import books
from tests.faults.cells.floor import Floor
from tests.faults.cells.flows import FLOWS
from tests.faults.cells.wires import FAULTS, Cell, Do, Recorder, Saboteur, Tap, impossible

Strike = tuple[Cell, str]
TABLES = Path(".cache/crash-cells")
"""Where the full tables are kept, a file for each flow."""


@dataclass
class Report:
    """What came of striking. possible: those that could be struck; idle: those that cannot, with the reason."""

    possible: set[Strike] = field(default_factory=set)
    fired: set[Strike] = field(default_factory=set)
    idle: dict[Strike, str] = field(default_factory=dict)
    broken: dict[str, list[str]] = field(default_factory=dict)
    runs: int = 0

    @property
    def coverage(self) -> float:
        return len(self.fired & self.possible) / len(self.possible) if self.possible else 1.0

    @property
    def missed(self) -> list[Strike]:
        return sorted(self.possible - self.fired)


def tell(floor: Floor, flow: str, tap: Tap) -> list[str]:
    """Run a flow with a tap on its calls, to its end; the broken promises."""
    story = FLOWS[flow]

    def about(cell: Cell, do: Do) -> Any:
        return tap(cell, do) if cell.step.startswith(story.steps) else do()

    with floor.doors():
        story.act(floor, lambda: floor.begin(flow, about))
        floor.settle()
        return books.violations(floor, story.end)


_CELLS: dict[str, list[Cell]] = {}


def cells_of(floor: Floor, flow: str) -> list[Cell]:
    """The calls that a flow makes when nothing goes wrong. Raises AssertionError if something does."""
    if flow not in _CELLS:
        recorder = Recorder()
        assert tell(floor, flow, recorder) == []
        _CELLS[flow] = recorder.cells
    return _CELLS[flow]


def strikes_of(cells: Iterable[Cell], report: Report) -> list[Strike]:
    """Every call with every fault that can strike it; those that cannot are put down with the reason."""
    for cell in cells:
        for fault in FAULTS:
            if why := impossible(cell, fault):
                report.idle[cell, fault] = why
            else:
                report.possible.add((cell, fault))
    return sorted(report.possible)


def strike(floor: Floor, report: Report, *faults: Strike) -> None:
    """Run the flow of the faults with all of them in it."""
    saboteur = Saboteur(*faults)
    try:
        found = tell(floor, faults[0][0].flow, saboteur)
    except Exception as error:
        found = [f"{type(error).__name__}: {error}"]
    report.runs += 1
    report.fired.update(saboteur.struck)
    if found:
        report.broken[" and ".join(f"{cell} {fault}" for cell, fault in faults)] = found


def singles(floor: Floor, flow: str, *, every: int = 1, first: int = 0) -> Report:
    """Strike each call of the flow in each way by itself, or every n-th of all those."""
    report = Report()
    wanted = strikes_of(cells_of(floor, flow), report)
    wanted = wanted[first % len(wanted) :: every]
    for one in wanted:
        strike(floor, report, one)
    report.possible = set(wanted)
    return report


def finds(floor: Floor, flow: str, step: str, fault: str, promise: str) -> bool:
    """Whether a fault at the calls of a step, one after the other, breaks a promise; for bugs that are planted."""
    recorder, report = Recorder(), Report()
    tell(floor, flow, recorder)
    cells = dict.fromkeys(cell for cell in recorder.cells if cell.step.startswith(step))
    for cell in cells:
        if not impossible(cell, fault):
            strike(floor, report, (cell, fault))
        if any(found.startswith(promise) for lines_ in report.broken.values() for found in lines_):
            return True
    return False


def pairs(floor: Floor, flow: str, *, at_most: int) -> Report:
    """Strike two calls in one run: a sample of all pairs that is the same each time."""
    report = Report()
    wanted = strikes_of(cells_of(floor, flow), report)
    dice = Random(f"pairs of {flow}")
    for two in _sample(wanted, dice, at_most):
        strike(floor, report, *two)
    return report


def _sample(strikes: list[Strike], dice: Random, at_most: int) -> Iterator[tuple[Strike, Strike]]:
    every = [(a, b) for at, a in enumerate(strikes) for b in strikes[at + 1 :] if a[0] != b[0]]
    yield from every if len(every) <= at_most else dice.sample(every, at_most)


def told(flow: str, report: Report) -> str:
    """The table of a flow: by step, how many of its cells were fired; then those that were not, and why not."""
    steps: dict[str, list[int]] = {}
    for one in report.possible:
        counts = steps.setdefault(one[0].step, [0, 0])
        counts[0] += one in report.fired
        counts[1] += 1
    rows = [f"{flow:34}{step:62}{fired:4} of {possible:4}" for step, (fired, possible) in sorted(steps.items())]
    rows += [f"  not fired: {cell} {fault}" for cell, fault in report.missed]
    return "\n".join(
        rows + [f"  cannot be: {cell} {fault} ({why})" for (cell, fault), why in sorted(report.idle.items())]
    )


def summary(report: Report) -> str:
    """One line of figures."""
    fired, possible = len(report.fired & report.possible), len(report.possible)
    return f"{fired} of {possible} cells ({report.coverage:.1%}) in {report.runs} runs, {len(report.broken)} broken"


def keep(flow: str, report: Report) -> None:
    """Write the flow's table where people can read it."""
    TABLES.mkdir(parents=True, exist_ok=True)
    (TABLES / f"{flow.replace(' ', '-').replace(',', '')}.txt").write_text(told(flow, report) + "\n")
