"""Notifications: what people are told by mail about what happened."""

from market.manifest import Function, Manifest

MANIFEST = Manifest(
    service="notifications",
    prefixes=("MSG#",),
    reads=("access", "identity", "orders", "vendors"),
    functions=(
        Function(
            name="consumer",
            handler="notifications.consumer.handler",
            kind="consumer",
            timeout=30,
            capabilities=("email", "secret"),
        ),
    ),
    consumes=(
        "order.paid",
        "order.cancelled",
        "refund.succeeded",
        "inventory.low_stock",
        "import.finished",
        "vendor.approved",
        "access.invited",
        "access.changed",
        "user.password_changed",
        "user.email_changed",
        "user.session_reused",
        "user.second_factor_changed",
        "user.registration_repeated",
        "user.blocked",
        "user.unblocked",
        "profile.erasure_scheduled",
        "profile.erasure_cancelled",
        "profile.erasure_requested",
        "profile.export_requested",
        "api_key.revoked",
        "webhook.disabled",
    ),
)
