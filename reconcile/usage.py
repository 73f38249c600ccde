"""Usage: what was told against what the provider says it was told.

Only a shortfall is told again. An excess is somebody else's word, or a mistake of ours that a person should see; it is reported
and never corrected. Where the provider bills usage in the period in which it arrives, what came in another than it was used in
is reported too.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec
import structlog
from sqlalchemy import Connection

from reconcile.ledger import Work
from reconcile.report import KindReport
from service.errors import ProviderError
from service.meters import Meter
from service.outbox_way import Way, bounds, known_way
from service.store import drift, runs, usage_batches, usage_courses, usage_totals
from service.store.drift import Finding
from service.store.runs import USAGE
from service.store.usage_totals import Cell
from service.usage_periods import place
from service.usage_port import Metered, UsageTotal

_LOOK_BACK: Final = timedelta(days=2)
_ALL: Final = timedelta(days=70)
log = structlog.get_logger()


def compare(work: Work, meters: Mapping[str, Meter]) -> KindReport | None:
    """Compare and put right; None where this run has nothing to do with usage, or the account is told none."""
    told = [each for each in meters.values() if each.options(work.account.name) is not None]
    if not told or work.options.few is not None or work.options.kind not in (None, USAGE):
        return None
    report = KindReport(source=USAGE, kind=USAGE, status="complete")
    comparison = Comparison(work, meters, report)
    try:
        comparison.run()
    except ProviderError as error:
        report.status, report.reason = "partial", str(error)
    comparison.close()
    return report


class Comparison:
    """One account's usage in one run."""

    def __init__(self, work: Work, meters: Mapping[str, Meter], report: KindReport) -> None:
        self._work, self._meters, self._report = work, meters, report
        self._database, self._now = work.database, work.database.now()
        mark = work.marks.get(USAGE)
        everything = self._now - _ALL
        rules = work.account.provider.usage if isinstance(work.account.provider, Metered) else None
        # What is told once a month would be looked at twice and never again.
        rarely = rules is not None and rules.closes
        whole = work.full or mark is None or rarely or self._waiting()
        self._since = everything if whole or mark is None else mark.complete_until - _LOOK_BACK
        self._judged: set[str] = set()
        self._begun = mark.complete_until if mark is not None else everything

    def run(self) -> None:
        """Every cell in which something was told lately, then what was counted in another period."""
        with self._database.read() as connection:
            cells = usage_totals.cells(connection, self._work.account.name, self._since)
            shifted = usage_totals.shifted(connection, self._work.account.name, self._begun)
        whole: set[tuple[str, str]] = set()
        for cell in cells:
            way = known_way(self._meters.get(cell.meter), self._work.account)
            if way is None or (way.rules.totals != "period" and way.manner.mode == "add" and cell.stream in whole):
                continue
            whole.add(cell.stream)
            self._report.objects += 1
            self._cell(cell, way, [each for each in cells if each.stream == cell.stream])
        for batch in shifted:
            self._add(_finding(batch.customer_id, batch.meter, batch.period_start, "usage_shifted", "reported",
                               field="period", local=batch.period_start.isoformat(), remote=str(batch.counted_start)))  # fmt: skip

    def _waiting(self) -> bool:
        """True where an earlier finding waits for a person: its usage may have been told long ago."""
        with self._database.read() as connection:
            return bool(drift.opened_sources(connection, self._work.account.name, USAGE, self._work.run.id))

    def close(self) -> None:
        """Save how it went; findings of earlier runs are settled where this one has judged their usage anew."""
        work, report = self._work, self._report
        entry = runs.Entry(kind=USAGE, status=report.status, reason=report.reason, objects=report.objects)
        with self._database.write() as connection:
            runs.save_entry(connection, work.run, entry)
            if report.status == "complete" and not work.options.dry_run:
                judged = sorted(self._judged)
                drift.supersede(connection, work.run.id, work.account.name, USAGE, self._now, only=judged)
                mark = runs.Mark(complete_until=self._now, confirmed_as_of=work.now)
                runs.move(connection, work.run, USAGE, mark)
        work.progress.done(USAGE, report.status)

    def _cell(self, cell: Cell, way: Way, stream: list[Cell]) -> None:
        with self._database.read() as connection:
            moving = usage_totals.moving(connection, cell)
            undecided = usage_totals.undecided(connection, cell)
            expected = self._expected(connection, cell, way, stream)
        if moving or cell.last_sent + way.rules.shows_after > self._now:
            self._report.pending += 1
            return
        self._report.reads += 1
        found = self._total(cell, way, stream)
        if found is None:
            return
        if undecided and self._decide(cell, found.quantity - expected, sum(each.told or 0 for each in undecided)):
            return
        self._judged.add(_source(*cell.stream, cell.counted_start))
        difference = found.quantity - expected
        if difference == 0:
            self._report.confirmed += 1
        elif difference < 0:
            self._short(cell, way, expected, found.quantity)
        else:
            self._excess(cell, expected, found.quantity)

    def _expected(self, connection: Connection, cell: Cell, way: Way, stream: list[Cell]) -> int:
        if way.rules.totals == "ever":
            return usage_totals.first_before(connection, cell) + usage_totals.ever(connection, cell)
        if way.manner.mode == "set":
            newest = usage_batches.get(connection, cell.newest)
            return (newest.told if newest is not None else None) or 0
        if way.rules.totals == "period":
            return cell.told
        return usage_totals.since(connection, cell, min(each.counted_start for each in stream))

    def _total(self, cell: Cell, way: Way, stream: list[Cell]) -> UsageTotal | None:
        with self._database.read() as connection:
            batch = usage_batches.get(connection, cell.newest)
        assert batch is not None
        if way.rules.totals == "ever":
            return way.account.meter().usage_total(way.scope(batch))
        start, end = cell.counted_start, cell.counted_end
        if way.rules.totals == "current" and way.manner.mode == "add":
            start, end = min(each.counted_start for each in stream), None
        return way.account.meter().usage_total(way.scope(batch, *bounds(way, start, end, self._now)))

    def _decide(self, cell: Cell, beyond: int, told: int) -> bool:
        """Settle batches that waited for a person, where the total now tells."""
        if beyond not in (0, told) or self._work.options.dry_run:
            return False
        with self._database.write() as connection:
            undecided = usage_totals.undecided(connection, cell)
            decided = usage_totals.settle(connection, undecided, self._now, there=beyond == told)
        if not decided:
            self._report.pending += 1
            return True
        self._report.healed += 1
        self._add(_finding(*cell.stream, cell.counted_start, "usage_undecided", "healed", remote=str(beyond)))
        return True

    def _short(self, cell: Cell, way: Way, expected: int, found: int) -> None:
        action = "would_heal" if self._work.options.dry_run else "needs_review"
        if not self._work.options.dry_run and self._tell_again(cell, way, expected - found):
            action = "healed"
            self._report.healed += 1
        self._add(
            _finding(
                *cell.stream, cell.counted_start, "usage_shortfall", action, local=str(expected), remote=str(found)
            )
        )

    def _tell_again(self, cell: Cell, way: Way, missing: int) -> bool:
        key = (cell.account, cell.customer_id)
        with self._database.write() as connection:
            courses = usage_courses.courses(connection, [key])[key]
            grace = way.grace if way.grace is not None else timedelta(0)
            where = place(courses, cell.counted_start, self._now, grace, way.prices).period
            return usage_totals.tell_again(
                connection, cell, missing, way.manner.per, self._now, start=where.start, end=where.end
            )

    def _excess(self, cell: Cell, expected: int, found: int) -> None:
        finding = _finding(
            *cell.stream, cell.counted_start, "usage_excess", "needs_review", local=str(expected), remote=str(found)
        )
        with self._database.read() as connection:
            known = drift.accepted_excess(connection, self._work.account.name, finding.source or "")
        if known is None or known != found - expected:
            self._add(finding)

    def _add(self, finding: Finding) -> None:
        work = self._work
        self._report.drift += 1
        with self._database.write() as connection:
            drift.add(connection, work.run.id, work.account.name, [finding], self._now)
            runs.beat(connection, work.run, self._now)
        plain = msgspec.structs.asdict(finding)
        shown = {
            name: plain[name] for name in ("kind", "object_id", "drift_class", "field", "local", "remote", "action")
        }
        log.info("reconcile.drift", run_id=work.run.id, account=work.account.name, **shown)


def _finding(
    customer_id: str, meter: str, start: datetime, drift_class: str, action: str, *, field: str | None = "quantity",
    local: str | None = None, remote: str | None = None,
) -> Finding:  # fmt: skip
    """A finding about one customer's meter in one period."""
    return Finding(
        kind=USAGE, object_id=f"{customer_id}:{meter}", source=_source(customer_id, meter, start), drift_class=drift_class, field=field,
        local=local, remote=remote, action=action, day=start.date().isoformat(),
    )  # fmt: skip


def _source(customer_id: str, meter: str, start: datetime) -> str:
    return f"{USAGE}:{meter}:{customer_id}:{start.isoformat()}"
