"""Who works when: sources of work, the instant each is next due, and the threads (or the test) that do it.

Nothing polls inside a process: a source that gets work wakes the dispatcher. One watching thread notices timers
and what other processes wrote to the journal, every `WATCH` seconds.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import Protocol

from local.journal import Journal

Work = Callable[[], None]
WATCH = 0.015
_NEVER = float("inf")
log = logging.getLogger("market.local")


class Source(Protocol):
    """Something that has work at times."""

    @property
    def key(self) -> str: ...

    @property
    def concurrency(self) -> int | None: ...

    def next_due(self) -> float | None:
        """When there is next something to take."""

    def take(self) -> Work | None:
        """Claim a piece of work."""


class Dispatcher:
    """Takes work from sources when it is due and runs it, on threads or on the caller's."""

    def __init__(self, journal: Journal, sources: Iterable[Source], clock: Callable[[], float]) -> None:
        self._journal = journal
        self._sources = {source.key: source for source in sources}
        self._clock = clock
        lock = threading.Lock()
        self._changed = threading.Condition(lock)
        self._idle = threading.Condition(lock)
        self._due = dict.fromkeys(self._sources, 0.0)
        self._busy = dict.fromkeys(self._sources, 0)
        self._working = 0
        self._threads: list[threading.Thread] = []
        self._stopping = False

    def wake(self, key: str, at: float) -> None:
        """Say that a source has something at an instant (epoch seconds)."""
        if at >= self._due.get(key, -1.0):
            return
        with self._changed:
            if at < self._due[key]:
                self._due[key] = at
                self._changed.notify()

    def refresh(self) -> None:
        """Ask every source again; needed after another process wrote."""
        for key, source in self._sources.items():
            due = source.next_due()
            if due is not None:
                self.wake(key, due)

    def _claim(self, now: float) -> Source | None:
        """A source that is due, marked as being taken from. Call with the condition held."""
        chosen, earliest = None, now
        for key, at in self._due.items():
            if at <= earliest:
                source = self._sources[key]
                if source.concurrency is None or self._busy[key] < source.concurrency:
                    chosen, earliest = source, at
        if chosen is not None:
            self._due[chosen.key] = _NEVER
            self._busy[chosen.key] += 1
            self._working += 1
        return chosen

    def _run(self, source: Source) -> None:
        try:
            work = source.take()
            due = source.next_due()
            if due is not None:
                self.wake(source.key, due)
            if work is not None:
                work()
        except Exception:
            log.exception("work of %s failed", source.key)
            self.wake(source.key, self._clock() + 1.0)
        finally:
            with self._changed:
                self._busy[source.key] -= 1
                self._working -= 1
                if self._due[source.key] <= self._clock():
                    self._changed.notify()
                if not self._working:
                    self._idle.notify_all()

    def run_one(self) -> bool:
        """Do one piece of work on the calling thread; False if nothing is due."""
        with self._changed:
            source = self._claim(self._clock())
        if source is None:
            return False
        self._run(source)
        return True

    def next_due(self, *, except_for: str = "") -> float | None:
        """When anything is next due, one source left out."""
        earliest = min((at for key, at in self._due.items() if key != except_for), default=_NEVER)
        return None if earliest == _NEVER else earliest

    def start(self, threads: int) -> None:
        """Run in the background until `stop`."""
        self._stopping = False
        self._threads = [threading.Thread(target=self._worker, name=f"worker-{n}", daemon=True) for n in range(threads)]
        self._threads.append(threading.Thread(target=self._watch, name="watch", daemon=True))
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Finish the pieces of work being done, and no more."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        self._threads = []

    @property
    def running(self) -> bool:
        return bool(self._threads)

    def wait_idle(self, timeout: float) -> bool:
        """Wait until nothing is due and nothing is being done; False when that took too long."""

        def idle() -> bool:
            return not self._working and min(self._due.values(), default=_NEVER) > self._clock()

        with self._changed:
            return self._idle.wait_for(idle, timeout)

    def _worker(self) -> None:
        while True:
            with self._changed:
                source = None
                while not self._stopping and (source := self._claim(self._clock())) is None:
                    self._changed.wait()
            if source is None:
                return
            self._run(source)

    def _watch(self) -> None:
        while not self._stopping:
            time.sleep(WATCH)
            if self._journal.foreign_change():
                self.refresh()
            if min(self._due.values(), default=_NEVER) <= self._clock():
                with self._changed:
                    self._changed.notify()
