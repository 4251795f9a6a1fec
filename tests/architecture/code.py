"""The project's source as the walls see it: services, modules, imports. Read, never imported."""

import ast
import runpy
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from market.manifest import Manifest

ROOT = Path(__file__).resolve().parents[2]
_GENERATED = frozenset({".venv", "node_modules", "cdk.out", ".cache", ".data", ".git", "__pycache__", ".hypothesis"})


@dataclass(frozen=True)
class Import:
    """`from source import name`, or `import source` where there is no name."""

    source: str
    name: str
    line: int

    @property
    def package(self) -> str:
        return self.source.partition(".")[0]


@dataclass(frozen=True)
class Module:
    """One Python file; `owner` is the service or the package that it belongs to."""

    root: Path
    path: Path
    owner: str

    @property
    def name(self) -> str:
        return self.path.stem

    @cached_property
    def text(self) -> str:
        return self.path.read_text()

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.tree))

    def at(self, line: int) -> str:
        return f"{self.path.relative_to(self.root)}:{line}"

    @cached_property
    def imports(self) -> list[Import]:
        """Every import, those inside functions too."""
        found = []
        for node in self.nodes:
            if isinstance(node, ast.Import):
                found += [Import(alias.name, "", node.lineno) for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                source = node.module or "" if not node.level else f"{self.owner}.{node.module or ''}".rstrip(".")
                found += [Import(source, alias.name, node.lineno) for alias in node.names]
        return found

    def own(self) -> Iterator[tuple[str, int]]:
        """The sibling modules that this one imports, with the lines."""
        for imported in self.imports:
            if imported.source == self.owner and imported.name:
                yield imported.name, imported.line
            elif imported.source.startswith(f"{self.owner}."):
                yield imported.source.split(".")[1], imported.line

    def calls(self) -> Iterator[ast.Call]:
        return (node for node in self.nodes if isinstance(node, ast.Call))


@dataclass(frozen=True)
class Service:
    """One folder under functions/."""

    folder: Path
    modules: dict[str, Module] = field(hash=False)

    @property
    def name(self) -> str:
        return self.folder.name

    @cached_property
    def manifest(self) -> Manifest:
        made: Manifest = runpy.run_path(str(self.folder / "manifest.py"))["MANIFEST"]
        return made

    @property
    def entry_points(self) -> set[str]:
        return {function.handler.split(".")[1] for function in self.manifest.functions}


@dataclass(frozen=True)
class Project:
    root: Path

    @cached_property
    def services(self) -> list[Service]:
        folders = sorted(path.parent for path in (self.root / "functions").glob("*/manifest.py"))
        return [Service(folder, {m.name: m for m in self._modules(folder, folder.name)}) for folder in folders]

    @cached_property
    def kernel(self) -> list[Module]:
        return self._modules(self.root / "layers/kernel/python/market", "market")

    @cached_property
    def deployed(self) -> list[Module]:
        """What runs on AWS: the kernel and the services."""
        return self.kernel + [module for service in self.services for module in service.modules.values()]

    @cached_property
    def files(self) -> list[Path]:
        """Every file that is, or is about to be, part of the repository."""
        listed = subprocess.run(
            ["git", "ls-files", "-co", "--exclude-standard"], cwd=self.root, capture_output=True, text=True, check=False
        )
        if listed.returncode == 0 and (self.root / ".git").exists():
            names = [self.root / name for name in listed.stdout.splitlines()]
        else:
            names = [path for path in self.root.rglob("*") if not _GENERATED & set(path.parts)]
        return sorted(path for path in names if path.is_file())

    @cached_property
    def python(self) -> list[Module]:
        return [Module(self.root, path, path.parent.name) for path in self.files if path.suffix == ".py"]

    def _modules(self, folder: Path, owner: str) -> list[Module]:
        return [Module(self.root, path, owner) for path in sorted(folder.rglob("*.py"))]


def dotted(node: ast.AST) -> str:
    """`a.b.c` of an attribute chain, as far as it is made of names."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def texts(module: Module) -> Iterator[tuple[str, int]]:
    """Every string constant with its line."""
    for node in module.nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value, node.lineno
