"""Media: pictures, models and videos, from a browser's upload in parts to the sizes that pages show."""

from market.manifest import Function, Manifest

MANIFEST = Manifest(
    service="media",
    prefixes=("MED#", "MDO#", "MDS#"),
    reads=("catalog", "vendors"),
    publishes=("media.ready", "media.refused", "media.crop_wanted"),
    consumes=("media.crop_wanted", "profile.erasure_requested", "profile.export_requested"),
    queues=("media-arrivals",),
    functions=(
        Function(name="api", handler="media.api.handler", kind="api", timeout=20, capabilities=("media-uploads",)),
        Function(
            name="processing",
            handler="media.processing.handler",
            kind="queue",
            queue="media-arrivals",
            memory=2048,
            timeout=120,
            layers=("imaging",),
            capabilities=("media-files",),
        ),
        Function(
            name="consumer",
            handler="media.consumer.handler",
            kind="consumer",
            timeout=60,
            capabilities=("media-files", "media-queue", "export-part"),
        ),
        Function(
            name="schedule",
            handler="media.schedule.handler",
            kind="schedule",
            every="rate(1 hour)",
            timeout=120,
            capabilities=("media-files", "media-pictures", "media-queue"),
        ),
    ),
    permissions={
        "evidence.read": ("admin", "support"),
        "media.read": ("admin", "moderator", "support", "auditor", "vendor_catalog", "vendor_viewer"),
        "media.write": ("admin", "moderator", "vendor_catalog"),
    },
)
