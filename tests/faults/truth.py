"""What must hold in the database, whatever happened to the processes: derived from the stored events alone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, TypeAlias

from sqlalchemy import select, text

from service.model import Content
from service.store import state
from service.store.engine import Database
from service.store.tables import CHANGES, EVENTS, STATE
from service.store.types import to_text
from service.system import discover
from tests.faults.load import Sent

Object: TypeAlias = tuple[str, str, str]
"""An account, a kind, an id."""

_LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def expire_leases(database: Database) -> None:
    """Let the thirty seconds of a killed worker's lease be over, without waiting for them.

    Nothing lives that could still write under these leases: what the next worker finds is what it would find then.
    """
    past = _LONG_AGO if database.postgres else to_text(_LONG_AGO)
    with database.write() as connection:
        connection.execute(text("UPDATE subject_lease SET lease_until = :past"), {"past": past})
        due = "UPDATE webhook_event SET next_attempt_at = :past WHERE status = 'processing'"
        connection.execute(text(due), {"past": past})


def count(database: Database, status: str) -> int:
    """How many events are in this status."""
    with database.read() as connection:
        query = text("SELECT count(*) FROM webhook_event WHERE status = :status")
        return int(connection.execute(query, {"status": status}).scalar_one())


def unfinished(database: Database) -> int:
    """How many events are still to be processed."""
    return sum(count(database, status) for status in ("received", "retry", "processing"))


def events(database: Database) -> list[Any]:
    """Every stored event, in the order of receipt."""
    with database.read() as connection:
        return list(connection.execute(select(EVENTS).order_by(EVENTS.c.id)))


def assert_nothing_lost(stored: list[Any], sent: Sent) -> None:
    """Every acknowledged event is stored once, under the id that the answer named, byte for byte."""
    ours = {(row.account, row.event_id): row.id for row in stored}
    assert len(ours) == len(stored)
    assert {key: ours.get(key) for key in sent.acknowledged} == sent.acknowledged
    assert {key for row in stored if row.payload != sent.bodies[key := (row.account, row.event_id)]} == set()


def assert_state_is_newest(database: Database, stored: list[Any]) -> None:
    """Each object's row exists and says what its newest event says, and the history of its fields is one unbroken chain."""
    newest: dict[Object, Content] = {}
    for row in sorted(stored, key=lambda row: row.occurred_at):
        (snapshot,) = discover()[row.account].map(row.payload).snapshots
        newest[row.account, snapshot.kind, snapshot.id] = snapshot.content()
    with database.read() as connection:
        changes = list(connection.execute(select(CHANGES).order_by(CHANGES.c.id)))
        rows = list(connection.execute(select(STATE["subscription"].c.account, STATE["subscription"].c.id)))
        held = {
            (account, *key): row.content
            for account in {row.account for row in rows}
            for key, row in state.load(
                connection, account, [("subscription", row.id) for row in rows if row.account == account]
            ).items()
        }
    assert held.keys() == newest.keys()
    assert {key: content for key, content in held.items() if content != newest[key]} == {}
    _assert_unbroken(changes)
    last = {_object(change): change.new for change in changes if change.field == "customer_id"}
    assert last == {key: newest[key]["customer_id"] for key in last}


def _object(change: Any) -> Object:
    return change.account, change.kind, change.object_id


def _assert_unbroken(changes: list[Any]) -> None:
    """No event changed a field twice, and each change starts where the one before it ended.

    A new row leaves one entry, for its status; a field's first entry therefore starts anywhere.
    """
    steps = [(_object(change), change.field, change.cause) for change in changes]
    assert len(steps) == len(set(steps))
    reached: dict[tuple[Object, str], str | None] = {}
    for change in changes:
        key = (_object(change), change.field)
        assert change.old == reached.get(key, change.old), change
        assert change.old != change.new or change.field == "status", change
        reached[key] = change.new
    created = [change for change in changes if change.field == "status"]
    assert len(created) == len({_object(change) for change in changes})
