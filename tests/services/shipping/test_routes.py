"""The routes of shipping, as customers, vendors, staff and everybody use them."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from inventory.contract import MANIFEST as INVENTORY
from inventory.contract import Offer, new_offer
from market.http import new_guest
from market.money import Money
from market.table import Table
from shipping.api import handler
from shipping.contract import PLATFORM
from tests import shop
from tests.http import Response, call
from tests.services.shipping.shelves import body, exchange
from vendors.manifest import MANIFEST as VENDORS

pytestmark = [pytest.mark.usefixtures("database", "time"), pytest.mark.contract("13.2")]

POTS, LAMPS = "ven_pots", "ven_lamps"
PAIR = [POTS, LAMPS]


def put_table(sent: dict[str, Any], vendor: str = POTS, **more: Any) -> Response:
    return call(
        handler, "PUT", f"/v1/vendors/{vendor}/shipping", sent, caller="usr_v", roles="vendor", vendor_id=vendor, **more
    )


def table_of(vendor: str = POTS) -> Response:
    return call(handler, "GET", f"/v1/vendors/{vendor}/shipping", caller="usr_v", roles="vendor", vendor_id=vendor)


def sold(sku: str, vendor: str = POTS, *, grams: int = 1_500, category: str = "standard", cents: int = 1_999) -> None:
    offer = Offer(
        sku=sku, product_id=f"prd_{sku}", vendor_id=vendor, title=sku, price=Money(cents, "EUR"), available=99,
        tax_category=category, weight_grams=grams, size_mm=(200, 150, 100) if grams else (),
    )  # fmt: skip
    Table(INVENTORY, VENDORS).transact(new_offer(offer))


def rates(country: str = "DE", *, caller: str = "ada", **more: Any) -> Response:
    return call(handler, "POST", "/v1/shipping/rates", {"country": country} | more, caller=caller)


def prices_of(answer: Response) -> dict[str, dict[str, int]]:
    assert answer.status == 200, answer
    return {
        vendor["vendorId"]: {option["method"]: option["price"]["amount"] for option in vendor["options"]}
        for vendor in answer.json["vendors"]
    }


def test_without_any_table_each_vendors_parcel_costs_the_flat_price() -> None:
    sold("POT")
    sold("LAMP", LAMPS)
    cart = shop.fill("ada", ("POT", 1), ("LAMP", 2))
    answer = rates()
    assert prices_of(answer) == {vendor: {"standard": 490, "express": 1_290} for vendor in PAIR}
    assert answer.json["cartVersion"] == cart["version"]


def test_a_vendors_table_counts_for_its_parcel_only() -> None:
    sold("POT")
    sold("LAMP", LAMPS)
    shop.fill("ada", ("POT", 2), ("LAMP", 1))
    assert put_table(body()).status == 200
    assert prices_of(rates()) == {POTS: {"standard": 1_399, "pickup": 0}, LAMPS: {"standard": 490, "express": 1_290}}


def test_options_say_when_it_arrives_and_from_when_on_it_is_free() -> None:
    sold("POT")
    shop.fill("ada", ("POT", 1))
    put_table(body())
    standard, pickup = rates(postalCode="10115").json["vendors"][0]["options"]
    assert (standard["earliest"], standard["latest"]) == ("2026-11-19", "2026-11-23")
    assert standard["freeFrom"] == {"amount": 5_000, "currency": "EUR"}
    assert pickup["freeBecause"] == "pickup"
    shop.fill("ada", ("POT", 2))
    assert rates().json["vendors"][0]["options"][0]["freeBecause"] == "threshold"


@pytest.mark.parametrize(
    ("country", "more", "reason"),
    [("AF", {}, "excluded"), ("US", {"region": "CA"}, "no_rate"), ("US", {"region": "NY"}, None)],
)
def test_where_it_is_not_sent_the_answer_says_why(country: str, more: dict[str, str], reason: str | None) -> None:
    sold("POT")
    shop.fill("ada", ("POT", 1))
    put_table(body())
    (vendor,) = rates(country, **more).json["vendors"]
    assert vendor.get("reason") == reason
    assert bool(vendor["options"]) == (reason is None)


def test_guests_have_prices_too_and_an_empty_cart_has_none() -> None:
    headers = {"guest-token": new_guest()}
    answer = call(handler, "POST", "/v1/guest/shipping/rates", {"country": "DE"}, headers=headers)
    assert (answer.status, answer.json["vendors"]) == (200, [])
    assert call(handler, "POST", "/v1/shipping/rates", {"country": "DE"}).status == 401
    assert call(handler, "POST", "/v1/guest/shipping/rates", {"country": "DE"}).status == 401


def test_what_is_downloaded_has_nothing_to_send() -> None:
    sold("SONG", grams=0, category="digital")
    shop.fill("ada", ("SONG", 1))
    (vendor,) = rates().json["vendors"]
    assert [(o["method"], o["price"]["amount"], o["freeBecause"]) for o in vendor["options"]] == [
        ("none", 0, "nothing_to_send")
    ]


def test_a_table_in_euro_is_shown_in_yen_and_dinars_where_there_is_a_rate() -> None:
    sold("POT")
    shop.fill("ada", ("POT", 1))
    put_table(body())
    exchange(JPY="160", KWD="0.33")
    assert prices_of(rates(currency="JPY"))[POTS] == {"standard": 798, "pickup": 0}, "4.99 * 160 = 798.4"
    assert prices_of(rates(currency="KWD"))[POTS] == {"standard": 1_647, "pickup": 0}, "4.99 * 0.33 = 1.6467"
    assert rates(currency="USD").json["code"] == "no_rate"


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"country": "Germany"},
        {"country": "DE", "postalCode": "<script>"},
        {"country": "DE", "postalCode": "1" * 99},
        {"country": "DE", "city": "x\ny"},
        {"country": "DE", "currency": "XYZ"},
        {"country": "DE", "extra": 1},
        {"country": "DE", "region": "*"},
    ],
)
def test_hostile_destinations_are_refused(sent: dict[str, Any]) -> None:
    assert call(handler, "POST", "/v1/shipping/rates", sent, caller="ada").status == 422


def test_a_table_is_changed_only_as_it_was_read() -> None:
    first = put_table(body())
    assert (first.status, first.json["version"], first.headers["etag"]) == (200, 1, '"1"')
    assert put_table(body() | {"defaultGrams": 900}, headers={"if-match": '"1"'}).json["version"] == 2
    assert put_table(body(), headers={"if-match": '"1"'}).status == 412
    found = table_of()
    assert (found.json["defaultGrams"], found.json["scope"], found.headers["etag"]) == (900, POTS, '"2"')
    assert found.json["holidaysUntil"] == "2028-12-31"
    assert found.json["updatedBy"] == "usr_v"


def test_of_two_who_change_it_at_once_one_has_to_read_again() -> None:
    put_table(body())
    drafts = [body() | {"defaultGrams": grams} for grams in range(100, 108)]
    with ThreadPoolExecutor(8) as editors:
        answers = list(editors.map(lambda draft: put_table(draft, headers={"if-match": '"1"'}), drafts))
    assert sorted(answer.status for answer in answers) == [200] + [412] * 7
    (won,) = [draft for draft, answer in zip(drafts, answers, strict=True) if answer.status == 200]
    assert (table_of().json["defaultGrams"], table_of().json["version"]) == (won["defaultGrams"], 2)


def test_a_vendor_without_a_table_sees_the_one_that_counts() -> None:
    assert (table_of().json["scope"], table_of().json["version"]) == ("default", 0)
    sent = body() | {"methods": body()["methods"][:1]}
    answer = call(handler, "PUT", "/v1/admin/shipping", sent, caller="grace", roles="staff")
    assert (answer.status, answer.json["scope"]) == (200, PLATFORM)
    assert (table_of().json["scope"], table_of().headers["etag"]) == (PLATFORM, '"0"')
    shown = call(handler, "GET", "/v1/admin/shipping", caller="grace", roles="staff")
    assert (shown.json["version"], shown.headers["etag"]) == (1, '"1"')
    sold("POT")
    shop.fill("ada", ("POT", 1))
    assert prices_of(rates())[POTS] == {"standard": 499}


def test_a_dropped_table_gives_way_and_its_versions_go_on() -> None:
    put_table(body())
    path = f"/v1/vendors/{POTS}/shipping"
    whose = {"caller": "usr_v", "roles": "vendor", "vendor_id": POTS}
    assert call(handler, "DELETE", path, headers={"if-match": '"7"'}, **whose).status == 412
    for _ in range(2):
        assert call(handler, "DELETE", path, **whose).status == 204
    assert (table_of().json["scope"], table_of().headers["etag"]) == ("default", '"2"')
    assert put_table(body(), headers={"if-match": '"1"'}).status == 412, "that was another table"
    assert put_table(body(), headers={"if-match": '"2"'}).json["version"] == 3


def test_a_table_that_makes_no_sense_names_the_fields() -> None:
    sent = body()
    sent["methods"][0]["rates"][0]["zone"] = "mars"
    answer = put_table(sent)
    assert (answer.status, answer.json["errors"][0]["field"]) == (422, "body.methods.0.rates.0.zone")
    assert put_table(body() | {"zones": []}).status == 422
    assert table_of().json["version"] == 0


def test_vendors_have_their_own_tables_and_nobody_elses() -> None:
    path = f"/v1/vendors/{POTS}/shipping"
    assert call(handler, "GET", path, caller="usr_l", roles="vendor", vendor_id=LAMPS).status == 404
    assert call(handler, "PUT", path, body(), caller="usr_l", roles="vendor", vendor_id=LAMPS).status == 404
    assert (
        call(handler, "PUT", "/v1/admin/shipping", body(), caller="usr_v", roles="vendor", vendor_id=POTS).status == 403
    )
    assert call(handler, "GET", path, caller="grace", roles="staff").status == 200


def test_a_preview_prices_an_imagined_parcel_by_a_draft_without_saving_it() -> None:
    question = {
        "destination": {"country": "DE", "postalCode": "10115"},
        "parcel": {"units": 2, "weightGrams": 40_000, "subtotal": {"amount": 1_000, "currency": "EUR"}},
    }
    path, whose = f"/v1/vendors/{POTS}/shipping/preview", {"caller": "usr_v", "roles": "vendor", "vendor_id": POTS}
    by_default = call(handler, "POST", path, question, **whose)
    assert [option["price"]["amount"] for option in by_default.json["options"]] == [490, 1_290]
    answer = call(handler, "POST", path, question | {"table": body()}, **whose)
    standard = answer.json["options"][0]
    assert (standard["price"]["amount"], standard["parcels"]) == (2_798, 2)
    elsewhere = question | {"table": body(), "destination": {"country": "US", "region": "CA"}}
    refused = call(handler, "POST", path, elsewhere, **whose).json
    assert refused["refused"] == [
        {"method": "standard", "reason": "no_rate"},
        {"method": "pickup", "reason": "pickup_abroad"},
    ]
    wrong = body() | {"free": [{"threshold": 1, "zones": ["mars"]}]}
    assert call(handler, "POST", path, question | {"table": wrong}, **whose).status == 422
    assert table_of().json["version"] == 0


def test_everybody_may_know_where_a_vendor_sends_to() -> None:
    put_table(body())
    path = f"/v1/vendors/{POTS}/shipping/zones"
    whole = call(handler, "GET", path)
    assert "max-age" in whole.headers["cache-control"]
    assert [zone["zone"] for zone in whole.json["zones"]] == ["de", "islands", "us", "world", "never"]
    assert (whole.json["restOfWorld"], whole.json["pickup"]) == (True, True)
    assert "shipsThere" not in whole.json
    assert "Hamburg" not in whole.body, "not where it is sent from"
    assert call(handler, "GET", path, query={"country": "AF"}).json["shipsThere"] is False
    island = call(handler, "GET", path, query={"country": "DE", "postalCode": "25846"}).json
    assert [zone["zone"] for zone in island["zones"]] == ["islands"]
    assert call(handler, "GET", path, query={"country": "DE"}).json["zones"][0]["methods"] == [
        {
            "method": "standard", "name": "Standard", "carrier": "DHL", "minDays": 1, "maxDays": 2,
            "freeFrom": {"amount": 5_000, "currency": "EUR"},
        }
    ]  # fmt: skip
    unknown = call(handler, "GET", f"/v1/vendors/ven_{uuid4().hex[:8]}/shipping/zones").json
    assert unknown["zones"][0]["zone"] == "world"
