"""The book as JSON lines, for auditors: what was booked, posted and voided on a day, in a chain of files. Pure.

The first line of a file is its head: the day, the file of the day before with its SHA-256, how many lines follow, and
what of them counts, by currency and account. A change to any file breaks the chain.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from ledger.accounts import trial_balance
from ledger.contract import PENDING, POSTED, Journal, Share

Line = Mapping[str, Any]
HEAD, BOOKED = "ledger", "booked"


@dataclass(frozen=True, slots=True)
class File:
    """One day's file."""

    day: str
    content: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def name_of(day: str) -> str:
    """`ledger/2026/11/2026-11-21.jsonl`"""
    return f"ledger/{day[:4]}/{day[5:7]}/{day}.jsonl"


def booked(journal: Journal) -> Line:
    """What was booked, as it was then, whatever has become of it."""
    pending = journal.moved_at or journal.state == PENDING
    line: dict[str, Any] = {
        "what": BOOKED,
        "at": journal.at,
        "order": journal.order_id,
        "journal": journal.name,
        "state": PENDING if pending else POSTED,
        "currency": journal.currency,
        "postings": [[posting.account, posting.amount] for posting in journal.postings],
    }
    if journal.number:
        line["number"] = journal.number
    if journal.shares:
        line["shares"] = list(map(_share, journal.shares))
    return line


def _share(share: Share) -> dict[str, str | int]:
    amounts = {"gross": share.gross, "commission": share.commission, "tax": share.tax, "fees": share.fees}
    return {"vendor": share.vendor_id, **amounts, **({"subsidy": share.subsidy} if share.subsidy else {})}


def moved(journal: Journal) -> Line:
    """That a pending journal was posted or voided."""
    return {"what": journal.state, "at": journal.moved_at, "order": journal.order_id, "journal": journal.name}


def file_of(day: str, previous: tuple[str, str] | None, new: Iterable[Journal], ended: Iterable[Journal]) -> File:
    """The file of a day, the same whenever it is made.

    previous: (day, SHA-256) of the file before; new: the journals booked on the day, ended: those posted or voided.
    """
    new, ended = list(new), list(ended)
    lines = sorted([*map(booked, new), *map(moved, ended)], key=_order)
    counted = [journal for journal in new if not journal.moved_at and journal.state == POSTED]
    counted += [journal for journal in ended if journal.state == POSTED]
    head = {
        "what": HEAD,
        "day": day,
        "previous": {"day": previous[0], "sha256": previous[1]} if previous else None,
        "lines": len(lines),
        "totals": totals(counted),
    }
    return File(day, b"".join(orjson.dumps(line) + b"\n" for line in (head, *lines)))


def totals(journals: Iterable[Journal]) -> dict[str, dict[str, int]]:
    """What the posted ones add to each account, by currency, then by account."""
    found: dict[str, dict[str, int]] = {}
    for (account, currency), amount in sorted(trial_balance(journals)[0].items()):
        found.setdefault(currency, {})[account] = amount
    return found


def _order(line: Line) -> tuple[str, str, str, str]:
    return line["at"], line["order"], line["journal"], line["what"]
