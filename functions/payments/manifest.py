"""Payments: one port to payment providers, the life of a payment, and the sandbox provider."""

from market.manifest import Function, Manifest

NOT_PROD = ("dev", "staging")

MANIFEST = Manifest(
    service="payments",
    prefixes=("PAY#", "SBX#"),
    uses=("orders",),
    publishes=("payment.succeeded", "payment.failed"),
    consumes=("order.cancellation_requested",),
    queues=("payments-webhooks", "sandbox-webhooks"),
    functions=(
        Function(name="api", handler="payments.api.handler", kind="api", capabilities=("webhook-queue",)),
        Function(
            name="webhooks",
            handler="payments.webhooks.handler",
            kind="queue",
            queue="payments-webhooks",
            capabilities=("checkout", "secret"),
        ),
        Function(
            name="consumer", handler="payments.consumer.handler", kind="consumer", capabilities=("checkout", "secret")
        ),
        Function(
            name="tasks",
            handler="payments.tasks.handler",
            kind="tasks",
            capabilities=("checkout", "secret"),
            timeout=20,
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
)
