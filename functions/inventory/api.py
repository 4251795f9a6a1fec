"""Routes of stock: everybody learns whether there is some, vendors how much of their own and where, and change it."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Query

from inventory import auditing, bulk, depots, store, tables, transfers
from inventory.bulk import Outcome, Row
from inventory.depots import WarehouseInUse
from inventory.forms import MAX_ROWS, StockChange, StockRow, StockRows, TransferChange, TransferForm, WarehouseForms
from inventory.manifest import MANIFEST
from inventory.moves import NotSoMany, StockChanged, Who
from inventory.offers import StockElsewhere, public_offer
from inventory.sources import LOOSE
from inventory.tables import Line, NotATable
from inventory.transfers import KeyReused, NotInTransit, Transfer, TransferChanged
from inventory.views import (
    AuditView,
    EntryView,
    Journal,
    Outcomes,
    PickupView,
    PublicStock,
    RowOutcome,
    StockList,
    StockView,
    TransferList,
    TransferView,
    WarehouseList,
    WarehouseView,
    limit_of,
)
from inventory.warehouses import Warehouse
from market import clock, ids
from market.errors import NotFound, PreconditionFailed
from market.http import ANYONE, KEY, STAFF, VENDOR, Cursor, Limit, Response, ServiceApi, reply
from market.table import BadCursor

api = ServiceApi(MANIFEST)
handler = api.handler

PUBLIC_SECONDS = 5
OWNERS = [VENDOR, STAFF, KEY]


@api.get("/v1/inventory/<sku>", callers=[ANYONE])
def show_public(sku: str) -> Response[PublicStock]:
    """Whether a SKU on sale is available; how many, the public learns only up to ten."""
    offer = store.find(sku)
    if offer is None or not offer.active:
        raise NotFound("There is no such SKU on sale.")
    told = {"sku": sku} | public_offer(offer) | limit_of(offer)
    if offer.places:
        told["pickup"] = [PickupView.of(one, offer) for one in store.warehouses(offer.vendor_id)[0] if _fetches(one)]
    return reply(PublicStock.model_validate(told), cache_seconds=PUBLIC_SECONDS)


@api.get("/v1/vendors/<vendor_id>/inventory", callers=OWNERS, needs="inventory.read")
def list_stock(
    vendor_id: str,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    cursor: Annotated[str | None, Query(max_length=2000)] = None,
    format: Annotated[str, Query(pattern="^(json|csv)$", description="`csv`: the next cursor is a header.")] = "json",
) -> Response[StockList]:
    """The vendor's stock in the order of SKUs, exact; as a table, in the form in which it can be sent back."""
    page = store.of_vendor(vendor_id, limit=limit, cursor=cursor)
    if format == "csv":
        return _csv(tables.written(page.offers, headed=cursor is None), page.next)
    return reply(StockList(items=[StockView.of(offer) for offer in page.offers], next_cursor=page.next))


@api.post("/v1/vendors/<vendor_id>/inventory", callers=OWNERS, needs="inventory.write", problems=[NotFound])
def change_many(vendor_id: str, body: StockRows) -> Response[Outcomes]:
    """Count or adjust up to a hundred SKUs; each row stands alone, and the answer says what became of it.

    Sending it again is harmless where counts say what was `expected`, and adjustments have a `reference`.
    """
    store.require_vendor(vendor_id, api.caller)
    for place in {row.place for row in body.rows if row.place}:
        depots.require_open(vendor_id, place)
    outcomes = bulk.carry_out(vendor_id, [_row(row) for row in body.rows])
    return reply(Outcomes(items=[_outcome(number, outcome) for number, outcome in enumerate(outcomes)]))


@api.post(
    "/v1/vendors/<vendor_id>/inventory/table",
    callers=OWNERS,
    needs="inventory.write",
    problems=[NotFound, NotATable],
    raw=True,
)
def change_table(
    vendor_id: str,
    row: Annotated[int, Query(ge=0, le=100_000, description="The row to begin with, counted from 0.")] = 0,
) -> Response[Outcomes]:
    """Count or adjust SKUs by a table (CSV), a hundred rows a request.

    Its columns are `sku`, `place`, `available`, `expected`, `adjust`, `reason` and `reference`, as in the list's own
    table. Of a longer one send the same again, with the `nextRow` of the answer as `row`.
    """
    store.require_vendor(vendor_id, api.caller)
    lines, rows = tables.read(api.body, first=row, limit=MAX_ROWS)
    warehouses = depots.open_ones(vendor_id) if any(line.place for line in lines) else frozenset()
    items = [_outcome(row + number, _of_line(vendor_id, line, warehouses)) for number, line in enumerate(lines)]
    following = row + len(lines)
    return reply(Outcomes(items=items, next_row=following if following < rows else None))


@api.get("/v1/vendors/<vendor_id>/inventory/<sku>", callers=OWNERS, needs="inventory.read")
def show(vendor_id: str, sku: str) -> Response[StockView]:
    """One SKU of the vendor, exact."""
    return reply(StockView.of(store.get(sku, vendor_id=vendor_id)))


@api.patch(
    "/v1/vendors/<vendor_id>/inventory/<sku>",
    callers=OWNERS,
    needs="inventory.write",
    problems=[StockChanged, NotSoMany, StockElsewhere],
)
def change(vendor_id: str, sku: str, body: StockChange) -> Response[StockView]:
    """Count anew or adjust what is available, which never becomes negative, and set what holds for the SKU.

    Held units stay held, and what customers bought before a limit was set does not count.
    """
    if body.place:
        depots.require_open(vendor_id, body.place)
    offer = store.change(sku, vendor_id, *body.steps(Who(api.caller.id, body.reason)))
    if body.expected_peak:
        store.look_after(sku)
    return reply(StockView.of(offer))


@api.get(
    "/v1/vendors/<vendor_id>/inventory/<sku>/journal", callers=OWNERS, needs="inventory.read", problems=[BadCursor]
)
def journal(vendor_id: str, sku: str, limit: Limit = 50, cursor: Cursor = None) -> Response[Journal]:
    """Every change of what is on hand, the newest first: how many, where, why, and by whom."""
    store.get(sku, vendor_id=vendor_id)
    page = store.entries(sku, limit=limit, cursor=cursor)
    return reply(Journal(items=[EntryView.of(entry) for entry in page.entries], next_cursor=page.next))


@api.get("/v1/vendors/<vendor_id>/inventory/<sku>/audit", callers=OWNERS, needs="inventory.read")
def audit(vendor_id: str, sku: str) -> Response[AuditView]:
    """Whether the journal adds up to what is on hand."""
    return reply(AuditView.of(auditing.audit(sku, vendor_id=vendor_id)))


@api.get("/v1/vendors/<vendor_id>/warehouses", callers=OWNERS, needs="inventory.read")
def list_warehouses(vendor_id: str) -> Response[WarehouseList]:
    """The vendor's warehouses and pickup places. Send the `ETag` as `If-Match` when changing them."""
    return _warehouses(*store.warehouses(vendor_id))


@api.put(
    "/v1/vendors/<vendor_id>/warehouses",
    callers=OWNERS,
    needs="inventory.write",
    problems=[NotFound, WarehouseInUse, PreconditionFailed],
)
def save_warehouses(vendor_id: str, body: WarehouseForms) -> Response[WarehouseList]:
    """Make the vendor's warehouses these; those that are there stay, active or not."""
    store.require_vendor(vendor_id, api.caller)
    _, version = store.warehouses(vendor_id, consistent=True)
    api.require_match(version)
    return _warehouses(*depots.save(vendor_id, [form.warehouse() for form in body.warehouses], version))


@api.get("/v1/vendors/<vendor_id>/transfers", callers=OWNERS, needs="inventory.read", problems=[BadCursor])
def list_transfers(vendor_id: str, limit: Limit = 50, cursor: Cursor = None) -> Response[TransferList]:
    """Transfers between the vendor's warehouses, the newest first."""
    page = transfers.of_vendor(vendor_id, limit=limit, cursor=cursor)
    return reply(TransferList(items=[TransferView.of(one) for one in page.transfers], next_cursor=page.next))


@api.post(
    "/v1/vendors/<vendor_id>/transfers",
    callers=OWNERS,
    needs="inventory.write",
    status=201,
    problems=[NotFound, NotSoMany, KeyReused],
)
def send(vendor_id: str, body: TransferForm) -> Response[TransferView]:
    """Send units from one place to another: they leave at once, and are on sale again when they are received."""
    wished = Transfer(
        id=ids.new("trf"),
        vendor_id=vendor_id,
        source=body.source or LOOSE,
        target=body.target or LOOSE,
        lines={line.sku: transfers.Line(line.units) for line in body.lines},
        sent_at=clock.timestamp(),
        by=api.caller.id,
        note=body.note,
    )
    return reply(TransferView.of(transfers.send(wished, api.idempotency())), status=201)


@api.patch(
    "/v1/vendors/<vendor_id>/transfers/<transfer_id>",
    callers=OWNERS,
    needs="inventory.write",
    problems=[TransferChanged, NotInTransit, NotSoMany],
)
def move_on(vendor_id: str, transfer_id: str, body: TransferChange) -> Response[TransferView]:
    """Receive units, all or a part, or close the transfer: what is still on its way is lost, or back where it was."""
    seen = transfers.get(vendor_id, transfer_id)
    if seen.version != body.version:
        raise transfers.changed(seen.version)
    who = Who(api.caller.id, body.reason, transfer_id)
    if body.close:
        return reply(TransferView.of(transfers.close(seen, body.close, who)))
    return reply(TransferView.of(transfers.receive(seen, {line.sku: line.units for line in body.received}, who)))


def _fetches(warehouse: Warehouse) -> bool:
    return warehouse.pickup and warehouse.is_active


def _row(row: StockRow) -> Row:
    steps = row.stock_steps(Who(api.caller.id, row.reason, row.reference))
    return Row(sku=row.sku, steps=steps, to=row.available, reference=row.reference)


def _of_line(vendor_id: str, line: Line, warehouses: frozenset[str]) -> Outcome:
    problem = line.problem
    if line.place and line.place not in warehouses:
        problem = problem or depots.no_such_warehouse()
    if line.row is None or problem:
        return Outcome(sku=line.sku, outcome=bulk.REFUSED, problem=problem)
    (outcome,) = bulk.carry_out(vendor_id, [_row(line.row)])
    return outcome


def _outcome(number: int, outcome: Outcome) -> RowOutcome:
    refused = outcome.problem
    return RowOutcome(
        row=number,
        sku=outcome.sku,
        outcome=outcome.outcome,
        available=outcome.available,
        code=refused.code if refused else None,
        detail=refused.detail if refused else None,
    )


def _csv(text: str, following: str | None) -> Response[Any]:
    headers: dict[str, str | list[str]] = {"next-cursor": following} if following else {}
    return Response(status_code=200, content_type="text/csv; charset=utf-8", body=text, headers=headers)


def _warehouses(warehouses: tuple[Warehouse, ...], version: int) -> Response[WarehouseList]:
    return reply(WarehouseList(items=[WarehouseView.of(one) for one in warehouses]), version=version)
