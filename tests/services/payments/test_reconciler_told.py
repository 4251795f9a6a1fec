"""What the reconciler leaves to a person: it touches nothing, rings the alarm, and shows both sides to staff."""

from datetime import timedelta

import pytest

from market import clock, config
from payments import books, discrepancies, reconciling
from payments.providers.sandbox import Sandbox
from tests.sagas.checkout import order_id
from tests.sagas.review import DOUBTFUL
from tests.services.payments.reconciler import (
    NOTHING,
    REPAIRED,
    TOLD,
    Silent,
    alone,
    at_home,
    at_provider,
    change,
    found,
    hours_ago,
    reconcile,
    remove,
    rung,
    sweep,
    timed_out,
    write,
)
from tests.services.payments.till import STAFF, TOTAL, Till

pytestmark = pytest.mark.contract("11.2", "12.1", "25.3")

BOOKS = {
    "amount": ({"amount": TOTAL + 1}, {}),
    "currency": ({"currency": "USD"}, {}),
    "not_captured": ({"status": "voided"}, {}),
    "refunded_elsewhere": ({"refunded": 490}, {}),
    "refund_missing": ({}, {"refunded": 490, "returned": 490}),
    "unpaid": ({"status": "authorized"}, {"status": "voided"}),
}
"""What the provider's book and ours are changed to after a sale, by the difference that this makes."""


@pytest.mark.parametrize("kind", BOOKS)
def test_money_that_differs_is_told_and_nothing_is_moved(
    till: Till, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    alone(till)
    number = till.sold()
    theirs, ours = BOOKS[kind]
    if theirs:
        at_provider(till, number, **theirs)
    if ours:
        at_home(number, **ours)
    till.wait(130)
    payment, intents, accounts = till.payment(number), till.intents(number), till.accounts(number)
    capsys.readouterr()

    for _ in range(2):
        assert reconcile() == TOLD
        assert rung(capsys.readouterr().out) == [1], "the alarm stays on as long as they differ"
    assert found(till) == [(kind, False)]
    assert (till.payment(number), till.intents(number), till.accounts(number)) == (payment, intents, accounts)


def test_staff_see_both_sides_of_a_difference_and_nobody_else_does(till: Till) -> None:
    alone(till)
    number = till.sold()
    at_provider(till, number, refunded=490)
    till.wait(130)
    reconcile()
    path = "/v1/admin/payments/discrepancies"
    (item,) = till.ask("GET", path, **STAFF).json["items"]
    assert (item["orderNo"], item["kind"], item["repaired"]) == (number, "refunded_elsewhere", False)
    assert item["ours"] == {"order": "paid", "status": "captured", "amount": TOTAL, "currency": "EUR"}
    assert item["theirs"] == {"status": "captured", "amount": TOTAL, "currency": "EUR", "refunded": 490}
    assert till.ask("GET", path).status == 403


def test_differences_are_listed_page_by_page_those_found_last_first(till: Till) -> None:
    alone(till)
    numbers = [till.sold() for _ in range(3)]
    for number in numbers:
        at_provider(till, number, refunded=490)
        till.wait(150)
        reconcile()
    seen, cursor = [], ""
    while cursor is not None:
        path = "/v1/admin/payments/discrepancies?limit=2" + (f"&cursor={cursor}" if cursor else "")
        page = till.ask("GET", path, **STAFF).json
        seen += [item["orderNo"] for item in page["items"]]
        cursor = page.get("nextCursor")
    assert seen == numbers[::-1]


def test_a_difference_that_went_away_is_not_told_again(till: Till) -> None:
    alone(till)
    number = till.sold()
    at_provider(till, number, refunded=490)
    till.wait(130)
    assert reconcile() == TOLD
    at_provider(till, number, refunded=0)
    assert reconcile() == NOTHING


def test_a_list_that_is_older_than_our_book_is_no_difference(till: Till, environment: pytest.MonkeyPatch) -> None:
    alone(till)
    number = till.order()
    till.pay("ada", number)
    stale = list(Sandbox().recent(clock.now() - timedelta(hours=1), clock.now()))
    assert [intent.status for intent in stale] == ["authorized"]
    till.run()
    environment.setattr(Sandbox, "recent", lambda *_: iter(stale))
    assert reconcile() == NOTHING
    assert till.intents(number) == [("captured", TOTAL)]


def test_money_for_an_order_that_is_not_ours_is_told_and_left_where_it_is(till: Till) -> None:
    alone(till)
    wish = {"orderId": "ord_0000000000000000", "amount": 500, "currency": "EUR"}
    made = till.provider("POST", "/payment_intents", wish, key="foreign").json
    till.wait(130)
    assert reconcile() == NOTHING, "nobody has paid"
    change(f"SBX#{made['id']}", "-", status="authorized")
    assert reconcile() == TOLD
    assert till.provider("GET", f"/payment_intents/{made['id']}").json["status"] == "authorized"
    assert found(till) == [("unknown_order", False)]


@pytest.mark.parametrize("status", ["captured", "authorized"])
def test_a_sweep_finds_what_the_provider_does_not_have(till: Till, status: str) -> None:
    alone(till)
    number = till.sold()
    at_home(number, status=status)
    remove(f"SBX#{till._reference(number)}")
    till.wait(5 * 3600)
    assert reconcile() == NOTHING, "it is no longer young"
    assert sweep() == TOLD
    assert found(till) == [("missing", False)]


def test_a_sweep_finds_what_the_youngest_runs_have_missed(till: Till) -> None:
    alone(till)
    number = timed_out(till)
    at_provider(till, number, status="authorized")
    till.wait(5 * 3600)
    assert sweep() == REPAIRED
    assert sweep() == NOTHING
    assert till.intents(number) == [("voided", 0)]


def test_there_is_one_sweep_a_day_and_it_goes_on_where_it_stopped(till: Till) -> None:
    alone(till)
    hours = []
    for _ in range(14):
        reconcile()
        hours.append(discrepancies.progress(4).sweep)
    assert hours[:11] == sorted(set(hours[:11])), "each run is further on"
    assert hours[12:] == ["", ""]
    till.wait(86_000)
    reconcile()
    assert discrepancies.progress(4).sweep == ""
    till.wait(1_000)
    reconcile()
    assert discrepancies.progress(4).sweep != ""


def test_a_sweep_stops_at_the_hour_that_the_provider_did_not_answer(
    till: Till, environment: pytest.MonkeyPatch
) -> None:
    alone(till)
    reconcile()
    reached = discrepancies.progress(4)
    config.use_http(Silent())
    reconcile()
    assert discrepancies.progress(4) == reached
    config.use_http(till)
    reconcile()
    assert discrepancies.progress(4).sweep > reached.sweep


def test_a_refund_that_is_on_its_way_is_no_difference_until_it_takes_days(till: Till) -> None:
    alone(till)
    number = till.sold()
    at_home(number, refunded=490)
    line = {"status": "pending", "at": clock.timestamp(), "amount": 490, "currency": "EUR"}
    _line(number, line)
    till.wait(130)
    assert reconcile() == NOTHING
    _line(number, line | {"at": hours_ago(49)})
    assert reconcile() == TOLD
    assert found(till) == [("refund_pending", False)]


def test_an_order_that_nobody_could_end_is_told_unless_a_person_looks_at_its_payment(till: Till) -> None:
    alone(till)
    number = till.order()
    till.pay("ada", number, DOUBTFUL)
    till.run()
    _overdue(number, hours=48)
    assert reconcile() == NOTHING
    assert till.intents(number) == [("authorized", 0)]
    change(f"FRD#{order_id(number)}", "-", status="approved")
    assert reconcile() == TOLD
    assert found(till) == [("order_stuck", False)]
    assert till.intents(number) == [("authorized", 0)]


def test_an_order_has_hours_for_its_undo_before_it_counts_as_stuck(till: Till) -> None:
    alone(till)
    number = till.order()
    _overdue(number, hours=5)
    assert reconcile() == NOTHING


def test_one_payment_that_cannot_be_looked_at_does_not_keep_the_others_from_it(
    till: Till, environment: pytest.MonkeyPatch
) -> None:
    alone(till)
    bad, good = till.sold(), till.sold()
    at_provider(till, good, refunded=490)
    till.wait(130)
    facts = books.facts

    def choking(order: str) -> books.Facts:
        if order == order_id(bad):
            raise ValueError("an item that nobody can read")
        return facts(order)

    environment.setattr(reconciling.books, "facts", choking)
    assert reconcile()["differing"] == 2
    assert found(till) == [("refunded_elsewhere", False)]


def _overdue(number: str, *, hours: int) -> None:
    """The order's hold ended so long ago."""
    until = hours_ago(hours)
    change("ORD#ada", order_id(number), hold_until=until, by1sk=until)


def _line(number: str, fields: dict[str, object]) -> None:
    write(f"PAY#{order_id(number)}", "refund#rfd_1", fields)
