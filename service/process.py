"""One claim of events, from mapped to applied. Knows the port, never an adapter.

map (pure) -> apply, settle what events alone can prove, complete: one transaction
           -> read what they can't prove, outside any transaction -> apply, complete: a second one
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeAlias

import structlog
from sqlalchemy import Connection, select
from sqlalchemy.exc import DBAPIError

from service import settle
from service.account import Account
from service.apply import Judgement, apply, informed, seen
from service.attempt import Work, begin, done, failed, report, stronger, unmappable, unread
from service.errors import LeaseLost, MappingError, NotFound, ProviderError
from service.instants import micros, moment
from service.model import Cause, Change
from service.provider import Read
from service.store import inbox, queue, watermark
from service.store.engine import Database, is_transient
from service.store.inbox import Delivery
from service.store.queue import Claim, Claimed, Outcome
from service.store.tables import EVENTS
from service.usage_rejections import rejected

log = structlog.get_logger()

AccountOf = Callable[[str], Account | None]
Answer: TypeAlias = tuple[Read, int] | ProviderError | MappingError


class Processor:
    """Processes claims. One per thread; `accounts` finds an account by name, None where it is not configured any more."""

    def __init__(
        self, database: Database, accounts: AccountOf, *, max_attempts: int = 16, limit: int = 200,
        stop: threading.Event | None = None,
    ) -> None:  # fmt: skip
        self._database = database
        self._account = accounts
        self._max_attempts = max_attempts
        self._limit = limit
        self.stop = stop or threading.Event()
        self.claim_id: str | None = None

    def step(self, ids: Sequence[int] | None = None) -> int:
        """Claim a batch and see it through; the number of events that were taken. Zero means that nothing is due."""
        claim_id = uuid.uuid4().hex
        with self._database.write() as connection:
            claim = queue.claim(
                connection, claim_id, self._database.now(), limit=self._limit, max_attempts=self._max_attempts, ids=ids
            )
        if not claim.events:
            return 0
        self.claim_id = claim_id
        try:
            self._process(claim)
        except LeaseLost as error:
            log.warning("event.lease_lost", claim_id=claim_id, detail=str(error))
        finally:
            self.claim_id = None
        return len(claim.events)

    def give_back(self, claim_id: str) -> None:
        """Return what is still claimed, uncounted."""
        with self._database.write() as connection:
            queue.release(connection, claim_id, self._database.now())

    def _process(self, claim: Claim) -> None:
        begun = time.perf_counter()
        works, outcomes = self._map(claim.events)
        by_account: dict[str, list[Work]] = {}
        for work in works:
            by_account.setdefault(work.event.account, []).append(work)
        if outcomes:
            with self._database.write() as connection:
                keep = {work.event.subject for work in works}
                queue.complete(connection, claim.id, outcomes, self._database.now(), keep)
            report(outcomes, begun)
        left = []
        for name, group in by_account.items():
            left += self._apply_group(claim.id, name, group, begun)
        self._read_and_apply(claim.id, left, begun)

    def _map(self, events: Sequence[Claimed]) -> tuple[list[Work], list[Outcome]]:
        works: list[Work] = []
        outcomes: list[Outcome] = []
        for event in events:
            account = self._account(event.account)
            if account is None:
                outcomes.append(self._failed(event, f"account {event.account!r} is not configured here", "no_account"))
                continue
            try:
                mapped = account.provider.map(event.payload)
            except MappingError as error:
                outcomes.append(unmappable(event, error))
                continue
            if mapped.ignored is not None:
                outcomes.append(Outcome(event=event, status="ignored", reason=mapped.ignored))
            else:
                works.append(begin(event, mapped, account))
        return works, outcomes

    def _apply_group(self, claim_id: str, account: str, works: Sequence[Work], begun: float) -> list[Work]:
        """Apply a batch in one transaction, or event by event where the batch fails; what still needs a read."""
        try:
            return self._apply_batch(claim_id, account, works, begun)
        except DBAPIError as error:
            if len(works) == 1 and not is_transient(error):
                self._fail(claim_id, works, error, begun)
                return []
        left: list[Work] = []
        for work in works:
            try:
                left += self._apply_batch(claim_id, account, [work], begun)
            except DBAPIError as error:
                self._fail(claim_id, [work], error, begun)
        return left

    def _apply_batch(self, claim_id: str, name: str, works: Sequence[Work], begun: float) -> list[Work]:
        account = self._account(name)
        assert account is not None
        now = self._database.now()
        for work in works:
            work.read, work.verdict, work.not_before = work.mapped.read if account.readable else None, None, None
        ready = [work for work in works if work.read is None and work.mapped.reason != "thin"]
        with self._database.write() as connection:
            confirmed = watermark.confirmed(connection, name)
            changes = [change for work in ready for change in work.changes]
            judged = apply(connection, name, changes, ordering=account.provider.ordering, confirmed=confirmed, now=now)
            self._judge(connection, account, ready, judged, now)
            left = [work for work in works if work.read is not None or work.mapped.reason == "thin"]
            outcomes = [done(work) for work in ready if work.read is None]
            # One moment for judging and for the fence: the lease must hold when the state is written.
            queue.complete(connection, claim_id, outcomes, self._database.now(), {work.event.subject for work in left})
        report(outcomes, begun)
        return left

    def _judge(
        self,
        connection: Connection,
        account: Account,
        works: Sequence[Work],
        judged: Sequence[Judgement],
        now: datetime,
    ) -> None:
        position = 0
        for work in works:
            mine = judged[position : position + len(work.changes)]
            position += len(work.changes)
            for change, judgement in zip(work.changes, mine, strict=True):
                self._take_in(connection, account, work, change, judgement, now)

    def _take_in(
        self, connection: Connection, account: Account, work: Work, change: Change, judgement: Judgement, now: datetime
    ) -> None:
        """One judgement into its event's verdict; a tie is settled from the inbox, or marked to be read."""
        work.verdict = stronger(work.verdict, judgement.verdict)
        if judgement.verdict != "tie":
            return
        work.reason = judgement.reason
        decision = None
        if judgement.reason in ("same_second", "base_changed") or not account.readable:
            decision = settle.decide(connection, account.name, account.provider, change)
        if decision is not None and (decision.proven or not account.readable):
            self._apply_decision(connection, account, change, decision, now)
            return
        work.read = (change.snapshot.source, change.snapshot.source_id)
        work.not_before = max(work.not_before or 0, judgement.not_before or 0)

    def _apply_decision(
        self, connection: Connection, account: Account, change: Change, decision: settle.Decision, now: datetime
    ) -> None:
        apply(
            connection, account.name, [settle.stamp(change, decision)], ordering=account.provider.ordering, confirmed={},
            now=now, decided="based" if decision.based else "proven",
        )  # fmt: skip

    def _read_and_apply(self, claim_id: str, works: Sequence[Work], begun: float) -> None:
        """Read what events could not settle, each object once, and apply the answers."""
        answers: dict[tuple[str, str, str], Answer] = {}
        for work in works:
            if self.stop.is_set():
                self.give_back(claim_id)
                return
            if work.mapped.reason == "thin":
                self._finish(claim_id, self._fetch_thin(work), begun)
                continue
            if work.not_before is not None and moment(work.not_before) > self._database.now():
                due = moment(work.not_before)
                parked = Outcome(
                    event=work.event, status="retry", verdict="tie", reason=work.reason, next_attempt_at=due
                )
                self._finish(claim_id, parked, begun)
                continue
            assert work.read is not None
            key = (work.event.account, *work.read)
            if key not in answers:
                answers[key] = self._read(*key)
            self._apply_answer(claim_id, work, answers[key], begun)

    def _read(self, name: str, source: str, object_id: str) -> Answer:
        account = self._account(name)
        assert account is not None
        began = micros(self._database.now())
        try:
            return account.reader().get(source, object_id), began
        except (ProviderError, MappingError) as error:
            return error

    def _apply_answer(self, claim_id: str, work: Work, answer: Answer, begun: float) -> None:
        account = self._account(work.event.account)
        assert account is not None
        if isinstance(answer, (ProviderError, MappingError)) and not isinstance(answer, NotFound):
            self._finish(claim_id, self._unread(work.event, answer), begun)
            return
        now = self._database.now()
        with self._database.write() as connection:
            if isinstance(answer, NotFound):
                # Unknown to the API: the events are all there is. The reconciler asks a person about the row.
                work.reason = "read_404"
                for change in work.changes:
                    decision = settle.decide(connection, account.name, account.provider, change)
                    if decision is not None:
                        self._apply_decision(connection, account, change, decision, now)
            else:
                read, began = answer
                ordering, cause = account.provider.ordering, Cause("event", str(work.event.id))
                changes = seen(read.snapshots, read.as_of, began, cause, read=True)
                changes = informed(changes, work.changes, ordering)
                confirmed = watermark.confirmed(connection, account.name)
                apply(connection, account.name, changes, ordering=ordering, confirmed=confirmed, now=now)
            outcome = Outcome(event=work.event, status="applied", verdict=work.verdict or "applied", reason=work.reason)
            queue.complete(connection, claim_id, [outcome], self._database.now())
        report([outcome], begun)

    def _fetch_thin(self, work: Work) -> Outcome:
        """A thin notification stands for a snapshot event: make sure that one is stored, and ignore this one."""
        account = self._account(work.event.account)
        assert account is not None
        if not account.readable:
            return self._failed(work.event, "a thin notification needs an API key to be fetched", "no_api_key")
        if work.mapped.rejects_usage:
            return self._reject_usage(account, work.event)
        try:
            twin = account.reader().notification(work.event.payload)
        except NotFound:
            return Outcome(event=work.event, status="ignored", reason="twin_gone")
        except (ProviderError, MappingError) as error:
            return self._unread(work.event, error)
        if twin is None:
            return Outcome(event=work.event, status="ignored", reason="no_twin")
        delivery = Delivery(account=account.name, envelope=twin.envelope, payload=twin.payload, source="thin", copies=0)
        with self._database.write() as connection:
            inbox.store(connection, [delivery], self._database.now())
        return Outcome(event=work.event, status="ignored", reason=f"twin_of {twin.envelope.event_id}")

    def _reject_usage(self, account: Account, event: Claimed) -> Outcome:
        try:
            ours, told = rejected(self._database, account, event.payload)
        except (ProviderError, MappingError) as error:
            return self._unread(event, error)
        return Outcome(event=event, status="applied" if ours else "ignored", reason=f"usage_rejected {ours} of {told}")

    def _finish(self, claim_id: str, outcome: Outcome, begun: float) -> None:
        with self._database.write() as connection:
            queue.complete(connection, claim_id, [outcome], self._database.now())
        report([outcome], begun)

    def _failed(self, event: Claimed, error: str, reason: str) -> Outcome:
        return failed(event, error, reason, now=self._database.now(), max_attempts=self._max_attempts)

    def _unread(self, event: Claimed, error: ProviderError | MappingError) -> Outcome:
        return unread(event, error, now=self._database.now(), max_attempts=self._max_attempts)

    def _fail(self, claim_id: str, works: Sequence[Work], error: Exception, begun: float) -> None:
        for work in works:
            text = f"{type(error).__name__}: {str(getattr(error, 'orig', error)).splitlines()[0][:500]}"
            self._finish(claim_id, self._failed(work.event, text, "database"), begun)


def process_ids(system: Any, event_ids: Sequence[int]) -> dict[int, str]:
    """Process these stored events now (those that are due and free); each one's status afterwards."""
    database: Database = system.database
    processor = Processor(database, system.accounts.by_name.get, max_attempts=system.settings.max_attempts)
    while event_ids and processor.step(event_ids):
        continue
    with database.read() as connection:
        rows = connection.execute(select(EVENTS.c.id, EVENTS.c.status).where(EVENTS.c.id.in_(event_ids)))
        return {row[0]: row[1] for row in rows}
