"""Signed-in devices: one item each, `USR#<sub>` / `SES#<session>`, which outlives no refresh token.

A refresh token is good once. The item knows the hashes of those that are good now, and of the one that was traded for
them: it stays good for a moment, for answers that got lost and for other tabs of the same browser. Any older one, or
one that comes from another kind of device, shows that two hold the same session.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from access.contract import ENDED, read_standing, session_revoked, sessions_ended, standing_key
from identity.contract import user_key
from identity.devices import Visit
from identity.events import UserSessionReused
from identity.manifest import MANIFEST
from identity.model import NoSuchSession, NoSuchUser
from identity.store import now_ms
from identity.table import TABLE
from identity.tokens import Refresh
from market import clock
from market.errors import Conflict
from market.events import announce
from market.guard import audit
from market.table import EXISTS, Item, Key, Write, delete, put, update

LIFE = timedelta(days=30)
"""How long a session can last: what the pool's client gives its refresh tokens."""

REVOKED = timedelta(hours=1)
"""Longer than any access token is good for."""

GRACE = timedelta(seconds=30)
MOST_REMEMBERED = 200
"""Ended sessions of one person: each is a part of the item that is read before each of their requests."""

_SIBLINGS = 4
_PREFIX = "SES#"


class _Gone(Conflict):
    """The session has ended, or another request traded its token meanwhile."""


@dataclass(frozen=True, slots=True)
class Device:
    """A session as its owner sees it. Times are ISO 8601; `began` is in epoch milliseconds."""

    id: str
    visit: Visit
    made_at: str
    seen_at: str
    began: int
    ends_at: int
    present: frozenset[str]
    previous: str
    rotated_at: int

    def knows(self, digest: str, device: str) -> bool:
        """Whether this token may be traded now: the last one only by the kind of device that traded it before."""
        lately = clock.epoch() - self.rotated_at <= GRACE.total_seconds() and device == self.visit.device
        return digest in self.present or (lately and digest == self.previous and len(self.present) < _SIBLINGS)


def begin(first: Refresh, visit: Visit, *, began: int) -> None:
    """Remember a sign-in. began: epoch milliseconds."""
    now = clock.timestamp()
    item = {
        "device": visit.device,
        "address": visit.address,
        "made_at": now,
        "seen_at": now,
        "began": began,
        "present": {first.digest},
        "previous": "",
        "rotated_at": 0,
        "expires_at": clock.epoch(LIFE),
    }
    TABLE.transact(
        put(session_key(first.user_id, first.session), item),
        update(
            user_key(first.user_id),
            "SET signed_in_at = :now",
            {":now": now},
            when=f"{EXISTS} AND attribute_not_exists(erased_at)",
            otherwise=NoSuchUser("There is no such user."),
        ),
    )


def find(user_id: str, session: str) -> Device | None:
    """The session, unless it has ended: by itself, or with all others of the person."""
    keys = session_key(user_id, session), standing_key(user_id)
    found = TABLE.batch_get(keys, consistent=True)
    item, standing = found.get(keys[0]), read_standing(found.get(keys[1], {}))
    alive = item and item["expires_at"] > clock.epoch() and item["began"] >= standing.valid_from
    return read(item) if item and alive else None


def traded(old: Refresh, new: Refresh, visit: Visit) -> bool:
    """Let `new` be good in place of `old`; beside its siblings, if `old` was traded a moment ago. False if neither.

    A sibling in another network may be the same phone on its way, or a thief who was as quick as the owner: it is kept
    among the audit records.
    """
    values: dict[str, Any] = {":old": old.digest, ":new": {new.digest}, ":now": clock.epoch()}
    seen: dict[str, Any] = {":seen": clock.timestamp(), ":device": visit.device, ":address": visit.address}
    key = session_key(old.user_id, old.session)
    noted = "seen_at = :seen, device = :device, address = :address"
    first = update(
        key,
        f"SET present = :new, previous = :old, rotated_at = :now, {noted}",
        values | seen,
        when="contains(present, :old)",
        otherwise=_Gone(),
    )
    since = {":since": clock.epoch() - int(GRACE.total_seconds()), ":most": _SIBLINGS}
    good = "previous = :old AND rotated_at >= :since AND size(present) < :most AND device = :device"
    given = {":old": old.digest, ":new": {new.digest}} | seen | since
    text = f"SET {noted} ADD present :new"
    here = update(key, text, given, when=f"{good} AND address = :address", otherwise=_Gone())
    elsewhere = update(key, text, given, when=good, otherwise=_Gone())
    record = audit.entry(
        MANIFEST, action="identity.session_shared", subject={"user_id": old.user_id, "session_id": old.session}
    )
    return _done(first) or _done(here) or _done(elsewhere, record)


def end(user_id: str, session: str, *, remembered: timedelta = LIFE) -> int:
    """End a session: its tokens are dead at once. Returns how many ended ones are remembered. Raises NoSuchSession.

    remembered: how long tokens of it could still be made: none, where Cognito has ended it too.
    """
    ended = _ended(user_id)
    over = [name for name, until in ended.items() if until <= clock.epoch()]
    TABLE.transact(
        delete(session_key(user_id, session), when=EXISTS, otherwise=NoSuchSession("There is no such session.")),
        session_revoked(user_id, session, clock.epoch(remembered), over=over),
        audit.entry(MANIFEST, action="identity.end_session", subject={"user_id": user_id, "session_id": session}),
    )
    return len(ended) - len(over) + 1


def forget_ended(user_id: str) -> None:
    """Every token made until now, in this moment too, is dead; so that none of them needs to be remembered.

    Only after Cognito has ended all of the person's sessions.
    """
    TABLE.transact(sessions_ended(user_id, now_ms() + 1, over=sorted(_ended(user_id))))
    forget_all(user_id)


def end_reused(user_id: str, session: str) -> None:
    """End a session that two hold, and tell others of it. Repeated, it changes nothing."""
    try:
        TABLE.transact(
            delete(session_key(user_id, session), when=EXISTS, otherwise=_Gone()),
            session_revoked(user_id, session, clock.epoch(LIFE)),
            announce(UserSessionReused(user_id=user_id, session_id=session), by=MANIFEST),
            audit.entry(
                MANIFEST, action="identity.session_reused", subject={"user_id": user_id, "session_id": session}
            ),
        )
    except _Gone:
        return


def forget_all(user_id: str) -> None:
    """Remove the items of all sessions, after their tokens were ended."""
    cursor = None
    while True:
        page = TABLE.query(user_key(user_id).pk, begins=_PREFIX, limit=100, cursor=cursor)
        TABLE.batch_put([delete(Key(item["pk"], item["sk"])) for item in page.items])
        cursor = page.next
        if not cursor:
            return


def page_of(user_id: str, *, limit: int, cursor: str | None, since: int) -> tuple[list[Device], str | None]:
    """Sessions that began after `since` (epoch milliseconds), in no order that means anything, and a cursor."""
    page = TABLE.query(user_key(user_id).pk, begins=_PREFIX, limit=limit, cursor=cursor)
    found = [read(item) for item in page.items if item["expires_at"] > clock.epoch()]
    return [device for device in found if device.began >= since], page.next


def session_key(user_id: str, session: str) -> Key:
    return Key(user_key(user_id).pk, f"{_PREFIX}{session}")


def read(item: Item) -> Device:
    return Device(
        id=item["sk"].removeprefix(_PREFIX),
        visit=Visit(item["device"], item["address"]),
        made_at=item["made_at"],
        seen_at=item["seen_at"],
        began=item["began"],
        ends_at=item["expires_at"],
        present=frozenset(item["present"]),
        previous=item["previous"],
        rotated_at=item["rotated_at"],
    )


def _ended(user_id: str) -> dict[str, int]:
    """The sessions that ended early, by their attribute, with when they can be forgotten (epoch seconds)."""
    item = TABLE.get(standing_key(user_id), consistent=True) or {}
    return {name: until for name, until in item.items() if name.startswith(ENDED)}


def _done(*writes: Write) -> bool:
    try:
        TABLE.transact(*writes)
    except _Gone:
        return False
    return True
