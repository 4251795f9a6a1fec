"""Notes which features of the contract have passing tests: `@pytest.mark.contract("7.2")`, or several ids.

With `--contract-report FILE` the outcome of each marked test is written as JSON, by feature; `tools.contract` reads it.
"""

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

_WORST_FIRST = ("failed", "passed", "skipped")
_OUTCOMES = pytest.StashKey[dict[str, dict[str, str]]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--contract-report", metavar="FILE", help="write which features have passing tests into FILE (JSON)"
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--contract-report"):
        config.stash[_OUTCOMES] = {}
        config.pluginmanager.register(_Notes(config.stash[_OUTCOMES]))


def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    for item in items:
        ids = [feature for marker in item.iter_markers("contract") for feature in marker.args]
        item.user_properties += [("contract", feature) for feature in dict.fromkeys(ids)]


class _Notes:
    """One outcome per feature and test function; variants of a test count once, with the worst of theirs."""

    def __init__(self, outcomes: dict[str, dict[str, str]]) -> None:
        self._outcomes = outcomes

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" and report.passed:
            return
        test = report.nodeid.partition("[")[0]
        for name, feature in report.user_properties:
            if name == "contract":
                tests = self._outcomes.setdefault(str(feature), {})
                tests[test] = min(tests.get(test, "skipped"), report.outcome, key=_WORST_FIRST.index)


def pytest_sessionfinish(session: pytest.Session) -> None:
    outcomes = session.config.stash.get(_OUTCOMES, None)
    if outcomes is None or hasattr(session.config, "workeroutput"):
        return
    file = Path(session.config.getoption("--contract-report"))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(outcomes, indent=1, sort_keys=True) + "\n")
