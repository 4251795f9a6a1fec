"""What must be true when everything is over, worked out from outside books: what customers, vendors and staff are
told over HTTP, what the provider charged, what went over the bus. The marketplace's own items are not asked."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import orjson

from inventory.api import handler as inventory
from ledger.api import handler as ledger
from market import config
from orders.api import handler as orders
from orders.staff_api import handler as staff
from tests.faults.crowd import CUSTOMERS, SHELVES, UNITS, Crowd
from tests.faults.network import StormyCheckout
from tests.http import call

JSON = dict[str, Any]
VENDORS = sorted({vendor for vendor, _ in SHELVES.values()})
STAFF = {"caller": "sam", "roles": "staff"}


def violations(crowd: Crowd) -> list[str]:
    """Every broken promise, in words; none if all is well."""
    checkout = crowd.checkout
    told = {order["orderNo"]: order for customer in CUSTOMERS for order in _orders_of(customer)}
    found = list(_unfinished(checkout, told))
    found += [f"I12: {number} was acknowledged and is gone" for number in crowd.acknowledged if number not in told]
    found += _stock(told)
    charges = _charges()
    for order in told.values():
        found += _money(order, charges.get(order["id"], []), crowd.offered)
        found += _news(order, checkout)
    found += _vendors(told)
    return found


def _unfinished(checkout: StormyCheckout, told: dict[str, JSON]) -> Iterator[str]:
    """I2: a hold always ends, and no checkout runs for ever."""
    for number, order in told.items():
        if order["status"] not in ("paid", "cancelled"):
            yield f"I2: {number} is still {order['status']}"
    for name, status in checkout.executions().items():
        if status != "SUCCEEDED":
            yield f"I2: checkout {name} is {status}"
    for queue, bodies in checkout.runtime.dead_letters().items():
        if "sandbox" not in queue:  # there the provider gives up telling us, which is its right
            yield f"I9: {len(bodies)} given up in {queue}"


def _stock(told: dict[str, JSON]) -> Iterator[str]:
    """I1: nothing appears or vanishes; what is sold is what paid orders say."""
    sold: Counter[str] = Counter()
    for order in told.values():
        kept = {part["vendorId"] for part in order["parts"] if part.get("status") == "unfulfilled"}
        for line in order["lines"]:
            sold[line["sku"]] += line["quantity"] if line["vendorId"] in kept else 0
    for sku, (vendor, _) in SHELVES.items():
        shelf = call(inventory, "GET", f"/v1/vendors/{vendor}/inventory/{sku}", **STAFF).json
        if shelf["held"] != 0:
            yield f"I2: {shelf['held']} of {sku} are still held"
        if shelf["available"] < 0 or shelf["available"] + shelf["held"] + sold[sku] != UNITS:
            yield f"I1: {sku}: {shelf['available']} available, {shelf['held']} held, {sold[sku]} sold of {UNITS}"


def _money(order: JSON, intents: list[JSON], offered: set[str]) -> Iterator[str]:
    """I3, I6, I10: charged once if paid and not at all if not; the ledger says what the provider's book says."""
    number = order["orderNo"]
    net = sum(_net(intent) for intent in intents)
    owed = sum(part["total"]["amount"] for part in order["parts"] if part.get("status") == "unfulfilled")
    if net != owed:
        yield f"I3: {number} is {order['status']}, of which {owed} is to be paid, and {net} is charged"
    for intent in intents:
        if intent["status"] == "authorized" or (intent["status"] == "pending" and intent["id"] in offered):
            yield f"I3: {number} is {order['status']}, its payment is left {intent['status']}"
    booked = call(ledger, "GET", f"/v1/admin/ledger/{order['id']}", **STAFF)
    journals = booked.json["journals"] if booked.status == 200 else []
    for journal in journals:
        if balance := sum(posting["amount"]["amount"] for posting in journal["postings"]):
            yield f"I6: journal {journal['name']} of {number} sums to {balance}"
    accounts: Counter[str] = Counter()
    for posting in (posting for journal in journals for posting in journal["postings"]):
        accounts[posting["account"]] += posting["amount"]["amount"]
    fees = sum(intent["fee"] for intent in intents if intent["status"] in ("captured", "refunded"))
    if (accounts["provider:sandbox"], accounts["provider_fees"]) != (net - fees, fees):
        yield f"I6: the ledger of {number} says {dict(accounts)}, the provider {net} less {fees}"


def _news(order: JSON, checkout: StormyCheckout) -> Iterator[str]:
    """I9: what became of an order went over the bus, and nothing else did."""
    said = {entry["DetailType"] for entry in checkout.published if _about(entry) == order["id"]}
    ends = said & {"order.paid", "order.cancelled"}
    if ends != {f"order.{order['status']}"}:
        yield f"I9: {order['orderNo']} is {order['status']}, and {sorted(ends)} was announced"
    if ("payment.succeeded" in said) < (order["status"] == "paid"):
        yield f"I9: the payment of {order['orderNo']} was never announced"


def _vendors(told: dict[str, JSON]) -> Iterator[str]:
    """I10: every vendor has exactly its parts of the paid orders."""
    wanted = {(part["vendorId"], number) for number, o in told.items() if o["status"] == "paid" for part in o["parts"]}
    given = {
        (vendor, order["orderNo"]) for vendor in VENDORS for order in _all(f"/v1/vendors/{vendor}/orders", **STAFF)
    }
    if wanted != given:
        yield f"I10: vendors lack {sorted(wanted - given)} and have {sorted(given - wanted)}"


def _orders_of(customer: str) -> list[JSON]:
    return _all("/v1/me/orders", caller=customer)


def _all(path: str, **who: str) -> list[JSON]:
    items: list[JSON] = []
    query: JSON = {"limit": 50}
    while True:
        page = call(staff if who == STAFF else orders, "GET", path, query=query, **who).json
        items += page["items"]
        if not page.get("nextCursor"):
            return items
        query["cursor"] = page["nextCursor"]


def _net(intent: JSON) -> int:
    return (intent["amount"] if intent["status"] in ("captured", "refunded") else 0) - intent["refunded"]


def _charges() -> dict[str, list[JSON]]:
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


def _about(entry: JSON) -> str:
    return str(orjson.loads(entry["Detail"])["data"].get("order_id", ""))
