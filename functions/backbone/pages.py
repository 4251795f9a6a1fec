"""The description of the API and the page that shows it, from files of this package and of Powertools.

The page loads nothing from elsewhere and runs no inline script: its content security policy would stop both.
"""

from functools import cache
from importlib.resources import files
from pathlib import Path

import orjson

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {"content-security-policy": POLICY, "referrer-policy": "no-referrer"}

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Marketplace API</title>
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="ui"></div>
<noscript>The machine-readable description is at <a href="openapi.json">openapi.json</a>.</noscript>
<script src="docs/swagger-ui.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""

START = """SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#ui",
  deepLinking: true,
  docExpansion: "list",
  displayRequestDuration: true,
  persistAuthorization: false,
  validatorUrl: null,
});
"""

_ASSETS = {
    "swagger-ui.js": ("text/javascript; charset=utf-8", "swagger-ui-bundle.min.js"),
    "swagger-ui.css": ("text/css; charset=utf-8", "swagger-ui.min.css"),
}


def asset(name: str) -> tuple[str, str] | None:
    """Content type and text of a file of the page, or None."""
    if name == "start.js":
        return "text/javascript; charset=utf-8", START
    return _asset(name) if name in _ASSETS else None


@cache
def description() -> str:
    """The OpenAPI document."""
    readable = Path(__file__).with_name("openapi.json").read_bytes()
    return orjson.dumps(orjson.loads(readable)).decode()


@cache
def _asset(name: str) -> tuple[str, str]:
    content_type, file = _ASSETS[name]
    folder = files("aws_lambda_powertools.event_handler.openapi.swagger_ui")
    return content_type, folder.joinpath(file).read_text(encoding="utf-8")
