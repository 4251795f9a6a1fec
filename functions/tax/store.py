"""Items of the tax service.

`TAX#<country>` is what staff set for a country, `TXC#<customer id>` a customer's certificates. What was sold in a month
is `TXF#<month>#<shard>` / `<order or refund>` and, summed up, `TXF#<month>#sum#<shard>` / `<what is summed>`; months
are spread over shards so that a busy day is no hot partition. `TXP#<order or refund id>` says which provider has it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from zlib import crc32

import orjson

from market import clock
from market.errors import Conflict, NotFound, PreconditionFailed
from market.table import NEW, Item, Key, Page, Table, Write, delete, put, update
from orders.contract import MANIFEST as ORDERS
from orders.contract import OrderSnapshot, order_key, read_order
from tax.contract import (
    WAITING,
    Certificate,
    Overrides,
    certificates_key,
    compact_rates,
    compact_registrations,
    read_certificates,
    read_overrides,
    table_key,
)
from tax.filing import Entry, Sums, compact_entries, read_entries, summed
from tax.manifest import MANIFEST
from tax.model import CertificatesChanged

_table = Table(MANIFEST, ORDERS)
SHARDS = 4
_INBOX = "TXC#waiting"


class AlreadyFiled(Conflict):
    """The sale or the refund is in the month's figures."""


def overrides(country: str, *, consistent: bool = False) -> Overrides:
    return read_overrides(_table.get(table_key(country), consistent=consistent))


def save_overrides(country: str, new: Overrides, *, by: str) -> None:
    """Replace what was read at the version before. Raises PreconditionFailed if it changed since."""
    seen = new.version - 1
    item = {
        "rates": compact_rates(new.rates),
        "registrations": compact_registrations(new.registrations),
        "version": new.version,
        "changed_at": clock.timestamp(),
        "changed_by": by,
    }
    stale = PreconditionFailed("The country has changed since you read it.")
    when, values = ("version = :seen", {":seen": seen}) if seen else (NEW, None)
    _table.transact(put(table_key(country), item, when=when, values=values, otherwise=stale))


def certificates(customer_id: str) -> tuple[tuple[Certificate, ...], int]:
    """(every certificate of the customer, the version of them all)"""
    item = _table.get(certificates_key(customer_id), consistent=True)
    return read_certificates(item), item["version"] if item else 0


def save_certificates(customer_id: str, held: Sequence[Certificate], *, seen: int) -> None:
    """Raises CertificatesChanged if they changed since they were read at version `seen`."""
    item: Item = {"certificates": orjson.dumps([asdict(one) for one in held]).decode(), "version": seen + 1}
    waiting = [one.submitted_at for one in held if one.status == WAITING]
    item |= {"by1pk": _INBOX, "by1sk": f"{min(waiting)}#{customer_id}"} if waiting else {}
    stale = CertificatesChanged("The certificates have changed since they were read.")
    when, values = ("version = :seen", {":seen": seen}) if seen else (NEW, None)
    _table.transact(put(certificates_key(customer_id), item, when=when, values=values, otherwise=stale))


def waiting_customers(*, limit: int, cursor: str | None) -> tuple[list[str], str | None]:
    """Customers with a certificate that nobody has decided on, who waited longest first; a moment late."""
    page = _table.query(_INBOX, index="by1", limit=limit, cursor=cursor)
    return [item["pk"].removeprefix("TXC#") for item in page.items], page.next


def forget_customer(customer_id: str) -> None:
    _table.write(delete(certificates_key(customer_id)))


def order_of(customer_id: str, order_id: str) -> OrderSnapshot:
    """Raises NotFound."""
    item = _table.get(order_key(customer_id, order_id), consistent=True)
    if item is None:
        raise NotFound("There is no such order.")
    return read_order(item)


def file(document: str, month: str, entries: Sequence[Entry]) -> None:
    """Add a sale or a refund to its month, once. Raises AlreadyFiled."""
    shard = crc32(document.encode()) % SHARDS
    whole = put(
        Key(f"TXF#{month}#{shard}", document),
        {"at": clock.timestamp(), "entries": compact_entries(entries)},
        when=NEW,
        otherwise=AlreadyFiled(f"{document} is filed."),
    )
    _table.transact(whole, *(_added(month, shard, key, sums) for key, sums in summed(entries).items()))


def sums_of(month: str) -> dict[str, Sums]:
    """The month's figures by what they are of: see `filing.summed`."""
    found: dict[str, Sums] = {}
    for shard in range(SHARDS):
        for item in _pages(f"TXF#{month}#sum#{shard}"):
            found[item["sk"]] = found.get(item["sk"], Sums()) + Sums(**{name: item[name] for name in Sums.names()})
    return found


def filed(
    month: str, shard: int, *, limit: int, cursor: str | None
) -> tuple[list[tuple[str, list[Entry]]], str | None]:
    """One page of what a shard of the month holds: (document, entries)."""
    page = _table.query(f"TXF#{month}#{shard}", limit=limit, cursor=cursor)
    return [(item["sk"], read_entries(item["entries"])) for item in page.items], page.next


def recorded_by(document: str) -> str:
    """The provider that has the sale or the refund; empty if none has."""
    item = _table.get(Key(f"TXP#{document}"), consistent=True)
    return str(item["provider"]) if item else ""


def recorded(document: str, provider: str) -> None:
    _table.write(put(Key(f"TXP#{document}"), {"provider": provider, "at": clock.timestamp()}))


def _added(month: str, shard: int, key: str, sums: Sums) -> Write:
    names = Sums.names()
    return update(
        Key(f"TXF#{month}#sum#{shard}", key),
        "ADD " + ", ".join(f"{name} :{name}" for name in names),
        {f":{name}": getattr(sums, name) for name in names},
    )


def _pages(pk: str) -> Iterator[Item]:
    cursor: str | None = None
    while True:
        page: Page = _table.query(pk, limit=100, cursor=cursor)
        yield from page.items
        cursor = page.next
        if cursor is None:
            return


def certificates_of(customers: Iterable[str]) -> dict[str, tuple[Certificate, ...]]:
    """Every certificate of several customers."""
    keys = {certificates_key(customer): customer for customer in customers}
    return {keys[key]: read_certificates(item) for key, item in _table.batch_get(keys).items()}
