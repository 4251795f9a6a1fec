"""The short way to ourselves: HTTP that a function sends to this marketplace is answered in its own process.

The sandbox payment provider is part of the marketplace, so a function that calls it, or the provider that reports back,
would open a connection to the very server that waits for it. Routing, authorizer and handlers are the same either way;
two HTTP libraries and a change of thread are saved. Any other address is refused: nothing here leaves the machine.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from urllib3.exceptions import LocationValueError

from local.http_gateway import Gateway, Request

__all__ = ["Loopback"]


@dataclass(frozen=True, slots=True)
class Reply:
    """As much of urllib3's response as functions read."""

    status: int
    data: bytes


class Loopback:
    """Stands in for a urllib3 pool; `base_url` is where this marketplace serves."""

    def __init__(self, base_url: str, gateway: Gateway) -> None:
        self._base, self._gateway = base_url.rstrip("/"), gateway

    def request(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        **_options: object,
    ) -> Reply:
        """Raises LocationValueError for an address that is not ours."""
        if not url.startswith(f"{self._base}/"):
            raise LocationValueError(f"nothing outside this machine is called: {url}")
        path, _, query = url.removeprefix(self._base).partition("?")
        sent = [(name.lower(), value) for name, value in (headers or {}).items()]
        answer = self._gateway.answer(Request(method, path, query, sent, body or b""))
        return Reply(answer.status, answer.body)
