"""Identity: who people are, what they may do, and how they sign in."""

from market.manifest import Function, Manifest

MANIFEST = Manifest(
    service="identity",
    prefixes=("USR#",),
    functions=(
        Function(name="api", handler="identity.api.handler", kind="api", capabilities=("cognito",)),
        Function(name="consumer", handler="identity.consumer.handler", kind="consumer"),
        Function(
            name="pre-token",
            handler="identity.triggers.pre_token",
            kind="trigger",
            trigger="pre_token_generation",
            timeout=5,
        ),
    ),
    publishes=("user.created", "user.roles_changed", "user.blocked", "user.unblocked"),
    consumes=("vendor.approved",),
)
