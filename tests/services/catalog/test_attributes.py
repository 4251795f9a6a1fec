"""Attributes of categories, inherited by the branches below; names in other languages; suggestions while typing."""

import json
from typing import Any

import pytest

from market import config
from tests.services.catalog.conftest import Market, lamp, row, variant

pytestmark = pytest.mark.contract("5.3")
SOCKET = {"name": "socket", "type": "choice", "choices": ["E14", "E27"], "required": True}
POWER = {"name": "power", "type": "number", "unit": "W"}
DIMMABLE = {"name": "dimmable", "type": "yes_no"}
GOOD = {"socket": "E27", "power": "60 W", "dimmable": "no"}


@pytest.fixture
def lamps(market: Market) -> Market:
    """A market where lamps must tell their socket, and desk lamps their colour too."""
    ids = {path: id_ for path, id_ in _ids(market)}
    body = {"attributes": [SOCKET, POWER, DIMMABLE]}
    assert market.staff("PATCH", f"/v1/admin/categories/{ids['home>lamps']}", body).status == 200
    more = {"attributes": [{"name": "colour", "required": True}]}
    market.staff("PATCH", f"/v1/admin/categories/{ids['home>lamps>desk-lamps']}", more)
    return market


def _ids(market: Market, branches: Any = None) -> Any:
    for branch in branches if branches is not None else market.anyone("GET", "/v1/categories").json["items"]:
        yield branch["path"], branch["id"]
        yield from _ids(market, branch["children"])


def test_a_category_tells_what_it_wants_to_know_with_all_it_inherits(lamps: Market) -> None:
    (branch,) = lamps.anyone("GET", "/v1/categories?category=home>lamps>desk-lamps").json["items"]

    assert [entry["name"] for entry in branch["attributes"]] == ["socket", "power", "dimmable", "colour"]
    assert branch["attributes"][0]["choices"] == ["E14", "E27"]
    assert lamps.anyone("GET", "/v1/categories?category=garden").json["items"][0]["attributes"] == []
    assert lamps.anyone("GET", "/v1/categories?category=attic").json["code"] == "unknown_category"


def test_what_goes_on_sale_says_what_its_category_requires(lamps: Market) -> None:
    refused = lamps.create(category="home>lamps>desk-lamps", attributes={"power": "many"})

    assert (refused.status, refused.json["code"]) == (422, "attributes_unfit")
    assert [(error["field"], error["code"]) for error in refused.json["errors"]] == [
        ("body.attributes.socket", "missing"),
        ("body.attributes.power", "number_expected"),
        ("body.attributes.colour", "missing"),
    ]
    good = GOOD | {"colour": "brass", "maker's mark": "a kettle"}
    assert lamps.create(category="home>lamps>desk-lamps", attributes=good).status == 201


@pytest.mark.parametrize(
    ("attributes", "wrong"),
    [
        (GOOD, ""),
        (GOOD | {"power": "60"}, ""),
        (GOOD | {"power": "-0.5"}, ""),
        (GOOD | {"power": "60 kg"}, "power"),
        (GOOD | {"power": "1e9"}, "power"),
        (GOOD | {"socket": "e27"}, "socket"),
        (GOOD | {"dimmable": "maybe"}, "dimmable"),
        ({"socket": "E14"}, ""),
        ({}, "socket"),
    ],
)
def test_values_are_of_their_type(lamps: Market, attributes: dict[str, str], wrong: str) -> None:
    answer = lamps.create(attributes=attributes)

    assert answer.status == (422 if wrong else 201)
    if wrong:
        assert answer.json["errors"][0]["field"] == f"body.attributes.{wrong}"


def test_a_draft_may_be_incomplete_until_it_is_put_forward(lamps: Market) -> None:
    made = lamps.create(status="draft").json

    assert lamps.vendor("POST", f"{lamps.path(made)}/submission", {}).json["code"] == "attributes_unfit"
    lamps.change(made, {"attributes": GOOD})
    assert lamps.vendor("POST", f"{lamps.path(made)}/submission", {}).json["state"] == "active"


def test_a_category_that_begins_to_want_more_stops_no_price_change(market: Market) -> None:
    made = market.create().json
    category = dict(_ids(market))["home>lamps"]
    market.staff("PATCH", f"/v1/admin/categories/{category}", {"attributes": [SOCKET]})

    assert market.change(made, {"variants": [variant("LAMP-1", 4800)]}).status == 200
    assert market.change(made, {"attributes": {"a": "b"}}).json["code"] == "attributes_unfit"
    assert market.change(made, {"attributes": {"socket": "E14"}}).status == 200


@pytest.mark.contract("5.5")
def test_a_row_of_an_import_says_what_its_category_requires(lamps: Market) -> None:
    rows = [row(1, category="home>lamps", attributes=GOOD), row(2, category="home>lamps"), row(3)]

    report = lamps.import_rows(rows)

    assert [outcome.get("code") for outcome in report["rows"]] == [None, "attributes_unfit", None]


@pytest.mark.parametrize(
    "attribute",
    [
        {"name": "a", "type": "choice"},
        {"name": "a", "type": "text", "choices": ["x"]},
        {"name": "a", "type": "text", "unit": "W"},
        {"name": "", "type": "text"},
        {"name": "a", "type": "colour"},
    ],
)
def test_an_attribute_that_is_not_whole_is_refused(market: Market, attribute: dict[str, Any]) -> None:
    body = {"name": "Attic", "attributes": [attribute]}

    assert market.staff("POST", "/v1/admin/categories", body).json["code"] == "validation_error"


@pytest.mark.contract("5.7")
def test_categories_have_names_in_other_languages(market: Market) -> None:
    ids = dict(_ids(market))
    market.staff("PATCH", f"/v1/admin/categories/{ids['home']}", {"names": {"de": "Zuhause", "fr": "Maison"}})
    market.staff("PATCH", f"/v1/admin/categories/{ids['home>lamps']}", {"names": {"de": "Lampen"}})

    def names(**options: Any) -> tuple[str, str]:
        answer = market.anyone("GET", **options)
        home = next(branch for branch in answer.json["items"] if branch["path"] == "home")
        return home["name"], home["children"][0]["name"]

    assert names(path="/v1/categories") == ("Home", "Lamps")
    assert names(path="/v1/categories?lang=de") == ("Zuhause", "Lampen")
    header = {"accept-language": "es, fr-CA;q=0.9, de;q=0.5"}
    assert names(path="/v1/categories", headers=header) == ("Maison", "Lamps")
    told = market.anyone("GET", "/v1/categories?lang=de-AT")
    assert (told.headers["content-language"], told.headers["vary"]) == ("de", "accept-language")
    market.staff("PATCH", f"/v1/admin/categories/{ids['home']}", {"names": {"de": ""}})
    assert names(path="/v1/categories?lang=de") == ("Home", "Lampen")


@pytest.mark.contract("5.7")
def test_a_product_is_told_in_the_language_of_its_reader(market: Market) -> None:
    told = {"de": {"title": "Messinglampe", "description": "Warm"}, "bn": {"title": "পিতলের বাতি"}}
    market.create(description="It glows", translations=told)

    def page(query: str = "", language: str = "") -> Any:
        headers = {"accept-language": language} if language else {}
        return market.anyone("GET", f"/v1/products/brass-lamp{query}", headers=headers)

    plain = page().json
    assert (plain["title"], plain["languages"], "language" in plain) == ("Brass lamp", ["bn", "de"], False)
    german = page(language="de-AT,en;q=0.5")
    assert (german.json["title"], german.json["description"], german.json["language"]) == ("Messinglampe", "Warm", "de")
    assert (german.headers["content-language"], german.headers["vary"]) == ("de", "accept-language")
    bengali = page("?lang=bn", "de").json
    assert (bengali["title"], bengali["description"], bengali["seo"]["title"]) == ("পিতলের বাতি", "", "পিতলের বাতি")
    assert page("?lang=fr").json["title"] == "Brass lamp"
    listed = market.anyone("GET", "/v1/products?category=home&lang=de").json["items"][0]
    assert listed["title"] == "Messinglampe"
    assert page("?lang=German").status == 422


def test_too_many_long_translations_are_refused(market: Market) -> None:
    long = {f"{letter}a": {"title": "x", "description": "ü" * 10_000} for letter in "abcdefghij"}

    body = json.dumps(lamp(translations=long), ensure_ascii=False)

    assert market.vendor("POST", "/v1/vendors/ven_ada/products", body).json["code"] == "product_too_large"


def test_words_are_suggested_by_their_beginning_with_one_query_at_most(market: Market) -> None:
    market.create(tags=["Warm light", "Brass", "Handmade"])
    market.create(title="Other", tags=["warmth"], variants=[variant("B")])
    market.create(title="Draft", tags=["warlock"], status="draft", variants=[variant("C")])
    for slug, name in (("brightly", "Brightly"), ("brass-and-co", "Brass & Co")):
        assert market.staff("PUT", f"/v1/admin/brands/{slug}", {"name": name, "logo": "/logo.svg"}).status == 200

    def suggested(kind: str, prefix: str) -> list[str]:
        calls: list[str] = []
        client = config.client("dynamodb")
        note = lambda model, **_: calls.append(model.name)  # noqa: E731
        client.meta.events.register("before-call.dynamodb.*", note)
        items = market.anyone("GET", "/v1/suggestions", query={"kind": kind, "prefix": prefix}).json["items"]
        client.meta.events.unregister("before-call.dynamodb.*", note)
        assert calls in ([], ["Query"])
        return [item["value"] for item in items]

    assert suggested("tags", "WAR") == ["Warm light", "warmth"]
    assert suggested("tags", "h") == ["Handmade"]
    assert suggested("tags", "zz") == []
    assert suggested("brands", "br") == ["Brass & Co", "Brightly"]
    assert suggested("categories", "la") == ["home>lamps", "home>lamps>desk-lamps"]
    assert suggested("categories", "desk") == ["home>lamps>desk-lamps"]
    assert market.anyone("GET", "/v1/suggestions?kind=people&prefix=a").status == 422
    assert market.anyone("GET", "/v1/suggestions?kind=tags&prefix=").status == 422
