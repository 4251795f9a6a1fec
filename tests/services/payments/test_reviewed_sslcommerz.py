"""SSLCommerz says something of a refund that we do not know: it may be on its way, so it is not given up."""

import pytest

from market.money import Money
from payments.model import RefundRefused
from payments.providers import sslcommerz_api as api
from tests.services.payments.sslcommerz import REFERENCE, World, world

__all__ = ["world"]
pytestmark = pytest.mark.contract("12.3", "12.9")
BACK = Money(50_000, "BDT")


@pytest.mark.parametrize("told", [{}, {"status": "on_hold"}, {"status": ""}])
def test_a_refund_whose_state_is_not_understood_is_pending(
    world: World, monkeypatch: pytest.MonkeyPatch, told: dict[str, str]
) -> None:
    world.notified()
    monkeypatch.setattr(api, "refund", lambda _ref: told)
    assert world.port.refund("rfd_1", REFERENCE, BACK).status == "pending"


def test_a_refund_that_is_under_way_already_is_pending_even_without_its_name(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.notified()
    monkeypatch.setattr(api, "start_refund", lambda *_: {"APIConnect": "DONE", "status": "processing"})
    assert world.port.refund("rfd_1", REFERENCE, BACK).status == "pending"


def test_a_refund_that_was_not_begun_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.notified()
    monkeypatch.setattr(api, "start_refund", lambda *_: {"APIConnect": "DONE", "status": "failed", "errorReason": "no"})
    with pytest.raises(RefundRefused, match="no"):
        world.port.refund("rfd_1", REFERENCE, BACK)
