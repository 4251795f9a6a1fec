"""Second factors and passkeys of one's own account: enrolled at Cognito first, then remembered here.

A crash in between leaves one that is asked for, but not remembered: looking at the list repairs it. Removing goes the
other way round, so that nobody counts as safer than they are.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from identity import attempts, claims, factors_gateway, service, store, tokens
from identity.model import EMAIL, PASSKEY, SMS, TOTP, FactorRequired, NoSuchFactor, User, WrongCode

ISSUER = "Marketplace"


@dataclass(frozen=True, slots=True)
class Factors:
    """names: those enrolled. required: whether one must stay. phone: the last digits of the number for texts."""

    names: frozenset[str]
    required: bool
    phone: str


def of(user_id: str, access_token: str) -> Factors:
    """As Cognito knows them; what was not remembered here is now."""
    user, standing = service.me(user_id)
    names, phone = factors_gateway.enrolled(str(tokens.claims(access_token)["username"]))
    for name in sorted((names ^ user.factors) - {PASSKEY}):
        store.note_factor(user_id, name, enabled=name in names)
    return Factors(names, claims.factor_demanded(user, standing), phone)


def new_totp(user_id: str, access_token: str) -> tuple[str, str]:
    """A secret for an authenticator app, and the same as an address for a QR code. Counts once a code is confirmed."""
    user, _ = service.me(user_id)
    secret = factors_gateway.new_totp(access_token)
    query = urlencode({"secret": secret, "issuer": ISSUER})
    return secret, f"otpauth://totp/{quote(f'{ISSUER}:{user.email}')}?{query}"


def confirm_totp(user_id: str, access_token: str, code: str) -> None:
    """Raises WrongCode or TooManyAttempts."""
    with attempts.counted(attempts.FACTOR, user_id, WrongCode):
        factors_gateway.confirm_totp(access_token, code)
    _enrol(user_id, access_token, TOTP)


def use_email(user_id: str, access_token: str) -> None:
    """Codes go to the account's address, which is confirmed already."""
    _enrol(user_id, access_token, EMAIL)


def give_phone(access_token: str, phone: str) -> None:
    factors_gateway.give_phone(access_token, phone)


def confirm_phone(user_id: str, access_token: str, code: str) -> None:
    """Raises WrongCode or TooManyAttempts."""
    with attempts.counted(attempts.FACTOR, user_id, WrongCode):
        factors_gateway.confirm_phone(access_token, code)
    _enrol(user_id, access_token, SMS)


def remove(user_id: str, access_token: str, factor: str, password: str) -> None:
    """Raises WrongPassword, NoSuchFactor, or FactorRequired for the last one of somebody who must have one."""
    user, standing = service.me(user_id)
    if factor not in user.factors:
        raise NoSuchFactor("This second factor is not in use.")
    if user.factors == {factor} and claims.factor_demanded(user, standing):
        raise FactorRequired("Enrol another second factor first.")
    service.prove(user, password)
    store.note_factor(user_id, factor, enabled=False)
    factors_gateway.prefer(access_token, factor, enabled=False)


def begin_passkey(access_token: str) -> dict[str, Any]:
    return factors_gateway.begin_passkey(access_token)


def add_passkey(user_id: str, access_token: str, password: str, credential: Mapping[str, Any]) -> None:
    """Raises WrongPassword: with a passkey alone one can sign in, so that a stolen token must not add one."""
    service.prove(_own(user_id), password)
    factors_gateway.add_passkey(access_token, credential)
    store.passkey_changed(user_id, enabled=True)


def remove_passkey(user_id: str, access_token: str, credential_id: str) -> None:
    """Raises NoSuchFactor."""
    if credential_id not in {found["CredentialId"] for found in factors_gateway.passkeys(access_token)}:
        raise NoSuchFactor("There is no such passkey.")
    factors_gateway.remove_passkey(access_token, credential_id)
    store.passkey_changed(user_id, enabled=False)


def reset(user_id: str, *, by: str) -> None:
    """As staff, for somebody who lost them: no second factor is asked for any more, and every session ends.

    Raises NoSuchUser, OwnAccount, Outranked.
    """
    user, _ = service.me(user_id)
    service.require_rank(by, over=user_id)
    store.forget_factors(user_id, user.factors)
    factors_gateway.reset(user_id)
    service.end_sessions(user_id)


def demand(user_id: str, *, required: bool, by: str) -> None:
    """As staff: this person must have a second factor, or not more than others; from now on.

    Raises NoSuchUser, OwnAccount, Outranked.
    """
    service.me(user_id)
    service.require_rank(by, over=user_id)
    store.demand_factor(user_id, required=required)


def _enrol(user_id: str, access_token: str, factor: str) -> None:
    factors_gateway.prefer(access_token, factor, enabled=True)
    store.note_factor(user_id, factor, enabled=True)


def _own(user_id: str) -> User:
    return service.me(user_id)[0]
