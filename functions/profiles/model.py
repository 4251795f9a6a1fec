"""Rules of profiles and of the rights over them: pure."""

import re
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlsplit

from market.errors import Conflict, NotFound, TooManyRequests, Unprocessable

MINIMUM_AGE = 16
OLDEST = 120
MAX_ADDRESSES = 50

SITES = {
    "facebook": ("facebook.com", "fb.com"),
    "github": ("github.com",),
    "instagram": ("instagram.com",),
    "linkedin": ("linkedin.com",),
    "mastodon": (),
    "pinterest": ("pinterest.com",),
    "tiktok": ("tiktok.com",),
    "website": (),
    "x": ("x.com", "twitter.com"),
    "youtube": ("youtube.com", "youtu.be"),
}
"""Kinds of links, and the hosts that they may lead to: any public one where none is named."""

EXPORT_EVERY = timedelta(days=1)
EXPORT_KEPT = timedelta(days=7)
EXPORT_PATIENCE = timedelta(hours=6)
"""How long an export waits for a service that has not written its part; then it is handed out without."""

ERASURE_WAIT = timedelta(days=7)
OPEN_FOR = timedelta(days=30)
"""How long a paid order that was never sent holds up the erasure of its buyer, who must not have to wait for ever."""

_HOST = re.compile(r"(?=.{4,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?:[a-z]{2,63}|xn--[a-z0-9-]{2,59})\Z")
_NOT_PUBLIC = (".local", ".localhost", ".internal", ".home.arpa", ".lan", ".test", ".invalid", ".onion")


class TooYoung(Unprocessable):
    """The date of birth is one of somebody who may not have an account, or of nobody."""

    code, title = "date_of_birth_refused", "Date of birth refused"


class BadLink(Unprocessable):
    code, title = "bad_link", "Link refused"


class BadPhone(Unprocessable):
    code, title = "bad_phone", "Not a telephone number"


class BadAddress(Unprocessable):
    """The address does not fit the rules of its country; `errors` names the fields."""

    code, title = "bad_address", "Address refused"


class AddressBookFull(Conflict):
    code, title = "address_book_full", "The address book is full"


class DefaultNeeded(Conflict):
    """An address book has one default address: make another the default instead."""

    code, title = "default_needed", "Another default is needed first"


class NoSuchAddress(NotFound):
    code, title = "address_not_found", "No such address"


class NoUpload(Conflict):
    """Nothing was uploaded under this key, or too long ago."""

    code, title = "upload_missing", "Nothing was uploaded"


class NotAPicture(Unprocessable):
    """The content is none of PNG, JPEG and WebP, is cut short, or is followed by something else."""

    code, title = "not_a_picture", "Not a picture"


class PictureTooLarge(Unprocessable):
    code, title = "picture_too_large", "Picture too large"


class ExportTooSoon(TooManyRequests):
    code, title = "export_too_soon", "One export a day"


class NoExport(NotFound):
    code, title = "export_not_found", "No export"


class StillResponsible(Conflict):
    """Staff and people who sell hand over first; open orders end first. `reason` says which."""

    code, title = "still_responsible", "Not while you are needed"


class NoErasure(NotFound):
    code, title = "erasure_not_found", "No erasure is planned"


class ErasureUnderWay(Conflict):
    """It is being carried out, or done, and cannot be taken back."""

    code, title = "erasure_under_way", "The erasure is under way"


class AccountErased(Conflict):
    """The person's data were erased; nothing new is written about them."""

    code, title = "account_erased", "The account was erased"


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """To marketing mails: given or taken back, when (ISO 8601), and where the person was asked."""

    given: bool
    at: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a person says of themselves. Version 0 is one that was never written.

    avatar: a path in the media bucket; avatar_upload: the key of the upload that it was made of. born: YYYY-MM-DD.
    phone: E.164. links: address by kind.
    """

    user_id: str
    version: int = 0
    display_name: str = ""
    bio: str = ""
    links: dict[str, str] = field(default_factory=dict)
    phone: str = ""
    born: str = ""
    avatar: str = ""
    avatar_upload: str = ""
    language: str = ""
    currency: str = ""
    theme: str = ""
    marketing: Consent | None = None
    updated_at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """waiting → erasing → erased, or waiting → cancelled. Times are ISO 8601."""

    user_id: str
    request_id: str
    status: str
    requested_at: str
    due_at: str
    erased_at: str = ""


WAITING, ERASING, ERASED, CANCELLED = "waiting", "erasing", "erased", "cancelled"


def check_born(born: date, today: date) -> None:
    """Raises TooYoung."""
    age = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    if not MINIMUM_AGE <= age <= OLDEST:
        raise TooYoung(f"You must be {MINIMUM_AGE} years old, and the date a real one.", errors=[_error("dateOfBirth")])


def clean_link(kind: str, address: str) -> str:
    """The link as it is kept. Raises BadLink unless it is https, to a public host of its kind, without credentials."""
    try:
        parts = urlsplit(address)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        raise _bad_link(kind) from None
    public = _HOST.match(host) and not host.endswith(_NOT_PUBLIC)
    if parts.scheme != "https" or "@" in parts.netloc or port not in (None, 443) or not public or "\\" in address:
        raise _bad_link(kind)
    hosts = SITES[kind]
    if hosts and not any(host == known or host.endswith(f".{known}") for known in hosts):
        raise _bad_link(kind)
    return address


def _bad_link(kind: str) -> BadLink:
    hosts = SITES[kind]
    where = f" to {' or '.join(hosts)}" if hosts else " to a public host"
    return BadLink(f"Send an https address{where}, without name and password.", errors=[_error(f"links.{kind}")])


def _error(place: str) -> dict[str, Any]:
    return {"field": f"body.{place}", "code": "value_error", "message": "This value is refused."}
