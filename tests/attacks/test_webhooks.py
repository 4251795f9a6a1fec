"""Webhooks that we send, as a way in: none reaches what its vendor could not reach, none holds us up.

Who chooses the address must not look through our eyes. Real servers on this machine answer; they end by themselves.
"""

import socket
import ssl
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest

from developers import delivering, gateway, store
from developers.model import ACTIVE, Endpoint
from developers.urls import Target, UrlRefused, is_public, parse
from tests.attacks.servers import BROKEN, SLOW, TAKEN, Behaviour, certificate, wrapped
from tests.services.developers.conftest import EVENTS, VENDOR, Desk, desk, receiver
from tests.services.developers.receiver import Receiver, receiving, speaking

__all__ = ["desk", "receiver"]
pytestmark = pytest.mark.contract("23.3")
JSON = dict[str, Any]

URLS = {
    "in the clear": "http://hooks.example.com/",
    "another scheme": "ftp://hooks.example.com/",
    "a file": "file:///etc/passwd",
    "gopher": "gopher://hooks.example.com:6379/_FLUSHALL",
    "no scheme": "//hooks.example.com/",
    "the metadata service": "https://169.254.169.254/latest/meta-data/iam/security-credentials/",
    "the metadata service in the clear": "http://169.254.169.254/latest/meta-data/",
    "the container's credentials": "http://169.254.170.2/v2/credentials",
    "loopback": "https://127.0.0.1/",
    "loopback on a low port": "http://127.0.0.1:22/",
    "another loopback": "http://127.8.8.8:8080/",
    "loopback cut short": "https://127.1/",
    "loopback as a number": "https://2130706433/",
    "loopback in octal": "https://0177.0.0.1/",
    "loopback in hex": "https://0x7f000001/",
    "loopback partly in hex": "https://0x7f.1/",
    "loopback in wide digits": "https://\uff11\uff12\uff17.0.0.1/",
    "loopback with an ideographic stop": "https://127\u30020\u30020\u30021/",
    "nothing at all": "https://0/",
    "a public number": "https://93.184.215.14/",
    "loopback of IPv6": "https://[::1]/",
    "mapped": "https://[::ffff:169.254.169.254]/",
    "a zone": "https://[fe80::1%25eth0]/",
    "localhost": "https://localhost/",
    "localhost with a dot": "https://localhost./",
    "localhost in capitals": "https://LOCALHOST/",
    "localhost in circles": "https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/",
    "below localhost": "https://me.localhost/",
    "an internal name": "https://metadata.google.internal/",
    "our own network's name": "https://instance-data.ec2.internal/",
    "a printer": "https://printer.local/",
    "a name without a dot": "https://metadata/",
    "a user": "https://hooks.example.com@169.254.169.254/",
    "a user and a password": "https://u:p@hooks.example.com/",
    "two users": "https://a@b@hooks.example.com/",
    "a backslash": "https://hooks.example.com\\@127.0.0.1/",
    "a fragment that hides the host": "https://127.0.0.1#@hooks.example.com/",
    "a line break": "https://hooks.example.com/\r\nHost: 127.0.0.1",
    "a tab": "https://hooks.exa\tmple.com/",
    "a null": "https://hooks.example.com\x00.evil.example/",
    "an encoded host": "https://%31%32%37.0.0.1/",
    "port 22": "https://hooks.example.com:22/",
    "port 0": "https://hooks.example.com:0/",
    "no port": "https://hooks.example.com:/",
    "a port too high": "https://hooks.example.com:65536/",
    "a port in words": "https://hooks.example.com:https/",
    "a label too long": f"https://{'a' * 64}.example.com/",
    "a name too long": f"https://{'a.' * 127}example.com/",
    "no host": "https:///path",
    "a path that is none": "https://hooks.example.com/\u2028x",
}


@pytest.mark.parametrize("what", URLS)
def test_no_webhook_is_registered_where_only_we_could_reach(desk: Desk, what: str) -> None:
    refused = desk.ask("POST", "/webhooks", {"url": URLS[what], "events": EVENTS})
    assert (refused.status, refused.json["code"]) == (422, "url_refused"), refused
    assert desk.ask("GET", "/webhooks").json["items"] == []


@pytest.mark.parametrize(
    "what", ["the metadata service", "loopback as a number", "a user", "localhost", "in the clear"]
)
def test_no_webhook_is_changed_to_where_only_we_could_reach(desk: Desk, what: str) -> None:
    webhook = desk.make_webhook("https://hooks.example.com/")
    refused = desk.ask("PATCH", f"/webhooks/{webhook['id']}", {"url": URLS[what]})
    assert refused.json["code"] == "url_refused"
    assert desk.webhook(webhook)["url"] == "https://hooks.example.com/"


ADDRESSES = (
    "0.0.0.1", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254", "169.254.169.254",
    "169.254.170.2", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.170", "192.0.2.1", "192.88.99.1",
    "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1",
    "255.255.255.255", "::", "::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:8.8.8.8", "::127.0.0.1",
    "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "100::1", "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:db8::1", "2002:a9fe:a9fe::1", "2002:7f00:1::1", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254",
    "fe80::1", "fe80::1%eth0", "2606:4700::1%1", "fec0::1", "ff02::1", "nonsense",
)  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_name_leads_us_to_an_address_that_is_not_public(desk: Desk, address: str) -> None:
    """Alone, and mixed in among addresses that are."""
    for found in ([address], ["93.184.215.14", address], [address, "2606:2800:21f:cb07:6820:80da:af6b:8b2c"]):
        desk.names["inside.example.com"] = found
        refused = desk.ask("POST", "/webhooks", {"url": "https://inside.example.com/", "events": EVENTS})
        assert (refused.status, refused.json["reason"]) == (422, "address")


@pytest.mark.parametrize("address", ["93.184.215.14", "1.1.1.1", "2606:4700:4700::1111", "2a00:1450:4001:830::200e"])
def test_a_public_address_is_one(address: str) -> None:
    assert is_public(address)


def test_a_name_that_leads_nowhere_is_refused(desk: Desk) -> None:
    desk.names["nowhere.example.com"] = []
    refused = desk.ask("POST", "/webhooks", {"url": "https://nowhere.example.com/", "events": EVENTS})
    assert refused.json["reason"] == "unresolved"


def test_a_name_that_turns_inward_after_it_was_registered_gets_nothing(desk: Desk, receiver: Receiver) -> None:
    """DNS rebinding: the address is looked at again each time, and the one looked at is the one connected to."""
    webhook = desk.make_webhook(f"https://rebind.example.com:{receiver.port}/")
    desk.names["rebind.example.com"] = ["127.0.0.1"]
    desk.paid()
    desk.send()
    assert receiver.heard == []
    (attempt,) = desk.deliveries(webhook)[0]["attempts"]
    assert (attempt["status"], attempt["error"]) == (0, "url_address")


def test_a_name_that_answers_otherwise_each_time_is_asked_once(desk: Desk) -> None:
    answers = iter([["93.184.215.14"], ["127.0.0.1"], ["169.254.169.254"]])
    with gateway.resolving_with(lambda *_: next(answers)):
        _, address = gateway.checked("https://rebind.example.com/")
    assert address == "93.184.215.14"
    assert next(answers) == ["127.0.0.1"]


@pytest.mark.parametrize("url", ["http://169.254.169.254/", "https://127.0.0.1/", "http://127.0.0.1:{port}/"])
def test_an_address_that_got_into_the_table_some_other_way_is_refused_when_it_is_sent_to(
    desk: Desk, receiver: Receiver, environment: pytest.MonkeyPatch, url: str
) -> None:
    environment.setenv("WEBHOOK_LOOPBACK", "off")
    planted = Endpoint(
        id="whk_planted", vendor_id=VENDOR, url=url.format(port=receiver.port), events=tuple(EVENTS),
        description="", status=ACTIVE, version=1, made_at="2026-01-01T00:00:00.000Z",
    )  # fmt: skip
    store.add(planted)
    desk.paid()
    desk.send()
    assert receiver.heard == []
    assert desk.deliveries({"id": planted.id})[0]["attempts"][0]["error"].startswith("url_")


def test_where_nobody_said_otherwise_this_machine_is_not_called(desk: Desk, environment: pytest.MonkeyPatch) -> None:
    environment.delenv("WEBHOOK_LOOPBACK")
    refused = desk.ask("POST", "/webhooks", {"url": "http://127.0.0.1:8080/", "events": EVENTS})
    assert refused.json["reason"] == "scheme"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(desk: Desk, receiver: Receiver, status: int) -> None:
    webhook = desk.make_webhook(receiver.url)
    with receiving() as inner:
        receiver.answers, receiver.location = [status], f"http://127.0.0.1:{inner.port}/latest/meta-data/"
        desk.paid()
        desk.send()
        assert inner.heard == []
    (delivery,) = desk.deliveries(webhook)
    assert (delivery["status"], delivery["attempts"][0]["status"]) == ("pending", status)


def test_no_proxy_of_the_environment_gets_in_between(environment: pytest.MonkeyPatch, receiver: Receiver) -> None:
    environment.setenv("WEBHOOK_LOOPBACK", "on")
    with receiving() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
            environment.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert gateway.send(receiver.url, {}, b"{}").status == 200
        assert proxy.heard == []
    assert len(receiver.heard) == 1


def attempted(desk: Desk, behave: Behaviour) -> JSON:
    """What is recorded of a delivery to a server that behaves so."""
    with speaking(behave) as port:
        webhook = desk.make_webhook(f"http://127.0.0.1:{port}/")
        desk.paid()
        desk.send()
    (delivery,) = desk.deliveries(webhook)
    (attempt,) = delivery["attempts"]
    return dict(attempt)


@pytest.mark.parametrize("what", SLOW)
def test_a_server_that_takes_its_time_gets_none_of_ours(desk: Desk, environment: pytest.MonkeyPatch, what: str) -> None:
    environment.setattr(gateway, "WHOLE_SECONDS", 0.5)
    attempt = attempted(desk, SLOW[what])
    assert (attempt["status"], attempt["error"]) == (0, "timeout")


@pytest.mark.parametrize("what", BROKEN)
def test_a_server_that_answers_nonsense_breaks_nothing_but_its_delivery(desk: Desk, what: str) -> None:
    attempt = attempted(desk, BROKEN[what])
    assert (attempt["status"], attempt["error"]) == (0, "broken")


@pytest.mark.parametrize("what", TAKEN)
def test_of_an_answer_nothing_is_read_but_its_status(desk: Desk, what: str) -> None:
    attempt = attempted(desk, TAKEN[what])
    assert attempt["status"] == 200
    assert set(attempt) == {"at", "status", "milliseconds"}


def test_a_closed_port_is_told_from_a_broken_answer(desk: Desk) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    webhook = desk.make_webhook(f"http://127.0.0.1:{port}/")
    desk.paid()
    desk.send()
    assert desk.deliveries(webhook)[0]["attempts"][0]["error"] == "unreachable"


@pytest.mark.parametrize(
    ("host", "trusted", "outcome"),
    [
        ("hooks.example.com", True, (200, "")),
        ("other.example.com", True, (0, "certificate")),
        ("hooks.example.com", False, (0, "certificate")),
    ],
)
def test_the_server_proves_the_name_although_an_address_is_connected_to(
    tmp_path: Path, environment: pytest.MonkeyPatch, host: str, trusted: bool, outcome: tuple[int, str]
) -> None:
    """The name leads nowhere: nobody looks it up again on the way."""
    chain, key = certificate(tmp_path, "hooks.example.com")
    serving, asking = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    serving.load_cert_chain(chain, key)
    if trusted:
        asking.load_verify_locations(chain)
    environment.setattr(gateway, "trust", lambda: asking)
    with receiving(lambda server: wrapped(server, serving)) as receiver:
        sent = gateway.post(Target("https", host, receiver.port, "/x?y=1"), "127.0.0.1", {"webhook-id": "msg_1"}, b"{}")
    assert (sent.status, sent.error) == outcome
    if sent.status:
        (heard,) = receiver.heard
        assert heard.headers["host"] == f"{host}:{receiver.port}"
        assert (heard.path, heard.body, heard.headers["webhook-id"]) == ("/x?y=1", b"{}", "msg_1")
    else:
        assert receiver.heard == []


def test_names_in_other_scripts_are_one_name(desk: Desk) -> None:
    webhook = desk.make_webhook("https://BÜCHER.example.com./a?b=c")
    assert webhook["url"] == "https://xn--bcher-kva.example.com/a?b=c"


def test_a_vendor_learns_nothing_of_what_an_inner_server_says(desk: Desk, receiver: Receiver) -> None:
    """Even if all else failed: what is shown of an attempt holds nothing that the server chose but its status."""
    webhook = desk.make_webhook(receiver.url)
    receiver.answers, receiver.location = [500], "https://secret.example.com/"
    desk.paid()
    desk.send()
    assert "secret" not in str(desk.deliveries(webhook))


@pytest.mark.parametrize("url", ["https://h.example.com/%0d%0ax-evil:1", "https://h.example.com/?a=%00"])
def test_what_is_encoded_stays_encoded(url: str) -> None:
    assert str(parse(url)) == url


def test_who_parses_differently_sees_the_same_host() -> None:
    for url in ("https://a.example.com:8443/@127.0.0.1/", "https://a.example.com/?@127.0.0.1", "https://A.example.com"):
        assert parse(url).host == "a.example.com"
    with pytest.raises(UrlRefused):
        parse("https://a.example.com;@127.0.0.1/")


def test_no_vendor_is_told_of_another_vendors_part_or_of_the_customer(desk: Desk, receiver: Receiver) -> None:
    desk.make_webhook(receiver.url, ["refund.succeeded", "order.paid", "order.part_cancelled"])
    money = partial(dict, currency="EUR")
    line = {"title": "Lamp", "quantity": 1, "tax": money(amount=1), "discount": money(amount=0)}
    mine = line | {"sku": "LAMP", "vendor_id": VENDOR, "amount": money(amount=700)}
    theirs = line | {"sku": "THEIR-CHAIR", "vendor_id": "ven_theirs", "amount": money(amount=90_000)}
    parcels = [
        {"vendor_id": VENDOR, "amount": money(amount=50), "tax": money(amount=5)},
        {"vendor_id": "ven_theirs", "amount": money(amount=4_444), "tax": money(amount=5)},
    ]
    common = {"order_id": "ord_1", "order_no": "MK-1", "customer_id": "usr_secret"}
    desk.tell(
        "refund.succeeded",
        common
        | {"refund_id": "rfd_1", "reason": "damaged", "amount": money(amount=95_194)}
        | {"lines": [mine, theirs], "shipping": parcels},
    )
    desk.tell("order.paid", common | {"vendor_ids": [VENDOR, "ven_theirs"], "total": money(amount=95_194)})
    desk.tell("order.part_cancelled", common | {"vendor_id": "ven_theirs", "reason": "x", "by": "vendor"})
    desk.send()
    assert len(receiver.heard) == 2
    said = b" ".join(heard.body for heard in receiver.heard)
    for secret in (b"usr_secret", b"ven_theirs", b"THEIR-CHAIR", b"90000", b"4444", b"95194", b"95_194"):
        assert secret not in said
    refund = next(body for body in map(orjson.loads, (h.body for h in receiver.heard)) if "refund" in body["type"])
    assert refund["data"]["amount"] == money(amount=750)


def test_a_message_on_the_queue_cannot_make_another_vendors_server_be_called(desk: Desk, receiver: Receiver) -> None:
    """The queue is ours alone; still an endpoint is found below the vendor that the row names, or not at all."""
    webhook = desk.make_webhook(receiver.url)
    event_id = desk.paid()
    (message,) = map(orjson.loads, desk.messages())
    due = store.Appointment("ven_02", webhook["id"], event_id, message["at"])
    delivering.attempt(due)
    assert receiver.heard == []
