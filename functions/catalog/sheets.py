"""Products as lines of a table (CSV), both ways: what is written here is read back as the very same row.

A line is a variant; lines that follow each other with the same `externalId` are one product, told on the first of them.
A cell that a spreadsheet would take for a formula is written with an apostrophe before it, which is taken off again.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from catalog.tree import slug_of
from market.money import Money, parse

PRODUCT = (
    "externalId", "title", "slug", "description", "category", "brand", "tags", "status", "images", "imageAlts",
    "attributes", "seoTitle", "seoDescription", "seoKeywords", "translations",
)  # fmt: skip
VARIANT = (
    "sku", "options", "price", "currency", "compareAtPrice", "stock", "barcode", "weightGrams", "lengthMm", "widthMm",
    "heightMm", "taxCategory", "variantImage", "isActive",
)  # fmt: skip
COLUMNS = (*PRODUCT, *VARIANT)
NEEDED = ("externalId", "title", "category", "sku", "price", "currency")
_ALIASES = {"tag": "tags", "image": "images", "colour": "option:colour", "color": "option:color", "size": "option:size"}
"""Columns of the plain table of `make import`, by their names here."""
_FREE = ("option:", "attribute:")
_RISKY = ("=", "+", "-", "@", "\t", "\r")
_WHOLE = re.compile(r"\d{1,12}\Z", re.ASCII)
_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_SIZES = ("lengthMm", "widthMm", "heightMm")


class BadCell(ValueError):
    """A line that cannot become a row; the text says why."""


def columns(header: Sequence[str]) -> list[str]:
    """The names of a table's columns as they are called here."""
    return [_ALIASES.get(name.strip(), name.strip()) for name in header]


def unknown(names: Iterable[str]) -> list[str]:
    return sorted({name for name in names if name not in COLUMNS and not (name.startswith(_FREE) and name[10:])} - {""})


def safe(text: str) -> str:
    """The text as a cell that no spreadsheet calculates with."""
    doubtful = text.startswith(_RISKY) or (text[:1] == "'" and text[1:2] in (*_RISKY, "'"))
    return f"'{text}" if doubtful else text


def plain(name: str, cell: str) -> str:
    """The text of a cell of this column; only a description may begin and end with spaces, or have line breaks."""
    text = cell[1:] if cell[:1] == "'" and cell[1:2] in (*_RISKY, "'") else cell
    return text.replace("\r\n", "\n") if name == "description" else text.strip()


def written(cells: Iterable[Sequence[str]]) -> str:
    """Lines of CSV as RFC 4180 has them."""
    text = io.StringIO()
    csv.writer(text).writerows([safe(cell) for cell in line] for line in cells)
    return text.getvalue()


def lines_of(row: Mapping[str, Any]) -> list[list[str]]:
    """A row of the import, with its variants one by one, as lines of `COLUMNS`."""
    seo = row.get("seo") or {}
    pictures = row.get("images") or []
    product = {
        **{name: row.get(name) or "" for name in ("title", "slug", "description", "category", "brand", "status")},
        "tags": _joined(row.get("tags") or ()),
        "images": _joined([picture["url"] for picture in pictures]),
        "imageAlts": _joined([picture.get("alt", "") for picture in pictures]),
        "attributes": _object(row.get("attributes")),
        "seoTitle": seo.get("title", ""),
        "seoDescription": seo.get("description", ""),
        "seoKeywords": _joined(seo.get("keywords") or ()),
        "translations": _object(row.get("translations")),
    }
    lines = []
    for number, variant in enumerate(row["variants"]):
        told = {"externalId": row["externalId"]} | (product if number == 0 else {}) | _variant_cells(variant)
        lines.append([str(told.get(name, "")) for name in COLUMNS])
    return lines


def _variant_cells(variant: Mapping[str, Any]) -> dict[str, str]:
    price, before = Money(**variant["price"]), variant.get("compareAtPrice")
    cells = {
        "sku": variant["sku"],
        "options": _object(variant.get("options")),
        "price": price.decimal(),
        "currency": price.currency,
        "compareAtPrice": Money(**before).decimal() if before else "",
        "barcode": variant.get("barcode") or "",
        "taxCategory": variant.get("taxCategory") or "",
        "variantImage": variant.get("image") or "",
        "isActive": "" if variant.get("isActive", True) else "false",
    }
    numbers = {"stock": variant.get("stock"), "weightGrams": variant.get("weightGrams")}
    numbers |= {name: (variant.get("dimensions") or {}).get(name) for name in _SIZES}
    return cells | {name: str(number) for name, number in numbers.items() if number is not None}


def row_of(lines: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """Lines with the same external id as one row of the import. Raises BadCell."""
    first = lines[0]
    row: dict[str, Any] = {"externalId": first["externalId"], "variants": [_variant(line) for line in lines]}
    for name in ("title", "slug", "description", "brand", "status"):
        if first.get(name):
            row[name] = first[name]
    row["category"] = ">".join(slug_of(level) for level in first.get("category", "").split(">"))
    if tags := _split(first.get("tags", "")):
        row["tags"] = tags
    if pictures := _split(first.get("images", "")):
        told = _split(first.get("imageAlts", ""), blanks=True)
        alts = (*told, *("" for _ in pictures[len(told) :]))
        row["images"] = [{"url": url, "alt": alt} for url, alt in zip(pictures, alts, strict=False)]
    row |= {name: _read_object(name, first[name]) for name in ("translations",) if first.get(name)}
    if attributes := _free(first, "attribute:") | _read_object("attributes", first.get("attributes", "")):
        row["attributes"] = attributes
    seo = {"title": first.get("seoTitle"), "description": first.get("seoDescription")}
    seo_told: dict[str, Any] = {name: text for name, text in seo.items() if text}
    if keywords := _split(first.get("seoKeywords", "")):
        seo_told["keywords"] = keywords
    return row | ({"seo": seo_told} if seo_told else {})


def _variant(line: Mapping[str, str]) -> dict[str, Any]:
    currency = line.get("currency", "").upper()
    variant: dict[str, Any] = {"sku": line.get("sku", ""), "price": _money("price", line.get("price", ""), currency)}
    if line.get("compareAtPrice"):
        variant["compareAtPrice"] = _money("compareAtPrice", line["compareAtPrice"], currency)
    for name, field in (("barcode", "barcode"), ("taxCategory", "taxCategory"), ("variantImage", "image")):
        if line.get(name):
            variant[field] = line[name]
    for name in ("stock", "weightGrams"):
        if line.get(name):
            variant[name] = _number(name, line[name])
    if any(line.get(name) for name in _SIZES):
        variant["dimensions"] = {name: _number(name, line.get(name, "")) for name in _SIZES}
    if told := line.get("isActive", "").lower():
        if told not in _TRUTH:
            raise BadCell(f"isActive: {told[:20]!r} is neither true nor false")
        variant["isActive"] = _TRUTH[told]
    options = _free(line, "option:") | _read_object("options", line.get("options", ""))
    return variant | ({"options": options} if options else {})


def _free(line: Mapping[str, str], prefix: str) -> dict[str, Any]:
    return {name.removeprefix(prefix): text for name, text in line.items() if name.startswith(prefix) and text}


def _money(name: str, text: str, currency: str) -> dict[str, Any]:
    try:
        return dict(parse(text, currency).plain())
    except ValueError:
        raise BadCell(f"{name}: {text[:40]!r} is not an amount in {currency[:10]!r}") from None


def _number(name: str, text: str) -> int:
    if not _WHOLE.match(text):
        raise BadCell(f"{name}: {text[:40]!r} is not a whole number")
    return int(text)


def _joined(texts: Sequence[str]) -> str:
    """`a|b`, or a JSON list where that could not be told apart."""
    if not any(texts):
        return ""
    if any("|" in text for text in texts) or texts[0].startswith("[") or len(texts) == texts.count(""):
        return orjson.dumps(list(texts)).decode()
    return "|".join(texts)


def _split(cell: str, *, blanks: bool = False) -> list[str]:
    if cell.startswith("["):
        try:
            found = orjson.loads(cell)
        except orjson.JSONDecodeError:
            found = None
        if isinstance(found, list) and all(isinstance(text, str) for text in found):
            return found
    texts = [text.strip() for text in cell.split("|")] if cell else []
    return texts if blanks else [text for text in texts if text]


def _object(value: Mapping[str, Any] | None) -> str:
    return orjson.dumps(dict(value)).decode() if value else ""


def _read_object(name: str, cell: str) -> dict[str, Any]:
    if not cell:
        return {}
    try:
        found = orjson.loads(cell)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise BadCell(f"{name}: {cell[:40]!r} is not a JSON object")
    return found
