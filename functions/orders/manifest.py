"""Orders: from a cart to a confirmed purchase, split by vendor."""

from market.manifest import Function, Manifest

MANIFEST = Manifest(
    service="orders",
    prefixes=("ORD#", "VOR#"),
    uses=("cart", "inventory", "ledger"),
    publishes=("order.created", "order.paid", "order.cancelled", "order.cancellation_requested"),
    consumes=("order.created", "order.paid"),
    functions=(
        Function(name="api", handler="orders.api.handler", kind="api", memory=1024),
        Function(name="consumer", handler="orders.consumer.handler", kind="consumer", capabilities=("checkout",)),
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
)
