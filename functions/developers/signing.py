"""Signatures of webhooks, by the Standard Webhooks scheme, with secrets that are nowhere stored.

A secret is derived from the stage's root secret, the endpoint's id and a counter that a rotation raises: who reads
the table can sign nothing, and an old secret is dead as soon as nobody asks for its number.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable

from market import config

PREFIX = "whsec_"


def secret(endpoint_id: str, rotation: int) -> str:
    """What the vendor verifies with: `whsec_` and 32 bytes in base64."""
    return PREFIX + base64.b64encode(_key(endpoint_id, rotation)).decode()


def headers(endpoint_id: str, rotations: Iterable[int], message_id: str, at: int, body: bytes) -> dict[str, str]:
    """The three headers of the scheme; one signature for each secret that is good now. at: epoch seconds."""
    signed = f"{message_id}.{at}.".encode() + body
    marks = [hmac.new(_key(endpoint_id, rotation), signed, hashlib.sha256).digest() for rotation in rotations]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at),
        "webhook-signature": " ".join(f"v1,{base64.b64encode(mark).decode()}" for mark in marks),
    }


def _key(endpoint_id: str, rotation: int) -> bytes:
    return hmac.new(config.key("webhooks"), f"{endpoint_id}|{rotation}".encode(), hashlib.sha256).digest()
