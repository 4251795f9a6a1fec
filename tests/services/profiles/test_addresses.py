"""The address book: one default whatever happens, fifty at most, nobody else's."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from profiles import book
from profiles.contract import address_key, read_address
from profiles.model import MAX_ADDRESSES
from profiles.store import TABLE
from tests.services.profiles.conftest import ADA, BOB, LONDON, Desk

pytestmark = pytest.mark.contract("3.2")
PATH = "/v1/me/addresses"


def test_an_address_is_kept_as_its_country_writes_it(desk: Desk) -> None:
    added = desk.add(label="Home", phone="020 7946 0018")

    assert added["postalCode"] == "SW1Y 4JH"
    assert added["phone"] == "+442079460018"
    assert added["lines"] == ["Ada Lovelace", "12 St James's Sq", "LONDON", "SW1Y 4JH"]
    assert added["isDefault"] is True
    shown = desk.ask("GET", f"{PATH}/{added['id']}")
    assert shown.json == added
    assert shown.headers["etag"] == '"1"'


def test_checkout_can_take_an_address_from_the_book(desk: Desk) -> None:
    added = desk.add()

    item = TABLE.get(address_key(desk.user, added["id"]))
    assert item is not None
    assert read_address(item).snapshot() == LONDON | {"postalCode": "SW1Y 4JH"}
    assert TABLE.get(address_key(BOB, added["id"])) is None


def test_the_first_address_is_the_default_and_another_can_be_made_it(desk: Desk) -> None:
    first, second = desk.add(), desk.add(line1="2 Main St")
    assert desk.defaults() == [first["id"]]

    answer = desk.ask("PATCH", f"{PATH}/{second['id']}", {"isDefault": True})

    assert answer.json["isDefault"] is True
    assert desk.defaults() == [second["id"]]
    assert desk.ask("GET", f"{PATH}/{first['id']}").headers["etag"] == '"2"', "it looks different now"
    third = desk.add(line1="3 Main St", isDefault=True)
    assert desk.defaults() == [third["id"]]


def test_the_default_cannot_be_given_up_without_another(desk: Desk) -> None:
    first = desk.add()

    refused = desk.ask("PATCH", f"{PATH}/{first['id']}", {"isDefault": False})

    assert (refused.status, refused.json["code"]) == (409, "default_needed")


def test_the_youngest_follows_a_default_that_is_deleted(desk: Desk) -> None:
    first, _, third = desk.add(), desk.add(line1="2 Main St"), desk.add(line1="3 Main St")

    assert desk.ask("DELETE", f"{PATH}/{first['id']}").status == 204

    assert desk.defaults() == [third["id"]]
    assert len(desk.addresses()) == 2
    assert desk.ask("DELETE", f"{PATH}/{first['id']}").status == 404


def test_an_empty_book_has_no_default_and_can_be_begun_again(desk: Desk) -> None:
    first = desk.add()
    desk.ask("DELETE", f"{PATH}/{first['id']}")
    assert desk.addresses() == []

    again = desk.add()
    assert again["isDefault"] is True


def test_an_address_that_is_there_already_is_not_added_again(desk: Desk) -> None:
    first, other = desk.add(label="Home"), desk.add(line1="2 Main St")

    again = desk.add(label="Somewhere", postalCode="SW1Y 4JH")
    assert again == first
    promoted = desk.add(line1="2 Main St", isDefault=True)
    assert promoted["id"] == other["id"]
    assert desk.defaults() == [other["id"]]
    assert len(desk.addresses()) == 2


def test_a_part_of_an_address_can_be_changed_and_the_whole_must_fit(desk: Desk) -> None:
    added = desk.add(label="Home", line2="Flat 2")
    path = f"{PATH}/{added['id']}"

    moved = desk.ask(
        "PATCH",
        path,
        {"line2": None, "city": "Springfield", "state": "california", "postalCode": "95014", "country": "US"},
    )
    assert moved.json["lines"] == ["Ada Lovelace", "12 St James's Sq", "SPRINGFIELD, CA 95014"]
    assert (moved.json["state"], moved.json["subdivision"], moved.json["label"]) == ("CA", "US-CA", "Home")
    assert "line2" not in moved.json

    refused = desk.ask("PATCH", path, {"postalCode": "10001"})
    assert refused.json["errors"][0]["field"] == "body.postalCode"
    assert desk.ask("GET", path).json == moved.json
    assert desk.ask("PATCH", path, {"name": None}).status == 422


def test_an_edit_of_another_version_is_refused(desk: Desk) -> None:
    path = f"{PATH}/{desk.add()['id']}"
    assert desk.ask("PATCH", path, {"label": "A"}, headers={"if-match": '"1"'}).headers["etag"] == '"2"'

    assert desk.ask("PATCH", path, {"label": "B"}, headers={"if-match": '"1"'}).status == 412
    assert desk.ask("DELETE", path, headers={"if-match": '"1"'}).status == 412
    assert desk.ask("PATCH", path, {"label": "A"}, headers={"if-match": '"2"'}).headers["etag"] == '"2"'
    assert desk.ask("DELETE", path, headers={"if-match": '"2"'}).status == 204


def test_a_book_has_room_for_fifty(desk: Desk) -> None:
    for number in range(MAX_ADDRESSES):
        desk.add(line1=f"{number} Main St")

    refused = desk.ask("POST", PATH, LONDON)

    assert (refused.status, refused.json["code"]) == (409, "address_book_full")
    assert len(desk.addresses()) == MAX_ADDRESSES


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_somebody_elses_address_is_not_there(desk: Desk, method: str) -> None:
    path = f"{PATH}/{desk.add()['id']}"

    answer = Desk(BOB).ask(method, path, {"label": "mine"} if method == "PATCH" else None)

    assert (answer.status, answer.json["code"]) == (404, "address_not_found")
    assert Desk(BOB).addresses() == []
    assert len(desk.addresses()) == 1


def test_the_head_of_a_book_is_no_address(desk: Desk) -> None:
    desk.add()

    assert desk.ask("GET", f"{PATH}/-").status == 404
    assert desk.ask("DELETE", f"{PATH}/-").status == 404


def test_whoever_appoints_and_deletes_at_once_leaves_one_default(desk: Desk) -> None:
    ids = [desk.add(line1=f"{number} Main St")["id"] for number in range(6)]

    def act(number: int) -> int:
        path = f"{PATH}/{ids[number]}"
        answer = desk.ask("DELETE", path) if number % 2 else desk.ask("PATCH", path, {"isDefault": True})
        return int(answer.status)

    with ThreadPoolExecutor(6) as pool:
        statuses = list(pool.map(act, range(6)))

    assert set(statuses) <= {200, 204, 503}
    left = desk.addresses()
    deleted = sum(status == 204 for status in statuses)
    assert len(left) == 6 - deleted
    assert len(desk.defaults()) == 1


def test_as_many_as_there_is_room_for_are_added_at_once(desk: Desk) -> None:
    for number in range(MAX_ADDRESSES - 2):
        desk.add(line1=f"{number} Main St")

    def add(number: int) -> int:
        return int(desk.ask("POST", PATH, LONDON | {"line1": f"{number} Side St"}).status)

    with ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(add, range(4)))

    assert set(statuses) <= {201, 409, 503}
    assert len(desk.addresses()) == MAX_ADDRESSES - 2 + statuses.count(201) <= MAX_ADDRESSES
    assert len(desk.defaults()) == 1


def test_erasing_a_book_that_was_erased_half_goes_on(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.add()
    desk.add(line1="2 Main St")
    whole: Any = book.TABLE.batch_put
    with monkeypatch.context() as broken:
        broken.setattr(type(book.TABLE), "batch_put", _lost)
        with pytest.raises(ConnectionError):
            book.erase(ADA, "2026-01-01T00:00:00.000Z")
    assert whole
    assert desk.ask("POST", PATH, LONDON).json["code"] == "account_erased"

    book.erase(ADA, "2026-01-01T00:00:00.000Z")
    book.erase(ADA, "2026-01-01T00:00:00.000Z")

    assert TABLE.query(f"ADR#{ADA}", limit=10).items[0].keys() == {"pk", "sk", "erased_at", "version"}
    assert len(TABLE.query(f"ADR#{ADA}", limit=10).items) == 1


def _lost(*_: object) -> None:
    raise ConnectionError
