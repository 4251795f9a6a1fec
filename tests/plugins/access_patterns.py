"""Records how services use the table while tests run: which function asks which operation for which keys.

With `--access-patterns FILE` the record is written as JSON; `tools.access_patterns` makes the tables of the service
READMEs from it. Ids are replaced by `<id>`, so that the same code gives the same record.
"""

import ast
import functools
import json
import os
import re
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from botocore import handlers

FUNCTIONS = Path(__file__).resolve().parents[2] / "functions"
_UNRECORDED = ("tests/faults/", "tests/model/", "planted", "_bug_")
"""Tests that break the code on purpose, or at random: what happens there is no pattern, or not always the same one."""
_PREFIX = re.compile(r"[A-Z][A-Z0-9]*\Z")
Row = tuple[str, str, str, str]
"""(service, function, operation, key)"""


class Recorder:
    def __init__(self) -> None:
        self.rows: set[Row] = set()

    def note(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        """Heard by botocore before each DynamoDB call."""
        running = os.environ.get("PYTEST_CURRENT_TEST", "")
        if any(word in running for word in _UNRECORDED) or threading.current_thread() is not threading.main_thread():
            return  # other threads race: some patterns would be there in one run and not in the next
        caller = _caller(sys._getframe(1))
        if caller is None:
            return
        service, function = caller
        for key in _keys(model.name, params, _literals(service)):
            self.rows.add((service, function, model.name.removesuffix("Items").removesuffix("Item"), key))


def _caller(frame: FrameType | None) -> tuple[str, str] | None:
    """The service and its function that asked: the innermost public one, such as `store.place`."""
    found: tuple[str, str] | None = None
    while frame is not None:
        service, function, public = _place(frame.f_code.co_filename, frame.f_code.co_qualname)
        if service:
            found = found or (service, function)
            if service == found[0] and public:
                return service, function
        frame = frame.f_back
    return found


@functools.cache
def _place(filename: str, qualname: str) -> tuple[str, str, bool]:
    """A service, its function and whether that is a public one; no service where the code is none's."""
    file = Path(filename)
    if not file.is_relative_to(FUNCTIONS):
        return "", "", False
    name = qualname.partition(".<locals>")[0]
    return file.relative_to(FUNCTIONS).parts[0], f"{file.stem}.{name}", not name.startswith(("_", "<"))


def _keys(operation: str, params: dict[str, Any], literals: frozenset[str]) -> Iterator[str]:
    match operation:
        case "Query":
            values = params["ExpressionAttributeValues"]
            index = f"{params['IndexName']}: " if "IndexName" in params else ""
            begins = f" / {pattern(values[':s']['S'], literals)}…" if ":s" in values else ""
            yield f"{index}{pattern(values[':p']['S'], literals)}{begins}"
        case "TransactWriteItems" | "TransactGetItems":
            for action in params["TransactItems"]:
                ((verb, body),) = action.items()
                yield f"{verb} {_key(body.get('Key') or body['Item'], literals)}"
        case "BatchGetItem":
            yield from (_key(key, literals) for ask in params["RequestItems"].values() for key in ask["Keys"])
        case "BatchWriteItem":
            for entry in (entry for entries in params["RequestItems"].values() for entry in entries):
                ((verb, body),) = entry.items()
                yield f"{verb.removesuffix('Request')} {_key(body.get('Key') or body['Item'], literals)}"
        case "GetItem" | "PutItem" | "UpdateItem" | "DeleteItem":
            yield _key(params.get("Key") or params["Item"], literals)
        case "Scan":
            raise AssertionError("the table is never scanned")


def _key(key: dict[str, Any], literals: frozenset[str]) -> str:
    partition, sort = pattern(key["pk"]["S"], literals), pattern(key["sk"]["S"], literals)
    return partition if sort == "-" else f"{partition} / {sort}"


def pattern(text: str, literals: frozenset[str] = frozenset()) -> str:
    """`ORD#<id>` of `ORD#ada`; prefixes, `-` and the literals stay."""
    if text == "-" or text in literals:
        return text
    *parts, last = text.split("#")
    shown = [part if _PREFIX.match(part) else "<id>" for part in parts]
    return "#".join([*shown, "<id>" if last else ""])


@functools.cache
def _literals(service: str) -> frozenset[str]:
    """Sort keys that the service's store or contract spells out."""
    found = set()
    for name in ("store.py", "contract.py"):
        file = FUNCTIONS / service / name
        for node in ast.walk(ast.parse(file.read_text())) if file.exists() else ():
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Key":
                found |= {part.value for part in node.args[1:] if isinstance(part, ast.Constant)}
    return frozenset(found)


_RECORDER = pytest.StashKey[Recorder]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--access-patterns", metavar="FILE", help="record how services use the table into FILE (JSON)")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--access-patterns"):
        config.stash[_RECORDER] = recorder = Recorder()
        handlers.BUILTIN_HANDLERS.append(("provide-client-params.dynamodb", recorder.note))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """A worker of pytest-xdist hands over its rows."""
    if recorder := node.config.stash.get(_RECORDER, None):
        recorder.rows |= {tuple(row) for row in node.workeroutput.get("access_patterns", ())}


def pytest_sessionfinish(session: pytest.Session) -> None:
    recorder = session.config.stash.get(_RECORDER, None)
    if recorder is None:
        return
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["access_patterns"] = sorted(recorder.rows)
        return
    file = Path(session.config.getoption("--access-patterns"))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(sorted(recorder.rows), indent=0) + "\n")
