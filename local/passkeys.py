"""Passkeys (WebAuthn): registering and using them, with every signature, origin and counter checked by py_webauthn.

As on Cognito a passkey belongs to the pool's relying party, may be used at its domain and below it, and only over
https; here also at http://localhost. Attestation is not asked for. Without a relying party in the template the calls
are refused as by a pool without passkeys.
"""

import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import orjson

from local.accounts import Person, refused
from local.pool_settings import PoolSettings
from local.storage import Storage

__all__ = ["Passkeys"]

JSON = dict[str, Any]
_SCHEMA = """
CREATE TABLE IF NOT EXISTS passkeys (
    id TEXT PRIMARY KEY, sub TEXT NOT NULL, public_key BLOB NOT NULL, uses INTEGER NOT NULL, created REAL NOT NULL,
    attachment TEXT NOT NULL, transports TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS passkeys_sub ON passkeys (sub, created);
CREATE TABLE IF NOT EXISTS passkey_registrations (
    sub TEXT PRIMARY KEY, challenge TEXT NOT NULL, expires REAL NOT NULL) WITHOUT ROWID;
"""
_SECONDS, _MOST = 300, 20


class Passkeys:
    """The passkeys of one pool's people."""

    def __init__(self, storage: Storage, settings: PoolSettings, clock: Callable[[], float] = time.time) -> None:
        self._storage, self._settings, self._clock = storage, settings, clock
        storage.declare(_SCHEMA)

    # -- registering

    def creation_options(self, person: Person) -> JSON:
        """StartWebAuthnRegistration. Raises WebAuthnNotEnabledException or LimitExceededException."""
        import webauthn
        from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, structs

        if not self._settings.relying_party or "WEB_AUTHN" not in self._settings.first_factors:
            raise refused("WebAuthnNotEnabled", "WebAuthn is not enabled for this user pool.")
        known = [row["id"] for row in self._rows(person)]
        if len(known) >= _MOST:
            raise refused("LimitExceeded", "Passkey limit exceeded.")
        challenge = secrets.token_bytes(32)
        options = webauthn.generate_registration_options(
            rp_id=self._settings.relying_party,
            rp_name=self._settings.relying_party,
            user_id=person.sub.encode(),
            user_name=person.email,
            user_display_name=person.attributes.get("name") or person.email,
            challenge=challenge,
            exclude_credentials=[structs.PublicKeyCredentialDescriptor(id=base64url_to_bytes(id_)) for id_ in known],
            authenticator_selection=structs.AuthenticatorSelectionCriteria(
                resident_key=structs.ResidentKeyRequirement.PREFERRED,
                user_verification=structs.UserVerificationRequirement(self._settings.user_verification),
            ),
        )
        row = (person.sub, bytes_to_base64url(challenge), self._clock() + _SECONDS)
        with self._storage.transaction() as db:
            db.execute("INSERT OR REPLACE INTO passkey_registrations VALUES (?,?,?)", row)
        shown: JSON = orjson.loads(webauthn.options_to_json(options))
        return shown

    def register(self, person: Person, credential: JSON) -> None:
        """CompleteWebAuthnRegistration; the challenge is spent whatever comes of it.

        Raises WebAuthnChallengeNotFoundException, WebAuthnOriginNotAllowedException,
        WebAuthnRelyingPartyMismatchException or WebAuthnCredentialNotSupportedException.
        """
        import webauthn
        from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
        from webauthn.helpers.exceptions import WebAuthnException

        with self._storage.transaction() as db:
            sql = "DELETE FROM passkey_registrations WHERE sub = ? RETURNING challenge, expires"
            asked = db.execute(sql, (person.sub,)).fetchone()
        if asked is None or asked["expires"] < self._clock():
            raise refused("WebAuthnChallengeNotFound", "Challenge not found.")
        origin = self._origin(credential, "WebAuthnOriginNotAllowed")
        try:
            made = webauthn.verify_registration_response(
                credential=credential,
                expected_challenge=base64url_to_bytes(asked["challenge"]),
                expected_rp_id=self._settings.relying_party,
                expected_origin=origin,
                require_user_verification=self._settings.user_verification == "required",
            )
        except (WebAuthnException, ValueError, TypeError, KeyError) as bad:
            code = "WebAuthnRelyingPartyMismatch" if "RP ID" in str(bad) else "WebAuthnCredentialNotSupported"
            raise refused(code, "The credential was refused.") from None
        row = (
            bytes_to_base64url(made.credential_id),
            person.sub,
            made.credential_public_key,
            made.sign_count,
            self._clock(),
            str(credential.get("authenticatorAttachment") or ""),
            orjson.dumps(_transports(credential)).decode(),
        )
        with self._storage.transaction() as db:
            if db.execute("INSERT OR IGNORE INTO passkeys VALUES (?,?,?,?,?,?,?)", row).rowcount == 0:
                raise refused("WebAuthnCredentialNotSupported", "The credential is registered already.")

    # -- using

    def any(self, person: Person) -> bool:
        return bool(self._rows(person))

    def request_options(self, person: Person) -> tuple[JSON, str]:
        """What the browser is asked at a sign-in, and the challenge in it (base64url)."""
        import webauthn
        from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, structs

        challenge = secrets.token_bytes(32)
        options = webauthn.generate_authentication_options(
            rp_id=self._settings.relying_party,
            challenge=challenge,
            allow_credentials=[
                structs.PublicKeyCredentialDescriptor(id=base64url_to_bytes(row["id"])) for row in self._rows(person)
            ],
            user_verification=structs.UserVerificationRequirement(self._settings.user_verification),
        )
        return orjson.loads(webauthn.options_to_json(options)), bytes_to_base64url(challenge)

    def use(self, person: Person, credential: str, challenge: str) -> None:
        """Check what a passkey signed. Raises NotAuthorizedException."""
        import webauthn
        from webauthn.helpers import base64url_to_bytes
        from webauthn.helpers.exceptions import WebAuthnException

        shown = _parsed(credential)
        row = self._storage.one("SELECT * FROM passkeys WHERE id = ? AND sub = ?", (str(shown.get("id")), person.sub))
        if row is None:
            raise refused("NotAuthorized", "Unknown passkey.")
        origin = self._origin(shown, "NotAuthorized")
        try:
            seen = webauthn.verify_authentication_response(
                credential=shown,
                expected_challenge=base64url_to_bytes(challenge),
                expected_rp_id=self._settings.relying_party,
                expected_origin=origin,
                credential_public_key=row["public_key"],
                credential_current_sign_count=row["uses"],
                require_user_verification=self._settings.user_verification == "required"
                or self._settings.passkeys_suffice,
            )
        except (WebAuthnException, ValueError, TypeError, KeyError):
            raise refused("NotAuthorized", "The passkey was refused.") from None
        with self._storage.transaction() as db:
            sql = "UPDATE passkeys SET uses = ? WHERE id = ? AND (uses < ? OR ? = 0)"
            if (
                db.execute(sql, (seen.new_sign_count, row["id"], seen.new_sign_count, seen.new_sign_count)).rowcount
                == 0
            ):
                raise refused("NotAuthorized", "The passkey was refused.")

    def _origin(self, credential: JSON, refusal: str) -> str:
        """The page that the browser says it was on, if it is one of the relying party's."""
        from webauthn.helpers import base64url_to_bytes

        try:
            origin = str(orjson.loads(base64url_to_bytes(credential["response"]["clientDataJSON"]))["origin"])
            parts = urlsplit(origin)
        except (ValueError, TypeError, KeyError):
            raise refused(refusal, "The credential has no origin.") from None
        party, host = self._settings.relying_party, parts.hostname or ""
        ours = host == party or host.endswith(f".{party}")
        if not ours or (parts.scheme != "https" and not (parts.scheme == "http" and host == "localhost")):
            raise refused(refusal, "Origin not allowed.")
        return origin

    # -- keeping

    def listed(self, person: Person) -> list[JSON]:
        """As ListWebAuthnCredentials shows them, oldest first."""
        return [
            {
                "CredentialId": row["id"],
                "FriendlyCredentialName": "Passkey",
                "RelyingPartyId": self._settings.relying_party,
                "AuthenticatorTransports": orjson.loads(row["transports"]),
                "CreatedAt": datetime.fromtimestamp(row["created"], UTC),
            }
            | ({"AuthenticatorAttachment": row["attachment"]} if row["attachment"] else {})
            for row in self._rows(person)
        ]

    def delete(self, person: Person, id_: str) -> None:
        """Raises ResourceNotFoundException."""
        with self._storage.transaction() as db:
            if not db.execute("DELETE FROM passkeys WHERE id = ? AND sub = ?", (id_, person.sub)).rowcount:
                raise refused("ResourceNotFound", "The credential does not exist.")

    def forget(self, sub: str) -> None:
        """Everything about a person who is gone."""
        with self._storage.transaction() as db:
            db.execute("DELETE FROM passkeys WHERE sub = ?", (sub,))
            db.execute("DELETE FROM passkey_registrations WHERE sub = ?", (sub,))

    def _rows(self, person: Person) -> list[Any]:
        return self._storage.rows("SELECT * FROM passkeys WHERE sub = ? ORDER BY created", (person.sub,))


def _transports(credential: JSON) -> list[str]:
    found = (credential.get("response") or {}).get("transports")
    return [str(way) for way in found][:8] if isinstance(found, list) else []


def _parsed(credential: str) -> JSON:
    try:
        shown = orjson.loads(credential)
    except ValueError:
        shown = None
    if not isinstance(shown, dict):
        raise refused("InvalidParameter", "CREDENTIAL must be a JSON object.")
    return shown
