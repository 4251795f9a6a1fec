"""Balances can be made again from entries, and entries from journals; what differs is found, and put right."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from ledger import accounts, service, store
from ledger.accounts import Entry
from ledger.api import handler
from ledger.contract import PENDING, post
from ledger.service import Period
from market.table import Key, delete, update
from tests.http import call
from tests.services.ledger import desk
from tests.services.ledger.desk import owed, paid, part, standing

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.contract("12.4")]
DAY = Period(date(2026, 11, 21), date(2026, 11, 21))
DAYS = {"from": "2026-11-21", "to": "2026-11-21"}
ACCOUNT = "LAC#vendor:ven_a"


def told() -> list[tuple[str, str, str]]:
    items = desk.get("/v1/admin/ledger/vendors/ven_a/differences", **DAYS).json["items"]
    return [(item["what"], item["stored"], item["right"]) for item in items]


def rebuild(at: str = "2026-11-21T12:00") -> list[Any]:
    with desk.at(at):
        answer = call(handler, "POST", "/v1/admin/ledger/vendors/ven_a/rebuild", DAYS, **desk.STAFF)
    assert answer.status == 200, answer
    return list(answer.json["items"])


@pytest.fixture(autouse=True)
def _two_sales_and_a_promise(database: str) -> None:
    with desk.at("2026-11-21T10:00"):
        desk.sell("ord_1", part("ven_a", 1000, 100), part("ven_b", 7))
        desk.sell("ord_2", part("ven_a", 500, 50))
        desk.sell("ord_3", part("ven_a", 80), state=PENDING)
        for number in (1, 2, 3):
            paid(f"ord_{number}")


def entry(journal_of: str) -> Entry:
    (found,) = [entry for entry in desk.entries("ven_a") if entry.order_id == journal_of]
    return found


def test_an_account_that_is_as_its_journals_say_shows_no_difference() -> None:
    assert told() == []
    assert rebuild() == []
    assert standing("ven_a") == {"EUR": (1350, 80)}


def spoil_balance() -> None:
    desk.move(update(Key(ACCOUNT, "balance#EUR#2026-11"), "ADD amount :one", {":one": 1}))


def lose_balance() -> None:
    desk.move(delete(Key(ACCOUNT, "balance#EUR#2026-11")))


def spoil_waiting_balance() -> None:
    desk.move(update(Key(ACCOUNT, "balance#EUR#waiting"), "ADD amount :one", {":one": -5}))


def spoil_entry() -> None:
    desk.move(update(store.entry_key(entry("ord_1")), "SET net = :net", {":net": 90_000}))


def lose_entry() -> None:
    desk.move(delete(store.entry_key(entry("ord_1"))))


def lose_waiting_entry() -> None:
    desk.move(delete(store.entry_key(entry("ord_3"))))


def invent_entry() -> None:
    first = entry("ord_1")
    store.add([Entry(vendor_id="ven_a", order_id="ord_9", journal="sale", currency="EUR", at=first.at, net=999)])


def lose_everything() -> None:
    for found in desk.entries("ven_a"):
        desk.move(delete(store.entry_key(found)))
    for balance in store.balances("ven_a"):
        desk.move(delete(Key(ACCOUNT, accounts.balance_place(balance.currency, balance.month))))


SPOILS = [
    spoil_balance, lose_balance, spoil_waiting_balance, spoil_entry, lose_entry, lose_waiting_entry, invent_entry,
    lose_everything,
]  # fmt: skip


@pytest.mark.parametrize("spoil", SPOILS)
def test_what_was_spoiled_is_found_and_put_right(spoil: Callable[[], None]) -> None:
    with desk.at("2026-11-21T11:00"):
        spoil()
    assert told() != []
    rebuild("2026-11-21T12:00")
    assert rebuild("2026-11-21T12:02") == []  # what was added in the first go needs its minute
    assert told() == []
    assert standing("ven_a") == {"EUR": (1350, 80)}
    assert owed("ven_b") == 7


def test_differences_say_what_is_stored_and_what_is_right() -> None:
    spoil_entry()
    assert told() == [("entry", "posted 90000 EUR", "posted 900 EUR"), ("balance", "1350 of 2", "90450 of 2")]


def test_a_balance_that_was_just_written_is_left_for_later() -> None:
    spoil_balance()
    assert [item["what"] for item in rebuild("2026-11-21T10:00")] == ["balance"]
    assert rebuild("2026-11-21T10:02") == []


def test_what_happens_during_a_rebuild_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    spoil_balance()
    honest = store.set_balance

    def interrupted(*given: Any) -> None:
        with desk.at("2026-11-21T12:00"):
            desk.sell("ord_4", part("ven_a", 4))
            paid("ord_4")
        honest(*given)

    monkeypatch.setattr(store, "set_balance", interrupted)
    assert [item["what"] for item in rebuild()] == ["balance"]
    monkeypatch.setattr(store, "set_balance", honest)
    assert rebuild("2026-11-21T12:02") == []
    assert owed("ven_a") == 1354


def test_a_promise_kept_in_a_later_period_is_brought_in_whole() -> None:
    with desk.at("2026-12-02T10:00"):
        desk.move(post("ord_3", "sale"))
    december = Period(date(2026, 12, 2), date(2026, 12, 2))
    assert [difference.what for difference in service.differences("ven_a", december)] == ["entry"]
    assert service.rebuild("ven_a", december) == []
    assert standing("ven_a") == {"EUR": (1430, 0)}


def test_an_account_that_nobody_has_is_not_found() -> None:
    assert desk.get("/v1/admin/ledger/vendors/ven_x/differences", **DAYS).status == 404
    assert call(handler, "POST", "/v1/admin/ledger/vendors/ven_x/rebuild", DAYS, **desk.STAFF).status == 404
