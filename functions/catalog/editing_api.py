"""Routes of drafts, versions and review, and of what staff keep beside the categories: rules and brands."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from catalog import branches, branding, lifecycle, previews, store, views
from catalog.api_problems import PUBLICATION
from catalog.brands import BrandExists
from catalog.categories import TreeChanged
from catalog.desk_forms import Approval, BrandForm, DraftForm, Rejection, RulesForm, Submission
from catalog.lifecycle import Draft, NothingToSubmit
from catalog.manifest import MANIFEST
from catalog.model import NotInReview, NotLive, Product, read_product
from catalog.rules import Rule
from catalog.tree import UnknownCategory
from catalog.views import (
    BrandView,
    CardList,
    Decided,
    DraftView,
    OwnProduct,
    Preview,
    RuleList,
    RuleView,
    VersionEntry,
    VersionList,
)
from market.errors import PreconditionFailed
from market.http import STAFF, VENDOR, Cursor, Limit, Response, ServiceApi, reply, reply_json
from media.contract import MediaNotReady

api = ServiceApi(MANIFEST)
handler = api.handler

Number = Annotated[int | None, Query(ge=1, le=10**9)]


@api.get("/v1/vendors/<vendor_id>/products/<product_id>/draft", callers=[VENDOR, STAFF], needs="products.read")
def show_draft(vendor_id: str, product_id: str) -> Response[DraftView]:
    """What the product is to become: its working copy, or the product itself while it is not on sale."""
    return _draft(lifecycle.draft(vendor_id, product_id))


@api.put(
    "/v1/vendors/<vendor_id>/products/<product_id>/draft",
    callers=[VENDOR, STAFF],
    needs="products.write",
    problems=[*PUBLICATION, NotLive, NothingToSubmit],
)
def edit_draft(vendor_id: str, product_id: str, form: DraftForm) -> Response[DraftView]:
    """Change the working copy of what is on sale, if it is the version in If-Match; the first change makes it."""
    return _draft(lifecycle.edit(vendor_id, product_id, form, check=api.require_match))


@api.post(
    "/v1/vendors/<vendor_id>/products/<product_id>/submission",
    callers=[VENDOR, STAFF],
    needs="products.write",
    problems=[*PUBLICATION, NothingToSubmit, NotInReview],
)
def submit_product(vendor_id: str, product_id: str, form: Submission) -> Response[DraftView]:
    """Put a draft or the working copy forward: to the reviewers, or on sale at once where no rule keeps it. Or take
    it back, or drop the working copy.
    """
    return _draft(lifecycle.act(vendor_id, product_id, form, check=api.require_match))


@api.get("/v1/vendors/<vendor_id>/products/<product_id>/versions", callers=[VENDOR, STAFF], needs="products.read")
def list_versions(
    vendor_id: str, product_id: str, version: Number = None, limit: Limit = 20, cursor: Cursor = None
) -> Response[VersionList]:
    """What the product was like while on sale, newest first; with `version` that one, whole."""
    store.get(vendor_id, product_id)
    if version is not None:
        return reply(VersionList(items=[_version(store.version(product_id, version), whole=True)]))
    page = store.versions(product_id, limit=limit, cursor=cursor)
    entries = [_version(read_product(item), whole=False) for item in page.items]
    return reply(VersionList(items=entries, next_cursor=page.next))


@api.get("/v1/admin/products/reviews", callers=[STAFF], needs="products.review")
def list_reviews(limit: Limit = 20, cursor: Cursor = None) -> Response[CardList]:
    """What waits for review, the oldest first; `review` says which version of what."""
    page = store.in_review(limit=limit, cursor=cursor)
    return reply_json(views.card_list((item["card"] for item in page.items), page.next))


@api.patch(
    "/v1/admin/products/<product_id>/approve",
    callers=[STAFF],
    needs="products.review",
    problems=[*PUBLICATION, NotInReview],
)
def approve_product(product_id: str, form: Approval) -> Response[Decided]:
    """Let what waits go on sale, if it still is the version that the reviewer saw."""
    return _decided(lifecycle.approve(product_id, form))


@api.patch(
    "/v1/admin/products/<product_id>/reject",
    callers=[STAFF],
    needs="products.review",
    problems=[NotInReview, PreconditionFailed],
)
def reject_product(product_id: str, form: Rejection) -> Response[Decided]:
    """Send what waits back to its vendor, with reasons."""
    return _decided(lifecycle.reject(product_id, form))


@api.get("/v1/admin/products/review-rules", callers=[STAFF], needs="products.review")
def show_review_rules() -> Response[RuleList]:
    """Which changes wait for a person; of the rules that fit a product the first counts."""
    rules, version = branches.review_rules()
    return reply(_rules(rules), version=version)


@api.put(
    "/v1/admin/products/review-rules",
    callers=[STAFF],
    needs="products.rules",
    problems=[UnknownCategory, TreeChanged],
)
def set_review_rules(form: RulesForm) -> Response[RuleList]:
    """Set all rules anew. What waits already goes on waiting."""
    return reply(_rules(branches.set_review_rules(form)))


@api.put(
    "/v1/admin/brands/<slug>",
    callers=[STAFF],
    needs="brands.manage",
    problems=[BrandExists, MediaNotReady, PreconditionFailed],
)
def set_brand(slug: str, form: BrandForm) -> Response[BrandView]:
    """Make a brand, or change one if it is still the version in If-Match. Products name it by its name."""
    brand = branding.put(slug, form, check=api.require_match)
    view = BrandView(slug=brand.slug, name=brand.name, logo=brand.logo, is_active=brand.active)
    return reply(view, version=brand.version)


def _draft(draft: Draft) -> Response[DraftView]:
    token, until = previews.token(draft.live.id)
    view = DraftView(
        state=draft.state,
        version=draft.version,
        changed=draft.copy.changed if draft.copy else [],
        product=OwnProduct.model_validate(draft.product.model_dump()),
        review=draft.review,
        preview=Preview(path=f"/v1/previews/{token}", until=until),
    )
    return reply(view, version=draft.version)


def _version(product: Product, *, whole: bool) -> VersionEntry:
    own = OwnProduct.model_validate(product.model_dump()) if whole else None
    return VersionEntry(version=product.version, since=product.updated_at, title=product.title, product=own)


def _decided(product: Product) -> Response[Decided]:
    return reply(Decided(product_id=product.id, status=product.status, version=product.version))


def _rules(rules: tuple[Rule, ...]) -> RuleList:
    told = [RuleView(vendor_id=rule.vendor_id, category=rule.category, needs=sorted(rule.needs)) for rule in rules]
    return RuleList(rules=told)
