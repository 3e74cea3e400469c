"""Run by Alembic: every migration in its own guarded transaction."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection, text

from gridsvc.db.migrate import GUARDS


def run() -> None:
    """Run the migrations on the connection that ``gridsvc.db.migrate`` passes on."""
    connection: Connection = context.config.attributes["connection"]
    for guard in GUARDS:
        connection.execute(text(guard))
    connection.commit()
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()


run()
