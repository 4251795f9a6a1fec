"""Mails: who is told what of an order, once, and what happens when SES says no."""

import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from botocore.exceptions import ClientError

from identity.contract import user_key
from market import config
from market.table import Table, delete, put
from notifications import gateway
from notifications.model import order_cancelled, shown
from orders.contract import order_key
from tests.services.notifications.conftest import BUYER, CANCELLED, CHAIRS, LAMPS, ORDER, PAID, REFUNDED, noted
from tools.generated import finish
from tools.mails import TEMPLATES, built
from vendors.contract import vendor_key


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "SendTemplatedEmail")


@pytest.mark.contract("11.7")
def test_a_paid_order_is_confirmed_to_its_buyer_vendor_by_vendor(tell, post):
    assert tell("order.paid", **PAID) == []
    mail = post.to(BUYER)
    assert mail["subject"] == "Your order MK-1"
    for part in ("text", "html"):
        for said in ("Ada", "MK-1", "Chair", "39.98 EUR", "49.00 EUR", "4.90 EUR", "9.90 EUR", "103.78 EUR", "London"):
            assert said in mail[part]
    assert "  2 x Lamp <b>&</b>: 39.98 EUR" in mail["text"]
    assert mail["text"].index("From Lamps & Co") < mail["text"].index("Lamp <b>") < mail["text"].index("From Chairs")


@pytest.mark.contract("14.3")
def test_each_vendor_is_told_of_its_own_part_and_nothing_else(tell, post):
    tell("order.paid", **PAID)
    lamps, chairs = post.to(LAMPS), post.to(CHAIRS)
    for part in ("text", "html"):
        assert "LAMP-1" in lamps[part]
        assert "44.88 EUR" in lamps[part]
        assert "40.88 EUR" in lamps[part]
        assert "SW1Y 4JH London" in lamps[part]
        assert "CHAIR-1" in chairs[part]
    whole = json.dumps([lamps, chairs])
    assert BUYER not in whole
    assert "7946" not in whole
    assert "103.78" not in whole
    assert not re.search("chair|49.00|9.90", json.dumps(lamps), re.IGNORECASE)
    assert not re.search("lamp|39.98|4.90 EUR", json.dumps(chairs), re.IGNORECASE)


@pytest.mark.contract("14.2")
def test_names_cannot_put_markup_into_a_mail(tell, post):
    tell("order.paid", **PAID)
    assert "Lamp &lt;b&gt;&amp;&lt;/b&gt;" in post.to(BUYER)["html"]
    assert "<b>" not in post.to(BUYER)["html"]
    assert "Lamps &amp; Co" in post.to(LAMPS)["html"]


@pytest.mark.contract("14.4")
@pytest.mark.parametrize(
    ("reason", "words"),
    [("payment_timeout", "did not receive your payment"), ("never_heard_of", "could not complete it")],
)
def test_a_cancelled_order_is_explained_to_its_buyer_alone(tell, post, reason, words):
    assert tell("order.cancelled", **CANCELLED | {"reason": reason}) == []
    assert [address for address, _ in post.sent] == [BUYER]
    assert words in post.to(BUYER)["text"]
    assert "pay nothing" in post.to(BUYER)["html"]


@pytest.mark.contract("12.3", "14.4")
def test_a_refund_is_told_to_its_buyer_with_what_it_is_for(tell, post):
    assert tell("refund.succeeded", **REFUNDED) == []
    assert [address for address, _ in post.sent] == [BUYER]
    mail = post.to(BUYER)
    assert mail["subject"] == "Your refund for order MK-1"
    for part in ("text", "html"):
        for said in (
            "Ada",
            "MK-1",
            "29.89 EUR",
            "1 x ",
            "19.99 EUR",
            "Chair, part of the price",
            "5.00 EUR",
            "Shipping",
            "4.90",
        ):
            assert said in mail[part]
    assert "Lamp &lt;b&gt;" in mail["html"]
    assert tell("refund.succeeded", **REFUNDED) == []
    assert len(post.sent) == 1


@pytest.mark.contract("11.1", "14.3")
def test_a_guest_is_written_to_at_the_address_given_with_the_order(tell, post, table):
    guest = ORDER | {"origin": {"email": "guest@example.com"}}
    table.write(put(order_key("gst_1", "ord_1"), guest))
    mine = {"customer_id": "gst_1"}
    assert tell("order.paid", **PAID | mine) == []
    assert tell("refund.succeeded", "e2", **REFUNDED | mine) == []
    assert tell("order.cancelled", "e3", **CANCELLED | mine) == []
    mails = [mail for address, mail in post.sent if address == "guest@example.com"]
    assert [mail["subject"] for mail in mails] == [
        "Your order MK-1",
        "Your refund for order MK-1",
        "Your order MK-1 was cancelled",
    ]
    assert all("Ada Lovelace" in mail["text"] for mail in mails)


@pytest.mark.contract("4.5")
def test_an_approved_vendors_owner_is_welcomed(tell, post):
    assert tell("vendor.approved", vendor_id="ven_lamps", owner_id="ada") == []
    assert "Lamps & Co may sell now" in post.to(BUYER)["text"]


@pytest.mark.contract("7.4", "14.2")
def test_a_vendor_is_told_once_that_a_sku_is_running_out(tell, post):
    low = {"vendor_id": "ven_lamps", "product_id": "prd_1", "sku": "LAMP-<1>", "available": 3, "reorder_point": 5}
    assert [tell("inventory.low_stock", **low) for _ in range(2)] == [[], []]
    mail = post.to(LAMPS)
    assert mail["subject"] == "Your stock is running out"
    assert "LAMP-<1> is running out: 3 are left to sell. You wanted to be told at 5." in mail["text"]
    assert "Hello Lamps &amp; Co, 3 are left to sell. You wanted to be told at 5." in mail["html"]
    assert "LAMP-&lt;1&gt; is running out" in mail["html"]


@pytest.mark.contract("5.5", "14.2")
def test_whoever_started_an_import_is_told_of_its_end_or_else_the_vendor(tell, post):
    ended = {"import_id": "imp_1", "vendor_id": "ven_lamps", "sha256": "", "status": "finished", "code": ""}
    ended |= {"created": 12, "updated": 3, "unchanged": 0, "rejected": 1}
    assert [tell("import.finished", **ended, started_by="ada") for _ in range(2)] == [[], []]
    mail = post.to(BUYER)
    assert mail["subject"] == "Your import has ended"
    assert "Rows created: 12\n" in mail["text"]
    assert "12 rows were created, 3 updated, 0 unchanged and 1 rejected." in mail["html"]

    refused = {"status": "refused", "code": "unknown_columns"}
    assert tell("import.finished", "e2", **ended | refused, started_by="") == []
    assert "The file could not be read: unknown columns." in post.to(LAMPS)["text"]


@pytest.mark.contract("14.3")
def test_an_event_that_comes_twice_is_told_once(tell, post):
    for _ in range(3):
        assert tell("order.paid", **PAID) == []
    assert sorted(address for address, _ in post.sent) == sorted([BUYER, LAMPS, CHAIRS])
    tell("order.cancelled", "e2", **CANCELLED)
    assert len(post.sent) == 4


@pytest.mark.contract("14.6")
def test_after_a_failure_that_may_pass_only_those_not_told_yet_are_written_to(tell, post, table):
    post.refusals = {LAMPS: refusal("Throttling")}
    assert tell("order.paid", **PAID) == ["e1"]
    assert sorted(address for address, _ in post.sent) == sorted([BUYER, CHAIRS])
    post.refusals = {}
    assert tell("order.paid", **PAID) == []
    assert len(post.sent) == 3
    assert noted(table)["sent"] == {"buyer", "vendor:ven_lamps", "vendor:ven_chairs"}


@pytest.mark.contract("14.6")
@pytest.mark.parametrize("code", ["MessageRejected", "InvalidParameterValue"])
def test_an_address_that_ses_rejects_is_noted_and_not_tried_forever(tell, post, table, capsys, code):
    post.refusals = {LAMPS: refusal(code)}
    assert tell("order.paid", **PAID) == []
    assert noted(table)["failed"] == {"vendor:ven_lamps"}
    post.refusals = {}
    assert tell("order.paid", **PAID) == []
    assert len(post.sent) == 2
    said = capsys.readouterr().out
    assert code in said
    assert LAMPS not in said
    assert BUYER not in said


@pytest.mark.contract("14.6")
@pytest.mark.parametrize("code", ["TemplateDoesNotExist", "AccountSendingPausedException", "ServiceUnavailable"])
def test_a_mistake_of_ours_keeps_the_event_in_the_queue(tell, post, table, code):
    post.refusals = {address: refusal(code) for address in (BUYER, LAMPS, CHAIRS)}
    assert tell("order.paid", **PAID) == ["e1"]
    assert noted(table) is None


@pytest.mark.contract("14.3")
def test_a_buyer_or_vendor_that_is_gone_does_not_keep_others_from_their_mail(tell, post, table):
    table.write(delete(user_key("ada")))
    table.write(delete(vendor_key("ven_chairs")))
    assert tell("order.paid", **PAID) == []
    assert [address for address, _ in post.sent] == [LAMPS]
    assert noted(table)["failed"] == {"buyer", "vendor:ven_chairs"}


@pytest.mark.contract("14.3")
def test_an_event_of_an_order_that_cannot_be_read_yet_comes_again(tell, post, table):
    assert tell("order.paid", **PAID | {"order_id": "ord_late"}) == ["e1"]
    assert post.sent == []


@pytest.mark.contract("14.3")
def test_a_cancellation_that_comes_before_the_confirmation_stops_neither(tell, post):
    assert tell("order.cancelled", "e2", **CANCELLED) == []
    assert tell("order.paid", "e1", **PAID) == []
    assert sorted(address for address, _ in post.sent) == sorted([BUYER, BUYER, LAMPS, CHAIRS])


@pytest.mark.contract("14.3")
def test_an_event_costs_one_read_and_one_write(tell, post):
    calls: list[str] = []
    watched = config.client("dynamodb").meta.events
    note: Any = lambda model, **_: calls.append(model.name)  # noqa: E731
    watched.register("before-call.dynamodb", note)
    tell("order.paid", **PAID)
    assert calls == ["BatchGetItem", "UpdateItem"]
    tell("order.paid", **PAID)
    assert calls[2:] == ["BatchGetItem"]


@pytest.mark.contract("14.6")
def test_a_crash_between_sending_and_noting_sends_twice_at_most(tell, post, monkeypatch):
    def crash(*_: object, **__: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as broken:
        broken.setattr(Table, "write", crash)
        assert tell("order.cancelled", **CANCELLED) == ["e1"]
    assert tell("order.cancelled", **CANCELLED) == []
    assert tell("order.cancelled", **CANCELLED) == []
    assert len(post.sent) == 2


@pytest.mark.contract("14.2")
def test_html_parts_use_escaped_values_and_nothing_from_elsewhere():
    for path in TEMPLATES.glob("*.json"):
        template = json.loads(path.read_text())
        used = re.findall(r"\{\{([^#/}]+)\}\}", template["html"])
        assert used
        assert all(name.endswith("Html") for name in used), path.name
        assert not re.findall(r"\{\{\w+Html\}\}", template["text"] + template["subject"])
        assert "http" not in template["html"]
        assert len(path.read_text()) < 20_000


@pytest.mark.contract("14.2")
def test_no_block_stands_alone_on_a_line_of_a_template():
    for path in TEMPLATES.glob("*.json"):
        template = json.loads(path.read_text())
        assert not re.findall(r"^\s*\{\{[#/][^}]+\}\}\s*$", template["text"] + template["html"], re.MULTILINE), (
            path.name
        )


@pytest.mark.contract("14.2")
def test_html_parts_are_well_formed_and_say_their_language():
    class Balance(HTMLParser):
        open: list[str] = []

        def handle_starttag(self, tag: str, attrs: Any) -> None:
            if tag not in ("meta", "br"):
                self.open = [*self.open, tag]

        def handle_endtag(self, tag: str) -> None:
            assert self.open[-1] == tag
            self.open = self.open[:-1]

    for path in TEMPLATES.glob("*.json"):
        html = json.loads(path.read_text())["html"]
        reader = Balance()
        reader.feed(html)
        assert reader.open == []
        assert '<html lang="en">' in html
        assert html.count("<h1") == 1


@pytest.mark.contract("14.2")
def test_the_committed_templates_are_those_of_their_sources(monkeypatch):
    monkeypatch.setattr("sys.argv", ["mails", "--check"])
    assert finish(built(), "python -m tools.mails") == 0
    assert {path.name for path in built()} == {path.name for path in TEMPLATES.glob("*.json")}


@pytest.mark.contract("14.2")
def test_a_value_cannot_break_a_line_of_a_mail():
    assert shown(name="Ada\r\nBcc: eve@example.com")["name"] == "Ada Bcc: eve@example.com"
    (mail,) = order_cancelled("MK-1\nSubject: x", "", None)
    assert mail.data["number"] == "MK-1 Subject: x"
    with pytest.raises(gateway.Undeliverable):
        gateway.send(mail)
