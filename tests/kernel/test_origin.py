"""Where a request comes from: what CloudFront says is believed, what the caller says is not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.guard.origin import address_of

pytestmark = pytest.mark.contract("24.1", "24.2")

CLOUDFRONT = "130.176.0.1"
LIES = st.lists(
    st.sampled_from(["198.51.100.1", "10.0.0.1", "", " ", "nonsense", CLOUDFRONT, "::1", "a,b"]), max_size=5
)


def seen(*hops: str, source: str = CLOUDFRONT, behind_edge: bool = True, **headers: str) -> str:
    sent = {"x-forwarded-for": ", ".join(hops)} if hops else {}
    more = {name.replace("_", "-"): text for name, text in headers.items()}
    return address_of(source, sent | more, behind_edge=behind_edge)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(lies=LIES, viewer=st.ip_addresses().map(str), told=st.booleans())
def test_whatever_the_caller_puts_before_it_the_viewers_address_is_found(
    lies: list[str], viewer: str, told: bool
) -> None:
    gateway = [CLOUDFRONT] if told else []
    if viewer != CLOUDFRONT:
        assert seen(*lies, viewer, *gateway) == viewer


def test_a_made_up_header_of_the_edge_is_not_believed() -> None:
    assert seen("203.0.113.7", CLOUDFRONT, cloudfront_viewer_address="198.51.100.1:443") == "203.0.113.7"


def test_without_an_edge_only_the_gateway_is_believed() -> None:
    assert seen("198.51.100.1", source="203.0.113.7", behind_edge=False) == "203.0.113.7"


@pytest.mark.parametrize("hops", [(), (CLOUDFRONT,), ("unknown", CLOUDFRONT), ("", CLOUDFRONT), ("203.0.113.7:443",)])
def test_what_is_no_address_is_none(hops: tuple[str, ...]) -> None:
    assert seen(*hops) == ""
