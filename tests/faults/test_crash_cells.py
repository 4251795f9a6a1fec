"""Functions that die, answers that are lost, calls that are refused or made twice, at every call of every flow.

Every day a sample that is the same each time; the slow tests in `cells` strike them all. Then bugs that are planted.
"""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError

from backbone import relay
from inventory.contract import commit, stock_key
from ledger import store as ledger_store
from local.database import Database
from market import ids
from market.guard import audit
from market.money import Money
from market.table import Table, Write, put, update
from orders import service as orders
from orders import shelves
from orders import store as order_store
from orders.contract import CANCELLED
from orders.table import TABLE
from payments import service as payments
from payments.gateway import Intent, Refund
from payments.model import CaptureRefused, ProviderUnavailable
from payments.providers.sandbox import Sandbox
from promotions import contract as promotions
from tests.faults.cells import matrix
from tests.faults.cells.floor import Floor
from tests.faults.cells.flows import FLOWS
from tests.faults.cells.wires import Recorder

pytestmark = pytest.mark.contract("7.2", "7.3", "11.2", "12.1", "12.2", "12.3", "12.4")
EVERY = 100
Note = Callable[[str, object], None]


@pytest.fixture
def floor(dynoxide: Database, environment: pytest.MonkeyPatch) -> Floor:
    return Floor(environment, dynoxide)


@pytest.mark.parametrize("flow", FLOWS)
def test_a_call_that_breaks_changes_no_end(floor: Floor, flow: str, record_property: Note) -> None:
    report = matrix.singles(floor, flow, every=EVERY, first=list(FLOWS).index(flow) % EVERY)
    record_property("cells", f"a sample of {flow}: {matrix.summary(report)}")
    assert report.runs
    assert report.broken == {}
    assert report.missed == []


@pytest.mark.parametrize("flow", list(FLOWS)[::6])
def test_two_calls_that_break_change_no_end(floor: Floor, flow: str) -> None:
    assert matrix.pairs(floor, flow, at_most=1).broken == {}


def test_the_flows_lead_through_every_step_and_undo(floor: Floor) -> None:
    """Left out are parking for people, which takes a fault that never ends, and the schedule of the ledger."""
    seen: set[str] = set()
    for flow in ("paid", "never told, so asked", "cancelled after the capture", "review expired", "review approved"):
        seen.update(cell.step for cell in matrix.cells_of(floor, flow))
    for flow in ("hot, paid", "refunded whole", "refund refused", "never told, so reconciled", "invoiced and credited"):
        seen.update(cell.step for cell in matrix.cells_of(floor, flow))
    tasks = {"await_payment", "resolve", "capture", "confirm", "give_up", "undo", "await_review", "resolve_review"}
    assert seen >= tasks | {"refund", "book", "refuse"}
    consumers = {step.split()[0] for step in seen if "-consumer" in step}
    hearing = ("orders", "payments", "fraud", "ledger", "refunds", "invoices", "prices", "promotions", "tax")
    assert consumers == {f"{name}-consumer" for name in (*hearing, "inventory")}


# -- bugs planted on purpose


def test_an_undo_that_forgets_what_was_captured_is_found(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = Sandbox.retrieve

    def forgetful(port: Sandbox, reference: str) -> Intent:
        intent = honest(port, reference)
        return Intent(reference=reference, order_id=intent.order_id, status="voided", amount=intent.amount)

    monkeypatch.setattr(Sandbox, "retrieve", forgetful)
    found = matrix.tell(floor, "cancelled after the capture", Recorder())
    assert any(line.startswith("I3") for line in found)


def test_a_record_beside_the_change_that_it_tells_of_is_found(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = audit.follow

    def beside(table: Table, writes: Sequence[Write]) -> None:
        if record := honest(table, writes):
            table.transact(record)

    monkeypatch.setattr(audit, "follow", beside)
    assert matrix.finds(floor, "part cancelled", "POST /v1/vendors", "dies before", "I9")


def test_a_refund_without_its_key_is_found(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = Sandbox.refund

    def keyless(port: Sandbox, _refund_id: str, reference: str, amount: Money) -> Refund:
        return honest(port, ids.ulid(), reference, amount)

    monkeypatch.setattr(Sandbox, "refund", keyless)
    assert matrix.finds(floor, "refunded a line", "refund", "unheard", "I3")


def test_a_capture_that_takes_a_hiccup_for_a_refusal_is_found(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = Sandbox.capture

    def hasty(port: Sandbox, key: str, reference: str, amount: Money) -> Intent:
        try:
            return honest(port, key, reference, amount)
        except ProviderUnavailable:
            raise CaptureRefused("no answer") from None

    monkeypatch.setattr(Sandbox, "capture", hasty)
    assert matrix.finds(floor, "never told, so asked", "capture", "refused", "I2")


def test_giving_up_without_a_fence_is_found(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    def unfenced(customer_id: str, order_id: str, reason: str) -> str:
        order_store.mark_cancelled(order_store.get(customer_id, order_id, consistent=True), reason)
        return CANCELLED

    def move(order: Any, status: str, stamp: str, reason: str = "") -> Write:
        text = f"SET status = :status, {stamp} = :now, cancel_reason = :reason REMOVE by1pk, by1sk"
        return update(
            order_store.order_key(order.customer_id, order.id), text, {":status": status, ":now": "", ":reason": reason}
        )

    def release(sku: str, quantity: int) -> Write:
        values = {":back": quantity}
        return update(stock_key(sku), "SET held = held - :back, available = available + :back", values)

    monkeypatch.setattr(orders, "give_up", unfenced)
    monkeypatch.setattr(order_store, "_move", move)
    monkeypatch.setattr(shelves, "release", release)
    assert matrix.finds(floor, "declined", "give_up", "dies after", "I1")


def test_a_confirmation_in_two_halves_is_found(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = order_store.mark_paid

    def halved(order: Any, booking: Write) -> None:
        TABLE.transact(*(commit(line.sku, line.quantity) for line in order.lines))
        monkeypatch.setattr(shelves, "commit", lambda sku, _, **__: [no_change(sku)])
        honest(order, booking)

    monkeypatch.setattr(order_store, "mark_paid", halved)
    assert matrix.finds(floor, "paid", "confirm", "dies before", "I")


def no_change(sku: str) -> Write:
    return update(stock_key(sku), "SET seen = :yes", {":yes": True})


def test_a_relay_that_drops_what_the_bus_refused_is_found(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = relay._publish

    def careless(records: Any) -> None:
        try:
            honest(records)
        except ClientError:
            return

    monkeypatch.setattr(relay, "_publish", careless)
    assert matrix.finds(floor, "paid", "backbone-relay order.paid", "refused", "I")


def test_a_consumer_that_adds_up_what_it_heard_twice_is_found(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    def unfenced(entry: Any) -> list[Write]:
        written = put(ledger_store.entry_key(entry), ledger_store._entry_item(entry))
        return [written, ledger_store._weigh(entry, entry.net, 1)]

    monkeypatch.setattr(ledger_store, "_added", unfenced)
    monkeypatch.setattr(ledger_store, "stored", lambda _: {})
    assert matrix.finds(floor, "refunded a line", "ledger-consumer", "dies after", "I7")


def test_an_order_without_memory_of_its_key_is_found(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    from cart.contract import Cart

    monkeypatch.setattr(Cart, "order_of", lambda _cart, _key: None)
    assert matrix.finds(floor, "paid", "POST /v1/orders", "dies after", "AssertionError")


def test_money_that_goes_back_unbooked_is_found(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        payments,
        "_loss",
        lambda payment, *_: update(payments.store.payment_key(payment.order_id), "SET x = :x", {":x": 1}),
    )
    found = matrix.tell(floor, "cancelled after the capture", Recorder())
    assert any(line.startswith("I7") for line in found)


@pytest.mark.contract("9.1", "9.2")
def test_a_promotion_that_is_not_given_back_is_found(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(promotions, "release", lambda *_: ())
    found = matrix.tell(floor, "promotion given back", Recorder())
    assert any(line.startswith("I8") for line in found)
