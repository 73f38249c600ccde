"""The first schema: inbox, billing state, history, reconcile runs.

Types are written out here and not imported: a later change of the models must not change what this revision made.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TIME: Final = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")
_BIG: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TABLES: Final = (
    "webhook_event", "subject_lease", "customer", "subscription", "subscription_item", "invoice", "invoice_line", "payment",
    "refund", "dispute", "credit_note", "product", "price", "state_change", "reconcile_run", "reconcile_ledger",
    "watermark", "drift", "account_identity", "read_budget", "heartbeat",
)  # fmt: skip
_WITH_RAW: Final = (
    "customer", "subscription", "invoice", "payment", "refund", "dispute", "credit_note", "product", "price",
)  # fmt: skip


def upgrade() -> None:
    """Create every table."""
    _inbox()
    _customers()
    _subscriptions()
    _invoices()
    _payments()
    _money_back()
    _catalogue()
    _history()
    _runs()
    _drift()
    _processes()
    if op.get_bind().dialect.name == "postgresql":
        _compress()


def downgrade() -> None:
    """Drop every table, and all data with them."""
    for name in reversed(_TABLES):
        op.drop_table(name)


def _inbox() -> None:
    op.create_table(
        "webhook_event",
        _number(),
        *_strings("account", "event_id", "type", "status", required=True),
        *_strings("verdict", "reason"),
        *_texts("error"),
        _column("attempts", sa.Integer(), required=True),
        *_times("next_attempt_at"),
        *_strings("claim_id", "kind", "object_id"),
        *_times("occurred_at", "received_at", required=True),
        *_times("applied_at"),
        _column("deliveries", sa.Integer(), required=True),
        _column("livemode", sa.Boolean()),
        *_strings("source", required=True),
        _column("payload", sa.LargeBinary(), required=True),
        sa.UniqueConstraint("account", "event_id", name="webhook_event_once"),
        sa.CheckConstraint(
            "status IN ('received', 'processing', 'applied', 'ignored', 'retry', 'dead')", name="webhook_event_status"
        ),
        sa.CheckConstraint("attempts >= 0 AND deliveries >= 0", name="webhook_event_counts"),
        sa.CheckConstraint("(status = 'processing') = (claim_id IS NOT NULL)", name="webhook_event_claimed"),
        sa.CheckConstraint(
            "(status IN ('received', 'processing', 'retry')) = (next_attempt_at IS NOT NULL)", name="webhook_event_due"
        ),
    )
    op.create_index("webhook_event_object", "webhook_event", ["account", "kind", "object_id", "occurred_at"])
    _partial("webhook_event_waiting", "webhook_event", ["next_attempt_at", "id"], "status IN ('received', 'retry')")
    _partial("webhook_event_leased", "webhook_event", ["next_attempt_at"], "status = 'processing'")
    _partial("webhook_event_dead", "webhook_event", ["id"], "status = 'dead'")
    op.create_table(
        "subject_lease", *_keys("account", "kind", "object_id"), *_strings("claim_id", required=True),
        *_times("lease_until", required=True),
    )  # fmt: skip
    op.create_index("ix_subject_lease_claim_id", "subject_lease", ["claim_id"])


def _customers() -> None:
    op.create_table("customer", *_row(), *_strings("email", "name", "currency", "user_id"))
    op.create_index("customer_email", "customer", ["email"])
    op.create_index("customer_user", "customer", ["user_id"])


def _subscriptions() -> None:
    op.create_table(
        "subscription",
        *_row(),
        *_strings("customer_id", "currency"),
        *_numbers("amount"),
        *_strings("collection_method"),
        _column("collection_paused", sa.Boolean(), required=True),
        *_strings("user_id"),
        *_times("started_at", "trial_ends_at", "current_period_start", "current_period_end"),
        *_times("cancels_at", "canceled_at", "ended_at"),
    )
    op.create_index("subscription_customer", "subscription", ["account", "customer_id"])
    op.create_index("subscription_user", "subscription", ["user_id"])
    op.create_table(
        "subscription_item",
        *_keys("account", "id"),
        *_strings("subscription_id", required=True),
        *_strings("customer_id", "price_id", "product_id"),
        *_numbers("quantity"),
        *_strings("currency"),
        *_numbers("unit_amount"),
        *_strings("usage_type", "interval"),
        _column("interval_count", sa.Integer()),
        *_times("current_period_start", "current_period_end"),
        *_times("as_of", required=True),
        *_times("deleted_at"),
    )
    op.create_index("subscription_item_parent", "subscription_item", ["account", "subscription_id"])


def _invoices() -> None:
    op.create_table(
        "invoice",
        *_row(),
        *_strings("customer_id", "subscription_id", "number", "currency"),
        *_numbers("amount", "subtotal", "tax", "amount_due", "amount_paid", "amount_remaining"),
        sa.Column("amount_refunded", _BIG, nullable=False, server_default="0"),
        *_strings("billing_reason", "collection_method", "email", "user_id"),
        *_times("issued_at", "due_at", "paid_at", "voided_at"),
    )
    op.create_index("invoice_customer", "invoice", ["account", "customer_id"])
    op.create_index("invoice_subscription", "invoice", ["account", "subscription_id"])
    op.create_table(
        "invoice_line",
        *_keys("account", "invoice_id", "id"),
        *_numbers("amount"),
        *_strings("currency"),
        *_texts("description"),
        *_numbers("quantity"),
        *_strings("price_id", "subscription_item_id"),
        _column("proration", sa.Boolean(), required=True),
        *_times("period_start", "period_end"),
    )
    op.create_index("invoice_line_parent", "invoice_line", ["account", "invoice_id"])


def _payments() -> None:
    op.create_table(
        "payment",
        *_row(),
        *_strings("customer_id", "subscription_id", "invoice_id", "charge_id", "currency"),
        *_numbers("amount", "amount_paid"),
        sa.Column("amount_refunded", _BIG, nullable=False, server_default="0"),
        *_strings("failure_code", "user_id"),
        *_times("paid_at"),
    )
    op.create_index("payment_customer", "payment", ["account", "customer_id"])
    op.create_index("payment_invoice", "payment", ["account", "invoice_id"])


def _money_back() -> None:
    links = ("payment_id", "charge_id")
    reasons = ("reason", "failure_reason")
    op.create_table(
        "refund", *_row(), *_strings(*links, "customer_id", "currency"), *_numbers("amount"), *_strings(*reasons)
    )
    op.create_index("refund_payment", "refund", ["account", "payment_id"])
    op.create_table(
        "dispute", *_row(), *_strings(*links, "currency"), *_numbers("amount"), *_strings("reason"), *_times("due_at")
    )
    op.create_index("dispute_payment", "dispute", ["account", "payment_id"])
    op.create_table(
        "credit_note", *_row(), *_strings("customer_id", "invoice_id", "number", "currency"), *_numbers("amount"),
        *_strings("reason"), *_times("voided_at"),
    )  # fmt: skip
    op.create_index("credit_note_invoice", "credit_note", ["account", "invoice_id"])


def _catalogue() -> None:
    op.create_table("product", *_row(), *_strings("name"))
    op.create_table(
        "price", *_row(), *_strings("product_id", "currency"), *_numbers("amount"), *_strings("usage_type", "interval"),
        _column("interval_count", sa.Integer()),
    )  # fmt: skip


def _history() -> None:
    op.create_table(
        "state_change", _number(), *_strings("account", "kind", "object_id", "field", required=True),
        *_texts("old", "new"), *_strings("cause", required=True), *_times("at", required=True),
    )  # fmt: skip
    op.create_index("state_change_object", "state_change", ["account", "kind", "object_id"])
    op.create_index("state_change_cause", "state_change", ["cause"])


def _runs() -> None:
    op.create_table(
        "reconcile_run", _number(), *_strings("account", "status", required=True), *_times("started_at", required=True),
        *_times("finished_at"), *_times("heartbeat_at", required=True), *_strings("holder", required=True),
        _column("dry_run", sa.Boolean(), required=True), _column("full", sa.Boolean(), required=True),
        *_texts("options", required=True), *_texts("report"),
    )  # fmt: skip
    op.create_index("reconcile_run_account", "reconcile_run", ["account", "id"])
    op.create_table(
        "reconcile_ledger", sa.Column("run_id", _BIG, primary_key=True), *_keys("account", "kind"),
        *_strings("status", required=True), *_texts("reason", "cursor"),
        *_times("window_start", "window_end", "started_as_of"), *_numbers("objects", "pages", required=True),
        *_texts("progress"),
    )  # fmt: skip
    op.create_table(
        "watermark", *_keys("account", "kind"), *_times("complete_until", "confirmed_as_of", required=True),
        *_times("full_at"), _column("slice", sa.Integer(), required=True), *_numbers("run_id", required=True),
    )  # fmt: skip


def _drift() -> None:
    op.create_table(
        "drift", _number(), *_numbers("run_id", required=True),
        *_strings("account", "kind", "object_id", required=True), *_strings("source"), *_strings("class", required=True),
        *_strings("field"), *_texts("local", "remote", "cause"), *_strings("action", required=True), *_numbers("amount"),
        *_strings("currency", "day"), *_times("found_at", required=True), *_times("resolved_at"),
    )  # fmt: skip
    op.create_index("drift_run", "drift", ["run_id"])
    op.create_index("drift_object", "drift", ["account", "kind", "object_id"])
    _partial("drift_open", "drift", ["id"], "action = 'needs_review'")


def _processes() -> None:
    provider = _strings("provider", "provider_account", required=True)
    op.create_table("account_identity", *_keys("account"), *provider, *_times("seen_at", required=True))
    op.create_table(
        "read_budget", *_keys("bucket"), _column("tokens", sa.Float(), required=True),
        *_times("refilled_at", required=True), *_times("paused_until"),
    )  # fmt: skip
    op.create_table(
        "heartbeat",
        *_keys("process"),
        *_strings("role", required=True),
        *_times("started_at", "beat_at", required=True),
    )


def _compress() -> None:
    """lz4 for the large columns where the server was built with it: several times faster than the default."""
    offered = sa.text("SELECT 'lz4' = ANY (enumvals) FROM pg_settings WHERE name = 'default_toast_compression'")
    if not op.get_bind().execute(offered).scalar():
        return
    for table, column in (("webhook_event", "payload"), *((name, "raw") for name in _WITH_RAW)):
        op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET COMPRESSION lz4")


def _row() -> list[sa.Column[Any]]:
    """What every billing object has."""
    return [
        *_keys("account", "id"), *_strings("status", "provider_status"), *_times("created_at"),
        *_times("as_of", required=True), *_times("deleted_at"), *_texts("sources", required=True), *_texts("raw"),
    ]  # fmt: skip


def _number() -> sa.Column[Any]:
    return sa.Column("id", _BIG, primary_key=True)


def _keys(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.String(), primary_key=True) for name in names]


def _strings(*names: str, required: bool = False) -> list[sa.Column[Any]]:
    return [_column(name, sa.String(), required=required) for name in names]


def _texts(*names: str, required: bool = False) -> list[sa.Column[Any]]:
    return [_column(name, sa.Text(), required=required) for name in names]


def _times(*names: str, required: bool = False) -> list[sa.Column[Any]]:
    return [_column(name, _TIME, required=required) for name in names]


def _numbers(*names: str, required: bool = False) -> list[sa.Column[Any]]:
    return [_column(name, _BIG, required=required) for name in names]


def _column(name: str, kind: Any, *, required: bool = False) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=not required)


def _partial(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, postgresql_where=sa.text(where), sqlite_where=sa.text(where))
