"""Writes to providers, recorded before they are sent.

Types are written out here and not imported: a later change of the models must not change what this revision made.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_TIME: Final = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")
_OPEN: Final = "status IN ('pending', 'unknown')"
_STATUSES: Final = "('pending', 'unknown', 'done', 'pending_checkout', 'refused', 'not_done', 'needs_review')"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "provider_call",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("idempotency_key", sa.String(), nullable=False),
        sa.Column("operation", sa.String(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("parameters", sa.Text(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("sent_key", sa.String(), nullable=False),
        sa.Column("kind", sa.String()),
        sa.Column("object_id", sa.String()),
        sa.Column("url", sa.Text()),
        sa.Column("error", sa.Text()),
        sa.Column("began_at", _TIME, nullable=False),
        sa.Column("sent_at", _TIME, nullable=False),
        sa.Column("finished_at", _TIME),
        sa.Column("next_attempt_at", _TIME),
        sa.Column("holder", sa.String()),
        sa.Column("lease_until", _TIME),
        sa.UniqueConstraint("account", "idempotency_key", name="provider_call_once"),
        sa.CheckConstraint(f"status IN {_STATUSES}", name="provider_call_status"),
        sa.CheckConstraint(f"({_OPEN}) = (next_attempt_at IS NOT NULL)", name="provider_call_due"),
    )
    op.create_index("provider_call_object", "provider_call", ["account", "kind", "object_id"])
    _partial("provider_call_open", _OPEN, "next_attempt_at")
    _partial("provider_call_review", "status = 'needs_review'", "began_at")


def downgrade() -> None:
    """Drop it, and with it what is known of writes whose outcome is open."""
    op.drop_table("provider_call")


def _partial(name: str, where: str, column: str) -> None:
    condition = sa.text(where)
    op.create_index(name, "provider_call", [column], postgresql_where=condition, sqlite_where=condition)
