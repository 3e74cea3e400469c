#!/bin/sh
# Builds the wheel, installs it with the lock in an empty environment, lists what that holds
# (dist/gridsvc.cdx.json, a CycloneDX SBOM, and docs/licences.md), and plays the demo from it.
set -eu
cd "$(dirname "$0")/.."
root=$(pwd)
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python=$root/.venv/bin/python

"$python" -m pip -q --disable-pip-version-check wheel --no-deps --no-build-isolation -w dist .
"$python" -m venv "$place/run"
"$place/run/bin/pip" -q --disable-pip-version-check install -r requirements.lock
"$place/run/bin/pip" -q --disable-pip-version-check install --no-deps dist/gridsvc-*.whl
"$python" -m venv "$place/tools"
"$place/tools/bin/pip" -q --disable-pip-version-check install cyclonedx-bom
"$place/tools/bin/cyclonedx-py" environment --output-reproducible --pyproject pyproject.toml \
    -o dist/gridsvc.cdx.json "$place/run/bin/python"
"$python" scripts/licences.py dist/gridsvc.cdx.json docs/licences.md
mkdir "$place/empty"
cd "$place/empty"
"$place/run/bin/gridsvc" demo --once
GRIDSVC_VAR_DIR="$place/empty/var" "$place/run/bin/gridsvc" db stop
printf '%s\n' "The wheel is in dist, and the demo has run from it."
