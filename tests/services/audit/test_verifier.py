"""The verifier finds whatever was done to the files or the table afterwards, and says where."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from audit import lines
from audit.manifest import MANIFEST
from market import config
from market.table import Key, Table, delete
from tests.services.audit import desk
from tests.services.audit.desk import BUCKET, at, entry, files, night, of_chain, tell
from tools.archived import Archive
from tools.audit_chain import End, canonical, digest
from tools.audit_table import verify_table
from tools.verify_audit import main, verify

pytestmark = pytest.mark.contract("21.4")
Files = dict[str, bytes]
FIRST, SECOND, THIRD = "2026-11-20", "2026-11-21", "2026-11-22"


@pytest.fixture
def exported(bucket: Any) -> Files:
    """Three days of entries, most of them of chain 3."""
    for day, number in ((FIRST, 0), (SECOND, 1), (THIRD, 2)):
        with at(f"{day}T09:00"):
            tell(of_chain(3, 12)[4 * number : 4 * number + 4])
            tell([entry(100 + number)])
    for day in (SECOND, THIRD, "2026-11-23"):
        night(f"{day}T02:45")
    return files()


def wrong(found: Files, anchor: str = "") -> list[str]:
    return verify(Archive({name: found[name].__bytes__ for name in sorted(found)}), anchor).wrong


def edited(found: Files, day: str, change: Callable[[list[Any]], Any]) -> Files:
    """One day's file of chain 3 with its links changed, and nothing else."""
    name = lines.file_name(day, 3)
    links = [orjson.loads(line) for line in found[name].splitlines()]
    change(links)
    return found | {name: written(links)}


def written(links: list[Any]) -> bytes:
    return b"".join(canonical(link) + b"\n" for link in links)


def resealed(links: list[Any]) -> None:
    """Every hash anew, as who knows how would do it."""
    for number, link in enumerate(links):
        link["previous"] = links[number - 1]["hash"] if number else link["previous"]
        link["hash"] = digest(link)


def cook(links: list[Any]) -> None:
    links[1]["entry"]["actor"]["id"] = "usr_somebody_else"


def cook_and_reseal(links: list[Any]) -> None:
    cook(links)
    resealed(links)


def insert(links: list[Any]) -> None:
    forged = orjson.loads(canonical(links[1]))
    forged["entry"]["entry_id"] = "aud_forged"
    links.insert(1, forged)
    for number, link in enumerate(links):
        link["sequence"] = links[0]["sequence"] + number
    resealed(links)


def repeat(links: list[Any]) -> None:
    links.append(links[-1])


def swap(links: list[Any]) -> None:
    links[1], links[2] = links[2], links[1]


def rewritten(found: Files, day: str) -> Files:
    """A day changed, and all after it made anew: links, files and manifests. What everybody sees is sound again."""
    found, known = dict(found), None
    for at_day in (FIRST, SECOND, THIRD):
        name, manifest_name = lines.file_name(at_day, 3), lines.manifest_name(at_day)
        links = [orjson.loads(line) for line in found[name].splitlines()]
        if at_day == day:
            cook(links)
        links[0]["previous"] = known["hash"] if known else links[0]["previous"]
        resealed(links)
        found[name], known = written(links), links[-1]
        manifest = orjson.loads(found[manifest_name])
        manifest["chains"][3] |= {"sha256": lines.sha256(found[name]), "hash": known["hash"]}
        if at_day != FIRST:
            before = (FIRST, SECOND)[at_day == THIRD]
            manifest["previous"]["sha256"] = lines.sha256(found[lines.manifest_name(before)])
        found[manifest_name] = canonical(manifest) + b"\n"
    return found


def without(found: Files, *names: str) -> Files:
    return {name: content for name, content in found.items() if name not in names}


def of_day(found: Files, day: str) -> list[str]:
    return [name for name in found if name.startswith(f"audit/{day.replace('-', '/')}/")]


def without_a_chain(manifest: bytes) -> bytes:
    told = orjson.loads(manifest)
    return canonical(told | {"chains": told["chains"][:7]}) + b"\n"


NAME, LAST = lines.file_name(SECOND, 3), lines.manifest_name(THIRD)
FORGERIES: dict[str, tuple[Callable[[Files], Files], str]] = {
    # what is done: (how, what is said first)
    "a changed field": (lambda f: edited(f, SECOND, cook), "2026-11-21: chain 3, entry 6: it was changed"),
    "a changed field, resealed": (lambda f: edited(f, SECOND, cook_and_reseal), "2026-11-21: chain 3 is not as"),
    "a field of the last day": (lambda f: edited(f, THIRD, cook), "2026-11-22: chain 3, entry 10: it was changed"),
    "another time": (
        lambda f: edited(f, SECOND, lambda links: links[0].update(recorded="2026-11-21T08:00:00.000Z")),
        "2026-11-21: chain 3, entry 5: it was changed",
    ),
    "a removed entry": (lambda f: edited(f, SECOND, lambda ls: ls.pop(1)), "2026-11-21: chain 3, entry 7: entry 6 is"),
    "the first entry removed": (lambda f: edited(f, FIRST, lambda ls: ls.pop(0)), "2026-11-20: chain 3, entry 2:"),
    "an inserted entry": (lambda f: edited(f, SECOND, insert), "2026-11-21: chain 3 is not as the manifest says"),
    "swapped entries": (lambda f: edited(f, SECOND, swap), "2026-11-21: chain 3, entry 7: entry 6 is"),
    "a sequence twice": (lambda f: edited(f, SECOND, repeat), "2026-11-21: chain 3, entry 8: entry 9 is"),
    "a truncated tail": (lambda f: edited(f, THIRD, lambda links: links.pop()), "2026-11-22: chain 3 is not as"),
    "a file cut off": (lambda f: f | {NAME: f[NAME][:-40]}, "2026-11-21: chain 3, line 4 cannot be read"),
    "spaces": (lambda f: f | {NAME: f[NAME].replace(b'"chain":3', b'"chain": 3')}, "2026-11-21: chain 3, line 1"),
    "a file replaced by that of another day": (
        lambda f: f | {NAME: f[lines.file_name(FIRST, 3)]},
        "2026-11-21: chain 3, entry 1: entry 5",
    ),
    "a file taken out": (lambda f: without(f, NAME), "2026-11-21: chain 3 is not as the manifest says"),
    "a file put in": (lambda f: f | {lines.file_name(SECOND, 9): b""}, "2026-11-21: chain 9 has a file that"),
    "a file beside": (lambda f: f | {"audit/2026/11/21/note.txt": b""}, "audit/2026/11/21/note.txt is no file"),
    "a manifest taken out": (lambda f: without(f, lines.manifest_name(SECOND)), "2026-11-21: the manifest is missing"),
    "a day taken out": (lambda f: without(f, *of_day(f, SECOND)), "2026-11-22: the days after 2026-11-20 are missing"),
    "the beginning taken off": (lambda f: without(f, *of_day(f, FIRST)), "2026-11-21: the days before it are missing"),
    "a manifest changed": (
        lambda f: f | {lines.manifest_name(FIRST): f[lines.manifest_name(FIRST)].replace(b'"lines":4', b'"lines":5')},
        "2026-11-20: chain 3 is not as the manifest says: lines",
    ),
    "the last manifest without a chain": (
        lambda f: f | {LAST: without_a_chain(f[LAST])},
        "2026-11-22: chain 7 is not as the manifest says",
    ),
    "a manifest that is no JSON": (lambda f: f | {LAST: b"garbage"}, "2026-11-22: the manifest cannot be read"),
    "nothing at all": (lambda _: {}, "there are no files"),
}  # fmt: skip


@pytest.mark.parametrize("forgery", FORGERIES)
def test_the_verifier_names_the_first_wrong_place(forgery: str, exported: Files) -> None:
    assert wrong(exported) == []
    forge, said = FORGERIES[forgery]
    assert wrong(forge(exported))[0].startswith(said)


def test_who_makes_everything_anew_is_caught_by_the_sum_that_was_noted_elsewhere(exported: Files) -> None:
    noted = lines.sha256(exported[LAST])
    forged = rewritten(exported, SECOND)
    assert wrong(forged) == [], "sound in itself"
    assert wrong(forged, noted) == ["no manifest has the sum of the anchor: days are missing, or were written anew"]
    assert wrong(exported, noted) == []
    assert wrong(exported, lines.sha256(exported[lines.manifest_name(SECOND)])) == [], "of any day"


def test_the_last_days_taken_out_are_missed_by_the_anchor(exported: Files) -> None:
    cut = without(exported, *of_day(exported, THIRD))
    assert wrong(cut) == []
    assert wrong(cut, lines.sha256(exported[LAST])) != []


def test_a_rewritten_day_is_found_by_the_manifests_that_follow(exported: Files) -> None:
    """Who can write over one day, but not over all that came after it."""
    forged = rewritten(exported, SECOND)
    kept = {name: exported[name] for name in of_day(exported, THIRD)}
    assert wrong(forged | kept)[0] == "2026-11-22: it does not name the manifest of 2026-11-21 as that is"


def test_no_single_byte_can_be_changed(exported: Files) -> None:
    seeded = random.Random(2026)
    for name, content in exported.items():
        for _ in range(25):
            place, bit = seeded.randrange(len(content)), 1 << seeded.randrange(8)
            forged = content[:place] + bytes([content[place] ^ bit]) + content[place + 1 :]
            assert wrong(exported | {name: forged}), (name, place, bit)


def test_no_single_byte_can_be_added_or_taken_out(exported: Files) -> None:
    seeded = random.Random(7)
    for name, content in exported.items():
        for _ in range(10):
            place = seeded.randrange(len(content))
            assert wrong(exported | {name: content[:place] + content[place + 1 :]}), (name, place)
            assert wrong(exported | {name: content[:place] + b" " + content[place:]}), (name, place)


def fields(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths of everything in a JSON value that is no container."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, part in inner for found in fields(part, (*path, key))] or [path]


def test_no_single_field_can_be_changed_or_taken_out_in_any_file(exported: Files) -> None:
    for name, content in exported.items():
        rows = [orjson.loads(line) for line in content.splitlines()]
        for number, path in [(number, path) for number, row in enumerate(rows) for path in fields(row)]:
            for change in ("other", "gone"):
                copies = orjson.loads(orjson.dumps(rows))
                holder = copies[number]
                for step in path[:-1]:
                    holder = holder[step]
                if change == "gone":
                    del holder[path[-1]]
                else:
                    was = holder[path[-1]]
                    holder[path[-1]] = was + 1 if isinstance(was, int) else f"{was}."
                assert wrong(exported | {name: written(copies)}), (name, number, path, change)


class TestTheTable:
    """What an administrator could do to the table; found with no file, or only against the files."""

    def verdict(self, table: str, tmp: Path | None = None, capsys: Any = None) -> tuple[int, str]:
        code = main([*([str(tmp)] if tmp else []), "--table", table])
        told = capsys.readouterr()
        return code, told.err or told.out

    @pytest.fixture
    def copy(self, exported: Files, tmp_path: Path) -> Path:
        for name, content in exported.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(content)
        return tmp_path

    def test_a_sound_table_and_its_files(self, database: str, copy: Path, capsys: Any) -> None:
        assert self.verdict(database, copy, capsys)[0] == 0
        assert self.verdict(database, None, capsys) == (0, "Sound\n")
        tell([entry(300)])
        assert self.verdict(database, copy, capsys)[0] == 0, "what is not exported yet is no difference"

    @pytest.mark.parametrize(
        ("sequence", "said"),
        [(1, "entry 1 was removed"), (6, "entry 6 was removed"), (12, "entry 12 was removed")],
    )
    def test_a_removed_entry(self, database: str, copy: Path, capsys: Any, sequence: int, said: str) -> None:
        Table(MANIFEST).write(delete(Key(f"AUD#3#{sequence:012d}")))
        code, told = self.verdict(database, copy, capsys)
        assert code == 1
        assert told.startswith(f"table: chain 3, {said}")

    def test_entries_older_than_400_days_may_be_gone(self, database: str, bucket: Any) -> None:
        told, table = of_chain(3, 6), Table(MANIFEST)
        with at("2024-01-10T09:00"):
            tell(told[:3])
        tell(told[3:])
        old, new = desk.chains()[3][2], desk.chains()[3][5]
        ends = {3: [End("2024-01-10", 3, old.hash, old.recorded), End("9999-12-31", 6, new.hash, new.recorded)]}
        for sequence in (1, 2, 3):
            table.write(delete(Key(f"AUD#3#{sequence:012d}")))
        assert verify_table(database, ends, None) == []
        assert verify_table(database, None, None) == []
        table.write(delete(Key("AUD#3#000000000004")))
        assert verify_table(database, ends, None) == ["table: chain 3, entry 4 was removed"]

    def change(self, table: str, key: str, **values: Any) -> None:
        client = config.client("dynamodb")
        place = {"pk": {"S": key}, "sk": {"S": "-"}}
        item = client.get_item(TableName=table, Key=place, ConsistentRead=True)["Item"]
        client.put_item(TableName=table, Item=item | values)

    def test_a_changed_entry(self, database: str, capsys: Any, exported: Files) -> None:
        forged = orjson.dumps(entry(1)).decode()
        self.change(database, "AUD#3#000000000006", entry={"S": forged})
        code, told = self.verdict(database, None, capsys)
        assert (code, told.splitlines()[0]) == (1, "table: chain 3, entry 6: it was changed, its hash is not its own")

    def test_a_head_that_was_set_back(self, database: str, copy: Path, capsys: Any) -> None:
        link = Table(MANIFEST).get(Key("AUD#3#000000000010"))
        assert link
        self.change(database, "AUH#3", sequence={"N": "10"}, hash={"S": link["hash"]})
        assert "entry 11 is after the end that the chain's head says" in self.verdict(database, None, capsys)[1]
        assert "chain 3 was cut off at 10: the files have more of it" in self.verdict(database, copy, capsys)[1]

    def test_a_chain_written_anew_is_found_against_the_files(self, database: str, copy: Path, capsys: Any) -> None:
        links = desk.chains()[3]
        previous = links[4].hash
        for link in links[5:]:
            cooked = {"chain": 3, "sequence": link.sequence, "recorded": link.recorded, "previous": previous}
            cooked["entry"] = dict(link.entry) | {"address": "198.51.100.1"}
            previous = digest(cooked)
            values = {"entry": canonical(cooked["entry"]).decode(), "previous": cooked["previous"], "hash": previous}
            self.change(database, f"AUD#3#{link.sequence:012d}", **{name: {"S": text} for name, text in values.items()})
        self.change(database, "AUH#3", hash={"S": previous})
        assert self.verdict(database, None, capsys)[0] == 0, "sound in itself"
        code, told = self.verdict(database, copy, capsys)
        assert code == 1
        assert told.startswith("table: chain 3, entry 8 is not that of the files of 2026-11-21")

    def test_files_that_end_too_early(self, database: str, copy: Path, exported: Files, capsys: Any) -> None:
        for name in of_day(exported, THIRD):
            (copy / name).unlink()
        assert "the files end on 2026-11-21; exported is 2026-11-22" in self.verdict(database, copy, capsys)[1]


def test_the_command_reads_a_copy_of_the_bucket_or_the_bucket(
    exported: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, content in exported.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    for place in ([str(tmp_path)], [str(tmp_path / "audit")], ["--bucket", BUCKET]):
        assert main(place) == 0
        assert lines.sha256(exported[LAST]) in capsys.readouterr().out
    (tmp_path / lines.manifest_name(SECOND)).unlink()
    assert main([str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("2026-11-21: the manifest is missing")


@pytest.mark.parametrize("arguments", [[], ["x", "--bucket", "y"], ["--bucket", "y", "--data", "z"]])
def test_the_command_wants_one_place(arguments: list[str]) -> None:
    with pytest.raises(SystemExit):
        main(arguments)


def test_the_command_reads_the_data_of_this_machine(
    exported: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from local.files import Files as LocalFiles
    from local.storage import Storage

    storage = Storage(tmp_path / "accounts.db")
    s3 = LocalFiles(storage, tmp_path / "files", frozenset([BUCKET + "-1"])).operations()
    for name, content in exported.items():
        s3["PutObject"]({"Bucket": BUCKET + "-1", "Key": name, "Body": content})
    storage.close()
    assert main(["--data", str(tmp_path)]) == 0
    assert lines.sha256(exported[LAST]) in capsys.readouterr().out
