"""The people of the user pool: their passwords, attributes and federated identities. Every change is committed
before it is answered.

As on Cognito: an unverified person cannot sign in; wrong passwords lock for a while; an address has one native
account in whatever case, while somebody who came through another provider has a profile of their own
(`Google_1234`, status EXTERNAL_PROVIDER) until it is linked. Softer than Cognito: no groups, remembered devices or
threat protection, and no limits by the caller's address.
"""

import hashlib
import hmac
import os
import re
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from local.answers import AwsError
from local.pool_settings import PasswordPolicy
from local.storage import Storage

__all__ = ["Accounts", "Person", "refused"]

JSON = dict[str, Any]
_SCHEMA = """
CREATE TABLE IF NOT EXISTS people (
    sub TEXT PRIMARY KEY, email TEXT NOT NULL UNIQUE, password TEXT NOT NULL, status TEXT NOT NULL,
    enabled INTEGER NOT NULL, attributes TEXT NOT NULL, created REAL NOT NULL, changed REAL NOT NULL,
    failures INTEGER NOT NULL DEFAULT 0, locked_until REAL NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS identities (
    provider TEXT NOT NULL, subject TEXT NOT NULL, sub TEXT NOT NULL, linked REAL NOT NULL,
    PRIMARY KEY (provider, subject)) WITHOUT ROWID;
"""
UNCONFIRMED, CONFIRMED, TEMPORARY, RESET = "UNCONFIRMED", "CONFIRMED", "FORCE_CHANGE_PASSWORD", "RESET_REQUIRED"
EXTERNAL, _LOGIN = "EXTERNAL_PROVIDER", "$login"
_FREE_FAILURES, _LONGEST_LOCK = 5, 900
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}\Z")
_WORK = 2**13
"""How much work a guess at a password is, in memory and time (the n of scrypt); each stored one says its own."""
WRONG = "Incorrect username or password."


@dataclass(frozen=True, slots=True)
class Person:
    """One account. `attributes` holds email, email_verified and what else was given.

    `username` is the sub, or `Google_1234` for who came through a provider and has no native account.
    """

    sub: str
    username: str
    email: str
    status: str
    enabled: bool
    attributes: dict[str, str]
    created: float
    changed: float

    @property
    def external(self) -> bool:
        """Whether the profile is a provider's."""
        return self.status == EXTERNAL

    def all_attributes(self) -> dict[str, str]:
        return {"sub": self.sub} | self.attributes


class Accounts:
    """The people of one pool."""

    def __init__(self, storage: Storage, policy: PasswordPolicy, clock: Callable[[], float] = time.time) -> None:
        self._storage, self._policy, self._clock = storage, policy, clock
        storage.declare(_SCHEMA)

    # -- finding

    def find(self, username: str) -> Person | None:
        """By address or provider's username (in any case), or by sub."""
        asked = username.strip().lower()
        row = self._storage.one("SELECT * FROM people WHERE sub = ? OR email = ?", (asked, asked))
        return _person(row) if row else None

    def known(self, username: str) -> Person:
        """Raises UserNotFoundException."""
        person = self.find(username)
        if person is None:
            raise refused("UserNotFound", "User does not exist.")
        return person

    def listed(self, email: str = "") -> list[Person]:
        """The first 60 people, or those with this address: a native one and who came through providers."""
        sql = "SELECT * FROM people WHERE ? IN ('', json_extract(attributes, '$.email')) ORDER BY created LIMIT 60"
        return [_person(row) for row in self._storage.rows(sql, (email.lower(),))]

    # -- making and changing

    def add(self, email: str, password: str | None, attributes: dict[str, str], *, status: str) -> Person:
        """Raises UsernameExistsException, InvalidPasswordException or InvalidParameterException."""
        email = email.strip().lower()
        if not _EMAIL.match(email):
            raise refused("InvalidParameter", "Username should be an email.")
        if password is not None:
            self._policy.check(password)
        now, sub = self._clock(), str(uuid.uuid4())
        kept = {"email": email, "email_verified": "false"} | attributes | {"email": email}
        digest = hashed(password) if password is not None else ""
        self._insert((sub, email, digest, status, 1, _document(kept), now, now))
        return self.known(sub)

    def add_external(self, provider: str, subject: str, attributes: dict[str, str]) -> Person:
        """A profile for who came through a provider, with its identity. Raises UsernameExistsException."""
        now, sub, login = self._clock(), str(uuid.uuid4()), f"{provider}_{subject}"
        with self._storage.transaction() as db:
            self._insert((sub, login.lower(), "", EXTERNAL, 1, _document(attributes | {_LOGIN: login}), now, now))
            db.execute("INSERT INTO identities VALUES (?,?,?,?)", (provider, subject, sub, now))
        return self.known(sub)

    def _insert(self, row: tuple[Any, ...]) -> None:
        with self._storage.transaction() as db:
            if db.execute("SELECT 1 FROM people WHERE email = ?", (row[1],)).fetchone():
                raise refused("UsernameExists", "User already exists")
            db.execute("INSERT INTO people VALUES (?,?,?,?,?,?,?,?,0,0)", row)

    # -- identities at providers

    def identified(self, provider: str, subject: str) -> Person | None:
        """Whose identity this is."""
        sql = "SELECT sub FROM identities WHERE provider = ? AND subject = ?"
        row = self._storage.one(sql, (provider, subject))
        return self.find(row["sub"]) if row else None

    def link(self, person: Person, provider: str, subject: str) -> None:
        """Let an identity sign in as this person. Raises InvalidParameterException where it is somebody's."""
        with self._storage.transaction() as db:
            if db.execute(
                "SELECT 1 FROM identities WHERE provider = ? AND subject = ?", (provider, subject)
            ).fetchone():
                raise refused("InvalidParameter", "SourceUser is already linked to DestinationUser")
            db.execute("INSERT INTO identities VALUES (?,?,?,?)", (provider, subject, person.sub, self._clock()))

    def unlink(self, provider: str, subject: str) -> None:
        """Raises UserNotFoundException."""
        with self._storage.transaction() as db:
            sql = "DELETE FROM identities WHERE provider = ? AND subject = ?"
            if not db.execute(sql, (provider, subject)).rowcount:
                raise refused("UserNotFound", "User does not exist.")

    def identities(self, person: Person) -> list[JSON]:
        """As the attribute `identities` lists them."""
        rows = self._storage.rows("SELECT * FROM identities WHERE sub = ? ORDER BY linked", (person.sub,))
        return [
            {
                "userId": row["subject"],
                "providerName": row["provider"],
                "providerType": row["provider"] if row["provider"] == "Google" else "OIDC",
                "issuer": None,
                "primary": str(person.external).lower(),
                "dateCreated": str(int(row["linked"] * 1000)),
            }
            for row in rows
        ]

    def change(
        self,
        sub: str,
        attributes: Mapping[str, str] | None = None,
        *,
        status: str | None = None,
        enabled: bool | None = None,
    ) -> None:
        """Set what is given, drop attributes that are set to ""; one commit.

        Raises AliasExistsException when a new address is somebody else's.
        """
        with self._storage.transaction() as db:
            person = self.known(sub)
            merged = {name: value for name, value in (person.attributes | dict(attributes or {})).items() if value}
            login = person.username.lower() if person.external else merged["email"].strip().lower()
            kept = merged | ({_LOGIN: person.username} if person.external else {"email": login})
            if db.execute("SELECT 1 FROM people WHERE email = ? AND sub <> ?", (login, person.sub)).fetchone():
                raise refused("AliasExists", "An account with the given email already exists.")
            allowed = int(person.enabled if enabled is None else enabled)
            row = (status or person.status, allowed, login, _document(kept), self._clock(), person.sub)
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
            db.execute("DELETE FROM identities WHERE sub = ?", (sub,))

    # -- passwords

    def check_policy(self, password: str) -> None:
        """Raises InvalidPasswordException."""
        self._policy.check(password)

    def check_password(self, person: Person, password: str) -> None:
        """Raises NotAuthorizedException; after five failures in a row each further one locks for twice as long."""
        sql = "SELECT password, failures, locked_until FROM people WHERE sub = ?"
        row = self._storage.one(sql, (person.sub,))
        if row is None or row["locked_until"] > self._clock():
            raise refused("NotAuthorized", "Password attempts exceeded")
        right = matches(password, row["password"])
        if right and not row["failures"]:
            return
        with self._storage.transaction() as db:
            before = db.execute(sql, (person.sub,)).fetchone()
            failures = 0 if right or before is None else before["failures"] + 1
            locked_until = self._clock() + lock_of(failures)
            db.execute("UPDATE people SET failures=?, locked_until=? WHERE sub=?", (failures, locked_until, person.sub))
        if not right:
            raise refused("NotAuthorized", WRONG)


def lock_of(failures: int) -> float:
    """Seconds without another try after so many failures in a row."""
    return 0.0 if failures < _FREE_FAILURES else min(2.0 ** (failures - _FREE_FAILURES), _LONGEST_LOCK)


def hashed(password: str) -> str:
    """As `work:salt:digest`."""
    salt = os.urandom(16)
    return f"{_WORK}:{salt.hex()}:{_digest(password, _WORK, salt).hex()}"


def matches(password: str, stored: str) -> bool:
    """Takes as long for an account without a password as for one with."""
    *work, salt, digest = (stored or f"{'00' * 16}:").split(":")  # older data directories do not say how much work
    found = _digest(password, int(work[0]) if work else _WORK, bytes.fromhex(salt))
    return bool(digest) and hmac.compare_digest(found, bytes.fromhex(digest))


def _digest(password: str, work: int, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=work, r=8, p=1, maxmem=64 * 1024 * 1024, dklen=32)


def refused(code: str, message: str) -> AwsError:
    return AwsError(f"{code}Exception", message)


def _document(attributes: dict[str, str]) -> str:
    return orjson.dumps({name: value for name, value in attributes.items() if name != "sub"}).decode()


def _person(row: Any) -> Person:
    attributes = orjson.loads(row["attributes"])
    return Person(
        sub=row["sub"],
        username=attributes.pop(_LOGIN, row["sub"]),
        email=attributes.get("email", ""),
        status=row["status"],
        enabled=bool(row["enabled"]),
        attributes=attributes,
        created=row["created"],
        changed=row["changed"],
    )
