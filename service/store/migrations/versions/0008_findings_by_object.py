"""Findings are looked up by the provider object within a run, once a page: without an index each page reads them all."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The index by run becomes one by run and object."""
    op.create_index("drift_run_source", "drift", ["run_id", "source"])
    op.drop_index("drift_run", "drift")


def downgrade() -> None:
    """The index by run alone."""
    op.create_index("drift_run", "drift", ["run_id"])
    op.drop_index("drift_run_source", "drift")
