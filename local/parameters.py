"""SSM Parameter Store over a file that a person may edit: `settings.json` in the data directory, values by name.

`{"RATE_LIMIT": "50"}` stands for the parameter `RATE_LIMIT` below every path. A file that cannot be read has none.
"""

from pathlib import Path
from typing import Any

import orjson

from local.answers import Answer

__all__ = ["Parameters"]

JSON = dict[str, Any]


class Parameters:
    """The parameters of one stage."""

    def __init__(self, file: Path) -> None:
        self._file = file
        if not file.exists():
            file.write_text("{}\n")

    def operations(self) -> dict[str, Answer]:
        """The calls of `ssm` that are played."""
        return {"GetParameters": self._get}

    def _get(self, asked: JSON) -> JSON:
        known = self._known()
        named = {name: name.rpartition("/")[2] for name in asked["Names"]}
        return {
            "Parameters": [
                {"Name": name, "Type": "String", "Value": str(known[short])}
                for name, short in named.items()
                if short in known
            ],
            "InvalidParameters": [name for name, short in named.items() if short not in known],
        }

    def _known(self) -> JSON:
        try:
            known = orjson.loads(self._file.read_bytes())
        except (OSError, orjson.JSONDecodeError):
            return {}
        return known if isinstance(known, dict) else {}
