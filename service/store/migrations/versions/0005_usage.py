"""Usage as reported, and the batches in which it is told to providers.

Types are written out here and not imported: a later change of the models must not change what this revision made.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TIME: Final = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")
_BIG: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_NEW: Final = sa.text("batch_id IS NULL")
_OPEN: Final = sa.text("status = 'open'")
_IN_HAND: Final = sa.text("status IN ('retry', 'sending', 'unknown')")
_DUE: Final = sa.text("status IN ('open', 'retry', 'sending', 'unknown')")
_ATTENTION: Final = sa.text("status IN ('rejected', 'needs_review')")
_STATUSES: Final = (
    "status IN ('open', 'retry', 'sending', 'unknown', 'sent', 'rejected', 'needs_review', 'unbilled', 'void')"
)


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "usage_record", sa.Column("id", _BIG, primary_key=True), _text("account"), _text("idempotency_key"),
        _text("customer_id"), _text("meter"), _big("quantity"), _time("at"), _time("recorded_at"),
        sa.Column("batch_id", _BIG), sa.UniqueConstraint("account", "idempotency_key", name="usage_record_once"),
        sa.CheckConstraint("quantity >= 0", name="usage_record_quantity"),
    )  # fmt: skip
    op.create_index("usage_record_new", "usage_record", ["id"], postgresql_where=_NEW, sqlite_where=_NEW)
    op.create_index("usage_record_batch", "usage_record", ["batch_id"])
    op.create_table(
        "usage_batch", sa.Column("id", _BIG, primary_key=True), _text("account"), _text("customer_id"), _text("meter"),
        _text("aggregation"), _time("period_start"), sa.Column("period_end", _TIME),
        sa.Column("subscription_id", sa.String()), sa.Column("item_id", sa.String()), _text("status"), _big("quantity"),
        _big("records"), _big("late"), _time("first_at"), _time("last_at"), _big("last_record"), _time("created_at"),
        sa.Column("next_attempt_at", _TIME), sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("holder", sa.String()), sa.Column("identifier", sa.String()),
        sa.Column("told", _BIG), sa.Column("billable", _BIG), sa.Column("dated_at", _TIME),
        sa.Column("total_before", _BIG), sa.Column("counted_start", _TIME), sa.Column("counted_end", _TIME),
        sa.Column("asked_at", _TIME), sa.Column("last_asked_at", _TIME), sa.Column("sent_at", _TIME), sa.Column("reason", sa.String()),
        sa.Column("error", sa.Text()), sa.CheckConstraint(_STATUSES, name="usage_batch_status"),
        sa.CheckConstraint("(status = 'sending') = (holder IS NOT NULL)", name="usage_batch_held"),
    )  # fmt: skip
    stream = ["account", "customer_id", "meter"]
    _index("usage_batch_open", [*stream, "period_start"], _OPEN, unique=True)
    _index("usage_batch_in_hand", stream, _IN_HAND, unique=True)
    _index("usage_batch_due", ["next_attempt_at"], _DUE)
    _index("usage_batch_attention", ["id"], _ATTENTION)
    op.create_index("usage_batch_customer", "usage_batch", [*stream, "period_start"])
    op.create_index("usage_batch_identifier", "usage_batch", ["account", "identifier"])


def downgrade() -> None:
    """Drop both, and the usage that they hold."""
    op.drop_table("usage_batch")
    op.drop_table("usage_record")


def _index(name: str, columns: list[str], where: sa.TextClause, *, unique: bool = False) -> None:
    op.create_index(name, "usage_batch", columns, unique=unique, postgresql_where=where, sqlite_where=where)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=False)


def _big(name: str) -> sa.Column[int]:
    return sa.Column(name, _BIG, nullable=False)


def _time(name: str) -> sa.Column[Any]:
    return sa.Column(name, _TIME, nullable=False)
