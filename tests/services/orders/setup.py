"""What owners and staff set up, as their services store it: promotions with codes, list prices, rates, taxes."""

from dataclasses import replace

from market.money import Money
from market.table import Table, put
from prices import lists, rates
from prices.contract import MANIFEST as PRICES
from prices.contract import Entry, Rates, entries_key, rates_key
from promotions.codec import compact, compact_book
from promotions.contract import MANIFEST as PROMOTIONS
from promotions.contract import Promotion, book_key, code_key, promotion_key
from promotions.counters import grant, shard_keys, sums
from promotions.model import Limits
from tax.contract import MANIFEST as TAX
from tax.contract import Registration, compact_registrations, table_key

_prices, _promotions, _tax = (Table(replace(manifest, uses=(), reads=())) for manifest in (PRICES, PROMOTIONS, TAX))


def running(*promotions: Promotion, scope: str = "platform") -> None:
    """Promotions without a code, in their book."""
    _promotions.write(put(book_key(scope), {"promotions": compact_book(list(promotions))}))
    for promotion in promotions:
        _counted(promotion)


def coupon(code: str, promotion: Promotion, *, limit: int = 0, until: str = "") -> None:
    """A promotion that needs this code."""
    _promotions.write(put(promotion_key(promotion.id), {"card": compact(promotion)}))
    named = {"promotion_id": promotion.id, "scope": promotion.scope, "limit": limit, "used": 0}
    _promotions.write(put(code_key(code), named | ({"until": until} if until else {})))
    _counted(promotion)


def uses(promotion: Promotion) -> tuple[int, int, int]:
    """(left, held, used) of a promotion's uses."""
    found = _promotions.batch_get(shard_keys(promotion.id, promotion.limits.shards), consistent=True)
    whole = sums(found.values())
    return whole["uses_left"], whole["uses_held"], whole["uses_used"]


def listed(sku: str, *entries: Entry) -> None:
    _prices.write(put(entries_key(sku), {"entries": lists.packed(entries)}))


def exchange(known: Rates) -> None:
    packed = rates.packed(known)
    packed["rates"] = {name: row | {"pinned": row.get("pinned", False)} for name, row in packed["rates"].items()}
    _prices.write(put(rates_key(), packed | {"version": 1}))


def registered(country: str, collected_by: str = "platform") -> None:
    """We may charge that country's tax."""
    registration = Registration(since="2020-01-01", collected_by=collected_by)
    item = {"rates": "[]", "registrations": compact_registrations([registration]), "version": 1}
    _tax.write(put(table_key(country), item))


def dollars(cents: int) -> Money:
    return Money(cents, "USD")


def _counted(promotion: Promotion) -> None:
    if promotion.limits.counted:
        _promotions.transact(*grant(promotion.id, Limits(), promotion.limits))
