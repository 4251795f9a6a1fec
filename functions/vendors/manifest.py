"""Vendors: who sells here, from application to suspension."""

from market.manifest import Function, Manifest

MANIFEST = Manifest(
    service="vendors",
    prefixes=("VEN#", "VSL#", "VES#"),
    uses=("media",),
    functions=(Function(name="api", handler="vendors.api.handler", kind="api"),),
    publishes=("vendor.applied", "vendor.approved", "vendor.rejected", "vendor.suspended", "vendor.reinstated"),
    permissions={
        "vendors.read": ("admin", "moderator", "support", "finance", "auditor"),
        "vendors.write": ("admin", "moderator"),
        "vendors.decide": ("admin", "moderator"),
    },
)
