"""A vendor cannot keep the payment provider busy by giving an order back a cent at a time."""

import pytest

from refunds import service
from tests.services.refunds import desk
from tests.services.refunds.desk import all_, ask, ask_as_vendor, euros, some

pytestmark = pytest.mark.contract("12.3")


def test_vendors_give_back_in_so_many_pieces_and_then_ask_staff(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.two_vendors()
    monkeypatch.setattr(service, "MOST_BY_VENDORS", 5)
    cent = some({"sku": "LAMP", "amount": euros(1)})
    for _ in range(5):
        assert ask_as_vendor(cent, "ven_lights").status == 201
    refused = ask_as_vendor(cent, "ven_lights", key="the-one-too-many")
    assert (refused.status, refused.json["code"]) == (409, "too_many_refunds")
    assert len(desk.listed()) == 5
    assert ask(all_()).status == 201
    assert sum(one["amount"]["amount"] for one in desk.listed()) == 4_980
