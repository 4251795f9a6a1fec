"""One step of an execution: pure decisions over the branch tree, no database and no task run here.

A `Walk` is given the tree and something that has happened (time, a result, a token's answer); it moves every branch it
can until each waits for something outside, and leaves behind what must now be done: tasks to run, tokens to
register or close, history to append, and perhaps the outcome of the whole execution.
"""

import itertools
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from local.workflows.branch import Branch
from local.workflows.definition import Catcher, Machine, State
from local.workflows.distributed import EXCEEDED, READER, READER_FAILED
from local.workflows.errors import HEARTBEAT, RUNTIME, TIMEOUT, StateError, as_state_error, matches, seconds
from local.workflows.paths import MISSING

JSON = dict[str, Any]
Path = tuple[int, ...]
_attempts = itertools.count(1)


@dataclass(slots=True)
class Launch:
    """A task to run: its resource and arguments, and where its result belongs."""

    path: Path
    attempt: int
    state: str
    resource: str
    arguments: Any


@dataclass(slots=True)
class Outcome:
    """How a machine or a branch ended; `error` is None when it succeeded."""

    output: Any = None
    error: str | None = None
    cause: str | None = None


@dataclass(slots=True)
class _Move:
    """Leave the current state with this output, to `next`, or out of the machine when it is None."""

    next: str | None
    output: Any


@dataclass(slots=True)
class _Line:
    """A branch, the machine it runs in, and the line above it."""

    branch: Branch
    machine: Machine
    path: Path
    above: "_Line | None" = None

    @property
    def state(self) -> State:
        return self.machine.states[self.branch.at]


@dataclass(slots=True)
class Walk:
    """The interpreter at work on one execution."""

    machine: Machine
    root: Branch
    context: JSON
    now: float
    retry_scale: float = 1.0
    launches: list[Launch] = field(default_factory=list)
    opened: list[tuple[str, Path]] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    history: list[JSON] = field(default_factory=list)
    outcome: Outcome | None = None
    expired: bool = False
    _vacant: list["_Line"] = field(default_factory=list)

    def begin(self) -> None:
        """Enter the first state."""
        self._go(_Line(self.root, self.machine, ()), _Move(self.machine.start, self.root.input))

    def resume(self) -> None:
        """Launch again what was running when the process died; the token stays the same."""
        for path, branch in list(self.root.leaves()):
            if branch.wait in ("task", "call") and (line := self._alive(path, branch)) is not None:
                self._again(line)

    def _again(self, line: _Line) -> None:
        line.branch.attempt = next(_attempts)
        self._guard(line, lambda: self._launch(line, line.state))

    def finish(self) -> list[Launch]:
        """Fill the room that finished map items left; the tasks that must now be run."""
        while self._vacant:
            line = self._vacant.pop(0)
            if line.branch.items and self.outcome is None:
                self._next_item(line)
        return [launch for launch in self.launches if self._wanted(launch)] if self.outcome is None else []

    def _wanted(self, launch: Launch) -> bool:
        line = self._line(launch.path)
        return line is not None and line.branch.attempt == launch.attempt and line.branch.wait in ("task", "call")

    def tick(self) -> None:
        """Let time do what is due."""
        for path, branch in list(self.root.leaves()):
            if branch.due is None and branch.beat is None:
                continue
            if (line := self._alive(path, branch)) is None:
                continue
            if branch.due is not None and branch.due <= self.now:
                self._time_is_up(line)
            elif branch.beat is not None and branch.beat <= self.now:
                self._settle(line, StateError(HEARTBEAT, ""))

    def answer(self, token: str, path: Path, outcome: Outcome) -> None:
        """Give a token's answer to the branch waiting for it, if there is still one."""
        line = self._line(path)
        if line is not None and line.branch.token == token:
            self._settle(line, _result(outcome))

    def returned(self, path: Path, attempt: int, outcome: Outcome) -> None:
        """Take a task's result, unless the branch has moved on (a timeout, or its token's answer)."""
        line = self._line(path)
        if line is None or line.branch.attempt != attempt or line.branch.wait not in ("task", "call"):
            return
        if line.branch.wait == "call" and outcome.error is None:
            line.branch.wait = "token"
        else:
            self._settle(line, _result(outcome))

    def beat(self, path: Path, token: str) -> None:
        """Note a heartbeat."""
        line = self._line(path)
        if line is not None and line.branch.token == token and line.branch.pace is not None:
            line.branch.beat = self.now + line.branch.pace

    def _line(self, path: Path) -> _Line | None:
        line = _Line(self.root, self.machine, ())
        for at in path:
            if at >= len(line.branch.kids):
                return None
            branches = line.state.branches
            machine = branches[at] if line.state.kind == "Parallel" else branches[0]
            line = _Line(line.branch.kids[at], machine, (*line.path, at), line)
        return line

    def _alive(self, path: Path, branch: Branch) -> _Line | None:
        line = self._line(path)
        return line if line is not None and line.branch is branch and self.outcome is None else None

    def _time_is_up(self, line: _Line) -> None:
        branch, state = line.branch, line.state
        if branch.wait == "timer":
            self._guard(line, lambda: self._left(line, state.effective(branch.input, self._context(line))))
        elif branch.wait == "retry":
            branch.rest()
            self._guard(line, lambda: self._run(line))
        else:
            self._settle(line, StateError(TIMEOUT, ""))

    def _settle(self, line: _Line, result: Any) -> None:
        """A task, or the branches of a state, gave a result or an error."""
        self._close(line.branch)
        reading = line.state.spread and line.branch.wait == "task"
        if isinstance(result, StateError):
            self._go(line, self._failed(line, StateError(READER_FAILED, result.cause) if reading else result))
        elif line.state.spread and reading:
            found = line.state.spread.items
            self._guard(line, lambda: self._fan_out(line, found(result)))
        else:
            self._guard(line, lambda: self._left(line, result))

    def _left(self, line: _Line, result: Any) -> _Move:
        state = line.state
        return _Move(state.next, state.combined(line.branch.input, result, self._context(line)))

    def _guard(self, line: _Line, step: Callable[[], _Move | None]) -> None:
        try:
            move = step()
        except Exception as error:
            move = self._failed(line, as_state_error(error))
        self._go(line, move)

    def _go(self, line: _Line, move: _Move | None) -> None:
        """Follow moves until the line waits or ends."""
        while move is not None:
            branch = line.branch
            if move.next is None:
                branch.rest()
                self._ended(line, Outcome(move.output))
                return
            branch.rest()
            branch.at, branch.input, branch.entered, branch.tries = move.next, move.output, self.now, []
            self.history.append({"at": self.now, "type": f"{line.state.kind}StateEntered", "name": branch.at})
            try:
                move = self._run(line)
            except Exception as error:
                move = self._failed(line, as_state_error(error))

    def _run(self, line: _Line) -> _Move | None:
        found: Callable[[_Line, State], _Move | None] = getattr(self, f"_{line.state.kind.lower()}")
        return found(line, line.state)

    def _ended(self, line: _Line, outcome: Outcome) -> None:
        above = line.above
        if above is None:
            self.outcome = outcome
            return
        if outcome.error is not None and not above.state.spread:
            self._settle(above, StateError(outcome.error, outcome.cause))
            return
        line.branch.wait, line.branch.output = "done", outcome.output
        line.branch.input, line.branch.failed = None, outcome.error is not None
        kids = above.branch.kids
        if above.state.spread and above.state.spread.exceeded(sum(kid.failed for kid in kids), len(kids)):
            self._settle(above, StateError(EXCEEDED, "More items failed than are tolerated."))
        elif above.branch.items:
            self._vacant.append(above)
        elif all(kid.wait == "done" for kid in kids):
            self._settle(above, [kid.output for kid in kids if not kid.failed])

    def _failed(self, line: _Line, error: StateError) -> _Move | None:
        """Retry, else catch, else end the branch with the error."""
        branch, state = line.branch, line.state
        self._close(branch)
        self.history.append({"at": self.now, "type": "Failed", "name": state.name, "error": error.error})
        for at, retrier in enumerate(state.retry):
            if not matches(retrier.names, error.error):
                continue
            branch.tries = branch.tries or [0] * len(state.retry)
            if branch.tries[at] >= retrier.attempts:
                break
            branch.tries[at] += 1
            branch.rest()
            branch.wait, branch.due = "retry", self.now + retrier.delay(branch.tries[at]) * self.retry_scale
            return None
        for catcher in state.catch:
            if matches(catcher.names, error.error):
                try:
                    return _Move(catcher.next, _caught(catcher, branch.input, error))
                except StateError as worse:
                    error = worse
                    break
        branch.rest()
        self._ended(line, Outcome(error=error.error, cause=error.cause))
        return None

    def _close(self, branch: Branch) -> None:
        if branch.token is not None:
            self.closed.append(branch.token)
        for kid in branch.kids:
            self._close(kid)

    def _context(self, line: _Line) -> JSON:
        branch = line.branch
        entered = datetime.fromtimestamp(branch.entered, UTC).isoformat(timespec="milliseconds")
        state = {"Name": branch.at, "EnteredTime": entered.replace("+00:00", "Z"), "RetryCount": sum(branch.tries)}
        context = {**self.context, "State": state}
        if branch.token is not None:
            context["Task"] = {"Token": branch.token}
        above: _Line | None = line
        while above is not None:
            if above.branch.item is not None:
                context["Map"] = {"Item": above.branch.item}
                break
            above = above.above
        return context

    def _task(self, line: _Line, state: State) -> None:
        branch = line.branch
        if state.waits:
            branch.token = uuid.uuid4().hex + uuid.uuid4().hex
            self.opened.append((branch.token, line.path))
        context = self._context(line)
        given = branch.input if state.input is None else state.input(branch.input, context)
        if state.timeout is not None:
            branch.due = self.now + seconds(state.timeout(given, context))
        if state.heartbeat is not None:
            branch.pace = seconds(state.heartbeat(given, context))
            branch.beat = self.now + branch.pace
        branch.attempt = next(_attempts)
        branch.wait = "call" if state.waits else "task"
        self._launch(line, state)

    def _launch(self, line: _Line, state: State) -> None:
        branch, context = line.branch, self._context(line)
        if state.spread:
            given = branch.input if state.input is None else state.input(branch.input, context)
            self.launches.append(
                Launch(line.path, branch.attempt, state.name, READER, state.spread.arguments(given, context))
            )
            return
        arguments = state.effective(branch.input, context)
        self.launches.append(Launch(line.path, branch.attempt, state.name, state.resource, arguments))

    def _pass(self, line: _Line, state: State) -> _Move:
        context = self._context(line)
        given = state.effective(line.branch.input, context)
        result = given if state.result is MISSING else state.result
        return _Move(state.next, state.combined(line.branch.input, result, context))

    def _choice(self, line: _Line, state: State) -> _Move:
        context = self._context(line)
        given = state.effective(line.branch.input, context)
        chosen = next((name for test, name in state.rules if test(given, context)), state.default)
        if chosen is None:
            raise StateError(
                RUNTIME, "Failed to transition out of the state. No choice matched, and there is no Default."
            )
        return _Move(chosen, given if state.output is None else state.output(given, context))

    def _wait(self, line: _Line, state: State) -> None:
        context = self._context(line)
        assert state.until is not None
        try:
            due = state.until(state.effective(line.branch.input, context), context, self.now)
        except (TypeError, ValueError) as error:
            raise StateError(RUNTIME, f"not a time to wait for: {error}") from error
        line.branch.wait, line.branch.due = "timer", due

    def _succeed(self, line: _Line, state: State) -> _Move:
        context = self._context(line)
        given = state.effective(line.branch.input, context)
        return _Move(None, given if state.output is None else state.output(given, context))

    def _fail(self, line: _Line, state: State) -> None:
        context, given = self._context(line), line.branch.input
        error = None if state.error is None else str(state.error(given, context))
        cause = None if state.cause is None else str(state.cause(given, context))
        self._ended(line, Outcome(error=error or "", cause=cause))

    def _parallel(self, line: _Line, state: State) -> None:
        given = state.effective(line.branch.input, self._context(line))
        self._split(line, [(machine, Branch(machine.start, given)) for machine in state.branches])

    def _map(self, line: _Line, state: State) -> _Move | None:
        if state.spread:
            line.branch.attempt, line.branch.wait = next(_attempts), "task"
            self._launch(line, state)
            return None
        context = self._context(line)
        assert state.items is not None
        given = line.branch.input if state.input is None else state.input(line.branch.input, context)
        items = state.items(given, context)
        if not isinstance(items, list):
            raise StateError(RUNTIME, f"{state.name}: ItemsPath does not lead to a list")
        return self._fan_out(line, items)

    def _fan_out(self, line: _Line, items: list[Any]) -> _Move | None:
        branch, context, state = line.branch, self._context(line), line.state
        given = branch.input if state.input is None else state.input(branch.input, context)
        if not items:
            return self._left(line, [])
        limit = 0 if state.concurrency is None else int(state.concurrency(given, context))
        branch.room = limit or len(items)
        kids = []
        for at, item in enumerate(items):
            about = {"Index": at, "Value": item}
            inner = {**context, "Map": {"Item": about}}
            selected = item if state.parameters is None else state.parameters(given, inner)
            kids.append(Branch(state.branches[0].start, selected, item=about))
        self._split(line, [(state.branches[0], kid) for kid in kids])
        return None

    def _split(self, line: _Line, parts: list[tuple[Machine, Branch]]) -> None:
        line.branch.wait, line.branch.kids = "kids", [kid for _, kid in parts]
        room = line.branch.room or len(parts)
        line.branch.items = list(range(room, len(parts))) or None
        for at, (machine, kid) in enumerate(parts[:room]):
            if line.branch.wait == "kids" and at < len(line.branch.kids) and line.branch.kids[at] is kid:
                self._go(_Line(kid, machine, (*line.path, at), line), _Move(machine.start, kid.input))

    def _next_item(self, line: _Line) -> None:
        assert line.branch.items
        at = line.branch.items.pop(0)
        kid, machine = line.branch.kids[at], line.state.branches[0]
        self._go(_Line(kid, machine, (*line.path, at), line), _Move(machine.start, kid.input))


def _caught(catcher: Catcher, raw: Any, error: StateError) -> Any:
    report = {"Error": error.error, "Cause": error.cause or ""}
    return raw if catcher.write is None else catcher.write(raw, report)


def _result(outcome: Outcome) -> Any:
    return outcome.output if outcome.error is None else StateError(outcome.error, outcome.cause)
