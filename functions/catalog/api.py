"""Routes of the catalog: what everybody may see, what vendors may do to their own products, staff to categories."""

from collections.abc import Collection
from typing import Annotated, Any, Literal, cast

from aws_lambda_powertools.event_handler.openapi.params import Query

from catalog import (
    branches,
    cards,
    categories,
    languages,
    lists,
    pages,
    previews,
    service,
    sitemap,
    store,
    suggestions,
    views,
)
from catalog.api_problems import PUBLICATION, UNSOUND
from catalog.categories import TreeChanged
from catalog.desk_forms import CategoryChange, CategoryForm
from catalog.forms import Path, ProductChange, ProductForm
from catalog.manifest import MANIFEST
from catalog.model import Product, Status
from catalog.store import Moved, Shown
from catalog.tree import Category, CategoryExists, TreeFull, UnknownCategory
from catalog.views import CardList, CategoryTree, CategoryView, OwnProduct, ProductPage, SuggestionList, SuggestionView
from market import config
from market.errors import NotFound, PreconditionFailed
from market.http import ANYONE, KEY, STAFF, VENDOR, Response, ServiceApi, reply, reply_json

api = ServiceApi(MANIFEST)
handler = api.handler

LIST_SECONDS, PAGE_SECONDS, TREE_SECONDS, SITEMAP_SECONDS = 10, 5, 30, 3600
Limit = Annotated[int, Query(ge=1, le=100)]
Cursor = Annotated[str | None, Query(max_length=2000)]
Wanted = Annotated[Path | None, Query(description="A path such as `electronics>phones`; all below it are included.")]
VendorId = Annotated[str | None, Query(min_length=1, max_length=64)]
WantedStatus = Annotated[Status | None, Query()]
Language = Annotated[
    str | None,
    Query(pattern=languages.PATTERN, description="Such as `de` or `pt-BR`; counts before the Accept-Language header."),
]
Kind = Annotated[Literal["categories", "tags", "brands"], Query()]
Prefix = Annotated[str, Query(min_length=1, max_length=60)]
Page = Annotated[str | None, Query(pattern=r"^[a-z]{1,20}(-[0-9]{1,6})?$")]
OneCategory = Annotated[Path | None, Query(description="One category by its path, with its attributes.")]


@api.get("/v1/categories", callers=[ANYONE], problems=[UnknownCategory])
def show_categories(category: OneCategory = None, lang: Language = None) -> Response[CategoryTree]:
    """The whole tree of categories in use; or one category, with the attributes that its products are to have."""
    if category:
        categories.require(category)
        found, wanted = categories.tree().by_path[category], categories.attributes(category)
        return reply_json(views.one_category(found, wanted), cache_seconds=TREE_SECONDS)
    told = categories.tree().languages
    language = languages.chosen(lang, api.header("accept-language"), told)
    text = categories.public_json(language)
    return _told_in(language, told, reply_json(text, cache_seconds=_shared(TREE_SECONDS, lang, told)))


@api.get("/v1/admin/categories", callers=[STAFF], needs="categories.manage")
def show_all_categories() -> Response[CategoryTree]:
    """The whole tree, hidden categories included."""
    return reply_json(categories.present().full_json)


@api.post(
    "/v1/admin/categories",
    callers=[STAFF],
    needs="categories.manage",
    status=201,
    problems=[CategoryExists, TreeFull, UnknownCategory],
)
def add_category(form: CategoryForm) -> Response[CategoryView]:
    """Add a category at the top or below another."""
    return reply(_category(branches.add(form)), status=201)


@api.patch("/v1/admin/categories/<category_id>", callers=[STAFF], needs="categories.manage", problems=[TreeChanged])
def change_category(category_id: str, form: CategoryChange) -> Response[CategoryView]:
    """Rename, translate, reorder, hide or show a category, or say what its products are to tell of themselves.

    One that is hidden hides all below it.
    """
    return reply(_category(branches.change(category_id, form)))


@api.get("/v1/products", callers=[ANYONE], problems=[UnknownCategory])
def list_products(
    category: Wanted = None,
    vendor: VendorId = None,
    lang: Language = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response[CardList]:
    """Products on sale, newest first: all, those of a category, or those of a vendor, with stock and promotions.

    A list ends where there is no `nextCursor`; a page before it may be short.
    """
    found, further = lists.on_sale(category, vendor, limit=limit, cursor=cursor)
    return reply_json(views.card_list(cards.shown(found, lang or ""), further), cache_seconds=LIST_SECONDS)


@api.get("/v1/products/<slug>", callers=[ANYONE])
def show_product(slug: str, lang: Language = None) -> Response[ProductPage]:
    """A product on sale, with the present price and availability of each variant.

    A former slug answers 301, with the present page in `Location`.
    """
    found = store.page(slug)
    if isinstance(found, Moved):
        answer = reply_json(f'{{"slug":"{found.slug}"}}', status=301, cache_seconds=PAGE_SECONDS)
        answer.headers["location"] = f"/v1/products/{found.slug}"
        return answer
    if found is None or not pages.is_public(found):
        raise NotFound("There is no such product on sale.")
    text, language, told = _page(found, lang)
    return _told_in(language, told, reply_json(text, cache_seconds=_shared(PAGE_SECONDS, lang, told)))


@api.get("/v1/previews/<token>", callers=[ANYONE])
def show_preview(token: str, lang: Language = None) -> Response[ProductPage]:
    """What a product is to become, for whoever has the link from its draft."""
    text, language, told = _page(previews.page(token), lang)
    return _told_in(language, told, reply_json(text))


@api.get("/v1/suggestions", callers=[ANYONE])
def suggest(kind: Kind, prefix: Prefix) -> Response[SuggestionList]:
    """Categories, tags or brands that begin with what somebody types."""
    items = [
        SuggestionView(value=found.value, label=found.label, slug=found.slug or None, logo=found.logo or None)
        for found in suggestions.beginning(kind, prefix)
    ]
    return reply(SuggestionList(items=items), cache_seconds=TREE_SECONDS)


@api.get("/sitemap.xml", callers=[ANYONE])
def show_sitemap(page: Page = None) -> Response[Any]:
    """The sitemap: its index, or one of the pages that the index names."""
    text = sitemap.page(page) if page else sitemap.index(f"{config.setting('STORE_URL').rstrip('/')}/sitemap.xml")
    if text is None:
        raise NotFound("There is no such page of the sitemap.")
    headers: dict[str, str | list[str]] = {"cache-control": f"public, max-age={SITEMAP_SECONDS}"}
    return Response(status_code=200, content_type="application/xml; charset=utf-8", body=text, headers=headers)


@api.get("/v1/vendors/<vendor_id>/products", callers=[VENDOR, STAFF, KEY], needs="products.read")
def list_own_products(
    vendor_id: str, status: WantedStatus = None, limit: Limit = 20, cursor: Cursor = None
) -> Response[CardList]:
    """The vendor's products: of one status newest first; or those in review, drafts, those on sale, the archived."""
    page = store.of_vendor(vendor_id, status=status, limit=limit, cursor=cursor)
    return reply_json(views.card_list((item["card"] for item in page.items), page.next))


@api.post(
    "/v1/vendors/<vendor_id>/products",
    callers=[VENDOR, STAFF, KEY],
    needs="products.write",
    status=201,
    problems=UNSOUND,
)
def create_product(vendor_id: str, form: ProductForm) -> Response[OwnProduct]:
    """Put a product into the catalog, as a draft unless said otherwise; by rule it waits for review first."""
    return _product(service.create(vendor_id, form), status=201)


@api.get("/v1/vendors/<vendor_id>/products/<product_id>", callers=[VENDOR, STAFF, KEY], needs="products.read")
def show_own_product(vendor_id: str, product_id: str) -> Response[OwnProduct]:
    """A product of the vendor in any status; its ETag goes into If-Match."""
    return _product(store.get(vendor_id, product_id).product)


@api.patch(
    "/v1/vendors/<vendor_id>/products/<product_id>",
    callers=[VENDOR, STAFF, KEY],
    needs="products.write",
    problems=PUBLICATION,
)
def change_product(vendor_id: str, product_id: str, form: ProductChange) -> Response[OwnProduct]:
    """Change what is sent, and only if it is still the version named in If-Match.

    A change of what is on sale that a rule keeps for a person goes into the working copy (`…/draft`), as a whole; the
    answer is what is on sale.
    """
    return _product(service.change(vendor_id, product_id, form, check=api.require_match))


@api.delete(
    "/v1/vendors/<vendor_id>/products/<product_id>",
    callers=[VENDOR, STAFF, KEY],
    needs="products.write",
    problems=[PreconditionFailed],
)
def archive_product(vendor_id: str, product_id: str) -> Response[OwnProduct]:
    """Archive: off sale and out of all lists; PATCH of its status brings it back."""
    return _product(service.archive(vendor_id, product_id, check=api.require_match))


def _page(shown: Shown, lang: str | None) -> tuple[str, str, Collection[str]]:
    """The page as JSON, its language, and the languages that it was told in."""
    told = shown.document.get("translations") or ()
    language = languages.chosen(lang, api.header("accept-language"), told)
    return pages.product_page(shown, language, config.setting("STORE_URL")), language, told


def _shared(seconds: int, lang: str | None, told: Collection[str]) -> int:
    """For how long the edge may keep it: not at all where the header decided, which is no part of the edge's key."""
    return seconds if lang or not told else 0


def _told_in(language: str, told: Collection[str], answer: Response[Any]) -> Response[Any]:
    if told:
        answer.headers["vary"] = "accept-language"
    if language:
        answer.headers["content-language"] = language
    return answer


def _product(product: Product, *, status: int = 200) -> Response[OwnProduct]:
    return cast("Response[OwnProduct]", reply(product, status=status, version=product.version))


def _category(category: Category) -> CategoryView:
    return CategoryView(
        id=category.id,
        path=category.path,
        name=category.name,
        sort_order=category.sort_order,
        is_active=category.active,
    )
