"""Prints at the end how much of the crash matrix was fired: the figures that tests left as a property named `cells`."""

from typing import Any

PROPERTY = "cells"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """One line for each flow, from this process and its workers."""
    reports = [*terminalreporter.stats.get("passed", ()), *terminalreporter.stats.get("failed", ())]
    rows = sorted(
        str(value)
        for report in reports
        if report.when == "call"
        for name, value in report.user_properties
        if name == PROPERTY
    )
    if rows:
        terminalreporter.section("cells of the crash matrix, fired of possible")
        for row in rows:
            terminalreporter.write_line(row)
