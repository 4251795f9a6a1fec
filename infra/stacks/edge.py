"""What stands between callers and the API in staging and prod: CloudFront and WAF."""

from typing import Any

from aws_cdk import Duration, SecretValue, Stack
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_wafv2 as waf
from constructs import Construct

from infra.acknowledged import acknowledge
from infra.config import Stage

REQUESTS_PER_ADDRESS = 1500
"""Of one address within five minutes, before it is turned away for a while."""

WEBHOOKS_PER_ADDRESS = 15_000
"""The same of webhooks: ten times as many, since whoever forges them makes us ask PayPal about each."""

WEBHOOKS = "/v1/payments/webhook/"
MACHINES = (WEBHOOKS, "/sandbox/")
"""Paths that companies call from few addresses, at the pace of our customers; their calls are signed and checked."""

INERT = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
UNMANAGED = "@aws-cdk/aws-cloudfront-origins:updateImportedBucketPolicyOac"
MANAGED = ("AWSManagedRulesAmazonIpReputationList", "AWSManagedRulesKnownBadInputsRuleSet")


class EdgeStack(Stack):
    """Must be in us-east-1. The API learns from a secret header that a request came this way."""

    def __init__(
        self, scope: Construct, name: str, *, stage: Stage, api: apigateway.HttpApi, media: s3.IBucket, **options: Any
    ) -> None:
        super().__init__(scope, name, description="CloudFront and WAF", **options)
        firewall = self._firewall(stage)
        logs = self._logs(stage)
        self.distribution = cloudfront.Distribution(
            self,
            "Distribution",
            comment=f"Marketplace {stage.name}",
            default_behavior=self._api(stage, api),
            additional_behaviors={"/media/*": self._media(stage, media)},
            web_acl_id=firewall.attr_arn,
            http_version=cloudfront.HttpVersion.HTTP2_AND_3,
            price_class=cloudfront.PriceClass.PRICE_CLASS_100,
            enable_logging=True,
            log_bucket=logs,
        )
        acknowledge(self, UNMANAGED, "The bucket's own stack lets this account's distributions read it.")
        acknowledge(self.distribution, "AwsSolutions-CFR1", "We sell to every country.")
        acknowledge(
            self.distribution,
            "AwsSolutions-CFR4",
            "CloudFront's own domain dictates its TLS policy; a custom one comes with a certificate.",
        )

    def _api(self, stage: Stage, api: apigateway.HttpApi) -> cloudfront.BehaviorOptions:
        """Nothing of the API is cached unless it says so; the viewer's host must not reach API Gateway."""
        proof = SecretValue.secrets_manager(stage.origin_secret)
        origin = origins.HttpOrigin(
            f"{api.api_id}.execute-api.{self.region}.{self.url_suffix}",
            custom_headers={"x-origin-verify": proof.unsafe_unwrap()},
            read_timeout=Duration.seconds(30),
        )
        return cloudfront.BehaviorOptions(
            origin=origin,
            allowed_methods=cloudfront.AllowedMethods.ALLOW_ALL,
            viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
            cache_policy=cloudfront.CachePolicy.USE_ORIGIN_CACHE_CONTROL_HEADERS_QUERY_STRINGS,
            origin_request_policy=cloudfront.OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
        )

    def _media(self, stage: Stage, media: s3.IBucket) -> cloudfront.BehaviorOptions:
        bucket = s3.Bucket.from_bucket_name(self, "Media", media.bucket_name)
        return cloudfront.BehaviorOptions(
            origin=origins.S3BucketOrigin.with_origin_access_control(bucket),
            viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
            cache_policy=cloudfront.CachePolicy.CACHING_OPTIMIZED,
            response_headers_policy=self._harmless(stage),
        )

    def _harmless(self, stage: Stage) -> cloudfront.ResponseHeadersPolicy:
        """Vendors upload what is served here: it runs nothing and loads nothing, whatever a browser takes it for."""
        return cloudfront.ResponseHeadersPolicy(
            self,
            "Harmless",
            response_headers_policy_name=f"{stage.prefix}-media",
            security_headers_behavior=cloudfront.ResponseSecurityHeadersBehavior(
                content_security_policy=cloudfront.ResponseHeadersContentSecurityPolicy(
                    content_security_policy=INERT, override=True
                ),
                content_type_options=cloudfront.ResponseHeadersContentTypeOptions(override=True),
            ),
        )

    def _logs(self, stage: Stage) -> s3.Bucket:
        bucket = s3.Bucket(
            self,
            "AccessLogs",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            object_ownership=s3.ObjectOwnership.OBJECT_WRITER,
            lifecycle_rules=[s3.LifecycleRule(expiration=Duration.days(stage.archive_days))],
            removal_policy=stage.removal,
        )
        acknowledge(bucket, "AwsSolutions-S1", "It holds access logs itself.")
        return bucket

    def _firewall(self, stage: Stage) -> waf.CfnWebACL:
        limits = [
            _limited("requests-per-address", 0, REQUESTS_PER_ADDRESS, _not_by_machines()),
            _limited("webhooks-per-address", 1, WEBHOOKS_PER_ADDRESS, _under(WEBHOOKS)),
        ]
        return waf.CfnWebACL(
            self,
            "Firewall",
            name=stage.prefix,
            scope="CLOUDFRONT",
            default_action=waf.CfnWebACL.DefaultActionProperty(allow={}),
            rules=[*limits, *(_managed(name, priority) for priority, name in enumerate(MANAGED, len(limits)))],
            visibility_config=_visible(stage.prefix),
        )


def _limited(
    name: str, priority: int, limit: int, where: waf.CfnWebACL.StatementProperty
) -> waf.CfnWebACL.RuleProperty:
    """Turns an address away that sends more than so many requests of this kind within five minutes."""
    too_many = waf.CfnWebACL.CustomResponseProperty(response_code=429)
    by_address = waf.CfnWebACL.RateBasedStatementProperty(
        limit=limit, aggregate_key_type="IP", scope_down_statement=where
    )
    return waf.CfnWebACL.RuleProperty(
        name=name,
        priority=priority,
        action=waf.CfnWebACL.RuleActionProperty(block=waf.CfnWebACL.BlockActionProperty(custom_response=too_many)),
        statement=waf.CfnWebACL.StatementProperty(rate_based_statement=by_address),
        visibility_config=_visible(name),
    )


def _under(path: str) -> waf.CfnWebACL.StatementProperty:
    return waf.CfnWebACL.StatementProperty(
        byte_match_statement=waf.CfnWebACL.ByteMatchStatementProperty(
            field_to_match=waf.CfnWebACL.FieldToMatchProperty(uri_path={}),
            positional_constraint="STARTS_WITH",
            search_string=path,
            text_transformations=[waf.CfnWebACL.TextTransformationProperty(priority=0, type="NONE")],
        )
    )


def _not_by_machines() -> waf.CfnWebACL.StatementProperty:
    paths = [_under(path) for path in MACHINES]
    either = waf.CfnWebACL.StatementProperty(or_statement=waf.CfnWebACL.OrStatementProperty(statements=paths))
    return waf.CfnWebACL.StatementProperty(not_statement=waf.CfnWebACL.NotStatementProperty(statement=either))


def _managed(name: str, priority: int) -> waf.CfnWebACL.RuleProperty:
    group = waf.CfnWebACL.ManagedRuleGroupStatementProperty(vendor_name="AWS", name=name)
    return waf.CfnWebACL.RuleProperty(
        name=name,
        priority=priority,
        override_action=waf.CfnWebACL.OverrideActionProperty(none={}),
        statement=waf.CfnWebACL.StatementProperty(managed_rule_group_statement=group),
        visibility_config=_visible(name),
    )


def _visible(name: str) -> waf.CfnWebACL.VisibilityConfigProperty:
    return waf.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=name, sampled_requests_enabled=True
    )
