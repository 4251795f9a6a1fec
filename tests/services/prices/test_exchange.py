"""Rates as a central bank publishes them: taken once, believed within bounds, kept for ever; and as staff set them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from market import config
from payments.simulators.network import Lost, Network
from prices import exchange, feed, publication, ratebook
from prices.contract import NoRate, Rounding
from prices.feed import Malformed
from prices.simulator import CentralBank, ConnectionLost, document
from tests.services.prices.floor import Floor
from tests.shop import announced

pytestmark = pytest.mark.contract("8.5")
BASE = "https://bank.test/rates"


def calendar(**values: str) -> dict[str, dict[str, str]]:
    """The same rates on each working day of a year."""
    first = datetime(2026, 1, 1, tzinfo=UTC)
    days = [first + timedelta(days=number) for number in range(365)]
    return {day.date().isoformat(): dict(values) for day in days if day.weekday() < 5}


@pytest.fixture
def bank(floor: Floor, environment: pytest.MonkeyPatch) -> Iterator[CentralBank]:
    made = CentralBank(calendar(USD="1.1684", JPY="186.75", GBP="0.87"), now=lambda: floor.now)

    def site(*request: Any) -> Any:
        try:
            return made.handle(*request)
        except ConnectionLost:
            raise Lost from None

    environment.setenv("RATES_URL", BASE)
    config.use_http(Network({BASE: site}))
    yield made
    config.use_http(None)


def run(times: int = 1) -> dict[str, int]:
    return [publication.handler({}) for _ in range(times)][-1]


def known() -> str:
    return ratebook.get().known


def rate(currency: str) -> str:
    return ratebook.get().rates.rates[currency].value


def test_a_day_is_taken_once_it_is_published_and_asked_for_no_more(floor: Floor, bank: CentralBank) -> None:
    assert run() == {"changed": 3, "doubtful": 0}
    assert known() == "2026-02-27", "on Monday noon Friday's rates are the youngest"
    asked = len(bank.asked)
    run(3)
    assert len(bank.asked) == asked, "nothing new can be out"

    floor.wait(hours=3)
    run(2)
    assert (known(), len(bank.asked)) == ("2026-03-02", asked + 1)
    told = [envelope["data"] for envelope in announced() if envelope["type"] == "rates.updated"]
    assert [news["revision"] for news in told] == [1, 2]


def test_a_file_that_is_late_is_asked_for_again_until_it_is_there(floor: Floor, bank: CentralBank) -> None:
    run()
    bank.late_hours = 4
    floor.wait(hours=3)
    run(2)
    assert known() == "2026-02-27"

    floor.wait(hours=4)
    run()
    assert known() == "2026-03-02"


@pytest.mark.parametrize("trouble", ["away", "broken", "lost"])
def test_trouble_leaves_the_rates_as_they_are_and_passes(floor: Floor, bank: CentralBank, trouble: str) -> None:
    run()
    before = ratebook.get()
    floor.wait(hours=4)
    bank.trouble = trouble
    assert run(2) == {"changed": 0, "doubtful": 0}
    assert ratebook.get() == before

    bank.trouble = ""
    run()
    assert known() == "2026-03-02"


def test_after_a_week_of_silence_it_rings_and_after_ten_days_rates_are_refused(
    floor: Floor, bank: CentralBank, capsys: pytest.CaptureFixture[str]
) -> None:
    run()
    bank.trouble = "away"
    floor.wait(days=3)
    assert run()["doubtful"] == 0
    floor.wait(days=1)
    assert run()["doubtful"] == 3
    assert '"RatesDoubtful":3' in capsys.readouterr().out

    rates = ratebook.get().rates
    assert rates.quote("EUR", "USD", at=floor.at(days=3)).at == "2026-02-27"
    with pytest.raises(NoRate):
        rates.quote("EUR", "USD", at=floor.at(days=4))


def test_days_that_were_missed_are_filled_in_from_the_quarters_file(floor: Floor, bank: CentralBank) -> None:
    run()
    bank.trouble = "away"
    floor.wait(days=21)
    run()
    bank.trouble = ""
    bank.asked.clear()
    run()

    assert bank.asked == ["/eurofxref-daily.xml", "/eurofxref-hist-90d.xml"]
    page = ratebook.of_month("2026-03", limit=100, cursor=None)
    days = [item["sk"].partition("#")[0] for item in page.items]
    assert days == sorted((day for day in bank.days if "2026-03-01" < day < "2026-03-23"), reverse=True)


def test_a_sudden_jump_waits_for_staff(floor: Floor, bank: CentralBank) -> None:
    run()
    days = dict(bank.days)
    bank.days = {day: values | ({"GBP": "1.1"} if day > "2026-03-01" else {}) for day, values in days.items()}
    floor.wait(hours=4)
    assert run() == {"changed": 2, "doubtful": 1}
    assert (rate("GBP"), ratebook.get().held["GBP"].value) == ("0.87", "1.1")

    exchange.change(ratebook.get(), set_to={}, accepted=["GBP"], by="grace")
    assert (rate("GBP"), dict(ratebook.get().held)) == ("1.1", {})
    floor.wait(days=1)
    assert run() == {"changed": 3, "doubtful": 0}


def test_a_jump_that_was_a_mistake_is_forgotten_the_next_day(floor: Floor, bank: CentralBank) -> None:
    run()
    bank.days = {day: values | ({"GBP": "8.7"} if day == "2026-03-02" else {}) for day, values in bank.days.items()}
    floor.wait(hours=4)
    run()
    floor.wait(days=1)
    run()

    assert (rate("GBP"), dict(ratebook.get().held)) == ("0.87", {})


def test_a_rate_by_hand_stays_until_staff_let_it_go(floor: Floor, bank: CentralBank) -> None:
    run()
    exchange.change(ratebook.get(), set_to={"USD": "1.25", "BDT": "140.5"}, by="grace")
    floor.wait(hours=4)
    run()
    assert (rate("USD"), rate("BDT"), rate("JPY")) == ("1.25", "140.5", "186.75")

    exchange.change(ratebook.get(), set_to={}, unpinned=["USD"], by="grace")
    floor.wait(days=1)
    run()
    assert rate("USD") == "1.1684"
    by_hand = [
        item["values"] for item in ratebook.of_month("2026-03", limit=100, cursor=None).items if "#staff" in item["sk"]
    ]
    assert {"USD": "1.25", "BDT": "140.5"} in by_hand


def test_staff_and_the_bank_at_once_lose_nothing(floor: Floor, bank: CentralBank) -> None:
    run()
    floor.wait(hours=4)
    read_before = ratebook.get()
    run()
    with pytest.raises(ratebook.RatesChanged):
        exchange.change(read_before, set_to={"USD": "2"}, by="grace")

    exchange.change(ratebook.get(), set_to={"USD": "2"}, by="grace")
    assert (rate("USD"), known()) == ("2", "2026-03-02")


def test_the_fee_and_the_rounding_of_currencies_are_staffs(floor: Floor) -> None:
    book = exchange.change(
        ratebook.get(),
        set_to={"CHF": "0.95"},
        fee_basis_points=150,
        roundings={"CHF": Rounding(5)},
        refuse_after_days=20,
        by="grace",
    )
    assert book.rates == ratebook.get().rates
    assert (book.rates.fee_basis_points, book.rates.refuse_after_days) == (150, 20)
    assert exchange.change(book, set_to={}, fee_basis_points=150, by="grace") == book, (
        "nothing changed, nothing written"
    )
    with pytest.raises(exchange.PivotRate):
        exchange.change(book, set_to={"EUR": "1"}, by="grace")


def test_without_an_address_nobody_is_asked(floor: Floor) -> None:
    assert run() == {"changed": 0, "doubtful": 0}


GOOD = document({"2026-03-02": {"USD": "1.1"}})


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html><body>down<body></html>",
        GOOD[:-20],
        GOOD.replace(b"1.1", b"NaN"),
        GOOD.replace(b"1.1", b"-1"),
        GOOD.replace(b"1.1", b"0.000"),
        GOOD.replace(b"1.1", b"1e9"),
        GOOD.replace(b"1.1", b"1.1.1"),
        GOOD.replace(b"1.1", b"1" * 40),
        GOOD.replace(b"2026-03-02", b"02.03.2026"),
        GOOD.replace(b"2026-03-02", b"2026-02-30"),
        GOOD.replace(b'time="2026-03-02"', b""),
        GOOD.replace(b'currency="USD"', b'currency="XXX"'),
        document({}),
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]>' + GOOD.partition(b"?>")[2],
        b"\xff\xfe\x00",
    ],
)
def test_a_file_that_is_not_right_is_refused_whole(content: bytes) -> None:
    with pytest.raises(Malformed):
        feed.read(content)


def test_a_file_is_read_oldest_day_first_without_currencies_that_we_do_not_know() -> None:
    days = feed.read(document({"2026-03-03": {"USD": "1.2", "XXX": "3"}, "2026-03-02": {"USD": "1.1"}}))

    assert [(day.day, dict(day.values)) for day in days] == [
        ("2026-03-02", {"USD": "1.1"}),
        ("2026-03-03", {"USD": "1.2"}),
    ]


@pytest.mark.parametrize(
    ("known_day", "now", "due"),
    [
        ("", "2026-03-02T00:00", True),
        ("2026-02-27", "2026-03-02T13:59", False),
        ("2026-02-27", "2026-03-02T14:00", True),
        ("2026-03-02", "2026-03-02T23:00", False),
        ("2026-03-06", "2026-03-07T20:00", False),
        ("2026-03-06", "2026-03-09T13:00", False),
        ("2026-03-05", "2026-03-08T01:00", True),
    ],
)
def test_when_there_should_be_something_new(known_day: str, now: str, due: bool) -> None:
    assert feed.is_due(known_day, datetime.fromisoformat(now).replace(tzinfo=UTC)) is due
