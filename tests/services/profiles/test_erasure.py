"""The end of an account: asked for with fresh proof, taken back for a week, carried out once, whatever breaks."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from access.contract import MANIFEST as ACCESS
from access.contract import granted, standing_key
from market import clock, config
from market.manifest import Manifest
from market.money import Money
from market.table import Table, Write, delete, put
from orders.contract import MANIFEST as ORDERS
from orders.contract import LineSnapshot, OrderSnapshot, Part, order_key
from orders.store import _item as order_item
from profiles import erasing, requests, store
from profiles.contract import profile_key
from profiles.store import TABLE
from tests.services.outbox import announced
from tests.services.profiles.conftest import ADA, DOCUMENTS, LONDON, MEDIA, Desk, Watch, files, hear, png, tick

pytestmark = pytest.mark.contract("3.1")
PATH = "/v1/me/erasure"
OTHERS = Table(Manifest(service="others", prefixes=(*ACCESS.prefixes, *ORDERS.prefixes), functions=()))


def ask(desk: Desk, **options: Any) -> Any:
    """With a sign-in of just now."""
    return desk.ask("POST", PATH, claims=signed_in(clock.epoch()), **options)


def signed_in(at: int) -> dict[str, str]:
    return {"auth_time": str(at)}


def said(name: str) -> list[dict[str, Any]]:
    return [envelope["data"] for envelope in announced() if envelope["type"] == f"profile.{name}"]


def buy(status: str, *, sent: bool = False) -> None:
    """Let Ada have an order."""
    now = clock.timestamp()
    line = LineSnapshot(sku="LAMP", product_id="p", vendor_id="ven_a", title="t", quantity=1, unit_price=euro(5))
    part = Part(
        vendor_id="ven_a",
        subtotal=euro(5),
        shipping=euro(0),
        commission=euro(0),
        discount=euro(0),
        tax=euro(0),
        shipping_tax=euro(0),
    )
    order = OrderSnapshot(
        id=f"ord_{status}",
        number="MK-1",
        customer_id=ADA,
        status=status,
        lines=(line,),
        parts=(part,),
        shipping_method="standard",
        address=LONDON,
        created_at=now,
    )
    fulfilment = {"fulfilment": {"ven_a": "shipped"}} if sent else {}
    item = {"pk": f"ORD#{ADA}", "sk": order.id} | order_item(order) | fulfilment
    OTHERS.write(put(order_key(ADA, order.id), item))


def euro(cents: int) -> Money:
    return Money(cents, "EUR")


def test_it_is_carried_out_after_a_week_and_leaves_nothing(desk: Desk, watch: Watch) -> None:
    desk.ask("PATCH", "/v1/me/profile", {"displayName": "Ada", "phone": "+442079460018"})
    desk.add()
    desk.confirm(desk.upload(png()))
    desk.ask("POST", "/v1/me/export")
    hear()
    planned = ask(desk)
    assert (planned.status, planned.json["status"]) == (202, "waiting")
    assert desk.ask("GET", PATH).json == planned.json

    watch.later(days=6, hours=23)
    assert tick() == {"begun": 0, "postponed": 0, "repeated": 0}
    watch.later(hours=2)
    assert tick()["begun"] == 1
    hear()

    assert said("erasure_requested") == [{"request_id": planned.json["requestId"], "user_id": ADA}]
    assert TABLE.get(profile_key(ADA), consistent=True) is not None
    assert set(TABLE.get(profile_key(ADA), consistent=True) or {}) == {"pk", "sk", "erased_at", "version"}
    assert set(TABLE.query(f"ADR#{ADA}").items[0]) == {"pk", "sk", "erased_at", "version"}
    assert files(MEDIA) == files(DOCUMENTS) == []
    assert desk.ask("GET", PATH).json["status"] == "erased"
    assert tick() == {"begun": 0, "postponed": 0, "repeated": 0}


def test_nothing_comes_back_after_it(desk: Desk, watch: Watch) -> None:
    key = desk.upload(png())
    _erase(desk, watch)

    for method, path, body in (
        ("PATCH", "/v1/me/profile", {"displayName": "Ada"}),
        ("POST", "/v1/me/addresses", LONDON),
        ("PUT", "/v1/me/avatar", {"key": key}),
    ):
        assert desk.ask(method, path, body).json["code"] == "account_erased", path
    assert ask(desk).json["code"] == "erasure_under_way"
    assert desk.ask("DELETE", PATH).json["code"] == "erasure_under_way"
    assert [name for name in files(MEDIA) if name.startswith("media/")] == []


def _erase(desk: Desk, watch: Watch) -> None:
    ask(desk)
    watch.later(days=7, seconds=1)
    tick()
    hear()


@pytest.mark.parametrize("minutes", [16, 60 * 24])
def test_it_asks_for_a_recent_sign_in(desk: Desk, minutes: int) -> None:
    refused = desk.ask("POST", PATH, claims=signed_in(clock.epoch() - minutes * 60))

    assert (refused.status, refused.json["code"]) == (403, "reauthentication_required")
    assert desk.ask("POST", PATH, claims={"auth_time": ""}).status == 403
    assert desk.ask("GET", PATH).status == 404


def test_asking_twice_plans_one(desk: Desk, watch: Watch) -> None:
    first = ask(desk).json
    watch.later(days=2)

    assert ask(desk).json == first
    assert len(said("erasure_scheduled")) == 1


def test_it_can_be_taken_back_until_it_begins(desk: Desk, watch: Watch) -> None:
    assert desk.ask("DELETE", PATH).status == 404
    planned = ask(desk).json
    assert desk.ask("DELETE", PATH).status == 204
    assert desk.ask("DELETE", PATH).status == 204
    assert desk.ask("GET", PATH).status == 404
    assert said("erasure_cancelled") == [{"request_id": planned["requestId"], "user_id": ADA}]

    watch.later(days=8)
    assert tick()["begun"] == 0
    again = ask(desk).json
    assert again["requestId"] != planned["requestId"]
    assert again["dueAt"] == clock.iso(watch.at + timedelta(days=7))


def test_taken_back_while_it_begins_it_is_either_or(desk: Desk, watch: Watch) -> None:
    for _ in range(5):
        ask(desk)
        watch.later(days=7, seconds=1)
        with ThreadPoolExecutor(2) as pool:
            ended, begun = pool.submit(desk.ask, "DELETE", PATH), pool.submit(tick)
            status, count = ended.result().status, begun.result()["begun"]
        assert (status, count) in ((204, 0), (409, 1))
        if count:
            break


@pytest.mark.parametrize("scope", ["platform", "ven_lamps"])
def test_staff_and_people_who_sell_hand_over_first(desk: Desk, watch: Watch, scope: str) -> None:
    role = "admin" if scope == "platform" else "vendor_admin"
    OTHERS.write(granted(ADA, scope, [role]))

    refused = ask(desk)

    assert (refused.status, refused.json["code"], refused.json["reason"]) == (409, "still_responsible", "team")


def test_an_order_that_is_open_comes_first(desk: Desk, watch: Watch) -> None:
    buy("pending_payment")
    assert ask(desk).json["reason"] == "open_orders"

    buy("paid")
    OTHERS.write(_gone("ord_pending_payment"))
    assert ask(desk).json["reason"] == "open_orders"

    buy("paid", sent=True)
    buy("cancelled")
    assert ask(desk).status == 202


def _gone(order_id: str) -> Write:
    return delete(order_key(ADA, order_id))


def test_an_order_that_is_never_sent_does_not_hold_it_up_for_ever(desk: Desk, watch: Watch) -> None:
    buy("paid")
    watch.later(days=31)

    assert ask(desk).status == 202


def test_who_is_needed_when_it_is_due_is_looked_at_again_a_day_later(desk: Desk, watch: Watch) -> None:
    ask(desk)
    watch.later(days=7, seconds=1)
    buy("paid")
    assert tick() == {"begun": 0, "postponed": 1, "repeated": 0}
    assert tick()["postponed"] == 0
    buy("paid", sent=True)

    watch.later(days=1, seconds=1)

    assert tick()["begun"] == 1


def test_heard_twice_or_of_another_request_it_changes_nothing(desk: Desk, watch: Watch) -> None:
    _erase(desk, watch)
    stone, erasure = TABLE.get(profile_key(ADA), consistent=True), desk.ask("GET", PATH).json

    hear()
    hear()

    assert TABLE.get(profile_key(ADA), consistent=True) == stone
    assert desk.ask("GET", PATH).json == erasure


def test_heard_before_its_time_it_changes_nothing(desk: Desk) -> None:
    """An event that nobody announced must not erase anybody."""
    desk.ask("PATCH", "/v1/me/profile", {"displayName": "Ada"})
    planned = ask(desk).json

    erasing.erase(ADA, planned["requestId"])
    erasing.erase(ADA, "ers_other")
    erasing.erase("nobody", "ers_other")

    assert desk.ask("GET", "/v1/me/profile").json["displayName"] == "Ada"


@pytest.mark.parametrize("step", ["gateway.discard", "book.erase", "exporting.forget", "requests.finish_erasure"])
def test_broken_off_anywhere_it_is_finished_later(
    desk: Desk, watch: Watch, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    desk.add()
    desk.confirm(desk.upload(png()))
    ask(desk)
    watch.later(days=7, seconds=1)
    tick()
    with monkeypatch.context() as broken:
        broken.setattr(f"profiles.{step}", _crash)
        with pytest.raises(AssertionError):
            hear("profile.erasure_requested")
    assert desk.ask("GET", PATH).json["status"] == "erasing"

    watch.later(hours=2, seconds=1)
    assert tick()["repeated"] == 1, "nobody tells us, so the schedule does"
    hear("profile.erasure_requested")

    assert desk.ask("GET", PATH).json["status"] == "erased"
    assert files(MEDIA) == []
    assert len(TABLE.query(f"ADR#{ADA}").items) == 1


def test_a_profile_that_changes_while_it_is_erased_is_erased_all_the_same(
    desk: Desk, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = desk.upload(png())
    ask(desk)
    watch.later(days=7, seconds=1)
    tick()
    erased = store.erased

    def meanwhile(user_id: str, at: str) -> Any:
        found = erased(user_id, at)
        monkeypatch.setattr(store, "erased", erased)
        assert desk.confirm(key).status == 200
        return found

    monkeypatch.setattr(store, "erased", meanwhile)
    with pytest.raises(AssertionError):
        hear("profile.erasure_requested")
    hear("profile.erasure_requested")
    hear()

    assert files(MEDIA) == []
    assert desk.ask("GET", PATH).json["status"] == "erased"


def test_only_what_is_due_is_read(desk: Desk, watch: Watch) -> None:
    ask(desk)
    Desk("bob-1").ask("POST", PATH, claims=signed_in(clock.epoch()))
    watch.later(days=7, seconds=1)

    assert sorted(requests.due_erasures()) == [ADA, "bob-1"]
    assert requests.due_erasures(limit=1) == [ADA]


def test_the_account_itself_is_left_to_identity(desk: Desk, watch: Watch) -> None:
    _erase(desk, watch)

    assert TABLE.get(standing_key(ADA), consistent=True) is None
    assert config.setting("TABLE_NAME")


def _crash(*_: object, **__: object) -> None:
    raise ConnectionError
