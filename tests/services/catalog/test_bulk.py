"""Bulk imports: a file becomes products row by row, whatever dies on the way, and twice is as good as once."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from catalog import bulk_reading, bulk_work, imports, tasks
from market import clock, config
from tests.services.catalog.bulk_parts import BUCKET, HEAD, PNG, Bulk, codes, lines, played, zipped
from tests.services.catalog.conftest import ADA, BOB, Market, row
from tests.services.catalog.test_products import events, items
from tests.services.flags.published import publishing
from tests.services.outbox import recorded

pytestmark = pytest.mark.contract("5.5")


@pytest.fixture
def bulk(environment: pytest.MonkeyPatch, embedded_table: str, tmp_path: Path) -> Iterator[Bulk]:
    with played(environment, tmp_path / "journal") as found:
        yield found


@pytest.fixture
def market(bulk: Bulk) -> Market:
    return Market()


def test_a_file_of_json_lines_becomes_products(market: Market, bulk: Bulk) -> None:
    ended = bulk.brought_in("jsonl", lines(*(row(n) for n in range(250))))

    assert (ended["status"], ended["parts"], ended["partsDone"]) == ("finished", 3, 3)
    assert ended["counts"] == {"created": 250, "updated": 0, "unchanged": 0, "rejected": 0}
    assert len(market.titles("category=home")) == 250
    report = bulk.report(ended["id"])
    assert [told["row"] for told in report] == list(range(1, 251))
    assert {told["result"] for told in report} == {"created"}


def test_the_same_file_again_changes_nothing(market: Market, bulk: Bulk) -> None:
    content = lines(*(row(n) for n in range(120)))
    bulk.brought_in("jsonl", content)
    before, told = _products(), len(events("product.created"))
    written = recorded("catalog.import")

    again = bulk.brought_in("jsonl", content)

    assert again["counts"]["unchanged"] == 120
    assert _products() == before
    assert recorded("catalog.import") == written
    assert len(events("product.created")) == told
    assert events("product.updated") == []


def _products() -> set[str]:
    """Items but for jobs and what is announced."""
    return {key for key in items() if not any(own in str(key) for own in ("IMJ#", "OUTBOX#"))}


def test_a_table_may_have_quoted_line_breaks_and_several_lines_of_one_product(market: Market, bulk: Bulk) -> None:
    text = (
        "\ufeffexternalId;title;description;category;price;currency;sku;stock;option:colour;attribute:material\r\n"
        'mug;Mug;"First line\r\nsecond; line";Home > Lamps;12.50;eur;MUG-R;3;red;clay\r\n'
        "mug;;;;12.5;eur;MUG-B;4;blue;\r\n"
        "\r\n"
        "plate;Plate;;home;3;eur;PLATE;1;;\r\n"
    )

    ended = bulk.brought_in("csv", text)

    assert ended["counts"]["created"] == 2, bulk.report(ended["id"])
    assert [told["row"] for told in bulk.report(ended["id"])] == [2, 6]
    page = market.anyone("GET", "/v1/products/mug").json
    assert page["description"] == "First line\nsecond; line"
    assert page["category"] == "home>lamps"
    assert page["attributes"] == {"material": "clay"}
    assert [(v["sku"], v["price"]["amount"], v["options"]) for v in page["variants"]] == [
        ("MUG-R", 1250, {"colour": "red"}),
        ("MUG-B", 1250, {"colour": "blue"}),
    ]


def test_wrong_rows_stay_out_and_are_told_with_their_lines(market: Market, bulk: Bulk) -> None:
    rows = [row(0), row(1, title=""), row(2, category="home>attic"), row(0, title="Again"), row(4)]
    content = lines(*rows) + b"no json\n[1]\n\n" + b'{"externalId": "' + b"x" * 300_000 + b'"}\n' + lines(row(9))

    ended = bulk.brought_in("jsonl", content)

    report = bulk.report(ended["id"])
    assert [told["row"] for told in report] == [1, 2, 3, 4, 5, 6, 7, 9, 10]
    assert codes(report) == [
        "created", "validation_error", "unknown_category", "repeated_row", "created", "unreadable", "unreadable",
        "row_too_large", "created",
    ]  # fmt: skip
    assert ended["counts"] == {"created": 3, "updated": 0, "unchanged": 0, "rejected": 6}
    assert sorted(market.titles("category=home")) == ["Lamp no. 0", "Lamp no. 4", "Lamp no. 9"]
    table = bulk.file(ended["id"], "report.csv").decode().splitlines()
    assert table[0] == "row,result,externalId,productId,code,reason"
    assert table[2].startswith('2,rejected,ext-1,,validation_error,"title:')


def test_lines_that_cannot_be_read_are_told_and_the_others_go_in(market: Market, bulk: Bulk) -> None:
    text = (
        HEAD + "a,Mug,home,twelve,EUR,A,1\nb,Mug,home,12,EUR,B,many\nc,Mug,home,12,EUR,C,1,2\nd,Mug,home,12,EUR,D,1\n"
    )

    ended = bulk.brought_in("csv", text)

    report = bulk.report(ended["id"])
    assert codes(report) == ["unreadable", "unreadable", "unreadable", "created"]
    assert report[0]["reason"] == "price: 'twelve' is not an amount in 'EUR'"


def test_a_row_that_repeats_one_of_another_chunk_stays_out(market: Market, bulk: Bulk) -> None:
    ended = bulk.brought_in("jsonl", lines(*(row(n) for n in range(150)), row(3, title="Again")))

    assert codes(bulk.report(ended["id"]))[-1] == "repeated_row"
    assert market.titles("category=home").count("Again") == 0


@pytest.mark.parametrize(
    ("kind", "content", "code"),
    [
        ("csv", "externalId,title\n1,Mug\n".encode("utf-16"), "wrong_encoding"),
        ("csv", (HEAD + "a,Käse,home,1,EUR,A,1\n").encode("latin-1"), "wrong_encoding"),
        ("jsonl", b'{"externalId": "a"}\n{"title": "K\xe4se"}\n', "wrong_encoding"),
        ("csv", b"externalId,titel,category,price,currency,sku\na,Mug,home,1,EUR,A\n", "unknown_columns"),
        ("csv", b"externalId,title\na,Mug\n", "unknown_columns"),
        ("csv", HEAD.replace("stock", "sku").encode() + b"a,Mug,home,1,EUR,A,A\n", "unknown_columns"),
        ("csv", HEAD.encode(), "file_refused"),
        ("csv", HEAD.encode() + b'a,"' + b"x" * 300_000, "file_refused"),
        ("csv", HEAD.encode() + b"a," * 150_000, "file_refused"),
        ("csv", HEAD.encode() + b'"a\n",' * 60_000, "file_refused"),
        ("csv", b"externalId," + b"x," * 150_000, "file_refused"),
        ("jsonl", b"\n \n", "file_refused"),
        ("zip", b"no zip at all", "file_refused"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_whole(
    market: Market, bulk: Bulk, kind: str, content: bytes, code: str
) -> None:
    ended = bulk.brought_in(kind, content)

    assert (ended["status"], ended["code"]) == ("refused", code), ended
    assert ended["reason"]
    assert market.titles("category=home") == []
    assert bulk.start(ended["id"]).json["code"] == "import_over"


def test_a_file_that_turns_bad_at_its_end_brings_nothing_in(market: Market, bulk: Bulk) -> None:
    ended = bulk.brought_in("jsonl", lines(*(row(n) for n in range(200))) + b'{"title": "K\xe4se"}\n')

    assert ended["status"] == "refused"
    assert market.titles("category=home") == []


def test_there_is_a_limit_of_rows(market: Market, bulk: Bulk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_reading, "MAX_ROWS", 3)

    assert bulk.brought_in("jsonl", lines(*(row(n) for n in range(3))))["status"] == "finished"
    assert bulk.brought_in("jsonl", lines(*(row(n) for n in range(4))))["code"] == "file_too_large"


def test_pictures_of_an_archive_are_stored_and_named_by_rows(market: Market, bulk: Bulk) -> None:
    rows = [
        row(1, images=[{"url": "pictures/lamp.png", "alt": "A lamp"}, {"url": "https://cdn.example/x.png"}]),
        row(2, images=[{"url": "lamp.png"}]),
        row(3, images=[{"url": "gone.png"}]),
        row(4, images=[{"url": "text.png"}]),
    ]
    rows[1]["variants"][0]["image"] = "lamp.png"
    packed = zipped({"rows.jsonl": lines(*rows), "pictures/lamp.png": PNG, "text.png": "no picture", "__MACOSX/x": ""})

    ended = bulk.brought_in("zip", packed)

    assert codes(bulk.report(ended["id"])) == ["created", "created", "picture_missing", "not_a_picture"]
    first, second = (market.anyone("GET", f"/v1/products/lamp-no-{n}").json for n in (1, 2))
    address = first["images"][0]["url"]
    assert address.startswith("/media/")
    assert first["images"][1]["url"] == "https://cdn.example/x.png"
    assert second["images"][0]["url"] == second["variants"][0]["image"] == address
    stored = config.client("s3").get_object(Bucket="media", Key=address.removeprefix("/"))
    assert stored["Body"].read() == PNG
    assert bulk.brought_in("zip", packed)["counts"]["unchanged"] == 2


def test_starting_twice_is_one_execution(market: Market, bulk: Bulk) -> None:
    import_id = bulk.opened("jsonl", lines(row(1)))

    answers = [bulk.start(import_id) for _ in range(3)]

    assert [answer.status for answer in answers] == [202] * 3
    assert len(bulk.runtime.workflows.executions()) == 1
    bulk.runtime.drain()
    assert bulk.show(import_id)["counts"]["created"] == 1
    assert bulk.start(import_id).json["code"] == "import_over"


def test_a_start_that_died_before_the_execution_is_made_good_by_the_next(
    market: Market, bulk: Bulk, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_id = bulk.opened("jsonl", lines(row(1)))
    with monkeypatch.context() as dying:
        dying.setattr(bulk_work, "_execute", lambda job: 1 / 0)
        assert bulk.start(import_id).status == 500

    assert bulk.start(import_id).status == 202
    bulk.runtime.drain()
    assert bulk.show(import_id)["status"] == "finished"


def test_a_file_is_sent_in_parts_and_an_upload_that_broke_off_goes_on(market: Market, bulk: Bulk) -> None:
    content = lines(*(row(n, description="x" * 9_900) for n in range(1_000)))
    made = bulk.call("POST", "imports", {"format": "jsonl", "size": len(content)}).json
    first, second = made["upload"]["parts"]
    assert (first["size"], first["size"] + second["size"]) == (made["upload"]["partSize"], len(content))
    bulk.send(second, content[first["size"] :])

    missing = bulk.start(made["id"])
    assert (missing.status, missing.json["code"], missing.json["parts"]) == (409, "file_missing", [1])
    (left,) = bulk.show(made["id"])["upload"]["parts"]
    assert left["number"] == 1
    bulk.send(left, content[: first["size"]])

    assert bulk.start(made["id"]).status == 202
    assert bulk.file(made["id"], "file") == content


def test_a_vendor_has_one_import_under_way_and_others_do_not_wait_for_it(market: Market, bulk: Bulk) -> None:
    first, second = (bulk.opened("jsonl", lines(row(n))) for n in (1, 2))
    bulk.start(first)

    waiting = bulk.start(second)
    assert (waiting.status, waiting.json["code"], waiting.json["importId"]) == (409, "import_running", first)

    bulk.runtime.drain()
    assert bulk.start(second).status == 202


def test_a_chunk_that_fails_for_good_is_done_by_starting_again(
    market: Market, bulk: Bulk, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring_in = imports.bring_in

    def broken(vendor_id: str, rows: Any) -> Any:
        if any(given["externalId"] == "ext-150" for given in rows):
            raise RuntimeError("out of memory")
        return bring_in(vendor_id, rows)

    with monkeypatch.context() as failing:
        failing.setattr(imports, "bring_in", broken)
        ended = bulk.brought_in("jsonl", lines(*(row(n) for n in range(300))))
    assert (ended["status"], ended["code"], ended["partsDone"]) == ("failed", "incomplete", 2)
    assert ended["counts"]["created"] == 200
    assert len(bulk.report(ended["id"])) == 200

    assert bulk.start(ended["id"]).status == 202
    bulk.runtime.drain()
    again = bulk.show(ended["id"])

    assert (again["status"], again["counts"]["created"], again["counts"]["unchanged"]) == ("finished", 300, 0)
    assert {told["result"] for told in bulk.report(ended["id"])} == {"created"}


def test_an_execution_that_vanished_is_followed_by_another_after_a_while(market: Market, bulk: Bulk) -> None:
    import_id = bulk.opened("jsonl", lines(*(row(n) for n in range(5))))
    bulk.start(import_id)
    (execution,) = bulk.runtime.workflows.executions()
    bulk.runtime.workflows.stop(execution.arn)
    assert bulk.start(import_id).status == 202
    bulk.runtime.drain()
    assert bulk.show(import_id)["status"] == "running", "who died is not known to be dead yet"
    later = clock.now() + timedelta(minutes=31)

    with clock.running_on(lambda: later):
        assert bulk.start(import_id).status == 202
        bulk.runtime.drain()

    assert (bulk.show(import_id)["status"], bulk.show(import_id)["counts"]["created"]) == ("finished", 5)


def test_a_silent_import_does_not_keep_the_next_one_waiting(market: Market, bulk: Bulk) -> None:
    first, second = (bulk.opened("jsonl", lines(row(n))) for n in (1, 2))
    bulk.start(first)
    bulk.runtime.workflows.stop(bulk.runtime.workflows.executions()[0].arn)
    later = clock.now() + timedelta(minutes=31)

    with clock.running_on(lambda: later):
        assert bulk.start(second).status == 202
        bulk.runtime.drain()

    assert bulk.show(second)["status"] == "finished"


@pytest.mark.parametrize("task", ["split", "bring-in", "report"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_step_that_dies_is_repeated_and_nothing_counts_twice(
    environment: pytest.MonkeyPatch, embedded_table: str, tmp_path: Path, task: str, moment: str
) -> None:
    deaths = []

    def dying(_: str, event: Any) -> Any:
        if event["task"] == task and not deaths:
            deaths.append(task)
            if moment == "after":
                tasks.handler(event)
            raise RuntimeError("killed")
        return tasks.handler(event)

    with played(environment, tmp_path / "journal", dying) as bulk:
        Market()
        ended = bulk.brought_in("jsonl", lines(*(row(n) for n in range(130))))

        assert deaths
        assert (ended["status"], ended["parts"], ended["partsDone"]) == ("finished", 2, 2)
        assert ended["counts"] == {"created": 130, "updated": 0, "unchanged": 0, "rejected": 0}


def test_a_chunk_that_died_before_its_report_is_told_as_unchanged(
    market: Market, bulk: Bulk, monkeypatch: pytest.MonkeyPatch
) -> None:
    from catalog import bulk_files

    keep, deaths = bulk_files.keep_part, []

    def dying(*given: Any) -> None:
        if not deaths:
            deaths.append(1)
            raise RuntimeError("killed")
        keep(*given)

    monkeypatch.setattr(bulk_files, "keep_part", dying)

    ended = bulk.brought_in("jsonl", lines(*(row(n) for n in range(10))))

    assert ended["counts"] == {"created": 0, "updated": 0, "unchanged": 10, "rejected": 0}
    assert len(events("product.created")) == 10


def test_a_file_that_is_gone_leaves_a_job_that_may_be_started_again(market: Market, bulk: Bulk) -> None:
    import_id = bulk.opened("jsonl", lines(row(1)))
    bulk.start(import_id)
    key = f"imports/{ADA}/{import_id}/file"
    config.client("s3").delete_object(Bucket=BUCKET, Key=key)
    bulk.runtime.drain(60)
    assert (bulk.show(import_id)["status"], bulk.show(import_id)["code"]) == ("failed", "interrupted")

    config.client("s3").put_object(Bucket=BUCKET, Key=key, Body=lines(row(1)))
    assert bulk.start(import_id).status == 202
    bulk.runtime.drain()
    assert bulk.show(import_id)["status"] == "finished"


def test_a_vendor_that_may_not_sell_opens_and_begins_nothing(market: Market, bulk: Bulk) -> None:
    import_id = bulk.opened("jsonl", lines(row(1)))
    market.add_vendor(ADA, "suspended")

    assert bulk.start(import_id).json["code"] == "vendor_not_active"
    assert bulk.call("POST", "imports", {"format": "csv", "size": 9}).json["code"] == "vendor_not_active"
    market.add_vendor(ADA, "active")
    bulk.start(import_id)
    market.add_vendor(ADA, "suspended")
    bulk.runtime.drain()
    assert bulk.show(import_id)["status"] == "failed"
    assert market.titles("category=home") == []


def test_imports_are_the_vendors_own(market: Market, bulk: Bulk) -> None:
    import_id = bulk.opened("jsonl", lines(row(1)))

    for method, rest in [("GET", f"imports/{import_id}"), ("POST", f"imports/{import_id}/start"), ("GET", "imports")]:
        assert bulk.call(method, rest, vendor_id=BOB).status == 404
    assert bulk.call("GET", f"imports/{import_id}", vendor_id=BOB, to=BOB).status == 404
    assert bulk.call("GET", "imports/running").status == 404


def test_imports_are_listed_newest_first_without_addresses(market: Market, bulk: Bulk) -> None:
    made = [bulk.brought_in("jsonl", lines(row(n)))["id"] for n in range(3)]

    page = bulk.call("GET", "imports?limit=2").json
    rest = bulk.call("GET", f"imports?limit=2&cursor={page['nextCursor']}").json

    assert [told["id"] for told in page["items"] + rest["items"]] == made[::-1]
    assert "report" not in page["items"][0]
    assert bulk.show(made[0])["report"]["csv"].startswith("http")


def test_a_flag_turns_imports_off(market: Market, bulk: Bulk, environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import_id = bulk.opened("jsonl", lines(row(1)))

    with publishing(environment, tmp_path) as published:
        published.says({"bulk-upload": {"default": False}})
        assert bulk.call("POST", "imports", {"format": "csv", "size": 9}).json["code"] == "bulk_upload_off"
        assert bulk.start(import_id).json["code"] == "bulk_upload_off"
