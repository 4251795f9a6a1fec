"""Fills an empty marketplace with the store that ships with it, over the API, as its staff and vendors would.

Doing it again changes nothing. Only accounts are made past the API: a person would have to read mailed codes.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from store import people, stock
from store.stock import Shop
from tools.client import Answer, Client, Refused

__all__ = ["Market", "fill", "seed"]

_UPLOADS = 4


class Market(Protocol):
    """A marketplace to fill."""

    def call(
        self, method: str, path: str, json: Any = None, token: str | None = None, raw: bytes | None = None
    ) -> Answer:
        """One request."""

    def account(self, email: str, password: str, roles: tuple[str, ...], vendor_id: str, name: str) -> object:
        """Make a verified account with exactly these roles; one that exists gets them."""


def seed(base_url: str, staff: Mapping[str, str]) -> None:
    """Fill the marketplace at `base_url`, with a login of staff, in the process that holds its accounts."""
    fill(_Here(base_url), staff["email"], staff["password"])


def fill(market: Market, staff_email: str, staff_password: str) -> None:
    """Raises Refused where the marketplace does not take something."""
    staff = _token(market, staff_email, staff_password)
    market.account(people.STAFF.email, people.STAFF.password, ("customer", "staff"), "", people.STAFF.name)
    for person in people.CUSTOMERS:
        market.account(person.email, person.password, ("customer",), "", person.name)
    for name, parent, place in stock.categories():
        body = {"name": name, "parent": parent, "sortOrder": place}
        _ok(market, "POST", "/v1/admin/categories", body, staff, unless="category_exists")
    for shop in stock.shops():
        _open(market, shop, staff)


def _open(market: Market, shop: Shop, staff: str) -> None:
    vendor_id = _vendor(market, shop, staff)
    market.account(shop.email, people.PASSWORD, ("customer", "vendor"), vendor_id, shop.owner)
    owner = _token(market, shop.email, people.PASSWORD)
    path = f"/v1/vendors/{vendor_id}"

    def upload(picture: bytes) -> str:
        return str(_ok(market, "POST", f"{path}/media", None, owner, raw=picture)["url"])

    pictures = shop.pictures()
    with ThreadPoolExecutor(_UPLOADS) as pool:
        addresses = dict(zip(pictures, pool.map(upload, pictures), strict=True))
    report = _ok(market, "POST", f"{path}/products/import", {"rows": shop.rows(addresses)}, owner)
    if report["rejected"]:
        reasons = [row["reason"] for row in report["rows"] if row["result"] == "rejected"]
        raise ValueError(f"{shop.name}: {reasons[0]}")


def _vendor(market: Market, shop: Shop, staff: str) -> str:
    """The shop's vendor id, after its application and approval where it is not open yet."""
    market.account(shop.email, people.PASSWORD, ("customer",), "", shop.owner)
    owner = _token(market, shop.email, people.PASSWORD)
    own = market.call("GET", "/v1/me/vendor", token=owner)
    profile: Any = own.json
    if own.status == 404:
        application = {
            "name": shop.name,
            "slug": shop.slug,
            "supportEmail": shop.email,
            "description": shop.description,
        }
        profile = _ok(market, "POST", "/v1/vendors/apply", application, owner)
    if profile["status"] == "pending":
        _ok(market, "PATCH", f"/v1/admin/vendors/{profile['id']}/status", {"status": "active"}, staff)
    return str(profile["id"])


def _token(market: Market, email: str, password: str) -> str:
    return str(_ok(market, "POST", "/v1/auth/login", {"email": email, "password": password})["accessToken"])


def _ok(
    market: Market,
    method: str,
    path: str,
    json: Any = None,
    token: str | None = None,
    *,
    raw: bytes | None = None,
    unless: str = "",
) -> Any:
    answer = market.call(method, path, json, token, raw)
    if answer.status >= 400 and (not unless or answer.code != unless):
        raise Refused(f"{method} {path}", answer)
    return answer.json


class _Here(Client):
    """The marketplace over HTTP, with accounts made in this process."""

    def account(self, email: str, password: str, roles: tuple[str, ...], vendor_id: str, name: str) -> object:
        from identity import service

        return service.bootstrap(email, password, name, roles, vendor_id)
