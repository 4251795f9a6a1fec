"""What vendors and staff send: list prices and plans, rules, groups, exchange rates."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, Field, StrictBool, StringConstraints, model_validator

from inventory.contract import MAX_PER_LINE, MAX_STOCK, Sku
from market import clock
from market.http import Body
from market.money import MAX_AMOUNT, Currency, Money
from prices.competitors import Report
from prices.lists import Entry
from prices.rates import Rate, Rounding
from prices.rules import MAX_HOURS, Rule, Signal, Trigger
from prices.service import Wish

MOST_WISHES, MOST_RULES, MOST_SKUS, MOST_REPORTS = 100, 50, 500, 50
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
Group = Annotated[str, StringConstraints(pattern=r"^(ven_[\w-]{1,60}:)?[a-z0-9][a-z0-9-]{0,39}$")]
Place = Annotated[str, StringConstraints(pattern=r"^([A-Z]{2}|EEA)$")]
Category = Annotated[str, StringConstraints(max_length=200, pattern=r"^([a-z0-9-]+(>[a-z0-9-]+)*)?$")]
Time = Annotated[str, StringConstraints(pattern=r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$")]
Whole = Annotated[int, Field(strict=True, ge=1, le=MAX_STOCK)]


def _in_our_time(moment: datetime) -> datetime:
    if not 2000 <= moment.year < 2200:
        raise ValueError("must be in this or the next century")
    return moment


def _positive(text: str) -> str:
    Rate(text, "", "").fraction()
    return text


Moment = Annotated[AwareDatetime, AfterValidator(_in_our_time)]
RateText = Annotated[str, StringConstraints(pattern=r"^\d{1,9}(\.\d{1,6})?$"), AfterValidator(_positive)]


class Price(Body):
    """More than nothing."""

    amount: Annotated[int, Field(strict=True, ge=1, le=MAX_AMOUNT)]
    currency: Currency

    def money(self) -> Money:
        return Money(self.amount, self.currency)


class EntryBody(Body):
    """One price of a SKU. kind `list`: for some, until it is taken away; `plan`: the base price, from a moment on.

    A list has one price per SKU, `minQuantity` and currency; sent again it is replaced. groups and countries: for whom;
    left out for everybody, everywhere; `EU` and `EEA` stand for their countries. A plan with `endsAt` is a sale: the
    base returns by itself. `remove` takes the entry away; then `price` names the currency of the one that is meant.
    """

    sku: Sku
    kind: Literal["list", "plan"] = "list"
    list_id: Name
    price: Price
    min_quantity: Annotated[int, Field(strict=True, ge=1, le=MAX_PER_LINE)] = 1
    groups: Annotated[list[Group], Field(max_length=10)] = []
    countries: Annotated[list[Place], Field(max_length=60)] = []
    starts_at: Moment | None = None
    ends_at: Moment | None = None
    remove: StrictBool = False

    @model_validator(mode="after")
    def _makes_sense(self) -> "EntryBody":
        times = [clock.iso(moment) for moment in (self.starts_at, self.ends_at) if moment]
        if times != sorted(set(times)):
            raise ValueError("endsAt must be after startsAt")
        if self.kind == "plan" and (self.groups or self.countries or self.min_quantity > 1):
            raise ValueError("a plan is for everybody, everywhere, and any quantity")
        return self

    def wish(self) -> Wish:
        price = self.price.money()
        entry = Entry(
            list_id=self.list_id,
            price=price,
            min_quantity=self.min_quantity,
            groups=frozenset(self.groups),
            countries=frozenset(self.countries),
            starts_at=clock.iso(self.starts_at) if self.starts_at else "",
            ends_at=clock.iso(self.ends_at) if self.ends_at else "",
        )
        return Wish(self.sku, entry, is_plan=self.kind == "plan", gone=self.remove)


class AcceptedBody(Body):
    """A rule's suggestion that is to become the base price."""

    sku: Sku
    decision_id: Annotated[str, Field(pattern=r"^dec_[0-9a-f]{26}$", description="Of the suggestion.")]


class ReportBody(Body):
    """What a competitor asks for a SKU. seenAt: when somebody looked; left out, now."""

    sku: Sku
    competitor: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,39}$", examples=["other-shop.example"])]
    price: Price
    seen_at: Moment | None = None

    def report(self, at: str) -> Report:
        """at: the present; nothing is seen later."""
        seen = min(clock.iso(self.seen_at), at) if self.seen_at else at
        return Report(self.sku, Signal(self.competitor, self.price.money(), seen))


class EntriesBody(Body):
    """List prices and plans, suggestions of rules that are accepted, and what competitors ask, for rules to look at."""

    entries: Annotated[list[EntryBody], Field(max_length=MOST_WISHES)] = []
    accepted: Annotated[list[AcceptedBody], Field(max_length=MOST_WISHES)] = []
    competitors: Annotated[list[ReportBody], Field(max_length=MOST_REPORTS)] = []

    @model_validator(mode="after")
    def _something(self) -> "EntriesBody":
        if not self.entries and not self.accepted and not self.competitors:
            raise ValueError("send entries, suggestions that are accepted, or what competitors ask")
        return self


class StockTrigger(Body):
    """Fewer than `units` are available."""

    kind: Literal["stock"]
    units: Whole

    def trigger(self) -> Trigger:
        return Trigger("stock", units=self.units)


class DemandTrigger(Body):
    """At least `units` were sold within `hours`."""

    kind: Literal["demand"]
    units: Whole
    hours: Annotated[int, Field(strict=True, ge=1, le=MAX_HOURS)]

    def trigger(self) -> Trigger:
        return Trigger("demand", units=self.units, hours=self.hours)


class HoursTrigger(Body):
    """On these weekdays (Monday is 0) from `opens` until `closes`, UTC."""

    kind: Literal["hours"]
    days: Annotated[list[Annotated[int, Field(strict=True, ge=0, le=6)]], Field(min_length=1, max_length=7)]
    opens: Time
    closes: Time

    @model_validator(mode="after")
    def _in_order(self) -> "HoursTrigger":
        if self.opens >= self.closes:
            raise ValueError("closes must be after opens")
        return self

    def trigger(self) -> Trigger:
        opens, closes = (int(time[:2]) * 60 + int(time[3:]) for time in (self.opens, self.closes))
        return Trigger("hours", days=frozenset(self.days), opens=opens, closes=closes)


class CompetitorTrigger(Body):
    """Somebody else was seen asking a price within the last `hours`."""

    kind: Literal["competitor"]
    hours: Annotated[int, Field(strict=True, ge=1, le=MAX_HOURS)] = 24

    def trigger(self) -> Trigger:
        return Trigger("competitor", hours=self.hours)


class RuleBody(Body):
    """changeBasisPoints: 1000 is a tenth more, -1000 a tenth less, than without rules, within floor and ceiling; of a
    rule on competitors, than the lowest price that one of them asks, 0 to match it.

    maxStepBasisPoints: the most that one decision moves the price. mode `suggest` only says what it would do. Rules by
    the hour name their SKUs.
    """

    id: Name
    trigger: Annotated[StockTrigger | DemandTrigger | HoursTrigger | CompetitorTrigger, Field(discriminator="kind")]
    change_basis_points: Annotated[int, Field(strict=True, ge=-9_000, le=20_000)]
    floor: Price
    ceiling: Price
    cooldown_minutes: Annotated[int, Field(strict=True, ge=5, le=10_080)] = 60
    max_step_basis_points: Annotated[int, Field(strict=True, ge=10, le=10_000)] = 1_000
    mode: Literal["apply", "suggest"] = "suggest"
    active: StrictBool = True
    skus: Annotated[list[Sku], Field(max_length=100)] = []
    category: Category = ""

    @model_validator(mode="after")
    def _makes_sense(self) -> "RuleBody":
        if self.floor.currency != self.ceiling.currency or self.floor.amount > self.ceiling.amount:
            raise ValueError("floor and ceiling are in one currency, and the floor is not above the ceiling")
        if not self.skus and not self.category:
            raise ValueError("say for which skus or which category")
        if self.trigger.kind == "hours" and not self.skus:
            raise ValueError("a rule by the hour names its skus")
        if not self.change_basis_points and self.trigger.kind != "competitor":
            raise ValueError("changeBasisPoints must not be 0")
        return self

    def rule(self) -> Rule:
        return Rule(
            id=self.id,
            trigger=self.trigger.trigger(),
            change=self.change_basis_points,
            floor=self.floor.money(),
            ceiling=self.ceiling.money(),
            cooldown_minutes=self.cooldown_minutes,
            step=self.max_step_basis_points,
            mode=self.mode,
            active=self.active,
            skus=frozenset(self.skus),
            category=self.category,
        )


class RulesBody(Body):
    """All rules, in the order in which they are asked: the first that applies decides."""

    rules: Annotated[list[RuleBody], Field(max_length=MOST_RULES)]

    @model_validator(mode="after")
    def _told_apart(self) -> "RulesBody":
        if len({rule.id for rule in self.rules}) < len(self.rules):
            raise ValueError("every rule has an id of its own")
        if sum(len(rule.skus) for rule in self.rules) > MOST_SKUS:
            raise ValueError(f"all rules together name at most {MOST_SKUS} skus")
        return self


class GroupsBody(Body):
    """Names of groups without a vendor's id before them; it is added where a vendor assigns them."""

    groups: Annotated[list[Name], Field(max_length=20)]


class RoundingBody(Body):
    """Converted prices end in `ending` plus a multiple of `step`, in minor units: 5 and 0 for francs in 0.05."""

    step: Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
    ending: Annotated[int, Field(strict=True, ge=0, le=999_999)] = 0

    @model_validator(mode="after")
    def _within(self) -> "RoundingBody":
        if self.ending >= self.step:
            raise ValueError("ending must be below step")
        return self


class RatesBody(Body):
    """What is sent is changed. rates: units of a currency for one euro, by hand; they stay until they are in `unpin`.

    accept: currencies whose published rate was held back. feeBasisPoints: on top of each conversion. roundings: by
    currency, in place of all that were set. refuseAfterDays: older rates are not used.
    """

    rates: Annotated[dict[Currency, RateText], Field(max_length=200)] = {}
    unpin: Annotated[list[Currency], Field(max_length=200)] = []
    accept: Annotated[list[Currency], Field(max_length=200)] = []
    fee_basis_points: Annotated[int, Field(strict=True, ge=0, le=1_000)] | None = None
    roundings: Annotated[dict[Currency, RoundingBody], Field(max_length=200)] | None = None
    refuse_after_days: Annotated[int, Field(strict=True, ge=2, le=60)] | None = None

    def rules_of_rounding(self) -> dict[str, Rounding] | None:
        if self.roundings is None:
            return None
        return {currency: Rounding(rule.step, rule.ending) for currency, rule in self.roundings.items()}
