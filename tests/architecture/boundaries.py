"""Walls between services, and between the layers of one. Each returns what is wrong, as `file:line why`."""

import ast
from collections import Counter
from collections.abc import Iterator

from tests.architecture.code import Module, Project, Service, dotted

ENTRY, SERVICE, STORE, PURE = "an entry point", "the service", "the store", "pure"
_HEIGHT = {ENTRY: 3, SERVICE: 2, STORE: 1, PURE: 0}
_TIERS = {
    "service": SERVICE, "store": STORE, "gateway": STORE,
    "model": PURE, "events": PURE, "contract": PURE, "simulator": PURE, "manifest": PURE,
}  # fmt: skip
_SHAPES = frozenset({"views"})
"""Modules beside the entry points: how answers look."""


def _known(service: Service) -> set[str]:
    """Services whose contract it may import."""
    return {*service.manifest.uses, *service.manifest.reads}


def services_meet_in_contracts_only(project: Project) -> Iterator[str]:
    names = {service.name for service in project.services}
    for service in project.services:
        for module in service.modules.values():
            for imported in module.imports:
                if imported.package not in names - {service.name}:
                    continue
                target = imported.source if "." in imported.source else f"{imported.source}.{imported.name}"
                if target.split(".")[1] != "contract":
                    yield f"{module.at(imported.line)} imports {target}; others are known by their contract only"
                if imported.package not in _known(service):
                    yield f"{module.at(imported.line)} uses {imported.package}, the manifest does not say so"


def what_a_manifest_uses_is_used(project: Project) -> Iterator[str]:
    for service in project.services:
        used = {imported.package for module in service.modules.values() for imported in module.imports}
        for name in sorted(_known(service) - used):
            yield f"functions/{service.name}/manifest.py:1 uses {name}, no module imports it"


def the_kernel_knows_no_service(project: Project) -> Iterator[str]:
    names = {service.name for service in project.services}
    for module in project.kernel:
        for imported in module.imports:
            if imported.package in names:
                yield f"{module.at(imported.line)} imports {imported.source}"


def layers_point_downwards(project: Project) -> Iterator[str]:
    """Entry points → service → store and gateway → model, events, contract. Views stand beside the entry points."""
    for service in project.services:
        tiers = _tiers(service)
        for name, module in service.modules.items():
            for other, line in module.own():
                if other not in tiers or other == name:
                    continue
                if _HEIGHT[tiers[other]] > _HEIGHT[tiers[name]]:
                    yield f"{module.at(line)} is {tiers[name]} and imports {other}, which is {tiers[other]}"
                if other in service.entry_points and tiers[name] == ENTRY:
                    yield f"{module.at(line)} imports {other}: nothing imports an entry point"


def _tiers(service: Service) -> dict[str, str]:
    """Names say the tier; of a module with a name of its own, what it does: makes a Table, imports higher ones."""
    tiers = {name: _TIERS[name] for name in service.modules if name in _TIERS}
    tiers |= {name: ENTRY for name in service.modules if name in service.entry_points | _SHAPES}
    unnamed = {name: module for name, module in service.modules.items() if name not in tiers}
    tiers |= {name: STORE if _makes_table(module) else PURE for name, module in unnamed.items()}
    for _ in unnamed:
        for name, module in unnamed.items():
            below = max((_HEIGHT[tiers[other]] for other, _ in module.own() if other in tiers), default=0)
            if tiers[name] == PURE and below:
                tiers[name] = SERVICE
    return tiers


def _makes_table(module: Module) -> bool:
    return any(dotted(call.func) == "Table" for call in module.calls())


def contracts_do_no_io(project: Project) -> Iterator[str]:
    """Contracts, models and events are pure: write fragments and read models, no table, no client, no setting."""
    for service in project.services:
        for name in ("contract", "model", "events", "simulator"):
            if module := service.modules.get(name):
                for imported in module.imports:
                    if imported.source in _IO or f"{imported.source}.{imported.name}" in _IO:
                        yield f"{module.at(imported.line)} imports {imported.source} {imported.name}".rstrip()


_IO = frozenset(
    ("market.config", "market.table.Table", "market.http.ServiceApi", "boto3", "botocore", "urllib3", "socket", "os")
)


def prefixes_are_disjoint(project: Project) -> Iterator[str]:
    owned = [(prefix, service.name) for service in project.services for prefix in service.manifest.prefixes]
    owned.append(("OUTBOX#", "the kernel"))
    for prefix, owner in owned:
        if not prefix.endswith("#") or len(prefix) < 4:
            yield f"functions/{owner}/manifest.py:1 prefix {prefix} does not end with #"
        for other, another in owned:
            if (prefix, owner) != (other, another) and prefix.startswith(other):
                yield f"functions/{owner}/manifest.py:1 prefix {prefix} is within {other} of {another}"
    for (prefix, owner), times in Counter(owned).items():
        if times > 1:
            yield f"functions/{owner}/manifest.py:1 prefix {prefix} is named twice"


def tables_get_the_manifests_that_are_used(project: Project) -> Iterator[str]:
    for service in project.services:
        for module in service.modules.values():
            for call in module.calls():
                if dotted(call.func).rpartition(".")[2] != "Table":
                    continue
                given = [_manifest_owner(module, argument) for argument in call.args]
                wanted = [service.name, *sorted(_known(service))]
                if [*given[:1], *sorted(given[1:])] != wanted:
                    yield f"{module.at(call.lineno)} Table of {given}, the manifest says {wanted}"


def _manifest_owner(module: Module, argument: ast.expr) -> str:
    """The service whose manifest a name in this module stands for."""
    for node in module.nodes:
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                if alias.name == "MANIFEST" and (alias.asname or alias.name) == dotted(argument):
                    return node.module.partition(".")[0]
    return dotted(argument) or "?"


def keys_start_with_owned_prefixes(project: Project) -> Iterator[str]:
    """A key such as `ORD#…` is spelled in the service that owns its prefix, nowhere else."""
    owners = {prefix: service.name for service in project.services for prefix in service.manifest.prefixes}
    for service in project.services:
        for module in service.modules.values():
            for node in module.nodes:
                first = node.values[0] if isinstance(node, ast.JoinedStr) and node.values else node
                if not (isinstance(first, ast.Constant) and isinstance(first.value, str)):
                    continue
                prefix, found, _ = first.value.partition("#")
                if found and owners.get(f"{prefix}#", service.name) != service.name:
                    yield f"{module.at(first.lineno)} spells a key of {owners[f'{prefix}#']}"
