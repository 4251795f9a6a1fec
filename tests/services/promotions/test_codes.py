"""Codes: unique however they are written, made in bulk without gaps or doubles, guarded against guessing."""

import csv
import io
import re
from typing import Any

import pytest

from market.table import put
from promotions import batches, consumer, store
from promotions.codes import drawn, is_pattern, normalised
from promotions.contract import code_key
from tests.services.outbox import announced, message
from tests.services.promotions.desk import ADA, BOB, PLATFORM, TEN_PERCENT, Office

pytestmark = [pytest.mark.contract("9.2"), pytest.mark.usefixtures("database")]
CODED = TEN_PERCENT | {"needsCode": True}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (" summer-20 ", "SUMMER20"), ("Sum mer_20", "SUMMER20"), ("SUMMER\u201020", "SUMMER20"), ("ab", ""), ("", ""),
        ("SÜMMER", ""), ("A" * 40, "A" * 40), ("A" * 41, ""), ("1" * 81, ""), ("a.b.c", ""), ("\uff21BC", ""),
    ],
)  # fmt: skip
def test_codes_are_the_same_without_case_spaces_and_dashes(text: str, code: str) -> None:
    assert normalised(text) == code


@pytest.mark.parametrize(
    ("pattern", "good"),
    [("########", True), ("SALE-####-####", True), ("#######", False), ("A#######", False), ("#" * 41, False),
     ("ß########", False)],
)  # fmt: skip
def test_a_pattern_draws_forty_bits_at_least(pattern: str, good: bool) -> None:
    assert is_pattern(pattern) is good


def test_drawn_codes_follow_the_pattern_and_from_the_seed_only() -> None:
    code = drawn("Sale-####-####", "a", "1")

    assert re.fullmatch(r"SALE[0-9A-HJKMNP-TV-Z]{8}", code)
    assert drawn("Sale-####-####", "a", "1") == code
    assert len({drawn("########", "a", str(number)) for number in range(500)}) == 500
    assert len({sign for number in range(200) for sign in drawn("#" * 40, "b", str(number))}) == 32


def codes(office: Office, promotion: dict[str, Any], body: dict[str, Any], **options: Any) -> Any:
    return office.send("POST", f"/{promotion['id']}/codes", body, **options)


def test_a_code_by_name_is_unique_for_everybody(office: Office) -> None:
    mine, theirs = office.draft(CODED), office.draft(CODED, scope=BOB)
    made = codes(office, mine, {"code": "summer-20", "limit": 0})

    assert (made.status, made.json["code"]) == (201, {"code": "SUMMER20", "limit": 0, "used": 0, "until": None,
                                                      "personal": False, "batchId": None})  # fmt: skip
    assert codes(office, mine, {"code": "Summer 20", "limit": 0}).status == 201, "the same once more"
    assert codes(office, mine, {"code": "SUMMER20", "limit": 5}).json["code"] == "code_taken"
    assert codes(office, mine, {"code": "SUMMER20", "limit": 0, "customerId": "usr_1"}).json["code"] == "code_taken"
    assert codes(office, theirs, {"code": "SUMMER20", "limit": 0}, scope=BOB).json["code"] == "code_taken"
    listed = office.send("GET", f"/{mine['id']}/codes").json
    assert [code["code"] for code in listed["items"]] == ["SUMMER20"]


@pytest.mark.parametrize(
    "body",
    [
        {}, {"code": "A B"}, {"code": "ABC", "count": 5}, {"count": 10_001}, {"count": 5, "pattern": "SHORT-####"},
        {"count": 5, "customerId": "usr_1"}, {"code": "ABC", "limit": 101},
    ],
)  # fmt: skip
def test_codes_that_make_no_sense_are_refused(office: Office, body: dict[str, Any]) -> None:
    assert codes(office, office.draft(CODED), body).status == 422


def test_codes_are_made_of_promotions_that_need_them_and_have_not_ended(office: Office) -> None:
    plain, ended = office.draft(), office.draft(CODED)
    office.send("PUT", f"/{ended['id']}", CODED | {"status": "ended"})

    for promotion in (plain, ended):
        for body in ({"code": "SUMMER20"}, {"count": 5}):
            assert codes(office, promotion, body).json["code"] == "transition_not_possible"
    assert codes(office, plain, {"code": "SUMMER20"}, scope=BOB).status == 404


def test_a_batch_is_made_in_chunks_and_exported_page_by_page(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "_CHUNK", 100)
    promotion = office.draft(CODED)
    batch = codes(office, promotion, {"count": 223, "pattern": "SALE-########"}).json["batch"]
    assert (batch["count"], batch["made"]) == (223, 0)
    assert office.hear().count("promotion.codes_requested") == 3

    rows: list[list[str]] = []
    cursor, pages = None, 0
    while pages == 0 or cursor:
        query = {"batchId": batch["batchId"], "format": "csv", "limit": 90} | ({"cursor": cursor} if cursor else {})
        page = office.send("GET", f"/{promotion['id']}/codes", query=query)
        assert page.headers["content-type"].startswith("text/csv")
        rows += csv.reader(io.StringIO(page.body))
        cursor, pages = page.headers.get("next-cursor"), pages + 1

    assert rows[0] == ["code", "limit", "used", "until", "batch"]
    assert len({row[0] for row in rows[1:]}) == len(rows) - 1 == 223
    assert all(
        re.fullmatch(r"SALE[0-9A-Z]{8}", row[0]) and row[1:] == ["1", "0", "", batch["batchId"]] for row in rows[1:]
    )
    shown = office.send("GET", f"/{promotion['id']}/codes", query={"batchId": batch["batchId"], "limit": 1}).json
    assert shown["batch"]["made"] == 223


def test_a_batch_survives_crashes_repetitions_and_uses_meanwhile(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "_CHUNK", 20)
    monkeypatch.setattr(batches, "_AT_ONCE", 10)
    promotion = office.draft(CODED)
    batch = codes(office, promotion, {"count": 30}).json["batch"]
    wanted = {"promotion_id": promotion["id"], "batch_id": batch["batchId"]}
    known = batches.get(promotion["id"], batch["batchId"])
    batches._make(known, range(7))  # as if the function had died here
    used = drawn(known.pattern, known.id, "3", "0")
    item = store.TABLE.get(code_key(used)) or {}
    store.TABLE.write(
        put(code_key(used), {name: item[name] for name in item if name not in ("pk", "sk")} | {"used": 1})
    )
    for _ in range(2):
        office.tell("promotion.codes_requested", wanted | {"made": 0})
    office.hear()

    found, _ = batches.codes_of(promotion["id"], batch_id=batch["batchId"], limit=100, cursor=None)
    assert len(found) == 30
    assert [code.code for code in found if code.used] == [used]


def test_a_code_that_somebody_else_has_is_drawn_again(office: Office) -> None:
    promotion = office.draft(CODED)
    batch = codes(office, promotion, {"count": 3}).json["batch"]
    known = batches.get(promotion["id"], batch["batchId"])
    codes(office, office.draft(CODED, scope=BOB), {"code": drawn(known.pattern, known.id, "1", "0")}, scope=BOB)
    office.hear()

    found, _ = batches.codes_of(promotion["id"], batch_id=batch["batchId"], limit=100, cursor=None)
    assert {code.code for code in found} == {
        drawn(known.pattern, known.id, number, attempt) for number, attempt in (("0", "0"), ("1", "1"), ("2", "0"))
    }


def test_a_batch_that_is_not_there_is_parked(office: Office) -> None:
    answer = consumer.handler(
        {"Records": [message("promotion.codes_requested", {"promotion_id": "prm_1", "batch_id": "x", "made": 0})]}
    )

    assert len(answer["batchItemFailures"]) == 1
    promotion = office.draft(CODED)
    missing = office.send("GET", f"/{promotion['id']}/codes", query={"batchId": f"cpb_{'0' * 26}"})
    assert (missing.status, missing.json["code"]) == (404, "no_such_batch")


def test_codes_are_listed_for_those_who_manage_them(office: Office) -> None:
    promotion = office.draft(CODED, scope=PLATFORM)

    assert office.send("GET", f"/{promotion['id']}/codes", scope=PLATFORM, permissions="promotions.read").status == 403
    assert office.send("GET", f"/{promotion['id']}/codes", scope=ADA).status == 404
    assert announced() == []
