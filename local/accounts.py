"""The people of the user pool: sign-up, codes, passwords, attributes. Every change is committed before it is
answered.

As on Cognito: codes are six random digits, sent by mail (here to the mailbox), good for a day (reset: an hour)
and for a few tries; an unverified person cannot sign in; wrong passwords lock for a while; what would tell who
has an account stays unsaid where the client asks for it (PreventUserExistenceErrors). Softer than Cognito: no
limits on how many codes are sent, no second factors, groups, federation, devices or threat protection, no
triggers but pre-token-generation, and no sign-up limits by address.
"""

import hashlib
import hmac
import os
import re
import secrets
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from local.answers import AwsError
from local.mailbox import Mailbox
from local.storage import Storage

__all__ = ["Accounts", "Person", "Policy"]

JSON = dict[str, Any]
_SCHEMA = """
CREATE TABLE IF NOT EXISTS people (
    sub TEXT PRIMARY KEY, email TEXT NOT NULL UNIQUE, password TEXT NOT NULL, status TEXT NOT NULL,
    enabled INTEGER NOT NULL, attributes TEXT NOT NULL, created REAL NOT NULL, changed REAL NOT NULL,
    failures INTEGER NOT NULL DEFAULT 0, locked_until REAL NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS codes (
    sub TEXT NOT NULL, purpose TEXT NOT NULL, digest TEXT NOT NULL, expires REAL NOT NULL, tries INTEGER NOT NULL,
    PRIMARY KEY (sub, purpose)) WITHOUT ROWID;
"""
UNCONFIRMED, CONFIRMED, TEMPORARY, RESET = "UNCONFIRMED", "CONFIRMED", "FORCE_CHANGE_PASSWORD", "RESET_REQUIRED"
SIGN_UP, NEW_PASSWORD = "sign-up", "new-password"
_GOOD_FOR = {SIGN_UP: 24 * 3600, NEW_PASSWORD: 3600}
_TRIES, _FREE_FAILURES, _LONGEST_LOCK = 5, 5, 900
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}\Z")
_SCRYPT = {"n": 2**13, "r": 8, "p": 1, "maxmem": 64 * 1024 * 1024, "dklen": 32}
_SUBJECT, _MESSAGE = "Your verification code", "Your confirmation code is {####}"
WRONG = "Incorrect username or password."


@dataclass(frozen=True, slots=True)
class Person:
    """One account. `attributes` holds email, email_verified and what else was given; `sub` is also the username."""

    sub: str
    email: str
    status: str
    enabled: bool
    attributes: dict[str, str]
    created: float
    changed: float

    def all_attributes(self) -> dict[str, str]:
        return {"sub": self.sub} | self.attributes


@dataclass(frozen=True, slots=True)
class Policy:
    """What the template says of passwords, and the words of its mails; `{####}` in them is the code."""

    length: int = 8
    needs: tuple[str, ...] = ()
    subject: str = _SUBJECT
    message: str = _MESSAGE

    @staticmethod
    def of(pool: JSON) -> "Policy":
        rules = (pool.get("Policies") or {}).get("PasswordPolicy") or {}
        mail = pool.get("VerificationMessageTemplate") or {}
        needs = tuple(kind for kind in _CLASSES if rules.get(f"Require{kind}"))
        return Policy(
            length=int(rules.get("MinimumLength", 8)),
            needs=needs,
            subject=mail.get("EmailSubject") or pool.get("EmailVerificationSubject") or _SUBJECT,
            message=mail.get("EmailMessage") or pool.get("EmailVerificationMessage") or _MESSAGE,
        )

    def check(self, password: str) -> None:
        """Raises InvalidPasswordException."""
        if len(password) < self.length:
            raise _refused("InvalidPassword", "Password did not conform with policy: Password not long enough")
        if len(password) > 256:
            raise _refused("InvalidPassword", "Password did not conform with policy: Password too long")
        for kind in self.needs:
            if not re.search(_CLASSES[kind], password):
                raise _refused(
                    "InvalidPassword", f"Password did not conform with policy: Password must have {kind.lower()}"
                )


_CLASSES = {"Lowercase": "[a-z]", "Uppercase": "[A-Z]", "Numbers": "[0-9]", "Symbols": r"[^A-Za-z0-9\s]"}


class Accounts:
    """The people of one pool."""

    def __init__(
        self, storage: Storage, mailbox: Mailbox, policy: Policy, sender: str, clock: Callable[[], float] = time.time
    ) -> None:
        self._storage, self._mailbox, self._policy, self._sender, self._clock = storage, mailbox, policy, sender, clock
        storage.declare(_SCHEMA)

    # -- finding

    def find(self, username: str) -> Person | None:
        """By address (in any case) or by sub."""
        sql = "SELECT * FROM people WHERE email = ?" if "@" in username else "SELECT * FROM people WHERE sub = ?"
        row = self._storage.one(sql, (username.strip().lower(),))
        return _person(row) if row else None

    def known(self, username: str) -> Person:
        """Raises UserNotFoundException."""
        person = self.find(username)
        if person is None:
            raise _refused("UserNotFound", "User does not exist.")
        return person

    def listed(self, email: str = "") -> list[Person]:
        sql = "SELECT * FROM people WHERE ? IN ('', email) ORDER BY created LIMIT 60"
        return [_person(row) for row in self._storage.rows(sql, (email.lower(),))]

    # -- making and changing

    def add(self, email: str, password: str | None, attributes: dict[str, str], *, status: str) -> Person:
        """Raises UsernameExistsException, InvalidPasswordException or InvalidParameterException."""
        email = email.strip().lower()
        if not _EMAIL.match(email):
            raise _refused("InvalidParameter", "Username should be an email.")
        if password is not None:
            self._policy.check(password)
        now, sub = self._clock(), str(uuid.uuid4())
        kept = {"email": email, "email_verified": "false"} | attributes | {"email": email}
        kept.pop("sub", None)
        digest = hashed(password) if password is not None else ""
        row = (sub, email, digest, status, 1, orjson.dumps(kept).decode(), now, now)
        with self._storage.transaction() as db:
            if db.execute("SELECT 1 FROM people WHERE email = ?", (email,)).fetchone():
                raise _refused("UsernameExists", "User already exists")
            db.execute("INSERT INTO people VALUES (?,?,?,?,?,?,?,?,0,0)", row)
        return self.known(sub)

    def change(self, sub: str, *, status: str | None = None, enabled: bool | None = None, **attributes: str) -> None:
        """Set what is given; one commit."""
        with self._storage.transaction():
            self._change(self.known(sub), status=status, enabled=enabled, attributes=attributes)

    def _change(
        self, person: Person, *, status: str | None = None, enabled: bool | None = None, attributes: dict[str, str]
    ) -> None:
        merged = person.attributes | attributes
        row = (
            status or person.status,
            int(person.enabled if enabled is None else enabled),
            merged["email"].lower(),
            orjson.dumps(merged).decode(),
            self._clock(),
            person.sub,
        )
        with self._storage.transaction() as db:
            db.execute("UPDATE people SET status=?, enabled=?, email=?, attributes=?, changed=? WHERE sub=?", row)

    def set_password(self, sub: str, password: str, *, status: str = CONFIRMED) -> None:
        self._policy.check(password)
        with self._storage.transaction() as db:
            db.execute(
                "UPDATE people SET password=?, status=?, changed=?, failures=0, locked_until=0 WHERE sub=?",
                (hashed(password), status, self._clock(), sub),
            )

    def remove(self, sub: str) -> None:
        with self._storage.transaction() as db:
            db.execute("DELETE FROM people WHERE sub = ?", (sub,))
            db.execute("DELETE FROM codes WHERE sub = ?", (sub,))

    # -- passwords

    def check_policy(self, password: str) -> None:
        self._policy.check(password)

    def check_password(self, person: Person, password: str) -> None:
        """Raises NotAuthorizedException; after five failures in a row each further one locks for twice as long."""
        now = self._clock()
        row = self._storage.one("SELECT password, failures, locked_until FROM people WHERE sub = ?", (person.sub,))
        if row["locked_until"] > now:
            raise _refused("NotAuthorized", "Password attempts exceeded")
        if matches(password, row["password"]):
            if row["failures"]:
                self._storage_failures(person.sub, 0, 0.0)
            return
        failures = row["failures"] + 1
        lock = 0 if failures < _FREE_FAILURES else min(2 ** (failures - _FREE_FAILURES), _LONGEST_LOCK)
        self._storage_failures(person.sub, failures, now + lock)
        raise _refused("NotAuthorized", WRONG)

    def _storage_failures(self, sub: str, failures: int, locked_until: float) -> None:
        with self._storage.transaction() as db:
            db.execute("UPDATE people SET failures=?, locked_until=? WHERE sub=?", (failures, locked_until, sub))

    # -- codes

    def send_code(self, person: Person, purpose: str) -> JSON:
        """Mail a new code; an earlier one for the same purpose is void. Returns CodeDeliveryDetails."""
        code = f"{secrets.randbelow(10**6):06d}"
        row = (person.sub, purpose, _digest(person.sub, code), self._clock() + _GOOD_FOR[purpose])
        with self._storage.transaction() as db:
            db.execute("INSERT OR REPLACE INTO codes VALUES (?,?,?,?,0)", row)
            self._mailbox.deliver(
                [person.email],
                sender=self._sender,
                subject=self._policy.subject,
                text=self._policy.message.replace("{####}", code),
                template=f"code: {purpose}",
            )
        return delivery(person.email)

    def use_code(self, person: Person, purpose: str, code: str) -> None:
        """Spend a code. Raises CodeMismatchException, ExpiredCodeException or, after five tries, a limit."""
        with self._storage.transaction() as db:
            row = db.execute("SELECT * FROM codes WHERE sub=? AND purpose=?", (person.sub, purpose)).fetchone()
            if row is None or row["expires"] < self._clock():
                raise _refused("ExpiredCode", "Invalid code provided, please request a code again.")
            if row["tries"] >= _TRIES:
                raise _refused("LimitExceeded", "Attempt limit exceeded, please try after some time.")
            right = hmac.compare_digest(row["digest"], _digest(person.sub, code.strip()))
            if right:
                db.execute("DELETE FROM codes WHERE sub=? AND purpose=?", (person.sub, purpose))
            else:
                db.execute("UPDATE codes SET tries = tries + 1 WHERE sub=? AND purpose=?", (person.sub, purpose))
        if not right:  # told after the commit: a try that is refused still counts
            raise _refused("CodeMismatch", "Invalid verification code provided, please try again.")


def delivery(email: str) -> JSON:
    """What Cognito tells of a code on its way: where to, masked."""
    name, _, domain = email.partition("@")
    return {"Destination": f"{name[:1]}***@{domain[:1]}***", "DeliveryMedium": "EMAIL", "AttributeName": "email"}


def hashed(password: str) -> str:
    salt = os.urandom(16)
    return f"{salt.hex()}:{hashlib.scrypt(password.encode(), salt=salt, **_SCRYPT).hex()}"


def matches(password: str, stored: str) -> bool:
    """Takes as long for an account without a password as for one with."""
    salt, _, digest = stored.partition(":")
    found = hashlib.scrypt(password.encode(), salt=bytes.fromhex(salt or "00" * 16), **_SCRYPT)
    return bool(digest) and hmac.compare_digest(found, bytes.fromhex(digest))


def _digest(sub: str, code: str) -> str:
    return hashlib.sha256(f"{sub}|{code}".encode()).hexdigest()


def _refused(code: str, message: str) -> AwsError:
    return AwsError(f"{code}Exception", message)


def _person(row: Any) -> Person:
    return Person(
        sub=row["sub"],
        email=row["email"],
        status=row["status"],
        enabled=bool(row["enabled"]),
        attributes=orjson.loads(row["attributes"]),
        created=row["created"],
        changed=row["changed"],
    )
