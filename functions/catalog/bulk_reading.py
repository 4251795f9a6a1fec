"""Rows of a file that a vendor sent, one by one: memory does not grow with the file.

What is wrong with a row is told with the row; what is wrong with the whole file is FileRefused, which may be found at
its last byte, so that all of it is read before any of it is used.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

import orjson

from catalog import sheets
from catalog.bulk import MAX_ROW, MAX_ROWS, FileRefused, FileTooLarge, UnknownColumns, WrongEncoding
from catalog.sheets import BadCell

_OTHER_ENCODINGS = (b"\xff\xfe", b"\xfe\xff")
_BOM = b"\xef\xbb\xbf"
_SHOWN = 10
csv.field_size_limit(MAX_ROW)


@dataclass(frozen=True, slots=True)
class Row:
    """`line` is where it begins, from 1, the header of a table included; `code` says why it cannot be used."""

    line: int
    row: dict[str, Any]
    code: str = ""
    reason: str = ""

    @property
    def external_id(self) -> str:
        return str(self.row.get("externalId", ""))[:100]


def rows(file: IO[bytes], kind: str) -> Iterator[Row]:
    """The rows of a `csv` or `jsonl` file, at most MAX_ROWS, each external id once. Raises FileRefused."""
    if file.read(2) in _OTHER_ENCODINGS:
        raise WrongEncoding("The file is UTF-16: save it as UTF-8.")
    file.seek(0)
    seen: set[int] = set()
    number = 0
    for row in _json_rows(file) if kind == "jsonl" else _table_rows(file):
        number += 1
        if number > MAX_ROWS:
            raise FileTooLarge(f"A file has at most {MAX_ROWS} rows.")
        known = hash(row.external_id)
        if not row.code and row.external_id and known in seen:
            yield Row(row.line, row.row, "repeated_row", f"An earlier row has the external id {row.external_id}.")
            continue
        seen.add(known)
        yield row
    if not number:
        raise FileRefused("The file has no rows.")


def _json_rows(file: IO[bytes]) -> Iterator[Row]:
    line = 0
    while text := file.readline(MAX_ROW + 1):
        line += 1
        if line == 1:
            text = text.removeprefix(_BOM)
        if len(text) > MAX_ROW and not text.endswith(b"\n"):
            _skip_line(file)
            yield Row(line, {}, "row_too_large", f"A row has at most {MAX_ROW} bytes.")
        elif text.strip():
            yield _json_row(line, text)


def _json_row(line: int, text: bytes) -> Row:
    try:
        text.decode()
    except UnicodeDecodeError:
        raise WrongEncoding(f"Line {line} is not UTF-8.") from None
    try:
        row = orjson.loads(text)
    except orjson.JSONDecodeError:
        return Row(line, {}, "unreadable", "not JSON")
    if not isinstance(row, dict):
        return Row(line, {}, "unreadable", "not a JSON object")
    return Row(line, row)


def _skip_line(file: IO[bytes]) -> None:
    while (text := file.readline(MAX_ROW)) and not text.endswith(b"\n"):
        pass


def _table_rows(file: IO[bytes]) -> Iterator[Row]:
    """Lines with the same external id, as long as they follow each other, are one row."""
    together: list[dict[str, str]] = []
    begins, wrong, size = 0, "", 0
    for line, cells, problem in _records(file):
        if together and cells.get("externalId") and cells["externalId"] == together[0]["externalId"]:
            size += sum(map(len, cells.values()))
            if size > MAX_ROW:
                wrong = wrong or "too many variants"
            else:
                together.append(cells)
            wrong = wrong or problem
            continue
        if together:
            yield _row(begins, together, wrong)
        together, begins, wrong, size = [cells], line, problem, sum(map(len, cells.values()))
    if together:
        yield _row(begins, together, wrong)


def _row(line: int, together: list[dict[str, str]], wrong: str) -> Row:
    known = {"externalId": together[0].get("externalId", "")}
    if wrong:
        return Row(line, known, "unreadable", wrong)
    try:
        return Row(line, sheets.row_of(together))
    except BadCell as bad:
        return Row(line, known, "unreadable", str(bad))


def _records(file: IO[bytes]) -> Iterator[tuple[int, dict[str, str], str]]:
    """Lines with content: where each begins, its cells by column, and what is wrong with it."""
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    try:
        head = text.readline(MAX_ROW)
        separator = max(",;\t", key=head.count)
        text.seek(0)
        lines = _Lines(text)
        reader = csv.reader(lines, delimiter=separator)
        names = _header(next(reader, []))
        begins = reader.line_num + 1
        lines.taken = 0
        for cells in reader:
            lines.taken = 0
            if any(cells):
                told = {name: sheets.plain(name, cell) for name, cell in zip(names, cells, strict=False) if name}
                problem = "more cells than the header has" if len(cells) > len(names) else ""
                yield begins, {"externalId": ""} | told, problem
            begins = reader.line_num + 1
    except UnicodeDecodeError:
        raise WrongEncoding("The file is not UTF-8.") from None
    except csv.Error as broken:
        raise FileRefused(f"The table cannot be read: {broken}.") from None
    finally:
        text.detach()


class _Lines:
    """Lines of a table. A reader would gather any number of cells of one row, which may be the whole file."""

    def __init__(self, text: IO[str]) -> None:
        self._text = text
        self.taken = 0
        """Characters of the present row."""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        """Raises FileRefused."""
        line = self._text.readline(MAX_ROW + 1)
        self.taken += len(line)
        if self.taken > MAX_ROW:
            raise FileRefused(f"A row of the table has more than {MAX_ROW} characters; is a quotation mark missing?")
        if not line:
            raise StopIteration
        return line


def _header(cells: list[str]) -> list[str]:
    names = sheets.columns(cells)
    if repeated := sorted({name for name in names if name and names.count(name) > 1}):
        raise UnknownColumns(f"Columns stand there twice: {', '.join(repeated[:_SHOWN])}.")
    if strange := sheets.unknown(names):
        raise UnknownColumns(f"Columns are not known: {', '.join(strange[:_SHOWN])}.", columns=strange[:50])
    if missing := [name for name in sheets.NEEDED if name not in names]:
        raise UnknownColumns(f"Columns are missing: {', '.join(missing)}.", columns=missing)
    return names
