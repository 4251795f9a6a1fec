"""What the tests of orders share: people, what the checkout and the bus would do, and what is left of it."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import orjson

from market import config
from market.http import new_guest
from orders.api import handler as api
from orders.consumer import handler as consumer
from orders.contract import id_of
from orders.staff_api import handler as staff_api
from orders.store import NotPending as NotPending
from orders.tasks import handler as tasks
from tests import shop
from tests.http import Response, call
from tests.services.outbox import announced

GERMAN = shop.ADDRESS | {"city": "Berlin", "postalCode": "10115", "country": "DE"}
STAFF: dict[str, Any] = {"caller": "sam", "roles": "customer staff"}
_MACHINE = {"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}


def seller(vendor: str) -> dict[str, Any]:
    return {"caller": f"owner-of-{vendor}", "roles": "customer vendor", "vendor_id": vendor}


def two_vendors() -> None:
    """LAMP of ven_lights for 20 euros, CHAIR of ven_wood for 80, ten of each."""
    shop.stock("LAMP", 10, price=shop.euros(2000), vendor="ven_lights")
    shop.stock("CHAIR", 10, price=shop.euros(8000), vendor="ven_wood")


def placed(customer: str = "ada", *lines: tuple[str, int], **changes: Any) -> dict[str, Any]:
    """An order of a LAMP and a CHAIR, or of these lines, that awaits its payment."""
    shop.fill(customer, *(lines or (("LAMP", 1), ("CHAIR", 1))))
    answer = shop.place(customer, shop.order_body(shop.summary(customer), **changes))
    assert answer.status == 201, answer
    return dict(answer.json)


def paid(customer: str = "ada", *lines: tuple[str, int], **changes: Any) -> dict[str, Any]:
    """The same, confirmed after its payment, and heard of."""
    order = placed(customer, *lines, **changes)
    confirm(customer, order)
    hear_all()
    return order


def confirm(customer: str, order: dict[str, Any], fee: int = 100) -> None:
    """What the checkout does when the money is captured."""
    captured = {"amount": order["total"], "fee": order["total"] | {"amount": fee}, "provider": "sandbox"}
    tasks({"task": "confirm", "input": {"customerId": customer, "orderId": order["id"], "captured": captured}})


def give_up(customer: str, order: dict[str, Any], error: str = "NotPaidInTime") -> str:
    given = {"customerId": customer, "orderId": order["id"], "failure": {"Error": error}}
    return str(tasks({"task": "give_up", "input": given})["status"])


def hear(envelopes: Iterable[dict[str, Any]]) -> None:
    """Let orders hear of what they listen to, in this order."""
    for envelope in envelopes:
        record = {
            "messageId": envelope["eventId"],
            "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:orders-events",
            "body": orjson.dumps({"detail": envelope}).decode(),
        }
        assert consumer({"Records": [record]}) == {"batchItemFailures": []}


HEARD = ("order.created", "order.paid", "order.cancelled", "order.part_cancelled")


def news(kind: str = "") -> list[dict[str, Any]]:
    """What was announced that orders hear themselves, or all of one kind, oldest first."""
    return [envelope for envelope in announced() if envelope["type"] in ((kind,) if kind else HEARD)]


def hear_all() -> None:
    hear(news())


def make_machine() -> str:
    """The checkout's state machine, which does nothing here but be started; its ARN."""
    made = config.client("stepfunctions").create_state_machine(
        name="checkout", definition=orjson.dumps(_MACHINE).decode(), roleArn="arn:aws:iam::123456789012:role/checkout"
    )
    return str(made["stateMachineArn"])


def at_once(*doings: Callable[[], Response]) -> list[Response]:
    """Let several people do something in the same moment."""
    with ThreadPoolExecutor(len(doings)) as crowd:
        return [answer.result() for answer in [crowd.submit(doing) for doing in doings]]


def show(number: str, **who: Any) -> Response:
    return call(api, "GET", f"/v1/orders/{number}", **(who or {"caller": "ada"}))


def show_staff(number: str) -> dict[str, Any]:
    answer = call(staff_api, "GET", f"/v1/admin/orders/{number}", **STAFF)
    assert answer.status == 200, answer
    return dict(answer.json)


def cancel(number: str, vendor: str = "", **who: Any) -> Response:
    part = f"/parts/{vendor}" if vendor else ""
    return call(api, "POST", f"/v1/orders/{number}{part}/cancellation", **(who or {"caller": "ada"}))


def cancel_by_vendor(number: str, vendor: str) -> Response:
    path = f"/v1/vendors/{vendor}/orders/{number}/cancellation"
    return call(staff_api, "POST", path, {"reason": "broken in the store"}, **seller(vendor))


def cancel_by_staff(number: str, **wish: Any) -> Response:
    path = f"/v1/admin/orders/{number}/cancellation"
    return call(staff_api, "POST", path, {"reason": "asked for by phone"} | wish, **STAFF)


def vendor_order(number: str, vendor: str) -> Response:
    return call(staff_api, "GET", f"/v1/vendors/{vendor}/orders/{number}", **seller(vendor))


class Guest:
    """Somebody without an account, with a token."""

    def __init__(self) -> None:
        self.token = new_guest()

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Response:
        from cart.api import handler as cart

        handler = cart if path.startswith("/v1/guest/cart") else api
        return call(handler, method, path, body, headers={"guest-token": self.token} | headers)

    def place(self, *lines: tuple[str, int], key: str = "", **changes: Any) -> Response:
        """Fill the cart and order it, writing to guest@example.com."""
        for sku, quantity in lines:
            added = self.call("POST", "/v1/guest/cart/items", {"sku": sku, "quantity": quantity})
            assert added.status == 201, added
        seen = self.call("POST", "/v1/guest/checkout/summary", {})
        assert seen.status == 200, seen
        body = shop.order_body(seen.json, email="Guest@Example.com", **changes)
        return self.call("POST", "/v1/guest/orders", body, **{"idempotency-key": key or uuid4().hex})

    @property
    def id(self) -> str:
        return self.token.partition(".")[0]


def guest_order(guest: Guest, *lines: tuple[str, int]) -> dict[str, Any]:
    answer = guest.place(*(lines or (("LAMP", 1),)))
    assert answer.status == 201, answer
    assert id_of(answer.json["orderNo"]) == answer.json["id"]
    return dict(answer.json)
