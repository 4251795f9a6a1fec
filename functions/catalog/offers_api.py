"""Routes of vendors' own offers on other vendors' pages."""

from catalog import offers, selling, views
from catalog.desk_forms import OfferChange, OfferForm
from catalog.manifest import MANIFEST
from catalog.model import MixedCurrencies
from catalog.offers import TooManyOffers
from catalog.selling import OwnProduct, WhichVariant
from catalog.views import OwnOffer, OwnOfferList
from inventory.contract import SkuTaken
from market.errors import PreconditionFailed
from market.http import KEY, STAFF, VENDOR, Cursor, Limit, Response, ServiceApi, reply, reply_json
from vendors.contract import VendorNotActive

api = ServiceApi(MANIFEST)
handler = api.handler


@api.get("/v1/vendors/<vendor_id>/offers", callers=[VENDOR, STAFF], needs="products.read")
def list_offers(vendor_id: str, limit: Limit = 20, cursor: Cursor = None) -> Response[OwnOfferList]:
    """The vendor's offers on other vendors' pages, by SKU; price and stock are told by the inventory."""
    page = offers.of_vendor(vendor_id, limit=limit, cursor=cursor)
    return reply_json(views.card_list((item["card"] for item in page.items), page.next))


@api.post(
    "/v1/vendors/<vendor_id>/offers",
    callers=[VENDOR, STAFF, KEY],
    needs="products.write",
    status=201,
    problems=[OwnProduct, WhichVariant, MixedCurrencies, TooManyOffers, SkuTaken, VendorNotActive, PreconditionFailed],
)
def make_offer(vendor_id: str, form: OfferForm) -> Response[OwnOffer]:
    """Sell what another vendor's page shows, under a SKU of one's own: found by product or GTIN."""
    entry, product = selling.offer(vendor_id, form)
    view = OwnOffer(
        sku=entry.sku, product_id=product.id, slug=product.slug, variant=entry.variant, since=entry.since,
        price=form.price, is_active=True,
    )  # fmt: skip
    return reply(view, status=201)


@api.patch(
    "/v1/vendors/<vendor_id>/offers/<offer_sku>",
    callers=[VENDOR, STAFF, KEY],
    needs="products.write",
    problems=[MixedCurrencies, VendorNotActive, PreconditionFailed],
)
def change_offer(vendor_id: str, offer_sku: str, form: OfferChange) -> Response[OwnOffer]:
    """Ask another price, or take the offer off sale and back."""
    entry, offer = selling.change(vendor_id, offer_sku, form)
    view = OwnOffer(
        sku=offer_sku, product_id=offer.product_id, slug=offer.slug, variant=entry.variant, since=entry.since,
        price=offer.price, is_active=entry.active,
    )  # fmt: skip
    return reply(view)
