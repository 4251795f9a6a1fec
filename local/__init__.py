"""The whole marketplace on one machine.

Importing it makes the kernel and the services importable, as the layers and packages do on Lambda.
"""

import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent

for _folder in (_ROOT / "layers" / "kernel" / "python", _ROOT / "functions"):
    if str(_folder) not in sys.path:
        sys.path.insert(0, str(_folder))
