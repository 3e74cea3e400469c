"""Who filed a report: the subject of the token, and a secret for whoever holds the receipt's link.

Revision ID: 0017
Revises: 0016
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.add_column("report", sa.Column("reporter_subject", sa.String(100)))
    op.add_column("report", sa.Column("secret_hash", sa.String(64)))


def downgrade() -> None:
    op.drop_column("report", "secret_hash")
    op.drop_column("report", "reporter_subject")
