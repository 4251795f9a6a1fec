"""The parts of one user pool, made together; its calls and its hosted pages work on the same ones."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from local.accounts import Accounts, Person, refused
from local.challenges import Challenges
from local.codes import Codes
from local.factors import Factors
from local.mailbox import Mailbox
from local.passkeys import Passkeys
from local.pool_settings import PoolSettings
from local.pool_triggers import Triggers
from local.sessions import Client, Sessions
from local.storage import Storage
from local.tokens import SigningKey

__all__ = ["Parts", "attributes_of", "given", "issuer_of", "parts_of"]

JSON = dict[str, Any]
_SENDER = "no-reply@verificationemail.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """One pool. `clients` by their ids."""

    id: str
    settings: PoolSettings
    clients: Mapping[str, Client]
    key: SigningKey
    accounts: Accounts
    codes: Codes
    factors: Factors
    challenges: Challenges
    passkeys: Passkeys
    sessions: Sessions
    triggers: Triggers

    def client(self, asked: JSON) -> Client:
        """Raises ResourceNotFoundException."""
        client = self.clients.get(str(asked.get("ClientId")))
        if client is None:
            raise refused("ResourceNotFound", f"User pool client {asked.get('ClientId')} does not exist.")
        return client

    def remove(self, person: Person) -> None:
        """Delete a person and all that hangs on them. Sessions go first: nothing may outlive its account."""
        self.sessions.end_all(person.sub)
        for part in (self.codes, self.factors, self.challenges, self.passkeys):
            part.forget(person.sub)
        self.accounts.remove(person.sub)


def parts_of(
    pool: str,
    properties: JSON,
    clients: Mapping[str, Client],
    *,
    storage: Storage,
    mailbox: Mailbox,
    key: SigningKey,
    triggers: Mapping[str, Callable[[JSON], JSON]],
    clock: Callable[[], float] = time.time,
) -> Parts:
    """A pool as its template declares it, over a file; `triggers` are functions by the names of LambdaConfig."""
    settings, asked = PoolSettings.of(properties), Triggers(pool, triggers)
    accounts = Accounts(storage, settings.passwords, clock)
    return Parts(
        id=pool,
        settings=settings,
        clients=clients,
        key=key,
        accounts=accounts,
        codes=Codes(storage, mailbox, settings, _SENDER, asked, clock),
        factors=Factors(storage, settings, clock),
        challenges=Challenges(storage, clock),
        passkeys=Passkeys(storage, settings, clock),
        sessions=Sessions(storage, accounts, key, issuer_of(pool), asked, clock),
        triggers=asked,
    )


def issuer_of(pool: str) -> str:
    return f"https://cognito-idp.{pool.partition('_')[0]}.amazonaws.com/{pool}"


def given(asked: Mapping[str, Any], name: str) -> str:
    """A parameter that must be there. Raises InvalidParameterException."""
    value = asked.get(name)
    if not isinstance(value, str) or not value:
        raise refused("InvalidParameter", f"Missing required parameter {name}")
    return value


def attributes_of(asked: JSON) -> dict[str, str]:
    """UserAttributes as a mapping."""
    return {entry["Name"]: str(entry.get("Value", "")) for entry in asked.get("UserAttributes") or ()}
