"""Flags: which features are on, and for whom."""

from market.manifest import Function, Manifest

MANIFEST = Manifest(
    service="flags",
    prefixes=("FLG#",),
    publishes=("flag.changed",),
    consumes=("flag.changed",),
    functions=(
        Function(name="api", handler="flags.api.handler", kind="api", capabilities=("flags",)),
        Function(
            name="consumer", handler="flags.consumer.handler", kind="consumer", capabilities=("flags", "flags-publish")
        ),
    ),
    permissions={
        "flags.read": ("admin", "moderator", "support", "finance", "auditor"),
        "flags.manage": ("admin",),
    },
)
