"""Who may give what to whom: pure rules over standings and roles as they were read.

Nobody gives what they do not hold, by whichever way: a built-in role, one of the scope's own roles, or a permission
allowed to one person. Nobody changes somebody, or a role, that holds more than they do.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Any

from pydantic import StringConstraints

from access import catalogue
from access.contract import (
    ACTIVE,
    ANYTHING,
    PLATFORM,
    CustomRoles,
    Grant,
    Standing,
    StandingChanged,
    built_in,
    held,
    is_owner,
    owner_role,
    permissions_in,
    roles_key,
    standing_key,
    unchanged,
)
from identity.contract import Contact
from market.errors import Conflict, Forbidden, NotFound, Unprocessable
from market.table import Write, check

MAX_VENDORS = 20
"""Teams that one person may be in: each is a part of the item that is read before each of their requests."""

MAX_ROLES = 50
MAX_INVITATIONS = 100
INVITED_FOR = timedelta(days=7)
_SCOPE = re.compile(r"\w{1,64}", re.ASCII)
ROLE_NAME = r"^[a-z][a-z0-9_]{2,39}$"
RoleName = Annotated[str, StringConstraints(pattern=ROLE_NAME)]
Permission = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_-]{1,39}\.[a-z][a-z_-]{1,39}$")]


class NotHeld(Forbidden):
    """One can give, take and change only what one holds oneself; `permissions` names what is lacking."""

    code, title = "permission_not_held", "Beyond your own permissions"


class NoSuchMember(NotFound):
    code, title = "member_not_found", "No such member"


class NoSuchPerson(NotFound):
    """There is no active account of this id."""

    code, title = "user_not_found", "No such user"


class NoSuchRole(NotFound):
    code, title = "role_not_found", "No such role"


class NotAssignable(Unprocessable):
    """A role or permission that does not exist in this scope."""

    code, title = "not_assignable", "No such role or permission"


class TooManyVendors(Conflict):
    code, title = "too_many_vendors", f"A person can be in {MAX_VENDORS} teams"


class BuiltInRole(Conflict):
    """Built-in roles are as they are; give your own another name."""

    code, title = "built_in_role", "A built-in role"


class RoleInUse(Conflict):
    """Somebody has this role: give them another one first."""

    code, title = "role_in_use", "Somebody has this role"


class TooManyRoles(Conflict):
    code, title = "too_many_roles", f"A scope can have {MAX_ROLES} roles of its own"


class NoSuchInvitation(NotFound):
    """Unknown, used, called back, expired, or replaced by a younger mail."""

    code, title = "invitation_not_found", "No such invitation"


class AlreadyInvited(Conflict):
    """This address has an open invitation; `invitationId` says which."""

    code, title = "already_invited", "Invited already"


class TooManyInvitations(Conflict):
    code, title = "too_many_invitations", f"{MAX_INVITATIONS} invitations are open"


class InvitationVoid(Conflict):
    """Whoever sent the invitation may no longer give what it offers."""

    code, title = "invitation_void", "This invitation is no longer good"


class OtherAddress(Forbidden):
    """The invitation went to another address than the one that the caller has proven to be theirs."""

    code, title = "invitation_for_another_address", "For another e-mail address"


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """One of a scope's own roles."""

    name: str
    permissions: frozenset[str]
    description: str = ""
    changed_at: str = ""
    changed_by: str = ""


@dataclass(frozen=True, slots=True)
class Roles:
    """A scope's own roles. `version` counts changes; `holders` how many people have which."""

    of: Mapping[str, Role] = field(default_factory=dict)
    version: int = 0
    holders: Mapping[str, int] = field(default_factory=dict)

    @property
    def custom(self) -> CustomRoles:
        return {name: role.permissions for name, role in self.of.items()}


@dataclass(frozen=True, slots=True)
class Situation:
    """What a decision in a scope is made of, as it was read at one moment.

    standings, people: of those concerned, by user id; people without account are not in it. roles: of the scope, and of
    the platform, by scope.
    """

    scope: str
    standings: Mapping[str, Standing]
    roles: Mapping[str, Roles]
    people: Mapping[str, Contact] = field(default_factory=dict)

    @property
    def own_roles(self) -> Roles:
        return self.roles[self.scope]

    def grant(self, user_id: str) -> Grant | None:
        return self.standings[user_id].grants.get(self.scope)

    def held_by(self, user_id: str) -> frozenset[str]:
        """What a person holds in the scope, by their part in it or on the platform."""
        standing = self.standings[user_id]
        if standing.status != ACTIVE:
            return frozenset()
        return self.worth(standing.grants.get(self.scope)) | self.held_from_above(user_id)

    def held_from_above(self, user_id: str) -> frozenset[str]:
        """What somebody of the platform's staff holds in a vendor's scope for being that."""
        grant = self.standings[user_id].grants.get(PLATFORM)
        if self.scope == PLATFORM or grant is None:
            return frozenset()
        return _from_above(grant, self.scope, self.roles[PLATFORM].custom)

    def worth(self, grant: Grant | None) -> frozenset[str]:
        return held(grant, self.scope, self.own_roles.custom) if grant else frozenset()

    def unchanged(self, *user_ids: str) -> list[Write]:
        """Checks that these people stand as they did when they were read. Raise StandingChanged."""
        refusal = StandingChanged("Somebody changed this at the same moment. Please try again.")
        conditions = {user_id: unchanged(self.standings[user_id]) for user_id in dict.fromkeys(user_ids)}
        return [check(standing_key(who), when=when, values=values, otherwise=refusal)
                for who, (when, values) in conditions.items()]  # fmt: skip

    def roles_unchanged(self, *scopes: str) -> list[Write]:
        """Checks that the own roles of these scopes, or of all, are as they were read. Raise StandingChanged."""
        refusal = StandingChanged("Somebody changed the roles at the same moment. Please try again.")
        return [check(roles_key(scope), when=when, values=values, otherwise=refusal)
                for scope in scopes or self.roles for when, values in [as_read(self.roles[scope])]]  # fmt: skip


def as_read(roles: Roles) -> tuple[str, dict[str, Any]]:
    """Condition and values that hold while a scope's own roles are as they were read, or still missing."""
    return ("version = :seen", {":seen": roles.version}) if roles.version else ("attribute_not_exists(version)", {})


def _from_above(grant: Grant, scope: str, custom: CustomRoles) -> frozenset[str]:
    """What somebody of the platform's staff holds in a vendor's scope. Who holds all of it there acts as its owner."""
    whole = permissions_in(scope)
    given = {key for key in whole if grant.why(key, catalogue.PERMISSIONS[key], custom)}
    return frozenset(given | {ANYTHING} if is_owner(grant, PLATFORM) or given == whole else given)


def scope_of(vendor_id: str) -> str:
    """The scope of a vendor's id from a path. Raises NotFound for what cannot be one."""
    if not _SCOPE.fullmatch(vendor_id) or vendor_id == PLATFORM:
        raise NotFound("There is no such vendor.")
    return vendor_id


def assignable(found: Situation, roles: Sequence[str], allow: Sequence[str] = (), deny: Sequence[str] = ()) -> Grant:
    """The grant of these roles and permissions. Raises NotAssignable for what the scope does not have."""
    known = {"roles": built_in(found.scope) | set(found.own_roles.of)}
    known |= dict.fromkeys(("allow", "deny"), permissions_in(found.scope))
    given = {"roles": roles, "allow": allow, "deny": deny}
    wrong = [(name, value) for name, values in given.items() for value in values if value not in known[name]]
    if wrong:
        errors = [{"field": f"body.{name}", "code": "unknown", "message": value} for name, value in wrong]
        raise NotAssignable("These do not exist here.", errors=errors)
    if not roles and not allow:
        raise NotAssignable("Without a role or permission nobody is a member: remove them instead.")
    return Grant(frozenset(roles), frozenset(allow), frozenset(deny))


def require_within(holds: frozenset[str], wanted: Iterable[str]) -> None:
    """Raises NotHeld where something of `wanted` is beyond what somebody holds."""
    lacking = () if ANYTHING in holds else sorted(set(wanted) - holds)
    if lacking:
        raise NotHeld("This goes beyond your own permissions.", permissions=lacking)


def judge(found: Situation, *, by: str, user_id: str, grant: Grant | None) -> None:
    """Whether `by` may bring the person to this grant, or out of the scope. Raises NotHeld.

    Everybody may give up what they have themselves; more they cannot give themselves, for they would have to hold it.
    """
    holds = found.held_by(by)
    owned = {ANYTHING} if grant and owner_role(found.scope) in grant.roles else set()  # it holds what comes later too
    require_within(holds, {managing(found.scope), *found.worth(grant), *owned})
    if by != user_id:
        require_within(holds, found.worth(found.grant(user_id)))


def managing(scope: str) -> str:
    """The permission to change a scope's members, roles and invitations.

    The kernel has asked for it before the request, but of what it remembers.
    """
    return "staff.manage" if scope == PLATFORM else "team.manage"


def require_room(standing: Standing, scope: str) -> None:
    """Raises TooManyVendors for somebody who is in as many teams as one can be, and not in this one."""
    if scope not in (*standing.grants, PLATFORM) and len(standing.vendors) >= MAX_VENDORS:
        raise TooManyVendors("This person is in too many teams already.")
