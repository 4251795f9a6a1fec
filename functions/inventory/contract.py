"""What other services may ask of stock, as pure write fragments for their own transactions.

The stock item of a SKU carries its price and seller too (the *offer*), so that one conditional write at placement
checks stock and price together and costs no read. A hold moves units from `available` to `held`; it ends by a commit
(sold) or a release (back on sale). On hand is always `available + held`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from inventory.manifest import MANIFEST as MANIFEST
from market.errors import Conflict, NotFound
from market.money import Money
from market.table import NEW, Item, Key, Write, put, update

MAX_PER_LINE = 999
MAX_STOCK = 10_000_000
Sku = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$", examples=["LAMP-BRASS"])]
SHOWN_AT_MOST = 10
"""The public learns how many are left only up to here; 10 means ten or more."""


class OutOfStock(Conflict):
    """Fewer units are available than wanted; `sku` and `available` say of what."""

    code, title = "out_of_stock", "Out of stock"


class PriceChanged(Conflict):
    """The price is not the one that the customer saw; `price` is the present one."""

    code, title = "price_changed", "The price has changed"


class NotOnSale(Conflict):
    """The SKU is not, or no longer, on sale."""

    code, title = "not_on_sale", "Not on sale"


class SkuTaken(Conflict):
    """Another product has this SKU already."""

    code, title = "sku_taken", "SKU already in use"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What is sold under a SKU, by whom, for how much."""

    sku: str
    product_id: str
    vendor_id: str
    title: str
    price: Money
    active: bool = True
    slug: str = ""
    image: str = ""
    available: int = 0
    held: int = 0


def out_of_stock(sku: str, available: int, wanted: int) -> OutOfStock:
    """The refusal, which tells no more of the stock than the product page does."""
    few = available < SHOWN_AT_MOST
    said = f"Only {available} of {sku} left." if few else f"There are fewer than {wanted} of {sku}."
    return OutOfStock(said, sku=sku, available=min(available, SHOWN_AT_MOST))


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
        available=item["available"],
        held=item["held"],
    )


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
        "available": offer.available,
        "held": 0,
        "by1pk": f"STV#{offer.vendor_id}",
        "by1sk": offer.sku,
    }
    return put(stock_key(offer.sku), item, when=NEW, otherwise=SkuTaken(f"SKU {offer.sku} is taken.", sku=offer.sku))


def change_offer(offer: Offer, *, available: int | None = None) -> Write:
    """Change what is said of a SKU: title, price, picture, whether it is on sale. Stock stays, unless counted anew."""
    counted = ("", {}) if available is None else (", available = :available", {":available": available})
    return update(
        stock_key(offer.sku),
        "SET title = :title, price = :price, currency = :currency, active = :active, slug = :slug, image = :image"
        + counted[0],
        {
            ":title": offer.title,
            ":price": offer.price.amount,
            ":currency": offer.price.currency,
            ":active": offer.active,
            ":slug": offer.slug,
            ":image": offer.image,
            ":vendor": offer.vendor_id,
        }
        | counted[1],
        when="vendor_id = :vendor",
        otherwise=NotFound(f"There is no SKU {offer.sku}."),
    )


def hold(sku: str, quantity: int, price: Money) -> Write:
    """Set units aside at the price that the customer saw. Raises OutOfStock, PriceChanged or NotOnSale."""

    def refusal(found: Item | None) -> Conflict:
        if found is None or not found["active"]:
            return NotOnSale(f"{sku} is not on sale.", sku=sku)
        present = Money(found["price"], found["currency"])
        if present != price:
            return PriceChanged(f"{sku} now costs {present}.", sku=sku, price=present.plain())
        return out_of_stock(sku, found["available"], quantity)

    return update(
        stock_key(sku),
        "SET available = available - :wanted, held = held + :wanted",
        {":wanted": quantity, ":price": price.amount, ":currency": price.currency, ":yes": True},
        when="available >= :wanted AND price = :price AND currency = :currency AND active = :yes",
        otherwise=refusal,
    )


def commit(sku: str, quantity: int) -> Write:
    """The held units are sold. The caller's own fence makes sure that this happens once."""
    return update(
        stock_key(sku),
        "SET held = held - :sold",
        {":sold": quantity},
        when="held >= :sold",
        otherwise=Conflict(f"{sku} holds fewer than {quantity}."),
    )


def release(sku: str, quantity: int) -> Write:
    """The held units are back on sale. The caller's own fence makes sure that this happens once."""
    return update(
        stock_key(sku),
        "SET held = held - :back, available = available + :back",
        {":back": quantity},
        when="held >= :back",
        otherwise=Conflict(f"{sku} holds fewer than {quantity}."),
    )


def public_stock(available: int) -> dict[str, Any]:
    """What everybody may know of a stock, as part of an answer."""
    return {"inStock": available > 0, "available": min(available, SHOWN_AT_MOST)}


def by_sku(quantities: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Total quantity per SKU: a transaction may touch an item only once."""
    totals: dict[str, int] = {}
    for sku, quantity in quantities:
        totals[sku] = totals.get(sku, 0) + quantity
    return totals
