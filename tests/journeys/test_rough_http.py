"""Bytes that are no proper HTTP, or too much of it, over a real connection: the server stays and answers the next."""

import contextlib
import socket
from collections.abc import Iterator

import pytest

from local.harness import Running

pytestmark = pytest.mark.contract("25.1")
_HOST = b"host: 127.0.0.1\r\n"
JSON = b"content-type: application/json\r\n"
LOGIN = b"POST /v1/auth/login HTTP/1.1\r\n" + _HOST + JSON
ROUGH = {
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)),
    "another protocol": b"EHLO example.com\r\n\r\n",
    "no version": b"GET /\r\n\r\n",
    "an endless line": b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\n" + _HOST + b"\r\n",
    "control characters": b"GET /\x00\x01 HTTP/1.1\r\n" + _HOST + b"\r\n",
    "a split header": b"GET /health HTTP/1.1\r\n" + _HOST + b"x: a\r\n b\r\n\r\n",
    "many headers": b"GET /health HTTP/1.1\r\n" + _HOST + b"".join(b"x-%d: y\r\n" % n for n in range(5_000)) + b"\r\n",
    "a huge header": b"GET /health HTTP/1.1\r\n" + _HOST + b"x: " + b"y" * 300_000 + b"\r\n\r\n",
    "negative length": LOGIN + b"content-length: -1\r\n\r\n",
    "length of words": LOGIN + b"content-length: many\r\n\r\n",
    "two lengths": LOGIN + b"content-length: 2\r\ncontent-length: 7\r\n\r\n{}",
    "length and chunks": LOGIN + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "broken chunks": LOGIN + b"transfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "eleven megabytes announced": LOGIN + b"content-length: 11534336\r\n\r\n{",
    "a length that no number holds": LOGIN + b"content-length: " + b"9" * 60 + b"\r\n\r\n{",
    "bytes in a header": b"GET /v1/me HTTP/1.1\r\n" + _HOST + b"authorization: Bearer \xff\xfe\x80\r\n\r\n",
    "a path of bytes": b"GET /v1/products/\xff\xfe HTTP/1.1\r\n" + _HOST + b"\r\n",
    "an absolute address": b"GET http://evil.example/v1/me HTTP/1.1\r\n" + _HOST + b"\r\n",
}


def exchange(server: Running, sent: bytes) -> bytes:
    """The beginning of what comes back; nothing if the server just closes the connection, or waits for more."""
    host, _, port = server.base_url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=2) as line, contextlib.suppress(OSError):
        line.sendall(sent)
        return line.recv(65_536)
    return b""


@pytest.mark.parametrize("what", ROUGH)
def test_rough_bytes_are_refused_and_the_next_request_is_served(server: Running, what: str) -> None:
    answer = exchange(server, ROUGH[what])
    status = answer[9:12]
    assert status in (b"", b"200", b"302") or status[:1] == b"4", answer[:200]
    assert b"Traceback" not in answer
    assert server.call("GET", "/health").status == 200


@contextlib.contextmanager
def dawdlers(server: Running, number: int) -> Iterator[None]:
    """So many connections that have begun a request and do not go on."""
    host, _, port = server.base_url.removeprefix("http://").partition(":")
    lines = [socket.create_connection((host, int(port)), timeout=5) for _ in range(number)]
    try:
        for line in lines:
            line.sendall(LOGIN + b"content-length: 100\r\n\r\n{")
        yield
    finally:
        for line in lines:
            line.close()


def test_dawdlers_do_not_keep_others_waiting(server: Running) -> None:
    with dawdlers(server, 200):
        assert server.call("GET", "/health").status == 200
        assert server.call("GET", "/v1/categories").status == 200
    assert server.call("GET", "/health").status == 200
