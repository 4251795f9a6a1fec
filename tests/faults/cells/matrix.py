"""The matrix: every call of every step of a flow, times every fault, single and in pairs, and how much of it was fired."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from random import Random

from tests.faults.cells import books
from tests.faults.cells.floor import Floor
from tests.faults.cells.flows import FLOWS
from tests.faults.cells.wires import FAULTS, Cell, Recorder, Saboteur, Tap, impossible

Strike = tuple[Cell, str]


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
    with floor.doors():
        story.act(floor, lambda: floor.begin(flow, tap))
        floor.settle()
        return books.violations(floor, story.end)


def cells_of(floor: Floor, flow: str) -> list[Cell]:
    """The calls that a flow makes when nothing goes wrong. Raises AssertionError if something does."""
    recorder = Recorder()
    assert tell(floor, flow, recorder) == []
    return recorder.cells


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
    wanted = strikes_of(cells_of(floor, flow), report)[first::every]
    for one in wanted:
        strike(floor, report, one)
    report.possible = set(wanted)
    return report


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


def lines(flow: str, report: Report) -> Iterator[str]:
    """The table's lines of a flow: by step, how many of its cells were fired."""
    steps: dict[str, list[int]] = {}
    for cell, fault in report.possible:
        counts = steps.setdefault(cell.step, [0, 0])
        counts[0] += (cell, fault) in report.fired
        counts[1] += 1
    for step, (fired, possible) in sorted(steps.items()):
        yield f"{flow:32} {step:58} {fired:4} of {possible:4}"
    for cell, fault in report.missed:
        yield f"  not fired: {cell} {fault}"
