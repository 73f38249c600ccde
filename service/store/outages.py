"""Times in which nothing received, until a run has caught up on them; and whose turn it is to be swept in small."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Table, or_, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from service.store.run_tables import Outage, Presence, SweepTurn
from service.store.tables import table

_PRESENCE: Final[Table] = table(Presence)
_OUTAGES: Final[Table] = table(Outage)
_TURNS: Final[Table] = table(SweepTurn)
# The literal text is what lets both databases use the partial index.
_UNFINISHED: Final = text("done_at IS NULL")
SILENCE: Final = "silence"
SWEEP: Final = "sweep"


class Unfinished(msgspec.Struct, frozen=True, kw_only=True):
    """An outage on which no run has caught up yet. `attempts` counts the one in hand, `error` is of the last one."""

    id: int
    account: str
    cause: str
    began_at: datetime
    ended_at: datetime
    attempts: int
    next_attempt_at: datetime
    error: str | None


_COLUMNS: Final = tuple(_OUTAGES.c[name] for name in Unfinished.__struct_fields__)


def present(connection: Connection, role: str, now: datetime) -> datetime | None:
    """Say that a process of `role` lives; returns when one last said so, None for the first time.

    Of two that speak at once one is enough, so nobody waits for a row that another holds: the other one gets None.
    """
    seen = select(_PRESENCE.c.beat_at).where(_PRESENCE.c.role == role).with_for_update(skip_locked=True)
    before: datetime | None = connection.execute(seen).scalar()
    if before is None:
        _add(connection, _PRESENCE, [{"role": role, "beat_at": now}])
        return None
    connection.execute(update(_PRESENCE).where(_PRESENCE.c.role == role).values(beat_at=now))
    return before


def record(connection: Connection, account: str, cause: str, began_at: datetime, ended_at: datetime) -> bool:
    """Note an outage, due at once; False where it was noted already."""
    row = {"account": account, "cause": cause, "began_at": began_at, "ended_at": ended_at}
    return _add(connection, _OUTAGES, [row | {"attempts": 0, "next_attempt_at": ended_at}])


def claim(connection: Connection, account: str, now: datetime, lease: timedelta) -> list[Unfinished]:
    """All outages of an account that are due, for one caller: the others find nothing due until the lease is over.

    One run catches up on all of them. A holder that dies is followed by another when its lease is over; one that lives
    longer than its lease is protected by the lock of its run.
    """
    due = (_OUTAGES.c.account == account) & _UNFINISHED & (_OUTAGES.c.next_attempt_at <= now)
    values = {"attempts": _OUTAGES.c.attempts + 1, "next_attempt_at": now + lease}
    return _all(connection.execute(update(_OUTAGES).where(due).values(**values).returning(*_COLUMNS)))


def caught_up(connection: Connection, account: str, run_id: int, began_at: datetime, now: datetime) -> int:
    """A whole run that began then has caught up on every outage that was over by then; how many those were."""
    over = (_OUTAGES.c.account == account) & _UNFINISHED & (_OUTAGES.c.ended_at <= began_at)
    return connection.execute(update(_OUTAGES).where(over).values(run_id=run_id, done_at=now, error=None)).rowcount


def postpone(connection: Connection, ids: Sequence[int], error: str, until: datetime) -> None:
    """The attempt failed; the next one may begin at `until`."""
    _set(connection, ids, error=error, next_attempt_at=until)


def give_back(connection: Connection, ids: Sequence[int], now: datetime) -> None:
    """The attempt was broken off by us, or began too early to count for these: they are due again, and it does not count."""
    _set(connection, ids, attempts=_OUTAGES.c.attempts - 1, next_attempt_at=now)


def unfinished(connection: Connection) -> list[Unfinished]:
    """Every outage on which no run has caught up yet, in the order in which they were noticed."""
    return _all(connection.execute(select(*_COLUMNS).where(_UNFINISHED).order_by(_OUTAGES.c.id)))


def take_turn(connection: Connection, account: str, now: datetime, every: timedelta) -> bool:
    """Is the account's small sweep due? True for one caller; the next turn is then `every` later.

    An account that is asked about for the first time has its turn after `every`.
    """
    if _add(connection, _TURNS, [{"account": account, "last_at": None, "next_at": now + every}]):
        return False
    # A turn that lies further ahead was set when the interval was longer.
    due = or_(_TURNS.c.next_at <= now, _TURNS.c.next_at > now + every)
    taken = update(_TURNS).where(_TURNS.c.account == account, due).values(next_at=now + every)
    return connection.execute(taken).rowcount == 1


def swept(connection: Connection, account: str, began_at: datetime) -> None:
    """The account's small sweep that began then has ended well."""
    connection.execute(update(_TURNS).where(_TURNS.c.account == account).values(last_at=began_at))


def last_swept(connection: Connection, account: str) -> datetime | None:
    """When the account's last small sweep began that ended well."""
    found: datetime | None = connection.execute(select(_TURNS.c.last_at).where(_TURNS.c.account == account)).scalar()
    return found


def _add(connection: Connection, into: Table, rows: Sequence[dict[str, Any]]) -> bool:
    """Add rows unless they are there; True where any was added."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    return connection.execute(dialect.insert(into).values(list(rows)).on_conflict_do_nothing()).rowcount > 0


def _set(connection: Connection, ids: Sequence[int], **values: Any) -> None:
    connection.execute(update(_OUTAGES).where(_OUTAGES.c.id.in_(ids), _UNFINISHED).values(**values))


def _all(rows: Any) -> list[Unfinished]:
    return [Unfinished(**row._mapping) for row in rows]
