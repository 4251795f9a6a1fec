"""A promise that is broken fails the test that hears of it, with what the server knows of the reason."""

from pathlib import Path

import pytest

from local.harness import Reply, Running
from tests.journeys import promises

pytestmark = pytest.mark.contract("26.3")


def _crashes(_server: Running, _method: str, _path: str) -> Reply:
    return Reply(500, {"x-request-id": "asked-1", "content-type": "application/problem+json"}, b'{"code":"internal"}')


def test_a_header_that_is_not_described_is_told() -> None:
    leads = {"content-type": "text/csv; charset=utf-8", "next-cursor": "MQ"}
    table, onward = Reply(200, leads, b"sku"), Reply(200, leads | {"x-next": "2"}, b"sku")
    asked = "GET /v1/vendors/{vendor_id}/inventory"

    assert list(promises.broken(asked, table)) == []
    assert list(promises.broken(asked, onward)) == ["undeclared header x-next of 200"]
    assert "undeclared header next-cursor of 200" in [*promises.broken("GET /v1/vendors/{vendor_id}/orders", table)]


def test_a_crash_is_told_with_what_the_server_logged_of_that_request(tmp_path: Path) -> None:
    server = object.__new__(Running)  # that has ended, but for its log
    server.data = tmp_path
    lines = ['{"event":"request crashed","correlationId":"asked-1"}', '{"event":"request","correlationId":"asked-2"}']
    (tmp_path / "log.txt").write_text("\n".join(lines))

    with pytest.raises(pytest.fail.Exception) as failed:
        promises._watching(_crashes)(server, "GET", "/v1/cart")

    assert "GET /v1/cart gave it crashed" in str(failed.value)
    assert lines[0] in str(failed.value)
    assert lines[1] not in str(failed.value)
