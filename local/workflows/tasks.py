"""Runs the tasks of state machines: functions, queue messages, events, other executions."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from local.templates import function_name
from local.workflows.errors import DATA_LIMIT, StateError

JSON = dict[str, Any]
Integration = Callable[[JSON], Any]
Invoke = Callable[[str, Any], Any]
LIMIT = 262_144


class Tasks:
    """Plays task resources; `integrations` maps such as `sqs:sendMessage` to what does it."""

    def __init__(self, invoke: Invoke, known: Callable[[str], bool], integrations: Mapping[str, Integration]) -> None:
        self._invoke = invoke
        self._known = known
        self._integrations = integrations

    def supports(self, resource: str) -> bool:
        """Whether a task with this resource can be played."""
        return resource == "lambda:invoke" or ":function:" in resource or resource in self._integrations

    def perform(self, resource: str, arguments: Any) -> Any:
        """Run a task and return its result. Raises StateError."""
        if resource == "lambda:invoke":
            payload = self._call(str(arguments["FunctionName"]), arguments.get("Payload", {}))
            return {
                "ExecutedVersion": "$LATEST",
                "Payload": payload,
                "SdkHttpMetadata": {"HttpStatusCode": 200},
                "SdkResponseMetadata": {"RequestId": "local"},
                "StatusCode": 200,
            }
        if ":function:" in resource:
            return self._call(resource, arguments)
        try:
            return self._integrations[resource](arguments)
        except StateError:
            raise
        except Exception as error:
            service = resource.split(":")[0].capitalize()
            raise StateError(f"{service}.{type(error).__name__}", str(error)) from error

    def _call(self, function: str, payload: Any) -> Any:
        name = function_name(function)
        if not self._known(name):
            raise StateError("Lambda.ResourceNotFoundException", f"Function not found: {function}")
        try:
            text = orjson.dumps(self._invoke(name, payload), option=_AS_JSON)
        except Exception as error:
            raise StateError(type(error).__name__, _cause(error)) from error
        if len(text) > LIMIT:
            raise StateError(DATA_LIMIT, "The result of the task exceeds the maximum of 262144 bytes.")
        return orjson.loads(text)


_AS_JSON = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_SUBCLASS


def _cause(error: Exception) -> str:
    return orjson.dumps({"errorMessage": str(error), "errorType": type(error).__name__}).decode()
