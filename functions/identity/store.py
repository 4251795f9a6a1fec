"""Accounts in the table: one item a person, `USR#<sub>`, and beside it what access keeps of their standing."""

from collections.abc import Iterable, Mapping
from typing import Any

from access.contract import (
    ACTIVE,
    BLOCKED,
    INVITATIONS,
    PENDING,
    PLATFORM,
    Grant,
    Standing,
    StandingChanged,
    erased,
    held,
    invited_place,
    read_standing,
    roles_key,
    scopes_in_token,
    sessions_ended,
    standing_key,
    status_changed,
)
from identity.contract import user_key
from identity.events import (
    UserBlocked,
    UserCreated,
    UserEmailChanged,
    UserErased,
    UserPasswordChanged,
    UserRegistrationRepeated,
    UserSecondFactorChanged,
    UserUnblocked,
)
from identity.manifest import MANIFEST
from identity.model import NoSuchUser, User
from identity.table import TABLE
from market import clock, config, ids
from market.errors import Conflict, PreconditionFailed, Problem
from market.events import announce
from market.guard import audit
from market.table import EXISTS, NEW, Item, Key, Write, delete, put, update

_NO_ONE = NoSuchUser("There is no such user.")
_FORMER = 10
"""Former addresses that are kept. To change to another takes a mailed code, and telling the old one seconds."""


class _Known(Conflict):
    """The account is there already."""


class _Unchanged(Conflict):
    """There is nothing to change (any more)."""


def get(user_id: str, *, consistent: bool = False) -> User | None:
    item = TABLE.get(user_key(user_id), consistent=consistent)
    return _user(item) if item else None


def whole(user_id: str) -> tuple[User | None, Standing]:
    """The account and its standing, as they are now, by one read."""
    keys = user_key(user_id), standing_key(user_id)
    found = TABLE.batch_get(keys, consistent=True)
    item, standing = (found.get(key) for key in keys)
    return (_user(item) if item else None), read_standing(standing or {})


def own_roles(standing: Standing) -> dict[str, Mapping[str, Iterable[str]]]:
    """The own roles of the scopes that a token tells of, by scope."""
    keys = {roles_key(scope): scope for scope in scopes_in_token(standing)}
    found = TABLE.batch_get(keys) if keys else {}
    return {scope: found[key].get("roles", {}) for key, scope in keys.items() if key in found}


def held_on_platform(*user_ids: str) -> list[frozenset[str]]:
    """What each of them holds on the platform, as it is now."""
    keys = [roles_key(PLATFORM), *map(standing_key, user_ids)]
    found = TABLE.batch_get(keys, consistent=True)
    custom = found.get(keys[0], {}).get("roles", {})
    grants = [read_standing(found.get(key, {})).grants.get(PLATFORM, Grant()) for key in keys[1:]]
    return [held(grant, PLATFORM, custom) for grant in grants]


def add(user: User, *, pending: bool = False) -> User:
    """Remember a new account and announce it; one that is there already is returned as it is.

    pending: its address is not confirmed yet.
    """
    item: Item = {
        "email": user.email,
        "name": user.name,
        "version": user.version,
        "created_at": clock.timestamp(),
    }
    waiting = status_changed(user.id, Standing(), PENDING) if pending else []
    try:
        TABLE.transact(
            put(user_key(user.id), item, when=NEW, otherwise=_Known()),
            *waiting,
            announce(UserCreated(user_id=user.id), by=MANIFEST),
        )
    except _Known:
        return get(user.id, consistent=True) or user
    return user


def tell_of_repetition(user_id: str) -> None:
    TABLE.transact(announce(UserRegistrationRepeated(user_id=user_id), by=MANIFEST))


def rename(user_id: str, name: str, *, version: int | None) -> User:
    """Change the name: of that version, or of whichever is there. Raises NoSuchUser or PreconditionFailed."""
    when, values = f"{EXISTS} AND attribute_not_exists(erased_at)", {":name": name, ":one": 1}
    if version is not None:
        when, values = f"version = :seen AND {when}", values | {":seen": version}
    write = update(user_key(user_id), "SET name = :name, version = version + :one", values, when=when, otherwise=_stale)
    TABLE.transact(write)
    return get(user_id, consistent=True) or User(id=user_id, email="", name=name)


def activate(user_id: str, standing: Standing) -> None:
    """The address is confirmed. Whoever else changed the standing meanwhile is right."""
    if standing.status != PENDING:
        return
    try:
        TABLE.transact(*status_changed(user_id, standing, ACTIVE))
    except StandingChanged:
        return


def change_status(user_id: str, standing: Standing, status: str) -> None:
    """Block, and end every token, or let in again. Raises StandingChanged or LastOwner."""
    blocked = status == BLOCKED
    event = UserBlocked(user_id=user_id) if blocked else UserUnblocked(user_id=user_id)
    since = now_ms() if blocked else None
    TABLE.transact(
        *status_changed(user_id, standing, status, valid_from=since),
        announce(event, by=MANIFEST),
    )


def settle_email(user: User, email: str) -> None:
    """The person has proven the new address. Repeated, it changes nothing.

    Each former address stays until its owner is told, however fast the next change comes.
    """
    change_id = ids.new("chg")
    former = dict([*user.former_emails.items(), (change_id, user.email)][-_FORMER:])
    write = update(
        user_key(user.id),
        "SET email = :new, former_emails = :former, version = version + :one",
        {":new": email, ":old": user.email, ":former": former, ":one": 1},
        when="email = :old AND attribute_not_exists(erased_at)",
        otherwise=_Unchanged(),
    )
    try:
        TABLE.transact(
            write,
            announce(UserEmailChanged(user_id=user.id, change_id=change_id), by=MANIFEST),
            audit.entry(
                MANIFEST,
                action="identity.change_email",
                subject={"user_id": user.id},
                before={"email": user.email},  # masked, as every address
                after={"email": email},
            ),
        )
    except _Unchanged:
        return


def end_all_sessions(user_id: str, *, why: str) -> None:
    """Every token made until now is dead. why: the action, as the audit names it."""
    TABLE.transact(
        sessions_ended(user_id, now_ms()),
        audit.entry(MANIFEST, action=f"identity.{why}", subject={"user_id": user_id}),
    )


def password_changed(user_id: str, *also: Write, forgotten: bool, since: int = 0) -> None:
    """Every token made until now, or until `since` (epoch milliseconds), is dead; others are told of the password."""
    TABLE.transact(
        sessions_ended(user_id, since or now_ms()),
        *also,
        announce(UserPasswordChanged(user_id=user_id, forgotten=forgotten), by=MANIFEST),
        audit.entry(
            MANIFEST, action="identity.change_password", subject={"user_id": user_id}, after={"forgotten": forgotten}
        ),
    )


def note_factor(user_id: str, factor: str, *, enabled: bool) -> None:
    """Remember a second factor as enrolled or removed, and tell others. Repeated, it changes nothing."""
    clause, condition = ("ADD", "NOT contains(factors, :one)") if enabled else ("DELETE", "contains(factors, :one)")
    write = update(
        user_key(user_id),
        f"{clause} factors :factor",
        {":factor": {factor}, ":one": factor},
        when=f"{EXISTS} AND {condition}",
        otherwise=_Unchanged(),
    )
    try:
        TABLE.transact(write, *_factor_told(user_id, factor, enabled=enabled, before={"enabled": not enabled}))
    except _Unchanged:
        return


def passkey_changed(user_id: str, *, enabled: bool) -> None:
    """Tell others of a passkey that was added or removed."""
    TABLE.transact(*_factor_told(user_id, "passkey", enabled=enabled))


def forget_factors(user_id: str, known: Iterable[str]) -> None:
    """As staff: none is enrolled any more, and every token made until now is dead. known: those that were."""
    TABLE.transact(
        update(user_key(user_id), "REMOVE factors", when=EXISTS, otherwise=_NO_ONE),
        sessions_ended(user_id, now_ms()),
        *_factor_told(user_id, "all", enabled=False, before={"factors": sorted(known)}),
    )


def demand_factor(user_id: str, *, required: bool) -> None:
    """Let staff demand a second factor of somebody; their tokens end, so that it counts now."""
    write = update(
        user_key(user_id), "SET factor_required = :required", {":required": required}, when=EXISTS, otherwise=_NO_ONE
    )
    TABLE.transact(write, *([sessions_ended(user_id, now_ms())] if required else []))


def erase(user_id: str, standing: Standing) -> bool:
    """Leave a tombstone, and let nobody in any more. False if done before. Raises StandingChanged or LastOwner."""
    tombstone = update(
        user_key(user_id),
        "SET email = :none, name = :none, erased_at = :now, version = if_not_exists(version, :zero) + :one"
        " REMOVE former_emails, factors, factor_required, signed_in_at",
        {":none": "", ":now": clock.timestamp(), ":zero": 0, ":one": 1},
        when="attribute_not_exists(erased_at)",
        otherwise=_Unchanged(),
    )
    try:
        TABLE.transact(
            tombstone,
            *erased(user_id, standing, valid_from=now_ms()),
            announce(UserErased(user_id=user_id), by=MANIFEST),
            audit.entry(MANIFEST, action="identity.erase", subject={"user_id": user_id}),
        )
    except _Unchanged:
        return False
    return True


def forget_invitations(email: str) -> None:
    """Delete every invitation to an address. One that is made at this moment ends by itself, within five weeks."""
    place, cursor = invited_place(config.key(INVITATIONS), email), None
    while True:
        page = TABLE.query(place, index="by1", limit=100, cursor=cursor)
        TABLE.batch_put([delete(Key(item["pk"], item["sk"])) for item in page.items])
        cursor = page.next
        if cursor is None:
            return


def now_ms() -> int:
    """Now in epoch milliseconds: the unit of `valid_from`."""
    return int(clock.now().timestamp() * 1000)


def _factor_told(user_id: str, factor: str, *, enabled: bool, before: Mapping[str, Any] | None = None) -> list[Write]:
    return [
        announce(UserSecondFactorChanged(user_id=user_id, factor=factor, enabled=enabled), by=MANIFEST),
        audit.entry(
            MANIFEST,
            action="identity.second_factor",
            subject={"user_id": user_id},
            before=before,
            after={"factor": factor, "enabled": enabled},
        ),
    ]


def _stale(found: Item | None) -> Problem:
    if found is None or "erased_at" in found:
        return _NO_ONE
    return PreconditionFailed("The account has changed since you read it.")


def _user(item: Mapping[str, Any]) -> User:
    return User(
        id=item["pk"].removeprefix("USR#"),
        email=item["email"],
        name=item["name"],
        version=item["version"],
        factors=frozenset(item.get("factors", ())),
        factor_required=item.get("factor_required", False),
        signed_in_at=item.get("signed_in_at", ""),
        erased="erased_at" in item,
        former_emails=dict(sorted(item.get("former_emails", {}).items())),
    )
