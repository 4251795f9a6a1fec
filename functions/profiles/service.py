"""What people do with their profile, their avatar and their addresses."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from market import clock, ids
from profiles import book, gateway, metadata, model, phones, pictures, postal, store
from profiles.contract import Address
from profiles.model import NoUpload, Profile

UPLOADS, PUBLIC = "uploads/avatars", "media/avatars"


@dataclass(frozen=True, slots=True)
class Upload:
    """Where to send a picture: a form of these fields and, last, `file`. key: what to confirm it by."""

    key: str
    url: str
    fields: Mapping[str, str]


def change_profile(user_id: str, fields: Mapping[str, Any], *, version: int | None) -> Profile:
    """Set the given fields; None takes one away. `born` is a date, `marketing` whether, with `source` where.

    Raises TooYoung, BadLink, BadPhone, PreconditionFailed or AccountErased.
    """
    changed = dict(fields)
    if born := changed.get("born"):
        model.check_born(born, clock.now().date())
        changed["born"] = born.isoformat()
    if phone := changed.get("phone"):
        changed["phone"] = phones.e164(phone)
    if links := changed.get("links"):
        changed["links"] = {kind: model.clean_link(kind, address) for kind, address in links.items()}
    source = changed.pop("source", "")
    if changed.get("marketing") is not None:
        changed["marketing"] = {"given": changed["marketing"], "at": clock.timestamp(), "source": source}
    return store.change(user_id, changed, version=version)


def offer_upload(user_id: str, content_type: str) -> Upload:
    """A place for a picture that the browser sends to S3 itself, without us in between."""
    name = ids.new("avt")
    offer = gateway.offer_upload(f"{UPLOADS}/{user_id}/{name}", content_type)
    return Upload(name, offer["url"], offer["fields"])


def confirm_avatar(user_id: str, key: str) -> Profile:
    """Make the uploaded picture the avatar, if it is one; repeated, it changes nothing.

    It is read from the caller's own uploads, so that nobody else's can be named, and published under a new name, so
    that deleting an old one never hits it. The profile notes the name before it is public: whatever ends us in between,
    the next avatar, or the erasure, finds and deletes it.
    Where and with what it was taken is not published.
    Raises NoUpload, NotAPicture, PictureTooLarge, AvatarMoved or AccountErased.
    """
    upload, picture = f"{UPLOADS}/{user_id}/{key}", f"{PUBLIC}/{ids.new('pic')}"
    present = store.get(user_id)
    if present.avatar and present.avatar_upload == key:
        return present
    content = gateway.uploaded(upload)
    if content is None:
        raise NoUpload("Upload the picture first; it is kept for a day.")
    try:
        found = pictures.picture_of(content)
        content = metadata.stripped(content, found.content_type)
    except (model.NotAPicture, model.PictureTooLarge):
        gateway.discard([upload])
        raise
    store.begin_avatar(user_id, picture)
    gateway.publish(picture, content, found.content_type)
    try:
        profile = store.show_avatar(user_id, picture, upload=key)
    except (store.AvatarMoved, model.AccountErased):
        gateway.discard([picture])
        raise
    gateway.discard([upload])
    return profile


remove_avatar = store.remove_avatar
discard_pictures = gateway.discard


def add_address(
    user_id: str, label: str, phone: str, written: postal.Written, *, default: bool
) -> tuple[Address, bool]:
    """Raises BadAddress, BadPhone, AddressBookFull or AccountErased."""
    return book.add(user_id, _address(label, phone, postal.check(written)), default=default)


def change_address(
    user_id: str, address_id: str, fields: Mapping[str, Any], *, default: bool | None, version: int | None
) -> tuple[Address, bool]:
    """Set the given fields; an empty text takes one away. The whole must fit its country afterwards.

    Raises NoSuchAddress, PreconditionFailed, DefaultNeeded, BadAddress, BadPhone or AccountErased.
    """

    def edit(found: Address) -> Address:
        if not fields:
            return found
        merged = replace(found, **fields)
        if "country" in fields and fields["country"] != found.country and "state" not in fields:
            merged = replace(merged, state="")
        names = ("name", "line1", "line2", "city", "state", "postal_code", "country")
        checked = postal.check(postal.Written(**{name: getattr(merged, name) for name in names}))
        made = _address(merged.label, merged.phone, checked)
        return replace(made, id=found.id, version=found.version)

    return book.change(user_id, address_id, edit, default=default, version=version)


def check_address(label: str, phone: str, written: postal.Written) -> Address:
    """The address as an address book would keep it. Raises BadAddress or BadPhone."""
    return _address(label, phone, postal.check(written))


def _address(label: str, phone: str, checked: postal.Checked) -> Address:
    number = phones.e164(phone, checked.country) if phone else ""
    return Address(id="", label=label, phone=number, **asdict(checked))
