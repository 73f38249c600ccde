"""Findings of reconcile runs, and what the reconciler asks of the rows that it judges."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Connection, Table, and_, bindparam, func, or_, select, text, update
from sqlalchemy.sql import Select, Update

from service.model import Kind
from service.store import bulk
from service.store.run_tables import Drift, ReconcileRun
from service.store.tables import EVENTS, OPEN, STATE, table

DRIFT: Final[Table] = table(Drift)
_RUNS: Final[Table] = table(ReconcileRun)
_COLUMNS: Final = (
    "run_id", "account", "kind", "object_id", "source", "class", "field", "local", "remote", "cause", "action", "amount",
    "currency", "day", "found_at", "resolved_at",
)  # fmt: skip
# What a mass change would damage: the brake counts objects with a finding in one of these.
RISKY: Final = ("status", "amount", "amount_paid", "amount_due", "currency", "deleted_at")
_CHUNK: Final = 1000
_CAUSES: Final = select(DRIFT.c.source, DRIFT.c.cause).where(
    DRIFT.c.run_id == bindparam("run"), DRIFT.c["class"] == "missed_event", DRIFT.c.cause.is_not(None)
)
_BUSY: Final = (
    select(EVENTS.c.object_id)
    .distinct()
    .where(EVENTS.c.account == bindparam("account"), EVENTS.c.kind == bindparam("source"))
    .where(EVENTS.c.status.in_((*OPEN, "dead")))
)
_keys = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Finding(msgspec.Struct, kw_only=True):
    """One judged difference. `source` is the key (`source:id`) of the provider object, `object_id` the row it feeds.

    `amount` is the money at stake in minor units, `day` the UTC day to which it belongs.
    """

    id: int = 0
    kind: str
    object_id: str
    source: str | None
    drift_class: str
    field: str | None = None
    local: str | None = None
    remote: str | None = None
    cause: str | None = None
    action: str = "planned"
    amount: int | None = None
    currency: str | None = None
    day: str | None = None


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """A stored finding with the run that found it."""

    run_id: int
    account: str
    found_at: datetime
    resolved_at: datetime | None
    finding: Finding


class Local(msgspec.Struct, frozen=True):
    """One local row as the reconciler picks it: `source_ids` are the objects of the asked source that feed it."""

    id: str
    status: str | None
    created_at: datetime | None
    source_ids: tuple[str, ...]


def add(connection: Connection, run_id: int, account: str, findings: Sequence[Finding], now: datetime) -> None:
    """Store findings; those that are settled already get their time."""
    rows = []
    for found in findings:
        row = msgspec.structs.asdict(found)
        row["class"] = row.pop("drift_class")
        done = now if found.action in ("healed", "overtaken") else None
        rows.append(row | {"run_id": run_id, "account": account, "found_at": now, "resolved_at": done})
    bulk.insert(connection, DRIFT, rows, columns=_COLUMNS)


def settle(connection: Connection, run_id: int, sources: Sequence[str], action: str, now: datetime) -> None:
    """Give the planned findings of these provider objects their outcome."""
    chosen, parameters = bulk.among(connection, "source", sources)
    wanted = (DRIFT.c.run_id == run_id) & (DRIFT.c.action == "planned")
    done = now if action in ("healed", "overtaken") else None
    connection.execute(update(DRIFT).where(wanted, chosen).values(action=action, resolved_at=done), parameters)


def settle_rest(connection: Connection, run_id: int, source: str, action: str) -> int:
    """Give all planned findings of one source an outcome that heals nothing; how many there were."""
    chosen = (DRIFT.c.run_id == run_id) & (DRIFT.c.action == "planned") & _of(source)
    return connection.execute(update(DRIFT).where(chosen).values(action=action)).rowcount


def forget(connection: Connection, run_id: int, source: str) -> None:
    """Drop what an interrupted listing had found but not settled: the listing begins again."""
    unsettled = DRIFT.c.action.in_(("planned", "needs_review", "would_heal"))
    connection.execute(DRIFT.delete().where((DRIFT.c.run_id == run_id) & unsettled & _of(source)))


def supersede(
    connection: Connection, run_id: int, account: str, source: str, now: datetime, *, only: Sequence[str] | None = None,
    but: Sequence[str] = (),
) -> None:  # fmt: skip
    """Close open findings of earlier runs, about `only` these objects or all `but` those: this one has judged them anew."""
    statement, parameters = _superseding(source), {"of": account, "before": run_id, "moment": now}
    if only is not None:
        named, those = bulk.among(connection, "source", only)
        statement, parameters = statement.where(named), parameters | those
    if but:
        statement = statement.where(DRIFT.c.source.not_in(but))
    connection.execute(statement, parameters)


def accept(connection: Connection, opened: Opened, now: datetime) -> None:
    """Mark the open findings of one object as accepted."""
    chosen = (DRIFT.c.run_id == opened.run_id) & (DRIFT.c.account == opened.account)
    chosen &= (DRIFT.c.source == opened.finding.source) & (DRIFT.c.action == "needs_review")
    connection.execute(update(DRIFT).where(chosen).values(action="accepted", resolved_at=now))


def accepted_missing(connection: Connection, account: str, source: str) -> bool:
    """True where a person has accepted that this provider object is gone."""
    query = select(DRIFT.c.id).where(DRIFT.c.account == account, DRIFT.c.source == source)
    query = query.where(DRIFT.c.action == "accepted", DRIFT.c["class"] == "missing_remote").limit(1)
    return connection.execute(query).first() is not None


def accepted_excess(connection: Connection, account: str, source: str) -> int | None:
    """By how much more the provider had when a person last accepted that it has more; None where nobody did."""
    query = select(DRIFT.c.local, DRIFT.c.remote).where(DRIFT.c.account == account, DRIFT.c.source == source)
    query = query.where(DRIFT.c.action == "accepted", DRIFT.c["class"] == "usage_excess")
    row = connection.execute(query.order_by(DRIFT.c.id.desc()).limit(1)).one_or_none()
    return None if row is None else int(row.remote) - int(row.local)


def risky(connection: Connection, run_id: int, source: str) -> int:
    """How many existing rows the planned heal would change in status or amount, or mark as deleted."""
    return int(connection.execute(_risked(source), {"run": run_id}).scalar_one())


def causes(connection: Connection, run_id: int, sources: Sequence[str]) -> dict[str, str]:
    """Which of these provider objects the run's event audit found a missed event for, and the event."""
    chosen, parameters = bulk.among(connection, "source", sources)
    return {row[0]: row[1] for row in connection.execute(_CAUSES.where(chosen), parameters | {"run": run_id})}


def busy(connection: Connection, account: str, source: str, ids: Sequence[str]) -> set[str]:
    """Which of these provider objects have an event that is still open, or dead: they are pending, not drift."""
    chosen, parameters = bulk.among(connection, "object_id", ids)
    return set(connection.execute(_BUSY.where(chosen), parameters | {"account": account, "source": source}).scalars())


def count_rows(connection: Connection, account: str, kind: Kind) -> int:
    """How many rows of a kind an account has."""
    return int(connection.execute(_counted(kind), {"account": account}).scalar_one())


def by_status(connection: Connection, account: str, kind: Kind) -> dict[str | None, int]:
    """How many rows of a kind stand in each status."""
    return {row[0]: int(row[1]) for row in connection.execute(_standing(kind), {"account": account})}


def local_rows(connection: Connection, account: str, kind: Kind, source: str, after: str) -> list[Local]:
    """The next rows of a kind in key order that are not tombstones, at most a thousand."""
    found = connection.execute(_following(kind), {"account": account, "after": after}).all()
    return [Local(row[0], row[1], row[2], fed_by(source, row[3])) for row in found]


def stored(
    connection: Connection,
    *,
    account: str | None = None,
    run_id: int | None = None,
    only_open: bool = False,
    limit: int | None = None,
) -> list[Opened]:
    """Findings, oldest first; `only_open` are those that wait for a person."""
    query = select(DRIFT).order_by(DRIFT.c.id).limit(limit)
    if account is not None:
        query = query.where(DRIFT.c.account == account)
    if run_id is not None:
        query = query.where(DRIFT.c.run_id == run_id)
    if only_open:
        query = query.where(waits())
    return [_opened(row) for row in connection.execute(query)]


def one(connection: Connection, drift_id: int) -> Opened | None:
    """One finding."""
    row = connection.execute(select(DRIFT).where(DRIFT.c.id == drift_id)).one_or_none()
    return None if row is None else _opened(row)


def opened_sources(connection: Connection, account: str, source: str, run_id: int) -> list[tuple[str, str, str]]:
    """(provider object key, kind, row id) of findings of earlier runs that still wait for a person."""
    found = connection.execute(_waiting(source), {"account": account, "run": run_id})
    return [(row.source, row.kind, row.object_id) for row in found]


def tally(connection: Connection, run_id: int) -> list[tuple[str, str, str, str, int]]:
    """(kind, class, action, day, findings) of a run; a finding without a day has an empty one."""
    day = func.coalesce(DRIFT.c.day, "")
    columns = (DRIFT.c.kind, DRIFT.c["class"], DRIFT.c.action, day)
    query = select(*columns, func.count()).where(DRIFT.c.run_id == run_id).group_by(*columns).order_by(*columns)
    return [(row[0], row[1], row[2], row[3], int(row[4])) for row in connection.execute(query)]


def at_stake(connection: Connection, run_id: int) -> dict[str, int]:
    """Money at stake by currency: each object counts once, with its largest finding."""
    each = select(DRIFT.c.currency, func.max(DRIFT.c.amount).label("most"))
    each = each.where(DRIFT.c.run_id == run_id, DRIFT.c.currency.is_not(None), DRIFT.c.amount.is_not(None))
    inner = each.group_by(DRIFT.c.currency, DRIFT.c.kind, DRIFT.c.object_id).subquery()
    query = select(inner.c.currency, func.sum(inner.c.most)).group_by(inner.c.currency).order_by(inner.c.currency)
    return {row[0]: int(row[1]) for row in connection.execute(query)}


def waits() -> ColumnElement[bool]:
    """The condition that a finding waits for a person. What a dry run found stays in its report."""
    dry = select(_RUNS.c.id).where(_RUNS.c.dry_run.is_(True))
    # Written out, so that the partial index serves it.
    return and_(text("action = 'needs_review'"), DRIFT.c.run_id.not_in(dry))


def fed_by(source: str, stored_sources: str) -> tuple[str, ...]:
    """The ids of the objects of `source` among a row's stored sources."""
    prefix = f"{source}:"
    return tuple(key.removeprefix(prefix) for key in _keys.decode(stored_sources) if key.startswith(prefix))


# Made once for each kind or source: to build a statement takes several times as long as to execute it.


@lru_cache(maxsize=64)
def _superseding(source: str) -> Update:
    earlier = (DRIFT.c.account == bindparam("of")) & (DRIFT.c.run_id < bindparam("before"))
    chosen = earlier & (DRIFT.c.action == "needs_review") & _of(source)
    return update(DRIFT).where(chosen).values(action="superseded", resolved_at=bindparam("moment"))


@lru_cache(maxsize=64)
def _risked(source: str) -> Select[Any]:
    query = select(func.count(func.distinct(DRIFT.c.source)))
    query = query.where(DRIFT.c.run_id == bindparam("run"), DRIFT.c.action == "planned", _of(source))
    return query.where(DRIFT.c.field.in_(RISKY))


@lru_cache(maxsize=64)
def _waiting(source: str) -> Select[Any]:
    query = select(DRIFT.c.source, DRIFT.c.kind, DRIFT.c.object_id).distinct()
    return query.where(DRIFT.c.account == bindparam("account"), waits(), DRIFT.c.run_id < bindparam("run"), _of(source))


@lru_cache(maxsize=64)
def _counted(kind: Kind) -> Select[Any]:
    return select(func.count()).where(STATE[kind].c.account == bindparam("account"))


@lru_cache(maxsize=64)
def _standing(kind: Kind) -> Select[Any]:
    rows = STATE[kind]
    query = select(rows.c.status, func.count()).where(rows.c.account == bindparam("account"))
    return query.where(rows.c.deleted_at.is_(None)).group_by(rows.c.status)


@lru_cache(maxsize=64)
def _following(kind: Kind) -> Select[Any]:
    rows = STATE[kind]
    query = select(rows.c.id, rows.c.status, rows.c.created_at, rows.c.sources)
    query = query.where(rows.c.account == bindparam("account"), rows.c.id > bindparam("after"))
    return query.where(rows.c.deleted_at.is_(None)).order_by(rows.c.id).limit(_CHUNK)


def _of(source: str) -> Any:
    return or_(DRIFT.c.source.startswith(f"{source}:", autoescape=True), DRIFT.c.source == source)


def _opened(row: Any) -> Opened:
    names = [name for name in Finding.__struct_fields__ if name != "drift_class"]
    values = {name: row._mapping[name] for name in names}
    finding = Finding(**values, drift_class=row._mapping["class"])
    return Opened(
        run_id=row.run_id, account=row.account, found_at=row.found_at, resolved_at=row.resolved_at, finding=finding
    )
