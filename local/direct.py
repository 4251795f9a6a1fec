"""The short way to the embedded database: DynamoDB calls answered over a plain kept-alive connection.

botocore still builds every call. Signing it, sending it through two HTTP libraries and parsing the answer by its model
would cost three times what the database itself does. Only item operations go this way; their answers look the same
but for binary attributes, which the marketplace does not have.
"""

import socket
import weakref
from collections import deque
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import orjson
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError

from local.database import SIGNATURE

__all__ = ["install"]

JSON = dict[str, Any]
_OPERATIONS = (
    "GetItem",
    "PutItem",
    "UpdateItem",
    "DeleteItem",
    "Query",
    "BatchGetItem",
    "BatchWriteItem",
    "TransactGetItems",
    "TransactWriteItems",
)
_END = b"\r\n\r\n"
_LENGTH = b"content-length: "
_SECONDS = 30.0


class _Closed(Exception):
    """The other side has closed a kept connection before it answered."""


def install(events: Any, url: str) -> None:
    """Send the item operations of a session whose clients are made afterwards straight to the dynoxide at `url`."""
    connections = _Connections(url)
    for operation in _OPERATIONS:
        events.register(f"before-call.dynamodb.{operation}", connections.answer)


class _Connections:
    """Connections that nobody uses right now; each thread takes one for one exchange."""

    def __init__(self, url: str) -> None:
        self._url, self._port = url, int(url.rsplit(":", 1)[1])
        self._idle: deque[socket.socket] = deque()
        weakref.finalize(self, _close, self._idle)
        self._head = (
            f"POST / HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/x-amz-json-1.0\r\n"
            f"authorization: {SIGNATURE}\r\nx-amz-date: 20260101T000000Z\r\nx-amz-target: "
        ).encode()

    def answer(self, params: JSON, model: Any, **_: Any) -> tuple[Any, JSON]:
        body = params["body"]
        content = body if isinstance(body, bytes) else body.encode()
        target = f"DynamoDB_20120810.{model.name}\r\ncontent-length: {len(content)}\r\n\r\n".encode()
        status, document = self._exchange(b"".join((self._head, target, content)))
        answer: JSON = orjson.loads(document) if document else {}
        metadata = {"HTTPStatusCode": status, "HTTPHeaders": {}, "RetryAttempts": 0, "RequestId": "local"}
        if status >= 300:
            code = str(answer.pop("__type", "InternalServerError")).rpartition("#")[2]
            message = answer.get("message") or answer.pop("Message", "")
            answer["Error"] = {"Code": code, "Message": message}
        answer["ResponseMetadata"] = metadata
        return SimpleNamespace(status_code=status, headers={}, content=document), answer

    def _exchange(self, request: bytes) -> tuple[int, bytes]:
        """Where a kept connection turns out to have been closed, the request goes again, on a new one."""
        try:
            return self._over(self._idle.pop(), request)
        except (IndexError, _Closed):
            pass
        try:
            return self._over(self._connect(), request)
        except _Closed as error:
            raise ConnectionClosedError(endpoint_url=self._url, error=error) from error

    def _connect(self) -> socket.socket:
        try:
            connection = socket.create_connection(("127.0.0.1", self._port), timeout=_SECONDS)
        except OSError as error:
            raise EndpointConnectionError(endpoint_url=self._url, error=error) from error
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def _over(self, connection: socket.socket, request: bytes) -> tuple[int, bytes]:
        received = b""
        try:
            connection.sendall(request)
            while _END not in received:
                received += _more(connection)
            head, _, document = received.partition(_END)
            missing = _length(head) - len(document)
            while missing > 0:
                part = _more(connection)
                document, missing = document + part, missing - len(part)
        except (OSError, _Closed) as error:
            connection.close()
            if received or isinstance(error, TimeoutError):  # it may have been carried out
                raise ConnectionClosedError(endpoint_url=self._url, error=error) from error
            raise _Closed from error
        self._idle.append(connection)
        return int(head[9:12]), document


def _close(connections: Iterable[socket.socket]) -> None:
    for connection in connections:
        connection.close()


def _more(connection: socket.socket) -> bytes:
    part = connection.recv(262_144)
    if not part:
        raise _Closed
    return part


def _length(head: bytes) -> int:
    lowered = head.lower()
    at = lowered.index(_LENGTH) + len(_LENGTH)
    return int(lowered[at:].partition(b"\r\n")[0])
