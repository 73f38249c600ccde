"""One attempt at one batch of usage."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import msgspec
import structlog

from service import outbox_evidence as evidence
from service.attempt import backoff
from service.errors import NOT_THIS_TIME, BadRequest, NotFound, ProviderError, ProviderUnavailable
from service.outbox_way import Way, billable, counted, dated, packs
from service.store import usage_batches, usage_courses, usage_totals
from service.store.engine import Database
from service.store.usage_batches import LEASE, Batch
from service.usage_periods import OLDEST, Course, place
from service.usage_port import UsageSend, UsageTotal

LOOK_AGAIN: Final = timedelta(hours=1)
_LOOK_DAILY: Final = timedelta(days=1)
_OFTEN: Final = 24
_SENDING_SECONDS: Final = LEASE.total_seconds() - 40
"""Later than this after the claim nothing is sent: with the HTTP timeout it ends before the lease does."""
_LOOKS: Final = 5
"""So often is looked before a person has to: a sum may lag behind, or be read while something moves."""
_IDENTIFIER_MARGIN: Final = timedelta(hours=1)
log = structlog.get_logger()


class Attempt:
    """Sees one claimed batch through: told, put off, settled, or left to a person."""

    def __init__(self, database: Database, batch: Batch, way: Way) -> None:
        self._database = database
        self._batch = batch
        self._way = way
        self._deadline = time.monotonic() + _SENDING_SECONDS

    def run(self) -> None:
        """Do what the batch's state asks for. Raises `LeaseLost` where another process has taken it over."""
        try:
            if self._batch.asked_at is None:
                self._look()
            else:
                self._settle()
        except ProviderError as error:
            self._again("retry" if self._batch.asked_at is None else "unknown", error)

    # --- what was never asked

    def _look(self) -> None:
        """Find out where the batch is counted now, and tell it; or put it off, or let its records be gathered anew."""
        now, batch, way = self._database.now(), self._batch, self._way
        with self._database.read() as connection:
            key = (batch.account, batch.customer_id)
            courses = usage_courses.courses(connection, [key])[key]
        course = _course(courses, batch)
        period = course.at(batch.period_start) if course is not None else None
        end = period.end if period is not None else batch.period_end
        if way.rules.closes and batch.records and (end is None or end + way.rules.grace > now):
            self._reopen("period_runs", now + LOOK_AGAIN if end is None else end + way.rules.grace, end)
        elif way.rules.dated and end is not None and end + way.rules.grace < now:
            self._void("period_over") if batch.records else self._move(courses)
        else:
            self._tell(courses, end)

    def _tell(self, courses: Sequence[Course], end: datetime | None) -> None:
        way, batch = self._way, self._batch
        found: dict[str, Any] = {"period_end": end}
        if way.rules.needs != "customer":
            belonging = _belonging(way, batch, courses) if batch.subscription_id is not None else None
            if belonging is None:
                self._without_subscription(courses)
                return
            found |= belonging
        self._batch = batch = msgspec.structs.replace(batch, **found)
        way.account.meter()  # whose key it is must be known before anything is intended
        if way.manner.mode == "set" and not way.rules.dated and batch.aggregation == "last" and self._superseded():
            self._finish("sent", reason="superseded", told=0, billable=0)
            return
        before = evidence.total(self._way, self._batch) if way.rules.totals != "period" else None
        values = self._intended(before, found)
        if before is not None and self._lowers(before, values["told"]):
            text = f"the provider's total is {before.quantity} already; setting it to {values['told']} would lower it"
            self._finish("needs_review", reason="usage_excess", error=text)
        else:
            self._send(values)

    def _superseded(self) -> bool:
        """True where a newer value of a gauge was told already: an older one that comes late must not replace it."""
        with self._database.read() as connection:
            return usage_totals.newest_told(connection, self._batch) > self._batch.last_at

    def _without_subscription(self, courses: Sequence[Course]) -> None:
        """Nothing that it could be told for runs now: wait for the copy to learn of it, as long as usage may be late."""
        way, batch, now = self._way, self._batch, self._database.now()
        where = counted(way, courses, batch.last_at, now).course
        own = _course(courses, batch)
        if batch.subscription_id is None and where is not None:
            self._void("subscription_known")
        elif batch.last_at < now - OLDEST or (own is not None and own.ended_at is not None):
            # Usage of a time without a subscription is nothing to bill; that of one that is over waits for a person.
            lost = batch.subscription_id is not None
            self._finish("rejected" if lost else "unbilled", reason="subscription_over" if lost else "no_subscription")
        else:
            wait = LOOK_AGAIN if batch.attempts < _OFTEN else _LOOK_DAILY
            # Open, not in hand: what can be told of this customer must not wait behind it.
            self._reopen("no_subscription", now + wait, batch.period_end)

    def _lowers(self, before: UsageTotal, told: int) -> bool:
        """True where somebody else has told usage of this period, which must not be corrected away.

        What this batch itself set before the period turned may be: it never belonged there.
        """
        sets = self._way.manner.mode == "set" and self._batch.aggregation == "sum"
        return sets and before.quantity > told and before.quantity != self._batch.told

    def _intended(self, before: UsageTotal | None, found: dict[str, Any]) -> dict[str, Any]:
        """What is going to be told, as the columns that record it."""
        way, batch, now = self._way, self._batch, self._database.now()
        with self._database.read() as connection:
            period = usage_totals.told(connection, batch, period=batch.period_start)
            added = billable(way, batch, period)
            if way.manner.mode == "add":
                told = packs(way, added, usage_totals.told(connection, batch))
            elif batch.aggregation == "last":
                told = batch.quantity
            else:
                counted = before.start if before is not None else None
                told = usage_totals.told(connection, batch, counted=counted).quantity + batch.quantity
        return found | {
            "told": told, "billable": added, "dated_at": dated(way, batch, now),
            "identifier": batch.identifier or usage_batches.identifier(batch),
            "total_before": before.quantity if before is not None else None,
            "counted_start": before.start if before is not None and before.start else batch.period_start,
            "counted_end": before.end if before is not None and before.start else batch.period_end,
        }  # fmt: skip

    def _send(self, values: dict[str, Any]) -> None:
        now = self._database.now()
        with self._database.write() as connection:
            self._batch = usage_batches.intend(connection, self._batch, now, **values)
        if self._batch.told == 0 and self._way.manner.mode == "add":
            self._finish("sent", reason="nothing_due")
        else:
            self._request()

    def _request(self, *, repeated: bool = False) -> None:
        """Send what is recorded, and record what came of it. A refusal of a repetition says nothing about the first request."""
        batch, way = self._batch, self._way
        assert batch.identifier is not None
        assert batch.told is not None
        assert batch.dated_at is not None
        send = UsageSend(
            scope=way.scope(batch), identifier=batch.identifier, quantity=batch.told, at=batch.dated_at,
            mode=way.manner.mode, deadline=self._deadline,
        )  # fmt: skip
        try:
            way.account.meter().send_usage(send)
        except (BadRequest, NotFound) as error:
            if repeated:
                self._judge(refused=error)
            else:
                self._finish("rejected", reason=type(error).__name__, error=str(error))
        except NOT_THIS_TIME as error:
            self._again("unknown" if repeated else "retry", error)
        except ProviderUnavailable as error:
            self._again("unknown", error)
        else:
            self._sent()

    def _sent(self) -> None:
        """It was taken. Where the provider sets a total that belongs to its current period, it may have turned meanwhile."""
        if self._way.manner.mode == "set" and self._way.rules.totals == "current":
            total = evidence.total(self._way, self._batch)
            if total is not None and total.start != self._batch.counted_start:
                self._again("unknown", None)
                return
        self._finish("sent")

    # --- what was asked, and may have been taken

    def _settle(self) -> None:
        """Repeat it under its identifier, while that counts once and its period can still be billed; otherwise look for it."""
        now, batch, way = self._database.now(), self._batch, self._way
        assert batch.asked_at is not None
        once = way.rules.once_for is not None and now - batch.asked_at < way.rules.once_for - _IDENTIFIER_MARGIN
        over = way.rules.dated and batch.period_end is not None and batch.period_end + way.rules.grace < now
        if once and not over:
            with self._database.write() as connection:
                usage_batches.repeat(connection, batch, now)
            self._request(repeated=True)
        else:
            self._judge()

    def _judge(self, refused: Exception | None = None) -> None:
        """Decide by what the provider says it was told. `refused`: a repetition was, so that there is no use in another."""
        batch, now = self._batch, self._database.now()
        assert batch.last_asked_at is not None
        if now < batch.last_asked_at + self._way.rules.shows_after:
            self._finish_at("unknown", batch.last_asked_at + self._way.rules.shows_after, reason="may_not_show_yet")
            return
        found = evidence.verdict(self._database, self._way, batch)
        if found.answer == "there":
            self._finish("sent", reason="found", **found.moved)
        elif refused is not None and found.answer == "not_there":
            self._finish("rejected", reason=type(refused).__name__, error=str(refused))
        elif found.answer == "not_there" or self._way.manner.mode == "set":
            # It is looked at anew: its period may be over by now, and what is told with it may have changed.
            self._finish_at("retry", now, asked_at=None, reason="not_there")
        elif batch.attempts < _LOOKS:
            due = now + timedelta(seconds=backoff(batch.attempts))
            self._finish_at("unknown", due, reason="undecided", error=found.why)
        else:
            self._finish("needs_review", reason="undecided", error=found.why)

    # --- how it ends

    def _again(self, status: Literal["retry", "unknown"], error: Exception | None) -> None:
        wait = max(backoff(self._batch.attempts), getattr(error, "retry_after", None) or 0.0) if error else 0.0
        values = {"asked_at": None} if status == "retry" else {}
        due = self._database.now() + timedelta(seconds=wait)
        text = None if error is None else str(error)[:2000]
        self._finish_at(status, due, reason=type(error).__name__ if error else "period_turned", error=text, **values)

    def _finish(self, status: str, **values: Any) -> None:
        sent = {"sent_at": self._database.now()} if status == "sent" else {}
        self._finish_at(status, None, **sent, **values)

    def _finish_at(self, status: str, due: datetime | None, **values: Any) -> None:
        with self._database.write() as connection:
            usage_batches.finish(connection, self._batch, status, due, **values)
        self._report(status, values.get("reason"))

    def _reopen(self, reason: str, due: datetime, end: datetime | None) -> None:
        with self._database.write() as connection:
            usage_batches.reopen(connection, self._batch, due, reason=reason, period_end=end)

    def _move(self, courses: Sequence[Course]) -> None:
        """What is told again has no records to be gathered anew: the batch itself goes on to the period that runs."""
        now = self._database.now()
        where = place(courses, now, now, None, self._way.prices)
        subscription = where.course.subscription_id if where.course is not None else None
        period = {"period_start": where.period.start, "period_end": where.period.end, "subscription_id": subscription}
        self._finish_at("retry", now, reason="period_over", **period)

    def _void(self, reason: str) -> None:
        with self._database.write() as connection:
            usage_batches.void(connection, self._batch, reason)
        self._report("void", reason)

    def _report(self, status: str, reason: Any) -> None:
        batch = self._batch
        log.info(
            f"usage.{status}", account=batch.account, batch_id=batch.id, customer_id=batch.customer_id,
            meter=batch.meter, records=batch.records, told=batch.told, attempt=batch.attempts, reason=reason,
        )  # fmt: skip


def _course(courses: Sequence[Course], batch: Batch) -> Course | None:
    return next((each for each in courses if each.subscription_id == batch.subscription_id), None)


def _belonging(way: Way, batch: Batch, courses: Sequence[Course]) -> dict[str, Any] | None:
    """The subscription and item that a batch is told for: its own, or another that runs; None where none does."""
    for course in sorted(courses, key=lambda each: each.subscription_id != batch.subscription_id):
        item = course.item(way.prices)
        if course.live and (item is not None or way.rules.needs == "subscription"):
            return {"subscription_id": course.subscription_id, "item_id": item.id if item is not None else None}
    return None
