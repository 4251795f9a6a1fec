"""Words that are suggested while somebody types: tags and brands, found by how they begin.

A word is an item under its first letter (`TAG#l` / `lamp`), so that a prefix is one query of one partition.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from datetime import timedelta

from market import clock, config
from market.table import Key, Write, put

TAGS = "TAG#"
KEPT = timedelta(days=400)
"""A tag that no product on sale was given for so long is suggested no more."""
_MOST_REMEMBERED = 20_000
_seen: set[tuple[str, Key]] = set()


def folded(text: str) -> str:
    """The same for `Lego`, `LEGO` and ` lego `."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def word_key(prefix: str, word: str) -> Key:
    """Where a word is; the word has at least one letter."""
    key = folded(word)
    return Key(f"{prefix}{key[0]}", key)


def unseen(tags: Iterable[str]) -> list[Write]:
    """What puts tags among those suggested, but for those that this process knows to be there."""
    keys = {word_key(TAGS, tag): tag for tag in tags if folded(tag)}
    return [
        put(key, {"name": tag, "expires_at": clock.epoch(KEPT)})
        for key, tag in sorted(keys.items(), key=lambda pair: pair[0].sk)
        if (_table(), key) not in _seen
    ]


def remember(writes: Sequence[Write]) -> None:
    """These tags were written."""
    if len(_seen) + len(writes) > _MOST_REMEMBERED:
        _seen.clear()
    _seen.update((_table(), write.key) for write in writes)


def _table() -> str:
    return config.setting("TABLE_NAME")
