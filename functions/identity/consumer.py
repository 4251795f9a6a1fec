"""Lambda entry point of identity's event queue."""

from identity import service
from identity.manifest import MANIFEST
from market.events import Consumer, Envelope

consumer = Consumer(MANIFEST)


@consumer.on("vendor.approved")
def approved(event: Envelope) -> None:
    service.approve_vendor(event.data["owner_id"], event.data["vendor_id"])


handler = consumer.handler
