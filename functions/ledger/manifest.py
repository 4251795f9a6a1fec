"""Ledger: every movement of money, in double entry, never changed."""

from market.manifest import Function, Manifest

MANIFEST = Manifest(
    service="ledger",
    prefixes=("LED#",),
    functions=(Function(name="api", handler="ledger.api.handler", kind="api"),),
)
