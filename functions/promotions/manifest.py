"""Promotions: who gets what off, with which code, for how long and out of whose budget."""

from market.manifest import Function, Manifest

MANIFEST = Manifest(
    service="promotions",
    prefixes=("PMO#", "PMB#", "PMC#", "PMN#", "PMR#", "PMA#", "PME#", "CPN#", "CPB#"),
    uses=("orders", "vendors"),
    reads=("cart", "inventory"),
    publishes=(
        "promotion.launched",
        "promotion.changed",
        "promotion.ended",
        "promotion.exhausted",
        "promotion.codes_requested",
    ),
    consumes=(
        "order.cancelled",
        "order.paid",
        "profile.erasure_requested",
        "profile.export_requested",
        "promotion.codes_requested",
        "promotion.exhausted",
        "user.created",
    ),
    functions=(
        Function(name="api", handler="promotions.api.handler", kind="api", capabilities=("secret",)),
        Function(
            name="consumer",
            handler="promotions.consumer.handler",
            kind="consumer",
            timeout=30,
            capabilities=("export-part", "secret"),
        ),
        Function(
            name="schedule",
            handler="promotions.schedule.handler",
            kind="schedule",
            every="rate(5 minutes)",
            timeout=60,
        ),
    ),
    permissions={
        "promotions.read": (
            "admin",
            "moderator",
            "support",
            "finance",
            "auditor",
            "vendor_catalog",
            "vendor_orders",
            "vendor_finance",
            "vendor_viewer",
        ),
        "promotions.manage": ("admin", "vendor_catalog"),
    },
)
