"""Run as a program: imports modules with the environment and the network watched, and prints what they touched.

Arguments: folders to import from. Third-party modules are imported first, unwatched: what they read on their own is not
ours. Powertools and pydantic may read their own switches when we make their objects.
"""

import importlib
import os
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

_THEIR_OWN = ("aws_lambda_powertools", "pydantic")
_NETWORK = ("socket.", "subprocess.Popen", "os.system", "urllib.Request", "http.client.connect")


def modules(root: Path) -> Iterator[str]:
    for path in sorted(root.rglob("*.py")):
        if "__pycache__" not in path.parts:
            name = ".".join(path.relative_to(root).with_suffix("").parts)
            yield name.removesuffix(".__init__")


def main(roots: list[Path]) -> list[str]:
    from tests.architecture.code import Import, Module

    sys.path[:0] = [str(root) for root in roots]
    own = {name.partition(".")[0] for root in roots for name in modules(root)}
    ours: list[Import] = []
    for root in roots:
        for path in root.rglob("*.py"):
            ours += Module(root, path, path.parent.name).imports
    for imported in ours:
        if imported.package not in own:
            importlib.import_module(imported.source)
    touched = watch([str(root) for root in roots])
    for root in roots:
        for name in modules(root):
            try:
                importlib.import_module(name)
            except Exception as error:
                touched.append(f"{name} cannot be imported: {type(error).__name__}: {error}")
    return touched


def watch(roots: list[str]) -> list[str]:
    """From now on, note each look at the environment and each use of the network that our modules cause."""
    touched: list[str] = []

    def note(what: str) -> None:
        frames = traceback.extract_stack()[:-2]
        cause = next((frame for frame in reversed(frames) if frame.filename.startswith(tuple(roots))), None)
        reader = next(
            (
                frame.filename
                for frame in reversed(frames)
                if "/os.py" not in frame.filename and "<" not in frame.filename
            ),
            "",
        )
        if cause and not any(f"/{package}/" in reader for package in _THEIR_OWN):
            touched.append(f"{cause.filename}:{cause.lineno} {what}")

    kind = type(os.environ)
    read, walk = kind.__getitem__, kind.__iter__

    def reading(self: object, name: str) -> str:
        note(f"reads the environment variable {name}")
        return read(self, name)  # type: ignore[arg-type]

    def walking(self: object) -> Iterator[str]:
        note("reads the whole environment")
        return walk(self)  # type: ignore[arg-type]

    kind.__getitem__, kind.__iter__ = reading, walking  # type: ignore[method-assign, assignment]
    sys.addaudithook(lambda event, _: note(f"uses {event}") if event.startswith(_NETWORK) else None)
    return touched


if __name__ == "__main__":
    print("\n".join(dict.fromkeys(main([Path(argument).resolve() for argument in sys.argv[1:]]))))
