"""The one door into state. Webhook, retry, replay, backfill and heal all end here.

`judge` decides purely whether what is seen is newer than what is held; `apply` holds the rows, judges, and saves what
won together with its history. Children of a row change only when the row's own snapshot wins.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection

from service.instants import micros, moment
from service.merge import MERGED, leads, merge
from service.model import FIELDS, Cause, Change, Content, Payment, Snapshot, Verdict, Version, content_of, digest
from service.provider import Ordering
from service.store import derived, receipts, rechecks, state
from service.store.state import Held, Key, StateRow

_SECOND: Final = 1_000_000


class Judgement(msgspec.Struct, frozen=True):
    """What became of a change. A tie says why it is one, and `not_before` when a read can settle it (our clock, microseconds)."""

    verdict: Verdict
    reason: str | None = None
    not_before: int | None = None


APPLIED: Final = Judgement("applied")
UNCHANGED: Final = Judgement("unchanged")
STALE: Final = Judgement("stale")


def judge(
    held: Held | None, *, same: bool, deleted: bool, change: Change, ordering: Ordering, confirmed: int | None
) -> Judgement:
    """Is `change` newer than what is held? Pure, and never by the local clock.

    `same`: its content equals the held one. `deleted`: the row is a tombstone. `confirmed`: the provider's time at which
    the last complete reconcile run of its kind began; an older event is read again before it may win.
    """
    if deleted:
        return UNCHANGED if change.snapshot.deleted else STALE
    if change.snapshot.deleted:
        return APPLIED
    won = UNCHANGED if same and held is not None else APPLIED
    if change.version.read:
        return _judge_read(held, won, change, ordering)
    return _judge_event(held, won, change, ordering, confirmed)


def _judge_read(held: Held | None, won: Judgement, change: Change, ordering: Ordering) -> Judgement:
    version = change.version
    if held is None:
        return won
    if ordering.object_clock:
        return _judge_clocked_read(held, won, change)
    if held.read:
        return won if (version.as_of, version.seen_at) >= (held.as_of, held.seen_at) else STALE
    if version.seen_at >= held.seen_at or version.as_of > held.as_of + ordering.margin * _SECOND:
        return won
    # The event came while this read was under way: which of the two is newer can't be known from either.
    if won is UNCHANGED or version.as_of < held.as_of:
        return UNCHANGED if won is UNCHANGED else STALE
    return Judgement("tie", "read_overtaken", held.seen_at + ordering.margin * _SECOND)


def _judge_clocked_read(held: Held, won: Judgement, change: Change) -> Judgement:
    """The object's own time orders; where it is the same, what was seen later does: two changes may share a stamp."""
    version = change.version
    if version.as_of != held.as_of:
        return won if version.as_of > held.as_of else STALE
    if won is UNCHANGED or version.seen_at >= held.seen_at:
        return won
    return STALE if held.read else Judgement("tie", "read_overtaken")


def _judge_event(
    held: Held | None, won: Judgement, change: Change, ordering: Ordering, confirmed: int | None
) -> Judgement:
    version = change.version
    if held is not None and held.read and not ordering.object_clock:
        return _judge_against_read(held, won, change, ordering, confirmed)
    if held is not None and version.as_of < held.as_of:
        return Judgement("tie", "base_changed") if held.based else STALE
    if won is UNCHANGED:
        return won
    if held is not None and version.as_of == held.as_of:
        if not held.read:
            return Judgement("tie", "same_second")
        # A read wins its stamp over what had come before it, but a later change may carry the same stamp.
        return Judgement("tie", "near_read") if version.seen_at > held.seen_at else STALE
    return _unless_confirmed(won, version, confirmed)


def _unless_confirmed(won: Judgement, version: Version, confirmed: int | None) -> Judgement:
    """A complete run confirms a row without writing to it: the event that took this one back may have been lost."""
    if won is UNCHANGED or confirmed is None or version.as_of > confirmed:
        return won
    return Judgement("tie", "older_than_run")


def _judge_against_read(
    held: Held, won: Judgement, change: Change, ordering: Ordering, confirmed: int | None
) -> Judgement:
    """Stripe: the held content was read at a whole second, by an API whose replicas lag and whose answers are cached."""
    version = change.version
    if version.as_of > held.as_of:
        return _unless_confirmed(won, version, confirmed)
    if version.seen_at <= held.seen_at:
        return STALE if won is APPLIED else UNCHANGED
    if won is UNCHANGED:
        return won
    if version.as_of < held.as_of - ordering.margin * _SECOND:
        return STALE
    return Judgement("tie", "near_read", held.seen_at + ordering.margin * _SECOND)


def apply(
    connection: Connection,
    account: str,
    changes: Sequence[Change],
    *,
    ordering: Ordering,
    confirmed: Mapping[str, int],
    now: datetime,
    decided: str | None = None,
) -> list[Judgement]:
    """Judge each change in turn and save what won, all in the caller's transaction; one judgement a change.

    `confirmed` maps a source to the provider's time at which its last complete run began. `decided` applies changes
    that were judged elsewhere: `based` where the decision depended on what was before (see `service.settle`), `restored`
    where a person brings a tombstone back to life, else `proven`.
    """
    keys = {(change.snapshot.kind, change.snapshot.id) for change in changes}
    state.lock(connection, account, keys | derived.references(changes) | receipts.references(changes))
    rows = state.load(connection, account, keys)
    history: list[dict[str, Any]] = []
    judgements = []
    checks: list[rechecks.Check] = []
    for change in changes:
        key: Key = (change.snapshot.kind, change.snapshot.id)
        row = rows.setdefault(key, state.new_row(change.snapshot))
        judgements.append(_apply_one(row, change, ordering, confirmed, decided))
        if row.touched:
            checks += rechecks.of_row(account, row, str(change.cause))
            history += _settle_history(account, row, change, now)
    touched = [row for row in rows.values() if row.touched]
    state.save(connection, account, touched, history)
    derived.refresh(connection, account, touched, changes, now)
    receipts.refresh(connection, account, receipts.touched(changes, ordering), now)
    rechecks.add(connection, checks, now)
    return judgements


def seen(snapshots: Iterable[Snapshot], as_of: datetime, seen_at: int, cause: Cause, *, read: bool) -> list[Change]:
    """Changes from what an event or a read showed. An object's own update time goes before `as_of`."""
    return [Change(each, Version(micros(each.as_of or as_of), seen_at, read), cause) for each in snapshots]


def informed(changes: Iterable[Change], events: Iterable[Change], ordering: Ordering) -> list[Change]:
    """What was read to settle `events`, with what only they tell (`Ordering.sticky`): a read must not lose that. Pure."""
    news = {each.snapshot.key: each.snapshot.content() for each in events} if ordering.sticky else {}
    return [_informed(each, news.get(each.snapshot.key, {}), ordering) for each in changes]


def _informed(change: Change, news: Content, ordering: Ordering) -> Change:
    known = change.snapshot.content()
    fresh = {name: news[name] for name in ordering.sticky if known.get(name, "") is None and news.get(name) is not None}
    if not fresh:
        return change
    fields = msgspec.structs.replace(change.snapshot.fields, **fresh)
    return msgspec.structs.replace(change, snapshot=msgspec.structs.replace(change.snapshot, fields=fields))


def told(row: StateRow | None, change: Change, ordering: Ordering) -> Content:
    """What `change` says of its object, with what only some events tell (`Ordering.sticky`) kept from before. Pure."""
    content = change.snapshot.content()
    known = held_content(row, change.snapshot.key) if row is not None and ordering.sticky else None
    for name in ordering.sticky if known is not None else ():
        if content.get(name, "") is None:
            content[name] = (known or {}).get(name)
    return content


def expected(row: StateRow | None, change: Change, ordering: Ordering) -> Content:
    """The content the row would have if `change` won. Pure: the reconciler compares with it."""
    content = told(row, change, ordering)
    if change.snapshot.kind not in MERGED:
        return content
    contents = _contents(row) if row is not None else {}
    return merge(contents | {change.snapshot.key: content}, ordering)


def held_content(row: StateRow, key: str) -> Content | None:
    """The content of one source of a row; None where the row has no such source."""
    if key not in row.sources:
        return None
    if row.kind not in MERGED:
        return row.content
    return _contents(row).get(key)


def _apply_one(
    row: StateRow, change: Change, ordering: Ordering, confirmed: Mapping[str, int], decided: str | None
) -> Judgement:
    snapshot = change.snapshot
    held = row.sources.get(snapshot.key)
    if decided == "restored":
        row.deleted_at = None
    learned = _learn(row, change, ordering)
    content = told(row, change, ordering)
    same = held_content(row, snapshot.key) == content and row.content == expected(row, change, ordering)
    if decided is not None:
        if row.deleted_at is not None:
            return STALE
        judgement = UNCHANGED if same and row.saved_deleted_at is None else APPLIED
    else:
        since = confirmed.get(snapshot.source)
        judgement = judge(
            held, same=same, deleted=row.deleted_at is not None, change=change, ordering=ordering, confirmed=since
        )
    if judgement.verdict == "applied" or decided is not None or (judgement is UNCHANGED and _is_newer(held, change)):
        _write(row, change, content, ordering, based=decided == "based")
    return APPLIED if learned and judgement.verdict != "tie" else judgement


def _learn(row: StateRow, change: Change, ordering: Ordering) -> bool:
    """Take over what only some events tell, however old the event is; True where the row did not know it."""
    if not ordering.sticky or row.content is None or row.deleted_at is not None:
        return False
    content, held = change.snapshot.content(), row.sources.get(change.snapshot.key)
    news = {name: content[name] for name in ordering.sticky if content.get(name) is not None}
    known = held_content(row, change.snapshot.key)
    fresh = {name: value for name, value in news.items() if known is not None and known.get(name) is None}
    if not fresh or held is None:
        return False
    if held.content is not None:
        held.content = msgspec.structs.replace(held.content, **fresh)
        row.content = merge(_contents(row), ordering)
    else:
        row.content = row.content | fresh
    row.touched = True
    return True


def _is_newer(held: Held | None, change: Change) -> bool:
    """An unchanged event still moves the version, or an older event that comes later would win; a read need not."""
    return held is not None and not change.version.read and change.version.as_of > held.as_of


def _write(row: StateRow, change: Change, content: Content, ordering: Ordering, *, based: bool) -> None:
    snapshot, version = change.snapshot, change.version
    held = row.sources.get(snapshot.key)
    fresh = Held(as_of=version.as_of, seen_at=version.seen_at, read=version.read, based=based)
    if version.read:
        # A read may be stamped before the event that it supersedes: clocks of servers differ.
        fresh.as_of = max(version.as_of, held.as_of if held is not None else version.as_of)
        fresh.read_digest, fresh.read_as_of = digest(content), fresh.as_of
    elif held is not None:
        fresh.read_digest, fresh.read_as_of = held.read_digest, held.read_as_of
    row.sources[snapshot.key] = fresh
    row.touched = True
    if snapshot.deleted:
        row.deleted_at = moment(version.as_of)
        row.content = _deleted_content(row, snapshot.kind)
        return
    if snapshot.kind in MERGED:
        assert isinstance(snapshot.fields, Payment)
        sticky = {name: content[name] for name in ordering.sticky if name in content}
        fresh.content = msgspec.structs.replace(snapshot.fields, **sticky)
        row.content = merge(_contents(row), ordering)
    else:
        row.content = content
    if snapshot.raw is not None and leads(snapshot.source, row.sources, ordering.precedence):
        row.raw = snapshot.raw


def _deleted_content(row: StateRow, kind: Any) -> Content:
    content = dict(row.content) if row.content is not None else content_of(FIELDS[kind]())
    return content | {"status": "deleted", "provider_status": "deleted"}


def _contents(row: StateRow) -> dict[str, Content]:
    return {key: content_of(held.content) for key, held in row.sources.items() if held.content is not None}


def _settle_history(account: str, row: StateRow, change: Change, now: datetime) -> Iterable[dict[str, Any]]:
    """History of this one change; the row then stands as if saved, so that the next change starts from it."""
    if row.content == row.saved and row.deleted_at == row.saved_deleted_at:
        return []
    found = state.differences(account, row, change.cause, now)
    row.rewritten = row.rewritten or row.content != row.saved
    row.saved, row.saved_deleted_at = row.content, row.deleted_at
    return found
