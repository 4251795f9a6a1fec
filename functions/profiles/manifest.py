"""Profiles: what people say of themselves, where they want things sent, and their rights over all of it."""

from market.manifest import Function, Manifest

MANIFEST = Manifest(
    service="profiles",
    prefixes=("PRF#", "ADR#"),
    reads=("access", "orders"),
    publishes=(
        "profile.avatar_replaced",
        "profile.export_requested",
        "profile.erasure_scheduled",
        "profile.erasure_cancelled",
        "profile.erasure_requested",
    ),
    consumes=("profile.avatar_replaced", "profile.export_requested", "profile.erasure_requested"),
    functions=(
        Function(name="api", handler="profiles.api.handler", kind="api", layers=("addresses",)),
        Function(name="avatar", handler="profiles.avatar_api.handler", kind="api", capabilities=("avatars",)),
        Function(
            name="requests",
            handler="profiles.requests_api.handler",
            kind="api",
            memory=1024,
            timeout=20,
            capabilities=("exports",),
        ),
        Function(
            name="consumer",
            handler="profiles.consumer.handler",
            kind="consumer",
            timeout=20,
            capabilities=("avatars", "exports"),
        ),
        Function(
            name="schedule", handler="profiles.schedule.handler", kind="schedule", every="rate(1 hour)", timeout=60
        ),
    ),
)
