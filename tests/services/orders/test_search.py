"""Staff find orders by number, e-mail, status and day, whatever comes twice, late or in another order."""

from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import permutations
from typing import Any

import pytest

from market import clock, config
from orders import search
from orders.contract import id_of, read_ref, ref_key
from orders.staff_api import handler
from orders.table import TABLE
from tests import shop
from tests.http import Response, call
from tests.services.orders import floor
from tests.services.orders.floor import Guest

pytestmark = [pytest.mark.usefixtures("database", "machine"), pytest.mark.contract("11.5")]

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


def find(**query: Any) -> Response:
    return call(handler, "GET", "/v1/admin/orders", query=query, **floor.STAFF)


def numbers(**query: Any) -> list[str]:
    answer = find(**query)
    assert answer.status == 200, answer
    return [order["orderNo"] for order in answer.json["items"]]


def every_page(**query: Any) -> list[list[str]]:
    """The numbers of all pages."""
    pages, cursor = [], None
    while True:
        answer = find(**query, **({"cursor": cursor} if cursor else {})).json
        pages.append([order["orderNo"] for order in answer["items"]])
        if not (cursor := answer.get("nextCursor")):
            return pages


def placed_at(moment: datetime, count: int = 1, customer: str = "ada") -> list[str]:
    """Orders placed at one moment and the seconds after it, and heard of; their numbers."""
    found = []
    for second in range(count):
        with clock.running_on(lambda second=second: moment + timedelta(seconds=second)):  # type: ignore[misc]
            found.append(floor.placed(customer, ("LAMP", 1))["orderNo"])
    floor.hear_all()
    return found


def test_an_order_is_found_by_its_number_as_people_write_it() -> None:
    shop.stock("LAMP", 9)
    order = floor.placed("ada", ("LAMP", 1))
    assert numbers(number=order["orderNo"]) == []
    floor.hear_all()
    (found,) = find(number=order["orderNo"].lower()).json["items"]
    assert (found["id"], found["customerId"], found["status"]) == (order["id"], "ada", "pending_payment")
    assert found["total"] == order["total"]
    for nothing in ("MK-00000000-00000000", "x", "%00", ""):
        assert numbers(number=nothing) == []


def test_orders_are_found_by_the_e_mail_of_who_placed_them() -> None:
    shop.stock("LAMP", 9)
    guests = [Guest(), Guest()]
    mine = [order["orderNo"] for order in shop.in_turn(*[partial(floor.guest_order, guest) for guest in guests])]
    floor.placed("ada", ("LAMP", 1))
    floor.hear_all()
    assert numbers(email=" GUEST@example.com ") == mine[::-1]
    assert every_page(email="guest@example.com", limit=1)[:2] == [[mine[1]], [mine[0]]]
    assert numbers(email="other@example.com") == []


def test_an_e_mail_address_is_stored_with_the_order_only_and_elsewhere_as_a_keyed_hash() -> None:
    shop.stock("LAMP", 9)
    order = floor.guest_order(Guest())
    floor.hear_all()
    entry = TABLE.get(ref_key(order["id"]))
    assert entry is not None
    assert "guest@example.com" not in str(entry)
    assert entry["by3pk"].startswith("ORX#mail#")


def test_status_and_days_are_listed_the_newest_first_page_by_page() -> None:
    shop.stock("LAMP", 99)
    older = placed_at(NOON - timedelta(days=2), 5)
    newer = placed_at(NOON, 6)
    wanted = (older + newer)[::-1]
    days = {"status": "pending_payment", "from": "2026-03-01", "to": "2026-03-10"}
    for limit in (1, 2, 3, 5, 11, 100):
        pages = every_page(**days, limit=limit)
        assert [number for page in pages for number in page] == wanted, limit
        assert all(len(page) <= limit for page in pages)
    assert numbers(**days | {"to": "2026-03-09"}) == older[::-1]
    assert numbers(**days | {"from": "2026-03-09"}) == newer[::-1]
    assert numbers(**days | {"status": "paid"}) == []


def test_a_page_goes_on_where_the_last_one_ended_though_orders_come_in_between() -> None:
    shop.stock("LAMP", 99)
    first = placed_at(NOON, 6)
    days = {"status": "pending_payment", "from": "2026-03-10", "to": "2026-03-10", "limit": 3}
    page = find(**days).json
    placed_at(NOON + timedelta(hours=1), 5)
    rest = find(**days, cursor=page["nextCursor"]).json
    told = [order["orderNo"] for order in page["items"] + rest["items"]]
    assert told == first[::-1]


def test_months_without_orders_are_no_long_request() -> None:
    shop.stock("LAMP", 9)
    (number,) = placed_at(NOON)
    queries: list[str] = []
    events = config.client("dynamodb").meta.events
    events.register("before-call.dynamodb.Query", lambda **_: queries.append(""), unique_id="count-queries")
    page = find(status="pending_payment", **{"from": "2025-12-10", "to": "2026-05-10"}).json
    events.unregister("before-call.dynamodb.Query", unique_id="count-queries")
    assert page["items"] == []
    assert len(queries) <= search.SHARDS * search.DAYS_A_PAGE
    pages = every_page(status="pending_payment", **{"from": "2025-12-10", "to": "2026-05-10"})
    assert [found for page in pages for found in page] == [number]


def test_a_cursor_is_for_its_own_search() -> None:
    shop.stock("LAMP", 9)
    placed_at(NOON, 3)
    days = {"from": "2026-03-01", "to": "2026-03-10", "limit": 1}
    cursor = find(status="pending_payment", **days).json["nextCursor"]
    for stolen in ({"status": "paid"}, {"status": "pending_payment", "to": "2026-03-11"}):
        refused = find(**days | stolen, cursor=cursor)
        assert (refused.status, refused.json["code"]) == (400, "invalid_cursor")
    assert find(status="pending_payment", cursor="garbage").status == 400


@pytest.mark.parametrize(
    "days", [("0001-01-01", "0001-01-02"), ("9999-12-30", "9999-12-31"), ("2026-03-10", "2026-03-01")]
)
def test_days_without_orders_are_empty_at_either_end_of_the_calendar(days: tuple[str, str]) -> None:
    first, last = days
    assert every_page(status="paid", **{"from": first, "to": last}) == [[]]


@pytest.mark.parametrize("query", [{"status": "lost"}, {"from": "yesterday"}, {"to": "2026-02-30"}, {"limit": 0}])
def test_a_search_that_makes_no_sense_is_refused(query: dict[str, Any]) -> None:
    assert find(**query).status == 422


def test_without_days_the_last_month_of_paid_orders_is_shown() -> None:
    floor.two_vendors()
    number = floor.paid()["orderNo"]
    assert numbers() == [number]
    (found,) = find().json["items"]
    assert (found["status"], found["fulfilment"]) == ("paid", "unfulfilled")


def test_an_order_moves_with_its_status() -> None:
    floor.two_vendors()
    order = floor.placed()
    floor.hear_all()
    assert (numbers(status="pending_payment"), numbers(status="cancelled")) == ([order["orderNo"]], [])
    floor.give_up("ada", order)
    floor.hear_all()
    assert (numbers(status="pending_payment"), numbers(status="cancelled")) == ([], [order["orderNo"]])


def test_events_twice_late_and_in_any_order_lead_to_the_same_end() -> None:
    floor.two_vendors()
    order = floor.placed()
    floor.confirm("ada", order)
    floor.hear(floor.news("order.paid"))
    floor.cancel(order["orderNo"], "ven_lights")
    heard = floor.news()
    assert len(heard) == 3
    for turn in permutations(heard):
        floor.hear([*turn, turn[0]])
        (found,) = find(number=order["orderNo"]).json["items"]
        assert (found["status"], found["fulfilment"]) == ("paid", "partial")


def test_what_was_read_before_a_change_and_is_written_after_it_changes_nothing() -> None:
    floor.two_vendors()
    order = floor.placed()
    from orders import store

    before = store.get("ada", order["id"], consistent=True)
    floor.confirm("ada", order)
    floor.hear_all()
    search.index(before)
    assert numbers(status="paid") == [order["orderNo"]]
    assert numbers(status="pending_payment") == []


def test_other_services_find_the_customer_of_an_order_by_its_id() -> None:
    shop.stock("LAMP", 9)
    order = floor.placed("ada", ("LAMP", 1))
    floor.hear_all()
    entry = TABLE.get(ref_key(id_of(order["orderNo"])))
    assert entry is not None
    ref = read_ref(entry)
    assert (ref.id, ref.number, ref.customer_id, ref.status) == (
        order["id"],
        order["orderNo"],
        "ada",
        "pending_payment",
    )


@pytest.mark.contract("2.4")
def test_the_search_is_for_staff() -> None:
    for who in ({"caller": "ada"}, floor.seller("ven_lights")):
        assert call(handler, "GET", "/v1/admin/orders", **who).status == 403
    assert call(handler, "GET", "/v1/admin/orders").status == 401
