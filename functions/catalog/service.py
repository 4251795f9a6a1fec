"""What happens to categories and products."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from catalog import categories, model, store
from catalog.categories import TreeChanged
from catalog.forms import CategoryChange, CategoryForm, ProductChange, ProductForm
from catalog.model import Product, SlugTaken
from catalog.store import Stored
from catalog.tree import SEPARATOR, Category, Tree, slug_of
from market import clock, ids
from market.errors import Unprocessable
from vendors.contract import must_be_active

_ATTEMPTS = 4


def add_category(form: CategoryForm) -> Category:
    """Raises CategoryExists, UnknownCategory for the parent, TreeFull, or Unprocessable for a name without letters."""
    step = form.slug or slug_of(form.name)
    if not step:
        raise Unprocessable("Send a slug too: the name has no Latin letters or digits.")
    path = f"{form.parent}{SEPARATOR}{step}" if form.parent else step
    new = Category(id=ids.short("cat"), path=path, name=form.name, sort_order=form.sort_order)
    _change_tree(lambda tree: tree.with_new(new))
    return new


def change_category(category_id: str, form: CategoryChange) -> Category:
    """Raises NotFound."""
    sent = form.model_dump(exclude_unset=True)
    changes = {"active" if name == "is_active" else name: value for name, value in sent.items()}
    return _change_tree(lambda tree: tree.with_changed(replace(tree.get(category_id), **changes))).get(category_id)


def create(vendor_id: str, form: ProductForm) -> Product:
    """Put a product into the catalog, with stock. Raises VendorNotActive, UnknownCategory, SkuTaken."""
    categories.require(form.category)
    model.check_variants([variant.variant() for variant in form.variants])
    product = born(vendor_id, form, product_id=ids.new("prd"), slug=form.slug or slug_of(form.title) or "product")
    for attempt in range(_ATTEMPTS):
        try:
            store.carry_out([must_be_active(vendor_id), *store.create(Stored(product, "", form.stock()))])
            return product
        except SlugTaken:
            if attempt == _ATTEMPTS - 1:
                raise
            product = product.model_copy(update={"slug": suffixed(form.slug or slug_of(form.title) or "product")})
    raise AssertionError("unreachable")


def change(vendor_id: str, product_id: str, form: ProductChange, *, check: Callable[[int], None]) -> Product:
    """Change what was sent. `check` may refuse the version found. Raises NotFound, PreconditionFailed and the above."""
    found = store.get(vendor_id, product_id)
    check(found.product.version)
    after = changed(found.product, form.fields())
    if after is found.product:
        return after
    if after.category != found.product.category:
        categories.require(after.category)
    stock = {sku: units for sku, units in form.stock().items() if sku not in found.product.skus}
    fence = [must_be_active(vendor_id)] if after.status != "archived" else []
    store.carry_out([*fence, *store.change(found.product, replace(found, product=after), stock)])
    return after


def archive(vendor_id: str, product_id: str, *, check: Callable[[int], None]) -> Product:
    """Take a product off sale and out of all lists; it can come back. Doing it again changes nothing."""
    return change(vendor_id, product_id, ProductChange(status="archived"), check=check)


def born(vendor_id: str, form: ProductForm, *, product_id: str, slug: str, external_id: str | None = None) -> Product:
    """The first version of a product."""
    now = clock.timestamp()
    return Product(
        id=product_id,
        vendor_id=vendor_id,
        slug=slug,
        created_at=now,
        updated_at=now,
        listed_at=now if form.status == "active" else None,
        external_id=external_id,
        **form.fields(),
    )


def changed(product: Product, fields: dict[str, Any]) -> Product:
    """The product with `fields` changed, in its next version; itself where that changes nothing.

    Raises what `model.check_variants` raises.
    """
    if "variants" in fields:
        fields = fields | {"variants": model.replaced(product.variants, fields["variants"])}
    after = product.model_copy(update=fields)
    if after == product:
        return product
    model.check_variants(after.variants)
    now = clock.timestamp()
    listed = now if after.on_sale and not product.listed_at else product.listed_at
    return after.model_copy(update={"version": product.version + 1, "updated_at": now, "listed_at": listed})


def suffixed(slug: str) -> str:
    """The slug with six random characters behind it."""
    return f"{slug[:73]}-{ids.ulid()[-6:]}"


def _change_tree(change: Callable[[Tree], Tree]) -> Tree:
    for attempt in range(_ATTEMPTS):
        try:
            return categories.save(change(categories.present()))
        except TreeChanged:
            if attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")
