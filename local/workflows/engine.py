"""Executions: started, moved and remembered in the journal.

Every transition is one commit, so after kill -9 each execution goes on at the state it was in; a task that was
running is run again. Any process may start executions and answer tokens; the one that runs them picks it up.
"""

import json
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from local.journal import Journal
from local.templates import StateMachine
from local.workflows import branch as branches
from local.workflows.branch import Branch
from local.workflows.definition import Machine, machine
from local.workflows.errors import TIMEOUT, Refused, StateError
from local.workflows.interpreter import Launch, Outcome, Walk
from local.workflows.tasks import Tasks

JSON = dict[str, Any]
Work = Callable[[], None]
KEY = "executions"


class ExecutionAlreadyExists(Exception):
    """The name was used before, with another input."""


class NoSuchExecution(Exception):
    """No execution has this ARN."""


class NoSuchMachine(Exception):
    """No state machine has this ARN."""


class InvalidToken(Exception):
    """Nobody ever gave out this task token."""


class TaskTimedOut(Exception):
    """The task of this token has ended: answered, failed or timed out."""


@dataclass(frozen=True, slots=True)
class Execution:
    """An execution as its caller sees it. Times are epoch seconds; input and output are JSON values."""

    arn: str
    machine: str
    name: str
    status: str
    input: Any
    started: float
    stopped: float | None = None
    output: Any = None
    error: str | None = None
    cause: str | None = None


_COLUMNS = "machine, name, status, input, started, stopped, output, error, cause"


class Engine:
    """The state machines of the marketplace."""

    def __init__(
        self,
        journal: Journal,
        machines: Mapping[str, StateMachine],
        tasks: Tasks,
        *,
        clock: Callable[[], float] = time.time,
        retry_scale: float = 1.0,
    ) -> None:
        self._journal = journal
        self._tasks = tasks
        self._clock = clock
        self._scale = retry_scale
        self._arns = {name: m.arn for name, m in machines.items()}
        self._machines: dict[str, Machine] = {}
        for name, declared in machines.items():
            try:
                self._machines[name] = machine(declared.definition, tasks.supports)
            except Refused as error:
                raise Refused(f"{name}: {error}") from error
        self._ready: deque[tuple[int, Launch]] = deque()
        self._guard = threading.Lock()
        self.wake: Callable[[str, float], None] = lambda key, at: None

    # -- what callers ask

    def start(self, machine_arn: str, name: str | None = None, given: Any = None) -> str:
        """Start an execution and return its ARN; the same name and input again return the same one.

        Raises ExecutionAlreadyExists for a used name with another input, or one that has ended, as AWS does;
        NoSuchMachine.
        """
        which = machine_arn.rsplit(":", 1)[-1]
        if which not in self._machines:
            raise NoSuchMachine(machine_arn)
        name = name or str(uuid.uuid4())
        text = orjson.dumps({} if given is None else given).decode()
        now = self._clock()
        limit = self._machines[which].timeout
        with self._journal.transaction() as db:
            added = db.execute(
                "INSERT OR IGNORE INTO executions (machine, name, input, status, started, deadline, due_at)"
                " VALUES (?, ?, ?, 'RUNNING', ?, ?, ?)",
                (which, name, text, now, None if limit is None else now + limit, now),
            ).rowcount
            if not added:
                status, before = db.execute(
                    "SELECT status, input FROM executions WHERE machine = ? AND name = ?", (which, name)
                ).fetchone()
                if before != text or status != "RUNNING":
                    raise ExecutionAlreadyExists(self._arn(which, name))
        if added:
            self.wake(KEY, now)
        return self._arn(which, name)

    def succeed(self, token: str, output: Any) -> None:
        """Answer a task token with its result. Raises InvalidToken, TaskTimedOut."""
        self._answer(token, {"output": output})

    def fail(self, token: str, error: str = "", cause: str = "") -> None:
        """Answer a task token with a failure. Raises InvalidToken, TaskTimedOut."""
        self._answer(token, {"error": error, "cause": cause})

    def heartbeat(self, token: str) -> None:
        """Say that the task of a token is still at work. Raises InvalidToken, TaskTimedOut."""
        with self._journal.transaction():
            execution, path = self._open_token(token)
            walk = self._walk(execution)
            if walk is None:
                raise TaskTimedOut(token)
            walk.beat(path, token)
            self._save(execution, walk)

    def _open_token(self, token: str) -> tuple[int, tuple[int, ...]]:
        row = self._journal.one("SELECT execution, path, outcome, closed FROM tokens WHERE token = ?", (token,))
        if row is None:
            raise InvalidToken(token)
        if row[2] is not None or row[3]:
            raise TaskTimedOut(token)
        return row[0], tuple(json.loads(row[1]))

    def _answer(self, token: str, outcome: JSON) -> None:
        now = self._clock()
        with self._journal.transaction() as db:
            execution, _ = self._open_token(token)
            db.execute("UPDATE tokens SET outcome = ? WHERE token = ?", (orjson.dumps(outcome).decode(), token))
            db.execute("UPDATE executions SET due_at = ? WHERE id = ? AND status = 'RUNNING'", (now, execution))
        self.wake(KEY, now)

    def stop(self, arn: str, error: str | None = None, cause: str | None = None) -> None:
        """Abort a running execution; one that has ended stays as it is. Raises NoSuchExecution."""
        self.describe(arn)
        with self._journal.transaction() as db:
            db.execute(
                "UPDATE executions SET status = 'ABORTED', stopped = ?, error = ?, cause = ?, due_at = NULL"
                " WHERE machine = ? AND name = ? AND status = 'RUNNING'",
                (self._clock(), error, cause, *_parts(arn)),
            )

    def describe(self, arn: str) -> Execution:
        """An execution by its ARN. Raises NoSuchExecution."""
        row = self._journal.one(f"SELECT {_COLUMNS} FROM executions WHERE machine = ? AND name = ?", _parts(arn))  # noqa: S608
        if row is None:
            raise NoSuchExecution(arn)
        return self._execution(row)

    def executions(self, machine: str | None = None, status: str | None = None) -> list[Execution]:
        """Executions, newest first, of one machine (name or ARN) or all, in one status or all."""
        rows = self._journal.rows(
            f"SELECT {_COLUMNS} FROM executions WHERE (?1 IS NULL OR machine = ?1)"  # noqa: S608
            " AND (?2 IS NULL OR status = ?2) ORDER BY id DESC",
            (machine.rsplit(":", 1)[-1] if machine else None, status),
        )
        return [self._execution(row) for row in rows]

    def history(self, arn: str) -> list[str]:
        """The names of the states an execution has entered, in order. Raises NoSuchExecution."""
        return [e["name"] for e in self.events(arn) if e["type"].endswith("StateEntered")]

    def events(self, arn: str) -> list[JSON]:
        """Everything remembered of an execution: states entered and failures, with times. Raises NoSuchExecution."""
        row = self._journal.one("SELECT history FROM executions WHERE machine = ? AND name = ?", _parts(arn))
        if row is None:
            raise NoSuchExecution(arn)
        return [orjson.loads(line) for line in row[0].splitlines()]

    def _execution(self, row: Any) -> Execution:
        which, name, status, given, started, stopped, output, error, cause = row
        result = None if output is None else orjson.loads(output)
        arn = self._arn(which, name)
        return Execution(arn, which, name, status, orjson.loads(given), started, stopped, result, error, cause)

    def _arn(self, which: str, name: str) -> str:
        arn = self._arns.get(which, f"arn:aws:states:us-east-1:000000000000:stateMachine:{which}")
        return arn.replace(":stateMachine:", ":execution:") + f":{name}"

    # -- what the runner does

    def next_due(self) -> float | None:
        """When an execution next has something to do; 0 if a task is ready to be run now."""
        if self._ready:
            return 0.0
        row = self._journal.one("SELECT MIN(due_at) FROM executions WHERE due_at IS NOT NULL")
        return None if row[0] is None else float(row[0])

    def take(self) -> Work | None:
        """The next piece of work, claimed for the caller, or None."""
        if not self._ready:
            self._move_due()
        try:
            execution, launch = self._ready.popleft()
        except IndexError:
            return None
        return lambda: self._perform(execution, launch)

    def recover(self) -> None:
        """Take up every running execution where the last process left it."""
        for (execution,) in self._journal.rows(
            "SELECT id FROM executions WHERE status = 'RUNNING' AND branch IS NOT NULL"
        ):
            with self._journal.transaction():
                if (walk := self._walk(execution)) is not None:
                    walk.resume()
                    self._ready.extend((execution, launch) for launch in self._save(execution, walk))

    def _move_due(self) -> None:
        with self._journal.transaction() as db:
            row = db.execute(
                "SELECT id FROM executions WHERE due_at IS NOT NULL AND due_at <= ? ORDER BY due_at LIMIT 1",
                (self._clock(),),
            ).fetchone()
            if row is None:
                return
            (execution,) = row
            walk = self._walk(execution)
            if walk is None:
                return
            walk.tick()
            self._ready.extend((execution, launch) for launch in self._save(execution, walk))

    def _perform(self, execution: int, launch: Launch) -> None:
        """Run a task and move its execution; go on with the next task of the same execution, if there is one."""
        following: tuple[int, Launch] | None = (execution, launch)
        while following is not None:
            _, launch = following
            try:
                outcome = Outcome(self._tasks.perform(launch.resource, launch.arguments))
            except StateError as error:
                outcome = Outcome(error=error.error, cause=error.cause)
            launches = self._returned(execution, launch, outcome)
            following = (execution, launches[0]) if launches else None
            if len(launches) > 1:
                self._ready.extend((execution, other) for other in launches[1:])
                self.wake(KEY, 0.0)

    def _returned(self, execution: int, launch: Launch, outcome: Outcome) -> list[Launch]:
        with self._journal.transaction():
            walk = self._walk(execution)
            if walk is None:
                return []
            walk.returned(launch.path, launch.attempt, outcome)
            return self._save(execution, walk)

    def _walk(self, execution: int) -> Walk | None:
        """The execution's tree, ready to move; None when it has ended."""
        row = self._journal.connection.execute(
            "SELECT machine, name, input, started, deadline, branch, status FROM executions WHERE id = ?", (execution,)
        ).fetchone()
        if row is None or row[6] != "RUNNING":
            return None
        which, name, given, started, deadline, tree, _ = row
        now = self._clock()
        inputs = orjson.loads(given)
        root = Branch(self._machines[which].start, inputs) if tree is None else branches.load(tree)
        walk = Walk(self._machines[which], root, self._context(which, name, inputs, started), now, self._scale)
        if deadline is not None and deadline <= now:
            walk.outcome, walk.expired = Outcome(error=TIMEOUT, cause=""), True
        elif tree is None:
            walk.begin()
        else:
            self._apply_answers(execution, walk)
        return walk

    def _apply_answers(self, execution: int, walk: Walk) -> None:
        for token, path, outcome in self._journal.connection.execute(
            "SELECT token, path, outcome FROM tokens WHERE execution = ? AND outcome IS NOT NULL AND closed = 0",
            (execution,),
        ).fetchall():
            walk.closed.append(token)
            walk.answer(token, tuple(json.loads(path)), Outcome(**orjson.loads(outcome)))

    def _context(self, which: str, name: str, given: Any, started: float) -> JSON:
        began = datetime.fromtimestamp(started, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        role = f"arn:aws:iam::000000000000:role/{which}"
        execution = {"Id": self._arn(which, name), "Input": given, "Name": name, "RoleArn": role, "StartTime": began}
        return {"Execution": execution, "StateMachine": {"Id": self._arns[which], "Name": which}}

    def _save(self, execution: int, walk: Walk) -> list[Launch]:
        """Commit where the execution is now; the tasks to run."""
        launches = walk.finish()
        db = self._journal.connection
        history = "".join(orjson.dumps(entry).decode() + "\n" for entry in walk.history)
        if walk.closed:
            db.executemany("UPDATE tokens SET closed = 1 WHERE token = ?", [(token,) for token in walk.closed])
        if walk.opened:
            db.executemany(
                "INSERT INTO tokens (token, execution, path) VALUES (?, ?, ?)",
                [(token, execution, json.dumps(path)) for token, path in walk.opened],
            )
        if walk.outcome is not None:
            self._end(execution, walk, walk.outcome, history)
            return []
        due = walk.root.next_due()
        db.execute(
            "UPDATE executions SET branch = ?1, history = history || ?2, due_at ="
            " CASE WHEN deadline IS NULL THEN ?3 ELSE min(deadline, coalesce(?3, deadline)) END WHERE id = ?4",
            (branches.dump(walk.root), history, due, execution),
        )
        if due is not None:
            self.wake(KEY, due)
        return launches

    def _end(self, execution: int, walk: Walk, outcome: Outcome, history: str) -> None:
        status = "TIMED_OUT" if walk.expired else "SUCCEEDED" if outcome.error is None else "FAILED"
        output = orjson.dumps(outcome.output).decode() if outcome.error is None else None
        db = self._journal.connection
        db.execute(
            "UPDATE executions SET status = ?, stopped = ?, output = ?, error = ?, cause = ?, due_at = NULL,"
            " branch = NULL, history = history || ? WHERE id = ?",
            (status, walk.now, output, outcome.error, outcome.cause, history, execution),
        )
        db.execute("UPDATE tokens SET closed = 1 WHERE execution = ? AND closed = 0", (execution,))


def _parts(arn: str) -> tuple[str, str]:
    """The machine and the name in an execution's ARN. Raises NoSuchExecution."""
    parts = arn.split(":")
    if len(parts) != 8 or parts[5] != "execution":
        raise NoSuchExecution(arn)
    return parts[6], parts[7]
