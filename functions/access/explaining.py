"""Why somebody may do something, or may not: what the kernel decides, told step by step.

The decision of each scope is the kernel's own `Grant.why`; here is only told what it was made of.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from access import catalogue, store
from access.contract import BLOCKED, ERASED, PLATFORM, Grant, Standing, built_in, owner_role
from access.model import NotAssignable, Role, Roles


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that was looked at. passed: whether it speaks for the decision; `scope` is empty for the account."""

    rule: str
    passed: bool
    detail: str
    scope: str = ""
    changed_at: str = ""
    changed_by: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """allowed: as the kernel decides for a token that is not withheld for want of a second factor."""

    allowed: bool
    steps: list[Step]


def explain(user_id: str, permission: str, vendor_id: str = "") -> Explanation:
    """Raises NotAssignable for a permission that nothing needs."""
    if permission not in catalogue.PERMISSIONS:
        errors = [{"field": "query.permission", "code": "unknown", "message": permission}]
        raise NotAssignable("No route needs this permission.", errors=errors)
    scopes = [PLATFORM, *([vendor_id] if vendor_id else [])]
    standing, known = store.standing(user_id), store.account(user_id) is not None
    roles, notes = store.roles_of(scopes), store.notes_of(scopes, user_id)
    alive = standing.status not in (BLOCKED, ERASED)
    steps = [Step(rule="account", passed=known or bool(standing.version), detail="found" if known else "no account"),
             Step(rule="status", passed=alive, detail=standing.status)]  # fmt: skip
    allowed = False
    for scope in scopes:
        given, told = _in_scope(scope, permission, standing, roles[scope], notes[scope])
        steps += told
        allowed = allowed or given
    return Explanation(alive and allowed, steps)


def _in_scope(
    scope: str, permission: str, standing: Standing, roles: Roles, note: Mapping[str, Any]
) -> tuple[bool, list[Step]]:
    when = {"changed_at": note.get("changed_at", ""), "changed_by": note.get("changed_by", "")}
    grant = standing.grants.get(scope)
    if grant is None:
        return False, [Step(rule="membership", passed=False, detail="not a member", scope=scope, **when)]
    why = grant.why(permission, catalogue.PERMISSIONS[permission], roles.custom)
    steps = [
        Step(rule="membership", passed=True, detail=", ".join(sorted(grant.roles)) or "no role", scope=scope, **when)
    ]
    if permission in grant.deny:
        steps.append(Step(rule="deny", passed=False, detail="taken from this member", scope=scope, **when))
    if permission in grant.allow:
        steps.append(Step(rule="allow", passed=True, detail="given to this member", scope=scope, **when))
    steps += [_of_role(scope, name, permission, grant, roles) for name in sorted(grant.roles)]
    steps.append(Step(rule="decision", passed=bool(why), detail=why or "nothing gives it", scope=scope))
    return bool(why), steps


def _of_role(scope: str, name: str, permission: str, grant: Grant, roles: Roles) -> Step:
    """Whether one role gives it: asked of the kernel about somebody who is only that."""
    own = roles.of.get(name, Role(name=name, permissions=frozenset()))
    alone = Grant(roles=frozenset({name}))
    gives = bool(alone.why(permission, catalogue.PERMISSIONS[permission], roles.custom))
    kind = "holds all" if name == owner_role(scope) else "built in" if name in built_in(scope) else "own role"
    version = f", version {roles.version} of the roles" if name in roles.of else ""
    return Step(
        rule="role",
        passed=gives,
        detail=f"{name} ({kind}{version})",
        scope=scope,
        changed_at=own.changed_at,
        changed_by=own.changed_by,
    )
