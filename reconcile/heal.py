"""Healing: what the provider showed goes through the same rule as everything else, once the listing has ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import Connection

from reconcile.compare import kind_of
from reconcile.ledger import Pass, Work
from reconcile.report import KindReport
from reconcile.scratch import Planned
from service.apply import Judgement, apply, seen
from service.errors import ConfigError, NotFound
from service.instants import micros
from service.model import FIELDS, Cause, Change, Snapshot, Version
from service.provider import Listing
from service.store import derived, drift, receipts, state
from service.store.drift import Finding, Opened
from service.store.runs import USAGE
from service.store.state import StateRow
from service.system import System

log = structlog.get_logger()
_BATCH: Final = 100
_FEW: Final = 50
_SHARE: Final = 0.2
_DERIVED: Final = "derived"


def braked(changes: int, rows: int, most: int | None) -> bool:
    """True where a heal would change so many existing rows that a person should look first. Pure."""
    if most is not None:
        return changes > most
    return changes > _FEW and changes > rows * _SHARE


def heal(work: Work, listing: Listing, passing: Pass) -> None:
    """Heal what the pass has planned, or hold all of it."""
    with work.database.read() as connection:
        changes = drift.risky(connection, work.run.id, listing.source)
        rows = drift.count_rows(connection, work.account.name, kind_of(listing.kind))
    if braked(changes, rows, work.options.max_changes):
        passing.braked = True
        _hold(work, listing.source, changes, rows)
        return
    for batch in passing.scratch.kept(_BATCH):
        _heal(work, passing, batch)
        work.beat()


def repair(work: Work) -> KindReport:
    """Recompute the derived columns that don't follow from their rows; each is a finding."""
    report = KindReport(source=_DERIVED, kind=_DERIVED, status="complete")
    dry = work.options.dry_run
    while True:
        with work.database.write() as connection:
            wrong = derived.check(connection, work.account.name) + receipts.check(connection, work.account.name)
            found = [_derived_finding(each, dry=dry) for each in wrong]
            drift.add(connection, work.run.id, work.account.name, found, work.database.now())
            report.drift += len(found)
            if dry or not wrong:
                return report
            _recompute(connection, work, found)
        report.healed += len(found)


def list_drift(system: System, *, account: str | None = None, only_open: bool = True) -> list[Opened]:
    """Findings of all runs, oldest first; by default those that wait for a person."""
    with system.database.read() as connection:
        return drift.stored(connection, account=account, only_open=only_open)


def accept(system: System, drift_id: int) -> Opened:
    """Let the provider's truth replace the row of this finding now; raises `ConfigError` if it isn't open.

    The object is read afresh. What the provider doesn't know any more is marked as deleted. Of usage nothing is written but
    that a person has seen it: what a provider was told beyond ours is never corrected.
    """
    with system.database.read() as connection:
        opened = drift.one(connection, drift_id)
    if opened is None or opened.finding.action != "needs_review" or opened.finding.source is None:
        raise ConfigError(f"no finding {drift_id} waits for a person; `tallyhook drift list` shows those that do")
    changes = [] if opened.finding.kind == USAGE else _truth(system, opened)
    now = system.database.now()
    with system.database.write() as connection:
        if changes:
            _replace(connection, system, opened, changes, now)
        drift.accept(connection, opened, now)
    log.info("reconcile.accepted", run_id=opened.run_id, account=opened.account, drift_id=drift_id)
    with system.database.read() as connection:
        done = drift.one(connection, drift_id)
    assert done is not None
    return done


def _hold(work: Work, source: str, changes: int, rows: int) -> None:
    with work.database.write() as connection:
        held = drift.settle_rest(connection, work.run.id, source, "held")
    log.warning(
        "reconcile.held", run_id=work.run.id, account=work.account.name, kind=source, changes=changes, rows=rows,
        findings=held,
    )  # fmt: skip


def _heal(work: Work, passing: Pass, batch: Sequence[Planned]) -> None:
    groups = [seen(each.read.snapshots, each.read.as_of, each.seen_at, work.cause, read=True) for each in batch]
    changes = [change for group in groups for change in group]
    account, now = work.account.name, work.database.now()
    with work.database.write() as connection:
        ordering = work.account.provider.ordering
        judgements = apply(connection, account, changes, ordering=ordering, confirmed={}, now=now)
        applied = _applied(changes, judgements)
        healed = [any(id(change) in applied for change in group) for group in groups]
        keys = [group[0].snapshot.key for group, done in zip(groups, healed, strict=True) if done]
        _settle(connection, work, keys, "healed", now)
        _settle(connection, work, [group[0].snapshot.key for group in groups], "overtaken", now)
    passing.report.healed += sum(healed)
    for planned, group, done in zip(batch, groups, healed, strict=True):
        if done:
            passing.scratch.count(planned.here, healed=-1)
            passing.scratch.count(planned.there, healed=1)
            first = group[0].snapshot
            log.info("reconcile.healed", run_id=work.run.id, account=account, kind=first.kind, object_id=first.id)


def _applied(changes: Sequence[Change], judgements: Sequence[Judgement]) -> set[int]:
    """By identity: to compare whole snapshots with each other would take as long as to write them."""
    return {id(change) for change, judged in zip(changes, judgements, strict=True) if judged.verdict == "applied"}


def _settle(connection: Connection, work: Work, sources: Sequence[str], action: str, now: datetime) -> None:
    drift.settle(connection, work.run.id, sources, action, now)


def _derived_finding(wrong: dict[str, object], *, dry: bool) -> Finding:
    return Finding(
        kind=str(wrong["kind"]), object_id=str(wrong["object_id"]), source=_DERIVED, drift_class="mismatch",
        field=str(wrong["field"]), local=_text(wrong["old"]), remote=_text(wrong["new"]),
        action="would_heal" if dry else "healed",
    )  # fmt: skip


def _recompute(connection: Connection, work: Work, found: Sequence[Finding]) -> None:
    ids = {kind: sorted({each.object_id for each in found if each.kind == kind}) for kind in ("payment", "invoice")}
    now, cause = work.database.now(), str(work.cause)
    derived.repair(connection, work.account.name, ids["payment"], ids["invoice"], cause, now)
    receipts.refresh(connection, work.account.name, dict.fromkeys(ids["payment"] + ids["invoice"], cause), now)


def _replace(connection: Connection, system: System, opened: Opened, changes: Sequence[Change], now: datetime) -> None:
    ordering = system.account(opened.account).provider.ordering
    restored = "restored" if _revives(opened.finding) else None
    apply(connection, opened.account, changes, ordering=ordering, confirmed={}, now=now, decided=restored)


def _revives(found: Finding) -> bool:
    """True where the row is a tombstone and the provider shows the object alive."""
    return found.field == "deleted_at" and found.drift_class != "missing_remote"


def _truth(system: System, opened: Opened) -> list[Change]:
    """What the provider says of the object now."""
    source, _, source_id = (opened.finding.source or "").partition(":")
    began, cause = micros(system.database.now()), Cause("run", str(opened.run_id))
    account = system.account(opened.account)
    try:
        read = account.reader().get(source, source_id)
        return seen(read.snapshots, read.as_of, began, cause, read=True)
    except NotFound:
        if opened.finding.drift_class != "missing_remote":
            raise
    listing = next((each for each in account.provider.listings if each.source == source), None)
    if listing is None or not listing.owns_row:
        return []
    kinds = (listing.kind, *listing.feeds)
    with system.database.read() as connection:
        rows = state.load(connection, opened.account, {(kind_of(each), opened.finding.object_id) for each in kinds})
    fed = [row for row in rows.values() if opened.finding.source in row.sources]
    return [_tombstone(row, source, source_id, cause, micros(system.database.now())) for row in fed]


def _tombstone(row: StateRow, source: str, source_id: str, cause: Cause, now: int) -> Change:
    # The provider gives no time for what it doesn't know: just after the newest that it showed of the row.
    as_of = micros(row.as_of + timedelta(seconds=1))
    gone = Snapshot(
        source=source, source_id=source_id, kind=row.kind, id=row.id, fields=FIELDS[row.kind](), deleted=True
    )
    return Change(gone, Version(as_of, now, True), cause)


def _text(value: object) -> str | None:
    return None if value is None else str(value)
