"""What can happen to a vendor: applying, changing its profile, and what staff decide."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from market import clock, ids, log
from vendors import pictures, store
from vendors.events import VendorApplied
from vendors.model import ACTIVE, NEEDS_REASON, NoSuchVendor, Profile, ReasonNeeded, event_of, slug_of


def apply(owner_id: str, fields: Mapping[str, Any]) -> Profile:
    """Apply to sell. Raises AlreadyApplied, SlugTaken, or Unprocessable where no slug can be made of the name.

    A person has one place: it is taken until the application is rejected. That makes a repeated application harmless.
    """
    slug = fields.get("slug") or slug_of(fields["name"])
    given = dict(fields) | {"slug": slug}
    profile = Profile(id=ids.new("ven"), owner_id=owner_id, applied_at=clock.timestamp(), **given)
    store.add(profile, VendorApplied(vendor_id=profile.id, owner_id=owner_id))
    log.info("vendor applied", vendor_id=profile.id, owner_id=owner_id)
    return profile


def public(vendor_id: str) -> Profile:
    """A vendor that sells. Raises NoSuchVendor for any other."""
    profile = store.get(vendor_id)
    if not profile or profile.status != ACTIVE:
        raise NoSuchVendor("There is no such vendor.")
    return profile


def of_owner(owner_id: str) -> Profile:
    profile = store.of_owner(owner_id)
    if not profile:
        raise NoSuchVendor("You have no vendor.")
    return profile


def any_status(vendor_id: str) -> Profile:
    profile = store.get(vendor_id, consistent=True)
    if not profile:
        raise NoSuchVendor("There is no such vendor.")
    return profile


def change(profile: Profile, fields: Mapping[str, Any]) -> Profile:
    """Change fields of a vendor as it was read; logo and banner are given as ids of media, empty for none.

    Raises PreconditionFailed if it changed since, or MediaNotReady.
    """
    found = pictures.resolved(fields, profile.id)
    changed = replace(profile, **found.fields)
    return store.save(changed, found.claims) if changed != profile else profile


def decide(vendor_id: str, status: str, reason: str) -> Profile:
    """Bring a vendor to another status, as staff; to the one it has, it changes nothing and tells nobody.

    Raises NoSuchVendor, InvalidTransition, ReasonNeeded, or PreconditionFailed if somebody else decided meanwhile.
    """
    profile = any_status(vendor_id)
    if profile.status == status:
        return profile
    event = event_of(profile.status, status)
    if status in NEEDS_REASON and not reason:
        raise ReasonNeeded("Say why: the vendor will ask.")
    decided = store.save_status(
        replace(profile, status=status, reason=reason), event(vendor_id=vendor_id, owner_id=profile.owner_id)
    )
    log.info("vendor decided", vendor_id=vendor_id, was=profile.status, status=status)
    return decided
