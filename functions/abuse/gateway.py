"""The port to the firewall before the edge: its two sets of blocked networks, one for each version of IP.

The kernel refuses what blocked addresses send; the firewall refuses all of it, before anything of ours runs or costs.
FIREWALL names the sets as `<name>/<id>`, separated by commas; it is empty in stages without an edge.
"""

from market import config, log

_SCOPE = "CLOUDFRONT"


def replace_blocked(networks: list[str]) -> None:
    """Let the firewall block exactly these. Raises botocore's errors; the event is then heard again."""
    for known in filter(None, config.setting("FIREWALL").split(",")):
        waf = config.client("wafv2")
        name, _, set_id = known.partition("/")
        place = {"Name": name, "Scope": _SCOPE, "Id": set_id}
        wanted = [network for network in networks if (":" in network) == name.endswith("-v6")]
        present = waf.get_ip_set(**place)
        if sorted(present["IPSet"]["Addresses"]) != sorted(wanted):
            waf.update_ip_set(**place, Addresses=wanted, LockToken=present["LockToken"])
            log.info("firewall told", set=name, networks=len(wanted))
