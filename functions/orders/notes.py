"""What is written of an order's history, `ONT#<order id>`/`<time id>`: notes of people, and what happened besides."""

from market import ids
from market.money import Money
from market.table import Item, Key, Write, put
from orders.model import NOTE, VENDOR, Entry, TooManyNotes
from orders.table import TABLE

SHOWN = 200
"""Entries of one order that are read, the newest."""
MOST_OF_A_VENDOR = 20
"""Notes that a vendor may write to one order."""


def entry(order_id: str, told: Entry, *, time_id: str = "") -> Write:
    """Write an entry, for a transaction of its cause. `time_id` keeps what may come twice from being there twice."""
    fields = {
        "event": told.event,
        "at": told.at,
        "by": told.by,
        "author": told.author,
        "visible": told.visible,
        "vendor_id": told.vendor_id,
        "text": told.text,
        "amount": told.amount.amount if told.amount else None,
        "currency": told.amount.currency if told.amount else None,
    }
    return put(Key(f"ONT#{order_id}", time_id or ids.ulid()), {k: v for k, v in fields.items() if v not in ("", None)})


def add(order_id: str, told: Entry, *, time_id: str = "") -> None:
    TABLE.write(entry(order_id, told, time_id=time_id))


def of_order(order_id: str) -> list[Entry]:
    """The newest entries, in no order."""
    return [_entry(item) for item in TABLE.query(f"ONT#{order_id}", newest_first=True, limit=SHOWN).items]


def require_room(order_id: str, vendor_id: str) -> None:
    """Raises TooManyNotes; notes that are written in the same moment may be a few more."""
    own = [one for one in of_order(order_id) if (one.event, one.by, one.vendor_id) == (NOTE, VENDOR, vendor_id)]
    if len(own) >= MOST_OF_A_VENDOR:
        raise TooManyNotes("There are too many notes of yours on this order.", most=MOST_OF_A_VENDOR)


def _entry(item: Item) -> Entry:
    return Entry(
        event=item["event"],
        at=item["at"],
        by=item["by"],
        author=item.get("author", ""),
        visible=item["visible"],
        vendor_id=item.get("vendor_id", ""),
        text=item.get("text", ""),
        amount=Money(item["amount"], item["currency"]) if "amount" in item else None,
    )
