"""The whole marketplace: in process, and as processes that are stopped, starved and killed."""

import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.harness import PASSWORD, ROOT, InProcess, Running, marketplace, running

ADA = "ada@example.com"


@pytest.fixture(scope="module")
def shop() -> Iterator[InProcess]:
    with marketplace() as made:
        yield made


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("served")) as made:
        yield made


def _register(shop: InProcess | Running, email: str) -> str:
    """What has to come with the code."""
    body = {"email": email, "password": PASSWORD, "name": "Ada"}
    answer = shop.call("POST", "/v1/auth/register", body)
    assert answer.status == 202
    return str(answer.json["registration"])


def _login(shop: InProcess | Running, email: str) -> dict[str, str]:
    answer = shop.call("POST", "/v1/auth/login", {"email": email, "password": PASSWORD})
    assert answer.status == 200, answer
    session: dict[str, str] = answer.json
    return session


def _code(text: str) -> str:
    found = re.search(r"\d{6}", text)
    assert found
    return found.group()


# -- in process


def test_a_customer_joins_and_gets_in(shop: InProcess) -> None:
    registration = _register(shop, ADA)
    assert shop.call("POST", "/v1/auth/login", {"email": ADA, "password": PASSWORD}).status == 403
    code = _code(shop.mails(ADA)[0].text)
    proof = {"email": ADA, "code": code, "registration": registration}
    assert shop.call("POST", "/v1/auth/verify", proof).status == 200

    session = _login(shop, ADA)

    assert shop.call("GET", "/v1/me", token=session["accessToken"]).json["email"] == ADA
    assert shop.call("GET", "/v1/me").status == 401
    renewed = shop.call("POST", "/v1/auth/refresh", {"refreshToken": session["refreshToken"]})
    assert renewed.status == 200
    shop.drain()


def test_roles_come_from_the_table_into_the_token(shop: InProcess) -> None:
    staff = shop.person("sam@example.com", roles=("customer", "staff"))
    customer = shop.person("cleo@example.com")

    assert shop.call("GET", "/v1/me", token=staff).json["roles"] == ["customer", "staff"]
    assert shop.call("GET", "/v1/admin/vendors", token=customer).status == 403
    assert shop.call("GET", "/v1/admin/vendors", token=staff).status == 200


def test_the_api_describes_itself(shop: InProcess) -> None:
    described = shop.call("GET", "/openapi.json").json
    assert "/v1/auth/login" in described["paths"]
    assert shop.call("GET", "/docs").status == 200


def test_nothing_is_dead_after_all_that(shop: InProcess) -> None:
    shop.drain()
    assert shop.runtime.dead_letters() == {}


# -- as processes


def test_it_says_one_line_when_it_is_ready(served: Running) -> None:
    assert re.fullmatch(
        r"Marketplace ready at http://127\.0\.0\.1:\d+ \(docs /docs, mailbox /mailbox, data \S+\)\n", served.said
    )
    assert served.call("GET", "/health").status == 200


def test_a_second_one_over_the_same_data_or_port_is_refused(served: Running, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="Another marketplace runs over"):
        Running(served.data)
    with pytest.raises(RuntimeError, match="is taken"):
        Running(tmp_path, port=int(served.base_url.rsplit(":", 1)[1]))


def test_bodies_and_methods_at_the_edge(served: Running) -> None:
    port = int(served.base_url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(b"POST /v1/auth/login HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999\r\n\r\n")
        assert b" 413 " in connection.recv(4096).partition(b"\r\n")[0]
    as_json = {"content-type": "application/json"}
    assert served.call("POST", "/v1/auth/login", b"\xff\xfe{", headers=as_json).status == 400
    assert served.call("HEAD", "/v1/products").status == 405
    assert served.call("PROPFIND", "/nothing").status == 404
    assert served.call("GET", "/media/../../etc/passwd").status == 404
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(b"GET nonsense\r\n\r\n")
        assert b" 400 " in connection.recv(4096).partition(b"\r\n")[0]


def test_the_mailbox_is_a_page_and_json(served: Running) -> None:
    _register(served, "mia@example.com")

    shown = served.call("GET", "/mailbox?to=mia@example.com")
    assert shown.headers["content-type"].startswith("text/html")
    assert "mia@example.com" in shown.text
    (mail,) = served.call("GET", "/mailbox.json?to=mia@example.com").json
    assert _code(mail["text"])


def test_what_was_answered_survives_kill_9(tmp_path: Path) -> None:
    first = Running(tmp_path)
    registration = _register(first, ADA)
    code = _code(first.call("GET", f"/mailbox.json?to={ADA}").json[0]["text"])
    proof = {"email": ADA, "code": code, "registration": registration}
    assert first.call("POST", "/v1/auth/verify", proof).status == 200
    kept, ended = _login(first, ADA), _login(first, ADA)
    out = {"refreshToken": ended["refreshToken"]}
    assert first.call("POST", "/v1/auth/logout", out, token=ended["accessToken"]).status == 200
    renamed = first.call("PATCH", "/v1/me", {"name": "Countess"}, token=kept["accessToken"])
    assert renamed.status == 200
    first.kill()

    with running(tmp_path) as second:
        me = second.call("GET", "/v1/me", token=kept["accessToken"])
        assert me.json["name"] == "Countess"
        assert second.call("POST", "/v1/auth/refresh", {"refreshToken": kept["refreshToken"]}).status == 200
        assert second.call("POST", "/v1/auth/refresh", {"refreshToken": ended["refreshToken"]}).status == 401
        _login(second, ADA)
        assert second.call("GET", f"/mailbox.json?to={ADA}").json


def test_secrets_of_the_data_directory_are_its_owner_s(served: Running) -> None:
    assert served.data.stat().st_mode & 0o777 == 0o700
    for file in (served.data / "keys").iterdir():
        assert file.stat().st_mode & 0o077 == 0, file


def test_if_one_process_dies_the_other_stops_and_says_so(tmp_path: Path) -> None:
    shop = Running(tmp_path)
    children = subprocess.run(
        ["ps", "--ppid", str(shop.process.pid), "-o", "pid=,args="], capture_output=True, text=True, check=True
    ).stdout
    (background,) = [line.split()[0] for line in children.splitlines() if "local background" in line]

    subprocess.run(["kill", "-9", background], check=True)

    assert shop.process.wait(15) == 1
    shop.stop()
    assert "The background process has ended" in shop.log()


def test_it_stops_when_asked_and_the_export_reads_what_is_there(tmp_path: Path) -> None:
    shop = Running(tmp_path, arguments=("--no-seed", "--one-process"))
    _register(shop, ADA)
    live = _export(tmp_path)
    assert shop.stop() == 0
    assert _export(tmp_path) == live

    events = [line for line in live if line["what"] == "events"]
    assert [event["envelope"]["type"] for event in events] == ["user.created"]
    assert [line["recipient"] for line in live if line["what"] == "mails"] == [ADA]


def _export(data: Path) -> list[dict[str, object]]:
    command = [sys.executable, "-m", "local", "export", "--data", str(data)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_stopped_front_takes_everything_with_it(tmp_path: Path) -> None:
    shop = Running(tmp_path)
    children = subprocess.run(
        ["ps", "--ppid", str(shop.process.pid), "-o", "pid="], capture_output=True, text=True, check=True
    ).stdout.split()
    shop.process.send_signal(signal.SIGKILL)
    shop.stop()
    for _ in range(200):
        if not any(_alive(child) for child in children):
            return
        time.sleep(0.02)
    raise AssertionError(f"{children} outlived the front")


def _alive(process: str) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.slow
def test_the_first_start_fills_the_store_and_the_second_leaves_it(tmp_path: Path) -> None:
    with running(tmp_path, arguments=()) as first:
        shown = first.call("GET", "/v1/products?limit=5").json["items"]
        assert len(shown) == 5
        picture = first.call("GET", shown[0]["image"]["url"])
        assert (picture.status, picture.headers["x-content-type-options"]) == (200, "nosniff")
        assert picture.headers["content-type"].startswith("image/")
    assert (tmp_path / "staff-login.json").stat().st_mode & 0o077 == 0

    with running(tmp_path, arguments=()) as second:
        assert second.call("GET", "/v1/products?limit=5").json["items"] == shown
        staff = json.loads((tmp_path / "staff-login.json").read_text())
        assert second.call("POST", "/v1/auth/login", staff).status == 200
