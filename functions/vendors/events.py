"""What vendors tell others: applications and what became of them."""

from typing import ClassVar

from market.events import Event


class VendorApplied(Event):
    type: ClassVar[str] = "vendor.applied"
    vendor_id: str
    owner_id: str


class VendorApproved(Event):
    """The application was accepted: said once in a vendor's life."""

    type: ClassVar[str] = "vendor.approved"
    vendor_id: str
    owner_id: str


class VendorRejected(Event):
    type: ClassVar[str] = "vendor.rejected"
    vendor_id: str
    owner_id: str


class VendorSuspended(Event):
    type: ClassVar[str] = "vendor.suspended"
    vendor_id: str
    owner_id: str


class VendorReinstated(Event):
    """A suspended vendor may sell again."""

    type: ClassVar[str] = "vendor.reinstated"
    vendor_id: str
    owner_id: str


Decided = VendorApproved | VendorRejected | VendorSuspended | VendorReinstated
