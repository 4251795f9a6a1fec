"""`make import FILE=…`: brings a catalogue into a running marketplace over its API.

Rows go to the vendors in batches, some at a time; what is refused is written to a report with its line and the reason.
Doing it again changes nothing but what changed in the file.
"""

import argparse
import csv
import json
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from tqdm import tqdm  # type: ignore[import-untyped]

from tools.catalogue_mapping import BadLine, ColumnMapping, Line, Mapped, count_lines, read
from tools.catalogue_sellers import NoSellers, Staff, seller_of, sellers
from tools.client import Client, Refused

__all__ = ["main"]

BATCH = 100
SENDERS = 3
_RESULTS = ("created", "updated", "unchanged", "rejected")


@dataclass(frozen=True, slots=True)
class Numbered:
    """A row with the line of the file that it begins at."""

    line: int
    row: dict[str, Any]


@dataclass
class Report:
    """What became of the rows."""

    counts: Counter[str] = field(default_factory=Counter)
    refusals: list[tuple[int, str, str, str]] = field(default_factory=list)

    def refuse(self, line: int, external_id: str, code: str, reason: str) -> None:
        self.counts["rejected"] += 1
        self.refusals.append((line, external_id, code, reason))

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("line", "externalId", "code", "reason"))
            writer.writerows(sorted(self.refusals))


class Categories:
    """Categories of the marketplace by the names that lead to them; those that are missing are made."""

    def __init__(self, client: Client, token: Callable[[], str]) -> None:
        self._client, self._token = client, token
        self._paths: dict[tuple[str, ...], str] = {}
        self._remember((), client.ok("GET", "/v1/admin/categories", token=token())["items"])

    def path(self, names: tuple[str, ...]) -> str:
        """Raises BadLine where the marketplace refuses such a category."""
        if not names:
            return ""
        known = tuple(map(str.casefold, names))
        if known not in self._paths:
            self._paths[known] = self._made(self.path(names[:-1]), names[-1])
        return self._paths[known]

    def _made(self, parent: str, name: str) -> str:
        body = {"name": name[:80].capitalize()} | ({"parent": parent} if parent else {})
        answer = self._client.call("POST", "/v1/admin/categories", body, self._token())
        if answer.status >= 400 and answer.code != "category_exists":
            raise BadLine(f"category {name[:80]!r}: {answer.json and answer.json.get('detail')}")
        return str(answer.json["path"])

    def _remember(self, above: tuple[str, ...], branches: list[dict[str, Any]]) -> None:
        for branch in branches:
            names = (*above, branch["name"].casefold())
            self._paths[names] = branch["path"]
            self._remember(names, branch["children"])


class Importer:
    """One run over one file."""

    def __init__(self, client: Client, staff: Staff, mapping: ColumnMapping, vendor_ids: list[str]) -> None:
        self._client, self._staff, self._mapping, self._vendor_ids = client, staff, mapping, vendor_ids
        self._token = staff.token(client)
        self._lock = threading.Lock()
        self._categories = Categories(client, lambda: self._token)
        self.report = Report()

    def run(self, path: Path) -> Report:
        """Raises Refused or ConnectionError where whole batches do not get through."""
        room = threading.Semaphore(SENDERS * 2)  # no more batches in memory than that
        with tqdm(total=count_lines(path), unit=" rows", disable=None) as bar, ThreadPoolExecutor(SENDERS) as pool:
            waiting: list[Future[None]] = []

            def send(vendor_id: str, batch: list[Numbered]) -> None:
                try:
                    self._send(vendor_id, batch)
                finally:
                    room.release()
                    bar.update(len(batch))

            for vendor_id, batch in self._batches(path, bar.update):
                room.acquire()
                waiting = [future for future in waiting if not future.done() or future.result()]
                waiting.append(pool.submit(send, vendor_id, batch))
            for future in waiting:
                future.result()
        return self.report

    def _batches(self, path: Path, skipped: Callable[[int], object]) -> Iterator[tuple[str, list[Numbered]]]:
        filling: dict[str, list[Numbered]] = {}
        for numbered in self._rows(path, skipped):
            vendor_id = seller_of(self._vendor_ids, numbered.row["externalId"])
            batch = filling.setdefault(vendor_id, [])
            batch.append(numbered)
            if len(batch) == BATCH:
                yield vendor_id, filling.pop(vendor_id)
        yield from filling.items()

    def _rows(self, path: Path, skipped: Callable[[int], object]) -> Iterator[Numbered]:
        """Rows with their category; lines that follow each other with the same external id are variants of one row."""
        for _, lines in groupby(read(path, self._mapping.dump), key=self._together):
            group = list(lines)
            skipped(len(group) - 1)
            row = self._row(group)
            if row is None:
                skipped(1)
            else:
                yield row

    def _together(self, line: Line) -> object:
        return self._mapping.external_id(line.record) or line.number

    def _row(self, lines: list[Line]) -> Numbered | None:
        """One product of all its lines; none where one of them cannot be read, for a part of it would be wrong."""
        mapped: Mapped | None = None
        variants: list[dict[str, Any]] = []
        wrong = {}
        for line in lines:
            try:
                if line.error:
                    raise BadLine(line.error)
                if line is lines[0]:
                    mapped = self._mapping.row(line.record)
                    category = self._categories.path(mapped.category)
                    variants += mapped.row["variants"]
                else:
                    variants += self._mapping.variants(line.record)
            except BadLine as bad:
                wrong[line.number] = str(bad)
        if not wrong and not variants:
            wrong[lines[0].number] = "no line of it is a variant"
        if mapped is None or wrong:
            for line in lines:
                why = wrong.get(line.number) or f"line {min(wrong)} of the same product cannot be read"
                self.report.refuse(line.number, self._mapping.external_id(line.record), "unreadable", why)
            return None
        return Numbered(lines[0].number, mapped.row | {"category": category, "variants": variants})

    def _send(self, vendor_id: str, batch: list[Numbered]) -> None:
        path, body = f"/v1/vendors/{vendor_id}/products/import", {"rows": [numbered.row for numbered in batch]}
        answer = self._client.call("POST", path, body, self._token)
        if answer.status == 401:  # the token has expired
            with self._lock:
                self._token = self._staff.token(self._client)
            answer = self._client.call("POST", path, body, self._token)
        if answer.status == 413 and len(batch) > 1:
            half = len(batch) // 2
            self._send(vendor_id, batch[:half])
            self._send(vendor_id, batch[half:])
            return
        if answer.status >= 400:
            raise Refused(f"importing for {vendor_id}", answer)
        with self._lock:
            for outcome in answer.json["rows"]:
                if outcome["result"] != "rejected":
                    self.report.counts[outcome["result"]] += 1
                    continue
                line = batch[outcome["row"]].line
                self.report.refuse(line, outcome["externalId"], outcome["code"], outcome["reason"])


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    path: Path = options.file
    client = Client(options.url)
    try:
        mapping = ColumnMapping.load(options.mapping)
        staff = _staff(options.staff)
        vendor_ids = sellers(client, staff, options.vendors, mapping)
        _say(f"Importing {path} for {len(vendor_ids)} vendors at {options.url}")
        started = time.monotonic()
        report = Importer(client, staff, mapping, vendor_ids).run(path)
    except (NoSellers, Refused, OSError, ValueError, KeyError) as failed:
        _say(f"The import stopped. {failed}")
        return 1
    seconds = time.monotonic() - started
    rows = sum(report.counts.values())
    _say(", ".join(f"{report.counts[result]} {result}" for result in _RESULTS))
    _say(f"{rows} rows in {seconds:.1f} s ({rows / seconds:.0f} a second)")
    if report.refusals:
        rejected = options.report or Path(".cache") / f"rejected-{path.name.partition('.')[0]}.csv"
        report.write(rejected)
        _say(f"Rejected rows with their reasons: {rejected}")
    return 0


def _staff(kept: Path) -> Staff:
    """From MARKET_EMAIL and MARKET_PASSWORD, or as `make run` keeps it in its data directory."""
    email, password = os.environ.get("MARKET_EMAIL"), os.environ.get("MARKET_PASSWORD")
    if email and password:
        return Staff(email, password)
    if kept.is_file():
        login = json.loads(kept.read_text())
        return Staff(login["email"], login["password"])
    raise NoSellers("Set MARKET_EMAIL and MARKET_PASSWORD to a login of staff.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make import", description="Bring a catalogue into a running marketplace.")
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--file", type=Path, required=True, help=".jsonl, .csv or .json, also .gz")
    parser.add_argument("--mapping", default="plain", help="name of a shipped mapping, or a TOML file (default: plain)")
    parser.add_argument(
        "--vendors", type=Path, help="names of vendors: .txt, .csv or .jsonl (default: all that sell here)"
    )
    parser.add_argument(
        "--report", type=Path, help="where to write rejected rows (default: .cache/rejected-<file>.csv)"
    )
    parser.add_argument("--staff", type=Path, default=Path(".data/staff-login.json"), help="login of staff, as JSON")
    return parser


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
