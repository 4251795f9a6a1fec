"""Standings, teams and own roles in the table."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from access.contract import (
    ACTIVE,
    PLATFORM,
    Grant,
    Standing,
    StandingChanged,
    counted,
    granted,
    is_owner,
    member_key,
    read_standing,
    role_uses,
    roles_counted,
    roles_key,
    size_key,
    standing_key,
    unchanged,
    withdrawn,
)
from access.events import AccessChanged
from access.manifest import MANIFEST
from access.model import Role, RoleInUse, Roles, Situation, as_read
from identity.contract import MANIFEST as IDENTITY
from identity.contract import Contact, read_contact, user_key
from market import clock
from market.errors import Conflict
from market.events import announce
from market.guard.callers import Caller
from market.table import Item, Table, Write, delete, update
from vendors.contract import MANIFEST as VENDORS
from vendors.contract import require_known

table = Table(MANIFEST, IDENTITY, VENDORS)


class AlreadyFounded(Conflict):
    """The vendor's team was begun before."""


class ToldBefore(Conflict):
    """Something later was heard of the person's allowances."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Somebody of a team. `contact` is personal data; None where the account is gone."""

    user_id: str
    grant: Grant
    status: str
    contact: Contact | None
    added_at: str = ""
    added_by: str = ""
    changed_at: str = ""
    changed_by: str = ""


def require_vendor(vendor_id: str, caller: Caller) -> None:
    """Raises NotFound."""
    require_known(vendor_id, caller, table.get)


def situation(scope: str, *user_ids: str) -> Situation:
    """What a decision about these people in the scope needs: one consistent read."""
    scopes = list(dict.fromkeys((scope, PLATFORM)))
    keys = [*map(standing_key, user_ids), *map(user_key, user_ids), *map(roles_key, scopes)]
    found = table.batch_get(keys, consistent=True)
    return Situation(
        scope,
        {user_id: read_standing(found.get(standing_key(user_id), {})) for user_id in user_ids},
        {name: read_roles(found.get(roles_key(name), {})) for name in scopes},
        {user_id: read_contact(found[user_key(user_id)]) for user_id in user_ids if user_key(user_id) in found},
    )


def standing(user_id: str) -> Standing:
    return read_standing(table.get(standing_key(user_id), consistent=True) or {})


def slow_down(user_id: str, until: int, told: str) -> None:
    """See `service.slow_down`. Raises ToldBefore."""
    values: Item = {":one": 1, ":told": told} | ({":until": until} if until else {})
    change = (
        "SET slowed_told = :told, slowed_until = :until" if until else "SET slowed_told = :told REMOVE slowed_until"
    )
    table.transact(
        update(
            standing_key(user_id),
            f"{change} ADD version :one",
            values,
            when="attribute_not_exists(slowed_told) OR slowed_told < :told",
            otherwise=ToldBefore(),
        )
    )


def roles_of(scopes: Iterable[str]) -> dict[str, Roles]:
    """The own roles of each scope."""
    wanted = {scope: roles_key(scope) for scope in scopes}
    found = table.batch_get(wanted.values(), consistent=True)
    return {scope: read_roles(found.get(key, {})) for scope, key in wanted.items()}


def members(scope: str, *, limit: int, cursor: str | None) -> tuple[list[Member], str | None]:
    """One page of a team, in the order of the members' ids."""
    page = table.query(member_key(scope, "").pk, limit=limit, cursor=cursor)
    return _members(scope, {str(item["sk"]): item for item in page.items}), page.next


def member(scope: str, user_id: str) -> Member | None:
    item = table.get(member_key(scope, user_id), consistent=True)
    found = _members(scope, {user_id: item}) if item else []
    return found[0] if found else None


def _members(scope: str, rows: Mapping[str, Item]) -> list[Member]:
    keys = [key for user_id in rows for key in (standing_key(user_id), user_key(user_id))]
    found = table.batch_get(keys, consistent=True) if keys else {}
    made = []
    for user_id, row in rows.items():
        standing, account = read_standing(found.get(standing_key(user_id), {})), found.get(user_key(user_id))
        if scope in standing.grants:  # else they left between the two reads
            notes = {name: row.get(name, "") for name in ("added_at", "added_by", "changed_at", "changed_by")}
            contact = read_contact(account) if account else None
            grant = standing.grants[scope]
            made.append(Member(user_id=user_id, grant=grant, status=standing.status, contact=contact, **notes))
    return made


def change(
    found: Situation,
    user_id: str,
    grant: Grant | None,
    *,
    by: str,
    witnesses: Sequence[str] = (),
    also: Sequence[Write] = (),
    founding: bool = False,
) -> None:
    """Bring a person to a grant in the scope, or with None out of it, if all is as it was read, and tell others.

    witnesses: people whose standing must be as it was read. Raises StandingChanged, LastOwner, TeamFull, what `also`
    refuses, and with `founding` AlreadyFounded.
    """
    scope, before, present = found.scope, found.grant(user_id), found.standings[user_id]
    when, values = unchanged(present)
    refusal = StandingChanged("Somebody changed this at the same moment. Please try again.")
    if grant:
        writes = [granted(user_id, scope, grant.roles, allow=grant.allow, deny=grant.deny,
                          when=when, values=values, otherwise=refusal), _noted(scope, user_id, by)]  # fmt: skip
    else:
        writes = [withdrawn(user_id, scope, when=when, values=values, otherwise=refusal)]
        writes.append(delete(member_key(scope, user_id)))
    writes += found.unchanged(*(witness for witness in witnesses if witness != user_id))
    writes += _roles_kept(found, before, grant)
    owners = (is_owner(grant, scope) - is_owner(before, scope)) * (present.status == ACTIVE)
    writes += _sizes(scope, owners, bool(grant) - bool(before), founding=founding)
    told = grant or Grant()
    event = AccessChanged(user_id=user_id, scope=scope, roles=sorted(told.roles), allow=sorted(told.allow),
                          deny=sorted(told.deny))  # fmt: skip
    table.transact(*writes, *also, announce(event, by=MANIFEST))


def _noted(scope: str, user_id: str, by: str) -> Write:
    return update(
        member_key(scope, user_id),
        "SET added_at = if_not_exists(added_at, :now), added_by = if_not_exists(added_by, :by),"
        " changed_at = :now, changed_by = :by",
        {":now": clock.timestamp(), ":by": by},
    )


def _roles_kept(found: Situation, before: Grant | None, after: Grant | None) -> list[Write]:
    """The roles are what they were when it was decided; who holds one is counted."""
    uses = role_uses(found.scope, before.roles if before else (), after.roles if after else ())
    if not uses:
        return found.roles_unchanged()
    when, values = as_read(found.own_roles)
    others = [scope for scope in found.roles if scope != found.scope]
    checks = found.roles_unchanged(*others) if others else []
    return [roles_counted(found.scope, uses, when=when, values=values), *checks]


def _sizes(scope: str, owners: int, members: int, *, founding: bool) -> list[Write]:
    if not founding:
        return [counted(scope, owners=owners, members=members)] if owners or members else []
    return [
        update(
            size_key(scope),
            "SET founded_at = :now ADD owners :owners, members :members",
            {":now": clock.timestamp(), ":owners": owners, ":members": members},
            when="attribute_not_exists(founded_at)",
            otherwise=AlreadyFounded(),
        )
    ]


def save_role(found: Situation, role: Role, *, by: str) -> None:
    """Put a role among the scope's own. Raises StandingChanged."""
    _save_roles(found, {**found.own_roles.of, role.name: role}, by=by)


def delete_role(found: Situation, name: str, *, by: str) -> None:
    """Raises RoleInUse, or StandingChanged."""
    left = {other: role for other, role in found.own_roles.of.items() if other != name}
    _save_roles(found, left, by=by, gone=name)


def _save_roles(found: Situation, roles: Mapping[str, Role], *, by: str, gone: str = "") -> None:
    when, values = as_read(found.own_roles)
    if gone:
        when = f"{when} AND (attribute_not_exists(held_{gone}) OR held_{gone} = :none)"
        values |= {":none": 0}

    def refused(item: Item | None) -> Conflict:
        if gone and item and item.get(f"held_{gone}", 0):
            return RoleInUse("Give its holders another role first.", holders=item[f"held_{gone}"])
        return StandingChanged("Somebody changed the roles at the same moment. Please try again.")

    values |= {
        ":roles": {name: sorted(role.permissions) for name, role in roles.items()},
        ":about": {name: _about(role) for name, role in roles.items()},
        ":next": found.own_roles.version + 1,
    }
    expression = "SET roles = :roles, about = :about, version = :next" + (f" REMOVE held_{gone}" if gone else "")
    others = [scope for scope in found.roles if scope != found.scope]
    table.transact(
        update(roles_key(found.scope), expression, values, when=when, otherwise=refused),
        *found.unchanged(by),
        *(found.roles_unchanged(*others) if others else []),
    )


def _about(role: Role) -> dict[str, str]:
    return {"description": role.description, "changed_at": role.changed_at, "changed_by": role.changed_by}


def read_roles(item: Item) -> Roles:
    about = item.get("about", {})
    return Roles(
        {
            name: Role(name=name, permissions=frozenset(permissions), **about.get(name, {}))
            for name, permissions in item.get("roles", {}).items()
        },
        item.get("version", 0),
        {name.removeprefix("held_"): count for name, count in item.items() if name.startswith("held_")},
    )


def notes_of(scopes: Iterable[str], user_id: str) -> dict[str, Any]:
    """When and by whom the person's part in each scope was changed last."""
    keys = {scope: member_key(scope, user_id) for scope in scopes}
    found = table.batch_get(keys.values(), consistent=True)
    return {scope: found.get(key, {}) for scope, key in keys.items()}


def account(user_id: str) -> Contact | None:
    item = table.get(user_key(user_id), consistent=True)
    return read_contact(item) if item else None
