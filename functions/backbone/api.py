"""HTTP routes about the API itself: its description, the page that shows it, and whether it answers."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from backbone import pages
from backbone.manifest import MANIFEST
from market.errors import NotFound
from market.http import ANYONE, ServiceApi, View

api = ServiceApi(MANIFEST)
FRESH, CACHED = 300, 86_400
"""Seconds that the description, and the files of the page, may be kept."""


class Health(View):
    status: str


@api.get("/health", callers=[ANYONE])
def health() -> Health:
    """Whether requests are answered. It asks no other system: a page about them would fail with them."""
    return Health(status="ok")


@api.get("/", callers=[ANYONE], status=302)
def start() -> Response[Any]:
    """Leads to the page that shows the API."""
    return Response(status_code=302, content_type="text/plain", body="", headers={"location": "docs"})


@api.get("/openapi.json", callers=[ANYONE])
def description() -> Response[Any]:
    """The OpenAPI 3.1 description of every route."""
    return _file("application/json; charset=utf-8", pages.description(), FRESH)


@api.get("/docs", callers=[ANYONE])
def docs() -> Response[Any]:
    """A page that shows the description and tries requests."""
    return _file("text/html; charset=utf-8", pages.PAGE, FRESH)


@api.get("/docs/<name>", callers=[ANYONE])
def asset(name: str) -> Response[Any]:
    """A file of that page."""
    found = pages.asset(name)
    if not found:
        raise NotFound("There is nothing at this address.")
    return _file(*found, CACHED)


def _file(content_type: str, text: str, seconds: int) -> Response[Any]:
    headers: dict[str, str | list[str]] = {**pages.HEADERS, "cache-control": f"public, max-age={seconds}"}
    return Response(status_code=200, content_type=content_type, body=text, headers=headers)


handler = api.handler
