"""The export: each day's entries in files of the audit bucket, made once and the same whenever they are made."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

from audit import export, gateway, lines, store
from audit.export import ExportDiffers
from audit.manifest import MANIFEST
from audit.model import CHAINS, BrokenChain, read
from market.table import Key, Table, delete, put
from tests.services.audit.desk import BUCKET, at, entry, files, night, of_chain, tell
from tools.archived import Archive, in_bucket
from tools.verify_audit import verify

pytestmark = pytest.mark.contract("21.4")


def three_days() -> None:
    """A day with much, one with nothing, one with an entry that came late."""
    with at("2026-11-20T09:00"):
        tell(entry(number) for number in range(30))
    with at("2026-11-22T10:00"):
        tell(entry(number, at="2026-11-22T09:59:00.000Z") for number in range(30, 40))
        tell([entry(40, at="2026-11-19T23:00:00.000Z")])


def nights(*moments: str) -> None:
    for moment in moments:
        night(moment)


def sound(found: dict[str, bytes]) -> bool:
    return verify(Archive({name: lambda content=content: content for name, content in found.items()})).wrong == []  # type: ignore[misc]


@pytest.fixture
def exported(bucket: Any) -> dict[str, bytes]:
    three_days()
    night("2026-11-21T02:45")
    night("2026-11-23T02:45")
    return files()


def test_each_day_has_a_manifest_and_a_file_for_each_chain_that_got_something(exported: dict[str, bytes]) -> None:
    first = [name for name in exported if "/20/" in name]
    assert first == [
        *(f"audit/2026/11/20/chain-{chain}.jsonl" for chain in range(CHAINS)),
        lines.manifest_name("2026-11-20"),
    ]
    assert [name for name in exported if "/21/" in name] == ["audit/2026/11/21/manifest.json"]
    told = [orjson.loads(line) for name in first[:-1] for line in exported[name].splitlines()]
    assert sorted(link["entry"]["entry_id"] for link in told) == [entry(number)["entry_id"] for number in range(30)]
    assert sound(exported)


def test_a_manifest_names_files_heads_and_the_manifest_before(exported: dict[str, bytes]) -> None:
    first, second, third = (orjson.loads(exported[lines.manifest_name(f"2026-11-2{day}")]) for day in (0, 1, 2))
    assert first["previous"] is None
    assert second["previous"] == {
        "day": "2026-11-20",
        "sha256": hashlib.sha256(exported[lines.manifest_name("2026-11-20")]).hexdigest(),
    }
    for told in first["chains"]:
        content = exported[lines.file_name("2026-11-20", told["chain"])]
        last = orjson.loads(content.splitlines()[-1])
        assert told["sha256"] == hashlib.sha256(content).hexdigest()
        assert (told["sequence"], told["hash"]) == (last["sequence"], last["hash"])
    assert [told["lines"] for told in second["chains"]] == [0] * CHAINS
    assert [told["hash"] for told in second["chains"]] == [told["hash"] for told in first["chains"]]
    assert sum(told["lines"] for told in third["chains"]) == 11


def test_an_entry_that_came_late_is_in_the_file_of_the_day_on_which_it_was_stored(exported: dict[str, bytes]) -> None:
    late = lines.file_name("2026-11-22", read(entry(40)).chain)
    assert entry(40)["entry_id"].encode() in exported[late]


def test_files_are_locked_for_seven_years(exported: dict[str, bytes], bucket: Any) -> None:
    for name in exported:
        kept = bucket.head_object(Bucket=BUCKET, Key=name)
        assert kept["ObjectLockMode"] == "GOVERNANCE"
        written = "2026-11-23" if "/20/" not in name else "2026-11-21"
        assert kept["ObjectLockRetainUntilDate"] == datetime.fromisoformat(f"{written}T02:45Z") + timedelta(days=2557)


def test_a_run_that_is_repeated_writes_nothing_anew(exported: dict[str, bytes]) -> None:
    assert night("2026-11-23T03:45") == {"days": 0, "entries": 0}
    assert files() == exported


def test_a_day_is_left_alone_until_no_late_writer_is_left(bucket: Any) -> None:
    three_days()
    assert night("2026-11-21T00:59")["days"] == 1, "the 19th"
    assert night("2026-11-21T01:00") == {"days": 1, "entries": 30}


def test_the_first_run_takes_along_what_was_stored_before(bucket: Any) -> None:
    three_days()
    assert night("2026-11-25T02:45") == {"days": 1, "entries": 41}
    assert sound(files())


def test_what_is_stored_during_a_run_waits_for_its_day(bucket: Any) -> None:
    three_days()
    with at("2026-11-23T00:30"):
        tell([entry(50)])
    assert night("2026-11-23T02:45")["entries"] == 41
    assert night("2026-11-24T02:45") == {"days": 1, "entries": 1}
    assert sound(files())


@pytest.mark.parametrize("after", range(11))
def test_a_run_that_dies_is_finished_by_the_next(bucket: Any, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """After any number of files, and after the last one but before it is noted."""
    three_days()
    keep, kept = gateway.keep, [0]

    def dying(name: str, content: bytes) -> bytes:
        if kept[0] == after:
            raise MemoryError
        kept[0] += 1
        return keep(name, content)

    monkeypatch.setattr(gateway, "keep", dying)
    with pytest.raises(MemoryError):
        nights("2026-11-21T02:45", "2026-11-23T02:45")
    monkeypatch.setattr(gateway, "keep", keep)
    with at("2026-11-22T11:00"):
        tell([entry(60)])
    night("2026-11-23T03:15")
    found = files()
    assert sound(found)
    assert sum(len(content.splitlines()) for name, content in found.items() if "chain" in name) == 42


def test_a_run_whose_note_is_lost_is_finished_by_the_next(bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    three_days()
    move = store.move_exported

    def lost(new: lines.Exported, seen: lines.Exported | None) -> None:
        if seen is None:
            return move(new, seen)
        raise MemoryError

    monkeypatch.setattr(store, "move_exported", lost)
    with pytest.raises(MemoryError):
        night("2026-11-23T02:45")
    before = files()
    monkeypatch.setattr(store, "move_exported", move)
    assert night("2026-11-24T02:45") == {"days": 2, "entries": 41}
    assert before.items() <= files().items()
    assert sound(files())


def test_runs_at_once_write_one_export(bucket: Any) -> None:
    three_days()
    night("2026-11-21T02:45")
    with at("2026-11-23T02:45"), ThreadPoolExecutor(3) as threads:
        list(threads.map(lambda _: export.run(), range(3)))
    assert sound(files())
    assert len([name for name in files() if name.endswith("manifest.json")]) == 3


def test_a_run_catches_up_on_a_bounded_number_of_days(bucket: Any) -> None:
    night("2026-11-01T02:45")
    assert night("2026-11-11T02:45")["days"] == export.MOST_DAYS
    assert night("2026-11-11T03:15")["days"] == 3
    assert sound(files())


def test_another_file_in_the_place_of_ours_stops_the_export(bucket: Any) -> None:
    three_days()
    bucket.put_object(Bucket=BUCKET, Key=lines.file_name("2026-11-20", 3), Body=b"forged")
    with pytest.raises(ExportDiffers):
        night("2026-11-21T02:45")
    seen = store.exported()
    assert seen
    assert seen.day == "2026-11-19", "the day before"


def test_a_chain_that_is_broken_in_the_table_stops_the_export(bucket: Any) -> None:
    with at("2026-11-20T09:00"):
        tell(of_chain(3, 4))
    Table(MANIFEST).write(delete(Key("AUD#3#000000000002")))
    with pytest.raises(BrokenChain, match="chain 3, entry 2"):
        night("2026-11-21T02:45")
    assert [name for name in files() if "manifest" in name] == []


def test_a_chain_whose_end_was_cut_off_stops_the_export(bucket: Any) -> None:
    """Somebody takes back the last exported entries, and the head with them: nothing new is missing, and yet."""
    with at("2026-11-20T09:00"):
        tell(of_chain(3, 4))
    night("2026-11-21T02:45")
    end = store.head(3)
    table = Table(MANIFEST)
    for cut in (asdict(store.head(5)), asdict(end) | {"sequence": 3}, asdict(end) | {"hash": "0" * 64}):
        table.write(put(Key("AUH#3"), cut))
        with pytest.raises(BrokenChain, match="chain 3"):
            night("2026-11-22T02:45")
    table.write(put(Key("AUH#3"), asdict(end)))
    assert night("2026-11-22T02:45")


def test_the_bucket_itself_tells_that_it_was_written_over(exported: dict[str, bytes], bucket: Any) -> None:
    assert verify(in_bucket(BUCKET, "audit")).wrong == []
    bucket.put_object(Bucket=BUCKET, Key="audit/2026/11/20/chain-1.jsonl", Body=b"forged")
    bucket.delete_object(Bucket=BUCKET, Key="audit/2026/11/21/manifest.json")
    wrong = verify(in_bucket(BUCKET, "audit")).wrong
    assert len(wrong) == 2, "the oldest version is ours, and sound"
    assert "audit/2026/11/21/manifest.json was deleted" in wrong
    assert "audit/2026/11/20/chain-1.jsonl was written over: it has 2 versions" in wrong


def test_of_versions_of_one_second_the_one_stored_first_is_ours(
    bucket: Any, environment: pytest.MonkeyPatch, exported: dict[str, bytes]
) -> None:
    """S3 lists the last first; neither its times, which are whole seconds, nor the ids of versions tell an order."""
    name = "audit/2026/11/20/chain-1.jsonl"
    with environment.context() as patch:
        for version in (8, 2, 9, 1):
            patch.setattr("moto.s3.models.random.uuid4", lambda version=version: UUID(int=version))
            bucket.put_object(Bucket=BUCKET, Key=f"copy-{version % 2}/{name}", Body=exported[name] * version)
    for order, first in ((0, 8), (1, 9)):
        assert in_bucket(BUCKET, f"copy-{order}").files[f"copy-{order}/{name}"]() == exported[name] * first
