"""Indexes for readers: lists that begin with the newest, and what belongs to a user.

Names are written out here and not imported: a later change of the models must not change what this revision made.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_LISTED: Final = ("customer", "subscription", "invoice", "payment")
_OWNED: Final = ("invoice", "payment")


def upgrade() -> None:
    """Add the indexes."""
    for table in _LISTED:
        op.create_index(f"{table}_newest", table, ["created_at", "account", "id"])
    for table in _OWNED:
        named = sa.text("user_id IS NOT NULL")
        op.create_index(f"{table}_user", table, ["user_id"], postgresql_where=named, sqlite_where=named)


def downgrade() -> None:
    """Drop them again."""
    for table in _OWNED:
        op.drop_index(f"{table}_user", table)
    for table in _LISTED:
        op.drop_index(f"{table}_newest", table)
