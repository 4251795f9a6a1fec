"""What auditors ask for: everything that a data directory holds, as JSON lines.

An operator's tool, outside every request path: it reads the whole table, from the running marketplace if there
is one, else from the file. Each line is `{"what": ..., "at": ..., ...}`; amounts are integers in minor units as
they are stored.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

from local.database import Database, DatabaseClient
from local.mailbox import Mailbox
from local.storage import Storage

__all__ = ["export"]

JSON = dict[str, Any]
_PREFIXES = {
    "orders": ("ORD#",),
    "ledger": ("LED#",),
    "balances": ("LAC#vendor:",),
    "stock": ("STK#",),
    "events": ("OUTBOX#",),
    "payments": ("PAY#", "SBX#"),
}
_ALL = 1_000_000


def export(data: Path, what: str, out: TextIO) -> int:
    """Write the lines of one kind, or of all; the exit code."""
    wanted = [what] if what != "all" else [*_PREFIXES, "mails"]
    if not (data / "table.db").exists():
        sys.stderr.write(f"There is no marketplace in {data}.\n")
        return 1
    if tables := [name for name in wanted if name in _PREFIXES]:
        with _reading(data) as database:
            for item in _items(database):
                for name in tables:
                    if str(item["pk"]).startswith(_PREFIXES[name]):
                        out.write(json.dumps({"what": name} | _shown(item)) + "\n")
    if "mails" in wanted:
        storage = Storage(data / "accounts.db")
        for mail in reversed(Mailbox(storage).mails(limit=_ALL)):
            out.write(json.dumps({"what": "mails"} | asdict(mail)) + "\n")
        storage.close()
    return 0


@contextmanager
def _reading(data: Path) -> Iterator[DatabaseClient]:
    """The database of the running marketplace, or one of our own over its file."""
    note = data / "run.json"
    if note.exists():
        running = DatabaseClient(int(json.loads(note.read_text())["database"].rsplit(":", 1)[1]))
        if running.answers():
            yield running
            return
    database = Database(data / "table.db")
    try:
        yield database
    finally:
        database.stop()


def _items(database: DatabaseClient) -> Iterator[JSON]:
    for table in database.call("ListTables", {}).get("TableNames", ()):
        asked: JSON = {"TableName": table}
        while True:
            page = database.call("Scan", asked)
            yield from ({name: _plain(value) for name, value in item.items()} for item in page["Items"])
            if "LastEvaluatedKey" not in page:
                break
            asked["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def _shown(item: JSON) -> JSON:
    """An event is shown as it travels; anything else as it is stored."""
    return item | {"envelope": json.loads(item["envelope"])} if "envelope" in item else item


def _plain(value: JSON) -> Any:
    """DynamoDB's JSON as plain JSON; numbers are integers, sets are sorted lists."""
    ((kind, content),) = value.items()
    match kind:
        case "N":
            return int(content)
        case "NULL":
            return None
        case "L":
            return [_plain(entry) for entry in content]
        case "M":
            return {name: _plain(entry) for name, entry in content.items()}
        case "SS":
            return sorted(content)
    return content
