"""The edge: what stands between callers and the two APIs, how it makes one of them, and how they know it."""

import ast
from typing import Any

import pytest

from infra.config import STAGES
from infra.services import ROOT
from local.synth import synthesized
from tests.infra.assembly import Assembly


def _functions(assembly: Assembly) -> dict[str, dict[str, Any]]:
    """Environments by function name."""
    return {
        function["FunctionName"]: function["Environment"]["Variables"]
        for _, function in assembly.properties("AWS::Lambda::Function")
    }


def _apis(assembly: Assembly) -> set[str]:
    """Names of the functions that API Gateway calls."""
    return {
        assembly.function(template, resource["Properties"]["IntegrationUri"])["Properties"]["FunctionName"]
        for template, _, resource in assembly.all("AWS::ApiGatewayV2::Integration")
    }


def _distribution(assembly: Assembly) -> dict[str, Any]:
    ((_, distribution),) = assembly.properties("AWS::CloudFront::Distribution")
    return distribution["DistributionConfig"]


def test_every_stage_has_an_edge_and_only_dev_has_no_firewall(dev: Assembly, prod: Assembly) -> None:
    """A firewall costs some dollars a month even where nobody comes."""
    assert all(stage.edge for stage in STAGES.values())
    assert [stage.name for stage in STAGES.values() if stage.firewall] == ["staging", "prod"]
    assert len(list(prod.properties("AWS::WAFv2::WebACL"))) == 1
    assert not list(dev.properties("AWS::WAFv2::WebACL"))
    assert "WebACLId" not in _distribution(dev)


def test_the_back_office_is_reached_by_its_paths_and_the_shop_by_all_others(dev: Assembly) -> None:
    config = _distribution(dev)
    origins = {origin["Id"]: dev.text(origin["DomainName"], "Edge") for origin in config["Origins"]}
    ways = {behavior["PathPattern"]: origins[behavior["TargetOriginId"]] for behavior in config["CacheBehaviors"]}
    assert {path for path, origin in ways.items() if "BackOffice" in origin} == {
        "/v1/admin/*",
        "/v1/api/*",
        "/v1/vendors/*",
    }
    assert "Shop" in origins[config["DefaultCacheBehavior"]["TargetOriginId"]]


@pytest.fixture(params=["dev", pytest.param("staging", marks=pytest.mark.slow), "prod"])
def assembly(request: pytest.FixtureRequest) -> Assembly:
    return request.getfixturevalue(request.param)


def test_cloudfront_proves_itself_with_the_secret_that_api_functions_may_read(assembly: Assembly) -> None:
    headers = [
        (header["HeaderName"], header["HeaderValue"])
        for origin in _distribution(assembly)["Origins"]
        for header in origin.get("OriginCustomHeaders", ())
    ]
    secret = f"market-{assembly.stage}/origin"
    assert headers == [("x-origin-verify", f"{{{{resolve:secretsmanager:{secret}:SecretString:::}}}}")] * 2
    told = {name for name, settings in _functions(assembly).items() if "ORIGIN_SECRET" in settings}
    assert told == _apis(assembly)
    assert {_functions(assembly)[name]["ORIGIN_SECRET"] for name in told} == {secret}
    assert len(_readers(assembly, f":secret:{secret}-??????")) == len(told)


def _readers(assembly: Assembly, secret: str) -> list[str]:
    """Policies that let a secret be read, of which this is how the ARN ends."""
    return [
        name
        for name, policy in assembly.properties("AWS::IAM::Policy")
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Action"] == "secretsmanager:GetSecretValue"
        and assembly.text(statement["Resource"], name.partition("/")[0]).endswith(secret)
    ]


def test_without_an_edge_no_function_asks_for_its_proof() -> None:
    """As it is for the marketplace on one machine."""
    bare = Assembly(synthesized())
    assert "Edge" not in bare.templates
    assert not [name for name, settings in _functions(bare).items() if "ORIGIN_SECRET" in settings]
    assert not _readers(bare, "/origin-??????")
    for name, function in bare.properties("AWS::Lambda::Function"):
        assert "<Market-dev-Api." in bare.text(
            function["Environment"]["Variables"]["SANDBOX_URL"], name.partition("/")[0]
        )


@pytest.mark.parametrize("stage", ["dev", pytest.param("staging", marks=pytest.mark.slow)])
def test_our_own_calls_to_the_api_come_through_the_edge_too(request: pytest.FixtureRequest, stage: str) -> None:
    assembly: Assembly = request.getfixturevalue(stage)
    for name, function in assembly.properties("AWS::Lambda::Function"):
        settings = function["Environment"]["Variables"]
        for setting in ("SANDBOX_URL", "WEBHOOK_URL"):
            way = assembly.text(settings[setting], name.partition("/")[0])
            assert f"<Market-{stage}-Edge." in way, name


def _headers(assembly: Assembly, behavior: dict[str, Any]) -> dict[str, Any]:
    """The policy of response headers that a behaviour has."""
    policy = assembly.target("Edge", behavior["ResponseHeadersPolicyId"])["Properties"]
    headers: dict[str, Any] = policy["ResponseHeadersPolicyConfig"]
    return headers


def test_uploaded_files_are_harmless_in_a_browser(prod: Assembly) -> None:
    (media,) = (behavior for behavior in _distribution(prod)["CacheBehaviors"] if behavior["PathPattern"] == "/media/*")
    headers = _headers(prod, media)["SecurityHeadersConfig"]
    assert headers["ContentSecurityPolicy"] == {
        "ContentSecurityPolicy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
        "Override": True,
    }
    assert headers["ContentTypeOptions"] == {"Override": True}


@pytest.mark.contract("24.1", "25.1")
def test_answers_of_the_api_tell_browsers_to_be_careful(prod: Assembly) -> None:
    config = _headers(prod, _distribution(prod)["DefaultCacheBehavior"])
    headers = config["SecurityHeadersConfig"]
    assert headers["StrictTransportSecurity"]["AccessControlMaxAgeSec"] >= 31_536_000
    assert headers["StrictTransportSecurity"]["IncludeSubdomains"] is True
    assert headers["ContentTypeOptions"] == {"Override": True}
    assert headers["FrameOptions"] == {"FrameOption": "DENY", "Override": True}
    assert headers["ReferrerPolicy"]["ReferrerPolicy"] == "no-referrer"
    assert [item["Header"] for item in config["CustomHeadersConfig"]["Items"]] == ["permissions-policy"]


@pytest.mark.contract("24.1")
def test_the_api_page_keeps_the_content_policy_that_lets_it_run(prod: Assembly) -> None:
    headers = _headers(prod, _distribution(prod)["DefaultCacheBehavior"])["SecurityHeadersConfig"]
    assert headers["ContentSecurityPolicy"] == {
        "ContentSecurityPolicy": "default-src 'none'; frame-ancestors 'none'",
        "Override": False,
    }


@pytest.mark.contract("24.1")
def test_what_is_cached_differs_by_query_page_and_country_and_never_by_host(prod: Assembly) -> None:
    """With the host in the key CloudFront would also send it, and API Gateway would not know it."""
    policy = prod.target("Edge", _distribution(prod)["DefaultCacheBehavior"]["CachePolicyId"])["Properties"]
    config = policy["CachePolicyConfig"]
    key = config["ParametersInCacheKeyAndForwardedToOrigin"]
    assert key["HeadersConfig"] == {
        "HeaderBehavior": "whitelist",
        "Headers": ["Origin", "CloudFront-Viewer-Country"],
    }
    assert key["QueryStringsConfig"] == {"QueryStringBehavior": "all"}
    assert key["CookiesConfig"] == {"CookieBehavior": "none"}
    assert (config["MinTTL"], config["DefaultTTL"]) == (0, 0), "only what says so is cached"


@pytest.mark.contract("24.1")
def test_a_refusal_is_kept_for_nobody_else(prod: Assembly) -> None:
    """Whose request is refused is not in the key: what one may not see, the edge would hide from its owner too."""
    kept = {answer["ErrorCode"]: answer["ErrorCachingMinTTL"] for answer in _distribution(prod)["CustomErrorResponses"]}
    assert {400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504} <= set(kept)
    assert set(kept.values()) == {0}


@pytest.mark.contract("24.1")
def test_the_api_gets_every_header_but_the_host(prod: Assembly) -> None:
    behavior = _distribution(prod)["DefaultCacheBehavior"]
    policy = prod.target("Edge", behavior["OriginRequestPolicyId"])["Properties"]["OriginRequestPolicyConfig"]
    assert policy["HeadersConfig"] == {"HeaderBehavior": "allExcept", "Headers": ["Host"]}
    assert policy["QueryStringsConfig"] == {"QueryStringBehavior": "all"}


@pytest.mark.contract("24.1")
def test_only_routes_for_everybody_may_be_cached() -> None:
    """What the edge keeps is shown to others, whoever they are."""
    found = [
        (path.parent.name, node.name)
        for path in sorted((ROOT / "functions").glob("*/*api.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and "cache_seconds=" in ast.unparse(node)
        and not any("callers=[ANYONE]" in ast.unparse(mark) for mark in node.decorator_list)
    ]  # fmt: skip
    assert found == []
