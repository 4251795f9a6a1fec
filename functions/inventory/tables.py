"""Stock as a table (CSV), both ways: what is written here may be changed in a spreadsheet and sent back as it is.

Each line stands alone, as a row of JSON does: what is wrong with one is told with it. What is wrong with the table is
NotATable. What is written has SKUs, ids and counts only, none of which a spreadsheet takes for a formula.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from inventory.forms import StockRow
from inventory.offers import Offer
from inventory.sources import LOOSE
from market.errors import Problem, Unprocessable

COLUMNS = ("sku", "place", "available", "expected", "adjust", "reason", "reference")
_SHOWN = ("sku", "place", "available", "expected")
_COUNTS = ("available", "expected", "adjust")
_CELL = 10_000
_WHOLE = re.compile(r"[+-]?\d{1,9}\Z", re.ASCII)


class NotATable(Unprocessable):
    """The body is no table of stock."""

    code, title = "not_a_table", "Not a table"


class BadLine(Unprocessable):
    """A line that says nothing that can be done."""

    code, title = "bad_line", "Bad line"


@dataclass(frozen=True, slots=True)
class Line:
    """A line below the header: what it asks for, or the problem with it."""

    sku: str
    row: StockRow | None = None
    problem: Problem | None = None

    @property
    def place(self) -> str:
        return (self.row.place or LOOSE) if self.row else LOOSE


def read(body: bytes, *, first: int, limit: int) -> tuple[list[Line], int]:
    """So many lines of a table from the first on, counted from 0, and how many there are in all.

    Commas or semicolons separate cells; empty lines do not count. Raises NotATable.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotATable("Send the table as UTF-8.") from None
    head = text.partition("\n")[0]
    separator = ";" if ";" in head and "," not in head else ","
    try:
        names, *lines = [
            cells for cells in csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True) if any(cells)
        ]
    except (csv.Error, ValueError):
        raise NotATable("The table cannot be read: a line of column names, and a line for each SKU.") from None
    names = _columns(names)
    if any(len(cell) > _CELL for cells in lines for cell in cells):
        raise NotATable(f"A cell has at most {_CELL} characters: perhaps a quotation mark is not closed.")
    if not lines:
        raise NotATable("The table has no lines below the names of its columns.")
    return [_line(names, cells) for cells in lines[first : first + limit]], len(lines)


def written(offers: Iterable[Offer], *, headed: bool) -> str:
    """A line for what lies in no place and one for each place, as they are; `expected` guards what is sent back."""
    text = io.StringIO()
    lines = csv.writer(text)
    if headed:
        lines.writerow(_SHOWN)
    lines.writerows(line for offer in offers for line in _levels(offer))
    return text.getvalue()


def _columns(names: Sequence[str]) -> list[str]:
    found = [name.strip() for name in names]
    unknown = sorted({name[:40] for name in found} - {*COLUMNS})[:10]
    if unknown or "sku" not in found or len(set(found)) < len(found):
        raise NotATable("Columns are: " + ", ".join(COLUMNS) + ", each once, of which sku is needed.", unknown=unknown)
    return found


def _line(names: Sequence[str], cells: Sequence[str]) -> Line:
    told = {name: cell.strip() for name, cell in zip(names, cells, strict=False) if cell.strip()}
    sku = told.get("sku", "")[:64]
    try:
        if len(cells) > len(names):
            raise BadLine("The line has more cells than there are columns.")
        return Line(sku, row=StockRow.model_validate(_counted(told)))
    except ValidationError as wrong:
        first = wrong.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        return Line(sku, problem=BadLine(f"{where}: {first['msg']}"[:200].removeprefix(": ")))
    except BadLine as bad:
        return Line(sku, problem=bad)


def _counted(told: Mapping[str, str]) -> dict[str, str | int]:
    """The cells, counts as numbers; an apostrophe that keeps a spreadsheet from calculating is taken off. Raises
    BadLine.
    """
    found: dict[str, str | int] = dict(told)
    for name in _COUNTS:
        if name in told:
            digits = told[name].removeprefix("'")
            if not _WHOLE.match(digits):
                raise BadLine(f"{name}: {told[name][:40]!r} is not a whole number")
            found[name] = int(digits)
    return found


def _levels(offer: Offer) -> Iterator[tuple[str, str, int, int]]:
    shelves = {LOOSE: offer.loose + offer.elsewhere} | {
        place: shelf.available for place, shelf in sorted(offer.places.items())
    }
    for place, available in shelves.items():
        yield offer.sku, place, available, available
