"""Whose plan may have changed: noted in the transaction that changed a subscription, worked off by the worker.

Rows are only added here, never merged, so that two writers of one user's subscriptions don't wait for each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, delete, select, text

from service.model import Content
from service.store import bulk
from service.store.state import StateRow
from service.store.tables import CHECKS

_COLUMNS: Final = ("account", "user_id", "customer_id", "cause", "due_at", "timer")
_TELLING: Final = ("status", "offer_id", "cancels_at", "collection_paused", "user_id", "customer_id")
# Any number that no other advisory lock of ours uses.
_ONE_AT_A_TIME: Final = 7_205_759_403_792_795


class Subject(msgspec.Struct, frozen=True):
    """A user of the application, or a customer at an account of whom no user is known."""

    user_id: str | None = None
    account: str | None = None
    customer_id: str | None = None


class Check(msgspec.Struct, frozen=True):
    """Look at this subject's plan again: `account` and `cause` are what the change will be filed under."""

    subject: Subject
    account: str
    cause: str


def of_row(account: str, row: StateRow, cause: str) -> Iterator[Check]:
    """Whom the change of one row (from `saved` to `content`) may give another plan. Pure."""
    if row.kind == "subscription" and _told(row.saved, row.saved_deleted_at) != _told(row.content, row.deleted_at):
        owners = (_owner(account, content) for content in (row.saved, row.content) if content is not None)
        subjects = {each for each in owners if each is not None}
    elif row.kind == "customer" and _user(row.saved) != _user(row.content):
        subjects = {Subject(account=account, customer_id=row.id)}
        subjects |= {Subject(user_id=each) for each in (_user(row.saved), _user(row.content)) if each}
    else:
        return
    yield from (Check(each, account, cause) for each in sorted(subjects, key=repr))


def add(connection: Connection, checks: Iterable[Check], due_at: datetime, *, timer: bool = False) -> None:
    """Note these; each is due at `due_at`."""
    rows: list[dict[str, Any]] = [
        {
            "account": each.account, "user_id": each.subject.user_id, "customer_id": each.subject.customer_id,
            "cause": each.cause, "due_at": due_at, "timer": timer,
        }
        for each in dict.fromkeys(checks)
    ]  # fmt: skip
    bulk.insert(connection, CHECKS, rows, columns=_COLUMNS)


def alone(connection: Connection) -> bool:
    """True where this transaction is the only one that works them off: two would both write the same change."""
    if connection.dialect.name != "postgresql":
        return True
    return bool(connection.execute(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": _ONE_AT_A_TIME}).scalar())


def any_due(connection: Connection, now: datetime) -> bool:
    """True where something is due."""
    return connection.execute(select(CHECKS.c.id).where(CHECKS.c.due_at <= now).limit(1)).first() is not None


def take(connection: Connection, now: datetime, limit: int) -> list[Check]:
    """The first that are due, taken away; one a subject, filed under the newest cause that is not the clock, where there is one."""
    due = select(CHECKS).where(CHECKS.c.due_at <= now).order_by(CHECKS.c.due_at, CHECKS.c.id).limit(limit)
    rows = connection.execute(due).all()
    connection.execute(delete(CHECKS).where(CHECKS.c.id.in_([row.id for row in rows])))
    found: dict[Subject, Check] = {}
    for row in sorted(rows, key=lambda row: int(row.id)):
        subject = (
            Subject(user_id=row.user_id) if row.user_id else Subject(account=row.account, customer_id=row.customer_id)
        )
        if not row.timer or subject not in found:
            found[subject] = Check(subject, row.account, row.cause)
    return list(found.values())


def recorded(connection: Connection, accounts: Sequence[str], subjects: Sequence[Subject]) -> dict[Subject, str | None]:
    """The plan that the history last names for each subject; a subject without any is absent."""
    wanted: list[tuple[int, str, str | None]] = [
        (n, name, each.user_id) for n, each in enumerate(subjects) if each.user_id for name in accounts
    ]
    wanted += [(n, each.account or "", each.customer_id) for n, each in enumerate(subjects) if not each.user_id]
    source, parameters = bulk.incoming(connection, {"n": "integer", "a": "text", "o": "text"}, wanted)
    statement = (
        f"SELECT w.n, h.new FROM (SELECT i.n, max(h.id) AS id FROM {source} JOIN state_change h ON h.account = i.a"
        " AND h.kind = 'entitlement' AND h.object_id = i.o GROUP BY i.n) AS w JOIN state_change h ON h.id = w.id"
    )
    return {subjects[int(row[0])]: row[1] for row in connection.execute(text(statement), parameters)}


def of_users(connection: Connection, checks: Sequence[Check]) -> list[Check]:
    """The same, one a subject, with customers as the users that they are: the customer's own, else its subscriptions'.

    A customer stays one where some subscription is of no known user.
    """
    users = _users(connection, [each.subject for each in checks if not each.subject.user_id])
    found: dict[Subject, Check] = {}
    for each in checks:
        for subject in users.get(each.subject, [each.subject]):
            found.setdefault(subject, Check(subject, each.account, each.cause))
    return list(found.values())


def _users(connection: Connection, customers: Sequence[Subject]) -> dict[Subject, list[Subject]]:
    source, parameters = bulk.incoming(
        connection, {"a": "text", "c": "text"}, [(each.account, each.customer_id) for each in customers]
    )
    statement = (
        f"SELECT i.a, i.c, coalesce(c.user_id, s.user_id) FROM {source}"
        " LEFT JOIN customer c ON c.account = i.a AND c.id = i.c"
        " LEFT JOIN subscription s ON s.account = i.a AND s.customer_id = i.c AND c.user_id IS NULL"
    )
    found: dict[Subject, set[str | None]] = {}
    for row in connection.execute(text(statement), parameters):
        found.setdefault(Subject(account=row[0], customer_id=row[1]), set()).add(row[2])
    known = {subject: sorted(filter(None, users)) for subject, users in found.items() if None not in users}
    return {subject: [Subject(user_id=each) for each in users] for subject, users in known.items()}


def stop_timers(connection: Connection, subjects: Sequence[Subject]) -> None:
    """Take away what these subjects wait for."""
    rows = [(each.user_id, each.account, each.customer_id) for each in subjects]
    source, parameters = bulk.incoming(connection, {"u": "text", "a": "text", "c": "text"}, rows)
    statement = (
        f"DELETE FROM entitlement_check WHERE timer AND id IN (SELECT e.id FROM {source} JOIN entitlement_check e"
        " ON e.user_id = i.u UNION ALL"
        f" SELECT e.id FROM {source} JOIN entitlement_check e"
        " ON e.user_id IS NULL AND e.account = i.a AND e.customer_id = i.c)"
    )
    connection.execute(text(statement), parameters)


def _told(content: Content | None, deleted_at: datetime | None) -> object:
    """What of a subscription decides about plans; a renewal changes none of it."""
    if content is None:
        return None
    items = [(each.get("price_id"), each.get("quantity")) for each in content.get("items", ())]
    return [content.get(name) for name in _TELLING], items, deleted_at


def _owner(account: str, content: Content) -> Subject | None:
    if content.get("user_id"):
        return Subject(user_id=content["user_id"])
    return Subject(account=account, customer_id=content["customer_id"]) if content.get("customer_id") else None


def _user(content: Content | None) -> str | None:
    return (content or {}).get("user_id")
