"""What a subscription was bought as, e-mail addresses however they are written, and whose plan to look at again.

Types are written out here and not imported: a later change of the models must not change what this revision made.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_TIME: Final = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")
_BIG: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_FOLDED: Final = ("customer", "subscription")


def upgrade() -> None:
    """Add the column, the indexes and the table. `offer_id` fills up with the next event or run."""
    op.add_column("subscription", sa.Column("offer_id", sa.String()))
    for table in _FOLDED:
        op.create_index(f"{table}_email_folded", table, [sa.text("lower(email)")])
    op.create_table(
        "entitlement_check",
        sa.Column("id", _BIG, primary_key=True),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("user_id", sa.String()),
        sa.Column("customer_id", sa.String()),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("due_at", _TIME, nullable=False),
        sa.Column("timer", sa.Boolean(), nullable=False),
    )
    op.create_index("entitlement_check_due", "entitlement_check", ["due_at"])
    op.create_index("entitlement_check_subject", "entitlement_check", ["user_id", "account", "customer_id"])


def downgrade() -> None:
    """Drop them again, and what they hold."""
    op.drop_table("entitlement_check")
    for table in _FOLDED:
        op.drop_index(f"{table}_email_folded", table)
    op.drop_column("subscription", "offer_id")
