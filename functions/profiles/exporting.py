"""A copy of everything that we hold of a person: asked for once a day, written by each service, handed out for a week.

Each service hears `profile.export_requested` and writes one file. The archive is put together when it is asked for and
all files are there, or when one that is missing has been waited for long enough.
"""

import io
import zipfile
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import orjson

from market import clock
from profiles import book, gateway, model, requests, store
from profiles.contract import CONTRIBUTORS, export_folder
from profiles.requests import Export

PREPARING, READY, INCOMPLETE = "preparing", "ready", "incomplete"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """How far an export is. missing: services whose file is not there; url: where to fetch it, for 15 minutes."""

    export: Export
    status: str
    missing: tuple[str, ...] = ()
    url: str = ""


ask = requests.ask_export


def state_of(user_id: str) -> State:
    """Of the last export. Raises NoExport."""
    export = requests.export_of(user_id)
    present = set(gateway.names_below(_folder(export)))
    missing = tuple(service for service in CONTRIBUTORS if _file(export, service) not in present)
    waited = clock.now() - datetime.fromisoformat(export.requested_at)
    if missing and waited < model.EXPORT_PATIENCE:
        return State(export=export, status=PREPARING, missing=missing)
    archive = f"{_folder(export)}my-data-{len(CONTRIBUTORS) - len(missing)}.zip"
    if archive not in present:
        gateway.keep(archive, _packed(export, missing), "application/zip")
    return State(
        export=export,
        status=INCOMPLETE if missing else READY,
        missing=missing,
        url=gateway.offer_download(archive, "my-data.zip"),
    )


def contribute(request_id: str, user_id: str) -> None:
    """Write what this service holds of a person. Repeated, it writes the file again; heard too late, nothing."""
    export = requests.last_export(user_id)
    if export is None or export.request_id != request_id:
        return
    gateway.keep(_file(export, "profiles"), orjson.dumps(_held(user_id)), "application/json")


def forget(user_id: str) -> None:
    """Delete the files of the last export."""
    export = requests.last_export(user_id)
    if export:
        gateway.withdraw(gateway.names_below(_folder(export)))
        requests.forget_export(user_id)


def _held(user_id: str) -> dict[str, Any]:
    profile, addresses = store.get(user_id), book.read(user_id)
    return {
        "profile": asdict(profile),
        "addresses": [asdict(address) for address in addresses.addresses],
        "defaultAddress": addresses.default_id,
    }


def _packed(export: Export, missing: tuple[str, ...]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for service in CONTRIBUTORS:
            content = None if service in missing else gateway.fetch(_file(export, service))
            if content is not None:
                archive.writestr(f"{service}.json", content)
    return packed.getvalue()


def _folder(export: Export) -> str:
    return export_folder(export.request_id)


def _file(export: Export, service: str) -> str:
    return f"{_folder(export)}{service}.json"
