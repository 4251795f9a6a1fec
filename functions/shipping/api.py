"""Routes of shipping: prices for a cart, a vendor's table and the platform's, and where a vendor sends to."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from market.errors import PreconditionFailed
from market.http import ANYONE, CUSTOMER, GUEST, STAFF, VENDOR, Response, ServiceApi, reply
from prices.contract import NoRate, TooMuch
from shipping import service, store
from shipping.contract import PLATFORM
from shipping.forms import TableBody, TableView
from shipping.manifest import MANIFEST
from shipping.model import Destination, RateTable
from shipping.views import PreviewBody, PreviewView, RatesBody, RatesView, VendorRates, Zones
from shipping.zones import zone_of

api = ServiceApi(MANIFEST)
handler = api.handler

Country = Annotated[str | None, Query(pattern=r"^[A-Z]{2}$", description="Whether it is sent there.")]
Region = Annotated[str | None, Query(pattern=r"^[A-Z0-9]{1,3}$")]
Postcode = Annotated[str | None, Query(pattern=r"^[A-Za-z0-9 -]{1,12}$")]


@api.post("/v1/shipping/rates", callers=[CUSTOMER, GUEST], limit="shipping", problems=[NoRate, TooMuch])
def rates(body: RatesBody) -> Response[RatesView]:
    """What it costs to send each vendor's part of the cart there, by their tables and by carriers; nothing is ordered.

    An order names a method for each vendor, and the `quoteId` of a carrier's own price.
    """
    cart, offerings = service.for_cart(api.caller.id, body.destination(), body.currency or "")
    return reply(RatesView(cart_version=cart.version, vendors=[VendorRates.of(one) for one in offerings]))


@api.get("/v1/vendors/<vendor_id>/shipping", callers=[VENDOR, STAFF], needs="shipping.read")
def show(vendor_id: str) -> Response[TableView]:
    """The table that counts for a vendor; `scope` says whose it is. Send its `ETag` as `If-Match` when changing it."""
    return _shown(*store.effective(vendor_id))


@api.put(
    "/v1/vendors/<vendor_id>/shipping", callers=[VENDOR, STAFF], needs="shipping.write", problems=[PreconditionFailed]
)
def change(vendor_id: str, body: TableBody) -> Response[TableView]:
    """Give a vendor a table, in place of all that was there; with `If-Match`, only if it is still as it was read.

    It counts from the next order on. Holidays are read anew.
    """
    store.require_vendor(vendor_id, api.caller)
    saved = service.set_table(body.table(vendor_id), check=api.require_match, by=api.caller.id)
    return _shown(saved, saved.version)


@api.delete(
    "/v1/vendors/<vendor_id>/shipping",
    callers=[VENDOR, STAFF],
    needs="shipping.write",
    status=204,
    problems=[PreconditionFailed],
)
def drop(vendor_id: str) -> Response[None]:
    """Do without a table of one's own: the platform's counts. Doing it again changes nothing."""
    store.require_vendor(vendor_id, api.caller)
    service.drop_table(vendor_id, check=api.require_match, by=api.caller.id)
    return Response(status_code=204)


@api.post("/v1/vendors/<vendor_id>/shipping/preview", callers=[VENDOR, STAFF], needs="shipping.read")
def preview(vendor_id: str, body: PreviewBody) -> Response[PreviewView]:
    """What an imagined parcel would cost to some place, by the table that counts or by a draft; nothing is saved."""
    store.require_vendor(vendor_id, api.caller)
    draft = body.table.table(vendor_id) if body.table else None
    found = service.preview(vendor_id, body.parcel.parcel(), body.destination.destination(), draft)
    return reply(PreviewView.of(found))


@api.get("/v1/vendors/<vendor_id>/shipping/zones", callers=[ANYONE])
def zones(
    vendor_id: str, country: Country = None, region: Region = None, postalCode: Postcode = None
) -> Response[Zones]:
    """Where a vendor sends to, and how long that takes; for a country, whether there."""
    table, _ = store.effective(vendor_id)
    if not country:
        return reply(Zones.of(vendor_id, table, table.zones, there=None), cache_seconds=300)
    found = zone_of(table.zones, Destination(country, region or "", postalCode or ""))
    there = found is not None and found.ships
    return reply(Zones.of(vendor_id, table, [found] if found else [], there=there), cache_seconds=300)


@api.get("/v1/admin/shipping", callers=[STAFF], needs="shipping.read")
def show_platform() -> Response[TableView]:
    """The table of all vendors that have none of their own."""
    return _shown(*store.effective(PLATFORM))


@api.put("/v1/admin/shipping", callers=[STAFF], needs="shipping.configure", problems=[PreconditionFailed])
def change_platform(body: TableBody) -> Response[TableView]:
    """Set the table of all vendors that have none of their own; with `If-Match`, only if it is still as it was read."""
    saved = service.set_table(body.table(PLATFORM), check=api.require_match, by=api.caller.id)
    return _shown(saved, saved.version)


def _shown(table: RateTable, version: int) -> Response[TableView]:
    return reply(TableView.of(table), version=version)
