"""Profiles in the table: `PRF#<user>`/`-`, after an erasure the stone that keeps it from coming back."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from access.contract import MANIFEST as ACCESS
from market import clock
from market.errors import Conflict, PreconditionFailed, Problem
from market.events import announce
from market.table import Item, Table, Write, put, update
from orders.contract import MANIFEST as ORDERS
from profiles.contract import profile_key
from profiles.events import ProfileAvatarReplaced
from profiles.manifest import MANIFEST
from profiles.model import AccountErased, Consent, Profile

TABLE = Table(MANIFEST, ACCESS, ORDERS)
ALIVE = "attribute_not_exists(erased_at)"
_PLAIN = (
    "display_name",
    "bio",
    "links",
    "phone",
    "born",
    "avatar",
    "avatar_upload",
    "language",
    "currency",
    "theme",
    "updated_at",
)


class AvatarMoved(Conflict):
    """Another request of the same person changed the avatar first."""

    code, title = "avatar_changed", "The avatar was changed meanwhile"


def get(user_id: str) -> Profile:
    """The profile; an empty one of somebody who never wrote any."""
    return _read(user_id, TABLE.get(profile_key(user_id), consistent=True) or {})


def change(user_id: str, fields: Mapping[str, Any], *, version: int | None) -> Profile:
    """Set fields of the profile, and remove those that are None: of that version, or of whichever is there.

    Fields that are not named stay as they are, so that two devices that change different ones do not undo each other.
    Raises PreconditionFailed or AccountErased.
    """
    gone = sorted(name for name, value in fields.items() if value is None)
    values = {f":{name}": value for name, value in fields.items() if value is not None}
    values |= {":now": clock.timestamp(), ":one": 1}
    expression = ", ".join(["SET updated_at = :now", *(f"{n} = :{n}" for n in fields if n not in gone)])
    expression += f" REMOVE {', '.join(gone)}" if gone else ""
    when = ALIVE
    if version is not None:
        seen = "version = :seen" if version else "attribute_not_exists(version)"
        when, values = f"{ALIVE} AND {seen}", values | ({":seen": version} if version else {})
    write = update(profile_key(user_id), f"{expression} ADD version :one", values, when=when, otherwise=_stale)
    return _read(user_id, TABLE.write(write))


def begin_avatar(user_id: str, picture: str) -> None:
    """Note that a picture is about to become public, so that none is ever forgotten.

    A picture that an earlier request noted and never finished is announced as unused. Raises AccountErased.
    """
    item = TABLE.get(profile_key(user_id), consistent=True) or {}
    left = item.get("avatar_pending", "")
    noted = _avatar_write(user_id, item, f"SET avatar_pending = :picture{_COUNTED}", {":picture": picture})
    TABLE.transact(noted, *([_unused(user_id, [left])] if left else []))


def show_avatar(user_id: str, picture: str, *, upload: str) -> Profile:
    """Make the noted picture the avatar; the one before is announced as unused. upload: what it was made of.

    Raises AvatarMoved or AccountErased.
    """
    expression = f"SET avatar = :picture, avatar_upload = :upload{_COUNTED} REMOVE avatar_pending"
    return _replace(user_id, picture, {":picture": picture, ":upload": upload}, expression)


def remove_avatar(user_id: str) -> Profile:
    """No avatar any more. Repeated, it changes nothing."""
    return _replace(user_id, "", {}, f"SET updated_at = :now{_COUNTED} REMOVE avatar, avatar_upload, avatar_pending")


_COUNTED = ", version = :next"


def _replace(user_id: str, picture: str, values: Mapping[str, Any], expression: str) -> Profile:
    item = TABLE.get(profile_key(user_id), consistent=True) or {}
    known = {str(item[name]) for name in ("avatar", "avatar_pending") if item.get(name)}
    if item.get("avatar", "") == picture and known <= {picture}:
        return _read(user_id, item)
    if picture and picture not in known:
        raise _changed()
    unused = sorted(known - {picture})
    now = {":now": clock.timestamp()} if ":now" in expression else {}
    write = _avatar_write(user_id, item, expression, {**values, **now})
    TABLE.transact(write, *([_unused(user_id, unused)] if unused else []))
    return get(user_id)


def _avatar_write(user_id: str, item: Item, expression: str, values: Mapping[str, Any]) -> Write:
    """A write that holds only while the profile is as it was read."""
    seen = int(item.get("version", 0))
    when = f"{ALIVE} AND {'version = :seen' if seen else 'attribute_not_exists(version)'}"
    counted = {":next": seen + 1} | ({":seen": seen} if seen else {})
    return update(profile_key(user_id), expression, {**values, **counted}, when=when, otherwise=_stale)


def _unused(user_id: str, pictures: list[str]) -> Write:
    return announce(ProfileAvatarReplaced(user_id=user_id, pictures=pictures), by=MANIFEST)


def erased(user_id: str, at: str) -> tuple[Write, list[str]]:
    """The write that leaves nothing of a profile but a stone, and the pictures that are to be deleted with it."""
    item = TABLE.get(profile_key(user_id), consistent=True) or {}
    pictures = sorted({str(item[name]) for name in ("avatar", "avatar_pending") if item.get(name)})
    seen = int(item.get("version", 0))
    when = "version = :seen" if seen else "attribute_not_exists(version)"
    stone = {"erased_at": item.get("erased_at") or at, "version": seen + 1}
    write = put(profile_key(user_id), stone, when=when, values={":seen": seen} if seen else None, otherwise=_changed())
    return write, pictures


def _stale(found: Item | None) -> Problem:
    if found and "erased_at" in found:
        return AccountErased("These data were erased.")
    return PreconditionFailed("The profile has changed since you read it.")


def _changed() -> Problem:
    return AvatarMoved("Please try again.")


def _read(user_id: str, item: Mapping[str, Any]) -> Profile:
    consent = item.get("marketing")
    profile = Profile(
        user_id=user_id,
        version=int(item.get("version", 0)),
        **{name: item[name] for name in _PLAIN if name in item},
    )
    return replace(profile, marketing=Consent(**consent)) if consent else profile
