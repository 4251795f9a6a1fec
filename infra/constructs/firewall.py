"""The firewall before the edge: blocked networks, rates of one address, and AWS's managed rules.

Rules are looked at in this order, and the first that blocks ends it. Together they take about 1,250 of the 1,500
capacity units that a web ACL has at the basic price. Bot Control is left out: it costs $10 a month and $1 a million
requests; what it would add here is a managed rule group like the others (`AWSManagedRulesBotControlRuleSet`).
"""

from collections.abc import Mapping, Sequence

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_logs as logs
from aws_cdk import aws_wafv2 as waf
from constructs import Construct

from infra.config import Stage
from infra.constructs.alarms import alarm

Acl, Rule, Statement = waf.CfnWebACL, waf.CfnWebACL.RuleProperty, waf.CfnWebACL.StatementProperty

SIGN_INS_PER_ADDRESS = 150
"""Of one address at the account routes within five minutes: an office behind one address signs in in the morning."""

REQUESTS_PER_ADDRESS = 1500
"""The same of everything, before it is turned away for a while."""

WEBHOOKS_PER_ADDRESS = 15_000
"""The same of webhooks: ten times as many, since whoever forges them makes us ask PayPal about each."""

BLOCKED_ALARM = 5_000
"""Requests turned away within five minutes, twice: more than a few addresses in a loop."""

ACCOUNTS = "/v1/auth/"
WEBHOOKS = "/v1/payments/webhook/"
MACHINES = (WEBHOOKS, "/sandbox/")
"""Paths that companies call from few addresses, at the pace of our customers; their calls are signed and checked."""

MANAGED: Mapping[str, Mapping[str, str]] = {
    "AWSManagedRulesAmazonIpReputationList": {},
    "AWSManagedRulesKnownBadInputsRuleSet": {},
    "AWSManagedRulesCommonRuleSet": {
        "SizeRestrictions_BODY": "Imports and long descriptions exceed 8 KB; each route has its own limit.",
        "CrossSiteScripting_BODY": "Descriptions and reviews are text to us, and escaped where they are shown.",
        "GenericRFI_BODY": "Vendors register addresses of webhooks; those are checked when they are called.",
        "NoUserAgent_HEADER": "Programs with an API key need not say what they are.",
    },
    "AWSManagedRulesSQLiRuleSet": {
        "SQLi_BODY": "There is no SQL behind this API, and people do write about drop tables.",
    },
}
"""Managed rule groups, and those of their rules that only count, with the reason."""

COUNTED_GROUPS = ("AWSManagedRulesAnonymousIpList",)
"""Who comes through a VPN may be a customer: the group is a figure, and a label for the day of an attack."""

PLAIN = ("URL_DECODE", "NORMALIZE_PATH")
"""What is counted by its path is counted however the path is written. Exceptions are for one spelling only."""

SECRET_HEADERS = ("authorization", "api-key", "guest-token", "captcha-token", "cookie")


class Firewall(Construct):
    """A web ACL for CloudFront with its block list and the log of what it blocked."""

    def __init__(self, scope: Construct, name: str, *, stage: Stage) -> None:
        super().__init__(scope, name)
        self.blocked = [self._blocked(stage, version) for version in ("v4", "v6")]
        self.acl = Acl(
            self,
            "Acl",
            name=stage.prefix,
            scope="CLOUDFRONT",
            default_action=Acl.DefaultActionProperty(allow={}),
            rules=[_numbered(rule, priority) for priority, rule in enumerate(self._rules(stage))],
            visibility_config=_visible(stage.prefix),
        )
        self._log(stage)
        self._alarm(stage)

    @property
    def sets(self) -> str:
        """The sets of blocked networks, as the abuse service is told of them: `<name>/<id>`, by commas."""
        return ",".join(f"{made.name}/{made.attr_id}" for made in self.blocked)

    def _rules(self, stage: Stage) -> list[waf.CfnWebACL.RuleProperty]:
        return [
            _blocking("blocked-networks", _either([_from_set(made.attr_arn) for made in self.blocked])),
            *([_blocking("regions", _from_countries(stage.refused_countries))] if stage.refused_countries else []),
            _limited("sign-ins-per-address", SIGN_INS_PER_ADDRESS, _under(ACCOUNTS, PLAIN)),
            _limited("requests-per-address", REQUESTS_PER_ADDRESS, _not_by_machines()),
            _limited("webhooks-per-address", WEBHOOKS_PER_ADDRESS, _under(WEBHOOKS, PLAIN)),
            *(_managed(group, counted) for group, counted in MANAGED.items()),
            *(_managed(group, {}, only_count=True) for group in COUNTED_GROUPS),
        ]

    def _blocked(self, stage: Stage, version: str) -> waf.CfnIPSet:
        """Filled by the abuse service; a deployment leaves its contents alone as long as nothing here changes."""
        return waf.CfnIPSet(
            self,
            f"Blocked{version.upper()}",
            name=stage.blocked_set(version),
            scope="CLOUDFRONT",
            ip_address_version=f"IP{version.upper()}",
            addresses=[],
        )

    def _log(self, stage: Stage) -> None:
        """What was blocked, without secrets and queries. WAF wants this beginning of the name."""
        group = logs.LogGroup(
            self,
            "Log",
            log_group_name=f"aws-waf-logs-{stage.prefix}",
            retention=stage.log_retention,
            removal_policy=RemovalPolicy.DESTROY,
        )
        blocked = {"ActionCondition": {"Action": "BLOCK"}}
        waf.CfnLoggingConfiguration(
            self,
            "Logging",
            resource_arn=self.acl.attr_arn,
            log_destination_configs=[group.log_group_arn],
            redacted_fields=[
                *(_redacted(single_header={"Name": header}) for header in SECRET_HEADERS),
                _redacted(query_string={}),
            ],
            logging_filter={
                "DefaultBehavior": "DROP",
                "Filters": [{"Behavior": "KEEP", "Requirement": "MEETS_ANY", "Conditions": [blocked]}],
            },
        )

    def _alarm(self, stage: Stage) -> None:
        blocked = cloudwatch.Metric(
            namespace="AWS/WAFV2",
            metric_name="BlockedRequests",
            dimensions_map={"WebACL": stage.prefix, "Rule": "ALL"},
            period=Duration.minutes(5),
            statistic="Sum",
        )
        says = "The firewall turns away far more than usual"
        alarm(self, "Blocked", blocked, stage=stage, says=says, runbook="attack", above=BLOCKED_ALARM, periods=2)


def _redacted(**field: object) -> waf.CfnLoggingConfiguration.FieldToMatchProperty:
    return waf.CfnLoggingConfiguration.FieldToMatchProperty(**field)


def _numbered(rule: waf.CfnWebACL.RuleProperty, priority: int) -> waf.CfnWebACL.RuleProperty:
    return Rule(
        name=rule.name,
        priority=priority,
        action=rule.action,
        override_action=rule.override_action,
        statement=rule.statement,
        visibility_config=rule.visibility_config,
    )


def _blocking(name: str, where: waf.CfnWebACL.StatementProperty) -> waf.CfnWebACL.RuleProperty:
    return Rule(
        name=name,
        priority=0,
        action=Acl.RuleActionProperty(block=Acl.BlockActionProperty()),
        statement=where,
        visibility_config=_visible(name),
    )


def _limited(name: str, limit: int, where: waf.CfnWebACL.StatementProperty) -> waf.CfnWebACL.RuleProperty:
    """Turns an address away that sends more than so many requests of this kind within five minutes."""
    too_many = Acl.CustomResponseProperty(
        response_code=429, response_headers=[Acl.CustomHTTPHeaderProperty(name="retry-after", value="300")]
    )
    by_address = Acl.RateBasedStatementProperty(limit=limit, aggregate_key_type="IP", scope_down_statement=where)
    return Rule(
        name=name,
        priority=0,
        action=Acl.RuleActionProperty(block=Acl.BlockActionProperty(custom_response=too_many)),
        statement=Statement(rate_based_statement=by_address),
        visibility_config=_visible(name),
    )


def _managed(group: str, counted: Mapping[str, str], *, only_count: bool = False) -> waf.CfnWebACL.RuleProperty:
    """counted: rules that only count; only_count: the whole group does. Companies' webhooks are not looked at."""
    count = Acl.RuleActionProperty(count={})
    rules = Acl.ManagedRuleGroupStatementProperty(
        vendor_name="AWS",
        name=group,
        scope_down_statement=_not_by_machines(),
        rule_action_overrides=[Acl.RuleActionOverrideProperty(name=rule, action_to_use=count) for rule in counted]
        or None,
    )
    override = Acl.OverrideActionProperty(count={}) if only_count else Acl.OverrideActionProperty(none={})
    return Rule(
        name=group,
        priority=0,
        override_action=override,
        statement=Statement(managed_rule_group_statement=rules),
        visibility_config=_visible(group),
    )


def _from_set(arn: str) -> waf.CfnWebACL.StatementProperty:
    return Statement(ip_set_reference_statement=Acl.IPSetReferenceStatementProperty(arn=arn))


def _from_countries(countries: Sequence[str]) -> waf.CfnWebACL.StatementProperty:
    return Statement(geo_match_statement=Acl.GeoMatchStatementProperty(country_codes=list(countries)))


def _under(path: str, as_read: Sequence[str] = ("NONE",)) -> waf.CfnWebACL.StatementProperty:
    return Statement(
        byte_match_statement=Acl.ByteMatchStatementProperty(
            field_to_match=Acl.FieldToMatchProperty(uri_path={}),
            positional_constraint="STARTS_WITH",
            search_string=path,
            text_transformations=[
                Acl.TextTransformationProperty(priority=priority, type=kind) for priority, kind in enumerate(as_read)
            ],
        )
    )


def _either(statements: list[waf.CfnWebACL.StatementProperty]) -> waf.CfnWebACL.StatementProperty:
    return Statement(or_statement=Acl.OrStatementProperty(statements=statements))


def _not_by_machines() -> waf.CfnWebACL.StatementProperty:
    by_machines = _either([_under(path) for path in MACHINES])
    return Statement(not_statement=Acl.NotStatementProperty(statement=by_machines))


def _visible(name: str) -> waf.CfnWebACL.VisibilityConfigProperty:
    return Acl.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=name, sampled_requests_enabled=True
    )
