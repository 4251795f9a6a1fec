"""What can happen: a network is blocked or let in again, something is heard of an account, a person forgives it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from ipaddress import ip_address, ip_network

from abuse import gateway, store
from abuse.model import (
    MOST_BLOCKS,
    OK,
    AlreadyBlocked,
    Block,
    ListBusy,
    ListFull,
    NoSuchBlock,
    OwnAddress,
    Score,
    network_of,
)
from market import clock, ids, log
from market.errors import Unprocessable

_ATTEMPTS = 8
Entries = Mapping[str, Block]


def block(network: str, *, reason: str, until: int | None, by: str, own_address: str) -> Block:
    """Turn a network away, until `until` (epoch seconds) or for good.

    Raises Unprocessable, OwnAddress, AlreadyBlocked, ListFull, ListBusy.
    """
    wanted, now = network_of(network), clock.epoch()
    if until is not None and until <= now:
        errors = [{"field": "body.endsAt", "code": "in_the_past", "message": "must be in the future"}]
        raise Unprocessable("The block would be over already.", errors=errors)
    if own_address and ip_address(own_address) in ip_network(wanted):
        raise OwnAddress("You would lock yourself out.")
    made = Block(id=ids.new("blk"), network=wanted, reason=reason, added_by=by, added_at=clock.timestamp(), until=until)

    def add(entries: Entries) -> Entries:
        if any(entry.network == wanted for entry in entries.values()):
            raise AlreadyBlocked("This network is on the list already.")
        if len(entries) >= MOST_BLOCKS:
            raise ListFull(f"The list holds {MOST_BLOCKS} networks.")
        return {**entries, made.id: made}

    _change(add)
    log.info("network blocked", block_id=made.id, until=until)
    return made


def unblock(block_id: str) -> None:
    """Let a network in again. Raises NoSuchBlock, ListBusy."""

    def remove(entries: Entries) -> Entries:
        if block_id not in entries:
            raise NoSuchBlock("There is no such block.")
        return {known: entry for known, entry in entries.items() if known != block_id}

    _change(remove)
    log.info("network let in again", block_id=block_id)


def blocks() -> list[Block]:
    """Those that last, the latest first."""
    entries, _ = store.blocks()
    lasting = [entry for entry in entries.values() if entry.lasts(clock.epoch())]
    return sorted(lasting, key=lambda entry: (entry.added_at, entry.id), reverse=True)


def tidy() -> int:
    """Drop blocks that are over; the kernel stopped minding them on the second. Returns how many."""
    entries, _ = store.blocks()
    over = sum(not entry.lasts(clock.epoch()) for entry in entries.values())
    if over:
        _change(lambda found: found)
    return over


def _change(change: Callable[[Entries], Entries]) -> None:
    """Change the list as it is now; what has ended goes with every change."""
    for _ in range(_ATTEMPTS):
        entries, seen = store.blocks()
        lasting = {block_id: entry for block_id, entry in entries.items() if entry.lasts(clock.epoch())}
        try:
            store.save_blocks(change(lasting), seen)
            return
        except store.Stale:
            continue
    raise ListBusy("Please try again.")


def push() -> None:
    """Bring the list, as it is now, to the firewall; in any order and any number of times."""
    entries, _ = store.blocks()
    now = clock.epoch()
    gateway.replace_blocked(sorted(entry.network for entry in entries.values() if entry.lasts(now)))


def hear(user_id: str, signal: str, signal_id: str) -> None:
    """Count a signal of an account, at most once for each id; of one that was erased, none.

    Raises Stale where others keep counting too.
    """
    for attempt in range(_ATTEMPTS):
        before = store.score(user_id)
        if before.erased:
            return
        changed = before.with_signal(signal, clock.epoch())
        try:
            store.save_score(changed, before, signal_id=signal_id)
        except store.AlreadyCounted:
            return
        except store.Stale:
            if attempt == _ATTEMPTS - 1:
                raise
            continue
        if changed.level != before.level:
            log.info("abuse level changed", user_id=user_id, level=changed.level, before=before.level)
        return


def score_of(user_id: str) -> Score:
    """The score as it is now; a clean one for whom nothing was heard of."""
    found, now = store.score(user_id), clock.epoch()
    return replace(found, hundredths=found.faded(now), level=found.level_at(now), at=found.at)


erase = store.erase


def forgive(user_id: str) -> None:
    """Set a score to nothing; what was heard stays counted. Raises Stale."""
    before = store.score(user_id)
    if not before.hundredths:
        return
    now = max(clock.epoch(), before.at)
    clean = replace(before, hundredths=0, at=now, level="ok", version=before.version + 1)
    store.save_score(clean, before, signal_id=ids.ulid())
    log.info("abuse score forgiven", user_id=user_id, before=before.level, level=OK)
