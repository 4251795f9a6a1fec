"""What a person or an API key may do, now: one read, remembered for half a minute.

A token says what was true when it was made. `standing_of` corrects it by the item that the access service keeps, so
that a permission taken away, an account blocked or a session ended counts within the minute, in every function. A token
younger than what is remembered makes it be read again at once.
"""

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

from market import clock, config
from market.errors import Forbidden, Unauthenticated
from market.manifest import STAFF, VENDOR, Manifest
from market.table import Item, Key, Table

PLATFORM = "platform"
"""The scope of the marketplace's own staff; every other scope is a vendor's id."""

ANYTHING = "*"
OWNERS = frozenset({"super_admin", "vendor_admin"})
"""Built-in roles that hold every permission of their scope."""

HELD_BACK = "mfa"
_READER = Manifest(service="guard", prefixes=("ACS#", "ROL#", "KEY#"), functions=())
_REMEMBERED = 2_000
_SCOPE, ENDED = "in_", "out_"


class SessionEnded(Unauthenticated):
    code, title = "session_ended", "Session ended"


class AccountClosed(Forbidden):
    """Blocked by staff, or erased."""

    code, title = "account_blocked", "Account blocked"


@dataclass(frozen=True, slots=True)
class Grant:
    """What somebody is in one scope: roles, and permissions given or taken beyond them. A denial wins."""

    roles: frozenset[str] = frozenset()
    allow: frozenset[str] = frozenset()
    deny: frozenset[str] = frozenset()

    def why(self, permission: str, holders: Iterable[str], custom: Mapping[str, Iterable[str]]) -> str:
        """What gives the permission: `role:<name>` or `allow`; empty if nothing does, or a denial takes it away.

        holders: the built-in roles that hold it; custom: the scope's own roles with their permissions.
        """
        if permission in self.deny:
            return ""
        if permission in self.allow or ANYTHING in self.allow:
            return "allow"
        holding = OWNERS | set(holders) | {name for name, held in custom.items() if permission in held}
        return next((f"role:{role}" for role in sorted(self.roles & holding)), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Of one person: status, and what they are in each scope. `valid_from` is in epoch milliseconds.

    slowed_until: epoch seconds; until then they have smaller allowances, for what was heard of them.
    """

    status: str = "active"
    version: int = 0
    grants: Mapping[str, Grant] = field(default_factory=dict)
    valid_from: int = 0
    ended: frozenset[str] = frozenset()
    slowed_until: int = 0

    @property
    def vendors(self) -> list[str]:
        return sorted(scope for scope in self.grants if scope != PLATFORM)


def standing_key(user_id: str) -> Key:
    return Key(f"ACS#{user_id}")


def roles_key(scope: str) -> Key:
    """The item of a scope's own roles: `roles` is a map of name to permissions."""
    return Key(f"ROL#{scope}")


def session_attribute(session: str) -> str:
    """The attribute of a standing's item that remembers an ended session."""
    return f"{ENDED}{session.replace('-', '')}"


def read_standing(item: Mapping[str, Any]) -> Standing:
    return Standing(
        status=item.get("status", "active"),
        version=item.get("version", 0),
        grants={
            name.removeprefix(_SCOPE): read_grant(value) for name, value in item.items() if name.startswith(_SCOPE)
        },
        valid_from=item.get("valid_from", 0),
        ended=frozenset(name for name in item if name.startswith(ENDED)),
        slowed_until=item.get("slowed_until", 0),
    )


def read_grant(value: Mapping[str, Any]) -> Grant:
    return Grant(*(frozenset(value.get(part, ())) for part in ("roles", "allow", "deny")))


def of_claims(claims: Mapping[str, Any]) -> Standing:
    """What a token says: it counts for somebody of whom there is no item."""
    kinds, vendor = str(claims.get("roles", "")).split(), str(claims.get("vendorId", ""))
    grants = {}
    if "staff" in kinds:
        grants[PLATFORM] = Grant(allow=frozenset(str(claims.get("permissions", "")).split()))
    if "vendor" in kinds and vendor:
        grants[vendor] = Grant(allow=frozenset(str(claims.get("vendorPermissions", "")).split()))
    return Standing(grants=grants)


class Memory:
    """Items as they were lately read; safe for threads. An item that is not there is remembered too."""

    def __init__(self) -> None:
        self._items: OrderedDict[Key, tuple[float, Item | None]] = OrderedDict()
        self._lock = Lock()

    def items(self, keys: Iterable[Key], *, at_least: Mapping[Key, int]) -> dict[Key, Item | None]:
        """One read brings all that are unknown, too old, or younger by `at_least` (a version) than is remembered."""
        wanted, now = list(keys), clock.now().timestamp()
        with self._lock:
            known = {key: self._items[key] for key in wanted if key in self._items}
        oldest = now - config.number("ACCESS_CACHE_SECONDS")
        fresh = {
            key: item
            for key, (read, item) in known.items()
            if oldest < read <= now and (item or {}).get("version", 0) >= at_least.get(key, 0)
        }
        if missing := [key for key in wanted if key not in fresh]:
            read = _read(missing)
            fresh |= {key: read.get(key) for key in missing}
            self._keep({key: fresh[key] for key in missing}, now)
        return fresh

    def _keep(self, items: Mapping[Key, Item | None], now: float) -> None:
        with self._lock:
            for key, item in items.items():
                self._items.pop(key, None)
                self._items[key] = now, item
            while len(self._items) > _REMEMBERED:
                self._items.popitem(last=False)

    def forget(self) -> None:
        with self._lock:
            self._items.clear()


memory = Memory()


def standing_of(claims: Mapping[str, Any], scopes: Iterable[str]) -> tuple[Standing, dict[str, Mapping[str, Any]]]:
    """The caller's standing, and the own roles of the scopes that the request is about.

    Raises SessionEnded for a token that is dead before its time, AccountClosed.
    """
    key, version = standing_key(str(claims["sub"])), _number(claims.get("acv"))
    roles = {scope: roles_key(scope) for scope in scopes}
    found = memory.items([key, *roles.values()], at_least={key: version} if version else {})
    item = found[key]
    standing = read_standing(item) if item else of_claims(claims)
    _require_alive(standing, claims)
    standing = replace(standing, grants=_told(standing.grants, claims))
    return standing, {scope: (found[place] or {}).get("roles", {}) for scope, place in roles.items()}


def _told(grants: Mapping[str, Grant], claims: Mapping[str, Any]) -> Mapping[str, Grant]:
    """The grants that the token may be used for.

    When a token is made, whoever acts for the platform or a vendor is asked for what is asked of such people: a second
    factor. So one that was made before somebody became that does not make them that; the next one does.
    """
    if claims.get("held") == HELD_BACK:
        return {}
    if "acv" not in claims:  # not made by the trigger, so that nothing was withheld from it either
        return grants
    kinds = str(claims.get("roles", "")).split()
    return {scope: grant for scope, grant in grants.items() if (STAFF if scope == PLATFORM else VENDOR) in kinds}


def _require_alive(standing: Standing, claims: Mapping[str, Any]) -> None:
    if standing.status in ("blocked", "erased"):
        raise AccountClosed("This account has been blocked. Please write to us.")
    made = _number(claims.get("issuedAt")) or _number(claims.get("iat")) * 1000 + 999
    if standing.valid_from and made < standing.valid_from:
        raise SessionEnded("Please sign in again.")
    if session_attribute(str(claims.get("origin_jti", ""))) in standing.ended:
        raise SessionEnded("This session was ended. Please sign in again.")


def key_of(secret: str) -> Item | None:
    """The item of an API key `mk_<id>_<secret>`, if it is one of ours and still good; else None."""
    parts = secret.split("_")
    if len(parts) != 3 or parts[0] != "mk" or not (parts[1].isalnum() and parts[1].isascii() and len(parts[1]) <= 32):
        return None
    place = Key(f"KEY#{parts[1]}")
    item = memory.items([place], at_least={})[place]
    digest, now = key_digest(secret), clock.epoch()
    if not item or item["status"] != "active" or item.get("ends", now + 1) <= now:
        return None
    if hmac.compare_digest(item["digest"], digest):
        return item
    rotated = item.get("previous_until", 0) > now and hmac.compare_digest(item["previous_digest"], digest)
    return item if rotated else None


def key_digest(secret: str) -> str:
    """How an API key is stored: it has 160 random bits, so that a plain SHA-256 cannot be searched."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _read(keys: list[Key]) -> dict[Key, Item]:
    """Keys and standings in one request; blocking must count, so the read is consistent."""
    if len(keys) == 1:
        item = _table().get(keys[0])
        return {keys[0]: item} if item else {}
    return _table().batch_get(keys)


def _table() -> Table:
    return Table(_READER)


def _number(value: Any) -> int:
    text = str(value or "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 17 else 0
