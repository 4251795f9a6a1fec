"""Inventory: how many of each SKU there are, at what price, and for whom some are held."""

from market.manifest import Function, Manifest

MANIFEST = Manifest(
    service="inventory",
    prefixes=("STK#", "STL#", "STV#"),
    functions=(Function(name="api", handler="inventory.api.handler", kind="api"),),
)
