"""Identity: who people are, and how they sign in."""

from market.manifest import Function, Manifest

MANIFEST = Manifest(
    service="identity",
    prefixes=("USR#", "TRY#"),
    uses=("access",),
    functions=(
        Function(name="api", handler="identity.api.handler", kind="api", capabilities=("captcha", "cognito", "flags")),
        Function(
            name="consumer",
            handler="identity.consumer.handler",
            kind="consumer",
            capabilities=("cognito", "export-part", "secret"),
        ),
        Function(
            name="pre-token",
            handler="identity.triggers.pre_token",
            kind="trigger",
            trigger="pre_token_generation",
            capabilities=("flags",),
            timeout=5,
        ),
        Function(
            name="pre-sign-up",
            handler="identity.triggers.pre_sign_up",
            kind="trigger",
            trigger="pre_sign_up",
            capabilities=("cognito",),
            timeout=5,
        ),
    ),
    publishes=(
        "user.created",
        "user.registration_repeated",
        "user.blocked",
        "user.unblocked",
        "user.session_reused",
        "user.password_changed",
        "user.email_changed",
        "user.second_factor_changed",
        "user.erased",
    ),
    consumes=("profile.erasure_requested", "profile.export_requested"),
    permissions={
        "users.read": ("admin", "support", "auditor"),
        "users.block": ("admin", "support"),
        "users.secure": ("admin",),
    },
)
