"""What carts do when they hear of something."""

from cart import personal
from cart.manifest import MANIFEST
from market.events import Consumer, Envelope

consumer = Consumer(MANIFEST)
handler = consumer.handler


@consumer.on("profile.export_requested")
def export_requested(envelope: Envelope) -> None:
    personal.export(envelope.data["folder"], envelope.data["user_id"])


@consumer.on("profile.erasure_requested")
def erasure_requested(envelope: Envelope) -> None:
    personal.erase(envelope.data["user_id"])
