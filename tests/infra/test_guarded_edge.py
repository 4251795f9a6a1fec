"""What the firewall counts of one address: nothing that anybody may call is left out."""

import pytest

from tests.infra.assembly import Assembly

pytestmark = pytest.mark.contract("12.2", "25.1")


def test_forged_webhooks_are_limited_by_address_too_if_more_generously(prod: Assembly) -> None:
    """Each forged PayPal webhook costs a call to PayPal, where our real calls are counted as well."""
    ((_, firewall),) = prod.properties("AWS::WAFv2::WebACL")
    (rule,) = [rule for rule in firewall["Rules"] if rule["Name"] == "webhooks-per-address"]
    limit = rule["Statement"]["RateBasedStatement"]
    assert limit["AggregateKeyType"] == "IP"
    assert 5_000 <= limit["Limit"] <= 30_000
    assert limit["ScopeDownStatement"]["ByteMatchStatement"]["SearchString"] == "/v1/payments/webhook/"
    assert len({rule["Priority"] for rule in firewall["Rules"]}) == len(firewall["Rules"])


def test_whoever_is_turned_away_is_told_to_slow_down(prod: Assembly) -> None:
    ((_, firewall),) = prod.properties("AWS::WAFv2::WebACL")
    limits = [rule for rule in firewall["Rules"] if "RateBasedStatement" in rule["Statement"]]
    assert len(limits) == 2
    for rule in limits:
        assert rule["Action"] == {"Block": {"CustomResponse": {"ResponseCode": 429}}}
