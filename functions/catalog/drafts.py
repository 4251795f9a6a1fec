"""Working copies: at most one beside each product on sale, holding what is to become of it.

A copy knows the product as it was when the copy was made (`base`), and as it is wished (`wanted`); when it is published
the difference is put upon whatever is on sale by then. It is written only while the product is the version that the
writer saw.
"""

from collections.abc import Mapping
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict

from catalog.changes import QUEUE, product_key
from catalog.manifest import MANIFEST
from catalog.model import Product, Review
from catalog.rules import changed
from inventory.contract import MANIFEST as INVENTORY
from market import clock
from market.errors import Conflict, PreconditionFailed
from market.events import Event, announce
from market.table import NEW, Item, Key, Table, Write, check, delete, put
from media.contract import MANIFEST as MEDIA
from promotions.contract import MANIFEST as PROMOTIONS
from vendors.contract import MANIFEST as VENDORS

_table = Table(MANIFEST, INVENTORY, MEDIA, PROMOTIONS, VENDORS)


class WorkingCopy(BaseModel):
    """`stock` is what SKUs that are not on sale yet begin with."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    base: Product
    wanted: Product
    stock: dict[str, int] = {}
    review: Review | None = None
    version: int
    updated_at: str

    @property
    def state(self) -> str:
        """`editing`, `pending` or `rejected`."""
        return self.review.outcome if self.review and self.review.outcome in ("pending", "rejected") else "editing"

    @property
    def waits(self) -> bool:
        return self.state == "pending"

    @property
    def changed(self) -> list[str]:
        return sorted(changed(self.base, self.wanted))


def find(product_id: str) -> WorkingCopy | None:
    """The copy as last written."""
    item = _table.get(_key(product_id), consistent=True)
    return WorkingCopy.model_validate_json(item["doc"]) if item else None


def first(live: Product, wanted: Product, stock: Mapping[str, int]) -> WorkingCopy:
    """A new copy. Its versions begin with the present millisecond: a reviewer never takes one copy for another."""
    version = int(clock.now().timestamp() * 1000)
    return WorkingCopy(base=live, wanted=wanted, stock=dict(stock), version=version, updated_at=clock.timestamp())


def saved(before: WorkingCopy | None, after: WorkingCopy) -> Write:
    """The copy in its next version. Raises PreconditionFailed."""
    fence: dict[str, Any] = {"when": NEW}
    if before:
        fence = {"when": "version = :copy", "values": {":copy": before.version}}
    return put(_key(after.wanted.id), _item(after), **fence, otherwise=_changed())


def beside(live: Product) -> Write:
    """Let a copy be written only beside the product as it was seen. Raises PreconditionFailed."""
    return check(
        product_key(live.id), when="version = :live", values={":live": live.version}, otherwise=_changed("product")
    )


def ended(copy: WorkingCopy) -> Write:
    """The copy is gone: published, or dropped. Raises PreconditionFailed."""
    seen = {":copy": copy.version}
    return delete(_key(copy.wanted.id), when="version = :copy", values=seen, otherwise=_changed())


def none_left(product_id: str) -> Write:
    """Take the copy, if there is one, with the product off sale. Raises Conflict if one was made meanwhile."""
    copy = find(product_id)
    if copy:
        return ended(copy)
    return check(_key(product_id), when=NEW, otherwise=Conflict("A working copy was made meanwhile."))


def carry_out(*writes: Write, events: tuple[Event, ...] = ()) -> None:
    _table.transact(*writes, *(announce(event, by=MANIFEST) for event in events))


def _item(copy: WorkingCopy) -> Item:
    item: Item = {
        "vendor_id": copy.wanted.vendor_id,
        "version": copy.version,
        "doc": copy.model_dump_json(by_alias=True, exclude_none=True),
        "card": _card(copy),
    }
    if copy.waits and copy.review:
        item |= {"by3pk": QUEUE, "by3sk": f"{copy.review.submitted_at}#{copy.wanted.id}"}
    return item


def _card(copy: WorkingCopy) -> str:
    card: dict[str, Any] = orjson.loads(copy.wanted.card())
    if copy.review:
        told = copy.review.model_dump(by_alias=True, include={"submitted_at", "note"})
        card["review"] = {"kind": "change", "version": copy.version, "changed": copy.changed} | told
    return orjson.dumps(card).decode()


def _key(product_id: str) -> Key:
    return Key(f"PRV#{product_id}", "draft")


def _changed(what: str = "working copy") -> PreconditionFailed:
    return PreconditionFailed(f"The {what} was changed meanwhile.")
