"""Lists: pages in order, and cursors that only we can make and only for their own list."""

import base64
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market import config
from market.manifest import Manifest
from market.table import BadCursor, Key, Table, put, read_cursor, sign_cursor
from tests.http import call
from tests.kernel.lamps import MANIFEST, api

table = Table(MANIFEST)
SHELF = "LMP#shelf"


@pytest.fixture
def shelf(database: str) -> str:
    """Seven lamps in one partition, and in index `by1` by colour."""
    for number in range(7):
        colour = {"by1pk": "LMX#red", "by1sk": f"{9 - number}", "card": {"number": number}} if number % 2 else {}
        table.write(put(Key(SHELF, f"{'ab'[number > 3]}#{number}"), {"number": number} | colour))
    return SHELF


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "key", lambda purpose: purpose.encode() * 4)


def pages(**query: Any) -> list[list[int]]:
    cursor, seen = None, []
    while True:
        page = table.query(SHELF, cursor=cursor, **query)
        seen.append([item["number"] for item in page.items])
        if (cursor := page.next) is None:
            return seen


def test_pages_follow_the_sort_key_and_lose_nothing(shelf: str) -> None:
    assert [number for page in pages(limit=3) for number in page] == list(range(7))
    assert all(len(page) <= 3 for page in pages(limit=3))
    assert pages(limit=50) == [list(range(7))]


def test_the_newest_may_come_first(shelf: str) -> None:
    assert [number for page in pages(limit=2, newest_first=True) for number in page] == list(range(6, -1, -1))


def test_a_list_may_be_narrowed_by_the_beginning_of_the_sort_key(shelf: str) -> None:
    assert pages(begins="b#") == [[4, 5, 6]]
    assert pages(begins="c#") == [[]]


def test_an_index_gives_the_card_of_each_item_in_its_own_order(shelf: str) -> None:
    first = table.query("LMX#red", index="by1", limit=2)
    rest = table.query("LMX#red", index="by1", limit=2, cursor=first.next)

    assert [item["card"]["number"] for item in first.items + rest.items] == [5, 3, 1]
    assert "number" not in first.items[0]


def test_one_attribute_may_be_fetched_alone(shelf: str) -> None:
    page = table.query("LMX#red", index="by1", limit=2, only="card")

    assert page.items == [{"card": {"number": 5}}, {"card": {"number": 3}}]
    assert table.query("LMX#red", index="by1", cursor=page.next, only="card").items == [{"card": {"number": 1}}]


def refused(read: Callable[[], object]) -> None:
    with pytest.raises(BadCursor) as problem:
        read()
    assert (problem.value.status, problem.value.code) == (400, "invalid_cursor")


def test_a_cursor_is_good_for_its_own_list_only(shelf: str) -> None:
    cursor = table.query(SHELF, limit=2).next
    other = Table(Manifest(service="other", prefixes=("LMP#",), functions=()))

    assert [item["number"] for item in table.query(SHELF, limit=1, cursor=cursor).items] == [2]
    refused(lambda: table.query("LMP#other", cursor=cursor))
    refused(lambda: table.query(SHELF, begins="a#", cursor=cursor))
    refused(lambda: table.query(SHELF, newest_first=True, cursor=cursor))
    refused(lambda: table.query(SHELF, index="by1", cursor=cursor))
    refused(lambda: other.query(SHELF, cursor=cursor))


@pytest.mark.usefixtures("key")
def test_any_altered_character_spoils_a_cursor() -> None:
    cursor = sign_cursor({"pk": {"S": "LMP#1"}}, "list")
    sealed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))

    for place in range(len(sealed)):
        altered = sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
        refused(lambda altered=altered: read_cursor(base64.urlsafe_b64encode(altered).decode(), "list"))  # type: ignore[misc]


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize("cursor", ["x", "====", "ü", "AAAA", "a" * 1_001, "!!!!", " ", "\ud800", "e30", "%00"])
def test_nonsense_is_no_cursor(cursor: str) -> None:
    refused(lambda: read_cursor(cursor, "list"))


@given(cursor=st.text(max_size=60))
def test_no_text_crashes_the_reading_of_a_cursor(cursor: str) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(config, "key", lambda purpose: b"k" * 32)
        refused(lambda: read_cursor(cursor, "list"))


@pytest.mark.usefixtures("key")
def test_a_cursor_comes_back_as_it_went() -> None:
    position = {"pk": {"S": "LMP#ü"}, "sk": {"S": "-"}}

    assert read_cursor(sign_cursor(position, "list"), "list") == position
    assert sign_cursor(position, "list").isascii()


def test_a_page_size_out_of_bounds_is_refused_at_the_edge() -> None:
    assert call(api.handler, "GET", "/v1/lamps", query={"limit": 101}).status == 422
