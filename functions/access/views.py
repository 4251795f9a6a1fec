"""What routes of access take and answer."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from access import catalogue
from access.contract import ANYTHING, INVITED, PLATFORM, Invitation, built_in, owner_role, permissions_in
from access.explaining import Explanation
from access.model import Permission, Role, RoleName, Roles
from access.store import Member
from market import clock
from market.http import Body, OneLine, View

Email = Annotated[
    str,
    StringConstraints(
        to_lower=True,
        max_length=128,
        pattern=r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}$",
    ),
]
Token = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
RoleList = Annotated[list[RoleName], Field(max_length=20)]
PermissionList = Annotated[list[Permission], Field(max_length=100)]


class Membership(Body):
    """What somebody is to be, in place of what they are. A denial wins over roles and allowances."""

    roles: RoleList = Field(default_factory=list)
    allow: PermissionList = Field(default_factory=list)
    deny: PermissionList = Field(default_factory=list)


class RoleBody(Body):
    permissions: PermissionList
    description: Annotated[OneLine, Field(max_length=200)] = ""


class Offer(Body):
    email: Email
    roles: Annotated[list[RoleName], Field(min_length=1, max_length=20)]


class Acceptance(Body):
    token: Token


class MemberView(View):
    user_id: str
    name: str | None = None
    email: str | None = None
    status: str
    roles: list[str]
    allow: list[str]
    deny: list[str]
    added_at: str
    added_by: str
    changed_at: str
    changed_by: str

    @staticmethod
    def of(member: Member) -> "MemberView":
        return MemberView(
            user_id=member.user_id,
            name=member.contact.name if member.contact else None,
            email=member.contact.email if member.contact else None,
            status=member.status,
            roles=sorted(member.grant.roles),
            allow=sorted(member.grant.allow),
            deny=sorted(member.grant.deny),
            added_at=member.added_at,
            added_by=member.added_by,
            changed_at=member.changed_at,
            changed_by=member.changed_by,
        )


class MemberList(View):
    items: list[MemberView]
    next_cursor: str | None = None


class RoleView(View):
    """A role of a scope; a built-in one cannot be changed."""

    name: str
    built_in: bool
    permissions: list[str]
    description: str | None = None
    holders: int | None = Field(None, description="How many people have it; of own roles only.")
    changed_at: str | None = None
    changed_by: str | None = None

    @staticmethod
    def of(role: Role, roles: Roles) -> "RoleView":
        return RoleView(
            name=role.name,
            built_in=False,
            permissions=sorted(role.permissions),
            description=role.description or None,
            holders=roles.holders.get(role.name, 0),
            changed_at=role.changed_at,
            changed_by=role.changed_by,
        )


class RoleListView(View):
    """All roles of a scope, and the permissions that can be given in it."""

    roles: list[RoleView]
    permissions: list[str]

    @staticmethod
    def of(scope: str, roles: Roles) -> "RoleListView":
        given = sorted(permissions_in(scope))
        fixed = [RoleView(name=name, built_in=True, permissions=_of_built_in(scope, name)) for name in built_in(scope)]
        own = [RoleView.of(role, roles) for role in roles.of.values()]
        return RoleListView(roles=sorted(fixed + own, key=lambda role: role.name), permissions=given)


def _of_built_in(scope: str, name: str) -> list[str]:
    whole = permissions_in(scope)
    if name == owner_role(scope):
        return sorted(whole)
    return sorted(key for key in whole if name in catalogue.PERMISSIONS[key])


class PermissionView(View):
    name: str
    roles: list[str] = Field(description="Built-in roles that hold it, beside super_admin and vendor_admin.")
    scopes: list[Literal["platform", "vendor"]]


class PermissionListView(View):
    items: list[PermissionView]

    @staticmethod
    def all() -> "PermissionListView":
        return PermissionListView(items=[_permission(name) for name in sorted(catalogue.PERMISSIONS)])


def _permission(name: str) -> PermissionView:
    scopes: list[Literal["platform", "vendor"]] = []
    scopes += ["platform"] if name in catalogue.PLATFORM else []
    scopes += ["vendor"] if name in catalogue.VENDOR else []
    return PermissionView(name=name, roles=list(catalogue.PERMISSIONS[name]), scopes=scopes)


class InvitationView(View):
    id: str
    email: str
    roles: list[str]
    status: Literal["open", "expired", "accepted", "revoked"]
    invited_by: str
    invited_at: str
    ends_at: str
    accepted_by: str | None = None

    @staticmethod
    def of(invitation: Invitation) -> "InvitationView":
        late = invitation.status == INVITED and invitation.ends <= clock.epoch()
        return InvitationView.model_validate(
            {
                "id": invitation.id,
                "email": invitation.email,
                "roles": list(invitation.roles),
                "status": "expired" if late else invitation.status,
                "invited_by": invitation.invited_by,
                "invited_at": invitation.invited_at,
                "ends_at": clock.iso_of(invitation.ends),
                "accepted_by": invitation.accepted_by or None,
            }
        )


class InvitationList(View):
    items: list[InvitationView]
    next_cursor: str | None = None


class ScopeView(View):
    """What the caller is on the platform, or in the team of a vendor."""

    vendor_id: str | None = None
    roles: list[str]
    permissions: list[str]


class AccessView(View):
    user_id: str
    scopes: list[ScopeView]


def scope_view(scope: str, roles: list[str], permissions: frozenset[str]) -> ScopeView:
    vendor_id = None if scope == PLATFORM else scope
    return ScopeView(vendor_id=vendor_id, roles=roles, permissions=sorted(permissions - {ANYTHING}))


class StepView(View):
    rule: Literal["account", "status", "membership", "deny", "allow", "role", "decision"]
    passed: bool
    detail: str
    scope: str | None = None
    changed_at: str | None = None
    changed_by: str | None = None


class ExplanationView(View):
    user_id: str
    permission: str
    vendor_id: str | None = None
    allowed: bool
    steps: list[StepView]

    @staticmethod
    def of(user_id: str, permission: str, vendor_id: str, explanation: Explanation) -> "ExplanationView":
        steps = [
            StepView.model_validate(
                {
                    "rule": step.rule,
                    "passed": step.passed,
                    "detail": step.detail,
                    "scope": step.scope or None,
                    "changed_at": step.changed_at or None,
                    "changed_by": step.changed_by or None,
                }
            )
            for step in explanation.steps
        ]
        return ExplanationView(
            user_id=user_id,
            permission=permission,
            vendor_id=vendor_id or None,
            allowed=explanation.allowed,
            steps=steps,
        )
