"""Deploys a cloud assembly through CloudFormation as the cdk command would: first assets, then stacks in order."""

import json
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import boto3

from infra.config import REGION
from infra.rehearse.server import ACCOUNT

BUCKET = f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}"
FAILED = ("FAILED", "ROLLBACK")
Outputs = dict[str, str]


class NotDeployed(RuntimeError):
    """CloudFormation refused a stack; the message has the reasons of its failed resources."""


def deploy(assembly: Path, session: boto3.session.Session, endpoint: str) -> Outputs:
    """Create every stack; gives all outputs by name. Raises NotDeployed."""
    s3, cloudformation = (session.client(name, endpoint_url=endpoint) for name in ("s3", "cloudformation"))
    s3.create_bucket(Bucket=BUCKET)
    session.client("ssm", endpoint_url=endpoint).put_parameter(
        Name="/cdk-bootstrap/hnb659fds/version", Value="30", Type="String"
    )
    artifacts = json.loads((assembly / "manifest.json").read_text(encoding="utf-8"))["artifacts"]
    _upload(assembly, s3)
    outputs: Outputs = {}
    for name in _in_order(artifacts):
        outputs |= _create(cloudformation, name, f"{endpoint}/{BUCKET}/{artifacts[name]['properties']['templateFile']}")
    return outputs


def settings(session: boto3.session.Session, endpoint: str) -> dict[str, str]:
    """The environment of all functions together: what an operator's tool needs to act on the deployment."""
    pages = session.client("lambda", endpoint_url=endpoint).get_paginator("list_functions").paginate()
    functions = [function for page in pages for function in page["Functions"]]
    return {name: value for function in functions for name, value in function["Environment"]["Variables"].items()}


def _in_order(artifacts: dict[str, Any]) -> list[str]:
    """Stacks, each after those that it depends on."""
    ordered: list[str] = []

    def add(name: str) -> None:
        artifact = artifacts[name]
        if artifact["type"] != "aws:cloudformation:stack" or name in ordered:
            return
        for before in artifact.get("dependencies", ()):
            add(before)
        ordered.append(name)

    for name in artifacts:
        add(name)
    return ordered


def _upload(assembly: Path, s3: Any) -> None:
    wanted: dict[str, tuple[Path, str]] = {}
    for listing in assembly.glob("*.assets.json"):
        for asset in json.loads(listing.read_text(encoding="utf-8"))["files"].values():
            source = asset["source"]
            for destination in asset["destinations"].values():
                wanted[destination["objectKey"]] = (assembly / source["path"], source["packaging"])
    for path in assembly.glob("*.template.json"):
        wanted[path.name] = (path, "file")
    with ThreadPoolExecutor(4) as pool:
        for _ in pool.map(
            lambda entry: s3.put_object(Bucket=BUCKET, Key=entry[0], Body=_packed(*entry[1])), wanted.items()
        ):
            pass


def _packed(path: Path, packaging: str) -> bytes:
    if packaging == "file":
        return path.read_bytes()
    memory = BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for file in sorted(path.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(path))
    return memory.getvalue()


def _create(cloudformation: Any, name: str, url: str) -> Outputs:
    cloudformation.create_stack(
        StackName=name,
        TemplateURL=url,
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    while True:
        stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        status = stack["StackStatus"]
        if any(word in status for word in FAILED):
            raise NotDeployed(f"{name} is {status}:\n" + "\n".join(_reasons(cloudformation, name)))
        if status == "CREATE_COMPLETE":
            return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", ())}
        time.sleep(0.05)


def _reasons(cloudformation: Any, name: str) -> list[str]:
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    return [
        f"  {event['LogicalResourceId']} ({event['ResourceType']}): {event.get('ResourceStatusReason', '')}"
        for event in reversed(events)
        if "FAILED" in event["ResourceStatus"]
    ]
