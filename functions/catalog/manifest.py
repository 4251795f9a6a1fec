"""Catalog: what is sold, in which category, and how it is shown."""

from market.manifest import Function, Manifest

MANIFEST = Manifest(
    service="catalog",
    prefixes=("CAT#", "PRD#", "PSL#", "PLC#", "PLV#", "PLA#"),
    uses=("inventory", "vendors"),
    functions=(
        Function(name="api", handler="catalog.api.handler", kind="api"),
        Function(
            name="import",
            handler="catalog.import_api.handler",
            kind="api",
            memory=1024,
            timeout=29,
            capabilities=("flags",),
        ),
        Function(name="media", handler="catalog.media_api.handler", kind="api", capabilities=("media",)),
    ),
    publishes=("product.created", "product.updated", "product.price.updated"),
    permissions={
        "categories.manage": ("admin", "moderator"),
        "products.read": (
            "admin",
            "moderator",
            "support",
            "auditor",
            "vendor_catalog",
            "vendor_orders",
            "vendor_viewer",
        ),
        "products.write": ("admin", "moderator", "vendor_catalog"),
        "products.import": ("admin", "vendor_catalog"),
    },
)
