"""A small HTTP client of the marketplace: one kept connection a thread, patient with a busy server."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

__all__ = ["Answer", "Client", "Refused"]

_PATIENCE = 6
_TIMEOUT = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    json: Any

    @property
    def code(self) -> str:
        """Of a problem; empty for a success."""
        return str(self.json.get("code", "")) if self.status >= 400 and isinstance(self.json, dict) else ""


class Refused(RuntimeError):
    """The marketplace answered with a problem where a success was needed."""

    def __init__(self, what: str, answer: Answer) -> None:
        problem = answer.json if isinstance(answer.json, dict) else {}
        super().__init__(f"{what}: {answer.status} {problem.get('code', '')} {problem.get('detail', '')}".strip())
        self.answer = answer


class Client:
    """Calls one marketplace by its address, such as `http://127.0.0.1:8080`. Safe to share between threads."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r} is not the address of a marketplace")
        self._make: Callable[[], HTTPConnection] = lambda: (
            HTTPSConnection(str(parts.hostname), parts.port, timeout=_TIMEOUT)
            if parts.scheme == "https"
            else HTTPConnection(str(parts.hostname), parts.port, timeout=_TIMEOUT)
        )
        self._base = parts.path.rstrip("/")
        self._local = threading.local()

    def call(
        self,
        method: str,
        path: str,
        json: Any = None,
        token: str | None = None,
        raw: bytes | None = None,
        *,
        again: bool = True,
    ) -> Answer:
        """One request. again: try anew after a lost connection and where the server asks to (429, 503).

        Raises ConnectionError where the server cannot be reached.
        """
        headers, body = _content(json, raw)
        if token:
            headers["authorization"] = f"Bearer {token}"
        for attempt in range(_PATIENCE if again else 1):
            try:
                answer = self._once(method, self._base + path, body, headers)
            except (OSError, HTTPException) as lost:
                self._close()
                if attempt + 1 == _PATIENCE or not again:
                    raise ConnectionError(f"{method} {path}: {lost or type(lost).__name__}") from lost
            else:
                if answer.status not in (429, 503) or attempt + 1 == _PATIENCE:
                    return answer
            time.sleep(0.05 * 4**attempt)
        raise AssertionError("unreachable")

    def ok(self, method: str, path: str, json: Any = None, token: str | None = None, raw: bytes | None = None) -> Any:
        """The JSON of a successful answer. Raises Refused for any other."""
        answer = self.call(method, path, json, token, raw)
        if answer.status >= 400:
            raise Refused(f"{method} {path}", answer)
        return answer.json

    def sign_in(self, email: str, password: str) -> str:
        """An access token. Raises Refused."""
        session = self.ok("POST", "/v1/auth/login", {"email": email, "password": password})
        return str(session["accessToken"])

    def _once(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._make()
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return Answer(response.status, _read(response.read()))

    def _close(self) -> None:
        connection = self._local.__dict__.pop("connection", None)
        if connection is not None:
            connection.close()


def _content(body: Any, raw: bytes | None) -> tuple[dict[str, str], bytes | None]:
    if raw is not None:
        return {"content-type": "application/octet-stream"}, raw
    if body is None:
        return {}, None
    return {"content-type": "application/json"}, json.dumps(body, ensure_ascii=False).encode()


def _read(content: bytes) -> Any:
    try:
        return json.loads(content) if content else None
    except ValueError:
        return None
