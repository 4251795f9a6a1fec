"""Payments: one port to payment providers, the life of a payment, and the sandbox provider."""

from market.manifest import Function, Manifest

NOT_PROD = ("dev", "staging")

MANIFEST = Manifest(
    service="payments",
    prefixes=("PAY#", "PRC#", "SBV#", "SBX#"),
    uses=("fraud", "ledger"),
    reads=("orders",),
    publishes=("payment.succeeded", "payment.failed", "payment.refunded", "payment.settled"),
    consumes=(
        "order.cancellation_requested",
        "order.compensation_requested",
        "profile.erasure_requested",
        "profile.export_requested",
    ),
    queues=("payments-webhooks", "sandbox-webhooks"),
    functions=(
        Function(
            name="api",
            handler="payments.api.handler",
            kind="api",
            capabilities=("checkout", "payments", "webhook-queue"),
            layers=("stripe",),
            timeout=20,
        ),
        Function(
            name="webhooks",
            handler="payments.webhooks.handler",
            kind="queue",
            queue="payments-webhooks",
            capabilities=("checkout", "payments", "secret"),
            layers=("stripe",),
            timeout=20,
        ),
        Function(
            name="consumer",
            handler="payments.consumer.handler",
            kind="consumer",
            capabilities=("checkout", "export-part", "payments", "secret"),
            layers=("stripe",),
            timeout=20,
        ),
        Function(
            name="tasks",
            handler="payments.tasks.handler",
            kind="tasks",
            capabilities=("checkout", "payments", "secret"),
            layers=("stripe",),
            timeout=20,
        ),
        Function(
            name="schedule",
            handler="payments.schedule.handler",
            kind="schedule",
            every="rate(5 minutes)",
            capabilities=("checkout", "payments", "secret"),
            layers=("stripe",),
            timeout=300,
        ),
        Function(
            name="sandbox",
            handler="payments.sandbox.handler",
            kind="api",
            capabilities=("sandbox-queue",),
            stages=NOT_PROD,
        ),
        Function(
            name="sandbox_webhooks",
            handler="payments.sandbox_webhooks.handler",
            kind="queue",
            queue="sandbox-webhooks",
            capabilities=("secret",),
            timeout=20,
            stages=NOT_PROD,
        ),
    ),
    permissions={
        "payments.read": ("admin", "support", "finance", "auditor"),
        "payments.settle": ("admin", "finance"),
    },
)
