"""Where a request comes from: the address of the viewer, as far as it can be trusted."""

from collections.abc import Mapping
from ipaddress import ip_address


def address_of(source: str, headers: Mapping[str, str], *, behind_edge: bool) -> str:
    """The viewer's IP address, or an empty text.

    source: the address that the gateway sees. Behind our edge that is CloudFront's, and CloudFront tells the viewer's;
    without an edge, headers are the caller's own claims and count for nothing.
    """
    if behind_edge:
        seen = headers.get("cloudfront-viewer-address", "").rpartition(":")[0]
        hops = headers.get("x-forwarded-for", "").split(",")
        source = seen.strip("[]") or hops[-2:][0].strip()
    try:
        return str(ip_address(source))
    except ValueError:
        return ""
