"""Appends entries to their chains: each once, whatever is told twice, late or at the same time."""

from collections.abc import Iterable

from audit import store
from audit.model import Entry, Moved, extend
from market import clock, log
from market.table import Busy

AT_ONCE = 10
"""Entries of one transaction: each is at most eight items, and a transaction has room for a hundred."""
_PATIENCE = 20


def append(entries: Iterable[Entry]) -> int:
    """Store those entries that are not stored yet, in the order given; answers how many. Raises Busy.

    Entries of one chain become links in one transaction. After Busy some may be stored; telling them again is safe.
    """
    chains: dict[int, dict[str, Entry]] = {}
    for entry in entries:
        chains.setdefault(entry.chain, {}).setdefault(entry.id, entry)
    added = 0
    for chain, waiting in chains.items():
        told = list(waiting.values())
        for start in range(0, len(told), AT_ONCE):
            added += _append(chain, told[start : start + AT_ONCE])
    return added


def _append(chain: int, entries: list[Entry]) -> int:
    """Where others append to the same chain meanwhile, look again where it ends: one of all who try gets on."""
    for _ in range(_PATIENCE):
        head, known = store.standing(chain, (entry.id for entry in entries))
        for entry in entries:
            if known.get(entry.id, entry.sha256) != entry.sha256:
                log.ring("audit entry was told otherwise before", "AuditContradicted", entry_id=entry.id)
        new = [entry for entry in entries if entry.id not in known]
        if not new:
            return 0
        try:
            store.append(head, list(extend(chain, head, new, clock.timestamp())), new)
        except (Moved, Busy):
            continue
        return len(new)
    raise Busy("Others kept appending to the chain.")
