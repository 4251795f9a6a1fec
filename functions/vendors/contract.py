"""What other services may know of a vendor, and a fence that lets their writes pass only while the vendor may sell."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from market.errors import Conflict
from market.table import Key, Write, check
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


def must_be_active(vendor_id: str) -> Write:
    """Let a transaction pass only while the vendor may sell. Raises VendorNotActive, also where there is no vendor."""
    return check(
        vendor_key(vendor_id),
        when="status = :active",
        values={":active": ACTIVE},
        otherwise=VendorNotActive("The vendor may not sell at present."),
    )
