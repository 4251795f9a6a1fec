"""Vendors' accounts: what journals say, once, however often, late or out of order it is told."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest

from ledger import service, store
from ledger.contract import PENDING, POSTED, VOID, post, reverse, void
from ledger.service import Period
from tests.http import call
from tests.services.ledger import desk
from tests.services.ledger.desk import owed, paid, part, standing

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.contract("12.4")]


def order(order_id: str) -> list[service.Journal]:
    return store.of_order(order_id)


@pytest.mark.contract("12.5")
def test_a_sale_is_credited_to_each_of_its_vendors() -> None:
    desk.sell("ord_1", part("ven_a", 1190, 100, 190), part("ven_b", 500, 50), fee=30)
    assert paid("ord_1") == []
    assert (standing("ven_a"), standing("ven_b")) == ({"EUR": (900, 0)}, {"EUR": (450, 0)})


def test_an_event_that_comes_again_changes_nothing() -> None:
    desk.sell("ord_1", part("ven_a", 1000, 100))
    for _ in range(3):
        assert paid("ord_1") == []
    assert owed("ven_a") == 900
    assert len(desk.entries("ven_a")) == 1


def test_many_threads_that_tell_one_sale_credit_it_once() -> None:
    desk.sell("ord_1", part("ven_a", 1000, 100), part("ven_b", 300))
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: service.project(order("ord_1")), range(24)))
    assert (owed("ven_a"), owed("ven_b")) == (900, 300)


def test_many_threads_that_sell_for_one_vendor_lose_nothing() -> None:
    def one(number: int) -> None:
        desk.sell(f"ord_{number}", part("ven_a", number))
        while paid(f"ord_{number}"):
            pass  # the queue delivers it again

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(one, range(1, 49)))
    assert owed("ven_a") == sum(range(1, 49))


def test_an_event_whose_journal_cannot_be_seen_comes_again() -> None:
    assert paid("ord_1") == ["ord_1"]
    assert desk.tell("refund.succeeded", "ord_1", refund_id="rfd_1") == ["ord_1"]
    desk.sell("ord_1", part("ven_a", 1000))
    assert paid("ord_1") == []
    assert owed("ven_a") == 1000


def test_a_refund_that_is_told_before_its_sale_brings_both() -> None:
    desk.sell("ord_1", part("ven_a", 1000, 100))
    desk.sell("ord_1", part("ven_a", -400, -40), name="refund-rfd_1")
    assert desk.tell("refund.succeeded", "ord_1", refund_id="rfd_1") == []
    assert owed("ven_a") == 900 - 360
    assert paid("ord_1") == []
    assert owed("ven_a") == 540


@pytest.mark.contract("12.5")
def test_a_vendor_that_gave_back_more_than_it_earned_owes_us() -> None:
    desk.sell("ord_1", part("ven_a", 1000, 100))
    desk.sell("ord_1", part("ven_a", -1000), name="refund-rfd_1")
    paid("ord_1")
    assert standing("ven_a") == {"EUR": (-100, 0)}


def test_currencies_do_not_mix() -> None:
    desk.sell("ord_1", part("ven_a", 1000))
    desk.sell("ord_2", part("ven_a", 700), currency="JPY")
    desk.sell("ord_3", part("ven_a", 12_345), currency="KWD")
    for number in (1, 2, 3):
        paid(f"ord_{number}")
    assert standing("ven_a") == {"EUR": (1000, 0), "JPY": (700, 0), "KWD": (12_345, 0)}


@pytest.mark.parametrize("event", ["payment.refunded", "payment.settled"])
def test_other_news_of_an_orders_money_is_heard(event: str) -> None:
    desk.sell("ord_1", part("ven_a", 1000))
    assert desk.tell(event, "ord_1") == []
    assert owed("ven_a") == 1000


class TestPending:
    def test_what_is_promised_is_shown_apart_until_it_is_posted(self) -> None:
        desk.sell("ord_1", part("ven_a", 1000), state=PENDING)
        paid("ord_1")
        assert standing("ven_a") == {"EUR": (0, 1000)}
        desk.move(post("ord_1", "sale"))
        for _ in range(2):
            desk.tell("payment.settled", "ord_1")
            assert standing("ven_a") == {"EUR": (1000, 0)}

    def test_what_is_voided_is_gone(self) -> None:
        desk.sell("ord_1", part("ven_a", 1000), state=PENDING)
        paid("ord_1")
        desk.move(void("ord_1", "sale"))
        for _ in range(2):
            desk.tell("payment.refunded", "ord_1")
            assert standing("ven_a") == {"EUR": (0, 0)}

    @pytest.mark.parametrize("end", [post, void])
    def test_old_news_of_an_ended_journal_does_not_bring_it_back(self, end: object) -> None:
        desk.sell("ord_1", part("ven_a", 1000), state=PENDING)
        before = order("ord_1")
        desk.move((post if end is post else void)("ord_1", "sale"))
        after = order("ord_1")
        expected = {"EUR": (1000, 0)} if end is post else {}
        for news in (after, before, after, before):
            service.project(news)
            assert standing("ven_a") == expected

    def test_many_threads_with_old_and_new_news_come_to_the_same(self) -> None:
        desk.sell("ord_1", part("ven_a", 1000), part("ven_b", 10), state=PENDING)
        before = order("ord_1")
        desk.move(post("ord_1", "sale"))
        news = [before, order("ord_1")] * 8
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(service.project, news))
        assert (standing("ven_a"), standing("ven_b")) == ({"EUR": (1000, 0)}, {"EUR": (10, 0)})


class TestCrashes:
    def test_a_death_between_two_vendors_is_made_good_by_the_next_delivery(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        desk.sell("ord_1", part("ven_a", 1000), part("ven_b", 500))
        honest, calls = store.add, []

        def dying(steps: list[store.Entry]) -> bool:
            calls.append(steps)
            if len(calls) == 2:
                raise MemoryError
            return honest(steps)

        monkeypatch.setattr(store, "add", dying)
        assert paid("ord_1") == ["ord_1"]
        assert (owed("ven_a"), owed("ven_b")) == (1000, 0)
        assert paid("ord_1") == []
        assert (owed("ven_a"), owed("ven_b")) == (1000, 500)

    def test_a_lost_answer_credits_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        desk.sell("ord_1", part("ven_a", 1000))
        honest = store.add

        def unheard(steps: list[store.Entry]) -> bool:
            honest(steps)
            raise TimeoutError

        monkeypatch.setattr(store, "add", unheard)
        assert paid("ord_1") == ["ord_1"]
        monkeypatch.setattr(store, "add", honest)
        assert paid("ord_1") == []
        assert owed("ven_a") == 1000

    def test_what_no_event_told_is_caught_up_on(self) -> None:
        with desk.at("2026-11-21T10:00"):
            desk.sell("ord_1", part("ven_a", 1000))
            desk.sell("ord_2", part("ven_a", 200), state=PENDING)
            paid("ord_2")
        with desk.at("2026-11-22T10:00"):
            desk.move(post("ord_2", "sale"))
        assert service.catch_up(date(2026, 11, 21)) == 2
        assert service.catch_up(date(2026, 11, 21)) == service.catch_up(date(2026, 11, 22)) == 0
        assert standing("ven_a") == {"EUR": (1200, 0)}


@pytest.mark.contract("12.5")
class TestStatements:
    def book_autumn(self) -> None:
        with desk.at("2026-09-30T23:59"):
            desk.sell("ord_1", part("ven_a", 1190, 100, 190))
        with desk.at("2026-10-01T00:00"):
            desk.sell("ord_2", part("ven_a", 2000, 200), part("ven_b", 100, 10))
            desk.sell("ord_3", part("ven_a", 70), currency="JPY")
            desk.sell("ord_4", part("ven_a", 5000), state=PENDING)
        with desk.at("2026-10-20T12:00"):
            desk.sell("ord_2", part("ven_a", -500, -50), name="refund-rfd_1")
        with desk.at("2026-11-02T12:00"):
            desk.move(post("ord_4", "sale"))
        for number in (3, 1, 4, 2):
            paid(f"ord_{number}")

    def test_a_month_goes_from_its_opening_to_its_closing_balance(self) -> None:
        self.book_autumn()
        told = desk.get("/v1/vendors/ven_a/statements/2026-10").json
        assert told["opening"] == [{"amount": 900, "currency": "EUR"}, {"amount": 0, "currency": "JPY"}]
        assert told["closing"] == [{"amount": 900 + 1800 - 450, "currency": "EUR"}, {"amount": 70, "currency": "JPY"}]
        lines = [(e["orderNo"], e["journal"], e["gross"]["amount"], e["commission"]["amount"], e["net"]["amount"])
                 for e in told["items"]]  # fmt: skip
        assert lines == [
            ("MK-2", "sale", 2000, 200, 1800),
            ("MK-3", "sale", 70, 0, 70),
            ("MK-2", "refund-rfd_1", -500, -50, -450),
        ]
        after = desk.get("/v1/vendors/ven_a/statements/2026-11").json
        assert after["opening"] == told["closing"]
        assert after["closing"][0]["amount"] == 2250 + 5000
        assert [e["at"][:10] for e in after["items"]] == ["2026-11-02"]

    def test_a_months_entries_come_in_pages_and_sum_to_what_the_balance_moved(self) -> None:
        for number in range(25):
            with desk.at(f"2026-11-{number + 1:02}T10:00"):
                desk.sell(f"ord_{number}", part("ven_a", 100 + number, 10, 3))
                paid(f"ord_{number}")
        items, cursor = [], None
        while True:
            query = {"limit": 7} | ({"cursor": cursor} if cursor else {})
            page = desk.get("/v1/vendors/ven_a/statements/2026-11", **query).json
            assert page["closing"] == [{"amount": sum(87 + n for n in range(25)), "currency": "EUR"}]
            items += page["items"]
            if not (cursor := page.get("nextCursor")):
                break
        assert len({item["orderId"] for item in items}) == 25
        for item in items:
            split = [item[name]["amount"] for name in ("gross", "commission", "tax", "fees")]
            assert split[0] - sum(split[1:]) == item["net"]["amount"]
        assert sum(item["net"]["amount"] for item in items) == page["closing"][0]["amount"]

    def test_how_an_amount_came_about_follows_from_a_journal_about_one_vendor(self) -> None:
        with desk.at("2026-11-21T10:00"):
            desk.sell("ord_1", part("ven_a", 1190, 100, 190), told=False)
            desk.sell("ord_2", part("ven_a", 1190, 100, 190), part("ven_b", 5), told=False)
        paid("ord_1")
        paid("ord_2")
        one, of_two = desk.get("/v1/vendors/ven_a/statements/2026-11").json["items"]
        assert [one[name]["amount"] for name in ("gross", "commission", "tax", "fees", "net")] == [
            1190,
            100,
            190,
            0,
            900,
        ]
        assert of_two["net"]["amount"] == 900
        assert not {"gross", "commission", "tax", "fees"} & of_two.keys()

    @pytest.mark.parametrize("month", ["2026-13", "2026-00", "2026", "2026-1", "november", "26-11", "2026-11-01"])
    def test_there_is_no_statement_of_what_is_no_month(self, month: str) -> None:
        assert desk.get(f"/v1/vendors/ven_a/statements/{month}").status == 404

    @pytest.mark.parametrize("path", ["balance", "statements/2026-11", "commission-rules"])
    def test_another_vendors_money_does_not_exist(self, path: str) -> None:
        from ledger.api import handler
        from ledger.commission_api import handler as commission

        desk.sell("ord_1", part("ven_a", 1000))
        paid("ord_1")
        which = commission if path == "commission-rules" else handler
        answer = call(which, "GET", f"/v1/vendors/ven_a/{path}", caller="b", roles="vendor", vendor_id="ven_b")
        assert answer.status == 404
        assert call(which, "GET", f"/v1/vendors/ven_a/{path}", caller="c").status == 403


class TestTrialBalance:
    def test_the_days_of_a_trial_balance_are_those_in_which_money_began_to_count(self) -> None:
        with desk.at("2026-11-20T10:00"):
            desk.sell("ord_1", part("ven_a", 1000, 100), fee=30)
            desk.sell("ord_2", part("ven_a", 500), state=PENDING)
            desk.sell("ord_3", part("ven_b", 70), state=PENDING)
        with desk.at("2026-11-21T10:00"):
            desk.move(post("ord_2", "sale"))
            desk.move(reverse(order("ord_1")[0]))

        def told(first: str, last: str) -> dict[str, tuple[int, int]]:
            answer = desk.get("/v1/admin/ledger/trial-balance", **{"from": first, "to": last})
            assert (answer.json["from"], answer.json["to"]) == (first, last)
            return {a["account"]: (a["posted"]["amount"], a["pending"]["amount"]) for a in answer.json["accounts"]}

        first = told("2026-11-20", "2026-11-20")
        assert first["vendor:ven_a"] == (-900, 0)
        assert first["vendor:ven_b"] == (0, -70)
        assert first["provider:sandbox"] == (970, 70)
        both = told("2026-11-20", "2026-11-21")
        assert both["vendor:ven_a"] == (-500, 0)
        for sums in (first, both, told("2026-11-21", "2026-11-21")):
            assert (sum(p for p, _ in sums.values()), sum(w for _, w in sums.values())) == (0, 0)

    def test_each_currency_sums_to_zero_by_itself(self) -> None:
        with desk.at("2026-11-21T10:00"):
            for number, currency in enumerate(("EUR", "JPY", "KWD", "EUR")):
                desk.sell(f"ord_{number}", part("ven_a", 997 * (number + 1), 99), currency=currency)
        told = desk.get("/v1/admin/ledger/trial-balance", **{"from": "2026-11-21"}).json["accounts"]
        sums: dict[str, int] = {}
        for account in told:
            money = account["posted"]
            sums[money["currency"]] = sums.get(money["currency"], 0) + money["amount"]
        assert sums == {"EUR": 0, "JPY": 0, "KWD": 0}

    @pytest.mark.parametrize(("first", "last"), [("2026-11-21", "2026-11-20"), ("2026-01-01", "2026-02-01")])
    def test_a_period_is_bounded(self, first: str, last: str) -> None:
        answer = desk.get("/v1/admin/ledger/trial-balance", **{"from": first, "to": last})
        assert (answer.status, answer.json["code"]) == (422, "period_too_wide")

    def test_an_answer_reads_a_bounded_number_of_journals(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(service, "MOST_JOURNALS", 3)
        with desk.at("2026-11-21T10:00"):
            for number in range(4):
                desk.sell(f"ord_{number}", part("ven_a", 10), state=POSTED if number else PENDING)
        assert desk.get("/v1/admin/ledger/trial-balance", **{"from": "2026-11-21"}).json["code"] == "period_too_wide"
        assert Period(date(2026, 11, 21), date(2026, 11, 21))


def test_what_is_void_stays_visible_to_staff() -> None:
    desk.sell("ord_1", part("ven_a", 1000), state=PENDING)
    desk.move(void("ord_1", "sale"))
    (journal,) = desk.get("/v1/admin/ledger/ord_1").json["journals"]
    assert journal["state"] == VOID
    assert journal["movedAt"] >= journal["at"]
