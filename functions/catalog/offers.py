"""Offers of other vendors on a product's page: all of a product in one item, each found by its vendor too.

What an offer costs and whether there is any is its SKU's item of the inventory; here stands who offers what. Whoever
changes an offer writes the next version of the product's book, so that no two do it at once.
"""

from dataclasses import dataclass, replace

import orjson

from catalog.changes import product_key, slug_key
from catalog.manifest import MANIFEST
from catalog.model import Product
from inventory.contract import MANIFEST as INVENTORY
from inventory.contract import Offer, read_offer, stock_key
from market.errors import Conflict, NotFound, PreconditionFailed
from market.events import Event, announce
from market.table import NEW, Item, Key, Page, Table, Write, check, put, update
from media.contract import MANIFEST as MEDIA
from promotions.contract import MANIFEST as PROMOTIONS
from vendors.contract import MANIFEST as VENDORS

MAX_OFFERS = 20
"""Of other vendors on one page: it reads 50 variants, 20 offers, 21 vendors, product and brand at once, at most 100."""

_table = Table(MANIFEST, INVENTORY, MEDIA, PROMOTIONS, VENDORS)


class TooManyOffers(Conflict):
    code, title = "too_many_offers", "Too many offers"


@dataclass(frozen=True, slots=True)
class Entry:
    """An offer; `variant` is the SKU of the page that it is the same as, `active` what its vendor wishes."""

    sku: str
    vendor_id: str
    variant: str
    since: str
    active: bool = True


@dataclass(frozen=True, slots=True)
class Book:
    """All offers of a product, the oldest first."""

    product_id: str
    version: int = 0
    entries: tuple[Entry, ...] = ()

    def find(self, sku: str) -> Entry | None:
        return next((entry for entry in self.entries if entry.sku == sku), None)

    def with_new(self, entry: Entry) -> "Book":
        """Raises TooManyOffers, or Conflict where the vendor offers this variant already."""
        if len(self.entries) >= MAX_OFFERS:
            raise TooManyOffers(f"A page shows at most {MAX_OFFERS} offers of other vendors.")
        if any((old.vendor_id, old.variant) == (entry.vendor_id, entry.variant) for old in self.entries):
            raise Conflict(f"You offer {entry.variant} already.")
        return replace(self, entries=(*self.entries, entry))

    def with_changed(self, entry: Entry) -> "Book":
        return replace(self, entries=tuple(entry if old.sku == entry.sku else old for old in self.entries))

    @property
    def lead(self) -> list[list[str]]:
        """What a slug says of them."""
        return [[entry.sku, entry.vendor_id, entry.variant, entry.since] for entry in self.entries]


def book(product_id: str) -> Book:
    """As last written."""
    item = _table.get(_book_key(product_id), consistent=True)
    if item is None:
        return Book(product_id)
    return Book(product_id, item["version"], tuple(Entry(*entry) for entry in orjson.loads(item["offers"])))


def lead(product_id: str) -> tuple[list[list[str]], Write]:
    """What the product's slug has to say of offers, and a fence: they are still the same. Raises Conflict."""
    present = book(product_id)
    seen = {"when": "version = :book", "values": {":book": present.version}} if present.version else {"when": NEW}
    return present.lead, check(_book_key(product_id), **seen, otherwise=Conflict("An offer was made meanwhile."))


def saved(present: Book) -> Write:
    """The book in its next version. Raises PreconditionFailed."""
    rows = [[entry.sku, entry.vendor_id, entry.variant, entry.since, entry.active] for entry in present.entries]
    item = {"version": present.version + 1, "offers": orjson.dumps(rows).decode()}
    seen = {"when": "version = :book", "values": {":book": present.version}} if present.version else {"when": NEW}
    otherwise = PreconditionFailed("The offers were changed meanwhile.")
    return put(_book_key(present.product_id), item, **seen, otherwise=otherwise)


def shown_at(product: Product, present: Book) -> list[Write]:
    """Let the page show these offers, if the product is as it was seen. Raises PreconditionFailed."""
    return [
        check(
            product_key(product.id),
            when="version = :live",
            values={":live": product.version},
            otherwise=PreconditionFailed("The product was changed meanwhile."),
        ),
        update(slug_key(product.slug), "SET offers = :offers", {":offers": present.lead}),
    ]


def listed(product: Product, entry: Entry) -> Write:
    """The vendor's own list names the offer."""
    card = {"sku": entry.sku, "productId": product.id, "variant": entry.variant, "slug": product.slug}
    item = {"product_id": product.id, "card": orjson.dumps(card | {"since": entry.since}).decode()}
    return put(_own_key(entry.vendor_id, entry.sku), item)


def product_of(vendor_id: str, sku: str) -> str:
    """The product that the vendor's offer is of. Raises NotFound."""
    item = _table.get(_own_key(vendor_id, sku), consistent=True)
    if item is None:
        raise NotFound("There is no such offer.")
    return str(item["product_id"])


def of_vendor(vendor_id: str, *, limit: int, cursor: str | None) -> Page:
    """The vendor's offers on others' pages, by SKU."""
    return _table.query(f"PLO#{vendor_id}", limit=limit, cursor=cursor, only="card")


def present(skus: list[str]) -> dict[str, Offer]:
    """What the SKUs cost now, as last written."""
    found = _table.batch_get(map(stock_key, skus), consistent=True) if skus else {}
    return {offer.sku: offer for offer in map(read_offer, found.values())}


def carry_out(*writes: Write, events: tuple[Event, ...] = ()) -> None:
    _table.transact(*writes, *(announce(event, by=MANIFEST) for event in events))


def decided(decision_id: str, expires_at: int) -> Write:
    """Remember that a decision was dealt with. Raises AlreadyDecided."""
    item: Item = {"expires_at": expires_at}
    return put(Key(f"PCD#{decision_id}"), item, when=NEW, otherwise=AlreadyDecided("The decision was dealt with."))


class AlreadyDecided(Conflict):
    """The decision came a second time."""

    code, title = "already_decided", "Already decided"


def _book_key(product_id: str) -> Key:
    return Key(f"PRO#{product_id}")


def _own_key(vendor_id: str, sku: str) -> Key:
    return Key(f"PLO#{vendor_id}", sku)
