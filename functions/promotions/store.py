"""Promotions in the table, and the books that orders read: each change is one transaction with its event."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from cart.contract import MANIFEST as CART
from inventory.contract import MANIFEST as INVENTORY
from market import clock
from market.errors import Conflict, PreconditionFailed
from market.events import Event, announce
from market.table import NEW, Item, Table, Write, put, update
from orders.contract import MANIFEST as ORDERS
from promotions.codec import compact, compact_book
from promotions.contract import book_key, promotion_key, read_book, read_promotion
from promotions.counters import grant, shard_keys, sums
from promotions.manifest import MANIFEST
from promotions.model import (
    DRAFT,
    ENDED,
    PAUSED,
    PLATFORM,
    RUNNING,
    SCHEDULED,
    Limits,
    NoSuchPromotion,
    Promotion,
)
from promotions.rules import LAUNCHED, MAX_IN_BOOK, TooManyPromotions
from vendors.contract import MANIFEST as VENDORS
from vendors.contract import must_be_active

TABLE = Table(MANIFEST, CART, INVENTORY, ORDERS, VENDORS)
PUBLIC, DUE = "PMO#public", "PMO#due"
CLAIMS = "#claims"
"""Behind a promotion's id: the counter of the coupons that were taken of it."""


class BookChanged(Conflict):
    """Another promotion of the same scope was launched or ended at the same time."""

    code, title = "promotions_changed", "Other promotions changed at the same time"


def get(promotion_id: str, scope: str = "") -> Promotion:
    """The promotion as it is now, of the scope where one is given. Raises NoSuchPromotion."""
    item = TABLE.get(promotion_key(promotion_id), consistent=True)
    promotion = read_promotion(item) if item else None
    if promotion is None or (scope and promotion.scope != scope):
        raise NoSuchPromotion("There is no such promotion.")
    return promotion


def several(promotion_ids: Iterable[str]) -> dict[str, Promotion]:
    """Those that exist, by id."""
    found = TABLE.batch_get(promotion_key(one) for one in promotion_ids)
    return {one.id: one for one in map(read_promotion, found.values())}


def books(scopes: Iterable[str]) -> tuple[Promotion, ...]:
    """All launched promotions without a code of these scopes, in one call."""
    found = TABLE.batch_get(book_key(scope) for scope in scopes)
    return tuple(promotion for item in found.values() for promotion in read_book(item))


def of_scope(scope: str, *, limit: int, cursor: str | None) -> tuple[list[Promotion], str | None]:
    """All promotions of a scope, the newest first."""
    page = TABLE.query(_listed(scope), index="by1", newest_first=True, limit=limit, cursor=cursor)
    return [read_promotion(item) for item in page.items], page.next


def public(*, limit: int, cursor: str | None) -> tuple[list[Promotion], str | None]:
    """Promotions that everybody is told of, the newest first."""
    page = TABLE.query(PUBLIC, index="by3", newest_first=True, limit=limit, cursor=cursor)
    return [read_promotion(item) for item in page.items], page.next


def due(at: str) -> list[str]:
    """Ids of promotions with something to do by now: to begin, to end, or to have their counters looked at."""
    page = TABLE.query(DUE, index="by2", limit=100)
    return [item["pk"].removeprefix("PMO#") for item in page.items if item["by2sk"] <= at]


def create(promotion: Promotion) -> None:
    """Keep a new draft."""
    taken = Conflict("Please try again.")
    TABLE.transact(put(promotion_key(promotion.id), _item(promotion), when=NEW, otherwise=taken), *_fence(promotion))


def save(before: Promotion, after: Promotion, *events: Event) -> None:
    """Keep the next version, in the books too, with its counters, and announce it.

    Raises PreconditionFailed, BookChanged, TooManyPromotions or VendorNotActive.
    """
    stale = PreconditionFailed("The promotion has changed since you read it.")
    kept = put(
        promotion_key(after.id),
        _item(after),
        when="version = :seen",
        values={":seen": before.version},
        otherwise=stale,
    )
    launched = before.status == DRAFT and after.status in LAUNCHED
    fence = _fence(after) if launched else ()
    news = (announce(event, by=MANIFEST) for event in events)
    TABLE.transact(kept, *fence, *_in_book(before, after), *_granted(before, after), *news)


def refresh(promotion: Promotion, shards: Iterable[Item], *, asked: bool) -> Promotion:
    """Tell orders how much is left, where that is little, so that they do not promise what there is not.

    asked: just now an order wanted more than there is. Raises PreconditionFailed or BookChanged.
    """
    left, limits = sums(shards), promotion.limits
    uses = 0 if limits.uses and not left["uses_left"] else None
    tight = asked or (promotion.budget_left is not None and left["money_left"] * 2 < limits.budget)
    money = left["money_left"] if limits.budget and tight else None
    after = replace(promotion, uses_left=uses, budget_left=money)
    kept = update(
        promotion_key(promotion.id),
        "SET card = :card, by2pk = :due, by2sk = :when" if _due(after) else "SET card = :card REMOVE by2pk, by2sk",
        {":card": compact(after), ":seen": promotion.version, ":was": compact(promotion)}
        | ({":due": DUE, ":when": _due(after)} if _due(after) else {}),
        when="version = :seen AND card = :was",
        otherwise=PreconditionFailed("The promotion has changed."),
    )
    TABLE.transact(kept, *_in_book(promotion, after))
    return after


def shards(promotion: Promotion) -> list[Item]:
    """What counts the promotion's limits; nothing before it is launched."""
    if not promotion.limits.counted:
        return []
    found = TABLE.batch_get(shard_keys(promotion.id, promotion.limits.shards), consistent=True)
    return list(found.values())


def claimed(promotion: Promotion) -> int:
    """Coupons that were taken, where they are counted."""
    if not promotion.limits.claims:
        return 0
    found = TABLE.batch_get(shard_keys(promotion.id + CLAIMS, promotion.limits.shards))
    return sums(found.values())["uses_used"]


def _granted(before: Promotion, after: Promotion) -> tuple[Write, ...]:
    """Counters are made when it is launched for the first time, and raised with its limits."""
    if after.status == DRAFT or before.status == ENDED or (before.status == DRAFT and after.status == ENDED):
        return ()
    was, becomes = Limits() if before.status == DRAFT else before.limits, after.limits
    claims_were, claims = Limits(uses=was.claims), Limits(uses=becomes.claims, shards=becomes.shards)
    return *grant(after.id, was, becomes), *grant(after.id + CLAIMS, claims_were, claims)


def _in_book(before: Promotion, after: Promotion) -> tuple[Write, ...]:
    """The book of the scope with the promotion as it becomes, or without it."""
    if not _belongs(before) and not _belongs(after):
        return ()
    item = TABLE.get(book_key(after.scope), consistent=True)
    others = [one for one in read_book(item) if one.id != after.id]
    if _belongs(after) and len(others) >= MAX_IN_BOOK:
        raise TooManyPromotions(f"At most {MAX_IN_BOOK} promotions without a code can be launched at a time.")
    whole = compact_book([*others, after] if _belongs(after) else others)
    seen = item["version"] if item else 0
    values = {":seen": seen} if seen else None
    return (
        put(
            book_key(after.scope),
            {"promotions": whole, "version": seen + 1},
            when="version = :seen" if seen else NEW,
            values=values,
            otherwise=BookChanged("Please try again."),
        ),
    )


def _belongs(promotion: Promotion) -> bool:
    return promotion.status in LAUNCHED and not promotion.needs_code


def _fence(promotion: Promotion) -> tuple[Write, ...]:
    return () if promotion.scope == PLATFORM else (must_be_active(promotion.scope),)


def _item(promotion: Promotion) -> Item:
    item: dict[str, Any] = {
        "card": compact(promotion),
        "version": promotion.version,
        "by1pk": _listed(promotion.scope),
        "by1sk": promotion.id,
    }
    if moment := _due(promotion):
        item |= {"by2pk": DUE, "by2sk": moment}
    if promotion.status == RUNNING and not promotion.hidden and not promotion.conditions.customers:
        item |= {"by3pk": PUBLIC, "by3sk": promotion.id}
    return item


def _due(promotion: Promotion) -> str:
    """When something is to be done next, empty if nothing is."""
    conditions, tight = promotion.conditions, (promotion.uses_left, promotion.budget_left) != (None, None)
    moments = [conditions.starts_at] if promotion.status == SCHEDULED else []
    moments += [conditions.ends_at] if promotion.status in (RUNNING, SCHEDULED, PAUSED) and conditions.ends_at else []
    moments += [clock.timestamp()] if tight and promotion.status in (RUNNING, SCHEDULED, PAUSED) else []
    return min(moments, default="")


def _listed(scope: str) -> str:
    return f"PMO#of#{scope}"
