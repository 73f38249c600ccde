"""The books: what the provider has booked against what is here, after all else of a run. A difference only warns.

Nothing here heals, is drift, or changes the exit code: a bank's books may be right to differ, and only a person can tell.
"""

from __future__ import annotations

from contextlib import closing
from datetime import datetime, timedelta

import structlog

from reconcile.books import KINDS, Books, Count
from reconcile.ledger import Work
from reconcile.money import STANDING, day_of
from reconcile.plan import LOOK_BACK, OVERLAP, Window, moved
from reconcile.report import KindReport
from reconcile.sources import Sources
from service import book_port
from service.errors import Forbidden, MappingError, ProviderError
from service.store import runs
from service.store.book_rows import BookRows
from service.store.runs import BOOKS, EVENTS

_BATCH = 1_000
_DAY = timedelta(days=1)
# A provider may capture in the background: Stripe promises the booking within an hour (docs.stripe.com, asynchronous capture).
_BOOKED_WITHIN = timedelta(hours=1)
log = structlog.get_logger()


def compare(work: Work) -> KindReport | None:
    """Compare whole days; None where this run has nothing to do with books, or the provider has none and nobody asked."""
    if work.options.few or work.options.kind not in (None, BOOKS):
        return None
    report = KindReport(source=BOOKS, kind=BOOKS)
    if not isinstance(work.reader, book_port.Books):
        report.status = "skipped"
        report.reason = f"not compared: {work.account.provider.name} keeps no books that could be read"
        return report if work.options.kind == BOOKS else None
    chosen = window(work)
    report.status, report.reason = _attempted(work, work.reader, chosen, report)
    _close(work, chosen, report)
    return report


def _known(work: Work) -> datetime:
    """Until when this run knows what happened: one that was resumed may have read its lists and its events a day ago."""
    with work.database.read() as connection:
        entries = runs.entries(connection, work.run.id)
    ends = (entries[each.source].window_end for each in _basis(work) if each.source in entries)
    return min([work.end, *(each for each in ends if each is not None)])


def _basis(work: Work) -> list[KindReport]:
    """The passes that make the rows what they are."""
    return [each for each in work.reports if each.kind in KINDS or each.source == EVENTS]


def window(work: Work) -> Window:
    """The whole UTC days to compare: all, those of `--since`, or those since the last comparison, with look-back."""
    mark, before = work.marks.get(BOOKS), work.entries.get(BOOKS)
    if before is not None and before.status == "complete" and before.window_end is not None:
        # By a holder of this run that was killed before it could report: its mark has moved, its differences are not told.
        return Window(since=before.window_start, end=before.window_end)
    until = _midnight(_known(work) - _BOOKED_WITHIN)
    if work.options.since is not None:
        return Window(since=_midnight(work.now - work.options.since), end=until)
    if work.full or mark is None:
        return Window(since=None, end=until)
    return Window(since=mark.complete_until - LOOK_BACK, end=until)


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _attempted(work: Work, reader: book_port.Books, chosen: Window, report: KindReport) -> tuple[str, str | None]:
    """How it ended, and why: a key that may not see the books is no failure, nor are books that can't be compared."""
    unfit = _unfit(work, chosen)
    if unfit is not None:
        return "skipped", f"not compared: {unfit}"
    try:
        work.books = _compared(work, reader, chosen, report)
    except Forbidden as error:
        return "skipped", f"not compared: the key may not read the books ({error})"
    except MappingError as error:
        return "skipped", f"not compared: {error}"
    except ProviderError as error:
        return "partial", str(error)
    return "complete", None


def _unfit(work: Work, chosen: Window) -> str | None:
    """Why there is nothing to compare."""
    unread = [each.source for each in _basis(work) if each.status != "complete"]
    if unread:
        return f"{', '.join(unread)} could not be read whole"
    if chosen.since is not None and chosen.since >= chosen.end:
        return "no UTC day of the chosen time is over"
    return None


def _compared(work: Work, reader: book_port.Books, chosen: Window, report: KindReport) -> Books:
    since = None if chosen.since is None else day_of(chosen.since)
    with closing(Sources()) as sources:
        read = _read(work, reader, chosen, report, sources)
        count = Count(since, day_of(chosen.end - _DAY), known=_known(work), read=read)
        # Rows change meanwhile; both sides must be counted from the same ones.
        with work.database.snapshot() as connection:
            rows = BookRows(connection, work.account.name, STANDING, read)
            _follow(sources, rows, count)
            for kind in KINDS:
                for sum_ in rows.sums(kind, chosen.since, chosen.end):
                    count.here(kind, *sum_)
                for batch in sources.batches(kind, _BATCH):
                    held = rows.held(kind, [each.source_id for each in batch])
                    for each in batch:
                        count.booked(kind, each, held.get(each.source_id))
                    work.beat()
        return count.result()


def _read(work: Work, reader: book_port.Books, chosen: Window, report: KindReport, sources: Sources) -> datetime:
    """Read to the present, not to the window's end: what became of a day's objects since then counts on that day.

    Returns the time from which on the books may lack something.
    """
    since = None if chosen.since is None else chosen.since - OVERLAP
    page = reader.booked(cursor=None, since=since)
    began = page.as_of
    while True:
        sources.add(page.entries)
        report.pages, report.objects = report.pages + 1, report.objects + len(page.entries)
        work.progress.page(BOOKS, report.pages, report.objects)
        work.beat()
        if page.cursor is None:
            return began
        page = reader.booked(cursor=page.cursor, since=since)


def _follow(sources: Sources, rows: BookRows, count: Count) -> None:
    """Count what payments did not keep with their charges. A refund that was made for it is none in the books."""
    for batch in sources.batches("release", _BATCH):
        refunds = rows.held("refund", [each.source_id for each in batch])
        for each in batch:
            refund = refunds.get(each.source_id)
            sources.follow(each, each.source_id if refund is None else refund.charge_id or each.source_id)
            if refund is not None:
                count.leave_out("refund", refund)


def _close(work: Work, chosen: Window, report: KindReport) -> None:
    entry = runs.Entry(
        kind=BOOKS, status=report.status, reason=report.reason, window_start=chosen.since, window_end=chosen.end,
        started_as_of=work.now, objects=report.objects, pages=report.pages,
    )  # fmt: skip
    mark = moved(work.marks.get(BOOKS), chosen, work.now) if report.status == "complete" else None
    with work.database.write() as connection:
        runs.save_entry(connection, work.run, entry)
        if mark is not None and not work.options.dry_run:
            runs.move(connection, work.run, BOOKS, mark)
    work.progress.done(BOOKS, report.status)
    told = {"run_id": work.run.id, "account": work.account.name}
    for each in work.books.differences if work.books is not None else ():
        log.warning(
            "reconcile.books_differed", **told, day=each.day, currency=each.currency, part=each.part, booked=each.booked,
            here=each.here, difference=each.difference,
        )  # fmt: skip
    log.info(
        "reconcile.kind_finished", **told, kind=BOOKS, status=report.status, reason=report.reason,
        objects=report.objects, pages=report.pages,
    )  # fmt: skip
