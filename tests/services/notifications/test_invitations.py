"""The mail of an invitation: to the invited address alone, with the token, and only while it is good."""

from typing import Any

import pytest

from access.contract import INVITATIONS, invitation_key, invitation_token
from market import config
from market.table import Table, put
from tests.services.notifications.conftest import noted

CAT = "cat@example.com"
INVITATION = {
    "email": CAT,
    "roles": ["vendor_orders", "vendor_viewer"],
    "nonce": "n1",
    "status": "open",
    "invited_by": "ada",
    "invited_at": "2026-01-01T00:00:00.000Z",
    "ends": 1_767_830_400,
}
INVITED = {"scope": "ven_lamps", "invitation_id": "inv_1", "nonce": "n1"}


def invite(table: Table, scope: str = "ven_lamps", **changed: Any) -> None:
    table.write(put(invitation_key(scope, "inv_1"), INVITATION | changed))


@pytest.mark.contract("2.3", "14.2")
def test_an_invitation_brings_its_token_to_the_invited_address_once(tell, post, table):
    invite(table)
    assert [tell("access.invited", **INVITED) for _ in range(2)] == [[], []]
    mail = post.to(CAT)
    assert mail["subject"] == "You are invited to join a team"
    link = f"/invitation#{invitation_token(config.key(INVITATIONS), 'n1')}"
    for part in ("text", "html"):
        for said in (link, "vendor orders, vendor viewer", "08 January 2026, 00:00 UTC"):
            assert said in mail[part]
    assert "Lamps & Co" in mail["text"]
    assert "Lamps &amp; Co" in mail["html"]
    assert "ada" not in mail["text"]
    assert noted(table)["sent"] == {"invitee"}


@pytest.mark.contract("2.3")
def test_staff_are_invited_by_the_marketplace(tell, post, table):
    invite(table, "platform", roles=["support"])
    assert tell("access.invited", **INVITED | {"scope": "platform"}) == []
    assert "the team of the marketplace, as support" in post.to(CAT)["text"]


@pytest.mark.contract("2.3")
@pytest.mark.parametrize("changed", [{"status": "revoked"}, {"status": "accepted"}, {"nonce": "n2"}, None])
def test_what_is_over_or_was_sent_again_is_not_mailed(tell, post, table, changed):
    if changed:
        invite(table, **changed)
    assert tell("access.invited", **INVITED) == []
    assert post.sent == []
