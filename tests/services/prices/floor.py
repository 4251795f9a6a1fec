"""A shop floor for prices: a clock, SKUs on the shelf, and a catalog that carries decisions out by its own rule.

The catalog changes a price only if it still is what the decision expected, once; then it tells what it did. News can be
brought late, twice or never.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson

from market import clock, ids
from market.money import Money
from prices import consumer, store
from tests import shop
from tests.shop import announced, euros, reprice, stock

VENDOR = "ven_lights"
LAMP = "LAMP-BRASS"


@dataclass
class Floor:
    """`now` is what the clock says; `refused` are decisions that came too late."""

    now: datetime
    heard: set[str] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)

    def at(self, **later: float) -> str:
        return clock.iso(self.now + timedelta(**later))

    def wait(self, **time: float) -> None:
        self.now += timedelta(**time)

    def lamp(self, cents: int = 2_000, *, sku: str = LAMP, available: int = 10, category: str = "lighting") -> None:
        stock(sku, available, price=euros(cents), category=category)
        self.hear("product.created", {"skus": [sku]})

    def price(self, sku: str = LAMP) -> Money:
        return store.sheets([sku])[sku].offer.price

    def hear(self, kind: str, data: Mapping[str, Any], *, at: str = "", times: int = 1) -> None:
        """Bring news to prices."""
        envelope = {
            "eventId": ids.ulid(),
            "type": kind,
            "version": 1,
            "occurredAt": at or clock.timestamp(),
            "actor": {"type": "system", "id": "system"},
            "data": data,
            "trace": {},
        }
        record = {
            "messageId": "1",
            "eventSourceARN": "arn:q:prices",
            "body": orjson.dumps({"detail": envelope}).decode(),
        }
        for _ in range(times):
            answer = consumer.handler({"Records": [record]})
            assert answer == {"batchItemFailures": []}, answer

    def decided(self, kind: str = "price.decided") -> list[dict[str, Any]]:
        """What was announced, in the order of time."""
        return [envelope["data"] for envelope in announced() if envelope["type"] == kind]

    def carry_out(self, *, tell: bool = True) -> int:
        """Let the catalog hear what it has not heard; the number of prices that it changed."""
        changed = 0
        for envelope in announced():
            if envelope["type"] != "price.decided" or envelope["eventId"] in self.heard:
                continue
            self.heard.add(envelope["eventId"])
            decision = envelope["data"]
            if self.price(decision["sku"]) != Money(**decision["expected"]):
                self.refused.append(decision["decision_id"])
                continue
            self.reprice(Money(**decision["price"]), sku=decision["sku"], tell=tell)
            changed += 1
        return changed

    def reprice(self, price: Money, *, sku: str = LAMP, tell: bool = True, **more: Any) -> dict[str, Any]:
        """The catalog changes a price, because of a decision or because the vendor wants it; the news of it."""
        before = self.price(sku)
        reprice(sku, price)
        change = {"sku": sku, "before": before.plain(), "after": price.plain()} | more
        news = {"product_id": f"prd_{sku}", "vendor_id": VENDOR, "prices": [change]}
        if tell:
            self.hear("product.price.updated", news)
        return news


def sell(customer: str, sku: str = LAMP, units: int = 1) -> str:
    """A customer buys for the first time; the order's id."""
    answer = shop.buy(customer, (sku, units))
    assert answer.status == 201, answer
    return next(e["data"]["order_id"] for e in announced() if _is_order_of(e, customer))


def _is_order_of(envelope: dict[str, Any], customer: str) -> bool:
    return envelope["type"] == "order.created" and bool(envelope["data"]["customer_id"] == customer)
