"""What is suggested while somebody types: at most one query, however much there is."""

from dataclasses import dataclass

from catalog import brands, categories
from catalog.words import folded

MOST = 10


@dataclass(frozen=True, slots=True)
class Suggestion:
    """`value` is what a product or a search is to be given: a path, a tag, a brand's name."""

    value: str
    label: str
    slug: str = ""
    logo: str = ""


def beginning(kind: str, prefix: str) -> list[Suggestion]:
    """Those of `categories`, `tags` or `brands` that begin so. Categories are looked for by each word of their name."""
    if kind == "brands":
        found = brands.suggested(prefix)
        made = [Suggestion(value=b.name, label=b.name, slug=b.slug, logo=b.logo) for b in found]
    elif kind == "tags":
        made = [Suggestion(value=tag, label=tag) for tag in brands.tags(prefix)]
    else:
        made = _categories(folded(prefix))
    return made[:MOST]


def _categories(prefix: str) -> list[Suggestion]:
    tree = categories.tree()
    fitting = [
        category
        for category in tree.categories
        if prefix and f" {folded(category.name)}".find(f" {prefix}") >= 0 and tree.has(category.path)
    ]
    fitting.sort(key=lambda category: (not folded(category.name).startswith(prefix), category.path))
    return [Suggestion(value=category.path, label=category.name) for category in fitting]
