"""Values that are made by the dozen: dataclasses that nobody changes, as quick to make as any.

A frozen dataclass stores every field by way of `object.__setattr__`: one of two fields takes 300 ns to make instead of
125, and a price, which is made of eighty of them, a fifth longer. Of a `value` it is mypy alone that lets nobody assign
to it: what is written as `frozen` is frozen there, and at run time it is compared and hashed as if it were.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as value
else:
    import dataclasses

    def value(*, frozen, **options):
        return dataclasses.dataclass(unsafe_hash=frozen, **options)


__all__ = ["value"]
