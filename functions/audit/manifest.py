"""Audit: who changed what, in chains of hashes, never changed; and every event of the bus, in files that last."""

from market.manifest import Function, Manifest

MANIFEST = Manifest(
    service="audit",
    prefixes=("AUD#", "AUH#"),
    append_only=("AUD#",),
    publishes=("audit.recorded",),
    consumes=("audit.recorded",),
    queues=("audit-everything",),
    everything="audit-everything",
    permissions={"audit.read": ("admin", "auditor")},
    functions=(
        Function(name="api", handler="audit.api.handler", kind="api"),
        Function(name="consumer", handler="audit.consumer.handler", kind="consumer", timeout=30),
        Function(
            name="archive",
            handler="audit.archive.handler",
            kind="queue",
            queue="audit-everything",
            timeout=30,
            capabilities=("audit",),
        ),
        Function(
            name="schedule",
            handler="audit.schedule.handler",
            kind="schedule",
            every="cron(45 2 * * ? *)",
            memory=1024,
            timeout=600,
            capabilities=("audit",),
        ),
    ),
)
