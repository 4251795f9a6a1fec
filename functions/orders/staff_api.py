"""Routes of orders for those who sell and for staff."""

from datetime import date, timedelta
from typing import Annotated, Literal

from aws_lambda_powertools.event_handler.openapi.params import Query

from market import clock
from market.errors import NotFound
from market.http import KEY, STAFF, VENDOR, Cursor, Limit, Response, ServiceApi, reply
from orders import cancelling, model, notes, parts, search, service, store
from orders.contract import OrderSnapshot, id_of
from orders.forms import Compensation, StaffCancellation, StaffNote, VendorCancellation, VendorNote
from orders.manifest import MANIFEST
from orders.model import COMPENSATION_REQUESTED, NOTE, Entry
from orders.views import FoundPage, FoundView, StaffOrderView, VendorOrderPage, VendorOrderView

api = ServiceApi(MANIFEST)
handler = api.handler

SPAN = timedelta(days=30)
"""What is searched where no days are given: so many up to today."""
FIRST_DAY = date(2020, 1, 1)
"""Order ids begin then: there is nothing to look for before."""

Number = Annotated[str | None, Query(max_length=64, description="An order's number, in any case.")]
Email = Annotated[str | None, Query(max_length=128, description="The address that the order was placed with.")]
Status = Annotated[
    Literal["pending_payment", "paid", "cancelled"], Query(description="With `from` and `to`: days of placement, UTC.")
]
From = Annotated[date | None, Query(alias="from")]
To = Annotated[date | None, Query(alias="to")]


@api.get("/v1/vendors/<vendor_id>/orders", callers=[VENDOR, STAFF, KEY], needs="orders.read")
def of_vendor(vendor_id: str, limit: Limit = 20, cursor: Cursor = None) -> Response[VendorOrderPage]:
    """A vendor's parts of paid orders, the newest first."""
    page = parts.of_vendor(vendor_id, limit=limit, cursor=cursor)
    return reply(VendorOrderPage(items=list(map(VendorOrderView.of, page.items)), next_cursor=page.next))


@api.get("/v1/vendors/<vendor_id>/orders/<order_no>", callers=[VENDOR, STAFF, KEY], needs="orders.read")
def vendor_order(vendor_id: str, order_no: str) -> Response[VendorOrderView]:
    """A vendor's part of one paid order, with what happened to it."""
    return _vendors(vendor_id, order_no)


@api.post(
    "/v1/vendors/<vendor_id>/orders/<order_no>/cancellation",
    callers=[VENDOR, STAFF, KEY],
    needs="orders.cancel",
    status=202,
    problems=[model.NotCancellable],
)
def cancel_own_part(vendor_id: str, order_no: str, wish: VendorCancellation) -> Response[VendorOrderView]:
    """The vendor cannot send its part: it is cancelled, and the customer gets its money back."""
    cancelling.by_vendor(api.caller.id, vendor_id, id_of(order_no), wish.reason)
    return _vendors(vendor_id, order_no, status=202)


@api.post(
    "/v1/vendors/<vendor_id>/orders/<order_no>/notes",
    callers=[VENDOR, STAFF, KEY],
    needs="orders.note",
    status=201,
    problems=[model.TooManyNotes],
)
def vendor_note(vendor_id: str, order_no: str, note: VendorNote) -> Response[VendorOrderView]:
    """Write a note to the vendor's part."""
    parts.get(vendor_id, id_of(order_no))
    by = model.STAFF if api.caller.is_staff else model.VENDOR
    if by == model.VENDOR:
        notes.require_room(id_of(order_no), vendor_id)
    notes.add(id_of(order_no), _entry(NOTE, note.text, by=by, visible=note.visible, vendor_id=vendor_id))
    return _vendors(vendor_id, order_no, status=201)


@api.get("/v1/admin/orders", callers=[STAFF], needs="orders.read")
def find(
    number: Number = None,
    email: Email = None,
    status: Status = "paid",
    since: From = None,
    until: To = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response[FoundPage]:
    """Search by number; or else by e-mail; or else by status and days, those that are paid and of the last 30 days.

    The newest first.
    """
    following = None
    if number is not None:
        found = search.by_id(id_of(number))
    elif email is not None:
        found, following = search.by_email(email, limit=limit, cursor=cursor)
    else:
        last = max(until or clock.now().date(), FIRST_DAY)
        first = max(since or last - SPAN, FIRST_DAY)
        found, following = search.by_day(status, first, last, limit=limit, cursor=cursor)
    return reply(FoundPage(items=list(map(FoundView.of, found)), next_cursor=following))


@api.get("/v1/admin/orders/<order_no>", callers=[STAFF], needs="orders.read")
def show_everything(order_no: str) -> Response[StaffOrderView]:
    """Everything about an order."""
    return _shown(service.find_any(id_of(order_no)))


@api.post(
    "/v1/admin/orders/<order_no>/cancellation",
    callers=[STAFF],
    needs="orders.cancel",
    status=202,
    problems=[model.NotCancellable],
)
def cancel_for_staff(order_no: str, wish: StaffCancellation) -> Response[StaffOrderView]:
    """Cancel an order, or a vendor's part of a paid one, that is not shipped; what was paid is given back."""
    order = cancelling.by_staff(api.caller.id, id_of(order_no), wish.vendor_id, wish.reason)
    return _shown(order, status=202)


@api.post("/v1/admin/orders/<order_no>/notes", callers=[STAFF], needs="orders.note", status=201)
def staff_note(order_no: str, note: StaffNote) -> Response[StaffOrderView]:
    """Write a note to the order."""
    order = service.find_any(id_of(order_no))
    about = note.vendor_id or ""
    if about and about not in {part.vendor_id for part in order.parts}:
        raise NotFound("The order has no part of this vendor.")
    notes.add(order.id, _entry(NOTE, note.text, by=model.STAFF, visible=note.visible, vendor_id=about))
    return _shown(order, status=201)


@api.post(
    "/v1/admin/orders/<order_no>/compensation",
    callers=[STAFF],
    needs="orders.compensate",
    status=202,
    problems=[model.NothingToCompensate],
)
def compensate(order_no: str, wish: Compensation) -> Response[StaffOrderView]:
    """Do by hand what a stuck checkout could not: end the order, release its stock, give the money back."""
    entry = _entry(COMPENSATION_REQUESTED, f"{wish.action}: {wish.reason}", by=model.STAFF, visible=model.STAFF)
    return _shown(service.compensate(id_of(order_no), wish.action, entry), status=202)


def _entry(event: str, text: str, *, by: str, visible: str, vendor_id: str = "") -> Entry:
    return Entry(
        event=event,
        at=clock.timestamp(),
        by=by,
        author=api.caller.id,
        visible=visible,
        vendor_id=vendor_id,
        text=text,
    )


def _vendors(vendor_id: str, order_no: str, *, status: int = 200) -> Response[VendorOrderView]:
    part = parts.get(vendor_id, id_of(order_no))
    told = sorted(notes.of_order(id_of(order_no)), key=lambda entry: entry.at)
    return reply(VendorOrderView.of(part, model.for_vendor(told, vendor_id)), status=status)


def _shown(order: OrderSnapshot, *, status: int = 200) -> Response[StaffOrderView]:
    view = StaffOrderView.of(order, service.timeline(order), store.payment_status(order))
    return reply(view, status=status)
