"""Refresh tokens, registrations and half-finished sign-ins as people hold them: sealed by us.

A refresh token is `<tag>.<session>.<user id>.<Cognito's token>`: the session's item is found without a search, and what
is not from us is refused without one.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson

from identity.model import ChallengeEnded, InvalidCredentials
from market import clock, config

SELF_SERVICE = "aws.cognito.signin.user.admin"
"""The scope of Cognito's calls about oneself: second factors, passkeys, addresses."""

_TAG = 32
_CHALLENGE_LIFE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Refresh:
    """What a refresh token says. `token` is Cognito's."""

    session: str
    user_id: str
    token: str

    @property
    def digest(self) -> str:
        """How it is stored: it has more random bits than can be searched."""
        return hashlib.sha256(self.token.encode()).hexdigest()

    def sealed(self) -> str:
        said = f"{self.session}.{self.user_id}.{self.token}"
        return f"{_tag('refresh', said)}.{said}"


def read_refresh(text: str) -> Refresh:
    """Raises InvalidCredentials for what is not one of our refresh tokens."""
    tag, _, said = text.partition(".")
    parts = said.split(".", 2)
    if len(parts) != 3 or not hmac.compare_digest(tag.encode(), _tag("refresh", said).encode()):
        raise InvalidCredentials("Please sign in again.")
    return Refresh(*parts)


def registration(user_id: str) -> str:
    """What only whoever registered this account was told; it shows nobody the id."""
    return hmac.new(config.key("identity-registration"), user_id.encode(), hashlib.sha256).hexdigest()


def is_registration(text: str, user_id: str) -> bool:
    return hmac.compare_digest(text.encode(), registration(user_id).encode())


def seal_challenge(state: Mapping[str, str]) -> str:
    """A half-finished sign-in, to be handed out and brought back with the answer within ten minutes."""
    body = orjson.dumps({**state, "until": clock.epoch(_CHALLENGE_LIFE)})
    said = plain(body)
    return f"{_tag('challenge', said)}.{said}"


def read_challenge(text: str) -> dict[str, str]:
    """Raises ChallengeEnded for what is not one of ours, or too old."""
    tag, _, said = text.partition(".")
    if not hmac.compare_digest(tag.encode(), _tag("challenge", said).encode()):
        raise ChallengeEnded("Please sign in again.")
    state: dict[str, Any] = orjson.loads(_bytes(said))
    if state.pop("until") < clock.epoch():
        raise ChallengeEnded("Please sign in again.")
    return state


def claims(token: str) -> dict[str, Any]:
    """The claims of a token that Cognito itself has just handed us; the signature is not looked at."""
    read: dict[str, Any] = orjson.loads(_bytes(token.split(".")[1]))
    return read


def plain(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raise ChallengeEnded("Please sign in again.") from None


def _tag(purpose: str, said: str) -> str:
    return hmac.new(config.key(f"identity-{purpose}"), said.encode(), hashlib.sha256).hexdigest()[:_TAG]
