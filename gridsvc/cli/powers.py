"""Powers of bodies and their delegations from lists."""

from __future__ import annotations

from functools import partial

from gridsvc.cli.duties import DryRun, File, import_list
from gridsvc.cli.runtime import AsJson, console, load_city
from gridsvc.registry.powers.importer import ListImported, import_delegations, import_powers

_SHOWN = 40


def powers(file: File, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Enter powers of bodies: code,name,kind,basis,body,valid_from (classes,valid_to,source)."""
    load = partial(import_powers, standard=load_city().standard)
    _say(import_list(file, load, dry_run, as_json), "bodies", as_json)


def delegations(file: File, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Enter delegations: power,street,document,valid_from (conditions,valid_to,body,source)."""
    _say(import_list(file, import_delegations, dry_run, as_json), "streets", as_json)


def _say(result: ListImported, holders: str, as_json: bool) -> None:
    if as_json:
        return
    counts = result.by_holder
    console.print(f"{result.powers:,} powers, {len(counts):,} {holders}:")
    for code, count in sorted(counts.items()):
        console.print(f"  {code}  {count:,}")
    for line in result.left_out[:_SHOWN]:
        console.print(f"Not in the file, and without an end: {line}")
    if len(result.left_out) > _SHOWN:
        console.print(f"... and {len(result.left_out) - _SHOWN:,} more; --json has all")
