"""The refund desk: staff, vendors and customers at the API, and a look into the book."""

from typing import Any
from uuid import uuid4

from ledger.contract import MANIFEST as LEDGER
from ledger.contract import Journal, read_journal
from market.table import Table
from refunds.api import handler
from tests.http import Response, call
from tests.services.refunds import orders

NUMBER = "MK-0R3K7Q8H-2MX4TQ9Z"
ORDER = "ord_0r3k7q8h2mx4tq9z"
_ledger = Table(LEDGER)


def two_vendors() -> None:
    """Two lamps of one vendor at 10.00 and a chair of another at 20.00, 4.90 shipping each: 49.80 in all."""
    lamp = orders.line("LAMP", "ven_lights", 2, orders.Money(1_000, "EUR"), rate=1_900)
    chair = orders.line("CHAIR", "ven_wood", 1, orders.Money(2_000, "EUR"), rate=1_900)
    orders.keep(orders.order(lamp, chair, rate=1_900))


def ask(body: Any, *, number: str = NUMBER, key: str | None = None, **caller: str) -> Response:
    """Staff ask for a refund."""
    who = {"caller": "sam", "roles": "staff"} | caller
    headers = {"idempotency-key": key or uuid4().hex}
    return call(handler, "POST", f"/v1/admin/orders/{number}/refunds", body, headers=headers, **who)


def ask_as_vendor(body: Any, vendor: str, *, path_vendor: str = "", key: str | None = None) -> Response:
    path = f"/v1/vendors/{path_vendor or vendor}/orders/{NUMBER}/refunds"
    headers = {"idempotency-key": key or uuid4().hex}
    return call(handler, "POST", path, body, headers=headers, caller=f"of_{vendor}", roles="vendor", vendor_id=vendor)


def all_(**more: Any) -> dict[str, Any]:
    return {"all": True, "reason": "returned"} | more


def some(*lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"lines": list(lines), "reason": "returned"} | more


def units(sku: str, quantity: int) -> dict[str, Any]:
    return {"sku": sku, "quantity": quantity}


def euros(cents: int) -> dict[str, Any]:
    return {"amount": cents, "currency": "EUR"}


def listed(number: str = NUMBER) -> list[dict[str, Any]]:
    """What staff see, the newest first."""
    answer = call(handler, "GET", f"/v1/admin/orders/{number}/refunds", caller="sam", roles="staff")
    assert answer.status == 200, answer
    return list(answer.json["items"])


def last_refund() -> str:
    return str(listed()[0]["id"])


def journals(order_id: str = ORDER) -> dict[str, Journal]:
    found = map(read_journal, _ledger.query(f"LED#{order_id}", limit=100).items)
    return {journal.name: journal for journal in found}


def sums(order_id: str = ORDER) -> dict[str, int]:
    """Balances of the order's accounts over all journals."""
    balances: dict[str, int] = {}
    for journal in journals(order_id).values():
        assert sum(posting.amount for posting in journal.postings) == 0
        for posting in journal.postings:
            balances[posting.account] = balances.get(posting.account, 0) + posting.amount
    return balances
