"""What one order costs: DynamoDB calls and request units by phase, state transitions.

Two lines of two vendors through the real handlers and state machine, on the embedded database. Exact, not timed.
"""

from typing import Any
from urllib.parse import urlsplit

from bench.meter import Meter, Reading
from bench.wire import Wire
from local.harness import InProcess, marketplace
from tests import shop
from tests.http import call

LINES = (("LAMP", 2), ("CHAIR", 1))


def main() -> None:
    """Print the table."""
    with marketplace() as market:
        customer = market.call("GET", "/v1/me", token=market.person("ada@example.com")).json["id"]
        shop.stock("LAMP", 10, price=shop.euros(2000), vendor="ven_lights")
        shop.stock("CHAIR", 10, price=shop.euros(8000), vendor="ven_wood")
        phases, number = _buy(market, customer)
        _report(phases)
        (execution,) = market.runtime.workflows.executions()
        history = market.runtime.workflows.history(execution.arn)
        assert shop.order_of(customer, number)["status"] == "paid"
        print(f"state transitions on the happy path: {len(history)} ({' → '.join(history)})")


def _buy(market: InProcess, customer: str) -> tuple[dict[str, Reading], str]:
    meter = Meter()
    phases: dict[str, Reading] = {}
    with meter.reading() as phases["fill the cart (2 requests)"]:
        shop.fill(customer, *LINES)
    with meter.reading() as phases["checkout summary"]:
        summary = shop.summary(customer)
    with meter.reading() as phases["place the order"]:
        number = str(shop.place(customer, shop.order_body(summary)).json["orderNo"])
    with meter.reading() as phases["start the checkout"]:
        market.drain()
    with meter.reading() as phases["open the payment (and the sandbox's memory)"]:
        intent = _open(customer, number)
    with meter.reading() as phases["pay by card (the sandbox's memory)"]:
        card = {"clientSecret": intent["clientSecret"], "card": {"number": "4242424242424242"}}
        path = f"{urlsplit(market.base_url).path}/sandbox/v1/payment_intents/{intent['intentId']}/confirm"
        Wire(market.base_url).json("POST", path, card)
    with meter.reading() as phases["webhook, capture, confirm, vendor parts, mails"]:
        market.drain()
    return phases, number


def _open(customer: str, number: str) -> dict[str, Any]:
    from payments.api import handler

    return dict(call(handler, "POST", "/v1/payments/intent", {"orderNo": number}, caller=customer).json)


def _report(phases: dict[str, Reading]) -> None:
    total = Reading()
    for phase, reading in phases.items():
        print(f"  {phase:<48} {reading}")
        total.calls += reading.calls
        total.writes += reading.writes
        total.reads += reading.reads
        total.index_writes += reading.index_writes
    print(f"  {'all of it':<48} {total}")
    placed = phases["place the order"]
    bound = 2 * len(LINES) + 7 + 2
    print(f"\nDynamoDB calls between the order's request and its answer: {sum(placed.calls.values())}")
    print(f"placement with its two vendor parts: {placed.writes + 2:.0f} WRU (2n + 7 + v = {bound})")


if __name__ == "__main__":
    main()
