"""Verifies the archive of the ledger, from its files alone: nothing of ours is asked.

    python -m tools.verify_ledger --bucket market-<stage>-audit-<account>-us-east-1      and whether it was written over
    python -m tools.verify_ledger audit/                a copy of the bucket, or of its ledger/
    python -m tools.verify_ledger --data .data          the archive of a marketplace on this machine

Each day's file names the file of the day before by its SHA-256; from the first day to the last none may be missing or
changed. In them every journal sums to zero, is booked once, and ends at most once, and the totals are those of the
lines. Prints what is wrong, or the last file's SHA-256, to be compared with a note kept elsewhere: whoever can write
all files anew can make another sound chain, but not one that ends in the same sum. Exit code 1 where something is.
"""

import argparse
import hashlib
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import orjson

from tools.archived import add_places, in_place, places

JSON = dict[str, Any]
Key = tuple[str, str]


@dataclass
class Verifier:
    """Reads one day after the other; `wrong` collects what is not as it should be."""

    wrong: list[str] = field(default_factory=list)
    last: tuple[str, str] | None = None
    _known: dict[Key, tuple[str, JSON]] = field(default_factory=dict)
    """Every journal's state so far, and the line of one that is pending."""

    def read(self, content: bytes) -> None:
        """Take up the next day's file."""
        try:
            head, *lines = [orjson.loads(line) for line in content.splitlines()]
            day = str(head["day"])
            self._chain(day, head["previous"])
            self._lines(day, head, lines)
        except (ValueError, KeyError, TypeError, IndexError) as error:
            after = f" after {self.last[0]}" if self.last else ""
            self.wrong.append(f"the file{after} cannot be read: {type(error).__name__}")
            return
        self.last = day, hashlib.sha256(content).hexdigest()

    def _chain(self, day: str, named: JSON | None) -> None:
        if self.last is None:
            if named is not None:
                self.wrong.append(f"the file before {day} is missing")
            return
        if named is None or (named["day"], named["sha256"]) != self.last:
            self.wrong.append(f"{day} does not name the file of {self.last[0]} as it is")
        if date.fromisoformat(day) != date.fromisoformat(self.last[0]) + timedelta(days=1):
            self.wrong.append(f"{day} follows on {self.last[0]}")

    def _lines(self, day: str, head: JSON, lines: list[JSON]) -> None:
        totals: dict[str, Counter[str]] = {}
        if head["lines"] != len(lines):
            self.wrong.append(f"{day} has {len(lines)} lines and says {head['lines']}")
        for line in lines:
            key = line["order"], line["journal"]
            if not line["at"].startswith(day):
                self.wrong.append(f"{day}: {_named(key)} is of another day")
            counted = self._booked(day, key, line) if line["what"] == "booked" else self._ended(day, key, line)
            for account, amount in counted["postings"] if counted else ():
                totals.setdefault(counted["currency"], Counter())[account] += amount
        if {currency: dict(sums) for currency, sums in totals.items()} != head["totals"]:
            self.wrong.append(f"{day}: the totals are not those of its lines")

    def _booked(self, day: str, key: Key, line: JSON) -> JSON:
        """The line, if it counts at once."""
        if key in self._known:
            self.wrong.append(f"{day}: {_named(key)} is booked again")
        if total := sum(amount for _, amount in line["postings"]):
            self.wrong.append(f"{day}: {_named(key)} sums to {total}")
        counts = line["state"] == "posted"
        self._known[key] = line["state"], {} if counts else line
        return line if counts else {}

    def _ended(self, day: str, key: Key, line: JSON) -> JSON:
        """The journal that counts from now on, if it was posted."""
        state, booked = self._known.get(key, ("unknown", {}))
        if state != "pending":
            self.wrong.append(f"{day}: {_named(key)} is {state} and becomes {line['what']}")
        self._known[key] = line["what"], {}
        return booked if line["what"] == "posted" else {}


def _named(key: Key) -> str:
    return f"{key[1]} of {key[0]}"


def verify(files: Iterable[bytes]) -> Verifier:
    """The verdict on all files, the oldest first."""
    verifier = Verifier()
    for content in files:
        verifier.read(content)
    if verifier.last is None:
        verifier.wrong.append("there are no files")
    return verifier


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.verify_ledger", description=__doc__)
    add_places(parser)
    given = parser.parse_args(arguments)
    if places(given) != 1:
        parser.error("name one place")
    archive = in_place(given, "ledger")
    verdict = verify(read() for name, read in archive.files.items() if name.endswith(".jsonl"))
    wrong = [*archive.wrong, *verdict.wrong]
    for each in wrong:
        sys.stderr.write(f"{each}\n")
    if wrong or verdict.last is None:
        return 1
    sys.stdout.write(f"Sound up to {verdict.last[0]}, SHA-256 {verdict.last[1]}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
