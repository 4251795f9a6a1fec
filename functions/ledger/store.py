"""Reads of the ledger. There is no write here: journals are written by `contract.book`, inside their transactions."""

import orjson

from ledger.contract import Posting
from ledger.manifest import MANIFEST
from ledger.model import Journal
from market.table import Table

_table = Table(MANIFEST)


def of_order(order_id: str) -> list[Journal]:
    """The journals of an order, in the order of their names."""
    return [
        Journal(
            name=item["sk"],
            currency=item["currency"],
            at=item["at"],
            postings=tuple(Posting(*posting) for posting in orjson.loads(item["postings"])),
        )
        for item in _table.query(f"LED#{order_id}", limit=100).items
    ]
