#!/usr/bin/env bash
# Installs what the marketplace needs into .venv and node_modules, from the lock files. Says what is missing on the machine.
set -euo pipefail
cd "$(dirname "$0")/.."

missing() { printf '\n%s\n\n' "$1" >&2; exit 1; }

python="" found=""
for candidate in ${PYTHON_BIN:-} python3 python3.14 python3.13 python3.12 python3.11; do
  version=$("$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
  if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    python=$candidate
    break
  fi
  found="$found $candidate is $version."
done
[ -n "$python" ] || missing "Python 3.11 or newer is needed.${found:- No python3 was found.} Install one, or name one with PYTHON_BIN, and run the command again."
"$python" -c 'import venv, ensurepip' 2>/dev/null || missing "$python lacks venv. On Debian and Ubuntu: apt install python3-venv."
node=$(node -p 'process.versions.node' 2>/dev/null) || missing "Node.js 20 or newer is needed; no node was found. Install it and run the command again."
[ "${node%%.*}" -ge 20 ] || missing "Node.js 20 or newer is needed, this is $node."
command -v npm >/dev/null || missing "npm is needed; it usually comes with Node.js."

echo "Installing into .venv and node_modules (once; later starts skip this) …" >&2
.venv/bin/python -m pip --version >/dev/null 2>&1 || "$python" -m venv --clear .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
.venv/bin/uv pip sync --quiet --python .venv/bin/python --require-hashes requirements/dev.txt
npm ci --silent --no-fund --no-audit
touch .venv/ready

.venv/bin/python -c 'from local.database import binary, DatabaseMissing
try:
    binary()
except DatabaseMissing as missing:
    print(f"\n{missing}\nWithout it `make run` and most tests do not work; `make lint`, `make gates` and `make deploy` do.\n")' >&2
