"""Steps of the import's state machine. Each may be run again, or too late; see `bulk_work`."""

from typing import Any

from catalog import bulk_work
from catalog.manifest import MANIFEST
from market.tasks import Tasks

tasks = Tasks(MANIFEST)
handler = tasks.handler


@tasks.task("split")
def split(given: dict[str, Any]) -> dict[str, Any]:
    """`list` is the key of the list of chunks; `refused` where the whole file is none that can be read."""
    name = bulk_work.split(given["vendorId"], given["importId"], given.get("attempt"))
    return {"refused": name is None, "list": name or ""}


@tasks.task("bring-in")
def bring_in(given: dict[str, Any]) -> None:
    bulk_work.bring_in(given["vendorId"], given["importId"], given.get("attempt"), given["chunk"])


@tasks.task("report")
def report(given: dict[str, Any]) -> dict[str, Any]:
    return {"complete": bulk_work.report(given["vendorId"], given["importId"], given.get("attempt"))}


@tasks.task("give-up")
def give_up(given: dict[str, Any]) -> None:
    bulk_work.give_up(given["vendorId"], given["importId"], given.get("attempt"))
