"""An authenticator in software: makes passkeys and signs with them as WebAuthn says, or wrongly where told to."""

import base64
import hashlib
import json
import secrets
import struct
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

JSON = dict[str, Any]
_PRESENT, _VERIFIED, _MADE = 0x01, 0x04, 0x40


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass
class Authenticator:
    """One device with one passkey, in a browser that is on `origin`."""

    origin: str = "https://shop.example"
    party: str = "shop.example"
    verified: bool = True
    uses: int = 0
    id: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def create(self, options: JSON) -> JSON:
        """What navigator.credentials.create() gives for CredentialCreationOptions."""
        numbers = self.key.public_key().public_numbers()
        public = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        made = bytes(16) + struct.pack(">H", len(self.id)) + self.id + cbor2.dumps(public)
        attestation = {"fmt": "none", "attStmt": {}, "authData": self._data(_MADE) + made}
        response = {
            "clientDataJSON": b64(self._client("webauthn.create", options["challenge"])),
            "attestationObject": b64(cbor2.dumps(attestation)),
            "transports": ["internal"],
        }
        return self._credential(response)

    def get(self, options: JSON) -> str:
        """What navigator.credentials.get() gives for CREDENTIAL_REQUEST_OPTIONS, as JSON."""
        self.uses += 1
        client, data = self._client("webauthn.get", options["challenge"]), self._data(0)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        response = {
            "clientDataJSON": b64(client),
            "authenticatorData": b64(data),
            "signature": b64(signature),
            "userHandle": None,
        }
        return json.dumps(self._credential(response))

    def _credential(self, response: JSON) -> JSON:
        shown = {"id": b64(self.id), "rawId": b64(self.id), "type": "public-key"}
        return shown | {"authenticatorAttachment": "platform", "response": response, "clientExtensionResults": {}}

    def _client(self, kind: str, challenge: str) -> bytes:
        shown = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(shown).encode()

    def _data(self, more: int) -> bytes:
        flags = _PRESENT | (_VERIFIED if self.verified else 0) | more
        return hashlib.sha256(self.party.encode()).digest() + struct.pack(">BI", flags, self.uses)
