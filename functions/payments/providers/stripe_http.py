"""Stripe's SDK on our terms: HTTP over `config.http()`, no retries and no telemetry of its own, errors in our words.

    connection broken, timeout, 5xx, 409, 429, key refused   ProviderUnavailable: unknown, or not now
    a failure that Stripe keeps for the idempotency key      KeptFailure
    400, 404; 402                                            Refused, Declined: Stripe has decided
    another request under the same idempotency key           KeyReused

Importing this module imports the SDK (about 0.15 s of CPU): `stripe.py` does so on the first call.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, ClassVar, TypeVar

import stripe
from urllib3 import Timeout
from urllib3.exceptions import HTTPError

from market import config, log
from payments import credentials
from payments.model import ProviderUnavailable

API_VERSION = "2026-10-28.endive"
"""Stripe's API as this adapter knows it; the version of the webhook endpoint must be the same."""

CONNECT_SECONDS, READ_SECONDS = 2.0, 8.0
_MOMENTARY = (409, 429)

Answer = TypeVar("Answer")

_broken: Callable[[str], stripe.APIConnectionError] = stripe.APIConnectionError

stripe.enable_telemetry = False  # it writes a file into the home directory, which Lambda does not have


class Refused(Exception):
    """Stripe's no; `code` is its error code, such as `payment_intent_unexpected_state`. kept: said before, repeated."""

    def __init__(self, code: str, *, kept: bool = False) -> None:
        super().__init__(code)
        self.code, self.kept = code, kept


class Declined(Refused):
    """The card was declined; `intent` is the PaymentIntent as it is now."""

    def __init__(self, code: str, intent: dict[str, Any]) -> None:
        super().__init__(code)
        self.intent = intent


class KeyReused(Refused):
    """The idempotency key belongs to a request with other parameters."""


class KeptFailure(ProviderUnavailable):
    """Stripe failed once and now repeats that failure for the key: the same call will not get further for a day."""


class _Seam(stripe.HTTPClient):
    """One exchange over the pool that every outgoing call of ours takes."""

    name: ClassVar[str] = "urllib3"

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> Any:
        try:
            response = config.http().request(
                method.upper(),
                url,
                body=post_data,
                headers=headers,
                timeout=Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
                retries=False,
                redirect=False,
            )
        except HTTPError as error:
            raise _broken(type(error).__name__) from None
        return response.data, response.status, response.headers

    def close(self) -> None:
        """The pool is not ours to close."""


def v1() -> Any:
    """Stripe's API, with the credentials of this stage. Raises NotConfigured."""
    return _client(credentials.of("stripe")["api_key"], config.setting("STRIPE_API_BASE").rstrip("/")).v1


@cache
def _client(api_key: str, base: str) -> stripe.StripeClient:
    return stripe.StripeClient(
        api_key,
        stripe_version=API_VERSION,
        base_addresses={"api": base},
        max_network_retries=0,
        http_client=_Seam(),
    )


def call(ask: Callable[[], Answer]) -> Answer:
    """What Stripe answers. Raises Refused, Declined, KeyReused, KeptFailure or ProviderUnavailable, see above."""
    try:
        return ask()
    except stripe.IdempotencyError:
        raise KeyReused("idempotency_key_in_use") from None
    except stripe.CardError as error:
        told: Any = error.json_body
        code, intent = error.code or "card_declined", told["error"].get("payment_intent")
        raise (Declined(code, intent) if intent else Refused(code)) from None
    except stripe.InvalidRequestError as error:
        raise Refused(error.code or "invalid_request", kept=_replayed(error)) from None
    except stripe.StripeError as error:
        if isinstance(error, stripe.AuthenticationError | stripe.PermissionError):
            log.error("stripe refused our key", status=error.http_status)
        if _replayed(error) and error.http_status not in _MOMENTARY:
            raise KeptFailure("Stripe repeats a failure.") from None
        raise ProviderUnavailable("Stripe did not answer.") from None


def keyed(key: str, ask: Callable[[str], Answer]) -> Answer:
    """A write that the intent's own state lets happen only once, under `key`; under a second one if that is spent.

    Stripe keeps its answer to a key for a day: a 500, and a no that was right at the time. A decline stays a decline,
    and refunds have no other fence than the key: never for them.
    """
    try:
        return call(lambda: ask(key))
    except Refused as refused:
        if not refused.kept:
            raise
    except KeptFailure:
        pass
    return call(lambda: ask(f"{key}-again"))


def _replayed(error: stripe.StripeError) -> bool:
    return (error.headers or {}).get("idempotent-replayed") == "true"
