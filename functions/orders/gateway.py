"""The way to the tax company, where there is one: asked once for each state of a cart, and the table counts where it is
silent.

Its answer is kept for half an hour, so that the order that follows a summary costs what was shown, whatever becomes of
the company in between. Where it does not answer, that is kept too, and nobody waits for it for the next half minute.
"""

from collections.abc import Mapping
from typing import Any

import orjson
from botocore.exceptions import ClientError
from urllib3.exceptions import HTTPError

from market import clock, config, log
from market.errors import Conflict
from market.guard import settings
from market.table import Key, put
from orders import pricing
from orders.table import TABLE
from tax.contract import (
    AVALARA,
    FREE,
    Answer,
    ProviderFailed,
    Question,
    Unknown,
    answer_key,
    answers,
    is_kept,
    kept,
    provider_request,
    read_answer,
    read_kept,
    silence,
    silence_key,
)
from tax.contract import TABLE as OUR_TABLE

_PATIENCE_SECONDS = 2.0
_BODY_BYTES = 400_000
_FRESH_SECONDS = 300
_known: tuple[Any, int, dict[str, dict[str, str]]] | None = None


class _Kept(Conflict):
    """Somebody else asked the same at the same moment, and their answer counts."""


def priced(question: pricing.Question, tables: pricing.Tables, address: Mapping[str, str]) -> pricing.Answer:
    """What the cart costs; with the taxes of the tax company, where there is one that tells them. Raises NoRate.

    address: where it goes, with city and street as far as they are told.
    """
    answer = pricing.price(question, tables)
    company = tax_company()
    asked = pricing.tax_question(question, answer, address) if company else None
    told = taxes(company, asked) if asked else None
    return pricing.retaxed(answer, told) if told else answer


def tax_company() -> str:
    """Whom staff chose to work out taxes; empty where our own table does."""
    named = settings.text("TAX_PROVIDER")
    return "" if named == OUR_TABLE else named


def taxes(company: str, question: Question) -> Answer | None:
    """What the company says of the taxes; None where it cannot be asked that or gives no answer that counts."""
    if not answers(company, question):
        return None
    key, silent = answer_key(company, question), silence_key(company)
    found, now = TABLE.batch_get([key, silent], consistent=True), clock.epoch()
    try:
        return read_kept(found.get(key), question.currency, now=now)
    except Unknown:
        given = None if is_kept(found.get(silent), now=now) else _ask(company, question)
    return _keep(key, given, question.currency)


def _keep(key: Key, given: Answer | None, currency: str) -> Answer | None:
    """What counts from now on: what was given, or what came of the same question at the same moment."""
    now = clock.epoch()
    write = put(key, kept(given, now=now), when=FREE, values={":now": now}, otherwise=_Kept("It is known meanwhile."))
    try:
        TABLE.write(write)
    except _Kept:
        try:
            return read_kept(TABLE.get(key, consistent=True), currency, now=now)
        except Unknown:
            return None
    return given


def _ask(company: str, question: Question) -> Answer | None:
    try:
        return _asked(company, question)
    except ProviderFailed as failed:
        log.warning("tax company gives no answer", provider=company, why=failed.detail)
        if failed.again:
            TABLE.write(put(silence_key(company), silence(now=clock.epoch())))
        return None


def _asked(company: str, question: Question) -> Answer:
    """Raises ProviderFailed."""
    request = provider_request(company, question, _credentials(company))
    base = config.setting("AVALARA_API_BASE") if company == AVALARA else config.setting("TAXJAR_API_BASE")
    try:
        answer = config.http().request(
            request.method, f"{base}{request.path}", body=request.body, headers=dict(request.headers),
            timeout=_PATIENCE_SECONDS, retries=False, redirect=False,
        )  # fmt: skip
    except HTTPError as broken:
        raise ProviderFailed(f"{company} does not answer: {type(broken).__name__}") from None
    if len(answer.data) > _BODY_BYTES:
        raise ProviderFailed(f"{company} says too much.", again=False)
    return read_answer(company, question, answer.status, bytes(answer.data))


def _credentials(company: str) -> dict[str, str]:
    """Read anew after five minutes. Raises ProviderFailed."""
    global _known
    client, now = config.client("secretsmanager"), clock.epoch()
    if _known is None or _known[0] is not client or abs(now - _known[1]) > _FRESH_SECONDS:
        try:
            answer = client.get_secret_value(SecretId=config.setting("TAX_SECRETS"))
        except ClientError as refused:
            raise ProviderFailed(f"Our credentials cannot be read: {refused.response['Error']['Code']}") from None
        _known = client, now, orjson.loads(answer["SecretString"])
    if company not in _known[2]:
        raise ProviderFailed(f"There are no credentials for {company}.", again=False)
    return _known[2][company]
