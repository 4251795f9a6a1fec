"""Routes of checkout and orders for those who buy, customers and guests."""

from cart.contract import CartChanged, CartFull
from market.errors import IdempotencyKeyReused, MissingIdempotencyKey, NotFound, Unprocessable
from market.http import CUSTOMER, GUEST, Cursor, Limit, Response, ServiceApi, guest_of, reply
from orders import cancelling, model, placing, service, stocking, store
from orders.contract import OrderSnapshot, id_of
from orders.forms import ClaimRequest, OrderRequest, SummaryRequest
from orders.manifest import MANIFEST
from orders.origin import origin_of
from orders.price_views import SummaryView
from orders.views import OrderPage, OrderView
from prices.contract import NoRate
from shipping.contract import CarrierQuoteGone, NotShippable, ShippingMethodNotOffered

api = ServiceApi(MANIFEST)
handler = api.handler


@api.post(
    "/v1/checkout/summary",
    callers=[CUSTOMER, GUEST],
    problems=[model.CartEmpty, model.NoSuchAddress, CartChanged, NoRate],
)
def summarize(request: SummaryRequest) -> SummaryView:
    """What the cart costs, line by line, and what stands in the way of buying it."""
    address = {"country": request.country} if request.country else {}
    if request.shipping_address or request.shipping_address_id:
        address = _destination(request)
    summary = placing.summarize(api.caller.id, request.delivery(), address, request.currency or "")
    return SummaryView.of(summary)


@api.post(
    "/v1/orders",
    callers=[CUSTOMER, GUEST],
    limit="checkout",
    status=201,
    problems=[
        MissingIdempotencyKey, IdempotencyKeyReused, CartChanged, CartFull, model.CartEmpty, model.TotalChanged,
        model.NoSuchAddress, *placing.SHELF_REFUSALS, *placing.PROMOTION_REFUSALS, NoRate, NotShippable,
        ShippingMethodNotOffered, CarrierQuoteGone, stocking.PickupNotOffered,
    ],
)  # fmt: skip
def place(request: OrderRequest) -> Response[OrderView]:
    """Order the cart. Stock is held until the payment is made or the hold ends. Needs an `Idempotency-Key`."""
    wish = placing.Request(
        cart_version=request.cart_version,
        expected_total=request.expected_total,
        delivery=request.delivery(),
        address=_destination(request),
        billing_address=request.billing_address.snapshot() if request.billing_address else {},
        origin=_origin(request),
    )
    return reply(OrderView.of(placing.place(api.caller.id, wish, api.idempotency())), status=201)


@api.get("/v1/orders/<order_no>", callers=[CUSTOMER, GUEST])
def show(order_no: str) -> Response[OrderView]:
    """One of the caller's orders."""
    return _shown(service.find(api.caller.id, id_of(order_no)))


@api.post("/v1/orders/<order_no>/cancellation", callers=[CUSTOMER, GUEST], status=202, problems=[model.NotCancellable])
def cancel(order_no: str) -> Response[OrderView]:
    """Cancel a whole order that is not shipped.

    One that is not paid shows `cancelled` in a moment, nothing is charged. Of a paid one every part is cancelled, and
    the money is given back.
    """
    order = cancelling.by_customer(api.caller.id, id_of(order_no), None)
    return reply(OrderView.of(order), status=202)


@api.post(
    "/v1/orders/<order_no>/parts/<vendor_id>/cancellation",
    callers=[CUSTOMER, GUEST],
    status=202,
    problems=[model.NotCancellable],
)
def cancel_part(order_no: str, vendor_id: str) -> Response[OrderView]:
    """Cancel one vendor's part of a paid order, as long as it is not shipped; its money is given back."""
    order = cancelling.by_customer(api.caller.id, id_of(order_no), vendor_id)
    return reply(OrderView.of(order), status=202)


@api.get("/v1/me/orders", callers=[CUSTOMER])
def mine(limit: Limit = 20, cursor: Cursor = None) -> Response[OrderPage]:
    """The caller's orders, the newest first."""
    orders, following = store.of_customer(api.caller.id, limit=limit, cursor=cursor)
    return reply(OrderPage(items=[OrderView.of(order) for order in orders], next_cursor=following))


@api.post("/v1/me/orders/claim", callers=[CUSTOMER])
def claim(request: ClaimRequest) -> Response[OrderView]:
    """Make an order that the caller placed as a guest the caller's own. The guest's token no longer leads to it."""
    guest = guest_of(request.guest_token)
    if not guest:
        raise NotFound("There is no such order.")
    return _shown(service.claim(api.caller.id, guest, id_of(request.order_no)))


def _shown(order: OrderSnapshot) -> Response[OrderView]:
    return reply(OrderView.of(order, service.timeline(order), store.payment_status(order)))


def _destination(request: OrderRequest | SummaryRequest) -> dict[str, str]:
    """Where the goods go: the address as sent, or one of the caller's address book. Raises NoSuchAddress."""
    if request.shipping_address:
        return request.shipping_address.snapshot()
    return store.saved_address(api.caller.id, request.shipping_address_id or "")


def _origin(request: OrderRequest) -> dict[str, str]:
    """Where the order comes from, and for a guest whom to write to. Raises Unprocessable for a guest without e-mail."""
    origin = origin_of(api.header, api.address)
    if GUEST not in api.caller.roles:
        return origin
    if not request.email:
        errors = [{"field": "body.email", "code": "missing", "message": "Guests must say where to write to."}]
        raise Unprocessable("Some fields are missing or wrong.", errors=errors)
    return origin | {"email": request.email}
