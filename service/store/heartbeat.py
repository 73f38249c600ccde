"""Which processes live. A process that stops on purpose takes its row away; one that dies leaves it behind."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete

from service.store import bulk
from service.store.run_tables import Heartbeat
from service.store.tables import table

_TABLE = table(Heartbeat)
_FORGET = timedelta(days=7)


def beat(connection: Connection, process: str, role: str, started_at: datetime, now: datetime) -> None:
    """Say that `process` lives, and forget processes not heard of for a week."""
    row = {"process": process, "role": role, "started_at": started_at, "beat_at": now}
    bulk.upsert(connection, _TABLE, [row], columns=("process", "role", "started_at", "beat_at"))
    connection.execute(delete(_TABLE).where(_TABLE.c.beat_at < now - _FORGET))


def end(connection: Connection, process: str) -> None:
    """Take the row of a process away that stops on purpose."""
    connection.execute(delete(_TABLE).where(_TABLE.c.process == process))
