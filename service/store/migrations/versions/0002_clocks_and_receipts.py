"""Providers whose objects have clocks, whose event ids may not survive a resend, and whose orders are only receipts.

Types are written out here and not imported: a later change of the models must not change what this revision made.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TIME: Final = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")
_CONTENT: Final = sa.text("content_key IS NOT NULL")
_BEGUN: Final = sa.text("begun_by IS NOT NULL")


def upgrade() -> None:
    """Add the columns and their indexes."""
    op.add_column("webhook_event", sa.Column("content_key", sa.String()))
    op.add_column("webhook_event", sa.Column("resent_at", _TIME))
    op.create_index(
        "webhook_event_content", "webhook_event", ["account", "content_key"], unique=True, postgresql_where=_CONTENT,
        sqlite_where=_CONTENT,
    )  # fmt: skip
    op.add_column("subscription", sa.Column("begun_by", sa.String()))
    op.add_column("subscription", sa.Column("email", sa.String()))
    op.create_index("subscription_email", "subscription", ["email"])
    op.create_index(
        "subscription_begun_by", "subscription", ["account", "begun_by"], postgresql_where=_BEGUN, sqlite_where=_BEGUN
    )
    for table in ("invoice", "payment"):
        op.add_column(table, sa.Column("receipt_of", sa.String()))


def downgrade() -> None:
    """Drop them again, and what they hold."""
    for table in ("payment", "invoice"):
        op.drop_column(table, "receipt_of")
    op.drop_index("subscription_begun_by", "subscription")
    op.drop_index("subscription_email", "subscription")
    op.drop_column("subscription", "email")
    op.drop_column("subscription", "begun_by")
    op.drop_index("webhook_event_content", "webhook_event")
    op.drop_column("webhook_event", "resent_at")
    op.drop_column("webhook_event", "content_key")
