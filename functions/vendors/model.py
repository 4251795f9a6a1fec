"""A vendor and its life: applied for, approved or rejected, suspended and let sell again."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, StringConstraints

from market.errors import Conflict, NotFound, Unprocessable
from vendors.events import Decided, VendorApproved, VendorReinstated, VendorRejected, VendorSuspended

PENDING: Final = "pending"
ACTIVE: Final = "active"
REJECTED: Final = "rejected"
SUSPENDED: Final = "suspended"
Status = Literal["pending", "active", "rejected", "suspended"]

TRANSITIONS: dict[tuple[str, str], type[Decided]] = {
    (PENDING, ACTIVE): VendorApproved,
    (PENDING, REJECTED): VendorRejected,
    (ACTIVE, SUSPENDED): VendorSuspended,
    (SUSPENDED, ACTIVE): VendorReinstated,
}
"""Every change of status there is, with the event that tells of it."""
NEEDS_REASON = frozenset({REJECTED, SUSPENDED})

_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f\u2028\u2029]")


def _plain(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("must not contain control characters")
    return text


def _one_line(text: str) -> str:
    if "\n" in text:
        raise ValueError("must be one line")
    return _plain(text)


Line = Annotated[str, StringConstraints(min_length=1, max_length=120), AfterValidator(_one_line)]
Prose = Annotated[str, StringConstraints(max_length=2000), AfterValidator(_plain)]
Slug = Annotated[str, StringConstraints(min_length=3, max_length=60, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
Email = Annotated[
    str,
    StringConstraints(
        max_length=128,
        pattern=r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}$",
    ),
]
Phone = Annotated[str, StringConstraints(max_length=30, pattern=r"^\+?[0-9][0-9 ()/-]{3,28}$")]
TaxId = Annotated[str, StringConstraints(max_length=40, pattern=r"^[A-Za-z0-9][A-Za-z0-9 ./-]*$")]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]


class SlugTaken(Conflict):
    """Another vendor has this slug; choose one with `slug`."""

    code, title = "slug_taken", "Slug already in use"


class AlreadyApplied(Conflict):
    """The caller has a vendor already, or an application that waits; `vendorId` says which."""

    code, title = "already_applied", "You have a vendor already"


class InvalidTransition(Conflict):
    """The vendor's status does not lead to the wanted one; `present` is the one it has."""

    code, title = "invalid_transition", "Not possible in this status"


class ReasonNeeded(Unprocessable):
    code, title = "reason_needed", "A reason is needed"


class NoSuchVendor(NotFound):
    code, title = "vendor_not_found", "No such vendor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A vendor as itself and staff see it. `legal_name`, `tax_id` and `country` are not for the public.

    `reason` is why it was rejected or suspended; `version` counts changes. `logo`, `banner`: as `pictures` keeps them.
    """

    id: str
    owner_id: str
    name: str
    slug: str
    support_email: str
    applied_at: str
    status: str = PENDING
    support_phone: str = ""
    description: str = ""
    logo: str = ""
    banner: str = ""
    legal_name: str = ""
    tax_id: str = ""
    country: str = ""
    reason: str = ""
    version: int = 1


def event_of(present: str, wanted: str) -> type[Decided]:
    """The event of a change of status. Raises InvalidTransition where there is no such change."""
    event = TRANSITIONS.get((present, wanted))
    if not event:
        raise InvalidTransition(f"A vendor that is {present} cannot become {wanted}.", present=present)
    return event


def slug_of(name: str) -> str:
    """`Café Zoë & Söhne` becomes `cafe-zoe-sohne`. Raises Unprocessable where nothing usable is left."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60].rstrip("-")
    if len(slug) < 3:
        raise Unprocessable("No slug can be made of this name; send one as `slug`.")
    return slug
