"""What a data directory says of orders, stock and money: the provider's book beside ours."""

import io
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.export import export

JSON = dict[str, Any]


def exported(data: Path, what: str) -> list[JSON]:
    out = io.StringIO()
    assert export(data, what, out) == 0
    return [json.loads(line) for line in out.getvalue().splitlines()]


@dataclass(frozen=True)
class Books:
    orders: list[JSON]
    payments: list[JSON]
    ledger: list[JSON]

    @classmethod
    def of(cls, data: Path) -> "Books":
        return cls(*(exported(data, what) for what in ("orders", "payments", "ledger")))

    def of_sku(self, sku: str, status: str = "") -> list[JSON]:
        """Orders with this SKU."""
        return [
            order
            for order in self.orders
            if any(line[0] == sku for line in json.loads(order["lines"])) and status in ("", order["status"])
        ]

    def sold(self, sku: str) -> int:
        """Units in parts of paid orders that were not cancelled."""
        return sum(
            line[4]
            for order in self.of_sku(sku, "paid")
            for line in _lines(order)
            if line[0] == sku and line[2] not in order["fulfilment"]
        )

    def charged(self) -> dict[str, int]:
        """What the provider keeps charged, by order id; nothing where it comes to nothing."""
        net: Counter[str] = Counter()
        for intent in (item for item in self.payments if item["pk"].startswith("SBX#")):
            captured = intent["amount"] if intent["status"] in ("captured", "refunded") else 0
            net[intent["order_id"]] += captured - intent["refunded"]
        return {order: amount for order, amount in net.items() if amount}

    def booked(self) -> dict[str, int]:
        """What the ledger says the provider charged, by order id; every journal has to sum to zero."""
        found: Counter[str] = Counter()
        for journal in self.ledger:
            postings = json.loads(journal["postings"])
            assert sum(amount for _, amount in postings) == 0, journal
            order = journal["pk"].removeprefix("LED#")
            found[order] += sum(amount for account, amount in postings if account.startswith("provider"))
        return {order: amount for order, amount in found.items() if amount}

    def assert_agreed(self) -> None:
        """Paid orders, the provider's book and the ledger are about the same orders and the same money."""
        paid = {order["sk"]: _total(order) for order in self.orders if order["status"] == "paid"}
        totals = {order: total for order, total in paid.items() if total}
        assert self.charged() == totals
        assert self.booked() == totals


def _lines(order: JSON) -> list[list[Any]]:
    """As stored, with the vendor in each: a line names its vendor, or the line that named it first."""
    rows: list[list[Any]] = json.loads(order["lines"])
    return [[*row[:2], rows[row[2]][2] if isinstance(row[2], int) else row[2], *row[3:]] for row in rows]


def _total(order: JSON) -> int:
    """What is to be paid: for the parts that were not cancelled."""
    return sum(
        subtotal - discount + shipping
        for vendor, subtotal, shipping, _, discount, *_ in json.loads(order["parts"])
        if vendor not in order["fulfilment"]
    )
