"""Cart: what a customer is about to buy, the same on every device."""

from market.manifest import Function, Manifest

MANIFEST = Manifest(
    service="cart",
    prefixes=("CRT#",),
    uses=("inventory",),
    functions=(Function(name="api", handler="cart.api.handler", kind="api"),),
)
