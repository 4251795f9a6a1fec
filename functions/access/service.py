"""What can happen to teams and roles. Each decision holds only if all it was made of is still as it was read."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from access import store
from access.contract import (
    ACTIVE,
    BUILT_IN,
    PLATFORM,
    Grant,
    Standing,
    StandingChanged,
    held,
    owner_role,
    permissions_in,
)
from access.manifest import MANIFEST
from access.model import (
    MAX_ROLES,
    BuiltInRole,
    NoSuchMember,
    NoSuchPerson,
    NoSuchRole,
    NotAssignable,
    Role,
    Roles,
    Situation,
    TooManyRoles,
    assignable,
    judge,
    managing,
    require_room,
    require_within,
)
from access.store import AlreadyFounded, Member
from market import clock, log
from market.guard import audit
from vendors.contract import must_be_active

_ATTEMPTS = 6
_ALL_BUILT_IN = frozenset().union(*BUILT_IN.values())
T = TypeVar("T")


def settled(attempt: Callable[[], T]) -> T:
    """Decide anew while others change what was read in between. Raises StandingChanged if they do not stop."""
    for _ in range(_ATTEMPTS - 1):
        try:
            return attempt()
        except StandingChanged:
            log.info("decided anew")
    return attempt()


def appoint(
    scope: str, user_id: str, *, by: str, roles: Sequence[str], allow: Sequence[str] = (), deny: Sequence[str] = ()
) -> Member:
    """Say what somebody is in a scope. Only staff of the platform add people who were not invited.

    Raises NotHeld, NotAssignable, NoSuchPerson, NoSuchMember, TooManyVendors, VendorNotActive, LastOwner, TeamFull.
    """

    def attempt() -> None:
        found = store.situation(scope, user_id, by)
        grant = assignable(found, roles, allow, deny)
        before, also = found.grant(user_id), []
        if before is None:
            _require_addable(found, user_id, by)
            also = [must_be_active(scope)] if scope != PLATFORM else []
        judge(found, by=by, user_id=user_id, grant=grant)
        if grant != before:
            store.change(found, user_id, grant, by=by, witnesses=[by], also=also)
            log.info("access changed", user_id=user_id, scope=scope, roles=sorted(grant.roles))

    settled(attempt)
    return member(scope, user_id)


def _require_addable(found: Situation, user_id: str, by: str) -> None:
    if found.scope != PLATFORM and managing(found.scope) not in found.held_from_above(by):
        raise NoSuchMember("There is no such member. Send an invitation.")
    if user_id not in found.people or found.standings[user_id].status != ACTIVE:
        raise NoSuchPerson("There is no such user.")
    require_room(found.standings[user_id], found.scope)


def dismiss(scope: str, user_id: str, *, by: str) -> None:
    """Take somebody, or oneself, out of a scope. Raises NoSuchMember, NotHeld, or LastOwner."""

    def attempt() -> None:
        found = store.situation(scope, user_id, by)
        if not found.grant(user_id):
            raise NoSuchMember("There is no such member.")
        judge(found, by=by, user_id=user_id, grant=None)
        store.change(found, user_id, None, by=by, witnesses=[by])
        log.info("access withdrawn", user_id=user_id, scope=scope)

    settled(attempt)


def leave(scope: str, user_id: str) -> None:
    """Somebody leaves a team, or the staff, by themselves. Raises NoSuchMember or LastOwner."""

    def attempt() -> None:
        found = store.situation(scope, user_id)
        before = found.grant(user_id)
        if before is None:
            raise NoSuchMember("You are not a member.")
        entry = audit.entry(
            MANIFEST,
            action="access.leave",
            subject={"user_id": user_id, "scope": scope},
            before={"roles": sorted(before.roles)},
            after={"roles": []},
        )
        store.change(found, user_id, None, by=user_id, also=[entry])
        log.info("left", user_id=user_id, scope=scope)

    settled(attempt)


def member(scope: str, user_id: str) -> Member:
    found = store.member(scope, user_id)
    if not found:
        raise NoSuchMember("There is no such member.")
    return found


def found_team(vendor_id: str, owner_id: str) -> None:
    """The owner of a vendor that was approved becomes its vendor_admin: once, even where staff took it away since."""

    def attempt() -> None:
        found = store.situation(vendor_id, owner_id)
        before = found.grant(owner_id) or Grant()
        grant = Grant(before.roles | {owner_role(vendor_id)}, before.allow, before.deny)
        store.change(found, owner_id, grant, by="vendor.approved", founding=True)
        log.info("team founded", user_id=owner_id, scope=vendor_id)

    try:
        settled(attempt)
    except AlreadyFounded:
        log.info("team founded before", scope=vendor_id)


def slow_down(user_id: str, until: int, *, told: str) -> None:
    """Give the person smaller allowances until then (epoch seconds), 0: the normal ones. Heard late it changes nothing.

    told: of two words about the same person the later text counts.
    """
    try:
        store.slow_down(user_id, until, told)
    except store.ToldBefore:
        log.info("allowance told before", user_id=user_id)


def of_person(user_id: str) -> tuple[Standing, dict[str, frozenset[str]]]:
    """A person's standing, and what they hold in each scope."""
    standing = store.standing(user_id)
    roles = store.roles_of(standing.grants) if standing.grants else {}
    return standing, {scope: held(grant, scope, roles[scope].custom) for scope, grant in standing.grants.items()}


def roles(scope: str) -> Roles:
    return store.roles_of([scope])[scope]


def role(scope: str, name: str) -> tuple[Role, Roles]:
    """One of a scope's own roles, with all of them. Raises NoSuchRole."""
    found = roles(scope)
    if name not in found.of:
        raise NoSuchRole("There is no such role.")
    return found.of[name], found


def put_role(
    scope: str, name: str, permissions: Iterable[str], description: str, *, by: str, seen: Callable[[int], None]
) -> None:
    """Make or change one of a scope's own roles; whoever has it holds the new permissions within the minute.

    seen: refuses a version of the roles that is not the one that the caller saw. Raises BuiltInRole, NotAssignable,
    NotHeld (for what it gives now as for what it gave before), TooManyRoles.
    """
    wanted = frozenset(permissions)
    if name in _ALL_BUILT_IN:
        raise BuiltInRole("Choose another name.")
    if unknown := sorted(wanted - permissions_in(scope)):
        errors = [{"field": "body.permissions", "code": "unknown", "message": key} for key in unknown]
        raise NotAssignable("These do not exist here.", errors=errors)

    def attempt() -> None:
        found = store.situation(scope, by)
        seen(found.own_roles.version)
        before = found.own_roles.of.get(name)
        touched = wanted | (before.permissions if before else frozenset())
        require_within(found.held_by(by), {managing(scope), *touched})
        if before is None and len(found.own_roles.of) >= MAX_ROLES:
            raise TooManyRoles("Delete one first.")
        made = Role(name=name, permissions=wanted, description=description, changed_at=clock.timestamp(),
                    changed_by=by)  # fmt: skip
        if before is None or (before.permissions, before.description) != (wanted, description):
            store.save_role(found, made, by=by)
            log.info("role changed", scope=scope, role=name)

    settled(attempt)


def delete_role(scope: str, name: str, *, by: str) -> None:
    """Raises NoSuchRole, NotHeld, or RoleInUse."""

    def attempt() -> None:
        found = store.situation(scope, by)
        before = found.own_roles.of.get(name)
        if before is None:
            raise NoSuchRole("There is no such role.")
        require_within(found.held_by(by), {managing(scope), *before.permissions})
        store.delete_role(found, name, by=by)
        log.info("role deleted", scope=scope, role=name)

    settled(attempt)
