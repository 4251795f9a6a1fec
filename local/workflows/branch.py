"""Where an execution is: a tree of branches that is stored as JSON at every transition."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

JSON = dict[str, Any]
_DEFAULTS: JSON = {
    "wait": "", "due": None, "beat": None, "pace": None, "token": None, "attempt": 0, "tries": [], "item": None,
    "output": None, "kids": [], "items": None, "room": 0, "failed": False,
}  # fmt: skip


@dataclass(slots=True)
class Branch:
    """One line of control, at a state, with the input the state was entered with.

    wait is one of: task (being run), call (a task with a token, being run), token (run; its token not yet answered),
    timer (Wait), retry (about to try again), kids (branches or map items below), done (a finished branch), or empty.
    failed: it is the item of a distributed map, and done without a result.
    due: when it times out or goes on, epoch seconds. beat: when the next heartbeat is late; pace: its interval.
    """

    at: str
    input: Any
    entered: float = 0.0
    wait: str = ""
    due: float | None = None
    beat: float | None = None
    pace: float | None = None
    token: str | None = None
    attempt: int = 0
    tries: list[int] = field(default_factory=list)
    item: JSON | None = None
    output: Any = None
    kids: list["Branch"] = field(default_factory=list)
    items: list[Any] | None = None
    room: int = 0
    failed: bool = False

    def next_due(self) -> float | None:
        """When time alone moves this branch or one below it."""
        times = [t for t in (self.due, self.beat) if t is not None]
        times += [t for kid in self.kids if (t := kid.next_due()) is not None]
        return min(times) if times else None

    def leaves(self, path: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], "Branch"]]:
        """Every branch without branches below it."""
        if not self.kids:
            yield path, self
        for at, kid in enumerate(self.kids):
            yield from kid.leaves((*path, at))

    def rest(self) -> None:
        """Forget what the branch was waiting for."""
        self.wait, self.due, self.beat, self.pace, self.token = "", None, None, None, None
        self.kids, self.items = [], None


def dump(branch: Branch) -> str:
    return orjson.dumps(_lean(branch)).decode()


def _lean(branch: Branch) -> JSON:
    shape: JSON = {"at": branch.at, "input": branch.input, "entered": branch.entered}
    for name, default in _DEFAULTS.items():
        value = getattr(branch, name)
        if value != default:
            shape[name] = [_lean(kid) for kid in value] if name == "kids" else value
    return shape


def load(text: str) -> Branch:
    return _branch(orjson.loads(text))


def _branch(shape: JSON) -> Branch:
    if "kids" in shape:
        shape["kids"] = [_branch(kid) for kid in shape["kids"]]
    return Branch(**shape)
