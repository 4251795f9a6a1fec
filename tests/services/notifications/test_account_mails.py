"""Mails about accounts, rights, keys and webhooks: to whom, what they say, once, and never with a link to sign in."""

import json
from typing import Any

import pytest

from identity.contract import user_key
from market import config
from market.table import Table, delete, put
from notifications.account import TEMPLATES as TOLD
from tests.services.notifications.conftest import BUYER, LAMPS, noted
from tools.mails import TEMPLATES

ADA = {"user_id": "ada"}
ERASURE = ADA | {"request_id": "ers_1"}
OLD = "countess@example.com"
AT = "01 January 2026, 00:00 UTC"
OWN: dict[str, tuple[dict[str, Any], str]] = {
    "user.password_changed": (ADA | {"forgotten": False}, "with the old password"),
    "user.session_reused": (ADA | {"session_id": "s1"}, "signed both out"),
    "user.second_factor_changed": (ADA | {"factor": "totp", "enabled": True}, "was added: an authenticator app"),
    "user.registration_repeated": (ADA, "You have one already"),
    "user.blocked": (ADA, "we blocked your account"),
    "user.unblocked": (ADA, "we opened your account again"),
    "profile.erasure_scheduled": (ERASURE | {"due_at": "2026-01-08T00:00:00.000Z"}, "08 January 2026, 00:00 UTC"),
    "profile.erasure_cancelled": (ERASURE, "Nothing was erased"),
    "profile.erasure_requested": (ERASURE, "the last mail that you get from us"),
    "profile.export_requested": (ADA | {"request_id": "exp_1", "folder": "exports/exp_1/"}, "a copy of your data"),
}
"""Events about one's own account that are told to its address: data, and words of the mail."""

LEAKED = {"key_id": "k1", "scope": "ven_lamps", "label": "Till <1>", "made_by": "ada", "reason": "leaked"}
RIGHTS = ADA | {"scope": "ven_lamps", "roles": ["vendor_orders"], "allow": ["products.write"], "deny": []}
OFF = {"webhook_id": "whk_1", "vendor_id": "ven_lamps", "reason": "failing"}


@pytest.mark.contract("14.2", "14.3")
@pytest.mark.parametrize("event_type", OWN)
def test_the_owner_is_told_of_what_is_done_to_the_account_once(tell, post, table, event_type):
    data, words = OWN[event_type]
    assert [tell(event_type, **data) for _ in range(2)] == [[], []]
    mail = post.to(BUYER)
    for part in ("text", "html"):
        assert words in mail[part]
        assert "Hello Ada," in mail[part]
    assert AT in mail["text"] or event_type == "profile.erasure_requested"


@pytest.mark.contract("1.4", "14.2")
def test_a_forgotten_password_and_a_removed_factor_are_told_as_such(tell, post):
    tell("user.password_changed", "e1", **ADA, forgotten=True)
    tell("user.second_factor_changed", "e2", **ADA, factor="all", enabled=False)
    texts = "".join(mail["text"] for _, mail in post.sent)
    assert "with a code from a mail of ours" in texts
    assert "was removed: every second factor, by our staff" in texts


@pytest.mark.contract("1.1", "14.2")
def test_a_new_address_is_told_to_the_one_before_alone_however_fast_the_next_one_comes(tell, post, table):
    former = {"chg_1": OLD, "chg_2": "second@example.com"}
    table.write(put(user_key("ada"), {"email": BUYER, "name": "Ada", "former_emails": former}))
    assert tell("user.email_changed", "e1", **ADA, change_id="chg_1") == []
    assert [address for address, _ in post.sent] == [OLD]
    assert tell("user.email_changed", "e2", **ADA, change_id="chg_2") == []
    assert [address for address, _ in post.sent] == [OLD, "second@example.com"]
    assert BUYER not in json.dumps(post.sent)


@pytest.mark.contract("3.1", "14.2")
@pytest.mark.parametrize("event_type", TOLD)
def test_nobody_is_written_to_once_the_address_is_erased(tell, post, table, capsys, event_type):
    data = OWN.get(event_type, (ADA | {"change_id": "chg_1"}, ""))[0]
    table.write(put(user_key("ada"), {"email": "", "name": ""}))
    assert tell(event_type, "e1", **data) == []
    table.write(delete(user_key("ada")))
    assert tell(event_type, "e2", **data) == []
    assert post.sent == []
    assert '"ERROR"' not in capsys.readouterr().out


@pytest.mark.contract("14.2", "24.2")
def test_registering_with_somebodys_address_again_and_again_sends_one_mail_a_day(tell, post):
    for number in range(3):
        assert tell("user.registration_repeated", f"e{number}", **ADA) == []
    assert len(post.sent) == 1


@pytest.mark.contract("3.1")
def test_an_erasure_that_services_are_told_of_again_is_told_to_its_owner_once(tell, post):
    assert [tell("profile.erasure_requested", event_id, **ERASURE) for event_id in ("e1", "e2")] == [[], []]
    assert len(post.sent) == 1


@pytest.mark.contract("2.3", "14.2")
def test_rights_that_were_given_or_taken_are_told_to_their_holder(tell, post):
    tell("access.changed", "e1", **RIGHTS)
    tell("access.changed", "e2", **RIGHTS | {"roles": [], "allow": []})
    tell("access.changed", "e3", **RIGHTS | {"scope": "platform", "roles": ["support"], "allow": []})
    given, taken, staff = (mail["text"] for address, mail in post.sent if address == BUYER)
    assert "in the team of Lamps & Co were changed. You belong to it as: vendor orders, products.write." in given
    assert "You do not belong to it any more." in taken
    assert "in the team of the marketplace were changed. You belong to it as: support." in staff


@pytest.mark.contract("14.2", "23.3")
def test_a_leaked_key_is_told_to_its_maker_and_to_its_vendor_a_revoked_one_to_nobody(tell, post):
    tell("api_key.revoked", "e1", **LEAKED | {"reason": "revoked"})
    assert post.sent == []
    assert tell("api_key.revoked", "e2", **LEAKED) == []
    assert sorted(address for address, _ in post.sent) == sorted([BUYER, LAMPS])
    assert "Till &lt;1&gt;" in post.to(LAMPS)["html"]
    assert 'the API key "Till <1>" (k1) of Lamps & Co' in post.to(BUYER)["text"]


@pytest.mark.contract("14.2", "23.3")
def test_a_leaked_key_of_the_platform_is_told_to_its_maker(tell, post):
    assert tell("api_key.revoked", **LEAKED | {"scope": "platform"}) == []
    assert [address for address, _ in post.sent] == [BUYER]
    assert "of the marketplace where others can read it" in post.to(BUYER)["text"]


@pytest.mark.contract("14.2")
def test_whoever_is_maker_and_support_in_one_gets_one_mail(tell, post, table):
    table.write(put(user_key("ada"), {"email": LAMPS, "name": "Ada"}))
    assert tell("api_key.revoked", **LEAKED) == []
    assert [address for address, _ in post.sent] == [LAMPS]


@pytest.mark.contract("14.2", "23.3")
@pytest.mark.parametrize(("reason", "words"), [("failing", "has accepted nothing for days"), ("gone", "410 Gone")])
def test_a_webhook_that_was_switched_off_is_told_to_its_vendor(tell, post, table, reason, words):
    assert [tell("webhook.disabled", **OFF | {"reason": reason}) for _ in range(2)] == [[], []]
    assert [address for address, _ in post.sent] == [LAMPS]
    assert words in post.to(LAMPS)["text"]
    assert noted(table)["sent"] == {"vendor:ven_lamps"}


@pytest.mark.contract("14.2")
def test_mails_about_accounts_have_no_link_that_a_false_one_could_imitate():
    for name in (*TOLD.values(), "access-changed", "api-key-leaked", "webhook-disabled"):
        assert "href" not in json.loads((TEMPLATES / f"{name}.json").read_text())["html"]


@pytest.mark.contract("14.3")
@pytest.mark.parametrize("event_type", OWN)
def test_an_account_mail_costs_one_read_and_one_write(tell, post, event_type):
    calls: list[str] = []
    note: Any = lambda model, **_: calls.append(model.name)  # noqa: E731
    config.client("dynamodb").meta.events.register("before-call.dynamodb", note)
    tell(event_type, **OWN[event_type][0])
    assert calls == ["BatchGetItem", "UpdateItem"]


@pytest.mark.contract("14.6")
def test_a_crash_between_sending_and_noting_warns_twice_at_most(tell, post, monkeypatch):
    def crash(*_: object, **__: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as broken:
        broken.setattr(Table, "write", crash)
        assert tell("user.blocked", **ADA) == ["e1"]
    assert [tell("user.blocked", **ADA) for _ in range(2)] == [[], []]
    assert len(post.sent) == 2
