"""Access: who belongs to the platform's staff and to vendors' teams, and what each of them may do there."""

from market.manifest import Function, Manifest

MANIFEST = Manifest(
    service="access",
    prefixes=("ACS#", "ROL#", "TEA#", "IVT#"),
    uses=("vendors",),
    reads=("identity",),
    functions=(
        Function(name="api", handler="access.api.handler", kind="api", capabilities=("secret",)),
        Function(name="consumer", handler="access.consumer.handler", kind="consumer", capabilities=("export-part",)),
    ),
    publishes=("access.changed", "access.invited"),
    consumes=("abuse.allowance_changed", "profile.export_requested", "vendor.approved"),
    permissions={
        "staff.read": ("admin", "auditor", "support"),
        "staff.manage": ("admin",),
        "team.read": (
            "admin",
            "auditor",
            "support",
            "vendor_catalog",
            "vendor_orders",
            "vendor_finance",
            "vendor_viewer",
        ),
        "team.manage": ("admin",),
        "access.explain": ("admin", "auditor", "support"),
    },
)
