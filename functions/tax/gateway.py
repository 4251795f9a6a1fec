"""The way to the company that files our taxes: sales and refunds are recorded there when their money has moved.

Its credentials are one secret, `{"avalara": {"account": "…", "license_key": "…", "company": "…"}, "taxjar":
{"token": "…"}}`, read anew after five minutes.
"""

from typing import Any

import orjson
from urllib3.exceptions import HTTPError

from market import clock, config, log
from market.guard import settings
from tax.contract import TABLE, Question
from tax.inquiry import AVALARA, ProviderFailed, read_recorded, record_request

_PATIENCE_SECONDS = 10.0
_FRESH_SECONDS = 300
_known: tuple[Any, int, dict[str, dict[str, str]]] | None = None


def provider() -> str:
    """Who is told of sales; empty where the table counts alone."""
    named = settings.text("TAX_PROVIDER")
    return "" if named == TABLE else named


def record(provider: str, question: Question) -> None:
    """Make a sale or a refund final at the provider, once, however often we ask. Raises ProviderFailed."""
    request = record_request(provider, question, _credentials(provider))
    base = config.setting("AVALARA_API_BASE") if provider == AVALARA else config.setting("TAXJAR_API_BASE")
    try:
        answer = config.http().request(
            request.method,
            f"{base}{request.path}",
            body=request.body,
            headers=dict(request.headers),
            timeout=_PATIENCE_SECONDS,
            retries=False,
        )
    except HTTPError as broken:
        raise ProviderFailed(f"{provider} does not answer: {type(broken).__name__}") from None
    read_recorded(provider, answer.status, answer.data)
    log.info("tax recorded", provider=provider, document=question.code)


def _credentials(provider: str) -> dict[str, str]:
    """Raises ProviderFailed."""
    global _known
    client, now = config.client("secretsmanager"), clock.epoch()
    if _known is None or _known[0] is not client or abs(now - _known[1]) > _FRESH_SECONDS:
        answer = client.get_secret_value(SecretId=config.setting("TAX_SECRETS"))
        _known = client, now, orjson.loads(answer["SecretString"])
    if provider not in _known[2]:
        raise ProviderFailed(f"There are no credentials for {provider}.", again=False)
    return _known[2][provider]
