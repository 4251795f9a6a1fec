"""The port to carriers: one question, one answer, or `CarriersSilent` within three seconds.

CARRIER_API_BASE says where they are asked; empty where nobody is. The key is in the secret CARRIER_SECRETS, as
`{"easypost": {"api_key": "…"}}`; the sandbox, which is ours, has one that we both know.
"""

from typing import Any

import orjson
from botocore.exceptions import ClientError

from market import clock, config, log
from market.errors import Unavailable
from shipping import easypost
from shipping.easypost import Answer
from shipping.model import Destination, Origin, Parcel

SANDBOX = "/sandbox/v1/carriers"
_TIMEOUT_SECONDS = 3.0
_FRESH_SECONDS = 300
_BODY_BYTES = 400_000
_known: tuple[Any, int, str] | None = None


class CarriersSilent(Unavailable):
    """No carrier answered in time, or ours to ask was refused; nothing is known of their prices."""

    code, title = "carriers_silent", "Carriers do not answer"


def on_offer() -> bool:
    """Whether this stage asks carriers at all."""
    return bool(config.setting("CARRIER_API_BASE"))


def rates(origin: Origin, destination: Destination, parcel: Parcel, default_grams: int) -> Answer:
    """What carriers want for the parcel. Raises CarriersSilent."""
    from urllib3.exceptions import HTTPError

    base = config.setting("CARRIER_API_BASE").rstrip("/")
    body = easypost.question(origin, destination, parcel, default_grams)
    try:
        head = easypost.headers(_api_key(base))
        answer = config.http().request(
            "POST", base + easypost.PATH, body=body, headers=head,
            timeout=_TIMEOUT_SECONDS, retries=False, redirect=False,
        )  # fmt: skip
        status, content = answer.status, bytes(answer.data)
    except (HTTPError, ClientError) as failed:
        raise _silent(type(failed).__name__) from None
    if status in (401, 403, 429) or status >= 500 or len(content) > _BODY_BYTES:
        raise _silent(str(status))
    try:
        return easypost.read(status, content)
    except easypost.Unreadable as unreadable:
        raise _silent(str(unreadable)) from None


def sandbox_key() -> str:
    """What the sandbox is called with."""
    return config.key("sandbox-carriers").hex()[:40]


def _silent(why: str) -> CarriersSilent:
    log.warning("carriers silent", why=why)
    return CarriersSilent("The carriers did not answer.")


def _api_key(base: str) -> str:
    """Read again after five minutes, so that a key that was changed is taken up without a deployment."""
    if base.endswith(SANDBOX):
        return sandbox_key()
    global _known
    client, now = config.client("secretsmanager"), clock.epoch()
    if _known is None or _known[0] is not client or abs(now - _known[1]) > _FRESH_SECONDS:
        text = client.get_secret_value(SecretId=config.setting("CARRIER_SECRETS"))["SecretString"]
        _known = client, now, str(orjson.loads(text)["easypost"]["api_key"])
    return _known[2]
