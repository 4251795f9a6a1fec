"""The firewall: what it counts of one address, whom it turns away, and what it looks for in a request."""

import dataclasses
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk.assertions import Template

from infra.config import STAGES
from infra.constructs.firewall import COUNTED_GROUPS, MANAGED, PLAIN, Firewall
from infra.services import Source
from market.guard.limits import ALLOWANCES
from tests.infra.assembly import Assembly

pytestmark = [pytest.mark.contract("24.2", "24.3")]

CAPACITY = {  # as AWS publishes it, with room for the scope of each
    "AWSManagedRulesAmazonIpReputationList": 25,
    "AWSManagedRulesAnonymousIpList": 50,
    "AWSManagedRulesCommonRuleSet": 700,
    "AWSManagedRulesKnownBadInputsRuleSet": 200,
    "AWSManagedRulesSQLiRuleSet": 200,
}


def _rules(assembly: Assembly) -> dict[str, dict[str, Any]]:
    ((_, firewall),) = assembly.properties("AWS::WAFv2::WebACL")
    assert firewall["Scope"] == "CLOUDFRONT"
    return {rule["Name"]: rule for rule in firewall["Rules"]}


def _rate(assembly: Assembly, name: str) -> dict[str, Any]:
    return _rules(assembly)[name]["Statement"]["RateBasedStatement"]


def test_one_address_cannot_ask_for_everything_unless_it_is_a_company_that_reports_payments(prod: Assembly) -> None:
    limit = _rate(prod, "requests-per-address")
    assert limit["AggregateKeyType"] == "IP"
    assert limit["Limit"] <= 2000
    spared = limit["ScopeDownStatement"]["NotStatement"]["Statement"]["OrStatement"]["Statements"]
    assert [one["ByteMatchStatement"]["SearchString"] for one in spared] == ["/v1/payments/webhook/", "/sandbox/"]


@pytest.mark.contract("12.2", "25.1")
def test_forged_webhooks_are_limited_by_address_too_if_more_generously(prod: Assembly) -> None:
    """Each forged PayPal webhook costs a call to PayPal, where our real calls are counted as well."""
    limit = _rate(prod, "webhooks-per-address")
    assert limit["AggregateKeyType"] == "IP"
    assert 5_000 <= limit["Limit"] <= 30_000
    assert limit["ScopeDownStatement"]["ByteMatchStatement"]["SearchString"] == "/v1/payments/webhook/"


def test_whoever_guesses_passwords_is_turned_away_sooner(prod: Assembly) -> None:
    limit = _rate(prod, "sign-ins-per-address")
    assert limit["Limit"] * 5 <= _rate(prod, "requests-per-address")["Limit"]
    assert limit["ScopeDownStatement"]["ByteMatchStatement"]["SearchString"] == "/v1/auth/"


def test_whoever_is_turned_away_is_told_to_slow_down(prod: Assembly) -> None:
    limits = [rule for rule in _rules(prod).values() if "RateBasedStatement" in rule["Statement"]]
    assert len(limits) == 3
    for rule in limits:
        answer = rule["Action"]["Block"]["CustomResponse"]
        assert answer["ResponseCode"] == 429
        assert answer["ResponseHeaders"] == [{"Name": "retry-after", "Value": "300"}]


def test_blocked_networks_are_refused_before_anything_else(prod: Assembly) -> None:
    rules = _rules(prod)
    assert [rule["Priority"] for rule in rules.values()] == list(range(len(rules)))
    first = rules["blocked-networks"]
    assert first["Priority"] == 0
    assert first["Action"] == {"Block": {}}
    sets = dict(prod.properties("AWS::WAFv2::IPSet"))
    assert {(one["Name"], one["IPAddressVersion"]) for one in sets.values()} == {
        ("market-prod-blocked-v4", "IPV4"),
        ("market-prod-blocked-v6", "IPV6"),
    }
    named = {
        statement["IPSetReferenceStatement"]["Arn"]["Fn::GetAtt"][0]
        for statement in first["Statement"]["OrStatement"]["Statements"]
    }
    assert named == {name.partition("/")[2] for name in sets}


def test_the_abuse_service_and_nobody_else_fills_the_block_list(prod: Assembly) -> None:
    told = {
        function["FunctionName"]: prod.text(function["Environment"]["Variables"]["FIREWALL"], name.partition("/")[0])
        for name, function in prod.properties("AWS::Lambda::Function")
        if "FIREWALL" in function["Environment"]["Variables"]
    }
    assert set(told) == {"market-prod-abuse-consumer", "market-prod-abuse-schedule"}
    for value in told.values():
        assert [part.partition("/")[0] for part in value.split(",")] == [
            "market-prod-blocked-v4",
            "market-prod-blocked-v6",
        ]
    writers = {
        name.partition("/")[0]
        for name, policy in prod.properties("AWS::IAM::Policy")
        if "wafv2:" in str(policy["PolicyDocument"])
    }
    assert writers == {"AbuseService"}


def test_without_an_edge_nobody_is_told_of_a_firewall(dev: Assembly) -> None:
    assert not [
        name
        for name, function in dev.properties("AWS::Lambda::Function")
        if "FIREWALL" in function["Environment"]["Variables"]
    ]


def test_managed_rules_look_for_known_attacks_and_only_count_where_customers_would_suffer(prod: Assembly) -> None:
    rules = _rules(prod)
    for group, counted in MANAGED.items():
        statement = rules[group]["Statement"]["ManagedRuleGroupStatement"]
        assert rules[group]["OverrideAction"] == {"None": {}}
        overrides = {one["Name"]: one["ActionToUse"] for one in statement.get("RuleActionOverrides", ())}
        assert overrides == {name: {"Count": {}} for name in counted}, group
        assert all(len(reason) > 20 for reason in counted.values()), "each exception has its reason"
    for group in COUNTED_GROUPS:
        assert rules[group]["OverrideAction"] == {"Count": {}}


def test_signed_webhooks_are_not_taken_for_attacks(prod: Assembly) -> None:
    for group in (*MANAGED, *COUNTED_GROUPS):
        statement = _rules(prod)[group]["Statement"]["ManagedRuleGroupStatement"]
        assert "/v1/payments/webhook/" in str(statement["ScopeDownStatement"]["NotStatement"]), group


@pytest.mark.parametrize("name", ["sign-ins-per-address", "webhooks-per-address"])
def test_another_spelling_of_a_path_is_counted_with_it(prod: Assembly, name: str) -> None:
    """`/v1/%61uth/login` and `/v1//x/../auth/login` are the same to some who read them."""
    where = _rules(prod)[name]["Statement"]["RateBasedStatement"]["ScopeDownStatement"]["ByteMatchStatement"]
    kinds = [one["Type"] for one in sorted(where["TextTransformations"], key=lambda one: one["Priority"])]
    assert kinds == ["URL_DECODE", "NORMALIZE_PATH"]


def test_the_rules_fit_into_the_capacity_of_the_basic_price(prod: Assembly) -> None:
    assert set(CAPACITY) == {*MANAGED, *COUNTED_GROUPS}
    transformations = sum(str(_rules(prod)).count(kind) for kind in PLAIN)
    assert sum(CAPACITY.values()) + 25 * len(_rules(prod)) + 10 * transformations <= 1_500


def test_what_is_blocked_is_logged_without_secrets(prod: Assembly) -> None:
    ((name, logging),) = prod.properties("AWS::WAFv2::LoggingConfiguration")
    group = prod.target(name.partition("/")[0], logging["LogDestinationConfigs"][0])["Properties"]
    assert group["LogGroupName"].startswith("aws-waf-logs-"), "WAF writes to no other"
    assert logging["LoggingFilter"] == {
        "DefaultBehavior": "DROP",
        "Filters": [
            {
                "Behavior": "KEEP",
                "Requirement": "MEETS_ANY",
                "Conditions": [{"ActionCondition": {"Action": "BLOCK"}}],
            }
        ],
    }
    hidden = {field["SingleHeader"]["Name"] for field in logging["RedactedFields"] if "SingleHeader" in field}
    assert hidden == {"authorization", "api-key", "guest-token", "captcha-token", "cookie"}
    assert {"QueryString": {}} in logging["RedactedFields"]


def test_every_limit_that_a_route_names_has_an_allowance(services: dict[str, Source]) -> None:
    limits = {route.limit for service in services.values() for routes in service.routes.values() for route in routes}
    assert limits - {""} <= set(ALLOWANCES)


@pytest.mark.contract("1.5")
def test_functions_that_ask_for_a_captcha_are_told_whom_to_ask(services: dict[str, Source]) -> None:
    asking = {
        function.name: function.capabilities
        for service in services.values()
        for function in service.manifest.functions
        if any(route.captcha for route in service.routes.get(function.name, ()))
    }
    assert asking
    assert [name for name, words in asking.items() if "captcha" not in words] == []


def test_a_stage_may_turn_countries_away() -> None:
    stage = dataclasses.replace(STAGES["prod"], refused_countries=("XX", "YY"))
    stack = Stack(App(), "Edge")
    Firewall(stack, "Firewall", stage=stage)
    (acl,) = Template.from_stack(stack).find_resources("AWS::WAFv2::WebACL").values()
    (rule,) = [rule for rule in acl["Properties"]["Rules"] if rule["Name"] == "regions"]
    assert rule["Action"] == {"Block": {}}
    assert rule["Statement"] == {"GeoMatchStatement": {"CountryCodes": ["XX", "YY"]}}


def test_no_stage_does_so_by_itself(prod: Assembly) -> None:
    assert "regions" not in _rules(prod)
