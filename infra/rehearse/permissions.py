"""Completes MiniStack's IAM, so that policies are judged as on AWS: a request's resource and condition keys."""

import functools
import json
from typing import Any
from urllib.parse import parse_qs

from infra.rehearse.leading_keys import leading_keys

_AND = "\n"
"""Between the resources of a request that names several, which no ARN contains."""


def complete(actions: Any, evaluator: Any, stepfunctions: Any) -> None:
    _trust_loopback(evaluator)
    _judge_each(evaluator)
    _tell_leading_keys(actions)
    _tell_senders(actions)
    _tell_resources(actions, stepfunctions)


def _trust_loopback(evaluator: Any) -> None:
    """Policies refuse plain HTTP. What never leaves the machine counts as secure, or nothing would be allowed."""
    resolve = evaluator._resolve_condition_key

    @functools.wraps(resolve)
    def resolved(key: str, context: Any) -> Any:
        return "true" if key.lower() == "aws:securetransport" else resolve(key, context)

    evaluator._resolve_condition_key = resolved


def _judge_each(evaluator: Any) -> None:
    """A request for several resources needs to be allowed for each of them; the first refusal counts."""
    enforce = evaluator.enforce

    @functools.wraps(enforce)
    def enforced(*given: Any, resource_arn: str = "*", **more: Any) -> Any:
        judged = (enforce(*given, resource_arn=one, **more) for one in resource_arn.split(_AND))
        return next((refusal for refusal in judged if refusal is not None), None)

    evaluator.enforce = enforced


def _tell_leading_keys(actions: Any) -> None:
    """Which partitions a request touches, so that a service is refused another's items."""
    context = actions.dynamodb_service_context

    @functools.wraps(context)
    def with_keys(body: bytes) -> dict[str, Any]:
        keys = leading_keys(body)
        found: dict[str, Any] = context(body)
        return found | ({"dynamodb:LeadingKeys": keys} if keys else {})

    actions.dynamodb_service_context = with_keys


def _tell_senders(actions: Any) -> None:
    """From which address a mail is sent."""
    context = actions.request_tag_context

    @functools.wraps(context)
    def with_sender(service: str, action: str, body: bytes, parameters: dict[str, Any]) -> dict[str, Any]:
        sender = _sender(body) if service == "ses" else ""
        found: dict[str, Any] = context(service, action, body, parameters)
        return found | ({"ses:FromAddress": sender} if sender else {})

    actions.request_tag_context = with_sender


def _tell_resources(actions: Any, stepfunctions: Any) -> None:
    """A mail's resource is the sender's identity; a task token's the one machine that waits for any; settings are each
    a parameter.
    """
    resource_arn = actions.extract_resource_arn

    @functools.wraps(resource_arn)
    def told(
        service: str, method: str, path: str, headers: Any, body: bytes, query: Any, region: str, account: str
    ) -> str:
        found: str = resource_arn(service, method, path, headers, body, query, region, account)
        if service == "ses" and (sender := _sender(body)):
            return f"arn:aws:ses:{region}:{account}:identity/{sender.partition('@')[2]}"
        if service == "ssm" and (names := parameter_names(body)):
            return _AND.join(f"arn:aws:ssm:{region}:{account}:parameter/{name.lstrip('/')}" for name in names)
        waiting = _waiting(stepfunctions) if service == "states" and found == "*" else []
        return waiting[0] if len(waiting) == 1 else found

    actions.extract_resource_arn = told


def _waiting(stepfunctions: Any) -> list[str]:
    """The machines with a task that waits for a token."""
    machines = stepfunctions._state_machines.items()
    return [arn for arn, machine in machines if ".waitForTaskToken" in str(machine["definition"])]


def _sender(body: bytes) -> str:
    """The `Source` of an SES request in the query protocol; empty for other requests."""
    return parse_qs(body.decode("utf-8", "replace")).get("Source", [""])[0]


def parameter_names(body: bytes) -> list[str]:
    """The `Names` of a request for parameters; empty for other requests."""
    request = json.loads(body or b"{}")
    return list(request.get("Names", ())) if isinstance(request, dict) else []
