"""The books of one SKU for tests: what orders hold and own of it, kept beside the table, and what must agree."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from inventory import auditing
from inventory.contract import (
    LATER_SOURCE,
    MANIFEST,
    Offer,
    Source,
    Warehouse,
    choose_sources,
    commit,
    hold,
    read_offer,
    release,
    restock,
    stock_key,
    warehouses_key,
)
from inventory.sources import units_of
from inventory.warehouses import compact
from market.errors import Conflict
from market.money import Money
from market.table import NEW, Key, Table, Write, put
from vendors.manifest import MANIFEST as VENDORS

VENDOR = "ven_lights"
PRICE = Money(1_999, "EUR")
TABLE = Table(MANIFEST, VENDORS)
BERLIN, LYON, VIENNA = (f"wh_{name:x<26}" for name in ("berlin", "lyon", "vienna"))
WAREHOUSES = (
    Warehouse(id=BERLIN, name="Berlin", country="DE", priority=20, pickup=True),
    Warehouse(id=LYON, name="Lyon", country="FR", priority=10),
    Warehouse(id=VIENNA, name="Vienna", country="AT", priority=10),
)


def open_warehouses(warehouses: Iterable[Warehouse] = WAREHOUSES) -> None:
    item = {"warehouses": compact(tuple(warehouses)), "version": 1}
    TABLE.transact(put(warehouses_key(VENDOR), item))


def present(sku: str) -> Offer:
    item = TABLE.get(stock_key(sku), consistent=True)
    assert item is not None
    return read_offer(item)


@dataclass
class Books:
    """Orders of a SKU by their number: what they hold, or, once paid, own. Each end is fenced, as orders do it."""

    sku: str
    held: dict[int, tuple[Source, ...]] = field(default_factory=dict)
    sold: dict[int, tuple[Source, ...]] = field(default_factory=dict)
    over: set[int] = field(default_factory=set)

    def place(self, order: int, units: int, country: str = "DE") -> None:
        """Raises OutOfStock or UnitsMoved."""
        offer = present(self.sku)
        sources = choose_sources(offer, units, country, WAREHOUSES)
        TABLE.transact(hold(self.sku, units, PRICE, None, sources, placed=offer.placed))
        self.held[order] = sources or (("", units),)

    def pay(self, order: int) -> None:
        sources = self.held.get(order, self.sold.get(order, (("", 1),)))
        if self._once("paid", order, *commit(self.sku, units(sources), order=f"ord_{order}", sources=sources)):
            self.sold[order] = self.held.pop(order)

    def cancel(self, order: int) -> None:
        sources = self.held.get(order, (("", 1),))
        if self._once("paid", order, release(self.sku, units(sources), sources)):
            del self.held[order]

    def take_back(self, order: int) -> None:
        """Raises UnitsMoved."""
        sources = self.sold.get(order, (("", 1),))
        later = present(self.sku).later
        owed = later.owed if later else 0
        back = restock(self.sku, units(sources), order=f"ord_{order}", sources=sources, owed=owed)
        if order in self.sold and self._once("back", order, *back):
            del self.sold[order]

    def _once(self, end: str, order: int, *writes: Write) -> bool:
        fence = put(Key(f"STR#{self.sku}#{end}", str(order)), {}, when=NEW, otherwise=Over())
        try:
            TABLE.transact(fence, *writes)
        except Over:
            return False
        return True

    def check(self) -> None:
        """Nothing is negative, totals are the sums of their parts, holds are the orders', and the journal adds up."""
        offer = present(self.sku)
        counts = [offer.available, offer.held, offer.kept, offer.placed, offer.loose]
        counts += [count for shelf in offer.places.values() for count in (shelf.available, shelf.held, shelf.kept)]
        if offer.later:
            counts += [offer.later.left, offer.later.held, offer.later.owed]
        assert min(counts) >= 0, offer
        assert offer.placed == sum(shelf.available for shelf in offer.places.values()), offer
        assert offer.kept >= sum(shelf.kept for shelf in offer.places.values()), offer
        assert offer.held == sum(units(_there(sources)) for sources in self.held.values()), offer
        for place, shelf in offer.places.items():
            assert shelf.held == sum(units_of(sources, place) for sources in self.held.values()), offer
        waiting = sum(units_of(sources, LATER_SOURCE) for sources in self.held.values())
        assert waiting == (offer.later.held if offer.later else 0), offer
        finding = auditing.audit(self.sku)
        assert finding.agrees, finding


class Over(Conflict):
    """The order has come to this end before."""


def units(sources: Iterable[Source]) -> int:
    return sum(count for _, count in sources)


def _there(sources: Iterable[Source]) -> list[Source]:
    return [source for source in sources if source[0] != LATER_SOURCE]


def refused(act: Callable[[], object]) -> str:
    """The code of the refusal; empty if there was none."""
    try:
        act()
    except Conflict as problem:
        return problem.code
    return ""
