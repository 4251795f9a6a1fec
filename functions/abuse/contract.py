"""What other services may read of the abuse service: the level of an account, from one item.

item = table.get(score_key(user_id))
if level_of_item(item, clock.epoch()) == LIMITED: ...
"""

from collections.abc import Mapping
from typing import Any

from abuse.manifest import MANIFEST as MANIFEST
from abuse.model import LIMITED as LIMITED
from abuse.model import OK as OK
from abuse.model import WATCH as WATCH
from abuse.model import Level, Score
from market.table import Key


def score_key(user_id: str) -> Key:
    return Key(f"ABU#{user_id}")


def read_score(user_id: str, item: Mapping[str, Any] | None) -> Score:
    """The score as stored; a clean one where there is none."""
    if not item:
        return Score(user_id=user_id)
    names = ("hundredths", "at", "level", "counts", "version")
    return Score(user_id=user_id, erased="erased_at" in item, **{name: item[name] for name in names})


def level_of_item(item: Mapping[str, Any] | None, now: int) -> Level:
    """ok, watch or limited, as of `now` (epoch seconds)."""
    return read_score("", item).level_at(now)
