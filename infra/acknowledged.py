"""Findings of the rule packs that we accept, each with its reason."""

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct


def acknowledge(construct: IConstruct, rule: str, reason: str) -> None:
    """Accept one finding of `rule` on the construct and everything in it."""
    Validations.of(construct).acknowledge(Acknowledgment(id=rule, reason=reason))
