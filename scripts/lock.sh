#!/bin/sh
# Writes the hashes of the locks anew, for the versions that they pin: after a pin was changed.
# uv reads them from the index; nothing else is looked up and no version moves.
set -eu
cd "$(dirname "$0")/.."
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
python3 -m venv "$tools"
"$tools/bin/pip" -q --disable-pip-version-check install uv
for lock in requirements.lock requirements-test.lock requirements-bench.lock; do
    sed -n 's/^\([A-Za-z0-9._-]*==[^ ;]*\).*/\1/p' "$lock" >"$tools/pins.in"
    "$tools/bin/uv" pip compile -q --no-deps --no-header --no-annotate --generate-hashes \
        --output-file "$tools/$lock" "$tools/pins.in"
    mv "$tools/$lock" "$lock"
done
