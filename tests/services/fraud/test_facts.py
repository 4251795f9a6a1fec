"""What callers and providers send becomes facts, or counts as not known."""

import gzip
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from fraud import facts, known
from tests.architecture.code import ROOT

pytestmark = pytest.mark.contract("12.8")

REFERENCE = ROOT.parent / "shared/data/reference-fraud-moderation/disposable-email-domains.tar.gz"


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(some.text(max_size=400))
def test_no_text_does_harm(text: str) -> None:
    made = facts.clean(
        order_id="o", account=text, card=text, bin=text, card_country=text, ip=text, email=text, ip_country=text
    )
    assert len(made.account) <= 200
    assert made.bin == "" or (made.bin.isascii() and made.bin.isdigit())
    assert facts.clean(order_id="o", email=made.email, ip=made.ip.partition("/")[0]).email == made.email


@pytest.mark.parametrize(
    ("sent", "taken"),
    [
        ("81.2.69.142", "81.2.69.142"),
        (" 81.2.69.142 ", "81.2.69.142"),
        ("2a01:4f8:c17:b0f::2", "2a01:4f8:c17:b0f::/64"),
        ("2a01:4f8:c17:b0f:ffff::9", "2a01:4f8:c17:b0f::/64"),
        ("::ffff:81.2.69.142", "81.2.69.142"),
        ("127.0.0.1", ""),
        ("10.1.2.3", ""),
        ("192.168.0.1", ""),
        ("::1", ""),
        ("fe80::1%eth0", ""),
        ("999.1.1.1", ""),
        ("81.2.69.142, 10.0.0.1", ""),
        ("", ""),
    ],
)
def test_only_public_addresses_say_something(sent: str, taken: str) -> None:
    assert facts.network(sent) == taken


@pytest.mark.parametrize(
    ("sent", "taken"),
    [
        ("Ada@Example.com", "ada@example.com"),
        ("ada+shop@example.com", "ada@example.com"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@example.com.", "ada@example.com"),
        ('"a@b"@example.com', '"a@b"@example.com'),
        ("ada", ""),
        ("@example.com", ""),
        ("ada@", ""),
        ("ada@localhost", ""),
        ("ada@exa mple.com", ""),
        ("ada\n@example.com\n", ""),
        ("a" * 330 + "@example.com", ""),
    ],
)
def test_an_address_is_known_in_one_spelling(sent: str, taken: str) -> None:
    assert facts.mail(sent) == taken


def test_test_cards_are_everybodys_and_so_identify_nobody() -> None:
    assert facts.clean(order_id="o", card="fp", bin="42424242").card == ""
    assert facts.clean(order_id="o", card="fp", bin="41000000").card == "fp"
    assert facts.clean(order_id="o", card="fp").card == "fp"


def test_a_domain_is_looked_up_with_what_it_may_belong_to() -> None:
    assert facts.parents("a.b.mail.example.org") == ("a.b.mail.example.org", "mail.example.org", "example.org")
    assert facts.parents("example.org") == ("example.org",)
    assert facts.parents("") == ()


def test_what_is_known_from_the_start_is_spelled_as_facts_are() -> None:
    for domain in known.DISPOSABLE | known.COMMON:
        assert facts.domain(domain) == domain
    for issuer in known.RISKY_BINS | known.BLOCKED_BINS | known.TEST_BINS:
        assert facts.issuer(issuer) == issuer
    assert not known.DISPOSABLE & known.COMMON


def test_the_domains_known_from_the_start_are_known_elsewhere_too() -> None:
    """And no domain that everybody uses is among those that are thrown away."""
    if not REFERENCE.exists():
        pytest.skip("no reference list of disposable domains beside the project")
    listed = reference(REFERENCE)
    assert len(listed) > 1_000
    assert len(known.DISPOSABLE & listed) >= 0.8 * len(known.DISPOSABLE)
    assert not known.COMMON & listed
    assert all(facts.domain(domain) for domain in sorted(listed)[:500])


def reference(path: Path) -> set[str]:
    """Every domain of the text files in an archive."""
    found: set[str] = set()
    with tarfile.open(fileobj=gzip.open(path)) as archive:
        for member in archive.getmembers():
            content = archive.extractfile(member) if member.isfile() else None
            if content and "block" in member.name:
                found |= {line.strip() for line in content.read().decode().splitlines() if "." in line}
    return found
