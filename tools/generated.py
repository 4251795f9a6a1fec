"""Generated files that are committed: written, or compared with what is there."""

import sys
from collections.abc import Mapping
from pathlib import Path


def finish(files: Mapping[Path, str], command: str) -> int:
    """Write the files; with `--check` among the arguments only name those that differ. Returns the exit code."""
    stale = [path for path, text in files.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if "--check" not in sys.argv[1:]:
        for path in stale:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files[path], encoding="utf-8")
        return 0
    for path in stale:
        sys.stderr.write(f"out of date: {path}\n")
    if stale:
        sys.stderr.write(f"run `{command}`\n")
    return 1 if stale else 0
