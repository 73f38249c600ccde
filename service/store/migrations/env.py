"""Alembic's entry: runs the revisions on the connection, and in the transaction, that `service.store.schema` opened.

Logging is left as it is: no `fileConfig`, no handlers.
"""

from __future__ import annotations

from alembic import context

from service.store.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    compare_type=True,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
