"""What staff and vendors find in the audit log: by who did it, to what, when, and in whose scope."""

import hashlib
from typing import Any

import orjson
import pytest

from audit.model import read, subject
from tests.services.audit.desk import AUDITOR, at, entry, get, tell
from tools.audit_chain import digest

pytestmark = pytest.mark.contract("21.4", "2.3")
NOW = "2026-11-21T12:00"
VENDOR = {"caller": "usr_vera", "roles": "vendor", "vendor_id": "ven_1", "permissions": "audit.read"}


def days(*told: str) -> list[str]:
    return [f"2026-11-{day}T10:00:00.000Z" for day in told]


@pytest.fixture
def told(database: str) -> None:
    """Twelve entries over four days: of two people and a key, on two orders and a product."""
    with at(NOW):
        tell(entry(number, at=moment) for number, moment in enumerate(days("01", "18", "18", "20", "20", "20", "21")))
        tell([
            entry(10, at=days("20")[0], actor={"type": "user", "id": "usr_vera"}, scope="ven_1", changes=[],
                  subject={"vendor_id": "ven_1", "product_id": "prd_1"}, action="catalog.change"),
            entry(11, at=days("21")[0], actor={"type": "key", "id": "key_7"}, scope="ven_1", changes=[],
                  subject={"vendor_id": "ven_1", "product_id": "prd_1"}),
            entry(12, at=days("21")[0], actor={"type": "user", "id": "usr_vera"}, scope="ven_2", changes=[],
                  subject={"vendor_id": "ven_2", "order_no": "MK-AAAAAAAA-BBBBBBBB"}),
        ])  # fmt: skip


def found(path: str = "/v1/admin/audit", who: dict[str, Any] = AUDITOR, **query: Any) -> list[int]:
    """Numbers of all entries of a list, page by page."""
    numbers: list[int] = []
    with at(NOW):
        while True:
            answer = get(path, who=who, **query)
            assert answer.status == 200, answer
            numbers += [int(item["id"][-4:]) for item in answer.json["items"]]
            if not (cursor := answer.json.get("nextCursor")):
                return numbers
            query["cursor"] = cursor


@pytest.mark.parametrize("limit", [1, 2, 100])
@pytest.mark.usefixtures("told")
class TestLists:
    def test_everything_of_the_last_days_the_newest_first(self, limit: int) -> None:
        assert found(limit=limit) == [12, 11, 6, 10, 5, 4, 3, 2, 1, 0]

    def test_of_an_actor(self, limit: int) -> None:
        assert found(actor="usr_grace", limit=limit) == [6, 5, 4, 3, 2, 1, 0]
        assert found(actor="key_7", limit=limit) == [11]
        assert found(actor="nobody", limit=limit) == []

    @pytest.mark.parametrize(
        "spelled", ["order:MK-0R3K7Q8H-2MX4TQ9Z", "order:ord_0r3k7q8h2mx4tq9z", "order_no:mk-0r3k7q8h-2mx4tq9z"]
    )
    def test_of_an_order_however_it_is_spelled(self, limit: int, spelled: str) -> None:
        assert found(subject=spelled, limit=limit) == [6, 5, 4, 3, 2, 1, 0]

    def test_of_other_subjects(self, limit: int) -> None:
        assert found(subject="product:prd_1", limit=limit) == [11, 10]
        assert found(subject="vendor:ven_2", limit=limit) == [12]

    def test_on_some_days(self, limit: int) -> None:
        assert found(**{"from": "2026-11-18", "to": "2026-11-20"}, limit=limit) == [10, 5, 4, 3, 2, 1]
        assert found(actor="usr_grace", **{"from": "2026-11-20"}, limit=limit) == [6, 5, 4, 3]
        assert found(actor="usr_vera", to="2026-11-20", limit=limit) == [10]
        assert found(subject="vendor:ven_1", **{"from": "2026-11-21", "to": "2030-01-01"}, limit=limit) == [11]
        assert found(**{"from": "2026-11-22", "to": "2026-11-20"}, limit=limit) == []

    def test_of_a_vendors_scope(self, limit: int) -> None:
        assert found("/v1/vendors/ven_1/audit", VENDOR, limit=limit) == [11, 10]
        assert found("/v1/vendors/ven_1/audit", VENDOR, limit=limit, **{"from": "2026-11-21"}) == [11]
        assert found("/v1/vendors/ven_2/audit", AUDITOR, limit=limit) == [12]


@pytest.mark.usefixtures("told")
class TestOneEntry:
    def test_it_comes_with_its_proof(self) -> None:
        answer = get(f"/v1/admin/audit/{entry(11)['entry_id']}").json
        assert answer["sound"] is True
        assert answer["entry"]["actor"] == {"type": "key", "id": "key_7"}
        assert answer["hash"] == digest(answer)
        named = ("chain", "entry", "previous", "recorded", "sequence")
        spelled = orjson.dumps({name: answer[name] for name in named}, option=orjson.OPT_SORT_KEYS)
        assert answer["hash"] == hashlib.sha256(spelled).hexdigest()

    def test_one_that_is_not_there(self) -> None:
        answer = get("/v1/admin/audit/aud_nothing")
        assert (answer.status, answer.json["code"]) == (404, "no_such_entry")


@pytest.mark.usefixtures("told")
class TestWhoMayRead:
    @pytest.mark.parametrize(
        ("who", "status"),
        [
            ({"caller": None}, 401),
            ({"caller": "ada", "roles": "customer"}, 403),
            (AUDITOR | {"permissions": "orders.read"}, 403),
            (VENDOR, 403),
            (AUDITOR, 200),
        ],
    )
    @pytest.mark.parametrize("path", ["/v1/admin/audit", f"/v1/admin/audit/{entry(11)['entry_id']}"])
    def test_staff_with_the_permission_reads_everything(self, who: dict[str, Any], status: int, path: str) -> None:
        assert get(path, who=who).status == status

    @pytest.mark.parametrize(
        ("who", "status"),
        [
            ({"caller": None}, 401),
            ({"caller": "ada", "roles": "customer"}, 403),
            (VENDOR | {"vendor_id": "ven_2"}, 404),
            (VENDOR | {"permissions": "orders.read"}, 403),
            (VENDOR, 200),
            (AUDITOR, 200),
        ],
    )
    def test_a_vendors_own_people_read_its_own(self, who: dict[str, Any], status: int) -> None:
        assert get("/v1/vendors/ven_1/audit", who=who).status == status

    def test_lists_do_not_say_from_where_it_was_done(self) -> None:
        for path, who in (("/v1/vendors/ven_1/audit", VENDOR), ("/v1/admin/audit", AUDITOR)):
            with at(NOW):
                assert "192.0.2.7" not in get(path, who=who).body


@pytest.mark.usefixtures("told")
class TestWhatIsRefused:
    def test_an_actor_and_a_subject_at_once(self) -> None:
        answer = get("/v1/admin/audit", actor="usr_grace", subject="order:1")
        assert (answer.status, answer.json["errors"][0]["field"]) == (422, "query.subject")

    @pytest.mark.parametrize(
        "query", [{"subject": "MK-1"}, {"subject": ":x"}, {"from": "yesterday"}, {"limit": 0}, {"actor": ""}]
    )
    def test_what_makes_no_sense(self, query: dict[str, Any]) -> None:
        assert get("/v1/admin/audit", **query).status == 422

    @pytest.mark.parametrize("query", [{"to": "0001-01-01"}, {"from": "9999-12-31"}, {"from": "0001-01-01"}])
    def test_days_at_the_ends_of_the_calendar_are_empty_or_all(self, query: dict[str, Any]) -> None:
        for path, who in (("/v1/vendors/ven_1/audit", VENDOR), ("/v1/admin/audit", AUDITOR)):
            assert get(path, who=who, **query).status == 200

    @pytest.mark.parametrize("cursor", ["garbage", "e30", "AAAA"])
    @pytest.mark.parametrize("days", [{}, {"from": "2026-11-01"}])
    def test_a_cursor_that_is_not_ours(self, cursor: str, days: dict[str, str]) -> None:
        for query in ({}, {"actor": "usr_grace"}):
            answer = get("/v1/admin/audit", cursor=cursor, **query, **days)
            assert (answer.status, answer.json["code"]) == (400, "invalid_cursor")

    def test_a_cursor_of_another_list(self) -> None:
        with at(NOW):
            cursor = get("/v1/vendors/ven_1/audit", who=VENDOR, limit=1).json["nextCursor"]
            dated = get("/v1/vendors/ven_1/audit", who=VENDOR, limit=1, **{"from": "2026-11-01"}).json["nextCursor"]
            for other, query in ((cursor, {}), (dated, {"from": "2026-11-01"})):
                answer = get("/v1/vendors/ven_2/audit", cursor=other, **query)
                assert (answer.status, answer.json["code"]) == (400, "invalid_cursor")


def test_a_page_looks_at_a_month_of_days_and_leads_on(database: str) -> None:
    with at(NOW):
        tell([entry(1, at="2026-03-01T10:00:00.000Z")])
        first = get("/v1/admin/audit", **{"from": "2026-01-01"}).json
    assert first["items"] == []
    assert found(**{"from": "2026-01-01"}) == [1]
    assert found(actor="usr_grace", **{"from": "0001-01-01"}) == [1], "as far as entries are kept"


@pytest.mark.parametrize(
    ("name", "value", "is_"),
    [
        ("order_no", "MK-0R3K7Q8H-2MX4TQ9Z", "order:0r3k7q8h2mx4tq9z"),
        ("order_id", "ord_0r3k7q8h2mx4tq9z", "order:0r3k7q8h2mx4tq9z"),
        ("order", "0r3k7q8h2mx4tq9z", "order:0r3k7q8h2mx4tq9z"),
        ("user_id", "5f0c", "user:5f0c"),
        ("customer_id", "5f0c", "user:5f0c"),
        ("vendor_id", "ven_1", "vendor:ven_1"),
        ("list_name", "blocked", "list:blocked"),
        ("number", "INV-1", "document:INV-1"),
        ("sku", "LAMP-1", "sku:LAMP-1"),
    ],
)
def test_parameters_are_subjects(name: str, value: str, is_: str) -> None:
    assert subject(name, value) == is_


def test_an_entry_has_few_subjects_and_the_scope_is_one() -> None:
    assert read(entry(1, scope="ven_1")).subjects == ["order:0r3k7q8h2mx4tq9z", "vendor:ven_1"]
    assert read(entry(1, subject={"user_id": "u"}, scope="", changes=[])).subjects == ["user:u"]
    made = [{"item": f"PRD#prd_01kahz3m8x{number:016d}"} for number in range(2)]
    assert read(entry(1, subject={"vendor_id": "ven_1"}, changes=made)).subjects == [
        "vendor:ven_1",
        "product:prd_01kahz3m8x0000000000000000",
        "product:prd_01kahz3m8x0000000000000001",
    ]
    assert len(read(entry(1, subject={f"a{number}": "x" for number in range(20)})).subjects) == 6
    assert len(read(entry(1, subject={"a": "x" * 999})).subjects[0]) == 202
