"""Inventory: how many of each SKU there are, at what price, and for whom some are held."""

from market.manifest import Function, Manifest

MANIFEST = Manifest(
    service="inventory",
    prefixes=("STK#", "STL#", "STV#"),
    functions=(Function(name="api", handler="inventory.api.handler", kind="api"),),
    permissions={
        "inventory.read": ("admin", "support", "auditor", "vendor_catalog", "vendor_orders", "vendor_viewer"),
        "inventory.write": ("admin", "vendor_catalog"),
    },
)
