"""Every call of every step of what comes after a payment, broken in every way, and a sample of pairs of them.

`PAIRS=200 pytest -m slow tests/faults/cells` breaks more of them in pairs.
"""

import os
from collections.abc import Callable

import pytest

from local.database import Database
from tests.faults.cells import matrix
from tests.faults.cells.floor import Floor
from tests.faults.cells.flows import AFTERMATH

pytestmark = [pytest.mark.slow, pytest.mark.contract("7.2", "7.3", "11.2", "12.1", "12.2", "12.3", "12.4")]
PAIRS = int(os.environ.get("PAIRS", "15"))
Note = Callable[[str, object], None]


@pytest.fixture
def floor(dynoxide: Database, environment: pytest.MonkeyPatch) -> Floor:
    return Floor(environment, dynoxide)


@pytest.mark.parametrize("flow", AFTERMATH)
def test_every_call_that_breaks_changes_no_end(floor: Floor, flow: str, record_property: Note) -> None:
    report = matrix.singles(floor, flow)
    matrix.keep(flow, report)
    record_property("cells", f"all of {flow}: {matrix.summary(report)}")
    assert report.broken == {}
    assert report.coverage >= 0.95, report.missed


@pytest.mark.parametrize("flow", AFTERMATH)
def test_pairs_of_calls_that_break_change_no_end(floor: Floor, flow: str, record_property: Note) -> None:
    report = matrix.pairs(floor, flow, at_most=PAIRS)
    record_property("cells", f"pairs of {flow}: {report.runs} runs, {len(report.broken)} broken")
    assert report.broken == {}
