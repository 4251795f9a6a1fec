"""Invoices: a PDF per vendor's part of a paid order, and credit notes for refunds, numbered without gaps."""

from market.manifest import Function, Manifest

MANIFEST = Manifest(
    service="invoices",
    prefixes=("INV#",),
    reads=("orders", "vendors"),
    consumes=("order.paid", "profile.export_requested", "refund.succeeded"),
    functions=(
        Function(
            name="api",
            handler="invoices.api.handler",
            kind="api",
            memory=1024,
            timeout=20,
            capabilities=("documents",),
            layers=("documents",),
        ),
        Function(name="consumer", handler="invoices.consumer.handler", kind="consumer", capabilities=("export-part",)),
    ),
    permissions={
        "invoices.read": ("admin", "support", "finance", "auditor", "vendor_orders", "vendor_finance", "vendor_viewer"),
    },
)
