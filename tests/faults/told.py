"""What staff are told of each order when everything is over, beside the provider's book of it."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from market import clock, config
from orders.staff_api import handler as staff
from payments.api import handler as payments
from payments.simulator import REFUND_REFUSED
from refunds.api import handler as refunds
from tests.books_of_money import Charge
from tests.faults.network import START
from tests.faults.people import STAFF
from tests.http import call

JSON = dict[str, Any]
BY_HAND = ("cod", "manual")


@dataclass(frozen=True)
class Order:
    """Everything that staff are told of an order, and the provider's book of it. record: its payment, if it began."""

    number: str
    shown: JSON
    customer: str
    refunds: list[JSON]
    record: JSON | None
    intents: list[JSON]

    @property
    def id(self) -> str:
        return str(self.shown["id"])

    @property
    def status(self) -> str:
        return str(self.shown["status"])

    @property
    def provider(self) -> str:
        return str(self.record["method"]["provider"]) if self.record else ""

    @property
    def settled(self) -> JSON:
        """When and how its money came by hand; nothing if it did not."""
        return dict((self.record or {}).get("settlement") or {})

    @property
    def stubborn(self) -> bool:
        """Its money cannot be given back: the issuer refuses that, and a person has to see to it."""
        return any(intent["instrument"] == REFUND_REFUSED and captured(intent) for intent in self.intents)

    @property
    def kept(self) -> list[JSON]:
        """The parts that are to be sent."""
        return [part for part in self.shown["parts"] if self.status == "paid" and part["status"] == "unfulfilled"]

    @property
    def returned(self) -> list[JSON]:
        return [refund for refund in self.refunds if refund["status"] == "succeeded"]

    @property
    def emptied(self) -> list[str]:
        """Vendors whose part is given back in full."""
        back: Counter[str] = Counter()
        for share in (share for refund in self.returned for share in (*refund["lines"], *refund["shipping"])):
            back[share["vendorId"]] += share["amount"]["amount"]
        return [part["vendorId"] for part in self.shown["parts"] if back[part["vendorId"]] == part["total"]["amount"]]

    @property
    def charge(self) -> Charge:
        """What the provider's book says; of money that comes by hand, what staff recorded of it."""
        taken = sum(intent["amount"] for intent in self.intents if captured(intent))
        back = sum(intent["refunded"] for intent in self.intents)
        fees = sum(intent["fee"] for intent in self.intents if captured(intent))
        if self.provider in BY_HAND and self.record:
            taken += self.record["captured"]["amount"]
            back += self.record["refunded"]["amount"]
        return Charge("EUR", taken, back, fees)


def all_orders(charges: dict[str, list[JSON]]) -> dict[str, Order]:
    """By number, as staff find them; takes their payments out of the provider's book."""
    first, last = clock.iso(datetime.fromtimestamp(START, UTC))[:10], clock.timestamp()[:10]
    found: dict[str, Order] = {}
    for status in ("pending_payment", "paid", "cancelled"):
        days = {"status": status, "from": first, "to": last}
        for entry in all_of(staff, "/v1/admin/orders", days, **STAFF):
            number = entry["orderNo"]
            seen = call(staff, "GET", f"/v1/admin/orders/{number}", **STAFF).json
            record = call(payments, "GET", f"/v1/admin/payments/{number}", **STAFF)
            found[number] = Order(
                number=number,
                shown=seen["order"],
                customer=entry["customerId"],
                refunds=all_of(refunds, f"/v1/admin/orders/{number}/refunds", **STAFF),
                record=record.json if record.status == 200 else None,
                intents=charges.pop(entry["id"], []),
            )
            if seen["order"]["status"] != status:
                found[number].shown["found"] = status
    return found


def units_of(order: Order) -> Counter[str]:
    """What of an order is sold: that of parts which are to be sent."""
    kept = {part["vendorId"] for part in order.kept}
    units: Counter[str] = Counter()
    for line in order.shown["lines"]:
        units[line["sku"]] += line["quantity"] if line["vendorId"] in kept else 0
    return units


def all_of(handler: Any, path: str, query: JSON | None = None, **who: str) -> list[JSON]:
    items: list[JSON] = []
    asked: JSON = {"limit": 50} | (query or {})
    while True:
        answer = call(handler, "GET", path, query=asked, **who)
        if answer.status == 404:
            return items
        items += answer.json["items"]
        if not answer.json.get("nextCursor"):
            return items
        asked["cursor"] = answer.json["nextCursor"]


def charges_of_all() -> dict[str, list[JSON]]:
    """The provider's book by order: whatever it holds, whichever reference we know."""
    asked: JSON = {"TableName": config.setting("TABLE_NAME"), "ConsistentRead": True}
    found: dict[str, list[JSON]] = {}
    while True:
        page = config.client("dynamodb").scan(**asked)
        for item in page["Items"]:
            if item["pk"]["S"].startswith("SBX#"):
                intent = {name: int(value["N"]) if "N" in value else value.get("S") for name, value in item.items()}
                found.setdefault(intent["order_id"], []).append(intent)
        if "LastEvaluatedKey" not in page:
            return found
        asked["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def captured(intent: JSON) -> bool:
    return intent["status"] in ("captured", "refunded")
