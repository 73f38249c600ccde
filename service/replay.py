"""Replay: stored events go through apply again, by the same path as the first time.

Planned first, then done: the plan says what would be put back, by type and status.
"""

from __future__ import annotations

from collections import Counter

import msgspec

from service.account import Accounts
from service.errors import MappingError, Rejected
from service.provider import Envelope
from service.store import history
from service.store.engine import Database
from service.store.history import Filter

DISMISSED = "dismissed"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a replay would put back. `left` counts ignored events that stay so: still not handled, or dismissed."""

    ids: tuple[int, ...]
    counts: dict[tuple[str, str], int]
    subjects: dict[int, tuple[str | None, str | None]] = {}
    left: int = 0

    def rows(self) -> list[dict[str, str | int]]:
        """The counts as records, in order."""
        found = sorted(self.counts.items())
        return [{"type": type_, "status": status, "events": number} for (type_, status), number in found]


def plan(database: Database, accounts: Accounts, chosen: Filter) -> Plan:
    """What replaying the chosen events would put back; changes nothing.

    Of ignored events only those that the adapters handle now are taken, read from their stored bytes. A dismissed event
    is taken only by its id.
    """
    with database.read() as connection:
        found = history.candidates(connection, chosen)
        ignored = [id_ for id_, status, _type in found if status == "ignored"]
        subjects: dict[int, tuple[str | None, str | None]] = {}
        for id_, account, reason, payload in history.payloads(connection, ignored):
            envelope = _handled(accounts, account, payload)
            if envelope is not None and (chosen.ids or reason != DISMISSED):
                subjects[id_] = (envelope.kind, envelope.object_id)
    taken = [(id_, status, type_) for id_, status, type_ in found if status != "ignored" or id_ in subjects]
    counted = Counter((type_, status) for _id, status, type_ in taken)
    ids = tuple(id_ for id_, _status, _type in taken)
    return Plan(ids=ids, counts=dict(counted), subjects=subjects, left=len(found) - len(taken))


def carry_out(database: Database, planned: Plan) -> int:
    """Put the planned events back on the queue, all or none; how many. Events that a worker holds stay with it."""
    with database.write() as connection:
        for id_, (kind, object_id) in planned.subjects.items():
            history.rename(connection, id_, kind, object_id)
        return history.put_back(connection, planned.ids, database.now())


def dismiss(database: Database, id_: int) -> bool:
    """Put a dead event aside (`ignored`, reason `dismissed`); False where it is not dead."""
    with database.write() as connection:
        return history.dismiss(connection, id_)


def _handled(accounts: Accounts, name: str, payload: bytes) -> Envelope | None:
    """The envelope of a stored event that would be applied today, None where it would be ignored again."""
    account = accounts.by_name.get(name)
    if account is None:
        return None
    try:
        envelope = account.provider.envelope(payload)
        mapped = account.provider.map(payload)
    except (Rejected, MappingError):
        return None
    # A thin notification stands for an event that is stored by itself.
    if envelope.ignored or mapped.ignored or mapped.reason == "thin" or account.foreign(envelope):
        return None
    return envelope
