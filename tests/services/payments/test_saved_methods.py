"""Cards that a provider keeps: saved without us seeing them, paid with at once, nobody else's."""

import pytest

from tests import shop
from tests.http import call
from tests.sagas import checkout as cards
from tests.services.payments.till import GERMAN, TOTAL, Till

pytestmark = pytest.mark.contract("12.3")
PATH = "/v1/me/payment-methods"


def save(till: Till, card: str = cards.GOOD, customer: str = "ada") -> str:
    """Save a card as the browser does; its id."""
    from payments.sandbox import handler

    setup = till.ask("POST", PATH, {}, caller=customer)
    assert setup.status == 201, setup
    wish = {"clientSecret": setup.json["clientSecret"], "card": {"number": card}}
    answer = call(handler, "POST", f"/sandbox/v1/setup_intents/{setup.json['setupId']}/confirm", wish)
    assert answer.json["status"] == "succeeded"
    return str(till.ask("GET", PATH, caller=customer).json["items"][0]["id"])


def test_a_card_is_saved_listed_and_forgotten(till: Till) -> None:
    assert till.ask("GET", PATH).json == {"items": []}
    first, second = save(till), save(till, GERMAN)
    listed = till.ask("GET", PATH).json["items"]
    assert [(entry["id"], entry["last4"], entry["country"]) for entry in listed] == [
        (second, "0016", "DE"),
        (first, "4242", "US"),
    ]
    assert till.ask("DELETE", f"{PATH}/{second}").status == 204
    assert till.ask("DELETE", f"{PATH}/{second}").status == 204
    assert [entry["id"] for entry in till.ask("GET", PATH).json["items"]] == [first]


def test_a_saved_card_pays_at_once(till: Till) -> None:
    card, number = save(till), till.order()
    paid = till.wish(number, savedMethod=card).json
    assert (paid["status"], paid["provider"]) == ("authorized", "sandbox")
    assert till.wish(number, savedMethod=card).json == paid
    till.run()
    assert shop.order_of("ada", number)["status"] == "paid"
    assert till.intents(number) == [("captured", TOTAL)]
    assert till.payment(number)["receipts"][0]["method"] == {"provider": "sandbox", "brand": "visa", "last4": "4242"}


def test_a_saved_card_takes_the_place_of_an_open_intent(till: Till) -> None:
    card, number = save(till), till.order()
    old = till.open("ada", number)
    assert till.wish(number, savedMethod=card).json["status"] == "authorized"
    assert till.confirm(old, cards.GOOD).status == 409
    till.run()
    assert till.intents(number) == [("captured", TOTAL), ("voided", 0)]


def test_nobody_pays_with_or_forgets_another_customers_card(till: Till) -> None:
    card = save(till)
    save(till, customer="bob")
    number = till.order("bob")
    refusal = till.ask("POST", "/v1/payments/intent", {"orderNo": number, "savedMethod": card}, caller="bob")
    assert (refusal.status, refusal.json["code"]) == (409, "saved_method_gone")
    assert till.ask("POST", "/v1/payments/intent", {"orderNo": number, "savedMethod": card}, caller="eve").status == 404
    till.ask("DELETE", f"{PATH}/{card}", caller="bob")
    assert till.ask("DELETE", f"{PATH}/{card}", caller="eve").status == 404
    assert [entry["id"] for entry in till.ask("GET", PATH).json["items"]] == [card]


def test_a_saved_card_that_is_gone_leaves_the_order_to_be_paid_otherwise(till: Till) -> None:
    card, number = save(till), till.order()
    till.ask("DELETE", f"{PATH}/{card}")
    assert till.wish(number, savedMethod=card).json["code"] == "saved_method_gone"
    assert till.wish(number, savedMethod=card).json["code"] == "saved_method_gone"
    intent = till.wish(number, method="sandbox").json
    till.confirm(intent, cards.GOOD)
    till.run()
    assert shop.order_of("ada", number)["status"] == "paid"


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_payment_at_once_whose_answer_is_lost_is_found_again(till: Till, when: str) -> None:
    card, number = save(till), till.order()
    till.break_("POST payment_intents", when)
    assert till.wish(number, savedMethod=card).status == 503
    assert till.wish(number, savedMethod=card).json["status"] == "authorized"
    till.run()
    assert till.intents(number) == [("captured", TOTAL)]
    assert shop.order_of("ada", number)["status"] == "paid"


@pytest.mark.parametrize("heard", [True, False])
def test_a_payment_at_once_that_nobody_asks_for_again_is_kept_by_the_checkout(till: Till, heard: bool) -> None:
    """The answer was lost and the browser is closed: the provider holds the money, so the customer has paid."""
    card, number = save(till), till.order()
    if not heard:
        till.break_("webhook", "before", 10**6)
    till.break_("POST payment_intents", "after")
    till.wish(number, savedMethod=card)
    till.run()
    till.wait(cards.HOLD_SECONDS + 5)
    assert shop.order_of("ada", number)["status"] == "paid"
    assert till.intents(number) == [("captured", TOTAL)]


def test_a_payment_at_once_of_an_order_that_was_cancelled_meanwhile_is_voided(till: Till) -> None:
    from orders.api import handler as orders

    card, number = save(till), till.order()
    till.break_("POST payment_intents", "after")
    till.wish(number, savedMethod=card)
    call(orders, "POST", f"/v1/orders/{number}/cancellation", caller="ada")
    till.run()
    till.wait(cards.HOLD_SECONDS + 5)
    assert shop.order_of("ada", number)["status"] == "cancelled"
    assert till.intents(number) == [("voided", 0)]


@pytest.mark.parametrize("name", ["cod", "manual", "paypal", "nonsense"])
def test_what_keeps_no_cards_says_so(till: Till, name: str) -> None:
    refusal = till.ask("POST", PATH, {"method": name})
    assert (refusal.status, refusal.json["code"]) == (409, "method_not_offered")


def test_what_is_no_id_never_gets_into_a_call_to_the_provider(till: Till) -> None:
    card, number = save(till), till.order()
    calls = till.calls.copy()
    for name in ("sandbox.%2e%2e", "sandbox.x y", "sandbox.pm_1%2F..", "sandbox.ü", f"sandbox.{'x' * 101}"):
        assert till.ask("DELETE", f"{PATH}/{name}").status == 404
        assert till.wish(number, savedMethod=name).status == 404
    assert till.calls == calls
    assert till.ask("GET", PATH).json["items"][0]["id"] == card


def test_an_unknown_saved_method_is_not_found(till: Till) -> None:
    number = till.order()
    for name in ("sandbox.pm_1", "nonsense", "sandbox.", ".x", "cod.1"):
        assert till.wish(number, savedMethod=name).status in (404, 422)
