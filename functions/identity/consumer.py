"""Lambda entry point of identity's event queue."""

from identity import copies, service
from identity.manifest import MANIFEST
from market.events import Consumer, Envelope

consumer = Consumer(MANIFEST)


@consumer.on("profile.erasure_requested")
def erasure_requested(event: Envelope) -> None:
    service.erase(event.data["user_id"])


@consumer.on("profile.export_requested")
def export_requested(event: Envelope) -> None:
    """Write the account into the copy of the person's data."""
    copies.write(event.data["folder"], event.data["user_id"])


handler = consumer.handler
