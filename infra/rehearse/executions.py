"""Completes MiniStack's state machines: timeouts by path, callback tasks that fail with their function."""

import functools
import threading
from typing import Any


def complete(machine: Any) -> None:
    _resolve_timeouts(machine)
    _fail_with_the_function(machine)


def _resolve_timeouts(machine: Any) -> None:
    """MiniStack knows TimeoutSeconds only."""
    execute = machine._execute_task

    @functools.wraps(execute)
    def executed(state: dict[str, Any], given: Any, *rest: Any) -> Any:
        if path := state.get("TimeoutSecondsPath"):
            state = {**state, "TimeoutSeconds": machine._resolve_path(path, given)}
        return execute(state, given, *rest)

    machine._execute_task = executed


def _fail_with_the_function(machine: Any) -> None:
    """MiniStack goes on to wait for the callback even if the function that was to arrange it has failed."""
    waiting = threading.local()
    invoke_and_wait, call = machine._invoke_with_callback, machine._call_lambda

    @functools.wraps(invoke_and_wait)
    def invoked(resource: str, given: Any, token: str, state: dict[str, Any]) -> Any:
        waiting.token = token
        try:
            return invoke_and_wait(resource, given, token, state)
        finally:
            waiting.token = ""

    @functools.wraps(call)
    def called(*arguments: Any) -> Any:
        try:
            return call(*arguments)
        except machine._ExecutionError as failure:
            if entry := machine._task_tokens.get(getattr(waiting, "token", "")):
                entry["error"] = {"Error": failure.error, "Cause": failure.cause}
                entry["event"].set()
            raise

    machine._invoke_with_callback, machine._call_lambda = invoked, called
