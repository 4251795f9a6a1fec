"""What media tells the others. owner: as `contract.vendor_owner` gives it, or `customer#<person>`."""

from typing import ClassVar

from market.events import Event


class MediaReady(Event):
    """It can be shown: for the first time, or cut anew (`crop` is that crop, empty for the whole)."""

    type: ClassVar[str] = "media.ready"
    media_id: str
    owner: str
    kind: str
    purpose: str
    crop: str = ""


class MediaRefused(Event):
    """It will never be shown: damaged, not what it was said to be, too large, or unsafe."""

    type: ClassVar[str] = "media.refused"
    media_id: str
    owner: str
    kind: str
    purpose: str
    reason: str


class CropWanted(Event):
    """Sizes of another crop are to be made."""

    type: ClassVar[str] = "media.crop_wanted"
    media_id: str
    crop: str
