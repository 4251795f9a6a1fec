"""Whose products they are: the vendors over which the rows of a catalogue are spread.

Without a list these are all vendors that sell here. With a list of names, vendors that are not there yet are founded as
people would do it: an account, the code from the mailbox, an application, and its approval by staff.
"""

import base64
import hashlib
import hmac
import re
import string
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zlib import crc32

from tools.catalogue_mapping import ColumnMapping, read
from tools.client import Client, Refused

__all__ = ["NoSellers", "Staff", "seller_of", "sellers"]

_CODE = re.compile(r"\b\d{6}\b")
_MAIL_SECONDS = 10.0


class NoSellers(RuntimeError):
    """There is no vendor to import for, or no way to found one; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Staff:
    """A login of staff."""

    email: str
    password: str

    def token(self, client: Client) -> str:
        return client.sign_in(self.email, self.password)


def seller_of(vendor_ids: list[str], external_id: str) -> str:
    """The same row goes to the same vendor each time, as long as the list is the same."""
    return vendor_ids[crc32(external_id.encode()) % len(vendor_ids)]


def sellers(client: Client, staff: Staff, names: Path | None, mapping: ColumnMapping) -> list[str]:
    """Ids of the vendors. Raises NoSellers or Refused."""
    here = _here(client)
    if names is None:
        if not here:
            raise NoSellers("No vendor sells here yet. Name a file of vendors with VENDORS=.")
        return sorted(here.values())
    token = staff.token(client)
    return [here.get(name) or _found(client, token, staff, name) for name in _names(names, mapping)]


def _here(client: Client) -> dict[str, str]:
    """Ids of all vendors that sell here, by name."""
    found: dict[str, str] = {}
    cursor = ""
    while True:
        page = client.ok("GET", f"/v1/vendors?limit=100{f'&cursor={quote(cursor)}' if cursor else ''}")
        found |= {vendor["name"]: vendor["id"] for vendor in page["items"]}
        cursor = page.get("nextCursor") or ""
        if not cursor:
            return found


def _names(path: Path, mapping: ColumnMapping) -> list[str]:
    """A name a line of a text file; of a table, the template `vendors.name` of the mapping, filled with its columns."""
    settings = mapping.sellers
    names: dict[str, None] = {}
    if path.suffix == ".txt":
        names = dict.fromkeys(line.strip() for line in path.read_text().splitlines() if line.strip())
    else:
        for line in read(path):
            names[string.capwords(ColumnMapping.fill(settings.get("name", "{name}"), line.record))] = None
            if len(names) == settings.get("at_most", 25):
                break
    names.pop("", None)
    if not names:
        raise NoSellers(f"{path} names no vendor.")
    return list(names)


def _found(client: Client, staff_token: str, staff: Staff, name: str) -> str:
    """Found a vendor, going on where an earlier attempt stopped."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40]
    email = f"{slug}-{crc32(name.encode()):08x}@sellers.example"
    digest = hmac.digest(staff.password.encode(), email.encode(), hashlib.sha256)
    token = _account(client, email, f"{base64.b64encode(digest[:12]).decode()}-aA1!", name)
    own = client.call("GET", "/v1/me/vendor", token=token)
    profile: Mapping[str, Any] = own.json
    if own.status == 404:
        profile = client.ok("POST", "/v1/vendors/apply", {"name": name, "supportEmail": email}, token)
    if profile["status"] == "pending":
        client.ok("PATCH", f"/v1/admin/vendors/{profile['id']}/status", {"status": "active"}, staff_token)
    return str(profile["id"])


def _account(client: Client, email: str, password: str, name: str) -> str:
    """An access token of the account, which is made if there is none."""
    login = {"email": email, "password": password}
    answer = client.call("POST", "/v1/auth/login", login)
    if answer.status == 200:
        return str(answer.json["accessToken"])
    if answer.code not in ("email_not_verified", "invalid_credentials"):
        raise Refused(f"signing in {email}", answer)
    made = client.ok("POST", "/v1/auth/register", login | {"name": name[:100]})
    proof = {"code": _mailed_code(client, email), "registration": made["registration"]}
    client.ok("POST", "/v1/auth/verify", {"email": email} | proof)
    return client.sign_in(email, password)


def _mailed_code(client: Client, email: str) -> str:
    until = time.monotonic() + _MAIL_SECONDS
    while time.monotonic() < until:
        answer = client.call("GET", f"/mailbox.json?to={quote(email)}")
        if answer.status != 200:
            raise NoSellers(
                "New vendors can be founded only where there is a mailbox. Name vendors that sell here already."
            )
        for mail in answer.json:
            if code := _CODE.search(mail["text"]):
                return code.group()
        time.sleep(0.1)
    raise NoSellers(f"No code was mailed to {email}.")
