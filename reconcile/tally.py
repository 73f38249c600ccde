"""The money of what a pass compares: at the provider, here before the run, and here after it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from sqlalchemy import Connection

from reconcile.ledger import Work
from reconcile.money import PARTS, Contents, Movement, moved_alone, moved_here, moved_there
from reconcile.scratch import Scratch
from service.model import Change, Subscription
from service.provider import Listing
from service.store import receipts, rewind
from service.store.state import Rows, StateRow

Group: TypeAlias = Sequence[Change]
"""The changes of one provider object."""


class Tally:
    """Sums of one pass. `alone`: no other listing feeds rows of its kind, so that each of them counts here."""

    def __init__(self, work: Work, listing: Listing, scratch: Scratch, *, alone: bool) -> None:
        self._work, self._listing, self._scratch, self._alone = work, listing, scratch, alone
        self._moves = not PARTS.keys().isdisjoint((listing.kind, *listing.feeds))

    def sheet(self, groups: Sequence[Group], rows: Rows) -> Sheet:
        """A sheet for these objects and the rows that they feed, with what those said when the run began."""
        self._remember(groups)
        if not self._moves:
            return Sheet(self._scratch, {}, {}, frozenset(), alone=self._alone)
        now = {key: None if row.deleted_at is not None else row.content for key, row in rows.items()}
        ids = sorted({change.snapshot.id for group in groups for change in group})
        with self._work.database.read() as connection:
            before = rewind.contents(connection, self._work.account.name, rows, self._work.run.started_at)
            elsewhere = self._receipts(connection, ids)
        return Sheet(self._scratch, before, now, elsewhere, alone=self._alone)

    def gone(self, connection: Connection, row: StateRow, source_id: str) -> None:
        """Count a row whose object the provider does not know: what it says is here, and nowhere else."""
        content = row.content or {}
        if (self._alone or content.get("charge_id") == source_id) and not self._receipts(connection, [row.id]):
            self._scratch.count(moved_alone(row.kind, row.id, content), local=1, healed=1)

    def _receipts(self, connection: Connection, ids: Sequence[str]) -> frozenset[str]:
        """The rows among these whose money a subscription's own invoices count."""
        work = self._work
        if self._listing.source not in work.account.provider.ordering.receipts:
            return frozenset()
        seen = frozenset(ids).difference(work.begun.unseen(ids)) if work.begun is not None else frozenset()
        return seen | receipts.among(connection, work.account.name, ids)

    def _remember(self, groups: Sequence[Group]) -> None:
        """What begins a subscription is its receipt; of what a dry run has only seen no row will say so."""
        work = self._work
        if not work.options.dry_run or not work.account.provider.ordering.receipts:
            return
        fields = (each.snapshot.fields for group in groups for each in group)
        begun = {each.begun_by for each in fields if isinstance(each, Subscription) and each.begun_by is not None}
        work.begun = work.begun or Scratch()
        work.begun.see(begun)


class Sheet:
    """The money of one page of objects: what their rows said before the run, and what they say now."""

    def __init__(
        self, scratch: Scratch, before: Contents, now: Contents, receipts: frozenset[str], *, alone: bool
    ) -> None:
        self._scratch, self._before, self._now, self._receipts, self._alone = scratch, before, now, receipts, alone

    def equal(self, group: Group) -> None:
        """Count an object that the rows agree with."""
        self._count(group, self._there(group))

    def new(self, group: Group, *, healed: bool) -> None:
        """Count an object that was not known, or not wholly; `healed` where it is written now."""
        self._count(group, self._there(group) if healed else self._here(group, self._now))

    def differs(self, group: Group) -> tuple[list[Movement], list[Movement]]:
        """Count an object that the rows contradict; the money that they stand for, and what a heal puts in its place."""
        here = self._here(group, self._now)
        self._count(group, here)
        return here, self._there(group)

    def _count(self, group: Group, healed: list[Movement]) -> None:
        self._scratch.count(self._there(group), remote=1)
        self._scratch.count(self._here(group, self._before), local=1)
        self._scratch.count(healed, healed=1)

    def _there(self, group: Group) -> list[Movement]:
        return moved_there(group, alone=self._alone, receipts=self._receipts)

    def _here(self, group: Group, held: Contents) -> list[Movement]:
        return moved_here(group, held, alone=self._alone, receipts=self._receipts)
