"""What providers say is kept for staff, but not what they say of the buyer."""

from typing import Any

import orjson
import pytest

from market import config
from payments.words import kept
from tests.services.payments.test_webhooks import event, opened
from tests.services.payments.till import Till

pytestmark = pytest.mark.contract("12.2", "25.1")

PERSON = (
    "Ada",
    "Lovelace",
    "ada@example.com",
    "12 St James",
    "01712345678",
    "QYR5Z8XDVJNXQ",
    "203.0.113.7",
    "_secret_",
)
PAYER = {
    "payer_id": "QYR5Z8XDVJNXQ",
    "name": {"given_name": "Ada", "surname": "Lovelace"},
    "email_address": "ada@example.com",
    "phone": {"phone_number": {"national_number": "01712345678"}},
}
PAYPAL = {
    "id": "WH-1",
    "event_type": "PAYMENT.CAPTURE.COMPLETED",
    "summary": "Payment of Ada Lovelace completed",
    "resource": {
        "id": "3C679366HH908993F",
        "status": "COMPLETED",
        "amount": {"currency_code": "EUR", "value": "24.90"},
        "custom_id": "ord_1",
        "payer": PAYER,
        "purchase_units": [{"custom_id": "ord_1", "shipping": {"address": {"address_line_1": "12 St James"}}}],
        "supplementary_data": {"related_ids": {"order_id": "5O190127TN364715T"}},
    },
}
STRIPE = {
    "id": "evt_1",
    "type": "payment_intent.payment_failed",
    "data": {
        "object": {
            "id": "pi_1",
            "amount": 2490,
            "client_secret": "pi_1_secret_x",
            "receipt_email": "ada@example.com",
            "metadata": {"order_id": "ord_1"},
            "last_payment_error": {
                "decline_code": "insufficient_funds",
                "payment_method": {"billing_details": {"name": "Ada Lovelace", "address": {"line1": "12 St James"}}},
            },
        }
    },
}
SSLCOMMERZ = (
    "tran_id=ord_1-1&val_id=v1&status=VALID&amount=24.90&cus_name=Ada+Lovelace&cus_email=ada%40example.com"
    "&cus_add1=12+St+James&card_no=01712345678&card_type=BKASH&verify_sign=abc&cus_fax=203.0.113.7"
)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (orjson.dumps(PAYPAL).decode(), ("WH-1", "PAYMENT.CAPTURE.COMPLETED", "24.90", "ord_1", "5O190127TN364715T")),
        (orjson.dumps(STRIPE).decode(), ("evt_1", "pi_1", "2490", "insufficient_funds", "ord_1")),
        (SSLCOMMERZ, ("ord_1-1", "v1", "VALID", "24.90", "BKASH")),
    ],
)
def test_of_a_providers_words_stays_what_happened_and_not_to_whom(words: str, told: tuple[str, ...]) -> None:
    shown = kept(words)
    assert [word for word in told if word not in shown] == []
    assert [word for word in PERSON if word in shown] == []


@pytest.mark.parametrize(
    "words", ["", "null", "1", '"Ada"', "[]", '["Ada"]', "{", "Ada Lovelace", "Ada=Lovelace", "%ff=Ada"]
)
def test_what_is_no_event_leaves_nothing(words: str) -> None:
    assert kept(words) == ""


@pytest.mark.parametrize("changes", [{}, {"amount": 1}])
def test_neither_history_nor_incidents_name_the_buyer(till: Till, changes: dict[str, Any]) -> None:
    number, reference = opened(till)
    said = orjson.loads(event(number, reference, **changes)) | {"payer": PAYER, "receipt_email": "ada@example.com"}
    assert till.hear(orjson.dumps(said)).status == 200
    till.run()
    shown = till.incidents() if changes else [entry for entry in till.record(number)["history"] if "payload" in entry]
    assert [orjson.loads(entry["payload"])["intent"]["id"] for entry in shown] == [reference]
    stored = config.client("dynamodb").scan(TableName=config.setting("TABLE_NAME"), ConsistentRead=True)["Items"]
    ours = str([item for item in stored if item["pk"]["S"].startswith("PAY#")])
    assert [word for word in PERSON if word in ours.replace(reference, "")] == []
