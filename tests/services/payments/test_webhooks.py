"""Webhooks at the door and from the queue: late, again, out of order, forged, and about other money."""

from typing import Any

import orjson
import pytest

from market import clock, config
from orders.api import handler as orders
from tests import shop
from tests.http import call
from tests.sagas import checkout as cards
from tests.sagas.checkout import order_id
from tests.services.payments.till import STAFF, TOTAL, Till

pytestmark = pytest.mark.contract("12.2")
JSON = dict[str, Any]


def event(number: str, reference: str, type_: str = "payment_intent.authorized", **changes: Any) -> bytes:
    """What the sandbox would say of an order's intent."""
    intent = {
        "id": reference, "orderId": order_id(number), "status": "authorized", "amount": TOTAL, "currency": "EUR",
        "refunded": 0, "created": 0,
    }  # fmt: skip
    return orjson.dumps({"id": "evt_1", "type": type_, "failure": "", "intent": intent | changes})


def opened(till: Till) -> tuple[str, str]:
    """An order and the reference of its open intent."""
    number = till.order()
    return number, str(till.open("ada", number)["intentId"])


@pytest.mark.parametrize("seconds", [-301, 301, -25 * 3600, 25 * 3600, 10**9, -(10**9)])
def test_a_webhook_from_the_past_or_the_future_changes_nothing_and_is_counted(till: Till, seconds: int) -> None:
    number, reference = opened(till)
    refusal = till.hear(event(number, reference), at=max(0, clock.epoch() + seconds))
    assert (refusal.status, refusal.json["code"], refusal.json["reason"]) == (400, "bad_signature", "stale")
    till.run()
    assert till.payment(number)["status"] == "pending"
    (counted,) = till.incidents()
    assert (counted["provider"], counted["reason"], counted["times"]) == ("sandbox", "stale", 1)


@pytest.mark.parametrize("seconds", [-299, 0, 299])
def test_a_webhook_within_five_minutes_is_believed(till: Till, seconds: int) -> None:
    number, reference = opened(till)
    assert till.hear(event(number, reference), at=clock.epoch() + seconds).status == 200


@pytest.mark.parametrize(
    "signature", ["", "t=,v1=", "t=1,v1=0", "v1=abc", "t=99999999999999,v1=x", "t=²,v1=x", "t=-5,v1=x", "garbage"]
)
def test_a_forged_webhook_changes_nothing_and_leaves_no_record_of_its_own(till: Till, signature: str) -> None:
    number, reference = opened(till)
    before = till.runtime.depths()
    assert till.hear(event(number, reference), signature=signature).status == 400
    assert till.runtime.depths() == before
    (counted,) = till.incidents()
    assert counted["reason"] in ("malformed", "forged")
    assert "payload" not in counted
    assert "orderNo" not in counted


def test_an_attacker_can_raise_a_number_but_not_fill_the_table(till: Till) -> None:
    number, reference = opened(till)
    for count in range(30):
        till.hear(event(number, reference, id=f"pi_{count}"), signature=f"t={clock.epoch()},v1=x{count}")
    (counted,) = till.incidents()
    assert (counted["reason"], counted["times"]) == ("forged", 30)


def test_a_signature_over_another_body_is_forged(till: Till) -> None:
    from payments.providers.sandbox import sign

    number, reference = opened(till)
    signature = sign(event(number, reference), clock.epoch())
    assert till.hear(event(number, reference, amount=1), signature=signature).json["reason"] == "forged"


def test_a_signed_webhook_that_cannot_be_read_is_counted(till: Till) -> None:
    for body in (b"{}", b"[]", b"not json", b'{"id": "evt_1", "type": "x", "intent": {}}'):
        assert till.hear(body).status == 400
    (counted,) = till.incidents()
    assert (counted["reason"], counted["times"]) == ("invalid", 4)


@pytest.mark.parametrize("name", ["cod", "manual", "nobody", "..", "Sandbox"])
def test_nobody_sends_webhooks_for_what_has_no_company_behind_it(till: Till, name: str) -> None:
    number, reference = opened(till)
    assert till.hear(event(number, reference), name=name).status == 404
    assert till.incidents() == []


def test_the_sandbox_is_not_heard_where_it_is_not_offered(till: Till, environment: pytest.MonkeyPatch) -> None:
    number, reference = opened(till)
    environment.setenv("PAYMENT_METHODS", "cod,manual")
    assert till.hear(event(number, reference)).status == 404


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"amount": TOTAL - 1}, "amount"),
        ({"amount": 1}, "amount"),
        ({"currency": "JPY"}, "currency"),
        ({"id": "pi_of_another_order"}, "reference"),
    ],
)
@pytest.mark.parametrize("type_", ["payment_intent.authorized", "payment_intent.noted"])
def test_a_verified_webhook_about_other_money_changes_nothing_and_is_shown_to_staff(
    till: Till, type_: str, changes: JSON, reason: str
) -> None:
    number, reference = opened(till)
    body = event(number, reference, type_, **changes)
    assert till.hear(body).status == 200
    till.run()
    assert till.payment(number)["status"] == "pending"
    (seen,) = till.incidents()
    assert (seen["reason"], seen["orderNo"], seen["notice"]) == (reason, number, "evt_1")
    assert orjson.loads(seen["payload"]) == orjson.loads(body)
    assert till.runtime.dead_letters() == {}
    assert "notice" not in till.kinds(number)


def test_a_webhook_of_another_provider_cannot_speak_for_this_payment(till: Till) -> None:
    number = till.order()
    reference = till.wish(number, method="manual").json["intentId"]
    till.hear(event(number, reference))
    till.run()
    assert till.payment(number)["status"] == "pending"
    assert [seen["reason"] for seen in till.incidents()] == ["provider"]


def test_a_webhook_about_an_order_that_we_do_not_know_is_shown_to_staff(till: Till) -> None:
    till.hear(event("MK-00000000-00000000", "pi_1"))
    till.wait(600)
    (seen,) = till.incidents()
    assert seen["reason"] == "unknown_payment"
    assert till.runtime.dead_letters() == {}


@pytest.mark.parametrize("hours", [0, 25])
def test_what_is_told_again_even_a_day_later_changes_nothing(till: Till, hours: int) -> None:
    number = till.sold()
    shown = till.payment(number)
    till.wait(hours * 3600)
    for body in till.webhooks * 3:
        till.tell_again(body)
    till.run()
    assert till.payment(number) == shown
    assert till.intents(number) == [("captured", TOTAL)]
    assert till.kinds(number).count("notice") == 1
    assert till.incidents() == []


def test_what_a_provider_said_is_kept_in_its_own_words(till: Till) -> None:
    number = till.order()
    till.pay("ada", number, cards.DECLINED)
    till.run()
    (notice,) = [entry for entry in till.record(number)["history"] if entry["kind"] == "notice"]
    assert (notice["details"]["type"], notice["details"]["failure"]) == ("declined", "card_declined")
    assert orjson.loads(notice["payload"])["type"] == "payment_intent.declined"
    assert till.payment(number)["lastFailure"] == "card_declined"


def test_long_words_are_cut(till: Till) -> None:
    number, reference = opened(till)
    till.hear(orjson.dumps(orjson.loads(event(number, reference)) | {"failure": "x" * 20_000}))
    till.run()
    (notice,) = [entry for entry in till.record(number)["history"] if entry["kind"] == "notice"]
    assert len(notice["payload"]) == 4000


@pytest.mark.parametrize("hours", [1, 25])
def test_money_that_comes_for_a_dead_order_is_given_back(till: Till, hours: int) -> None:
    """Authorized, and captured by the provider's own doing, while we had given the order up long before."""
    number = till.order()
    intent = till.open("ada", number)
    till.break_("POST void", "before", 10**6)
    call(orders, "POST", f"/v1/orders/{number}/cancellation", caller="ada")
    till.run()
    till.confirm(intent, cards.GOOD)
    assert till.provider("POST", f"/payment_intents/{intent['intentId']}/capture", {"amount": TOTAL}).status == 200
    till.break_("POST void", "before", 0)
    till.wait(hours * 3600)
    assert till.intents(number) == [("refunded", 0)]
    assert till.accounts(number) == {"provider_fees": 60, "provider:sandbox": -60}
    assert till.payment(number)["status"] == "refunded"
    assert shop.order_of("ada", number)["status"] == "cancelled"


def test_incidents_come_in_pages_the_newest_first(till: Till) -> None:
    number, reference = opened(till)
    for count in range(5):
        body = orjson.loads(event(number, reference, amount=count + 1)) | {"id": f"evt_{count}"}
        till.hear(orjson.dumps(body))
        till.wait(1)
    path = "/v1/admin/payments/webhook-incidents"
    seen: list[str] = []
    query: JSON = {"limit": 2}
    while True:
        page = call_page(till, path, query)
        seen += [entry["notice"] for entry in page["items"]]
        if not page.get("nextCursor"):
            break
        query["cursor"] = page["nextCursor"]
    assert seen == [f"evt_{count}" for count in (4, 3, 2, 1, 0)]
    assert till.ask("GET", path).status == 403


def call_page(till: Till, path: str, query: JSON) -> JSON:
    from payments.api import handler

    return dict(call(handler, "GET", path, query=query, **STAFF).json)


def test_incidents_are_kept_for_ninety_days(till: Till) -> None:
    number, reference = opened(till)
    till.hear(event(number, reference, amount=1))
    till.hear(b"{}")
    till.run()
    page = config.client("dynamodb").query(
        TableName=config.setting("TABLE_NAME"),
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": "PAY#incidents"}},
    )
    ages = [int(item["expires_at"]["N"]) - clock.epoch() for item in page["Items"]]
    assert len(ages) == 2
    assert all(abs(age - 90 * 86_400) < 60 for age in ages)
