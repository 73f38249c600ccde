"""One attempt at an event: what it makes of the event, how it ended, and when the next one is due."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec
import structlog
from tenacity import RetryCallState, wait_exponential_jitter

from service import logs, metrics
from service.account import Account
from service.apply import seen
from service.errors import MappingError, ProviderError, RateLimited
from service.instants import micros
from service.model import Cause, Change, Snapshot
from service.provider import Mapped
from service.store.queue import Claimed, Outcome

_BACKOFF: Final = wait_exponential_jitter(multiplier=2, max=3600, jitter=2)
_ORDER: Final = ("applied", "tie", "unchanged", "stale")
log = structlog.get_logger()


class Work(msgspec.Struct):
    """One event on its way. `read` is the (source, id) to read before it can be settled, and no earlier than `not_before`."""

    event: Claimed
    mapped: Mapped
    changes: list[Change] = []
    verdict: str | None = None
    reason: str | None = None
    read: tuple[str, str] | None = None
    not_before: int | None = None


def failed(
    event: Claimed, error: str, reason: str, *, now: datetime, max_attempts: int, wait: float | None = None
) -> Outcome:
    """Retry with exponential backoff and jitter, or a dead letter when the attempts are used up."""
    if event.attempts >= max_attempts:
        return Outcome(event=event, status="dead", reason=reason, error=error[:2000])
    delay = max(backoff(event.attempts), wait or 0.0)
    due = now + timedelta(seconds=delay)
    return Outcome(event=event, status="retry", reason=reason, error=error[:2000], next_attempt_at=due)


def unread(event: Claimed, error: ProviderError | MappingError, *, now: datetime, max_attempts: int) -> Outcome:
    """Retry what could not be read; dead at once where the answer can't be translated: waiting would not help."""
    if isinstance(error, MappingError):
        return unmappable(event, error)
    wait = error.retry_after if isinstance(error, RateLimited) else None
    return failed(event, str(error), type(error).__name__, now=now, max_attempts=max_attempts, wait=wait)


def unmappable(event: Claimed, error: MappingError) -> Outcome:
    """A dead letter whose object, in the event or as it was read, can't be translated."""
    return Outcome(event=event, status="dead", reason="unmappable", error=str(error)[:2000])


def report(outcomes: Sequence[Outcome], begun: float) -> None:
    """Count outcomes and write one line each; `begun` is when the batch was taken (performance counter)."""
    took = round((time.perf_counter() - begun) * 1000, 2)
    for (account, status), count in Counter((each.event.account, each.status) for each in outcomes).items():
        metrics.EVENTS.labels(account, status).inc(count)
    with logs.gathered():
        for outcome in outcomes:
            _report_one(outcome, took)


def _report_one(outcome: Outcome, took: float) -> None:
    event = outcome.event
    name = outcome.verdict if outcome.verdict in ("stale", "tie") else outcome.status
    log.info(
        f"event.{name}", account=event.account, event_id=event.id, provider_event_id=event.event_id, type=event.type,
        kind=event.kind, object_id=event.object_id, status=outcome.status, verdict=outcome.verdict,
        reason=outcome.reason, attempt=event.attempts, ms=took,
    )  # fmt: skip


def backoff(attempt: int) -> float:
    """Seconds until the next attempt: 2, 4, 8 ... up to an hour, with jitter."""
    state = RetryCallState(retry_object=None, fn=None, args=(), kwargs={})  # type: ignore[arg-type]
    state.attempt_number = attempt
    return float(_BACKOFF(state))


def begin(event: Claimed, mapped: Mapped, account: Account) -> Work:
    """The work that a mapped event makes: one change a snapshot, as new as the event says."""
    cause = Cause("event", str(event.id))
    changes = seen(mapped.snapshots, event.occurred_at, micros(event.received_at), cause, read=False)
    for snapshot in mapped.snapshots:
        _count_unknown(account.name, snapshot)
    return Work(event, mapped, changes)


def _count_unknown(account: str, snapshot: Snapshot) -> None:
    if getattr(snapshot.fields, "status", None) == "unknown":
        metrics.UNKNOWN.labels(account, snapshot.kind).inc()
        log.warning("provider.unknown_status", account=account, kind=snapshot.kind, object_id=snapshot.id)


def done(work: Work) -> Outcome:
    """How an attempt ended whose changes were all judged."""
    if work.verdict is None:
        return Outcome(event=work.event, status="ignored", reason="nothing_to_apply")
    return Outcome(event=work.event, status="applied", verdict=work.verdict, reason=work.reason)


def stronger(one: str | None, other: str) -> str:
    """The verdict of an event with several changes: what did most."""
    return other if one is None or _ORDER.index(other) < _ORDER.index(one) else one
