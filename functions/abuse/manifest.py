"""Abuse: addresses that are turned away, and a score of what accounts do that honest ones seldom do."""

from market.manifest import Function, Manifest

MANIFEST = Manifest(
    service="abuse",
    prefixes=("BLK#", "ABU#"),
    publishes=("abuse.allowance_changed", "abuse.blocks_changed", "abuse.level_changed"),
    consumes=(
        "abuse.blocks_changed",
        "fraud.review_needed",
        "order.cancelled",
        "payment.failed",
        "profile.export_requested",
        "refund.succeeded",
        "user.erased",
    ),
    permissions={
        "abuse.read": ("admin", "moderator", "support", "auditor"),
        "abuse.manage": ("admin", "moderator"),
    },
    functions=(
        Function(name="api", handler="abuse.api.handler", kind="api"),
        Function(
            name="consumer",
            handler="abuse.consumer.handler",
            kind="consumer",
            capabilities=("export-part", "firewall"),
        ),
        Function(
            name="schedule",
            handler="abuse.schedule.handler",
            kind="schedule",
            every="rate(1 hour)",
            capabilities=("firewall",),
        ),
    ),
)
