"""What other services may know of promotions: where they are, what they do for a cart, and how an order reserves them.

    book_key("platform"), book_key(vendor_id) …, customer_key(customer_id)             by key, one BatchGet
    code_key(normalised), promotion_key(promotion_id)                                  for each code in the cart
    evaluate(goods, promotions, codes=…, customer=…, country=…, currency=…, at=…)      what is taken off which line
    spends_of(outcome, order_id, shipping=…) -> reserve(…) -> commit(…) or release(…)  with the order's own transactions
    with_room(place, table.batch_get, table.transact)                                  around the placing transaction
    shown_on(promotions, goods, at=…), badge_of(promotion)                             for cards and pages of products

A cart keeps each code with its promotion's id (`Code.promotion_id`), so that an order finds both with the same request.
Where `with_room` raises PromotionOver or BudgetSpent, evaluate again `without` that promotion, or tell the customer.
An order keeps `compact_spends(spends)` as the attribute `spends` of its item: of all promotions, also unlimited ones.
"""

from collections.abc import Mapping
from typing import Any

from market.table import Item, Key
from promotions.badges import shown_on as shown_on
from promotions.basket import Goods as Goods
from promotions.codec import expand, expand_book
from promotions.codes import normalised as normalised
from promotions.conditions import is_on
from promotions.counters import CounterShort as CounterShort
from promotions.counters import ReservationEnded as ReservationEnded
from promotions.counters import Spend as Spend
from promotions.counters import code_key as code_key
from promotions.counters import commit as commit
from promotions.counters import compact_spends as compact_spends
from promotions.counters import customer_key as customer_key
from promotions.counters import read_spends as read_spends
from promotions.counters import release as release
from promotions.counters import reserve as reserve
from promotions.counters import shard_of
from promotions.evaluation import MAX_CODES as MAX_CODES
from promotions.evaluation import Applied as Applied
from promotions.evaluation import Gift as Gift
from promotions.evaluation import Outcome as Outcome
from promotions.evaluation import Refused as Refused
from promotions.evaluation import code_fits
from promotions.evaluation import evaluate as evaluate
from promotions.manifest import MANIFEST as MANIFEST
from promotions.model import PLATFORM as PLATFORM
from promotions.model import RUNNING, SCHEDULED
from promotions.model import BudgetSpent as BudgetSpent
from promotions.model import Code as Code
from promotions.model import CodeUsed as CodeUsed
from promotions.model import CustomerFacts as CustomerFacts
from promotions.model import FreeShipping as FreeShipping
from promotions.model import Promotion as Promotion
from promotions.model import PromotionOver as PromotionOver
from promotions.model import UsageLimitReached as UsageLimitReached
from promotions.room import make_room as make_room
from promotions.room import with_room as with_room
from promotions.rules import badge_of as badge_of

_NO_COUNTS: Mapping[str, int] = {}


def book_key(scope: str) -> Key:
    """Where all running promotions without a code are, of `platform` or of a vendor: one item."""
    return Key(f"PMB#{scope}")


def read_book(item: Mapping[str, Any] | None) -> tuple[Promotion, ...]:
    """None, where nobody ever launched anything, is an empty book."""
    return expand_book(item["promotions"]) if item else ()


def promotion_key(promotion_id: str) -> Key:
    return Key(f"PMO#{promotion_id}")


def read_promotion(item: Mapping[str, Any]) -> Promotion:
    return expand(item["card"])


def read_code(item: Mapping[str, Any] | None, code: str = "") -> Code:
    """The code, or, where there is none, one that is nobody's and that `evaluate` refuses."""
    if not item or "promotion_id" not in item:
        return Code(code=code)
    return Code(
        code=item["pk"].removeprefix("CPN#"),
        promotion_id=item["promotion_id"],
        scope=item["scope"],
        limit=item["limit"],
        used=item["used"],
        customer_id=item.get("customer_id", ""),
        until=item.get("until", ""),
        batch_id=item.get("batch_id", ""),
    )


def read_customer(item: Item | None, customer_id: str = "", groups: frozenset[str] = frozenset()) -> CustomerFacts:
    """groups: that prices know the customer to be in. Without an item the customer is new to us."""
    if item is None:
        return CustomerFacts(customer_id=customer_id, groups=groups)
    return CustomerFacts(
        customer_id=item["pk"].removeprefix("PMC#"),
        orders=item.get("orders", 0),
        since=item.get("since", ""),
        uses={name[2:]: uses for name, uses in item.items() if name.startswith("u_")},
        groups=groups,
        claimed=frozenset(item.get("claimed", ())),
    )


def spends_of(outcome: Outcome, order_id: str, *, shipping: Mapping[str, int] = _NO_COUNTS) -> tuple[Spend, ...]:
    """What an order takes of each promotion applied. shipping: minor units of postage that each took off."""
    return tuple(
        Spend(
            promotion_id=one.promotion_id,
            version=one.version,
            code=one.code,
            amount=one.amount.amount + shipping.get(one.promotion_id, 0),
            currency=one.amount.currency,
            platform_basis_points=one.platform_basis_points,
            shard=shard_of(order_id, one.limits.shards),
            shards=one.limits.shards,
            uses_limited=one.limits.uses > 0,
            budget=one.limits.budget > 0,
            per_customer=one.limits.per_customer,
            code_limit=one.code_limit,
        )
        for one in outcome.applied
    )


def redeemable(code: Code, promotion: Promotion | None, customer_id: str, at: str) -> bool:
    """Whether the customer may put the code into a cart; whether it then gives anything, `evaluate` tells."""
    launched = promotion is not None and promotion.status in (SCHEDULED, RUNNING) and is_on(promotion.conditions, at)
    return launched and code_fits(code, customer_id, at)
