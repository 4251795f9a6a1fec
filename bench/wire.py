"""A load client that costs almost nothing itself: one kept-alive socket, requests as ready bytes."""

import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson


class Wire:
    """One client's connection."""

    def __init__(self, url: str, token: str = "") -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or "127.0.0.1"
        self._socket = socket.create_connection((self._host, parts.port or 80), timeout=30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._headers = f"Host: {self._host}\r\n".encode()
        if token:
            self._headers += f"Authorization: Bearer {token}\r\n".encode()

    def call(self, method: str, path: str, body: Any = None, key: str = "") -> tuple[int, bytes]:
        """One exchange: (status, body)."""
        content = orjson.dumps(body) if body is not None else b""
        head = f"{method} {path} HTTP/1.1\r\n".encode() + self._headers
        if body is not None:
            head += b"Content-Type: application/json\r\n"
        if key:
            head += f"Idempotency-Key: {key}\r\n".encode()
        self._socket.sendall(head + f"Content-Length: {len(content)}\r\n\r\n".encode() + content)
        return self._answer()

    def json(self, method: str, path: str, body: Any = None, key: str = "", *, expect: int = 200) -> Any:
        """The JSON of an answer that must have the status."""
        status, content = self.call(method, path, body, key)
        if status != expect:
            raise AssertionError(f"{method} {path}: {status} {content[:300]!r}")
        return orjson.loads(content) if content else None

    def _answer(self) -> tuple[int, bytes]:
        data = b""
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._more()
        head = data[:end].lower()
        start = head.find(b"content-length:") + 15
        length = int(head[start : head.find(b"\r\n", start) if head.find(b"\r\n", start) > 0 else None])
        while len(data) < end + 4 + length:
            data += self._more()
        return int(head[9:12]), data[end + 4 : end + 4 + length]

    def _more(self) -> bytes:
        data = self._socket.recv(262_144)
        if not data:
            raise ConnectionError("the server closed the connection")
        return data


@dataclass(frozen=True)
class Load:
    """What a load did. seconds: wall time; times: milliseconds of each unit of work, sorted."""

    seconds: float
    times: list[float]

    @property
    def rate(self) -> float:
        return len(self.times) / self.seconds

    def percentile(self, share: float) -> float:
        return self.times[min(len(self.times) - 1, int(len(self.times) * share))]

    def __str__(self) -> str:
        return f"{self.rate:8.1f}/s   p50 {self.percentile(0.5):7.1f} ms   p99 {self.percentile(0.99):7.1f} ms"


def drive(works: list[Callable[[int], None]], seconds: float) -> Load:
    """Let each client repeat its work (given the number of the repetition) for so many seconds, all at once."""
    end = time.perf_counter() + seconds

    def repeat(work: Callable[[int], None]) -> list[float]:
        times, number = [], 0
        while (began := time.perf_counter()) < end:
            work(number)
            times.append((time.perf_counter() - began) * 1000)
            number += 1
        return times

    began = time.perf_counter()
    with ThreadPoolExecutor(len(works)) as clients:
        times = [time_ for client in clients.map(repeat, works) for time_ in client]
    return Load(time.perf_counter() - began, sorted(times))
