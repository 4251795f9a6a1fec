"""Units in warehouses for tests."""

from inventory.contract import Warehouse, read_offer, stock_key, warehouses_key
from inventory.warehouses import compact
from market.table import put, update
from tests.services.inventory.hot import table

COUNTRY = {"wh_a": "GB", "wh_b": "DE"}


def store(sku: str, **units: int) -> None:
    """So many of the units that are there lie in these warehouses of the vendor; `wh_a` is one to fetch things from."""
    item = table.get(stock_key(sku), consistent=True)
    assert item is not None
    houses = [
        Warehouse(id=place, name=place.upper(), country=COUNTRY[place], city="Somewhere", pickup=place == "wh_a")
        for place in units
    ]
    table.write(put(warehouses_key(read_offer(item).vendor_id), {"warehouses": compact(houses)}))
    places = {place: {"a": count, "h": 0, "k": 0} for place, count in units.items()}
    table.write(
        update(
            stock_key(sku),
            "SET places = :places, placed = :placed, sourced = :yes",
            {":places": places, ":placed": sum(units.values()), ":yes": True},
        )
    )
