"""How bulk imports end: told once and recorded with who started them, whatever comes back late."""

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from catalog import bulk_store, bulk_work, imports, tasks
from market import clock, config
from tests.services.catalog.bulk_parts import HEAD, Bulk, lines, played
from tests.services.catalog.conftest import ADA, Market, row
from tests.services.catalog.test_products import events
from tests.services.outbox import recorded

pytestmark = pytest.mark.contract("5.5", "21.4")


@pytest.fixture
def bulk(environment: pytest.MonkeyPatch, embedded_table: str, tmp_path: Path) -> Iterator[Bulk]:
    with played(environment, tmp_path / "journal") as found:
        yield found


@pytest.fixture
def market(bulk: Bulk) -> Market:
    return Market()


def test_the_end_is_announced_and_recorded_once_with_who_started_it(
    environment: pytest.MonkeyPatch, embedded_table: str, tmp_path: Path
) -> None:
    def twice(_: str, event: Any) -> Any:
        tasks.handler(event)
        return tasks.handler(event)

    content = lines(row(1), row(2), row(2))
    with played(environment, tmp_path / "journal", twice) as bulk:
        Market()
        ended = bulk.brought_in("jsonl", content)

    said = {"status": "finished", "code": "", "sha256": hashlib.sha256(content).hexdigest()}
    said |= {"created": 2, "updated": 0, "unchanged": 0, "rejected": 1}
    (told,) = events("import.finished")
    assert told == {"import_id": ended["id"], "vendor_id": ADA, "started_by": "usr_v", **said}
    (entry,) = recorded("catalog.end_import")
    assert (entry["actor"], entry["scope"]) == ({"type": "user", "id": "usr_v"}, ADA)
    assert entry["subject"] == {"vendor_id": ADA, "import_id": ended["id"]}
    assert entry["changes"][0]["after"] == {"size": len(content), **said}
    products = {f"PRD#{imports.product_id(ADA, f'ext-{n}')}" for n in (1, 2)}
    entries = recorded("catalog.import")
    assert {entry["actor"]["id"] for entry in entries} == {"usr_v"}
    assert products <= {change["item"] for entry in entries for change in entry["changes"]}


def test_a_refused_file_is_announced_with_the_reason(market: Market, bulk: Bulk) -> None:
    bulk.brought_in("csv", HEAD)

    (told,) = events("import.finished")
    assert (told["status"], told["code"], told["created"]) == ("refused", "file_refused", 0)
    assert told["sha256"] == hashlib.sha256(HEAD.encode()).hexdigest()


def test_steps_of_an_execution_that_comes_back_after_another_start_do_nothing(market: Market, bulk: Bulk) -> None:
    """It had fallen silent for half an hour. It neither ends the import nor does the work of its successor."""
    import_id = bulk.opened("jsonl", lines(*(row(n) for n in range(5))))
    bulk.start(import_id)
    stale, later = (ADA, import_id, 1), clock.now() + timedelta(minutes=31)
    with clock.running_on(lambda: later):
        assert bulk.start(import_id).status == 202
        assert bulk_work.split(*stale) is None
        bulk_work.bring_in(*stale, 0)
        assert not bulk_work.report(*stale)
        bulk_work.give_up(*stale)

        assert (bulk.show(import_id)["status"], bulk.show(import_id)["counts"]["created"]) == ("running", 0)
        bulk.runtime.drain()

    assert (bulk.show(import_id)["status"], bulk.show(import_id)["counts"]["created"]) == ("finished", 5)
    assert len(events("import.finished")) == 1


def test_an_import_that_a_release_finds_under_way_goes_on(
    environment: pytest.MonkeyPatch, embedded_table: str, tmp_path: Path
) -> None:
    """Its execution does not say which start it belongs to, here the second, nor the job who started it."""

    def unnamed(_: str, event: Any) -> Any:
        given = {name: value for name, value in event["input"].items() if name != "attempt"}
        return tasks.handler(event | {"input": given})

    with played(environment, tmp_path / "journal", unnamed) as bulk:
        Market()
        import_id = bulk.opened("jsonl", lines(*(row(n) for n in range(5))))
        bulk.start(import_id)
        later = clock.now() + timedelta(minutes=31)
        with clock.running_on(lambda: later):
            assert bulk.start(import_id).status == 202
            config.client("dynamodb").update_item(
                TableName=embedded_table,
                Key={"pk": {"S": f"IMJ#{ADA}"}, "sk": {"S": import_id}},
                UpdateExpression="REMOVE started_as, started_by, sha256",
            )
            bulk.runtime.drain(60)
            ended = bulk.show(import_id)

    assert (ended["status"], ended["counts"]["created"]) == ("finished", 5)
    (told,) = events("import.finished")
    assert told["started_by"] == ""
    assert {entry["actor"]["type"] for entry in recorded("catalog.import")} == {"system"}


def test_a_chunk_whose_counting_died_is_counted_at_the_end(
    market: Market, bulk: Bulk, monkeypatch: pytest.MonkeyPatch
) -> None:
    count, deaths = bulk_store.count, []

    def dying(*given: Any) -> None:
        if given[2] == 1 and len(deaths) < 6:
            deaths.append(1)
            raise RuntimeError("killed")
        count(*given)

    monkeypatch.setattr(bulk_store, "count", dying)

    ended = bulk.brought_in("jsonl", lines(*(row(n) for n in range(130))))

    assert len(deaths) == 6
    assert (ended["status"], ended["partsDone"], ended["counts"]["created"]) == ("finished", 2, 130)
    (told,) = events("import.finished")
    assert told["created"] == 130


def test_a_job_that_two_start_at_once_has_one_attempt(market: Market, bulk: Bulk) -> None:
    job = bulk_store.get(ADA, bulk.opened("jsonl", lines(row(1))))

    assert bulk_store.begin(job).attempt == 1
    with pytest.raises(Exception, match="meanwhile"):
        bulk_store.begin(job)
