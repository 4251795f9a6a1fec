"""Tax: what is owed where, on which day, by whom, and what was owed in each month."""

from market.manifest import Function, Manifest

MANIFEST = Manifest(
    service="tax",
    prefixes=("TAX#", "TXC#", "TXF#", "TXP#", "TXQ#"),
    reads=("orders",),
    consumes=("order.paid", "profile.erasure_requested", "profile.export_requested", "refund.succeeded"),
    functions=(
        Function(name="api", handler="tax.api.handler", kind="api", layers=("addresses",)),
        Function(
            name="consumer",
            handler="tax.consumer.handler",
            kind="consumer",
            timeout=30,
            capabilities=("export-part", "settings", "tax-provider"),
        ),
    ),
    permissions={
        "tax.read": ("admin", "support", "finance", "auditor"),
        "tax.manage": ("admin", "finance"),
    },
)
