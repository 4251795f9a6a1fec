"""The category tree: paths such as `electronics>phones`, names, an order, and whether a branch is shown.

The whole tree is one item, read as a page of its own; that bounds its size.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import orjson

from market.errors import Conflict, NotFound, Unprocessable

SEPARATOR = ">"
MAX_DEPTH = 4
MAX_CATEGORIES = 2000
_NOT_IN_SLUGS = re.compile(r"[^a-z0-9]+")


class CategoryExists(Conflict):
    """There is a category at `path` already, with this `id`."""

    code, title = "category_exists", "Category exists"


class TreeFull(Conflict):
    code, title = "too_many_categories", "Too many categories"


class UnknownCategory(Unprocessable):
    """There is no category at the given path, or it is not in use."""

    code, title = "unknown_category", "Unknown category"


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """A branch of the tree. It is in use while it and all above it are active."""

    id: str
    path: str
    name: str
    sort_order: int = 0
    active: bool = True
    attributed: bool = False
    """Whether it has attributes of its own, which are stored apart."""

    @property
    def parent(self) -> str:
        return self.path.rpartition(SEPARATOR)[0]


@dataclass(frozen=True)
class Tree:
    """All categories. `since` is the month in which it was planted: no product is older.

    languages: those in which some names are told; rules: which changes are reviewed, as `rules.packed`.
    """

    version: int = 0
    since: str = ""
    categories: tuple[Category, ...] = ()
    languages: tuple[str, ...] = ()
    rules: str = "[]"

    @cached_property
    def by_path(self) -> dict[str, Category]:
        return {category.path: category for category in self.categories}

    @cached_property
    def public_json(self) -> str:
        """The branches in use, nested and in order, as the answer of `GET /v1/categories`."""
        return _json(branch for branch in self.categories if branch.active)

    def named_json(self, names: Mapping[str, str]) -> str:
        """The same with other names, by id, where there are any."""
        used = (branch for branch in self.categories if branch.active)
        return _json(replace(branch, name=names.get(branch.id, branch.name)) for branch in used)

    def attributed(self, path: str) -> list[str]:
        """Of the category and all above it, from the top, those that have attributes of their own."""
        return [step for step in levels(path) if (found := self.by_path.get(step)) and found.attributed]

    @property
    def full_json(self) -> str:
        """The same with the branches that are not in use."""
        return _json(self.categories)

    def has(self, path: str) -> bool:
        """Whether there is a category in use at `path`."""
        found = self.by_path.get(path)
        return found is not None and self._in_use(found)

    def require(self, path: str) -> None:
        """Pass for a category in use. Raises UnknownCategory."""
        if not self.has(path):
            raise UnknownCategory(f"There is no category {path[:100]!r}.", category=path[:100])

    def with_new(self, category: Category) -> "Tree":
        """Raises CategoryExists, UnknownCategory for the parent, or TreeFull."""
        if category.path in self.by_path:
            raise CategoryExists(f"{category.path} exists.", id=self.by_path[category.path].id, path=category.path)
        if category.parent and category.parent not in self.by_path:
            raise UnknownCategory(f"There is no category {category.parent!r}.", category=category.parent)
        if category.path.count(SEPARATOR) >= MAX_DEPTH:
            raise TreeFull(f"The tree is at most {MAX_DEPTH} levels deep.")
        if len(self.categories) >= MAX_CATEGORIES:
            raise TreeFull(f"There are at most {MAX_CATEGORIES} categories.")
        return replace(self, categories=(*self.categories, category))

    def get(self, category_id: str) -> Category:
        """Raises NotFound."""
        for category in self.categories:
            if category.id == category_id:
                return category
        raise NotFound("There is no such category.")

    def with_changed(self, changed: Category) -> "Tree":
        return replace(self, categories=tuple(changed if old.id == changed.id else old for old in self.categories))

    def _in_use(self, category: Category) -> bool:
        above = self.by_path.get(category.parent)
        return category.active and (above is None or self._in_use(above))


def _json(categories: Iterable[Category]) -> str:
    children: dict[str, list[Category]] = {}
    for category in sorted(categories, key=lambda category: (category.sort_order, category.name)):
        children.setdefault(category.parent, []).append(category)
    return orjson.dumps({"items": _branches(children, "")}).decode()


def _branches(children: dict[str, list[Category]], path: str) -> list[dict[str, object]]:
    return [
        {
            "id": category.id,
            "path": category.path,
            "name": category.name,
            "sortOrder": category.sort_order,
            "isActive": category.active,
            "children": _branches(children, category.path),
        }
        for category in children.get(path, [])
    ]


def levels(path: str) -> list[str]:
    """The path and all above it: `a>b` gives `a` and `a>b`."""
    parts = path.split(SEPARATOR)
    return [SEPARATOR.join(parts[: depth + 1]) for depth in range(len(parts))]


def slug_of(text: str, longest: int = 80) -> str:
    """`Crème brûlée torch!` gives `creme-brulee-torch`; text without Latin letters or digits gives nothing."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return _NOT_IN_SLUGS.sub("-", plain).strip("-")[:longest].strip("-")
