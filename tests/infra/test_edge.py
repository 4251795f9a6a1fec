"""The edge: what stands between callers and the API in staging and prod, and how the API knows it."""

from typing import Any

from infra.config import STAGES
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


def test_only_staging_and_prod_stand_behind_the_edge(dev: Assembly, prod: Assembly) -> None:
    assert [stage.name for stage in STAGES.values() if stage.edge] == ["staging", "prod"]
    assert "Edge" in prod.templates
    assert "Edge" not in dev.templates


def test_cloudfront_proves_itself_with_the_secret_that_api_functions_may_read(
    staging: Assembly, prod: Assembly
) -> None:
    for stage, assembly in (("staging", staging), ("prod", prod)):
        headers = [
            (header["HeaderName"], header["HeaderValue"])
            for origin in _distribution(assembly)["Origins"]
            for header in origin.get("OriginCustomHeaders", ())
        ]
        sent = f"{{{{resolve:secretsmanager:market-{stage}/origin:SecretString:::}}}}"
        assert headers == [("x-origin-verify", sent)]
        told = {name for name, settings in _functions(assembly).items() if "ORIGIN_SECRET" in settings}
        assert told == _apis(assembly)
        assert {_functions(assembly)[name]["ORIGIN_SECRET"] for name in told} == {f"market-{stage}/origin"}
        assert len(_readers(assembly, f":secret:market-{stage}/origin-??????")) == len(told)


def _readers(assembly: Assembly, secret: str) -> list[str]:
    """Policies that let a secret be read, of which this is how the ARN ends."""
    return [
        name
        for name, policy in assembly.properties("AWS::IAM::Policy")
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Action"] == "secretsmanager:GetSecretValue"
        and assembly.text(statement["Resource"], name.partition("/")[0]).endswith(secret)
    ]


def test_without_an_edge_no_function_asks_for_its_proof(dev: Assembly) -> None:
    assert not [name for name, settings in _functions(dev).items() if "ORIGIN_SECRET" in settings]
    assert not _readers(dev, "/origin-??????")


def test_our_own_calls_to_the_api_come_through_the_edge_too(dev: Assembly, staging: Assembly) -> None:
    for assembly, way in ((dev, "<Market-dev-Api."), (staging, "<Market-staging-Edge.")):
        for name, function in assembly.properties("AWS::Lambda::Function"):
            settings = function["Environment"]["Variables"]
            for setting in ("SANDBOX_URL", "WEBHOOK_URL"):
                assert way in assembly.text(settings[setting], name.partition("/")[0]), name


def test_uploaded_files_are_harmless_in_a_browser(prod: Assembly) -> None:
    ((name, policy),) = prod.properties("AWS::CloudFront::ResponseHeadersPolicy")
    headers = policy["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]
    assert headers["ContentSecurityPolicy"] == {
        "ContentSecurityPolicy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
        "Override": True,
    }
    assert headers["ContentTypeOptions"] == {"Override": True}
    (media,) = _distribution(prod)["CacheBehaviors"]
    assert media["PathPattern"] == "/media/*"
    assert media["ResponseHeadersPolicyId"] == {"Ref": name.partition("/")[2]}


def test_one_address_cannot_ask_for_everything_unless_it_is_a_company_that_reports_payments(prod: Assembly) -> None:
    ((_, firewall),) = prod.properties("AWS::WAFv2::WebACL")
    assert firewall["Scope"] == "CLOUDFRONT"
    limit = firewall["Rules"][0]["Statement"]["RateBasedStatement"]
    assert limit["Limit"] <= 2000
    spared = limit["ScopeDownStatement"]["NotStatement"]["Statement"]["OrStatement"]["Statements"]
    assert [one["ByteMatchStatement"]["SearchString"] for one in spared] == ["/v1/payments/webhook/", "/sandbox/"]
