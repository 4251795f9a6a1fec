"""What other services may know of a person: where the item is, and how to reach them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from identity.manifest import MANIFEST as MANIFEST
from market.table import Key


@dataclass(frozen=True, slots=True)
class Contact:
    """How a person is addressed. Personal data: for mails, never for logs, events or other people's answers.

    All are empty of somebody who was erased; `former_emails` are the addresses that a `user.email_changed` took the
    place of, by its `change_id`: the last few.
    """

    email: str
    name: str
    former_emails: Mapping[str, str] = field(default_factory=dict)


def user_key(sub: str) -> Key:
    """The item of the person whom tokens call `sub`."""
    return Key(f"USR#{sub}")


def read_contact(item: Mapping[str, Any]) -> Contact:
    return Contact(item["email"], item["name"], item.get("former_emails", {}))
