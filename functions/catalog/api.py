"""Routes of the catalog: what everybody may see, what vendors may do to their own products, staff to categories."""

from typing import Annotated, cast

from aws_lambda_powertools.event_handler.openapi.params import Query

from catalog import categories, lists, service, store, views
from catalog.categories import TreeChanged
from catalog.forms import CategoryChange, CategoryForm, Path, ProductChange, ProductForm
from catalog.manifest import MANIFEST
from catalog.model import (
    MixedCurrencies,
    NoReduction,
    Product,
    SlugTaken,
    Status,
    TooManyVariants,
    VariantsClash,
)
from catalog.tree import Category, CategoryExists, TreeFull, UnknownCategory
from catalog.views import CardList, CategoryTree, CategoryView, OwnProduct, ProductPage
from inventory.contract import SkuTaken
from market.errors import NotFound, PreconditionFailed
from market.http import ANYONE, KEY, STAFF, VENDOR, Response, ServiceApi, reply, reply_json
from vendors.contract import VendorNotActive

api = ServiceApi(MANIFEST)
handler = api.handler

LIST_SECONDS, PAGE_SECONDS, TREE_SECONDS = 10, 5, 30
REFUSALS = [
    UnknownCategory, VendorNotActive, SkuTaken, SlugTaken, TooManyVariants, MixedCurrencies, VariantsClash, NoReduction,
]  # fmt: skip

Limit = Annotated[int, Query(ge=1, le=100)]
Cursor = Annotated[str | None, Query(max_length=2000)]
Wanted = Annotated[Path | None, Query(description="A path such as `electronics>phones`; all below it are included.")]
VendorId = Annotated[str | None, Query(min_length=1, max_length=64)]
WantedStatus = Annotated[Status | None, Query()]


@api.get("/v1/categories", callers=[ANYONE])
def show_categories() -> Response[CategoryTree]:
    """The whole tree of categories in use."""
    return reply_json(categories.tree().public_json, cache_seconds=TREE_SECONDS)


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
    return reply(_category(service.add_category(form)), status=201)


@api.patch("/v1/admin/categories/<category_id>", callers=[STAFF], needs="categories.manage", problems=[TreeChanged])
def change_category(category_id: str, form: CategoryChange) -> Response[CategoryView]:
    """Rename, reorder, hide or show a category; one that is hidden hides all below it."""
    return reply(_category(service.change_category(category_id, form)))


@api.get("/v1/products", callers=[ANYONE], problems=[UnknownCategory])
def list_products(
    category: Wanted = None, vendor: VendorId = None, limit: Limit = 20, cursor: Cursor = None
) -> Response[CardList]:
    """Products on sale, newest first: all, those of a category, or those of a vendor.

    A list ends where there is no `nextCursor`; a page before it may be short.
    """
    cards, further = lists.on_sale(category, vendor, limit=limit, cursor=cursor)
    return reply_json(views.card_list(cards, further), cache_seconds=LIST_SECONDS)


@api.get("/v1/products/<slug>", callers=[ANYONE])
def show_product(slug: str) -> Response[ProductPage]:
    """A product on sale, with the present price and availability of each variant."""
    text = views.product_page(store.page(slug))
    if text is None:
        raise NotFound("There is no such product on sale.")
    return reply_json(text, cache_seconds=PAGE_SECONDS)


@api.get("/v1/vendors/<vendor_id>/products", callers=[VENDOR, STAFF, KEY], needs="products.read")
def list_own_products(
    vendor_id: str, status: WantedStatus = None, limit: Limit = 20, cursor: Cursor = None
) -> Response[CardList]:
    """The vendor's products: those of one status newest first, or drafts, then those on sale, then the archived."""
    page = store.of_vendor(vendor_id, status=status, limit=limit, cursor=cursor)
    return reply_json(views.card_list((item["card"] for item in page.items), page.next))


@api.post(
    "/v1/vendors/<vendor_id>/products",
    callers=[VENDOR, STAFF, KEY],
    needs="products.write",
    status=201,
    problems=REFUSALS,
)
def create_product(vendor_id: str, form: ProductForm) -> Response[OwnProduct]:
    """Put a product into the catalog, as a draft unless said otherwise."""
    return _product(service.create(vendor_id, form), status=201)


@api.get("/v1/vendors/<vendor_id>/products/<product_id>", callers=[VENDOR, STAFF, KEY], needs="products.read")
def show_own_product(vendor_id: str, product_id: str) -> Response[OwnProduct]:
    """A product of the vendor in any status; its ETag goes into If-Match."""
    return _product(store.get(vendor_id, product_id).product)


@api.patch(
    "/v1/vendors/<vendor_id>/products/<product_id>",
    callers=[VENDOR, STAFF, KEY],
    needs="products.write",
    problems=[*REFUSALS, PreconditionFailed],
)
def change_product(vendor_id: str, product_id: str, form: ProductChange) -> Response[OwnProduct]:
    """Change what is sent, and only if it is still the version named in If-Match."""
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
