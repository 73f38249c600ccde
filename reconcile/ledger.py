"""A run's work on one account, and the ledger of each of its passes: what was covered, how far, and how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

import msgspec
import structlog
from sqlalchemy import Connection

from reconcile.books import Books
from reconcile.plan import Options, Window, moved
from reconcile.progress import Progress
from reconcile.report import KindReport
from reconcile.scratch import Scratch, reopened
from service import logs
from service.account import Account
from service.errors import RunRefused
from service.model import Cause
from service.provider import Reader
from service.store import drift, runs
from service.store.drift import Finding
from service.store.engine import Database

log = structlog.get_logger()


@dataclass
class Work:
    """One account's run. `now` is the provider's time at its start, `end` where the next run's window begins.

    `known` is an object that the provider showed in this run: it must still answer when another is said to be gone.
    `begun` remembers the receipts that a dry run has seen.
    `books` is what came of comparing with the provider's books.
    `reads_left` is what a small sweep may still read by id, `overrun` that it left something it would have had to look at.
    """

    database: Database
    account: Account
    reader: Reader
    run: runs.Run
    options: Options
    progress: Progress
    now: datetime
    end: datetime
    marks: dict[str, runs.Mark]
    entries: dict[str, runs.Entry]
    full: bool = False
    known: tuple[str, str] | None = None
    begun: Scratch | None = None
    reads_left: int = 0
    overrun: bool = False
    books: Books | None = None
    reports: list[KindReport] = field(default_factory=list)

    @property
    def cause(self) -> Cause:
        """What the run's writes are filed under."""
        return Cause("run", str(self.run.id))

    def beat(self) -> None:
        """Say that the run lives; raises `RunRefused` when it was taken over."""
        with self.database.write() as connection:
            runs.beat(connection, self.run, self.database.now())

    def close(self) -> None:
        """Forget what only this process remembers."""
        if self.begun is not None:
            self.begun.remove()

    def finished(self, source: str) -> KindReport | None:
        """The report of a pass that an earlier holder of this run completed."""
        entry = self.entries.get(source)
        if entry is None or entry.status != "complete" or entry.progress is None:
            return None
        return msgspec.json.decode(entry.progress, type=KindReport)


class Turned(msgspec.Struct, frozen=True):
    """A page that has been read: how many entries it had, when, and where the next one begins."""

    cursor: str | None
    as_of: datetime
    objects: int


class Pass:
    """One pass over one listing (or the event log). Its ledger and findings are saved together, page by page.

    As a context it closes its file when it is broken off: one whose run is to go on keeps it, one that failed does not.
    """

    def __init__(self, work: Work, source: str, kind: str, window: Window) -> None:
        self.work, self.source = work, source
        self.report = KindReport(source=source, kind=kind)
        self.braked = False
        found = work.entries.get(source)
        scratch = _interrupted(found)
        if scratch is not None and found is not None:
            self.entry, self.scratch = found, scratch
            # The window was chosen by the run that died; what was read so far was read by it.
            end = found.window_end or window.end
            self.window = msgspec.structs.replace(window, since=found.window_start, end=end)
            self.report.objects, self.report.pages = found.objects, found.pages
        else:
            self.scratch = Scratch()
            self.window = window
            self.entry = runs.Entry(kind=source, status="running", window_start=window.since, window_end=window.end)
            self._begin()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            return
        if issubclass(kind, Exception) and not issubclass(kind, RunRefused):
            self.scratch.remove()
        else:
            self.scratch.close()

    def turn(self, pages: int, objects: int) -> None:
        """Tell whoever watches that so many more have been read, not kept yet; raises `RunStopped` where it is to stop."""
        self.work.progress.page(self.source, self.entry.pages + pages, self.entry.objects + objects)

    def pages(self, connection: Connection, pages: Sequence[Turned]) -> None:
        """Record pages in the caller's transaction, which also holds their findings."""
        entry = self.entry
        for page in pages:
            entry.cursor, entry.pages, entry.objects = page.cursor, entry.pages + 1, entry.objects + page.objects
            entry.started_as_of = entry.started_as_of or page.as_of
        self.report.pages, self.report.objects = entry.pages, entry.objects
        runs.save_entry(connection, self.work.run, entry)
        runs.beat(connection, self.work.run, self.work.database.now())

    def add(self, connection: Connection, findings: Sequence[Finding]) -> None:
        """Store findings in the caller's transaction and tell the log."""
        work = self.work
        if not findings:
            return
        drift.add(connection, work.run.id, work.account.name, findings, work.database.now())
        with logs.gathered():
            for found in findings:
                log.info(
                    "reconcile.drift", run_id=work.run.id, account=work.account.name, kind=found.kind,
                    object_id=found.object_id, drift_class=found.drift_class, field=found.field, action=found.action,
                    cause=found.cause,
                )  # fmt: skip

    def finish(self, status: str, reason: str | None = None) -> KindReport:
        """Close the ledger; a complete pass of a run that isn't dry moves the watermark."""
        work, entry, report = self.work, self.entry, self.report
        report.status, report.reason, report.money = status, reason, self.scratch.sums()
        entry.status, entry.reason, entry.progress = status, reason, msgspec.json.encode(report).decode()
        now = work.database.now()
        with work.database.write() as connection:
            if status == "complete":
                self._complete(connection, now)
            else:
                drift.settle_rest(connection, work.run.id, self.source, "held")
            runs.save_entry(connection, work.run, entry)
            runs.beat(connection, work.run, now)
        self.scratch.remove()
        work.progress.done(self.source, status)
        log.info(
            "reconcile.kind_finished", run_id=work.run.id, account=work.account.name, kind=self.source, status=status,
            reason=reason, objects=entry.objects, pages=entry.pages,
        )  # fmt: skip
        return report

    def _begin(self) -> None:
        self.entry.progress = self.scratch.path
        with self.work.database.write() as connection:
            if self.source in self.work.entries:
                drift.forget(connection, self.work.run.id, self.source)
            runs.save_entry(connection, self.work.run, self.entry)

    def _complete(self, connection: Connection, now: datetime) -> None:
        work = self.work
        # A small sweep judges a part, and a dry run changes nothing: what waits for a person goes on waiting.
        if self.window.pages is not None or work.options.dry_run:
            return
        drift.supersede(connection, work.run.id, work.account.name, self.source, now, but=self._unjudged(connection))
        # What the brake held back is still wrong: the next run must look at the same window again.
        if self.braked or self.entry.started_as_of is None:
            return
        before, covered = work.marks.get(self.source), self.window
        if self.source == runs.EVENTS and before is None and work.options.since is None:
            covered = Window(since=None, end=covered.end)  # the first audit reads all that the log remembers
        mark = moved(before, covered, self.entry.started_as_of)
        if mark is not None:
            runs.move(connection, work.run, self.source, mark)

    def _unjudged(self, connection: Connection) -> list[str]:
        """The objects of open findings that this pass could not judge anew, since their events are under way or dead."""
        opened = drift.opened_sources(connection, self.work.account.name, self.source, self.work.run.id)
        ids = {key.removeprefix(f"{self.source}:"): key for key, _, _ in opened}
        return [ids[id_] for id_ in self.scratch.postponed(list(ids))]


def _interrupted(found: runs.Entry | None) -> Scratch | None:
    """What an interrupted listing has seen; None where it must begin again (every page was read, or its file is gone)."""
    if found is None or found.status != "running":
        return None
    scratch = reopened(found.progress, found.pages)
    if scratch is not None and found.cursor is None:
        scratch.remove()
        return None
    return scratch
