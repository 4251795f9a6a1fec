"""What staff do to brands."""

from collections.abc import Callable
from dataclasses import replace

from pydantic import TypeAdapter, ValidationError

from catalog import brands
from catalog.brands import Brand
from catalog.desk_forms import BrandForm
from catalog.forms import Slug
from market.errors import Unprocessable
from media.contract import claim_picture, picture_of

_slug = TypeAdapter[str](Slug)


def put(slug: str, form: BrandForm, *, check: Callable[[int], None]) -> Brand:
    """Make the brand with this slug, or change it.

    Raises Unprocessable for what is no slug, BrandExists for another's name, PreconditionFailed,
    MediaNotReady for a logo that was stored here and is gone.
    """
    try:
        _slug.validate_python(slug)
    except ValidationError:
        raise Unprocessable("A slug has small letters, digits and hyphens between them.") from None
    before = brands.find(slug)
    after = Brand(slug=slug, name=form.name, logo=form.logo, active=form.is_active)
    if before:
        check(before.version)
        after = replace(after, version=before.version)
        if after == before:
            return before
        after = replace(after, version=before.version + 1)
    picture = picture_of(after.logo)
    brands.save(before, after, claims=claim_picture(picture, f"brand:{slug}") if picture else ())
    return after
