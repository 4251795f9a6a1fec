"""What a price depends on, all of it found by key: one BatchGet, whatever is set up and however large the cart is.

A cart of 50 lines of 10 vendors with all its coupons is less than the 100 keys that one request may have.
"""

from collections.abc import Collection, Mapping
from typing import Any

from cart.contract import Cart
from identity.contract import read_contact, user_key
from inventory.contract import (
    LATER,
    PLACES,
    SHARDS,
    Offer,
    Warehouse,
    read_offer,
    read_warehouses,
    stock_key,
    warehouses_key,
)
from ledger.contract import commission_keys, read_rules
from market.table import Item, Key
from orders.model import GUEST_ID
from orders.pricing import Tables
from orders.table import TABLE
from prices.contract import entries_key, groups_key, rates_key, read_entries, read_groups, read_rates
from promotions.contract import (
    PLATFORM,
    CustomerFacts,
    Promotion,
    book_key,
    code_key,
    customer_key,
    promotion_key,
    read_book,
    read_code,
    read_customer,
    read_promotion,
)
from shipping.contract import PLATFORM as PLATFORM_TABLE
from shipping.contract import CarrierQuote, quote_key, read_carrier_quote, table_of
from shipping.contract import table_key as shipping_key
from tax.contract import certificates_key, read_certificates, read_overrides
from tax.contract import table_key as tax_key

Found = Mapping[Key, Item]
NONE: Mapping[str, str] = {}
_SOURCED = frozenset({PLACES, SHARDS, LATER})
"""What of an offer's `handling` means that its units have sources."""


class Facts:
    """What was read for one cart.

    quotes: ids of the carriers' prices that it names, by vendor; pickups: ids of the places where parcels are fetched.
    """

    def __init__(
        self, cart: Cart, country: str, quotes: Mapping[str, str] = NONE, pickups: Mapping[str, str] = NONE
    ) -> None:
        self._cart, self._country, self._quotes, self._pickups = cart, country, quotes, pickups
        self._found: Found = {}

    @property
    def _vendors(self) -> list[str]:
        return list(dict.fromkeys(line.vendor_id for line in self._cart.lines))

    @property
    def _is_guest(self) -> bool:
        return self._cart.customer_id.startswith(GUEST_ID)

    def read(self, *more: Key) -> "Facts":
        """Fetch everything, and more, in one request."""
        customer, scopes = self._cart.customer_id, [PLATFORM, *self._vendors]
        keys = [*more, *self._stock_keys(), rates_key(), customer_key(customer)]
        keys += [quote_key(quote_id) for quote_id in self._quotes.values()]
        keys += [entries_key(line.sku) for line in self._cart.lines]
        keys += [book_key(scope) for scope in scopes]
        keys += [shipping_key(scope) for scope in (PLATFORM_TABLE, *self._vendors)]
        for coupon in self._cart.coupons:
            keys += [code_key(coupon.code), promotion_key(coupon.promotion_id)]
        keys += [tax_key(self._country)] if self._country else []
        keys += [] if self._is_guest else [groups_key(customer), certificates_key(customer)]
        self._found = TABLE.batch_get(keys)
        return self

    def read_for_sale(self) -> "Facts":
        """And what an order keeps that customers are not shown: our commission, and where to write to."""
        keys = commission_keys(self._vendors)
        return self.read(*keys, *([] if self._is_guest else [user_key(self._cart.customer_id)]))

    def read_with_offers(self) -> "Facts":
        """And what is on the shelf of the cart's SKUs."""
        return self.read(*(stock_key(line.sku) for line in self._cart.lines))

    def read_stock(self, skus: Collection[str]) -> "Facts":
        """Fetch anew, as last written, the offers of these SKUs and of those that have sources, and the warehouses."""
        keys = [*(stock_key(sku) for sku in skus), *self._stock_keys(), *map(warehouses_key, self._vendors)]
        self._found = {**self._found, **TABLE.batch_get(keys, consistent=True)}
        return self

    def _stock_keys(self) -> list[Key]:
        """Of offers that a hold must know more of than the cart says, and of warehouses."""
        lines, fetched = self._cart.lines, self._pickups.keys()
        keys = [stock_key(line.sku) for line in lines if line.handling & _SOURCED or line.vendor_id in fetched]
        placed = {line.vendor_id for line in lines if PLACES in line.handling} | (fetched & set(self._vendors))
        return [*keys, *map(warehouses_key, sorted(placed))]

    def warehouses(self, vendor_id: str) -> tuple[Warehouse, ...]:
        """The vendor's, if they were read."""
        return read_warehouses(self._item(warehouses_key(vendor_id)))

    @property
    def offers(self) -> dict[str, Offer]:
        """By SKU, those that were read; without those that nobody sells."""
        keys = (stock_key(line.sku) for line in self._cart.lines)
        return {offer.sku: offer for key in keys if key in self._found for offer in (read_offer(self._found[key]),)}

    @property
    def email(self) -> str:
        """Where the customer's mails go; empty where we do not know."""
        profile = self._found.get(user_key(self._cart.customer_id))
        return read_contact(profile).email if profile else ""

    @property
    def customer(self) -> CustomerFacts:
        customer = self._cart.customer_id
        groups = read_groups(self._item(groups_key(customer)))
        return read_customer(self._found.get(customer_key(customer)), customer, groups)

    def tables(self, *, for_sale: bool = False) -> Tables:
        """What prices are looked up in. for_sale: with the rules of our commission."""
        platforms = self._item(shipping_key(PLATFORM_TABLE))
        return Tables(
            entries={
                line.sku: read_entries(item) for line in self._cart.lines if (item := self._item(entries_key(line.sku)))
            },
            rates=read_rates(self._item(rates_key())),
            promotions=self._promotions(),
            codes=[read_code(self._item(code_key(coupon.code)), coupon.code) for coupon in self._cart.coupons],
            shipping={
                vendor_id: table_of(self._item(shipping_key(vendor_id)), platforms) for vendor_id in self._vendors
            },
            carriers=self._carriers(),
            overrides=read_overrides(self._item(tax_key(self._country)) if self._country else None),
            certificates=read_certificates(self._item(certificates_key(self._cart.customer_id))),
            rules=read_rules(self._found.values()) if for_sale else None,
        )

    def _promotions(self) -> list[Promotion]:
        """Those of the books, and those of the codes in the cart."""
        found = [one for scope in (PLATFORM, *self._vendors) for one in read_book(self._item(book_key(scope)))]
        items = (self._item(promotion_key(coupon.promotion_id)) for coupon in self._cart.coupons)
        return found + [read_promotion(item) for item in items if item]

    def _carriers(self) -> dict[str, CarrierQuote]:
        items = ((vendor_id, self._item(quote_key(quote_id))) for vendor_id, quote_id in self._quotes.items())
        return {vendor_id: read_carrier_quote(item) for vendor_id, item in items if item}

    def _item(self, key: Key) -> Mapping[str, Any] | None:
        return self._found.get(key)
