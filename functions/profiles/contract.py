"""What other services may know of a person's profile and addresses, and which of them take part in exports.

item = table.get(address_key(customer_id, address_id))     # None: no such address of this person's
address = read_address(item).snapshot()                    # as orders keep it
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from market.table import Key
from profiles.manifest import MANIFEST as MANIFEST

CONTRIBUTORS = (
    "abuse",
    "access",
    "cart",
    "fraud",
    "identity",
    "invoices",
    "media",
    "orders",
    "payments",
    "prices",
    "profiles",
    "promotions",
    "refunds",
    "tax",
)
"""Services that write a file of their own for each export; it is complete when all of them have."""

SOMEBODY = "A customer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """How a person appears to others. avatar: a name below MEDIA_URL, empty without one."""

    display_name: str
    avatar: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """An entry of an address book, as it was checked against the rules of its country. Personal data.

    state: as its country writes it, `CA`; subdivision: its ISO 3166-2 code, `US-CA`, empty where we know none. phone:
    E.164. lines: as to be printed on a parcel, without the country's name.
    """

    id: str
    label: str
    name: str
    line1: str
    line2: str = ""
    city: str = ""
    state: str = ""
    subdivision: str = ""
    postal_code: str = ""
    country: str
    phone: str = ""
    lines: tuple[str, ...] = ()
    version: int = 1

    def snapshot(self) -> dict[str, str]:
        """The address as orders freeze it: camelCase, nothing that is empty."""
        fields = {
            "name": self.name,
            "line1": self.line1,
            "line2": self.line2,
            "city": self.city,
            "state": self.state,
            "postalCode": self.postal_code,
            "country": self.country,
            "phone": self.phone,
        }
        return {name: value for name, value in fields.items() if value}


def profile_key(user_id: str) -> Key:
    return Key(f"PRF#{user_id}")


def address_key(user_id: str, address_id: str) -> Key:
    return Key(f"ADR#{user_id}", address_id)


def read_author(item: Mapping[str, Any] | None) -> Author:
    """Of what `profile_key` leads to; whoever has no profile, or erased it, is somebody."""
    found = item or {}
    return Author(
        display_name=found.get("display_name") or SOMEBODY, avatar=found.get("avatar", "").removeprefix("media/")
    )


def read_address(item: Mapping[str, Any]) -> Address:
    fields = ("label", "name", "line1", "line2", "city", "state", "subdivision", "postal_code", "country", "phone")
    return Address(
        id=item["sk"],
        **{field: item.get(field, "") for field in fields},
        lines=tuple(item["lines"]),
        version=item["version"],
    )


def export_folder(request_id: str) -> str:
    """Where in the documents bucket each service leaves its part of an export, as `<service>.json`."""
    return f"exports/{request_id}/"
