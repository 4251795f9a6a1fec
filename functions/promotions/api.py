"""Routes of promotions: a vendor's own (of `platform`, the platform's), what everybody sees, and customers' coupons."""

import csv
import io
from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import Field, StringConstraints, model_validator

from inventory.contract import Sku
from market.errors import PreconditionFailed
from market.http import (
    ANYONE,
    CUSTOMER,
    STAFF,
    VENDOR,
    Body,
    Cursor,
    Limit,
    Response,
    ServiceApi,
    reply,
)
from promotions import analytics, batches, coupons, service, store
from promotions.batches import MAX_BATCH, MAX_USES, CodeTaken, NoSuchBatch
from promotions.counters import sums
from promotions.coupons import NoSuchCoupon, TooManyCoupons
from promotions.forms import ChangeForm, Id, Moment, PromotionForm
from promotions.manifest import MANIFEST
from promotions.model import DRAFT, PLATFORM, RUNNING, NoSuchPromotion, PromotionOver
from promotions.rules import ChangeHurts, NotPossible, TooManyPromotions
from promotions.service import CampaignRuns, NoCampaign
from promotions.store import BookChanged
from promotions.views import (
    Analytics,
    Badges,
    BatchView,
    CodeList,
    CodeView,
    CouponList,
    CouponView,
    NewCodes,
    PromotionList,
    PromotionView,
    PublicList,
    PublicPromotion,
    SuggestionList,
    SuggestionView,
)
from vendors.contract import VendorNotActive

api = ServiceApi(MANIFEST)
handler = api.handler

OWNERS = [VENDOR, STAFF]
CACHED = 60
Month = Annotated[str | None, Query(pattern=r"^20\d\d-(0[1-9]|1[0-2])$", description="Of the analytics.")]
BatchId = Annotated[str | None, Query(pattern=r"^cpb_[0-9a-z]{26}$", description="Only the codes of this batch.")]
InCountry = Annotated[str | None, Query(pattern=r"^[A-Z]{2}$", description="Where the goods would go.")]


class CodesBody(Body):
    """Either a `code` by name, or a `count` of codes after a `pattern`. limit: uses of each code, 0 without limit."""

    code: Annotated[str, StringConstraints(min_length=1, max_length=60)] | None = None
    customer_id: Id | None = None
    count: Annotated[int, Field(strict=True, ge=1, le=MAX_BATCH)] | None = None
    pattern: Annotated[str, StringConstraints(min_length=8, max_length=40)] = "########-####"
    limit: Annotated[int, Field(strict=True, ge=0, le=MAX_USES)] = 1
    until: Moment = ""

    @model_validator(mode="after")
    def _one_of_two(self) -> "CodesBody":
        if (self.code is None) == (self.count is None) or (self.count and self.customer_id):
            raise ValueError("name a code, or say how many are to be made")
        return self


class Participation(Body):
    """products: those that take part; none named means all. joined: false to leave."""

    joined: bool = True
    products: Annotated[list[Id], Field(max_length=20)] = []


class CouponBody(Body):
    """Either a code to keep, or the promotion that a coupon is taken of."""

    code: Annotated[str, StringConstraints(min_length=1, max_length=80)] | None = None
    promotion_id: Id | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> "CouponBody":
        if (self.code is None) == (self.promotion_id is None):
            raise ValueError("name a code or a promotion")
        return self


@api.get("/v1/vendors/<vendor_id>/promotions", callers=OWNERS, needs="promotions.read")
def of_vendor(vendor_id: str, campaigns: bool = False, limit: Limit = 20, cursor: Cursor = None) -> PromotionList:
    """A vendor's promotions, or, for `platform`, the platform's, the newest first.

    campaigns: instead, those of the platform that vendors can join.
    """
    if campaigns:
        return PromotionList(items=[PromotionView.of(one, seen_by=vendor_id) for one in service.campaigns()])
    found, following = store.of_scope(vendor_id, limit=limit, cursor=cursor)
    return PromotionList(items=[PromotionView.of(one) for one in found], next_cursor=following)


@api.post(
    "/v1/vendors/<vendor_id>/promotions",
    callers=OWNERS,
    needs="promotions.manage",
    status=201,
    problems=[VendorNotActive],
)
def create(vendor_id: str, body: PromotionForm) -> Response[PromotionView]:
    """A new promotion, as a draft that counts for nobody yet."""
    made = service.create(body.promotion(scope=vendor_id, status=DRAFT), scope=vendor_id)
    return reply(PromotionView.of(made), status=201, version=made.version)


@api.get(
    "/v1/vendors/<vendor_id>/promotions/<promotion_id>",
    callers=OWNERS,
    needs="promotions.read",
    problems=[NoSuchPromotion],
)
def show(vendor_id: str, promotion_id: str, month: Month = None) -> Response[PromotionView]:
    """One promotion with what is left of its limits; with a month such as `2026-11`, its days. Send its `ETag` back."""
    promotion = store.get(promotion_id, vendor_id)
    days = analytics.days(promotion_id, month) if month else []
    found = Analytics.of(promotion, sums(store.shards(promotion)), store.claimed(promotion), days)
    return reply(PromotionView.of(promotion, found), version=promotion.version)


@api.put(
    "/v1/vendors/<vendor_id>/promotions/<promotion_id>",
    callers=OWNERS,
    needs="promotions.manage",
    problems=[
        NoSuchPromotion,
        NotPossible,
        ChangeHurts,
        TooManyPromotions,
        BookChanged,
        VendorNotActive,
        PreconditionFailed,
    ],
)
def change(vendor_id: str, promotion_id: str, body: ChangeForm) -> Response[PromotionView]:
    """Change a promotion, launch it (`running`), pause it or end it; with `If-Match`, only as it was read.

    Of a launched one words may change, its end may be later, its limits higher; the rest was promised to customers.
    """
    present = store.get(promotion_id, vendor_id)
    api.require_match(present.version)
    after = service.change(present, body.promotion(scope=vendor_id, status=body.status))
    return reply(PromotionView.of(after), version=after.version)


@api.put(
    "/v1/vendors/<vendor_id>/promotions/<promotion_id>/participation",
    callers=OWNERS,
    needs="promotions.manage",
    problems=[NoSuchPromotion, CampaignRuns, BookChanged, PreconditionFailed],
)
def participate(vendor_id: str, promotion_id: str, body: Participation) -> PromotionView:
    """Let the vendor's goods take part in a campaign of the platform, which shares the discount, or leave it."""
    if vendor_id == PLATFORM:
        raise NoCampaign("There is no such campaign.")
    if body.joined:
        return PromotionView.of(service.join(vendor_id, promotion_id, body.products), seen_by=vendor_id)
    return PromotionView.of(service.leave(vendor_id, promotion_id), seen_by=vendor_id)


@api.get(
    "/v1/vendors/<vendor_id>/promotions/<promotion_id>/codes",
    callers=OWNERS,
    needs="promotions.manage",
    problems=[NoSuchPromotion, NoSuchBatch],
)
def codes(
    vendor_id: str,
    promotion_id: str,
    batchId: BatchId = None,
    format: Annotated[str, Query(pattern="^(json|csv)$", description="`csv`: the next cursor is a header.")] = "json",
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response[CodeList]:
    """Codes with their uses, page by page; those that customers took as coupons are not among them."""
    promotion = store.get(promotion_id, vendor_id)
    batch = batches.get(promotion.id, batchId) if batchId else None
    found, following = batches.codes_of(promotion.id, batch_id=batchId, limit=limit, cursor=cursor)
    views = [CodeView.of(code) for code in found]
    if format == "csv":
        return _csv(views, following, headed=cursor is None)
    return reply(CodeList(items=views, batch=BatchView.of(batch) if batch else None, next_cursor=following))


@api.post(
    "/v1/vendors/<vendor_id>/promotions/<promotion_id>/codes",
    callers=OWNERS,
    needs="promotions.manage",
    status=201,
    problems=[NoSuchPromotion, NotPossible, CodeTaken],
)
def make_codes(vendor_id: str, promotion_id: str, body: CodesBody) -> NewCodes:
    """Make one code by its name, or begin to make up to 10,000 that nobody can guess."""
    promotion = store.get(promotion_id, vendor_id)
    if body.code is not None:
        code = batches.add(promotion, body.code, limit=body.limit, until=body.until, customer_id=body.customer_id or "")
        return NewCodes(code=CodeView.of(code))
    batch = batches.request(promotion, count=body.count or 1, pattern=body.pattern, limit=body.limit, until=body.until)
    return NewCodes(batch=BatchView.of(batch))


@api.get("/v1/promotions", callers=[ANYONE])
def public(claimable: bool = False, limit: Limit = 20, cursor: Cursor = None) -> Response[PublicList]:
    """Running promotions that need no code, the newest first; with `claimable`, those that one can take a coupon of.

    A page may have fewer entries than asked for, and still one that follows.
    """
    found, following = store.public(limit=limit, cursor=cursor)
    wanted = [one for one in found if (one.claimable if claimable else not one.needs_code)]
    page = PublicList(items=[PublicPromotion.of(one) for one in wanted], next_cursor=following)
    return reply(page, cache_seconds=CACHED)


@api.get("/v1/promotions/badges", callers=[ANYONE])
def badges(
    skus: Annotated[list[Sku], Query(min_length=1, max_length=50, description="Of a page of product cards.")],
    country: InCountry = None,
) -> Response[Badges]:
    """Badges such as `20% off` for a page of product cards, by SKU."""
    return reply(Badges.of(coupons.badges(skus, country or "")), cache_seconds=CACHED)


@api.get("/v1/promotions/<promotion_id>", callers=[ANYONE], problems=[NoSuchPromotion])
def details(promotion_id: str) -> Response[PublicPromotion]:
    """One promotion with its terms."""
    promotion = store.get(promotion_id)
    if promotion.status != RUNNING or promotion.hidden or promotion.conditions.customers:
        raise NoSuchPromotion("There is no such promotion.")
    return reply(PublicPromotion.of(promotion), cache_seconds=CACHED)


@api.post(
    "/v1/me/coupons",
    callers=[CUSTOMER],
    status=201,
    limit="coupon",
    problems=[NoSuchCoupon, NoSuchPromotion, PromotionOver, TooManyCoupons],
)
def take_coupon(body: CouponBody) -> CouponView:
    """Keep a code, or take a coupon of a promotion. Repeated, it is the same coupon."""
    if body.promotion_id is not None:
        return CouponView.of(coupons.claim(api.caller.id, body.promotion_id))
    return CouponView.of(coupons.keep(api.caller.id, body.code or ""))


@api.get("/v1/me/coupons", callers=[CUSTOMER])
def my_coupons() -> CouponList:
    """All coupons that the customer keeps, those that can be used first."""
    return CouponList(items=[CouponView.of(coupon) for coupon in coupons.coupons_of(api.caller.id)])


@api.get("/v1/me/promotions", callers=[CUSTOMER])
def for_me(country: InCountry = None) -> SuggestionList:
    """What would do something for the customer's cart: promotions without a code, and coupons that are kept.

    Each is worked out by itself; what they give together is said when the order is summed up.
    """
    found = coupons.suggestions(api.caller.id, country or "")
    return SuggestionList(items=[SuggestionView.of(one) for one in found])


def _csv(views: list[CodeView], following: str | None, *, headed: bool) -> Response[Any]:
    text = io.StringIO()
    lines = csv.writer(text)
    if headed:
        lines.writerow(["code", "limit", "used", "until", "batch"])
    lines.writerows([view.code, view.limit, view.used, view.until or "", view.batch_id or ""] for view in views)
    headers: dict[str, str | list[str]] = {"next-cursor": following} if following else {}
    return Response(status_code=200, content_type="text/csv; charset=utf-8", body=text.getvalue(), headers=headers)
