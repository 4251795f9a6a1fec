"""What an event says to a vendor: what is theirs, and nothing of others."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from developers import messages
from developers.manifest import MANIFEST
from market.events import Envelope
from tests.services.developers.conftest import OTHER, VENDOR

pytestmark = pytest.mark.contract("23.3")
JSON = dict[str, Any]
EXAMPLES = Path(__file__).parents[3] / "events"
EURO = {"amount": 1999, "currency": "EUR"}


def example(kind: str) -> JSON:
    """The published example of an event."""
    (path,) = EXAMPLES.glob(f"*/{kind}.v1.example.json")
    return dict(orjson.loads(path.read_bytes()))


def told(kind: str, **data: Any) -> dict[str, JSON]:
    event = example(kind)
    event["data"] |= data
    return {vendor: orjson.loads(body) for vendor, body in messages.told(Envelope.model_validate(event)).items()}


def test_everything_that_is_heard_is_said() -> None:
    assert sorted(MANIFEST.consumes) == sorted(messages.TYPES)


@pytest.mark.parametrize("kind", messages.TYPES)
def test_an_event_as_published_is_said_to_the_one_vendor_it_concerns(kind: str) -> None:
    event = example(kind)["data"]
    ((vendor, said),) = told(kind).items()
    assert vendor == event.get("vendor_id", "ven_011e6104b7b1e30838b4dbdc69")
    assert (said["type"], said["timestamp"]) == (kind, "2026-01-02T03:04:05.678Z")
    assert said["data"]
    names = set(said["data"])
    assert not names & {"customerId", "ownerId", "orderId", "vendorIds", "total"}
    assert all(name == name.replace("_", "") for name in names)


def test_of_a_refund_each_vendor_hears_its_own_share() -> None:
    line = {"title": "Lamp", "quantity": 2, "amount": EURO, "tax": EURO, "discount": EURO}
    parcel = {"amount": {"amount": 490, "currency": "EUR"}, "tax": EURO}
    said = told(
        "refund.succeeded",
        lines=[line | {"sku": "A", "vendor_id": VENDOR}, line | {"sku": "B", "vendor_id": OTHER}],
        shipping=[parcel | {"vendor_id": OTHER}, parcel | {"vendor_id": "ven_03"}],
    )
    assert set(said) == {VENDOR, OTHER, "ven_03"}
    mine, theirs, parcels = (said[vendor]["data"] for vendor in (VENDOR, OTHER, "ven_03"))
    assert (mine["amount"], [row["sku"] for row in mine["lines"]], "shipping" in mine) == (EURO, ["A"], False)
    assert (theirs["amount"]["amount"], [row["sku"] for row in theirs["lines"]]) == (1999 + 490, ["B"])
    assert (parcels["amount"]["amount"], parcels["lines"], parcels["shipping"]["amount"]) == (490, [], 490)


def test_of_a_paid_order_each_vendor_hears_its_number_and_not_its_worth() -> None:
    said = told("order.paid", vendor_ids=[VENDOR, OTHER])
    assert said[VENDOR] == said[OTHER]
    assert said[VENDOR]["data"] == {"orderNo": "MK-0R3K7Q8H-2MX4TQ9Z"}
