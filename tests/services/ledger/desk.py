"""A bookkeeper's desk: journals as other services book them, news of them, and what the routes tell."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from ledger import consumer, store
from ledger.accounts import Entry
from ledger.api import handler as api
from ledger.commission_api import handler as commission_api
from ledger.contract import (
    COMMISSION,
    POSTED,
    PROVIDER_FEES,
    Posting,
    Share,
    book,
    credit,
    debit,
    provider,
    tax,
    vendor,
)
from ledger.manifest import MANIFEST
from market import clock
from market.money import Money
from market.table import Table, Write
from tests.http import Response, call
from tests.services.outbox import message

STAFF = {"caller": "sam", "roles": "staff"}
table = Table(MANIFEST)


def sale(
    order_id: str,
    *parts: Share,
    currency: str = "EUR",
    fee: int = 0,
    name: str = "sale",
    state: str = POSTED,
    told: bool = True,
) -> Write:
    """The journal of a sale as orders book it. told: with the vendors' shares."""
    captured = sum(part.gross for part in parts)
    postings = [
        debit(provider("sandbox"), Money(captured - fee, currency)),
        debit(PROVIDER_FEES, Money(fee, currency)),
        *(credit(vendor(part.vendor_id), Money(part.net, currency)) for part in parts),
        credit(COMMISSION, Money(sum(part.commission for part in parts), currency)),
        credit(tax("DE"), Money(sum(part.tax for part in parts), currency)),
    ]
    number = "MK-" + order_id.removeprefix("ord_")
    return book(order_id, name, currency, postings, state=state, number=number, shares=parts if told else ())


def part(vendor_id: str, gross: int, commission: int = 0, taxed: int = 0) -> Share:
    return Share(vendor_id=vendor_id, gross=gross, commission=commission, tax=taxed)


def sell(order_id: str, *parts: Share, **options: Any) -> None:
    table.transact(sale(order_id, *parts, **options))


def move(write: Write) -> None:
    table.transact(write)


def tell(event_type: str, order_id: str, **data: str) -> list[str]:
    """Deliver an event; the ids of the messages that failed."""
    told = message(event_type, {"order_id": order_id} | data, f"{event_type}-{order_id}")
    answer = consumer.handler({"Records": [told | {"messageId": order_id}]})
    return [failed["itemIdentifier"] for failed in answer["batchItemFailures"]]


def paid(order_id: str) -> list[str]:
    return tell("order.paid", order_id)


@contextmanager
def at(moment: str) -> Iterator[None]:
    """Let it be this time (`2026-11-21T10:00` in UTC)."""
    with clock.running_on(lambda: datetime.fromisoformat(f"{moment}+00:00")):
        yield


def get(path: str, **query: Any) -> Response:
    return call(api, "GET", path, query=query, **STAFF)


def ask(method: str, path: str, body: Any = None, headers: dict[str, str] | None = None, **query: Any) -> Response:
    """Of the commission rules, as staff."""
    return call(commission_api, method, path, body, query=query, headers=headers, **STAFF)


def standing(vendor_id: str) -> dict[str, tuple[int, int]]:
    """(posted, pending) by currency, as the vendor is told."""
    answer = call(api, "GET", f"/v1/vendors/{vendor_id}/balance", caller="v", roles="vendor", vendor_id=vendor_id)
    assert answer.status == 200, answer
    balances = answer.json["balances"]
    return {b["posted"]["currency"]: (b["posted"]["amount"], b["pending"]["amount"]) for b in balances}


def owed(vendor_id: str) -> int:
    """What the vendor is owed in euro cents, posted."""
    return standing(vendor_id).get("EUR", (0, 0))[0]


def entries(vendor_id: str) -> list[Entry]:
    return [entry for begins in ("2", "waiting#") for entry in store.all_entries(vendor_id, begins)]


def postings(*pairs: tuple[str, int]) -> list[Posting]:
    return [Posting(account, amount) for account, amount in pairs]
