"""The outbox: recorded usage on its way to the providers, shared by processes through claims.

gather   new records join the open batch of their customer, meter and period
attempt  claim a due batch -> look (where is it counted, what is told) -> intent, committed -> request -> outcome

Nothing is blindly repeated. An outcome that was lost is settled under the same identifier while the provider still counts
that once, and otherwise by what the provider says it was told.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

import structlog

from service.account import Account
from service.errors import ConfigError, LeaseLost
from service.meters import Meter
from service.outbox_attempt import LOOK_AGAIN, Attempt
from service.outbox_way import Way, counted, known_way, way_of
from service.store import usage_batches, usage_courses, usage_records
from service.store.engine import Database
from service.store.usage_batches import Batch, Group
from service.store.usage_records import Record
from service.usage_periods import Course, Place

_GATHERED_AT_ONCE: Final = 5_000
_UNTOLD: Final = timedelta(days=1)
# A provider that bills usage when it arrives should have it before the period turns.
_BEFORE_THE_TURN: Final = timedelta(minutes=5)
log = structlog.get_logger()

AccountOf = Callable[[str], Account | None]


class Outbox:
    """Tells recorded usage. One per thread."""

    def __init__(self, database: Database, accounts: AccountOf, meters: Mapping[str, Meter]) -> None:
        self._database = database
        self._accounts = accounts
        self._meters = meters

    def step(self) -> int:
        """Gather what is new and take up one due batch; zero where there was neither."""
        with self._database.read() as connection:
            if not usage_batches.waiting(connection, self._database.now()):
                return 0
        return self.gather() + self.attempt()

    def drain(self) -> int:
        """Work until nothing is due; how much there was."""
        total = 0
        while done := self.step():
            total += done
        return total

    def gather(self) -> int:
        """Put new records into the batches of their periods; how many there were."""
        now = self._database.now()
        with self._database.write() as connection:
            records = usage_records.fresh(connection, _GATHERED_AT_ONCE)
            if not records:
                return 0
            courses = usage_courses.courses(connection, {(each.account, each.customer_id) for each in records})
            groups: dict[tuple[str, str, str, datetime], list[tuple[Record, Place]]] = {}
            for record in records:
                found = self._place(record, courses[record.account, record.customer_id], now)
                key = (record.account, record.customer_id, record.meter, found.period.start)
                groups.setdefault(key, []).append((record, found))
            usage_batches.gather(connection, [self._group(each, now) for each in groups.values()], now)
        return len(records)

    def attempt(self) -> int:
        """Take up the batch that has been due the longest; zero where nothing is due."""
        with self._database.write() as connection:
            batch = usage_batches.claim(connection, uuid.uuid4().hex, self._database.now())
        if batch is None:
            return 0
        try:
            self._attempt(batch)
        except LeaseLost as error:
            log.warning("usage.lease_lost", batch_id=batch.id, detail=str(error))
        return 1

    def _attempt(self, batch: Batch) -> None:
        try:
            way = way_of(self._meters.get(batch.meter), self._accounts(batch.account))
        except ConfigError as error:
            self._postpone(batch, "not_told", str(error))
            return
        Attempt(self._database, batch, way).run()

    def _postpone(self, batch: Batch, reason: str, error: str) -> None:
        now = self._database.now()
        with self._database.write() as connection:
            if batch.asked_at is None:
                usage_batches.reopen(connection, batch, now + _UNTOLD, reason=reason)
            else:
                usage_batches.finish(connection, batch, "unknown", now + LOOK_AGAIN, reason=reason, error=error)

    def _way(self, account: str, meter: str) -> Way | None:
        return known_way(self._meters.get(meter), self._accounts(account))

    def _place(self, record: Record, courses: list[Course], now: datetime) -> Place:
        return counted(self._way(record.account, record.meter), courses, record.at, now)

    def _group(self, found: list[tuple[Record, Place]], now: datetime) -> Group:
        records = [each for each, _ in found]
        where = found[0][1]
        way = self._way(records[0].account, records[0].meter)
        meter = self._meters.get(records[0].meter)
        newest = max(records, key=lambda each: (each.at, each.id))
        last = meter is not None and meter.aggregation == "last"
        item = where.course.item(way.prices) if where.course is not None and way is not None else None
        return Group(
            account=newest.account, customer_id=newest.customer_id, meter=newest.meter,
            aggregation="last" if last else "sum", period_start=where.period.start, period_end=where.period.end,
            subscription_id=where.course.subscription_id if where.course is not None else None,
            item_id=item.id if item is not None else None,
            quantity=newest.quantity if last else sum(each.quantity for each in records),
            records=tuple(each.id for each in records), late=sum(1 for _, each in found if each.late),
            first_at=min(each.at for each in records), last_at=newest.at, last_record=newest.id,
            due=_due(way, where, now),
        )  # fmt: skip


def _due(way: Way | None, where: Place, now: datetime) -> datetime:
    """When a batch that is opened now is told."""
    end = where.period.end
    if way is None:
        return now + _UNTOLD
    if way.rules.closes:
        return now + LOOK_AGAIN if end is None else max(end + way.rules.grace, now)
    due = now + timedelta(seconds=way.every)
    if way.rules.dated or end is None or end <= now:
        return due
    return min(due, max(now, end - _BEFORE_THE_TURN))
