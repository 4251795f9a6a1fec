"""What the flags service does when it hears of something."""

from flags import service
from flags.manifest import MANIFEST
from market.events import Consumer, Envelope

consumer = Consumer(MANIFEST)
handler = consumer.handler


@consumer.on("flag.changed")
def changed(_: Envelope) -> None:
    """Publish all flags; while another publication runs, the message comes again."""
    service.publish()
