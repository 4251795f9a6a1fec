"""Promotions in the storm: one for everybody with few uses and little money, one by a code that is soon used up.

What staff are shown of them must be what the orders say: each paid order used each of its promotions once and took the
money that its buyer was told of; no other order did, and nothing is set aside when everything is over.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from promotions.api import handler as promotions
from tests.faults.network import StormyCheckout
from tests.faults.people import STAFF
from tests.faults.told import Order
from tests.http import call

JSON = dict[str, Any]
PLACE = "/v1/vendors/platform/promotions"
CODE = "STORMY"
USES, BUDGET, CODE_USES = 12, 2_500, 5
SALE: JSON = {
    "title": "Sale",
    "benefit": {"kind": "percent", "basisPoints": 700},
    "conditions": {"currencies": ["EUR"]},
    "limits": {"uses": USES, "budget": BUDGET, "budgetCurrency": "EUR"},
    "platformBasisPoints": 6_000,
}
COUPON: JSON = {
    "title": "Coupon",
    "benefit": {"kind": "percent", "basisPoints": 1_000},
    "needsCode": True,
    "limits": {"uses": 2 * CODE_USES, "perCustomer": 2},
}


@dataclass(frozen=True)
class Bargains:
    """The ids of both promotions."""

    sale: str
    coupon: str


def launched(checkout: StormyCheckout) -> Bargains:
    """Staff make both, in calm weather."""
    made = Bargains(*(_launched(checkout, body) for body in (SALE, COUPON)))
    _staff(checkout, "POST", f"{PLACE}/{made.coupon}/codes", {"code": CODE, "limit": CODE_USES})
    return made


def _launched(checkout: StormyCheckout, body: JSON) -> str:
    made = str(_staff(checkout, "POST", PLACE, body)["id"])
    _staff(checkout, "PUT", f"{PLACE}/{made}", body | {"status": "running"})
    return made


def _staff(checkout: StormyCheckout, method: str, path: str, body: JSON) -> JSON:
    answer = checkout.ask("staff", promotions, method, path, body, **STAFF)
    assert answer is not None
    assert answer.status < 300, answer
    return dict(answer.json)


def violations(bargains: Bargains, told: Mapping[str, Order]) -> Iterator[str]:
    """I8: no limit is overrun, what is burnt is what paid orders were given, and every reservation has ended."""
    uses: Counter[str] = Counter()
    money: Counter[str] = Counter()
    for order in told.values():
        for one in order.shown.get("promotions", ()) if order.status == "paid" else ():
            uses[one["promotionId"]] += 1
            money[one["promotionId"]] += one["amount"]["amount"]
    for promotion_id, limit in ((bargains.sale, USES), (bargains.coupon, 2 * CODE_USES)):
        shown = call(promotions, "GET", f"{PLACE}/{promotion_id}", **STAFF).json["analytics"]
        yield from _counted(f"uses of {promotion_id}", shown["uses"], uses[promotion_id], limit)
        if promotion_id == bargains.sale:
            yield from _counted(f"money of {promotion_id}", shown["budget"], money[promotion_id], BUDGET)
    (code,) = call(promotions, "GET", f"{PLACE}/{bargains.coupon}/codes", **STAFF).json["items"]
    if code["used"] != uses[bargains.coupon] or code["used"] > CODE_USES:
        yield f"I8: {CODE} was used {uses[bargains.coupon]} times of {CODE_USES}, {code['used']} are counted"


def _counted(what: str, shown: JSON, used: int, limit: int) -> Iterator[str]:
    if shown["held"]:
        yield f"I2: {shown['held']} {what} are still set aside"
    if shown["used"] != used:
        yield f"I8: {used} {what} went to paid orders, {shown['used']} are counted"
    if shown["left"] < 0 or shown["left"] + shown["held"] + shown["used"] != limit:
        yield f"I8: {what}: {shown} of {limit}"
