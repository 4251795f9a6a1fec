"""Other companies whose accounts sign in here: which ones the template names, and a simulation of all of them.

Each simulated provider asks which person to be: any address, any name, and whether the provider has verified the
address. The same address is the same person there next time. What a provider says is put into attributes by the
mapping of the template. Nothing leaves this machine.
"""

import hashlib
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from local.cloudformation import Resource
from local.storage import Storage

__all__ = ["Provider", "SimulatedProviders", "providers_of"]

JSON = dict[str, Any]
_SCHEMA = """
CREATE TABLE IF NOT EXISTS provider_codes (
    digest TEXT PRIMARY KEY, provider TEXT NOT NULL, claims TEXT NOT NULL, expires REAL NOT NULL) WITHOUT ROWID;
"""
_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Provider:
    """As the template declares it. `mapping`: attribute of the pool -> claim of the provider."""

    name: str
    kind: str
    mapping: Mapping[str, str]

    def attributes(self, claims: JSON) -> dict[str, str]:
        """The attributes of a person about whom the provider says this; an address without word of it is unverified."""
        known = {name: claims[claim] for name, claim in self.mapping.items() if claims.get(claim) is not None}
        texts = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in known.items()}
        if "email" in texts:
            texts = {"email_verified": "false"} | texts
        return {name: value for name, value in texts.items() if name != "username"}


def providers_of(resources: Iterable[Resource], pool: str) -> dict[str, Provider]:
    """Those of one pool, by name, from AWS::Cognito::UserPoolIdentityProvider resources."""
    return {
        str(r.get("ProviderName")): Provider(
            str(r.get("ProviderName")), str(r.get("ProviderType")), dict(r.get("AttributeMapping") or {})
        )
        for r in resources
        if r.get("UserPoolId") == pool
    }


class SimulatedProviders:
    """All providers in one: who comes back from a provider's page brings a code, which is good once for a minute."""

    def __init__(self, storage: Storage, clock: Callable[[], float] = time.time) -> None:
        self._storage, self._clock = storage, clock
        storage.declare(_SCHEMA)

    def choose(self, provider: str, email: str, name: str, *, verified: bool) -> str:
        """Be this person at the provider; the code that proves it."""
        address = email.strip().lower()
        subject = str(int(hashlib.sha256(f"{provider}|{address}".encode()).hexdigest()[:16], 16))
        claims = {"sub": subject, "email": address, "email_verified": verified, "name": name.strip() or address}
        code = secrets.token_urlsafe(32)
        row = (_digest(code), provider, orjson.dumps(claims).decode(), self._clock() + _SECONDS)
        with self._storage.transaction() as db:
            db.execute("DELETE FROM provider_codes WHERE expires < ?", (self._clock(),))
            db.execute("INSERT INTO provider_codes VALUES (?,?,?,?)", row)
        return code

    def claims(self, provider: str, code: str) -> JSON | None:
        """What the provider says of who brought the code, or None."""
        with self._storage.transaction() as db:
            sql = "DELETE FROM provider_codes WHERE digest = ? AND provider = ? RETURNING claims, expires"
            row = db.execute(sql, (_digest(code), provider)).fetchone()
        if row is None or row["expires"] < self._clock():
            return None
        claims: JSON = orjson.loads(row["claims"])
        return claims


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
