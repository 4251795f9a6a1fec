"""The simulated Stripe keeps Stripe's own promises: keys, refusals, faults; and the network that leads to it."""

from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from urllib3.exceptions import ProtocolError, ReadTimeoutError

from payments.simulators.network import Lost, Network, TimedOut
from tests.services.payments import stripe as cards
from tests.services.payments.stripe import World, world

__all__ = ["world"]

ORDER = {"amount": "500", "currency": "eur", "capture_method": "manual"}


def ask(world: World, method: str, path: str, sent: dict[str, str] | None = None, **headers: str) -> Any:
    """(status, headers, body as JSON) of one request with our key, or the one given."""
    headers = {"authorization": f"Bearer {cards.CREDENTIALS['api_key']}"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    body = urlencode(sent or {})
    target = f"{path}?{body}" if method == "GET" and body else path
    status, told, content = world.stripe.handle(method, target, headers, b"" if method == "GET" else body.encode())
    return status, told, orjson.loads(content)


def test_the_same_key_and_request_give_the_same_answer_again(world: World) -> None:
    status, headers, first = ask(world, "POST", "/v1/payment_intents", ORDER, idempotency_key="k")
    assert (status, headers.get("idempotent-replayed")) == (200, None)
    status, headers, again = ask(world, "POST", "/v1/payment_intents", ORDER, idempotency_key="k")
    assert (status, headers["idempotent-replayed"], again) == (200, "true", first)
    world.pass_(hours=25)
    assert ask(world, "POST", "/v1/payment_intents", ORDER, idempotency_key="k")[2]["id"] != first["id"]


def test_the_same_key_with_another_request_is_an_error(world: World) -> None:
    ask(world, "POST", "/v1/payment_intents", ORDER, idempotency_key="k")
    for path, sent in (("/v1/payment_intents", ORDER | {"amount": "501"}), ("/v1/customers", {})):
        status, _, told = ask(world, "POST", path, sent, idempotency_key="k")
        assert (status, told["error"]["type"]) == (400, "idempotency_error")


def test_a_key_that_is_at_work_is_a_conflict(world: World) -> None:
    conflicts = []
    create = world.stripe._act

    def slowly(*request: Any) -> Any:
        conflicts.append(ask(world, "POST", "/v1/payment_intents", ORDER, idempotency_key="k")[0])
        return create(*request)

    world.stripe._act = slowly  # type: ignore[method-assign]
    assert ask(world, "POST", "/v1/payment_intents", ORDER, idempotency_key="k")[0] == 200
    assert conflicts == [409]


def test_a_key_does_not_remember_what_was_never_begun(world: World) -> None:
    wrong = ORDER | {"amount": "much"}
    assert ask(world, "POST", "/v1/payment_intents", wrong, idempotency_key="k")[0] == 400
    assert ask(world, "POST", "/v1/payment_intents", ORDER, idempotency_key="k")[0] == 200


def test_a_crash_is_remembered_and_an_outage_is_not(world: World) -> None:
    world.stripe.break_("POST payment_intents", "unavailable")
    world.stripe.break_("POST payment_intents", "crash")
    answers = [ask(world, "POST", "/v1/payment_intents", ORDER, idempotency_key="k")[0] for _ in range(3)]
    assert answers == [503, 500, 500]
    assert world.stripe.memory.all("payment_intent") == []


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({"currency": "eur"}, "parameter_missing"),
        (ORDER | {"colour": "red"}, "parameter_unknown"),
        (ORDER | {"payment_method_types[0]": "card"}, "parameter_unknown"),
        (ORDER | {"amount": "49"}, "amount_too_small"),
        (ORDER | {"amount": "100000000"}, "amount_too_large"),
        (ORDER | {"amount": "4.99"}, "parameter_invalid_integer"),
        (ORDER | {"amount": "5124", "currency": "kwd"}, "invalid_charge_amount"),
        (ORDER | {"amount": "505", "currency": "isk"}, "invalid_charge_amount_no_decimal_compatible"),
        (ORDER | {"customer": "cus_nobody"}, "resource_missing"),
    ],
)
def test_a_wrong_request_is_refused_with_stripes_code(world: World, sent: dict[str, str], code: str) -> None:
    status, _, told = ask(world, "POST", "/v1/payment_intents", sent)
    assert (status, told["error"]["code"]) == (400, code)


def test_only_the_secret_key_moves_money(world: World) -> None:
    reference = world.pay().reference
    path = f"/v1/payment_intents/{reference}/capture"
    assert ask(world, "POST", path, authorization="Bearer sk_test_guess")[0] == 401
    assert ask(world, "POST", path, authorization=f"Bearer {world.stripe.publishable_key}")[0] == 403
    assert ask(world, "POST", path, authorization="")[0] == 401
    assert ask(world, "GET", "/v1/nothing")[0] == 404
    assert ask(world, "POST", path)[0] == 200


def test_a_browser_needs_the_intents_own_secret(world: World) -> None:
    mine, theirs = world.open(), world.open(order_id="ord_2")
    sent = {"client_secret": theirs.client_secret, "payment_method_data[card][number]": cards.GOOD}
    headers = {"authorization": f"Bearer {world.stripe.publishable_key}"}
    status, _, _ = ask(world, "POST", f"/v1/payment_intents/{mine.reference}/confirm", sent, **headers)
    assert status == 400
    assert world.port.retrieve(mine.reference).status == "pending"


def test_a_settled_intent_is_not_confirmed_captured_or_cancelled_again(world: World) -> None:
    opened = world.open()
    world.stripe.pay(opened.client_secret, cards.GOOD)
    assert world.stripe.pay(opened.client_secret, cards.GOOD)["error"]["code"] == "payment_intent_unexpected_state"
    path = f"/v1/payment_intents/{opened.reference}"
    assert (
        ask(world, "POST", f"{path}/capture", {"amount_to_capture": "5000"})[2]["error"]["code"] == "amount_too_large"
    )
    assert ask(world, "POST", f"{path}/capture")[0] == 200
    for verb in ("capture", "cancel"):
        assert ask(world, "POST", f"{path}/{verb}")[2]["error"]["code"] == "payment_intent_unexpected_state"


def test_the_network_leads_to_the_longest_base_and_nowhere_else() -> None:
    def site(name: str) -> Any:
        return lambda method, path, headers, body: (200, {"X-Site": name}, path.encode() + b"|" + body)

    network = Network({"https://a.test": site("a"), "https://a.test/api/": site("api")})
    answer = network.request("POST", "https://a.test/api/v1?x=1", body="text", headers={"A": "b"})
    assert (answer.status, answer.headers["x-site"], answer.data) == (200, "api", b"/v1?x=1|text")
    assert network.request("GET", "https://a.test", fields={"q": "1"}).data == b"/?q=1|"
    assert network.request("POST", "https://a.test/form", fields={"q": "1"}).data == b"/form|q=1"
    for elsewhere in ("https://a.testing", "https://b.test/api"):
        with pytest.raises(LookupError):
            network.request("GET", elsewhere)
    assert Network({}, otherwise=network).request("GET", "https://a.test/x").data == b"/x|"


def test_the_network_loses_answers_as_a_network_does() -> None:
    def silent(fault: Exception) -> Any:
        def handle(*request: Any) -> Any:
            raise fault

        return handle

    network = Network({"https://lost.test": silent(Lost()), "https://slow.test": silent(TimedOut())})
    with pytest.raises(ProtocolError):
        network.request("GET", "https://lost.test/")
    with pytest.raises(ReadTimeoutError):
        network.request("GET", "https://slow.test/")
