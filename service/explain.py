"""Explain: why a customer, subscription, invoice or payment is in the state it is in, from our own records alone."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection

from service.model import Kind
from service.moments import clock
from service.store import history, people
from service.store.engine import Database
from service.store.history import Filter, Record
from service.timeline import Entry, timeline

_MANY: Final = 50
_INNER: Final = frozenset({"raw", "sources"})
Found = people.Rows


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """One row of state with what led to it. `why` is one sentence."""

    account: str
    kind: str
    id: str
    why: str
    row: Record
    items: list[Record]
    events: list[Record]
    changes: list[Record]
    drift: list[Record]


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Whom the question was about: every name on the rows, and where they are a customer, as `account:id`."""

    emails: list[str]
    user_ids: list[str]
    customers: list[str]


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known about what was asked for: events of that id, and rows in every account.

    `timeline` tells of the person where the question was a person's name (an e-mail address, a user id), else of all rows.
    """

    asked: str
    events: list[Record]
    event_sentences: list[str]
    person: Person | None
    timeline: list[Entry]
    subjects: list[Subject]


def explain(database: Database, asked: str, *, user: bool = False) -> Explanation:
    """What is known about an event, customer, subscription, invoice or payment id, an e-mail address or a user id.

    A user id of the application may also be the id of something else; with `user` it is nothing but a user id.
    """
    with database.read() as connection:
        events = [] if user else history.events(connection, Filter(ids=(asked,)), _MANY)
        theirs = _theirs(connection, asked)
        found = theirs | ({} if user else _found(connection, asked, events))
        entries = _timeline(connection, theirs or found)
        subjects = [_subject(connection, kind, row) for kind, row in found.values()]
    return Explanation(
        asked=asked,
        events=events,
        event_sentences=[_told(event) for event in events],
        person=_person(theirs) if theirs else None,
        timeline=entries,
        subjects=subjects,
    )


def _theirs(connection: Connection, asked: str) -> Found:
    """The rows of the person with this name, and of whoever has another name of theirs: a provider may know only one."""
    names = people.called(asked)
    found = people.rows(connection, names, _MANY)
    return people.rows(connection, names | people.names_in(found), _MANY) if found else {}


def _person(theirs: Found) -> Person:
    names = people.names_in(theirs)
    customers = {
        (account, id_ if kind == "customer" else row.get("customer_id"))
        for (account, _, id_), (kind, row) in theirs.items()
    }
    return Person(
        emails=sorted(names.emails),
        user_ids=sorted(names.user_ids),
        customers=sorted(f"{account}:{id_}" for account, id_ in customers if id_),
    )


def _timeline(connection: Connection, found: Found) -> list[Entry]:
    changes = people.changes(connection, found)
    sources = {(account, *key) for (account, _, _), (_, row) in found.items() for key in _sources(row)}
    return timeline(found, changes, people.events(connection, sources, _causing(changes)))


def _found(connection: Connection, asked: str, events: list[Record]) -> Found:
    """The rows asked for, then those that belong to a customer among them, then those that an event touched."""
    direct = history.rows(connection, asked)
    for event in events:
        direct += _touched(connection, event)
    for kind, row in list(direct):
        if kind == "customer":
            direct += history.belonging(connection, row["account"], row["id"], _MANY)
    return {(row["account"], kind, row["id"]): (kind, row) for kind, row in direct}


def _touched(connection: Connection, event: Record) -> list[tuple[Kind, Record]]:
    account = event["account"]
    keys = {(change["kind"], change["object_id"]) for change in history.caused_by(connection, f"event:{event['id']}")}
    named = [
        (kind, row) for kind, row in history.rows(connection, event["object_id"] or "") if row["account"] == account
    ]
    more = [(kind, history.row(connection, account, kind, id_)) for kind, id_ in sorted(keys)]
    return named + [(kind, row) for kind, row in more if row is not None]


def _subject(connection: Connection, kind: Kind, row: Record) -> Subject:
    account, id_ = row["account"], row["id"]
    changes = history.changes(connection, account, kind, id_, _MANY)
    events = history.events_about(connection, account, _sources(row), sorted(_causing(changes)), _MANY)
    return Subject(
        account=account,
        kind=kind,
        id=id_,
        why=_why(connection, kind, row, events),
        row={name: value for name, value in row.items() if name not in _INNER},
        items=history.children(connection, account, kind, id_),
        events=events,
        changes=changes,
        drift=history.drift(connection, account=account, subject=(kind, id_)),
    )


def _causing(changes: list[Record]) -> set[int]:
    """Our ids of the events that brought these changes."""
    causes = (each["cause"].partition(":") for each in changes)
    return {int(id_) for kind, _, id_ in causes if kind == "event"}


def _sources(row: Record) -> list[tuple[str, str]]:
    """The provider objects that feed a row, as events name them."""
    keys: dict[str, Any] = msgspec.json.decode(row["sources"], type=dict[str, Any])
    return [(source, id_) for source, _, id_ in (key.partition(":") for key in keys)]


def _why(connection: Connection, kind: Kind, row: Record, events: list[Record]) -> str:
    field, state = ("deleted_at", "deleted") if row["deleted_at"] else ("status", row["status"])
    change = history.last_change(connection, row["account"], kind, row["id"], field)
    sentence = f"{kind} {row['id']} ({row['account']}) is {state}"
    if change is None:
        return f"{sentence}; nothing on record says why"
    since, because = _cause(connection, row["account"], change)
    return f"{sentence} since {clock(since)} because of {because}{_unsettled(events)}"


def _cause(connection: Connection, account: str, change: Record) -> tuple[datetime, str]:
    """Since when (the provider's time where an event says it) and what brought it."""
    kind, _, id_ = change["cause"].partition(":")
    if kind == "event":
        found = history.events_about(connection, account, [("", "")], [int(id_)], 1)
        if found:
            return found[0]["occurred_at"], f"event {found[0]['event_id']} ({found[0]['type']})"
    words = {"run": f"reconcile run {id_}, which read it at the provider", "call": f"our own call {id_}"}
    return change["at"], words.get(kind, str(change["cause"]))


def _unsettled(events: list[Record]) -> str:
    dead = [each for each in events if each["status"] == "dead"]
    waiting = [each for each in events if each["status"] in ("received", "processing", "retry")]
    words = ""
    if waiting:
        words += f"; {len(waiting)} of its events still wait, the first {waiting[0]['event_id']}"
    if dead:
        words += f"; {len(dead)} of its events are dead and missing from this state: tallyhook replay {dead[0]['id']}"
    return words


def _told(event: Record) -> str:
    """What became of one event, in a sentence."""
    name = f"event {event['event_id']} ({event['type']}, {event['account']})"
    came = f"{name} was received {clock(event['received_at'])} ({event['deliveries']} deliveries, {event['source']})"
    outcome = {
        "applied": f"and applied ({event['verdict']})",
        "ignored": f"and ignored: {event['reason']}",
        "dead": f"and is dead after {event['attempts']} attempts: {event['error'] or event['reason']}",
        "retry": f"and waits for another attempt: {event['error'] or event['reason']}",
    }
    return f"{came} {outcome.get(event['status'], 'and waits to be applied')}"
