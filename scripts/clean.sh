#!/bin/sh
# Removes what the other targets made. The private cluster goes first, with its data.
set -eu
cd "$(dirname "$0")/.."
if [ -e var/pg ] && [ -x .venv/bin/python ]; then
    .venv/bin/python -c 'from pathlib import Path; from gridsvc.db import PrivateCluster; PrivateCluster(Path("var")).remove()'
fi
rm -rf .venv .setup.lock var build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage* .import_linter_cache
find . -name __pycache__ -type d -prune -exec rm -rf {} +
