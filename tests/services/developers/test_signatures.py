"""Signatures of webhooks: the reference implementation believes them, and nothing that signs is stored."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from market import config
from tests.services.developers.conftest import Desk
from tests.services.developers.receiver import Receiver

pytestmark = pytest.mark.contract("23.3")
JSON = dict[str, Any]


def verified(receiver: Receiver, secret: str, at: int = -1) -> JSON:
    """What the vendor makes of a request, with the reference implementation; it refuses what is not signed now."""
    heard = receiver.heard[at]
    return dict(Webhook(secret).verify(heard.body, heard.headers))


def test_nothing_secret_is_stored(desk: Desk, receiver: Receiver) -> None:
    webhook = desk.make_webhook(receiver.url)
    rotated = desk.ask("POST", f"/webhooks/{webhook['id']}/secret-rotation", {}).json
    stored = str(config.client("dynamodb").scan(TableName=config.setting("TABLE_NAME"))["Items"])
    for secret in (webhook["secret"], rotated["secret"]):
        assert secret.startswith("whsec_")
        assert secret not in stored
        assert secret.removeprefix("whsec_") not in stored
    assert "secret" not in desk.webhook(webhook)
    assert webhook["secret"] != desk.make_webhook(receiver.url)["secret"]


def test_the_reference_verifier_believes_us_and_only_us(desk: Desk, receiver: Receiver) -> None:
    desk.now = datetime.now(UTC)
    webhook = desk.make_webhook(receiver.url)
    desk.paid()
    desk.send()
    assert verified(receiver, webhook["secret"])["data"] == {"orderNo": "MK-1"}
    other = desk.make_webhook(receiver.url)
    with pytest.raises(WebhookVerificationError):
        verified(receiver, other["secret"])
    receiver.heard[0].body = receiver.heard[0].body.replace(b"MK-1", b"MK-2")
    with pytest.raises(WebhookVerificationError):
        verified(receiver, webhook["secret"])


def test_while_a_secret_is_rolled_either_verifies(desk: Desk, receiver: Receiver) -> None:
    desk.now = datetime.now(UTC)
    old = desk.make_webhook(receiver.url)
    new = desk.ask("POST", f"/webhooks/{old['id']}/secret-rotation", {"graceHours": 1}).json
    desk.paid()
    desk.send()
    for secret in (old["secret"], new["secret"]):
        assert verified(receiver, secret)["type"] == "order.paid"
    desk.ask("POST", f"/webhooks/{old['id']}/secret-rotation", {"graceHours": 0})
    desk.paid()
    desk.send()
    for secret in (old["secret"], new["secret"]):
        with pytest.raises(WebhookVerificationError):
            verified(receiver, secret)


def test_the_snippet_of_the_readme_verifies(desk: Desk, receiver: Receiver) -> None:
    text = (Path(__file__).parents[3] / "functions/developers/README.md").read_text()
    (snippet,) = re.findall(r"```python\n(.*?)```", text, re.S)
    space: dict[str, Any] = {}
    exec(snippet, space)  # noqa: S102 - our own README
    desk.now = datetime.now(UTC)
    webhook = desk.make_webhook(receiver.url)
    desk.paid()
    desk.send()
    heard = receiver.heard[0]
    assert space["verified"](webhook["secret"], heard.headers, heard.body)["type"] == "order.paid"
    for headers, body in (
        (heard.headers, heard.body + b" "),
        (heard.headers | {"webhook-id": "msg_other"}, heard.body),
        (heard.headers | {"webhook-timestamp": str(int(heard.headers["webhook-timestamp"]) - 301)}, heard.body),
        (heard.headers | {"webhook-signature": "v1,"}, heard.body),
    ):
        with pytest.raises(ValueError, match="webhook"):
            space["verified"](webhook["secret"], headers, body)
