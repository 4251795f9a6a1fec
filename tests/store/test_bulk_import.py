"""A bulk import through the whole marketplace: routes, signed addresses, the deployed machine, reports."""

import json
from typing import Any
from urllib.parse import urlsplit

import pytest

from local.harness import InProcess, marketplace
from local.http_gateway import Answer, Request
from local.signed_files import SignedFiles
from tests.services.catalog.bulk_parts import PNG, lines, zipped
from tests.services.catalog.conftest import row

pytestmark = pytest.mark.contract("5.5")


def _fetched(market: InProcess, method: str, url: str, content: bytes = b"") -> Answer:
    """What the bucket answers at a signed address."""
    address = urlsplit(url)
    sent = [("host", address.netloc), ("content-length", str(len(content)))]
    files = SignedFiles(market.inside.cloud.files)
    return files.answer(Request(method, address.path, address.query, sent, content))


def _vendor(market: InProcess) -> tuple[str, str]:
    staff = market.person("grace@example.com", roles=("customer", "staff"))
    market.call("POST", "/v1/admin/categories", {"name": "Home"}, token=staff)
    wish = {"name": "Lamps", "supportEmail": "vera@example.com"}
    vendor = market.call("POST", "/v1/vendors/apply", wish, token=market.person("vera@example.com")).json
    market.call("PATCH", f"/v1/admin/vendors/{vendor['id']}/status", {"status": "active"}, token=staff)
    market.drain()
    return market.token("vera@example.com"), f"/v1/vendors/{vendor['id']}"


def test_an_archive_becomes_products_and_comes_back_as_an_export() -> None:
    rows: list[Any] = [row(n) for n in range(130)]
    rows[5]["images"] = [{"url": "lamp.png", "alt": "A lamp"}]
    content = zipped({"rows.jsonl": lines(*rows, {"externalId": "wrong"}), "lamp.png": PNG})

    with marketplace(sockets=False) as market:
        token, vendor = _vendor(market)
        made = market.call("POST", f"{vendor}/imports", {"format": "zip", "size": len(content)}, token=token)
        assert made.status == 201, made
        (part,) = made.json["upload"]["parts"]
        assert _fetched(market, "PUT", part["url"], content + b"more").status == 403
        assert _fetched(market, "PUT", part["url"], content).status == 200

        path = f"{vendor}/imports/{made.json['id']}"
        assert market.call("POST", f"{path}/start", token=token).status == 202
        market.drain(60)

        ended = market.call("GET", path, token=token).json
        assert (ended["status"], ended["counts"]["created"], ended["counts"]["rejected"]) == ("finished", 130, 1)
        report = _fetched(market, "GET", ended["report"]["jsonl"])
        assert json.loads(report.body.splitlines()[-1])["code"] == "validation_error"
        assert _fetched(market, "GET", ended["report"]["csv"]).body.startswith(b"row,result,")
        page = market.call("GET", "/v1/products/lamp-no-5").json
        picture = market.inside.cloud.files.media(urlsplit(page["images"][0]["url"]).path.removeprefix("/"))
        assert picture
        assert picture.path.read_bytes() == PNG
        exported = market.call("GET", f"{vendor}/products/export?format=csv&limit=100", token=token)
        assert exported.status == 200
        assert len(exported.text.splitlines()) == 101
        assert exported.headers["x-next-cursor"]
