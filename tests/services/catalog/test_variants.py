"""Variants: option matrices, bar codes, what decides on tax and postage."""

from typing import Any

import pytest

from catalog import gtin
from inventory.contract import MANIFEST as INVENTORY
from inventory.contract import Offer, read_offer, stock_key
from market.table import Table
from tests.services.catalog.conftest import Market, variant
from vendors.manifest import MANIFEST as VENDORS

pytestmark = pytest.mark.contract("5.2")
EUROS = {"amount": 4900, "currency": "EUR"}


def offer(sku: str) -> Offer:
    item = Table(INVENTORY, VENDORS).get(stock_key(sku), consistent=True)
    assert item is not None
    return read_offer(item)


def matrix(**changes: Any) -> dict[str, Any]:
    """A product body with a matrix that is in order but for the changes."""
    whole = {
        "options": {"colour": ["brass", "deep red"], "size": ["s", "m", "l"]},
        "skuPattern": "LAMP-{colour}-{size}",
        "price": EUROS,
        "stock": 2,
    } | changes
    return {"title": "Brass lamp", "category": "home", "status": "active", "matrix": whole}


def test_a_matrix_gives_every_combination_a_variant(market: Market) -> None:
    made = market.vendor("POST", "/v1/vendors/ven_ada/products", matrix())

    assert made.status == 201, made
    variants = made.json["variants"]
    assert [entry["sku"] for entry in variants] == [
        "LAMP-BRASS-S", "LAMP-BRASS-M", "LAMP-BRASS-L", "LAMP-DEEP-RED-S", "LAMP-DEEP-RED-M", "LAMP-DEEP-RED-L",
    ]  # fmt: skip
    assert variants[3]["options"] == {"colour": "deep red", "size": "s"}
    assert {entry["price"]["amount"] for entry in variants} == {4900}
    assert offer("LAMP-DEEP-RED-L").available == 2


def test_deviations_change_or_leave_out_what_they_fit(market: Market) -> None:
    dear = {"amount": 5900, "currency": "EUR"}
    deviations = [
        {"options": {"size": "l"}, "price": dear, "weightGrams": 900},
        {"options": {"colour": "brass", "size": "l"}, "sku": "GRAND", "stock": 9},
        {"options": {"colour": "deep red", "size": "s"}, "skip": True},
    ]
    made = market.vendor("POST", "/v1/vendors/ven_ada/products", matrix(deviations=deviations)).json["variants"]

    assert [(v["sku"], v["price"]["amount"], v.get("weightGrams")) for v in made] == [
        ("LAMP-BRASS-S", 4900, None), ("LAMP-BRASS-M", 4900, None), ("GRAND", 5900, 900),
        ("LAMP-DEEP-RED-M", 4900, None), ("LAMP-DEEP-RED-L", 5900, 900),
    ]  # fmt: skip
    assert offer("GRAND").available == 9


def test_a_matrix_may_replace_the_variants_of_a_product(market: Market) -> None:
    made = market.create().json

    changed = market.change(made, {"matrix": matrix()["matrix"]})

    assert next(v["sku"] for v in changed.json["variants"] if v["isActive"]) == "LAMP-BRASS-S"
    assert not offer("LAMP-1").active


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"skuPattern": "LAMP"}, "matrix_clash"),
        ({"skuPattern": "LAMP-{colour}"}, "matrix_clash"),
        ({"skuPattern": "LAMP-{wood}-{size}"}, "matrix_clash"),
        ({"skuPattern": "{colour}{size}" + "x" * 70}, "matrix_clash"),
        ({"skuPattern": "lamp {colour} {size}"}, "matrix_clash"),
        ({"deviations": [{"options": {"size": size}, "skip": True} for size in "sml"]}, "matrix_clash"),
        ({"options": {"n": [str(n) for n in range(30)], "m": ["1", "2"]}}, "too_many_variants"),
        ({"options": {}}, "validation_error"),
        ({"options": {"colour": []}}, "validation_error"),
        ({"compareAtPrice": EUROS}, "no_reduction"),
    ],
)
def test_a_matrix_that_does_not_work_out_is_refused(market: Market, changes: dict[str, Any], code: str) -> None:
    refused = market.vendor("POST", "/v1/vendors/ven_ada/products", matrix(**changes))

    assert (refused.status, refused.json["code"]) == (422, code)


def test_variants_come_one_by_one_or_as_a_matrix(market: Market) -> None:
    both = matrix() | {"variants": [variant("A")]}

    assert market.vendor("POST", "/v1/vendors/ven_ada/products", both).json["code"] == "validation_error"


@pytest.mark.parametrize("code", ["96385074", "036000291452", "4006381333931", "10614141000415"])
def test_a_gtin_has_the_right_check_digit(market: Market, code: str) -> None:
    wrong = code[:-1] + str((int(code[-1]) + 1) % 10)
    swapped = code[:-3] + code[-2] + code[-3] + code[-1]

    assert gtin.is_gtin(code)
    assert gtin.is_sound(code)
    assert not gtin.is_sound(wrong)
    assert code[-2] == code[-3] or not gtin.is_sound(swapped) or abs(int(code[-2]) - int(code[-3])) == 5
    assert market.create(variants=[variant("A", barcode=wrong)]).json["code"] == "validation_error"
    assert market.create(variants=[variant("A", barcode=code)]).status == 201


def test_a_barcode_of_another_kind_is_taken_as_it_is(market: Market) -> None:
    assert market.create(variants=[variant("A", barcode="12345678901")]).status == 201
    assert market.create(variants=[variant("B", barcode="SHELF-7")]).status == 201


@pytest.mark.contract("13.1", "13.2")
def test_what_is_sold_knows_its_tax_category_weight_and_size(market: Market) -> None:
    size = {"lengthMm": 300, "widthMm": 200, "heightMm": 100}
    book = variant("BOOK", taxCategory="reduced", weightGrams=400, dimensions=size)
    made = market.create(variants=[book]).json

    found = offer("BOOK")
    assert (found.tax_category, found.weight_grams, found.size_mm) == ("reduced", 400, (300, 200, 100))
    shown = market.anyone("GET", "/v1/products/brass-lamp").json["variants"][0]
    assert (shown["taxCategory"], shown["dimensions"]) == ("reduced", size)

    market.change(made, {"variants": [variant("BOOK", weightGrams=500)]})
    found = offer("BOOK")
    assert (found.tax_category, found.weight_grams, found.size_mm) == ("standard", 500, ())


@pytest.mark.parametrize(
    "more",
    [
        {"taxCategory": "luxury"},
        {"dimensions": {"lengthMm": 0, "widthMm": 1, "heightMm": 1}},
        {"dimensions": {"lengthMm": 1, "widthMm": 1}},
        {"weightGrams": -1},
    ],
)
def test_a_variant_with_impossible_measures_is_refused(market: Market, more: dict[str, Any]) -> None:
    assert market.create(variants=[variant("A", **more)]).json["code"] == "validation_error"
