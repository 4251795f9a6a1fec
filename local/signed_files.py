"""Addresses that we signed: a browser posts a file to a bucket, puts a part of one, or fetches one, without a function
in between.

Played as S3 checks them (Signature Version 4): the signature with all the headers that it speaks of, the time, each
condition of a form's policy, and that a form sends nothing that its policy does not speak of. Softer than S3: no
redirects after a post, no tags, no ranges.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

import orjson

from local.answers import AwsError
from local.files import Files
from local.http_gateway import Answer, Request

__all__ = ["PATH", "SignedFiles"]

PATH = "/s3/"
_SERVED = ("GET", "OPTIONS", "POST", "PUT")
_ALGORITHM = "AWS4-HMAC-SHA256"
_SECRET = "local"  # noqa: S105 - what every process here signs with, see marketplace.py
_UNSPOKEN = frozenset({"policy", "x-amz-signature", "file"})
"""Fields of a form that its policy need not mention."""


class Refused(Exception):
    """As S3 would answer it: a status and a code."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


class SignedFiles:
    """Serves `/s3/<bucket>` (POST) and `/s3/<bucket>/<key>` (GET, and PUT of parts)."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def serves(self, request: Request) -> bool:
        return request.path.startswith(PATH) and request.method in _SERVED

    def answer(self, request: Request) -> Answer:
        """Any page may read the answer, as the buckets' CORS rules let ours."""
        serve = {"OPTIONS": _allowed, "POST": self._posted, "PUT": self._part}.get(request.method, self._fetched)
        try:
            answered = serve(request)
        except AwsError as error:
            answered = _problem(Refused(error.status, error.code, str(error)))
        except Refused as refused:
            answered = _problem(refused)
        answered.headers.append(("access-control-allow-origin", "*"))
        return answered

    def _posted(self, request: Request) -> Answer:
        bucket = unquote(request.path.removeprefix(PATH)).strip("/")
        fields, content = _form(request)
        policy = _policy(fields)
        given = {**fields, "bucket": bucket}
        for condition in policy["conditions"]:
            _require(condition, given, len(content))
        spoken = {name for condition in policy["conditions"] for name in _names(condition)}
        if unspoken := set(fields) - spoken - _UNSPOKEN:
            raise Refused(403, "AccessDenied", f"The policy does not speak of {min(unspoken)}.")
        asked = {
            "Bucket": bucket,
            "Key": fields["key"],
            "Body": content,
            "ContentType": fields.get("content-type", "binary/octet-stream"),
        }
        self._files.operations()["PutObject"](asked)
        return Answer(204, [], b"")

    def _part(self, request: Request) -> Answer:
        """A part of an upload, with as many bytes as its address was signed for."""
        query = _checked(request)
        bucket, _, key = unquote(request.path.removeprefix(PATH)).partition("/")
        if not {"uploadId", "partNumber"} <= query.keys():
            raise Refused(403, "AccessDenied", "Only parts of uploads are put here.")
        kept = self._files.operations()["UploadPart"](
            {"Bucket": bucket, "Key": key, "UploadId": query["uploadId"], "PartNumber": query["partNumber"],
             "Body": request.body}
        )  # fmt: skip
        return Answer(200, [("etag", kept["ETag"])], b"")

    def _fetched(self, request: Request) -> Answer:
        query = _checked(request)
        bucket, _, key = unquote(request.path.removeprefix(PATH)).partition("/")
        stored = self._files.find(bucket, key)
        if stored is None:
            raise Refused(404, "NoSuchKey", "The specified key does not exist.")
        headers = [("content-type", stored.type), ("etag", stored.etag)]
        if disposition := query.get("response-content-disposition"):
            headers.append(("content-disposition", disposition))
        return Answer(200, headers, stored.path.read_bytes())


def _checked(request: Request) -> dict[str, str]:
    """The query of an address, if we signed it for this request and it is not over."""
    query = dict(parse_qsl(request.query, keep_blank_values=True))
    signature = query.pop("X-Amz-Signature", "")
    signed = _signed(query["X-Amz-Date"], _canonical(request, query), query) if "X-Amz-Date" in query else ""
    if not hmac.compare_digest(signature, signed) or not signature:
        raise Refused(403, "SignatureDoesNotMatch", "The signature is not ours.")
    made = datetime.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    if datetime.now(UTC) > made + timedelta(seconds=int(query["X-Amz-Expires"])):
        raise Refused(403, "AccessDenied", "Request has expired")
    return query


def _allowed(_request: Request) -> Answer:
    """What a browser asks before it puts a part."""
    headers = [("access-control-allow-methods", "GET, POST, PUT"), ("access-control-allow-headers", "*")]
    return Answer(200, headers, b"")


def _form(request: Request) -> tuple[dict[str, str], bytes]:
    """Fields of a multipart form, names in lower case, and the file, which must come last."""
    head = f"Content-Type: {request.header('content-type')}\r\n\r\n".encode()
    parts: Any = message_from_bytes(head + request.body).get_payload()
    fields: dict[str, str] = {}
    for part in parts if isinstance(parts, list) else ():
        name = str(part.get_param("name", header="content-disposition") or "").lower()
        content = part.get_payload(decode=True)
        if name == "file":
            return fields, bytes(content)
        fields[name] = content.decode("utf-8", "replace")
    raise Refused(400, "InvalidArgument", "POST requires exactly one file upload per request.")


def _policy(fields: Mapping[str, str]) -> dict[str, Any]:
    """The policy of a form, if we signed it and it is not over."""
    text = fields.get("policy", "")
    signed = _hmac(_key(fields.get("x-amz-date", "")[:8], fields.get("x-amz-credential", "")), text).hex()
    if not text or not hmac.compare_digest(signed, fields.get("x-amz-signature", "")):
        raise Refused(403, "SignatureDoesNotMatch", "The signature is not ours.")
    try:
        policy: dict[str, Any] = orjson.loads(base64.b64decode(text))
    except (binascii.Error, ValueError):
        raise Refused(400, "InvalidPolicyDocument", "The policy is not JSON.") from None
    if datetime.fromisoformat(policy["expiration"]) < datetime.now(UTC):
        raise Refused(403, "AccessDenied", "Invalid according to Policy: Policy expired.")
    return policy


def _require(condition: Any, given: Mapping[str, str], size: int) -> None:
    match condition:
        case dict():
            met = all(given.get(name.lower()) == value for name, value in condition.items())
        case ["eq", str() as name, value]:
            met = given.get(name.lstrip("$").lower()) == value
        case ["starts-with", str() as name, str() as value]:
            met = given.get(name.lstrip("$").lower(), "").startswith(value)
        case ["content-length-range", int() as least, int() as most]:
            if size > most:
                raise Refused(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
            met = size >= least
        case _:
            met = False
    if not met:
        raise Refused(403, "AccessDenied", "Invalid according to Policy: Policy Condition failed")


def _names(condition: Any) -> Iterable[str]:
    if isinstance(condition, dict):
        return (name.lower() for name in condition)
    return [str(condition[1]).lstrip("$").lower()] if condition[0] in ("eq", "starts-with") else []


def _canonical(request: Request, query: Mapping[str, str]) -> str:
    """What was signed: method, path, query without the signature, and the headers that the address names."""
    pairs = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in query.items())
    shown = "&".join(f"{name}={value}" for name, value in pairs)
    path = quote(unquote(request.path), safe="/-_.~")
    names = query.get("X-Amz-SignedHeaders", "host")
    sent = "".join(f"{name}:{_header(request, name)}\n" for name in names.split(";"))
    return f"{request.method}\n{path}\n{shown}\n{sent}\n{names}\nUNSIGNED-PAYLOAD"


def _header(request: Request, name: str) -> str:
    """As sent; the length is that of what came, which no server lets differ."""
    return str(len(request.body)) if name == "content-length" else request.header(name).strip()


def _signed(moment: str, canonical: str, query: Mapping[str, str]) -> str:
    credential = query.get("X-Amz-Credential", "")
    scope = credential.partition("/")[2]
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    return _hmac(_key(moment[:8], credential), f"{_ALGORITHM}\n{moment}\n{scope}\n{digest}").hex()


def _key(day: str, credential: str) -> bytes:
    """The signing key of a day, by the region and service that the credential names."""
    _, _, region, service, *_ = (*credential.split("/"), "", "", "", "")
    key = f"AWS4{_SECRET}".encode()
    for part in (day, region, service, "aws4_request"):
        key = _hmac(key, part)
    return key


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def _problem(refused: Refused) -> Answer:
    body = f"<Error><Code>{refused.code}</Code><Message>{refused}</Message></Error>"
    return Answer(refused.status, [("content-type", "application/xml")], body.encode())
