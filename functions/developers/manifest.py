"""Developers: API keys for programs, and webhooks that tell vendors' programs what happened."""

from market.manifest import Function, Manifest

MANIFEST = Manifest(
    service="developers",
    prefixes=("KEY#", "LIM#api-key#", "WHK#", "WHD#"),
    reads=("vendors",),
    permissions={
        "api_keys.read": ("admin", "auditor"),
        "api_keys.manage": ("admin",),
        "webhooks.read": ("admin", "support", "auditor", "vendor_viewer"),
        "webhooks.manage": ("admin",),
    },
    publishes=("api_key.revoked", "webhook.disabled"),
    consumes=(
        "order.paid",
        "order.part_cancelled",
        "refund.succeeded",
        "product.created",
        "product.updated",
        "product.price.updated",
        "vendor.suspended",
        "vendor.reinstated",
    ),
    queues=("developers-webhooks",),
    functions=(
        Function(name="api", handler="developers.api.handler", kind="api"),
        Function(
            name="webhooks", handler="developers.webhooks_api.handler", kind="api", capabilities=("delivery-queue",)
        ),
        Function(
            name="consumer", handler="developers.consumer.handler", kind="consumer", capabilities=("delivery-queue",)
        ),
        Function(
            name="sender",
            handler="developers.sender.handler",
            kind="queue",
            queue="developers-webhooks",
            capabilities=("secret",),
            timeout=30,
        ),
        Function(
            name="schedule",
            handler="developers.schedule.handler",
            kind="schedule",
            every="rate(5 minutes)",
            timeout=60,
            capabilities=("delivery-queue",),
        ),
    ),
)
