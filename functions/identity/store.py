"""Accounts in the table: one item a person, `USR#<sub>`."""

from typing import Any

from identity.contract import user_key
from identity.events import UserBlocked, UserCreated, UserRolesChanged, UserUnblocked
from identity.manifest import MANIFEST
from identity.model import BLOCKED, NoSuchUser, User
from market import clock
from market.errors import Conflict, PreconditionFailed, Problem
from market.events import announce
from market.table import EXISTS, NEW, Item, Table, Write, put, update

_table = Table(MANIFEST)


class _Known(Conflict):
    """The account is there already."""


class _AlreadyGiven(Conflict):
    """The approval has had its effect before."""


def get(user_id: str, *, consistent: bool = False) -> User | None:
    item = _table.get(user_key(user_id), consistent=consistent)
    return _user(item) if item else None


def add(user: User) -> User:
    """Remember a new account and announce it; one that is there already is returned as it is."""
    item = {
        "email": user.email,
        "name": user.name,
        "roles": user.roles,
        "vendor_id": user.vendor_id,
        "status": user.status,
        "version": user.version,
        "created_at": clock.timestamp(),
    }
    try:
        _table.transact(
            put(user_key(user.id), item, when=NEW, otherwise=_Known()),
            announce(UserCreated(user_id=user.id), by=MANIFEST),
        )
    except _Known:
        return get(user.id, consistent=True) or user
    return user


def rename(user_id: str, name: str, *, version: int | None) -> User:
    """Change the name: of that version, or of whichever is there. Raises NoSuchUser or PreconditionFailed."""
    when, values = EXISTS, {":name": name, ":one": 1}
    if version is not None:
        when, values = "version = :seen", values | {":seen": version}
    write = update(user_key(user_id), "SET name = :name, version = version + :one", values, when=when, otherwise=_stale)
    return _user(_table.write(write))


def change_roles(user: User, *, version: int) -> None:
    """Store the roles and vendor of `user`, if it still is at `version`, and tell others."""
    _table.transact(
        update(
            user_key(user.id),
            "SET roles = :roles, vendor_id = :vendor, version = version + :one",
            {":roles": user.roles, ":vendor": user.vendor_id, ":one": 1, ":seen": version},
            when="version = :seen",
            otherwise=_stale,
        ),
        _told(user),
    )


def change_status(user_id: str, status: str, *, version: int) -> None:
    event = UserBlocked(user_id=user_id) if status == BLOCKED else UserUnblocked(user_id=user_id)
    _table.transact(
        update(
            user_key(user_id),
            "SET status = :status, version = version + :one",
            {":status": status, ":one": 1, ":seen": version},
            when="version = :seen",
            otherwise=_stale,
        ),
        announce(event, by=MANIFEST),
    )


def make_vendor(user: User, vendor_id: str) -> None:
    """Let the owner of an approved vendor act for it: once, even where staff took the role away since."""
    given = user.given(user.roles | {"vendor"}, vendor_id=vendor_id)
    write = update(
        user_key(user.id),
        "SET vendor_id = :vendor, vendor_grant = :vendor, version = version + :one ADD roles :roles",
        {":roles": {"vendor"}, ":vendor": vendor_id, ":one": 1, ":seen": user.version},
        when="version = :seen AND (attribute_not_exists(vendor_grant) OR vendor_grant <> :vendor)",
        otherwise=lambda found: _AlreadyGiven() if found and found.get("vendor_grant") == vendor_id else _stale(found),
    )
    try:
        _table.transact(write, _told(given))
    except _AlreadyGiven:
        return


def _told(user: User) -> Write:
    event = UserRolesChanged(user_id=user.id, roles=sorted(user.roles), vendor_id=user.vendor_id)
    return announce(event, by=MANIFEST)


def _stale(found: Item | None) -> Problem:
    if found is None:
        return NoSuchUser("There is no such user.")
    return PreconditionFailed("The account has changed since you read it.")


def _user(item: dict[str, Any]) -> User:
    return User(
        id=item["pk"].removeprefix("USR#"),
        email=item["email"],
        name=item["name"],
        roles=frozenset(item["roles"]),
        vendor_id=item["vendor_id"],
        status=item["status"],
        version=item["version"],
    )
