"""Routes of refunds: staff give back anything of an order, a vendor of its own part; customers see what they get."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from market.errors import IdempotencyKeyReused, MissingIdempotencyKey, NotFound
from market.http import CUSTOMER, GUEST, KEY, STAFF, VENDOR, Body, Cursor, Limit, OneLine, Response, ServiceApi, reply
from market.money import MAX_AMOUNT, CurrencyMismatch, Money
from market.table import Busy
from orders.contract import id_of
from refunds import model, service, store
from refunds.manifest import MANIFEST
from refunds.model import FAILED, LineWish, ShippingWish, Wish
from refunds.views import (
    CustomerRefundPage,
    CustomerRefundView,
    RefundPage,
    RefundView,
    VendorRefundPage,
    VendorRefundView,
)

api = ServiceApi(MANIFEST)
handler = api.handler

REFUSALS = [
    MissingIdempotencyKey, IdempotencyKeyReused, model.NotRefundable, model.NothingToRefund, model.RefundTooLarge,
    model.TooManyRefunds, model.UnknownLine, CurrencyMismatch, Busy,
]  # fmt: skip

Reason = Literal[
    "returned", "damaged", "wrong_item", "not_as_described", "not_received", "late", "cancelled", "goodwill", "other"
]
Sku = Annotated[OneLine, Field(min_length=1, max_length=100)]


class LineForm(Body):
    """So many units of a line, or an amount of its price as goodwill: one of the two."""

    sku: Sku
    quantity: Annotated[int, Field(strict=True, ge=1, le=MAX_AMOUNT)] | None = None
    amount: Money | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> "LineForm":
        if (self.quantity is None) == (self.amount is None):
            raise ValueError("say either quantity or amount")
        return self

    @model_validator(mode="after")
    def _something(self) -> "LineForm":
        if self.amount and self.amount.amount <= 0:
            raise ValueError("amount must be more than 0")
        return self

    def wish(self) -> LineWish:
        return LineWish(sku=self.sku, quantity=self.quantity or 0, amount=self.amount)


class ShippingForm(Body):
    """The shipping of one vendor's part: all that is left of it, or an amount."""

    vendor_id: Annotated[OneLine, Field(min_length=1, max_length=100)]
    amount: Money | None = None

    @model_validator(mode="after")
    def _something(self) -> "ShippingForm":
        if self.amount and self.amount.amount <= 0:
            raise ValueError("amount must be more than 0")
        return self

    def wish(self) -> ShippingWish:
        return ShippingWish(vendor_id=self.vendor_id, amount=self.amount)


class RefundForm(Body):
    """Either `all` that is left, or `lines` and `shipping` (`true`: all that is left of it)."""

    all: Literal[True] | None = None
    lines: Annotated[list[LineForm], Field(max_length=100)] = []
    shipping: Literal[True] | Annotated[list[ShippingForm], Field(max_length=100)] = []
    reason: Reason
    note: Annotated[
        OneLine, Field(max_length=500, description="For staff and the vendor; customers do not see it.")
    ] = ""

    @model_validator(mode="after")
    def _something_once(self) -> "RefundForm":
        if bool(self.all) == bool(self.lines or self.shipping):
            raise ValueError("say either all, or lines and shipping")
        skus = [line.sku for line in self.lines]
        parts = [part.vendor_id for part in self.shipping] if isinstance(self.shipping, list) else []
        if len(set(skus)) < len(skus) or len(set(parts)) < len(parts):
            raise ValueError("name each line and each vendor once")
        return self

    def wish(self) -> Wish:
        listed = self.shipping if isinstance(self.shipping, list) else []
        return Wish(
            all_left=bool(self.all),
            lines=tuple(line.wish() for line in self.lines),
            shipping=tuple(part.wish() for part in listed),
            all_shipping=self.shipping is True,
        )


@api.post("/v1/admin/orders/<order_no>/refunds", callers=[STAFF], needs="refunds.make", status=201, problems=REFUSALS)
def refund(order_no: str, form: RefundForm) -> Response[RefundView]:
    """Give back money of a paid order: reserved at once, carried out in a moment. Needs an `Idempotency-Key`."""
    wanted = _wanted(form)
    order_id = id_of(order_no)
    made = service.request(store.customer_of(order_id), order_id, wanted, api.idempotency())
    return reply(RefundView.of(made), status=201)


@api.post(
    "/v1/vendors/<vendor_id>/orders/<order_no>/refunds",
    callers=[VENDOR, STAFF, KEY],
    needs="refunds.make",
    status=201,
    problems=REFUSALS,
)
def refund_own(vendor_id: str, order_no: str, form: RefundForm) -> Response[VendorRefundView]:
    """Give back money of the vendor's own part of a paid order. Needs an `Idempotency-Key`."""
    wanted = _wanted(form, vendor_id)
    order_id = id_of(order_no)
    made = service.request(store.customer_of(order_id), order_id, wanted, api.idempotency())
    return reply(VendorRefundView.of_vendor(made, vendor_id), status=201)


@api.get("/v1/admin/orders/<order_no>/refunds", callers=[STAFF], needs="refunds.read")
def of_order(order_no: str, limit: Limit = 20, cursor: Cursor = None) -> Response[RefundPage]:
    """All refunds of an order, the newest first, those that failed too."""
    order_id = id_of(order_no)
    store.customer_of(order_id)
    refunds, following = store.of_order(order_id, limit=limit, cursor=cursor)
    return reply(RefundPage(items=list(map(RefundView.of, refunds)), next_cursor=following))


@api.get("/v1/vendors/<vendor_id>/orders/<order_no>/refunds", callers=[VENDOR, STAFF, KEY], needs="refunds.read")
def of_vendor(vendor_id: str, order_no: str, limit: Limit = 20, cursor: Cursor = None) -> Response[VendorRefundPage]:
    """Refunds of the vendor's own part of an order, the newest first; a page may hold fewer than `limit`."""
    order_id = id_of(order_no)
    store.require_part(store.customer_of(order_id), order_id, vendor_id)
    refunds, following = store.of_order(order_id, limit=limit, cursor=cursor)
    own = [VendorRefundView.of_vendor(one, vendor_id) for one in refunds if vendor_id in one.shares.vendors]
    return reply(VendorRefundPage(items=own, next_cursor=following))


@api.get("/v1/orders/<order_no>/refunds", callers=[CUSTOMER, GUEST])
def mine(order_no: str, limit: Limit = 20, cursor: Cursor = None) -> Response[CustomerRefundPage]:
    """Refunds of one of the caller's orders, the newest first, without those that failed."""
    order = store.order_of(api.caller.id, id_of(order_no))
    if order.owner != api.caller.id:
        raise NotFound("There is no such order.")
    refunds, following = store.of_order(order.id, limit=limit, cursor=cursor)
    shown = [CustomerRefundView.of_customer(one) for one in refunds if one.status != FAILED]
    return reply(CustomerRefundPage(items=shown, next_cursor=following))


def _wanted(form: RefundForm, vendor_id: str = "") -> service.Request:
    return service.Request(
        wish=form.wish(),
        reason=form.reason,
        note=form.note,
        by="staff" if api.caller.is_staff else "vendor",
        by_id=api.caller.id,
        vendor_id=vendor_id,
    )
