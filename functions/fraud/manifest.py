"""Fraud: a score with reasons for every payment, and a queue of those that a person decides."""

from market.manifest import Function, Manifest

MANIFEST = Manifest(
    service="fraud",
    prefixes=("FRD#",),
    reads=("orders",),
    publishes=("fraud.review_needed", "fraud.decided"),
    consumes=(
        "fraud.decided",
        "order.cancellation_requested",
        "order.cancelled",
        "profile.erasure_requested",
        "profile.export_requested",
        "refund.succeeded",
    ),
    functions=(
        Function(name="api", handler="fraud.api.handler", kind="api"),
        Function(
            name="consumer",
            handler="fraud.consumer.handler",
            kind="consumer",
            capabilities=("checkout", "export-part", "secret"),
        ),
        Function(name="tasks", handler="fraud.tasks.handler", kind="tasks", capabilities=("checkout",), timeout=20),
        Function(name="schedule", handler="fraud.schedule.handler", kind="schedule", every="rate(1 hour)"),
    ),
    permissions={
        "fraud.read": ("admin", "support", "finance", "auditor"),
        "fraud.decide": ("admin", "finance"),
        "fraud.configure": ("admin",),
    },
)
