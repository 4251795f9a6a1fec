"""A marketplace of two vendors, one buyer and one paid order; SES played by moto."""

import json
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.ses.models import ses_backends

from access.contract import MANIFEST as ACCESS
from identity.contract import MANIFEST as IDENTITY
from identity.contract import user_key
from local.mail_templates import render
from market import config
from market.manifest import Manifest
from market.money import Money
from market.table import Key, Table, put
from notifications import consumer
from orders.contract import MANIFEST as ORDERS
from orders.contract import LineSnapshot, Part, compact_lines, compact_parts, order_key
from tests.conftest import REGION
from tools.mails import TEMPLATES
from vendors.contract import MANIFEST as VENDORS
from vendors.contract import vendor_key

BUYER, LAMPS, CHAIRS = "ada@example.com", "lamps@example.com", "chairs@example.com"
ALL = Manifest(
    service="tests",
    prefixes=(*IDENTITY.prefixes, *ORDERS.prefixes, *VENDORS.prefixes, *ACCESS.prefixes, "MSG#"),
    functions=(),
)


class Post:
    """What SES took: (address, mail by part) in the order of sending. `refusals` maps addresses to SES errors."""

    def __init__(self) -> None:
        self._backend: Any = ses_backends[DEFAULT_ACCOUNT_ID][REGION]
        self.refusals: dict[str, Exception] = {}

    @property
    def sent(self) -> list[tuple[str, dict[str, str]]]:
        return [(message.destinations["ToAddresses"][0], _read(message)) for message in self._backend.sent_messages]

    def to(self, address: str) -> dict[str, str]:
        (mail,) = [mail for recipient, mail in self.sent if recipient == address]
        return mail


def _read(message: Any) -> dict[str, str]:
    name = str(message.template).removeprefix("market-dev-")
    template = json.loads((TEMPLATES / f"{name}.json").read_text())
    data = json.loads(message.template_data)
    return {part: render(template[part], data) for part in ("subject", "text", "html")}


@pytest.fixture
def post(database: str, environment: pytest.MonkeyPatch) -> Post:
    from botocore.client import BaseClient

    environment.setenv("SENDER", "orders@marketplace.example")
    client = config.client("ses")
    client.verify_email_identity(EmailAddress="orders@marketplace.example")
    for path in TEMPLATES.glob("*.json"):
        template = json.loads(path.read_text())
        parts = {"SubjectPart": template["subject"], "TextPart": template["text"], "HtmlPart": template["html"]}
        client.create_template(Template={"TemplateName": f"market-dev-{template['name']}"} | parts)
    post = Post()
    original = BaseClient._make_api_call  # type: ignore[attr-defined]

    def refuse(self: Any, operation: str, request: dict[str, Any]) -> Any:
        if operation == "SendTemplatedEmail":
            for address in request["Destination"]["ToAddresses"]:
                if address in post.refusals:
                    raise post.refusals[address]
        return original(self, operation, request)

    environment.setattr(BaseClient, "_make_api_call", refuse)
    return post


def euros(cents: int) -> Money:
    return Money(cents, "EUR")


LINES = (
    LineSnapshot(
        sku="LAMP-1",
        product_id="prd_1",
        vendor_id="ven_lamps",
        title="Lamp <b>&</b>",
        quantity=2,
        unit_price=euros(1999),
    ),
    LineSnapshot(
        sku="CHAIR-1", product_id="prd_2", vendor_id="ven_chairs", title="Chair", quantity=1, unit_price=euros(4900)
    ),
)
PARTS = (
    Part(
        vendor_id="ven_lamps",
        subtotal=euros(3998),
        shipping=euros(490),
        commission=euros(400),
        discount=euros(0),
        tax=euros(0),
        shipping_tax=euros(0),
    ),
    Part(
        vendor_id="ven_chairs",
        subtotal=euros(4900),
        shipping=euros(990),
        commission=euros(490),
        discount=euros(0),
        tax=euros(0),
        shipping_tax=euros(0),
    ),
)
ADDRESS = {
    "name": "Ada Lovelace",
    "line1": "St James's Square 12",
    "city": "London",
    "postalCode": "SW1Y 4JH",
    "country": "GB",
    "phone": "+44 20 7946 0000",
}
ORDER = {
    "number": "MK-1",
    "status": "paid",
    "currency": "EUR",
    "lines": compact_lines(LINES),
    "parts": compact_parts(PARTS),
    "shipping_method": "standard",
    "address": orjson.dumps(ADDRESS).decode(),
    "created_at": "2026-01-01T00:00:00.000Z",
}


@pytest.fixture
def table(post: Post) -> Table:
    """Ada bought two lamps of one vendor and a chair of another."""
    table = Table(ALL)
    table.write(put(order_key("ada", "ord_1"), ORDER))
    table.write(put(user_key("ada"), {"email": BUYER, "name": "Ada"}))
    for vendor_id, name, email in (("ven_lamps", "Lamps & Co", LAMPS), ("ven_chairs", "Chairs", CHAIRS)):
        item = {"name": name, "slug": name.lower(), "status": "active", "support_email": email, "owner_id": "ada"}
        table.write(put(vendor_key(vendor_id), item))
    return table


def event(event_type: str, event_id: str = "e1", **data: Any) -> dict[str, Any]:
    """A queue batch of one event."""
    envelope = {
        "eventId": event_id,
        "type": event_type,
        "version": 1,
        "occurredAt": "2026-01-01T00:00:00.000Z",
        "actor": {"type": "system", "id": "system"},
        "data": data,
        "trace": {},
    }
    body = json.dumps({"detail": envelope})
    record = {"messageId": event_id, "eventSourceARN": "arn:aws:sqs:::notifications-events", "body": body}
    return {"Records": [record]}


PAID = {"order_id": "ord_1", "order_no": "MK-1", "customer_id": "ada", "vendor_ids": ["ven_lamps", "ven_chairs"]}
PAID |= {"total": {"amount": 10378, "currency": "EUR"}}
CANCELLED = {"order_id": "ord_1", "order_no": "MK-1", "customer_id": "ada", "reason": "payment_timeout"}
REFUNDED = {"order_id": "ord_1", "order_no": "MK-1", "customer_id": "ada", "refund_id": "rfd_1", "reason": "returned"}
REFUNDED |= {
    "amount": {"amount": 2989, "currency": "EUR"},
    "lines": [
        {"sku": "LAMP-1", "title": "Lamp <b>&</b>", "quantity": 1, "amount": {"amount": 1999, "currency": "EUR"}},
        {"sku": "CHAIR-1", "title": "Chair", "quantity": 0, "amount": {"amount": 500, "currency": "EUR"}},
    ],
    "shipping": [{"vendor_id": "ven_lamps", "amount": {"amount": 490, "currency": "EUR"}}],
}
Tell = Callable[..., list[str]]


@pytest.fixture
def tell(table: Table) -> Tell:
    """Deliver an event; the ids of those that failed."""

    def tell(event_type: str, event_id: str = "e1", **data: Any) -> list[str]:
        answer = consumer.handler(event(event_type, event_id, **data))
        return [failed["itemIdentifier"] for failed in answer["batchItemFailures"]]

    return tell


def noted(table: Table, event_id: str = "e1") -> dict[str, Any] | None:
    return table.get(Key(f"MSG#{event_id}"), consistent=True)
