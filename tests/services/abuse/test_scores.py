"""The score of an account: what is heard adds up, each once, and fades."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abuse import service
from abuse.contract import LIMITED, OK, WATCH, level_of_item, score_key
from abuse.manifest import MANIFEST
from abuse.model import HALF_LIFE, LEVELS, POINT, SIGNALS, Score, level_of
from market import clock
from market.table import Table
from tests.services.abuse.staff import hear, send
from tests.services.outbox import announced

pytestmark = [pytest.mark.contract("24.2"), pytest.mark.usefixtures("database")]

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
START = int(NOON.timestamp())


def at(days: float) -> AbstractContextManager[None]:
    return clock.running_on(lambda: NOON + timedelta(days=days))


def score(user_id: str = "ada") -> Any:
    return send("GET", f"/scores/{user_id}").json


def levels() -> set[tuple[str, str]]:
    """The changes of levels that were announced; events of the same moment have no order."""
    said = [event["data"] for event in announced() if event["type"] == "abuse.level_changed"]
    return {(data["before"], data["level"]) for data in said}


def review(times: int, user_id: str = "ada") -> None:
    for _ in range(times):
        assert hear("fraud.review_needed", order_id="o", order_no="n", customer_id=user_id, score=7000) == []


def test_whom_nothing_was_heard_of_is_ok() -> None:
    clean = score()
    assert (clean["level"], clean["points"], clean["signals"]) == ("ok", 0, {})
    assert clean["thresholds"] == {"limited": 100, "watch": 40}


def test_everything_heard_counts_what_it_weighs() -> None:
    with at(0):
        hear("payment.failed", customer_id="ada", order_id="o", reason="payment_declined")
        hear("order.cancelled", customer_id="ada", order_id="o", order_no="n", reason="payment_declined")
        hear("order.cancelled", customer_id="ada", order_id="p", order_no="n", reason="payment_timeout")
        hear("refund.succeeded", customer_id="ada", order_id="o", refund_id="r")
        review(1)
        assert score()["points"] == sum(SIGNALS.values())
        assert score()["signals"] == dict.fromkeys(SIGNALS, 1)


@pytest.mark.parametrize("reason", ["cancelled_by_customer", "cancelled_by_vendor", "cancelled_by_staff", "refunded"])
def test_an_order_that_was_simply_cancelled_is_nobodys_abuse(reason: str) -> None:
    hear("order.cancelled", customer_id="ada", order_id="o", order_no="n", reason=reason)
    assert score()["points"] == 0


def test_the_same_event_counts_once_whatever_comes_between() -> None:
    with at(0):
        for event in ("E1", "E1", "E2", "E1", "E2"):
            assert hear("payment.failed", event, customer_id="ada", order_id="o", reason="payment_declined") == []
    with at(20):
        hear("payment.failed", "E1", customer_id="ada", order_id="o", reason="payment_declined")
        assert score()["signals"] == {"payment_failed": 2}


def test_a_score_fades_by_half_in_a_week() -> None:
    with at(0):
        review(4)
        assert (score()["points"], score()["level"]) == (60, "watch")
    with at(7):
        assert (score()["points"], score()["level"]) == (30, "ok")
    with at(70):
        assert score()["points"] == 0
        assert score()["signals"] == {"review_needed": 4}


def test_levels_are_announced_when_a_threshold_is_crossed_either_way() -> None:
    with at(0):
        review(7)
        assert levels() == {("ok", "watch"), ("watch", "limited")}
    with at(14):
        hear("refund.succeeded", customer_id="ada", order_id="o", refund_id="r")
        assert levels() == {("ok", "watch"), ("watch", "limited"), ("limited", "ok")}


def test_staff_see_who_stands_out_the_latest_first() -> None:
    with at(0):
        review(3, "bob")
        review(7, "cleo")
    with at(0.1):
        review(3, "ada")
        review(7, "dan")
    listed = send("GET", "/scores", query={"level": "limited", "limit": 1}).json
    assert [entry["userId"] for entry in listed["items"]] == ["dan"]
    following = send("GET", "/scores", query={"level": "limited", "limit": 1, "cursor": listed["nextCursor"]}).json
    assert [entry["userId"] for entry in following["items"]] == ["cleo"]
    assert [entry["userId"] for entry in send("GET", "/scores", query={"level": "watch"}).json["items"]] == [
        "ada",
        "bob",
    ]
    assert send("GET", "/scores", query={"level": "ok"}).status == 422


def test_a_person_may_forgive() -> None:
    with at(0):
        review(7)
        assert send("DELETE", "/scores/ada", permissions="abuse.read").status == 403
        assert send("DELETE", "/scores/ada").status == 204
        assert (score()["points"], score()["level"]) == (0, "ok")
        assert ("limited", "ok") in levels()
        assert send("GET", "/scores", query={"level": "limited"}).json["items"] == []
        assert send("DELETE", "/scores/nobody").status == 204


def test_who_is_erased_has_no_score() -> None:
    review(7)
    for _ in range(2):
        assert hear("user.erased", user_id="ada") == []
    assert score()["signals"] == {}
    assert send("GET", "/scores", query={"level": "limited"}).json["items"] == []


def test_many_events_at_once_all_count() -> None:
    with at(0), ThreadPoolExecutor(4) as pool:
        parked = list(
            pool.map(
                lambda number: hear("payment.failed", f"E{number}", customer_id="ada", order_id="o", reason="x"),
                range(4),
            )
        )
        while any(parked):  # what was parked comes again
            parked = [
                hear("payment.failed", f"E{number}", customer_id="ada", order_id="o", reason="x")
                for number, failed in enumerate(parked)
                if failed
            ]
        assert score()["signals"] == {"payment_failed": 4}


def test_other_services_read_the_level_from_the_item() -> None:
    table = Table(MANIFEST)
    assert level_of_item(table.get(score_key("ada")), START) == OK
    with at(0):
        review(7)
    item = table.get(score_key("ada"))
    week = int(HALF_LIFE.total_seconds())
    assert [level_of_item(item, START + weeks * week) for weeks in (0, 1, 2)] == [LIMITED, WATCH, OK]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    signals=st.lists(st.tuples(st.sampled_from(sorted(SIGNALS)), st.integers(0, 10**7)), max_size=30),
    later=st.integers(0, 10**8),
)
def test_a_score_is_never_negative_never_above_what_was_heard_and_never_grows_by_waiting(
    signals: list[tuple[str, int]], later: int
) -> None:
    now, found = START, Score(user_id="ada")
    for signal, gap in signals:
        now += gap
        found = found.with_signal(signal, now)
    heard = sum(SIGNALS[signal] for signal, _ in signals) * POINT
    assert 0 <= found.faded(now + later) <= found.faded(now) <= heard
    assert found.level == level_of(found.hundredths)
    assert found.faded(now - 5) == found.hundredths, "a clock that runs behind forgets nothing"


def test_the_levels_are_in_order() -> None:
    points = [threshold for _, threshold in LEVELS]
    assert points == sorted(points, reverse=True)
    assert level_of(points[-1] * POINT - 1) == "ok"
    assert service.score_of("nobody").level == "ok"
