"""Payments are looked up by the charge that a provider's books name."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_WHERE = sa.text("charge_id IS NOT NULL")


def upgrade() -> None:
    """An index over the payments that have a charge."""
    columns = ["account", "charge_id"]
    op.create_index("payment_charge", "payment", columns, postgresql_where=_WHERE, sqlite_where=_WHERE)


def downgrade() -> None:
    """Drop it again."""
    op.drop_index("payment_charge", "payment")
