"""A paid order whose money is given back, with the provider's own book beside ours, and a killer of AWS calls."""

import threading
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from botocore.client import BaseClient

from ledger.contract import MANIFEST as LEDGER
from ledger.contract import read_journal
from market.table import Table
from orders.contract import MANIFEST as ORDERS
from refunds.api import handler
from refunds.contract import MANIFEST as REFUNDS
from refunds.contract import account_key, payment_status
from tests import shop
from tests.http import Response, call
from tests.sagas.checkout import GOOD, Checkout, lost, order_id

SLOW, REFUSING = "4000000000007726", "4000000000005050"
TOTAL = 2 * 2_000 + 8_000 + 2 * 490
ALL = {"all": True, "reason": "returned"}
_ledger = Table(LEDGER)
_refunds = Table(REFUNDS, LEDGER, ORDERS)


class Killer:
    """Kills a function at one of the AWS calls that it makes, before or after the call has its effect."""

    def __init__(self, environment: pytest.MonkeyPatch) -> None:
        self._inside = threading.local()
        self._target: tuple[str, int, str] | None = None
        self._seen = 0
        self.struck = False
        original = BaseClient._make_api_call  # type: ignore[attr-defined]
        environment.setattr(BaseClient, "_make_api_call", lambda *call: self._call(original, *call))

    def aim(self, function: str, call: int, when: str) -> None:
        """Strike once, at call number `call` (from 0) of the next run of `function`."""
        self._target, self._seen, self.struck = (function, call, when), 0, False

    def watch(self, function: str, run: Callable[[], Any]) -> Any:
        self._inside.name = function
        try:
            return run()
        finally:
            self._inside.name = ""

    def _call(self, original: Callable[..., Any], *call: Any) -> Any:
        target = self._target
        if target is None or self.struck or getattr(self._inside, "name", "") != target[0]:
            return original(*call)
        mine, self._seen = self._seen == target[1], self._seen + 1
        if mine and target[2] == "before":
            self.struck = True
            raise lost("Lambda.Unknown")
        answer = original(*call)
        if mine:
            self.struck = True
            raise lost("Lambda.Unknown")
        return answer


class Desk(Checkout):
    """Sells two lamps of one vendor and a chair of another, and gives the money back."""

    def __init__(self, environment: pytest.MonkeyPatch, *, retry_scale: float = 0.0) -> None:
        super().__init__(environment, retry_scale=retry_scale)
        self.killer = Killer(environment)

    def open_shop(self) -> None:
        shop.stock("LAMP", 100, price=shop.euros(2_000), vendor="ven_lights")
        shop.stock("CHAIR", 100, price=shop.euros(8_000), vendor="ven_wood")

    def sell(self, card: str = GOOD, country: str = "GB") -> str:
        """A paid order, 129.80 in all; its number."""
        shop.fill("ada", ("LAMP", 2), ("CHAIR", 1))
        address = shop.ADDRESS | {"country": country}
        placed = shop.place("ada", shop.order_body(shop.summary("ada"), shippingAddress=address))
        assert placed.status == 201, placed
        number = str(placed.json["orderNo"])
        assert self.pay("ada", number, card).json["status"] == "authorized"
        self.run()
        assert self.provider_book(number) == ("captured", TOTAL)
        return number

    def ask(self, number: str, body: dict[str, Any] = ALL, *, key: str | None = None) -> Response:
        headers = {"idempotency-key": key or uuid4().hex}
        path = f"/v1/admin/orders/{number}/refunds"
        return call(handler, "POST", path, body, headers=headers, caller="sam", roles="staff")

    def refunds(self, number: str) -> list[dict[str, Any]]:
        """As staff see them, the newest first."""
        answer = call(handler, "GET", f"/v1/admin/orders/{number}/refunds", caller="sam", roles="staff")
        assert answer.status == 200, answer
        return list(answer.json["items"])

    def balances(self, number: str) -> dict[str, int]:
        """Of the order's accounts, over all journals, each of which sums to zero."""
        sums: dict[str, int] = {}
        for journal in map(read_journal, _ledger.query(f"LED#{order_id(number)}", limit=100).items):
            assert sum(posting.amount for posting in journal.postings) == 0
            for posting in journal.postings:
                sums[posting.account] = sums.get(posting.account, 0) + posting.amount
        return sums

    def payment_status(self, number: str) -> str:
        return payment_status(_refunds.get(account_key(order_id(number)), consistent=True))

    def _invoke(self, function: str, event: Any) -> Any:
        what = event.get("task") if isinstance(event, dict) else None
        name = what or function.removeprefix("market-dev-")
        return self.killer.watch(name, lambda: super(Desk, self)._invoke(function, event))


def assert_books_agree(desk: Desk, number: str) -> None:
    """I5 and I7, with the provider's memory for the outside book.

    What it holds of the customer's money is what vendors, we and the state have of it; what staff see as succeeded is
    what it gave back.
    """
    _, net = desk.provider_book(number)
    balances = desk.balances(number)
    assert 0 <= net <= TOTAL
    assert balances.get("provider:sandbox", 0) + balances.get("provider_fees", 0) == net
    shares = {a: -b for a, b in balances.items() if a.startswith(("vendor:", "tax:")) or a == "commission"}
    assert sum(shares.values()) == net
    succeeded = [refund for refund in desk.refunds(number) if refund["status"] == "succeeded"]
    assert sum(refund["amount"]["amount"] for refund in succeeded) == TOTAL - net
    told = [e["data"]["refund_id"] for e in shop.announced() if e["type"] == "refund.succeeded"]
    assert {refund["id"] for refund in succeeded} <= set(told)
    assert len(told) == len(set(told))


def assert_given_back(desk: Desk, number: str) -> None:
    """All of it, once, and nothing is left in the books but the fee that the provider keeps."""
    assert desk.provider_book(number) == ("refunded", 0)
    assert [refund["status"] for refund in desk.refunds(number)] == ["succeeded"]
    assert_books_agree(desk, number)
    left = {account: amount for account, amount in desk.balances(number).items() if amount}
    assert set(left) == {"provider:sandbox", "provider_fees"}
    assert desk.payment_status(number) == "refunded"


def assert_nothing_given_back(desk: Desk, number: str) -> None:
    assert desk.provider_book(number) == ("captured", TOTAL)
    assert_books_agree(desk, number)
    assert desk.payment_status(number) == "paid"
