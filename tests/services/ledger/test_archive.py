"""The archive: a file a day, in a chain that shows any change, made once and the same whenever it is made."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest

from ledger import archive, gateway, lines, store
from ledger.api import handler
from ledger.archive import ArchiveDiffers
from ledger.contract import PENDING, post, reverse, void
from ledger.schedule import handler as schedule
from market import config
from tests.http import call
from tests.services.ledger import desk
from tests.services.ledger.desk import part
from tools.verify_ledger import main, verify

pytestmark = pytest.mark.contract("12.4", "21.4")
BUCKET = "market-dev-audit"


@pytest.fixture
def bucket(database: str, environment: pytest.MonkeyPatch) -> Any:
    """A bucket with Object Lock, as the data stack makes it."""
    environment.setenv("AUDIT_BUCKET", BUCKET)
    s3 = config.client("s3")
    s3.create_bucket(Bucket=BUCKET, ObjectLockEnabledForBucket=True)
    return s3


def files() -> dict[str, bytes]:
    """Every version of every file; there must be one of each."""
    s3 = config.client("s3")
    versions = s3.list_object_versions(Bucket=BUCKET).get("Versions", [])
    names = [version["Key"] for version in versions]
    assert len(names) == len(set(names)), "written over"
    return {name: s3.get_object(Bucket=BUCKET, Key=name)["Body"].read() for name in sorted(names)}


def three_days() -> None:
    """Something of everything: promises kept and broken, a reversal, three currencies, a day without anything."""
    with desk.at("2026-11-20T09:00"):
        desk.sell("ord_1", part("ven_a", 1190, 100, 190), part("ven_b", 500, 50), fee=30)
        desk.sell("ord_2", part("ven_a", 5000, 500), state=PENDING)
        desk.sell("ord_3", part("ven_a", 70), currency="JPY", state=PENDING)
    with desk.at("2026-11-22T10:00"):
        desk.move(post("ord_2", "sale"))
        desk.move(void("ord_3", "sale"))
        desk.move(reverse(store.of_order("ord_1")[0]))
        desk.sell("ord_4", part("ven_c", 12_345), currency="KWD")


def run(at: str) -> dict[str, int]:
    with desk.at(at):
        return schedule({})


@pytest.fixture
def archived(bucket: Any) -> list[bytes]:
    three_days()
    run("2026-11-21T02:15")
    run("2026-11-23T02:15")
    return list(files().values())


def test_each_day_is_one_file_that_names_the_one_before(archived: list[bytes]) -> None:
    assert list(files()) == [f"ledger/2026/11/2026-11-2{day}.jsonl" for day in (0, 1, 2)]
    heads = [orjson.loads(content.splitlines()[0]) for content in archived]
    assert [head["lines"] for head in heads] == [3, 0, 4]
    assert heads[0]["previous"] is None
    for before, head in zip(archived, heads[1:], strict=False):
        assert head["previous"]["sha256"] == lines.File("", before).sha256
    assert heads[0]["totals"]["EUR"]["vendor:ven_a"] == -900
    assert heads[2]["totals"]["EUR"]["vendor:ven_a"] == 900 - 4500
    assert "JPY" not in heads[2]["totals"]


def test_a_run_that_is_repeated_writes_nothing_anew(archived: list[bytes]) -> None:
    assert run("2026-11-23T03:00") == {"days": 0, "projected": 0}
    assert list(files().values()) == archived


def test_a_file_is_the_same_whenever_it_is_made(bucket: Any) -> None:
    three_days()
    early = lines.file_of("2026-11-20", None, store.of_days(*[date(2026, 11, 20)] * 2, "by1"), [])
    with desk.at("2026-12-24T10:00"):
        desk.sell("ord_9", part("ven_a", 1))
    late = lines.file_of("2026-11-20", None, store.of_days(*[date(2026, 11, 20)] * 2, "by1"), [])
    assert early == late
    assert [orjson.loads(line)["state"] for line in early.content.splitlines()[1:]] == ["posted", "pending", "pending"]


@pytest.mark.parametrize("death", ["before the file", "after the file", "after the note of it"])
def test_a_run_that_dies_is_finished_by_the_next(bucket: Any, monkeypatch: pytest.MonkeyPatch, death: str) -> None:
    three_days()
    keep, move_head = gateway.keep, store.move_head

    def dying(*given: Any) -> Any:
        if death == "after the note of it":
            move_head(*given)
        raise MemoryError

    broken = (gateway, "keep") if death == "before the file" else (store, "move_head")
    monkeypatch.setattr(*broken, dying)
    with pytest.raises(MemoryError):
        run("2026-11-21T02:15")
    monkeypatch.setattr(gateway, "keep", keep)
    monkeypatch.setattr(store, "move_head", move_head)
    run("2026-11-21T02:20")
    run("2026-11-23T02:15")
    assert verify(files().values()).wrong == []
    assert len(files()) == 3


def test_two_runs_at_once_write_one_chain(bucket: Any) -> None:
    three_days()
    run("2026-11-21T02:15")
    with desk.at("2026-11-23T02:15"), ThreadPoolExecutor(3) as threads:
        list(threads.map(lambda _: archive.run(), range(3)))
    assert verify(files().values()).wrong == []
    assert len(files()) == 3


def test_a_run_catches_up_on_a_bounded_number_of_days(bucket: Any) -> None:
    run("2026-11-01T02:15")
    assert run("2026-11-11T02:15")["days"] == archive.MOST_DAYS
    assert run("2026-11-11T02:30")["days"] == 3
    assert verify(files().values()).wrong == []


def test_what_events_missed_is_projected_on_the_way(bucket: Any) -> None:
    three_days()
    assert run("2026-11-21T02:15")["projected"] == 4
    assert run("2026-11-23T02:15")["projected"] == 3
    assert desk.standing("ven_a") == {"EUR": (4500, 0)}


def test_another_file_in_the_place_of_a_days_own_stops_the_chain(bucket: Any) -> None:
    three_days()
    bucket.put_object(Bucket=BUCKET, Key=lines.name_of("2026-11-20"), Body=b"forged")
    with pytest.raises(ArchiveDiffers):
        run("2026-11-21T02:15")
    assert store.head() is None


class TestTheExport:
    def test_a_day_comes_as_json_lines_in_pages_that_lead_on(self, archived: list[bytes]) -> None:
        for day, content in (("2026-11-20", archived[0]), ("2026-11-21", archived[1]), ("2026-11-22", archived[2])):
            told, path = [], f"/v1/admin/ledger/export?day={day}&limit=1"
            while path:
                answer = call(handler, "GET", path, **desk.STAFF)
                assert (answer.status, answer.headers["content-type"]) == (200, "application/x-ndjson")
                told += answer.body.encode().splitlines()
                path = answer.headers.get("link", "").partition(">")[0].removeprefix("<")
            assert sorted(told) == sorted(content.splitlines()[1:])

    @pytest.mark.parametrize("cursor", ["garbage", "e30", "AAAA"])
    def test_a_cursor_that_is_not_ours_is_refused(self, archived: list[bytes], cursor: str) -> None:
        answer = desk.get("/v1/admin/ledger/export", day="2026-11-20", cursor=cursor)
        assert (answer.status, answer.json["code"]) == (400, "invalid_cursor")

    def test_a_cursor_of_one_day_is_not_for_another(self, archived: list[bytes]) -> None:
        link = desk.get("/v1/admin/ledger/export", day="2026-11-20", limit=1).headers["link"]
        path = link.partition(">")[0].removeprefix("<").replace("2026-11-20", "2026-11-22")
        assert call(handler, "GET", path, **desk.STAFF).json["code"] == "invalid_cursor"


def edited(content: bytes, number: int, change: Callable[[dict[str, Any]], object]) -> bytes:
    """A file with one line changed, its own count and totals left as they are."""
    rows = [orjson.loads(line) for line in content.splitlines()]
    change(rows[number])
    return b"".join(orjson.dumps(row) + b"\n" for row in rows)


def cook(row: dict[str, Any]) -> None:
    """Move a cent from one account to another: still balanced."""
    row["postings"][0][1] += 1
    row["postings"][1][1] -= 1


FORGERIES: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "a balanced change of an amount": lambda days: [edited(days[0], 1, cook), *days[1:]],
    "a change in the last file, totals adjusted by nobody": lambda days: [*days[:2], edited(days[2], 1, cook)],
    "a posting out of balance": lambda days: [
        *days[:2],
        edited(days[2], 1, lambda row: row["postings"].append(["bank", 5])),
    ],
    "a line taken out": lambda days: [days[0], b"\n".join(days[0].splitlines()[:-1]) + b"\n", days[2]],
    "a day taken out": lambda days: [days[0], days[2]],
    "the beginning taken off": lambda days: days[1:],
    "days in another order": lambda days: [days[1], days[0], days[2]],
    "a day twice": lambda days: [*days, days[2]],
    "a file cut off": lambda days: [*days[:2], days[2][:-40]],
    "nothing at all": lambda _: [],
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_the_verifier_finds(forgery: str, archived: list[bytes]) -> None:
    assert verify(archived).wrong == []
    assert verify(FORGERIES[forgery](archived)).wrong != []


@pytest.mark.parametrize(
    ("what", "order"), [("posted", "ord_1"), ("posted", "ord_2"), ("void", "ord_2"), ("posted", "ord_7")]
)
def test_the_verifier_finds_a_journal_that_ends_without_having_waited(
    archived: list[bytes], what: str, order: str
) -> None:
    """Even in a file that is the chain's own."""
    sha = lines.File("", archived[2]).sha256
    head = {"what": "ledger", "day": "2026-11-23", "previous": {"day": "2026-11-22", "sha256": sha}, "lines": 1}
    line = {"what": what, "at": "2026-11-23T10:00:00.000Z", "order": order, "journal": "sale"}
    forged = orjson.dumps(head | {"totals": {}}) + b"\n" + orjson.dumps(line) + b"\n"
    assert any("becomes" in wrong for wrong in verify([*archived, forged]).wrong)


def test_the_command_reads_a_copy_of_the_bucket(
    archived: list[bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, content in files().items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    assert main([str(tmp_path)]) == 0
    assert lines.File("", archived[2]).sha256 in capsys.readouterr().out
    (tmp_path / lines.name_of("2026-11-21")).unlink()
    assert main([str(tmp_path)]) == 1
    assert "2026-11-22 follows on 2026-11-20" in capsys.readouterr().err


def test_the_command_reads_the_data_of_this_machine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from local.files import Files
    from local.storage import Storage

    storage = Storage(tmp_path / "accounts.db")
    s3 = Files(storage, tmp_path / "files", frozenset([BUCKET + "-1"])).operations()
    file = lines.file_of("2026-11-20", None, [], [])
    s3["PutObject"]({"Bucket": BUCKET + "-1", "Key": lines.name_of(file.day), "Body": file.content})
    storage.close()
    assert main(["--data", str(tmp_path)]) == 0
    assert file.sha256 in capsys.readouterr().out
