"""List prices of a SKU, and which of them counts. Pure.

An entry says what a SKU costs for some: for groups of customers, in countries, from a quantity on, from one moment
until another. Of those that apply the lowest counts, also where it is above the base price: so a vendor can ask more in
one country. If none applies, the base price does. The table of cases is in the service's README.

A *planned* entry is a change of the base price itself: it counts only while the base is the price that it `replaces`,
and, once it is over, as long as the base is still its own. So a plan takes effect on the second, before the catalog has
carried it out, and has none once it did, nor once the vendor has set another price meanwhile.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from market.money import Money
from prices.rates import Quote, converted

MAX_ENTRIES = 100
"""Of one SKU, plans included: what checkout reads with one key."""

_EU = frozenset(
    (
        "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU",
        "IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
    )
)  # fmt: skip
REGIONS = {"EU": _EU, "EEA": _EU | {"IS", "LI", "NO"}}
"""Names for sets of countries (ISO 3166-1 alpha-2); none of them is a country's code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One list price.

    list_id: the vendor's name for the list, such as `wholesale-de`. groups, countries: for whom and where; empty for
    everybody, everywhere; `countries` may name REGIONS. min_quantity: units of the SKU in the cart. starts_at is
    inclusive, ends_at exclusive, ISO 8601 in UTC; empty for no bound. replaces: of a plan, the base it takes over from.
    """

    list_id: str
    price: Money
    min_quantity: int = 1
    groups: frozenset[str] = frozenset()
    countries: frozenset[str] = frozenset()
    starts_at: str = ""
    ends_at: str = ""
    replaces: Money | None = None

    def runs(self, at: str) -> bool:
        return self.starts_at <= at and (not self.ends_at or at < self.ends_at)

    def fits(self, *, quantity: int, country: str, groups: frozenset[str], at: str) -> bool:
        """Whether it is a list price for this customer, at this moment."""
        return (
            self.replaces is None
            and self.min_quantity <= quantity
            and (not self.groups or not self.groups.isdisjoint(groups))
            and (not self.countries or self._sells_in(country))
            and self.runs(at)
        )

    @property
    def public(self) -> bool:
        """Whether everybody gets it, for one unit, if only they are in the right country."""
        return self.replaces is None and not self.groups and self.min_quantity == 1

    @property
    def narrowness(self) -> tuple[bool, bool, int]:
        """How much it asks for; sorts from entries for everybody to those for few."""
        return bool(self.groups), bool(self.countries), self.min_quantity

    def _sells_in(self, country: str) -> bool:
        return country in self.countries or any(country in REGIONS.get(name, ()) for name in self.countries)


class Listed(NamedTuple):
    """What one unit costs. list_id: the list or plan that said so, empty for the base price as the catalog has it.

    base: the base price that counted, in the vendor's currency.
    """

    price: Money
    list_id: str
    base: Money


def listed(
    base: Money,
    entries: Iterable[Entry],
    *,
    quantity: int,
    country: str,
    groups: frozenset[str],
    at: str,
    quote: Quote | None = None,
) -> Listed:
    """The price of one unit: the lowest entry that applies, or the base if none does.

    Of entries with one price that which asks for most is named, then the first by name: it changes no amount. With a
    `quote` the answer is in its currency: entries in that currency are taken as they are, those in the base's are
    converted as the base is, others do not apply. Without, entries in other currencies than the base's do not apply.
    """
    known = tuple(entries)
    base, plan_id = planned(base, known, at) if known else (base, "")
    best = Listed(converted(base, quote) if quote else base, plan_id, base)
    fitting = [
        (price, entry)
        for entry in known
        if entry.fits(quantity=quantity, country=country, groups=groups, at=at)
        and (price := _priced(entry, base.currency, quote))
    ]
    if not fitting:
        return best
    price, entry = min(fitting, key=_choice) if len(fitting) > 1 else fitting[0]
    return Listed(price, entry.list_id, base)


def planned(base: Money, entries: Iterable[Entry], at: str) -> tuple[Money, str]:
    """The base price with plans that are due but not carried out yet, and the last such plan's name (or none).

    At its start a plan turns `replaces` into its price, and at its end back again.
    """
    plan_id = ""
    for entry in sorted([one for one in entries if one.replaces], key=lambda one: one.starts_at):
        over = bool(entry.ends_at) and entry.ends_at <= at
        before, after = (entry.price, entry.replaces) if over else (entry.replaces, entry.price)
        if entry.starts_at <= at and before == base and after and after != base:
            base, plan_id = after, entry.list_id
    return base, plan_id


def _priced(entry: Entry, base_currency: str, quote: Quote | None) -> Money | None:
    wanted = quote.to if quote else base_currency
    if entry.price.currency == wanted:
        return entry.price
    return converted(entry.price, quote) if quote and entry.price.currency == quote.frm else None


def _choice(found: tuple[Money, Entry]) -> tuple[Any, ...]:
    price, entry = found
    grouped, local, quantity = entry.narrowness
    return price.amount, not grouped, not local, -quantity, entry.list_id


def packed(entries: Iterable[Entry]) -> str:
    """As they are stored: JSON, every field that says nothing left out."""
    return orjson.dumps([_packed(entry) for entry in entries]).decode()


def unpacked(text: str) -> tuple[Entry, ...]:
    return tuple(_unpacked(row) for row in orjson.loads(text))


def _packed(entry: Entry) -> dict[str, Any]:
    row: dict[str, Any] = {
        "l": entry.list_id,
        "p": entry.price.amount,
        "c": entry.price.currency,
        "q": entry.min_quantity if entry.min_quantity > 1 else 0,
        "g": sorted(entry.groups),
        "n": sorted(entry.countries),
        "f": entry.starts_at,
        "u": entry.ends_at,
    }
    row = {name: value for name, value in row.items() if value or name == "p"}
    return row | ({"r": entry.replaces.amount} if entry.replaces else {})


def _unpacked(row: Mapping[str, Any]) -> Entry:
    return Entry(
        list_id=row["l"],
        price=Money(row["p"], row["c"]),
        min_quantity=row.get("q", 1),
        groups=frozenset(row.get("g", ())),
        countries=frozenset(row.get("n", ())),
        starts_at=row.get("f", ""),
        ends_at=row.get("u", ""),
        replaces=Money(row["r"], row["c"]) if "r" in row else None,
    )
