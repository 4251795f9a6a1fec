"""What vendors send about their stock."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from inventory import moves
from inventory.moves import Who
from inventory.offers import MAX_PER_LINE, MAX_STOCK, Later, Offer, Sku
from inventory.purchases import PurchaseLimit
from inventory.sources import LOOSE
from inventory.store import Step
from inventory.transfers import MAX_LINES
from inventory.warehouses import MAX_WAREHOUSES, Warehouse
from market.http import Body, OneLine

MAX_ROWS = 100
Count = Annotated[int, Field(strict=True, ge=0, le=MAX_STOCK)]
Difference = Annotated[int, Field(strict=True, ge=-MAX_STOCK, le=MAX_STOCK)]
Units = Annotated[int, Field(strict=True, ge=1, le=MAX_STOCK)]
WarehouseId = Annotated[str, Field(pattern=r"^wh_[0-9a-z]{26}$")]
Place = Annotated[WarehouseId | None, Field(description="A warehouse; null for units that are in none.")]
Why = Annotated[OneLine, Field(max_length=200)]
Text = Annotated[OneLine, Field(max_length=120)]
Day = Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$", examples=["2026-12-24"])]


class Counting(Body):
    """Either `available`, the new count (only if it was `expected` before, where sent), or `adjust` by so many.

    place: where; without it, units that are in no warehouse. reason: for the journal.
    """

    available: Count | None = None
    expected: Count | None = None
    adjust: Difference | None = None
    place: Place = None
    reason: Why = ""

    @property
    def tells_stock(self) -> bool:
        return self.available is not None or self.adjust is not None

    @model_validator(mode="after")
    def _one_way(self) -> "Counting":
        if self.available is not None and self.adjust is not None:
            raise ValueError("send either available or adjust")
        if self.available is None and self.expected is not None:
            raise ValueError("expected goes with available")
        return self

    def stock_steps(self, who: Who) -> list[Step]:
        place = self.place or LOOSE
        if self.adjust is not None:
            by = self.adjust
            return [lambda offer: moves.adjusted(offer, by, place, who)]
        if self.available is not None:
            to = self.available
            return [lambda offer: moves.counted(offer, to, place, self.expected, who)]
        return []


class LaterForm(Body):
    """kind: `backorder` sells once there is no more, `preorder` until the day. units: how many may still be sold."""

    kind: Literal["backorder", "preorder"]
    units: Count
    begins: Annotated[Day, Field(alias="from", description="The day from which it can be sent.")]


class StockChange(Counting):
    """A count or an adjustment, and what holds for the SKU; each may come alone.

    maxPerCustomer: how many one customer may buy, within each `limitDays` days or, without them, ever; null lifts the
    limit. safetyStock: how many are kept from sale. reorderPoint: you are told when so many or fewer are left; null for
    never. later: what is sold before it is there; null for nothing. expectedPeak: units a second that you expect to
    sell, for a launch.
    """

    max_per_customer: Annotated[int, Field(strict=True, ge=1, le=MAX_PER_LINE)] | None = None
    limit_days: Annotated[int, Field(strict=True, ge=1, le=3_650)] | None = None
    safety_stock: Count | None = None
    reorder_point: Count | None = None
    later: LaterForm | None = None
    expected_peak: Annotated[int, Field(strict=True, ge=0, le=100_000)] | None = None

    @model_validator(mode="after")
    def _tells_something(self) -> "StockChange":
        told = {"max_per_customer", "safety_stock", "reorder_point", "later", "expected_peak"} & self.model_fields_set
        if not self.tells_stock and not told:
            raise ValueError("send either available or adjust, or maxPerCustomer")
        if self.max_per_customer is None and self.limit_days is not None:
            raise ValueError("limitDays goes with maxPerCustomer")
        return self

    def steps(self, who: Who) -> list[Step]:
        return [*self.stock_steps(who), *self._settings(who)]

    def _settings(self, who: Who) -> list[Step]:
        told, found = self.model_fields_set, list[Step]()
        if "max_per_customer" in told:
            limit = PurchaseLimit(self.max_per_customer, self.limit_days or 0) if self.max_per_customer else None
            found.append(lambda offer: moves.limited(offer, limit))
        if self.safety_stock is not None:
            target = self.safety_stock
            found.append(lambda offer: moves.keeping(offer, target, who))
        if "reorder_point" in told:
            found.append(lambda offer: moves.watching(offer, self.reorder_point))
        if "later" in told:
            found.append(self._selling_later)
        if self.expected_peak is not None:
            peak = self.expected_peak
            found.append(lambda offer: moves.expecting(offer, peak))
        return found

    def _selling_later(self, offer: Offer) -> moves.Move:
        form = self.later
        later = Later(kind=form.kind, begins=form.begins, left=form.units) if form else None
        return moves.selling_later(offer, later)


class StockRow(Counting):
    """One SKU. reference: what you call an adjustment, so that sending it again changes nothing for thirty days."""

    sku: Sku
    reference: Annotated[OneLine, Field(max_length=64)] = ""

    @model_validator(mode="after")
    def _tells_something(self) -> "StockRow":
        if not self.tells_stock:
            raise ValueError("send either available or adjust")
        return self


class StockRows(Body):
    rows: Annotated[list[StockRow], Field(min_length=1, max_length=MAX_ROWS)]


class WarehouseForm(Body):
    """Without `id` it is a new one. priority: the lower, the earlier it is drawn from, after those in the country."""

    id: WarehouseId | None = None
    name: Annotated[Text, Field(min_length=1)]
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$", examples=["DE"])]
    region: Text = ""
    postal_code: Annotated[OneLine, Field(max_length=20)] = ""
    city: Text = ""
    line: Annotated[OneLine, Field(max_length=200)] = ""
    priority: Annotated[int, Field(strict=True, ge=0, le=1_000)] = 100
    pickup: bool = False
    opening: Annotated[OneLine, Field(max_length=200)] = ""
    is_active: bool = True

    def warehouse(self) -> Warehouse:
        return Warehouse(**(self.model_dump() | {"id": self.id or ""}))


class WarehouseForms(Body):
    """All warehouses of the vendor, in the order in which they are shown."""

    warehouses: Annotated[list[WarehouseForm], Field(max_length=MAX_WAREHOUSES)]

    @model_validator(mode="after")
    def _no_repeats(self) -> "WarehouseForms":
        known = [form.id for form in self.warehouses if form.id]
        if len(known) != len(set(known)):
            raise ValueError("a warehouse is named twice")
        return self


class TransferLine(Body):
    sku: Sku
    units: Units


def _each_once(lines: list[TransferLine]) -> list[TransferLine]:
    if len({line.sku for line in lines}) != len(lines):
        raise ValueError("a SKU is named twice")
    return lines


TransferLines = Annotated[list[TransferLine], Field(max_length=MAX_LINES), AfterValidator(_each_once)]


class TransferForm(Body):
    """from, to: warehouses; null for units that are in none. At least one of them is a warehouse."""

    source: Annotated[WarehouseId | None, Field(alias="from")] = None
    target: Annotated[WarehouseId | None, Field(alias="to")] = None
    lines: Annotated[TransferLines, Field(min_length=1)]
    note: Why = ""

    @model_validator(mode="after")
    def _two_places(self) -> "TransferForm":
        if self.source == self.target:
            raise ValueError("from and to are the same place")
        return self


class TransferChange(Body):
    """What happens to a transfer that was seen as `version`: units were `received`, or the rest is given up.

    close: the rest is `lost`, or `cancelled`, which puts it back where it came from; with a `reason`.
    """

    version: Annotated[int, Field(strict=True, ge=1)]
    received: TransferLines = []
    close: Literal["lost", "cancelled"] | None = None
    reason: Why = ""

    @model_validator(mode="after")
    def _one_thing(self) -> "TransferChange":
        if bool(self.received) == bool(self.close):
            raise ValueError("send either received or close")
        if self.close and not self.reason:
            raise ValueError("say for which reason it is closed")
        return self
