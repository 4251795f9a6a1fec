"""How often somebody may come: the arithmetic of sliding windows, and one write for each request that is counted."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError
from hypothesis import given, settings
from hypothesis import strategies as st

from market import clock, config
from market.guard import limits
from market.guard.limits import ALLOWANCES, RateLimited, Windows, take, waiting
from market.manifest import Manifest
from market.table import Key, Table

pytestmark = pytest.mark.contract("24.2")

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
THREE: Windows = ((60, 3),)
_ITEMS = Table(Manifest(service="tests", prefixes=("LIM#",), functions=()))


@pytest.fixture(autouse=True)
def _nobody_was_here() -> Iterator[None]:
    limits.refused.clear()
    limits._leftovers.clear()
    yield
    limits.refused.clear()
    limits._leftovers.clear()


@pytest.fixture
def counting(database: str, environment: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    environment.setenv("RATE_LIMIT", "100")
    return environment


def at(seconds: float) -> AbstractContextManager[None]:
    return clock.running_on(lambda: NOON + timedelta(seconds=seconds))


def come(seconds: float, subject: str = "ada", windows: Windows | None = THREE, name: str = "lamp") -> int:
    """Seconds to wait, 0 if let through."""
    with at(seconds):
        try:
            take(name, subject, windows)
        except RateLimited as refused:
            wait: int = refused.extra["retryAfter"]
            return wait
        return 0


def writes(count: Callable[[], Any]) -> list[str]:
    """The DynamoDB calls that something makes."""
    made: list[str] = []
    hooks = config.client("dynamodb").meta.events
    listen: Callable[..., None] = lambda model, **_: made.append(model.name)  # noqa: E731 - unregistered below
    hooks.register("before-call.dynamodb", listen)
    try:
        count()
    finally:
        hooks.unregister("before-call.dynamodb", listen)
    return made


def forget() -> None:
    """Another container goes on."""
    limits.refused.clear()
    limits._leftovers.clear()


# -- the window


def test_the_allowance_passes_and_one_more_does_not(counting: pytest.MonkeyPatch) -> None:
    assert [come(second) for second in (0, 1, 2)] == [0, 0, 0]
    assert come(3) > 0


def test_whoever_waits_as_told_is_let_through(counting: pytest.MonkeyPatch) -> None:
    now = 0
    for _ in range(12):
        wait = come(now)
        if wait:
            now += wait
            assert come(now) == 0


def test_the_last_window_counts_by_what_of_it_is_still_covered(counting: pytest.MonkeyPatch) -> None:
    assert [come(58), come(58), come(58)] == [0, 0, 0]
    assert come(61) > 0, "a new minute is no new allowance"
    forget()
    assert come(61 + 60) == 0


def test_a_day_and_a_minute_are_counted_together(counting: pytest.MonkeyPatch) -> None:
    both = ((60, 2), (86_400, 3))
    assert [come(0, windows=both), come(1, windows=both)] == [0, 0]
    assert 0 < come(2, windows=both) <= 120
    forget()
    assert come(300, windows=both) > 3600, "the fourth of a day, counting the one that was refused"


def test_names_and_subjects_are_apart(counting: pytest.MonkeyPatch) -> None:
    for second in range(5):
        come(second)
    assert come(5) > 0
    assert come(5, "bob") == 0
    assert come(5, name="other") == 0


def test_every_allowance_is_let_through_and_no_more(counting: pytest.MonkeyPatch) -> None:
    for name, windows in ALLOWANCES.items():
        passed = sum(come(0, f"person-{name}", None, name) == 0 for _ in range(windows[0][1] + 5))
        assert passed == windows[0][1], name


@pytest.mark.parametrize(("percent", "passing"), [("0", 9), ("50", 1), ("100", 3), ("200", 6), ("1", 1)])
def test_a_setting_scales_all_allowances(percent: str, passing: int, counting: pytest.MonkeyPatch) -> None:
    counting.setenv("RATE_LIMIT", percent)
    assert [come(0) for _ in range(9)].count(0) == passing


def test_a_raised_quota_counts_at_once(counting: pytest.MonkeyPatch) -> None:
    for _ in range(4):
        come(0)
    assert come(1) > 0
    assert come(1, windows=((60, 10),)) == 0


# -- subjects


def test_an_ipv6_address_stands_for_its_network(counting: pytest.MonkeyPatch) -> None:
    for number in range(3):
        assert come(0, f"2001:db8:1:2::{number:x}") == 0
    assert come(0, "2001:db8:1:2:ffff::1") > 0
    assert come(0, "2001:db8:1:3::1") == 0


def test_an_ipv4_address_is_itself_however_it_is_written(counting: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        come(0, "203.0.113.9")
    assert come(0, "::ffff:203.0.113.9") > 0
    assert come(0, "203.0.113.10") == 0


@pytest.mark.parametrize("subject", ["203.0.113.9", "2001:db8::1", "a b", "ada@example.com", "x" * 500, "LIM#x#y"])
def test_only_plain_ids_are_stored_in_clear(subject: str, counting: pytest.MonkeyPatch) -> None:
    come(0, subject)
    come(0, "usr_01")
    assert _ITEMS.get(Key(f"LIM#lamp#{subject}")) is None
    assert _ITEMS.get(Key("LIM#lamp#usr_01")) is not None


def test_who_has_no_address_is_not_taken_for_one_person(counting: pytest.MonkeyPatch) -> None:
    assert [come(0, "") for _ in range(9)] == [0] * 9


# -- what it costs


def test_a_request_costs_one_write_and_a_refused_one_at_most_once(counting: pytest.MonkeyPatch) -> None:
    assert writes(lambda: come(0)) == ["UpdateItem"]
    assert writes(lambda: [come(0) for _ in range(3)]) == ["UpdateItem"] * 3
    assert writes(lambda: [come(second) for second in range(1, 50)]) == []
    assert writes(lambda: come(0, windows=((60, 10), (3_600, 10), (86_400, 10)))) == ["UpdateItem"]


def test_switched_off_it_costs_nothing(counting: pytest.MonkeyPatch) -> None:
    counting.setenv("RATE_LIMIT", "0")
    assert writes(lambda: come(0)) == []


def test_old_counters_are_removed_also_after_pauses(counting: pytest.MonkeyPatch) -> None:
    both = ((60, 100), (86_400, 1_000))
    for visit in range(60):
        come(visit * 601, windows=both)
    item = _ITEMS.get(Key("LIM#lamp#ada"))
    assert item is not None
    assert len([name for name in item if name.startswith("n")]) <= 5
    assert item["expires_at"] > NOON.timestamp() + 59 * 601 + 2 * 86_400


# -- many at once


def test_many_at_once_get_exactly_the_allowance(counting: pytest.MonkeyPatch) -> None:
    with at(5), ThreadPoolExecutor(16) as pool:
        waits = list(pool.map(lambda _: _passes("crowd"), range(64)))
    assert waits.count(True) == 20


def _passes(subject: str) -> bool:
    try:
        take("crowd", subject, ((60, 20), (86_400, 1_000)))
    except RateLimited:
        return False
    return True


# -- when DynamoDB does not take the write


class Deaf:
    """DynamoDB that is too busy, or away."""

    def __init__(self, silence: Exception) -> None:
        self._silence = silence

    def update_item(self, **_: Any) -> Any:
        raise self._silence


THROTTLED = ClientError(
    {"Error": {"Code": "ProvisionedThroughputExceededException", "Message": "slow down"}}, "UpdateItem"
)


@pytest.mark.parametrize("silence", [THROTTLED, ConnectTimeoutError(endpoint_url="x")])
def test_without_a_count_everybody_passes_and_it_is_logged(
    silence: Exception, environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("RATE_LIMIT", "100")
    environment.setenv("TABLE_NAME", "away")
    environment.setattr(config, "client", lambda _: Deaf(silence))
    assert [come(0) for _ in range(9)] == [0] * 9
    assert "request not counted" in capsys.readouterr().out


def test_a_name_without_an_allowance_is_a_mistake_in_the_code(counting: pytest.MonkeyPatch) -> None:
    with pytest.raises(KeyError):
        take("no-such-limit", "ada")


# -- the arithmetic, for every history


class Model:
    """The same counters in plain Python."""

    def __init__(self, length: int, allowed: int) -> None:
        self.length, self.allowed = length, allowed
        self.counts: dict[int, int] = {}

    def come(self, now: float) -> int:
        number = int(now // self.length)
        self.counts[number] = self.counts.get(number, 0) + 1
        last = self.counts.get(number - 1, 0)
        return waiting(self.length, self.allowed, last, self.counts[number], now % self.length)


GAPS = st.lists(st.integers(0, 40_000), min_size=1, max_size=120)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(gaps=GAPS, allowed=st.integers(1, 12), length=st.sampled_from([1, 10, 60]))
def test_nobody_gets_more_than_a_token_bucket_of_the_same_size(gaps: list[int], allowed: int, length: int) -> None:
    model, now, passed = Model(length, allowed), 0.0, []
    for gap in gaps:
        now += gap / 1000
        if not model.come(now):
            passed.append(now)
    for first, begins in enumerate(passed):
        for last in range(first, len(passed)):
            span = passed[last] - begins
            assert last - first + 1 <= allowed * (1 + span / length) + 1e-6


@settings(max_examples=200, deadline=None, derandomize=True)
@given(gaps=GAPS, allowed=st.integers(1, 12), length=st.sampled_from([1, 10, 60]))
def test_whoever_waits_as_told_always_passes_and_never_waits_for_ever(
    gaps: list[int], allowed: int, length: int
) -> None:
    model, now = Model(length, allowed), 0.0
    for gap in gaps:
        now += gap / 1000
        wait = model.come(now)
        if wait:
            assert 0 < wait <= 2 * length + 1
            now += wait
            assert model.come(now) == 0


@settings(max_examples=200, deadline=None, derandomize=True)
@given(allowed=st.integers(1, 50), extra=st.integers(1, 50))
def test_an_allowance_comes_back_whole_after_two_windows(allowed: int, extra: int) -> None:
    model = Model(60, allowed)
    for _ in range(allowed + extra):
        model.come(30.0)
    assert [model.come(150.0) for _ in range(allowed)] == [0] * allowed
    assert model.come(150.0) > 0
