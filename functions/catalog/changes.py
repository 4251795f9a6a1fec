"""What is written when a product is made or changed: whole transactions as pure data.

A product is one item: its document and, in `card`, what lists show of it. A slug leads to the product and names what
its page needs, so that a page is one read of the slug and one of everything else. A product on sale has an entry in the
list of its category and of each above it (`PLC#<path>`), one for each of its GTINs, and stands in two indexes: by its
vendor, and by the month in which it was listed. One in review stands in the queue (`PRQ#queue`, by age).
What a product on sale was like before a change is kept as `PRV#<product id>`/`<version>`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from catalog.events import (
    PriceChange,
    ProductArchived,
    ProductCreated,
    ProductMoved,
    ProductPriceUpdated,
    ProductPublished,
    ProductSubmitted,
    ProductUpdated,
)
from catalog.manifest import MANIFEST
from catalog.model import Product, SlugTaken, Variant, content, read_product
from catalog.tree import levels
from inventory.contract import change_offer, counted_blindly, new_offer
from market.errors import Conflict, PreconditionFailed
from market.events import Event, announce
from market.table import NEW, Item, Key, Write, delete, put, update

QUEUE = "PRQ#queue"
_RANK = {"pending": "4", "draft": "3", "active": "2", "archived": "1"}


@dataclass(frozen=True, slots=True)
class Stored:
    """A product with what imports remember of it: a fingerprint of the row, and the stock that it stated by SKU."""

    product: Product
    fingerprint: str
    stated: dict[str, int]


def product_key(product_id: str) -> Key:
    return Key(f"PRD#{product_id}")


def slug_key(slug: str) -> Key:
    return Key(f"PSL#{slug}")


def version_key(product_id: str, version: int) -> Key:
    return Key(f"PRV#{product_id}", f"{version:08}")


def rank(status: str) -> str:
    """The place of a status in the vendor's list."""
    return _RANK[status]


def read_stored(item: Item) -> Stored:
    return Stored(read_product(item), item["fingerprint"], orjson.loads(item["stated"]))


def create(new: Stored) -> list[Write]:
    """A new product, whole or not at all, with the stated stock. Raises SkuTaken, SlugTaken or Conflict.

    Every write says that its item is new, so that nothing has to be read for the record of who made it.
    """
    product = new.product
    event = ProductCreated(
        product_id=product.id, vendor_id=product.vendor_id, slug=product.slug, title=product.title,
        category=product.category, status=product.status, skus=product.skus,
    )  # fmt: skip
    return [
        *(new_offer(product.offer(variant, new.stated.get(variant.sku, 0))) for variant in product.variants),
        put(slug_key(product.slug), _slug_item(product), when=NEW, otherwise=_slug_taken(product)),
        put(product_key(product.id), _item(new), when=NEW, otherwise=_made()),
        *(put(key, entry, when=NEW, otherwise=_made()) for key, entry in _entries(product).items()),
        announce(event, by=MANIFEST),
        *([announce(submitted(product, product.version), by=MANIFEST)] if product.in_review else []),
    ]


def change(before: Product, new: Stored, stock: Mapping[str, int]) -> list[Write]:
    """The product in its next version; `stock` sets what is available.

    Raises SkuTaken, SlugTaken or PreconditionFailed. The slug's item is written by `moved` where the slug is another.
    """
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
        *(announce(event, by=MANIFEST) for event in _events(before, after)),
    ]
    if before.on_sale and content(before) != content(after):
        writes.append(_kept(before))
    if before.slug == after.slug and hint(before) != hint(after):
        said = hint(after)
        writes.append(
            update(
                slug_key(after.slug),
                "SET skus = :skus, brand = :brand",
                {":skus": said["skus"], ":brand": said["brand"], ":product": after.id},
                when="product_id = :product",
                otherwise=Conflict("The slug leads elsewhere."),
            )
        )
    return writes


def moved(after: Product, offers: list[list[str]]) -> Write:
    """The new slug, which leads to what the old one goes on leading to. Raises SlugTaken."""
    return put(
        slug_key(after.slug),
        _slug_item(after) | ({"offers": offers} if offers else {}),
        when=f"{NEW} OR product_id = :product",
        values={":product": after.id},
        otherwise=_slug_taken(after),
    )


def remembered(before: Product, new: Stored) -> Write:
    """What an import stated of a product whose document stays as it is. Raises PreconditionFailed."""
    return update(
        product_key(before.id),
        "SET fingerprint = :fingerprint, stated = :stated",
        {
            ":fingerprint": new.fingerprint,
            ":stated": orjson.dumps(new.stated).decode(),
            ":seen": before.version,
        },
        when="version = :seen",
        otherwise=PreconditionFailed("The product was changed meanwhile."),
    )


def restocked(product: Product, stock: Mapping[str, int]) -> list[Write]:
    """Stock counted anew of SKUs that the product has, and nothing else."""
    counts = {variant.sku: stock[variant.sku] for variant in product.variants if variant.sku in stock}
    offers = {variant.sku: product.offer(variant) for variant in product.variants}
    return [*(change_offer(offers[sku], available=to) for sku, to in counts.items()), *counted_blindly(counts)]


def submitted(product: Product, revision: int, changed: Iterable[str] = (), kind: str = "listing") -> ProductSubmitted:
    return ProductSubmitted(
        product_id=product.id, vendor_id=product.vendor_id, kind=kind, revision=revision, changed=sorted(changed)
    )


def hint(product: Product) -> dict[str, Any]:
    """What the slug says of the page beside whose it is: keys that are read together with the product."""
    return {"skus": product.skus, "brand": product.brand or ""}


def _made() -> Conflict:
    return Conflict("The product was made meanwhile.")


def _slug_taken(product: Product) -> SlugTaken:
    return SlugTaken(f"{product.slug} is taken.", slug=product.slug)


def _kept(before: Product) -> Write:
    item = {"doc": before.document(), "vendor_id": before.vendor_id, "card": before.card(), "since": before.updated_at}
    return put(version_key(before.id, before.version), item)


def _item(stored: Stored) -> Item:
    product = stored.product
    item: Item = {
        "vendor_id": product.vendor_id,
        "slug": product.slug,
        "version": product.version,
        "doc": product.document(),
        "card": product.card(),
        "fingerprint": stored.fingerprint,
        "stated": orjson.dumps(stored.stated).decode(),
        "by1pk": f"PLV#{product.vendor_id}",
        "by1sk": f"{_RANK[product.status]}#{_place(product)}",
        **hint(product),
    }
    if product.on_sale and product.listed_at:
        item |= {"by2pk": f"PLA#{product.listed_at[:7]}", "by2sk": _place(product)}
    if product.in_review and product.review:
        item |= {"by3pk": QUEUE, "by3sk": f"{product.review.submitted_at}#{product.id}"}
    return item


def _slug_item(product: Product) -> Item:
    return {"product_id": product.id, "vendor_id": product.vendor_id, **hint(product)}


def _place(product: Product) -> str:
    return f"{product.listed_at or product.created_at}#{product.id}"


def _entries(product: Product) -> dict[Key, Item]:
    """The product's entries in the lists of categories and by its GTINs."""
    if not product.on_sale:
        return {}
    place, card = _place(product), product.card()
    listed = {Key(f"PLC#{path}", place): {"card": card} for path in levels(product.category)}
    return listed | {Key(f"GTN#{gtin}", place): {"product_id": product.id} for gtin in product.gtins}


def _relisted(before: Product, after: Product) -> list[Write]:
    old, new = _entries(before), _entries(after)
    gone = [delete(key) for key in old if key not in new]
    return gone + [put(key, entry) for key, entry in new.items() if old.get(key) != entry]


def _offers(before: Product, after: Product, stock: Mapping[str, int]) -> list[Write]:
    known = {variant.sku: before.offer(variant) for variant in before.variants}
    writes = []
    for variant in after.variants:
        offer, counted = after.offer(variant), stock.get(variant.sku)
        if variant.sku not in known:
            writes.append(new_offer(after.offer(variant, counted or 0)))
        elif offer != known[variant.sku] or counted is not None:
            writes.append(change_offer(offer, available=counted))
    anew = {sku: stock[sku] for sku in known if sku in stock and sku in after.skus}
    return [*writes, *counted_blindly(anew)]


def _events(before: Product, after: Product) -> Iterable[Event]:
    about = {"product_id": after.id, "vendor_id": after.vendor_id}
    changed = [
        name
        for name in Product.model_fields
        if name not in ("version", "updated_at", "review") and getattr(before, name) != getattr(after, name)
    ]
    yield ProductUpdated(**about, slug=after.slug, status=after.status, revision=after.version, changed=changed)
    if prices := _price_changes(before, after):
        yield ProductPriceUpdated(**about, prices=prices)
    if before.slug != after.slug:
        yield ProductMoved(**about, before=before.slug, after=after.slug)
    if before.status == after.status:
        return
    if after.on_sale:
        yield ProductPublished(**about, slug=after.slug, revision=after.version)
    if after.status == "archived":
        yield ProductArchived(**about, slug=after.slug, skus=after.skus)
    if after.in_review:
        yield submitted(after, after.version)


def _price_changes(before: Product, after: Product) -> list[PriceChange]:
    old: dict[str, Variant] = {variant.sku: variant for variant in before.variants}
    return [
        PriceChange(
            sku=variant.sku,
            before=old[variant.sku].price,
            after=variant.price,
            compare_at=variant.compare_at_price,
        )
        for variant in after.variants
        if variant.sku in old and old[variant.sku].price != variant.price
    ]
