"""What the engineer on call asks the database: events, failures, changes, drift. Queries that read, and the three that
put an event back, aside, or onto the queue again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select, text, tuple_, update

from service.model import Kind
from service.store.drift import waits
from service.store.run_tables import Drift, Heartbeat, ReconcileRun
from service.store.tables import CHANGES, CHILD, EVENTS, STATE, table

Record = dict[str, Any]
_DRIFT: Final = table(Drift)
_RUNS: Final = table(ReconcileRun)
_BEATS: Final = table(Heartbeat)
_SHOWN: Final = tuple(column for column in EVENTS.c if column.name not in ("payload", "claim_id", "livemode"))
_FAILED: Final = or_(EVENTS.c.status == "dead", and_(EVENTS.c.status == "retry", EVENTS.c.error.is_not(None)))
_BIGGEST: Final = 2**63
_CHUNK: Final = 500


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Which events. `ids` are ours or the provider's; `type` may end in `*`; `since` is compared with the receipt."""

    ids: tuple[str, ...] = ()
    status: str | None = None
    type: str | None = None
    account: str | None = None
    since: datetime | None = None


def events(connection: Connection, chosen: Filter, limit: int) -> list[Record]:
    """The newest `limit` events that match, newest first, without their payloads."""
    return _records(connection, select(*_SHOWN).where(*_matching(chosen)).order_by(EVENTS.c.id.desc()).limit(limit))


def failures(connection: Connection, since: datetime | None, limit: int) -> list[Record]:
    """Dead events received since then, and every event whose last attempt failed and that will be tried again."""
    query = select(*_SHOWN).where(_FAILED)
    if since is not None:
        query = query.where(or_(EVENTS.c.status == "retry", EVENTS.c.received_at >= since))
    return _records(connection, query.order_by(EVENTS.c.id.desc()).limit(limit))


def payload(connection: Connection, id_: int) -> bytes:
    """The bytes of one event as they were received."""
    return bytes(connection.execute(select(EVENTS.c.payload).where(EVENTS.c.id == id_)).scalar_one())


def candidates(connection: Connection, chosen: Filter) -> list[tuple[int, str, str]]:
    """(our id, status, type) of every event that matches and is in nobody's hands, in the order of receipt."""
    query = select(EVENTS.c.id, EVENTS.c.status, EVENTS.c.type).where(*_matching(chosen))
    rows = connection.execute(query.where(EVENTS.c.status != "processing").order_by(EVENTS.c.id))
    return [(row[0], row[1], row[2]) for row in rows]


def payloads(connection: Connection, ids: Sequence[int]) -> Iterator[tuple[int, str, str | None, bytes]]:
    """(our id, account, reason, payload) of these events, a chunk at a time."""
    columns = (EVENTS.c.id, EVENTS.c.account, EVENTS.c.reason, EVENTS.c.payload)
    for chunk in _chunks(ids):
        for row in connection.execute(select(*columns).where(EVENTS.c.id.in_(chunk))):
            yield row[0], row[1], row[2], bytes(row[3])


def put_back(connection: Connection, ids: Sequence[int], now: datetime) -> int:
    """Queue these events as if just received; how many. An event that a worker holds is left to it."""
    fresh = {"status": "received", "attempts": 0, "next_attempt_at": now, "applied_at": None}
    fresh |= dict.fromkeys(("verdict", "reason", "error"))
    done = 0
    for chunk in _chunks(ids):
        free = EVENTS.c.id.in_(chunk), EVENTS.c.status != "processing"
        done += connection.execute(update(EVENTS).where(*free).values(**fresh)).rowcount
    return done


def rename(connection: Connection, id_: int, kind: str | None, object_id: str | None) -> None:
    """Record what an ignored event is about, as the adapter reads it now."""
    free = EVENTS.c.id == id_, EVENTS.c.status == "ignored"
    connection.execute(update(EVENTS).where(*free).values(kind=kind, object_id=object_id))


def dismiss(connection: Connection, id_: int) -> bool:
    """Put a dead event aside for good; False where it is not dead (any more)."""
    dead = EVENTS.c.id == id_, EVENTS.c.status == "dead"
    return connection.execute(update(EVENTS).where(*dead).values(status="ignored", reason="dismissed")).rowcount == 1


def counts(connection: Connection) -> dict[str, int]:
    """How many events are in each status."""
    rows = connection.execute(select(EVENTS.c.status, func.count()).group_by(EVENTS.c.status))
    return {row[0]: row[1] for row in rows}


def oldest_waiting(connection: Connection) -> datetime | None:
    """When the event was received that has been waiting the longest."""
    # The literal text is what lets both databases use the partial index over waiting events.
    waiting = text("status IN ('received', 'retry')")
    found: datetime | None = connection.execute(select(func.min(EVENTS.c.received_at)).where(waiting)).scalar()
    return found


def first_received(connection: Connection, account: str) -> datetime | None:
    """When the account's first event was received."""
    query = select(EVENTS.c.received_at).where(EVENTS.c.account == account).order_by(EVENTS.c.id).limit(1)
    found: datetime | None = connection.execute(query).scalar()
    return found


def last_complete(connection: Connection, account: str) -> Record | None:
    """The account's newest run that set out to compare every kind, did, and was no rehearsal."""
    done = _RUNS.c.account == account, _RUNS.c.status == "complete", _RUNS.c.dry_run.is_(False), _RUNS.c.whole.is_(True)
    columns = (_RUNS.c.id, _RUNS.c.started_at, _RUNS.c.finished_at, _RUNS.c.full)
    found = _records(connection, select(*columns).where(*done).order_by(_RUNS.c.id.desc()).limit(1))
    return found[0] if found else None


def heartbeats(connection: Connection) -> list[Record]:
    """When each process last said that it lives."""
    return _records(connection, select(_BEATS).order_by(_BEATS.c.role, _BEATS.c.process))


def drift(
    connection: Connection,
    *,
    account: str | None = None,
    subject: tuple[str, str] | None = None,
    only_open: bool = True,
) -> list[Record]:
    """Judged differences, oldest first; `only_open` are those that wait for a person. `subject`: (kind, object id)."""
    query = select(*(_DRIFT.c[name] for name in _DRIFT.c.keys())).order_by(_DRIFT.c.id)  # noqa: SIM118
    if account is not None:
        query = query.where(_DRIFT.c.account == account)
    if subject is not None:
        query = query.where(_DRIFT.c.kind == subject[0], _DRIFT.c.object_id == subject[1])
    if only_open:
        query = query.where(waits())
    return _records(connection, query)


def rows(connection: Connection, asked: str) -> list[tuple[Kind, Record]]:
    """The state rows, in every account, that this id, e-mail address or user id of the application names."""
    found: list[tuple[Kind, Record]] = []
    for kind, each in STATE.items():
        named = [each.c.id == asked]
        named += [each.c[name] == asked for name in ("charge_id", "user_id") if name in each.c]
        if "email" in each.c and "@" in asked:
            named.append(func.lower(each.c.email) == asked.lower())
        found += [(kind, record) for record in _records(connection, select(each).where(or_(*named)).limit(100))]
    return found


def row(connection: Connection, account: str, kind: Kind, id_: str) -> Record | None:
    """One state row."""
    each = STATE[kind]
    found = _records(connection, select(each).where(each.c.account == account, each.c.id == id_))
    return found[0] if found else None


def belonging(connection: Connection, account: str, customer_id: str, limit: int) -> list[tuple[Kind, Record]]:
    """The newest rows of each kind that belong to a customer."""
    found: list[tuple[Kind, Record]] = []
    for kind, each in STATE.items():
        if "customer_id" in each.c:
            query = select(each).where(each.c.account == account, each.c.customer_id == customer_id)
            query = query.order_by(each.c.created_at.desc(), each.c.id).limit(limit)
            found += [(kind, record) for record in _records(connection, query)]
    return found


def children(connection: Connection, account: str, kind: str, id_: str) -> list[Record]:
    """The items of a subscription, the lines of an invoice; nothing for other kinds."""
    if kind not in CHILD:
        return []
    each, parent = CHILD[kind]
    return _records(
        connection, select(each).where(each.c.account == account, each.c[parent] == id_).order_by(each.c.id)
    )


def changes(connection: Connection, account: str, kind: str, id_: str, limit: int) -> list[Record]:
    """The newest changes of one row, oldest first."""
    about = CHANGES.c.account == account, CHANGES.c.kind == kind, CHANGES.c.object_id == id_
    return _records(connection, select(CHANGES).where(*about).order_by(CHANGES.c.id.desc()).limit(limit))[::-1]


def last_change(connection: Connection, account: str, kind: str, id_: str, field: str) -> Record | None:
    """The newest change of one field."""
    about = CHANGES.c.account == account, CHANGES.c.kind == kind, CHANGES.c.object_id == id_, CHANGES.c.field == field
    found = _records(connection, select(CHANGES).where(*about).order_by(CHANGES.c.id.desc()).limit(1))
    return found[0] if found else None


def caused_by(connection: Connection, cause: str) -> list[Record]:
    """What one cause (`event:12`, `run:3`) changed, in order."""
    return _records(connection, select(CHANGES).where(CHANGES.c.cause == cause).order_by(CHANGES.c.id))


def events_about(
    connection: Connection, account: str, subjects: Sequence[tuple[str, str]], ids: Sequence[int], limit: int
) -> list[Record]:
    """The newest events about these provider objects or with these ids of ours, oldest first."""
    about = tuple_(EVENTS.c.kind, EVENTS.c.object_id).in_(list(subjects))
    query = select(*_SHOWN).where(EVENTS.c.account == account, or_(about, EVENTS.c.id.in_(list(ids)[:_CHUNK])))
    return _records(connection, query.order_by(EVENTS.c.occurred_at.desc(), EVENTS.c.id.desc()).limit(limit))[::-1]


def _matching(chosen: Filter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if chosen.ids:
        numbers = [int(each) for each in chosen.ids if _is_number(each)]
        found.append(or_(EVENTS.c.id.in_(numbers), EVENTS.c.event_id.in_(chosen.ids)))
    if chosen.status is not None:
        found.append(EVENTS.c.status == chosen.status)
    if chosen.type is not None:
        exact, prefix = EVENTS.c.type == chosen.type, chosen.type.removesuffix("*")
        found.append(EVENTS.c.type.startswith(prefix, autoescape=True) if chosen.type.endswith("*") else exact)
    if chosen.account is not None:
        found.append(EVENTS.c.account == chosen.account)
    if chosen.since is not None:
        found.append(EVENTS.c.received_at >= chosen.since)
    return found


def _is_number(text_: str) -> bool:
    return text_.isascii() and text_.isdigit() and len(text_) < 20 and int(text_) < _BIGGEST


def _records(connection: Connection, query: Select[Any]) -> list[Record]:
    found: Sequence[Mapping[str, Any]] = connection.execute(query).mappings().all()  # type: ignore[assignment]
    return [dict(each) for each in found]


def _chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), _CHUNK):
        yield ids[start : start + _CHUNK]
