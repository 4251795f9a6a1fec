"""Bulk imports keep to their bounds, whatever a file promises and whenever an upload is given up."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from catalog import bulk_store, bulk_work
from catalog.archives import Archive
from catalog.bulk_reading import Row
from market import config
from tests.services.catalog.bulk_parts import BUCKET, PNG, Bulk, lines, played, zipped
from tests.services.catalog.conftest import ADA, Market, row

pytestmark = pytest.mark.contract("5.5")


@pytest.fixture
def bulk(environment: pytest.MonkeyPatch, embedded_table: str, tmp_path: Path) -> Iterator[Bulk]:
    with played(environment, tmp_path / "journal") as found:
        yield found


@pytest.fixture
def market(bulk: Bulk) -> Market:
    return Market()


def test_an_import_whose_upload_was_forgotten_does_not_start(market: Market, bulk: Bulk) -> None:
    """The bucket forgets unfinished uploads after two days: there is no file to read, and people would be called."""
    import_id = bulk.opened("jsonl", lines(row(1)))
    job = bulk_store.get(ADA, import_id)
    key = f"imports/{ADA}/{import_id}/file"
    config.client("s3").abort_multipart_upload(Bucket=BUCKET, Key=key, UploadId=job.upload_id)

    refused = bulk.start(import_id)

    assert (refused.status, refused.json["code"], refused.json["parts"]) == (409, "file_missing", [1])
    assert bulk.show(import_id)["status"] == "waiting"


def test_names_of_pictures_that_are_not_there_take_no_memory(bulk: Bulk) -> None:
    packed = zipped({"rows.jsonl": lines(row(1)), "lamp.png": PNG})
    illustrate = bulk_work._Illustrator(Archive(io.BytesIO(packed)))

    for number in range(50):
        named = illustrate(Row(number, {"images": [{"url": f"gone-{number}.png"}]}))
        assert named.code == "picture_missing"
    illustrate(Row(99, {"images": [{"url": "lamp.png"}]}))
    assert list(illustrate._known) == ["lamp.png"]


@pytest.mark.parametrize("size", [0, 256 * 1024 * 1024 + 1, "many"])
def test_a_file_has_a_size_within_bounds(market: Market, bulk: Bulk, size: Any) -> None:
    assert bulk.call("POST", "imports", {"format": "zip", "size": size}).status == 422
