"""Since when a batch of usage should have been told.

Types are written out here and not imported: a later change of the models must not change what this revision made.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_TIME: Final = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


def upgrade() -> None:
    """Add the column. A batch that is on its way already counts from when it was opened."""
    op.add_column("usage_batch", sa.Column("due_at", _TIME))


def downgrade() -> None:
    """Drop it again."""
    op.drop_column("usage_batch", "due_at")
