"""What the stock's fragments ask of the table, word by word, and what they say when it refuses.

What the conditions do under load is proved on both engines by the tests beside this one.
"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from inventory import contract
from inventory.contract import (
    LimitChanged,
    NotOnSale,
    Offer,
    OutOfStock,
    PriceChanged,
    PurchaseLimit,
    PurchaseLimitReached,
    SkuTaken,
    StockElsewhere,
    UnitsMoved,
    by_sku,
    change_offer,
    commit,
    count_purchase,
    hold,
    new_offer,
    out_of_stock,
    public_stock,
    read_offer,
    release,
    restock,
    uncount_purchase,
)
from market import clock
from market.errors import Conflict, NotFound
from market.money import Money
from tests.fragments import refusal, words

pytestmark = pytest.mark.contract("7.1", "7.2", "7.3")

PRICE = Money(4_900, "EUR")
LAMP = Offer(
    sku="LAMP",
    product_id="prd_1",
    vendor_id="ven_ada",
    title="Lamp",
    price=PRICE,
    slug="lamp",
    image="lamp.jpg",
    category="home>lamps",
    available=10,
)
STORED: dict[str, Any] = {
    "pk": "STK#LAMP",
    "sk": "-",
    "product_id": "prd_1",
    "vendor_id": "ven_ada",
    "title": "Lamp",
    "price": 4_900,
    "currency": "EUR",
    "active": True,
    "slug": "lamp",
    "image": "lamp.jpg",
    "category": "home>lamps",
    "available": 10,
    "held": 0,
    "started_with": 10,
    "by1pk": "STV#ven_ada",
    "by1sk": "LAMP",
}
LIMIT = PurchaseLimit(3, 30)
LIMITED = STORED | {"max_per_customer": 3, "limit_days": 30}
MONTH = 30 * 86_400
MOVED = "The stock of LAMP is being moved. Please try again."


def test_a_new_offer_is_put_once_with_nothing_held() -> None:
    write = new_offer(LAMP)
    assert words(write).item == STORED
    assert words(write).when == "attribute_not_exists(pk)"
    taken = refusal(write, STORED)
    assert isinstance(taken, SkuTaken)
    assert (taken.detail, taken.extra) == ("SKU LAMP is taken.", {"sku": "LAMP"})


def test_an_offer_is_read_as_it_was_put() -> None:
    assert read_offer(STORED) == replace(LAMP, started_with=10)
    assert read_offer(STORED | {"held": 2, "active": False}).held == 2
    assert not read_offer(STORED | {"active": False}).active
    assert read_offer(LIMITED).limit == LIMIT
    older = {name: value for name, value in STORED.items() if name != "category"}
    assert read_offer(older).category == ""


def test_a_changed_offer_keeps_its_stock_its_limit_and_its_vendor() -> None:
    write = change_offer(LAMP)
    said = words(write)
    assert (said.action, said.key) == ("Update", ("STK#LAMP", "-"))
    assert said.does == (
        "SET title = :title, price = :price, currency = :currency, active = :active, slug = :slug, image = :image, "
        "category = :category REMOVE tax_category, weight_grams, size_mm, brand"
    )
    assert said.when == "vendor_id = :vendor"
    assert said.values == {
        ":title": "Lamp",
        ":price": 4_900,
        ":currency": "EUR",
        ":active": True,
        ":slug": "lamp",
        ":image": "lamp.jpg",
        ":category": "home>lamps",
        ":vendor": "ven_ada",
    }
    gone = refusal(write, None)
    assert isinstance(gone, NotFound)
    assert gone.detail == "There is no SKU LAMP."


def test_an_offer_says_what_decides_on_tax_postage_and_promotions_if_somebody_told() -> None:
    heavy = replace(LAMP, tax_category="reduced", weight_grams=900, size_mm=(300, 200, 100), brand="Lumen")
    told = {"tax_category": "reduced", "weight_grams": 900, "size_mm": [300, 200, 100], "brand": "Lumen"}
    put = words(new_offer(heavy)).item
    assert {name: put[name] for name in ("tax_category", "weight_grams", "brand")} == {
        "tax_category": "reduced",
        "weight_grams": 900,
        "brand": "Lumen",
    }
    assert [side["N"] for side in put["size_mm"]] == ["300", "200", "100"]
    assert read_offer(STORED | told) == replace(heavy, started_with=10)
    said = words(change_offer(heavy))
    assert said.does.endswith("size_mm = :size_mm, brand = :brand, tax_category = :tax_category")
    assert [said.values[f":{name}"] for name in ("tax_category", "weight_grams", "brand")] == ["reduced", 900, "Lumen"]


@pytest.mark.parametrize("available", [0, 7])
def test_stock_that_is_counted_anew_replaces_what_is_available_and_remembers_by_how_much(available: int) -> None:
    write = change_offer(LAMP, available=available)
    said = words(write)
    assert (
        "category = :category, unlisted_out = if_not_exists(unlisted_out, :none) + available, "
        "unlisted_in = if_not_exists(unlisted_in, :none) + :available, available = :available REMOVE"
    ) in said.does
    assert (said.values[":available"], said.values[":none"]) == (available, 0)
    assert said.when == (
        "vendor_id = :vendor AND (attribute_not_exists(placed) OR placed <= :available) "
        "AND attribute_not_exists(shards)"
    )
    elsewhere = refusal(write, STORED | {"placed": 8})
    assert isinstance(elsewhere, StockElsewhere)
    assert elsewhere.detail == "LAMP lies in warehouses or on shards."
    assert elsewhere.extra == {"sku": "LAMP", "placed": 8}
    assert refusal(write, STORED | {"shards": 1}).extra["placed"] == 0
    assert isinstance(refusal(write, STORED | {"vendor_id": "ven_bob"}), NotFound)
    assert read_offer(STORED | {"unlisted_in": 9, "unlisted_out": 4}).unlisted == 5


def test_a_hold_moves_units_only_at_the_price_and_limit_that_the_cart_says() -> None:
    said = words(hold("LAMP", 2, PRICE))
    assert (said.action, said.key) == ("Update", ("STK#LAMP", "-"))
    assert said.does == "SET available = available - :wanted, held = held + :wanted"
    assert said.when == (
        "available >= :wanted AND price = :price AND currency = :currency AND active = :yes"
        " AND attribute_not_exists(max_per_customer) AND attribute_not_exists(sourced)"
    )
    assert said.values == {":wanted": 2, ":price": 4_900, ":currency": "EUR", ":yes": True}


def test_a_hold_under_a_limit_makes_sure_of_the_limit() -> None:
    said = words(hold("LAMP", 2, PRICE, LIMIT))
    limited = " AND max_per_customer = :limit AND limit_days = :days AND attribute_not_exists(sourced)"
    assert said.when.endswith(limited)
    assert (said.values[":limit"], said.values[":days"], said.values[":wanted"]) == (3, 30, 2)


@pytest.mark.parametrize(
    ("found", "limit", "kind", "detail", "extra"),
    [
        (None, None, NotOnSale, "LAMP is not on sale.", {"sku": "LAMP"}),
        (STORED | {"active": False}, None, NotOnSale, "LAMP is not on sale.", {"sku": "LAMP"}),
        (
            STORED | {"price": 5_000},
            None,
            PriceChanged,
            "LAMP now costs 50.00 EUR.",
            {"sku": "LAMP", "price": {"amount": 5_000, "currency": "EUR"}},
        ),
        (LIMITED, None, LimitChanged, "A customer may now buy 3 of LAMP.", {"sku": "LAMP", "limit": 3}),
        (STORED, LIMIT, LimitChanged, "LAMP is no longer limited.", {"sku": "LAMP"}),
        (STORED | {"available": 1}, None, OutOfStock, "Only 1 of LAMP left.", {"sku": "LAMP", "available": 1}),
        (STORED, None, UnitsMoved, MOVED, {"sku": "LAMP"}),
        (STORED | {"available": 2, "sourced": True}, None, UnitsMoved, MOVED, {"sku": "LAMP"}),
        (STORED | {"available": 0, "shards": 2}, None, UnitsMoved, MOVED, {"sku": "LAMP"}),
    ],
)
def test_a_refused_hold_says_the_first_thing_that_is_wrong(
    found: dict[str, Any] | None, limit: PurchaseLimit | None, kind: type, detail: str, extra: dict[str, Any]
) -> None:
    said = refusal(hold("LAMP", 2, PRICE, limit), found)
    assert type(said) is kind
    assert (said.detail, said.extra) == (detail, extra)


def test_a_refusal_tells_no_more_of_the_stock_than_everybody_may_know() -> None:
    assert out_of_stock("LAMP", 9, 12).extra == {"sku": "LAMP", "available": 9}
    many = out_of_stock("LAMP", 10, 12)
    assert (many.detail, many.extra) == ("There are fewer than 12 of LAMP.", {"sku": "LAMP", "available": 10})
    assert out_of_stock("LAMP", 11, 12).extra["available"] == 10
    assert refusal(hold("LAMP", 11, PRICE), STORED).detail == "There are fewer than 11 of LAMP."
    assert public_stock(0) == {"inStock": False, "available": 0}
    assert public_stock(1) == {"inStock": True, "available": 1}
    assert public_stock(11) == {"inStock": True, "available": 10}


@pytest.mark.parametrize(
    ("write", "does", "when", "values"),
    [
        (
            commit,
            "SET held = held - :u2, unlisted_out = if_not_exists(unlisted_out, :none) + :u2",
            "held >= :u2",
            {":u2": 2, ":none": 0},
        ),
        (release, "SET held = held - :u2, available = available + :u2", "held >= :u2", {":u2": 2}),
        (
            restock,
            "SET available = available + :u2, unlisted_in = if_not_exists(unlisted_in, :none) + :u2",
            "attribute_exists(pk)",
            {":u2": 2, ":none": 0},
        ),
    ],
)
def test_the_end_of_a_hold_moves_what_is_held_and_no_more(write: Any, does: str, when: str, values: Any) -> None:
    said = words(write("LAMP", 2))
    assert (said.action, said.key, said.does, said.when, said.values) == (
        "Update",
        ("STK#LAMP", "-"),
        does,
        when,
        values,
    )


@pytest.mark.parametrize("write", [commit, release])
def test_units_that_are_not_held_cannot_be_sold_or_released(write: Any) -> None:
    said = refusal(write("LAMP", 2), STORED)
    assert isinstance(said, Conflict)
    assert said.detail == "LAMP holds fewer than 2."


def test_nothing_is_restocked_that_is_not_there() -> None:
    said = refusal(restock("LAMP", 2), None)
    assert isinstance(said, NotFound)
    assert said.detail == "There is no SKU LAMP."


def at(seconds: int) -> Any:
    return clock.running_on(lambda: datetime.fromtimestamp(seconds, UTC))


def test_a_period_follows_the_other_since_1970() -> None:
    with at(MONTH - 1):
        assert LIMIT.period == "30.0"
    with at(2 * MONTH):
        assert LIMIT.period == "30.2"
    assert PurchaseLimit(3).period == ""


def test_a_purchase_is_counted_only_while_there_is_room() -> None:
    said = words(count_purchase("LAMP", "ada", 2, LIMIT, "30.1"))
    assert said.key == ("STL#LAMP", "ada#30.1")
    assert said.does == "SET units = if_not_exists(units, :none) + :bought, expires_at = :end"
    assert said.when == "attribute_not_exists(units) OR units <= :room"
    assert said.values == {":none": 0, ":bought": 2, ":room": 1, ":end": 2 * MONTH + 2 * 86_400}


def test_a_limit_for_ever_is_counted_for_ever() -> None:
    said = words(count_purchase("LAMP", "ada", 3, PurchaseLimit(3), ""))
    assert said.key == ("STL#LAMP", "ada")
    assert said.does == "SET units = if_not_exists(units, :none) + :bought"
    assert said.when == "attribute_not_exists(units) OR units <= :room"
    assert said.values == {":none": 0, ":bought": 3, ":room": 0}


def test_more_than_the_limit_is_refused_even_where_nothing_was_bought() -> None:
    assert words(count_purchase("LAMP", "ada", 4, LIMIT, "30.1")).when == "units <= :room"


@pytest.mark.parametrize(
    ("limit", "found", "allowed", "detail"),
    [
        (LIMIT, None, 3, "A customer may buy 3 of LAMP in 30 days, you 3 more."),
        (LIMIT, {"units": 2}, 1, "A customer may buy 3 of LAMP in 30 days, you 1 more."),
        (PurchaseLimit(3), {"units": 5}, 0, "A customer may buy 3 of LAMP, you 0 more."),
    ],
)
def test_a_refused_purchase_says_how_many_are_left_for_this_customer(
    limit: PurchaseLimit, found: dict[str, int] | None, allowed: int, detail: str
) -> None:
    said = refusal(count_purchase("LAMP", "ada", 4, limit, "30.1" if limit.days else ""), found)
    assert isinstance(said, PurchaseLimitReached)
    assert (said.detail, said.extra) == (detail, {"sku": "LAMP", "limit": 3, "allowed": allowed})
    assert contract.limit_reached("LAMP", PurchaseLimit(3)).extra["allowed"] == 3


def test_what_came_to_nothing_is_uncounted_while_its_period_lasts() -> None:
    with at(2 * MONTH - 1):
        (write,) = uncount_purchase("LAMP", "ada", 2, "30.1")
    said = words(write)
    assert said.key == ("STL#LAMP", "ada#30.1")
    assert said.does == "SET units = if_not_exists(units, :back) - :back"
    assert said.when == "attribute_not_exists(units) OR units >= :back"
    assert said.values == {":back": 2}
    assert refusal(write, None).detail == "Fewer than 2 of LAMP are counted."
    with at(2 * MONTH):
        assert uncount_purchase("LAMP", "ada", 2, "30.1") == ()
    (for_ever,) = uncount_purchase("LAMP", "ada", 2, "")
    assert words(for_ever).key == ("STL#LAMP", "ada")


def test_units_of_one_sku_are_added_up() -> None:
    assert by_sku([("LAMP", 2), ("CHAIR", 1), ("LAMP", 3)]) == {"LAMP": 5, "CHAIR": 1}
