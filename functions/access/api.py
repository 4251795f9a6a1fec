"""HTTP routes of access: staff and its roles, vendors' teams and theirs, invitations, and why somebody may do what."""

import re
from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Query

from access import explaining, inviting, service, store
from access.contract import PLATFORM, LastOwner, StandingChanged, TeamFull
from access.manifest import MANIFEST
from access.model import (
    ROLE_NAME,
    AlreadyInvited,
    BuiltInRole,
    InvitationVoid,
    NoSuchInvitation,
    NoSuchMember,
    NoSuchPerson,
    NoSuchRole,
    NotAssignable,
    NotHeld,
    OtherAddress,
    Permission,
    RoleInUse,
    TooManyInvitations,
    TooManyRoles,
    TooManyVendors,
    scope_of,
)
from access.views import (
    Acceptance,
    AccessView,
    ExplanationView,
    InvitationList,
    InvitationView,
    MemberList,
    Membership,
    MemberView,
    Offer,
    PermissionListView,
    RoleBody,
    RoleListView,
    RoleView,
    ScopeView,
    scope_view,
)
from market.errors import PreconditionFailed
from market.http import CUSTOMER, STAFF, VENDOR, Cursor, Limit, Response, ServiceApi, reply
from market.table import BadCursor
from vendors.contract import VendorNotActive

api = ServiceApi(MANIFEST)
handler = api.handler
EVERYBODY = (CUSTOMER, VENDOR, STAFF)
TEAM = (VENDOR, STAFF)
_APPOINTING = (NotAssignable, NotHeld, NoSuchMember, NoSuchPerson, LastOwner, StandingChanged, TeamFull)
_INVITING = (NotAssignable, NotHeld, AlreadyInvited, TooManyInvitations, StandingChanged)
_EDITING = (NotAssignable, NotHeld, BuiltInRole, TooManyRoles, StandingChanged, PreconditionFailed)

Id = Annotated[str, Query(min_length=1, max_length=64)]
VendorId = Annotated[str, Query(max_length=64)]


# --- the caller -----------------------------------------------------------------------------------------------------


@api.get("/v1/me/access", callers=EVERYBODY)
def my_access() -> AccessView:
    """What the caller is and may do, on the platform and in vendors' teams."""
    standing, held = service.of_person(api.caller.id)
    scopes = [scope_view(scope, sorted(grant.roles), held[scope]) for scope, grant in sorted(standing.grants.items())]
    return AccessView(user_id=api.caller.id, scopes=scopes)


@api.delete("/v1/me/access/<scope>", callers=EVERYBODY, status=204, problems=[NoSuchMember, LastOwner, StandingChanged])
def leave(scope: str) -> Response[None]:
    """Leave the team of a vendor, or with `platform` the staff."""
    service.leave(scope if scope == PLATFORM else scope_of(scope), api.caller.id)
    return Response(status_code=204)


@api.post(
    "/v1/me/invitations/accept",
    callers=EVERYBODY,
    problems=[NoSuchInvitation, NoSuchPerson, OtherAddress, InvitationVoid, TooManyVendors, VendorNotActive, TeamFull,
              StandingChanged],
)  # fmt: skip
def accept_invitation(body: Acceptance) -> ScopeView:
    """Join the team that a mailed token invites to. It counts with the next token at once, with this one soon."""
    scope, member = inviting.accept(body.token, user_id=api.caller.id)
    _, held = service.of_person(api.caller.id)
    return scope_view(scope, sorted(member.grant.roles), held.get(scope, frozenset()))


# --- the platform's staff -------------------------------------------------------------------------------------------


@api.get("/v1/admin/permissions", callers=[STAFF], needs="staff.read")
def permissions() -> PermissionListView:
    """Every permission, the built-in roles that hold it, and where it can be given."""
    return PermissionListView.all()


@api.get("/v1/admin/access/explanation", callers=[STAFF], needs="access.explain", problems=[NotAssignable])
def explanation(userId: Id, permission: Annotated[Permission, Query()], vendorId: VendorId = "") -> ExplanationView:
    """Why somebody may do something, or may not: on the platform, and with `vendorId` for that vendor."""
    scope = scope_of(vendorId) if vendorId else ""
    return ExplanationView.of(userId, permission, scope, explaining.explain(userId, permission, scope))


@api.get("/v1/admin/staff", callers=[STAFF], needs="staff.read", problems=[BadCursor])
def list_staff(limit: Limit = 20, cursor: Cursor = None) -> MemberList:
    """The platform's staff."""
    return _members(PLATFORM, limit, cursor)


@api.get("/v1/admin/staff/<user_id>", callers=[STAFF], needs="staff.read", problems=[NoSuchMember])
def show_staff(user_id: str) -> MemberView:
    """One member of staff."""
    return MemberView.of(service.member(PLATFORM, user_id))


@api.put("/v1/admin/staff/<user_id>", callers=[STAFF], needs="staff.manage", problems=_APPOINTING)
def put_staff(user_id: str, body: Membership) -> MemberView:
    """Make somebody a member of staff, or change what they are."""
    return _appointed(PLATFORM, user_id, body)


@api.delete(
    "/v1/admin/staff/<user_id>",
    callers=[STAFF],
    needs="staff.manage",
    status=204,
    problems=[NoSuchMember, NotHeld, LastOwner, StandingChanged],
)
def remove_staff(user_id: str) -> Response[None]:
    """Take somebody out of the staff."""
    return _dismissed(PLATFORM, user_id)


@api.get("/v1/admin/staff/invitations", callers=[STAFF], needs="staff.read", problems=[BadCursor])
def list_staff_invitations(limit: Limit = 20, cursor: Cursor = None) -> InvitationList:
    """Invitations to the staff, of the last weeks."""
    return _invitations(PLATFORM, limit, cursor)


@api.post(
    "/v1/admin/staff/invitations",
    callers=[STAFF],
    needs="staff.manage",
    limit="invitation",
    status=201,
    problems=_INVITING,
)
def invite_staff(body: Offer) -> InvitationView:
    """Invite the owner of an e-mail address to the staff."""
    return InvitationView.of(inviting.invite(PLATFORM, body.email, body.roles, by=api.caller.id))


@api.post(
    "/v1/admin/staff/invitations/<invitation_id>/resend",
    callers=[STAFF],
    needs="staff.manage",
    limit="invitation",
    problems=[NoSuchInvitation, NotAssignable, NotHeld, StandingChanged],
)
def resend_staff_invitation(invitation_id: str) -> InvitationView:
    """Mail an invitation again, with a new token and seven days before it."""
    return InvitationView.of(inviting.invite_again(PLATFORM, invitation_id, by=api.caller.id))


@api.delete(
    "/v1/admin/staff/invitations/<invitation_id>",
    callers=[STAFF],
    needs="staff.manage",
    status=204,
    problems=[NoSuchInvitation],
)
def revoke_staff_invitation(invitation_id: str) -> Response[None]:
    """Call an invitation back."""
    inviting.revoke(PLATFORM, invitation_id)
    return Response(status_code=204)


@api.get("/v1/admin/roles", callers=[STAFF], needs="staff.read")
def list_roles() -> Response[RoleListView]:
    """The roles of the platform, built-in and own."""
    return _roles(PLATFORM)


@api.get("/v1/admin/roles/<name>", callers=[STAFF], needs="staff.read", problems=[NoSuchRole])
def show_role(name: str) -> Response[RoleView]:
    """One of the platform's own roles."""
    return _role(PLATFORM, name)


@api.put("/v1/admin/roles/<name>", callers=[STAFF], needs="staff.manage", problems=_EDITING)
def put_role(name: str, body: RoleBody) -> Response[RoleView]:
    """Make or change one of the platform's own roles, with permissions that the caller holds."""
    return _role_saved(PLATFORM, name, body)


@api.delete(
    "/v1/admin/roles/<name>",
    callers=[STAFF],
    needs="staff.manage",
    status=204,
    problems=[NoSuchRole, NotHeld, RoleInUse, StandingChanged],
)
def delete_role(name: str) -> Response[None]:
    """Delete one of the platform's own roles that nobody has."""
    service.delete_role(PLATFORM, name, by=api.caller.id)
    return Response(status_code=204)


# --- vendors' teams -------------------------------------------------------------------------------------------------


@api.get("/v1/vendors/<vendor_id>/team", callers=TEAM, needs="team.read", problems=[BadCursor])
def list_team(vendor_id: str, limit: Limit = 20, cursor: Cursor = None) -> MemberList:
    """The people of a vendor."""
    return _members(scope_of(vendor_id), limit, cursor)


# Of two paths with parameters the resolver takes the one declared first: so invitations come before members.


@api.get("/v1/vendors/<vendor_id>/team/invitations", callers=TEAM, needs="team.read", problems=[BadCursor])
def list_team_invitations(vendor_id: str, limit: Limit = 20, cursor: Cursor = None) -> InvitationList:
    """Invitations to a vendor's team, of the last weeks."""
    return _invitations(scope_of(vendor_id), limit, cursor)


@api.post(
    "/v1/vendors/<vendor_id>/team/invitations",
    callers=TEAM,
    needs="team.manage",
    limit="invitation",
    status=201,
    problems=[*_INVITING, VendorNotActive],
)
def invite_team_member(vendor_id: str, body: Offer) -> InvitationView:
    """Invite the owner of an e-mail address to a vendor's team."""
    return InvitationView.of(inviting.invite(scope_of(vendor_id), body.email, body.roles, by=api.caller.id))


@api.post(
    "/v1/vendors/<vendor_id>/team/invitations/<invitation_id>/resend",
    callers=TEAM,
    needs="team.manage",
    limit="invitation",
    problems=[NoSuchInvitation, NotAssignable, NotHeld, VendorNotActive, StandingChanged],
)
def resend_team_invitation(vendor_id: str, invitation_id: str) -> InvitationView:
    """Mail an invitation again, with a new token and seven days before it."""
    return InvitationView.of(inviting.invite_again(scope_of(vendor_id), invitation_id, by=api.caller.id))


@api.delete(
    "/v1/vendors/<vendor_id>/team/invitations/<invitation_id>",
    callers=TEAM,
    needs="team.manage",
    status=204,
    problems=[NoSuchInvitation],
)
def revoke_team_invitation(vendor_id: str, invitation_id: str) -> Response[None]:
    """Call an invitation back."""
    inviting.revoke(scope_of(vendor_id), invitation_id)
    return Response(status_code=204)


@api.get("/v1/vendors/<vendor_id>/team/<user_id>", callers=TEAM, needs="team.read", problems=[NoSuchMember])
def show_team_member(vendor_id: str, user_id: str) -> MemberView:
    """One of a vendor's people."""
    return MemberView.of(service.member(scope_of(vendor_id), user_id))


@api.put(
    "/v1/vendors/<vendor_id>/team/<user_id>",
    callers=TEAM,
    needs="team.manage",
    problems=[*_APPOINTING, TooManyVendors, VendorNotActive],
)
def put_team_member(vendor_id: str, user_id: str, body: Membership) -> MemberView:
    """Change what one of a vendor's people is. Only staff of the platform add somebody who was not invited."""
    return _appointed(scope_of(vendor_id), user_id, body)


@api.delete(
    "/v1/vendors/<vendor_id>/team/<user_id>",
    callers=TEAM,
    needs="team.manage",
    status=204,
    problems=[NoSuchMember, NotHeld, LastOwner, StandingChanged],
)
def remove_team_member(vendor_id: str, user_id: str) -> Response[None]:
    """Take somebody out of a vendor's team."""
    return _dismissed(scope_of(vendor_id), user_id)


@api.get("/v1/vendors/<vendor_id>/roles", callers=TEAM, needs="team.read")
def list_team_roles(vendor_id: str) -> Response[RoleListView]:
    """The roles of a vendor's team, built-in and own, and the permissions that can be given."""
    return _roles(scope_of(vendor_id))


@api.get("/v1/vendors/<vendor_id>/roles/<name>", callers=TEAM, needs="team.read", problems=[NoSuchRole])
def show_team_role(vendor_id: str, name: str) -> Response[RoleView]:
    """One of a vendor's own roles."""
    return _role(scope_of(vendor_id), name)


@api.put("/v1/vendors/<vendor_id>/roles/<name>", callers=TEAM, needs="team.manage", problems=_EDITING)
def put_team_role(vendor_id: str, name: str, body: RoleBody) -> Response[RoleView]:
    """Make or change one of a vendor's own roles, with permissions that the caller holds."""
    store.require_vendor(vendor_id, api.caller)
    return _role_saved(scope_of(vendor_id), name, body)


@api.delete(
    "/v1/vendors/<vendor_id>/roles/<name>",
    callers=TEAM,
    needs="team.manage",
    status=204,
    problems=[NoSuchRole, NotHeld, RoleInUse, StandingChanged],
)
def delete_team_role(vendor_id: str, name: str) -> Response[None]:
    """Delete one of a vendor's own roles that nobody has."""
    store.require_vendor(vendor_id, api.caller)
    service.delete_role(scope_of(vendor_id), name, by=api.caller.id)
    return Response(status_code=204)


# --- the same of every scope ----------------------------------------------------------------------------------------


def _members(scope: str, limit: int, cursor: str | None) -> MemberList:
    found, following = store.members(scope, limit=limit, cursor=cursor)
    return MemberList(items=[MemberView.of(member) for member in found], next_cursor=following)


def _appointed(scope: str, user_id: str, body: Membership) -> MemberView:
    wanted = body.model_dump()
    return MemberView.of(service.appoint(scope, user_id, by=api.caller.id, **wanted))


def _dismissed(scope: str, user_id: str) -> Response[None]:
    service.dismiss(scope, user_id, by=api.caller.id)
    return Response(status_code=204)


def _invitations(scope: str, limit: int, cursor: str | None) -> InvitationList:
    found = inviting.page(scope, limit=limit, cursor=cursor)
    return InvitationList(items=[InvitationView.of(letter) for letter in found.items], next_cursor=found.next)


def _roles(scope: str) -> Response[Any]:
    found = service.roles(scope)
    return reply(RoleListView.of(scope, found), version=found.version)


def _role(scope: str, name: str) -> Response[Any]:
    role, roles = service.role(scope, name)
    return reply(RoleView.of(role, roles), version=roles.version)


def _role_saved(scope: str, name: str, body: RoleBody) -> Response[Any]:
    if not re.fullmatch(ROLE_NAME, name):
        raise NotAssignable("A role is named in lower case letters, digits and underscores.")
    service.put_role(scope, name, body.permissions, body.description, by=api.caller.id, seen=api.require_match)
    return _role(scope, name)
