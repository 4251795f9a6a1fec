"""What customers and staff are told of a payment: receipts, and all that happened to it."""

from datetime import timedelta

import orjson
import pytest

from market import clock, config
from payments import credentials
from payments.providers.sandbox import Sandbox
from tests.sagas import checkout as cards
from tests.services.payments.till import TOTAL, Till

pytestmark = pytest.mark.contract("12.1", "12.3")


def test_a_customer_gets_a_receipt_for_the_charge_and_for_each_refund(till: Till) -> None:
    number = till.sold()
    till.wait(60)
    till.refund(number, "rfd_1", 500)
    till.wait(60)
    till.refund(number, "rfd_2", 300)
    receipts = till.payment(number)["receipts"]
    assert [(r["number"], r["kind"], r["amount"]["amount"]) for r in receipts] == [
        (f"{number}-P1", "payment", TOTAL),
        (f"{number}-R1", "refund", 500),
        (f"{number}-R2", "refund", 300),
    ]
    assert [r["at"] for r in receipts] == sorted(r["at"] for r in receipts)
    assert receipts[0]["method"] == {"provider": "sandbox", "brand": "visa", "last4": "4242"}


def test_staff_see_all_that_happened_in_the_order_of_time(till: Till) -> None:
    number = till.order()
    till.pay("ada", number, cards.DECLINED)
    till.run()
    till.wait(1)
    till.wish(number, method="manual")
    till.wait(1)
    till.wish(number, method="sandbox")
    till.wait(1)
    till.pay("ada", number)
    till.run()
    till.wait(1)
    till.refund(number, "rfd_1", 500)
    record = till.record(number)
    kinds = [entry["kind"] for entry in record["history"]]
    assert kinds[:3] == ["notice", "left", "left"]
    assert sorted(kinds) == sorted(["notice", "left", "left", "opened", "authorized", "captured", "notice", "refund"])
    assert (record["attempt"], record["fee"]["amount"], record["customerId"]) == (3, 60, "ada")
    assert [entry["at"] for entry in record["history"]] == sorted(entry["at"] for entry in record["history"])
    (captured,) = [entry["details"] for entry in record["history"] if entry["kind"] == "captured"]
    assert (captured["amount"], captured["fee"], captured["provider"]) == (TOTAL, 60, "sandbox")


def test_a_payment_that_was_given_up_says_when(till: Till) -> None:
    number = till.order()
    for _ in range(3):
        till.pay("ada", number, cards.DECLINED)
        till.run()
    kinds = till.kinds(number)
    assert "failed" in kinds
    assert kinds[-1] == "voided"
    seen = till.payment(number)
    assert (seen["status"], seen["lastFailure"], seen["receipts"]) == ("voided", "card_declined", [])


@pytest.mark.contract("12.2")
def test_what_the_bank_asked_is_kept_once_although_it_is_told_when_all_is_paid(till: Till) -> None:
    number = till.sold()
    asked = orjson.loads(till.webhooks[-1]) | {"id": "evt_asked", "type": "payment_intent.requires_action"}
    before = till.record(number)
    for _ in range(2):
        assert till.hear(orjson.dumps(asked)).status == 200
        till.run()
    told = [entry["details"]["type"] for entry in till.record(number)["history"] if entry["kind"] == "notice"]
    assert told.count("attempted") == 1
    assert till.record(number)["status"] == before["status"] == "captured"


def test_an_order_without_a_payment_has_none_to_show(till: Till) -> None:
    number = till.order()
    assert till.ask("GET", f"/v1/payments/{number}").status == 404
    assert till.ask("GET", f"/v1/admin/payments/{number}", caller="sam", roles="staff").status == 404


def test_no_number_of_a_card_is_kept_by_the_marketplace(till: Till) -> None:
    till.sold()
    page = config.client("dynamodb").scan(TableName=config.setting("TABLE_NAME"), ConsistentRead=True)
    ours = [item for item in page["Items"] if not item["pk"]["S"].startswith(("SBX#", "SBV#"))]
    assert cards.GOOD not in str(ours)


def test_the_providers_book_lists_what_was_opened_in_a_period(till: Till) -> None:
    numbers = [till.order()]
    till.open("ada", numbers[0])
    till.wait(90_000)
    since = clock.now() - timedelta(seconds=10)
    numbers.append(till.place())
    till.open("ada", numbers[1])
    recent = list(Sandbox().recent(since, clock.now() + timedelta(seconds=10)))
    assert [intent.order_id for intent in recent] == [cards.order_id(numbers[1])]
    both = list(Sandbox().recent(since - timedelta(days=3), clock.now() + timedelta(seconds=10)))
    assert [intent.order_id for intent in both] == [cards.order_id(number) for number in numbers]


def test_credentials_come_from_one_secret_and_are_read_again_after_a_while(till: Till) -> None:
    with pytest.raises(credentials.NotConfigured):
        credentials.of("stripe")
    secrets = config.client("secretsmanager")
    name = config.setting("PAYMENT_SECRETS")
    secrets.create_secret(Name=name, SecretString='{"stripe": {"api_key": "sk_1"}}')
    till.wait(301)
    assert credentials.of("stripe") == {"api_key": "sk_1"}
    secrets.put_secret_value(SecretId=name, SecretString='{"stripe": {"api_key": "sk_2"}}')
    assert credentials.of("stripe") == {"api_key": "sk_1"}
    till.wait(301)
    assert credentials.of("stripe") == {"api_key": "sk_2"}
    with pytest.raises(credentials.NotConfigured):
        credentials.of("paypal")
