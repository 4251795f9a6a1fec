"""Lambda entry point of access's event queue."""

from access import personal, service
from access.manifest import MANIFEST
from market.events import Consumer, Envelope

consumer = Consumer(MANIFEST)


@consumer.on("vendor.approved")
def approved(event: Envelope) -> None:
    service.found_team(event.data["vendor_id"], event.data["owner_id"])


@consumer.on("abuse.allowance_changed")
def allowance_changed(event: Envelope) -> None:
    service.slow_down(event.data["user_id"], event.data["until"], told=event.data["told"])


@consumer.on("profile.export_requested")
def export_requested(event: Envelope) -> None:
    personal.export(event.data["folder"], event.data["user_id"])


handler = consumer.handler
