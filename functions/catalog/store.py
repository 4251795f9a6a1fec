"""Reads of products and of the lists that they stand in, and the one place that carries out writes; see `changes`."""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson

from catalog import words
from catalog.brands import Brand, brand_key, read_brand
from catalog.changes import QUEUE, Stored, product_key, rank, read_stored, slug_key, version_key
from catalog.manifest import MANIFEST
from catalog.model import Product, read_product
from inventory.contract import MANIFEST as INVENTORY
from inventory.contract import Offer, read_offer, stock_key
from market import clock, config
from market.errors import NotFound
from market.guard.callers import Caller
from market.table import MAX_ACTIONS, Item, Key, Page, Table, Write
from media.contract import MANIFEST as MEDIA
from promotions.contract import MANIFEST as PROMOTIONS
from promotions.contract import PLATFORM, Promotion, book_key, read_book
from vendors.contract import MANIFEST as VENDORS
from vendors.contract import Vendor, read_vendor, require_known, vendor_key

BY_VENDOR, BY_MONTH, BY_AGE = "by1", "by2", "by3"
ADDRESS_FRESH_FOR = timedelta(seconds=30)
_MOST_REMEMBERED = 10_000

_table = Table(MANIFEST, INVENTORY, MEDIA, PROMOTIONS, VENDORS)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a slug leads, and what else its page shows: offers of other vendors are (SKU, vendor, variant, since)."""

    product_id: str
    vendor_id: str
    skus: tuple[str, ...]
    brand: str
    offers: tuple[tuple[str, ...], ...]

    def reads(self) -> list[Key]:
        """All that the page needs: one read of at most 100 items."""
        sellers = dict.fromkeys((self.vendor_id, *(offer[1] for offer in self.offers)))
        skus = (*self.skus, *(offer[0] for offer in self.offers))
        branded = [brand_key(self.brand)] if self.brand else []
        books = map(book_key, (PLATFORM, self.vendor_id))
        return [product_key(self.product_id), *map(vendor_key, sellers), *map(stock_key, skus), *branded, *books]


@dataclass(frozen=True, slots=True)
class Rival:
    """What another vendor asks for the same variant."""

    offer: Offer
    vendor: Vendor
    variant: str
    since: str


@dataclass(frozen=True, slots=True)
class Shown:
    """All that a product page shows: the product's document, its vendor, and the present offers by SKU.

    promotions: all of the platform's and of the vendor's that need no code.
    """

    document: dict[str, Any]
    vendor: Vendor
    offers: dict[str, Offer]
    rivals: tuple[Rival, ...] = ()
    brand: Brand | None = None
    promotions: tuple[Promotion, ...] = ()


@dataclass(frozen=True, slots=True)
class Moved:
    """The slug is a former one."""

    slug: str


@dataclass
class Addresses:
    """Slugs seen lately. What an address says of the page is compared with the product each time, but for offers of
    other vendors, which the product does not know of: they are shown `ADDRESS_FRESH_FOR` late at most.
    """

    _known: dict[str, tuple[Address, datetime]] = field(default_factory=dict)
    _writing: threading.Lock = field(default_factory=threading.Lock)

    def get(self, slug: str) -> Address | None:
        address, until = self._known.get(f"{config.setting('TABLE_NAME')}|{slug}", (None, clock.now()))
        return address if clock.now() < until else None

    def remember(self, slug: str, address: Address) -> None:
        with self._writing:
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            until = clock.now() + ADDRESS_FRESH_FOR
            self._known[f"{config.setting('TABLE_NAME')}|{slug}"] = address, until

    def forget(self, slug: str) -> None:
        self._known.pop(f"{config.setting('TABLE_NAME')}|{slug}", None)


_addresses = Addresses()


def get(vendor_id: str, product_id: str) -> Stored:
    """The vendor's product as last written. Raises NotFound, also for another vendor's."""
    found = find(product_id)
    if found.product.vendor_id != vendor_id:
        raise no_such_product()
    return found


def find(product_id: str) -> Stored:
    """Anybody's product as last written. Raises NotFound."""
    item = _table.get(product_key(product_id), consistent=True)
    if item is None:
        raise no_such_product()
    return read_stored(item)


def no_such_product() -> NotFound:
    return NotFound("There is no such product.")


def get_many(product_ids: Iterable[str]) -> dict[str, Stored]:
    """Those that exist, by id."""
    found = _table.batch_get(map(product_key, product_ids), consistent=True).values()
    return {stored.product.id: stored for stored in map(read_stored, found)}


def slugs_in_use(slugs: Iterable[str]) -> set[str]:
    return {key.pk.removeprefix("PSL#") for key in _table.batch_get(map(slug_key, slugs))}


def skus_in_use(skus: Iterable[str]) -> set[str]:
    keys = {stock_key(sku): sku for sku in skus}
    return {keys[key] for key in _table.batch_get(keys)}


def vendor(vendor_id: str) -> Vendor | None:
    item = _table.get(vendor_key(vendor_id), consistent=True)
    return read_vendor(item) if item else None


def require_vendor(vendor_id: str, caller: Caller) -> None:
    """Raises NotFound."""
    require_known(vendor_id, caller, _table.get)


def media(keys: Iterable[Key]) -> dict[Key, Item]:
    """Items of media that exist, by key, as last written."""
    return _table.batch_get(keys, consistent=True)


def claim(claims: Sequence[Write]) -> None:
    """Take media into use before a product names them. Raises MediaNotReady."""
    _table.transact(*claims)


def page(slug: str) -> Shown | Moved | None:
    """All that the page of a product on sale needs, in two reads, one where the slug was seen lately."""
    seen = _addresses.get(slug)
    address = seen or _looked_up(slug)
    if address is None:
        return None
    found = _table.batch_get(address.reads())
    product = found.get(product_key(address.product_id))
    if product is None or product["slug"] != slug:
        _addresses.forget(slug)
        return Moved(product["slug"]) if product else None
    if seen and _differs(product, address) and (address := _looked_up(slug) or address) != seen:
        found |= _table.batch_get(key for key in address.reads() if key not in found)
    if vendor_key(address.vendor_id) not in found:
        return None
    return _shown(product, address, found)


def beside(skus: Iterable[str], scopes: Iterable[str]) -> tuple[dict[str, Offer], dict[str, tuple[Promotion, ...]]]:
    """Present offers by SKU, and by scope the promotions without a code: one read of at most 100 items."""
    offers, books = {sku: stock_key(sku) for sku in skus}, {scope: book_key(scope) for scope in scopes}
    found = _table.batch_get([*offers.values(), *books.values()])
    present = {sku: read_offer(found[key]) for sku, key in offers.items() if key in found}
    return present, {scope: read_book(found.get(key)) for scope, key in books.items()}


def forget_address(slug: str) -> None:
    """Its page has other offers now."""
    _addresses.forget(slug)


def by_gtin(gtin: str) -> Product | None:
    """The product on sale that has had this number, in 14 digits, for the longest time."""
    entries = _table.query(f"GTN#{gtin}", limit=1).items
    return find(entries[0]["product_id"]).product if entries else None


def in_category(path: str, *, limit: int, cursor: str | None) -> Page:
    """Entries of a category and all below it, newest first."""
    return _table.query(f"PLC#{path}", newest_first=True, limit=limit, cursor=cursor, only="card")


def of_vendor(vendor_id: str, *, status: str | None, limit: int, cursor: str | None) -> Page:
    """Of one status newest first; of all: in review, drafts, those on sale, the archived."""
    begins = f"{rank(status)}#" if status else ""
    return _table.query(
        f"PLV#{vendor_id}", index=BY_VENDOR, begins=begins, newest_first=True, limit=limit, cursor=cursor, only="card"
    )


def of_month(month: str, *, limit: int, cursor: str | None) -> Page:
    """Products that were listed in `month`, such as `2026-11`, newest first."""
    return _table.query(f"PLA#{month}", index=BY_MONTH, newest_first=True, limit=limit, cursor=cursor, only="card")


def in_review(*, limit: int, cursor: str | None) -> Page:
    """What waits for a person, the oldest first."""
    return _table.query(QUEUE, index=BY_AGE, limit=limit, cursor=cursor, only="card")


def versions(product_id: str, *, limit: int, cursor: str | None) -> Page:
    """What the product was like while on sale, newest first, but for what it is like now."""
    return _table.query(f"PRV#{product_id}", begins="0", newest_first=True, limit=limit, cursor=cursor)


def version(product_id: str, number: int) -> Product:
    """A former version. Raises NotFound."""
    item = _table.get(version_key(product_id, number))
    if item is None:
        raise NotFound("There is no such version.")
    return read_product(item)


def tagged(products: Iterable[Product]) -> list[Write]:
    """Entries for the suggestion of tags: of those on sale, and not remembered to be there."""
    return words.unseen(tag for product in products if product.on_sale for tag in product.tags)


def carry_out(writes: Sequence[Write], hints: Sequence[Write] = ()) -> None:
    """All writes or none; of the hints as many as there is room for."""
    added = hints[: MAX_ACTIONS - len(writes)]
    _table.transact(*writes, *added)
    words.remember(added)


def _looked_up(slug: str) -> Address | None:
    item = _table.get(slug_key(slug))
    if item is None:
        return None
    offers = tuple(tuple(offer) for offer in item.get("offers", ()))
    address = Address(item["product_id"], item["vendor_id"], tuple(item["skus"]), item.get("brand", ""), offers)
    _addresses.remember(slug, address)
    return address


def _differs(product: Item, address: Address) -> bool:
    """Whether an address that was remembered is not of this product any more, or may have other offers."""
    return (product["skus"], product.get("brand", "")) != ([*address.skus], address.brand)


def _shown(product: Item, address: Address, found: dict[Key, Item]) -> Shown:
    offers = {sku: read_offer(found[key]) for sku in product["skus"] if (key := stock_key(sku)) in found}
    rivals = tuple(
        Rival(read_offer(found[stock_key(sku)]), read_vendor(found[vendor_key(seller)]), variant, since)
        for sku, seller, variant, since in address.offers
        if stock_key(sku) in found and vendor_key(seller) in found
    )
    branded = found.get(brand_key(address.brand)) if address.brand else None
    seller = read_vendor(found[vendor_key(address.vendor_id)])
    brand = read_brand(branded) if branded else None
    promotions = tuple([one for scope in (PLATFORM, seller.id) for one in read_book(found.get(book_key(scope)))])
    return Shown(orjson.loads(product["doc"]), seller, offers, rivals, brand, promotions)
