"""Routes of the ledger: vendors see their account, staff everything."""

import re
from datetime import date
from typing import Annotated, Any

import orjson
from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import Field

from ledger import lines, service, store
from ledger.contract import Journal
from ledger.manifest import MANIFEST
from ledger.service import Period, TooWide
from ledger.store import BOOKED, LISTS
from ledger.views import (
    BalanceView,
    DifferenceList,
    JournalView,
    LedgerView,
    StatementView,
    TrialBalanceView,
)
from market import clock
from market.errors import NotFound
from market.http import KEY, STAFF, VENDOR, Body, Cursor, Limit, Response, ServiceApi, reply
from market.table import BadCursor, read_cursor, sign_cursor

api = ServiceApi(MANIFEST)
handler = api.handler

_MONTH = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])")
Day = Annotated[date | None, Query(description="A day in UTC; today if left out.", examples=["2026-11-21"])]
From = Annotated[
    date | None, Query(alias="from", description="First day, in UTC; the last one, else today, if left out.")
]
To = Annotated[date | None, Query(alias="to", description="Last day; the first one if left out.")]


class Days(Body):
    """The days to look at, both included, in UTC."""

    first: Annotated[date, Field(alias="from")]
    last: Annotated[date, Field(alias="to")]


@api.get("/v1/vendors/<vendor_id>/balance", callers=[VENDOR, STAFF, KEY], needs="balances.read")
def balance(vendor_id: str) -> Response[BalanceView]:
    """What a vendor is owed, by currency; a sale of the last moments may not show yet."""
    return reply(BalanceView.of(vendor_id, service.standing(vendor_id)))


@api.get(
    "/v1/vendors/<vendor_id>/statements/<month>",
    callers=[VENDOR, STAFF, KEY],
    needs="balances.read",
    problems=[BadCursor],
)
def statement(vendor_id: str, month: str, limit: Limit = 50, cursor: Cursor = None) -> Response[StatementView]:
    """A vendor's month, such as `2026-11`: balances before and after, and every entry between."""
    if not _MONTH.fullmatch(month):
        raise NotFound("There is no such month; write it as 2026-11.")
    return reply(StatementView.of(vendor_id, month, service.statement(vendor_id, month, limit=limit, cursor=cursor)))


@api.get("/v1/admin/ledger/trial-balance", callers=[STAFF], needs="ledger.read", problems=[TooWide])
def trial_balance(first: From = None, last: To = None) -> Response[TrialBalanceView]:
    """What up to 31 days added to each account, by currency; each column sums to zero."""
    period = _period(first, last)
    return reply(TrialBalanceView.of(period, *service.trial_balance(period)))


@api.get("/v1/admin/ledger/export", callers=[STAFF], needs="ledger.read", problems=[BadCursor])
def export(day: Day = None, limit: Limit = 100, cursor: Cursor = None) -> Response[Any]:
    """What was booked, posted and voided on a day, as JSON lines; a `link` header with rel="next" leads on."""
    day = day or clock.now().date()
    scope = f"ledger|export|{day}"
    at: dict[str, Any] = read_cursor(cursor, scope) if cursor else {"list": 0, "cursor": None}
    index, shard = LISTS[at["list"]]
    found, following = store.listed(day.isoformat(), index, shard, limit=limit, cursor=at["cursor"])
    text = b"".join(orjson.dumps(_line(journal, index)) + b"\n" for journal in found).decode()
    onward = {"list": at["list"] if following else at["list"] + 1, "cursor": following}
    headers: dict[str, str | list[str]] = {}
    if onward["list"] < len(LISTS):
        address = f"/v1/admin/ledger/export?day={day}&limit={limit}&cursor={sign_cursor(onward, scope)}"
        headers["link"] = f'<{address}>; rel="next"'
    return Response(status_code=200, content_type="application/x-ndjson", body=text, headers=headers)


@api.get("/v1/admin/ledger/<order_id>", callers=[STAFF], needs="ledger.read")
def show(order_id: str) -> Response[LedgerView]:
    """Everything booked for an order; debits are positive, credits negative, each journal sums to zero."""
    journals = store.of_order(order_id)
    if not journals:
        raise NotFound("Nothing is booked for this order.")
    return reply(LedgerView(order_id=order_id, journals=[JournalView.of(journal) for journal in journals]))


@api.get("/v1/admin/ledger/vendors/<vendor_id>/differences", callers=[STAFF], needs="ledger.read", problems=[TooWide])
def differences(vendor_id: str, first: From = None, last: To = None) -> Response[DifferenceList]:
    """Where a vendor's account is not what the journals of these days say; none if all is well."""
    return reply(DifferenceList.of(vendor_id, service.differences(vendor_id, _period(first, last))))


@api.post("/v1/admin/ledger/vendors/<vendor_id>/rebuild", callers=[STAFF], needs="ledger.rebuild", problems=[TooWide])
def rebuild(vendor_id: str, days: Days) -> Response[DifferenceList]:
    """Make a vendor's entries and balances anew from the journals; answers what still differs, to be asked again."""
    return reply(DifferenceList.of(vendor_id, service.rebuild(vendor_id, Period(days.first, days.last))))


def _period(first: date | None, last: date | None) -> Period:
    begin = first or last or clock.now().date()
    return Period(begin, last or begin)


def _line(journal: Journal, index: str) -> lines.Line:
    return lines.booked(journal) if index == BOOKED else lines.moved(journal)
