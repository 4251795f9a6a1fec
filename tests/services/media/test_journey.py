"""A photograph on its way through the whole marketplace: parts, bucket, bus, queue, library, product, page, picture."""

import io
from http.client import HTTPConnection
from random import Random
from typing import Any
from urllib.parse import urlsplit

import pytest
from PIL import Image

from local.harness import InProcess, marketplace
from tests.journeys.fair import Fair
from tests.services.media.samples import encoded


def send(url: str, content: bytes, method: str = "PUT") -> int:
    """What a browser does with a part: straight to the bucket, past the API."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.netloc, timeout=30)
    try:
        connection.request(method, f"{parts.path}?{parts.query}", content)
        return connection.getresponse().status
    finally:
        connection.close()


def fetch(shop: InProcess, path: str) -> tuple[int, dict[str, str], bytes]:
    connection = HTTPConnection(urlsplit(shop.base_url).netloc, timeout=30)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


@pytest.mark.contract("6.1", "6.2")
@pytest.mark.slow
def test_a_photograph_of_many_megabytes_is_resumed_and_shown_on_a_page() -> None:
    width, height = 2600, 2200
    noise = Image.frombytes("RGB", (width, height), Random(3).randbytes(width * height * 3))
    photo = encoded(noise, "JPEG", quality=98)
    with marketplace() as shop:
        fair = Fair(shop, shop.person("staff@example.com", roles=("customer", "staff")))
        fair.open(shop)
        vendor, token = fair.vendors["lights"], fair.tokens["lights"]
        media_id = _uploaded(fair, photo)
        shop.drain(120)

        shown = fair.ask("GET", f"/v1/vendors/{vendor}/media/{media_id}", token=token)
        assert (shown["status"], shown["width"], shown["height"]) == ("ready", width, height)
        product = fair.sell("lights", "LAMP", 4900, 3)
        path = f"/v1/vendors/{vendor}/products/{product['id']}"
        fair.ask("PATCH", path, {"media": [{"mediaId": media_id, "alt": "A lamp"}]}, token=token)
        (medium,) = fair.ask("GET", f"/v1/products/{product['slug']}")["media"]
        avif = [source for source in medium["sources"] if source["type"] == "image/avif"]
        assert [source["width"] for source in avif] == [160, 480, 960, 1600]
        _looks_like_it(shop, avif[1])
        assert shop.runtime.dead_letters() == {}


def _uploaded(fair: Fair, photo: bytes) -> str:
    """In parts, one of them twice; what was missing is sent after asking for it, and completed twice."""
    library, token = f"/v1/vendors/{fair.vendors['lights']}/media", fair.tokens["lights"]
    file = {"name": "IMG_0001.jpg", "size": len(photo), "type": "image/jpeg"}
    begun = fair.ask("POST", f"{library}/uploads", {"files": [file]}, token=token, status=201)["items"][0]
    one, size, parts = f"{library}/{begun['id']}", begun["upload"]["partBytes"], begun["upload"]["parts"]
    pieces = {part["number"]: photo[(part["number"] - 1) * size :][: part["bytes"]] for part in parts}
    urls = {part["number"]: part["url"] for part in parts}
    last, first = max(pieces), min(pieces)
    assert last > first

    assert [send(urls[last], pieces[last]) for _ in range(2)] == [200, 200]
    assert send(urls[first], pieces[first] + b"more") == 403, "more than was announced"
    assert send(urls[first].replace("partNumber=1", "partNumber=7"), pieces[first]) == 403
    incomplete = fair.ask("POST", f"{one}/completion", token=token, status=409)
    assert incomplete["missing"] == sorted(set(pieces) - {last})
    for part in fair.ask("GET", one, token=token)["upload"]["parts"]:
        assert part["arrived"] is (part["number"] == last)
        if not part["arrived"]:
            assert send(part["url"], pieces[part["number"]]) == 200
    for _ in range(2):
        fair.ask("POST", f"{one}/completion", token=token)
    return str(begun["id"])


def _looks_like_it(shop: InProcess, source: dict[str, Any]) -> None:
    status, headers, content = fetch(shop, source["url"])
    assert (status, headers["content-type"]) == (200, "image/avif")
    assert "immutable" in headers["cache-control"]
    with Image.open(io.BytesIO(content)) as image:
        assert (image.format, *image.size) == ("AVIF", source["width"], source["height"])


@pytest.mark.contract("6.2")
def test_an_address_is_good_for_one_part_of_one_upload_of_one_length() -> None:
    with marketplace() as shop:
        fair = Fair(shop, shop.person("staff@example.com", roles=("customer", "staff")))
        fair.open(shop)
        library = f"/v1/vendors/{fair.vendors['lights']}/media"
        files = [{"name": name, "size": 50, "type": "image/png"} for name in ("a", "b")]
        body = {"files": files}
        mine, other = fair.ask("POST", f"{library}/uploads", body, token=fair.tokens["lights"], status=201)["items"]
        url = mine["upload"]["parts"][0]["url"]

        assert send(url.replace(mine["id"], other["id"]), b"x" * 50) == 403
        assert send(url.replace("uploadId=", "uploadId=f"), b"x" * 50) == 403
        assert send(url, b"x" * 49) == 403
        assert send(url, b"x" * 50, "POST") in (400, 403)
        assert send(url.split("?")[0], b"x" * 50) == 403
        assert fetch(shop, urlsplit(url).path)[0] == 403
        assert send(url, b"x" * 50) == 200
        assert shop.call("DELETE", f"{library}/{mine['id']}", token=fair.tokens["lights"]).status == 204
        assert send(url, b"x" * 50) == 404
