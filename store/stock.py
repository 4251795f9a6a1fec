"""What the seeded store sells, as rows of the import: read from `vendors/`, with pictures drawn on the way."""

import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

from store.drawings import draw

__all__ = ["Shop", "categories", "shops"]

_HERE = Path(__file__).parent
_NOT_IN_SKUS = re.compile(r"[^A-Z0-9]+")
Upload = Callable[[bytes], str]
"""Takes a picture, returns its address."""


@dataclass(frozen=True, slots=True)
class Shop:
    """A vendor of the store; `email` is its owner's login too."""

    name: str
    slug: str
    email: str
    owner: str
    description: str
    products: list[dict[str, Any]]

    def pictures(self) -> list[bytes]:
        """All of them, each once."""
        drawn = (_picture(product, colour) for product in self.products for colour in product["colours"])
        return list(dict.fromkeys(drawn))

    def rows(self, addresses: dict[bytes, str]) -> list[dict[str, Any]]:
        """The products as rows of the import; `addresses` tells where each picture is."""
        return [_row(self, product, addresses) for product in self.products]


def shops() -> list[Shop]:
    return [Shop(**tomllib.loads(file.read_text())) for file in sorted((_HERE / "vendors").glob("*.toml"))]


def categories() -> Iterator[tuple[str, str | None, int]]:
    """Name, path of the parent, place: parents before their children."""
    tree = tomllib.loads((_HERE / "categories.toml").read_text())["categories"]
    for place, top in enumerate(tree):
        yield top["name"], None, place
        for below, name in enumerate(top["below"]):
            yield name, top["name"].lower(), below


def _row(shop: Shop, product: dict[str, Any], addresses: dict[bytes, str]) -> dict[str, Any]:
    colours = product["colours"]
    pictures = {colour: addresses[_picture(product, colour)] for colour in colours}
    return {
        "externalId": product["id"],
        "slug": product["id"],
        "title": product["title"],
        "description": product["text"],
        "category": product["category"],
        "brand": shop.name,
        "tags": product["tags"],
        "attributes": product["attributes"],
        "images": [{"url": pictures[colour], "alt": f"{product['title']} in {colour}"} for colour in colours],
        "variants": list(_variants(shop, product, pictures)),
    }


def _variants(shop: Shop, product: dict[str, Any], pictures: dict[str, str]) -> Iterator[dict[str, Any]]:
    sizes: dict[str, int] = product.get("sizes", {"": 0})
    kinds = [(colour, size) for colour in product["colours"] for size in sizes]
    for number, (colour, size) in enumerate(kinds):
        options = ({"colour": colour} if len(product["colours"]) > 1 else {}) | ({"size": size} if size else {})
        price = product["price"] + sizes[size]
        words = f"{shop.slug[:3]} {product['id']} {colour if 'colour' in options else ''} {size}".upper()
        variant = {
            "sku": _NOT_IN_SKUS.sub("-", words).strip("-"),
            "options": options,
            "price": {"amount": price, "currency": "EUR"},
            "image": pictures[colour],
            "stock": product["stock"] // len(kinds) + (number == 0),
        }
        if crc32(product["id"].encode()) % 7 == 0:  # some are reduced
            variant["compareAtPrice"] = {"amount": price * 5 // 4 // 100 * 100 + 90, "currency": "EUR"}
        yield variant


def _picture(product: dict[str, Any], colour: str) -> bytes:
    return draw(product["picture"], colour, ground=crc32(product["id"].encode()))
