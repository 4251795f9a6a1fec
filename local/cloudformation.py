"""Reads synthesized CloudFormation templates and resolves their references to stable local names and ARNs.

Every stack of a cloud assembly is read; a value is resolved only when somebody asks for it, so what is never asked for
(policies, dashboards, custom resources) may refer to whatever it likes.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ACCOUNT = "000000000000"
REGION = "us-east-1"
_PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Region": REGION,
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/local",
}
_NAMES = {
    "AWS::Lambda::Function": "FunctionName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::DynamoDB::GlobalTable": "TableName",
    "AWS::Events::EventBus": "Name",
    "AWS::Events::Rule": "Name",
    "AWS::Scheduler::Schedule": "Name",
    "AWS::StepFunctions::StateMachine": "StateMachineName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::SecretsManager::Secret": "Name",
    "AWS::SSM::Parameter": "Name",
    "AWS::SES::ConfigurationSet": "Name",
}
_ARNS = {
    "AWS::Lambda::Function": "lambda:{r}:{a}:function:{n}",
    "AWS::SQS::Queue": "sqs:{r}:{a}:{n}",
    "AWS::SNS::Topic": "sns:{r}:{a}:{n}",
    "AWS::DynamoDB::Table": "dynamodb:{r}:{a}:table/{n}",
    "AWS::DynamoDB::GlobalTable": "dynamodb:{r}:{a}:table/{n}",
    "AWS::Events::EventBus": "events:{r}:{a}:event-bus/{n}",
    "AWS::Events::Rule": "events:{r}:{a}:rule/{n}",
    "AWS::StepFunctions::StateMachine": "states:{r}:{a}:stateMachine:{n}",
    "AWS::S3::Bucket": "s3:::{n}",
    "AWS::SecretsManager::Secret": "secretsmanager:{r}:{a}:secret:{n}-000000",
    "AWS::Cognito::UserPool": "cognito-idp:{r}:{a}:userpool/{n}",
    "AWS::IAM::Role": "iam::{a}:role/{n}",
    "AWS::KMS::Key": "kms:{r}:{a}:key/{n}",
    "AWS::Logs::LogGroup": "logs:{r}:{a}:log-group:{n}",
}
_REF_IS_ARN = {
    "AWS::SNS::Topic",
    "AWS::StepFunctions::StateMachine",
    "AWS::SecretsManager::Secret",
}


class Unresolved(Exception):
    """A template refers to something that cannot be known locally."""


class _Nothing:
    """AWS::NoValue."""


NOTHING = _Nothing()


@dataclass(eq=False)
class Stack:
    """One template and the stack name it is deployed under."""

    name: str
    template: dict[str, Any]

    @property
    def resources(self) -> dict[str, Any]:
        found: dict[str, Any] = self.template.get("Resources", {})
        return found


@dataclass(eq=False)
class Resource:
    """One resource of one stack; property reads are resolved on the way out."""

    assembly: "Assembly"
    stack: Stack
    logical_id: str
    kind: str
    raw: Mapping[str, Any]
    _name: str | None = field(default=None, repr=False)

    @property
    def where(self) -> str:
        return f"{self.stack.name}/{self.logical_id} ({self.kind})"

    def get(self, key: str, default: Any = None) -> Any:
        """A property with every reference in it resolved."""
        if key not in self.raw:
            return default
        value = self.assembly.resolve(self.raw[key], self.stack, f"{self.where}.{key}")
        return default if value is NOTHING else value

    def lazily(self) -> dict[str, Any]:
        """All properties that can be resolved; the others are left out."""
        found = {}
        for key in self.raw:
            try:
                found[key] = self.get(key)
            except Unresolved:
                continue
        return found

    @property
    def name(self) -> str:
        """The given name, else the logical id (with the stack in front when two stacks use the same one)."""
        if self._name is None:
            given = self.get(_NAMES[self.kind]) if self.kind in _NAMES else None
            self._name = str(given) if given else self.assembly.unique_id(self)
        return self._name

    @property
    def arn(self) -> str:
        if self.kind == "AWS::Lambda::Alias":
            return f"{self._function_arn()}:{self.get('Name')}"
        if self.kind == "AWS::Lambda::Version":
            return f"{self._function_arn()}:1"
        pattern = _ARNS.get(self.kind)
        if pattern is None:
            service, noun = self.kind.split("::")[1:3] if self.kind.count("::") == 2 else ("custom", "resource")
            pattern = f"{service.lower()}:{{r}}:{{a}}:{noun.lower()}/{{n}}"
        return "arn:aws:" + pattern.format(r=REGION, a=ACCOUNT, n=self.name)

    def _function_arn(self) -> str:
        function = str(self.get("FunctionName"))
        return function if ":" in function else f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}"

    @property
    def reference(self) -> str:
        """What `Ref` gives."""
        if self.kind == "AWS::SQS::Queue":
            return f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{self.name}"
        if self.kind in _REF_IS_ARN or self.kind in ("AWS::Lambda::Alias", "AWS::Lambda::Version"):
            return self.arn
        return self.name

    def attribute(self, name: str) -> Any:
        """What `Fn::GetAtt` gives. Raises Unresolved for what only AWS can know."""
        for key in (f"{self.logical_id}.{name}", f"{self.kind}.{name}"):
            if key in self.assembly.given:
                return self.assembly.given[key]
        known = self._known_attributes()
        if name in known:
            return known[name]
        if name.endswith("Arn"):
            return self.arn
        if name.endswith("Name") and self.kind in _NAMES:
            return self.name
        if name.endswith("Id"):
            return self.reference
        raise Unresolved(f"{self.where}: the attribute {name} is not known locally; give it as {self.kind}.{name}")

    def _known_attributes(self) -> dict[str, str]:
        name = self.name
        return {
            "AWS::SQS::Queue": {"QueueUrl": self.reference, "QueueName": name},
            "AWS::DynamoDB::Table": {"StreamArn": f"{self.arn}/stream/local"},
            "AWS::DynamoDB::GlobalTable": {"StreamArn": f"{self.arn}/stream/local", "TableId": name},
            "AWS::Cognito::UserPool": {
                "ProviderName": f"cognito-idp.{REGION}.amazonaws.com/{name}",
                "ProviderURL": f"https://cognito-idp.{REGION}.amazonaws.com/{name}",
            },
            "AWS::ApiGatewayV2::Api": {
                "ApiEndpoint": f"https://{name}.execute-api.{REGION}.amazonaws.com",
            },
            "AWS::S3::Bucket": {
                "DomainName": f"{name}.s3.amazonaws.com",
                "RegionalDomainName": f"{name}.s3.{REGION}.amazonaws.com",
            },
            "AWS::Lambda::Version": {"Version": "1"},
            "AWS::SSM::Parameter": {"Value": str(self.get("Value", ""))},
        }.get(self.kind, {})


class Assembly:
    """The stacks of one cloud assembly."""

    def __init__(self, stacks: Iterable[Stack], given: Mapping[str, str] | None = None) -> None:
        self.given = given or {}
        self.stacks = list(stacks)
        self.resources: dict[tuple[int, str], Resource] = {}
        self._ids: dict[tuple[str, str], int] = {}
        self.resources = {
            (id(stack), logical): Resource(self, stack, logical, body["Type"], body.get("Properties", {}))
            for stack in self.stacks
            for logical, body in stack.resources.items()
            if self._wanted(body, stack)
        }
        for resource in self.resources.values():
            key = (resource.kind, resource.logical_id)
            self._ids[key] = self._ids.get(key, 0) + 1
        self._exports = {
            self.resolve(output["Export"]["Name"], stack, stack.name): (stack, output["Value"])
            for stack in self.stacks
            for output in stack.template.get("Outputs", {}).values()
            if "Export" in output
        }

    @classmethod
    def read(cls, directory: Path, given: Mapping[str, str]) -> "Assembly":
        """All stacks of a `cdk.out` directory, those of nested stages included. Raises Unresolved if there are none."""
        stacks = list(_stacks(directory))
        if not stacks:
            raise Unresolved(f"{directory} holds no synthesized stack; run cdk synth")
        return cls(stacks, given)

    def of_type(self, kind: str) -> list[Resource]:
        return [r for r in self.resources.values() if r.kind == kind]

    def unique_id(self, resource: Resource) -> str:
        """A local name for a resource without one."""
        shared = self._ids.get((resource.kind, resource.logical_id), 1) > 1
        name = f"{resource.stack.name}-{resource.logical_id}" if shared else resource.logical_id
        if resource.kind == "AWS::Cognito::UserPool":
            return f"{REGION}_{re.sub('[^A-Za-z0-9]', '', name)}"
        if resource.kind == "AWS::SecretsManager::Secret":
            return f"{name.replace('-', '')}-local"  # CDK reads a generated name as two words and AWS's suffix
        if resource.kind in ("AWS::S3::Bucket", "AWS::ApiGatewayV2::Api"):
            return name.lower()
        return name

    def resolve(self, value: Any, stack: Stack, where: str) -> Any:
        """The value with every intrinsic function in it evaluated. Raises Unresolved."""
        if isinstance(value, list):
            return [r for v in value if (r := self.resolve(v, stack, where)) is not NOTHING]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            key, argument = next(iter(value.items()))
            if key == "Ref":
                return self._ref(argument, stack, where)
            if key.startswith("Fn::"):
                return self._function(key[4:], argument, stack, where)
        resolved = {k: self.resolve(v, stack, where) for k, v in value.items()}
        return {k: v for k, v in resolved.items() if v is not NOTHING}

    def _ref(self, name: str, stack: Stack, where: str) -> Any:
        if name == "AWS::NoValue":
            return NOTHING
        if name == "AWS::StackName":
            return stack.name
        if name in _PSEUDO:
            return _PSEUDO[name]
        if (resource := self.resources.get((id(stack), name))) is not None:
            return resource.reference
        return self._parameter(name, stack, where)

    def _parameter(self, name: str, stack: Stack, where: str) -> Any:
        parameter = stack.template.get("Parameters", {}).get(name)
        if parameter is None or "Default" not in parameter:
            raise Unresolved(f"{where}: there is no {name} in stack {stack.name}")
        if str(parameter.get("Type", "")).startswith("AWS::SSM::Parameter::Value"):
            for resource in self.of_type("AWS::SSM::Parameter"):
                if resource.name == parameter["Default"]:
                    return resource.get("Value")
        return parameter["Default"]

    def _function(self, name: str, argument: Any, stack: Stack, where: str) -> Any:
        if name == "GetAtt":
            logical, attribute = argument.split(".", 1) if isinstance(argument, str) else argument
            return self._attribute(logical, attribute, stack, where)
        if name == "Sub":
            return self._substitute(argument, stack, where)
        if name == "If":
            return self._if(argument, stack, where)
        given = self.resolve(argument, stack, where)
        if name == "Join":
            return str(given[0]).join(map(str, given[1]))
        if name == "ImportValue":
            if given not in self._exports:
                raise Unresolved(f"{where}: no stack exports {given}")
            owner, value = self._exports[given]
            return self.resolve(value, owner, f"{owner.name} export {given}")
        if name == "GetStackOutput":
            return self._output(given["StackName"], given["OutputName"], where)
        if name == "Select":
            return given[1][int(given[0])]
        if name == "Split":
            return str(given[1]).split(given[0])
        if name == "FindInMap":
            return stack.template["Mappings"][given[0]][given[1]][given[2]]
        if name == "ToJsonString":
            return json.dumps(given)
        raise Unresolved(f"{where}: the function Fn::{name} is not evaluated locally")

    def _output(self, stack_name: str, output: str, where: str) -> Any:
        for stack in self.stacks:
            if stack.name == stack_name and output in stack.template.get("Outputs", {}):
                return self.resolve(stack.template["Outputs"][output]["Value"], stack, f"{stack_name} output {output}")
        raise Unresolved(f"{where}: stack {stack_name} has no output {output}")

    def _attribute(self, logical: str, attribute: str, stack: Stack, where: str) -> Any:
        resource = self.resources.get((id(stack), logical))
        if resource is None:
            raise Unresolved(f"{where}: there is no {logical} in stack {stack.name}")
        return resource.attribute(attribute)

    def _substitute(self, argument: Any, stack: Stack, where: str) -> str:
        text, values = argument if isinstance(argument, list) else (argument, {})

        def value_of(found: re.Match[str]) -> str:
            name = found.group(1)
            if name.startswith("!"):
                return "${" + name[1:] + "}"
            if name in values:
                return str(self.resolve(values[name], stack, where))
            if "." in name:
                logical, attribute = name.split(".", 1)
                return str(self._attribute(logical, attribute, stack, where))
            return str(self._ref(name, stack, where))

        return re.sub(r"\$\{([^}]+)\}", value_of, text)

    def _if(self, argument: list[Any], stack: Stack, where: str) -> Any:
        holds = self._condition(argument[0], stack, where)
        return self.resolve(argument[1] if holds else argument[2], stack, where)

    def _wanted(self, body: Mapping[str, Any], stack: Stack) -> bool:
        name = body.get("Condition")
        return name is None or body["Type"] == "AWS::CDK::Metadata" or self._condition(name, stack, stack.name)

    def _condition(self, name: str, stack: Stack, where: str) -> bool:
        if name not in stack.template.get("Conditions", {}):
            raise Unresolved(f"{where}: there is no condition {name} in stack {stack.name}")
        return self._holds(stack.template["Conditions"][name], stack, where)

    def _holds(self, test: dict[str, Any], stack: Stack, where: str) -> bool:
        ((name, argument),) = test.items()
        if name == "Condition":
            return self._condition(argument, stack, where)
        if name == "Fn::Not":
            return not self._holds(argument[0], stack, where)
        if name in ("Fn::And", "Fn::Or"):
            held = [self._holds(part, stack, where) for part in argument]
            return all(held) if name == "Fn::And" else any(held)
        if name == "Fn::Equals":
            left, right = (self.resolve(part, stack, where) for part in argument)
            return bool(left == right)
        raise Unresolved(f"{where}: the condition function {name} is not evaluated locally")


def _stacks(directory: Path) -> Iterable[Stack]:
    manifest = json.loads((directory / "manifest.json").read_text())
    for name, artifact in sorted(manifest.get("artifacts", {}).items()):
        properties = artifact.get("properties", {})
        if artifact["type"] == "aws:cloudformation:stack":
            template = json.loads((directory / properties["templateFile"]).read_text())
            yield Stack(properties.get("stackName", name), template)
        elif artifact["type"] == "cdk:cloud-assembly":
            yield from _stacks(directory / properties["directoryName"])
