"""MiniStack stores a template's CORS settings in a form that it does not read; its API call stores them well."""

import json
from pathlib import Path

import boto3


def mend_cors(assembly: Path, session: boto3.session.Session, endpoint: str) -> None:
    """Set each HTTP API's CORS settings again, as its template has them."""
    client = session.client("apigatewayv2", endpoint_url=endpoint)
    ids = {api["Name"]: api["ApiId"] for api in client.get_apis()["Items"]}
    for path in assembly.glob("*.template.json"):
        for resource in json.loads(path.read_text(encoding="utf-8"))["Resources"].values():
            properties = resource.get("Properties", {})
            if resource["Type"] == "AWS::ApiGatewayV2::Api" and "CorsConfiguration" in properties:
                client.update_api(ApiId=ids[properties["Name"]], CorsConfiguration=properties["CorsConfiguration"])
