"""Invitations in the table: `IVT#<scope>` / `<id>`, and `IVT#<digest>` of the present token, which leads there.

An address has one invitation in a scope: its id follows from the two. The index by1 lists those of an address, under a
keyed hash of it, so that they go with the person whose it was. A token is good for one mail, and only its digest
is stored; see `invitation_token`.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, replace

from access.contract import (
    INVITATIONS,
    INVITED,
    Invitation,
    StandingChanged,
    invitation_key,
    invitation_token,
    invited_place,
    read_invitation,
)
from access.events import AccessInvited
from access.manifest import MANIFEST
from access.model import INVITED_FOR, AlreadyInvited, NoSuchInvitation
from access.store import table
from market import clock, config, ids
from market.events import announce
from market.table import Item, Key, Refusal, Write, delete, put, update

_KEPT = INVITED_FOR * 5
"""How long an invitation can be looked up after its last mail."""


@dataclass(frozen=True, slots=True)
class Letters:
    """One page of a scope's invitations."""

    items: list[Invitation]
    next: str | None


def drafted(scope: str, email: str, roles: Sequence[str], *, by: str) -> Invitation:
    """A new invitation, not stored yet."""
    digest = hmac.new(config.key(INVITATIONS), f"{scope}|{email}".encode(), hashlib.sha256).hexdigest()
    return Invitation(
        id=f"inv_{digest[:26]}",
        scope=scope,
        email=email,
        roles=tuple(sorted(set(roles))),
        nonce=_nonce(),
        invited_by=by,
        invited_at=clock.timestamp(),
        ends=clock.epoch(INVITED_FOR),
    )


def renewed(invitation: Invitation, *, by: str) -> Invitation:
    """The same with another token and its whole time before it, in the name of whoever sends it again."""
    return replace(invitation, nonce=_nonce(), ends=clock.epoch(INVITED_FOR), invited_by=by)


def get(scope: str, invitation_id: str) -> Invitation | None:
    item = table.get(invitation_key(scope, invitation_id), consistent=True)
    return read_invitation(item) if item else None


def by_token(token: str) -> Invitation | None:
    """The invitation whose present token this is."""
    place = table.get(_token_key(token), consistent=True)
    found = get(place["scope"], place["invitation_id"]) if place else None
    return found if found and hmac.compare_digest(_token(found), token) else None


def page(scope: str, *, limit: int, cursor: str | None) -> Letters:
    found = table.query(invitation_key(scope, "").pk, limit=limit, cursor=cursor)
    return Letters([read_invitation(item) for item in found.items], found.next)


def open_count(scope: str, most: int) -> int:
    """How many of a scope's invitations are open, counted up to `most`."""
    found, cursor = 0, None
    while found < most:
        letters = page(scope, limit=100, cursor=cursor)
        found += sum(letter.status == INVITED and letter.ends > clock.epoch() for letter in letters.items)
        cursor = letters.next
        if cursor is None:
            break
    return found


def send(invitation: Invitation, *also: Write) -> None:
    """Store a new invitation and have it mailed. Raises AlreadyInvited where one of the address is open."""
    item = {
        "email": invitation.email,
        "roles": list(invitation.roles),
        "nonce": invitation.nonce,
        "status": INVITED,
        "invited_by": invitation.invited_by,
        "invited_at": invitation.invited_at,
        "ends": invitation.ends,
        "by1pk": invited_place(config.key(INVITATIONS), invitation.email),
        "by1sk": invitation.id,
        "expires_at": clock.epoch(_KEPT),
    }
    key = invitation_key(invitation.scope, invitation.id)
    write = put(
        key,
        item,
        when="attribute_not_exists(pk) OR status <> :open OR ends < :now",
        values={":open": INVITED, ":now": clock.epoch()},
        otherwise=AlreadyInvited("An invitation is open; send it again instead.", invitationId=invitation.id),
    )
    table.transact(write, _way(invitation), *also, _mailed(invitation))


def send_again(before: Invitation, *also: Write, by: str) -> Invitation:
    """Mail it with a new token; the one before is dead. Raises StandingChanged where it is not as it was read."""
    after = renewed(before, by=by)
    write = update(
        invitation_key(before.scope, before.id),
        "SET nonce = :nonce, ends = :ends, invited_by = :by, expires_at = :until",
        {":nonce": after.nonce, ":by": by, ":ends": after.ends, ":until": clock.epoch(_KEPT), ":open": INVITED,
         ":seen": before.nonce},
        when="status = :open AND nonce = :seen",
        otherwise=_changed,
    )  # fmt: skip
    table.transact(write, delete(_token_key(_token(before))), _way(after), *also, _mailed(after))
    return after


def revoke(invitation: Invitation) -> None:
    """Call it back. Raises NoSuchInvitation where it is not open any more."""
    table.transact(_ended(invitation, "revoked", otherwise=_gone), delete(_token_key(_token(invitation))))


def accepted(invitation: Invitation, *, by: str) -> Write:
    """The invitation is used, once. Raises StandingChanged where it is not open any more: it is to be read again."""
    return _ended(invitation, "accepted", by=by, otherwise=_changed)


def _ended(invitation: Invitation, status: str, *, otherwise: Refusal, by: str = "") -> Write:
    values = {":status": status, ":by": by, ":open": INVITED, ":seen": invitation.nonce, ":now": clock.epoch()}
    return update(
        invitation_key(invitation.scope, invitation.id),
        "SET status = :status, accepted_by = :by, ended_at = :now",
        values,
        when="status = :open AND nonce = :seen",
        otherwise=otherwise,
    )


def _way(invitation: Invitation) -> Write:
    """How the token leads to the invitation."""
    item = {"scope": invitation.scope, "invitation_id": invitation.id, "expires_at": clock.epoch(_KEPT)}
    return put(_token_key(_token(invitation)), item)


def _mailed(invitation: Invitation) -> Write:
    event = AccessInvited(scope=invitation.scope, invitation_id=invitation.id, nonce=invitation.nonce)
    return announce(event, by=MANIFEST)


def _changed(_: Item | None) -> StandingChanged:
    return StandingChanged("The invitation has changed at the same moment. Please try again.")


def _gone(_: Item | None) -> NoSuchInvitation:
    return NoSuchInvitation("There is no such invitation, or it is not open any more.")


def _token(invitation: Invitation) -> str:
    return invitation_token(config.key(INVITATIONS), invitation.nonce)


def _token_key(token: str) -> Key:
    return Key(f"IVT#{hashlib.sha256(token.encode()).hexdigest()}")


def _nonce() -> str:
    return ids.ulid() + ids.ulid()[10:]
