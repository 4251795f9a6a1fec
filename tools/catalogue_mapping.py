"""Reads product files of any shape into rows of the import, by a mapping of columns (see mappings/README.md)."""

import csv
import gzip
import io
import json
import string
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import starmap
from math import ceil
from pathlib import Path
from typing import Any

from market.money import parse
from tools import catalogue_saleor

__all__ = ["BadLine", "ColumnMapping", "Line", "Mapped", "count_lines", "read"]

SHIPPED = Path(__file__).parent / "mappings"
_LONGEST_VALUE = 300
_UNITS = {
    "g": Fraction(1), "kg": Fraction(1000), "oz": Fraction("28.349523125"), "lb": Fraction("453.59237"),
    "mm": Fraction(1), "cm": Fraction(10), "m": Fraction(1000), "in": Fraction("25.4"), "ft": Fraction("304.8"),
}  # fmt: skip
"""In grams and millimetres; pounds and inches as the agreement of 1959 has them."""


class BadLine(ValueError):
    """A line that cannot become a row; the text says why."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the file with its number, from 1; a line that is no record has its `error` instead."""

    number: int
    record: Mapping[str, Any]
    error: str = ""


@dataclass(frozen=True, slots=True)
class Mapped:
    """A row but for its category, whose names lead from the top of the tree down."""

    category: tuple[str, ...]
    row: dict[str, Any]


class _Template(string.Formatter):
    """`{column}`, `{column:.8}`, `{column[0]}`; what a record does not have is nothing."""

    def get_field(self, field_name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        try:
            found = super().get_field(field_name, args, kwargs)[0]
        except (KeyError, IndexError, AttributeError, TypeError):
            found = None
        return _text(found), field_name


_template = _Template()


class ColumnMapping:
    """A mapping as read from its TOML file."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._product: Mapping[str, Any] = settings.get("product", {})
        self._variant: Mapping[str, Any] = settings.get("variant", {})
        self._price: Mapping[str, Any] = settings.get("price", {})
        self._attributes: Mapping[str, Any] = settings.get("attributes", {})
        self._lines: Mapping[str, Any] = settings.get("lines", {})
        self.sellers: Mapping[str, Any] = settings.get("vendors", {})
        self.dump: str = settings.get("file", {}).get("dump", "")

    @classmethod
    def load(cls, name: str) -> "ColumnMapping":
        """By the name of one that is shipped, or by path. Raises FileNotFoundError or tomllib.TOMLDecodeError."""
        shipped = SHIPPED / f"{name}.toml"
        path = shipped if shipped.is_file() else Path(name)
        if not path.is_file():
            known = ", ".join(sorted(file.stem for file in SHIPPED.glob("*.toml")))
            raise FileNotFoundError(f"There is no mapping {name}. Shipped are: {known}.")
        return cls(tomllib.loads(path.read_text()))

    def external_id(self, record: Mapping[str, Any]) -> str:
        """The first template of the list that gives anything, or the only one."""
        templates = self._product.get("externalId", "{id}")
        found = (self.fill(one, record) for one in ([templates] if isinstance(templates, str) else templates))
        return next(filter(None, found), "")

    def row(self, record: Mapping[str, Any]) -> Mapped:
        """A line that is a product by itself, or the first of several that are one. Raises BadLine."""
        product = self._product
        row: dict[str, Any] = {"externalId": self.external_id(record), "variants": self.variants(record)}
        for name in ("title", "description", "brand", "slug"):
            if text := self.fill(product.get(name, ""), record):
                row[name] = text
        row["attributes"] = self._all_attributes(record)
        filled_tags = (self.fill(one, record) for one in product.get("tags", ()))
        separator = product.get("tags_split")
        parts = (part.strip() for tag in filled_tags for part in (tag.split(separator) if separator else (tag,)))
        if tags := [part for part in parts if part]:
            row["tags"] = tags
        if picture := self.fill(product.get("image", ""), record):
            row["images"] = [{"url": picture, "alt": row.get("title", "")[:200]}]
        filled = (self.fill(one, record) for one in product.get("category", ()))
        apart = product.get("category_split", ">")
        levels = tuple(level.strip() for path in filled for level in path.split(apart) if level.strip())
        if not levels:
            raise BadLine("category: missing")
        return Mapped(levels, row)

    def variants(self, record: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The variant that the line is; none where it tells of the product only. Raises BadLine."""
        for column, known in self._lines.get("only", {}).items():
            if (said := self.fill(f"{{{column}}}", record)) not in known:
                raise BadLine(f"{column}: {said[:40]!r} is not brought in, only {', '.join(known)}")
        none_if = self._lines.get("product_only", {}).items()
        if any(self.fill(f"{{{column}}}", record) in known for column, known in none_if):
            return []
        return [self._one_variant(record)]

    def _one_variant(self, record: Mapping[str, Any]) -> dict[str, Any]:
        settings = self._variant
        variant: dict[str, Any] = {"sku": self.fill(settings.get("sku", "{sku}"), record)}
        variant["price"] = self._money(self._price.get("column", "{price}"), record)
        before = self._price.get("compare_at", "")
        if self.fill(before, record) and (compared := self._money(before, record))["amount"]:
            variant["compareAtPrice"] = compared
        for name in ("barcode", "image"):
            if text := self.fill(settings.get(name, ""), record):
                variant[name] = text
        variant |= self._measures(record)
        for name, field in (("stock", "stock"), ("weight_grams", "weightGrams")):
            if text := self.fill(str(settings.get(name, "")), record):
                variant[field] = _whole(name, text)
        options = {self.fill(name, record): self.fill(one, record) for name, one in settings.get("options", {}).items()}
        if any(options.values()):
            variant["options"] = {name: value for name, value in options.items() if name and value}
        return variant

    def _measures(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Weight and size in units that the line or the mapping names, rounded up to grams and millimetres."""
        told: dict[str, Any] = {}
        if weight := self._measured("weight", "weight_unit", record):
            told["weightGrams"] = weight
        sizes = {f"{name}Mm": self._measured(name, "size_unit", record) for name in ("length", "width", "height")}
        return told | ({"dimensions": sizes} if all(sizes.values()) else {})

    def _measured(self, name: str, unit: str, record: Mapping[str, Any]) -> int:
        text = self.fill(self._variant.get(name, ""), record)
        if not text:
            return 0
        called = self.fill(self._variant.get(unit, ""), record)
        try:
            return ceil(Fraction(text) * _UNITS[called])
        except (ValueError, KeyError, ZeroDivisionError):
            raise BadLine(f"{name}: {text[:20]!r} {called[:10]!r} is no measure known here") from None

    def _money(self, template: str, record: Mapping[str, Any]) -> dict[str, Any]:
        text = self.fill(template, record)
        currency = self.fill(self._price.get("currency", "{currency}"), record).upper()
        try:
            if self._price.get("unit", "major") == "minor":
                return {"amount": int(text), "currency": currency}
            return {"amount": parse(text, currency).amount, "currency": currency}
        except ValueError:
            raise BadLine(f"price: {text[:40]!r} is not an amount in {currency[:10]!r}") from None

    def _all_attributes(self, record: Mapping[str, Any]) -> dict[str, str]:
        settings = self._attributes
        found = {name: self.fill(one, record) for name, one in settings.get("named", {}).items()}
        prefixes = tuple(settings.get("prefixes", ()))
        for column, value in record.items():
            prefix = next((prefix for prefix in prefixes if column.startswith(prefix)), None)
            if prefix is not None:
                found.setdefault(" ".join(column.removeprefix(prefix).split("_")).strip()[:60], _text(value))
        kept = [(name, value[:_LONGEST_VALUE]) for name, value in found.items() if name and value.strip()]
        return dict(kept[: settings.get("at_most", 50)])

    @staticmethod
    def fill(template: str, record: Mapping[str, Any]) -> str:
        return _template.vformat(template, (), record).strip()


def read(path: Path, dump: str = "") -> Iterator[Line]:
    """The records of a .jsonl, .csv or .json file (one array), or of one packed with gzip (.gz).

    Cells of a table are divided by whatever its header is: commas, semicolons or tabs. `dump` names the shop whose
    database an array is, if it is one. Raises ValueError for one that is not known.
    """
    with _opened(path) as file:
        if ".json" in path.suffixes:
            yield from _dumped(json.load(file), dump) if dump else starmap(_line, enumerate(json.load(file), 1))
            return
        if ".csv" in path.suffixes:
            header = file.readline()
            file.seek(0)
            reader = csv.DictReader(file, delimiter=max(",;\t", key=header.count))
            for record in reader:
                extra = None in record  # more cells than columns
                yield Line(reader.line_num, record, "more cells than the header has" if extra else "")
            return
        for number, text in enumerate(file, 1):
            if text.strip():
                yield _json_line(number, text)


def count_lines(path: Path) -> int:
    """How many lines there are, for the progress bar: no promise in a CSV file with line breaks in cells."""
    with _opened(path) as file:
        return sum(1 for _ in file) - (".csv" in path.suffixes)


def _opened(path: Path) -> io.TextIOBase:
    if path.suffix == ".gz":
        return io.TextIOWrapper(gzip.open(path), encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _dumped(objects: Any, shop: str) -> Iterator[Line]:
    if shop != "saleor" or not isinstance(objects, list):
        raise ValueError(f"The file is no dump of {shop[:40]!r} that is known here.")
    for number, record in catalogue_saleor.variants(objects):
        if isinstance(record, catalogue_saleor.Unconnected):
            yield Line(number, {}, str(record))
        else:
            yield Line(number, record)


def _json_line(number: int, text: str) -> Line:
    try:
        record = json.loads(text)
    except ValueError:
        return Line(number, {}, "not JSON")
    return _line(number, record)


def _line(number: int, record: Any) -> Line:
    return Line(number, record) if isinstance(record, dict) else Line(number, {}, "not a JSON object")


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float() if value.is_integer():
            return str(int(value))
        case list():
            return ", ".join(map(_text, value))
    return str(value)


def _whole(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise BadLine(f"{name}: {text[:40]!r} is not a whole number") from None
