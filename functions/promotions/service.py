"""Promotions as their owners make them: drafted, launched, changed within limits, paused, ended."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeVar

from market import clock, ids, log
from market.errors import Conflict, PreconditionFailed
from market.events import Event
from promotions import store
from promotions.events import Goods, PromotionChanged, PromotionEnded, PromotionLaunched
from promotions.model import (
    DRAFT,
    ENDED,
    PAUSED,
    PLATFORM,
    RUNNING,
    SCHEDULED,
    NoSuchPromotion,
    Promotion,
    Selector,
)
from promotions.rules import LAUNCHED, badge_of, changed, require_sound

MAX_PARTICIPANTS = 200
_TRIES = 5
Made = TypeVar("Made")


class NoCampaign(NoSuchPromotion):
    """It is no promotion of the platform that vendors can join."""

    code, title = "no_such_campaign", "No such campaign"


class CampaignRuns(Conflict):
    """Nobody leaves a campaign while it runs."""

    code, title = "campaign_runs", "The campaign is running"


def create(wished: Promotion, *, scope: str) -> Promotion:
    """A new draft. Raises Unprocessable or VendorNotActive."""
    draft = replace(wished, id=ids.new("prm"), version=1, scope=scope, status=DRAFT, participants={})
    require_sound(draft)
    store.create(draft)
    return draft


def change(present: Promotion, wished: Promotion) -> Promotion:
    """The promotion as wished, as the next version of `present`. What it is launched for the first time, is counted.

    Raises Unprocessable, NotPossible, ChangeHurts, TooManyPromotions, VendorNotActive or PreconditionFailed.
    """
    after = changed(present, wished, at=clock.timestamp())
    _again(lambda: store.save(present, after, *_news(present, after)), store.BookChanged)
    return after


def join(vendor_id: str, promotion_id: str, products: Iterable[str]) -> Promotion:
    """Let a vendor's goods take part in a campaign of the platform: these products, or all where none is named.

    Raises NoCampaign, or Conflict where too many have joined.
    """

    def joined(campaign: Promotion) -> Promotion:
        if vendor_id not in campaign.participants and len(campaign.participants) >= MAX_PARTICIPANTS:
            raise Conflict("So many vendors have joined that there is no room left.")
        return replace(campaign, participants={**campaign.participants, vendor_id: frozenset(products)})

    return _participate(promotion_id, joined)


def leave(vendor_id: str, promotion_id: str) -> Promotion:
    """Take a vendor's goods out of a campaign before it runs. Raises NoCampaign or CampaignRuns."""

    def left(campaign: Promotion) -> Promotion:
        if campaign.status == RUNNING and vendor_id in campaign.participants:
            raise CampaignRuns("The campaign is running: it can be left when it is over.")
        return replace(campaign, participants={v: p for v, p in campaign.participants.items() if v != vendor_id})

    return _participate(promotion_id, left)


def campaigns() -> list[Promotion]:
    """Campaigns of the platform that vendors can join, the newest first, at most a page of them."""
    found, _ = store.of_scope(PLATFORM, limit=100, cursor=None)
    return [one for one in found if is_campaign(one)]


def is_campaign(promotion: Promotion) -> bool:
    return promotion.joined and promotion.status in (SCHEDULED, RUNNING, PAUSED)


def move_on(promotion_id: str) -> None:
    """Let a promotion begin or end whose time has come, and look at what is left of it. Repeated, nothing changes."""
    promotion, now = store.get(promotion_id), clock.timestamp()
    conditions, status = promotion.conditions, promotion.status
    if status != ENDED and conditions.ends_at and conditions.ends_at <= now:
        status = ENDED
    elif status == SCHEDULED and conditions.starts_at <= now:
        status = RUNNING
    if status != promotion.status:
        after = replace(promotion, status=status, version=promotion.version + 1)
        _again(lambda: store.save(promotion, after, *_news(promotion, after)), store.BookChanged)
        log.info("promotion moved on", promotion_id=promotion_id, status=status)
    elif (promotion.uses_left, promotion.budget_left) != (None, None):
        store.refresh(promotion, store.shards(promotion), asked=False)


def exhausted(promotion_id: str) -> None:
    """An order wanted more than was left: tell others how much there is. Raises PreconditionFailed to come again."""
    promotion = store.get(promotion_id)
    if promotion.status in LAUNCHED and promotion.limits.counted:
        _again(lambda: store.refresh(promotion, store.shards(promotion), asked=True), store.BookChanged)


def _participate(promotion_id: str, changing: Callable[[Promotion], Promotion]) -> Promotion:
    def once() -> Promotion:
        campaign = store.get(promotion_id)
        if not is_campaign(campaign):
            raise NoCampaign("There is no such campaign.")
        after = replace(changing(campaign), version=campaign.version + 1)
        store.save(campaign, after, *_news(campaign, after))
        return after

    return _again(once, store.BookChanged, PreconditionFailed)


def _again(attempt: Callable[[], Made], *meanwhile: type[Exception]) -> Made:
    """Do it again if others changed what it depends on."""
    for _ in range(_TRIES - 1):
        try:
            return attempt()
        except meanwhile:
            continue
    return attempt()


def _news(before: Promotion, after: Promotion) -> list[Event]:
    """What others are told of the change. A scheduled promotion is news when it begins."""
    was, runs = before.status == RUNNING, after.status == RUNNING
    if runs:
        return [_told(PromotionChanged if was else PromotionLaunched, after)]
    return [_told(PromotionEnded, after)] if was else []


def _told(kind: type[PromotionLaunched] | type[PromotionChanged] | type[PromotionEnded], promotion: Promotion) -> Event:
    return kind(
        promotion_id=promotion.id,
        revision=promotion.version,
        scope=promotion.scope,
        status=promotion.status,
        kind=promotion.benefit.kind,
        badge=badge_of(promotion),
        needs_code=promotion.needs_code,
        starts_at=promotion.conditions.starts_at,
        ends_at=promotion.conditions.ends_at,
        include=_named(promotion.include),
        exclude=_named(promotion.exclude),
    )


def _named(selector: Selector) -> Goods:
    return Goods(
        products=sorted(selector.products),
        skus=sorted(selector.skus),
        categories=sorted(selector.categories),
        brands=sorted(selector.brands),
        vendors=sorted(selector.vendors),
    )
