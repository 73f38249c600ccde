"""One listing against the local rows: stream its pages, look again at what differs, and find what is gone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

import msgspec
from sqlalchemy import Connection

from reconcile.compare import findings, kind_of, missing_remote, needs_person, newer, verdict
from reconcile.ledger import Pass, Turned, Work
from reconcile.money import Movement
from reconcile.plan import due
from reconcile.scratch import Planned
from reconcile.tally import Group, Sheet, Tally
from service.apply import apply, seen
from service.errors import MappingError, NotFound, ProviderError, ProviderUnavailable, RunStopped
from service.instants import micros
from service.model import Change, Kind, Snapshot
from service.provider import Listing, Page, Read
from service.store import drift, state
from service.store.drift import Finding, Local
from service.store.state import Rows

Targets: TypeAlias = dict[str, state.Key]
"""Objects to read by id, and the row that each feeds."""
Moved: TypeAlias = tuple[list[Movement], list[Movement]]
"""Money that rows stand for, and what the provider puts in its place."""
Failure: TypeAlias = ProviderError | MappingError | RunStopped
"""What leaves a listing unfinished."""
_LOOK = 100
# What goes into one transaction: a commit and a dozen statements cost as much for one page as for several. PostgreSQL holds
# a lock a row meanwhile, and has room for some thousands.
_ENOUGH = 400
_PAGES = 10


class Sweep:
    """One pass over one listing. `alone`: no other listing feeds rows of its kind."""

    def __init__(self, work: Work, listing: Listing, passing: Pass, *, alone: bool) -> None:
        self.work, self.listing, self.passing = work, listing, passing
        self.ordering = work.account.provider.ordering
        self.report = passing.report
        self.tally = Tally(work, listing, passing.scratch, alone=alone)

    def run(self) -> None:
        """Compare everything that the window covers; raises `ProviderError` where a call failed."""
        self._list()
        self._rows()
        self._still_open()

    def _list(self) -> None:
        while self._advance():
            continue

    def _advance(self, most: int = _PAGES) -> bool:
        """Read and compare some pages, at most so many; True while there are more."""
        pages, groups, failure = self._gather(most)
        if pages:
            self._compare(pages, groups)
        if failure is not None:
            raise failure
        return pages[-1].cursor is not None

    def _gather(self, most: int) -> tuple[list[Page], list[Group], Failure | None]:
        """Pages for one transaction, and the objects on them; where a call fails, what came before, and the failure."""
        pages: list[Page] = []
        groups: list[Group] = []
        cursor, since = self.passing.entry.cursor, self.passing.window.since
        while len(pages) < most and sum(map(len, groups)) < _ENOUGH and (cursor is not None or not pages):
            began = micros(self.work.database.now())
            try:
                page = self.work.reader.page(self.listing.source, cursor=cursor, since=since, until=None)
                self.passing.turn(len(pages) + 1, sum(len(each.objects) for each in (*pages, page)))
            except (ProviderError, MappingError, RunStopped) as error:
                return pages, groups, error
            fresh = self._fresh([self._changes(each, page.as_of, began) for each in page.objects if each])
            self._remember(fresh)
            pages, groups, cursor = [*pages, page], groups + fresh, page.cursor
        return pages, groups, None

    def _compare(self, pages: Sequence[Page], groups: Sequence[Group]) -> None:
        rows = self._load(groups)
        sheet = self.tally.sheet(groups, rows)
        new, targets = self._sort(groups, rows, sheet)
        found = self._look(targets)
        new, causes = self._unless_busy(new)
        for group in new:
            sheet.new(group, healed=not self.work.options.dry_run)
        self._store(pages, new, causes, rows, found)

    def _fresh(self, groups: list[Group]) -> list[Group]:
        """Without what earlier pages showed already: numbered pages shift while new objects push the older ones on."""
        if not self.listing.shifts:
            return groups
        unseen = set(self.passing.scratch.unseen([group[0].snapshot.source_id for group in groups]))
        return [group for group in groups if group[0].snapshot.source_id in unseen]

    def _changes(self, snapshots: Iterable[Snapshot], as_of: datetime, seen_at: int) -> Group:
        return seen(snapshots, as_of, seen_at, self.work.cause, read=True)

    def _load(self, groups: Sequence[Group]) -> Rows:
        keys = {(change.snapshot.kind, change.snapshot.id) for group in groups for change in group}
        with self.work.database.read() as connection:
            return state.load(connection, self.work.account.name, keys)

    def _remember(self, groups: Sequence[Group]) -> None:
        keys = [group[0].snapshot.source_id for group in groups]
        self.passing.scratch.see(keys)
        if keys:
            self.work.known = (self.listing.source, keys[-1])

    def _sort(self, groups: Sequence[Group], rows: Rows, sheet: Sheet) -> tuple[list[Group], Targets]:
        """The objects that nothing here knows, and those that differ; equal ones are confirmed."""
        new: list[Group] = []
        targets: Targets = {}
        for group in groups:
            verdicts = {verdict(rows.get(_key(change)), change, self.ordering) for change in group}
            if verdicts == {"equal"}:
                self.report.confirmed += 1
                sheet.equal(group)
            elif "differs" not in verdicts:
                new.append(group)
            elif any(newer(rows.get(_key(change)), change) for change in group):
                self.report.newer += 1
            else:
                targets[group[0].snapshot.source_id] = _key(group[0])
        return new, targets

    def _unless_busy(self, new: list[Group]) -> tuple[list[Group], Mapping[str, str]]:
        """The new objects without those whose events are still under way, and the missed events that explain them."""
        if not new:
            return new, {}
        ids = [group[0].snapshot.source_id for group in new]
        with self.work.database.read() as connection:
            busy = drift.busy(connection, self.work.account.name, self.listing.source, ids)
            causes = drift.causes(connection, self.work.run.id, [self._source(id_) for id_ in ids])
        self.report.pending += len(busy)
        self.passing.scratch.postpone(busy)
        return [group for group in new if group[0].snapshot.source_id not in busy], causes

    def _store(
        self, pages: Sequence[Page], new: list[Group], causes: Mapping[str, str], rows: Rows, found: list[Finding]
    ) -> None:
        """Save pages: their new objects (they can't damage anything, so they needn't wait), findings and ledger."""
        work, changes = self.work, [change for group in new for change in group]
        dry = work.options.dry_run
        for change in changes:
            known = rows.get(_key(change))
            cause = causes.get(change.snapshot.key)
            each = findings(known, change, self.ordering, cause)
            found += [msgspec.structs.replace(one, action="would_heal" if dry else "healed") for one in each]
        self.report.drift += len(new)
        with work.database.write() as connection:
            if not dry and changes:
                now = work.database.now()
                apply(connection, work.account.name, changes, ordering=self.ordering, confirmed={}, now=now)
            self.passing.add(connection, found)
            self.passing.pages(connection, [Turned(each.cursor, each.as_of, len(each.objects)) for each in pages])
        self.report.healed += 0 if dry else len(new)
        self.passing.scratch.commit(self.passing.entry.pages)

    def _rows(self) -> None:
        """Local rows that the listing should have shown but didn't, and those that are due by themselves, read by id."""
        for kind in (self.listing.kind, *self.listing.feeds):
            self._rows_of(kind_of(kind))

    def _rows_of(self, kind: Kind) -> None:
        last = ""
        while rows := self._next(kind, last):
            last = rows[-1].id
            self._look_all({id_: (kind, row.id) for row in rows if self._wanted(kind, row) for id_ in row.source_ids})
            self.work.beat()

    def _next(self, kind: Kind, last: str) -> list[Local]:
        with self.work.database.read() as connection:
            return drift.local_rows(connection, self.work.account.name, kind, self.listing.source, last)

    def _wanted(self, kind: Kind, row: Local) -> bool:
        window, began = self.passing.window, self.passing.entry.started_as_of
        if began is not None and row.created_at is not None and row.created_at > began:
            return False
        changes_listed = self.listing.filter == "updated"
        return window.covers(row.created_at) or due(kind, row, window.slice, changes_listed=changes_listed)

    def _still_open(self) -> None:
        """What waits for a person from earlier nights is looked at every night."""
        work, source = self.work, self.listing.source
        with work.database.read() as connection:
            waiting = drift.opened_sources(connection, work.account.name, source, work.run.id)
            targets: Targets = {key.removeprefix(f"{source}:"): (kind_of(kind), row) for key, kind, row in waiting}
        self._look_all(targets)

    def _look_all(self, targets: Mapping[str, state.Key]) -> None:
        ids = self.passing.scratch.unseen(list(targets))
        for start in range(0, len(ids), _LOOK):
            chunk = {id_: targets[id_] for id_ in ids[start : start + _LOOK]}
            found = self._look(chunk)
            self.passing.scratch.see(chunk)
            if found:
                with self.work.database.write() as connection:
                    self.passing.add(connection, found)
            self.work.beat()

    def _look(self, targets: Mapping[str, state.Key]) -> list[Finding]:
        """Read each object by id and judge that; raises `ProviderError` where a read says nothing about the object."""
        if not targets:
            return []
        with self.work.database.read() as connection:
            busy = drift.busy(connection, self.work.account.name, self.listing.source, list(targets))
        self.report.pending += len(busy)
        self.passing.scratch.postpone(busy)
        reads: dict[str, tuple[Read, int]] = {}
        gone = []
        for id_ in targets:
            if id_ in busy:
                continue
            began = self.work.database.now()
            self.report.reads += 1
            try:
                reads[id_] = self.work.reader.get(self.listing.source, id_), micros(began)
            except NotFound:
                gone.append(id_)
        return self._judge(reads) + self._gone({id_: targets[id_] for id_ in gone})

    def _judge(self, reads: Mapping[str, tuple[Read, int]]) -> list[Finding]:
        groups = {id_: self._changes(read.snapshots, read.as_of, seen_at) for id_, (read, seen_at) in reads.items()}
        groups = {id_: group for id_, group in groups.items() if group}
        rows = self._load(list(groups.values()))
        sheet = self.tally.sheet(list(groups.values()), rows)
        with self.work.database.read() as connection:
            causes = drift.causes(connection, self.work.run.id, [self._source(id_) for id_ in reads])
        found: list[Finding] = []
        for id_, group in groups.items():
            each, moved = self._judge_one(group, rows, causes, sheet)
            if each and each[0].action == "planned":
                self.passing.scratch.keep(id_, Planned(*reads[id_], *moved))
            self.report.drift += bool(each)
            found += each
        return found

    def _judge_one(
        self, group: Group, rows: Rows, causes: Mapping[str, str], sheet: Sheet
    ) -> tuple[list[Finding], Moved]:
        if any(newer(rows.get(_key(change)), change) for change in group):
            self.report.newer += 1
            return [], ([], [])
        found: list[Finding] = []
        person = False
        for change in group:
            row = rows.get(_key(change))
            if verdict(row, change, self.ordering) == "equal":
                continue
            each = findings(row, change, self.ordering, causes.get(change.snapshot.key))
            person = person or needs_person(row, each)
            found += each
        self.report.confirmed += not found
        action = "needs_review" if person else "would_heal" if self.work.options.dry_run else "planned"
        found = [msgspec.structs.replace(each, action=action, source=group[0].snapshot.key) for each in found]
        return found, sheet.differs(group)

    def _gone(self, targets: Mapping[str, state.Key]) -> list[Finding]:
        """A bare 404 is no proof that an object was deleted: it waits for a person."""
        if not targets:
            return []
        self._prove_alive()
        found = []
        with self.work.database.read() as connection:
            account = self.work.account.name
            rows = state.load(connection, account, targets.values())
            for id_, key in targets.items():
                row, source = rows.get(key), self._source(id_)
                if row is not None and row.deleted_at is None and not self._let_go(connection, source):
                    found.append(missing_remote(source, row, remote=None))
                    self.tally.gone(connection, row, id_)
        self.report.drift += len(found)
        return [msgspec.structs.replace(each, action="needs_review") for each in found]

    def _let_go(self, connection: Connection, source: str) -> bool:
        # A part of a row can't be marked as deleted, so the person's word is remembered instead.
        return not self.listing.owns_row and drift.accepted_missing(connection, self.work.account.name, source)

    def _prove_alive(self) -> None:
        known = self.work.known
        if known is None:
            raise ProviderUnavailable("the provider shows no object at all, so a 404 proves nothing")
        try:
            self.work.reader.get(*known)
        except NotFound:
            raise ProviderUnavailable(f"the known object {known[1]} answers 404 too, so a 404 proves nothing") from None

    def _source(self, id_: str) -> str:
        return f"{self.listing.source}:{id_}"


def _key(change: Change) -> state.Key:
    return change.snapshot.kind, change.snapshot.id
