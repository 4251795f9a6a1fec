"""Bulk imports as they run: routes, the state machine from its own definition, and files in S3."""

import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson

from catalog import bulk_api, tasks
from catalog.bulk import PART
from local import hooks
from local.runtime import Runtime
from local.templates import StateMachine, Templates
from local.workflows.distributed import READER
from market import config
from tests.http import Response, call
from tests.local.runtime_parts import function
from tests.services.catalog.conftest import ADA

DEFINITION = Path(__file__).resolve().parents[3] / "statemachines" / "import" / "definition.asl.json"
MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:import"
BUCKET, MEDIA = "documents", "media"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + b"\0" * 20
HEAD = "externalId,title,category,price,currency,sku,stock\n"
Invoke = Callable[[str, Any], Any]


class Bulk:
    """A vendor's imports; the machine does something only when told to."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime

    def call(self, method: str, rest: str, body: Any = None, *, vendor_id: str = ADA, to: str = ADA) -> Response:
        path = f"/v1/vendors/{to}/{rest}"
        return call(bulk_api.handler, method, path, body, caller="usr_v", roles="vendor", vendor_id=vendor_id)

    def opened(self, kind: str, content: bytes) -> str:
        """An import whose file was sent; its id."""
        made = self.call("POST", "imports", {"format": kind, "size": len(content)})
        assert made.status == 201, made
        for part in made.json["upload"]["parts"]:
            self.send(part, content[(part["number"] - 1) * PART :][: part["size"]])
        return str(made.json["id"])

    def send(self, part: Any, content: bytes) -> None:
        """What the address of a part is for."""
        address = urlsplit(part["url"])
        query = dict(parse_qsl(address.query))
        assert {"content-length", "host"} == set(query["X-Amz-SignedHeaders"].split(";"))
        config.client("s3").upload_part(
            Bucket=BUCKET,
            Key=address.path[address.path.index("imports/") :],
            UploadId=query["uploadId"],
            PartNumber=int(query["partNumber"]),
            Body=content,
        )

    def start(self, import_id: str) -> Response:
        return self.call("POST", f"imports/{import_id}/start")

    def show(self, import_id: str) -> Any:
        return self.call("GET", f"imports/{import_id}").json

    def brought_in(self, kind: str, content: bytes | str) -> Any:
        """The import as it is when the machine has nothing more to do."""
        import_id = self.opened(kind, content.encode() if isinstance(content, str) else content)
        assert self.start(import_id).status == 202
        self.runtime.drain(60)
        return self.show(import_id)

    def report(self, import_id: str) -> list[Any]:
        """What became of the rows, from the JSON lines."""
        return [json.loads(line) for line in self.file(import_id, "report.jsonl").splitlines()]

    def file(self, import_id: str, name: str) -> bytes:
        found = config.client("s3").get_object(Bucket=BUCKET, Key=f"imports/{ADA}/{import_id}/{name}")
        return bytes(found["Body"].read())

    def exported(self, kind: str, limit: int = 100) -> str:
        """The whole export, page by page."""
        text, cursor = "", ""
        while True:
            query = f"format={kind}&limit={limit}" + (f"&cursor={cursor}" if cursor else "")
            answer = self.call("GET", f"products/export?{query}")
            assert answer.status == 200, answer
            text += answer.body
            cursor = answer.headers.get("x-next-cursor", "")
            if not cursor:
                return text


def codes(rows: list[Any]) -> list[str]:
    """Result, or code of the refusal, by row."""
    return [row["code"] or row["result"] for row in rows]


def zipped(members: Mapping[str, bytes | str]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    return file.getvalue()


def lines(*rows: Any) -> bytes:
    return b"".join(orjson.dumps(row) + b"\n" for row in rows)


@contextmanager
def played(environment: Any, journal: Path, invoke: Invoke | None = None) -> Iterator[Bulk]:
    """The machine at work over the functions' own handlers, or over `invoke`."""
    environment.setenv("DOCUMENTS_BUCKET", BUCKET)
    environment.setenv("MEDIA_BUCKET", MEDIA)
    environment.setenv("MEDIA_URL", "/media")
    environment.setenv("IMPORT_ARN", MACHINE)
    text = DEFINITION.read_text().replace("${CatalogTasks}", "tasks").replace("${DocumentsBucket}", BUCKET)
    machine = StateMachine(name="import", arn=MACHINE, definition=json.loads(text))
    templates = Templates(functions={"tasks": function("tasks")}, machines={"import": machine})

    def read(asked: Any) -> bytes:
        return bytes(config.client("s3").get_object(**asked)["Body"].read())

    runtime = Runtime(
        templates, journal, invoke or (lambda _, event: tasks.handler(event)), retry_scale=0.0,
        integrations={READER: read},
    )  # fmt: skip
    config.forget()
    hooks.install(config.session(), runtime)
    for bucket in (BUCKET, MEDIA):
        config.client("s3").create_bucket(Bucket=bucket)
    try:
        yield Bulk(runtime)
    finally:
        runtime.close()
