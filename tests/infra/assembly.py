"""A synthesized cloud assembly, read the way the tests ask for it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

Resource = dict[str, Any]


@dataclass(frozen=True)
class Assembly:
    """The templates of one stage; `template` names are without stage, such as `Data` or `OrdersService`."""

    folder: Path

    @cached_property
    def templates(self) -> dict[str, dict[str, Any]]:
        return {
            path.name.split("-", 2)[2].removesuffix(".template.json"): json.loads(path.read_text())
            for path in sorted(self.folder.glob("*.template.json"))
        }

    @cached_property
    def stage(self) -> str:
        """The stage's name, which the stacks have in theirs."""
        return next(self.folder.glob("*.template.json")).name.split("-")[1]

    @cached_property
    def artifacts(self) -> dict[str, dict[str, Any]]:
        return json.loads((self.folder / "manifest.json").read_text())["artifacts"]

    def all(self, kind: str) -> Iterator[tuple[str, str, Resource]]:
        """(template, logical id, resource) of every resource of a type."""
        for name, template in self.templates.items():
            for logical_id, resource in template["Resources"].items():
                if resource["Type"] == kind:
                    yield name, logical_id, resource

    def properties(self, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """(template/logical id, properties) of every resource of a type."""
        for name, logical_id, resource in self.all(kind):
            yield f"{name}/{logical_id}", resource.get("Properties", {})

    def target(self, template: str, reference: Any) -> Resource:
        """The resource of the same template that a Ref or Fn::GetAtt names."""
        logical_id = reference["Ref"] if "Ref" in reference else reference["Fn::GetAtt"][0]
        return self.templates[template]["Resources"][logical_id]

    def function(self, template: str, reference: Any) -> Resource:
        """The function behind what an event source mapping or an integration calls, which must be its live alias."""
        if "Fn::Join" in reference:  # CDK writes an alias of a mapping as <function's name>:live
            name, alias = reference["Fn::Join"][1]
            assert alias == ":live"
            return self.function(template, name["Fn::Select"][1]["Fn::Split"][1])
        alias = self.target(template, reference)
        assert alias["Type"] == "AWS::Lambda::Alias"
        assert alias["Properties"]["Name"] == "live"
        return self.target(template, alias["Properties"]["FunctionName"])

    def text(self, value: Any, template: str) -> str:
        """A value with its intrinsics written out: joins joined, references as <logical id>."""
        match value:
            case str():
                return value
            case {"Fn::Join": [separator, parts]}:
                return separator.join(self.text(part, template) for part in parts)
            case {"Ref": name} | {"Fn::GetAtt": [name, *_]}:
                return f"<{name}>"
            case {"Fn::GetStackOutput": {"StackName": stack, "OutputName": output}}:
                return f"<{stack}.{output}>"
        raise TypeError(f"cannot write out {value}")


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
