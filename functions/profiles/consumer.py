"""What profiles do when they hear of something: their own announcements, so that what was begun is finished."""

from market.events import Consumer, Envelope
from profiles import erasing, exporting, service
from profiles.manifest import MANIFEST

consumer = Consumer(MANIFEST)
handler = consumer.handler


@consumer.on("profile.avatar_replaced")
def avatar_replaced(envelope: Envelope) -> None:
    """Delete pictures that nobody shows any more."""
    service.discard_pictures(envelope.data["pictures"])


@consumer.on("profile.export_requested")
def export_requested(envelope: Envelope) -> None:
    exporting.contribute(envelope.data["request_id"], envelope.data["user_id"])


@consumer.on("profile.erasure_requested")
def erasure_requested(envelope: Envelope) -> None:
    erasing.erase(envelope.data["user_id"], envelope.data["request_id"])
