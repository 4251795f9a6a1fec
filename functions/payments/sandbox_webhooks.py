"""The sandbox's webhook sender: signs each event anew and tries again, by its queue, until the answer is 2xx."""

from typing import Any

from market import clock, config
from market.events import each_record
from payments.gateway import send
from payments.providers.sandbox import sign


class NotAccepted(RuntimeError):
    """The marketplace did not take the webhook; the queue brings it again."""


def handler(batch: dict[str, Any], _context: object = None) -> dict[str, Any]:
    return each_record(batch, lambda record: deliver(record["body"].encode()))


def deliver(body: bytes) -> None:
    """Post one event. Raises NotAccepted or ProviderUnavailable."""
    headers = {"content-type": "application/json", "sandbox-signature": sign(body, clock.epoch())}
    status, _ = send("POST", config.setting("WEBHOOK_URL"), headers, body)
    if not 200 <= status < 300:
        raise NotAccepted(str(status))
