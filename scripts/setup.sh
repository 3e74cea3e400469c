#!/bin/sh
# Makes ready what a make target needs: system packages, then .venv from the lock.
#   scripts/setup.sh run    to serve and to play the demo
#   scripts/setup.sh test   also what the checks and the browser tests need
#   scripts/setup.sh bench  also the tools that the locator is compared with
# Does nothing, in a fraction of a second, when everything is there.
set -eu
cd "$(dirname "$0")/.."
mode=${1:-run}

say() { printf '%s\n' "$*" >&2; }
stop() { say "$*"; exit 1; }

# --- Python ------------------------------------------------------------------------------

new_enough='import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))'
find_python() {
    for candidate in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11 /usr/bin/python3; do
        if "$candidate" -c "$new_enough" 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
}

# --- System packages -----------------------------------------------------------------------

has_postgis() {
    for control in /usr/share/postgresql/*/extension/postgis.control; do
        [ -e "$control" ] && return
    done
    # A PostgreSQL that was not installed by Debian.
    command -v pg_config >/dev/null && [ -e "$(pg_config --sharedir)/extension/postgis.control" ]
}

has_chinese_font() {
    command -v fc-list >/dev/null && [ -n "$(fc-list ':lang=zh' family)" ]
}

# Tests and benchmarks always use a private cluster; a command can use the user's own database.
postgis=''
if ! has_postgis && { [ "$mode" != run ] || [ -z "${DATABASE_URL:-}" ]; }; then
    postgis=postgresql-15-postgis-3
fi
missing=''
[ -n "$(find_python)" ] || missing="$missing python3-venv"
if [ "$mode" = test ]; then
    command -v chromium >/dev/null || missing="$missing chromium"
    command -v chromedriver >/dev/null || missing="$missing chromium-driver"
    command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] || missing="$missing nginx-light"
    has_chinese_font || missing="$missing fonts-noto-cjk"
fi
if [ "$mode" = bench ]; then
    command -v wrk >/dev/null || missing="$missing wrk"
fi

apt() {
    DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=5 -o DPkg::Lock::Timeout=300 \
        -o Dpkg::Options::=--force-confold "$@"
}

again() { # a mirror may fail for a moment
    "$@" || { sleep 5; "$@"; } || { sleep 20; "$@"; }
}

if [ -n "$postgis$missing" ]; then
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        advice="Install$missing${postgis:+ $postgis} (as root on Debian 12: apt-get install$missing${postgis:+ $postgis})"
        [ -z "$postgis" ] || advice="$advice, or use docker compose up, or set DATABASE_URL to a PostGIS database"
        stop "$advice."
    fi
    say "Installing$missing${postgis:+ $postgis} ..."
    again apt update
    if [ -n "$postgis" ]; then
        if ! apt-cache show "$postgis" >/dev/null 2>&1; then # another release of Debian
            postgis=$(apt-cache search --names-only '^postgresql-[0-9]+-postgis-3$' | cut -d' ' -f1 | sort -V | tail -1)
            [ -n "$postgis" ] || stop "No package of PostGIS 3 is known to apt; use docker compose up, or set DATABASE_URL to a PostGIS database."
        fi
        # The service runs a cluster of its own; Debian's would only take memory and a port.
        conf=/etc/postgresql-common/createcluster.conf
        if ! grep -qs '^ *create_main_cluster' "$conf"; then
            mkdir -p "$(dirname "$conf")"
            printf 'create_main_cluster = false\n' >>"$conf"
        fi
    fi
    # shellcheck disable=SC2086 # a list of words
    again apt install --no-install-recommends $postgis $missing >/dev/null
fi

# --- .venv -----------------------------------------------------------------------------------

lock=requirements.lock
[ "$mode" = run ] || lock=requirements-$mode.lock
wanted() { cat pyproject.toml "$1" | sha256sum; }
# A moved tree breaks its environment: the scripts in it name the old place.
at_home() { grep -qsF "$(pwd)/.venv" .venv/pyvenv.cfg && .venv/bin/python -c 'import pip' 2>/dev/null; }
fits() { [ "$(cat ".venv/installed-$1" 2>/dev/null)" = "$(wanted "$1")" ]; }

# Each lock holds all of the one before: run, test, bench.
ready() {
    fits "$lock" || fits requirements-bench.lock || { [ "$mode" = run ] && fits requirements-test.lock; }
}
if ready && at_home; then
    exit 0
fi
if command -v flock >/dev/null && [ "${GRIDSVC_SETUP_LOCKED:-}" != 1 ]; then
    # Two make commands at once: the second waits, then finds the work done.
    GRIDSVC_SETUP_LOCKED=1 exec flock .setup.lock scripts/setup.sh "$mode"
fi
say "Making .venv from $lock (a minute or two) ..."
at_home || {
    rm -rf .venv
    "$(find_python)" -m venv .venv
}
pip() { .venv/bin/python -m pip -qq --disable-pip-version-check "$@"; }
again pip install --retries 5 -r "$lock"
pip install --no-deps --no-build-isolation -e .
wanted "$lock" >".venv/installed-$lock"
