"""The category tree."""

import pytest

from market import config
from tests.services.catalog.conftest import ADA, Market

pytestmark = pytest.mark.contract("5.3")


def branches(market: Market) -> dict[str, list[str]]:
    top = market.anyone("GET", "/v1/categories").json["items"]
    return {branch["path"]: [child["path"] for child in branch["children"]] for branch in top}


def test_categories_are_shown_as_a_tree(market: Market) -> None:
    assert branches(market) == {"garden": [], "home": ["home>lamps"]}


def test_the_tree_is_read_from_memory_for_some_seconds(market: Market) -> None:
    calls: list[str] = []
    config.client("dynamodb").meta.events.register(
        "before-call.dynamodb.*", lambda model, **_: calls.append(model.name)
    )

    for _ in range(5):
        assert market.anyone("GET", "/v1/categories").headers["cache-control"] == "public, max-age=30"

    assert calls == []


def test_categories_are_renamed_ordered_hidden_and_shown_again(market: Market) -> None:
    garden = next(c for c in market.anyone("GET", "/v1/categories").json["items"] if c["path"] == "garden")
    path = f"/v1/admin/categories/{garden['id']}"

    assert market.staff("PATCH", path, {"name": "Outdoors", "isActive": False}).json["name"] == "Outdoors"
    assert branches(market) == {"home": ["home>lamps"]}
    assert market.create(category="garden").json["code"] == "unknown_category"
    assert market.anyone("GET", "/v1/products?category=garden").status == 422
    assert '"Outdoors"' in market.staff("GET", "/v1/admin/categories").body

    market.staff("PATCH", path, {"isActive": True})
    assert list(branches(market)) == ["home", "garden"]


def test_a_hidden_category_hides_all_below_it(market: Market) -> None:
    home = next(c for c in market.anyone("GET", "/v1/categories").json["items"] if c["path"] == "home")
    market.staff("PATCH", f"/v1/admin/categories/{home['id']}", {"isActive": False})

    assert branches(market) == {"garden": []}
    assert market.create().json["code"] == "unknown_category"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"name": "Lamps", "parent": "home"}, 409, "category_exists"),
        ({"name": "X", "parent": "attic"}, 422, "unknown_category"),
        ({"name": "X", "parent": "home>lamps>desk-lamps>x"}, 422, "unknown_category"),
        ({"name": "বাতি"}, 422, "validation_error"),
        ({"name": ""}, 422, "validation_error"),
        ({"name": "X", "sortOrder": -1}, 422, "validation_error"),
        ({"name": "X", "path": "x"}, 422, "validation_error"),
        ({}, 422, "validation_error"),
    ],
)
def test_a_category_that_is_not_in_order_is_refused(market: Market, body: object, status: int, code: str) -> None:
    answer = market.staff("POST", "/v1/admin/categories", body)

    assert (answer.status, answer.json["code"]) == (status, code)


def test_a_name_in_another_script_takes_a_slug(market: Market) -> None:
    assert market.staff("POST", "/v1/admin/categories", {"name": "বাতি", "slug": "bati"}).json["path"] == "bati"


def test_the_tree_is_four_levels_deep(market: Market) -> None:
    market.staff("POST", "/v1/admin/categories", {"name": "Brass", "parent": "home>lamps>desk-lamps"})

    answer = market.staff("POST", "/v1/admin/categories", {"name": "X", "parent": "home>lamps>desk-lamps>brass"})

    assert answer.json["code"] == "too_many_categories"


def test_only_staff_change_categories(market: Market) -> None:
    assert market.vendor("POST", "/v1/admin/categories", {"name": "Mine"}).status == 403
    assert market.anyone("POST", "/v1/admin/categories", {"name": "Mine"}).status == 401
    assert market.staff("PATCH", "/v1/admin/categories/cat_none", {"name": "X"}).status == 404
    assert market.create(ADA).status == 201
