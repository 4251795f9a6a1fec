"""Who is calling, and what they may do: people with a token, guests with theirs, programs with a key."""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from market import clock, config, ids
from market.errors import Forbidden, NotFound, Unauthenticated
from market.guard.standing import PLATFORM, Grant, Standing, key_of, standing_of
from market.manifest import CUSTOMER, GUEST, KEY, STAFF, VENDOR
from market.table import Item

GUEST_LIFE = timedelta(days=90)
RECENT = timedelta(minutes=15)
"""How long after proving who they are somebody may change what they prove it with."""

_GUEST_TOKEN = re.compile(r"((gst_[0-9a-z]{26})\.([0-9]{10}))\.([0-9a-f]{64})", re.ASCII)


class ReauthenticationRequired(Forbidden):
    """Sign in again (`POST /v1/auth/login`) and repeat the request with the new access token, not with a refreshed one.

    `maxAge` is for how many seconds after a sign-in its token will do.
    """

    code, title = "reauthentication_required", "Sign in again"

    def __init__(self) -> None:
        super().__init__("Sign in again, then repeat this at once.", maxAge=int(RECENT.total_seconds()))


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is calling; nobody without proof. `session` is the sign-in's id, `signed_in_at` its time (epoch seconds)."""

    id: str = ""
    roles: frozenset[str] = frozenset()
    standing: Standing = field(default_factory=Standing)
    holders: Mapping[str, Iterable[str]] = field(default_factory=dict)
    custom: Mapping[str, Mapping[str, Iterable[str]]] = field(default_factory=dict)
    session: str = ""
    signed_in_at: int = 0

    @property
    def is_staff(self) -> bool:
        return STAFF in self.roles

    def can(self, permission: str, vendor_id: str = "") -> bool:
        """Whether they hold a permission of this service: on the platform, or in that vendor's team."""
        scopes = [PLATFORM, *([vendor_id] if vendor_id else ())]
        return any(self._holds(permission, scope) for scope in scopes)

    def require(self, permission: str, vendor_id: str = "") -> None:
        """Raises NotFound to strangers of the vendor (for them there is no such vendor), Forbidden to its members."""
        if self.can(permission, vendor_id):
            return
        if vendor_id and not {PLATFORM, vendor_id} & set(self.standing.grants):
            raise NotFound("There is no such vendor.")
        raise Forbidden("You lack the permission for this.", permission=permission)

    def require_recent(self) -> None:
        """What decides over an account needs a sign-in within RECENT: a stolen token is most likely older.

        Raises ReauthenticationRequired.
        """
        if self.signed_in_at <= clock.epoch(-RECENT):
            raise ReauthenticationRequired()

    def _holds(self, permission: str, scope: str) -> bool:
        grant = self.standing.grants.get(scope, Grant())
        return bool(grant.why(permission, self.holders.get(permission, ()), self.custom.get(scope, {})))


def person(claims: Mapping[str, Any], *, holders: Mapping[str, Iterable[str]], vendor_id: str) -> Caller:
    """Whom the gateway's authorizer let through, as they stand now.

    The gateway checks signature, issuer, client and times; that it is an access token is left to us, for the gateway
    takes an id token as well. Raises Unauthenticated, SessionEnded, AccountClosed.
    """
    if not claims.get("sub") or claims.get("token_use") != "access":
        raise Unauthenticated("Send a valid access token.")
    standing, custom = standing_of(claims, _scopes(claims, vendor_id))
    roles = {CUSTOMER} & set(str(claims.get("roles", "")).split())
    roles |= {STAFF} if PLATFORM in standing.grants else set()
    roles |= {VENDOR} if standing.vendors else set()
    return Caller(
        id=str(claims["sub"]),
        roles=frozenset(roles),
        standing=standing,
        holders=holders,
        custom=custom,
        session=str(claims.get("origin_jti", "")),
        signed_in_at=int(str(claims.get("auth_time") or 0)),
    )


def _scopes(claims: Mapping[str, Any], vendor_id: str) -> list[str]:
    """Scopes whose own roles could matter; a customer's request needs none, so that one item is read for it."""
    kinds = str(claims.get("roles", "")).split()
    return [PLATFORM] * (STAFF in kinds) + [vendor_id] * bool(vendor_id and VENDOR in kinds)


def program(secret: str, *, holders: Mapping[str, Iterable[str]]) -> tuple[Caller, Item]:
    """Whose API key this is, with the key's item. Raises Unauthenticated."""
    item = key_of(secret)
    if item is None:
        raise Unauthenticated("Send a valid Api-Key.")
    grants = {item["scope"]: Grant(allow=frozenset(item["permissions"]))}
    key_id = f"key_{item['pk'].partition('#')[2]}"
    return Caller(id=key_id, roles=frozenset({KEY}), standing=Standing(grants=grants), holders=holders), item


def guest(token: str) -> Caller:
    """Whose guest token this is. Raises Unauthenticated."""
    guest_id = guest_of(token)
    if not guest_id:
        raise Unauthenticated("Send a valid Guest-Token.")
    return Caller(id=guest_id, roles=frozenset({GUEST}))


def new_guest() -> str:
    """A token `<guest id>.<expiry>.<signature>` for somebody without an account, good for GUEST_LIFE."""
    claim = f"{ids.new('gst')}.{clock.epoch(GUEST_LIFE)}"
    return f"{claim}.{_signature(claim)}"


def guest_of(token: str) -> str:
    """The id of the guest whose token it is; empty if it is not one of ours, or expired."""
    found = _GUEST_TOKEN.fullmatch(token)
    if not found or not hmac.compare_digest(found[4], _signature(found[1])):
        return ""
    return found[2] if int(found[3]) > clock.epoch() else ""


def _signature(claim: str) -> str:
    return hmac.new(config.key("guest"), claim.encode(), hashlib.sha256).hexdigest()
