"""When a parcel arrives."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipping.calendars import holidays_of, until
from shipping.estimate import arrival, day_of_work, ready
from shipping.model import Origin, Zone
from tests.services.shipping.shelves import DRAWN, HAMBURG, flat, method

pytestmark = pytest.mark.contract("13.2")

HOME = Zone(id="de", name="Germany", areas=())
WEEKDAYS = method(flat("de", 1))
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))
TIME_ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Tokyo", "Pacific/Kiritimati"])


def days(at: str, origin: Origin = HAMBURG, *, transit: tuple[int, int] = (1, 2), zone: Zone = HOME) -> tuple[str, str]:
    return arrival(origin, WEEKDAYS, flat("de", 1, transit=transit), zone, at=at)


def test_before_the_cut_off_it_leaves_today_and_after_it_tomorrow() -> None:
    assert days("2026-11-18T12:59:59Z") == ("2026-11-19", "2026-11-20"), "13:59:59 in Hamburg"
    assert days("2026-11-18T13:00:00Z") == ("2026-11-20", "2026-11-23"), "14:00 in Hamburg, and a weekend"


def test_the_cut_off_is_on_the_clock_of_the_origin_in_summer_too() -> None:
    assert days("2026-07-15T11:59:00Z")[0] == "2026-07-16", "13:59 in Hamburg"
    assert days("2026-07-15T12:00:00Z")[0] == "2026-07-17", "14:00 in Hamburg"


def test_the_day_is_that_of_the_origin() -> None:
    tokyo = replace(HAMBURG, time_zone="Asia/Tokyo")
    assert day_of_work(tokyo, "2026-11-17T23:00:00Z") == date(2026, 11, 18), "eight in the morning in Tokyo"


def test_nothing_leaves_and_nothing_arrives_on_a_weekend() -> None:
    assert days("2026-11-20T08:00:00Z") == ("2026-11-23", "2026-11-24"), "Friday to Monday"
    assert days("2026-11-21T08:00:00Z") == ("2026-11-24", "2026-11-25"), "Saturday counts as Monday"


def test_a_carrier_may_deliver_on_saturdays() -> None:
    saturdays = replace(WEEKDAYS, delivers=(0, 1, 2, 3, 4, 5))
    rate = flat("de", 1, transit=(1, 1))
    assert arrival(HAMBURG, saturdays, rate, HOME, at="2026-11-20T08:00:00Z") == ("2026-11-21", "2026-11-21")


def test_handling_takes_working_days_before_it_leaves() -> None:
    slow = replace(HAMBURG, handling=(1, 3))
    assert days("2026-11-18T08:00:00Z", slow, transit=(1, 2)) == ("2026-11-20", "2026-11-25")


def test_christmas_in_hamburg() -> None:
    holidays = holidays_of("DE-HH", 2026)
    assert {"2026-12-25", "2026-12-26", "2026-10-31"} <= holidays, "Reformation Day is one in Hamburg"
    assert "2026-10-31" not in holidays_of("DE-BY", 2026), "and none in Bavaria"
    closed = replace(HAMBURG, holidays=holidays, closed=frozenset({"2026-12-28"}))
    assert days("2026-12-24T08:00:00Z", closed, transit=(1, 1)) == ("2026-12-29", "2026-12-29")


def test_a_holiday_where_it_goes_delays_it_too() -> None:
    bastille = replace(HOME, holidays=holidays_of("FR", 2026))
    assert days("2026-07-13T08:00:00Z", transit=(1, 1)) == ("2026-07-14", "2026-07-14")
    assert days("2026-07-13T08:00:00Z", transit=(1, 1), zone=bastille) == ("2026-07-15", "2026-07-15")


def test_holidays_are_known_for_this_year_and_two_more() -> None:
    years = {day[:4] for day in holidays_of("DE", 2026)}
    assert (years, until(date(2026, 11, 18))) == ({"2026", "2027", "2028"}, "2028-12-31")


@pytest.mark.parametrize("name", ["ZZ", "DE-XX", "Atlantis"])
def test_there_is_no_calendar_of_what_is_no_country(name: str) -> None:
    with pytest.raises(ValueError, match="not a calendar"):
        holidays_of(name, 2026)


def test_what_is_picked_up_is_ready_once_it_is_handled() -> None:
    assert ready(replace(HAMBURG, handling=(0, 2)), at="2026-11-20T08:00:00Z") == ("2026-11-20", "2026-11-24")


def test_a_machine_without_data_of_a_time_zone_reckons_in_utc() -> None:
    assert days("2026-11-18T13:30:00Z", replace(HAMBURG, time_zone="Mars/Olympus"))[0] == "2026-11-19"


def test_an_origin_that_never_works_still_has_an_answer() -> None:
    shut = replace(HAMBURG, closed=frozenset((date(2026, 1, 1) + timedelta(n)).isoformat() for n in range(800)))
    assert days("2026-11-18T08:00:00Z", shut)[0] >= "2026-11-18"


@DRAWN
@given(
    at=MOMENTS,
    name=TIME_ZONES,
    cut_off=st.integers(0, 1_439),
    handling=st.tuples(st.integers(0, 5), st.integers(0, 5)),
    transit=st.tuples(st.integers(0, 9), st.integers(0, 9)),
)
def test_it_never_arrives_before_it_was_ordered_nor_late_before_early(
    at: datetime, name: str, cut_off: int, handling: tuple[int, int], transit: tuple[int, int]
) -> None:
    low, high = sorted(handling)
    origin = replace(HAMBURG, time_zone=name, cut_off=cut_off, handling=(low, high))
    first, last = sorted(transit)
    earliest, latest = days(at.isoformat(), origin, transit=(first, last))
    from zoneinfo import ZoneInfo

    assert at.astimezone(ZoneInfo(name)).date().isoformat() <= earliest <= latest


@DRAWN
@given(at=MOMENTS, later=st.integers(0, 14 * 86_400), name=TIME_ZONES, cut_off=st.integers(0, 1_439))
def test_who_orders_later_never_gets_it_earlier(at: datetime, later: int, name: str, cut_off: int) -> None:
    origin = replace(HAMBURG, time_zone=name, cut_off=cut_off)
    before, after = days(at.isoformat(), origin), days((at + timedelta(seconds=later)).isoformat(), origin)
    assert before[0] <= after[0]
    assert before[1] <= after[1]


@DRAWN
@given(at=MOMENTS, name=TIME_ZONES, early=st.integers(0, 1_439), late=st.integers(0, 1_439))
def test_a_later_cut_off_never_delays(at: datetime, name: str, early: int, late: int) -> None:
    strict, lenient = sorted((early, late))
    slow = days(at.isoformat(), replace(HAMBURG, time_zone=name, cut_off=strict))
    quick = days(at.isoformat(), replace(HAMBURG, time_zone=name, cut_off=lenient))
    assert quick[0] <= slow[0]
    assert quick[1] <= slow[1]
