"""What is frozen and booked at the sale: amounts, tax and commission, where the order came from."""

from dataclasses import replace
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from identity.contract import MANIFEST as IDENTITY
from identity.contract import user_key
from inventory.contract import MANIFEST as INVENTORY
from inventory.contract import Offer, change_offer, new_offer
from ledger.api import handler as ledger_api
from ledger.contract import MANIFEST as LEDGER
from ledger.contract import Rule, commission_keys, compact_rules
from market import ids
from market.money import Money
from market.table import Table, put
from orders.api import handler
from orders.contract import id_of
from tests import shop
from tests.http import call
from tests.services.orders import floor
from vendors.manifest import MANIFEST as VENDORS

pytestmark = pytest.mark.usefixtures("database")


def journal(order: dict[str, Any]) -> dict[str, int]:
    """The sale's postings by account."""
    booked = call(ledger_api, "GET", f"/v1/admin/ledger/{order['id']}", **floor.STAFF).json
    (sale,) = booked["journals"]
    assert sale["name"] == "sale"
    return {posting["account"]: posting["amount"]["amount"] for posting in sale["postings"]}


def keep_of(vendor: str, *rules: Rule) -> None:
    """Set the commission rules of a vendor."""
    (_, key) = commission_keys([vendor])
    Table(LEDGER).write(put(key, {"rules": compact_rules(rules), "version": 1}))


def sold(order: dict[str, Any], sku: str) -> dict[str, Any]:
    return next(line for line in order["lines"] if line["sku"] == sku)


@pytest.mark.contract("11.4", "13.1")
def test_the_summary_explains_every_amount_line_by_line() -> None:
    floor.two_vendors()
    shop.fill("ada", ("LAMP", 2), ("CHAIR", 1))
    seen = call(handler, "POST", "/v1/checkout/summary", {"country": "DE"}, caller="ada").json
    lamp = sold(seen, "LAMP")
    assert (lamp["unitPrice"]["amount"], lamp["quantity"], lamp["total"]["amount"]) == (2000, 2, 4000)
    assert (lamp["discount"]["amount"], lamp["charge"]["amount"]) == (0, 4000)
    assert (lamp["taxRate"], lamp["tax"]["amount"]) == ("19", 639)
    lights, wood = seen["parts"]
    assert (lights["subtotal"]["amount"], lights["shipping"]["amount"], lights["total"]["amount"]) == (4000, 490, 4490)
    assert (lights["tax"]["amount"], lights["shippingTax"]["amount"]) == (639 + 78, 78)
    assert seen["tax"]["amount"] == lights["tax"]["amount"] + wood["tax"]["amount"]
    assert (seen["taxCountry"], seen["discount"]["amount"], seen["total"]["amount"]) == ("DE", 0, 12_980)


@pytest.mark.contract("11.4", "13.1")
def test_the_country_decides_on_the_tax_and_not_on_the_total() -> None:
    floor.two_vendors()
    shop.fill("ada", ("LAMP", 1))
    wishes = ({}, {"country": "LU"}, {"country": "US"}, {"country": "US", "shippingAddress": floor.GERMAN})
    seen = [call(handler, "POST", "/v1/checkout/summary", wish, caller="ada").json for wish in wishes]
    assert [summary["total"]["amount"] for summary in seen] == [2490] * 4
    assert [summary.get("taxCountry") for summary in seen] == [None, "LU", "US", "DE"]
    assert [summary["tax"]["amount"] for summary in seen] == [0, 291 + 71, 0, 319 + 78]


@pytest.mark.contract("11.4", "12.4", "12.5", "13.1")
def test_the_sale_is_booked_with_its_tax_and_nothing_is_left_over() -> None:
    floor.two_vendors()
    order = floor.placed("ada", ("LAMP", 2), ("CHAIR", 1), shippingAddress=floor.GERMAN)
    floor.confirm("ada", order, fee=207)
    lights, wood = (part["tax"]["amount"] for part in order["parts"])
    booked = journal(order)
    assert booked == {
        "provider:sandbox": 12_980 - 207,
        "provider_fees": 207,
        "vendor:ven_lights": -(4490 - lights - 400),
        "vendor:ven_wood": -(8490 - wood - 800),
        "commission": -1200,
        "tax:DE": -(lights + wood),
    }
    assert sum(booked.values()) == 0


@pytest.mark.contract("12.5")
def test_commission_follows_the_rules_of_the_day_of_sale_and_stays_as_it_was() -> None:
    shop.stock("LAMP", 9, price=shop.euros(2000), vendor="ven_lights")
    keep_of("ven_lights", Rule(vendor_id="ven_lights", basis_points=250))
    order = floor.placed("ada", ("LAMP", 1))
    keep_of("ven_lights", Rule(vendor_id="ven_lights", basis_points=5_000))
    floor.confirm("ada", order)
    assert journal(order)["commission"] == -50


@pytest.mark.contract("8.1", "12.5")
def test_the_category_of_a_line_is_that_of_the_sale() -> None:
    offer = Offer(
        sku="LAMP", product_id="prd_1", vendor_id="ven_lights", title="A lamp", price=shop.euros(1000), category="home"
    )
    table = Table(INVENTORY, VENDORS)
    table.transact(new_offer(offer))
    table.transact(change_offer(offer, available=5))
    keep_of("ven_lights", Rule(vendor_id="ven_lights", category="home", basis_points=2_000))
    order = floor.placed("ada", ("LAMP", 1))
    floor.confirm("ada", order)
    assert journal(order)["commission"] == -200


@pytest.mark.contract("12.5")
def test_yen_and_dinars_are_booked_to_their_last_unit() -> None:
    for customer, price in (("ada", Money(1_201, "JPY")), ("bob", Money(45_503, "KWD"))):
        shop.stock(f"OF-{customer}", 3, price=price)
        order = floor.placed(customer, (f"OF-{customer}", 3), shippingAddress=floor.GERMAN)
        floor.confirm(customer, order, fee=1)
        booked = journal(order)
        assert sum(booked.values()) == 0
        assert booked["tax:DE"] == -order["tax"]["amount"] < 0


@pytest.mark.contract("11.2", "12.3")
def test_a_sale_confirmed_twice_is_booked_once() -> None:
    floor.two_vendors()
    order = floor.placed()
    floor.confirm("ada", order)
    booked = journal(order)
    floor.confirm("ada", order)
    assert journal(order) == booked
    assert shop.shelf("LAMP") == (9, 0)


@pytest.mark.contract("12.8")
@pytest.mark.parametrize(
    ("edge", "viewer", "ip"),
    [
        ("", "203.0.113.7", "127.0.0.1"),
        ("edge", "198.51.100.1, 203.0.113.7, 127.0.0.1", "203.0.113.7"),
        ("edge", "2001:DB8::1, 127.0.0.1", "2001:db8::1"),
        ("edge", "unknown", None),
    ],
)
@pytest.mark.usefixtures("machine")
def test_the_order_keeps_where_it_came_from(
    environment: pytest.MonkeyPatch, edge: str, viewer: str, ip: str | None
) -> None:
    shop.stock("LAMP", 3)
    Table(replace(IDENTITY, uses=())).write(put(user_key("ada"), {"email": "ada@example.com", "name": "Ada"}))
    shop.fill("ada", ("LAMP", 1))
    body = shop.order_body(shop.summary("ada"))
    headers = {"idempotency-key": "a-key-of-ours", "user-agent": "Browser/1\t" + "x" * 99}
    headers |= {"x-forwarded-for": viewer}
    if edge:
        secret = shop.config.client("secretsmanager").create_secret(Name="edge", SecretString="shh")
        environment.setenv("ORIGIN_SECRET", secret["Name"])
        shop.config.origin_secret.cache_clear()
        headers |= {"x-origin-verify": "shh", "cloudfront-viewer-country": "DE"}
    answer = call(handler, "POST", "/v1/orders", body, caller="ada", headers=headers)
    environment.delenv("ORIGIN_SECRET", raising=False)
    shop.config.origin_secret.cache_clear()
    assert answer.status == 201, answer
    assert "203.0.113.7" not in answer.body
    assert "ada@example.com" not in answer.body
    floor.hear_all()
    origin = floor.show_staff(answer.json["orderNo"])["origin"]
    known = {"ip": ip, "country": "DE" if edge else None, "email": "ada@example.com"}
    assert origin == {name: text for name, text in known.items() if text} | {"agent": "Browser/1" + "x" * 39}


@pytest.mark.contract("11.1")
@pytest.mark.parametrize("lines", [1, 12])
def test_an_order_of_any_size_is_placed_in_three_calls(environment: pytest.MonkeyPatch, lines: int) -> None:
    for number in range(lines):
        shop.stock(f"SKU-{number}", 3, vendor=f"ven_{number % 4}")
    shop.fill("ada", *((f"SKU-{number}", 1) for number in range(lines)))
    environment.setenv("ACCESS_CACHE_SECONDS", "30")
    body = shop.order_body(shop.summary("ada"))
    with shop.dynamodb_calls() as calls:
        assert shop.place("ada", body).status == 201
    assert calls == ["GetItem", "BatchGetItem", "TransactWriteItems"], "who calls was read before"


@pytest.mark.contract("11.4")
def test_a_billing_address_of_its_own_is_kept_beside_the_shipping_address() -> None:
    floor.two_vendors()
    order = floor.placed("ada", billingAddress=shop.ADDRESS, shippingAddress=floor.GERMAN)
    shown = floor.show(order["orderNo"]).json
    assert (shown["billingAddress"]["country"], shown["shippingAddress"]["country"]) == ("GB", "DE")
    assert "billingAddress" not in floor.placed("bob")


@pytest.mark.contract("11.4")
def test_order_numbers_have_the_shops_prefix_and_cannot_be_guessed_from_the_last(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("ORDER_NO_PREFIX", "TX")
    environment.setattr(ids, "randbits", Random(11).getrandbits)
    shop.stock("LAMP", 200)
    numbers = [floor.placed("ada", ("LAMP", 1))["orderNo"] for _ in range(30)]
    assert all(number.startswith("TX-") for number in numbers)
    assert len(set(numbers)) == 30
    tails = [sum(ids.ALPHABET.index(sign) << 5 * place for place, sign in enumerate(id_of(n)[:11:-1])) for n in numbers]
    steps = [abs(later - earlier) for earlier, later in pairwise(tails)]
    assert min(steps) > 1 << 20, "40 random bits each: no step is small"
    assert len(set(steps)) == len(steps)
