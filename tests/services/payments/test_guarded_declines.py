"""Why a card was declined: staff read it all, customers nothing that helps with somebody else's card."""

import orjson
import pytest

from tests.services.payments.test_webhooks import event, opened
from tests.services.payments.till import Till

pytestmark = pytest.mark.contract("12.1", "12.3")


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("stolen_card", "card_declined"),
        ("lost_card", "card_declined"),
        ("fraudulent", "card_declined"),
        ("insufficient_funds", "insufficient_funds"),
    ],
)
def test_a_customer_is_not_told_that_a_card_is_known_as_stolen(till: Till, reason: str, told: str) -> None:
    number, reference = opened(till)
    body = orjson.loads(event(number, reference, "payment_intent.declined", status="pending"))
    assert till.hear(orjson.dumps(body | {"failure": reason})).status == 200
    till.run()
    assert till.payment(number)["lastFailure"] == told
    assert till.record(number)["lastFailure"] == reason
