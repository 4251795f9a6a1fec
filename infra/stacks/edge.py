"""What stands between callers and the APIs: CloudFront, which makes one address of the two, and WAF where it counts."""

from typing import Any

from aws_cdk import Duration, SecretValue, Stack
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.acknowledged import acknowledge
from infra.config import Stage
from infra.constructs.firewall import Firewall
from infra.constructs.gateway import Gateway
from infra.stacks.api import BACK_OFFICE, ApiStack

COUNTRY = "CloudFront-Viewer-Country"
KEY_HEADERS = ("Origin", COUNTRY)
"""Answers differ by the page that asks (CORS) and may by country. Not by `Host`, which API Gateway would then
get, and not by `Authorization`: what may be cached is for everybody, the rest is `no-store`."""

LONGEST = Duration.days(1)
ERRORS = (400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504)
"""CloudFront would keep these answers for ten seconds, whoever asks: what is not there for one is there for another."""

INERT = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
CLOSED = "default-src 'none'; frame-ancestors 'none'"
PERMISSIONS = "camera=(), microphone=(), geolocation=(), payment=(), usb=()"
UNMANAGED = "@aws-cdk/aws-cloudfront-origins:updateImportedBucketPolicyOac"


class EdgeStack(Stack):
    """Must be in us-east-1. The API learns from a secret header that a request came this way."""

    def __init__(
        self, scope: Construct, name: str, *, stage: Stage, apis: ApiStack, media: s3.IBucket, **options: Any
    ) -> None:
        super().__init__(scope, name, description="CloudFront and WAF", **options)
        self.firewall = Firewall(self, "Firewall", stage=stage) if stage.firewall else None
        policies = self._policies(stage)
        back_office = self._api(stage, apis.back_office, policies)
        self.distribution = cloudfront.Distribution(
            self,
            "Distribution",
            comment=f"Marketplace {stage.name}",
            default_behavior=self._api(stage, apis.shop, policies),
            additional_behaviors={
                **{f"{path}*": back_office for path in BACK_OFFICE},
                "/media/*": self._media(stage, media),
            },
            web_acl_id=self.firewall.acl.attr_arn if self.firewall else None,
            http_version=cloudfront.HttpVersion.HTTP2_AND_3,
            price_class=cloudfront.PriceClass.PRICE_CLASS_100,
            enable_logging=True,
            log_bucket=self._logs(stage),
            error_responses=[
                cloudfront.ErrorResponse(http_status=status, ttl=Duration.seconds(0)) for status in ERRORS
            ],
        )
        acknowledge(self, UNMANAGED, "The bucket's own stack lets this account's distributions read it.")
        if not stage.firewall:
            acknowledge(self.distribution, "AwsSolutions-CFR2", "A firewall costs money even where nobody comes.")
        acknowledge(self.distribution, "AwsSolutions-CFR1", "A stage refuses countries in its firewall, if any.")
        acknowledge(
            self.distribution,
            "AwsSolutions-CFR4",
            "CloudFront's own domain dictates its TLS policy; a custom one comes with a certificate.",
        )

    def _policies(self, stage: Stage) -> dict[str, Any]:
        """Alike for both APIs. Nothing is cached unless they say so; the viewer's host must not reach API Gateway."""
        return {
            "cache_policy": self._as_told(stage),
            "origin_request_policy": self._whole_request(stage),
            "response_headers_policy": self._closed(stage),
        }

    def _api(self, stage: Stage, gateway: Gateway, policies: dict[str, Any]) -> cloudfront.BehaviorOptions:
        proof = SecretValue.secrets_manager(stage.origin_secret)
        origin = origins.HttpOrigin(
            f"{gateway.api.api_id}.execute-api.{self.region}.{self.url_suffix}",
            custom_headers={"x-origin-verify": proof.unsafe_unwrap()},
            read_timeout=Duration.seconds(30),
        )
        return cloudfront.BehaviorOptions(
            origin=origin,
            allowed_methods=cloudfront.AllowedMethods.ALLOW_ALL,
            viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
            **policies,
        )

    def _as_told(self, stage: Stage) -> cloudfront.CachePolicy:
        """Cached is what says `Cache-Control: public`, for as long as it says; nothing else is."""
        return cloudfront.CachePolicy(
            self,
            "AsTold",
            cache_policy_name=f"{stage.prefix}-api",
            comment="As the API says, by query, page and country",
            default_ttl=Duration.seconds(0),
            min_ttl=Duration.seconds(0),
            max_ttl=LONGEST,
            header_behavior=cloudfront.CacheHeaderBehavior.allow_list(*KEY_HEADERS),
            query_string_behavior=cloudfront.CacheQueryStringBehavior.all(),
            cookie_behavior=cloudfront.CacheCookieBehavior.none(),
            enable_accept_encoding_gzip=True,
            enable_accept_encoding_brotli=True,
        )

    def _whole_request(self, stage: Stage) -> cloudfront.OriginRequestPolicy:
        """All that the caller sent but the host: API Gateway only knows its own. The country comes with the cache key.

        A policy that leaves the host out cannot add CloudFront's own headers. The function learns of the viewer's
        address by the last but one of X-Forwarded-For, which CloudFront itself adds.
        """
        return cloudfront.OriginRequestPolicy(
            self,
            "WholeRequest",
            origin_request_policy_name=f"{stage.prefix}-api",
            comment="All headers but the host",
            header_behavior=cloudfront.OriginRequestHeaderBehavior.deny_list("Host"),
            query_string_behavior=cloudfront.OriginRequestQueryStringBehavior.all(),
            cookie_behavior=cloudfront.OriginRequestCookieBehavior.none(),
        )

    def _closed(self, stage: Stage) -> cloudfront.ResponseHeadersPolicy:
        """Answers of the gateway and the edge get what functions send anyway; the API page has a policy of its own."""
        headers = cloudfront
        return headers.ResponseHeadersPolicy(
            self,
            "Closed",
            response_headers_policy_name=f"{stage.prefix}-api",
            security_headers_behavior=headers.ResponseSecurityHeadersBehavior(
                strict_transport_security=headers.ResponseHeadersStrictTransportSecurity(
                    access_control_max_age=Duration.days(730), include_subdomains=True, override=True
                ),
                content_type_options=headers.ResponseHeadersContentTypeOptions(override=True),
                frame_options=headers.ResponseHeadersFrameOptions(
                    frame_option=headers.HeadersFrameOption.DENY, override=True
                ),
                referrer_policy=headers.ResponseHeadersReferrerPolicy(
                    referrer_policy=headers.HeadersReferrerPolicy.NO_REFERRER, override=False
                ),
                content_security_policy=headers.ResponseHeadersContentSecurityPolicy(
                    content_security_policy=CLOSED, override=False
                ),
            ),
            custom_headers_behavior=headers.ResponseCustomHeadersBehavior(
                custom_headers=[
                    headers.ResponseCustomHeader(header="permissions-policy", value=PERMISSIONS, override=False)
                ]
            ),
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
        """Vendors upload what is served here: it runs nothing and loads nothing, whatever a browser takes it for.

        Pages of ours may read it, which is how a viewer in the page gets hold of a model.
        """
        return cloudfront.ResponseHeadersPolicy(
            self,
            "Harmless",
            response_headers_policy_name=f"{stage.prefix}-media",
            cors_behavior=cloudfront.ResponseHeadersCorsBehavior(
                access_control_allow_credentials=False,
                access_control_allow_headers=["*"],
                access_control_allow_methods=["GET", "HEAD"],
                access_control_allow_origins=list(stage.origins),
                origin_override=True,
            ),
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
