"""Routes of commission rules: staff set them, vendors see what holds for them."""

from datetime import datetime
from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import AfterValidator, AwareDatetime, Field, model_validator

from ledger import rules
from ledger.contract import STANDARD, Rule
from ledger.manifest import MANIFEST
from ledger.rules import Document
from market import clock
from market.errors import PreconditionFailed
from market.http import KEY, STAFF, VENDOR, Body, Response, ServiceApi, View, reply
from market.money import MAX_AMOUNT, Currency, Money

api = ServiceApi(MANIFEST)
handler = api.handler

MOST_RULES = 200
VendorId = Annotated[
    str,
    Query(
        alias="vendorId", pattern=r"^(ven_[\w-]{1,60})?$", description="Whose rules; left out: those for all vendors."
    ),
]


def _in_our_time(moment: datetime) -> datetime:
    if not 2000 <= moment.year < 2200:
        raise ValueError("must be in this or the next century")
    return moment


Moment = Annotated[AwareDatetime, AfterValidator(_in_our_time)]


class Amount(Body):
    """An amount of nothing or more."""

    amount: Annotated[int, Field(strict=True, ge=0, le=MAX_AMOUNT)]
    currency: Currency

    def money(self) -> Money:
        return Money(self.amount, self.currency)


class RuleBody(Body):
    """One of `basisPoints` (1000 is 10 %), `perUnit` and `perOrder`.

    `minimum` and `maximum` bound what the rule takes of one order. `category` is a path of the catalog and includes all
    below it. Valid from `validFrom` until just before `validUntil`.
    """

    category: Annotated[str, Field(max_length=200, pattern=r"^[a-z0-9-]+(>[a-z0-9-]+)*$")] | None = None
    basis_points: Annotated[int, Field(strict=True, ge=0, le=10_000)] | None = None
    per_unit: Amount | None = None
    per_order: Amount | None = None
    minimum: Amount | None = None
    maximum: Amount | None = None
    valid_from: Moment | None = None
    valid_until: Moment | None = None
    priority: Annotated[int, Field(strict=True, ge=0, le=1_000)] = 0

    @model_validator(mode="after")
    def _one_way(self) -> "RuleBody":
        if [self.basis_points, self.per_unit, self.per_order].count(None) != 2:
            raise ValueError("send one of basisPoints, perUnit and perOrder")
        amounts = [amount for amount in (self.per_unit, self.per_order, self.minimum, self.maximum) if amount]
        if len({amount.currency for amount in amounts}) > 1:
            raise ValueError("the amounts of a rule are in one currency")
        if self.minimum and self.maximum and self.minimum.amount > self.maximum.amount:
            raise ValueError("minimum must not be above maximum")
        times = [clock.iso(time) for time in (self.valid_from, self.valid_until) if time]
        if times != sorted(set(times)):
            raise ValueError("validUntil must be after validFrom")
        return self

    def rule(self, vendor_id: str) -> Rule:
        return Rule(
            vendor_id=vendor_id,
            category=self.category or "",
            basis_points=self.basis_points,
            per_unit=self.per_unit.money() if self.per_unit else None,
            per_order=self.per_order.money() if self.per_order else None,
            least=self.minimum.money() if self.minimum else None,
            most=self.maximum.money() if self.maximum else None,
            since=clock.iso(self.valid_from) if self.valid_from else "",
            until=clock.iso(self.valid_until) if self.valid_until else "",
            priority=self.priority,
        )


class RulesBody(Body):
    rules: Annotated[list[RuleBody], Field(max_length=MOST_RULES)]


class RuleView(View):
    vendor_id: str | None = None
    category: str | None = None
    basis_points: int | None = None
    per_unit: Money | None = None
    per_order: Money | None = None
    minimum: Money | None = None
    maximum: Money | None = None
    valid_from: str | None = None
    valid_until: str | None = None
    priority: int = 0

    @classmethod
    def of(cls, rule: Rule) -> "RuleView":
        return cls(
            vendor_id=rule.vendor_id or None,
            category=rule.category or None,
            basis_points=rule.basis_points,
            per_unit=rule.per_unit,
            per_order=rule.per_order,
            minimum=rule.least,
            maximum=rule.most,
            valid_from=rule.since or None,
            valid_until=rule.until or None,
            priority=rule.priority,
        )


class RuleList(View):
    """`changedAt` is left out before the first rules were set."""

    rules: list[RuleView]
    changed_at: str | None = None
    changed_by: str | None = None


@api.get("/v1/admin/commission-rules", callers=[STAFF], needs="commissions.read")
def show_rules(vendor_id: VendorId = "") -> Response[RuleList]:
    """The rules for all vendors, or one vendor's own."""
    return _shown(rules.get(vendor_id))


@api.put("/v1/admin/commission-rules", callers=[STAFF], needs="commissions.manage", problems=[PreconditionFailed])
def change_rules(body: RulesBody, vendor_id: VendorId = "") -> Response[RuleList]:
    """Replace the rules for all vendors, or one vendor's own; orders already placed keep their commission."""
    document = rules.get(vendor_id)
    api.require_match(document.version)
    return _save(vendor_id, [rule.rule(vendor_id) for rule in body.rules], document)


@api.delete("/v1/admin/commission-rules", callers=[STAFF], needs="commissions.manage", problems=[PreconditionFailed])
def remove_rules(vendor_id: VendorId = "") -> Response[RuleList]:
    """Take the rules away, so that what is more general holds. Repeated, it changes nothing."""
    document = rules.get(vendor_id)
    api.require_match(document.version)
    return _save(vendor_id, [], document) if document.rules else _shown(document)


@api.get("/v1/vendors/<vendor_id>/commission-rules", callers=[VENDOR, STAFF, KEY], needs="balances.read")
def rules_of_vendor(vendor_id: str) -> Response[RuleList]:
    """What holds for a vendor: its own rules, those for all vendors, and last the standard one.

    Of the rules that fit a line the vendor's own go first, then those of the deepest category, then the highest
    priority, then the youngest.
    """
    found = rules.governing(vendor_id)
    views = [RuleView.of(rule) for rule in (*found.get(vendor_id, ()), *found.get("", ()), STANDARD)]
    return reply(RuleList(rules=views))


def _save(vendor_id: str, new: list[Rule], seen: Document) -> Response[RuleList]:
    return _shown(rules.save(vendor_id, new, seen=seen.version, by=api.caller.id))


def _shown(document: Document) -> Response[Any]:
    view = RuleList(
        rules=[RuleView.of(rule) for rule in document.rules],
        changed_at=document.changed_at or None,
        changed_by=document.changed_by or None,
    )
    return reply(view, version=document.version)
