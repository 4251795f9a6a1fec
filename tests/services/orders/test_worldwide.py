"""Orders in other currencies, with taxes on top, and what all of that takes to read and to store."""

import pytest

from market import clock, config
from orders.contract import order_key
from prices.contract import Entry, Rate, Rates
from promotions.model import Percent
from tests import shop
from tests.books_of_money import journals_of, sums_of
from tests.services.orders import floor, setup
from tests.services.promotions import maker

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.contract("8.1", "11.1", "11.4", "13.1")]

CALIFORNIAN = shop.ADDRESS | {"country": "US", "state": "CA", "postalCode": "90210", "city": "Beverly Hills"}


def test_goods_are_sold_in_the_currency_that_the_customer_saw() -> None:
    floor.two_vendors()
    setup.exchange(Rates(rates={"USD": Rate("1.25", clock.timestamp()[:10], "ecb")}, fee_basis_points=200))
    shop.fill("ada", ("LAMP", 2))
    seen = shop.summary("ada", currency="USD")
    assert (seen["currency"], seen["subtotal"]["amount"], seen["shipping"]["amount"]) == ("USD", 5_100, 490)
    order = shop.place("ada", shop.order_body(seen)).json
    assert order["lines"][0]["basePrice"] == {"amount": 2_000, "currency": "EUR"}
    assert (order["exchange"]["rate"], order["exchange"]["feePercent"]) == ("1.25", "2")
    floor.confirm("ada", order)
    sums = sums_of(journals_of([order["id"]])[order["id"]])
    assert sums["provider:sandbox", "USD"] == 5_590 - 100
    assert sum(sums.values()) == 0


def test_without_a_rate_nothing_is_sold_in_another_currency() -> None:
    floor.two_vendors()
    shop.fill("ada", ("LAMP", 1))
    body = shop.order_body(shop.summary("ada"), expectedTotal={"amount": 2_490, "currency": "USD"})
    refused = shop.place("ada", body)
    assert (refused.status, refused.json["code"]) == (409, "no_rate")


@pytest.mark.parametrize(("collector", "booked"), [("platform", -181), ("vendor", 0)])
def test_a_sales_tax_is_charged_on_top_and_booked_where_it_is_owed(collector: str, booked: int) -> None:
    floor.two_vendors()
    setup.registered("US", collector)
    shop.fill("ada", ("LAMP", 1))
    seen = shop.summary("ada", shippingAddress=CALIFORNIAN)
    assert seen["taxAdded"] == seen["tax"]
    assert (seen["tax"]["amount"], seen["total"]["amount"]) == (145 + 36, 2_490 + 181)
    assert (seen["lines"][0]["taxRate"], seen["lines"][0]["taxAdded"], seen["taxJurisdiction"]) == (
        "7.25",
        True,
        "US-CA",
    )
    order = shop.place("ada", shop.order_body(seen, shippingAddress=CALIFORNIAN)).json
    floor.confirm("ada", order)
    sums = sums_of(journals_of([order["id"]])[order["id"]])
    assert sums["tax:US-CA", "EUR"] == booked
    assert sums["vendor:ven_lights", "EUR"] == -(2_490 - 200 + 181 + booked)


def test_a_list_price_counts_when_it_is_ordered() -> None:
    floor.two_vendors()
    setup.listed("LAMP", Entry(list_id="three", price=shop.euros(1_500), min_quantity=3))
    order = floor.placed("ada", ("LAMP", 3))
    (lamp,) = order["lines"]
    assert (lamp["unitPrice"]["amount"], lamp["priceList"], lamp["basePrice"]["amount"]) == (1_500, "three", 2_000)


def test_an_address_that_costs_another_tax_than_was_seen_is_refused() -> None:
    floor.two_vendors()
    setup.registered("US")
    shop.fill("ada", ("LAMP", 1))
    refused = shop.place("ada", shop.order_body(shop.summary("ada"), shippingAddress=CALIFORNIAN))
    assert (refused.status, refused.json["code"], refused.json["total"]["amount"]) == (409, "price_changed", 2_671)


def test_every_cent_of_the_summary_is_explained() -> None:
    floor.two_vendors()
    setup.running(maker.promotion("prm_ten", Percent(basis_points=1_000)))
    shop.fill("ada", ("LAMP", 2), ("CHAIR", 1))
    seen = shop.summary("ada")
    assert sum(step["amount"]["amount"] for step in seen["steps"] if not step["inside"]) == seen["total"]["amount"]
    assert {step["kind"] for step in seen["steps"]} == {"base", "promotion", "subsidy", "shipping"}
    chosen = [way for parcel in seen["parcels"] for way in parcel["options"] if way["chosen"]]
    assert [way["method"] for way in chosen] == ["standard", "standard"]


@pytest.mark.parametrize(("lines", "vendors"), [(1, 1), (50, 10)])
def test_everything_that_a_price_depends_on_is_read_in_one_call(
    environment: pytest.MonkeyPatch, lines: int, vendors: int
) -> None:
    for number in range(lines):
        shop.stock(f"SKU-{number}", 3, vendor=f"ven_{number % vendors}")
    setup.coupon("SPRING", maker.promotion("prm_1", Percent(basis_points=500), needs_code=True, uses=9))
    setup.running(maker.promotion("prm_2", Percent(basis_points=500), per_customer=3))
    shop.fill("ada", *((f"SKU-{number}", 1) for number in range(lines)))
    assert shop.apply_coupon("ada", "SPRING")["coupons"] == ["SPRING"]
    environment.setenv("ACCESS_CACHE_SECONDS", "30")
    body = shop.order_body(shop.summary("ada"))
    with shop.dynamodb_calls() as seen:
        shop.summary("ada")
    with shop.dynamodb_calls() as calls:
        assert shop.place("ada", body).status == 201
    assert seen[:1] == ["GetItem"]
    assert calls == ["GetItem", "BatchGetItem", "TransactWriteItems"]


def test_an_order_of_three_lines_is_small() -> None:
    """What is written for a line is what is not as usual: an order that fits 1 KB costs half at each change."""
    for number in range(3):
        shop.stock(f"SKU-{number}", 3)
    order = floor.placed("ada", *((f"SKU-{number}", 2) for number in range(3)))
    key = order_key("ada", order["id"])
    item = config.client("dynamodb").get_item(
        TableName=config.setting("TABLE_NAME"), Key={"pk": {"S": key.pk}, "sk": {"S": key.sk}}
    )["Item"]
    size = sum(len(name) + len(str(next(iter(value.values())))) for name, value in item.items())
    assert size <= 1_024
