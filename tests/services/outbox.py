"""Reads what was announced."""

import json
from typing import Any

from market.events import SHARDS
from market.manifest import Manifest
from market.table import OUTBOX, Table

_NOBODY = Table(Manifest(service="nobody", prefixes=(), functions=()))


def announced() -> list[dict[str, Any]]:
    """The envelopes of all events, in the order of their ids."""
    items = [item for shard in range(SHARDS) for item in _NOBODY.query(f"{OUTBOX}{shard}", limit=1000).items]
    return [json.loads(item["envelope"]) for item in sorted(items, key=lambda item: item["sk"])]
