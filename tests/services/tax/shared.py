"""Rates as others wrote them down, read from the shared data: each row is a place, a day, a category and a rate."""

import csv
import io
import json
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tax.categories import Destination
from tax.tables import law_at
from tax.tables import thousandths as _thousandths

FOLDER = Path(__file__).parents[4] / "shared" / "data" / "reference-tax-fx-address"
AS_OF = "2025-09-01"
"""The youngest rate that they know began a month earlier: what they call present was so on this day."""


@dataclass(frozen=True)
class Row:
    """One claim: at this place, from `first` to `last` (both included), this is a rate. source: where it is said."""

    source: str
    place: Destination
    first: str
    last: str
    rate: int
    standard: bool = True

    def differences(self) -> Iterator[str]:
        """What our table says otherwise, on the row's first day, in the middle and on its last."""
        law = law_at(self.place)
        for day in sorted({self.first, _middle(self.first, self.last), self.last}):
            ours = {law.rate("standard", day)}
            if not self.standard:
                ours |= {law.rate("reduced", day), *law.reduced_rates(day)}
            if self.rate not in ours:
                yield f"{self} on {day}: they say {self.rate}, we {sorted(ours)}"

    def __str__(self) -> str:
        place = self.place
        where = "-".join(filter(None, (place.country, place.region, place.postal_code)))
        return f"{self.source} {where} {self.first}"


def kdeldycke() -> list[Row]:
    """A row for each territory of each line; an empty end is the present."""
    rows = list(csv.DictReader(io.StringIO(_read("vat-kdeldycke.tar.gz", "vat_rates.csv"))))
    found = []
    for row in rows:
        for code in row["territory_codes"].splitlines():
            last = _day_before(row["stop_date"]) if row["stop_date"] else AS_OF
            found.append(Row("kdeldycke", _territory(code), row["start_date"], last, _percent(row["rate"])))
    return found


def ibericode() -> list[Row]:
    """A row for each rate and each exception of each period. What has no beginning is asked on its last day only."""
    items = json.loads(_read("vat-ibericode.tar.gz", "vat-rates.json"))["items"]
    return [row for country, periods in items.items() for row in _periods(country, periods)]


def sales_tax() -> list[Row]:
    """A row for each country, each state or province, and each rate that counted before the present one."""
    found = []
    for country, known in json.loads(_read("sales-tax-node.tar.gz", "res/sales_tax_rates.json")).items():
        found += _dated(Destination(country), known, 0)
        for state, of_state in known.get("states", {}).items():
            found += _dated(Destination(country, state), of_state, _percent(str(known["rate"])))
    return found


def _periods(country: str, periods: list[dict[str, Any]]) -> Iterator[Row]:
    newest_first = sorted(periods, key=lambda period: str(period["effective_from"]), reverse=True)
    last = AS_OF
    for period in newest_first:
        since = period["effective_from"]
        first = last if since.startswith("0000") else since
        for name, percent in period["rates"].items():
            yield Row(
                f"ibericode {name}", Destination(country), first, last, _thousandths(str(percent)), name == "standard"
            )
        for zone in period.get("exceptions", ()):
            for code in _codes(zone["postcode"]):
                place = Destination(country, postal_code=code)
                yield Row(f"ibericode {zone['name']}", place, first, last, _thousandths(str(zone["standard"])))
        last = _day_before(since) if not since.startswith("0000") else last


def _dated(place: Destination, known: dict[str, Any], base: int) -> Iterator[Row]:
    """Changes are given as the moment of midnight somewhere in Europe: the day that began up to three hours later."""
    following = AS_OF
    changes = sorted(known.get("before", {}).items(), reverse=True)
    rates = [known, *(of_then for _, of_then in changes)]
    for (moment, _), of_now in zip(changes, rates, strict=False):
        first = (datetime.fromisoformat(moment) + timedelta(hours=3)).date().isoformat()
        yield Row("sales-tax", place, first, following, base + _percent(str(of_now["rate"])))
        following = _day_before(first)
    yield Row("sales-tax", place, following, following, base + _percent(str(rates[-1]["rate"])))


def _codes(pattern: str) -> list[str]:
    """Postal codes that fit the expression: all of a short one, else the first that does for each beginning."""
    fitting = [code for code in (f"{number:05}" for number in range(100_000)) if re.fullmatch(pattern, code)]
    fitting = fitting or [code for code in (f"{number:04}" for number in range(10_000)) if re.fullmatch(pattern, code)]
    beginnings: dict[str, str] = {}
    for code in fitting:
        beginnings.setdefault(code[:2], code)
    return list(beginnings.values()) if len(fitting) > 20 else fitting


def _territory(code: str) -> Destination:
    """`GR-34007` and `AT-6691` name postal codes, `PT-20` and `ES-CN` regions."""
    country, _, rest = code.partition("-")
    is_postal = len(rest) >= 4 and any(sign.isdigit() for sign in rest)
    return Destination(country, "" if is_postal else rest, rest if is_postal else "")


def _percent(share: str) -> int:
    """`0.2` is 20000. Negative ones are kept: some sources say what is taken off."""
    sign = -1 if share.startswith("-") else 1
    whole, _, part = share.removeprefix("-").partition(".")
    return sign * (int(whole) * 100_000 + int(part.ljust(5, "0")[:5]))


def _middle(first: str, last: str) -> str:
    begin, end = date.fromisoformat(first), date.fromisoformat(last)
    return (begin + (end - begin) / 2).isoformat()


def _day_before(day: str) -> str:
    return (date.fromisoformat(day) - timedelta(days=1)).isoformat()


@cache
def _read(archive: str, name: str) -> str:
    path = FOLDER / archive
    if not path.exists():
        pytest.skip(f"the shared data has no {archive}")
    with tarfile.open(path) as opened:
        file = opened.extractfile(name)
        assert file is not None, name
        return file.read().decode()
