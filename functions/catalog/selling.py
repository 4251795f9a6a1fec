"""What vendors do to offers of their own on other vendors' pages."""

from dataclasses import replace

from catalog import gtin, offers, store
from catalog.desk_forms import OfferChange, OfferForm
from catalog.events import OfferCreated, OfferUpdated, PriceChange, ProductPriceUpdated
from catalog.model import MixedCurrencies, Product
from catalog.offers import Book, Entry
from inventory.contract import Offer, change_offer, new_offer
from market import clock
from market.errors import Conflict, NotFound, PreconditionFailed, Unprocessable
from market.events import Event
from market.table import Write
from vendors.contract import must_be_active

_ATTEMPTS = 4
SHOWN = frozenset({"title", "slug", "category", "brand", "images", "media", "variants"})
"""Fields of a product that its offers say, too; see `follow`."""


class OwnProduct(Conflict):
    """The page is the vendor's own: change the product."""

    code, title = "own_product", "Your own product"


class WhichVariant(Unprocessable):
    """The product has several variants: name one of `skus`."""

    code, title = "which_variant", "Which variant?"


def offer(vendor_id: str, form: OfferForm) -> tuple[Entry, Product]:
    """Sell what another vendor's page shows, under a SKU of one's own.

    Raises NotFound, OwnProduct, WhichVariant, MixedCurrencies, TooManyOffers, SkuTaken, VendorNotActive.
    """
    for attempt in range(_ATTEMPTS):
        product = _product(form)
        if product.vendor_id == vendor_id:
            raise OwnProduct("Change the product itself: its page is yours.", productId=product.id)
        entry = Entry(form.sku, vendor_id, _variant(product, form), clock.timestamp())
        book = offers.book(product.id)
        grown = book.with_new(entry)
        event = OfferCreated(
            product_id=product.id, vendor_id=vendor_id, sku=entry.sku, variant=entry.variant, price=form.price
        )
        try:
            offers.carry_out(
                must_be_active(vendor_id), new_offer(_offered(product, entry, form)), offers.saved(grown),
                *offers.shown_at(product, grown), offers.listed(product, entry), events=(event,),
            )  # fmt: skip
        except PreconditionFailed:
            if attempt == _ATTEMPTS - 1:
                raise
            continue
        store.forget_address(product.slug)
        return entry, product
    raise AssertionError("unreachable")


def change(vendor_id: str, sku: str, form: OfferChange) -> tuple[Entry, Offer]:
    """Another price, or on and off sale. Raises NotFound, MixedCurrencies, VendorNotActive or PreconditionFailed."""
    book = offers.book(offers.product_of(vendor_id, sku))
    entry, before = book.find(sku), offers.present([sku]).get(sku)
    if entry is None or before is None:
        raise NotFound("There is no such offer.")
    on_sale = store.find(book.product_id).product.on_sale
    wished = entry.active if form.is_active is None else form.is_active
    after = replace(before, price=form.price or before.price, active=wished and on_sale)
    if after.price.currency != before.price.currency:
        raise MixedCurrencies("All prices of a product are in one currency.")
    entry = replace(entry, active=wished)
    write_change(book, entry, before, after)
    return entry, after


def write_change(book: Book, entry: Entry, before: Offer, after: Offer) -> None:
    """Carry out the change of one offer. Raises VendorNotActive or PreconditionFailed."""
    if after == before and entry == book.find(entry.sku):
        return
    fence = must_be_active(entry.vendor_id)
    offers.carry_out(fence, *change_writes(book, entry, after), events=told(before, after))


def change_writes(book: Book, entry: Entry, after: Offer) -> list[Write]:
    """The offer as it is to be, with the fence that no two changes of it meet. Raises PreconditionFailed."""
    return [change_offer(after), offers.saved(book.with_changed(entry))]


def follow(product_id: str) -> None:
    """Let offers say what the page says by now, and be on sale only while it is.

    Repeated or late, it does what is right by now. Raises PreconditionFailed where others change them meanwhile.
    """
    book = offers.book(product_id)
    if not book.entries:
        return
    product, found = store.find(product_id).product, offers.present([entry.sku for entry in book.entries])
    changes = [
        (before, after)
        for entry in book.entries
        if (before := found.get(entry.sku)) and (after := _as_shown(product, entry, before)) != before
    ]
    if changes:
        switched = [(before, after) for before, after in changes if before.active != after.active]
        events = tuple(event for before, after in switched for event in told(before, after))
        stock = [change_offer(after) for _, after in changes]
        offers.carry_out(*stock, offers.saved(book), *offers.shown_at(product, book), events=events)


def told(before: Offer, after: Offer) -> tuple[Event, ...]:
    """What the change of an offer is to others."""
    events: list[Event] = [
        OfferUpdated(
            product_id=after.product_id, vendor_id=after.vendor_id, sku=after.sku, active=after.active,
            price=after.price,
        )
    ]  # fmt: skip
    if before.price != after.price:
        prices = [PriceChange(sku=after.sku, before=before.price, after=after.price)]
        events.append(ProductPriceUpdated(product_id=after.product_id, vendor_id=after.vendor_id, prices=prices))
    return tuple(events)


def _product(form: OfferForm) -> Product:
    if form.product_id:
        found: Product | None = store.find(form.product_id).product
    else:
        found = store.by_gtin(gtin.whole(form.gtin or ""))
    if found is None or not found.on_sale:
        raise store.no_such_product()
    return found


def _variant(product: Product, form: OfferForm) -> str:
    sold = [variant for variant in product.variants if variant.is_active]
    if form.variant:
        sold = [variant for variant in sold if variant.sku == form.variant]
    elif form.gtin:
        sold = [variant for variant in sold if gtin.whole(variant.barcode or "") == gtin.whole(form.gtin)]
    if len(sold) != 1:
        raise WhichVariant("Say which variant it is.", skus=[variant.sku for variant in product.variants])
    if sold[0].price.currency != form.price.currency:
        raise MixedCurrencies("All prices of a product are in one currency.")
    return sold[0].sku


def _offered(product: Product, entry: Entry, form: OfferForm) -> Offer:
    """What the inventory is to know of a new one."""
    own = Offer(
        sku=entry.sku, product_id=product.id, vendor_id=entry.vendor_id, title="", price=form.price,
        available=form.stock,
    )  # fmt: skip
    return _as_shown(product, entry, own)


def _as_shown(product: Product, entry: Entry, offer: Offer) -> Offer:
    """The offer, saying the same as the page's variant, but for whose it is, what it costs and how many there are."""
    same = product.offer(next(variant for variant in product.variants if variant.sku == entry.variant))
    return replace(
        offer,
        title=same.title,
        slug=same.slug,
        image=same.image,
        category=same.category,
        brand=same.brand,
        tax_category=same.tax_category,
        weight_grams=same.weight_grams,
        size_mm=same.size_mm,
        active=entry.active and product.on_sale,
    )
