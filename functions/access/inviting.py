"""Invitations: sent by somebody who holds what they offer, accepted by whoever owns the address, judged both times."""

from collections.abc import Sequence

from access import letters, store
from access.contract import ACTIVE, INVITED, PLATFORM, Grant, Invitation
from access.letters import Letters
from access.manifest import MANIFEST
from access.model import (
    MAX_INVITATIONS,
    InvitationVoid,
    NoSuchInvitation,
    NoSuchPerson,
    NotAssignable,
    NotHeld,
    OtherAddress,
    Situation,
    TooManyInvitations,
    assignable,
    managing,
    require_room,
    require_within,
)
from access.service import settled
from access.store import Member
from market import clock, log
from market.guard import audit
from market.table import Write
from vendors.contract import must_be_active


def invite(scope: str, email: str, roles: Sequence[str], *, by: str) -> Invitation:
    """Offer roles to whoever owns the address. Raises NotAssignable, NotHeld, AlreadyInvited, TooManyInvitations,
    VendorNotActive.
    """
    if letters.open_count(scope, MAX_INVITATIONS) >= MAX_INVITATIONS:
        raise TooManyInvitations("Revoke some, or wait until they end.")
    invitation = letters.drafted(scope, email, roles, by=by)

    def attempt() -> None:
        letters.send(invitation, *_judged(scope, roles, by))

    settled(attempt)
    log.info("invited", scope=scope, invitation_id=invitation.id)
    return invitation


def invite_again(scope: str, invitation_id: str, *, by: str) -> Invitation:
    """Mail it once more with a new token and time, in the name of `by`.

    Raises NoSuchInvitation, NotAssignable, NotHeld, VendorNotActive.
    """

    def attempt() -> Invitation:
        found = _open(letters.get(scope, invitation_id))
        return letters.send_again(found, *_judged(scope, found.roles, by), by=by)

    return settled(attempt)


def revoke(scope: str, invitation_id: str) -> None:
    """Raises NoSuchInvitation."""
    letters.revoke(_open(letters.get(scope, invitation_id)))


def page(scope: str, *, limit: int, cursor: str | None) -> Letters:
    return letters.page(scope, limit=limit, cursor=cursor)


def accept(token: str, *, user_id: str) -> tuple[str, Member]:
    """Join the team that the token invites to, as the one whose confirmed address it was mailed to; once.

    Returns the scope, and what the person is there; so for whoever accepted it before. Raises NoSuchInvitation,
    OtherAddress, InvitationVoid, TooManyVendors, VendorNotActive, TeamFull.
    """

    def attempt() -> Invitation:
        invitation = _open(letters.by_token(token), used_by=user_id)
        if invitation.status == INVITED:
            _join(invitation, user_id)
        return invitation

    scope = settled(attempt).scope
    found = store.member(scope, user_id)
    if not found:
        raise NoSuchInvitation("This invitation was used, and you have left the team since.")
    return scope, found


def _join(invitation: Invitation, user_id: str) -> None:
    scope, inviter = invitation.scope, invitation.invited_by
    found = store.situation(scope, user_id, inviter)
    _require_address(found, user_id, invitation.email)
    require_room(found.standings[user_id], scope)
    before = found.grant(user_id) or Grant()
    grant = _still_offered(found, invitation, before)
    entry = audit.entry(
        MANIFEST,
        action="access.accept_invitation",
        subject={"user_id": user_id, "scope": scope, "invitation_id": invitation.id, "invited_by": inviter},
        before={"roles": sorted(before.roles)},
        after={"roles": sorted(grant.roles)},
    )
    also = [letters.accepted(invitation, by=user_id), entry, *_vendor_sells(scope)]
    store.change(found, user_id, grant, by=inviter, witnesses=[inviter], also=also)
    log.info("invitation accepted", user_id=user_id, scope=scope, invitation_id=invitation.id)


def _require_address(found: Situation, user_id: str, email: str) -> None:
    person = found.people.get(user_id)
    if not person or found.standings[user_id].status != ACTIVE:
        raise NoSuchPerson("There is no such user.")
    if person.email.lower() != email:
        raise OtherAddress("Sign in with the address that the invitation was sent to.")


def _still_offered(found: Situation, invitation: Invitation, before: Grant) -> Grant:
    """What the person becomes: what they are already and what was offered, if the inviter may give that today."""
    try:
        offered = assignable(found, invitation.roles)
        require_within(found.held_by(invitation.invited_by), {managing(found.scope), *found.worth(offered)})
    except (NotAssignable, NotHeld):
        raise InvitationVoid("Ask for a new invitation: the one who sent it may no longer do so.") from None
    return Grant(before.roles | offered.roles, before.allow, before.deny)


def _judged(scope: str, roles: Sequence[str], by: str) -> list[Write]:
    """Checks that hold while `by` may give these roles. Raises NotAssignable or NotHeld."""
    found = store.situation(scope, by)
    require_within(found.held_by(by), {managing(scope), *found.worth(assignable(found, roles))})
    return [*found.unchanged(by), *found.roles_unchanged(), *_vendor_sells(scope)]


def _vendor_sells(scope: str) -> list[Write]:
    """A vendor that is suspended takes in nobody; its team stays as it is, for orders have to be sent and refunded."""
    return [must_be_active(scope)] if scope != PLATFORM else []


def _open(invitation: Invitation | None, *, used_by: str = "") -> Invitation:
    """An invitation that can be accepted still, or was by this person. Raises NoSuchInvitation."""
    if invitation and used_by and invitation.accepted_by == used_by:
        return invitation
    late = invitation is not None and used_by and invitation.ends <= clock.epoch()
    if invitation is None or invitation.status != INVITED or late:
        raise NoSuchInvitation("There is no such invitation, or it is not open any more.")
    return invitation
