"""Address books in the table: `ADR#<user>`, its head at `-`, an item for each address.

The head lists the addresses, says which is the default and counts the book's changes. Whoever changes something reads
the book whole (50 addresses at most) and writes only if the head is as it was read: so there is one default whenever
there is an address, whoever does what at the same time.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from market import clock, ids
from market.errors import Conflict, PreconditionFailed, Problem
from market.table import Busy, Item, Key, Write, delete, put, update
from profiles.contract import Address, address_key, read_address
from profiles.model import MAX_ADDRESSES, AccountErased, AddressBookFull, DefaultNeeded, NoSuchAddress
from profiles.store import ALIVE, TABLE

_ATTEMPTS = 8
_FIELDS = ("label", "name", "line1", "line2", "city", "state", "subdivision", "postal_code", "country", "phone")
T = TypeVar("T")


class _Moved(Conflict):
    """Another request changed the book first."""


@dataclass(frozen=True, slots=True)
class Book:
    """All addresses of a person, the oldest first. `default_id` is empty where there are none."""

    user_id: str
    version: int = 0
    default_id: str = ""
    addresses: tuple[Address, ...] = ()
    erased: bool = False

    @property
    def ids(self) -> list[str]:
        return [address.id for address in self.addresses]

    def find(self, address_id: str) -> Address:
        """Raises NoSuchAddress."""
        for address in self.addresses:
            if address.id == address_id:
                return address
        raise NoSuchAddress("There is no such address.")

    def like(self, wanted: Address) -> Address | None:
        """The address that says the same, whatever it is called."""
        same = (replace(wanted, id=a.id, label=a.label, version=a.version) for a in self.addresses)
        return next((a for a, b in zip(self.addresses, same, strict=True) if a == b), None)


def read(user_id: str) -> Book:
    """The book as it is: its head first, so that whoever writes by what it says is refused if more has changed."""
    head = TABLE.get(_head(user_id), consistent=True) or {}
    keys = [address_key(user_id, address_id) for address_id in head.get("ids", ())]
    found = TABLE.batch_get(keys, consistent=True) if keys else {}
    return Book(
        user_id,
        version=head.get("version", 0),
        default_id=head.get("default_id", ""),
        addresses=tuple(read_address(found[key]) for key in keys if key in found),
        erased="erased_at" in head,
    )


def get(user_id: str, address_id: str) -> tuple[Address, bool]:
    """An address and whether it is the default. Raises NoSuchAddress, for other people's too."""
    key, head = address_key(user_id, address_id), _head(user_id)
    found = TABLE.batch_get([key, head], consistent=True)
    if address_id == head.sk or key not in found:
        raise NoSuchAddress("There is no such address.")
    return read_address(found[key]), found.get(head, {}).get("default_id") == address_id


def add(user_id: str, wanted: Address, *, default: bool) -> tuple[Address, bool]:
    """Add an address; the first becomes the default. One that says the same and is there already is answered instead.

    Raises AddressBookFull or AccountErased.
    """
    new = replace(wanted, id=ids.new("adr"), version=1)

    def once(book: Book) -> tuple[Address, bool]:
        known = book.like(wanted)
        if known and (not default or book.default_id == known.id):
            return known, book.default_id == known.id
        if known:
            return _appoint(book, known), True
        if len(book.addresses) >= MAX_ADDRESSES:
            raise AddressBookFull(f"An address book has room for {MAX_ADDRESSES}.")
        first = default or not book.addresses
        listed = [*book.ids, new.id]
        _save(book, listed, new.id if first else book.default_id, _put(user_id, new), *_demoted(book, first))
        return new, first

    return _repeat(user_id, once)


def change(
    user_id: str, address_id: str, edit: Callable[[Address], Address], *, default: bool | None, version: int | None
) -> tuple[Address, bool]:
    """Let `edit` change an address: of that version, or of whichever is there.

    Raises NoSuchAddress, PreconditionFailed, DefaultNeeded, AccountErased, and what `edit` raises.
    """

    def once(book: Book) -> tuple[Address, bool]:
        found = book.find(address_id)
        is_default = book.default_id == address_id
        if version not in (None, found.version):
            raise PreconditionFailed("The address has changed since you read it.")
        if default is False and is_default:
            raise DefaultNeeded("Make another address the default instead.")
        edited = edit(found)
        promoted = bool(default) and not is_default
        if edited == found and not promoted:
            return found, is_default
        edited = replace(edited, version=found.version + 1)
        default_id = address_id if promoted else book.default_id
        _save(book, book.ids, default_id, _put(user_id, edited), *_demoted(book, promoted))
        return edited, is_default or promoted

    return _repeat(user_id, once)


def remove(user_id: str, address_id: str, *, version: int | None) -> None:
    """Delete an address; where it was the default, the youngest of the others becomes that.

    Raises NoSuchAddress, PreconditionFailed.
    """

    def once(book: Book) -> None:
        found = book.find(address_id)
        if version not in (None, found.version):
            raise PreconditionFailed("The address has changed since you read it.")
        others = [address for address in book.addresses if address.id != address_id]
        heir = others[-1] if others and book.default_id == address_id else None
        promoted = [_put(user_id, replace(heir, version=heir.version + 1))] if heir else []
        default_id = heir.id if heir else book.default_id if others else ""
        _save(book, [a.id for a in others], default_id, delete(address_key(user_id, address_id)), *promoted)

    _repeat(user_id, once)


def erase(user_id: str, at: str) -> None:
    """Delete the book, and let nobody begin another. Repeated or after a crash it goes on where it was."""

    def close(book: Book) -> None:
        if not book.erased:
            values = {":at": at, ":next": book.version + 1} | _seen(book)
            closing = update(
                _head(user_id),
                "SET erased_at = :at, version = :next REMOVE default_id",
                values,
                when=_as_read(book),
                otherwise=_refused,
            )
            TABLE.transact(closing)

    _repeat(user_id, close, erased=True)
    TABLE.batch_put([delete(address_key(user_id, address_id)) for address_id in read(user_id).ids])
    TABLE.write(update(_head(user_id), "REMOVE ids"))


def _repeat(user_id: str, once: Callable[[Book], T], *, erased: bool = False) -> T:
    """Try until nobody else changed the book in between. Raises Busy, AccountErased."""
    for _ in range(_ATTEMPTS):
        book = read(user_id)
        if book.erased and not erased:
            raise AccountErased("These data were erased.")
        try:
            return once(book)
        except _Moved:
            continue
    raise Busy("Please try again.")


def _appoint(book: Book, address: Address) -> Address:
    appointed = replace(address, version=address.version + 1)
    _save(book, book.ids, address.id, _put(book.user_id, appointed), *_demoted(book, True))
    return appointed


def _demoted(book: Book, happens: bool) -> list[Write]:
    """The former default looks different from now on, so that it is another version."""
    former = next((a for a in book.addresses if a.id == book.default_id), None)
    return [_put(book.user_id, replace(former, version=former.version + 1))] if happens and former else []


def _save(book: Book, listed: list[str], default_id: str, *writes: Write) -> None:
    """Write, if the book is as it was read."""
    values: dict[str, Any] = {":next": book.version + 1, ":ids": listed} | _seen(book)
    expression = "SET version = :next, ids = :ids"
    if default_id:
        expression, values = f"{expression}, default_id = :default", values | {":default": default_id}
    else:
        expression += " REMOVE default_id"
    TABLE.transact(
        update(_head(book.user_id), expression, values, when=f"{ALIVE} AND {_as_read(book)}", otherwise=_refused),
        *writes,
    )


def _as_read(book: Book) -> str:
    return "version = :seen" if book.version else "attribute_not_exists(version)"


def _seen(book: Book) -> dict[str, int]:
    return {":seen": book.version} if book.version else {}


def _refused(_found: Item | None) -> Problem:
    return _Moved()


def _put(user_id: str, address: Address) -> Write:
    fields = {name: getattr(address, name) for name in _FIELDS if getattr(address, name)}
    item: Mapping[str, Any] = fields | {
        "lines": list(address.lines),
        "version": address.version,
        "updated_at": clock.timestamp(),
    }
    return put(address_key(user_id, address.id), item)


def _head(user_id: str) -> Key:
    return address_key(user_id, "-")
