"""Batches of usage: records gathered by customer, meter and period, and told one batch at a time.

    records --gather--> open --claim--> sending --finish--> sent | rejected | needs_review | unbilled
                         ^                | |  \\--finish--> unknown --claim--> sending ...   (it may have been taken)
                         |                | \\-----finish--> retry   --claim--> sending ...   (it was not taken)
                         \\--reopen-------/  \\--void: its records are gathered anew
    sending --the holder died--> claimed again, as unknown if it was asked before
    rejected | needs_review --a person, or the provider's total, decides--> sent | unbilled | retry
    any but void --reject: refused after it was taken--> rejected

Two unique indexes do the guarding: one open batch for each customer, meter and period, and one batch in hand for each
customer and meter. A claim is fenced by its holder: who was taken for dead changes nothing any more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, and_, exists, insert, or_, select, text, update
from sqlalchemy.exc import IntegrityError

from service.errors import LeaseLost
from service.store import bulk
from service.store.tables import USAGE_BATCHES as BATCHES
from service.store.tables import USAGE_RECORDS as RECORDS
from service.store.usage_records import parsed, unmoved
from service.store.usage_tables import IN_HAND
from service.usage_periods import Period

LEASE: Final = timedelta(seconds=120)
_DUE: Final = ("open", *IN_HAND)


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """One row of `usage_batch`; see there."""

    id: int
    account: str
    customer_id: str
    meter: str
    aggregation: str
    period_start: datetime
    period_end: datetime | None
    subscription_id: str | None
    item_id: str | None
    status: str
    quantity: int
    records: int
    late: int
    first_at: datetime
    last_at: datetime
    last_record: int
    created_at: datetime
    due_at: datetime | None
    next_attempt_at: datetime | None
    attempts: int
    holder: str | None
    identifier: str | None
    told: int | None
    billable: int | None
    dated_at: datetime | None
    total_before: int | None
    counted_start: datetime | None
    counted_end: datetime | None
    asked_at: datetime | None
    last_asked_at: datetime | None
    sent_at: datetime | None
    reason: str | None
    error: str | None


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """New records that belong together: they join the open batch of their period, or open it."""

    account: str
    customer_id: str
    meter: str
    aggregation: str
    period_start: datetime
    period_end: datetime | None
    subscription_id: str | None
    item_id: str | None
    quantity: int
    records: tuple[int, ...]
    late: int
    first_at: datetime
    last_at: datetime
    last_record: int
    due: datetime


_COLUMNS: Final = [BATCHES.c[name] for name in Batch.__struct_fields__]
_GROUP: Final = {
    "account": "text", "customer_id": "text", "meter": "text", "aggregation": "text", "period_start": "timestamptz",
    "period_end": "timestamptz", "subscription_id": "text", "item_id": "text", "quantity": "bigint", "records": "bigint",
    "late": "bigint", "first_at": "timestamptz", "last_at": "timestamptz", "last_record": "bigint",
    "next_attempt_at": "timestamptz", "created_at": "timestamptz",
}  # fmt: skip
_NEWER: Final = "(excluded.last_at, excluded.last_record) > (b.last_at, b.last_record)"
_GATHER: Final = (
    f"INSERT INTO usage_batch AS b ({', '.join(_GROUP)}, status, attempts)"
    f" SELECT {', '.join(f'i.{name}' for name in _GROUP)}, 'open', 0 FROM {{source}} WHERE true"
    " ON CONFLICT (account, customer_id, meter, period_start) WHERE status = 'open' DO UPDATE SET"
    f" quantity = CASE WHEN b.aggregation = 'sum' THEN b.quantity + excluded.quantity WHEN {_NEWER}"
    " THEN excluded.quantity ELSE b.quantity END, records = b.records + excluded.records, late = b.late + excluded.late,"
    " first_at = CASE WHEN excluded.first_at < b.first_at THEN excluded.first_at ELSE b.first_at END,"
    f" last_at = CASE WHEN {_NEWER} THEN excluded.last_at ELSE b.last_at END,"
    f" last_record = CASE WHEN {_NEWER} THEN excluded.last_record ELSE b.last_record END,"
    " period_end = coalesce(excluded.period_end, b.period_end),"
    " subscription_id = coalesce(excluded.subscription_id, b.subscription_id),"
    " item_id = coalesce(excluded.item_id, b.item_id),"
    " next_attempt_at = CASE WHEN excluded.next_attempt_at < b.next_attempt_at THEN excluded.next_attempt_at"
    " ELSE b.next_attempt_at END"
    " RETURNING id, account, customer_id, meter, period_start"
)


def waiting(connection: Connection, now: datetime) -> bool:
    """True where a record is in no batch yet, or a batch is due: a look that costs an idle service no write."""
    record = exists().where(RECORDS.c.batch_id.is_(None))
    due = exists().where(BATCHES.c.status.in_(_DUE), BATCHES.c.next_attempt_at <= now)
    return bool(connection.execute(select(or_(record, due))).scalar_one())


def gather(connection: Connection, groups: Sequence[Group], now: datetime) -> None:
    """Put groups into the open batches of their periods. Their periods must differ within one call."""
    # Sorted, so that two gatherers that meet in two batches don't wait for each other crosswise.
    ordered = sorted(groups, key=lambda each: (each.account, each.customer_id, each.meter, each.period_start))
    rows = [_group_row(each, now) for each in ordered]
    source, parameters = bulk.incoming(connection, _GROUP, rows)
    found = connection.execute(text(_GATHER.format(source=source)), parameters).all()
    ids = {(row[1], row[2], row[3], parsed(row[4])): row[0] for row in found}
    moved = [(record, ids[g.account, g.customer_id, g.meter, g.period_start]) for g in groups for record in g.records]
    source, parameters = bulk.incoming(connection, {"id": "bigint", "batch": "bigint"}, moved)
    statement = f"UPDATE usage_record SET batch_id = i.batch FROM {source} WHERE usage_record.id = i.id"
    connection.execute(text(statement), parameters)


def claim(connection: Connection, holder: str, now: datetime) -> Batch | None:
    """The batch that has been due the longest, now `holder`'s; its status is the one that it had before.

    None where nothing is due, or another process was quicker: then the next call finds what else there is.
    """
    other = BATCHES.alias()
    same = [other.c[name] == BATCHES.c[name] for name in ("account", "customer_id", "meter")]
    busy = select(other.c.id).where(*same, other.c.status.in_(IN_HAND)).exists()
    query = select(*_COLUMNS).where(BATCHES.c.status.in_(_DUE), BATCHES.c.next_attempt_at <= now)
    query = (
        query.where(or_(BATCHES.c.status != "open", ~busy)).order_by(BATCHES.c.next_attempt_at, BATCHES.c.id).limit(1)
    )
    row = connection.execute(query.with_for_update(skip_locked=True, of=BATCHES)).one_or_none()
    if row is None:
        return None
    batch = _batch(row)
    due = batch.next_attempt_at if batch.status == "open" else batch.due_at
    values = {
        "status": "sending", "holder": holder, "due_at": due, "next_attempt_at": now + LEASE, "attempts": batch.attempts + 1,
    }  # fmt: skip
    try:
        with connection.begin_nested():
            connection.execute(update(BATCHES).where(BATCHES.c.id == batch.id).values(**values))
    except IntegrityError:
        return None
    return msgspec.structs.replace(batch, holder=holder, due_at=due, attempts=batch.attempts + 1)


def intend(connection: Connection, batch: Batch, now: datetime, **values: Any) -> Batch:
    """Record what is about to be sent, and the batch with it. Raises `LeaseLost` where it is not ours any more."""
    asked = {**values, "asked_at": now, "last_asked_at": now, "attempts": 1}
    _change(connection, batch, asked | {"next_attempt_at": now + LEASE})
    return msgspec.structs.replace(batch, **asked)


def repeat(connection: Connection, batch: Batch, now: datetime) -> None:
    """Record that it is sent again. Raises `LeaseLost` where it is not ours any more."""
    _change(connection, batch, {"last_asked_at": now, "next_attempt_at": now + LEASE})


def finish(connection: Connection, batch: Batch, status: str, due: datetime | None = None, **values: Any) -> None:
    """End an attempt: with `due` it is tried again then. Raises `LeaseLost` where it is not ours any more."""
    _change(
        connection,
        batch,
        {"reason": None, "error": None, **values, "status": status, "holder": None, "next_attempt_at": due},
    )


def reopen(connection: Connection, batch: Batch, due: datetime, **values: Any) -> None:
    """Let it gather further records until `due`. Where another one does so already, its records join that one.

    One without records of its own, which tells again what was lost, only waits.
    """
    if not batch.records:
        finish(connection, batch, "retry", due, **values)
        return
    try:
        with connection.begin_nested():
            finish(connection, batch, "open", due, due_at=None, **values)
    except IntegrityError:
        void(connection, batch, "joined")


def void(connection: Connection, batch: Batch, reason: str) -> None:
    """Take a batch that was never told apart: its records are gathered anew."""
    finish(connection, batch, "void", reason=reason)
    unmoved(connection, batch.id)


def reject(connection: Connection, account: str, reasons: Mapping[str, str]) -> int:
    """Mark the batches of these identifiers as refused afterwards, whoever holds them; how many of them are ours."""
    found = 0
    for identifier, reason in sorted(reasons.items()):
        chosen = and_(BATCHES.c.account == account, BATCHES.c.identifier == identifier, BATCHES.c.status != "void")
        values = {"status": "rejected", "holder": None, "next_attempt_at": None, "reason": reason[:255]}
        found += connection.execute(update(BATCHES).where(chosen).values(**values)).rowcount
    return found


def get(connection: Connection, batch_id: int) -> Batch | None:
    """One batch."""
    row = connection.execute(select(*_COLUMNS).where(BATCHES.c.id == batch_id)).one_or_none()
    return None if row is None else _batch(row)


def listed(connection: Connection, *conditions: Any, limit: int | None = None) -> list[Batch]:
    """The batches that meet these conditions, oldest first; with a `limit`, at most so many."""
    query = select(*_COLUMNS).where(*conditions).order_by(BATCHES.c.id).limit(limit)
    return [_batch(row) for row in connection.execute(query)]


def begun_in(connection: Connection, account: str, customer_id: str, period: Period) -> list[Batch]:
    """A customer's batches whose records are not gathered anew, of periods that begin in this one; oldest first."""
    return listed(
        connection, *_of(account, customer_id), BATCHES.c.period_start >= period.start,
        BATCHES.c.period_start < period.end,
    )  # fmt: skip


def running(connection: Connection, account: str, customer_id: str, at: datetime) -> list[Batch]:
    """The same, of periods that may run at `at`: with all of a period, since one batch may know an end that another doesn't."""
    c = BATCHES.c
    open_ = select(c.period_start).where(*_of(account, customer_id), or_(c.period_end.is_(None), c.period_end > at))
    return listed(connection, *_of(account, customer_id), c.period_start <= at, c.period_start.in_(open_))


def _of(account: str, customer_id: str) -> tuple[ColumnElement[bool], ...]:
    return BATCHES.c.account == account, BATCHES.c.customer_id == customer_id, BATCHES.c.status != "void"


def anew(batch: Batch, now: datetime) -> dict[str, Any]:
    """The columns of a batch that is told once more, from the beginning.

    Under a new identifier, each time: the provider may have taken the old one, and dropped the usage afterwards.
    """
    following = identifier(batch) if batch.identifier is not None else None
    return {"status": "retry", "due_at": now, "next_attempt_at": now, "asked_at": None, "identifier": following}


def identifier(batch: Batch) -> str:
    """The name under which a batch is told next: made from what it is, and from its last name if it had one.

    Another database's batch of the same number has another one.
    """
    name = batch.identifier or ""
    parts = (batch.account, batch.customer_id, batch.meter, batch.id, batch.created_at.isoformat(), name)
    packed = "\0".join(str(part) for part in parts).encode()
    return f"tallyhook_{hashlib.blake2b(packed, digest_size=16).hexdigest()}"


def add(connection: Connection, values: Mapping[str, Any]) -> int:
    """A batch without records of its own; its id."""
    return int(connection.execute(insert(BATCHES).values(**values).returning(BATCHES.c.id)).scalar_one())


def _change(connection: Connection, batch: Batch, values: Mapping[str, Any]) -> None:
    ours = and_(BATCHES.c.id == batch.id, BATCHES.c.holder == batch.holder, BATCHES.c.status == "sending")
    if connection.execute(update(BATCHES).where(ours).values(**values)).rowcount != 1:
        raise LeaseLost(f"usage batch {batch.id} is no longer ours")


def _group_row(group: Group, now: datetime) -> list[Any]:
    values = msgspec.structs.asdict(group)
    values |= {"records": len(group.records), "next_attempt_at": group.due, "created_at": now}
    return [values[name] for name in _GROUP]


def _batch(row: Row[Any]) -> Batch:
    return Batch(**row._mapping)
