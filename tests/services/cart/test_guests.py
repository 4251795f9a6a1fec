"""Guests have carts like customers, and take them along when they sign in."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from cart import store
from cart.api import handler
from cart.contract import CartChanged
from market import config
from market.money import Money
from tests import shop
from tests.http import Response, call

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.contract("10.1")]

JSON = dict[str, Any]


def become_guest() -> str:
    answer = call(handler, "POST", "/v1/guests")
    assert answer.status == 201, answer
    return str(answer.json["guestToken"])


def as_guest(token: str, method: str, path: str = "", body: Any = None, **headers: str) -> Response:
    return call(handler, method, f"/v1/guest/cart{path}", body, headers={"guest-token": token} | headers)


def fill(token: str, *lines: tuple[str, int]) -> None:
    for sku, quantity in lines:
        answer = as_guest(token, "POST", "/items", {"sku": sku, "quantity": quantity})
        assert answer.status == 201, answer


def guest_with(*lines: tuple[str, int]) -> str:
    token = become_guest()
    fill(token, *lines)
    return token


def merge(token: str, customer: str = "ada") -> Response:
    return call(handler, "POST", "/v1/cart/merge", {"guestToken": token}, caller=customer)


def lines(cart: JSON) -> list[tuple[str, int]]:
    return [(line["sku"], line["quantity"]) for line in cart["lines"]]


def cart_of(customer: str = "ada") -> list[tuple[str, int]]:
    return lines(call(handler, "GET", "/v1/cart", caller=customer).json)


def differences(answer: Response) -> list[tuple[str, str, int, int]]:
    return [(d["sku"], d["code"], d["wanted"], d["got"]) for d in answer.json.get("differences", [])]


def at_once(times: int, act: Callable[[int], Response]) -> list[Response]:
    start = Barrier(times)

    def one(number: int) -> Response:
        start.wait()
        return act(number)

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(one, range(times)))


def test_becoming_a_guest_stores_nothing() -> None:
    become_guest()

    assert config.client("dynamodb").scan(TableName=config.setting("TABLE_NAME"))["Items"] == []


def test_a_guest_does_everything_that_a_customer_does_with_a_cart() -> None:
    shop.stock("LAMP")
    shop.stock("CHAIR")
    token = guest_with(("LAMP", 1), ("CHAIR", 2))

    assert as_guest(token, "PATCH", "/items/LAMP", {"quantity": 3}).status == 200
    assert as_guest(token, "DELETE", "/items/CHAIR").status == 200
    shown = as_guest(token, "GET")
    assert lines(shown.json) == [("LAMP", 3)]
    assert as_guest(token, "PATCH", "/items/LAMP", {"quantity": 4}, **{"if-match": '"1"'}).status == 412
    assert as_guest(token, "POST", "/refresh").headers["etag"] == shown.headers["etag"]


def test_a_guests_cart_is_the_guests_alone() -> None:
    shop.stock("LAMP")
    token, other = guest_with(("LAMP", 1)), become_guest()

    assert as_guest(other, "GET").json["lines"] == []
    assert call(handler, "GET", "/v1/guest/cart").status == 401
    assert call(handler, "GET", "/v1/guest/cart", caller="ada").status == 401
    assert call(handler, "GET", "/v1/cart", headers={"guest-token": token}).status == 401
    assert as_guest(token[:-1], "GET").status == 401


def test_signing_in_takes_the_guests_cart_along() -> None:
    for sku in ("LAMP", "CHAIR", "RUG"):
        shop.stock(sku)
    shop.fill("ada", ("LAMP", 1), ("RUG", 2))
    token = guest_with(("CHAIR", 2), ("LAMP", 3))

    answer = merge(token)

    assert lines(answer.json) == cart_of() == [("LAMP", 4), ("RUG", 2), ("CHAIR", 2)]
    assert "differences" not in answer.json
    assert as_guest(token, "GET").json["lines"] == []
    assert shop.place("ada", shop.order_body(shop.summary("ada"))).status == 201


def test_merging_again_adds_nothing() -> None:
    shop.stock("LAMP")
    token = guest_with(("LAMP", 2))

    first, again = merge(token), merge(token)

    assert (lines(first.json), lines(again.json)) == ([("LAMP", 2)], [("LAMP", 2)])
    assert first.json["version"] == again.json["version"]


def test_what_a_guest_adds_after_the_merge_can_be_merged_too() -> None:
    shop.stock("LAMP")
    token = guest_with(("LAMP", 2))
    merge(token)
    fill(token, ("LAMP", 1))

    assert lines(merge(token).json) == [("LAMP", 3)]


def test_a_merge_tells_what_it_could_not_take_over() -> None:
    shop.stock("FEW", 5)
    shop.stock("ONE-EACH")
    shop.stock("GONE")
    shop.stock("MANY", 2_000)
    shop.stock("DEARER", price=shop.euros(100))
    shop.fill("ada", ("FEW", 3), ("MANY", 900))
    token = guest_with(("FEW", 4), ("ONE-EACH", 2), ("GONE", 1), ("MANY", 200), ("DEARER", 1))
    shop.ration("ONE-EACH", 1)
    shop.reprice("GONE", active=False)
    shop.reprice("DEARER", shop.euros(120))

    answer = merge(token)

    assert lines(answer.json) == [("FEW", 5), ("MANY", 999), ("ONE-EACH", 1), ("DEARER", 1)]
    assert differences(answer) == [
        ("FEW", "out_of_stock", 7, 5),
        ("ONE-EACH", "purchase_limit", 2, 1),
        ("GONE", "not_on_sale", 1, 0),
        ("MANY", "too_many", 1_100, 999),
        ("DEARER", "price_changed", 1, 1),
    ]
    assert answer.json["differences"][-1]["before"]["amount"] == 100
    assert answer.json["differences"][-1]["now"]["amount"] == 120


def test_a_merge_never_takes_from_what_the_customer_had() -> None:
    shop.stock("LAMP", 9)
    shop.fill("ada", ("LAMP", 5))
    token = guest_with(("LAMP", 4))
    shop.recount("LAMP", 2)

    answer = merge(token)

    assert lines(answer.json) == [("LAMP", 5)]
    assert differences(answer) == [("LAMP", "out_of_stock", 9, 5)]


def test_a_merge_keeps_to_one_currency() -> None:
    shop.stock("LAMP")
    shop.stock("SAKE", price=Money(1_200, "JPY"))
    shop.fill("ada", ("LAMP", 1))

    answer = merge(guest_with(("SAKE", 1)))

    assert lines(answer.json) == [("LAMP", 1)]
    assert differences(answer) == [("SAKE", "mixed_currencies", 1, 0)]


def test_a_merge_keeps_to_the_room_that_a_cart_has() -> None:
    for number in range(52):
        shop.stock(f"SKU-{number}")
    shop.fill("ada", *((f"SKU-{number}", 1) for number in range(49)))

    answer = merge(guest_with(("SKU-49", 1), ("SKU-50", 1), ("SKU-51", 1)))

    assert len(answer.json["lines"]) == 50
    assert differences(answer) == [("SKU-50", "cart_full", 1, 0), ("SKU-51", "cart_full", 1, 0)]


@pytest.mark.parametrize(
    "token", ["garbage", "gst_", "a" * 200, "☃", "gst_00000000000000000000000000.9999999999." + "0" * 64]
)
def test_a_merge_with_a_token_that_is_not_good_is_refused(token: str) -> None:
    shop.stock("LAMP")
    shop.fill("ada", ("LAMP", 1))

    answer = merge(token)

    assert (answer.status, answer.json["code"]) == (422, "guest_token_invalid")
    assert cart_of() == [("LAMP", 1)]


def test_only_who_signed_in_merges() -> None:
    token = become_guest()

    assert call(handler, "POST", "/v1/cart/merge", {"guestToken": token}).status == 401
    assert call(handler, "POST", "/v1/cart/merge", {"guestToken": token}, headers={"guest-token": token}).status == 401
    assert (
        call(handler, "POST", "/v1/guest/cart/merge", {"guestToken": token}, headers={"guest-token": token}).status
        == 404
    )


def test_two_devices_that_merge_at_once_take_the_cart_over_once() -> None:
    shop.stock("LAMP")
    token = guest_with(("LAMP", 2))

    answers = at_once(6, lambda _: merge(token))

    assert {answer.status for answer in answers} <= {200, 409}
    assert cart_of() == [("LAMP", 2)]


def test_a_guests_cart_goes_to_one_customer_only() -> None:
    shop.stock("LAMP")
    token = guest_with(("LAMP", 2))

    at_once(4, lambda number: merge(token, f"customer-{number % 2}"))

    assert sorted(len(cart_of(f"customer-{number}")) for number in (0, 1)) == [0, 1]


def test_what_is_added_during_a_merge_is_lost_in_neither_cart() -> None:
    skus = [f"SKU-{number}" for number in range(4)]
    for sku in ("LAMP", *skus):
        shop.stock(sku)
    token = guest_with(("LAMP", 2))

    def act(number: int) -> Response:
        if number == 4:
            return merge(token)
        body = {"sku": skus[number], "quantity": 1}
        if number % 2:
            return as_guest(token, "POST", "/items", body)
        return call(handler, "POST", "/v1/cart/items", body, caller="ada")

    answers = at_once(5, act)

    done = {sku for sku, answer in zip(skus, answers, strict=False) if answer.status == 201}
    merged = merge(token)
    assert {sku for sku, _ in lines(merged.json)} == done | {"LAMP"}
    assert dict(cart_of())["LAMP"] == 2


def test_a_merge_whose_answer_was_lost_is_done_once(monkeypatch: pytest.MonkeyPatch) -> None:
    shop.stock("LAMP")
    token = guest_with(("LAMP", 2))
    client = config.client("dynamodb")
    once = client.transact_write_items

    def repeated(**request: Any) -> Any:
        request |= {"ClientRequestToken": "one-token-for-both"}
        once(**request)
        return once(**request)

    monkeypatch.setattr(client, "transact_write_items", repeated)
    merge(token)
    monkeypatch.setattr(client, "transact_write_items", once)

    assert cart_of() == lines(merge(token).json) == [("LAMP", 2)]


def test_a_merge_gives_up_when_others_never_stop_changing_the_cart(monkeypatch: pytest.MonkeyPatch) -> None:
    shop.stock("LAMP")
    token = guest_with(("LAMP", 2))
    read = store.both

    def overtaken(customer: str, guest: str) -> Any:
        found = read(customer, guest)
        shop.fill("ada", ("LAMP", 1))
        return found

    monkeypatch.setattr(store, "both", overtaken)
    answer = merge(token)

    assert (answer.status, answer.json["code"]) == (409, CartChanged.code)
    monkeypatch.setattr(store, "both", read)
    assert lines(merge(token).json) == [("LAMP", 7)]
