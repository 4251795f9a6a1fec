"""Exchange rates in the table: the present ones in one item, and what each day said, month by month (`FXH#<month>`)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from identity.contract import MANIFEST as IDENTITY
from inventory.contract import MANIFEST as INVENTORY
from market import clock
from market.errors import PreconditionFailed
from market.events import announce
from market.table import NEW, Key, Page, Table, Write, put
from orders.contract import MANIFEST as ORDERS
from prices import rates as model
from prices.contract import rates_key, read_rates
from prices.events import RatesUpdated
from prices.feed import SOURCE, Day
from prices.manifest import MANIFEST
from prices.rates import Rate, Rates
from vendors.contract import MANIFEST as VENDORS

_table = Table(MANIFEST, IDENTITY, INVENTORY, ORDERS, VENDORS)


@dataclass(frozen=True, slots=True)
class Ratebook:
    """The present rates; `held` are those of a provider that wait for staff. known: the provider's youngest day."""

    rates: Rates = field(default_factory=Rates)
    held: Mapping[str, Rate] = field(default_factory=dict)
    known: str = ""
    changed_at: str = ""
    changed_by: str = ""


class RatesChanged(PreconditionFailed):
    """The rates were changed since they were read."""

    code, title = "rates_changed", "Rates were changed meanwhile"


def get() -> Ratebook:
    item = _table.get(rates_key(), consistent=True)
    if item is None:
        return Ratebook()
    held = {name: Rate(row["value"], row["at"], row["source"]) for name, row in item["held"].items()}
    return Ratebook(read_rates(item), held, item["known"], item["changed_at"], item["changed_by"])


def save(book: Ratebook, *, source: str, changed: Iterable[str], by: str) -> Ratebook:
    """Keep rates that were read at their version, remember and announce what changed. Raises RatesChanged."""
    now, names = clock.timestamp(), sorted(changed)
    version = book.rates.version + 1
    item: dict[str, Any] = model.packed(book.rates) | {
        "held": {name: {"value": r.value, "at": r.at, "source": r.source} for name, r in sorted(book.held.items())},
        "known": book.known,
        "version": version,
        "changed_at": now,
        "changed_by": by,
    }
    stale = RatesChanged("The rates were changed meanwhile.")
    when, values = ("version = :seen", {":seen": book.rates.version}) if version > 1 else (NEW, None)
    writes: list[Write] = [put(rates_key(), item, when=when, values=values, otherwise=stale)]
    if names:
        told = {name: book.rates.rates[name].value for name in names if name in book.rates.rates}
        day = book.known if source == SOURCE else now
        writes += [
            _past(day, source, told),
            announce(RatesUpdated(revision=version, source=source, currencies=names), by=MANIFEST),
        ]
    _table.transact(*writes)
    return get()


def remember(days: Sequence[Day]) -> None:
    """Keep what a provider said of earlier days. Repeated, it writes the same again."""
    _table.batch_put([_past(day.day, SOURCE, day.values) for day in days])


def _past(at: str, source: str, values: Mapping[str, str]) -> Write:
    return put(Key(f"FXH#{at[:7]}", f"{at}#{source}"), {"values": dict(values)})


def of_month(month: str, *, limit: int, cursor: str | None) -> Page:
    """What was said in a month such as `2026-11`, the youngest first: `sk` is moment and source."""
    return _table.query(f"FXH#{month}", newest_first=True, limit=limit, cursor=cursor)
