"""Import: repeatable, row by row, a product whole or not at all."""

from pathlib import Path
from typing import Any

import pytest

from catalog import store
from market import config
from market.table import Busy
from media.contract import keep_picture, picture_name
from tests.services.catalog.conftest import ADA, BOB, Market, row
from tests.services.catalog.test_products import events, items
from tests.services.flags.published import publishing

pytestmark = pytest.mark.contract("5.5")


def results(report: Any) -> list[str]:
    return [outcome["result"] for outcome in report["rows"]]


def writes() -> list[str]:
    """Names of the writing calls from now on."""
    seen: list[str] = []

    def note(model: Any, **_: Any) -> None:
        if model.name not in ("GetItem", "BatchGetItem", "Query"):
            seen.append(model.name)

    config.client("dynamodb").meta.events.register("before-call.dynamodb.*", note)
    return seen


def test_an_import_creates_products_on_sale(market: Market) -> None:
    report = market.import_rows([row(n) for n in range(100)])

    assert report["created"] == 100
    assert [outcome["row"] for outcome in report["rows"]] == list(range(100))
    assert len(market.titles("category=home&limit=100")) == 100
    assert len(events("product.created")) == 100
    page = market.anyone("GET", "/v1/products/lamp-no-42").json
    assert (page["variants"][0]["sku"], page["variants"][0]["available"]) == ("ROW-42", 5)


def test_a_repeated_import_writes_nothing(market: Market) -> None:
    rows = [row(n) for n in range(20)]
    market.import_rows(rows)
    before, seen = items(), writes()

    report = market.import_rows(rows)

    assert report["unchanged"] == 20
    assert seen == ["TransactWriteItems"], "the record that it was asked for"
    assert items() == before


def test_a_picture_that_others_keep_writing_refuses_no_row(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    """All rows of a shop may name one size chart. Nothing is wrong with them: the batch is to come again."""
    chart = picture_name(b"sizes", "png")
    store.claim([keep_picture(chart)])
    rows = [row(n, images=[{"url": f"/media/{chart}"}]) for n in range(3)]

    def busy(*_: Any) -> None:
        raise Busy("Others kept writing.")

    with monkeypatch.context() as crowd:
        crowd.setattr(store, "claim", busy)
        answer = market.vendor("POST", f"/v1/vendors/{ADA}/products/import", {"rows": rows})
        assert (answer.status, answer.json["code"], events("product.created")) == (503, "busy", [])

    assert results(market.import_rows(rows)) == ["created"] * 3


def test_a_batch_of_new_products_takes_few_calls(market: Market) -> None:
    calls: list[str] = []
    config.client("dynamodb").meta.events.register(
        "before-call.dynamodb.*", lambda model, **_: calls.append(model.name)
    )

    market.import_rows([row(n) for n in range(100)])

    assert len(calls) <= 18, "for 100 products, with their audit"


def test_changed_rows_are_applied_and_others_left_alone(market: Market) -> None:
    market.import_rows([row(n) for n in range(3)])
    dearer = row(1, variants=[{"sku": "ROW-1", "price": {"amount": 9900, "currency": "EUR"}, "stock": 5}])

    report = market.import_rows([row(0), dearer, row(2, title="Another name")])

    assert results(report) == ["unchanged", "updated", "updated"]
    assert market.anyone("GET", "/v1/products/lamp-no-1").json["variants"][0]["price"]["amount"] == 9900
    assert market.anyone("GET", "/v1/products/lamp-no-2").json["title"] == "Another name"
    assert len(events("product.price.updated")) == 1


def test_stock_is_set_only_when_the_row_states_another_figure(market: Market) -> None:
    from inventory import store

    market.import_rows([row(1)])
    market.sold("ROW-1", left=2)

    market.import_rows([row(1, title="Renamed")])
    assert store.get("ROW-1", vendor_id=ADA).available == 2

    recounted = row(1, title="Renamed")
    recounted["variants"][0]["stock"] = 40
    assert results(market.import_rows([recounted])) == ["updated"]
    assert store.get("ROW-1", vendor_id=ADA).available == 40


def test_an_edit_by_hand_survives_the_same_import_but_not_a_changed_row(market: Market) -> None:
    product = market.import_rows([row(1)])["rows"][0]["productId"]
    path = f"/v1/vendors/{ADA}/products/{product}"
    market.vendor("PATCH", path, {"title": "By hand"})

    assert results(market.import_rows([row(1)])) == ["unchanged"]
    assert market.vendor("GET", path).json["title"] == "By hand"
    assert results(market.import_rows([row(1, brand="Brightly")])) == ["updated"]
    assert market.vendor("GET", path).json["title"] == "Lamp no. 1"


def test_wrong_rows_are_named_and_do_not_keep_the_others_out(market: Market) -> None:
    market.create()
    rows = [
        row(0),
        row(1, title=""),
        row(2, category="home>attic"),
        row(3, variants=[{"sku": "LAMP-1", "price": {"amount": 1, "currency": "EUR"}}]),
        row(0, title="Again"),
        {"externalId": "ext-5"},
        row(6, colour="red"),
        row(7, variants=[{"sku": "ROW-0", "price": {"amount": 1, "currency": "EUR"}}]),
        row(8, variants=[{"sku": "ROW-8", "price": {"amount": -1, "currency": "EUR"}}]),
        row(9),
    ]

    report = market.import_rows(rows)

    assert (report["created"], report["rejected"]) == (2, 8)
    codes = [outcome.get("code") for outcome in report["rows"]]
    assert codes == [
        None, "validation_error", "unknown_category", "sku_taken", "repeated_row",
        "validation_error", "validation_error", "repeated_row", "validation_error", None,
    ]  # fmt: skip
    assert report["rows"][1]["reason"].startswith("title:")
    assert all(outcome["reason"] for outcome in report["rows"] if outcome["result"] == "rejected")
    assert sorted(market.titles("category=home")) == ["Brass lamp", "Lamp no. 0", "Lamp no. 9"]


def test_products_of_the_same_name_get_slugs_of_their_own(market: Market) -> None:
    report = market.import_rows([row(n, title="Lamp") for n in range(5)])
    again = market.import_rows([row(n, title="Lamp", variants=row(n + 90)["variants"]) for n in range(90, 92)])

    assert (report["created"], again["created"]) == (5, 2)


def test_a_slug_that_was_taken_in_between_is_replaced(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    from catalog import store

    market.import_rows([row(1)], BOB)
    monkeypatch.setattr(store, "slugs_in_use", lambda slugs: set())

    report = market.import_rows([row(1, variants=row(2)["variants"]), row(3)])

    assert results(report) == ["created", "created"]


def test_the_same_external_id_of_two_vendors_is_two_products(market: Market) -> None:
    first = market.import_rows([row(1)])
    second = market.import_rows([row(1, variants=row(2)["variants"])], BOB)

    assert first["rows"][0]["productId"] != second["rows"][0]["productId"]


@pytest.mark.parametrize("rows", [[], [5], "x", None, [{}] * 101])
def test_a_batch_that_is_none_is_refused(market: Market, rows: Any) -> None:
    answer = market.vendor("POST", f"/v1/vendors/{ADA}/products/import", {"rows": rows})

    assert answer.status == 422


def test_only_the_vendor_imports_and_only_while_it_may_sell(market: Market) -> None:
    path = f"/v1/vendors/{ADA}/products/import"
    assert market.vendor("POST", path, {"rows": [row(1)]}, vendor_id=BOB).status == 404
    assert market.anyone("POST", path, {"rows": [row(1)]}).status == 401
    market.add_vendor(ADA, "suspended")

    assert market.vendor("POST", path, {"rows": [row(1)]}).json["code"] == "vendor_not_active"


def test_the_same_batch_twice_at_once_makes_each_product_once(market: Market) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: market.import_rows([row(n) for n in range(10)]), range(4)))

    assert len(market.titles("category=home")) == 10
    assert len(events("product.created")) == 10


def test_a_switched_off_bulk_upload_takes_nothing_but_from_those_who_keep_it(
    market: Market, environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with publishing(environment, tmp_path) as published:
        condition = {"action": "KEY_IN_VALUE", "key": "vendor", "value": [BOB]}
        rule = {"when_match": True, "conditions": [condition]}
        published.says({"bulk-upload": {"default": False, "rules": {"1": rule}}})

        path, rows = f"/v1/vendors/{ADA}/products/import", {"rows": [row(1)]}
        refused = market.vendor("POST", path, rows)
        assert (refused.status, refused.json["code"]) == (403, "bulk_upload_off")
        assert market.titles() == []
        assert market.import_rows([row(1)], vendor_id=BOB)["created"] == 1
