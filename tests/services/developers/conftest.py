"""A vendor with keys and webhooks: the handlers, a queue that is worked off when the test says so, and a clock."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from developers import api, consumer, schedule, sender, webhooks_api
from developers.gateway import resolving_with
from market import clock, config
from tests.http import Response, call
from tests.services.developers.receiver import Receiver, receiving
from tests.services.outbox import message

VENDOR, OTHER = "ven_01", "ven_02"
PUBLIC_ADDRESS = "93.184.215.14"
EVENTS = ["order.paid", "refund.succeeded"]
JSON = dict[str, Any]


class Desk:
    """What a vendor's owner does, and what happens behind their back."""

    def __init__(self) -> None:
        self.now = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
        self.counted = 0
        self.names: dict[str, list[str]] = {}

    def ask(self, method: str, path: str, body: Any = None, **options: Any) -> Response:
        """As the owner of VENDOR, below its path; `caller`, `vendor_id`, `permissions` make it somebody else."""
        handler = webhooks_api.handler if path.startswith("/webhook") else api.handler
        options = {"caller": "ada", "roles": "customer vendor", "vendor_id": VENDOR} | options
        return call(handler, method, f"/v1/vendors/{options.pop('of', VENDOR)}{path}", body, **options)

    def staff(self, method: str, path: str, body: Any = None, **options: Any) -> Response:
        options = {"caller": "grace", "roles": "customer staff"} | options
        return call(api.handler, method, f"/v1/admin{path}", body, **options)

    def key(self, secret: str, method: str, path: str, *, handler: Any = None, body: Any = None) -> Response:
        """As a program."""
        return call(handler or api.handler, method, f"/v1/api{path}", body, headers={"api-key": secret})

    def ask_anybody(self, secret: str) -> Response:
        """As somebody without an account who found this."""
        return call(api.handler, "POST", "/v1/api-keys/report-leak", {"key": secret})

    def fresh(self) -> dict[str, str]:
        self.counted += 1
        return {"idempotency-key": f"request-{self.counted:04}"}

    def make_key(self, *permissions: str, **changes: Any) -> JSON:
        body = {"name": "Stock robot", "permissions": list(permissions or ("orders.read",))} | changes
        made = self.ask("POST", "/api-keys", body, headers=self.fresh())
        assert made.status == 201, made
        return dict(made.json)

    def make_webhook(self, url: str, events: list[str] | None = None, **options: Any) -> JSON:
        made = self.ask("POST", "/webhooks", {"url": url, "events": events or EVENTS}, **options)
        assert made.status == 201, made
        return dict(made.json)

    def tell(self, kind: str, data: JSON, event_id: str = "", times: int = 1) -> str:
        """Let the service hear an event."""
        told = message(kind, data, event_id)
        for _ in range(times):
            assert consumer.handler({"Records": [told]}) == {"batchItemFailures": []}
        return str(told["messageId"])

    def paid(self, *vendors: str, event_id: str = "", times: int = 1) -> str:
        data = {
            "order_id": "ord_1",
            "order_no": "MK-1",
            "customer_id": "usr_9",
            "total": {"amount": 9, "currency": "EUR"},
        }
        return self.tell("order.paid", data | {"vendor_ids": list(vendors or (VENDOR,))}, event_id, times)

    def messages(self) -> list[str]:
        """Take everything off the queue."""
        taken: list[str] = []
        while True:
            answer = config.client("sqs").receive_message(
                QueueUrl=config.setting("DELIVERY_QUEUE_URL"), MaxNumberOfMessages=10
            )
            for received in answer.get("Messages", ()):
                taken.append(received["Body"])
                config.client("sqs").delete_message(
                    QueueUrl=config.setting("DELIVERY_QUEUE_URL"), ReceiptHandle=received["ReceiptHandle"]
                )
            if not answer.get("Messages"):
                return taken

    def send(self, messages: list[str] | None = None) -> int:
        """Work the queue off, or these messages; how many there were."""
        taken = self.messages() if messages is None else messages
        for first in range(0, len(taken), 10):
            records = [
                {"messageId": f"m{at}", "eventSourceARN": "a:q", "body": body}
                for at, body in enumerate(taken[first : first + 10])
            ]
            assert sender.handler({"Records": records}) == {"batchItemFailures": []}
        return len(taken)

    def wait(self, **time: float) -> int:
        """Let time pass, then what is due be done; how many attempts were put on the queue."""
        self.now += timedelta(**time)
        answer: dict[str, int] = schedule.handler({})
        self.send()
        return answer["due"]

    def replay(self, webhook: JSON, since: str) -> Response:
        return self.ask("POST", f"/webhooks/{webhook['id']}/replay", {"since": since})

    def deliveries(self, webhook: JSON, **query: Any) -> list[JSON]:
        found = self.ask("GET", f"/webhooks/{webhook['id']}/deliveries", query=query)
        return list(found.json["items"])

    def webhook(self, webhook: JSON) -> JSON:
        return dict(self.ask("GET", f"/webhooks/{webhook['id']}").json)


@pytest.fixture
def desk(database: str, environment: pytest.MonkeyPatch) -> Iterator[Desk]:
    made = Desk()
    queue = config.client("sqs").create_queue(QueueName="market-dev-developers-webhooks")
    environment.setenv("DELIVERY_QUEUE_URL", queue["QueueUrl"])
    environment.setenv("WEBHOOK_LOOPBACK", "on")
    with clock.running_on(lambda: made.now), resolving_with(lambda host, _: made.names.get(host, [PUBLIC_ADDRESS])):
        yield made


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made
