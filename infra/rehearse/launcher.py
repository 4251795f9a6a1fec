"""Runs MiniStack with what it lacks: three resource types, locks of buckets, layers for provided runtimes, IAM's
condition keys, an API address that every machine resolves, answers without a body.

Started as its own process by `infra.rehearse.server`; the templates that it is given stay as they are.
"""

import functools
import os
import socketserver
import threading
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

from infra.rehearse import executions, permissions

START_SECONDS = 60.0

socketserver.StreamRequestHandler.disable_nagle_algorithm = True  # else each invocation waits 40 ms for an ACK


def main() -> None:
    from ministack import app  # type: ignore[import-untyped]  # MiniStack has no types
    from ministack.core import iam_actions, iam_evaluator  # type: ignore[import-untyped]
    from ministack.services import apigateway, eventbridge, lambda_svc, ses, stepfunctions  # type: ignore[import-untyped]
    from ministack.services.cloudformation import provisioners  # type: ignore[import-untyped]

    _add_types(provisioners._RESOURCE_HANDLERS, eventbridge, ses)
    _add_identity_providers(provisioners._RESOURCE_HANDLERS)
    _lock_buckets(provisioners._RESOURCE_HANDLERS["AWS::S3::Bucket"])
    _give_apis_a_path(provisioners._RESOURCE_HANDLERS["AWS::ApiGatewayV2::Api"])
    _keep_jwks_local(apigateway)
    _take_empty_bodies(lambda_svc)
    permissions.complete(iam_actions, iam_evaluator, stepfunctions)
    executions.complete(stepfunctions)
    _mount_layers(lambda_svc)
    _wait_for_functions()
    app.main()


def _add_types(handlers: dict[str, Any], events: Any, ses: Any) -> None:
    """AWS::SES::Template and AWS::Events::Archive, by the services' own operations."""

    def template(_logical_id: str, properties: dict[str, Any], _stack: str) -> tuple[str, dict[str, Any]]:
        given = properties["Template"]
        ses._create_template({f"Template.{name}": [value] for name, value in given.items()})
        return given["TemplateName"], {}

    def archive(_logical_id: str, properties: dict[str, Any], _stack: str) -> tuple[str, dict[str, Any]]:
        import json

        given = {
            **properties,
            "EventSourceArn": properties["SourceArn"],
            "EventPattern": json.dumps(properties.get("EventPattern", {})),
        }
        events._create_archive(given)
        return properties["ArchiveName"], {}

    def gone(_physical_id: str, _properties: dict[str, Any]) -> None:
        """Everything ends with the process."""

    handlers["AWS::SES::Template"] = {"create": template, "delete": gone}
    handlers["AWS::Events::Archive"] = {"create": archive, "delete": gone}


def _add_identity_providers(handlers: dict[str, Any]) -> None:
    """AWS::Cognito::UserPoolIdentityProvider, by the service's own operation; hosted pages have no looks here."""
    from ministack.services import cognito

    def provider(_logical_id: str, properties: dict[str, Any], _stack: str) -> tuple[str, dict[str, Any]]:
        status, _, body = cognito._create_identity_provider(properties)
        if status >= 400:
            raise ValueError(f"The identity provider was refused: {body!r}")
        return properties["ProviderName"], {}

    def gone(_physical_id: str, _properties: dict[str, Any]) -> None:
        """Everything ends with the process."""

    def looks(logical_id: str, _properties: dict[str, Any], _stack: str) -> tuple[str, dict[str, Any]]:
        return logical_id, {}

    handlers["AWS::Cognito::UserPoolIdentityProvider"] = {"create": provider, "delete": gone}
    handlers["AWS::Cognito::ManagedLoginBranding"] = {"create": looks, "delete": gone}


def _lock_buckets(handler: dict[str, Any]) -> None:
    """MiniStack locks objects of buckets that its API made, and overlooks what a template says of it."""
    from ministack.services import s3

    create = handler["create"]

    @functools.wraps(create)
    def created(logical_id: str, properties: dict[str, Any], stack: str) -> tuple[str, dict[str, Any]]:
        name, attributes = create(logical_id, properties, stack)
        if properties.get("ObjectLockEnabled"):
            rule = properties.get("ObjectLockConfiguration", {}).get("Rule", {})
            s3._bucket_object_lock[name] = {"enabled": True, "default_retention": rule.get("DefaultRetention")}
        return name, attributes

    handler["create"] = created


def _give_apis_a_path(handler: dict[str, Any]) -> None:
    """Names below .localhost are not resolved everywhere; MiniStack serves the same APIs below a path."""
    create = handler["create"]

    @functools.wraps(create)
    def created(*arguments: Any) -> tuple[str, dict[str, Any]]:
        api_id, attributes = create(*arguments)
        endpoint = f"{os.environ['AWS_ENDPOINT_URL']}/_aws/execute-api/{api_id}/$default"
        return api_id, {**attributes, "ApiEndpoint": endpoint}

    handler["create"] = created


def _keep_jwks_local(apigateway: Any) -> None:
    apigateway._HOST = "127.0.0.1"


def _take_empty_bodies(lambda_svc: Any) -> None:
    """API Gateway takes `"body": null` for an empty one; MiniStack ends in an error."""
    answer_of = lambda_svc.lambda_execute_result_to_api_proxy_response

    @functools.wraps(answer_of)
    def answered(*arguments: Any) -> Any:
        answer, *rest = answer_of(*arguments)
        return {**answer, "body": "" if answer.get("body") is None else answer["body"]}, *rest

    lambda_svc.lambda_execute_result_to_api_proxy_response = answered


def _mount_layers(lambda_svc: Any) -> None:
    """Provided runtimes get the layers that Lambda would merge into /opt, on PYTHONPATH."""
    from ministack.core import lambda_runtime

    folder = Path(os.environ["REHEARSAL_FOLDER"]) / "layers"
    lock = threading.Lock()

    def mounted(build: Callable[..., dict[str, str]]) -> Callable[..., dict[str, str]]:
        @functools.wraps(build)
        def environment(config: dict[str, Any], code: str, port: int) -> dict[str, str]:
            made = build(config, code, port)
            layers = [_extracted(lambda_svc, layer, folder, lock) for layer in config.get("Layers", [])]
            made["PYTHONPATH"] = os.pathsep.join(
                [code, *(f"{layer}/python" for layer in layers), os.environ["REHEARSAL_RUNTIME"]]
            )
            return made

        return environment

    wrapped = mounted(lambda_svc._provided_worker_env)
    lambda_svc._provided_worker_env = wrapped
    if hasattr(lambda_runtime, "_provided_worker_env"):
        lambda_runtime._provided_worker_env = wrapped


def _wait_for_functions() -> None:
    """A laptop or CI that is busy starts a function later than Lambda does."""
    from ministack.core import lambda_runtime

    lambda_runtime._PROVIDED_INIT_TIMEOUT = START_SECONDS


def _extracted(lambda_svc: Any, layer: dict[str, Any], folder: Path, lock: threading.Lock) -> Path:
    import hashlib

    packed: bytes = lambda_svc._resolve_layer_zip(layer)
    place = folder / hashlib.sha256(packed).hexdigest()[:16]
    with lock:
        if not place.exists():
            with zipfile.ZipFile(BytesIO(packed)) as archive:
                archive.extractall(place)
    return place


if __name__ == "__main__":
    main()
