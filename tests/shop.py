"""A shop floor for tests: offers on the shelf, customers with carts, orders, and the outside books to compare with."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar
from uuid import uuid4

import orjson

from cart.api import handler as cart_api
from inventory import moves
from inventory import store as inventory
from inventory.contract import MANIFEST as INVENTORY
from inventory.contract import Offer, PurchaseLimit, change_offer, new_offer, read_offer, stock_key
from market import clock, config
from market.guard.audit import RECORDED
from market.money import Money
from market.table import Table
from orders.api import handler as orders_api
from tests.http import Response, call
from vendors.manifest import MANIFEST as VENDORS

T = TypeVar("T")
ADDRESS = {
    "name": "Ada Lovelace",
    "line1": "12 St James's Sq",
    "city": "London",
    "postalCode": "SW1Y 4JH",
    "country": "GB",
}
_stock = Table(INVENTORY, VENDORS)


def in_turn(*acts: Callable[[], T]) -> list[T]:
    """What comes of each, a second apart: numbers of orders tell hundredths of one, and chance what is at once."""
    found, now = list[T](), clock.now()
    for second, act in enumerate(acts):
        with clock.running_on(lambda later=timedelta(seconds=second): now + later):  # type: ignore[misc]
            found.append(act())
    return found


def euros(cents: int) -> Money:
    return Money(cents, "EUR")


def stock(
    sku: str, available: int = 10, *, price: Money | None = None, vendor: str = "ven_lights", category: str = ""
) -> None:
    """Put a SKU on the shelf."""
    offer = Offer(
        sku=sku,
        product_id=f"prd_{sku}",
        vendor_id=vendor,
        title=f"A {sku.lower()}",
        price=price or euros(1999),
        category=category,
        available=available,
    )
    _stock.transact(new_offer(offer))


def reprice(sku: str, price: Money | None = None, *, active: bool = True) -> None:
    """Change what a SKU costs, or take it off sale."""
    item = _stock.get(stock_key(sku), consistent=True)
    assert item is not None
    offer = read_offer(item)
    _stock.transact(change_offer(replace(offer, price=price or offer.price, active=active)))


def recount(sku: str, to: int, vendor: str = "ven_lights") -> None:
    """The vendor counts what is on sale."""
    inventory.change(sku, vendor, lambda offer: moves.counted(offer, to, "", None, moves.Who(by=vendor)))


def ration(sku: str, units: int, vendor: str = "ven_lights") -> None:
    """The vendor lets each customer buy only so many."""
    inventory.change(sku, vendor, lambda offer: moves.limited(offer, PurchaseLimit(units)))


def shelf(sku: str) -> tuple[int, int]:
    """(available, held) of a SKU."""
    item = _stock.get(stock_key(sku), consistent=True)
    assert item is not None
    offer = read_offer(item)
    return offer.available, offer.held


def fill(customer: str, *lines: tuple[str, int]) -> dict[str, Any]:
    """Put lines into the customer's cart; the cart as answered last."""
    answer: Response | None = None
    for sku, quantity in lines:
        answer = call(cart_api, "POST", "/v1/cart/items", {"sku": sku, "quantity": quantity}, caller=customer)
        assert answer.status == 201, answer
    assert answer is not None
    return dict(answer.json)


def set_quantity(customer: str, sku: str, quantity: int) -> None:
    answer = call(cart_api, "PATCH", f"/v1/cart/items/{sku}", {"quantity": quantity}, caller=customer)
    assert answer.status == 200, answer


def apply_coupon(customer: str, code: str) -> dict[str, Any]:
    answer = call(cart_api, "POST", "/v1/cart/apply-coupon", {"code": code}, caller=customer)
    assert answer.status == 200, answer
    return dict(answer.json)


def summary(customer: str, method: str = "standard", **wish: Any) -> dict[str, Any]:
    body = {"shippingMethod": method} | wish
    answer = call(orders_api, "POST", "/v1/checkout/summary", body, caller=customer)
    assert answer.status == 200, answer
    return dict(answer.json)


def order_body(summary: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "cartVersion": summary["cartVersion"],
        "expectedTotal": summary["total"],
        "shippingAddress": ADDRESS,
        "shippingMethod": "standard",
    } | changes


def place(customer: str, body: dict[str, Any], key: str | None = None) -> Response:
    headers = {"idempotency-key": key or uuid4().hex}
    return call(orders_api, "POST", "/v1/orders", body, caller=customer, headers=headers)


def buy(customer: str, *lines: tuple[str, int], key: str | None = None) -> Response:
    """Fill the cart and order it."""
    fill(customer, *lines)
    return place(customer, order_body(summary(customer)), key)


def order_of(customer: str, number: str) -> dict[str, Any]:
    answer = call(orders_api, "GET", f"/v1/orders/{number}", caller=customer)
    assert answer.status == 200, answer
    return dict(answer.json)


@contextmanager
def dynamodb_calls() -> Iterator[list[str]]:
    """The operations that are called meanwhile."""
    calls: list[str] = []
    events = config.client("dynamodb").meta.events

    def note(model: Any, **_: Any) -> None:
        calls.append(model.name)

    events.register("provide-client-params.dynamodb", note, unique_id="count-calls")
    yield calls
    events.unregister("provide-client-params.dynamodb", unique_id="count-calls")


def announced() -> list[dict[str, Any]]:
    """Every envelope in the outbox but audit records, oldest first."""
    envelopes: list[dict[str, Any]] = []
    for shard in range(8):
        page = config.client("dynamodb").query(
            TableName=config.setting("TABLE_NAME"),
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": f"OUTBOX#{shard}"}},
        )
        envelopes += [orjson.loads(item["envelope"]["S"]) for item in page["Items"] if item["type"]["S"] != RECORDED]
    return sorted(envelopes, key=lambda envelope: str(envelope["eventId"]))


def types(envelopes: Iterable[dict[str, Any]]) -> list[str]:
    return [envelope["type"] for envelope in envelopes]
