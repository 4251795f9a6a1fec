"""Logical ids that never change: CloudFormation replaces, and so empties, a stateful resource whose id does."""

from typing import TypeVar

from aws_cdk import CfnResource
from constructs import Construct

C = TypeVar("C", bound=Construct)


def pin(resource: C, logical_id: str) -> C:
    """Give the resource this logical id, wherever in the tree it is made."""
    found = resource if isinstance(resource, CfnResource) else resource.node.default_child
    assert isinstance(found, CfnResource)
    found.override_logical_id(logical_id)
    return resource
