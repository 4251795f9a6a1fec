"""Ledger: every movement of money, in double entry, never changed; vendors' accounts and commission rules."""

from market.manifest import Function, Manifest

MANIFEST = Manifest(
    service="ledger",
    prefixes=("LED#", "LAC#", "COM#"),
    functions=(
        Function(name="api", handler="ledger.api.handler", kind="api", memory=1024, timeout=29),
        Function(name="commission", handler="ledger.commission_api.handler", kind="api"),
        Function(name="consumer", handler="ledger.consumer.handler", kind="consumer", timeout=30),
        Function(
            name="schedule",
            handler="ledger.schedule.handler",
            kind="schedule",
            every="cron(15 2 * * ? *)",
            memory=1024,
            timeout=600,
            capabilities=("audit",),
        ),
    ),
    consumes=("order.paid", "refund.succeeded", "payment.refunded", "payment.settled"),
    permissions={
        "balances.read": ("admin", "finance", "auditor", "vendor_finance", "vendor_viewer"),
        "ledger.read": ("admin", "finance", "auditor"),
        "ledger.rebuild": ("admin", "finance"),
        "commissions.read": ("admin", "finance", "auditor"),
        "commissions.manage": ("admin", "finance"),
    },
)
