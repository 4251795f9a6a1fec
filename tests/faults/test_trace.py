"""No handler writes by what it read before without making sure that it still holds."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from inventory.contract import MANIFEST as INVENTORY
from inventory.contract import stock_key
from market.errors import Conflict
from market.table import EXISTS, NEW, Key, Table, Write, put, update
from orders.contract import OrderSnapshot
from refunds import store as refund_store
from refunds.model import Account
from tests import shop
from tests.faults.conftest import Simulate
from tests.faults.network import StormyCheckout, Weather
from tests.faults.trace import Trace
from vendors.manifest import MANIFEST as VENDORS

pytestmark = pytest.mark.contract("7.2", "11.2", "12.4")
STORMS = range(3_000, 3_005)

ALLOWED: dict[tuple[str, str], str] = {
    ("media store.due", "MDS#<id>"): "a bookmark: of two sweeps at once one looks at some days again",
    ("notifications store.remember", "MSG#<id>"): "adds to sets of who was told, takes nothing away",
    ("orders parts.cancel", "VOR#<id> / <id>"): "made of the order alone, whose status the same transaction fences",
    ("payments screening.admit", "FRD#<id>#<id>"): "adds tags to sets, under the fence of the order's screening",
    ("payments discrepancies.proceed", "PRC#<id>"): "a bookmark: of two runs at once one compares some payments again",
    ("refunds store.succeed", "RFD#<id>"): "adds the amount, under the fence of the refund's status",
}
"""Writes (function, item) without a fence of their own, and why they need none."""


@pytest.fixture
def trace(environment: pytest.MonkeyPatch) -> Trace:
    """Follows each call of a handler in every story that is told from now on."""
    found = Trace()
    listen, at_work = StormyCheckout._listen, StormyCheckout._at_work

    def listening(checkout: StormyCheckout) -> None:
        found.watch()
        listen(checkout)

    @contextmanager
    def traced(checkout: StormyCheckout, doomed: int) -> Iterator[None]:
        with found.run(), at_work(checkout, doomed):
            yield

    environment.setattr(StormyCheckout, "_listen", listening)
    environment.setattr(StormyCheckout, "_at_work", traced)
    return found


def unfenced(trace: Trace) -> str:
    return "\n".join(str(one) for one in sorted(trace.findings) if (one.writer, one.item) not in ALLOWED)


@pytest.mark.slow
def test_nothing_is_written_by_what_was_read_before_in_fair_weather(
    simulate: Simulate, trace: Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    fair = Weather(lost=0.0, never=0.0, twice=0.0, late=0.0, gone=0.0, latest=0.0)
    monkeypatch.setattr(Weather, "of", lambda _dice: fair)
    for seed in STORMS:
        simulate(seed)
    assert trace.runs > 1_000
    assert len(trace.fenced) > 10
    assert not unfenced(trace), unfenced(trace)


@pytest.mark.slow
def test_nothing_is_written_by_what_was_read_before_in_storms(simulate: Simulate, trace: Trace) -> None:
    for seed in STORMS:
        simulate(seed)
    assert not unfenced(trace), unfenced(trace)


# -- bugs that are planted on purpose: a trace that finds none proves nothing

LAMP = stock_key("LAMP")
planted = pytest.mark.parametrize("database", ["dynoxide"], indirect=True)


@pytest.fixture
def shelf(database: str, trace: Trace) -> Table:
    trace.watch()
    shop.stock("LAMP", 10)
    return Table(INVENTORY, VENDORS)


@planted
@pytest.mark.parametrize("when", ["", EXISTS, "vendor_id = :vendor"])
def test_a_read_that_decides_on_an_unfenced_update_is_found(shelf: Table, trace: Trace, when: str) -> None:
    with trace.run():
        item = shelf.get(LAMP)
        assert item
        values = {":less": item["available"] - 1} | ({":vendor": "ven_lights"} if ":vendor" in when else {})
        shelf.write(update(LAMP, "SET available = :less", values, when=when, otherwise=Conflict() if when else None))
    assert [(one.item, one.condition) for one in trace.findings] == [("STK#<id>", when)]


@planted
def test_a_check_that_decides_on_a_plain_put_is_found(shelf: Table, trace: Trace) -> None:
    with trace.run():
        chair = Key("STK#CHAIR")
        if chair not in shelf.batch_get([chair, LAMP]):
            shelf.transact(put(chair, {"available": 1}))
    assert [one.item for one in trace.findings] == ["STK#<id>"]


@planted
def test_writes_that_look_again_are_not_found(shelf: Table, trace: Trace) -> None:
    with trace.run():
        item = shelf.get(LAMP, consistent=True)
        assert item
        values = {":less": item["available"] - 1, ":seen": item["available"]}
        shelf.write(
            update(LAMP, "SET available = :less", values, when="available = :seen", otherwise=Conflict()),
        )
        shelf.get(Key("STK#CHAIR"))
        shelf.write(put(Key("STK#CHAIR"), {"available": 1}, when=NEW, otherwise=Conflict()))
    assert not trace.findings


@planted
def test_what_another_run_read_does_not_count(shelf: Table, trace: Trace) -> None:
    with trace.run():
        shelf.get(LAMP)
    with trace.run():
        shelf.write(update(LAMP, "SET title = :new", {":new": "Lamp"}))
    assert not trace.findings


@pytest.mark.slow
def test_a_refund_account_that_is_saved_without_its_version_is_found(
    simulate: Simulate, trace: Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = refund_store._save

    def blind(order: OrderSnapshot, before: Account, after: Account) -> Write:
        write = honest(order, before, after)
        values = {k: v for k, v in write.request["ExpressionAttributeValues"].items() if k != ":version"}
        kept = {k: v for k, v in write.request.items() if k != "ConditionExpression"}
        return Write(write.action, write.key, kept | {"ExpressionAttributeValues": values}, None)

    monkeypatch.setattr(refund_store, "_save", blind)
    for seed in STORMS:
        simulate(seed)
    assert "refunds store.reserve" in unfenced(trace)
