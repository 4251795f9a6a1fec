"""The codes that the user pool sends, by mail or text message; both end up in the mailbox.

As on Cognito: six random digits, for a day (sign-up, a new address), an hour (new password) or three minutes
(sign-in), for five tries; a newer code voids an older one; a person is sent only so many an hour
(LimitExceededException). CustomMessage writes the words where the template names such a trigger. How many exactly
Cognito sends depends on what it thinks of the caller; here it is five, and twenty at sign-in.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from typing import Any

from local.accounts import Person, refused
from local.mailbox import Mailbox
from local.pool_settings import PoolSettings
from local.pool_triggers import Triggers
from local.storage import Storage

__all__ = ["EMAIL_CODE", "NEW_PASSWORD", "SIGN_UP", "TEXT_CODE", "Codes", "delivery"]

JSON = dict[str, Any]
_SCHEMA = """
CREATE TABLE IF NOT EXISTS codes (
    sub TEXT NOT NULL, purpose TEXT NOT NULL, digest TEXT NOT NULL, expires REAL NOT NULL, tries INTEGER NOT NULL,
    PRIMARY KEY (sub, purpose)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS codes_sent (sub TEXT NOT NULL, purpose TEXT NOT NULL, at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS codes_sent_sub ON codes_sent (sub, purpose, at);
CREATE TABLE IF NOT EXISTS pending_attributes (
    sub TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (sub, name)) WITHOUT ROWID;
"""
SIGN_UP, NEW_PASSWORD = "sign-up", "new-password"
EMAIL_CODE, TEXT_CODE = "sign-in: mail", "sign-in: text"
_DAY, _HOUR = 86400, 3600
_GOOD_FOR = {NEW_PASSWORD: _HOUR, EMAIL_CODE: 180, TEXT_CODE: 180}
_TRIES, _AN_HOUR, _AN_HOUR_AT_SIGN_IN = 5, 5, 20


class Codes:
    """Codes of one pool: `send` one for a purpose, `use` it once."""

    def __init__(
        self,
        storage: Storage,
        mailbox: Mailbox,
        settings: PoolSettings,
        sender: str,
        triggers: Triggers,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._storage, self._mailbox, self._settings, self._sender = storage, mailbox, settings, sender
        self._triggers, self._clock = triggers, clock
        storage.declare(_SCHEMA)

    def send(self, person: Person, purpose: str, source: str, client: str = "", *, to: str = "") -> JSON:
        """Send a new code to the person's address or number, or to `to`; answers CodeDeliveryDetails.

        `source` is what CustomMessage is asked under. Raises LimitExceededException.
        """
        code, now = f"{secrets.randbelow(10**6):06d}", self._clock()
        words = self._triggers.message(source, person, client)
        row = (person.sub, purpose, _digest(person.sub, code), now + _GOOD_FOR.get(purpose, _DAY))
        with self._storage.transaction() as db:
            self._count(db, person, purpose, now)
            db.execute("INSERT OR REPLACE INTO codes VALUES (?,?,?,?,0)", row)
            return self._deliver(person, purpose, code, words, to)

    def _count(self, db: Any, person: Person, purpose: str, now: float) -> None:
        db.execute("DELETE FROM codes_sent WHERE at < ?", (now - _HOUR,))
        sql = "SELECT count(*) FROM codes_sent WHERE sub = ? AND purpose = ?"
        allowed = _AN_HOUR_AT_SIGN_IN if purpose in (EMAIL_CODE, TEXT_CODE) else _AN_HOUR
        if db.execute(sql, (person.sub, purpose)).fetchone()[0] >= allowed:
            raise refused("LimitExceeded", "Attempt limit exceeded, please try after some time.")
        db.execute("INSERT INTO codes_sent VALUES (?,?,?)", (person.sub, purpose, now))

    def _deliver(self, person: Person, purpose: str, code: str, words: JSON, to: str) -> JSON:
        own, at_sign_in = self._settings, purpose in (EMAIL_CODE, TEXT_CODE)
        if purpose in (TEXT_CODE, "attribute: phone_number"):
            number = to or person.attributes["phone_number"]
            text = (words.get("smsMessage") or own.code_text).replace("{####}", code)
            self._mailbox.deliver([number], sender="text message", subject=text, text=text, template=f"code: {purpose}")
            return delivery(number)
        address = to or person.email
        self._mailbox.deliver(
            [address],
            sender=self._sender,
            subject=words.get("emailSubject") or (own.code_subject if at_sign_in else own.subject),
            text=(words.get("emailMessage") or (own.code_message if at_sign_in else own.message)).replace(
                "{####}", code
            ),
            template=f"code: {purpose}",
        )
        return delivery(address)

    def use(self, person: Person, purpose: str, code: str) -> None:
        """Spend a code. Raises CodeMismatchException, ExpiredCodeException or, after five tries, a limit."""
        with self._storage.transaction() as db:
            row = db.execute("SELECT * FROM codes WHERE sub=? AND purpose=?", (person.sub, purpose)).fetchone()
            if row is None or row["expires"] < self._clock():
                raise refused("ExpiredCode", "Invalid code provided, please request a code again.")
            if row["tries"] >= _TRIES:
                raise refused("LimitExceeded", "Attempt limit exceeded, please try after some time.")
            right = hmac.compare_digest(row["digest"], _digest(person.sub, code.strip()))
            if right:
                db.execute("DELETE FROM codes WHERE sub=? AND purpose=?", (person.sub, purpose))
            else:
                db.execute("UPDATE codes SET tries = tries + 1 WHERE sub=? AND purpose=?", (person.sub, purpose))
        if not right:  # told after the commit: a try that is refused still counts
            raise refused("CodeMismatch", "Invalid verification code provided, please try again.")

    # -- attributes that wait for their code

    def keep_pending(self, person: Person, name: str, value: str) -> None:
        with self._storage.transaction() as db:
            db.execute("INSERT OR REPLACE INTO pending_attributes VALUES (?,?,?)", (person.sub, name, value))

    def pending(self, person: Person, name: str) -> str:
        """The value that waits for its code, or ""."""
        sql = "SELECT value FROM pending_attributes WHERE sub = ? AND name = ?"
        row = self._storage.one(sql, (person.sub, name))
        return str(row["value"]) if row else ""

    def settle(self, person: Person, name: str) -> None:
        """Nothing waits any more."""
        with self._storage.transaction() as db:
            db.execute("DELETE FROM pending_attributes WHERE sub = ? AND name = ?", (person.sub, name))

    def forget(self, sub: str) -> None:
        """Everything about a person who is gone."""
        with self._storage.transaction() as db:
            for table in ("codes", "codes_sent", "pending_attributes"):
                db.execute(f"DELETE FROM {table} WHERE sub = ?", (sub,))  # noqa: S608 - names of our own


def delivery(to: str) -> JSON:
    """What Cognito tells of a code on its way: where to, masked."""
    if "@" not in to:
        masked = f"+{'*' * max(len(to) - 5, 0)}{to[-4:]}"
        return {"Destination": masked, "DeliveryMedium": "SMS", "AttributeName": "phone_number"}
    name, _, domain = to.partition("@")
    return {"Destination": f"{name[:1]}***@{domain[:1]}***", "DeliveryMedium": "EMAIL", "AttributeName": "email"}


def _digest(sub: str, code: str) -> str:
    return hashlib.sha256(f"{sub}|{code}".encode()).hexdigest()
