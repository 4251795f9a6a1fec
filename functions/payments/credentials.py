"""What we know ourselves by at payment providers: one secret for all of them, read when first needed.

    {"stripe": {"api_key": "sk_…", "webhook_secret": "whsec_…"}, "paypal": {…}, "sslcommerz": {…}}

Read again after five minutes, so that a key that was changed in Secrets Manager is taken up without a deployment.
"""

from typing import Any

import orjson

from market import clock, config
from market.errors import NotFound

_FRESH_SECONDS = 300
_known: tuple[Any, int, dict[str, dict[str, str]]] | None = None


class NotConfigured(NotFound):
    """This stage has no credentials for the provider."""

    code, title = "provider_not_configured", "Provider not configured"


def of(provider: str) -> dict[str, str]:
    """The credentials of one provider, by name. Raises NotConfigured."""
    found = _all().get(provider)
    if not found:
        raise NotConfigured("There is no such provider here.")
    return found


def _all() -> dict[str, dict[str, str]]:
    global _known
    client, now = config.client("secretsmanager"), clock.epoch()
    if _known is None or _known[0] is not client or abs(now - _known[1]) > _FRESH_SECONDS:
        _known = client, now, _read(client)
    return _known[2]


def _read(client: Any) -> dict[str, dict[str, str]]:
    try:
        answer = client.get_secret_value(SecretId=config.setting("PAYMENT_SECRETS"))
    except client.exceptions.ResourceNotFoundException:
        return {}  # a stage that takes payments by the sandbox and by hand only
    found: dict[str, dict[str, str]] = orjson.loads(answer["SecretString"])
    return found
