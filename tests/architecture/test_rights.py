"""Every service declares what it tells, forgets and keeps of a person, and its manifest agrees."""

from collections.abc import Iterator, Mapping

import pytest

from market.manifest import Function, Manifest
from profiles.contract import CONTRIBUTORS
from tests.architecture.code import ROOT, Project

pytestmark = pytest.mark.contract("3.1")
NONE = "\N{EN DASH}"
HEAD = "| service | told | forgotten | kept, and by which rule |"
EXPORT, ERASURES = "profile.export_requested", {"profile.erasure_requested", "user.erased"}
WRITING = {"export-part", "exports"}
Rows = Mapping[str, tuple[str, ...]]


def rows_of(readme: str) -> Rows:
    """The cells of the table by service: told, forgotten, kept."""
    lines = readme.partition(HEAD)[2].lstrip("\n").splitlines()[1:]
    table = [line for line in lines[: lines.index("")] if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
    return {name: tuple(rest) for name, *rest in cells}


def undeclared(rows: Rows, manifests: Mapping[str, Manifest], contributors: tuple[str, ...]) -> Iterator[str]:
    for name, manifest in manifests.items():
        if name not in rows:
            yield f"{name} does not say what it keeps of people"
            continue
        told, forgotten, kept = rows[name]
        consumers = [function for function in manifest.functions if function.kind == "consumer"]
        tells = EXPORT in manifest.consumes and any(WRITING & set(one.capabilities) for one in consumers)
        if (told != NONE) != (name in contributors) or (told != NONE and not tells):
            yield f"{name} says that it tells: {told}; CONTRIBUTORS and its manifest say otherwise"
        elsewhere = ", by identity" in forgotten
        if forgotten != NONE and not elsewhere and not ERASURES & set(manifest.consumes):
            yield f"{name} says that it forgets: {forgotten}; it does not hear of it"
        if told != NONE and forgotten == kept == NONE:
            yield f"{name} holds something, and neither forgets nor keeps it"
    yield from (f"{name} is no service" for name in sorted(set(rows) - set(manifests)))


def present() -> tuple[Rows, dict[str, Manifest]]:
    readme = (ROOT / "functions" / "profiles" / "README.md").read_text()
    return rows_of(readme), {service.name: service.manifest for service in Project(ROOT).services}


def test_every_service_says_what_becomes_of_what_it_knows_of_a_person() -> None:
    assert list(undeclared(*present(), CONTRIBUTORS)) == []


LAMPS = Manifest(
    service="lamps",
    prefixes=("LMP#",),
    consumes=("profile.export_requested", "profile.erasure_requested"),
    functions=(Function(name="consumer", handler="x.y.z", kind="consumer", capabilities=("export-part",)),),
)
DEAF = Manifest(service="lamps", prefixes=("LMP#",), functions=())


@pytest.mark.parametrize(
    ("rows", "manifest", "contributors", "reported"),
    [
        ({}, LAMPS, (), "does not say"),
        ({"lamps": ("wishes", "wishes", NONE)}, LAMPS, (), "CONTRIBUTORS"),
        ({"lamps": ("wishes", NONE, "10 years")}, DEAF, ("lamps",), "CONTRIBUTORS"),
        ({"lamps": (NONE, NONE, "ids")}, LAMPS, ("lamps",), "CONTRIBUTORS"),
        ({"lamps": (NONE, "wishes", NONE)}, DEAF, (), "does not hear"),
        ({"lamps": ("wishes", NONE, NONE)}, LAMPS, ("lamps",), "neither"),
        ({"lamps": (NONE, NONE, NONE), "rooms": (NONE, NONE, NONE)}, DEAF, (), "rooms is no service"),
    ],
)
def test_what_is_not_declared_is_reported(
    rows: Rows, manifest: Manifest, contributors: tuple[str, ...], reported: str
) -> None:
    found = list(undeclared(rows, {"lamps": manifest}, contributors))

    assert len(found) == 1
    assert reported in found[0]


def test_what_is_declared_is_not() -> None:
    for rows in ({"lamps": ("wishes", "wishes", NONE)}, {"lamps": ("wishes", NONE, "10 years")}):
        assert list(undeclared(rows, {"lamps": LAMPS}, ("lamps",))) == []
