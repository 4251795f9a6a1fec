"""A purchase over HTTP, from registering to the vendors' mail, as a browser would make it."""

import re
import time
from typing import Any
from uuid import uuid4

import pytest

from demo.client import until
from local.harness import PASSWORD, Running
from tests.journeys.fair import DECLINED, Fair

JSON = dict[str, Any]


def mails(server: Running, to: str) -> list[JSON]:
    return list(server.call("GET", f"/mailbox.json?to={to}").json)


def registered(server: Running, fair: Fair, name: str) -> tuple[str, JSON]:
    """Somebody new, with a confirmed address; the address and the first session."""
    email = f"{name}.{uuid4().hex[:8]}@example.com"
    account = {"email": email, "password": PASSWORD, "name": name.title()}
    made = fair.ask("POST", "/v1/auth/register", account, status=202)
    (mail,) = until(lambda: mails(server, email), "the mail with the code")
    code = re.search(r"\b\d{6}\b", mail["text"])
    assert code
    fair.ask("POST", "/v1/auth/login", {"email": email, "password": PASSWORD}, status=403)
    fair.ask("POST", "/v1/auth/verify", {"email": email, "code": code[0], "registration": made["registration"]})
    return email, fair.ask("POST", "/v1/auth/login", {"email": email, "password": PASSWORD})


def when(fair: Fair, token: str, number: str, status: str) -> JSON:
    """The order as soon as it has this status."""

    def there() -> JSON | None:
        order = fair.ask("GET", f"/v1/orders/{number}", token=token)
        return order if order["status"] == status else None

    return dict(until(there, f"{number} {status}", patience=20))


@pytest.mark.contract("1.1", "10.1", "11.1", "11.2", "12.1", "12.4", "14.4")
def test_a_newcomer_buys_from_two_vendors_and_everybody_hears_of_it(server: Running, fair: Fair) -> None:
    fair.sell("lights", "LANTERN", 2_000, 10)
    fair.sell("wood", "STOOL", 8_000, 10)
    email, session = registered(server, fair, "ada")
    token = session["accessToken"]

    assert {"LANTERN", "STOOL"} <= {card["title"][2:].upper() for card in fair.ask("GET", "/v1/products")["items"]}
    summary = fair.fill(token, ("LANTERN", 2), ("STOOL", 1))
    assert summary["total"] == {"amount": 2 * 2_000 + 8_000 + 2 * 490, "currency": "EUR"}
    answer = fair.place(token, summary, key := uuid4().hex)
    assert answer.status == 201, answer
    order = answer.json
    assert fair.place(token, summary, key).json == order
    assert fair.shelf("lights", "LANTERN") == (8, 2)
    assert fair.ask("GET", "/v1/cart", token=token)["lines"] == []

    assert fair.pay(token, order["orderNo"])["status"] == "authorized"
    paid = when(fair, token, order["orderNo"], "paid")
    assert [step["event"] for step in paid["timeline"]] == ["placed", "paid"]
    assert fair.shelf("lights", "LANTERN") == (8, 0)

    journals = fair.ask("GET", f"/v1/admin/ledger/{order['id']}", token=fair.staff)["journals"]
    assert [sum(posting["amount"]["amount"] for posting in journal["postings"]) for journal in journals] == [0]
    for vendor, sku in (("lights", "LANTERN"), ("wood", "STOOL")):
        path = f"/v1/vendors/{fair.vendors[vendor]}/orders"
        until(
            lambda path=path, vendor=vendor: fair.ask("GET", path, token=fair.tokens[vendor])["items"], "vendor order"
        )
        seen = fair.ask("GET", f"{path}/{order['orderNo']}", token=fair.tokens[vendor])
        assert [line["sku"] for line in seen["lines"]] == [sku]
        sold = until(
            lambda vendor=vendor: _about(mails(server, f"{vendor}@vendors.example"), order), "the vendor's mail"
        )
        assert len(sold) == 1
        assert email not in sold[0]["text"]
    assert len(until(lambda: _about(mails(server, email), order), "the confirmation")) == 1


def _about(mails: list[JSON], order: JSON) -> list[JSON]:
    return [mail for mail in mails if order["orderNo"] in mail["subject"] + mail["text"]]


@pytest.mark.contract("1.1", "1.3")
def test_a_session_is_refreshed_and_ends_with_logging_out(server: Running, fair: Fair) -> None:
    email, first = registered(server, fair, "grace")
    second = fair.ask("POST", "/v1/auth/refresh", {"refreshToken": first["refreshToken"]})
    assert second["refreshToken"] != first["refreshToken"]
    assert fair.ask("GET", "/v1/me", token=second["accessToken"])["email"] == email
    leaving = {"refreshToken": second["refreshToken"]}
    fair.ask("POST", "/v1/auth/logout", leaving, token=second["accessToken"])
    refused = fair.ask("POST", "/v1/auth/refresh", leaving, status=401)
    assert refused["code"] == "session_ended"
    wrong = fair.ask("POST", "/v1/auth/login", {"email": email, "password": "Wrong-horse-9"}, status=401)
    nobody = fair.ask("POST", "/v1/auth/login", {"email": "n@example.com", "password": "Wrong-horse-9"}, status=401)
    assert wrong["detail"] == nobody["detail"]


@pytest.mark.contract("7.2", "12.1")
def test_a_card_that_is_declined_three_times_ends_the_order(server: Running, fair: Fair) -> None:
    fair.sell("lights", "TORCH", 2_000, 3)
    email, session = registered(server, fair, "bob")
    order = fair.buy(session["accessToken"], ("TORCH", 2))
    for _ in range(3):
        assert fair.pay(session["accessToken"], order["orderNo"], DECLINED)["lastDecline"] == "card_declined"
    ended = when(fair, session["accessToken"], order["orderNo"], "cancelled")
    assert ended["cancelReason"] == "payment_declined"
    assert fair.shelf("lights", "TORCH") == (3, 0)
    fair.ask("GET", f"/v1/admin/ledger/{order['id']}", token=fair.staff, status=404)
    assert until(lambda: _about(mails(server, email), order), "the mail about the cancellation")


@pytest.mark.contract("7.3", "11.3")
def test_who_changes_her_mind_before_paying_gets_out_and_the_stock_is_back(fair: Fair, operator: Any) -> None:
    fair.sell("lights", "CANDLE", 200, 4)
    token = operator.person("cleo@example.com")
    order = fair.buy(token, ("CANDLE", 4))
    assert fair.shelf("lights", "CANDLE") == (0, 4)
    fair.ask("POST", f"/v1/orders/{order['orderNo']}/cancellation", token=token, status=202)
    assert when(fair, token, order["orderNo"], "cancelled")["cancelReason"] == "cancelled_by_customer"
    assert fair.shelf("lights", "CANDLE") == (4, 0)
    intent = fair.ask("POST", "/v1/payments/intent", {"orderNo": order["orderNo"]}, token=token, status=409)
    assert intent["code"] == "not_payable"
    again = fair.ask("POST", f"/v1/orders/{order['orderNo']}/cancellation", token=token, status=409)
    assert again["code"] == "not_cancellable"


@pytest.mark.contract("7.3", "10.2", "11.7")
def test_a_refusal_for_want_of_stock_names_every_line_in_the_way(fair: Fair, operator: Any) -> None:
    for sku in ("VASE", "BOWL"):
        fair.sell("wood", sku, 1_000, 2)
    fair.sell("wood", "SPOON", 100, 50)
    tokens = operator.people(["dan@example.com", "eve@example.com"])
    lines = (("VASE", 2), ("SPOON", 1), ("BOWL", 1))
    seen = {email: fair.fill(token, *lines) for email, token in tokens.items()}
    assert fair.place(tokens["dan@example.com"], seen["dan@example.com"]).status == 201
    left = fair.ask("GET", f"/v1/vendors/{fair.vendors['wood']}/inventory/BOWL", token=fair.tokens["wood"])["available"]
    fair.ask(
        "PATCH", f"/v1/vendors/{fair.vendors['wood']}/inventory/BOWL", {"adjust": -left}, token=fair.tokens["wood"]
    )
    refusal = fair.place(tokens["eve@example.com"], seen["eve@example.com"])
    assert (refusal.status, refusal.json["code"]) == (409, "out_of_stock")
    assert {line["sku"]: line["available"] for line in refusal.json["lines"]} == {"VASE": 0, "BOWL": 0}
    assert (
        fair.ask("GET", "/v1/cart", token=tokens["eve@example.com"])["version"]
        == seen["eve@example.com"]["cartVersion"]
    )


@pytest.mark.contract("11.5")
def test_my_orders_come_in_pages_the_newest_first(fair: Fair, operator: Any) -> None:
    fair.sell("wood", "PEG", 10, 100)
    token = operator.person("fay@example.com")
    numbers = []
    for _ in range(5):
        numbers.append(fair.buy(token, ("PEG", 1))["orderNo"])
        time.sleep(0.02)  # an order's id tells its time by the hundredth of a second
    found: list[str] = []
    path = "/v1/me/orders?limit=2"
    while True:
        page = fair.ask("GET", path, token=token)
        assert len(page["items"]) <= 2
        found += [order["orderNo"] for order in page["items"]]
        if not page.get("nextCursor"):
            break
        path = f"/v1/me/orders?limit=2&cursor={page['nextCursor']}"
    assert found == numbers[::-1]
    other = operator.person("gus@example.com")
    refused = fair.ask("GET", path if "cursor" in path else f"{path}&cursor=x", token=other, status=400)
    assert refused["code"] == "invalid_cursor"


@pytest.mark.contract("2.4", "11.5")
def test_what_belongs_to_others_is_not_there(fair: Fair, operator: Any) -> None:
    fair.sell("lights", "FUSE", 300, 10)
    tokens = operator.people(["hal@example.com", "ivy@example.com"])
    hal, ivy = tokens.values()
    order = fair.buy(hal, ("FUSE", 1))
    fair.fill(hal, ("FUSE", 2))
    assert fair.ask("GET", "/v1/cart", token=ivy)["lines"] == []
    for method, path in (("GET", ""), ("POST", "/cancellation")):
        fair.ask(method, f"/v1/orders/{order['orderNo']}{path}", token=ivy, status=404)
    fair.ask("POST", "/v1/payments/intent", {"orderNo": order["orderNo"]}, token=ivy, status=404)
    for path in ("orders", "inventory", "products"):
        fair.ask("GET", f"/v1/vendors/{fair.vendors['lights']}/{path}", token=fair.tokens["wood"], status=404)
        fair.ask("GET", f"/v1/vendors/{fair.vendors['lights']}/{path}", token=ivy, status=403)
    fair.ask("PATCH", f"/v1/vendors/{fair.vendors['lights']}", {"name": "Mine"}, token=fair.tokens["wood"], status=404)
    fair.ask("GET", f"/v1/admin/ledger/{order['id']}", token=hal, status=403)
