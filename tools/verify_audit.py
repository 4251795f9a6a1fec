"""Verifies the audit log, from its files, from the table, or both against each other: none of our services is asked.

    python -m tools.verify_audit audit/                              a copy of the audit bucket, or of its audit/
    python -m tools.verify_audit --bucket market-prod-audit-…        the bucket itself, and whether it was written over
    python -m tools.verify_audit --data .data                        a marketplace on this machine
    python -m tools.verify_audit --table market-prod [audit/]        what the table holds [against the files]
    python -m tools.verify_audit audit/ --anchor <SHA-256>           must end in the sum that was noted elsewhere

Each entry is bound to the one before it in its chain by a hash; each day's manifest names the day's files, where every
chain ends, and the manifest of the day before, by their sums. Whoever can write everything anew can make other sound
files, but none that end in the same sum: note it each day in another place, and give it as the anchor.

Prints what is wrong, the first place first, or the last manifest's SHA-256. Exit code 1 where something is.
"""

import argparse
import hashlib
import re
import sys
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import orjson

from tools.archived import Archive, Read, add_places, in_place, places
from tools.audit_chain import CHAINS, Chain, End, canonical
from tools.audit_table import verify_table

JSON = dict[str, Any]
_NAME = re.compile(r"audit/(\d{4})/(\d\d)/(\d\d)/(?:manifest\.json|chain-(\d+)\.jsonl)")
_SHOWN = 20


@dataclass
class Verifier:
    """Reads one day after the other; `wrong` collects what is not as it should be.

    ends: of each chain where each day ended.
    """

    wrong: list[str] = field(default_factory=list)
    last: tuple[str, str] | None = None
    chains: list[Chain] = field(default_factory=lambda: [Chain(number) for number in range(CHAINS)])
    ends: dict[int, list[End]] = field(default_factory=dict)

    def read(self, day: str, manifest: bytes, files: dict[int, Read]) -> None:
        """Take up the next day: its manifest and the files of its chains, by their numbers."""
        previous = {"day": self.last[0], "sha256": self.last[1]} if self.last else None
        if self.last and date.fromisoformat(day) != date.fromisoformat(self.last[0]) + timedelta(days=1):
            self.wrong.append(f"{day}: the days after {self.last[0]} are missing")
        try:
            named = orjson.loads(manifest)
            self._compare(day, named, previous)
            numbers = range(max(len(named["chains"]), len(self.chains)))
        except (ValueError, KeyError, TypeError) as error:
            self.wrong.append(f"{day}: the manifest cannot be read: {type(error).__name__}")
            named, numbers = {"chains": []}, range(len(self.chains))
        self.chains += [Chain(number) for number in numbers[len(self.chains) :]]
        told = [self._file(day, number, files.pop(number, None)) for number in numbers]
        self.wrong += [f"{day}: chain {number} has a file that the manifest does not name" for number in files]
        self._compare_files(day, named["chains"], told)
        rebuilt = canonical({"what": "audit", "day": day, "previous": previous, "chains": told}) + b"\n"
        if rebuilt != manifest and not any(wrong.startswith(f"{day}") for wrong in self.wrong):
            self.wrong.append(f"{day}: the manifest is not as it was written")
        self.last = day, hashlib.sha256(manifest).hexdigest()

    def _compare(self, day: str, named: JSON, previous: JSON | None) -> None:
        if named["day"] != day:
            self.wrong.append(f"{day}: the manifest is of {named['day']}")
        if named["previous"] != previous and self.last is None:
            self.wrong.append(f"{day}: the days before it are missing")
        elif named["previous"] != previous and self.last:
            self.wrong.append(f"{day}: it does not name the manifest of {self.last[0]} as that is")

    def _compare_files(self, day: str, named: list[JSON], told: list[JSON]) -> None:
        for number, is_so in enumerate(told):
            says = named[number] if number < len(named) else None
            if says == is_so:
                continue
            differs = [name for name in is_so if not isinstance(says, dict) or says.get(name) != is_so[name]]
            self.wrong.append(f"{day}: chain {number} is not as the manifest says: {', '.join(differs) or 'more'}")

    def _file(self, day: str, number: int, read: Read | None) -> JSON:
        """Follow the links of one file; what a manifest has to say of it."""
        content, chain, first = read() if read else b"", self.chains[number], ""
        for place, line in enumerate(content.splitlines(keepends=True), 1):
            try:
                link = orjson.loads(line)
                if canonical(link) + b"\n" != line:
                    self.wrong.append(f"{day}: chain {number}, line {place}: it is not as it was written")
                self.wrong += [f"{day}: {wrong}" for wrong in chain.follow(link)]
                first = first or chain.recorded
                if link["recorded"][:10] > day:
                    self.wrong.append(f"{day}: chain {number}, entry {link['sequence']}: it is of a later day")
            except (ValueError, KeyError, TypeError) as error:
                self.wrong.append(f"{day}: chain {number}, line {place} cannot be read: {type(error).__name__}")
        self.ends.setdefault(number, []).append(End(day, chain.sequence, chain.hash, first))
        return {
            "chain": number,
            "lines": len(content.splitlines()),
            "sha256": hashlib.sha256(content).hexdigest() if read else None,
            "sequence": chain.sequence,
            "hash": chain.hash,
        }


def verify(archive: Archive, anchor: str = "") -> Verifier:
    """The verdict on all files. anchor: the SHA-256 that the last manifest, or one before it, must have."""
    verifier, seen = Verifier(wrong=list(archive.wrong)), set()
    days: dict[str, dict[int | None, Read]] = {}
    for name, read in archive.files.items():
        if found := _NAME.fullmatch(name):
            number = int(found[4]) if found[4] else None
            days.setdefault("-".join(found.groups()[:3]), {})[number] = read
        else:
            verifier.wrong.append(f"{name} is no file of the audit log")
    for day, files in sorted(days.items()):
        if manifest := files.pop(None, None):
            verifier.read(day, manifest(), {number: read for number, read in files.items() if number is not None})
            seen.add(verifier.last[1] if verifier.last else "")
        else:
            verifier.wrong.append(f"{day}: the manifest is missing")
    if verifier.last is None:
        verifier.wrong.append("there are no files")
    if anchor and anchor not in seen:
        verifier.wrong.append("no manifest has the sum of the anchor: days are missing, or were written anew")
    return verifier


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.verify_audit", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_places(parser)
    parser.add_argument("--table", help="the table's name")
    parser.add_argument("--anchor", default="", help="the SHA-256 of a manifest, noted in another place")
    given = parser.parse_args(arguments)
    if places(given) > 1 or not (places(given) or given.table):
        parser.error("name one place of files, the table, or both")
    verdict = verify(in_place(given, "audit"), given.anchor) if places(given) else None
    wrong = verdict.wrong[:] if verdict else []
    if given.table:
        wrong += verify_table(given.table, verdict.ends if verdict else None, verdict.last if verdict else None)
    for each in wrong[:_SHOWN]:
        sys.stderr.write(f"{each}\n")
    if wrong:
        sys.stderr.write(f"{len(wrong)} findings; the first place is where to look.\n")
        return 1
    last = f" up to {verdict.last[0]}, SHA-256 {verdict.last[1]}" if verdict and verdict.last else ""
    sys.stdout.write(f"Sound{last}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
