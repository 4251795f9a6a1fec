"""Notifications: what people are told by mail about what happened."""

from market.manifest import Function, Manifest

MANIFEST = Manifest(
    service="notifications",
    prefixes=("MSG#",),
    uses=("orders", "identity", "vendors", "access"),
    functions=(
        Function(
            name="consumer",
            handler="notifications.consumer.handler",
            kind="consumer",
            timeout=30,
            capabilities=("email", "secret"),
        ),
    ),
    consumes=("order.paid", "order.cancelled", "refund.succeeded", "vendor.approved", "access.invited"),
)
