"""Reads and writes of products, their slugs and the lists that they stand in.

A product is one item: its document and, in `card`, what lists show of it. A slug leads to the product and names its
SKUs, so that a page is one read of the slug and one of everything else. A product on sale has an entry in the list of
its category and of each above it (`PLC#<path>`), and stands in two indexes: by its vendor, and by the month in which it
was listed.
"""

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from catalog.events import PriceChange, ProductCreated, ProductPriceUpdated, ProductUpdated
from catalog.manifest import MANIFEST
from catalog.model import Product, SlugTaken, Variant, read_product
from catalog.tree import levels
from inventory.contract import MANIFEST as INVENTORY
from inventory.contract import Offer, change_offer, new_offer, read_offer, stock_key
from market import config
from market.errors import Conflict, NotFound, PreconditionFailed
from market.events import announce
from market.table import NEW, Item, Key, Page, Table, Write, delete, put
from vendors.contract import MANIFEST as VENDORS
from vendors.contract import Vendor, read_vendor, vendor_key

BY_VENDOR, BY_MONTH = "by1", "by2"
_RANK = {"draft": "3", "active": "2", "archived": "1"}
_MOST_REMEMBERED = 10_000

_table = Table(MANIFEST, INVENTORY, VENDORS)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a slug leads."""

    product_id: str
    vendor_id: str
    skus: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """All that a product page shows: the product's document, its vendor, and the present offers by SKU."""

    document: dict[str, Any]
    vendor: Vendor
    offers: dict[str, Offer]


@dataclass(frozen=True, slots=True)
class Stored:
    """A product with what imports remember of it: a fingerprint of the row, and the stock that it stated by SKU."""

    product: Product
    fingerprint: str
    stated: dict[str, int]


class Addresses:
    """Slugs seen lately. Slugs do not move; what an address says of the SKUs is compared with the product each time."""

    def __init__(self) -> None:
        self._known: dict[str, Address] = {}
        self._writing = threading.Lock()

    def get(self, slug: str) -> Address | None:
        return self._known.get(f"{config.setting('TABLE_NAME')}|{slug}")

    def remember(self, slug: str, address: Address) -> None:
        with self._writing:
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            self._known[f"{config.setting('TABLE_NAME')}|{slug}"] = address

    def forget(self, slug: str) -> None:
        self._known.pop(f"{config.setting('TABLE_NAME')}|{slug}", None)


_addresses = Addresses()


def product_key(product_id: str) -> Key:
    return Key(f"PRD#{product_id}")


def slug_key(slug: str) -> Key:
    return Key(f"PSL#{slug}")


def get(vendor_id: str, product_id: str) -> Stored:
    """The vendor's product as last written. Raises NotFound, also for another vendor's."""
    item = _table.get(product_key(product_id), consistent=True)
    if item is None or item["vendor_id"] != vendor_id:
        raise NotFound("There is no such product.")
    return _stored(item)


def get_many(product_ids: Iterable[str]) -> dict[str, Stored]:
    """Those that exist, by id."""
    found = _table.batch_get(map(product_key, product_ids), consistent=True).values()
    return {stored.product.id: stored for stored in map(_stored, found)}


def slugs_in_use(slugs: Iterable[str]) -> set[str]:
    return {key.pk.removeprefix("PSL#") for key in _table.batch_get(map(slug_key, slugs))}


def vendor(vendor_id: str) -> Vendor | None:
    item = _table.get(vendor_key(vendor_id), consistent=True)
    return read_vendor(item) if item else None


def page(slug: str) -> Shown | None:
    """All that the page of a product on sale needs, in two reads, one where the slug was seen lately."""
    address = known = _addresses.get(slug)
    if address is None:
        item = _table.get(slug_key(slug))
        if item is None:
            return None
        address = _address(item["product_id"], item["vendor_id"], item["skus"])
        _addresses.remember(slug, address)
    keys = [product_key(address.product_id), vendor_key(address.vendor_id), *map(stock_key, address.skus)]
    found = _table.batch_get(keys)
    product, seller = found.get(keys[0]), found.get(keys[1])
    if product is None or seller is None or product["slug"] != slug:
        _addresses.forget(slug)
        return None
    if known and product["skus"] != [*address.skus]:
        _addresses.remember(slug, _address(address.product_id, address.vendor_id, product["skus"]))
        found |= _table.batch_get(stock_key(sku) for sku in product["skus"] if sku not in address.skus)
    offers = {sku: read_offer(found[key]) for sku in product["skus"] if (key := stock_key(sku)) in found}
    return Shown(orjson.loads(product["doc"]), read_vendor(seller), offers)


def in_category(path: str, *, limit: int, cursor: str | None) -> Page:
    """Entries of a category and all below it, newest first."""
    return _table.query(f"PLC#{path}", newest_first=True, limit=limit, cursor=cursor, only="card")


def of_vendor(vendor_id: str, *, status: str | None, limit: int, cursor: str | None) -> Page:
    """Of one status newest first; of all statuses drafts first, then those on sale, then the archived."""
    begins = f"{_RANK[status]}#" if status else ""
    return _table.query(
        f"PLV#{vendor_id}", index=BY_VENDOR, begins=begins, newest_first=True, limit=limit, cursor=cursor, only="card"
    )


def of_month(month: str, *, limit: int, cursor: str | None) -> Page:
    """Products that were listed in `month`, such as `2026-11`, newest first."""
    return _table.query(f"PLA#{month}", index=BY_MONTH, newest_first=True, limit=limit, cursor=cursor, only="card")


def create(new: Stored) -> list[Write]:
    """A new product, whole or not at all, with the stated stock. Raises SkuTaken, SlugTaken or Conflict."""
    product = new.product
    event = ProductCreated(
        product_id=product.id, vendor_id=product.vendor_id, slug=product.slug, title=product.title,
        category=product.category, status=product.status, skus=product.skus,
    )  # fmt: skip
    slug_taken = SlugTaken(f"{product.slug} is taken.", slug=product.slug)
    return [
        *(new_offer(product.offer(variant, new.stated.get(variant.sku, 0))) for variant in product.variants),
        put(slug_key(product.slug), _slug_item(product), when=NEW, otherwise=slug_taken),
        put(product_key(product.id), _item(new), when=NEW, otherwise=Conflict("The product was made meanwhile.")),
        *(put(key, {"card": product.card()}) for key in _entries(product)),
        announce(event, by=MANIFEST),
    ]


def change(before: Product, new: Stored, stock: Mapping[str, int]) -> list[Write]:
    """The product in its next version; `stock` sets what is available. Raises SkuTaken or PreconditionFailed."""
    after = new.product
    writes = [
        put(
            product_key(after.id),
            _item(new),
            when="version = :seen AND vendor_id = :vendor",
            values={":seen": before.version, ":vendor": before.vendor_id},
            otherwise=PreconditionFailed("The product was changed meanwhile."),
        ),
        *_offers(before, after, stock),
        *_relisted(before, after),
        announce(_updated(before, after), by=MANIFEST),
    ]
    if before.skus != after.skus:
        writes.append(put(slug_key(after.slug), _slug_item(after)))
    if prices := _price_changes(before, after):
        event = ProductPriceUpdated(product_id=after.id, vendor_id=after.vendor_id, prices=prices)
        writes.append(announce(event, by=MANIFEST))
    return writes


def carry_out(writes: Sequence[Write]) -> None:
    """All of them or none."""
    _table.transact(*writes)


def _stored(item: Item) -> Stored:
    return Stored(read_product(item), item["fingerprint"], orjson.loads(item["stated"]))


def _address(product_id: str, vendor_id: str, skus: Iterable[str]) -> Address:
    return Address(product_id, vendor_id, tuple(skus))


def _item(stored: Stored) -> Item:
    product = stored.product
    item: Item = {
        "vendor_id": product.vendor_id,
        "slug": product.slug,
        "skus": product.skus,
        "version": product.version,
        "doc": product.document(),
        "card": product.card(),
        "fingerprint": stored.fingerprint,
        "stated": orjson.dumps(stored.stated).decode(),
        "by1pk": f"PLV#{product.vendor_id}",
        "by1sk": f"{_RANK[product.status]}#{_place(product)}",
    }
    if product.on_sale and product.listed_at:
        item |= {"by2pk": f"PLA#{product.listed_at[:7]}", "by2sk": _place(product)}
    return item


def _slug_item(product: Product) -> Item:
    return {"product_id": product.id, "vendor_id": product.vendor_id, "skus": product.skus}


def _place(product: Product) -> str:
    return f"{product.listed_at or product.created_at}#{product.id}"


def _entries(product: Product) -> list[Key]:
    """Keys of the product's entries in the lists of categories."""
    paths = levels(product.category) if product.on_sale else []
    return [Key(f"PLC#{path}", _place(product)) for path in paths]


def _relisted(before: Product, after: Product) -> list[Write]:
    old, new = _entries(before), _entries(after)
    gone = [delete(key) for key in old if key not in new]
    same = before.card() == after.card()
    return gone + [put(key, {"card": after.card()}) for key in new if not (same and key in old)]


def _offers(before: Product, after: Product, stock: Mapping[str, int]) -> list[Write]:
    known = {variant.sku: before.offer(variant) for variant in before.variants}
    writes = []
    for variant in after.variants:
        offer, counted = after.offer(variant), stock.get(variant.sku)
        if variant.sku not in known:
            writes.append(new_offer(after.offer(variant, counted or 0)))
        elif offer != known[variant.sku] or counted is not None:
            writes.append(change_offer(offer, available=counted))
    return writes


def _updated(before: Product, after: Product) -> ProductUpdated:
    changed = [
        name
        for name in Product.model_fields
        if name not in ("version", "updated_at") and getattr(before, name) != getattr(after, name)
    ]
    return ProductUpdated(
        product_id=after.id, vendor_id=after.vendor_id, slug=after.slug, status=after.status,
        revision=after.version, changed=changed,
    )  # fmt: skip


def _price_changes(before: Product, after: Product) -> list[PriceChange]:
    old: dict[str, Variant] = {variant.sku: variant for variant in before.variants}
    return [
        PriceChange(sku=variant.sku, before=old[variant.sku].price, after=variant.price)
        for variant in after.variants
        if variant.sku in old and old[variant.sku].price != variant.price
    ]
