"""What callers see."""

from pydantic import Field

from market import config
from market.http import View
from profiles.contract import Address
from profiles.exporting import State
from profiles.model import Erasure, Profile
from profiles.service import Upload


class MarketingView(View):
    opt_in: bool
    at: str
    source: str


class PreferencesView(View):
    language: str | None = None
    currency: str | None = None
    theme: str | None = None
    marketing: MarketingView | None = None


class ProfileView(View):
    """What is not set is not there."""

    display_name: str | None = None
    bio: str | None = None
    links: dict[str, str] = {}
    phone: str | None = None
    date_of_birth: str | None = None
    avatar_url: str | None = None
    preferences: PreferencesView

    @staticmethod
    def of(profile: Profile) -> "ProfileView":
        consent = profile.marketing
        return ProfileView(
            display_name=profile.display_name or None,
            bio=profile.bio or None,
            links=profile.links,
            phone=profile.phone or None,
            date_of_birth=profile.born or None,
            avatar_url=f"{config.setting('MEDIA_URL')}/{profile.avatar.removeprefix('media/')}"
            if profile.avatar
            else None,
            preferences=PreferencesView(
                language=profile.language or None,
                currency=profile.currency or None,
                theme=profile.theme or None,
                marketing=MarketingView(opt_in=consent.given, at=consent.at, source=consent.source)
                if consent
                else None,
            ),
        )


class UploadView(View):
    """Send a form of `fields`, and last the picture as `file`, to `url`; then confirm `key`. Good for 15 minutes."""

    key: str
    url: str
    fields: dict[str, str]
    max_bytes: int

    @staticmethod
    def of(upload: Upload, max_bytes: int) -> "UploadView":
        return UploadView(key=upload.key, url=upload.url, fields=dict(upload.fields), max_bytes=max_bytes)


class CheckedAddress(View):
    """An address by the rules of its country. lines: as to be printed, without the country's name."""

    name: str
    line1: str
    line2: str | None = None
    city: str | None = None
    state: str | None = None
    subdivision: str | None = Field(None, description="ISO 3166-2 code of the state.")
    postal_code: str | None = None
    country: str
    phone: str | None = None
    lines: list[str]

    @staticmethod
    def checked(address: Address) -> "CheckedAddress":
        return CheckedAddress(**_fields(address))


class AddressView(CheckedAddress):
    id: str
    label: str | None = None
    is_default: bool

    @staticmethod
    def of(address: Address, is_default: bool) -> "AddressView":
        return AddressView(**_fields(address), id=address.id, label=address.label or None, is_default=is_default)


class AddressBookView(View):
    items: list[AddressView]


class ExportView(View):
    """status: preparing, ready, or incomplete where a service did not answer in time. downloadUrl: for 15 minutes."""

    request_id: str
    status: str
    requested_at: str
    missing: list[str] | None = None
    download_url: str | None = None

    @staticmethod
    def of(state: State) -> "ExportView":
        return ExportView(
            request_id=state.export.request_id,
            status=state.status,
            requested_at=state.export.requested_at,
            missing=list(state.missing) or None,
            download_url=state.url or None,
        )


class ErasureView(View):
    """status: waiting until dueAt, when it can no longer be taken back."""

    request_id: str
    status: str
    requested_at: str
    due_at: str

    @staticmethod
    def of(erasure: Erasure) -> "ErasureView":
        return ErasureView(
            request_id=erasure.request_id,
            status=erasure.status,
            requested_at=erasure.requested_at,
            due_at=erasure.due_at,
        )


def _fields(address: Address) -> dict[str, object]:
    names = ("line2", "city", "state", "subdivision", "postal_code", "phone")
    optional = {name: getattr(address, name) or None for name in names}
    return optional | {
        "name": address.name,
        "line1": address.line1,
        "country": address.country,
        "lines": list(address.lines),
    }
