"""Cart: what a customer is about to buy, the same on every device."""

from market.manifest import Function, Manifest

MANIFEST = Manifest(
    service="cart",
    prefixes=("CRT#",),
    uses=("inventory", "promotions"),
    consumes=("profile.erasure_requested", "profile.export_requested"),
    functions=(
        Function(name="api", handler="cart.api.handler", kind="api"),
        Function(name="consumer", handler="cart.consumer.handler", kind="consumer", capabilities=("export-part",)),
    ),
)
