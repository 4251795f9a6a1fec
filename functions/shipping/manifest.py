"""Shipping: what it costs to send a vendor's parcel somewhere, how, and when it will be there."""

from market.manifest import Function, Manifest

MANIFEST = Manifest(
    service="shipping",
    prefixes=("SHT#", "SHQ#"),
    reads=("cart", "prices", "promotions", "vendors"),
    functions=(
        Function(
            name="api",
            handler="shipping.api.handler",
            kind="api",
            timeout=20,
            capabilities=("carriers",),
            layers=("calendars",),
        ),
        Function(name="sandbox", handler="shipping.sandbox.handler", kind="api", stages=("dev", "staging")),
    ),
    permissions={
        "shipping.read": (
            *("admin", "support", "finance", "auditor"),
            *("vendor_catalog", "vendor_orders", "vendor_finance", "vendor_viewer"),
        ),
        "shipping.write": ("admin", "vendor_orders"),
        "shipping.configure": ("admin",),
    },
)
