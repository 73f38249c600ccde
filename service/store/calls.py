"""Rows of `provider_call`: begun once, taken by one process at a time, finished by whoever learnt the outcome."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Connection, Row, bindparam, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from service.model import Kind
from service.store.call_tables import OPEN
from service.store.tables import CALLS

LEASE: Final = timedelta(seconds=90)
State = Literal["pending", "unknown", "done", "pending_checkout", "refused", "not_done", "needs_review"]
# What certainly did nothing: the same idempotency key may be sent again, as a new request at the provider.
VOID: Final = ("refused", "not_done")
DONE: Final = ("done", "pending_checkout")


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `provider_call`."""

    id: str
    account: str
    idempotency_key: str
    operation: str
    request: str
    parameters: str
    status: State
    attempts: int
    generation: int
    sent_key: str
    kind: Kind | None
    object_id: str | None
    url: str | None
    error: str | None
    began_at: datetime
    sent_at: datetime
    finished_at: datetime | None
    next_attempt_at: datetime | None
    holder: str | None
    lease_until: datetime | None


_COLUMNS: Final = tuple(CALLS.c[name] for name in Stored.__struct_fields__)
# Made once what every call executes and every worker again and again: to build it takes longer than to execute it.
_OF_KEY: Final = select(*_COLUMNS).where(
    CALLS.c.account == bindparam("account"), CALLS.c.idempotency_key == bindparam("key")
)
_OF_KEY_LOCKED: Final = _OF_KEY.with_for_update()
_TAKE: Final = (
    update(CALLS)
    .where(CALLS.c.id == bindparam("call"), CALLS.c.status.in_(OPEN))
    .where(or_(CALLS.c.lease_until.is_(None), CALLS.c.lease_until <= bindparam("moment")))
    .values(holder=bindparam("us"), lease_until=bindparam("over"), next_attempt_at=bindparam("over"))
    .values(attempts=CALLS.c.attempts + 1)
    .returning(*_COLUMNS)
)
_OPEN_NOW: Final = (CALLS.c.status.in_(OPEN), CALLS.c.next_attempt_at <= bindparam("moment"))
_DUE_ACCOUNTS: Final = select(CALLS.c.account).distinct().where(*_OPEN_NOW).order_by(CALLS.c.account)
_DUE: Final = (
    select(CALLS.c.id)
    .where(CALLS.c.account == bindparam("account"), *_OPEN_NOW)
    .order_by(CALLS.c.next_attempt_at)
    .limit(bindparam("most"))
)


def begin(
    connection: Connection, *, call_id: str, account: str, key: str, operation: str, request: str, parameters: str,
    holder: str, now: datetime,
) -> Stored:  # fmt: skip
    """The row of this key, locked: a new one, held by `holder`, or the one that was there."""
    values = {
        "id": call_id, "account": account, "idempotency_key": key, "operation": operation, "request": request,
        "parameters": parameters, "status": "pending", "attempts": 1, "generation": 1, "sent_key": f"{call_id}-1",
        "began_at": now, "sent_at": now,
        "next_attempt_at": now + LEASE, "holder": holder, "lease_until": now + LEASE,
    }  # fmt: skip
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    connection.execute(
        insert(CALLS).values(**values).on_conflict_do_nothing(index_elements=["account", "idempotency_key"])
    )
    found = of_key(connection, account, key, lock=True)
    assert found is not None
    return found


def of_key(connection: Connection, account: str, key: str, *, lock: bool = False) -> Stored | None:
    """The call of this idempotency key, held until the transaction ends where asked."""
    query = _OF_KEY_LOCKED if lock else _OF_KEY
    row = connection.execute(query, {"account": account, "key": key}).one_or_none()
    return None if row is None else _stored(row)


def take(connection: Connection, call_id: str, holder: str, now: datetime) -> Stored | None:
    """Hold an open call that nobody holds, for one more attempt; None where somebody else does, or it is over."""
    named = {"call": call_id, "us": holder, "moment": now, "over": now + LEASE}
    row = connection.execute(_TAKE, named).one_or_none()
    return None if row is None else _stored(row)


def renew(connection: Connection, call: Stored, parameters: str, holder: str, now: datetime) -> Stored | None:
    """Begin again what certainly did nothing: a new request at the provider, under a new key of its own.

    None where another process did so meanwhile.
    """
    generation = call.generation + 1
    values = {
        "parameters": parameters, "status": "pending", "generation": generation,
        "sent_key": f"{call.id}-{generation}", "sent_at": now, "error": None,
        "finished_at": None, "attempts": 1, "holder": holder, "lease_until": now + LEASE, "next_attempt_at": now + LEASE,
    }  # fmt: skip
    unchanged = (CALLS.c.id == call.id, CALLS.c.generation == call.generation, CALLS.c.status.in_(VOID))
    row = connection.execute(update(CALLS).where(*unchanged).values(**values).returning(*_COLUMNS)).one_or_none()
    return None if row is None else _stored(row)


def finish(
    connection: Connection, call_id: str, state: State, now: datetime, *, kind: str | None = None,
    object_id: str | None = None, url: str | None = None,
) -> None:  # fmt: skip
    """What is known to have been done stays done, whoever held the call meanwhile."""
    values = {
        "status": state, "kind": kind, "object_id": object_id, "url": url, "error": None, "finished_at": now,
        "next_attempt_at": None, "holder": None, "lease_until": None,
    }  # fmt: skip
    connection.execute(update(CALLS).where(CALLS.c.id == call_id, CALLS.c.status.not_in(DONE)).values(**values))


def close(connection: Connection, call_id: str, holder: str, state: State, now: datetime, error: str | None) -> bool:
    """End a call that this holder still holds without a result; False where it holds it no more."""
    values = {
        "status": state, "error": error, "finished_at": now, "next_attempt_at": None, "holder": None, "lease_until": None,
    }  # fmt: skip
    return _held(connection, call_id, holder, values)


def void(connection: Connection, call_id: str, now: datetime, why: str) -> None:
    """Record that a call under review was not done; its key may be tried again."""
    chosen = (CALLS.c.id == call_id, CALLS.c.status == "needs_review")
    connection.execute(update(CALLS).where(*chosen).values(status="not_done", error=why, finished_at=now))


def postpone(connection: Connection, call_id: str, holder: str, until: datetime, error: str) -> bool:
    """Leave a call `unknown`, to be settled at `until`."""
    values = {"status": "unknown", "error": error, "next_attempt_at": until, "holder": None, "lease_until": None}
    return _held(connection, call_id, holder, values)


def due_accounts(connection: Connection, now: datetime) -> list[str]:
    """The accounts that have open calls whose time has come."""
    return list(connection.execute(_DUE_ACCOUNTS, {"moment": now}).scalars())


def due(connection: Connection, now: datetime, *, account: str, limit: int) -> list[str]:
    """Ids of an account's open calls whose time has come, the oldest first."""
    return list(connection.execute(_DUE, {"account": account, "moment": now, "most": limit}).scalars())


def get(connection: Connection, call_id: str) -> Stored | None:
    """One call by our id."""
    row = connection.execute(select(*_COLUMNS).where(CALLS.c.id == call_id)).one_or_none()
    return None if row is None else _stored(row)


def listed(
    connection: Connection, *, account: str | None = None, statuses: Sequence[str] = (), limit: int = 100
) -> list[Stored]:
    """Calls, the newest first."""
    query = select(*_COLUMNS).order_by(CALLS.c.began_at.desc(), CALLS.c.id).limit(limit)
    if account is not None:
        query = query.where(CALLS.c.account == account)
    if statuses:
        query = query.where(CALLS.c.status.in_(statuses))
    return [_stored(row) for row in connection.execute(query)]


def counts(connection: Connection, account: str | None = None) -> dict[str, int]:
    """How many calls wait for an outcome, by status: `pending`, `unknown`, `needs_review`."""
    wanted = (*OPEN, "needs_review")
    query = select(CALLS.c.status, func.count()).where(CALLS.c.status.in_(wanted)).group_by(CALLS.c.status)
    if account is not None:
        query = query.where(CALLS.c.account == account)
    found = {row[0]: row[1] for row in connection.execute(query)}
    return {status: found.get(status, 0) for status in wanted}


def _held(connection: Connection, call_id: str, holder: str, values: dict[str, Any]) -> bool:
    statement = update(CALLS).where(CALLS.c.id == call_id, CALLS.c.holder == holder, CALLS.c.status.in_(OPEN))
    return connection.execute(statement.values(**values)).rowcount == 1


def _stored(row: Row[Any]) -> Stored:
    return Stored(**row._mapping)
