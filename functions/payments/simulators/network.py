"""A network of simulated companies, in the shape of a urllib3 pool, for `market.config.use_http`.

    config.use_http(Network({"https://api.stripe.test": stripe.handle, "https://paypal.test/base": paypal.handle}))

A site is a pure handler `handle(method, path, headers, body) -> (status, headers, body)`: `path` starts after the base
URL and keeps its query, header names are in lower case both ways. It raises Lost or TimedOut where a real network would
swallow the answer.
"""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

Handler = Callable[[str, str, Mapping[str, str], bytes], tuple[int, Mapping[str, str], bytes]]


class Lost(Exception):
    """The connection breaks: the caller does not learn whether the other side acted."""


class TimedOut(Lost):
    """The answer does not come within the caller's patience."""


class Network:
    """Routes requests to sites by the longest base URL that fits.

    otherwise: the pool for every other address; without one they raise LookupError, so that no test leaves the machine.
    """

    def __init__(self, sites: Mapping[str, Handler], otherwise: Any = None) -> None:
        self._sites = sorted(((base.rstrip("/"), site) for base, site in sites.items()), key=lambda s: -len(s[0]))
        self._otherwise = otherwise

    def request(
        self,
        method: str,
        url: str,
        body: bytes | str | None = None,
        fields: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Any:
        """As `urllib3.PoolManager.request`; a urllib3.HTTPResponse. Raises urllib3's errors for lost answers.

        `fields` become the query of a GET, HEAD or DELETE and the form of anything else.
        """
        if fields and method in ("GET", "HEAD", "DELETE"):
            url = f"{url}{'&' if '?' in url else '?'}{urlencode(fields)}"
        elif fields:
            body = urlencode(fields)
            headers = {"content-type": "application/x-www-form-urlencoded"} | dict(headers or {})
        for base, site in self._sites:
            if url == base or url.startswith((f"{base}/", f"{base}?")):
                content = body.encode() if isinstance(body, str) else body or b""
                lowered = {name.lower(): str(value) for name, value in (headers or {}).items()}
                path = url[len(base) :]
                return _answer(site, method, url, path if path.startswith("/") else f"/{path}", lowered, content)
        if self._otherwise is None:
            raise LookupError(f"no simulated company answers at {url.partition('?')[0]}")
        return self._otherwise.request(method, url, body=body, headers=headers, **options)


def _answer(site: Handler, method: str, url: str, path: str, headers: Mapping[str, str], body: bytes) -> Any:
    from urllib3 import HTTPConnectionPool, HTTPResponse
    from urllib3.exceptions import ProtocolError, ReadTimeoutError

    try:
        status, answered, content = site(method, path, headers, body)
    except TimedOut:
        raise ReadTimeoutError(HTTPConnectionPool("simulated"), url, "Read timed out.") from None
    except Lost:
        raise ProtocolError("Connection aborted.") from None
    return HTTPResponse(content, headers=dict(answered), status=status, request_method=method)
