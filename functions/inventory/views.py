"""What answers show of stock."""

from collections.abc import Mapping

from pydantic import Field

from inventory.auditing import Finding
from inventory.journal import Entry
from inventory.offers import Offer
from inventory.transfers import Transfer
from inventory.warehouses import Warehouse
from market.http import View
from market.money import Money


class PickupView(View):
    """A warehouse where customers fetch what they bought; inStock: whether this SKU can be fetched there now."""

    id: str
    name: str
    country: str
    region: str
    postal_code: str
    city: str
    line: str
    opening: str
    in_stock: bool

    @classmethod
    def of(cls, warehouse: Warehouse, offer: Offer) -> "PickupView":
        shelf = offer.places.get(warehouse.id)
        told = {name: getattr(warehouse, name) for name in cls.model_fields if name != "in_stock"}
        return cls(**told, in_stock=shelf is not None and shelf.available > 0)


class PublicStock(View):
    """`available` is exact up to 10; 10 means ten or more. What is sold before it is there counts as well.

    availableFrom: the day from which the next one can be sent, where it is not there yet. One customer may buy
    `maxPerCustomer`, within `limitDays` days where they are told; absent where nothing is limited. pickup: where the
    vendor lets customers fetch it.
    """

    sku: str
    in_stock: bool
    available: int
    available_from: str | None = None
    max_per_customer: int | None = None
    limit_days: int | None = None
    pickup: list[PickupView] | None = None


class ShelfView(View):
    warehouse_id: str
    available: int
    held: int
    kept: int


class LaterView(View):
    """left: units that may still be sold before they are there; held: of orders that are being paid; owed: sold."""

    kind: str
    begins: str = Field(alias="from")
    left: int
    held: int
    owed: int


class StockView(View):
    """`onHand` is `available + held + kept`; held units belong to orders that are being paid, kept ones are not sold.

    places: of these, what lies in warehouses. isLow: whether no more than `reorderPoint` are left. A SKU that sells
    very fast is counted once a minute.
    """

    sku: str
    product_id: str
    title: str
    price: Money
    is_active: bool
    available: int
    held: int
    on_hand: int
    kept: int | None = None
    safety_stock: int | None = None
    reorder_point: int | None = None
    is_low: bool | None = None
    places: list[ShelfView] | None = None
    later: LaterView | None = None
    expected_peak: int | None = None
    max_per_customer: int | None = None
    limit_days: int | None = None

    @classmethod
    def of(cls, offer: Offer) -> "StockView":
        shelves = [
            ShelfView(warehouse_id=place, available=shelf.available, held=shelf.held, kept=shelf.kept)
            for place, shelf in sorted(offer.places.items())
        ]
        later = offer.later
        return cls(
            sku=offer.sku,
            product_id=offer.product_id,
            title=offer.title,
            price=offer.price,
            is_active=offer.active,
            available=offer.available + offer.elsewhere,
            held=offer.held,
            on_hand=offer.on_hand + offer.elsewhere,
            kept=offer.kept or None,
            safety_stock=offer.safety or None,
            reorder_point=offer.reorder_point,
            is_low=bool(offer.low) if offer.reorder_point is not None else None,
            places=shelves or None,
            later=LaterView(**{name: getattr(later, name) for name in LaterView.model_fields}) if later else None,
            expected_peak=offer.peak or None,
            **limit_of(offer),
        )


class StockList(View):
    items: list[StockView]
    next_cursor: str | None = None


class RowOutcome(View):
    """What became of a row, counted from 0. outcome: `changed`, `unchanged` or `refused`; of a refusal, its problem."""

    row: int
    sku: str
    outcome: str
    available: int | None = None
    code: str | None = None
    detail: str | None = None


class Outcomes(View):
    """nextRow: of a table that has more rows, the one to go on with."""

    items: list[RowOutcome]
    next_row: int | None = None


class EntryView(View):
    """One change of what is on hand: by `delta`, and by how much in which place; the place `null` is no warehouse.

    to: what was counted, or how many are to be kept. by: who did it, absent for what orders do. reference: the order,
    the transfer or the vendor's own.
    """

    id: str
    at: str
    kind: str
    delta: int
    places: list["PlaceDelta"]
    to: int | None = None
    by: str | None = None
    reason: str | None = None
    reference: str | None = None

    @classmethod
    def of(cls, entry: Entry) -> "EntryView":
        return cls(
            id=entry.id,
            at=entry.at,
            kind=entry.kind,
            delta=entry.delta,
            places=PlaceDelta.all_of(entry.places),
            to=entry.to,
            by=entry.by or None,
            reason=entry.why or None,
            reference=entry.reference or None,
        )


class PlaceDelta(View):
    warehouse_id: str | None = None
    units: int

    @classmethod
    def all_of(cls, places: Mapping[str, int]) -> "list[PlaceDelta]":
        return [cls(warehouse_id=place or None, units=units) for place, units in sorted(places.items())]


class Journal(View):
    items: list[EntryView]
    next_cursor: str | None = None


class AuditView(View):
    """Whether the journal adds up to what is on hand, in each place. agrees: absent where nobody knows how it began."""

    sku: str
    started_with: int | None = None
    entries: int
    on_hand: list[PlaceDelta]
    rebuilt: list[PlaceDelta] | None = None
    agrees: bool | None = None

    @classmethod
    def of(cls, finding: Finding) -> "AuditView":
        return cls(
            sku=finding.offer.sku,
            started_with=finding.offer.started_with,
            entries=finding.entries,
            on_hand=PlaceDelta.all_of(finding.on_hand),
            rebuilt=None if finding.rebuilt is None else PlaceDelta.all_of(finding.rebuilt),
            agrees=finding.agrees,
        )


class WarehouseView(View):
    """See `WarehouseForm`."""

    id: str
    name: str
    country: str
    region: str
    postal_code: str
    city: str
    line: str
    priority: int
    pickup: bool
    opening: str
    is_active: bool

    @classmethod
    def of(cls, warehouse: Warehouse) -> "WarehouseView":
        return cls(**{name: getattr(warehouse, name) for name in cls.model_fields})


class WarehouseList(View):
    items: list[WarehouseView]


class TransferLineView(View):
    sku: str
    sent: int
    received: int
    lost: int
    cancelled: int
    in_transit: int


class TransferView(View):
    """status: `in_transit` until nothing is on its way any more, then `closed`."""

    id: str
    status: str
    source: str | None = Field(None, alias="from")
    target: str | None = Field(None, alias="to")
    lines: list[TransferLineView]
    sent_at: str
    sent_by: str
    note: str | None = None
    reason: str | None = None
    closed_at: str | None = None
    version: int

    @classmethod
    def of(cls, transfer: Transfer) -> "TransferView":
        return cls(
            id=transfer.id,
            status=transfer.status,
            source=transfer.source or None,
            target=transfer.target or None,
            lines=[
                TransferLineView(sku=sku, **{name: getattr(line, name) for name in _COUNTS})
                for sku, line in transfer.lines.items()
            ],
            sent_at=transfer.sent_at,
            sent_by=transfer.by,
            note=transfer.note or None,
            reason=transfer.reason or None,
            closed_at=transfer.closed_at or None,
            version=transfer.version,
        )


_COUNTS = ("sent", "received", "lost", "cancelled", "in_transit")


class TransferList(View):
    items: list[TransferView]
    next_cursor: str | None = None


def limit_of(offer: Offer) -> dict[str, int | None]:
    if offer.limit is None:
        return {}
    return {"max_per_customer": offer.limit.units, "limit_days": offer.limit.days or None}
