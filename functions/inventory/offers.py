"""The stock item of a SKU, which carries its price and seller too: the *offer*.

`available` and `held` are always the totals, whatever lies in warehouses: `places` tells their parts, and what is in no
place is the rest. Kept units are on hand but not sold online. `later` is what is sold before it is there. Stock that is
too hot for one item lies on shards: `elsewhere` is their sum as last looked at. On hand = available + kept + held.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import Field

from inventory.purchases import PurchaseLimit
from market import clock
from market.errors import Conflict, NotFound
from market.money import Money
from market.table import NEW, Item, Key, Write, put, update

STANDARD = "standard"
"""The tax category of what nobody said anything else of."""
MAX_PER_LINE = 999
MAX_STOCK = 10_000_000
Sku = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$", examples=["LAMP-BRASS"])]
SHOWN_AT_MOST = 10
"""The public learns how many are left only up to here; 10 means ten or more."""

PLACES, SHARDS, LATER, WATCH = "places", "shards", "later", "watch"
"""What an offer may ask of those who handle it: `handling`. Nearly all offers ask for nothing."""
BACKORDER, PREORDER, CLOSED = "backorder", "preorder", "closed"


class OutOfStock(Conflict):
    """Fewer units are available than wanted; `sku` and `available` say of what."""

    code, title = "out_of_stock", "Out of stock"


class SkuTaken(Conflict):
    """Another product has this SKU already."""

    code, title = "sku_taken", "SKU already in use"


class StockElsewhere(Conflict):
    """Units lie where a count of all does not reach: in warehouses, as many as `placed`, or spread over shards."""

    code, title = "stock_elsewhere", "Stock lies elsewhere"


@dataclass(frozen=True, slots=True)
class Shelf:
    """The units of a SKU in one warehouse; on hand there is their sum."""

    available: int = 0
    held: int = 0
    kept: int = 0

    @property
    def on_hand(self) -> int:
        return self.available + self.held + self.kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """What is sold before it is there.

    kind: `backorder`, sold once there is no more on hand; `preorder`, sold until `begins`, when nothing on hand is; or
    `closed`, no longer sold, but still owed.
    begins: the day, as `2026-12-24`, from which it can be sent. left: units that may still be sold; held: those of
    orders that are being paid; owed: sold, and to be served first by what arrives.
    """

    kind: str
    begins: str
    left: int = 0
    held: int = 0
    owed: int = 0

    @property
    def is_ahead(self) -> bool:
        """Whether its day is still to come."""
        return clock.timestamp()[:10] < self.begins

    @property
    def sells(self) -> int:
        """How many may be sold of it at present."""
        return self.left if self.kind == BACKORDER or self.withholds else 0

    @property
    def withholds(self) -> bool:
        """Whether nothing on hand is sold, since the day of a preorder is still to come."""
        return self.kind == PREORDER and self.is_ahead


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What is sold under a SKU, by whom, for how much.

    tax_category: `standard`, `reduced`, `exempt` or `digital`. weight_grams and size_mm (length, width, height) are of
    one unit packed for sending; 0 and () where nobody told them. placed: the available units in all places, of which
    `places` tells each. safety: how many are to be kept. low: when it fell to its reorder point, empty above it.
    started_with: the units it was created with, None where nobody knows. unlisted: by how much it has changed without
    an entry in the journal. peak: how many a second the vendor expects to sell when it is hottest.
    """

    sku: str
    product_id: str
    vendor_id: str
    title: str
    price: Money
    active: bool = True
    slug: str = ""
    image: str = ""
    category: str = ""
    brand: str = ""
    tax_category: str = STANDARD
    weight_grams: int = 0
    size_mm: tuple[int, ...] = ()
    available: int = 0
    held: int = 0
    limit: PurchaseLimit | None = None
    kept: int = 0
    safety: int = 0
    reorder_point: int | None = None
    low: str = ""
    placed: int = 0
    places: Mapping[str, Shelf] = field(default_factory=dict)
    later: Later | None = None
    shards: int = 0
    elsewhere: int = 0
    peak: int = 0
    started_with: int | None = None
    unlisted: int = 0

    @property
    def on_hand(self) -> int:
        """What is there, without the units on shards."""
        return self.available + self.kept + self.held

    @property
    def loose(self) -> int:
        """Of the available units, those in no place."""
        return self.available - self.placed

    @property
    def sellable(self) -> int:
        """How many a customer can order at present, there or later; of a SKU on shards, as last looked at."""
        if self.later is None:
            return self.available + self.elsewhere
        return self.later.sells + (0 if self.later.withholds else self.available + self.elsewhere)

    @property
    def sourced(self) -> bool:
        """Whether a hold must say where its units come from; stored as `sourced`, which a plain hold does not pass."""
        return bool(self.places) or self.shards > 0 or (self.later is not None and self.later.kind == PREORDER)

    @property
    def handling(self) -> frozenset[str]:
        """What it asks of those who sell it: some of PLACES, SHARDS, LATER and WATCH."""
        asked = {
            PLACES: bool(self.places),
            SHARDS: self.shards > 0,
            LATER: self.later is not None,
            WATCH: self.reorder_point is not None,
        }
        return frozenset(name for name, is_asked in asked.items() if is_asked)

    def available_from(self, quantity: int = 1) -> str:
        """The day from which so many can be sent, as `2026-12-24`; empty if they can be today."""
        if self.later is None or self.later.sells == 0 or not self.later.is_ahead:
            return ""
        there = 0 if self.later.withholds else self.available + self.elsewhere
        return self.later.begins if there < quantity else ""


def stock_key(sku: str) -> Key:
    return Key(f"STK#{sku}")


def read_offer(item: Mapping[str, Any]) -> Offer:
    return Offer(
        sku=item["pk"].removeprefix("STK#"),
        product_id=item["product_id"],
        vendor_id=item["vendor_id"],
        title=item["title"],
        price=Money(item["price"], item["currency"]),
        active=item["active"],
        slug=item["slug"],
        image=item["image"],
        category=item.get("category", ""),
        brand=item.get("brand", ""),
        tax_category=item.get("tax_category", STANDARD),
        weight_grams=int(item.get("weight_grams", 0)),
        size_mm=tuple(int(side) for side in item.get("size_mm", ())),
        available=item["available"],
        held=item["held"],
        limit=PurchaseLimit(item["max_per_customer"], item["limit_days"]) if "max_per_customer" in item else None,
        kept=item.get("kept", 0),
        safety=item.get("safety", 0),
        reorder_point=item.get("reorder_point"),
        low=item.get("low", ""),
        placed=item.get("placed", 0),
        places={place: _shelf(shelf) for place, shelf in item.get("places", {}).items()},
        later=Later(**item["later"]) if "later" in item else None,
        shards=item.get("shards", 0),
        elsewhere=item.get("elsewhere", 0),
        peak=item.get("peak", 0),
        started_with=item.get("started_with"),
        unlisted=item.get("unlisted_in", 0) - item.get("unlisted_out", 0),
    )


def _shelf(stored: Mapping[str, int]) -> Shelf:
    return Shelf(stored["a"], stored["h"], stored["k"])


def new_offer(offer: Offer) -> Write:
    """Put a SKU on sale for the first time, with `available` units. Raises SkuTaken."""
    item = {
        "product_id": offer.product_id,
        "vendor_id": offer.vendor_id,
        "title": offer.title,
        "price": offer.price.amount,
        "currency": offer.price.currency,
        "active": offer.active,
        "slug": offer.slug,
        "image": offer.image,
        "category": offer.category,
        **_nature(offer),
        "available": offer.available,
        "held": 0,
        "started_with": offer.available,
        "by1pk": f"STV#{offer.vendor_id}",
        "by1sk": offer.sku,
    }
    return put(stock_key(offer.sku), item, when=NEW, otherwise=SkuTaken(f"SKU {offer.sku} is taken.", sku=offer.sku))


_COUNTED = (
    ", unlisted_out = if_not_exists(unlisted_out, :none) + available"
    ", unlisted_in = if_not_exists(unlisted_in, :none) + :available, available = :available"
)
"""A count by somebody who has not seen what was there: the item itself remembers by how much that changed it, since
every right-hand side is the item as it was before."""


def change_offer(offer: Offer, *, available: int | None = None) -> Write:
    """Change what is said of a SKU: title, price, picture, category, whether it is on sale.

    Its purchase limit stays, and its stock too, unless that is counted anew: `available` is then the new total, of
    which what lies in places stays there. Raises NotFound or StockElsewhere.
    """
    counted = ("", {}, "") if available is None else (_COUNTED, {":available": available, ":none": 0}, _COVERED)
    nature = _nature(offer)
    unknown = [name for name in _NATURE if name not in nature]

    def refusal(found: Item | None) -> Conflict | NotFound:
        if found is None or found["vendor_id"] != offer.vendor_id:
            return NotFound(f"There is no SKU {offer.sku}.")
        placed = found.get("placed", 0)
        return StockElsewhere(f"{offer.sku} lies in warehouses or on shards.", sku=offer.sku, placed=placed)

    return update(
        stock_key(offer.sku),
        "SET title = :title, price = :price, currency = :currency, active = :active, slug = :slug, image = :image, "
        "category = :category"
        + "".join(f", {name} = :{name}" for name in nature)
        + counted[0]
        + (f" REMOVE {', '.join(unknown)}" if unknown else ""),
        {
            ":title": offer.title,
            ":price": offer.price.amount,
            ":currency": offer.price.currency,
            ":active": offer.active,
            ":slug": offer.slug,
            ":image": offer.image,
            ":category": offer.category,
            ":vendor": offer.vendor_id,
        }
        | {f":{name}": value for name, value in nature.items()}
        | counted[1],
        when="vendor_id = :vendor" + counted[2],
        otherwise=refusal,
    )


_COVERED = " AND (attribute_not_exists(placed) OR placed <= :available) AND attribute_not_exists(shards)"
_NATURE = ("tax_category", "weight_grams", "size_mm", "brand")


def _nature(offer: Offer) -> Item:
    """What decides on tax, postage and promotions, as stored: nothing for what is as usual or not known."""
    told: Item = {"weight_grams": offer.weight_grams, "size_mm": list(offer.size_mm), "brand": offer.brand}
    if offer.tax_category != STANDARD:
        told["tax_category"] = offer.tax_category
    return {name: value for name, value in told.items() if value}


def out_of_stock(sku: str, available: int, wanted: int) -> OutOfStock:
    """The refusal, which tells no more of the stock than the product page does."""
    few = available < SHOWN_AT_MOST
    said = f"Only {available} of {sku} left." if few else f"There are fewer than {wanted} of {sku}."
    return OutOfStock(said, sku=sku, available=min(available, SHOWN_AT_MOST))


def public_stock(available: int) -> dict[str, Any]:
    """What everybody may know of a stock, as part of an answer."""
    return {"inStock": available > 0, "available": min(available, SHOWN_AT_MOST)}


def public_offer(offer: Offer) -> dict[str, Any]:
    """The same of an offer; with `availableFrom`, the day from which the next one can be sent, where that is later."""
    begins = offer.available_from()
    return public_stock(offer.sellable) | ({"availableFrom": begins} if begins else {})
