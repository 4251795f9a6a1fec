"""The recorders of a test run: access patterns, and outcomes by feature."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.plugins.access_patterns import FUNCTIONS, Recorder, pattern
from tests.plugins.contract import _Notes
from tools import access_patterns


def text(value: str) -> dict[str, str]:
    return {"S": value}


def key(partition: str, sort: str = "-") -> dict[str, Any]:
    return {"pk": text(partition), "sk": text(sort)}


def recorded(operation: str, params: dict[str, Any], source: str = "", module: str = "store") -> set[tuple[str, ...]]:
    """What is recorded when code of the orders service makes this call."""
    recorder = Recorder()
    names: dict[str, Any] = {"call": lambda: recorder.note(params, SimpleNamespace(name=operation))}
    exec(compile(source or "def place(): call()\nplace()", str(FUNCTIONS / f"orders/{module}.py"), "exec"), names)  # noqa: S102
    return recorder.rows


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("ORD#ada", "ORD#<id>"),
        ("ord_01", "<id>"),
        ("-", "-"),
        ("PLC#phones>old", "PLC#<id>"),
        ("PRD#1#IMG#2", "PRD#<id>#IMG#<id>"),
        ("2026-01#prd_1", "<id>#<id>"),
        ("IMG#", "IMG#"),
        ("", ""),
    ],
)
def test_ids_are_replaced_and_prefixes_stay(given: str, shown: str) -> None:
    assert pattern(given) == shown


def test_literal_sort_keys_stay() -> None:
    assert pattern("owner", frozenset({"owner"})) == "owner"


@pytest.mark.parametrize(
    ("operation", "params", "rows"),
    [
        ("GetItem", {"Key": key("ORD#ada", "ord_1")}, {("Get", "ORD#<id> / <id>")}),
        ("PutItem", {"Item": key("CRT#ada") | {"x": text("y")}}, {("Put", "CRT#<id>")}),
        ("UpdateItem", {"Key": key("CRT#ada")}, {("Update", "CRT#<id>")}),
        ("DeleteItem", {"Key": key("CRT#ada")}, {("Delete", "CRT#<id>")}),
        ("Query", {"ExpressionAttributeValues": {":p": text("ORD#ada")}}, {("Query", "ORD#<id>")}),
        (
            "Query",
            {"IndexName": "by1", "ExpressionAttributeValues": {":p": text("STV#ven_1"), ":s": text("IMG#")}},
            {("Query", "by1: STV#<id> / IMG#…")},
        ),
        (
            "BatchGetItem",
            {"RequestItems": {"table": {"Keys": [key("STK#a"), key("STK#b")]}}},
            {("BatchGet", "STK#<id>")},
        ),
        (
            "BatchWriteItem",
            {"RequestItems": {"t": [{"PutRequest": {"Item": key("STK#a")}}, {"DeleteRequest": {"Key": key("STK#b")}}]}},
            {("BatchWrite", "Put STK#<id>"), ("BatchWrite", "Delete STK#<id>")},
        ),
        (
            "TransactWriteItems",
            {"TransactItems": [{"Put": {"Item": key("OUTBOX#3", "01")}}, {"ConditionCheck": {"Key": key("VEN#1")}}]},
            {("TransactWrite", "Put OUTBOX#<id> / <id>"), ("TransactWrite", "ConditionCheck VEN#<id>")},
        ),
    ],
)  # fmt: skip
def test_each_operation_is_recorded_with_its_keys(operation: str, params: Any, rows: set[Any]) -> None:
    assert recorded(operation, params) == {("orders", "store.place", *row) for row in rows}


def test_the_function_is_the_innermost_public_one() -> None:
    source = (
        "def _move(): (lambda: call())()\ndef mark_paid(): [_move() for _ in [1]]\ndef other(): mark_paid()\nother()"
    )

    assert recorded("GetItem", {"Key": key("ORD#a")}, source) == {("orders", "store.mark_paid", "Get", "ORD#<id>")}


def test_calls_of_tests_and_tools_are_not_recorded() -> None:
    recorder = Recorder()
    recorder.note({"Key": key("ORD#a")}, SimpleNamespace(name="GetItem"))

    assert recorder.rows == set()


def test_a_scan_fails_the_test_that_makes_it() -> None:
    with pytest.raises(AssertionError, match="never scanned"):
        recorded("Scan", {})


README = (
    "# Orders\n\n## Access patterns\n\n<!-- access-patterns:start -->\nold\n<!-- access-patterns:end -->\n\n## Events\n"
)
ROWS = [["orders", "store.get", "Get", "ORD#<id> / <id>"], ["orders", "store.get", "Get", "CRT#<id>"]]


@pytest.fixture
def service(tmp_path: Path) -> Path:
    folder = tmp_path / "functions/orders"
    folder.mkdir(parents=True)
    (folder / "manifest.py").write_text("")
    (folder / "README.md").write_text(README)
    (tmp_path / "record.json").write_text(json.dumps(ROWS))
    return folder


def run(service: Path, what: str) -> int:
    root = service.parents[1]
    return access_patterns.main([what, "--record", str(root / "record.json"), "--functions", str(root / "functions")])


def test_drift_is_reported_written_and_then_gone(service: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(service, "--check") == 1
    assert "+| `store.get` | Get | `CRT#<id>` · `ORD#<id> / <id>` |" in capsys.readouterr().out
    assert run(service, "--write") == 0
    assert run(service, "--check") == 0
    assert "## Events" in (service / "README.md").read_text()


def test_a_service_that_uses_no_table_needs_no_place(service: Path) -> None:
    (service / "README.md").write_text("# Orders\n")
    assert run(service, "--check") == 1
    (service.parents[1] / "record.json").write_text("[]")
    assert run(service, "--check") == 0


def test_a_missing_record_is_an_error(service: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (service.parents[1] / "record.json").unlink()

    assert run(service, "--check") == 1
    assert "--access-patterns" in capsys.readouterr().out


def report(when: str, outcome: str, test: str = "tests/a.py::one[moto]") -> Any:
    made = SimpleNamespace(when=when, outcome=outcome, nodeid=test, user_properties=[("contract", "7.2"), ("x", 1)])
    made.passed = outcome == "passed"
    return made


@pytest.mark.parametrize(
    ("reports", "outcome"),
    [
        ([("setup", "passed"), ("call", "passed"), ("teardown", "passed")], "passed"),
        ([("setup", "failed")], "failed"),
        ([("call", "passed"), ("teardown", "failed")], "failed"),
        ([("setup", "skipped")], "skipped"),
        ([("call", "failed"), ("call", "passed")], "failed"),
        ([("setup", "skipped"), ("call", "passed")], "passed"),
    ],
)
def test_a_test_counts_once_with_the_worst_of_its_variants(reports: list[tuple[str, str]], outcome: str) -> None:
    outcomes: dict[str, dict[str, str]] = {}
    for when, said in reports:
        _Notes(outcomes).pytest_runtest_logreport(report(when, said))

    assert outcomes == {"7.2": {"tests/a.py::one": outcome}}
