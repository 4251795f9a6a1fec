"""Prices: lists, plans, history, exchange rates, and rules that move prices."""

from market.manifest import Function, Manifest

_READERS = ("admin", "moderator", "support", "finance", "auditor", "vendor_catalog", "vendor_finance", "vendor_viewer")

MANIFEST = Manifest(
    service="prices",
    prefixes=("PRL#", "PRG#", "PRH#", "PRR#", "PRS#", "PRA#", "FXR#", "FXH#"),
    reads=("identity", "inventory", "orders", "vendors"),
    publishes=("price.decided", "price.suggested", "price.claim_doubted", "rates.updated"),
    consumes=(
        "inventory.low_stock",
        "order.paid",
        "price.refused",
        "product.created",
        "product.price.updated",
        "profile.erasure_requested",
        "profile.export_requested",
    ),
    functions=(
        Function(name="api", handler="prices.api.handler", kind="api"),
        Function(
            name="consumer",
            handler="prices.consumer.handler",
            kind="consumer",
            timeout=20,
            capabilities=("export-part", "secret"),
        ),
        Function(
            name="schedule",
            handler="prices.schedule.handler",
            kind="schedule",
            every="rate(5 minutes)",
            timeout=60,
            capabilities=("secret",),
        ),
        Function(
            name="publication",
            handler="prices.publication.handler",
            kind="schedule",
            every="rate(30 minutes)",
            timeout=30,
        ),
    ),
    permissions={
        "prices.read": _READERS,
        "prices.write": ("admin", "vendor_catalog"),
        "price_groups.manage": ("admin", "support"),
        "rates.read": ("admin", "finance", "support", "auditor"),
        "rates.manage": ("admin", "finance"),
    },
)
