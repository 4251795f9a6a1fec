"""What developers announce."""

from typing import ClassVar

from market.events import Event


class ApiKeyRevoked(Event):
    """A key is good no more. scope: a vendor's id, or `platform`; reason: `revoked`, or `leaked` where it was found."""

    type: ClassVar[str] = "api_key.revoked"
    key_id: str
    scope: str
    label: str
    made_by: str
    reason: str


class WebhookDisabled(Event):
    """An endpoint was switched off because it did not accept. reason: `failing`, or `gone` if it asked for it (410)."""

    type: ClassVar[str] = "webhook.disabled"
    webhook_id: str
    vendor_id: str
    reason: str
