"""Alarms: each tells the alarms topic what to do, by the page of docs/runbooks; none rings for missing data."""

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.config import Stage

_OWN_PAGES = {"audit-schedule": "audit-broken", "ledger-schedule": "ledger-differs"}
"""Functions whose failure has a page of its own. They run once a day, so that the first failure rings."""

_OWN_METRICS = {
    "audit-consumer": ("AuditContradicted", "an audit entry was told in two versions", "audit-broken"),
    "developers-schedule": ("WebhooksLate", "webhooks are not sent in time", "webhooks-failing"),
    "fraud-schedule": ("ReviewsWait", "a payment has waited too long for a review", "review-queue"),
    "inventory-schedule": ("StockMended", "units were held for nobody, and were freed", "stock-mended"),
    "payments-schedule": ("PaymentsDiffer", "payments differ from a provider's book", "payments-differ"),
    "prices-publication": ("RatesDoubtful", "exchange rates are old, or jumped", "exchange-rates"),
    "profiles-schedule": ("ErasuresStuck", "an account is not erased in time", "erasure"),
}
"""Numbers that functions write into their logs (embedded metric format) for an alarm, by function."""


def alarm(
    scope: Construct,
    name: str,
    metric: cloudwatch.IMetric,
    *,
    stage: Stage,
    says: str,
    runbook: str,
    above: float = 0,
    periods: int = 1,
) -> cloudwatch.Alarm | None:
    """Ring when `metric` is above the threshold in so many periods; None in stages without alarms.

    says: what is wrong, as a sentence without its full stop. runbook: the page of docs/runbooks that helps.
    """
    if not stage.alarms:
        return None
    made = cloudwatch.Alarm(
        scope,
        name,
        metric=metric,
        threshold=above,
        evaluation_periods=periods,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        alarm_description=f"{says}. What to do: docs/runbooks/{runbook}.md",
    )
    made.add_alarm_action(actions.SnsAction(_topic(scope, stage)))
    return made


def alarm_when_not_empty(
    scope: Construct, name: str, queue: sqs.IQueue, *, stage: Stage, says: str, runbook: str = "dead-letters"
) -> None:
    visible = queue.metric_approximate_number_of_messages_visible(period=Duration.minutes(1), statistic="Maximum")
    alarm(scope, name, visible, stage=stage, says=says, runbook=runbook)


def function_alarms(
    scope: Construct, function: lambda_.IFunction, *, stage: Stage, name: str
) -> list[cloudwatch.Alarm]:
    """Failures and throttles of the function; the first rolls a canary back."""
    minute = Duration.minutes(1)
    errors, throttles = function.metric_errors(period=minute), function.metric_throttles(period=minute)
    own = _OWN_PAGES.get(name.removeprefix(f"{stage.prefix}-"), "")
    page, above = (own, 0) if own else ("function-errors", 2)
    made = [
        alarm(scope, "Errors", errors, stage=stage, says=f"{name} fails", runbook=page, above=above),
        alarm(scope, "Throttles", throttles, stage=stage, says=f"{name} is throttled", runbook="throttles"),
    ]
    _own_metric_alarm(scope, stage=stage, name=name)
    return [one for one in made if one]


def _own_metric_alarm(scope: Construct, *, stage: Stage, name: str) -> None:
    """Rings for what is wrong with the data, so that it does not roll a canary back."""
    found = _OWN_METRICS.get(name.removeprefix(f"{stage.prefix}-"))
    if found is None:
        return
    word, says, page = found
    metric = cloudwatch.Metric(
        namespace="Market",
        metric_name=word,
        dimensions_map={"stage": stage.name},
        period=Duration.minutes(5),
        statistic="Maximum",
    )
    alarm(scope, word, metric, stage=stage, says=f"{name}: {says}", runbook=page)


def _topic(scope: Construct, stage: Stage) -> sns.ITopic:
    stack = Stack.of(scope)
    found = stack.node.try_find_child("AlarmTopic")
    if found is None:
        arn = stack.format_arn(service="sns", resource=stage.alarm_topic, arn_format=ArnFormat.NO_RESOURCE_NAME)
        found = sns.Topic.from_topic_arn(stack, "AlarmTopic", arn)
    return found  # type: ignore[return-value]  # the child of that name is always the topic
