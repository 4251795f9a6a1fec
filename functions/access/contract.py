"""What other services may know and change of a person's standing: one item, read before each request of that person.

`ACS#<sub>` holds `status`, a counted `version`, from when on tokens are good (`valid_from`, epoch milliseconds),
sessions that ended early (`out_<session>`, epoch seconds until which to remember it), until when the person is slowed
down (`slowed_until`, epoch seconds; `slowed_told`: which word of it was the last), and one map for each scope that the
person acts in: `in_platform`, `in_<vendor id>`. Who has no item is an active customer and nothing else. Each fragment
works whether or not there is an item, and says nothing of what it leaves alone.

A scope has owners: those who hold its owner role, are denied nothing, and are active. They are counted in an item
beside the team, in the same transaction as every change, so that the last one cannot go.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from access import catalogue
from access.manifest import MANIFEST as MANIFEST
from market.errors import Conflict
from market.guard.standing import ANYTHING as ANYTHING
from market.guard.standing import ENDED as ENDED
from market.guard.standing import PLATFORM as PLATFORM
from market.guard.standing import Grant as Grant
from market.guard.standing import Standing as Standing
from market.guard.standing import read_standing as read_standing
from market.guard.standing import roles_key as roles_key
from market.guard.standing import session_attribute
from market.guard.standing import standing_key as standing_key
from market.table import Key, Refusal, Write, delete, update

ACTIVE, BLOCKED, PENDING, ERASED = "active", "blocked", "pending", "erased"
SUPER_ADMIN: Final = "super_admin"
VENDOR_ADMIN: Final = "vendor_admin"
BUILT_IN: Final[Mapping[str, frozenset[str]]] = {
    PLATFORM: frozenset({SUPER_ADMIN, "admin", "moderator", "support", "finance", "auditor"}),
    "vendor": frozenset({VENDOR_ADMIN, "vendor_catalog", "vendor_orders", "vendor_finance", "vendor_viewer"}),
}
"""The roles that every scope of a kind has."""

CustomRoles = Mapping[str, Iterable[str]]
"""A scope's own roles: the `roles` of the item at `roles_key`."""


class LastOwner(Conflict):
    """The platform keeps a super_admin and every vendor a vendor_admin: make another one first. `scope` says where."""

    code, title = "last_owner", "The last administrator has to stay"


class StandingChanged(Conflict):
    """Somebody else changed the person's standing meanwhile; read it again."""

    code, title = "standing_changed", "Changed by someone else"


def built_in(scope: str) -> frozenset[str]:
    return BUILT_IN[PLATFORM if scope == PLATFORM else "vendor"]


def owner_role(scope: str) -> str:
    return SUPER_ADMIN if scope == PLATFORM else VENDOR_ADMIN


def permissions_in(scope: str) -> frozenset[str]:
    """What can be held in the scope."""
    return catalogue.PLATFORM if scope == PLATFORM else catalogue.VENDOR


def held(grant: Grant, scope: str, custom: CustomRoles) -> frozenset[str]:
    """All that the grant gives in its scope, decided as the kernel does; with ANYTHING for owners denied nothing."""
    known = catalogue.PERMISSIONS
    given = {key for key in permissions_in(scope) if grant.why(key, known[key], custom)}
    return frozenset(given | {ANYTHING} if is_owner(grant, scope) else given)


def is_owner(grant: Grant | None, scope: str) -> bool:
    return grant is not None and owner_role(scope) in grant.roles and not grant.deny


def scopes_in_token(standing: Standing) -> list[str]:
    """The scopes that a token tells of: the platform, and the first vendor. `claims_of` wants their own roles."""
    return [scope for scope in (PLATFORM, *standing.vendors[:1]) if scope in standing.grants]


def claims_of(standing: Standing, custom: Mapping[str, CustomRoles]) -> dict[str, str]:
    """What a token says of the standing. custom: own roles by scope, of `scopes_in_token`.

    `roles`, `permissions` (of the platform; `*` for all), `vendorId`, `vendorPermissions`, `acv` (the version).
    """
    told = {scope: _told(standing.grants[scope], scope, custom.get(scope, {})) for scope in scopes_in_token(standing)}
    vendor = next((scope for scope in told if scope != PLATFORM), "")
    kinds = ["customer", *(["staff"] if PLATFORM in told else []), *(["vendor"] if vendor else [])]
    claims = {"roles": " ".join(kinds), "acv": str(standing.version)}
    if PLATFORM in told:
        claims["permissions"] = told[PLATFORM]
    return claims | ({"vendorId": vendor, "vendorPermissions": told[vendor]} if vendor else {})


def _told(grant: Grant, scope: str, custom: CustomRoles) -> str:
    holds = held(grant, scope, custom)
    return ANYTHING if ANYTHING in holds else " ".join(sorted(holds))


# --- the standing ---------------------------------------------------------------------------------------------------


def unchanged(standing: Standing) -> tuple[str, dict[str, Any]]:
    """Condition and values that hold while a standing's item is as it was read, or still missing."""
    return ("version = :seen", {":seen": standing.version}) if standing.version else ("attribute_not_exists(pk)", {})


def status_changed(
    user_id: str, standing: Standing, status: str, *, valid_from: int | None = None, otherwise: Refusal | None = None
) -> list[Write]:
    """Bring a person to another status; with `valid_from` (epoch milliseconds) also end every token made before.

    standing: as it was read, consistently. Raises StandingChanged (or `otherwise`) if it is another by now, and
    LastOwner where a scope would be left without an owner who can act: blocked people do not count.
    """
    when, values = unchanged(standing)
    values |= {":status": status, ":one": 1}
    since = ""
    if valid_from is not None:
        since, values[":from"] = ", valid_from = :from", valid_from
    change = update(
        standing_key(user_id),
        f"SET status = :status{since} ADD version :one",
        values,
        when=when,
        otherwise=otherwise or StandingChanged("The account has changed since it was read."),
    )
    step = (status == ACTIVE) - (standing.status == ACTIVE)
    owned = [scope for scope, grant in sorted(standing.grants.items()) if is_owner(grant, scope)]
    return [change, *(counted(scope, owners=step) for scope in owned if step)]


def erased(user_id: str, standing: Standing, *, valid_from: int) -> list[Write]:
    """Take the person out of every scope, for good, and end every token made before `valid_from` (epoch milliseconds).

    standing: as it was read, consistently; at most 70 writes. Raises StandingChanged or LastOwner.
    """
    when, values = unchanged(standing)
    values |= {":erased": ERASED, ":from": valid_from, ":one": 1}
    gone = ", ".join(["slowed_until", "slowed_told", *(f"in_{scope}" for scope in sorted(standing.grants))])
    change = update(
        standing_key(user_id),
        f"SET status = :erased, valid_from = :from REMOVE {gone} ADD version :one",
        values,
        when=when,
        otherwise=StandingChanged("The account has changed since it was read."),
    )
    writes = [change]
    for scope, grant in sorted(standing.grants.items()):
        owners = -(is_owner(grant, scope) and standing.status == ACTIVE)
        writes += [delete(member_key(scope, user_id)), counted(scope, owners=owners, members=-1)]
        if uses := role_uses(scope, grant.roles, ()):
            writes.append(roles_counted(scope, uses))
    return writes


def sessions_ended(user_id: str, valid_from: int, *, over: Iterable[str] = ()) -> Write:
    """Every token made before `valid_from` (epoch milliseconds) is dead. over: marks of sessions to forget."""
    values = {":from": valid_from, ":one": 1}
    return update(standing_key(user_id), f"SET valid_from = :from{_forgotten(over)} ADD version :one", values)


def session_revoked(user_id: str, session: str, until: int, *, over: Iterable[str] = ()) -> Write:
    """Tokens of this session are dead. until: epoch seconds when the last of them would have ended by itself.

    over: marks of other sessions whose time has come, to be forgotten with it.
    """
    values, mark = {":until": until, ":one": 1}, session_attribute(session)
    gone = _forgotten(name for name in over if name != mark)
    return update(standing_key(user_id), f"SET {mark} = :until{gone} ADD version :one", values)


def _forgotten(marks: Iterable[str]) -> str:
    names = ", ".join(marks)
    return f" REMOVE {names}" if names else ""


def granted(
    user_id: str,
    scope: str,
    roles: Iterable[str],
    *,
    allow: Iterable[str] = (),
    deny: Iterable[str] = (),
    when: str = "",
    values: Mapping[str, Any] | None = None,
    otherwise: Refusal | None = None,
) -> Write:
    """What the person is in a scope, replacing what they were. `when` is a condition on the standing's item."""
    grant = {"roles": sorted(set(roles)), "allow": sorted(set(allow)), "deny": sorted(set(deny))}
    expression = f"SET in_{scope} = :grant ADD version :one"
    given = {":grant": grant, ":one": 1} | dict(values or {})
    return update(standing_key(user_id), expression, given, when=when, otherwise=otherwise)


def withdrawn(
    user_id: str,
    scope: str,
    *,
    when: str = "",
    values: Mapping[str, Any] | None = None,
    otherwise: Refusal | None = None,
) -> Write:
    """The person has nothing more to do with the scope."""
    expression = f"REMOVE in_{scope} ADD version :one"
    given = {":one": 1} | dict(values or {})
    return update(standing_key(user_id), expression, given, when=when, otherwise=otherwise)


# --- the team of a scope --------------------------------------------------------------------------------------------


def member_key(scope: str, user_id: str) -> Key:
    return Key(f"TEA#{scope}", user_id)


def size_key(scope: str) -> Key:
    """The item that counts a scope's `owners` and `members`; beside the team, so that a list is of people only."""
    return Key(f"TEA#{scope}#size")


class TeamFull(Conflict):
    code, title = "team_full", "The team is full"


MAX_MEMBERS = 500


def counted(scope: str, *, owners: int = 0, members: int = 0) -> Write:
    """Count owners and members of a scope up or down. Raises LastOwner or TeamFull."""
    values = {":owners": owners, ":members": members}
    expression = "ADD owners :owners, members :members"
    if owners < 0:
        refusal = LastOwner("Somebody else has to be an administrator first.", scope=scope)
        return update(size_key(scope), expression, values | {":one": 1}, when="owners > :one", otherwise=refusal)
    if members > 0:
        full = TeamFull(f"A team has at most {MAX_MEMBERS} members.")
        when = "attribute_not_exists(members) OR members < :most"
        return update(size_key(scope), expression, values | {":most": MAX_MEMBERS}, when=when, otherwise=full)
    return update(size_key(scope), expression, values)


def role_uses(scope: str, before: Iterable[str], after: Iterable[str]) -> dict[str, int]:
    """How the counters at `roles_key` change of who holds which of the scope's own roles: a held one is not deleted."""
    was, becomes = set(before) - built_in(scope), set(after) - built_in(scope)
    return {f"held_{name}": (name in becomes) - (name in was) for name in sorted(was ^ becomes)}


def roles_counted(
    scope: str, uses: Mapping[str, int], *, when: str = "", values: Mapping[str, Any] | None = None
) -> Write:
    """Count by `role_uses`. `when` is a condition on the item of the scope's own roles. Raises StandingChanged."""
    added = ", ".join(f"{name} :{name}" for name in uses)
    given = {f":{name}": step for name, step in uses.items()} | dict(values or {})
    refusal = StandingChanged("The roles have changed since they were read.")
    return update(roles_key(scope), f"ADD {added}", given, when=when, otherwise=refusal)


# --- invitations ----------------------------------------------------------------------------------------------------

INVITED: Final = "open"
INVITATIONS: Final = "invitations"
"""The purpose of the key that tokens are derived with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """An offer to join a scope's team. `email` is personal data. `nonce` is another for every mail that is sent.

    ends: epoch seconds after which it is void. status: open, accepted or revoked.
    """

    id: str
    scope: str
    email: str
    roles: tuple[str, ...]
    nonce: str
    invited_by: str
    invited_at: str
    ends: int
    status: str = INVITED
    accepted_by: str = ""


def invitation_key(scope: str, invitation_id: str) -> Key:
    return Key(f"IVT#{scope}", invitation_id)


def invited_place(key: bytes, email: str) -> str:
    """Where the index by1 lists all invitations of an address. key: the stage's for INVITATIONS."""
    return f"IVT#to#{hmac.new(key, f'to|{email.lower()}'.encode(), hashlib.sha256).hexdigest()[:32]}"


def read_invitation(item: Mapping[str, Any]) -> Invitation:
    kept = {name: item[name] for name in ("email", "nonce", "invited_by", "invited_at", "ends", "status")}
    return Invitation(
        id=item["sk"],
        scope=item["pk"].removeprefix("IVT#"),
        roles=tuple(item["roles"]),
        accepted_by=item.get("accepted_by", ""),
        **kept,
    )


def invitation_token(key: bytes, nonce: str) -> str:
    """What the mail holds. It is nowhere stored: it follows from the nonce and the stage's key for INVITATIONS."""
    return hmac.new(key, nonce.encode(), hashlib.sha256).hexdigest()
