"""Backbone: carries events from the outbox to the bus, and publishes the description of the API."""

from market.manifest import Function, Manifest

MANIFEST = Manifest(
    service="backbone",
    prefixes=(),
    functions=(
        Function(name="api", handler="backbone.api.handler", kind="api"),
        Function(name="relay", handler="backbone.relay.handler", kind="relay", timeout=30),
    ),
)
