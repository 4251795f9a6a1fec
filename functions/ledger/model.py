"""What the book consists of."""

from dataclasses import dataclass

from ledger.contract import Posting


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """One booked fact, such as `capture`; its postings sum to zero."""

    name: str
    currency: str
    at: str
    postings: tuple[Posting, ...]
