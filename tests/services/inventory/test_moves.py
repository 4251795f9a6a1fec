"""What vendors' changes make of an offer, as pure rules, and the write that makes it so, word by word."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from inventory import journal, moves
from inventory.changes import Raced, written
from inventory.contract import BACKORDER, CLOSED, PREORDER, Later, Offer, PurchaseLimit, Shelf, StockElsewhere
from inventory.moves import Move, NotSoMany, StockChanged, Who
from market import clock
from market.money import Money
from market.table import Write
from tests.fragments import refusal, words

pytestmark = pytest.mark.contract("7.1", "7.4", "7.5")

NOW = "2026-11-22T00:00:00.000Z"
WHO = Who("usr_ada", "spring cleaning", "ref-1")
PLAIN = Offer(sku="LAMP", product_id="prd_1", vendor_id="ven_1", title="Lamp", price=Money(1, "EUR"), available=10)
LATER = Later(kind=BACKORDER, begins="2026-12-24", left=5, held=1, owed=3)
SPREAD = replace(PLAIN, placed=6, places={"wh_a": Shelf(4, 1, 2), "wh_b": Shelf(2)}, held=1, kept=2, safety=2)


@pytest.fixture(autouse=True)
def november() -> Any:
    with clock.running_on(lambda: datetime(2026, 11, 22, tzinfo=UTC)):
        yield


def entry(write: Write) -> tuple[Any, ...]:
    """(kind, units by place, what was counted, by, why, reference) of a journal entry."""
    item = words(write).item
    places = {place["L"][0]["S"]: int(place["L"][1]["N"]) for place in item.get("places", [])}
    assert (words(write).key[0], item["at"], len(words(write).key[1])) == ("STJ#LAMP", NOW, 26)
    return item["kind"], places, item.get("to"), item.get("by"), item.get("why"), item.get("reference")


TOLD = ("usr_ada", "spring cleaning", "ref-1")


def entries(move: Move) -> list[tuple[Any, ...]]:
    told = [entry(write) for write in move.entries]
    assert all(one[3:] == TOLD for one in told)
    return [one[:3] for one in told]


# -- rules


def test_a_count_says_what_is_on_sale() -> None:
    move = moves.counted(PLAIN, 7, "", 10, WHO)
    assert (move.after, move.exact) == (replace(PLAIN, available=7), True)
    assert entries(move) == [("counted", {"": -3}, 7)]
    same = moves.counted(PLAIN, 10, "", None, WHO)
    assert (same.after, entries(same)) == (PLAIN, [("counted", {}, 10)])


@pytest.mark.parametrize(("place", "seen"), [("", 4), ("wh_a", 4), ("wh_c", 0)])
def test_a_count_expects_what_is_in_that_place(place: str, seen: int) -> None:
    with pytest.raises(StockChanged) as changed:
        moves.counted(SPREAD, 7, place, 5, WHO)
    assert changed.value.detail == "The stock has changed since you saw it."
    assert changed.value.extra == {"sku": "LAMP", "available": seen}
    assert moves.counted(SPREAD, 7, place, seen, WHO).after.available == 10 + 7 - seen


def test_a_count_in_a_warehouse_changes_the_totals_alike() -> None:
    after = moves.counted(SPREAD, 1, "wh_a", None, WHO).after
    assert (after.available, after.placed, after.loose, after.places["wh_a"]) == (7, 3, 4, Shelf(1, 1, 2))
    new = moves.counted(SPREAD, 3, "wh_c", None, WHO)
    assert (new.after.available, new.after.placed, new.after.places["wh_c"]) == (13, 9, Shelf(3))
    assert entries(new) == [("counted", {"wh_c": 3}, 3)]


def test_whoever_counts_has_put_aside_what_is_owed() -> None:
    owing = replace(PLAIN, later=LATER)
    move = moves.counted(owing, 12, "", None, WHO)
    assert (move.after.available, move.after.later) == (12, replace(LATER, owed=0))
    assert entries(move) == [("counted", {"": 5}, 12), ("served", {"": -3}, None)]
    none = moves.counted(owing, 0, "", None, WHO)
    assert (none.after.later, entries(none)) == (LATER, [("counted", {"": -10}, 0)])


def test_what_lies_on_shards_is_not_counted() -> None:
    spread = replace(PLAIN, shards=2, placed=1)
    for act in (lambda: moves.counted(spread, 7, "", None, WHO), lambda: moves.keeping(spread, 7, WHO)):
        with pytest.raises(StockElsewhere) as refused:
            act()
        assert refused.value.detail == "LAMP lies on shards for now: adjust it."
        assert refused.value.extra == {"sku": "LAMP", "placed": 1}
    assert moves.adjusted(spread, 5, "", WHO).after.available == 15


def test_arrivals_serve_those_who_wait_then_the_safety_stock_then_everybody() -> None:
    waiting = replace(SPREAD, later=LATER, safety=4)
    move = moves.adjusted(waiting, 8, "wh_a", WHO)
    assert move.after.places["wh_a"] == Shelf(7, 1, 4)
    assert (move.after.available, move.after.placed, move.after.kept) == (13, 9, 4)
    assert move.after.later == replace(LATER, owed=0)
    assert entries(move) == [("adjusted", {"wh_a": 8}, None), ("served", {"wh_a": -3}, None)]
    assert not move.exact
    few = moves.arrived(waiting, 2, "", journal.RECEIVED, WHO)
    assert (few.after.available, few.after.kept, few.after.later) == (10, 2, replace(LATER, owed=1))
    assert entries(few) == [("received", {"": 2}, None), ("served", {"": -2}, None)]
    loose = moves.adjusted(replace(PLAIN, safety=3, kept=1), 1, "", WHO)
    assert (loose.after.available, loose.after.kept, entries(loose)) == (10, 2, [("adjusted", {"": 1}, None)])
    assert moves.adjusted(replace(PLAIN, safety=1, kept=2), 1, "", WHO).after.available == 11


def test_the_last_arrival_ends_what_is_no_longer_sold_later() -> None:
    closed = replace(PLAIN, later=replace(LATER, kind=CLOSED, left=0, held=0))
    assert moves.adjusted(closed, 2, "", WHO).after.later == replace(closed.later, owed=1)  # type: ignore[type-var]
    assert moves.adjusted(closed, 3, "", WHO).after.later is None
    assert moves.counted(closed, 3, "", None, WHO).after.later is None


def test_no_more_is_taken_than_is_on_sale_there() -> None:
    fewer = moves.adjusted(SPREAD, -4, "wh_a", WHO)
    assert (fewer.after.places["wh_a"], entries(fewer)) == (Shelf(0, 1, 2), [("adjusted", {"wh_a": -4}, None)])
    move = moves.taken(SPREAD, 2, "wh_b", journal.SENT, WHO)
    assert (move.after.available, move.after.placed, entries(move)) == (8, 4, [("sent", {"wh_b": -2}, None)])
    assert moves.adjusted(SPREAD, 0, "", WHO) == Move(SPREAD)
    for place, units, there in (("wh_a", 5, 4), ("", 5, 4), ("wh_c", 1, 0)):
        with pytest.raises(NotSoMany) as refused:
            moves.adjusted(SPREAD, -units, place, WHO)
        assert refused.value.detail == "There are not so many to take out, or no room for so many."
        assert refused.value.extra == {"sku": "LAMP", "available": there}


def test_a_shelf_has_room_for_ten_million() -> None:
    full = replace(PLAIN, available=9_999_990, held=4, kept=5)
    assert moves.adjusted(full, 1, "", WHO).after.available == 9_999_991
    with pytest.raises(NotSoMany) as refused:
        moves.adjusted(full, 2, "", WHO)
    assert refused.value.extra["available"] == 9_999_990


def test_safety_stock_comes_from_no_place_first_then_from_the_fullest() -> None:
    move = moves.keeping(SPREAD, 9, WHO)
    assert (move.after.safety, move.after.kept, move.after.available, move.after.loose) == (9, 9, 3, 0)
    assert move.after.places == {"wh_a": Shelf(1, 1, 5), "wh_b": Shelf(2)}
    assert (move.after.placed, entries(move)) == (3, [("kept", {}, 9)])
    assert moves.keeping(PLAIN, 25, WHO).after == replace(PLAIN, available=0, kept=10, safety=25)


@pytest.mark.parametrize(("near", "far", "taken_from"), [(2, 4, "wh_b"), (3, 3, "wh_a"), (4, 2, "wh_a")])
def test_where_nothing_lies_loose_it_comes_from_the_fullest_place_or_the_first_of_two(
    near: int, far: int, taken_from: str
) -> None:
    stored = replace(PLAIN, available=6, placed=6, places={"wh_b": Shelf(far), "wh_a": Shelf(near)})
    after = moves.keeping(stored, 1, WHO).after
    assert [place for place, shelf in after.places.items() if shelf.kept] == [taken_from]
    assert (after.available, after.placed, after.loose, after.kept) == (5, 5, 0, 1)


def test_safety_stock_goes_back_to_where_it_is() -> None:
    kept = replace(SPREAD, kept=5, available=7, placed=6)
    down = moves.keeping(kept, 1, WHO).after
    assert (down.kept, down.available, down.loose, down.safety) == (1, 11, 4, 1)
    assert down.places["wh_a"] == Shelf(5, 1, 1)
    assert moves.keeping(kept, 5, WHO).after == replace(kept, safety=5)


def test_what_is_sold_later_keeps_what_is_owed() -> None:
    wished = Later(kind=PREORDER, begins="2027-01-01", left=9)
    assert moves.selling_later(PLAIN, wished).after.later == wished
    again = moves.selling_later(replace(PLAIN, later=LATER), wished).after.later
    assert again == replace(wished, held=1, owed=3)
    closed = moves.selling_later(replace(PLAIN, later=LATER), None).after.later
    assert closed == replace(LATER, kind=CLOSED, left=0)
    for done in (replace(LATER, held=0, owed=0), None):
        assert moves.selling_later(replace(PLAIN, later=done), None) == Move(PLAIN)
    for still in (replace(LATER, held=0), replace(LATER, owed=0)):
        assert moves.selling_later(replace(PLAIN, later=still), None).after.later is not None


def test_settings_change_nothing_else() -> None:
    assert moves.watching(PLAIN, 3) == Move(replace(PLAIN, reorder_point=3))
    assert moves.limited(PLAIN, PurchaseLimit(2)) == Move(replace(PLAIN, limit=PurchaseLimit(2)))
    assert moves.expecting(PLAIN, 900) == Move(replace(PLAIN, peak=900))


@pytest.mark.parametrize(
    ("told", "low", "after"),
    [
        ({}, "", ""),
        ({"reorder_point": 10}, "", NOW),
        ({"reorder_point": 10, "elsewhere": 1}, "", ""),
        ({"reorder_point": 9}, "", ""),
        ({"reorder_point": 9}, "2026", ""),
        ({"reorder_point": 10}, "2026", "2026"),
        ({}, "2026", ""),
    ],
)
def test_an_offer_is_low_from_its_reorder_point_on(told: dict[str, Any], low: str, after: str) -> None:
    assert moves.marked(replace(PLAIN, low=low, **told)).low == after


def test_several_moves_are_one() -> None:
    first = moves.counted(PLAIN, 7, "", None, WHO)
    second = moves.watching(first.after, 3)
    joined = moves.joined([first, second], PLAIN)
    assert (joined.after, joined.entries, joined.exact) == (second.after, first.entries, True)
    assert moves.joined([], PLAIN) == Move(PLAIN)
    assert not moves.joined([second], PLAIN).exact


# -- the write


def said(before: Offer, after: Offer, *, exact: bool = False) -> tuple[str, str, dict[str, Any]]:
    told = words(written(before, Move(after, exact=exact)))
    assert told.key == ("STK#LAMP", "-")
    return told.does, told.when.removeprefix("attribute_exists(pk)").removeprefix(" AND "), dict(told.values)


def test_a_refused_change_was_raced() -> None:
    write = written(PLAIN, Move(replace(PLAIN, available=4)))
    assert isinstance(refusal(write, None), Raced)
    assert refusal(write, None).detail == "Please try again."
    assert words(write).when.startswith("attribute_exists(pk) AND available >= ")


def test_units_come_and_go_without_asking_how_many_there_are() -> None:
    does, when, values = said(PLAIN, replace(PLAIN, available=4))
    assert does == "SET available = available + :minus6"
    assert when == "available >= :u6 AND (attribute_not_exists(placed) OR placed = :u0)"
    assert values == {":minus6": -6, ":u6": 6, ":u0": 0}
    does, when, _ = said(PLAIN, replace(PLAIN, available=12))
    assert (does, when) == ("SET available = available + :u2", "attribute_not_exists(later)")


def test_a_count_and_a_watched_stock_must_be_as_seen() -> None:
    exact = "available = :u10 AND (attribute_not_exists(elsewhere) OR elsewhere = :u0)"
    assert said(PLAIN, replace(PLAIN, available=12), exact=True)[1].startswith(exact)
    watched = replace(PLAIN, reorder_point=4)
    assert said(watched, replace(watched, available=12))[1].startswith(exact)
    assert said(PLAIN, watched)[1] == f"{exact} AND attribute_not_exists(reorder_point)"
    assert said(watched, replace(watched, peak=3))[1] == "reorder_point = :u4 AND attribute_not_exists(peak)"
    low = replace(watched, available=3, low=NOW)
    assert said(replace(low, low=""), low) == (
        "SET low = :low",
        "available = :u3 AND (attribute_not_exists(elsewhere) OR elsewhere = :u0) AND reorder_point = :u4 "
        "AND attribute_not_exists(low)",
        {":low": NOW, ":u3": 3, ":u0": 0, ":u4": 4},
    )
    does, when, _ = said(low, replace(low, available=5, low=""))
    assert (does, "low = :seen_low" in when) == ("SET available = available + :u2 REMOVE low", True)


def test_nothing_to_write_is_only_looked_at() -> None:
    write = written(PLAIN, Move(PLAIN, exact=True))
    assert (write.action, words(write).does) == ("ConditionCheck", "")
    assert words(write).when.startswith("attribute_exists(pk) AND available = :u10")
    assert (words(write).key, words(write).values) == (("STK#LAMP", "-"), {":u10": 10, ":u0": 0})
    assert isinstance(refusal(write, None), Raced)


def test_the_first_warehouse_makes_the_map_and_the_mark() -> None:
    after = replace(PLAIN, available=12, placed=2, places={"wh_a": Shelf(2)})
    does, when, values = said(PLAIN, after)
    assert does == (
        "SET available = available + :u2, placed = if_not_exists(placed, :none) + :u2, places = :places, "
        "sourced = :sourced"
    )
    assert when == (
        "attribute_not_exists(later) AND attribute_not_exists(places) "
        "AND (attribute_not_exists(shards) OR shards = :u0) AND attribute_not_exists(sourced)"
    )
    assert values[":sourced"] == "True" or values[":sourced"] is True
    assert values[":places"] == {"wh_a": {"M": {"a": {"N": "2"}, "h": {"N": "0"}, "k": {"N": "0"}}}}


def test_another_warehouse_is_added_to_the_map() -> None:
    places = dict(SPREAD.places) | {"wh_c": Shelf(1)}
    does, when, values = said(SPREAD, replace(SPREAD, available=11, placed=7, places=places))
    assert does.endswith("placed = if_not_exists(placed, :none) + :u1, places.wh_c = :places_wh_c")
    assert "attribute_not_exists(places.wh_c)" in when
    assert values[":places_wh_c"]["a"] == {"N": "1"}
    two = replace(SPREAD, available=12, placed=8, places=places | {"wh_d": Shelf(1)})
    assert said(SPREAD, two)[0].endswith("places.wh_c = :places_wh_c, places.wh_d = :places_wh_d")


def test_a_shelf_gives_only_what_it_has() -> None:
    fewer = replace(SPREAD, available=7, placed=3, places=dict(SPREAD.places) | {"wh_a": Shelf(1, 1, 2)})
    does, when, _ = said(SPREAD, fewer)
    assert does == (
        "SET available = available + :minus3, placed = if_not_exists(placed, :none) + :minus3, "
        "places.wh_a.a = places.wh_a.a + :minus3"
    )
    assert when == "available >= :u3 AND places.wh_a.a >= :u3"
    _, when, _ = said(SPREAD, fewer, exact=True)
    assert when.endswith("places.wh_a.a = :u4")
    more = replace(SPREAD, available=11, placed=7, places=dict(SPREAD.places) | {"wh_a": Shelf(5, 1, 2)})
    assert "places." not in said(SPREAD, more)[1]


def test_what_lies_in_no_place_is_taken_only_if_all_is_as_seen() -> None:
    _, when, _ = said(SPREAD, replace(SPREAD, available=8))
    assert when == "available >= :u2 AND placed = :u6 AND available = :u10"
    _, when, _ = said(SPREAD, replace(SPREAD, available=8), exact=True)
    assert when.startswith("available = :u10 AND")
    assert when.count("available = ") == 1


def test_what_is_kept_must_be_as_seen_where_it_decides() -> None:
    kept = replace(SPREAD, available=9, kept=3, places=dict(SPREAD.places) | {"wh_a": Shelf(3, 1, 3)}, placed=5)
    does, when, _ = said(SPREAD, kept)
    assert "kept = if_not_exists(kept, :none) + :u1" in does
    assert "places.wh_a.k = places.wh_a.k + :u1" in does
    assert "kept = :u2" in when
    assert "kept = :u2" in said(SPREAD, replace(SPREAD, available=11))[1]
    assert "kept = :u2" in said(SPREAD, replace(SPREAD, safety=1))[1]
    assert "kept" not in said(SPREAD, replace(SPREAD, peak=3))[1]
    assert "kept" not in said(replace(SPREAD, safety=0), replace(SPREAD, safety=0, available=11))[1]
    assert said(PLAIN, replace(PLAIN, safety=4))[0] == "SET safety = :safety"


def test_what_comes_later_is_written_whole_if_it_is_as_seen() -> None:
    does, when, values = said(PLAIN, replace(PLAIN, later=LATER))
    assert (does, when) == ("SET later = :later", "attribute_not_exists(later)")
    row = {"kind": {"S": "backorder"}, "begins": {"S": "2026-12-24"}}
    row |= {"left": {"N": "5"}, "held": {"N": "1"}, "owed": {"N": "3"}}
    assert values == {":later": row}
    does, when, values = said(replace(PLAIN, later=LATER), PLAIN)
    assert (does, when, values) == ("REMOVE later", "later = :seen_later", {":seen_later": row})
    does, when, _ = said(replace(PLAIN, later=LATER), replace(PLAIN, later=LATER, available=11))
    assert when == "later.owed = :u3"


def test_a_preorder_needs_sources_and_its_end_does_not() -> None:
    ahead = replace(PLAIN, later=replace(LATER, kind=PREORDER))
    assert said(PLAIN, ahead)[0] == "SET later = :later, sourced = :sourced"
    assert said(ahead, replace(PLAIN, later=LATER))[0] == "SET later = :later REMOVE sourced"


def test_settings_are_set_and_removed() -> None:
    told = replace(PLAIN, limit=PurchaseLimit(3, 30), peak=900, safety=1, reorder_point=0)
    assert said(PLAIN, told)[0] == (
        "SET safety = :safety, reorder_point = :reorder_point, peak = :peak, max_per_customer = :max_per_customer, "
        "limit_days = :limit_days"
    )
    assert said(told, PLAIN)[0] == "REMOVE safety, reorder_point, peak, max_per_customer, limit_days"
    forever = replace(PLAIN, limit=PurchaseLimit(3))
    assert said(PLAIN, forever)[2] == {":max_per_customer": 3, ":limit_days": 0}
    assert said(told, replace(told, reorder_point=None))[1].endswith(
        "(attribute_not_exists(reorder_point) OR reorder_point = :u0)"
    )
