"""The event audit: the provider's own log against the inbox. What never came is stored and processed like a delivery."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from reconcile.ledger import Pass, Turned, Work
from reconcile.money import stake
from reconcile.plan import OVERLAP, Window
from reconcile.report import KindReport
from service.errors import MappingError, ProviderError
from service.process import process_ids
from service.provider import EventPage, LoggedEvent
from service.store import inbox
from service.store.drift import Finding
from service.store.inbox import Delivery
from service.store.runs import EVENTS
from service.system import System

_ACTIONS = {"applied": "healed", "ignored": "healed", "dead": "needs_review"}


def window(work: Work) -> Window | None:
    """What of the log to read; None for a provider that has no log."""
    memory = work.account.provider.log_memory_days
    if memory is None:
        return None
    mark = work.marks.get(EVENTS)
    oldest = work.now - timedelta(days=memory)
    since = oldest if mark is None else max(mark.complete_until - OVERLAP, oldest)
    if work.options.since is not None:
        since = max(work.now - work.options.since, oldest)
    return Window(since=since, end=work.end)


def forgotten(work: Work) -> bool:
    """True where the log no longer remembers everything since the last complete audit: only a full sweep can tell."""
    memory, mark = work.account.provider.log_memory_days, work.marks.get(EVENTS)
    return memory is not None and mark is not None and mark.complete_until < work.now - timedelta(days=memory)


def audit(system: System, work: Work) -> KindReport | None:
    """Read the log, heal what is missing, and report; a failing call makes it partial."""
    chosen, done = window(work), work.finished(EVENTS)
    if chosen is None or done is not None:
        return done
    with Pass(work, EVENTS, "event", chosen) as passing:
        try:
            _read(system, work, passing)
        except ProviderError as error:
            return passing.finish("partial", str(error))
        except MappingError as error:
            return passing.finish("failed", str(error))
        return passing.finish("complete")


def _read(system: System, work: Work, passing: Pass) -> None:
    since, until = passing.window.since, passing.window.end
    assert since is not None
    while True:
        page = work.reader.events(cursor=passing.entry.cursor, since=since, until=until)
        _page(system, work, passing, page)
        if page.cursor is None:
            return


def _page(system: System, work: Work, passing: Pass, page: EventPage) -> None:
    # What we don't translate, or would set aside at the door (the other mode), is nothing that anybody misses.
    ours = (event for event in page.events if work.account.foreign(event.envelope) is None)
    wanted = [event for event in ours if event.envelope.ignored is None]
    with work.database.read() as connection:
        known = inbox.known(connection, work.account.name, [event.envelope.event_id for event in wanted])
    missed = [event for event in wanted if event.envelope.event_id not in known]
    actions = {} if work.options.dry_run else _process(system, work, missed)
    found = [_finding(work, event, actions.get(event.envelope.event_id, "would_heal")) for event in missed]
    passing.report.confirmed += len(wanted) - len(missed)
    passing.report.drift += len(missed)
    with work.database.write() as connection:
        passing.add(connection, found)
        passing.turn(1, len(page.events))
        passing.pages(connection, [Turned(page.cursor, page.as_of, len(page.events))])
    passing.scratch.commit(passing.entry.pages)


def _process(system: System, work: Work, missed: Sequence[LoggedEvent]) -> dict[str, str]:
    """Store the events and process them, oldest first; what became of each."""
    if not missed:
        return {}
    account, now = work.account.name, work.database.now()
    deliveries = [
        Delivery(account=account, envelope=each.envelope, payload=each.payload, source="audit", copies=0)
        for each in sorted(missed, key=_age)
    ]
    with work.database.write() as connection:
        receipts = inbox.store(connection, deliveries, now)
    statuses = process_ids(system, [receipt.id for receipt in receipts])
    return {
        each.envelope.event_id: _ACTIONS.get(statuses.get(receipt.id, ""), "pending")
        for each, receipt in zip(deliveries, receipts, strict=True)
    }


def _age(event: LoggedEvent) -> tuple[datetime, str]:
    return event.envelope.occurred_at, event.envelope.event_id


def _finding(work: Work, event: LoggedEvent, action: str) -> Finding:
    envelope = event.envelope
    found = Finding(
        kind=envelope.kind or EVENTS, object_id=envelope.object_id or envelope.event_id,
        source=f"{envelope.kind}:{envelope.object_id}", drift_class="missed_event", remote=envelope.type,
        cause=f"event:{envelope.event_id}", action=action, day=envelope.occurred_at.date().isoformat(),
    )  # fmt: skip
    try:
        snapshots = work.account.provider.map(event.payload).snapshots
    except MappingError:
        return found
    if snapshots:
        found.kind, found.object_id = snapshots[0].kind, snapshots[0].id
        found.amount, found.currency, _ = stake(None, snapshots[0].content())
    return found
