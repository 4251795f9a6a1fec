"""Items of shipping: a table is `SHT#<vendor id>` or `SHT#platform`, an answer of carriers `SHQ#<hash>`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from cart.contract import MANIFEST as CART
from cart.contract import Cart, cart_key, read_cart
from market import clock
from market.errors import Conflict, PreconditionFailed
from market.guard.callers import Caller
from market.table import NEW, Item, Key, Table, Write, put
from prices.contract import MANIFEST as PRICES
from prices.contract import Rates, entries_key, groups_key, rates_key, read_entries, read_groups, read_rates
from promotions.contract import MANIFEST as PROMOTIONS
from promotions.contract import PLATFORM as EVERYBODY
from promotions.contract import (
    book_key,
    code_key,
    customer_key,
    promotion_key,
    read_book,
    read_code,
    read_customer,
    read_promotion,
)
from shipping import quotes, stored
from shipping.contract import PLATFORM, quote_key, read_carrier_quote, read_table, table_key, table_of
from shipping.manifest import MANIFEST
from shipping.model import RateTable
from shipping.quotes import CarrierQuote
from shipping.subtotals import Terms
from vendors.contract import MANIFEST as VENDORS
from vendors.contract import require_known

_table = Table(MANIFEST, CART, PRICES, PROMOTIONS, VENDORS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What prices of a cart's parcels depend on: tables by vendor, exchange rates, and what its lines cost by."""

    tables: Mapping[str, RateTable]
    rates: Rates
    terms: Terms


def require_vendor(vendor_id: str, caller: Caller) -> None:
    """Raises NotFound."""
    require_known(vendor_id, caller, _table.get)


def cart(customer_id: str) -> Cart:
    return read_cart(customer_id, _table.get(cart_key(customer_id), consistent=True))


def surroundings(cart: Cart) -> Surroundings:
    """All of it in one call. A moment old is fine: the order looks again."""
    vendors = tuple(dict.fromkeys(line.vendor_id for line in cart.lines))
    found = _table.batch_get([*map(table_key, (*vendors, PLATFORM)), rates_key(), *_terms_keys(cart, vendors)])
    platforms = found.get(table_key(PLATFORM))
    return Surroundings(
        tables={vendor: table_of(found.get(table_key(vendor)), platforms) for vendor in vendors},
        rates=read_rates(found.get(rates_key())),
        terms=_terms(cart, vendors, found),
    )


def _terms_keys(cart: Cart, vendors: Iterable[str]) -> list[Key]:
    customer, coupons = cart.customer_id, cart.coupons
    return [
        *(customer_key(customer), groups_key(customer)),
        *(entries_key(line.sku) for line in cart.lines),
        *(book_key(scope) for scope in (EVERYBODY, *vendors)),
        *(code_key(coupon.code) for coupon in coupons),
        *(promotion_key(coupon.promotion_id) for coupon in coupons),
    ]


def _terms(cart: Cart, vendors: Iterable[str], found: Mapping[Key, Item]) -> Terms:
    customer, coupons = cart.customer_id, cart.coupons
    groups = read_groups(found.get(groups_key(customer)))
    books = [one for scope in (EVERYBODY, *vendors) for one in read_book(found.get(book_key(scope)))]
    named = (found.get(promotion_key(coupon.promotion_id)) for coupon in coupons)
    return Terms(
        customer=read_customer(found.get(customer_key(customer)), customer, groups),
        entries={line.sku: read_entries(found.get(entries_key(line.sku))) for line in cart.lines},
        promotions=[*books, *(read_promotion(item) for item in named if item)],
        codes=[read_code(found.get(code_key(coupon.code)), coupon.code) for coupon in coupons],
    )


def own(scope: str) -> tuple[RateTable | None, int]:
    """The scope's own table, if it has one, and the version that a change of it has to be made from."""
    item = _table.get(table_key(scope), consistent=True)
    if item is None:
        return None, 0
    return (read_table(item) if item.get("table") else None), item["version"]


def effective(scope: str) -> tuple[RateTable, int]:
    """The table that counts, and the version of the scope's own."""
    keys = [table_key(scope), table_key(PLATFORM)]
    found = _table.batch_get(dict.fromkeys(keys), consistent=True)
    mine = found.get(keys[0])
    return table_of(mine, found.get(keys[1])), mine["version"] if mine else 0


def save(table: RateTable, *, seen: int, by: str) -> RateTable:
    """Store a table that was made from version `seen` of the scope's. Raises PreconditionFailed."""
    saved = replace(table, version=seen + 1, updated_by=by, updated_at=clock.timestamp())
    _table.transact(_versioned(saved.scope, seen, {"table": stored.written(saved)}, by, saved.updated_at))
    return saved


def drop(scope: str, *, seen: int, by: str) -> None:
    """Forget the table, but not its version, so that no old `If-Match` ever fits again. Raises PreconditionFailed."""
    _table.transact(_versioned(scope, seen, {}, by, clock.timestamp()))


def carrier_quotes(ids: Iterable[str]) -> dict[str, CarrierQuote]:
    """Those that are still valid, by id."""
    found = _table.batch_get(quote_key(one) for one in ids)
    read = map(read_carrier_quote, found.values())
    return {quote.id: quote for quote in read if quote.expires_at > clock.epoch()}


def keep(quote: CarrierQuote) -> None:
    """Keep an answer until it expires; that nobody answered never takes the place of an answer that is still valid."""
    write = put(quote_key(quote.id), quotes.stored(quote))
    if quote.failed:
        valid = Conflict("There is an answer meanwhile.")
        still = "attribute_not_exists(expires_at) OR expires_at <= :now OR failed = :yes"
        values = {":now": clock.epoch(), ":yes": True}
        write = put(quote_key(quote.id), quotes.stored(quote), when=still, values=values, otherwise=valid)
    try:
        _table.write(write)
    except Conflict:
        return


def _versioned(scope: str, seen: int, content: Item, by: str, at: str) -> Write:
    return put(
        table_key(scope),
        content | {"version": seen + 1, "updated_by": by, "updated_at": at},
        when="version = :seen" if seen else NEW,
        values={":seen": seen} if seen else None,
        otherwise=PreconditionFailed("The table has changed since you read it."),
    )
