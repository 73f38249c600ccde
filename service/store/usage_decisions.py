"""Batches of usage that a person has to look at, and what the person decides."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Literal, TypeAlias

from sqlalchemy import Connection, and_, case, func, or_, select, update
from sqlalchemy.exc import IntegrityError

from service.errors import ConfigError
from service.store import usage_batches
from service.store.tables import USAGE_BATCHES as BATCHES
from service.store.usage_batches import Batch
from service.store.usage_tables import IN_HAND

Decision: TypeAlias = Literal["told", "again", "drop"]
WAITING: Final = ("rejected", "needs_review")


def counts(connection: Connection, now: datetime) -> dict[str, int]:
    """How many batches need a person (`rejected`, `needs_review`), and how many are `overdue`: to be told for over an hour."""
    late, c = now - timedelta(hours=1), BATCHES.c
    on_its_way = and_(c.status.in_(IN_HAND), func.coalesce(c.due_at, c.created_at) < late)
    overdue = or_(on_its_way, and_(c.status == "open", c.next_attempt_at < late))
    kind = case((overdue, "overdue"), else_=BATCHES.c.status)
    query = select(kind, func.count()).where(or_(BATCHES.c.status.in_(WAITING), overdue)).group_by(kind)
    found = {row[0]: int(row[1]) for row in connection.execute(query)}
    return {name: found.get(name, 0) for name in (*WAITING, "overdue")}


def waiting(connection: Connection, *, account: str | None, statuses: tuple[str, ...], limit: int) -> list[Batch]:
    """Batches of these statuses, oldest first; by default those that wait for a person or are on their way."""
    chosen: list[Any] = [BATCHES.c.status.in_(statuses or (*WAITING, *IN_HAND))]
    chosen += [BATCHES.c.account == account] if account is not None else []
    return usage_batches.listed(connection, *chosen, limit=limit)


def decide(connection: Connection, batch_id: int, decision: Decision, now: datetime) -> Batch:
    """Let a person's word stand. Raises `ConfigError` where the batch does not wait for one.

    `told`: the provider has it. `again`: it has not, and is told anew, under a new identifier. `drop`: it is given up.
    """
    batch = usage_batches.get(connection, batch_id)
    if batch is None or not _decided(connection, batch, decision, now):
        raise ConfigError(f"no batch {batch_id} waits for a person; `tallyhook batches list` shows those that do")
    return usage_batches.get(connection, batch_id) or batch


def _decided(connection: Connection, batch: Batch, decision: Decision, now: datetime) -> bool:
    values: Mapping[str, Mapping[str, Any]] = {
        "told": {"status": "sent", "sent_at": now},
        "again": usage_batches.anew(batch, now),
        "drop": {"status": "unbilled"},
    }
    chosen = and_(BATCHES.c.id == batch.id, BATCHES.c.status.in_(WAITING))
    changed = {**values[decision], "reason": f"person_{decision}", "error": None}
    try:
        with connection.begin_nested():
            return connection.execute(update(BATCHES).where(chosen).values(**changed)).rowcount == 1
    except IntegrityError:
        raise ConfigError(
            f"another batch of the customer and meter of batch {batch.id} is under way; try again later"
        ) from None
