"""After an order: what is counted by day and swept up, who learns how little is left, what becomes of personal data."""

import json
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from market import clock, config
from market.errors import Problem
from market.table import delete
from orders.contract import CANCELLED, PAID, order_key
from promotions import analytics, personal, schedule, service, store, sweeping
from promotions.contract import book_key, code_key, customer_key, evaluate, read_book, read_code, read_customer
from promotions.model import Limits
from tests.services.outbox import announced
from tests.services.promotions.desk import ADA, PLATFORM, TEN_PERCENT, Office
from tests.services.promotions.maker import ADA as CUSTOMER
from tests.services.promotions.maker import goods
from tests.services.promotions.orders import PROMOTION, Desk, move

pytestmark = pytest.mark.contract("9.1", "9.2")
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
LIMITS = Limits(uses=10, budget=5_000, budget_currency="EUR", per_customer=5, shards=2)


def moment(after: float) -> datetime:
    return NOON + timedelta(hours=after)


def at(hours: float) -> Any:
    return clock.running_on(partial(moment, hours))


def paid(office: Office, order_id: str, total: int, event_id: str = "", customer: str = "ada") -> None:
    event = {"order_id": order_id, "customer_id": customer, "total": {"amount": total, "currency": "EUR"}}
    office.tell("order.paid", event, event_id)


def test_uses_and_burn_are_counted_by_day_once_for_each_event(office: Office) -> None:
    made = office.launched(scope=PLATFORM)
    desk = Desk(LIMITS, made["id"])
    desk.open()
    with at(0):
        for number, amount in enumerate((100, 250, 300)):
            desk.place(f"o{number}", amount)
        for _ in range(2):
            paid(office, "o0", 2_000, "e1")
        paid(office, "o1", 3_000, "e2")
        for _ in range(2):
            office.tell("order.cancelled", {"order_id": "o2", "customer_id": "ada"}, "e3")
    with at(24):
        desk.place("o4", 50)
        paid(office, "o4", 700, "e4")
        days = office.send("GET", f"/{made['id']}", scope=PLATFORM, query={"month": "2026-11"}).json["analytics"][
            "days"
        ]

    assert days == [
        {"day": "2026-11-20", "uses": 2, "released": 1, "discount": [{"amount": 350, "currency": "EUR"}],
         "revenue": [{"amount": 5_000, "currency": "EUR"}]},
        {"day": "2026-11-21", "uses": 1, "released": 0, "discount": [{"amount": 50, "currency": "EUR"}],
         "revenue": [{"amount": 700, "currency": "EUR"}]},
    ]  # fmt: skip
    assert analytics.days(made["id"], "2026-12") == []
    assert read_customer(store.TABLE.get(customer_key("ada"))).orders == 3


def test_orders_of_guests_and_without_promotions_are_counted_for_their_customer(office: Office) -> None:
    paid(office, "none", 100, customer="gst_1")
    item = store.TABLE.get(customer_key("gst_1")) or {}

    assert item["orders"] == 1
    assert item["expires_at"] > clock.epoch()
    office.tell("order.cancelled", {"order_id": "none", "customer_id": "gst_1"})


def test_an_account_is_new_from_the_first_time_it_is_heard_of(office: Office) -> None:
    with at(0):
        office.tell("user.created", {"user_id": "usr_eve"})
    with at(5):
        office.tell("user.created", {"user_id": "usr_eve"})

    assert read_customer(store.TABLE.get(customer_key("usr_eve"))).since == "2026-11-20T12:00:00.000Z"


@pytest.mark.usefixtures("database")
class TestSweeping:
    def desk(self) -> Desk:
        desk = Desk(LIMITS)
        desk.open()
        with at(-3):
            for order_id in ("paid", "cancelled", "pending", "gone"):
                desk.place(order_id)
        store.TABLE.write(move("paid", PAID, "ada"))
        store.TABLE.write(move("cancelled", CANCELLED, "ada"))
        store.TABLE.write(delete(order_key("ada", "gone")))
        return desk

    def test_what_nobody_ended_is_ended_as_its_order_says(self) -> None:
        desk = self.desk()
        with at(0):
            assert (sweeping.sweep(), sweeping.sweep()) == (2, 0)

        states = {name: desk.reservation(name)["status"] for name in ("paid", "cancelled", "pending", "gone")}
        assert states == {"paid": "committed", "cancelled": "released", "pending": "reserved", "gone": "reserved"}
        sums = desk.sums()
        assert (sums["uses_left"], sums["uses_held"], sums["uses_used"]) == (7, 2, 1)
        assert read_customer(store.TABLE.get(customer_key("ada"))).uses == {PROMOTION: 3}

    def test_an_order_that_is_nowhere_is_waited_for_a_day(self) -> None:
        desk = self.desk()
        with at(0):
            sweeping.sweep()
        with at(22):
            assert schedule.handler({})["swept"] == 1

        assert desk.reservation("gone")["status"] == "released"
        assert desk.reservation("pending")["status"] == "reserved"

    def test_young_reservations_are_left_alone(self) -> None:
        desk = self.desk()
        with at(-1.1):
            assert sweeping.sweep() == 0
        assert desk.sums()["uses_held"] == 4

    def test_an_order_that_moves_meanwhile_is_left_for_the_next_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        desk = self.desk()
        transact = store.TABLE.transact

        def later(*writes: Any) -> None:
            monkeypatch.setattr(store.TABLE, "transact", transact)
            desk.cancel("pending")
            transact(*writes)

        with at(0):
            item = store.TABLE.get(order_key("ada", "pending")) or {}
            monkeypatch.setattr(sweeping, "PAID", item["status"])  # as if it had been read as paid
            monkeypatch.setattr(sweeping, "_open", lambda shard, before: ["pending"] if shard.endswith("0") else [])
            monkeypatch.setattr(store.TABLE, "transact", later)
            assert sweeping.sweep() == 0
        assert desk.reservation("pending")["status"] == "released"


def hints(scope: str = ADA) -> list[tuple[int | None, int | None]]:
    return [(one.uses_left, one.budget_left) for one in read_book(store.TABLE.get(book_key(scope), consistent=True))]


def test_orders_learn_that_little_is_left_and_that_more_came_back(office: Office) -> None:
    body = TEN_PERCENT | {"limits": {"budget": 1_000, "budgetCurrency": "EUR"}}
    made = office.launched(body)
    desk = Desk(Limits(budget=1_000, budget_currency="EUR"), made["id"])
    desk.place("o1", 700)
    assert not desk.placed("o2", 400)
    office.hear()
    assert hints() == [(None, 300)]

    book = read_book(store.TABLE.get(book_key(ADA)))
    now = {"codes": (), "customer": CUSTOMER, "country": "DE", "currency": "EUR", "at": clock.timestamp()}
    large, small = goods("A", 3_010, vendor=ADA), goods("A", 3_000, vendor=ADA)
    assert [len(evaluate([line], book, **now).applied) for line in (large, small)] == [0, 1]  # type: ignore[arg-type]

    schedule.handler({})
    assert hints() == [(None, 300)]
    desk.cancel("o1", 700)
    schedule.handler({})
    assert hints() == [(None, None)]
    assert office.send("GET", f"/{made['id']}").json["version"] == made["version"], "nobody's edit is in the way"
    assert store.due(clock.timestamp()) == []


def test_a_promotion_whose_uses_are_taken_leaves_previews_until_one_comes_back(office: Office) -> None:
    made = office.launched(TEN_PERCENT | {"limits": {"uses": 1}})
    desk = Desk(Limits(uses=1), made["id"])
    desk.place("o1")
    assert not desk.placed("o2")
    office.hear()
    assert hints() == [(0, None)]
    desk.cancel("o1")
    schedule.handler({})
    assert hints() == [(None, None)]


def test_the_news_of_an_exhausted_promotion_that_is_over_changes_nothing(office: Office) -> None:
    made = office.launched(TEN_PERCENT | {"limits": {"uses": 1}})
    office.send("PUT", f"/{made['id']}", TEN_PERCENT | {"limits": {"uses": 1}, "status": "ended"})
    service.exhausted(made["id"])

    assert hints() == []


def test_one_promotion_that_cannot_move_on_holds_up_no_other(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    ending = {"conditions": {"endsAt": "2099-01-01T00:00:00.000Z"}}
    first, second = office.launched(TEN_PERCENT | ending), office.launched(TEN_PERCENT | ending)
    move_on = service.move_on

    def failing(promotion_id: str) -> None:
        if promotion_id == first["id"]:
            raise Problem("not now")
        move_on(promotion_id)

    monkeypatch.setattr(service, "move_on", failing)
    with clock.running_on(lambda: datetime(2099, 1, 2, tzinfo=UTC)):
        assert schedule.handler({})["looked_at"] == 2

    assert office.send("GET", f"/{second['id']}").json["status"] == "ended"


@pytest.fixture
def documents(environment: pytest.MonkeyPatch) -> str:
    environment.setenv("DOCUMENTS_BUCKET", "documents")
    config.client("s3").create_bucket(Bucket="documents")
    return "documents"


def test_a_person_gets_a_copy_and_is_forgotten(office: Office, documents: str) -> None:
    claimable = TEN_PERCENT | {"needsCode": True, "claimable": True}
    made = office.launched(claimable)
    code = office.shopper("POST", "coupons", {"promotionId": made["id"]}).json["code"]
    office.send("POST", f"/{made['id']}/codes", {"code": "SHARED", "limit": 0})
    office.shopper("POST", "coupons", {"code": "SHARED"})
    paid(office, "o1", 100, customer="usr_eve")
    for _ in range(2):
        office.tell("profile.export_requested", {"folder": "exports/1/", "user_id": "usr_eve"})
    stored = config.client("s3").get_object(Bucket=documents, Key="exports/1/promotions.json")["Body"].read()

    told = json.loads(stored)
    assert (told["orders"], told["since"], told["uses"]) == (1, "", {})
    assert sorted(told["coupons"], key=lambda one: one["code"] == "SHARED") == [
        {"code": code, "state": "usable", "title": "Ten percent"},
        {"code": "SHARED", "state": "usable", "title": "Ten percent"},
    ]
    for _ in range(2):
        office.tell("profile.erasure_requested", {"user_id": "usr_eve"})
    assert store.TABLE.get(customer_key("usr_eve")) is None
    ended = read_code(store.TABLE.get(code_key(code)))
    assert (ended.customer_id, ended.until <= clock.timestamp()) == ("erased", True)
    assert read_code(store.TABLE.get(code_key("SHARED"))).until == ""
    personal.erase("usr_nobody")
    assert "usr_eve" not in json.dumps([event["data"] for event in announced()])
