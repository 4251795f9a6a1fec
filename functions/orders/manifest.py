"""Orders: from a cart to a confirmed purchase, split by vendor."""

from market.manifest import Function, Manifest

MANIFEST = Manifest(
    service="orders",
    prefixes=("ORD#", "VOR#", "ORX#", "ONT#"),
    uses=(
        "cart",
        "identity",
        "inventory",
        "ledger",
        "prices",
        "profiles",
        "promotions",
        "refunds",
        "shipping",
        "tax",
    ),
    publishes=(
        "order.created",
        "order.paid",
        "order.cancelled",
        "order.part_cancelled",
        "order.cancellation_requested",
        "order.compensation_requested",
    ),
    consumes=(
        "order.created",
        "order.paid",
        "order.cancelled",
        "order.part_cancelled",
        "fraud.review_needed",
        "profile.erasure_requested",
        "profile.export_requested",
        "refund.succeeded",
    ),
    functions=(
        Function(name="api", handler="orders.api.handler", kind="api", memory=1024),
        Function(name="staff", handler="orders.staff_api.handler", kind="api"),
        Function(
            name="consumer",
            handler="orders.consumer.handler",
            kind="consumer",
            timeout=20,
            capabilities=("checkout", "export-part", "secret"),
        ),
        Function(name="tasks", handler="orders.tasks.handler", kind="tasks", timeout=20),
        Function(
            name="schedule",
            handler="orders.schedule.handler",
            kind="schedule",
            every="rate(5 minutes)",
            timeout=60,
            capabilities=("checkout",),
        ),
    ),
    permissions={
        "orders.read": (
            "admin",
            "moderator",
            "support",
            "finance",
            "auditor",
            "vendor_orders",
            "vendor_finance",
            "vendor_viewer",
        ),
        "orders.cancel": ("admin", "support", "vendor_orders"),
        "orders.note": ("admin", "support", "finance", "vendor_orders"),
        "orders.compensate": ("admin", "finance"),
    },
)
