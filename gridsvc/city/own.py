"""A city's own tables in the var folder, put there by imports and read at the next start."""

from __future__ import annotations

from pathlib import Path

from gridsvc.settings import Settings
from gridsvc.whole import written_whole

#: The folder below ``var`` and the tables in it.
FOLDER = "city"
DIVISIONS, WORKING_DAYS = "divisions.csv", "working_days.csv"


def own_table(settings: Settings, name: str) -> Path | None:
    """Where the city's table of that name is, None when it was never imported."""
    path = settings.var_dir / FOLDER / name
    return path if path.is_file() else None


def keep_table(settings: Settings, name: str, table: Path) -> Path:
    """Keep a table that was checked as the city's, in place of an earlier one; gives its place.

    Raises StorageFull.
    """
    folder = settings.var_dir / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with written_whole(folder / name) as out:
        out.write(table.read_bytes())
    return folder / name
