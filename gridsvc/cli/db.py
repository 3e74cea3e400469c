"""The private PostGIS server and the schema."""

from __future__ import annotations

import typer

from gridsvc.cli.backup import backup, restore
from gridsvc.cli.runtime import AsJson, console, database, print_json
from gridsvc.db.cluster import PrivateCluster
from gridsvc.db.migrate import current
from gridsvc.errors import Conflict
from gridsvc.settings import get_settings

app = typer.Typer(help="The private PostGIS server and the schema.", no_args_is_help=True)


def _cluster() -> PrivateCluster:
    settings = get_settings()
    if settings.database_url:
        raise Conflict("DATABASE_URL is set, so there is no private server; unset it first.")
    return PrivateCluster(settings.var_dir.resolve())


@app.command()
def start() -> None:
    """Start the private server; it runs until 'gridsvc db stop'."""
    cluster = _cluster()
    cluster.start()
    console.print(f"PostGIS answers on 127.0.0.1, port {cluster.status().port}.")


@app.command()
def stop() -> None:
    """Stop the private server."""
    _cluster().stop()
    console.print("The private server is stopped.")


@app.command()
def status(as_json: AsJson = False) -> None:
    """Say whether the private server runs, and where."""
    found = _cluster().status()
    if as_json:
        print_json({"running": found.running, "port": found.port, "home": str(found.home)})
    elif found.running:
        console.print(f"running on 127.0.0.1, port {found.port}; data in {found.home}")
    else:
        console.print(f"not running; data in {found.home}")


app.command()(backup)
app.command()(restore)


@app.command()
def migrate() -> None:
    """Migrate the schema to the newest revision."""
    console.print(f"The schema is at revision {current(database())}.")
