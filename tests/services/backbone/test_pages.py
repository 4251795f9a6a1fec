"""The API about itself: the committed description is complete, the page loads nothing from elsewhere."""

import json
import re

import pytest

from backbone import api
from infra.services import discover
from market.resolver import MAX_BODY
from tests.http import call
from tools.generated import finish
from tools.openapi import TARGET, built, documents, merged

pytestmark = pytest.mark.usefixtures("environment")


@pytest.mark.contract("26.3")
def test_the_served_description_names_every_route_and_who_may_call_it():
    answer = call(api.handler, "GET", "/openapi.json")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("application/json")
    described = {
        (method.upper(), path, "security" in operation)
        for path, methods in answer.json["paths"].items()
        for method, operation in methods.items()
    }
    declared = {
        (route.method, re.sub(r"<(\w+)>", r"{\1}", route.path), "anyone" not in route.callers)
        for source in discover().values()
        for routes in source.routes.values()
        for route in routes
    }
    assert described == declared


@pytest.mark.contract("26.3")
def test_the_committed_description_is_that_of_the_code(monkeypatch):
    monkeypatch.setattr("sys.argv", ["openapi", "--check"])
    assert finish(built(), "python -m tools.openapi") == 0


@pytest.mark.contract("26.3")
def test_every_reference_of_the_description_leads_somewhere():
    document = json.loads(TARGET.read_text())
    wanted = set(re.findall(r'"#/components/schemas/([^"]+)"', TARGET.read_text()))
    assert wanted == set(document["components"]["schemas"])
    identifiers = [operation["operationId"] for methods in document["paths"].values() for operation in methods.values()]
    assert len(identifiers) == len(set(identifiers))


@pytest.mark.contract("26.3")
def test_schemas_of_one_name_are_told_apart_together_with_those_that_refer_to_them():
    def part(service: str, kind: str) -> dict[str, object]:
        page = {"type": "array", "items": {"$ref": "#/components/schemas/Line"}}
        operation = {"operationId": service, "responses": {}, "schema": {"$ref": "#/components/schemas/Page"}}
        schemas = {"Line": {"type": kind}, "Page": page, "Unused": {}}
        return {"paths": {f"/{service}": {"get": operation}}, "components": {"schemas": schemas}}

    whole = merged({"cart.api": part("cart", "string"), "orders.api": part("orders", "integer")})
    schemas = whole["components"]["schemas"]
    assert sorted(schemas) == ["CartLine", "CartPage", "OrdersLine", "OrdersPage"]
    assert schemas["CartPage"]["items"]["$ref"].endswith("/CartLine")
    assert whole["paths"]["/orders"]["get"]["schema"]["$ref"].endswith("/OrdersPage")
    with pytest.raises(ValueError, match="twice"):
        merged({"cart.api": part("cart", "string"), "copy.api": part("cart", "string")})


@pytest.mark.contract("26.3")
def test_the_page_runs_on_files_of_this_api_alone():
    page = call(api.handler, "GET", "/docs")
    assert page.status == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "http" not in page.body
    assert not re.search(r"<script(?![^>]*src)|\son\w+=|<style", page.body)
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    for path in re.findall(r'(?:src|href)="([^"]+)"', page.body):
        found = call(api.handler, "GET", f"/{path}")
        assert found.status == 200, path
        assert found.body
        assert "max-age" in found.headers["cache-control"]
        assert found.headers["x-content-type-options"] == "nosniff"
    assert call(api.handler, "GET", "/docs/swagger-ui.css").headers["content-type"].startswith("text/css")


@pytest.mark.contract("26.3")
@pytest.mark.parametrize("name", ["html.py", "..%2Fapi.py", "swagger-ui-bundle.min.js", "__init__.py"])
def test_other_files_are_not_served(name):
    assert call(api.handler, "GET", f"/docs/{name}").status == 404


@pytest.mark.contract("25.3")
def test_health_is_said_and_the_root_leads_to_the_page():
    assert call(api.handler, "GET", "/health").json == {"status": "ok"}
    root = call(api.handler, "GET", "/")
    assert (root.status, root.headers["location"]) == (302, "docs")


@pytest.mark.contract("24.1")
def test_nothing_else_is_there():
    assert call(api.handler, "GET", "/nothing").status == 404
    assert call(api.handler, "POST", "/health", {"x": "y" * MAX_BODY}).status in (404, 405)


@pytest.mark.contract("11.6", "26.3")
def test_the_description_names_the_headers_that_a_route_reads():
    paths = merged(documents())["paths"]
    place = {parameter["name"]: parameter["required"] for parameter in paths["/v1/orders"]["post"]["parameters"]}
    change = {parameter["name"] for parameter in paths["/v1/me"]["patch"]["parameters"]}
    assert place == {"Idempotency-Key": True}
    assert "If-Match" in change
