"""Answers AWS calls in process, and refuses loudly those that nobody answers.

An answer is given at botocore's `before-call`: nothing is signed, sent or parsed, and errors carry AWS's codes.
What no handler answers never reaches a network.
"""

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

__all__ = ["AwsError", "NotEmulated", "refuse_the_rest", "serve"]

JSON = dict[str, Any]
Answer = Callable[[JSON], JSON]
_DATABASE = "dynamodb"
_METADATA = {"HTTPStatusCode": 200, "HTTPHeaders": {}, "RetryAttempts": 0, "RequestId": "local"}


class AwsError(Exception):
    """An error as the service itself would answer it."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.status = code, status


class NotEmulated(RuntimeError):
    """A call that the marketplace on one machine does not play."""


def serve(events: Any, service: str, operations: Mapping[str, Answer]) -> None:
    """Let `operations` answer the calls of a service, by its hyphenated id such as `cognito-identity-provider`.

    `events` are those of the session whose clients are made afterwards. Each answer gets the call's parameters.
    """
    for operation, answer in operations.items():
        events.register(f"before-parameter-build.{service}.{operation}", _remember)
        events.register(f"before-call.{service}.{operation}", _answering(answer))


def refuse_the_rest(events: Any) -> None:
    """Raise NotEmulated for every call but the database's that has no answer, and for every address but our own."""
    events.register_last("before-call", _refuse)
    events.register_last("before-send", _stay_here)


def _remember(params: JSON, context: JSON, **_: Any) -> None:
    context["asked"] = params


def _answering(answer: Answer) -> Callable[..., tuple[Any, JSON]]:
    def respond(context: JSON, **_: Any) -> tuple[Any, JSON]:
        try:
            given = answer(context["asked"])
        except AwsError as error:
            shown = {"Code": error.code, "Message": str(error)}
            metadata = _METADATA | {"HTTPStatusCode": error.status}
            return _response(error.status), {"Error": shown, "message": str(error), "ResponseMetadata": metadata}
        return _response(200), {**given, "ResponseMetadata": dict(_METADATA)}

    return respond


def _response(status: int) -> Any:
    return SimpleNamespace(status_code=status, headers={}, content=b"")


def _refuse(model: Any, **_: Any) -> None:
    service = model.service_model.service_id.hyphenize()
    if service != _DATABASE:
        raise NotEmulated(f"{service}:{model.name} is not played on one machine (see local/cloud.py).")


def _stay_here(request: Any, **_: Any) -> None:
    host = urlsplit(request.url).hostname
    if host != "127.0.0.1":
        raise NotEmulated(f"A request to {host} was about to leave this machine.")
