"""Where an order's units come from: pure choices, by country, priority and what there is."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from inventory.contract import (
    BACKORDER,
    CLOSED,
    LATER,
    LATER_SOURCE,
    LOOSE,
    PLACES,
    PREORDER,
    SHARDS,
    WATCH,
    Later,
    Offer,
    OutOfStock,
    Shelf,
    Warehouse,
    choose_sources,
    public_offer,
)
from inventory.sources import in_places, there, units_of
from market import clock
from market.money import Money

pytestmark = pytest.mark.contract("7.1", "7.5")

PLAIN = Offer(sku="LAMP", product_id="prd_1", vendor_id="ven_1", title="Lamp", price=Money(1, "EUR"), available=10)
NEAR = Warehouse(id="wh_near", name="Near", country="DE", priority=50, pickup=True)
FAR = Warehouse(id="wh_far", name="Far", country="FR", priority=1)
FIRST = Warehouse(id="wh_first", name="First", country="DE", priority=10)
ALL = (NEAR, FAR, FIRST)


def placed(near: int = 0, far: int = 0, first: int = 0, *, loose: int = 0, later: Later | None = None) -> Offer:
    shelves = {"wh_near": Shelf(near, 1), "wh_far": Shelf(far), "wh_first": Shelf(first)}
    whole = near + far + first
    return replace(PLAIN, available=whole + loose, placed=whole, places=shelves, later=later)


def back(left: int, begins: str = "2026-12-24", kind: str = BACKORDER) -> Later:
    return Later(kind=kind, begins=begins, left=left)


@pytest.fixture(autouse=True)
def november() -> Iterator[None]:
    with clock.running_on(lambda: datetime(2026, 11, 22, tzinfo=UTC)):
        yield


def test_a_plain_offer_names_no_sources() -> None:
    assert choose_sources(PLAIN, 10, "DE", ()) == ()
    assert choose_sources(replace(PLAIN, later=back(3)), 10, "DE", ()) == (), "nothing of it comes later"


def test_one_place_that_has_everything_is_better_than_a_better_place() -> None:
    assert choose_sources(placed(near=3, far=9, first=2), 3, "DE", ALL) == (("wh_near", 3),)
    assert choose_sources(placed(near=3, far=9, first=2), 9, "DE", ALL) == (("wh_far", 9),)


@pytest.mark.parametrize(
    ("country", "place"), [("DE", "wh_first"), ("FR", "wh_far"), ("US", "wh_far")], ids=["home", "there", "abroad"]
)
def test_a_place_in_the_country_comes_first_then_the_priority(country: str, place: str) -> None:
    assert choose_sources(placed(near=5, far=5, first=5), 5, country, ALL) == ((place, 5),)


def test_places_that_are_alike_are_taken_by_their_id() -> None:
    twins = (replace(NEAR, priority=1), replace(FIRST, priority=1))
    assert choose_sources(placed(near=5, first=5), 5, "DE", twins) == (("wh_first", 5),)
    assert choose_sources(placed(near=5, first=5), 5, "DE", (replace(NEAR, priority=9), FIRST)) == (("wh_near", 5),)


def test_what_no_place_has_alone_comes_from_several_and_at_last_from_none() -> None:
    offer = placed(near=2, far=3, first=1, loose=4)
    assert choose_sources(offer, 3, "DE", ALL) == (("wh_far", 3),)
    assert choose_sources(offer, 9, "DE", ALL) == (("wh_first", 1), ("wh_near", 2), ("wh_far", 3), (LOOSE, 3))
    assert choose_sources(replace(offer, placed=6), 4, "DE", ALL) == ((LOOSE, 4),)


def test_places_that_have_nothing_are_not_named() -> None:
    assert choose_sources(placed(near=2, far=0, first=1), 3, "DE", ALL) == (("wh_first", 1), ("wh_near", 2))


def test_a_place_that_is_closed_or_unknown_gives_last_of_all_places() -> None:
    closed = (NEAR, FAR, replace(FIRST, is_active=False))
    assert choose_sources(placed(near=2, far=2, first=2), 2, "DE", closed) == (("wh_near", 2),)
    assert choose_sources(placed(near=2, far=2, first=2), 2, "DE", (FAR,)) == (("wh_far", 2),)
    assert choose_sources(placed(first=2), 2, "DE", closed) == (("wh_first", 2),), "it is sold all the same"
    assert choose_sources(placed(near=2, first=2), 2, "DE", ()) == (("wh_first", 2),)


def test_pickup_takes_from_that_place_or_nowhere() -> None:
    offer = placed(near=2, far=5, first=5, loose=5, later=back(5))
    assert choose_sources(offer, 2, "DE", ALL, pickup="wh_near") == (("wh_near", 2),)
    for place, units in (("wh_near", 3), ("wh_far", 1), ("wh_none", 1)):
        with pytest.raises(OutOfStock):
            choose_sources(offer, units, "DE", ALL, pickup=place)
    with pytest.raises(OutOfStock) as closed:
        choose_sources(offer, 1, "DE", (replace(NEAR, is_active=False),), pickup="wh_near")
    assert closed.value.extra["available"] == 0
    with pytest.raises(OutOfStock):
        choose_sources(PLAIN, 11, "DE", (replace(NEAR, id="wh_new"),), pickup="wh_new")


def test_what_is_not_there_comes_later() -> None:
    offer = replace(PLAIN, later=back(5))
    assert choose_sources(offer, 12, "DE", ()) == ((LOOSE, 10), (LATER_SOURCE, 2))
    assert choose_sources(placed(near=1, later=back(5)), 3, "DE", ALL) == (("wh_near", 1), (LATER_SOURCE, 2))
    assert choose_sources(replace(offer, available=0), 5, "DE", ()) == ((LATER_SOURCE, 5),)
    with pytest.raises(OutOfStock) as short:
        choose_sources(replace(offer, available=1), 7, "DE", ())
    assert short.value.extra == {"sku": "LAMP", "available": 6}
    with pytest.raises(OutOfStock, match="fewer than 16 of LAMP"):
        choose_sources(offer, 16, "DE", ())


def test_a_preorder_is_sold_from_what_comes_until_its_day_and_from_what_is_there_after_it() -> None:
    offer = replace(PLAIN, later=back(5, kind=PREORDER))
    assert choose_sources(offer, 2, "DE", ()) == ((LATER_SOURCE, 2),)
    with pytest.raises(OutOfStock):
        choose_sources(offer, 6, "DE", ())
    out = replace(offer, later=back(5, "2026-11-22", PREORDER))
    assert choose_sources(out, 2, "DE", ()) == ((LOOSE, 2),)
    with pytest.raises(OutOfStock):
        choose_sources(out, 11, "DE", ())


@pytest.mark.parametrize(
    ("later", "sellable", "begins"),
    [
        (None, 0, ""),
        (back(3), 3, "2026-12-24"),
        (back(3, "2026-11-22"), 3, ""),
        (back(0), 0, ""),
        (back(3, kind=PREORDER), 3, "2026-12-24"),
        (back(3, "2026-11-21", PREORDER), 0, ""),
        (back(3, kind=CLOSED), 0, ""),
    ],
)
def test_the_public_learns_how_many_can_be_had_and_from_when(later: Later | None, sellable: int, begins: str) -> None:
    offer = replace(PLAIN, available=0, later=later)
    told = {"inStock": sellable > 0, "available": sellable} | ({"availableFrom": begins} if begins else {})
    assert (offer.sellable, offer.available_from(), public_offer(offer)) == (sellable, begins, told)


def test_only_what_is_not_there_has_a_day() -> None:
    offer = replace(PLAIN, available=2, elsewhere=1, later=back(3))
    assert [offer.available_from(units) for units in (1, 3, 4)] == ["", "", "2026-12-24"]
    assert offer.sellable == 6
    ahead = replace(offer, later=back(3, kind=PREORDER))
    assert (ahead.sellable, ahead.available_from(1)) == (3, "2026-12-24")
    assert (replace(PLAIN, elsewhere=3).sellable, PLAIN.available_from(99)) == (13, "")


@pytest.mark.parametrize(
    ("told", "handling", "sourced"),
    [
        ({}, set(), False),
        ({"places": {"wh_near": Shelf()}}, {PLACES}, True),
        ({"shards": 1}, {SHARDS}, True),
        ({"later": back(1)}, {LATER}, False),
        ({"later": back(1, kind=PREORDER)}, {LATER}, True),
        ({"reorder_point": 0}, {WATCH}, False),
    ],
)
def test_an_offer_tells_what_it_asks_of_those_who_sell_it(
    told: dict[str, object], handling: set[str], sourced: bool
) -> None:
    offer = replace(PLAIN, **told)  # type: ignore[arg-type]
    assert (offer.handling, offer.sourced) == (handling, sourced)


def test_sources_are_counted_by_where_they_are() -> None:
    sources = (("wh_near", 2), (LOOSE, 3), (LATER_SOURCE, 4))
    assert (there(sources), in_places(sources)) == (5, [("wh_near", 2)])
    assert [units_of(sources, place) for place in ("wh_near", LOOSE, LATER_SOURCE, "wh_far")] == [2, 3, 4, 0]
