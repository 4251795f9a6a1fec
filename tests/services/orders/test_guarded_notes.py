"""Nobody who sells can bury the history of an order under notes."""

import pytest

from orders.notes import MOST_OF_A_VENDOR
from tests.services.orders import floor
from tests.services.orders.test_history import staff_note, texts, vendor_note

pytestmark = [pytest.mark.usefixtures("database", "machine"), pytest.mark.contract("11.3", "11.4")]


def test_a_vendor_writes_so_many_notes_to_an_order_and_no_more() -> None:
    floor.two_vendors()
    number = floor.paid()["orderNo"]
    staff_note(number, "for the customer", visible="customer")
    written = [vendor_note(number, "ven_lights", f"n{count}").status for count in range(MOST_OF_A_VENDOR)]
    assert set(written) == {201}
    refused = vendor_note(number, "ven_lights", "one more", visible="customer")
    assert (refused.status, refused.json["code"]) == (409, "too_many_notes")
    assert vendor_note(number, "ven_wood", "of wood").status == 201
    assert staff_note(number, "for us").status == 201
    history = texts([entry["happening"] for entry in floor.show_staff(number)["history"]])
    assert {"for the customer", "of wood", "for us", "n0"} <= history
    assert "one more" not in history
