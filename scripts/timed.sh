#!/bin/sh
# Runs a command and says how long it took.
start=$(date +%s)
"$@"
status=$?
printf '%s: %s s\n' "$(basename "$1")${2:+ $2}" "$(($(date +%s) - start))"
exit $status
