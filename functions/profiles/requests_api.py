"""Routes of what people may ask for by right: a copy of their data, and that their account be erased."""

from aws_lambda_powertools.event_handler import Response

from market.guard.callers import ReauthenticationRequired
from market.http import CUSTOMER, ServiceApi, reply
from profiles import erasing, exporting
from profiles.exporting import PREPARING, State
from profiles.manifest import MANIFEST
from profiles.model import (
    ErasureUnderWay,
    ExportTooSoon,
    NoErasure,
    NoExport,
    StillResponsible,
)
from profiles.views import ErasureView, ExportView

api = ServiceApi(MANIFEST)
handler = api.handler


@api.post("/v1/me/export", callers=[CUSTOMER], limit="export", status=202, problems=[ExportTooSoon])
def ask_export() -> Response[ExportView]:
    """Ask for a copy of everything that we hold of the caller, at most once a day."""
    return reply(ExportView.of(State(export=exporting.ask(api.caller.id), status=PREPARING)), status=202)


@api.get("/v1/me/export", callers=[CUSTOMER], problems=[NoExport])
def export() -> Response[ExportView]:
    """How far the last export is; once it is ready, where to fetch it. It is kept for seven days."""
    return reply(ExportView.of(exporting.state_of(api.caller.id)))


@api.post(
    "/v1/me/erasure",
    callers=[CUSTOMER],
    status=202,
    problems=[ReauthenticationRequired, StillResponsible, ErasureUnderWay],
)
def plan_erasure() -> Response[ErasureView]:
    """Have the caller's account erased in seven days. Needs a sign-in within the last 15 minutes."""
    api.caller.require_recent()
    planned = erasing.plan(api.caller.id)
    return reply(ErasureView.of(planned), status=202)


@api.get("/v1/me/erasure", callers=[CUSTOMER], problems=[NoErasure])
def erasure() -> Response[ErasureView]:
    """The erasure that is to come."""
    return reply(ErasureView.of(erasing.planned_for(api.caller.id)))


@api.delete("/v1/me/erasure", callers=[CUSTOMER], status=204, problems=[NoErasure, ErasureUnderWay])
def cancel_erasure() -> Response[None]:
    """Keep the account after all."""
    erasing.cancel(api.caller.id)
    return Response(status_code=204)
