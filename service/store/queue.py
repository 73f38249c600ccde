"""The queue is the inbox: an open event is a job. Two dialects of one `claim`.

States and what moves an event between them:

    received --claim--> processing --complete--> applied | ignored
                             |  \\--fail--> retry --claim--> processing ...   (attempts left)
                             |   \\--fail--> dead                              (attempts used up)
                             |----release (SIGTERM)--> received | retry        (attempt given back)
                             \\----lease runs out--> claimed again, alone

Two guards, both needed. The *subject lease*: at most one live claim holds a provider object, so that a read and the
write that follows it are one step. The *fence*: a claim writes only while its events still carry its id and its lease
has not run out; a worker that stalled past its lease changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

import msgspec
from sqlalchemy import Connection, text

from service.errors import LeaseLost
from service.store import bulk
from service.store.types import to_text

Subject: TypeAlias = tuple[str, str, str]
LEASE_SECONDS: Final = 30
DIED: Final = "the worker died or stalled during this attempt"

_WAITING: Final = "e.status IN ('received', 'retry')"
_LEASED: Final = "e.status = 'processing'"
# A subject of its own for events without an object: they can't disturb each other.
_SUBJECT: Final = "coalesce(e.kind, ''), coalesce(e.object_id, 'event ' || e.id)"
_TAKEN: Final = (
    "EXISTS (SELECT 1 FROM subject_lease l WHERE l.account = e.account AND l.kind = coalesce(e.kind, '')"
    " AND l.object_id = coalesce(e.object_id, 'event ' || e.id) AND l.lease_until > :now)"
)
_RETURNED: Final = (
    "id, account, event_id, type, kind, object_id, occurred_at, coalesce(resent_at, received_at), attempts, reason,"
    " source, payload"
)


class Claimed(msgspec.Struct, frozen=True):
    """One event in our hands until the claim's lease runs out. `attempts` counts this attempt."""

    id: int
    account: str
    event_id: str
    type: str
    kind: str | None
    object_id: str | None
    occurred_at: datetime
    received_at: datetime
    attempts: int
    reason: str | None
    source: str
    payload: bytes

    @property
    def subject(self) -> Subject:
        """What is leased: the provider object, or the event itself where it names none."""
        return self.account, self.kind or "", self.object_id if self.object_id is not None else f"event {self.id}"


class Claim(msgspec.Struct, frozen=True):
    """A batch of events under one lease."""

    id: str
    events: tuple[Claimed, ...]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How one attempt ended. `next_attempt_at` goes with `retry` alone."""

    event: Claimed
    status: str
    verdict: str | None = None
    reason: str | None = None
    error: str | None = None
    next_attempt_at: datetime | None = None


def claim(
    connection: Connection,
    claim_id: str,
    now: datetime,
    *,
    limit: int,
    max_attempts: int,
    ids: Sequence[int] | None = None,
) -> Claim:
    """Take up to `limit` due events whose subjects nobody holds; the attempt is counted now.

    An event whose last claim ran out is taken alone, so that a poison event can't take its batch mates down with it.
    `ids` limits the claim to these events (the reconciler processes what its audit found).
    """
    _bury(connection, now, max_attempts)
    rows = [] if ids is not None else _take(connection, claim_id, now, _LEASED, 1, None)
    if not rows:
        rows = _take(connection, claim_id, now, _WAITING, limit, ids)
    events = sorted((Claimed(*_typed(row)) for row in rows), key=lambda event: (event.occurred_at, event.id))
    return Claim(claim_id, tuple(events))


def complete(
    connection: Connection, claim_id: str, outcomes: Sequence[Outcome], now: datetime, keep: Set[Subject] = frozenset()
) -> None:
    """Record how attempts ended and free their subjects; raises `LeaseLost` (roll back!) unless all are still ours.

    What was sent again meanwhile is received again: the attempt judged it as it had come before. `keep` are the subjects
    of events of this claim that are still being worked on.
    """
    types = {
        "id": "bigint", "status": "text", "verdict": "text", "reason": "text", "error": "text",
        "next_attempt_at": "timestamptz", "judged_as_of": "timestamptz",
    }  # fmt: skip
    rows = [
        (o.event.id, o.status, o.verdict, o.reason, o.error, o.next_attempt_at, o.event.received_at) for o in outcomes
    ]
    source, parameters = bulk.incoming(connection, types, rows)
    again = "i.status = 'applied' AND e.resent_at > i.judged_as_of"
    statement = (
        f"UPDATE webhook_event AS e SET status = CASE WHEN {again} THEN 'received' ELSE i.status END,"
        f" attempts = CASE WHEN {again} THEN 0 ELSE e.attempts END, claim_id = NULL,"
        f" next_attempt_at = CASE WHEN {again} THEN :now ELSE i.next_attempt_at END,"
        " verdict = i.verdict, reason = i.reason, error = i.error,"
        " applied_at = CASE WHEN i.status = 'applied' THEN :now ELSE e.applied_at END"
        f" FROM {source} WHERE e.id = i.id AND e.claim_id = :claim AND e.next_attempt_at > :now"
    )
    done = connection.execute(text(statement), {**parameters, "claim": claim_id, "now": _time(connection, now)})
    if done.rowcount != len(outcomes):
        raise LeaseLost(f"{len(outcomes) - done.rowcount} of {len(outcomes)} events are no longer ours")
    _free(connection, claim_id, {outcome.event.subject for outcome in outcomes} - keep)


def renew(connection: Connection, claim_id: str, now: datetime) -> bool:
    """Extend a lease that has not run out; False when nothing is left under it."""
    parameters = {
        "claim": claim_id, "now": _time(connection, now),
        "until": _time(connection, now + timedelta(seconds=LEASE_SECONDS)),
    }  # fmt: skip
    statement = "UPDATE subject_lease SET lease_until = :until WHERE claim_id = :claim AND lease_until > :now"
    connection.execute(text(statement), parameters)
    statement = "UPDATE webhook_event SET next_attempt_at = :until WHERE claim_id = :claim AND next_attempt_at > :now"
    return connection.execute(text(statement), parameters).rowcount > 0


def release(connection: Connection, claim_id: str, now: datetime) -> int:
    """Give a claim back as if it had never been taken (the attempts too); the number of events given back."""
    statement = (
        "UPDATE webhook_event SET status = CASE WHEN attempts > 1 THEN 'retry' ELSE 'received' END,"
        " attempts = attempts - 1, claim_id = NULL, next_attempt_at = :now WHERE claim_id = :claim"
    )
    given = connection.execute(text(statement), {"claim": claim_id, "now": _time(connection, now)}).rowcount
    connection.execute(text("DELETE FROM subject_lease WHERE claim_id = :claim"), {"claim": claim_id})
    return given


def _bury(connection: Connection, now: datetime, max_attempts: int) -> None:
    """Events that killed their worker at every attempt become dead letters."""
    statement = (
        "UPDATE webhook_event AS e SET status = 'dead', reason = 'worker_died', error = :died, claim_id = NULL,"
        f" next_attempt_at = NULL WHERE {_LEASED} AND e.next_attempt_at <= :now AND e.attempts >= :most"
    )
    connection.execute(text(statement), {"now": _time(connection, now), "most": max_attempts, "died": DIED})


def _take(
    connection: Connection, claim_id: str, now: datetime, condition: str, limit: int, ids: Sequence[int] | None
) -> Sequence[Any]:
    due = _due(connection, now, condition, limit, ids)
    if not due:
        return []
    until = now + timedelta(seconds=LEASE_SECONDS)
    held = _lease(connection, claim_id, sorted({(row[1], row[2], row[3]) for row in due}), now, until)
    source, parameters = bulk.incoming(
        connection, {"due": "bigint"}, [(row[0],) for row in due if tuple(row[1:4]) in held]
    )
    statement = (
        "UPDATE webhook_event SET status = 'processing', attempts = attempts + 1, claim_id = :claim,"
        f" next_attempt_at = :until FROM {source} WHERE id = i.due RETURNING {_RETURNED}"
    )
    parameters |= {"claim": claim_id, "until": _time(connection, until)}
    return connection.execute(text(statement), parameters).all()


def _due(connection: Connection, now: datetime, condition: str, limit: int, ids: Sequence[int] | None) -> Sequence[Any]:
    parameters: dict[str, Any] = {"now": _time(connection, now), "limit": limit}
    chosen = ""
    if ids is not None:
        source, more = bulk.incoming(connection, {"id": "bigint"}, [(id_,) for id_ in ids])
        chosen = f" AND e.id IN (SELECT i.id FROM {source})"
        parameters |= more
    # A leased subject is passed over here only to save the trip; the lease below decides.
    query = (
        f"SELECT e.id, e.account, {_SUBJECT} FROM webhook_event e WHERE {condition} AND e.next_attempt_at <= :now{chosen}"
        f" AND NOT {_TAKEN} ORDER BY e.next_attempt_at, e.id LIMIT :limit"
    )
    if connection.dialect.name == "postgresql":
        query += " FOR UPDATE OF e SKIP LOCKED"
    return connection.execute(text(query), parameters).all()


def _lease(
    connection: Connection, claim_id: str, subjects: Sequence[Subject], now: datetime, until: datetime
) -> set[Subject]:
    """Take the leases that are free, in sorted order (unsorted takers deadlock); which were got."""
    types = {"account": "text", "kind": "text", "object_id": "text"}
    source, parameters = bulk.incoming(connection, types, subjects)
    statement = (
        "INSERT INTO subject_lease (account, kind, object_id, claim_id, lease_until)"
        f" SELECT i.account, i.kind, i.object_id, :claim, :until FROM {source} WHERE true"
        " ON CONFLICT (account, kind, object_id) DO UPDATE SET claim_id = excluded.claim_id,"
        " lease_until = excluded.lease_until WHERE subject_lease.lease_until <= :now"
        " RETURNING account, kind, object_id"
    )
    if connection.dialect.name == "postgresql":
        statement = statement.replace(":until FROM", "CAST(:until AS timestamptz) FROM")
    parameters |= {"claim": claim_id, "until": _time(connection, until), "now": _time(connection, now)}
    return {(row[0], row[1], row[2]) for row in connection.execute(text(statement), parameters)}


def _free(connection: Connection, claim_id: str, subjects: Set[Subject]) -> None:
    types = {"account": "text", "kind": "text", "object_id": "text"}
    source, parameters = bulk.incoming(connection, types, sorted(subjects))
    mine = (
        "SELECT l.account, l.kind, l.object_id FROM subject_lease l WHERE l.claim_id = :claim AND"
        f" (l.account, l.kind, l.object_id) IN (SELECT i.account, i.kind, i.object_id FROM {source})"
    )
    if connection.dialect.name == "postgresql":
        # In the order in which `_lease` takes them: a claimer that runs into two of these must not wait crosswise.
        mine += ' ORDER BY l.account COLLATE "C", l.kind COLLATE "C", l.object_id COLLATE "C" FOR UPDATE'
    statement = (
        f"WITH mine AS ({mine}) DELETE FROM subject_lease"
        " WHERE (account, kind, object_id) IN (SELECT account, kind, object_id FROM mine)"
    )
    connection.execute(text(statement), {**parameters, "claim": claim_id})


def _time(connection: Connection, value: datetime) -> Any:
    return value if connection.dialect.name == "postgresql" else to_text(value)


def _typed(row: Any) -> list[Any]:
    """SQLite gives text for times; ids of subjects stay text."""
    values = list(row)
    for index in (6, 7):
        if isinstance(values[index], str):
            values[index] = datetime.fromisoformat(values[index])
    values[11] = bytes(values[11])
    return values
