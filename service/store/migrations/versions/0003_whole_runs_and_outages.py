"""Which runs compared everything, and from when to when nothing received.

Types are written out here and not imported: a later change of the models must not change what this revision made.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TIME: Final = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")
_BIG: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_UNFINISHED: Final = sa.text("done_at IS NULL")
# A process of the older version inserts no value during a rolling upgrade, so both columns have a default.
_WHOLE: Final = sa.text(r"""UPDATE reconcile_run SET whole = true
    WHERE options LIKE '%"kind"\:null%' AND options LIKE '%"since"\:null%'""")


def upgrade() -> None:
    """Add the columns and tables; which of the earlier runs were whole follows from their options."""
    op.add_column("reconcile_run", sa.Column("whole", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("reconcile_run", sa.Column("origin", sa.String(), nullable=False, server_default="command"))
    op.execute(_WHOLE)
    op.create_table(
        "presence", sa.Column("role", sa.String(), primary_key=True), sa.Column("beat_at", _TIME, nullable=False)
    )
    op.create_table(
        "outage", sa.Column("id", _BIG, primary_key=True), sa.Column("account", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False), sa.Column("began_at", _TIME, nullable=False),
        sa.Column("ended_at", _TIME, nullable=False), sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", _TIME, nullable=False), sa.Column("error", sa.Text()),
        sa.Column("run_id", _BIG), sa.Column("done_at", _TIME),
        sa.UniqueConstraint("account", "cause", "began_at", name="outage_once"),
    )  # fmt: skip
    op.create_index("outage_unfinished", "outage", ["account"], postgresql_where=_UNFINISHED, sqlite_where=_UNFINISHED)
    op.create_table(
        "sweep_turn", sa.Column("account", sa.String(), primary_key=True), sa.Column("last_at", _TIME),
        sa.Column("next_at", _TIME, nullable=False),
    )  # fmt: skip


def downgrade() -> None:
    """Drop them again, and what they hold."""
    for table in ("sweep_turn", "outage", "presence"):
        op.drop_table(table)
    op.drop_column("reconcile_run", "origin")
    op.drop_column("reconcile_run", "whole")
