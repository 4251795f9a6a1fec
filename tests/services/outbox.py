"""Reads what was announced."""

import json
from typing import Any

from market.events import SHARDS
from market.guard.audit import RECORDED
from market.manifest import Manifest
from market.table import OUTBOX, Table

_NOBODY = Table(Manifest(service="nobody", prefixes=(), functions=()))


def announced() -> list[dict[str, Any]]:
    """The envelopes of all events, in the order of their ids; audit records apart."""
    items = [item for shard in range(SHARDS) for item in _NOBODY.query(f"{OUTBOX}{shard}", limit=1000).items]
    kept = (item for item in sorted(items, key=lambda item: item["sk"]) if item["type"] != RECORDED)
    return [json.loads(item["envelope"]) for item in kept]
