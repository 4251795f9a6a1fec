"""Second factors of people: authenticator apps by RFC 6238, and which factors a sign-in asks for.

As on Cognito: a code of an app is good for its 30 seconds and one step before and after, and only once
(ExpiredCodeException); a secret counts once a code has proved it; a factor can be asked for only where it was set up:
a verified app, an e-mail address or phone number that is verified. Wrong codes in a row lock for a while, whatever
sign-in they are given in.
"""

import base64
import hashlib
import hmac
import secrets
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from local.accounts import Person, lock_of, refused
from local.pool_settings import PoolSettings
from local.storage import Storage

__all__ = ["APP", "MAIL", "TEXT", "Factors", "app_code"]

JSON = dict[str, Any]
APP, MAIL, TEXT = "SOFTWARE_TOKEN_MFA", "EMAIL_OTP", "SMS_MFA"
_SETTINGS = {"SoftwareTokenMfaSettings": APP, "EmailMfaSettings": MAIL, "SMSMfaSettings": TEXT}
_STEP, _DRIFT, _SECRET_BYTES = 30, 1, 32
_SCHEMA = """
CREATE TABLE IF NOT EXISTS apps (
    sub TEXT PRIMARY KEY, secret TEXT NOT NULL, verified INTEGER NOT NULL, last_step INTEGER NOT NULL,
    waiting TEXT NOT NULL, device TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS factors (
    sub TEXT PRIMARY KEY, enabled TEXT NOT NULL, preferred TEXT NOT NULL,
    failures INTEGER NOT NULL DEFAULT 0, locked_until REAL NOT NULL DEFAULT 0) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Preference:
    """Factors that a sign-in may ask for, and the one it asks for first ("" to let the person choose)."""

    enabled: tuple[str, ...] = ()
    preferred: str = ""


class Factors:
    """The second factors of one pool's people."""

    def __init__(self, storage: Storage, settings: PoolSettings, clock: Callable[[], float] = time.time) -> None:
        self._storage, self._settings, self._clock = storage, settings, clock
        storage.declare(_SCHEMA)

    # -- authenticator apps

    def associate(self, sub: str) -> str:
        """A new secret in base32. One that is in use stays so until the new one is verified."""
        if APP not in self._settings.second_factors:
            raise refused("SoftwareTokenMFANotFound", "Software token MFA is not enabled for the userPool.")
        secret = base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode().rstrip("=")
        with self._storage.transaction() as db:
            if db.execute("UPDATE apps SET waiting = ? WHERE sub = ?", (secret, sub)).rowcount == 0:
                db.execute("INSERT INTO apps VALUES (?, '', 0, 0, ?, '')", (sub, secret))
        return secret

    def verify_app(self, sub: str, code: str, device: str) -> None:
        """Prove the new secret with a code. Raises EnableSoftwareTokenMFAException for a wrong one."""
        with self._storage.transaction() as db:
            row = db.execute("SELECT * FROM apps WHERE sub = ?", (sub,)).fetchone()
            if row is None or not row["waiting"]:
                raise refused("InvalidParameter", "User has not been associated with a software token.")
            step = self._step_of(row["waiting"], code)
            if step is not None:
                db.execute(
                    "UPDATE apps SET secret = waiting, waiting = '', verified = 1, last_step = ?, device = ?"
                    " WHERE sub = ?",
                    (step, device, sub),
                )
        if step is None:
            raise refused("EnableSoftwareTokenMFA", "Code mismatch")

    def use_app(self, person: Person, code: str) -> None:
        """Raises CodeMismatchException, or ExpiredCodeException for a code that was used already."""
        with self._storage.transaction() as db:
            row = db.execute("SELECT * FROM apps WHERE sub = ? AND verified = 1", (person.sub,)).fetchone()
            step = self._step_of(row["secret"], code) if row else None
            fresh = step is not None and step > row["last_step"]
            if fresh:
                db.execute("UPDATE apps SET last_step = ? WHERE sub = ?", (step, person.sub))
        if step is None:
            raise refused("CodeMismatch", "Invalid code received for user")
        if not fresh:
            raise refused("ExpiredCode", "Your software token has already been used once.")

    def _step_of(self, secret: str, code: str) -> int | None:
        """The newest step whose code this is."""
        now = int(self._clock()) // _STEP
        steps = range(now + _DRIFT, now - _DRIFT - 1, -1)
        right = [step for step in steps if hmac.compare_digest(app_code(secret, step * _STEP), code.strip())]
        return right[0] if right else None

    def device(self, person: Person) -> str:
        """What the person called the app."""
        row = self._storage.one("SELECT device FROM apps WHERE sub = ?", (person.sub,))
        return str(row["device"]) if row else ""

    # -- which ones a sign-in asks for

    def preference(self, person: Person) -> Preference:
        row = self._storage.one("SELECT enabled, preferred FROM factors WHERE sub = ?", (person.sub,))
        return Preference(tuple(orjson.loads(row["enabled"])), row["preferred"]) if row else Preference()

    def prefer(self, person: Person, asked: JSON) -> None:
        """SetUserMFAPreference. Raises InvalidParameterException for what the person has not set up."""
        before = self.preference(person)
        enabled, preferred = set(before.enabled), before.preferred
        for name, factor in _SETTINGS.items():
            wish = asked.get(name)
            if wish is None:
                continue
            if not wish.get("Enabled"):
                enabled.discard(factor)
                if wish.get("PreferredMfa"):
                    raise refused("InvalidParameter", "Preferred MFA must be enabled.")
                preferred = "" if preferred == factor else preferred
                continue
            self._must_be_ready(person, factor)
            enabled.add(factor)
            if wish.get("PreferredMfa"):
                preferred = factor
            elif preferred == factor:
                preferred = ""
        with self._storage.transaction() as db:
            db.execute(
                "INSERT INTO factors (sub, enabled, preferred) VALUES (?,?,?)"
                " ON CONFLICT (sub) DO UPDATE SET enabled = excluded.enabled, preferred = excluded.preferred",
                (person.sub, orjson.dumps(sorted(enabled)).decode(), preferred),
            )

    def _must_be_ready(self, person: Person, factor: str) -> None:
        if factor not in self._settings.second_factors:
            raise refused("InvalidParameter", f"{factor} is not enabled for the user pool.")
        if factor == APP:
            row = self._storage.one("SELECT verified FROM apps WHERE sub = ?", (person.sub,))
            if row is None or not row["verified"]:
                raise refused("InvalidParameter", "User has not verified software token mfa")
        attribute = {MAIL: "email", TEXT: "phone_number"}.get(factor)
        if attribute and person.attributes.get(f"{attribute}_verified") != "true":
            raise refused("InvalidParameter", f"User does not have a verified {attribute}")

    # -- wrong answers

    def check_lock(self, person: Person) -> None:
        """Raises NotAuthorizedException after too many wrong codes in a row."""
        row = self._storage.one("SELECT locked_until FROM factors WHERE sub = ?", (person.sub,))
        if row is not None and row["locked_until"] > self._clock():
            raise refused("NotAuthorized", "Code attempts exceeded")

    def answered(self, person: Person, *, right: bool) -> None:
        """Count a wrong code, or forget those before a right one."""
        with self._storage.transaction() as db:
            row = db.execute("SELECT failures FROM factors WHERE sub = ?", (person.sub,)).fetchone()
            if row is not None:
                failures = 0 if right else row["failures"] + 1
                values = (failures, self._clock() + lock_of(failures), person.sub)
                db.execute("UPDATE factors SET failures = ?, locked_until = ? WHERE sub = ?", values)

    def forget(self, sub: str) -> None:
        """Everything about a person who is gone."""
        with self._storage.transaction() as db:
            db.execute("DELETE FROM apps WHERE sub = ?", (sub,))
            db.execute("DELETE FROM factors WHERE sub = ?", (sub,))


def app_code(secret: str, at: float) -> str:
    """What an authenticator app shows at a time: RFC 6238 with SHA-1, 30 seconds, six digits."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.new(key, struct.pack(">Q", int(at) // _STEP), hashlib.sha1).digest()
    offset = digest[-1] & 0xF
    return f"{(struct.unpack('>I', digest[offset : offset + 4])[0] & 0x7FFFFFFF) % 10**6:06d}"
