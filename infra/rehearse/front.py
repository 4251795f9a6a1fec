"""One address for the two APIs, as CloudFront makes it: a small proxy on 127.0.0.1 that goes by the edge's paths."""

import http.client
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from infra.stacks.api import BACK_OFFICE

NOT_FORWARDED = frozenset({"connection", "content-length", "host", "keep-alive", "transfer-encoding"})
PATIENCE = 60.0


@contextmanager
def one_address(outputs: Mapping[str, str]) -> Iterator[str]:
    """outputs: of the stacks, with `ApiUrl` and `BackOfficeUrl`. Gives the address; the proxy ends with the block."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(outputs["ApiUrl"], outputs["BackOfficeUrl"]))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(shop: str, back_office: str) -> type[BaseHTTPRequestHandler]:
    class Front(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _forward(self) -> None:
            target = urlsplit(back_office if self.path.startswith(BACK_OFFICE) else shop)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name: text for name, text in self.headers.items() if name.lower() not in NOT_FORWARDED}
            upstream = http.client.HTTPConnection(str(target.hostname), target.port, timeout=PATIENCE)
            try:
                upstream.request(self.command, target.path.rstrip("/") + self.path, body, headers)
                answer = upstream.getresponse()
                content = answer.read()
            finally:
                upstream.close()
            self.send_response(answer.status)
            for name, text in answer.getheaders():
                if name.lower() not in NOT_FORWARDED:
                    self.send_header(name, text)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _forward

        def log_message(self, *_: object) -> None:
            """MiniStack logs requests."""

    return Front
