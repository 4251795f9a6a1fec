"""One's own data, all the way: a picture sent to the bucket, a copy fetched from it, and an account that ends."""

import io
import json
import zipfile
from datetime import datetime, timedelta
from typing import Any

import pytest
import urllib3

from local.harness import InProcess, marketplace
from market import clock
from tests.services.profiles.conftest import LONDON, png

pytestmark = pytest.mark.contract("3.1")
WEB = urllib3.PoolManager()


@pytest.mark.slow
def test_from_the_first_picture_to_the_last_word() -> None:
    with marketplace() as inside:
        token = inside.person("ada@example.com")
        avatar = _show_a_picture(inside, token)
        copy = _copy_of_everything(inside, token)

        assert copy["identity.json"]["account"]["email"] == "ada@example.com"
        assert copy["profiles.json"]["addresses"][0]["line1"] == LONDON["line1"]
        assert copy["orders.json"] == {"orders": []}
        _end(inside, token)

        me = inside.call("GET", "/v1/me", token=token)
        assert me.status in (401, 403, 404), "what functions remember of a standing lasts half a minute"
        again = inside.call("POST", "/v1/auth/login", {"email": "ada@example.com", "password": "Correct-horse-9"})
        assert again.status == 401
        assert WEB.request("GET", f"{inside.base_url}{avatar}").status == 404


def _show_a_picture(inside: InProcess, token: str) -> str:
    """Send a picture as a browser does; its public address."""
    offer = _ask(inside, token, "POST", "/v1/me/avatar", {"contentType": "image/png"})
    fields = dict(offer["fields"]) | {"file": ("me.png", png())}
    assert WEB.request("POST", offer["url"], fields=fields).status == 204
    avatar = str(_ask(inside, token, "PUT", "/v1/me/avatar", {"key": offer["key"]})["avatarUrl"])
    shown = WEB.request("GET", f"{inside.base_url}{avatar}")
    assert (shown.status, shown.headers["content-type"], shown.data) == (200, "image/png", png())
    return avatar


def _copy_of_everything(inside: InProcess, token: str) -> dict[str, Any]:
    """The files of an export by name."""
    _ask(inside, token, "POST", "/v1/me/addresses", LONDON)
    assert _ask(inside, token, "POST", "/v1/me/export")["status"] == "preparing"
    inside.drain()
    ready = _ask(inside, token, "GET", "/v1/me/export")
    assert ready["status"] == "ready", ready
    fetched = WEB.request("GET", ready["downloadUrl"])
    assert fetched.status == 200
    with zipfile.ZipFile(io.BytesIO(fetched.data)) as archive:
        return {name: json.loads(archive.read(name)) for name in archive.namelist()}


def _end(inside: InProcess, token: str) -> None:
    from profiles import schedule

    planned = _ask(inside, token, "POST", "/v1/me/erasure")
    due = datetime.fromisoformat(planned["dueAt"]) + timedelta(minutes=1)
    with clock.running_on(lambda: due):
        assert schedule.handler({})["begun"] == 1
    inside.drain()


def _ask(inside: InProcess, token: str, method: str, path: str, body: Any = None) -> dict[str, Any]:
    answer = inside.call(method, path, body, token=token)
    assert answer.status < 300, answer
    return dict(answer.json)
