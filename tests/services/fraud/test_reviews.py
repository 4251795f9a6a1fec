"""Reviews: a queue for staff, one decision each, and a checkout that hears of it."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from fraud import consumer, service, tasks
from fraud.model import CancelledByCustomer, ReviewRejected
from market import config
from tests.services.fraud.screens import STAFF, decide, in_review, screen, send
from tests.services.outbox import announced, message

pytestmark = [pytest.mark.contract("12.8"), pytest.mark.usefixtures("database")]


class Machine:
    """In place of Step Functions: hears which tokens were answered how."""

    class exceptions:
        class TaskTimedOut(Exception):
            pass

        class TaskDoesNotExist(Exception):
            pass

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []
        self.gone: set[str] = set()

    def send_task_success(self, *, taskToken: str, output: str) -> None:
        self._hear(taskToken, "success")

    def send_task_failure(self, *, taskToken: str, error: str, cause: str) -> None:
        self._hear(taskToken, error)

    def _hear(self, token: str, answer: str) -> None:
        if token in self.gone:
            raise self.exceptions.TaskDoesNotExist
        self.heard.append((token, answer))


@pytest.fixture
def machine(database: str, environment: pytest.MonkeyPatch) -> Machine:
    playing, client = Machine(), config.client
    environment.setattr(config, "client", lambda name: playing if name == "stepfunctions" else client(name))
    return playing


def hear(kind: str, **data: Any) -> list[Any]:
    """Let the consumer hear an event; the messages that it could not take."""
    return list(consumer.handler({"Records": [message(kind, data)]})["batchItemFailures"])


def run(task: str, order_id: str, token: str = "") -> None:
    tasks.handler({"task": task, "input": {"orderId": order_id}} | ({"token": token} if token else {}))


def queue(**query: Any) -> Any:
    return send("GET", "/reviews", query=query).json


def test_reviews_that_wait_come_first_the_oldest_first() -> None:
    first, second, third = (in_review() for _ in range(3))
    assert decide(first, "reject").status == 200
    listed = [(item["orderNo"], item["status"]) for item in queue()["items"]]
    assert listed == [(second.order_no, "open"), (third.order_no, "open"), (first.order_no, "rejected")]


def test_the_queue_has_pages() -> None:
    made = [in_review().order_no for _ in range(5)]
    page, seen = queue(limit=2), []
    while True:
        seen += [item["orderNo"] for item in page["items"]]
        if not page.get("nextCursor"):
            break
        page = queue(limit=2, cursor=page["nextCursor"])
    assert seen == made


def test_payments_that_pass_are_not_in_the_queue() -> None:
    screen()
    assert queue()["items"] == []


def test_staff_see_score_reasons_and_masked_signals() -> None:
    screening = in_review(
        card="fp_abcdef1234", email="lovelace@example.org", ip="81.2.69.142", address_country="GB", card_country="US"
    )
    shown = send("GET", f"/screenings/{screening.order_no.lower()}").json
    assert (shown["status"], shown["verdict"], shown["score"]) == ("open", "review", 0.784)
    assert [(reason["rule"], reason["weight"]) for reason in shown["reasons"]] == [
        ("risky_bin", 7_000),
        ("card_abroad", 2_000),
        ("new_account", 1_000),
    ]
    assert shown["signals"]["facts"] == {
        "bin": "41000000",
        "card": "card 1234",
        "cardCountry": "US",
        "addressCountry": "GB",
        "ip": "81.2.69.x",
        "mail": "l***@example.org",
    }
    assert shown["signals"]["today"] == {"account": 1, "card": 1, "domain": 1, "ip": 1}
    assert shown["amount"] == {"amount": 5_000, "currency": "EUR"}


@pytest.mark.parametrize(("decision", "status"), [("approve", "approved"), ("reject", "rejected")])
def test_a_decision_is_made_once_with_who_and_when(decision: str, status: str) -> None:
    screening = in_review()
    answer = decide(screening, decision, "Called the customer.")
    assert answer.status == 200
    assert (answer.json["status"], answer.json["decidedBy"], answer.json["note"]) == (
        status,
        "grace",
        "Called the customer.",
    )
    assert answer.json["decidedAt"]
    for again in ("approve", "reject"):
        second = decide(screening, again)
        assert (second.status, second.json["code"], second.json["present"]) == (409, "not_in_review", status)
    assert send("GET", f"/screenings/{screening.order_no}").json["status"] == status
    assert [event["data"]["decision"] for event in announced() if event["type"] == "fraud.decided"] == [status]


def test_of_two_people_at_once_one_decides() -> None:
    screening = in_review()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: decide(screening, ("approve", "reject")[n % 2]), range(8)))
    assert sorted(answer.status for answer in answers) == [200] + [409] * 7
    (won,) = [answer.json["status"] for answer in answers if answer.status == 200]
    assert send("GET", f"/screenings/{screening.order_no}").json["status"] == won


def test_only_what_is_in_review_is_decided() -> None:
    assert decide(screen()).json["code"] == "not_in_review"
    assert decide(screen(bin="41000001")).json["code"] == "not_in_review"
    assert send("POST", "/reviews/MK-00000000-00000000/decision", {"decision": "approve"}).status == 404
    assert send("GET", "/screenings/nonsense").status == 404


@pytest.mark.parametrize("roles", ["customer", "vendor"])
def test_reviews_are_for_staff_only(roles: str) -> None:
    screening = in_review()
    who = {"caller": "mallory", "roles": roles}
    for method, path, body in (
        ("GET", "/reviews", None),
        ("GET", f"/screenings/{screening.order_no}", None),
        ("POST", f"/reviews/{screening.order_no}/decision", {"decision": "approve"}),
        ("GET", "/rules", None),
        ("GET", "/lists/blocked/entries", None),
    ):
        assert send(method, path, body, **who).status == 403
    assert STAFF["roles"] == "customer staff"


# -- the checkout waits


@pytest.mark.parametrize(("decision", "heard"), [("approve", "success"), ("reject", "ReviewRejected")])
def test_a_decision_wakes_the_checkout_that_waits(machine: Machine, decision: str, heard: str) -> None:
    screening = in_review()
    run("await_review", screening.order_id, "t1")
    decide(screening, decision)
    assert machine.heard == [], "the event wakes it, not the request"
    for _ in range(2):
        assert hear("fraud.decided", order_id=screening.order_id, order_no="", decision="") == []
    assert machine.heard == [("t1", heard)] * 2


def test_a_decision_before_the_checkout_waits_is_found_by_it(machine: Machine) -> None:
    screening = in_review()
    decide(screening, "approve")
    assert hear("fraud.decided", order_id=screening.order_id, order_no="", decision="") == []
    assert machine.heard == []
    run("await_review", screening.order_id, "late")
    assert machine.heard == [("late", "success")]


def test_the_last_token_counts_and_one_that_is_gone_is_fine(machine: Machine) -> None:
    screening = in_review()
    run("await_review", screening.order_id, "t1")
    run("await_review", screening.order_id, "t2")
    decide(screening)
    machine.gone.add("t2")
    assert hear("fraud.decided", order_id=screening.order_id, order_no="", decision="") == []
    assert machine.heard == []


def test_a_review_that_waits_too_long_is_rejected_and_cannot_be_approved_any_more(machine: Machine) -> None:
    screening = in_review()
    run("await_review", screening.order_id, "t1")
    for _ in range(2):
        with pytest.raises(ReviewRejected):
            run("resolve_review", screening.order_id)
    assert decide(screening).status == 409
    shown = send("GET", f"/screenings/{screening.order_no}").json
    assert (shown["status"], shown["decidedBy"]) == ("expired", "system")


def test_an_approval_whose_word_was_lost_is_found_by_the_timeout() -> None:
    screening = in_review()
    decide(screening)
    run("resolve_review", screening.order_id)


def test_the_timeout_and_an_approval_at_once_agree() -> None:
    for _ in range(4):
        screening = in_review()

        def timeout(order_id: str = screening.order_id) -> bool:
            try:
                run("resolve_review", order_id)
            except ReviewRejected:
                return False
            return True

        with ThreadPoolExecutor(2) as pool:
            asked, approved = pool.submit(timeout), pool.submit(decide, screening)
        assert asked.result() == (approved.result().status == 200)


# -- the order is wanted no more


def test_a_cancelled_order_leaves_the_queue_and_wakes_the_checkout(machine: Machine) -> None:
    screening = in_review()
    run("await_review", screening.order_id, "t1")
    for _ in range(2):
        assert hear("order.cancellation_requested", order_id=screening.order_id, customer_id="ada") == []
    hear("fraud.decided", order_id=screening.order_id, order_no="", decision="")
    assert machine.heard == [("t1", "CancelledByCustomer")]
    assert decide(screening).status == 409
    with pytest.raises(CancelledByCustomer):
        run("resolve_review", screening.order_id)
    assert [item["status"] for item in queue()["items"]] == ["withdrawn"]


def test_a_cancellation_that_comes_before_the_screen_is_not_forgotten() -> None:
    assert hear("order.cancellation_requested", order_id="ord_0000000000000001", customer_id="ada") == []
    screening = screen("ord_0000000000000001", bin="41000000")
    assert (screening.status, screening.admitted) == ("withdrawn", False)
    assert queue()["items"] == []
    assert send("GET", "/screenings/MK-00000000-00000001").json["status"] == "withdrawn"


def test_a_cancellation_changes_nothing_once_the_payment_was_admitted() -> None:
    screening = screen()
    assert hear("order.cancellation_requested", order_id=screening.order_id, customer_id="ada") == []
    assert screen(screening.order_id).admitted


def test_an_order_that_was_cancelled_in_any_way_is_not_left_in_review() -> None:
    screening = in_review()
    event = {"order_id": screening.order_id, "order_no": "", "customer_id": "ada", "reason": "checkout_failed"}
    assert hear("order.cancelled", **event) == []
    assert queue()["items"][0]["status"] == "withdrawn"
    assert service.screening_of(screening.order_no).decided_by == "system"
