"""Commission rules in the table: one document for all vendors, and one for each that has rules of its own."""

from collections.abc import Sequence
from dataclasses import dataclass

from ledger.contract import EVERYONE, Rule, Rules, commission_keys, compact_rules, read_rules
from ledger.manifest import MANIFEST
from market import clock
from market.errors import PreconditionFailed
from market.table import NEW, Key, Table, put

_table = Table(MANIFEST)


@dataclass(frozen=True, slots=True)
class Document:
    """The rules of one vendor, or those for all. version: 0 before the first were set."""

    rules: tuple[Rule, ...] = ()
    version: int = 0
    changed_at: str = ""
    changed_by: str = ""


def get(vendor_id: str) -> Document:
    """The vendor's own rules; those for all vendors where `vendor_id` is empty."""
    item = _table.get(_key(vendor_id), consistent=True)
    if item is None:
        return Document()
    return Document(
        tuple(read_rules([item]).get(vendor_id, ())), item["version"], item["changed_at"], item["changed_by"]
    )


def governing(vendor_id: str) -> Rules:
    """Every rule that can decide on the vendor's commission: its own, and those for all."""
    return read_rules(_table.batch_get(commission_keys([vendor_id])).values())


def save(vendor_id: str, rules: Sequence[Rule], *, seen: int, by: str) -> Document:
    """Replace a document that was read at version `seen`. Raises PreconditionFailed if it changed since.

    No rules are a document too, so that versions go on and an old `If-Match` never fits again.
    """
    new = Document(tuple(rules), seen + 1, clock.timestamp(), by)
    item = {
        "rules": compact_rules(rules),
        "version": new.version,
        "changed_at": new.changed_at,
        "changed_by": new.changed_by,
    }
    when, values = ("version = :seen", {":seen": seen}) if seen else (NEW, None)
    stale = PreconditionFailed("The rules have changed since you read them.")
    _table.write(put(_key(vendor_id), item, when=when, values=values, otherwise=stale))
    return new


def _key(vendor_id: str) -> Key:
    return Key(f"COM#{vendor_id or EVERYONE}")
