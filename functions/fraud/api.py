"""Routes of the fraud screen, for staff: the queue of reviews, screenings, lists and rules."""

from fraud import rules, service, store
from fraud.manifest import MANIFEST
from fraud.model import ListName, NoSuchScreening, NotInReview, NotOnList, Rulebook
from fraud.views import (
    Decision,
    Entry,
    EntryList,
    EntryView,
    ReviewList,
    ReviewView,
    RulesBody,
    RulesView,
    RuleView,
    ScreeningView,
)
from market.errors import PreconditionFailed
from market.http import STAFF, Cursor, Limit, Response, ServiceApi, reply
from market.table import BadCursor

api = ServiceApi(MANIFEST)
handler = api.handler


@api.get("/v1/admin/fraud/reviews", callers=[STAFF], needs="fraud.read", problems=[BadCursor])
def queue(limit: Limit = 20, cursor: Cursor = None) -> ReviewList:
    """Payments that a person decides on: those that wait, the oldest first, then those that are decided."""
    page = store.reviews(limit=limit, cursor=cursor)
    return ReviewList(items=[ReviewView.of(item) for item in page.items], next_cursor=page.next)


@api.get("/v1/admin/fraud/screenings/<order_no>", callers=[STAFF], needs="fraud.read", problems=[NoSuchScreening])
def show(order_no: str) -> ScreeningView:
    """What the screen said of an order's payment, why, and what became of it."""
    return ScreeningView.of(service.screening_of(order_no))


@api.post(
    "/v1/admin/fraud/reviews/<order_no>/decision",
    callers=[STAFF],
    needs="fraud.decide",
    problems=[NoSuchScreening, NotInReview],
)
def decide(order_no: str, body: Decision) -> ScreeningView:
    """Approve or reject a payment in review, once; the checkout goes on accordingly."""
    approve = body.decision == "approve"
    return ScreeningView.of(service.decide(order_no, approve=approve, by=api.caller.id, note=body.note))


@api.get("/v1/admin/fraud/lists/<list_name>/entries", callers=[STAFF], needs="fraud.read", problems=[BadCursor])
def entries(list_name: ListName, limit: Limit = 20, cursor: Cursor = None) -> EntryList:
    """What staff put on a list, the newest first. What is `trusted` passes, what is `blocked` does not."""
    found, following = store.marks(list_name, limit=limit, cursor=cursor)
    return EntryList(items=[EntryView.of(mark) for mark in found], next_cursor=following)


@api.post(
    "/v1/admin/fraud/lists/<list_name>/entries",
    callers=[STAFF],
    needs="fraud.configure",
    status=201,
    problems=[NoSuchScreening],
)
def add(list_name: ListName, body: Entry) -> EntryView:
    """Put a value on a list, or what paid for an order that was held back; it leaves the list that it was on."""
    by = api.caller.id
    if body.order_no and not body.value:
        return EntryView.of(service.add_subject(list_name, body.kind, body.order_no, note=body.note, by=by))
    return EntryView.of(service.add_mark(list_name, body.kind, body.value, note=body.note, by=by))


@api.delete(
    "/v1/admin/fraud/lists/<list_name>/entries/<entry_id>",
    callers=[STAFF],
    needs="fraud.configure",
    status=204,
    problems=[NotOnList],
)
def remove(list_name: ListName, entry_id: str) -> Response[None]:
    """Take a value off a list."""
    store.remove_mark(list_name, entry_id)
    return Response(status_code=204)


@api.get("/v1/admin/fraud/rules", callers=[STAFF], needs="fraud.read")
def show_rules() -> Response[RulesView]:
    """All rules with their thresholds."""
    return _shown(store.rulebook())


@api.put("/v1/admin/fraud/rules", callers=[STAFF], needs="fraud.configure", problems=[PreconditionFailed])
def change_rules(body: RulesBody) -> Response[RulesView]:
    """Put rules in the place of all others; with `If-Match`, only if they are still as they were read."""
    present = store.rulebook()
    api.require_match(present.version)
    return _shown(service.change_rules(body.rulebook(present.version), by=api.caller.id))


def _shown(rulebook: Rulebook) -> Response[RulesView]:
    kinds = rules.KINDS
    view = RulesView(
        rules=[RuleView.of(rule, kinds[rule.kind].needs + kinds[rule.kind].takes) for rule in rulebook.rules],
        review_from=rulebook.review_from,
        block_from=rulebook.block_from,
        enforced=rulebook.enforced,
        version=rulebook.version,
        updated_by=rulebook.updated_by or None,
        updated_at=rulebook.updated_at or None,
    )
    return reply(view, version=rulebook.version)
