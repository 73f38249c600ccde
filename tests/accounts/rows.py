"""Every row of every table, by the account that it belongs to."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import Select, Table, bindparam, select
from sqlmodel import SQLModel

from service.store.engine import Database
from service.store.run_tables import ReconcileRun

Rows = dict[str, list[tuple[Any, ...]]]
# Of processes and of limits at the provider, not of accounts.
SHARED = {"read_budget", "heartbeat", "presence"}


def of(database: Database, account: str) -> Rows:
    """All rows of one account, by table, as they are stored."""
    found: Rows = {}
    with database.read() as connection:
        for table in SQLModel.metadata.sorted_tables:
            chosen = _chosen(table)
            if chosen is not None:
                found[table.name] = [tuple(row) for row in connection.execute(chosen, {"mine": account})]
    return found


@cache
def _chosen(table: Table) -> Select[Any] | None:
    if table.name in SHARED:
        return None
    every = select(table).order_by(*table.primary_key)
    if "account" in table.c:
        return every.where(table.c.account == bindparam("mine"))
    runs = SQLModel.metadata.tables[str(ReconcileRun.__tablename__)]
    assert "run_id" in table.c, f"{table.name} has neither an account nor a run: whose rows are these?"
    return every.where(table.c.run_id.in_(select(runs.c.id).where(runs.c.account == bindparam("mine"))))
