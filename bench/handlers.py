"""CPU of a warm handler call, our own and botocore's, without HTTP and database.

Measured as process time in this process while the embedded database answers in another; the least mean of three rounds.
"""

import time
import uuid
from collections.abc import Callable

from local.harness import marketplace
from market import config
from tests import shop
from tests.http import request

CALLS, ROUNDS = 200, 3


def main() -> None:
    """Print milliseconds per call and per DynamoDB call."""
    with marketplace(sockets=False):
        shop.stock("LAMP", 10**6)
        shop.stock("CHAIR", 10**6, vendor="ven_wood")
        print(f"  {'one DynamoDB GetItem':<28} {_cpu(_get):6.2f} ms")
        for name, work in (("product list of 20", _list), ("cart add", _add), ("place an order", _place)):
            print(f"  {name:<28} {_cpu(work):6.2f} ms")


def _cpu(work: Callable[[int], Callable[[], object]]) -> float:
    best = float("inf")
    for _ in range(ROUNDS):
        ready = [work(number) for number in range(CALLS)]
        began = time.process_time()
        for call in ready:
            call()
        best = min(best, (time.process_time() - began) / CALLS * 1000)
    return best


def _get(_: int) -> Callable[[], object]:
    client, table = config.client("dynamodb"), config.setting("TABLE_NAME")
    return lambda: client.get_item(TableName=table, Key={"pk": {"S": "STK#LAMP"}, "sk": {"S": "-"}})


def _list(_: int) -> Callable[[], object]:
    from catalog.api import handler

    event = request("GET", "/v1/products", query={"limit": 20})
    return lambda: handler(event, None)


def _add(number: int) -> Callable[[], object]:
    from cart.api import handler

    event = request("POST", "/v1/cart/items", {"sku": "LAMP", "quantity": 1}, caller=f"cpu-{number}-{uuid.uuid4().hex}")
    return lambda: handler(event, None)


def _place(number: int) -> Callable[[], object]:
    from orders.api import handler

    customer = f"cpu-{number}-{uuid.uuid4().hex}"
    shop.fill(customer, ("LAMP", 2), ("CHAIR", 1))
    body = shop.order_body(shop.summary(customer))
    event = request("POST", "/v1/orders", body, caller=customer, headers={"idempotency-key": uuid.uuid4().hex})
    return lambda: handler(event, None)


if __name__ == "__main__":
    main()
