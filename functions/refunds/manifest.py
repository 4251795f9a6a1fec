"""Refunds: money given back, whole or in part, never more than was captured."""

from market.manifest import Function, Manifest

MANIFEST = Manifest(
    service="refunds",
    prefixes=("RFD#",),
    uses=("ledger", "orders"),
    publishes=("refund.requested", "refund.succeeded", "refund.failed"),
    consumes=("refund.requested", "order.part_cancelled", "profile.export_requested"),
    functions=(
        Function(name="api", handler="refunds.api.handler", kind="api"),
        Function(
            name="consumer", handler="refunds.consumer.handler", kind="consumer", capabilities=("export-part", "refund")
        ),
        Function(name="tasks", handler="refunds.tasks.handler", kind="tasks", timeout=20),
        Function(
            name="schedule",
            handler="refunds.schedule.handler",
            kind="schedule",
            every="rate(15 minutes)",
            timeout=60,
            capabilities=("refund",),
        ),
    ),
    permissions={
        "refunds.read": ("admin", "support", "finance", "auditor", "vendor_orders", "vendor_finance", "vendor_viewer"),
        "refunds.make": ("admin", "support", "finance", "vendor_orders"),
    },
)
