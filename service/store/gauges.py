"""The few numbers worth an alarm, each from a partial index: a GROUP BY over the events would take the table down."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, select

from service.store.tables import EVENTS

_COUNTED = 1000


def backlog(connection: Connection, now: datetime) -> tuple[float, int]:
    """Seconds since the oldest waiting event fell due, and the number of dead events (counted up to 1000)."""
    waiting = select(func.min(EVENTS.c.next_attempt_at)).where(EVENTS.c.status.in_(("received", "retry")))
    oldest = connection.execute(waiting).scalar()
    dead = select(EVENTS.c.id).where(EVENTS.c.status == "dead").limit(_COUNTED).subquery()
    count = connection.execute(select(func.count()).select_from(dead)).scalar_one()
    due = datetime.fromisoformat(oldest) if isinstance(oldest, str) else oldest
    return max((now - due).total_seconds(), 0.0) if due is not None else 0.0, count
