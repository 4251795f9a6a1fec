"""Cards of products on sale as they are shown: what is stored in lists, with what changes by the minute beside it.

Stock and promotions are read when a list is asked for, all of a page in one request, instead of being copied into every
entry of every list: a copy would cost writes at each sale, and be wrong in between. So a list is two requests, however
many products there are, and half a read unit for each SKU and each book of promotions that was not shown just before.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

import orjson

from catalog import beside
from catalog.beside import Left
from inventory.contract import SHOWN_AT_MOST, public_stock
from market import clock
from market.money import Money
from promotions.contract import PLATFORM, Goods, Promotion, badge_of, shown_on

MOST_READ = 100
"""Items of one request; half of them may be books of promotions."""
MAX_BADGES = 3

Card = dict[str, Any]


def shown(texts: Iterable[str], language: str = "") -> list[str]:
    """Stored cards with stock and badges, titled in the language where they are translated.

    Where there was no room to look at all variants of a card, its stock is told only if it is ten or more in any case.
    """
    cards: list[Card] = [orjson.loads(text) for text in texts]
    if not cards:
        return []
    scopes = list(islice(dict.fromkeys([PLATFORM, *[card["vendorId"] for card in cards]]), MOST_READ // 2))
    skus = _looked_at(cards, MOST_READ - len(scopes))
    left, promotions = beside.look(skus, scopes)
    badges = _badges(cards, promotions)
    return [
        orjson.dumps(_titled(card, language) | _stock(card, left, skus) | told).decode()
        for card, told in zip(cards, badges, strict=True)
    ]


def badges_of(shown: Iterable[Promotion]) -> list[dict[str, str]]:
    """Of promotions that show on a product or its variants, each once, the most important first."""
    by_id = {promotion.id: promotion for promotion in shown}
    first = sorted(by_id.values(), key=lambda one: (-one.stacking.priority, one.id))[:MAX_BADGES]
    return [_badge(promotion) for promotion in first]


def _badge(promotion: Promotion) -> dict[str, str]:
    ends = {"endsAt": promotion.conditions.ends_at} if promotion.conditions.ends_at else {}
    return {"promotionId": promotion.id, "badge": badge_of(promotion), **ends}


def _looked_at(cards: Iterable[Card], room: int) -> frozenset[str]:
    """SKUs of as many cards as there is room for, those with the fewest first."""
    found: list[str] = []
    for skus in sorted([card.get("skus", ()) for card in cards], key=len):
        if len(found) + len(skus) <= room:
            found += skus
    return frozenset(found)


def _stock(card: Card, left: Mapping[str, Left], looked_at: frozenset[str]) -> dict[str, Any]:
    skus = card.get("skus", ())
    units = sum([left[sku].units for sku in skus if sku in left and left[sku].vendor_id == card["vendorId"]])
    whole = len(skus) == card["variants"] and looked_at.issuperset(skus)
    return public_stock(units) if whole or units >= SHOWN_AT_MOST else {}


def _badges(cards: Sequence[Card], promotions: Sequence[Promotion]) -> list[dict[str, Any]]:
    if not promotions:
        return [{} for _ in cards]
    goods = [_goods(card, sku) for card in cards for sku in _skus(card)]
    found = iter(shown_on(promotions, goods, at=clock.timestamp()))
    of_card = [badges_of([one for _ in _skus(card) for one in next(found)]) for card in cards]
    return [{"badges": badges} if badges else {} for badges in of_card]


def _skus(card: Card) -> Sequence[str]:
    """Those that are known; a card that was stored without any stands for one."""
    return card.get("skus") or ("",)


def _goods(card: Card, sku: str) -> Goods:
    return Goods(
        sku=sku,
        product_id=card["id"],
        vendor_id=card["vendorId"],
        category=card["category"],
        quantity=1,
        unit_price=Money(**card["price"]),
        brand=card.get("brand", ""),
    )


def _titled(card: Card, language: str) -> Card:
    title = card.get("titles", {}).get(language)
    return card | {"title": title} if title else card
