"""What media does when it hears of something."""

from market.events import Consumer, Envelope
from media import gateway, personal
from media.manifest import MANIFEST

consumer = Consumer(MANIFEST)
handler = consumer.handler


@consumer.on("media.crop_wanted")
def crop_wanted(envelope: Envelope) -> None:
    """Hand it to the one function that can draw."""
    gateway.ask_for_processing(envelope.data["media_id"])


@consumer.on("profile.export_requested")
def export_requested(envelope: Envelope) -> None:
    personal.export(envelope.data["folder"], envelope.data["user_id"])


@consumer.on("profile.erasure_requested")
def erasure_requested(envelope: Envelope) -> None:
    personal.erase(envelope.data["user_id"])
