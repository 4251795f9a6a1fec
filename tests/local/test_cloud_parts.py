"""Mails, files, secrets, logs, functions, synthesis and the embedded database: the small parts."""

import io
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local import database, synth
from local.answers import AwsError, refuse_the_rest, serve
from local.database import Database, DatabaseMissing, TableDiffers
from local.files import Files
from local.functions import EnvironmentConflict, Functions, environment_of
from local.logs import LogLines, readable
from local.mail_templates import Mailer, render
from local.mailbox import Mailbox, page
from local.storage import Storage
from local.templates import Function, MailTemplate, Templates
from local.tokens import SigningKey, keep_secret

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage(tmp_path / "storage.db")


def _client(service: str, hyphenated: str, operations: Any) -> Any:
    session = boto3.session.Session(region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    serve(session.events, hyphenated, operations)
    refuse_the_rest(session.events)
    return session.client(service)


# -- mails


def test_templates_are_filled_as_ses_does() -> None:
    text = "Hi {{ name }}, {{#each lines}}{{this.quantity}} x {{this.title}}; {{/each}}"
    text += "{{#if gift}}wrapped{{else}}plain{{/if}}"
    values = {"name": "Ada & <Bob>", "lines": [{"quantity": 2, "title": "lamp"}, {"quantity": 1, "title": "jar"}]}

    assert render(text, values | {"gift": ""}) == "Hi Ada & <Bob>, 2 x lamp; 1 x jar; plain"
    assert render("{{#each tags}}[{{this}}]{{/each}}", {"tags": ["a", "b"]}) == "[a][b]"
    assert render("{{order.total.shown}}", {"order": {"total": {"shown": "$3"}}}) == "$3"


def test_a_missing_value_or_a_broken_template_fails_at_once() -> None:
    with pytest.raises(AwsError, match="name"):
        render("Hi {{name}}", {})
    with pytest.raises(AwsError, match="closes nothing"):
        render("{{/if}}", {})


def test_a_templated_mail_lands_in_the_mailbox(storage: Storage) -> None:
    mailbox = Mailbox(storage)
    template = MailTemplate(name="paid", subject="Order {{no}}", text="Thanks, {{name}}", html="<b>{{name}}</b>")
    ses = _client("ses", "ses", Mailer({"paid": template}, mailbox).operations())
    sent = {"Source": "shop@example.com", "Destination": {"ToAddresses": ["Ada@example.com"]}}

    ses.send_templated_email(**sent, Template="paid", TemplateData='{"no": "MK-1", "name": "Ada"}')

    (mail,) = mailbox.mails("ada@EXAMPLE.com")
    assert (mail.subject, mail.text, mail.html) == ("Order MK-1", "Thanks, Ada", "<b>Ada</b>")
    assert not mailbox.mails("bob@example.com")
    with pytest.raises(ClientError, match="TemplateDoesNotExist"):
        ses.send_templated_email(**sent, Template="other", TemplateData="{}")
    with pytest.raises(ClientError, match="line break"):
        ses.send_templated_email(**sent, Template="paid", TemplateData='{"no": "1\\nBcc: x", "name": ""}')


def test_the_mailbox_page_lets_no_mail_out_of_its_frame(storage: Storage) -> None:
    mailbox = Mailbox(storage)
    evil = '"><script>alert(1)</script>'
    mailbox.deliver(["eve@example.com"], sender="x@example.com", subject=evil, text=evil, html=evil)
    number = mailbox.mails()[0].id

    for shown in (page(mailbox, "", None), page(mailbox, "", number), page(mailbox, evil, None)):
        assert "<script" not in shown
    assert 'sandbox=""' in page(mailbox, "", number)
    assert "No mail yet" in page(mailbox, "nobody@example.com", None)


# -- files and secrets


def test_files_are_kept_with_their_type_and_served_by_name(storage: Storage, tmp_path: Path) -> None:
    files = Files(storage, tmp_path / "files", frozenset(["media"]))
    s3 = _client("s3", "s3", files.operations())

    s3.put_object(Bucket="media", Key="p/1/lamp.png", Body=b"\x89PNG", ContentType="image/png", Metadata={"by": "v1"})
    s3.put_object(Bucket="media", Key="p/2.txt", Body=b"two")

    got = s3.get_object(Bucket="media", Key="p/1/lamp.png")
    assert (got["Body"].read(), got["ContentType"], got["Metadata"]) == (b"\x89PNG", "image/png", {"by": "v1"})
    assert s3.head_object(Bucket="media", Key="p/2.txt")["ContentLength"] == 3
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket="media", Prefix="p/")["Contents"]] == [
        "p/1/lamp.png",
        "p/2.txt",
    ]
    stored = Files(storage, tmp_path / "files", frozenset(["media"])).media("p/1/lamp.png")
    assert stored
    assert stored.path.read_bytes() == b"\x89PNG"
    s3.delete_object(Bucket="media", Key="p/1/lamp.png")
    with pytest.raises(ClientError, match="NoSuchKey"):
        s3.get_object(Bucket="media", Key="p/1/lamp.png")
    with pytest.raises(ClientError, match="NoSuchBucket"):
        s3.put_object(Bucket="other", Key="x", Body=b"")


def test_what_is_in_a_locked_bucket_is_neither_changed_nor_deleted(storage: Storage, tmp_path: Path) -> None:
    files = Files(storage, tmp_path / "files", frozenset(["media", "audit"]), frozenset(["audit"]))
    s3 = _client("s3", "s3", files.operations())
    s3.put_object(Bucket="audit", Key="ledger/1.jsonl", Body=b"one", IfNoneMatch="*")

    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.put_object(Bucket="audit", Key="ledger/1.jsonl", Body=b"two", IfNoneMatch="*")
    for attack in (
        lambda: s3.put_object(Bucket="audit", Key="ledger/1.jsonl", Body=b"two"),
        lambda: s3.delete_object(Bucket="audit", Key="ledger/1.jsonl"),
        lambda: s3.delete_objects(Bucket="audit", Delete={"Objects": [{"Key": "ledger/1.jsonl"}]}),
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            attack()
    assert s3.get_object(Bucket="audit", Key="ledger/1.jsonl")["Body"].read() == b"one"


def test_a_key_cannot_leave_the_directory(storage: Storage, tmp_path: Path) -> None:
    files = Files(storage, tmp_path / "files", frozenset(["media"]))
    _client("s3", "s3", files.operations()).put_object(Bucket="media", Key="../../evil", Body=b"x")

    stored = files.media("../../evil")
    assert stored
    assert stored.path.is_relative_to(tmp_path / "files")
    assert files.media("../storage.db") is None


def test_secrets_are_made_once_and_only_for_their_owner(tmp_path: Path) -> None:
    file = tmp_path / "keys" / "secret"
    first = keep_secret(file, lambda: b"one")

    assert keep_secret(file, lambda: b"two") == first == b"one"
    assert file.stat().st_mode & 0o777 == 0o600
    key = SigningKey(tmp_path / "keys" / "tokens.pem")
    assert (
        SigningKey(tmp_path / "keys" / "tokens.pem").verify(key.sign({"exp": int(time.time()) + 9, "a": 1}))["a"] == 1
    )
    assert SigningKey(None).id != SigningKey(None).id


# -- logs


def test_log_lines_are_readable() -> None:
    line = '{"at":"2026-01-02T03:04:05.678Z","level":"INFO","event":"order placed","order_id":"o1","where":["a b"]}'

    assert readable(line, coloured=False) == '03:04:05.678 INFO    order placed order_id=o1 where="["a b"]"'
    assert "\x1b[32m" in readable(line, coloured=True)
    assert readable("not json", coloured=False) == "not json"


def test_what_is_printed_becomes_log_lines_in_order() -> None:
    out = io.StringIO()
    lines = LogLines(out, raw=True)
    for number in range(1000):
        lines.write(f"line {number}\n")
    lines.write("half ")
    lines.write("and half\n")
    lines.close()

    assert out.getvalue().splitlines() == [*(f"line {number}" for number in range(1000)), "half and half"]


# -- functions


def _function(name: str, handler: str = "", **environment: str) -> Function:
    return Function(
        name=name,
        arn=f"arn:aws:lambda:us-east-1:0:function:{name}",
        handler=handler,
        runtime="python3.13",
        environment=environment,
        timeout=3,
        memory=128,
    )


def test_functions_share_one_environment_or_refuse_to_start() -> None:
    agreeing = Templates(functions={"a": _function("a", X="1", Y="2"), "b": _function("b", Y="2", Z="3")})
    assert environment_of(agreeing) == {"X": "1", "Y": "2", "Z": "3"}

    with pytest.raises(EnvironmentConflict, match="Y is '2' for a and '4' for b"):
        environment_of(Templates(functions={"a": _function("a", Y="2"), "b": _function("b", Y="4")}))


def test_a_function_is_called_by_name_or_arn_and_its_errors_are_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "made_up_entry.py").write_text(
        "def handler(event, context):\n"
        "    if event == 'fail': raise KeyError('lamp')\n"
        "    return [event, context.function_name, 0 < context.get_remaining_time_in_millis() <= 3000]\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    functions = Functions(Templates(functions={"f": _function("f", "made_up_entry.handler")}))

    assert functions.invoke("f", 1) == [1, "f", True]
    assert functions.invoke("arn:aws:lambda:us-east-1:0:function:f:live", 2) == [2, "f", True]
    with pytest.raises(KeyError, match="lamp"):
        functions.invoke("f", "fail")


# -- synthesis


def _sources(root: Path) -> None:
    (root / "infra").mkdir(parents=True)
    (root / "functions" / "cart").mkdir(parents=True)
    (root / "functions" / "cart" / "manifest.py").write_text("MANIFEST = 1\n")
    (root / "infra" / "__init__.py").write_text("")
    (root / "infra" / "app.py").write_text(
        textwrap.dedent(
            """
            import pathlib, sys
            runs = pathlib.Path("runs"); runs.write_text(runs.read_text() + "x" if runs.exists() else "x")
            if pathlib.Path("broken").exists(): sys.exit("no such construct")
            out = pathlib.Path(sys.argv[sys.argv.index("--out") + 1]); out.mkdir(parents=True)
            (out / "manifest.json").write_text("{}")
            """
        )
    )


def test_templates_are_synthesized_only_when_their_sources_changed(tmp_path: Path) -> None:
    _sources(tmp_path)
    for _ in range(2):
        out = synth.synthesized(tmp_path, tmp_path / ".cache")
    assert (out / "manifest.json").exists()
    assert (tmp_path / "runs").read_text() == "x"

    (tmp_path / "functions" / "cart" / "manifest.py").write_text("MANIFEST = 2\n")
    synth.synthesized(tmp_path, tmp_path / ".cache")
    (tmp_path / "functions" / "cart" / "service.py").write_text("of no interest to templates")
    synth.synthesized(tmp_path, tmp_path / ".cache")
    assert (tmp_path / "runs").read_text() == "xx"
    (tmp_path / "functions" / "cart" / "more_routes.py").write_text("api = ServiceApi(MANIFEST)")
    synth.synthesized(tmp_path, tmp_path / ".cache")
    assert (tmp_path / "runs").read_text() == "xxx"


def test_a_failed_synthesis_says_why_and_is_tried_again(tmp_path: Path) -> None:
    _sources(tmp_path)
    (tmp_path / "broken").touch()
    with pytest.raises(synth.SynthesisFailed, match="no such construct"):
        synth.synthesized(tmp_path, tmp_path / ".cache")
    (tmp_path / "broken").unlink()
    synth.synthesized(tmp_path, tmp_path / ".cache")


# -- the embedded database


def test_the_database_keeps_what_it_acknowledged_through_kill_9(tmp_path: Path) -> None:
    definition = {
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    }
    first = Database(tmp_path / "table.db")
    first.create("things", definition)
    first.create("things", definition)
    for number in range(50):
        first.call("PutItem", {"TableName": "things", "Item": {"pk": {"S": str(number)}}})
    first.process.kill()
    first.process.wait()

    second = Database(tmp_path / "table.db")
    other = {
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    }
    with pytest.raises(TableDiffers, match="other keys"):
        second.create("things", other)
    assert second.call("Scan", {"TableName": "things", "Select": "COUNT"})["Count"] == 50
    second.stop()


def test_a_taken_port_is_left_to_whoever_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    first = Database()
    ports = [first.port, first.port, database.free_port()]
    monkeypatch.setattr(database, "free_port", lambda: ports.pop(0))

    second = Database()

    assert second.port != first.port
    first.stop()
    second.stop()


def test_the_database_dies_with_whoever_started_it() -> None:
    program = (
        "import os; from local.database import Database; d = Database(); print(d.process.pid, flush=True); input()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with parent:
        assert parent.stdout
        child = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
    for _ in range(200):
        if not _alive(child):
            return
        time.sleep(0.01)
    raise AssertionError("the database outlived its parent")


def _alive(process: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False


def test_a_machine_without_the_database_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DYNOXIDE", raising=False)
    monkeypatch.setattr(database, "ROOT", tmp_path)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(DatabaseMissing, match="npm ci"):
        database.binary()
    monkeypatch.setenv("DYNOXIDE", str(tmp_path / "none"))
    with pytest.raises(DatabaseMissing, match="DYNOXIDE"):
        database.binary()
