"""What other services may know of a vendor, and a fence that lets their writes pass only while the vendor may sell."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from market.errors import Conflict, NotFound
from market.guard.callers import Caller
from market.guard.standing import PLATFORM
from market.table import Item, Key, Write, check
from vendors.manifest import MANIFEST as MANIFEST

ACTIVE = "active"


class VendorNotActive(Conflict):
    """The vendor has not been approved, or is suspended."""

    code, title = "vendor_not_active", "The vendor may not sell at present"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """Who sells: `owner_id` is a person's id, `support_email` the address shown to buyers."""

    id: str
    name: str
    slug: str
    status: str
    support_email: str
    owner_id: str


def vendor_key(vendor_id: str) -> Key:
    return Key(f"VEN#{vendor_id}")


def read_vendor(item: Mapping[str, Any]) -> Vendor:
    return Vendor(
        id=item["pk"].removeprefix("VEN#"),
        name=item["name"],
        slug=item["slug"],
        status=item["status"],
        support_email=item["support_email"],
        owner_id=item["owner_id"],
    )


def pictured(vendor: Item, media_id: str) -> bool:
    """Whether a vendor's item names a medium as its logo or banner."""
    return media_id in f"{vendor.get('logo', '')} {vendor.get('banner', '')}"


def require_known(vendor_id: str, caller: Caller, get: Callable[[Key], Item | None]) -> None:
    """Raises NotFound for a vendor that there is not, such as `platform`. Members of a team name one that there is.

    get: the `get` of a table; it is asked for those who come from outside of the team.
    """
    member = vendor_id != PLATFORM and vendor_id in caller.standing.grants
    if not member and get(vendor_key(vendor_id)) is None:
        raise NotFound("There is no such vendor.")


def must_be_active(vendor_id: str) -> Write:
    """Let a transaction pass only while the vendor may sell. Raises VendorNotActive, NotFound where there is none."""
    return check(
        vendor_key(vendor_id),
        when="status = :active",
        values={":active": ACTIVE},
        otherwise=_not_active,
    )


def _not_active(found: Item | None) -> VendorNotActive | NotFound:
    if found is None:
        return NotFound("There is no such vendor.")
    return VendorNotActive("The vendor may not sell at present.")
