"""Identifiers and the clock: sortable, unique, and both replaceable."""

import random
from datetime import UTC, datetime, timedelta, timezone
from threading import Thread

import pytest

from market import clock, ids

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MAKERS = pytest.mark.parametrize("make", [ids.new, ids.short])


def at(moment: datetime):  # type: ignore[no-untyped-def]
    return clock.running_on(lambda: moment)


@MAKERS
def test_ids_sort_by_the_time_of_their_birth(make: object) -> None:
    born = []
    for step in (0, 10, 20, 1_000, 100_000, 10**9, 10**11):
        with at(NOON + timedelta(milliseconds=step)):
            born.append(make("prd"))  # type: ignore[operator]

    assert born == sorted(born)


@MAKERS
def test_ids_of_one_moment_differ(make: object) -> None:
    with at(NOON):
        assert len({make("prd") for _ in range(2_000)}) == 2_000  # type: ignore[operator]


def test_ids_say_what_they_name_and_have_a_fixed_length() -> None:
    assert ids.new("prd").startswith("prd_")
    assert len(ids.ulid()) == 26
    assert len(ids.short("ord")) == len("ord_") + 16
    assert set(ids.ulid() + ids.short("ord")[4:]) <= set(ids.ALPHABET)


def test_letters_that_people_mix_up_are_not_used() -> None:
    assert not set("ilou") & set(ids.ALPHABET)


def test_a_seeded_source_gives_the_same_ids_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def three() -> list[str]:
        monkeypatch.setattr(ids, "randbits", random.Random(7).getrandbits)
        with at(NOON):
            return [ids.new("prd"), ids.short("ord"), ids.ulid()]

    assert three() == three()


def test_the_clock_shows_utc_in_milliseconds() -> None:
    tokyo = datetime(2026, 3, 1, 21, 0, 0, 1_999, tzinfo=timezone(timedelta(hours=9)))

    with at(tokyo):
        assert clock.timestamp() == "2026-03-01T12:00:00.001Z"
        assert clock.epoch() == int(NOON.timestamp())
        assert clock.epoch(timedelta(minutes=2)) == int(NOON.timestamp()) + 120


def test_timestamps_sort_as_text() -> None:
    stamps = [clock.iso(NOON + timedelta(milliseconds=step)) for step in (0, 1, 10, 999, 1_000, 86_400_000)]

    assert stamps == sorted(stamps)


def test_the_time_is_told_to_every_thread_and_only_within_the_block() -> None:
    seen: list[datetime] = []
    with at(NOON), at(NOON + timedelta(days=1)):
        thread = Thread(target=lambda: seen.append(clock.now()))
        thread.start()
        thread.join()

    assert seen == [NOON + timedelta(days=1)]
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(minutes=1)


def test_the_clock_runs_on_after_a_failure() -> None:
    with pytest.raises(ZeroDivisionError), at(NOON):
        _ = 1 // 0

    assert clock.now() != NOON
