"""I6 and I7 from outside books: what the provider captured and gave back, beside what staff and vendors are told.

    captured - refunded + promotions
                        = vendors + commission + tax + customers' credit    whose money it is (commission before fees)
    captured - refunded = provider + provider_fees + bank                   where it is

for each order and currency, and for each vendor: what it is told it is owed = what the journals credit it. Payouts are
not of an order: leave their journals out.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ledger.api import handler as ledger
from market import config
from tests.http import call

JSON = dict[str, Any]
Sums = Counter[tuple[str, str]]
OWNERS, PLACES = ("vendor", "commission", "tax", "customer_credit"), ("provider", "provider_fees", "bank")
OURS = "promotions"
"""What we paid of discounts: it came from nobody's charge."""
STAFF = {"caller": "sam", "roles": "staff"}


@dataclass(frozen=True)
class Charge:
    """What a provider's book says of one order, in minor units. fees: what it kept; None where it does not say."""

    currency: str
    captured: int
    refunded: int = 0
    fees: int | None = None

    @property
    def net(self) -> int:
        return self.captured - self.refunded


def violations(charges: Mapping[str, Charge], journals: Mapping[str, Iterable[JSON]]) -> Iterator[str]:
    """Every broken promise, in words. Both are by order id; journals as `journals_of` gets them."""
    for order_id in sorted(charges.keys() | journals.keys()):
        booked = list(journals.get(order_id, ()))
        yield from _unbalanced(order_id, booked)
        yield from _order(order_id, charges.get(order_id), sums_of(booked))


def vendor_violations(journals: Mapping[str, Iterable[JSON]], vendors: Iterable[str]) -> Iterator[str]:
    """Vendors who are told another balance than the journals give them, once all events are heard."""
    owed: Sums = Counter()
    for booked in journals.values():
        owed.update({key: -amount for key, amount in sums_of(booked).items()})
    for vendor_id in vendors:
        told = call(ledger, "GET", f"/v1/vendors/{vendor_id}/balance", **STAFF).json["balances"]
        shown = {b["posted"]["currency"]: b["posted"]["amount"] for b in told if b["posted"]["amount"]}
        right = {c: amount for (account, c), amount in owed.items() if account == f"vendor:{vendor_id}" and amount}
        if shown != right:
            yield f"I7: {vendor_id} is told {shown}, the journals say {right}"


def journals_of(order_ids: Iterable[str]) -> dict[str, list[JSON]]:
    """What staff are told of these orders; those without journals are left out."""
    found = {}
    for order_id in order_ids:
        answer = call(ledger, "GET", f"/v1/admin/ledger/{order_id}", **STAFF)
        if answer.status == 200:
            found[order_id] = answer.json["journals"]
    return found


def sandbox_charges() -> dict[str, Charge]:
    """The sandbox provider's book by order, those with nothing captured left out; whatever reference we know."""
    found: dict[str, Charge] = {}
    asked: JSON = {"TableName": config.setting("TABLE_NAME"), "ConsistentRead": True}
    while True:
        page = config.client("dynamodb").scan(**asked)
        for item in page["Items"]:
            if item["pk"]["S"].startswith("SBX#") and item.get("status", {}).get("S") in ("captured", "refunded"):
                order_id, charge = item["order_id"]["S"], _charge(item)
                earlier = found.get(order_id, Charge(charge.currency, 0, 0, 0))
                found[order_id] = Charge(
                    charge.currency,
                    earlier.captured + charge.captured,
                    earlier.refunded + charge.refunded,
                    (earlier.fees or 0) + (charge.fees or 0),
                )
        if "LastEvaluatedKey" not in page:
            return found
        asked["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def sums_of(journals: Iterable[JSON]) -> Sums:
    """What posted journals come to, by (account, currency); debits positive."""
    sums: Sums = Counter()
    for journal in journals:
        for posting in journal["postings"] if journal.get("state", "posted") == "posted" else ():
            sums[posting["account"], posting["amount"]["currency"]] += posting["amount"]["amount"]
    return sums


def _unbalanced(order_id: str, journals: Iterable[JSON]) -> Iterator[str]:
    """I6: by itself, whether it counts yet or not."""
    for journal in journals:
        by_currency: Counter[str] = Counter()
        for posting in journal["postings"]:
            by_currency[posting["amount"]["currency"]] += posting["amount"]["amount"]
        for currency, rest in by_currency.items():
            if rest:
                yield f"I6: {journal['name']} of {order_id} is out by {rest} {currency}"


def _order(order_id: str, charge: Charge | None, sums: Sums) -> Iterator[str]:
    currencies = {currency for (_, currency), amount in sums.items() if amount} | (
        {charge.currency} if charge else set()
    )
    for currency in sorted(currencies):
        net = charge.net if charge and charge.currency == currency else 0
        owners = -sum(amount for (account, c), amount in sums.items() if c == currency and _kind(account) in OWNERS)
        places = sum(amount for (account, c), amount in sums.items() if c == currency and _kind(account) in PLACES)
        subsidy = sums[OURS, currency]
        if owners != net + subsidy:
            yield f"I7: {order_id}: {net} and {subsidy} {currency} are paid, {owners} are given to somebody"
        if places != net:
            yield f"I7: {order_id}: {net} {currency} are charged, {places} are booked somewhere"
        fees = charge.fees if charge and charge.currency == currency else None
        if fees is not None and sums["provider_fees", currency] != fees:
            yield f"I7: {order_id}: the provider kept {fees} {currency}, {sums['provider_fees', currency]} are booked"


def _kind(account: str) -> str:
    return account.partition(":")[0]


def _charge(item: JSON) -> Charge:
    number = {name: int(value["N"]) for name, value in item.items() if "N" in value}
    return Charge(
        item["currency"]["S"],
        number["amount"],
        number.get("refunded", 0),
        number.get("fee", 0),
    )
