"""Routes of the audit log: what staff, vendors and their programs did. There is no route that changes it."""

from datetime import date, timedelta
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from audit import model, store
from audit.manifest import MANIFEST
from audit.store import Listed
from audit.views import EntryPage, ProofView
from market import clock
from market.errors import Unprocessable
from market.http import STAFF, VENDOR, Cursor, Limit, Response, ServiceApi, reply
from market.table import BadCursor

api = ServiceApi(MANIFEST)
handler = api.handler

SPAN = timedelta(days=30)
"""What is shown where no days are given and nobody is named: so many up to today."""

Actor = Annotated[str | None, Query(min_length=1, max_length=128, description="The id of a person or an API key.")]
Subject = Annotated[
    str | None,
    Query(
        max_length=260,
        pattern=r"^[a-z][a-z_]*:.+$",
        description="What it was done to, as `kind:id`: `order:MK-…`, `user:…`, `vendor:…`, `product:…`.",
    ),
]
From = Annotated[date | None, Query(alias="from", description="First day, UTC.")]
To = Annotated[date | None, Query(alias="to", description="Last day, UTC.")]


@api.get("/v1/admin/audit", callers=[STAFF], needs="audit.read", problems=[BadCursor])
def find(
    actor: Actor = None,
    subject: Subject = None,
    since: From = None,
    until: To = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response[EntryPage]:
    """What somebody did, what was done to something, or all there was; on some days, or ever. The newest first.

    Of everything, those of the last 30 days where no days are given. Fields: either `actor` or `subject`.
    """
    if actor and subject:
        errors = [{"field": "query.subject", "code": "too_many", "message": "Ask for an actor or for a subject."}]
        raise Unprocessable("Some fields are missing or wrong.", errors=errors)
    if actor:
        return _page(Listed.of_actor(actor), since, until, limit, cursor)
    if subject:
        return _page(Listed.of_subject(model.subject(*subject.split(":", 1))), since, until, limit, cursor)
    last = until or clock.now().date()
    return _page(Listed.of_days(), since or _before(last), last, limit, cursor)


@api.get("/v1/admin/audit/<audit_id>", callers=[STAFF], needs="audit.read", problems=[model.NoSuchEntry])
def show(audit_id: str) -> Response[ProofView]:
    """All that was recorded of one action, and its place in the chain that proves it."""
    return reply(ProofView.of(store.find(audit_id)))


@api.get("/v1/vendors/<vendor_id>/audit", callers=[VENDOR, STAFF], needs="audit.read", problems=[BadCursor])
def of_vendor(
    vendor_id: str, since: From = None, until: To = None, limit: Limit = 20, cursor: Cursor = None
) -> Response[EntryPage]:
    """What was done in a vendor's scope, by its own people, its programs or staff, the newest first."""
    return _page(Listed.of_vendor(vendor_id), since, until, limit, cursor)


def _before(last: date) -> date:
    """The first day of SPAN, where the calendar has it."""
    return last - SPAN if last - date.min > SPAN else date.min


def _page(which: Listed, since: date | None, until: date | None, limit: int, cursor: str | None) -> Response[EntryPage]:
    if since is None and until is None:
        return reply(EntryPage.of(*store.listed(which, limit=limit, cursor=cursor)))
    last, first = until or clock.now().date(), since or date.min
    return reply(EntryPage.of(*store.in_days(which, first, last, limit=limit, cursor=cursor)))
