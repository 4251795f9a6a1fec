"""Requests at once, call by call: each runs in a thread of its own that stops before every AWS and provider call until
its turn comes, so that one schedule is one order of calls, the same each time."""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.faults.cells.wires import Cell, Do

Actor = Callable[[], Any]
Switch = tuple[int, str]
"""Before turn number so and so, this actor goes on instead of the one that was going."""
_PATIENCE_SECONDS = 60.0


class Stuck(AssertionError):
    """An actor waits for something else than its turn."""


@dataclass(frozen=True)
class Turn:
    """Who had the turn, and who else could have had it."""

    actor: str
    others: tuple[str, ...]
    free: bool
    """Whether nobody was interrupted for it: the first turn, or the one after an actor's end."""


class _Runner:
    """An actor in its thread."""

    def __init__(self, name: str, act: Actor, stopped: threading.Semaphore) -> None:
        self.go, self.over = threading.Semaphore(0), False
        self.result: Any = None
        self._act, self._stopped = act, stopped
        self.thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.thread.start()

    def pause(self) -> None:
        """Give the turn back and wait for the next."""
        self._stopped.release()
        if not self.go.acquire(timeout=_PATIENCE_SECONDS):
            raise Stuck(self.thread.name)

    def _run(self) -> None:
        self.go.acquire()
        try:
            self.result = self._act()
        except BaseException as error:
            self.result = error
        self.over = True
        self._stopped.release()


class Stage:
    """Lets actors take turns, one at a time, as switches say; is the tap that stops them before their calls."""

    def __init__(self) -> None:
        self._runners: dict[str, _Runner] = {}
        self._by_thread: dict[int | None, _Runner] = {}

    def __call__(self, _: Cell, do: Do) -> Any:
        runner = self._by_thread.get(threading.get_ident())
        if runner:
            runner.pause()
        return do()

    def play(self, actors: Mapping[str, Actor], switches: tuple[Switch, ...]) -> tuple[dict[str, Any], list[Turn]]:
        """Let all come to their ends; what each answered or raised, and the turns there were."""
        stopped = threading.Semaphore(0)
        self._runners = {name: _Runner(name, act, stopped) for name, act in actors.items()}
        self._by_thread = {runner.thread.ident: runner for runner in self._runners.values()}
        wanted, turns, going = dict(switches), list[Turn](), ""
        while alive := [name for name, runner in self._runners.items() if not runner.over]:
            free = going not in alive
            going = wanted.get(len(turns), alive[0] if free else going)
            assert going in alive, "a switch to an actor that is over"
            turns.append(Turn(going, tuple(name for name in alive if name != going), free))
            self._runners[going].go.release()
            if not stopped.acquire(timeout=_PATIENCE_SECONDS):
                raise Stuck(going)
        for runner in self._runners.values():
            runner.thread.join(_PATIENCE_SECONDS)
        return {name: runner.result for name, runner in self._runners.items()}, turns


Play = Callable[[tuple[Switch, ...]], list[Turn]]


def explore(play: Play, *, preemptions: int, most: int = 0) -> Iterator[tuple[Switch, ...]]:
    """Play every schedule with at most so many preemptions, each once; yields those that were played.

    most: of those with all their preemptions about so many are played, evenly spread; 0 for all.
    """
    waiting: list[tuple[tuple[Switch, ...], int]] = [((), 0)]
    last: list[tuple[tuple[Switch, ...], int]] = []
    while waiting or last:
        if not waiting:
            waiting, last = last[:: max(1, len(last) // most) if most else 1], []
        switches, spent = waiting.pop()
        turns = play(switches)
        yield switches
        first = switches[-1][0] + 1 if switches else 0
        for number in range(first, len(turns)):
            cost = spent + (not turns[number].free)
            if cost <= preemptions:
                following = last if spent < cost == preemptions else waiting
                following += [((*switches, (number, other)), cost) for other in turns[number].others]


def sample(play: Play, *, dice: Random, times: int, preemptions: int) -> Iterator[tuple[Switch, ...]]:
    """Play some schedules of any number of actors, chosen by dice; yields those that were played."""
    for _ in range(times):
        switches: tuple[Switch, ...] = ()
        spent, at = 0, 0
        while True:
            turns = play(switches)
            open_ = [n for n in range(at, len(turns)) if turns[n].others and spent + (not turns[n].free) <= preemptions]
            if not open_ or dice.random() < 0.2:
                break
            at = dice.choice(open_)
            spent += not turns[at].free
            switches = (*switches, (at, dice.choice(turns[at].others)))
            at += 1
        yield switches
