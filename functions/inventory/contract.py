"""What other services may ask of stock, as pure write fragments for their own transactions.

The stock item of a SKU carries its price and seller too (the *offer*), so that one conditional write at placement
checks stock and price together and costs no read. A hold moves units from `available` to `held`; it ends by a commit
(sold) or a release (back on sale). On hand is always `available + held`.

Where an offer is limited per customer, what each customer bought of it is counted (`count_purchase`) in the transaction
that holds the stock, and taken back (`uncount_purchase`) in the one that ends the hold without a sale.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from inventory.manifest import MANIFEST as MANIFEST
from market import clock
from market.errors import Conflict, NotFound
from market.money import Money
from market.table import EXISTS, NEW, Item, Key, Write, put, update

STANDARD = "standard"
"""The tax category of what nobody said anything else of."""
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


class LimitChanged(Conflict):
    """How many a customer may buy is not what the cart says; `limit` is the present number, absent for no limit."""

    code, title = "limit_changed", "The purchase limit has changed"


class PurchaseLimitReached(Conflict):
    """A customer may buy only `limit` of it, `allowed` of them still."""

    code, title = "purchase_limit", "Purchase limit"


@dataclass(frozen=True, slots=True)
class PurchaseLimit:
    """A customer may buy so many `units`: within each period of so many `days`, or ever, if `days` is 0.

    Periods are the same for everybody: they follow each other since 1970, so that a counter's key tells its period.
    """

    units: int
    days: int = 0

    @property
    def period(self) -> str:
        """The present period as part of a counter's key, such as `30.686`; empty if the limit is for ever."""
        return f"{self.days}.{clock.epoch() // (self.days * _DAY)}" if self.days else ""


_DAY = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What is sold under a SKU, by whom, for how much.

    tax_category: `standard`, `reduced`, `exempt` or `digital`. weight_grams and size_mm (length, width, height) are of
    one unit packed for sending; 0 and () where nobody told them.
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
    tax_category: str = STANDARD
    weight_grams: int = 0
    size_mm: tuple[int, ...] = ()
    available: int = 0
    held: int = 0
    limit: PurchaseLimit | None = None


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
        category=item.get("category", ""),
        tax_category=item.get("tax_category", STANDARD),
        weight_grams=int(item.get("weight_grams", 0)),
        size_mm=tuple(int(side) for side in item.get("size_mm", ())),
        available=item["available"],
        held=item["held"],
        limit=PurchaseLimit(item["max_per_customer"], item["limit_days"]) if "max_per_customer" in item else None,
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
        "category": offer.category,
        **_nature(offer),
        "available": offer.available,
        "held": 0,
        "by1pk": f"STV#{offer.vendor_id}",
        "by1sk": offer.sku,
    }
    return put(stock_key(offer.sku), item, when=NEW, otherwise=SkuTaken(f"SKU {offer.sku} is taken.", sku=offer.sku))


def change_offer(offer: Offer, *, available: int | None = None) -> Write:
    """Change what is said of a SKU: title, price, picture, category, whether it is on sale.

    Its purchase limit stays, and its stock too, unless that is counted anew.
    """
    counted = ("", {}) if available is None else (", available = :available", {":available": available})
    nature = _nature(offer)
    unknown = [name for name in _NATURE if name not in nature]
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
        when="vendor_id = :vendor",
        otherwise=NotFound(f"There is no SKU {offer.sku}."),
    )


_NATURE = ("tax_category", "weight_grams", "size_mm")


def _nature(offer: Offer) -> Item:
    """What decides on tax and postage, as stored: nothing for what is as usual or not known."""
    told: Item = {"weight_grams": offer.weight_grams, "size_mm": list(offer.size_mm)}
    if offer.tax_category != STANDARD:
        told["tax_category"] = offer.tax_category
    return {name: value for name, value in told.items() if value}


def hold(sku: str, quantity: int, price: Money, limit: PurchaseLimit | None = None) -> Write:
    """Set units aside at the price and under the purchase limit that the cart says.

    Raises OutOfStock, PriceChanged, LimitChanged or NotOnSale.
    """

    def refusal(found: Item | None) -> Conflict:
        if found is None or not found["active"]:
            return NotOnSale(f"{sku} is not on sale.", sku=sku)
        offer = read_offer(found)
        if offer.price != price:
            return PriceChanged(f"{sku} now costs {offer.price}.", sku=sku, price=offer.price.plain())
        if offer.limit != limit:
            return limit_changed(sku, offer.limit)
        return out_of_stock(sku, offer.available, quantity)

    values = {":wanted": quantity, ":price": price.amount, ":currency": price.currency, ":yes": True}
    same_limit = "attribute_not_exists(max_per_customer)"
    if limit:
        same_limit = "max_per_customer = :limit AND limit_days = :days"
        values |= {":limit": limit.units, ":days": limit.days}
    return update(
        stock_key(sku),
        "SET available = available - :wanted, held = held + :wanted",
        values,
        when=f"available >= :wanted AND price = :price AND currency = :currency AND active = :yes AND {same_limit}",
        otherwise=refusal,
    )


def count_purchase(sku: str, customer_id: str, quantity: int, limit: PurchaseLimit, period: str) -> Write:
    """Count units against what the customer may buy in this `period` of the limit. Raises PurchaseLimitReached.

    To be written with `hold`, which makes sure of the limit; the order keeps the period for `uncount_purchase`.
    """

    def refusal(found: Item | None) -> Conflict:
        return limit_reached(sku, limit, found["units"] if found else 0)

    room = "units <= :room"
    if quantity <= limit.units:
        room = f"attribute_not_exists(units) OR {room}"
    values = {":none": 0, ":bought": quantity, ":room": limit.units - quantity}
    ends = ""
    if period:
        ends, values = ", expires_at = :end", values | {":end": _period_end(period) + 2 * _DAY}
    return update(
        counter_key(sku, customer_id, period),
        f"SET units = if_not_exists(units, :none) + :bought{ends}",
        values,
        when=room,
        otherwise=refusal,
    )


def uncount_purchase(sku: str, customer_id: str, quantity: int, period: str) -> tuple[Write, ...]:
    """Let the customer buy so many again, for an order that came to nothing: one write, or none once `period` is over.

    The caller's own fence makes sure that this happens once per `count_purchase`. A counter never falls below zero, and
    one that is gone keeps no order from ending.
    """
    if period and _period_end(period) <= clock.epoch():
        return ()
    back = update(
        counter_key(sku, customer_id, period),
        "SET units = if_not_exists(units, :back) - :back",
        {":back": quantity},
        when="attribute_not_exists(units) OR units >= :back",
        otherwise=Conflict(f"Fewer than {quantity} of {sku} are counted."),
    )
    return (back,)


def counter_key(sku: str, customer_id: str, period: str) -> Key:
    """Where a customer's purchases of a limited SKU are counted."""
    return Key(f"STL#{sku}", f"{customer_id}#{period}" if period else customer_id)


def limit_reached(sku: str, limit: PurchaseLimit, bought: int = 0) -> PurchaseLimitReached:
    """The refusal, which says how many are still allowed."""
    allowed = max(0, limit.units - bought)
    every = f" in {limit.days} days" if limit.days else ""
    said = f"A customer may buy {limit.units} of {sku}{every}, you {allowed} more."
    return PurchaseLimitReached(said, sku=sku, limit=limit.units, allowed=allowed)


def limit_changed(sku: str, limit: PurchaseLimit | None) -> LimitChanged:
    if limit is None:
        return LimitChanged(f"{sku} is no longer limited.", sku=sku)
    return LimitChanged(f"A customer may now buy {limit.units} of {sku}.", sku=sku, limit=limit.units)


def _period_end(period: str) -> int:
    """The moment, in seconds since 1970, when a period is over."""
    days, number = map(int, period.split("."))
    return (number + 1) * days * _DAY


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


def restock(sku: str, quantity: int) -> Write:
    """Sold units that never left are back on sale. The caller's own fence makes sure that this happens once."""
    return update(
        stock_key(sku),
        "SET available = available + :back",
        {":back": quantity},
        when=EXISTS,
        otherwise=NotFound(f"There is no SKU {sku}."),
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
