"""HTTP on a socket: uvicorn in a thread of its own, functions on worker threads.

Each function has its own workers, as it has its own concurrency on AWS: a function that calls another over HTTP
cannot starve it. Besides the API some addresses are served that exist only here: /mailbox, /mailbox.json, /media,
and /s3 for files that are sent or fetched with an address that we signed.
"""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, unquote

import uvicorn

from local.http_gateway import MAX_BODY, Answer, Gateway, Request, problem
from local.mailbox import page
from local.marketplace import Marketplace
from local.signed_files import SignedFiles
from market.errors import NotFound, TooLarge

__all__ = ["PortTaken", "Server"]

JSON = dict[str, Any]
Receive = Callable[[], Awaitable[JSON]]
Send = Callable[[JSON], Awaitable[None]]
_WORKERS = 16
_STOP_SECONDS = 10
_START_SECONDS = 20
_PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; form-action 'self'; img-src data:"


class PortTaken(RuntimeError):
    """Another process listens on the port."""


class Server:
    """Serves a marketplace on 127.0.0.1. Port 0 takes a free one; `port` then says which."""

    def __init__(self, port: int) -> None:
        self._socket = _listen(port)
        self.port = int(self._socket.getsockname()[1])
        self._thread: threading.Thread | None = None
        self._uvicorn: uvicorn.Server | None = None
        self._lanes: _Lanes | None = None

    def start(self, marketplace: Marketplace) -> None:
        """Return when requests are answered."""
        self._lanes = _Lanes()
        config = uvicorn.Config(
            _App(marketplace, self._lanes),
            lifespan="off",
            ws="none",
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=_STOP_SECONDS,
            backlog=1024,
        )
        self._uvicorn = server = uvicorn.Server(config)
        self._thread = threading.Thread(target=lambda: server.run(sockets=[self._socket]), name="http", daemon=True)
        self._thread.start()
        for _ in range(_START_SECONDS * 200):
            if server.started:
                return
            if not self._thread.is_alive():
                break
            threading.Event().wait(0.005)
        raise RuntimeError("the HTTP server did not start")

    @property
    def running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def stop(self) -> None:
        """Answer what has been asked, then close."""
        if self._uvicorn is not None and self._thread is not None:
            self._uvicorn.should_exit = True
            self._thread.join(_STOP_SECONDS + 2)
        if self._lanes is not None:
            self._lanes.close()
        self._socket.close()


class _Lanes:
    """Worker threads by function."""

    def __init__(self) -> None:
        self._pools: dict[str, ThreadPoolExecutor] = {}

    def of(self, name: str) -> ThreadPoolExecutor:
        pool = self._pools.get(name)
        if pool is None:
            pool = self._pools[name] = ThreadPoolExecutor(_WORKERS, thread_name_prefix=name or "front")
        return pool

    def close(self) -> None:
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)


class _App:
    """The ASGI application."""

    def __init__(self, marketplace: Marketplace, lanes: _Lanes) -> None:
        self._gateway: Gateway = marketplace.gateway
        self._local = _LocalPages(marketplace)
        self._signed = SignedFiles(marketplace.cloud.files)
        self._lanes = lanes

    async def __call__(self, scope: JSON, receive: Receive, send: Send) -> None:
        method, path = scope["method"], scope["raw_path"].decode("latin-1")
        body = await _body(scope, receive)
        if body is None:
            answer = problem(TooLarge(f"A request body may have {MAX_BODY} bytes."))
            answer.headers.append(("connection", "close"))
        else:
            request = Request(
                method,
                path,
                scope["query_string"].decode("latin-1"),
                [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]],
                body,
                (scope.get("client") or ("127.0.0.1",))[0],
            )
            serve, lane = self._serving(request)
            answer = await asyncio.get_running_loop().run_in_executor(self._lanes.of(lane), serve, request)
        await _send(send, answer, head=method == "HEAD")

    def _serving(self, request: Request) -> tuple[Callable[[Request], Answer], str]:
        if request.path.startswith(("/mailbox", "/media/")) and self._local.serves(request):
            return self._local.answer, ""
        if self._signed.serves(request):
            return self._signed.answer, ""
        return self._gateway.answer, self._gateway.lane(request.method, request.path)


async def _body(scope: JSON, receive: Receive) -> bytes | None:
    """The whole body, or None if it is larger than API Gateway takes. The rest of a large one is not read."""
    for name, value in scope["headers"]:
        if name == b"content-length" and (not value.isdigit() or int(value) > MAX_BODY):
            return None
    message = await receive()
    body = message.get("body", b"")
    if not message.get("more_body"):
        return bytes(body)
    parts, size = [body], len(body)
    while message.get("more_body") and size <= MAX_BODY:
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
    return b"".join(parts) if size <= MAX_BODY else None


async def _send(send: Send, answer: Answer, *, head: bool) -> None:
    headers = [
        (name.encode("latin-1", "replace"), value.encode("latin-1", "replace")) for name, value in answer.headers
    ]
    if answer.status >= 200 and answer.status != 204:
        headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else answer.body})


class _LocalPages:
    """What exists only on one machine."""

    def __init__(self, marketplace: Marketplace) -> None:
        self._mailbox, self._files = marketplace.mailbox, marketplace.cloud.files

    def serves(self, request: Request) -> bool:
        return request.method in ("GET", "HEAD") and (
            request.path in ("/mailbox", "/mailbox.json") or request.path.startswith("/media/")
        )

    def answer(self, request: Request) -> Answer:
        if request.path.startswith("/media/"):
            return self._media(request)
        asked = {name: values[-1] for name, values in parse_qs(request.query).items()}
        if request.path == "/mailbox.json":
            return Answer(200, [("content-type", "application/json")], self._mailbox.as_json(asked.get("to", "")))
        number = asked.get("id", "")
        text = page(
            self._mailbox, asked.get("to", ""), int(number) if number.isdecimal() and len(number) < 16 else None
        )
        headers = [("content-type", "text/html; charset=utf-8"), ("content-security-policy", _PAGE_POLICY)]
        return Answer(200, headers, text.encode())

    def _media(self, request: Request) -> Answer:
        stored = self._files.media(unquote(request.path.removeprefix("/")))
        if stored is None:
            return problem(NotFound("There is no such file."))
        headers = [
            ("content-type", stored.type),
            ("etag", stored.etag),
            ("cache-control", stored.cache or "public, max-age=60"),
            ("x-content-type-options", "nosniff"),
            ("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox"),
        ]
        if stored.etag in request.header("if-none-match"):
            return Answer(304, headers, b"")
        return Answer(200, headers, stored.path.read_bytes())


def _listen(port: int) -> socket.socket:
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
    except OSError as taken:
        listening.close()
        raise PortTaken(f"Port {port} is taken: {taken.strerror}. Choose another one with --port.") from None
    return listening
