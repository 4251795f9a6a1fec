"""Whether a person sits there: the token of a captcha widget, checked with the company that made it (siteverify form).

Turnstile, reCAPTCHA and hCaptcha all answer a form of secret, response and remoteip with JSON. CAPTCHA_URL says whom
to ask; while it is empty nobody is asked. The secret is in Secrets Manager under CAPTCHA_SECRET. A company that does
not answer lets everybody pass, and is logged: rate limits, lock-outs and mailed codes still stand, and a customer must
not be shut out by somebody else's outage.
"""

import hmac
from functools import lru_cache
from typing import Any

import orjson

from market import config, log
from market.errors import Forbidden

_TIMEOUT = 2.0
_LONGEST = 2_048
_OURS = {"missing-input-secret", "invalid-input-secret", "bad-request", "internal-error"}
"""Error codes that are no fault of the visitor's."""


class CaptchaRequired(Forbidden):
    """Send the widget's token as header `Captcha-Token`."""

    code, title = "captcha_required", "Captcha required"


class CaptchaFailed(Forbidden):
    """The token is wrong, was used before, is too old, or was made for something else."""

    code, title = "captcha_failed", "Captcha failed"


def check(action: str, token: str, address: str) -> None:
    """Pass for a person. Raises CaptchaRequired without a token, CaptchaFailed. action: what the widget was for."""
    if not config.setting("CAPTCHA_URL"):
        return
    if not token:
        raise CaptchaRequired("Please solve the captcha first.")
    if len(token) > _LONGEST or not verify(token, address, action):
        raise CaptchaFailed("Please solve the captcha again.")


def verify(token: str, address: str, action: str) -> bool:
    """Ask the company, once: a token is good for one question. True if it cannot be asked."""
    form = {"secret": _secret(config.setting("CAPTCHA_SECRET")), "response": token}
    form |= {"remoteip": address} if address else {}
    try:
        answer = config.http().request(
            "POST", config.setting("CAPTCHA_URL"), fields=form, encode_multipart=False, timeout=_TIMEOUT, retries=False
        )
        said = orjson.loads(answer.data) if answer.status == 200 else None
    except Exception as silence:  # whatever a network, or what answers in it, can do
        said = None
        log.warning("captcha not checked", error=type(silence).__name__)
    return _judged(said, action)


def _judged(said: Any, action: str) -> bool:
    codes = set(said.get("error-codes") or ()) if isinstance(said, dict) else {"internal-error"}
    if codes & _OURS:
        _secret.cache_clear()  # it may have been rotated
        log.warning("captcha let pass unchecked", codes=sorted(codes & _OURS))
        return True
    meant = str(said.get("action") or action)
    return said.get("success") is True and hmac.compare_digest(meant.encode(), action.encode())


@lru_cache(maxsize=4)
def _secret(name: str) -> str:
    return str(config.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"])
