"""A state machine's definition, checked and compiled once.

Whatever this interpreter does not play is refused here, by name, and not half-way through somebody's order.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from local.workflows import choices, distributed
from local.workflows.errors import STATES_ALL, Refused
from local.workflows.intrinsics import Value, expression, is_intrinsic, path_value
from local.workflows.paths import MISSING, writer
from local.workflows.payload import template

JSON = dict[str, Any]
_COMMON = {"Type", "Comment", "QueryLanguage"}
_FLOW = {"Next", "End"}
_PATHS = {"InputPath", "OutputPath"}
_RESULT = {"ResultPath", "ResultSelector", "Parameters", "Retry", "Catch"}
_FIELDS = {
    "Task": _FLOW | _PATHS | _RESULT | {"Resource", "TimeoutSeconds", "TimeoutSecondsPath"}
    | {"HeartbeatSeconds", "HeartbeatSecondsPath"},
    "Pass": _FLOW | _PATHS | {"Result", "ResultPath", "Parameters"},
    "Choice": _PATHS | {"Choices", "Default"},
    "Wait": _FLOW | _PATHS | {"Seconds", "SecondsPath", "Timestamp", "TimestampPath"},
    "Succeed": _PATHS,
    "Fail": {"Error", "ErrorPath", "Cause", "CausePath"},
    "Parallel": _FLOW | _PATHS | _RESULT | {"Branches"},
    "Map": _FLOW | _PATHS | _RESULT
    | {"ItemsPath", "ItemSelector", "ItemProcessor", "Iterator", "MaxConcurrency", "MaxConcurrencyPath"}
    | distributed.FIELDS,
}  # fmt: skip
_WAITING = ".waitForTaskToken"


@dataclass(slots=True)
class Retrier:
    """Wait `interval` seconds, times `rate` for each further attempt, never more than `ceiling`."""

    names: tuple[str, ...]
    interval: float
    attempts: int
    rate: float
    ceiling: float

    def delay(self, tries: int) -> float:
        return float(min(self.interval * self.rate ** (tries - 1), self.ceiling))


@dataclass(slots=True)
class Catcher:
    names: tuple[str, ...]
    next: str
    write: Callable[[Any, Any], Any] | None


@dataclass(slots=True)
class State:
    """One state. `next` is None where the state ends its machine; a value of None means that the field is absent."""

    name: str
    kind: str
    next: str | None = None
    input: Value | None = None
    output: Value | None = None
    parameters: Value | None = None
    selector: Value | None = None
    write: Callable[[Any, Any], Any] | None = None
    retry: tuple[Retrier, ...] = ()
    catch: tuple[Catcher, ...] = ()
    resource: str = ""
    waits: str = ""
    timeout: Value | None = None
    heartbeat: Value | None = None
    result: Any = MISSING
    rules: list[tuple[choices.Test, str]] = field(default_factory=list)
    default: str | None = None
    until: Callable[[Any, Any, float], float] | None = None
    error: Value | None = None
    cause: Value | None = None
    branches: list["Machine"] = field(default_factory=list)
    items: Value | None = None
    concurrency: Value | None = None
    spread: distributed.Distributed | None = None

    def effective(self, raw: Any, context: Any) -> Any:
        """The input after InputPath and Parameters."""
        given = raw if self.input is None else self.input(raw, context)
        return given if self.parameters is None else self.parameters(given, context)

    def combined(self, raw: Any, result: Any, context: Any) -> Any:
        """The output: ResultSelector, ResultPath into the raw input, OutputPath."""
        if self.selector is not None:
            result = self.selector(result, context)
        document = raw if self.write is None else self.write(raw, result)
        return document if self.output is None else self.output(document, context)


@dataclass(slots=True)
class Machine:
    """A machine, or a branch of one. `timeout` in seconds."""

    start: str
    states: Mapping[str, State]
    timeout: float | None = None


def machine(shape: JSON, supports: Callable[[str], bool], *, where: str = "machine") -> Machine:
    """Compile a definition. `supports` says which task resources can be played. Raises Refused."""
    allowed = {"Comment", "StartAt", "States", "TimeoutSeconds", "Version", "QueryLanguage", "ProcessorConfig"}
    _only(shape, allowed, where)
    try:
        states = {name: _state(name, s, supports) for name, s in shape["States"].items()}
        start = shape["StartAt"]
    except KeyError as error:
        raise Refused(f"{where}: {error} is missing") from error
    compiled = Machine(start, states, shape.get("TimeoutSeconds"))
    _connected(compiled, where)
    return compiled


def _connected(compiled: Machine, where: str) -> None:
    for state in compiled.states.values():
        targets = [state.next, state.default, *(c.next for c in state.catch), *(name for _, name in state.rules)]
        for target in targets:
            if target is not None and target not in compiled.states:
                raise Refused(f"{where}: {state.name} leads to {target}, which is not a state")
    if compiled.start not in compiled.states:
        raise Refused(f"{where}: StartAt {compiled.start} is not a state")


def _only(shape: JSON, allowed: set[str], where: str) -> None:
    if shape.get("QueryLanguage", "JSONPath") != "JSONPath":
        raise Refused(f"{where}: only the JSONPath query language is played locally")
    if unknown := sorted(set(shape) - allowed):
        raise Refused(f"{where}: {', '.join(unknown)} is not played locally")


def _state(name: str, shape: JSON, supports: Callable[[str], bool]) -> State:
    kind = shape.get("Type", "")
    if kind not in _FIELDS:
        raise Refused(f"{name}: the state type {kind!r} is not known")
    _only(shape, _COMMON | _FIELDS[kind], name)
    if "Next" in _FIELDS[kind] and ("Next" in shape) == bool(shape.get("End")):
        raise Refused(f"{name}: exactly one of Next and End is needed")
    try:
        state = State(
            name=name,
            kind=kind,
            next=shape.get("Next"),
            input=_selection(shape, "InputPath"),
            output=_selection(shape, "OutputPath"),
            parameters=template(shape["Parameters"]) if "Parameters" in shape else None,
            selector=template(shape["ResultSelector"]) if "ResultSelector" in shape else None,
            write=_result_path(shape),
            retry=tuple(map(_retrier, _alone_and_last(shape.get("Retry", ())))),
            catch=tuple(map(_catcher, _alone_and_last(shape.get("Catch", ())))),
        )
        _COMPLETE.get(kind, _nothing)(state, shape, supports)
    except Refused as error:
        raise Refused(f"{name}: {error}") from error
    except KeyError as error:
        raise Refused(f"{name}: {error} is missing") from error
    return state


def _selection(shape: JSON, key: str) -> Value | None:
    path = shape.get(key, "$")
    if path == "$":
        return None
    if path is None:
        return lambda data, context: {}
    return expression(path) if is_intrinsic(path) else path_value(path)


def _result_path(shape: JSON) -> Callable[[Any, Any], Any] | None:
    path = shape.get("ResultPath", "$")
    return None if path is None else writer(path)


def _alone_and_last(handlers: Any) -> Any:
    for at, handler in enumerate(handlers):
        names = handler["ErrorEquals"]
        if not names:
            raise Refused("ErrorEquals is empty")
        if STATES_ALL in names and (len(names) > 1 or at != len(handlers) - 1):
            raise Refused("States.ALL stands alone and in the last place")
    return handlers


def _retrier(shape: JSON) -> Retrier:
    _only(
        shape,
        {"ErrorEquals", "IntervalSeconds", "MaxAttempts", "BackoffRate", "MaxDelaySeconds", "JitterStrategy"}
        | {"Comment"},
        "Retry",
    )
    return Retrier(
        names=tuple(shape["ErrorEquals"]),
        interval=shape.get("IntervalSeconds", 1),
        attempts=shape.get("MaxAttempts", 3),
        rate=shape.get("BackoffRate", 2.0),
        ceiling=shape.get("MaxDelaySeconds", 31_536_000),
    )


def _catcher(shape: JSON) -> Catcher:
    _only(shape, {"ErrorEquals", "Next", "ResultPath", "Comment"}, "Catch")
    return Catcher(tuple(shape["ErrorEquals"]), shape["Next"], _result_path(shape))


def _nothing(state: State, shape: JSON, supports: Callable[[str], bool]) -> None:
    """Wait for nothing more: Succeed has only its paths."""


def _either(shape: JSON, key: str) -> Value | None:
    """A constant, or a path or intrinsic call under `<key>Path`."""
    if f"{key}Path" in shape:
        return expression(shape[f"{key}Path"])
    if key not in shape:
        return None
    constant = shape[key]
    return lambda data, context: constant


def _task(state: State, shape: JSON, supports: Callable[[str], bool]) -> None:
    resource: str = shape["Resource"]
    state.waits = "token" if resource.endswith(_WAITING) else ""
    state.resource = resource.removesuffix(_WAITING).removeprefix("arn:aws:states:::")
    if not supports(state.resource) or (state.waits and ":function:" in resource):
        raise Refused(f"the resource {resource} is not played locally")
    state.timeout = _either(shape, "TimeoutSeconds")
    state.heartbeat = _either(shape, "HeartbeatSeconds")


def _pass(state: State, shape: JSON, supports: Callable[[str], bool]) -> None:
    state.result = shape.get("Result", MISSING)


def _choice(state: State, shape: JSON, supports: Callable[[str], bool]) -> None:
    state.rules = [(choices.rule(rule), rule["Next"]) for rule in shape["Choices"]]
    state.default = shape.get("Default")


def _wait(state: State, shape: JSON, supports: Callable[[str], bool]) -> None:
    seconds, timestamp = _either(shape, "Seconds"), _either(shape, "Timestamp")
    if (seconds is None) == (timestamp is None):
        raise Refused("exactly one of Seconds, SecondsPath, Timestamp, TimestampPath is needed")
    if seconds is not None:
        state.until = lambda data, context, now: now + max(0.0, float(seconds(data, context)))
    elif timestamp is not None:
        state.until = lambda data, context, now: choices.instant(timestamp(data, context)).timestamp()


def _fail(state: State, shape: JSON, supports: Callable[[str], bool]) -> None:
    state.error, state.cause = _either(shape, "Error"), _either(shape, "Cause")


def _parallel(state: State, shape: JSON, supports: Callable[[str], bool]) -> None:
    state.branches = [machine(branch, supports, where=state.name) for branch in shape["Branches"]]


def _map(state: State, shape: JSON, supports: Callable[[str], bool]) -> None:
    processor = shape.get("ItemProcessor") or shape["Iterator"]
    state.branches = [machine(processor, supports, where=state.name)]
    if distributed.is_distributed(processor):
        state.spread = distributed.distributed(shape)
        if not supports(distributed.READER):
            raise Refused(f"the resource {distributed.READER} is not played locally")
    elif unknown := sorted(distributed.FIELDS & set(shape)):
        raise Refused(f"{', '.join(unknown)} belongs to a distributed map")
    state.items = path_value(shape.get("ItemsPath", "$"))
    state.concurrency = _either(shape, "MaxConcurrency")
    if "ItemSelector" in shape:
        state.parameters = template(shape["ItemSelector"])


_COMPLETE: dict[str, Callable[[State, JSON, Callable[[str], bool]], None]] = {
    "Task": _task,
    "Pass": _pass,
    "Choice": _choice,
    "Wait": _wait,
    "Fail": _fail,
    "Parallel": _parallel,
    "Map": _map,
}
