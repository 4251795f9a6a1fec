"""Changes of a vendor's list of warehouses."""

from collections.abc import Sequence
from dataclasses import replace

from inventory.store import TABLE, warehouses
from inventory.warehouses import Warehouse, compact, warehouses_key
from market import ids
from market.errors import Conflict, NotFound, PreconditionFailed
from market.table import NEW, put


class WarehouseInUse(Conflict):
    """A warehouse is never taken out, since units and journals name it: make it inactive, or another of the same id."""

    code, title = "warehouse_in_use", "Warehouses stay"


def save(vendor_id: str, wished: Sequence[Warehouse], seen: int) -> tuple[tuple[Warehouse, ...], int]:
    """Make the vendor's warehouses these, in this order; one without an id is new. Returns them with their version.

    seen: the version that the caller changes. Raises NotFound for an id that is not one of
    the vendor's, WarehouseInUse for one that is missing, or PreconditionFailed.
    """
    present, version = warehouses(vendor_id, consistent=True)
    stale = PreconditionFailed("The warehouses have changed since you read them.")
    if seen != version:
        raise stale
    known, named = {one.id for one in present}, {one.id for one in wished if one.id}
    if named - known:
        raise NotFound("There is no such warehouse.")
    if known - named:
        raise WarehouseInUse(
            "Send all warehouses; make those inactive that you do not use.", missing=sorted(known - named)
        )
    saved = tuple(one if one.id else replace(one, id=ids.new("wh")) for one in wished)
    if saved == present:
        return present, version
    item = {"warehouses": compact(saved), "version": version + 1}
    when = "version = :seen" if version else NEW
    values = {":seen": version} if version else None
    TABLE.transact(put(warehouses_key(vendor_id), item, when=when, values=values, otherwise=stale))
    return saved, version + 1


def require_open(vendor_id: str, place: str) -> None:
    """Raises NotFound for a place that is not an active warehouse of the vendor's; `""` is always there."""
    if place and place not in open_ones(vendor_id):
        raise no_such_warehouse()


def open_ones(vendor_id: str) -> frozenset[str]:
    """The ids of the vendor's active warehouses."""
    return frozenset(one.id for one in warehouses(vendor_id)[0] if one.is_active)


def no_such_warehouse() -> NotFound:
    return NotFound("There is no such warehouse, or it is not active.")
