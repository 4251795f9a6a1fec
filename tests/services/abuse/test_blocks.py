"""The block list: kept by staff as one item, obeyed by every function."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from abuse import consumer, schedule, service, store
from abuse.model import MOST_BLOCKS, Block
from market import clock, config
from market.guard import blocks
from market.guard.blocks import AddressBlocked, Blocks, parsed, refuse
from tests.http import Response, call
from tests.kernel.lamps import api as lamps
from tests.services.abuse.staff import block, networks, send
from tests.services.outbox import announced

pytestmark = [pytest.mark.contract("24.2"), pytest.mark.usefixtures("database")]

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _nothing_is_remembered() -> Iterator[None]:
    blocks._known = Blocks()
    yield
    blocks._known = Blocks()


def at(minutes: float) -> AbstractContextManager[None]:
    return clock.running_on(lambda: NOON + timedelta(minutes=minutes))


def refused(address: str) -> bool:
    try:
        refuse(address)
    except AddressBlocked:
        return True
    return False


# -- what is refused


def test_a_blocked_network_is_refused_and_its_neighbours_are_not() -> None:
    assert block("203.0.113.0/25").status == 201
    assert block("2001:db8:7::/48").status == 201
    assert block("198.51.100.7").status == 201
    assert [refused(f"203.0.113.{last}") for last in (0, 127, 128)] == [True, True, False]
    assert [refused(text) for text in ("2001:db8:7:ffff::1", "2001:db8:8::1")] == [True, False]
    assert [refused(text) for text in ("198.51.100.7", "198.51.100.8", "::ffff:198.51.100.7")] == [True, False, True]
    assert not refused("")


def wish() -> Response:
    return call(lamps.handler, "POST", "/v1/lamps", {"name": "brass"}, caller="ada")


def test_what_is_sent_from_there_gets_403_before_anything_else() -> None:
    block("203.0.113.0/24")
    assert wish().status == 201
    service.block("127.0.0.0/24", reason="lab", until=None, by="grace", own_address="")
    answer = wish()
    assert (answer.status, answer.json["code"]) == (403, "address_blocked")
    assert "127.0.0" not in answer.body


def test_nobody_locks_themselves_out() -> None:
    answer = block("127.0.0.0/24")
    assert (answer.status, answer.json["code"]) == (409, "own_address")
    assert networks() == []


def test_a_block_ends_by_itself_on_the_second() -> None:
    with at(0):
        made = block("203.0.113.9", endsAt="2026-05-04T12:30:00Z")
        assert made.json["endsAt"] == "2026-05-04T12:30:00.000Z"
        assert refused("203.0.113.9")
    with at(29.9):
        assert refused("203.0.113.9")
    with at(30):
        assert not refused("203.0.113.9")
        assert networks() == []


def test_who_is_let_in_again_is_not_refused() -> None:
    block_id = block("203.0.113.9").json["id"]
    assert refused("203.0.113.9")
    assert send("DELETE", f"/blocks/{block_id}").status == 204
    assert not refused("203.0.113.9")
    assert send("DELETE", f"/blocks/{block_id}").json["code"] == "no_such_block"


def test_the_list_is_read_once_in_a_while(database: str, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ACCESS_CACHE_SECONDS", "30")
    with at(0):
        assert not refused("203.0.113.9")
        block("203.0.113.9")
        assert not refused("203.0.113.9"), "known for half a minute"
    with at(0.5):
        assert refused("203.0.113.9")


def test_a_list_that_cannot_be_read_stays_as_it_was(database: str, environment: pytest.MonkeyPatch) -> None:
    block("203.0.113.9")
    assert refused("203.0.113.9")

    class Away:
        def get_item(self, **_: Any) -> Any:
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "no"}}, "GetItem")

    environment.setattr(config, "client", lambda _: Away())
    assert refused("203.0.113.9")
    assert not refused("203.0.113.10")


ADDRESSES = st.one_of(st.integers(0, 2**32 - 1).map(ip_address), st.integers(2**32, 2**128 - 1).map(ip_address))
NETWORKS = st.lists(st.tuples(ADDRESSES, st.integers(16, 32)), max_size=20)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(given=NETWORKS, address=ADDRESSES, near=st.booleans())
def test_looking_up_by_length_agrees_with_looking_at_each_network(
    given: list[tuple[Any, int]], address: Any, near: bool
) -> None:
    chosen = [
        ip_network((int(start), length * (4 if start.version == 6 else 1)), strict=False) for start, length in given
    ]
    if near and chosen:
        address = chosen[0].broadcast_address
    entries = {str(number): {"network": str(network)} for number, network in enumerate(chosen)}
    mapped = getattr(address, "ipv4_mapped", None)
    expected = any((mapped or address) in network for network in chosen)
    assert parsed(entries).hold(str(address), 0) is expected


# -- keeping the list


@pytest.mark.parametrize(
    ("network", "code"),
    [
        ("nonsense", "invalid_network"),
        ("203.0.113.300", "invalid_network"),
        ("0.0.0.0/0", "too_broad"),
        ("10.0.0.0/15", "too_broad"),
        ("::/0", "too_broad"),
        ("2001::/31", "too_broad"),
        ("::ffff:0:0/96", "too_broad"),
    ],
)
def test_a_slip_does_not_turn_away_a_country(network: str, code: str) -> None:
    answer = block(network)
    assert (answer.status, answer.json["errors"][0]["code"]) == (422, code)
    assert networks() == []


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("203.0.113.77/24", "203.0.113.0/24"),
        ("203.0.113.77", "203.0.113.77/32"),
        ("2001:DB8:0:0::1", "2001:db8::1/128"),
        ("::ffff:203.0.113.77", "203.0.113.77/32"),
    ],
)
def test_a_network_has_one_spelling(written: str, stored: str) -> None:
    assert block(written).json["network"] == stored
    again = block(stored)
    assert (again.status, again.json["code"]) == (409, "already_blocked")
    assert networks() == [stored]


@pytest.mark.parametrize(
    "body",
    [
        {"network": "203.0.113.9"},
        {"network": "203.0.113.9", "reason": "x", "endsAt": "2026-05-04T12:30:00Z"},
        {"network": "203.0.113.9", "reason": "in the past", "endsAt": "2020-05-04T12:30:00Z"},
        {"network": "203.0.113.9", "reason": "no zone", "endsAt": "2036-05-04T12:30:00"},
        {"network": "203.0.113.9", "reason": "two\nlines"},
        {"network": "203.0.113.9", "reason": "more", "extra": 1},
    ],
)
def test_what_makes_no_sense_is_refused(body: dict[str, Any]) -> None:
    assert send("POST", "/blocks", body).status == 422


def test_the_list_is_full_at_its_cap() -> None:
    with at(0):
        filled = {
            str(number): Block(
                id=str(number), network=f"198.51.{number // 250}.{number % 250}/32", reason="many", added_by="grace",
                added_at="2026-05-04T12:00:00.000Z", until=int(NOON.timestamp()) + 60 * (1 + number % 2),
            )
            for number in range(MOST_BLOCKS)
        }  # fmt: skip
        store.save_blocks(filled, 0)
        answer = block("203.0.113.9")
        assert (answer.status, answer.json["code"]) == (409, "block_list_full")
    with at(1):
        assert block("203.0.113.9").status == 201, "what is over makes room"
        assert len(networks()) == MOST_BLOCKS // 2 + 1


def test_staff_who_change_the_list_at_once_lose_nothing() -> None:
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda number: block(f"203.0.113.{number}"), range(4)))
    assert {answer.status for answer in answers} <= {201, 503}
    assert len(networks()) == [answer.status for answer in answers].count(201) >= 1


def test_a_list_that_others_keep_changing_is_left_alone(environment: pytest.MonkeyPatch) -> None:
    def stale(*_: Any) -> None:
        raise store.Stale

    environment.setattr(store, "save_blocks", stale)
    answer = block("203.0.113.9")
    assert (answer.status, answer.json["code"]) == (503, "block_list_busy")


def test_every_change_is_announced_without_an_address() -> None:
    block_id = block("203.0.113.9").json["id"]
    send("DELETE", f"/blocks/{block_id}")
    said = [event for event in announced() if event["type"] == "abuse.blocks_changed"]
    assert [event["data"] for event in said] == [{"change": 1, "networks": 1}, {"change": 2, "networks": 0}]


@pytest.mark.contract("24.1")
def test_a_correlation_id_leads_from_the_request_to_the_event_and_to_the_consumers_log(
    capsys: pytest.CaptureFixture[str],
) -> None:
    body = {"network": "203.0.113.9", "reason": "scraping"}
    send("POST", "/blocks", body, headers={"x-correlation-id": "thread-of-ariadne-2"})
    (said,) = [event for event in announced() if event["type"] == "abuse.blocks_changed"]
    assert said["trace"]["correlationId"] == "thread-of-ariadne-2"
    assert said["actor"] == {"type": "user", "id": "grace"}
    capsys.readouterr()
    record = {"messageId": "m", "eventSourceARN": "a:b:q", "body": json.dumps({"detail": said})}
    assert consumer.handler({"Records": [record]}) == {"batchItemFailures": []}
    (line,) = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    assert (line["event"], line["correlationId"]) == ("event consumed", "thread-of-ariadne-2")


def test_blocks_that_are_over_leave_the_list_within_the_hour() -> None:
    with at(0):
        block("203.0.113.9", endsAt="2026-05-04T12:30:00Z")
        block("203.0.113.10")
        assert schedule.handler({}) == {"ended": 0}
    with at(31):
        assert schedule.handler({}) == {"ended": 1}
        assert schedule.handler({}) == {"ended": 0}
        assert networks() == ["203.0.113.10/32"]


@pytest.mark.parametrize(
    ("options", "reads", "changes"),
    [
        ({"permissions": "abuse.read"}, 200, 403),
        ({"permissions": "orders.read"}, 403, 403),
        ({"permissions": "abuse.read abuse.manage"}, 200, 201),
        ({"roles": "customer"}, 403, 403),
        ({"roles": "customer vendor", "vendor_id": "ven_1"}, 403, 403),
        ({"caller": None}, 401, 401),
    ],
)
def test_only_staff_with_the_permission_may(options: dict[str, Any], reads: int, changes: int) -> None:
    assert send("GET", "/blocks", **options).status == reads
    body = {"network": "203.0.113.9", "reason": "scraping"}
    assert send("POST", "/blocks", body, **options).status == changes
