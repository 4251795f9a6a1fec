"""Catalog: what is sold, in which category, and how it is shown."""

from market.manifest import Function, Manifest

MANIFEST = Manifest(
    service="catalog",
    prefixes=(
        *("CAT#", "PRD#", "PSL#", "PRV#", "PRQ#", "PRO#", "PCD#", "SMP#", "IMJ#"),
        *("PLC#", "PLV#", "PLA#", "PLO#", "GTN#", "BRD#", "BRS#", "TAG#"),
    ),
    uses=("inventory", "media", "vendors"),
    reads=("promotions",),
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
        Function(
            name="bulk",
            handler="catalog.bulk_api.handler",
            kind="api",
            memory=1024,
            timeout=29,
            capabilities=("flags", "import", "imports"),
        ),
        Function(
            name="tasks",
            handler="catalog.tasks.handler",
            kind="tasks",
            memory=1769,
            timeout=900,
            capabilities=("imports", "media"),
        ),
        Function(name="editing", handler="catalog.editing_api.handler", kind="api"),
        Function(name="offers", handler="catalog.offers_api.handler", kind="api"),
        Function(name="consumer", handler="catalog.consumer.handler", kind="consumer"),
        Function(
            name="schedule", handler="catalog.schedule.handler", kind="schedule", every="rate(12 hours)", timeout=300
        ),
        Function(name="media", handler="catalog.media_api.handler", kind="api", capabilities=("media",)),
    ),
    publishes=(
        "product.created",
        "product.updated",
        "product.price.updated",
        "product.submitted",
        "product.approved",
        "product.rejected",
        "product.withdrawn",
        "product.published",
        "product.archived",
        "product.moved",
        "offer.created",
        "offer.updated",
        "price.refused",
        "import.finished",
    ),
    consumes=("price.decided", "product.archived", "product.published", "product.updated"),
    permissions={
        "brands.manage": ("admin", "moderator"),
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
        "products.review": ("admin", "moderator"),
        "products.rules": ("admin",),
        "products.import": ("admin", "vendor_catalog"),
    },
)
