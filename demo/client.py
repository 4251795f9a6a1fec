"""A small HTTP client for the marketplace's API: one connection, JSON in and out, nothing but the standard library."""

import http.client
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answer:
    """status, and the body as JSON (None if there was none)."""

    status: int
    json: Any

    def __str__(self) -> str:
        return f"{self.status} {json.dumps(self.json)[:400]}"


class Client:
    """Talks to one marketplace; `url` may have a path, which every request is put behind."""

    def __init__(self, url: str, *, timeout: float = 30.0) -> None:
        parts = urlsplit(url)
        self.url = url.rstrip("/")
        self._base = parts.path.rstrip("/")
        secure = parts.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        self._connection = kind(parts.hostname or "127.0.0.1", parts.port, timeout=timeout)

    def call(
        self, method: str, path: str, body: Any = None, *, token: str = "", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request. A connection that the server closed meanwhile is opened once more, for reads only."""
        sent = {"accept": "application/json"} | dict(headers or {})
        content = None
        if body is not None:
            content, sent["content-type"] = json.dumps(body), "application/json"
        if token:
            sent["authorization"] = f"Bearer {token}"
        try:
            return self._exchange(method, path, content, sent)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            self._connection.close()
            if method != "GET":
                raise
            return self._exchange(method, path, content, sent)

    def _exchange(self, method: str, path: str, content: str | None, headers: Mapping[str, str]) -> Answer:
        self._connection.request(method, self._base + path, content, dict(headers))
        response = self._connection.getresponse()
        text = response.read()
        return Answer(response.status, json.loads(text) if text else None)


class NotInTime(AssertionError):
    """Something that should have happened by now has not."""


def until(question: Callable[[], Any], what: str, *, patience: float = 90.0) -> Any:
    """Ask again and again until the answer is true, and give it. Raises NotInTime."""
    end, pause = time.monotonic() + patience, 0.02
    while not (answer := question()):
        if time.monotonic() > end:
            raise NotInTime(f"{what}: not within {patience:.0f} s")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.5)
    return answer
