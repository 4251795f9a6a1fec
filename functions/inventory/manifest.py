"""Inventory: how many of each SKU there are, at what price, and for whom some are held."""

from market.manifest import Function, Manifest

MANIFEST = Manifest(
    service="inventory",
    prefixes=("HOT#", "SHD#", "STJ#", "STK#", "STL#", "STR#", "STV#", "TKT#", "TRF#", "WHS#"),
    reads=("vendors",),
    publishes=("inventory.low_stock", "inventory.restocked"),
    consumes=("order.cancelled", "order.paid", "stock.contended"),
    append_only=("STJ#",),
    functions=(
        Function(name="api", handler="inventory.api.handler", kind="api"),
        Function(name="consumer", handler="inventory.consumer.handler", kind="consumer", timeout=20),
        Function(
            name="schedule",
            handler="inventory.schedule.handler",
            kind="schedule",
            every="rate(1 minute)",
            timeout=55,
        ),
    ),
    permissions={
        "inventory.read": ("admin", "support", "auditor", "vendor_catalog", "vendor_orders", "vendor_viewer"),
        "inventory.write": ("admin", "vendor_catalog"),
    },
)
