"""Staff from a list."""

from __future__ import annotations

from functools import partial

from gridsvc.cli.duties import DryRun, File, import_list
from gridsvc.cli.runtime import AsJson
from gridsvc.registry.access.keys import secret_key
from gridsvc.registry.staff.importer import import_staff
from gridsvc.settings import get_settings


def staff(file: File, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Enter staff: code,name,office,role,valid_from (places,shifts,telephone,subject,...)."""
    settings = get_settings()
    key = secret_key(settings.var_dir / "keys", "reporter", settings.reporter_key)
    import_list(file, partial(import_staff, key=key), dry_run, as_json)
