"""Problems: RFC 9457 documents with stable codes."""

from collections.abc import Iterator

import pytest

from market import errors
from market.errors import Conflict, Invalid, NotFound, Problem, Unprocessable


def every(kind: type[Problem]) -> Iterator[type[Problem]]:
    yield kind
    for inner in kind.__subclasses__():
        yield from every(inner)


OWN = [kind for kind in every(Problem) if kind.__module__ == errors.__name__]


def test_a_problem_is_shown_with_the_members_of_the_rfc() -> None:
    shown = NotFound("There is no such lamp.").document("req-1")

    assert shown == {
        "type": "/problems/not_found",
        "title": "Not found",
        "status": 404,
        "code": "not_found",
        "detail": "There is no such lamp.",
        "requestId": "req-1",
    }


def test_what_is_empty_is_not_shown() -> None:
    assert set(Problem().document()) == {"type", "title", "status", "code"}


def test_field_errors_and_extra_members_are_shown() -> None:
    wrong = [{"field": "body.name", "code": "missing"}]
    shown = Unprocessable("Wrong.", errors=wrong, sku="lamp").document()

    assert (shown["errors"], shown["sku"]) == (wrong, "lamp")


def test_extra_members_cannot_replace_the_standard_ones() -> None:
    assert Conflict("Taken.", status="held", code="mine").document()["status"] == 409


def test_a_problem_begins_without_further_refusals() -> None:
    assert Conflict("a").also == []
    assert Conflict("a").also is not Conflict("a").also


@pytest.mark.parametrize("kind", OWN, ids=lambda kind: kind.__name__)
def test_every_problem_has_a_status_a_snake_case_code_and_a_title(kind: type[Problem]) -> None:
    assert 400 <= kind.status < 600
    assert kind.code == kind.code.lower().replace(" ", "_")
    assert kind.title
    assert issubclass(kind, Problem)


def test_codes_of_the_kernel_are_distinct() -> None:
    assert len({kind.code for kind in OWN}) == len(OWN)


def test_unprocessable_is_a_kind_of_invalid() -> None:
    with pytest.raises(Invalid):
        raise Unprocessable
