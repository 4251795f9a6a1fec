"""Where a request comes from: the address of the viewer, as far as it can be trusted."""

from collections.abc import Mapping
from ipaddress import ip_address


def address_of(source: str, headers: Mapping[str, str], *, behind_edge: bool) -> str:
    """The viewer's IP address, or an empty text.

    source: the address that the gateway sees. Behind our edge that is CloudFront's, which wrote the viewer's at the end
    of X-Forwarded-For, where the gateway adds its own view; what stands before, and every header without an edge, is
    the caller's claim and counts for nothing. So would CloudFront-Viewer-Address: our edge, whose policy leaves out
    the host, cannot add it.
    """
    if behind_edge:
        hops = [hop.strip() for hop in headers.get("x-forwarded-for", "").split(",")]
        if hops[-1] == source:
            hops.pop()
        source = hops[-1] if hops else ""
    try:
        return str(ip_address(source))
    except ValueError:
        return ""
