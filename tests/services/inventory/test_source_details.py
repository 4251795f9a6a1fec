"""Word by word: holds that say where their units come from, how they end, and the entries of the journal."""

from datetime import UTC, datetime
from typing import Any

import pytest

from inventory import journal
from inventory.contract import (
    LATER_SOURCE,
    LOOSE,
    Entry,
    Later,
    Shelf,
    UnitsMoved,
    commit,
    counted_blindly,
    hold,
    journal_key,
    read_entry,
    read_offer,
    read_warehouses,
    rebuild,
    release,
    restock,
    warehouses_key,
)
from inventory.shifts import Shift
from inventory.warehouses import Warehouse, compact
from market import clock, log
from market.errors import NotFound
from market.money import Money
from market.table import Write
from tests.fragments import refusal, words
from tests.services.inventory.test_fragment_details import STORED

pytestmark = pytest.mark.contract("7.1", "7.2", "7.3", "7.5")

PRICE = Money(4_900, "EUR")
A, MIXED = (("wh_a", 2),), (("wh_a", 2), ("wh_b", 1), (LOOSE, 4), (LATER_SOURCE, 3))
ASKED = " AND price = :price AND currency = :currency AND active = :yes AND attribute_not_exists(max_per_customer)"
NOW = "2026-11-22T00:00:00.000Z"
WAITING = (
    "SET later.held = later.held - :u3, later.owed = later.owed + :u3",
    "later.held >= :u3",
)


@pytest.fixture(autouse=True)
def november() -> Any:
    with clock.running_on(lambda: datetime(2026, 11, 22, tzinfo=UTC)):
        yield


def written(write: Write) -> Entry:
    item = {"pk": words(write).key[0], "sk": words(write).key[1], **words(write).item}
    places = [[place["L"][0]["S"], int(place["L"][1]["N"])] for place in item.get("places", [])]
    return read_entry(item | ({"places": places} if places else {}))


def does(write: Write) -> tuple[str, str]:
    return words(write).does, words(write).when


# -- the offer


def test_all_that_an_offer_may_say_of_its_stock_is_read() -> None:
    later = {"kind": "backorder", "begins": "2999-01-01", "left": 5, "held": 6, "owed": 7}
    shelves = {"wh_a": {"a": 3, "h": 2, "k": 1}}
    told = {"kept": 4, "safety": 9, "reorder_point": 8, "low": NOW, "placed": 3, "places": shelves, "later": later}
    offer = read_offer(STORED | told | {"shards": 2, "elsewhere": 11, "peak": 12, "held": 2})
    assert (offer.kept, offer.safety, offer.reorder_point, offer.low, offer.placed) == (4, 9, 8, NOW, 3)
    assert offer.places == {"wh_a": Shelf(available=3, held=2, kept=1)}
    assert offer.later == Later(kind="backorder", begins="2999-01-01", left=5, held=6, owed=7)
    assert (offer.shards, offer.elsewhere, offer.peak) == (2, 11, 12)
    assert (offer.on_hand, offer.loose, offer.places["wh_a"].on_hand) == (16, 7, 6)
    plain = read_offer(STORED)
    assert (plain.kept, plain.safety, plain.reorder_point, plain.low, plain.placed) == (0, 0, None, "", 0)
    assert (plain.places, plain.later, plain.shards, plain.elsewhere, plain.peak, plain.unlisted) == (
        {},
        None,
        0,
        0,
        0,
        0,
    )


def test_the_day_is_that_of_the_next_unit_unless_more_are_asked_for() -> None:
    later = {"kind": "backorder", "begins": "2999-01-01", "left": 5, "held": 0, "owed": 0}
    offer = read_offer(STORED | {"available": 1, "later": later})
    assert (offer.available_from(), offer.available_from(2)) == ("", "2999-01-01")


# -- holds


def test_a_hold_takes_from_the_places_that_it_names() -> None:
    write = hold("LAMP", 2, PRICE, None, A, placed=5)
    assert does(write) == (
        "SET available = available - :u2, held = held + :u2, places.wh_a.a = places.wh_a.a - :u2, "
        "places.wh_a.h = places.wh_a.h + :u2, placed = placed + :minus2",
        "available >= :u2 AND places.wh_a.a >= :u2" + ASKED,
    )
    values = {":u2": 2, ":minus2": -2, ":price": 4_900, ":currency": "EUR", ":yes": True}
    assert words(write).values == values
    assert isinstance(refusal(write, STORED), UnitsMoved)


def test_a_hold_of_all_kinds_moves_each_where_it_is() -> None:
    write = hold("LAMP", 10, PRICE, None, MIXED, placed=6)
    assert does(write) == (
        "SET available = available - :u7, held = held + :u7, places.wh_a.a = places.wh_a.a - :u2, "
        "places.wh_a.h = places.wh_a.h + :u2, places.wh_b.a = places.wh_b.a - :u1, "
        "places.wh_b.h = places.wh_b.h + :u1, placed = placed + :minus3, later.left = later.left - :u3, "
        "later.held = later.held + :u3",
        "available >= :u7 AND places.wh_a.a >= :u2 AND places.wh_b.a >= :u1 AND available >= :free "
        "AND (attribute_not_exists(placed) OR placed <= :placed) AND later.left >= :u3" + ASKED,
    )
    assert words(write).key == ("STK#LAMP", "-")
    counts = {":u7": 7, ":u2": 2, ":u1": 1, ":u3": 3, ":minus3": -3, ":free": 10, ":placed": 6}
    assert counts.items() <= words(write).values.items()
    assert words(hold("LAMP", 4, PRICE, None, ((LOOSE, 4),))).values[":free"] == 4


def test_a_hold_of_what_comes_later_touches_nothing_else() -> None:
    assert does(hold("LAMP", 3, PRICE, None, ((LATER_SOURCE, 3),))) == (
        "SET later.left = later.left - :u3, later.held = later.held + :u3",
        "later.left >= :u3" + ASKED,
    )


# -- ends


def test_what_is_sold_leaves_its_places_and_is_in_the_journal() -> None:
    sold, entry = commit("LAMP", 10, order="ord_1", sources=MIXED)
    assert does(sold) == (
        "SET held = held - :u7, places.wh_a.h = places.wh_a.h - :u2, places.wh_b.h = places.wh_b.h - :u1, "
        "later.held = later.held - :u3, later.owed = later.owed + :u3",
        "held >= :u7 AND places.wh_a.h >= :u2 AND places.wh_b.h >= :u1 AND later.held >= :u3",
    )
    assert refusal(sold, STORED).detail == "LAMP holds fewer than 10."
    told = written(entry)
    assert (told.kind, told.places, told.delta) == ("sold", {"wh_a": -2, "wh_b": -1, LOOSE: -4}, -7)
    assert (told.sku, told.reference, told.at, told.by, told.why, told.to) == ("LAMP", "ord_1", NOW, "", "", None)


def test_plain_units_are_sold_from_no_place() -> None:
    sold, entry = commit("LAMP", 2, order="ord_1")
    assert does(sold) == ("SET held = held - :u2", "held >= :u2")
    assert written(entry).places == {LOOSE: -2}


def test_what_was_not_there_leaves_no_entry() -> None:
    (only,) = commit("LAMP", 3, order="ord_1", sources=((LATER_SOURCE, 3),))
    assert does(only) == WAITING


def test_what_is_released_is_back_in_its_places() -> None:
    assert does(release("LAMP", 10, MIXED)) == (
        "SET held = held - :u7, available = available + :u7, places.wh_a.h = places.wh_a.h - :u2, "
        "places.wh_a.a = places.wh_a.a + :u2, places.wh_b.h = places.wh_b.h - :u1, "
        "places.wh_b.a = places.wh_b.a + :u1, placed = placed + :u3, later.held = later.held - :u3, "
        "later.left = later.left + :u3",
        "held >= :u7 AND places.wh_a.h >= :u2 AND places.wh_b.h >= :u1 AND later.held >= :u3",
    )
    assert refusal(release("LAMP", 10, MIXED), STORED).detail == "LAMP holds fewer than 10."


def test_what_comes_back_goes_to_its_places() -> None:
    back, entry = restock("LAMP", 7, order="ord_1", sources=MIXED[:3])
    assert does(back) == (
        "SET available = available + :u7, places.wh_a.a = places.wh_a.a + :u2, places.wh_b.a = places.wh_b.a + :u1, "
        "placed = placed + :u3",
        "attribute_exists(pk)",
    )
    told = written(entry)
    places = {"wh_a": 2, "wh_b": 1, LOOSE: 4}
    assert (told.sku, told.kind, told.places, told.reference) == ("LAMP", "returned", places, "ord_1")
    plain, entry = restock("LAMP", 2, order="ord_1")
    assert (does(plain)[0], written(entry).places) == ("SET available = available + :u2", {LOOSE: 2})


def test_what_is_still_owed_may_be_sold_again_and_what_has_arrived_is_there() -> None:
    later = ((LATER_SOURCE, 3),)
    (waiting,) = restock("LAMP", 3, order="ord_1", sources=later, owed=3)
    assert does(waiting) == (
        "SET later.owed = later.owed - :u3, later.left = later.left + :u3",
        "attribute_exists(pk) AND later.owed >= :u3",
    )
    some, entry = restock("LAMP", 3, order="ord_1", sources=later, owed=1)
    assert does(some) == (
        "SET available = available + :u2, later.owed = later.owed - :u1, later.left = later.left + :u1",
        "attribute_exists(pk) AND later.owed >= :u1 AND later.owed = :owed",
    )
    assert (words(some).values[":owed"], written(entry).places) == (1, {LOOSE: 2})
    none, entry = restock("LAMP", 5, order="ord_1", sources=(("wh_a", 2), *later))
    assert does(none) == (
        "SET available = available + :u5, places.wh_a.a = places.wh_a.a + :u2, placed = placed + :u2",
        "attribute_exists(pk) AND (attribute_not_exists(later) OR later.owed = :owed)",
    )
    assert (words(none).values[":owed"], written(entry).places) == (0, {"wh_a": 2, LOOSE: 3})


def test_a_return_that_is_refused_is_tried_again_unless_there_is_no_such_sku() -> None:
    back, _ = restock("LAMP", 2, order="ord_1")
    assert isinstance(refusal(back, None), NotFound)
    moved = refusal(back, STORED)
    assert isinstance(moved, UnitsMoved)
    assert (moved.detail, moved.extra) == ("The stock of LAMP is being moved. Please try again.", {"sku": "LAMP"})


# -- the journal


def test_entries_keep_only_what_there_is_to_tell() -> None:
    (write,) = journal.moved("LAMP", "sent", [("wh_a", 2), (LOOSE, 1), ("wh_a", -2), (LOOSE, 4)], by="", why="so")
    assert words(write).key == ("STJ#LAMP", written(write).id)
    assert (words(write).action, words(write).when) == ("Put", "")
    stored = {name: value for name, value in words(write).item.items() if name not in ("pk", "sk", "places")}
    assert stored == {"kind": "sent", "at": NOW, "why": "so"}
    assert (written(write).places, written(write).why) == ({LOOSE: 5}, "so")
    assert journal.moved("LAMP", "sent", [("wh_a", 2), ("wh_a", -2)]) == ()


def test_counts_and_notes_say_to_how_many() -> None:
    counted = written(journal.counted("LAMP", 0, [("wh_a", -3)], by="usr_ada", reference="r"))
    assert (counted.kind, counted.to, counted.delta, counted.by, counted.reference) == (
        "counted",
        0,
        -3,
        "usr_ada",
        "r",
    )
    noted = written(journal.noted("LAMP", journal.KEPT, 4, by="usr_ada", why="so"))
    assert (noted.kind, noted.to, noted.places, noted.by, noted.why) == ("kept", 4, {}, "usr_ada", "so")


def test_counts_of_who_has_not_looked_are_told_for_twenty() -> None:
    with log.acting(log.Scope("r", "c", actor_id="usr_ada")):
        entries = counted_blindly({f"S{number}": number for number in range(25)})
    assert [(written(one).sku, written(one).to) for one in entries] == [(f"S{number}", number) for number in range(20)]
    told = {(one.kind, one.by, one.reference, one.delta) for one in map(written, entries)}
    assert told == {("counted", "usr_ada", "", 0)}


def test_the_books_are_rebuilt_place_by_place() -> None:
    def entry(**places: int) -> Entry:
        return Entry(sku="LAMP", id="1", at=NOW, kind="adjusted", places={p.strip("_"): n for p, n in places.items()})

    assert rebuild(10, -2, [entry(_=-3, wh_a=3), entry(wh_a=4, wh_b=1), entry(wh_b=-1)]) == {LOOSE: 5, "wh_a": 7}
    assert rebuild(0, 0, []) == {}
    assert journal_key("LAMP", "1") == journal_key("LAMP").__class__("STJ#LAMP", "1")
    assert journal_key("LAMP").sk == "-"


# -- warehouses and shifts


def test_warehouses_are_stored_without_what_is_empty() -> None:
    one = Warehouse(id="wh_a", name="Berlin", country="DE", priority=0, pickup=True)
    text = compact((one,))
    assert text == '[{"id":"wh_a","name":"Berlin","country":"DE","priority":0,"pickup":true,"is_active":true}]'
    assert read_warehouses({"warehouses": text}) == (one,)
    assert read_warehouses(None) == ()
    assert warehouses_key("ven_1").pk == "WHS#ven_1"


def test_steps_of_no_units_leave_no_trace() -> None:
    shift = Shift()
    shift.add("a", 0)
    shift.drop("b", 0)
    shift.take("c", "d", 0)
    shift.remember("e", 0)
    assert (shift.expression, shift.when, shift.values) == ("", "", {})


def test_steps_become_one_expression() -> None:
    shift = Shift()
    shift.add("a", 2)
    shift.drop("b", 2)
    shift.take("c", "d.e", 1)
    shift.remember("f", -2)
    shift.put("g.h", "text")
    shift.put("i", None)
    shift.put("j", None)
    shift.same("k", None)
    shift.same("l", 0)
    shift.same("m", 3)
    shift.same("n.o", "seen")
    shift.require("p = q")
    assert shift.expression == (
        "SET a = a + :u2, b = b - :u2, c = c - :u1, d.e = d.e + :u1, f = if_not_exists(f, :none) + :minus2, "
        "g.h = :g_h REMOVE i, j"
    )
    assert shift.when == (
        "b >= :u2 AND c >= :u1 AND attribute_not_exists(k) AND (attribute_not_exists(l) OR l = :u0) AND m = :u3 "
        "AND n.o = :seen_n_o AND p = q"
    )
    assert shift.values == {
        ":u2": 2, ":u1": 1, ":none": 0, ":minus2": -2, ":g_h": "text", ":u0": 0, ":u3": 3, ":seen_n_o": "seen",
    }  # fmt: skip
