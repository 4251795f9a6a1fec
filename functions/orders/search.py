"""Orders as staff look for them: one item `ORX#<order id>` each, written from what is heard of the order.

It lists the order by status and day of placement (by2, in shards, since a busy day would be one hot partition) and by a
keyed hash of the e-mail (by3). It follows the order by some moments; the order itself decides.
"""

import heapq
import hmac
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from zlib import crc32

from market import config
from market.errors import Conflict, NotFound
from market.money import Money
from market.table import NEW, Item, put, read_cursor, sign_cursor
from orders.contract import OrderRef, OrderSnapshot, read_ref, ref_key
from orders.model import fulfilment, rank
from orders.table import TABLE

SHARDS = 4
DAYS_A_PAGE = 31
"""Days that one request looks at: where nothing was ordered for long, a page may be short or empty and still go on."""


class _Newer(Conflict):
    """More is known of the order already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An order as the search knows it. fulfilment: its parts' status rolled up, empty until it is paid."""

    ref: OrderRef
    fulfilment: str
    total: Money
    created_at: str


def index(order: OrderSnapshot) -> None:
    """Let the order be found as it now is. Repeated, late or out of order this changes nothing."""
    seen = rank(order.status, order.fulfilment)
    day, shard = order.created_at[:10], crc32(order.id.encode()) % SHARDS
    item: Item = {
        "number": order.number,
        "customer_id": order.customer_id,
        "status": order.status,
        "fulfilment": fulfilment(order),
        "rank": seen,
        "total": order.total.amount,
        "currency": order.currency,
        "created_at": order.created_at,
        "by2pk": _day_list(order.status, day, shard),
        "by2sk": f"{order.created_at}#{order.id}",
    }
    if email := order.origin.get("email"):
        item |= {"by3pk": _email_list(email), "by3sk": order.id}
    try:
        TABLE.write(
            put(ref_key(order.id), item, when=f"{NEW} OR rank < :rank", values={":rank": seen}, otherwise=_Newer())
        )
    except _Newer:
        return


def ref(order_id: str) -> OrderRef:
    """Where an order is. Raises NotFound."""
    item = TABLE.get(ref_key(order_id))
    if item is None:
        raise NotFound("There is no such order.")
    return read_ref(item)


def by_id(order_id: str) -> list[Found]:
    """The order of this id, or none."""
    return _found([order_id])


def by_email(email: str, *, limit: int, cursor: str | None) -> tuple[list[Found], str | None]:
    """The newest first."""
    page = TABLE.query(_email_list(email), index="by3", newest_first=True, limit=limit, cursor=cursor)
    return _found(entry["by3sk"] for entry in page.items), page.next


def by_day(status: str, first: date, last: date, *, limit: int, cursor: str | None) -> tuple[list[Found], str | None]:
    """Orders of a status that were placed on these days, the newest first. Raises BadCursor."""
    scope = f"orders.by_day|{status}|{first}|{last}"
    place: dict[str, Any] = {"day": last.isoformat(), "after": "", "starts": {}}
    if cursor:
        place = read_cursor(cursor, scope)
    day = date.fromisoformat(place["day"])
    ids: list[str] = []
    for _ in range(DAYS_A_PAGE):
        if day < first:
            return _found(ids), None
        streams = [_Stream(_day_list(status, day.isoformat(), n), place, str(n), limit) for n in range(SHARDS)]
        for entry in heapq.merge(*streams, key=_place, reverse=True):
            ids.append(entry["pk"].removeprefix("ORX#"))
            if len(ids) == limit:
                starts = {stream.name: stream.start for stream in streams if stream.start}
                rest = {"day": day.isoformat(), "after": _place(entry), "starts": starts}
                return _found(ids), sign_cursor(rest, scope)
        day, place = day - timedelta(days=1), {"after": "", "starts": {}}
    return _found(ids), sign_cursor({"day": day.isoformat(), "after": "", "starts": {}}, scope)


class _Stream:
    """One shard of a day, newest first, from below `after` on; `start` leads to the page that is being read."""

    def __init__(self, partition: str, place: Item, name: str, limit: int) -> None:
        self.name, self.start = name, place["starts"].get(name)
        self._partition, self._after, self._limit = partition, place["after"], limit

    def __iter__(self) -> Iterator[Item]:
        following = self.start
        while True:
            self.start = following
            page = TABLE.query(self._partition, index="by2", newest_first=True, limit=self._limit, cursor=self.start)
            yield from (entry for entry in page.items if not self._after or _place(entry) < self._after)
            if not page.next:
                return
            following = page.next


def _found(ids: Iterable[str]) -> list[Found]:
    """The entries themselves, in the order of the ids: the index tells which, they tell how they are."""
    keys = [ref_key(order_id) for order_id in ids]
    items = TABLE.batch_get(keys)
    return [
        Found(
            ref=read_ref(item),
            fulfilment=item["fulfilment"],
            total=Money(item["total"], item["currency"]),
            created_at=item["created_at"],
        )
        for key in keys
        if (item := items.get(key))
    ]


def _place(entry: Item) -> str:
    return str(entry["by2sk"])


def _day_list(status: str, day: str, shard: int) -> str:
    return f"ORX#{status}#{day}#{shard}"


def _email_list(email: str) -> str:
    keyed = hmac.new(config.key("orders.email"), email.strip().lower().encode(), "sha256")
    return f"ORX#mail#{keyed.hexdigest()[:32]}"
