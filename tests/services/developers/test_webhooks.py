"""Webhooks of vendors: what concerns them arrives, signed, once per event; what cannot arrive is tried for days."""

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, get_args

import orjson
import pytest

from developers import delivering, messages, model, store, webhooks_api
from developers.views import EventType
from market import ids
from market.errors import PreconditionFailed
from tests.services.developers.conftest import EVENTS, OTHER, VENDOR, Desk
from tests.services.developers.receiver import Receiver, speaking
from tests.services.outbox import announced

pytestmark = pytest.mark.contract("23.3")
JSON = dict[str, Any]


def disabled() -> list[JSON]:
    return [event["data"] for event in announced() if event["type"] == "webhook.disabled"]


def test_a_paid_order_is_told_to_the_vendor_that_has_a_part_in_it(desk: Desk, receiver: Receiver) -> None:
    webhook = desk.make_webhook(receiver.url)
    event_id = desk.paid(VENDOR, OTHER)
    assert desk.send() == 1
    (heard,) = receiver.heard
    assert orjson.loads(heard.body) == {
        "type": "order.paid",
        "timestamp": "2026-05-04T12:00:00.000Z",
        "data": {"orderNo": "MK-1"},
    }
    assert heard.headers["webhook-id"] == f"msg_{event_id}"
    assert heard.headers["content-type"] == "application/json"
    (delivery,) = desk.deliveries(webhook)
    assert (delivery["status"], delivery["messageId"]) == ("succeeded", f"msg_{event_id}")
    assert [attempt["status"] for attempt in delivery["attempts"]] == [200]
    assert "nextAt" not in delivery


def test_an_event_is_for_those_who_asked_for_it(desk: Desk, receiver: Receiver) -> None:
    desk.make_webhook(receiver.url, ["product.created"])
    assert (
        desk.ask("POST", "/webhooks", {"url": receiver.url, "events": EVENTS, "active": False}).json["status"]
        == "paused"
    )
    desk.make_webhook(receiver.url, ["order.paid"], of=OTHER, vendor_id=OTHER)
    desk.paid(VENDOR)
    assert desk.send() == 0
    assert receiver.heard == []


def test_an_event_that_is_heard_three_times_goes_out_once(desk: Desk, receiver: Receiver) -> None:
    desk.make_webhook(receiver.url)
    desk.paid(times=3)
    assert desk.send() == 3
    assert len(receiver.heard) == 1
    desk.paid(event_id=receiver.heard[0].headers["webhook-id"].removeprefix("msg_"))
    desk.send()
    assert len(receiver.heard) == 1


def test_one_attempt_is_taken_on_once_by_however_many_workers(desk: Desk, receiver: Receiver) -> None:
    desk.make_webhook(receiver.url)
    desk.paid()
    (message,) = desk.messages()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: desk.send([message]), range(8)))
    assert len(receiver.heard) == 1
    assert desk.send([message] * 10) == 10
    assert len(receiver.heard) == 1


def test_a_message_that_is_lost_is_found_by_the_schedule(desk: Desk, receiver: Receiver) -> None:
    desk.make_webhook(receiver.url)
    desk.paid()
    assert len(desk.messages()) == 1
    assert desk.wait(minutes=9) == 0
    assert desk.wait(minutes=2) == 1
    assert len(receiver.heard) == 1


@pytest.mark.parametrize(("minutes", "rings"), [(40, False), (42, True)])
def test_a_person_is_called_when_attempts_have_waited_for_half_an_hour(
    desk: Desk, receiver: Receiver, capsys: pytest.CaptureFixture[str], minutes: int, rings: bool
) -> None:
    desk.make_webhook(receiver.url)
    desk.paid()
    desk.messages()
    desk.wait(minutes=minutes)
    lines = [line for line in map(orjson.loads, capsys.readouterr().out.splitlines()) if "WebhooksLate" in line]
    assert [line["WebhooksLate"] for line in lines] == ([32] if rings else [])
    assert len(receiver.heard) == 1


def test_an_attempt_during_which_the_sender_died_is_made_again(desk: Desk, receiver: Receiver) -> None:
    webhook = desk.make_webhook(receiver.url)
    event_id = desk.paid()
    store.claim(store.delivery(webhook["id"], event_id))
    assert desk.send() == 1
    assert receiver.heard == []
    assert desk.wait(minutes=11) == 1
    assert len(receiver.heard) == 1
    assert desk.deliveries(webhook)[0]["status"] == "succeeded"


def test_an_attempt_that_ends_after_another_was_begun_does_not_overwrite_it(desk: Desk, receiver: Receiver) -> None:
    webhook = desk.make_webhook(receiver.url)
    event_id = desk.paid()
    slow = store.claim(store.delivery(webhook["id"], event_id))
    desk.wait(minutes=11)
    done = model.Attempt(at="2026-05-04T12:00:00.000Z", status=500, milliseconds=1)
    store.settle(slow, done, model.FAILED)
    assert desk.deliveries(webhook)[0]["status"] == "succeeded"


def test_a_server_that_is_down_is_tried_for_three_days(desk: Desk, receiver: Receiver) -> None:
    webhook = desk.make_webhook(receiver.url)
    receiver.answers = [500] * 99
    began = desk.now
    desk.paid()
    desk.send()
    while following := desk.deliveries(webhook)[0].get("nextAt"):
        desk.now = datetime.fromisoformat(following) - timedelta(minutes=1)
        assert desk.wait(seconds=59) == 0
        assert desk.wait(seconds=1) == 1
    assert timedelta(hours=60) < desk.now - began < timedelta(hours=96)
    (delivery,) = desk.deliveries(webhook)
    assert delivery["status"] == "failed"
    assert len(delivery["attempts"]) == len(receiver.heard) == len(model.BACKOFF) + 1 == 9
    assert len({heard.headers["webhook-id"] for heard in receiver.heard}) == 1
    assert len({heard.headers["webhook-timestamp"] for heard in receiver.heard}) == 9
    assert desk.wait(days=1) == 0


def test_a_server_that_comes_back_gets_what_it_missed(desk: Desk, receiver: Receiver) -> None:
    webhook = desk.make_webhook(receiver.url)
    receiver.answers = [503, 302, 404]
    desk.paid()
    desk.send()
    assert "failingSince" in desk.webhook(webhook)
    for _ in range(12):
        desk.wait(minutes=20)
    (delivery,) = desk.deliveries(webhook)
    assert [attempt["status"] for attempt in delivery["attempts"]] == [503, 302, 404, 200]
    assert delivery["status"] == "succeeded"
    assert "failingSince" not in desk.webhook(webhook)


def test_pauses_grow_and_are_spread_by_chance() -> None:
    for tries in range(1, len(model.BACKOFF) + 1):
        pauses = {model.pause(tries, chance) for chance in range(1024)}
        assert len(pauses) == 1024
        assert min(filter(None, pauses)) == model.BACKOFF[tries - 1]
        assert max(filter(None, pauses)) < model.BACKOFF[tries - 1] * 1.2
    assert model.pause(len(model.BACKOFF) + 1, 0) is None
    assert list(model.BACKOFF) == sorted(model.BACKOFF)


def test_an_endpoint_that_fails_for_five_days_is_switched_off_and_its_vendor_told(
    desk: Desk, receiver: Receiver
) -> None:
    webhook = desk.make_webhook(receiver.url)
    receiver.answers = [500] * 999
    for _ in range(6):
        desk.paid()
        desk.send()
        desk.wait(hours=24)
    assert (desk.webhook(webhook)["status"], desk.webhook(webhook)["reason"]) == ("disabled", "failing")
    assert disabled() == [{"webhook_id": webhook["id"], "vendor_id": VENDOR, "reason": "failing"}]
    heard = len(receiver.heard)
    desk.paid()
    desk.wait(days=2)
    assert len(receiver.heard) == heard
    assert {one["status"] for one in desk.deliveries(webhook, limit=100)} <= {"failed", "skipped"}
    on = desk.ask("PATCH", f"/webhooks/{webhook['id']}", {"active": True}).json
    assert (on["status"], "failingSince" in on, "reason" in on) == ("active", False, False)


def test_an_endpoint_that_says_it_is_gone_is_switched_off_at_once(desk: Desk, receiver: Receiver) -> None:
    webhook = desk.make_webhook(receiver.url)
    receiver.answers = [410]
    desk.paid()
    desk.send()
    assert (desk.webhook(webhook)["status"], desk.webhook(webhook)["reason"]) == ("disabled", "gone")
    assert [told["reason"] for told in disabled()] == ["gone"]
    assert desk.deliveries(webhook)[0]["status"] == "failed"


def test_what_was_lost_is_sent_again_since_a_time(desk: Desk, receiver: Receiver) -> None:
    webhook = desk.make_webhook(receiver.url)
    receiver.answers = [410]
    desk.paid()
    desk.send()
    desk.now += timedelta(hours=1)
    desk.ask("PATCH", f"/webhooks/{webhook['id']}", {"active": True})
    for _ in range(3):
        desk.paid()
    desk.ask("PATCH", f"/webhooks/{webhook['id']}", {"active": False})
    desk.send()
    assert [one["status"] for one in desk.deliveries(webhook)] == ["skipped"] * 3 + ["failed"]
    assert desk.replay(webhook, "2026-05-04T12:30:00Z").json["code"] == "webhook_off"
    desk.ask("PATCH", f"/webhooks/{webhook['id']}", {"active": True})
    assert len(desk.deliveries(webhook, lost="true")) == 4
    assert desk.replay(webhook, "2026-05-04T12:30:00Z").json == {"replayed": 3, "more": False}
    assert desk.replay(webhook, "2026-05-04T12:30:00Z").json == {"replayed": 0, "more": False}
    desk.send()
    assert [one["status"] for one in desk.deliveries(webhook)] == ["succeeded"] * 3 + ["failed"]
    assert desk.replay(webhook, "2026-05-01T00:00:00Z").json["replayed"] == 1
    desk.send()
    assert desk.deliveries(webhook, lost="true") == []


def test_so_much_is_sent_again_at_a_time_and_no_more(
    desk: Desk, receiver: Receiver, environment: pytest.MonkeyPatch
) -> None:
    environment.setattr(delivering, "MOST_REPLAYED", 2)
    webhook = desk.make_webhook(receiver.url)
    for _ in range(3):
        desk.paid()
    desk.ask("PATCH", f"/webhooks/{webhook['id']}", {"active": False})
    desk.send()
    desk.ask("PATCH", f"/webhooks/{webhook['id']}", {"active": True})
    assert desk.replay(webhook, "2026-05-01T00:00:00Z").json == {"replayed": 2, "more": True}
    assert desk.replay(webhook, "2026-05-01T00:00:00Z").json == {"replayed": 1, "more": False}


def test_one_delivery_is_sent_again_under_the_same_id(desk: Desk, receiver: Receiver) -> None:
    webhook = desk.make_webhook(receiver.url)
    event_id = desk.paid()
    path = f"/webhooks/{webhook['id']}/deliveries/{event_id}"
    assert desk.ask("POST", f"{path}/replay").json["code"] == "delivery_under_way"
    desk.send()
    assert desk.ask("POST", f"{path}/replay").status == 202
    desk.send()
    assert len(receiver.heard) == 2
    assert receiver.heard[0].body == receiver.heard[1].body
    assert receiver.heard[0].headers["webhook-id"] == receiver.heard[1].headers["webhook-id"]
    assert len(desk.ask("GET", path).json["attempts"]) == 2
    assert desk.ask("POST", f"/webhooks/{webhook['id']}/deliveries/nope/replay").json["code"] == "no_such_delivery"


def test_a_test_is_sent_even_where_nothing_happens(desk: Desk, receiver: Receiver) -> None:
    webhook = desk.make_webhook(receiver.url)
    made = desk.ask("POST", f"/webhooks/{webhook['id']}/test")
    assert (made.status, made.json["type"]) == (202, "webhook.test")
    desk.send()
    assert orjson.loads(receiver.heard[0].body)["data"] == {"webhookId": webhook["id"]}
    assert desk.ask("GET", f"/webhooks/{webhook['id']}/deliveries/{made.json['id']}").json["status"] == "succeeded"


def test_a_slow_server_does_not_hold_up_the_other_vendors(desk: Desk, receiver: Receiver) -> None:
    """All of a batch are under way at once: the first server answers only when the second one has been told."""
    told = threading.Event()
    receiver.on_heard = told.set

    def wait(connection: socket.socket, _: threading.Event) -> None:
        if told.wait(5):
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")

    with speaking(wait) as port:
        slow = desk.make_webhook(f"http://127.0.0.1:{port}/")
        fast = desk.make_webhook(receiver.url, of=OTHER, vendor_id=OTHER)
        desk.paid(VENDOR, OTHER)
        desk.send(sorted(desk.messages(), key=lambda text: fast["id"] in text))
    assert desk.deliveries(slow)[0]["status"] == "succeeded"


def test_who_changes_an_endpoint_is_not_overtaken(desk: Desk, receiver: Receiver) -> None:
    webhook = desk.make_webhook(receiver.url)
    path = f"/webhooks/{webhook['id']}"
    etag = desk.ask("GET", path).headers["etag"]
    changed = desk.ask(
        "PATCH", path, {"description": "Till", "events": ["order.paid"]}, headers={"if-match": etag}
    ).json
    assert (changed["description"], changed["events"], changed["url"]) == ("Till", ["order.paid"], receiver.url)
    assert desk.ask("PATCH", path, {"description": "x"}, headers={"if-match": etag}).status == 412
    seen = store.endpoint(VENDOR, webhook["id"])
    store.save(seen, seen)
    with pytest.raises(PreconditionFailed):
        store.save(seen, seen)


def test_a_deleted_endpoint_hears_nothing_more(desk: Desk, receiver: Receiver) -> None:
    webhook = desk.make_webhook(receiver.url)
    desk.paid()
    assert desk.ask("DELETE", f"/webhooks/{webhook['id']}").status == 204
    desk.send()
    assert receiver.heard == []
    assert desk.ask("GET", f"/webhooks/{webhook['id']}").json["code"] == "no_such_webhook"
    assert desk.ask("DELETE", f"/webhooks/{webhook['id']}").status == 404
    assert desk.wait(days=1) == 0


def test_there_are_ten_endpoints_at_most(desk: Desk, receiver: Receiver) -> None:
    made = [desk.make_webhook(receiver.url) for _ in range(10)]
    body = {"url": receiver.url, "events": EVENTS}
    assert desk.ask("POST", "/webhooks", body).json["code"] == "too_many_webhooks"
    assert len(desk.ask("GET", "/webhooks").json["items"]) == 10
    desk.ask("DELETE", f"/webhooks/{made[0]['id']}")
    assert desk.ask("POST", "/webhooks", body).status == 201


def test_webhooks_are_the_vendors_own(desk: Desk, receiver: Receiver) -> None:
    webhook = desk.make_webhook(receiver.url)
    desk.paid()
    desk.send()
    (delivery,) = desk.deliveries(webhook)
    theirs = f"/webhooks/{webhook['id']}"
    for method, path, body in (
        ("GET", theirs, None),
        ("PATCH", theirs, {"active": False}),
        ("DELETE", theirs, None),
        ("POST", f"{theirs}/secret-rotation", {}),
        ("POST", f"{theirs}/test", None),
        ("POST", f"{theirs}/replay", {"since": "2026-01-01T00:00:00Z"}),
        ("GET", f"{theirs}/deliveries", None),
        ("GET", f"{theirs}/deliveries/{delivery['id']}", None),
        ("POST", f"{theirs}/deliveries/{delivery['id']}/replay", None),
    ):
        stranger = desk.ask(method, path, body, of=OTHER, vendor_id=OTHER)
        assert (stranger.status, stranger.json["code"]) == (404, "no_such_webhook"), path
        assert desk.ask(method, path, body, vendor_id=OTHER).status == 404
    assert desk.ask("GET", "/webhooks", of=OTHER, vendor_id=OTHER).json["items"] == []
    assert desk.ask("POST", f"{theirs}/test", permissions="webhooks.read").status == 403


def test_a_program_may_look_but_not_redirect(desk: Desk, receiver: Receiver) -> None:
    webhook = desk.make_webhook(receiver.url)
    secret = desk.make_key("webhooks.read")["secret"]
    place = f"/vendors/{VENDOR}/webhooks"
    found = desk.key(secret, "GET", place, handler=webhooks_api.handler)
    assert [one["id"] for one in found.json["items"]] == [webhook["id"]]
    changed = desk.key(secret, "PATCH", f"{place}/{webhook['id']}", handler=webhooks_api.handler, body={"url": "x"})
    assert changed.status in (404, 405)


def test_every_event_type_is_offered_and_explained(desk: Desk) -> None:
    told = desk.ask("GET", "/webhook-events").json["items"]
    assert [one["type"] for one in told] == list(messages.TYPES) == list(get_args(EventType))
    assert all(one["description"] for one in told)


def test_ids_of_deliveries_are_those_of_events_so_that_replays_are_recognised() -> None:
    event_id = ids.ulid()
    made = model.Delivery(
        id=event_id, endpoint_id="whk_1", vendor_id=VENDOR, type="order.paid", body="{}", status="pending", made_at=""
    )
    assert made.message_id == f"msg_{event_id}"
