"""The private PostGIS server and the schema."""

from __future__ import annotations

import typer

from gridsvc.api.clock import utc_now
from gridsvc.cli.backup import backup, restore
from gridsvc.cli.runtime import AsJson, console, print_json
from gridsvc.db import migrate as schema
from gridsvc.db.cluster import PrivateCluster
from gridsvc.db.engine import create_engine, owner_url
from gridsvc.db.partitions import ensure_partitions
from gridsvc.db.roles import PUBLIC_ROLE, SERVICE_ROLE, make_login
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
    """Migrate the schema to the newest revision, as its owner; make the other logins."""
    settings = get_settings()
    url = owner_url(settings)
    schema.migrate(url)
    engine = create_engine(url, pool_size=1)
    try:
        with engine.begin() as connection:
            if settings.database_url is not None:
                make_login(connection, settings.database_url, SERVICE_ROLE)
            if settings.public_database_url is not None:
                make_login(connection, settings.public_database_url, PUBLIC_ROLE)
            ensure_partitions(connection, utc_now())
    finally:
        engine.dispose()
    console.print(f"The schema is at revision {schema.current(url)}.")
