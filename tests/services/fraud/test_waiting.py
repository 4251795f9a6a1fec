"""Somebody is called before a review ends by itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import orjson
import pytest

from fraud.schedule import handler as schedule
from market import clock
from tests.services.fraud.screens import decide, in_review, screen

pytestmark = [pytest.mark.contract("12.8"), pytest.mark.usefixtures("database")]


@contextmanager
def later(environment: pytest.MonkeyPatch, wait: timedelta) -> Iterator[None]:
    then = clock.now() + wait
    with environment.context() as moved:
        moved.setattr(clock, "_source", lambda: then)
        yield


def rung(told: str) -> list[dict[str, Any]]:
    """Log lines that CloudWatch counts."""
    return [line for line in map(orjson.loads, told.splitlines()) if "ReviewsWait" in line]


def test_a_review_that_waits_for_more_than_a_day_rings(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    screening = in_review()
    with later(environment, timedelta(hours=12)):
        in_review()
    with later(environment, timedelta(hours=25)):
        assert schedule({}) == {"hours": 25}

    (line,) = rung(capsys.readouterr().out)
    assert (line["ReviewsWait"], line["order_no"]) == (25, screening.order_no)
    assert line["_aws"]["CloudWatchMetrics"] == [
        {"Namespace": "Market", "Dimensions": [["stage"]], "Metrics": [{"Name": "ReviewsWait"}]}
    ]
    assert line["stage"]


def test_a_young_review_a_decided_one_and_a_payment_that_passed_do_not_ring(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert schedule({}) == {"hours": 0}
    screen()
    assert decide(in_review(), "approve").status == 200
    with later(environment, timedelta(hours=30)):
        assert schedule({}) == {"hours": 0}
        in_review()
    with later(environment, timedelta(hours=53)):
        assert schedule({}) == {"hours": 23}
    assert rung(capsys.readouterr().out) == []
