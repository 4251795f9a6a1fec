"""What is refused before a route runs, wrong callers and unreadable bodies: never a 500 for a caller's mistake."""

import base64
import json
from typing import Any

import pytest

from market.http import CUSTOMER, VENDOR, ServiceApi
from tests.http import Response, call, request
from tests.kernel.lamps import MANIFEST, api

pytestmark = pytest.mark.usefixtures("embedded_table")
WISH = {"name": "brass"}


def ask(method: str, path: str, body: Any = None, **options: Any) -> Response:
    return call(api.handler, method, path, body, **options)


def post(body: Any, **headers: str) -> Response:
    return ask(
        "POST",
        "/v1/lamps",
        body,
        caller="ada",
        headers={name.replace("_", "-"): text for name, text in headers.items()},
    )


def post_bytes(body: bytes) -> Response:
    event = request("POST", "/v1/lamps", "-", caller="ada")
    answer = api.handler(event | {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}, None)
    return Response(answer["statusCode"], answer["headers"], answer["body"])


def test_nobody_gets_401_where_callers_are_named() -> None:
    answer = ask("POST", "/v1/lamps", WISH)

    assert (answer.status, answer.json["code"]) == (401, "unauthenticated")


def test_the_wrong_role_gets_403() -> None:
    answer = ask("POST", "/v1/lamps", WISH, caller="bob", roles="vendor")

    assert (answer.status, answer.json["code"]) == (403, "forbidden")


@pytest.mark.parametrize("roles", ["", "anyone", "admin", "Customer", "customers", "vendor,customer"])
def test_roles_that_are_not_named_open_nothing(roles: str) -> None:
    assert ask("POST", "/v1/lamps", WISH, caller="bob", roles=roles).status == 403


def test_one_fitting_role_of_several_is_enough() -> None:
    assert ask("POST", "/v1/lamps", WISH, caller="ada", roles="vendor customer").status == 201


def test_everybody_may_call_a_public_route() -> None:
    assert ask("GET", "/v1/lamps").status == 200
    assert ask("GET", "/v1/lamps", caller="ada", roles="").status == 200


def test_a_vendor_sees_its_own_and_for_others_there_is_no_such_vendor() -> None:
    def statuses(**who: str) -> int:
        return ask("GET", "/v1/vendors/ven_1/lamps", caller="bob", **who).status

    assert statuses(roles="vendor", vendor_id="ven_1") == 200
    assert statuses(roles="vendor", vendor_id="ven_2") == 404
    assert statuses(roles="vendor") == 403
    assert statuses(roles="vendor", vendor_id="ven_1", permissions="lamps.sell") == 403
    assert statuses(roles="staff", permissions="lamps.sell") == 403
    assert statuses(roles="staff") == 200
    assert statuses(roles="customer", vendor_id="ven_1") == 403


def test_callers_are_judged_before_the_body_is_read() -> None:
    assert ask("POST", "/v1/lamps", "{" * 300_000).status == 401


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/nothing"), ("DELETE", "/v1/lamps"), ("GET", "/"), ("GET", "/v1/lamps/a/b")]
)
def test_what_is_not_there_is_404(method: str, path: str) -> None:
    answer = ask(method, path, caller="ada")

    assert (answer.status, answer.json["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    "name", ["x" * 201, "%00", "%ff%fe", "é", "a b", "..", "<script>", "%2e%2e%2f", "\x00", "\ud800"]
)
def test_odd_path_parameters_crash_nothing(name: str) -> None:
    event = request("GET", "/v1/lamps/x", caller="ada") | {"rawPath": f"/v1/lamps/{name}"}

    assert api.handler(event, None)["statusCode"] in (200, 400, 404, 422)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ("{", 400, "invalid_json"),
        ("not json", 400, "invalid_json"),
        ("[" * 10_000 + "]" * 10_000, 400, "invalid_json"),
        ('{"a":' * 10_000 + "1" + "}" * 10_000, 400, "invalid_json"),
        ('{"a":' * 30 + "1" + "}" * 30, 400, "invalid_json"),
        ('{"name": NaN}', 400, "invalid_json"),
        ('{"name": "brass", "quantity": Infinity}', 400, "invalid_json"),
        ('{"name": "\\ud800"}', 400, "invalid_json"),
        ('{"name": "brass"} {"name": "tin"}', 400, "invalid_json"),
        ("null", 422, "validation_error"),
        ("", 422, "validation_error"),
        ("7", 422, "validation_error"),
        ('"brass"', 422, "validation_error"),
        ("[]", 422, "validation_error"),
        ('[{"name": "brass"}]', 422, "validation_error"),
        ('{"name": "brass", "quantity": 1' + "0" * 400 + "}", 400, "invalid_json"),
        ('{"name": "brass", "quantity": 1' + "0" * 40 + "}", 422, "validation_error"),
        ('{"name": "brass", "quantity": 18446744073709551616}', 422, "validation_error"),
        ('{"name": "brass", "quantity": 1e400}', 400, "invalid_json"),
        ('{"name": "brass", "quantity": -1}', 422, "validation_error"),
        ('{"name": "brass", "quantity": 2.0}', 422, "validation_error"),
        ('{"name": "brass", "quantity": "2"}', 422, "validation_error"),
        ('{"name": "brass", "quantity": true}', 422, "validation_error"),
        ('{"name": 7}', 422, "validation_error"),
        ('{"name": null}', 422, "validation_error"),
        ('{"name": " "}', 422, "validation_error"),
        ('{"name": "brass", "colour": "red"}', 422, "validation_error"),
        ('{"name": "brass", "free_text": "snake"}', 422, "validation_error"),
        ('{"name": "brass", "price": {"amount": 1, "currency": "XYZ"}}', 422, "validation_error"),
        ('{"name": "brass", "price": {"amount": 1.5, "currency": "EUR"}}', 422, "validation_error"),
        ('{"name": "brass", "price": {"amount": 1, "currency": "EUR", "discount": 9}}', 422, "validation_error"),
    ],
)  # fmt: skip
def test_a_body_that_makes_no_sense_is_refused_with_a_name(body: str, status: int, code: str) -> None:
    answer = post(body)

    assert (answer.status, answer.json["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "body", [b"\xff\xfe\x00", b'{"name": "\xe9"}', b"\x00", b"\x80" * 100, "\ufeff{}".encode("utf-16")]
)
def test_bytes_that_are_not_utf_8_are_refused(body: bytes) -> None:
    answer = post_bytes(body)

    assert (answer.status, answer.json["code"]) == (400, "invalid_json")


def test_text_that_claims_to_be_base64_is_refused() -> None:
    event = request("POST", "/v1/lamps", "{}", caller="ada") | {"body": "not base64!", "isBase64Encoded": True}

    assert api.handler(event, None)["statusCode"] == 400


def test_base64_bodies_are_read() -> None:
    assert post_bytes(json.dumps(WISH).encode()).status == 201


def test_field_errors_name_the_path_of_the_field() -> None:
    answer = post({"name": "brass", "price": {"amount": 1}})

    assert answer.status == 422
    assert [(error["field"], error["code"]) for error in answer.json["errors"]] == [("body.price.currency", "missing")]


def test_an_answer_to_a_large_mistake_stays_small() -> None:
    answer = post({f"field{number}": 1 for number in range(5_000)})

    assert answer.status == 422
    assert len(answer.body) < 20_000


def test_a_megabyte_is_too_large() -> None:
    large = json.dumps({"name": "x" * 1_000_000})

    assert post(large).status == 413
    assert post_bytes(large.encode()).status == 413


def test_a_route_may_set_its_own_bound() -> None:
    assert ask("POST", "/v1/signals", "x" * 100).json == {"bytes": 100}
    assert ask("POST", "/v1/signals", "x" * 101).status == 413
    assert ask("POST", "/v1/signals", "é" * 60).status == 413


@pytest.mark.parametrize(
    "given", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "json", "*/*"]
)
def test_other_content_types_are_415(given: str) -> None:
    answer = post(WISH, content_type=given)

    assert (answer.status, answer.json["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    "given", ["application/json", "Application/JSON", "application/json; charset=utf-8", " application/json ;x=y"]
)
def test_json_in_all_its_spellings_is_read(given: str) -> None:
    assert post(WISH, content_type=given).status == 201


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=abc", "limit=1.5", "limit=1&limit=2", "limit=" + "9" * 5_000, "limit=%00"]
)
def test_query_parameters_are_checked(query: str) -> None:
    answer = ask("GET", f"/v1/lamps?{query}")

    assert (answer.status, answer.json["code"]) == (422, "validation_error")


def test_a_route_without_callers_cannot_be_written() -> None:
    with pytest.raises(AssertionError, match="must declare who may call it"):
        ServiceApi(MANIFEST).get("/v1/x", callers=[])
    with pytest.raises(AssertionError, match="unknown caller"):
        ServiceApi(MANIFEST).get("/v1/x", callers=["everybody"])
    with pytest.raises(AssertionError, match="must say what it needs"):
        ServiceApi(MANIFEST).get("/v1/x", callers=[VENDOR])
    with pytest.raises(AssertionError, match="undeclared permission"):
        ServiceApi(MANIFEST).get("/v1/x", callers=[VENDOR], needs="lamps.eat")
    with pytest.raises(TypeError):
        ServiceApi(MANIFEST).get("/v1/x")  # type: ignore[call-arg]


def test_an_address_is_one_route_only() -> None:
    lamps = ServiceApi(MANIFEST)

    def show() -> dict[str, str]:
        return {}

    lamps.get("/v1/own", callers=[CUSTOMER])(show)
    with pytest.raises(AssertionError, match="another route"):
        lamps.get("/v1/own", callers=["anyone"])(show)
