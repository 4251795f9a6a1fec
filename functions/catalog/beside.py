"""Stock and promotions for cards, remembered for some seconds: most lists show what another has just shown.

A function that lately told of a SKU or of a vendor's promotions reads nothing for it but the list itself, instead of
half a read unit each. So a card is `FRESH_FOR` old at most, and what the edge keeps of it older by as much as the
answer allows. Pages of products and carts never look here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Generic, NamedTuple, TypeVar

from catalog import store
from inventory.contract import Offer
from market import clock, config
from promotions.contract import Promotion

FRESH_FOR = timedelta(seconds=5)
_MOST_SKUS, _MOST_BOOKS = 10_000, 500

T = TypeVar("T")


class Left(NamedTuple):
    """How many units of a SKU its vendor sells at present."""

    vendor_id: str
    units: int


@dataclass
class Memory(Generic[T]):
    """What was read in the last seconds, by name; safe for threads. What is not there is remembered, too."""

    most: int
    _known: dict[str, tuple[T, datetime]] = field(default_factory=dict)
    _writing: Lock = field(default_factory=Lock)

    def fresh(self, names: Iterable[str]) -> dict[str, T]:
        """Those of the names that need not be read."""
        table, now = config.setting("TABLE_NAME"), clock.now()
        found = {name: self._known.get(f"{table}|{name}") for name in names}
        return {name: entry[0] for name, entry in found.items() if entry and now - FRESH_FOR < entry[1] <= now}

    def keep(self, found: Mapping[str, T], read: datetime) -> None:
        table = config.setting("TABLE_NAME")
        with self._writing:
            if len(self._known) + len(found) > self.most:
                self._known.clear()
            self._known |= {f"{table}|{name}": (value, read) for name, value in found.items()}

    def forget(self) -> None:
        with self._writing:
            self._known.clear()


_stock: Memory[Left | None] = Memory(_MOST_SKUS)
_books: Memory[tuple[Promotion, ...]] = Memory(_MOST_BOOKS)


def look(skus: Iterable[str], scopes: Iterable[str]) -> tuple[dict[str, Left], tuple[Promotion, ...]]:
    """What is left of those SKUs that are on sale, and promotions without a code of `platform` or of vendors.

    All that is not remembered is one read of at most 100 items.
    """
    wanted, of = list(skus), list(scopes)
    left, books = _stock.fresh(wanted), _books.fresh(of)
    unseen, unread = [sku for sku in wanted if sku not in left], [scope for scope in of if scope not in books]
    if unseen or unread:
        read = clock.now()
        offers, found = store.beside(unseen, unread)
        seen = {sku: _left(offers.get(sku)) for sku in unseen}
        _stock.keep(seen, read)
        _books.keep(found, read)
        left, books = left | seen, books | found
    there = {sku: one for sku in wanted if (one := left[sku])}
    return there, tuple([promotion for scope in of for promotion in books[scope]])


def forget() -> None:
    """Have all read again."""
    _stock.forget()
    _books.forget()


def _left(offer: Offer | None) -> Left | None:
    return Left(offer.vendor_id, offer.sellable) if offer and offer.active else None
