"""The screen as payments use it: one read, one transaction; and staff at its API."""

from typing import Any

from fraud import api
from fraud.contract import AlreadyScreened, Judged, Screening, clean, judged, known, lookups
from fraud.manifest import MANIFEST
from market import config, ids
from market.money import Money
from market.table import Table
from orders.contract import MANIFEST as ORDERS
from orders.contract import number_of
from tests.http import Response, call

table = Table(MANIFEST, ORDERS)
RISKY_BIN, BLOCKED_BIN = "41000000", "41000001"
STAFF: dict[str, Any] = {"caller": "grace", "roles": "customer staff"}


def judge(order_id: str = "", **facts: Any) -> Judged | Screening:
    """What would be said of a payment, or what was said of it before; nothing is written."""
    order_id = order_id or ids.short("ord")
    wished = {"account": "ada", "amount": Money(5_000, "EUR"), "order_no": number_of(order_id, "MK")} | facts
    cleaned, key = clean(order_id=order_id, **wished), config.key("fraud")
    found = table.batch_get(lookups(cleaned, key), consistent=True)
    return known(order_id, found) or judged(cleaned, key, found)


def reasons(**facts: Any) -> set[str]:
    """The rules that would speak against a payment."""
    verdict = judge(**facts)
    screening = verdict.screening if isinstance(verdict, Judged) else verdict
    return {reason.rule for reason in screening.reasons}


def screen(order_id: str = "", **facts: Any) -> Screening:
    """Judge a payment, or answer how it was judged before."""
    verdict = judge(order_id, **facts)
    if isinstance(verdict, Screening):
        return verdict
    try:
        table.transact(*verdict.fenced)
    except AlreadyScreened as first:
        return first.screening
    for count in verdict.counts:
        table.write(count)
    return verdict.screening


def in_review(**facts: Any) -> Screening:
    screening = screen(bin=RISKY_BIN, card=facts.pop("card", ids.ulid()), **facts)
    assert screening.status == "open"
    return screening


def send(method: str, path: str, body: Any = None, **options: Any) -> Response:
    return call(api.handler, method, f"/v1/admin/fraud{path}", body, **(STAFF | options))


def decide(screening: Screening, decision: str = "approve", note: str = "") -> Response:
    path = f"/reviews/{screening.order_no}/decision"
    return send("POST", path, {"decision": decision, "note": note})


def stored(prefix: str) -> list[dict[str, Any]]:
    """Raw items whose partition key starts so."""
    answer = config.client("dynamodb").scan(TableName=config.setting("TABLE_NAME"))
    return [item for item in answer["Items"] if item["pk"]["S"].startswith(prefix)]
