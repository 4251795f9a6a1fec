"""A purchase through every part of the local marketplace: gateway, functions, outbox, bus, queues, checkout, mail."""

import json
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from inventory.contract import Offer, new_offer
from local.database import DatabaseClient
from local.harness import PASSWORD, InProcess, Reply, Running, marketplace, running
from tests.shop import ADDRESS, euros, stock

ADA = "ada@example.com"


def _buy(shop: InProcess | Running, token: str, sku: str, quantity: int) -> str:
    """Fill the cart, order it and pay at the sandbox provider; the order's number."""
    line = {"sku": sku, "quantity": quantity}
    assert shop.call("POST", "/v1/cart/items", line, token=token).status == 201
    shown = shop.call("POST", "/v1/checkout/summary", {"shippingMethod": "standard"}, token=token).json
    body = {
        "cartVersion": shown["cartVersion"],
        "expectedTotal": shown["total"],
        "shippingAddress": ADDRESS,
        "shippingMethod": "standard",
    }
    placed = _checked(
        shop.call("POST", "/v1/orders", body, token=token, headers={"idempotency-key": uuid.uuid4().hex}), 201
    )
    intent = _checked(shop.call("POST", "/v1/payments/intent", {"orderNo": placed["orderNo"]}, token=token), 201)
    wish = {"clientSecret": intent["clientSecret"], "card": {"number": "4242 4242 4242 4242"}}
    _checked(shop.call("POST", f"/sandbox/v1/payment_intents/{intent['intentId']}/confirm", wish), 200)
    return str(placed["orderNo"])


def _checked(answer: Reply, status: int) -> Any:
    assert answer.status == status, answer
    return answer.json


def test_a_paid_order_is_confirmed_and_told_by_mail() -> None:
    with marketplace() as shop:
        stock("lamp", 10)
        ada = shop.person(ADA)

        number = _buy(shop, ada, "lamp", 2)
        shop.drain()

        assert shop.call("GET", f"/v1/orders/{number}", token=ada).json["status"] == "paid"
        assert [mail.template.split("-dev-")[-1] for mail in shop.mails(ADA)] == ["order-confirmed"]
        assert shop.runtime.dead_letters() == {}
        assert [execution.status for execution in shop.runtime.workflows.executions()] == ["SUCCEEDED"]


def test_an_order_paid_just_before_kill_9_is_confirmed_after_the_restart(tmp_path: Path) -> None:
    first = Running(tmp_path / "shop")
    body = {"email": ADA, "password": PASSWORD, "name": "Ada"}
    made = first.call("POST", "/v1/auth/register", body).json
    code = first.call("GET", f"/mailbox.json?to={ADA}").json[0]["text"].split()[-1]
    first.call("POST", "/v1/auth/verify", {"email": ADA, "code": code, "registration": made["registration"]})
    token = first.call("POST", "/v1/auth/login", {"email": ADA, "password": PASSWORD}).json["accessToken"]
    _put_on_the_shelf(tmp_path / "shop")
    numbers = [_buy(first, token, "lamp", 1) for _ in range(5)]
    first.kill()

    with running(tmp_path / "shop") as second:
        _eventually(lambda: all(_status(second, token, number) == "paid" for number in numbers))
        # at least once each: a mail that went out in the instant before the kill goes out again
        _eventually(lambda: all(any(number in subject for subject in _confirmed(second)) for number in numbers))


def _status(shop: Running, token: str, number: str) -> str:
    return str(shop.call("GET", f"/v1/orders/{number}", token=token).json["status"])


def _confirmed(shop: Running) -> list[str]:
    mails = shop.call("GET", f"/mailbox.json?to={ADA}").json
    return [mail["subject"] for mail in mails if "order-confirmed" in mail["template"]]


def _eventually(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < until, "it never came to be"
        time.sleep(0.1)


def _put_on_the_shelf(data: Path) -> None:
    """Stock for a running marketplace, written straight into its table."""
    running_at = DatabaseClient(int(json.loads((data / "run.json").read_text())["database"].rsplit(":", 1)[1]))
    (name,) = running_at.call("ListTables", {})["TableNames"]
    offer = Offer(sku="lamp", product_id="prd_lamp", vendor_id="ven_1", title="A lamp", price=euros(1999), available=9)
    answer = running_at.call("PutItem", {"TableName": name, "Item": new_offer(offer).request["Item"]})
    assert "__type" not in answer, answer
