"""One reconcile: each chosen account's event audit, sweeps and heals, under one ledger."""

from __future__ import annotations

import os
import socket
from datetime import datetime, timedelta
from uuid import uuid4

import msgspec
import structlog
from sqlalchemy import Connection

from reconcile import booked, heal, report, usage
from reconcile.audit import audit, forgotten
from reconcile.compare import kind_of
from reconcile.heal import accept, list_drift
from reconcile.ledger import Pass, Work
from reconcile.money import by_day, totals
from reconcile.plan import Options, cheapest, covers, window
from reconcile.progress import Progress
from reconcile.report import AccountReport, KindReport, Line, Report
from reconcile.small import SmallSweep
from reconcile.sweep import Sweep
from service.account import Account
from service.errors import ConfigError, MappingError, OtherAccount, ProviderError, RunRefused, RunStopped
from service.provider import Listing, Reader
from service.store import calls, drift, outages, runs
from service.store.drift import Opened
from service.system import System, variables

__all__ = ["Options", "Report", "accept", "list_drift", "reconcile"]
log = structlog.get_logger()
_DERIVED_KINDS = ("payment", "invoice", "refund")


def reconcile(system: System, options: Options, progress: Progress | None = None) -> Report:
    """Reconcile the chosen accounts, one after the other. Raises `ConfigError` where there is nothing to choose.

    An account that can't be run (another run is active, the key changed hands, the provider doesn't answer) says so in
    its part of the report, and the others go on.
    """
    chosen = _accounts(system, options)
    for account in chosen:
        _listings(account, options)
    return Report(accounts=[_guarded(system, account, options, progress or Progress()) for account in chosen])


def _accounts(system: System, options: Options) -> list[Account]:
    if options.account is not None:
        account = system.account(options.account)
        account.require_key()
        if account.settings.paused:
            raise ConfigError(f"account {account.name!r} is paused; unset paused in TALLYHOOK_CONFIG to reconcile it")
        return [account]
    found = [each for each in system.accounts.by_name.values() if each.readable and not each.settings.paused]
    if not found:
        raise ConfigError(f"no account has an API key, so there is nothing to compare with; set {variables('API_KEY')}")
    return found


def _listings(account: Account, options: Options) -> list[Listing]:
    listings = account.provider.listings
    if options.kind is None:
        return list(listings)
    found = [each for each in listings if options.kind in (each.source, each.kind)]
    if not found and options.kind not in runs.BESIDE:
        known = sorted({name for each in listings for name in (each.source, each.kind)} | runs.BESIDE)
        raise ConfigError(f"--kind {options.kind!r}: account {account.name!r} knows {', '.join(known)}")
    return found


def _guarded(system: System, account: Account, options: Options, progress: Progress) -> AccountReport:
    try:
        return _account(system, account, options, progress)
    except RunStopped as error:
        log.info("reconcile.stopped", account=account.name, detail=str(error))
        return AccountReport(account=account.name, status="stopped", error=str(error), dry_run=options.dry_run)
    except (RunRefused, OtherAccount) as error:
        log.error("reconcile.refused", account=account.name, error=str(error))
        return AccountReport(account=account.name, status="refused", error=str(error), dry_run=options.dry_run)
    except ProviderError as error:
        log.error("reconcile.failed", account=account.name, error=str(error))
        return AccountReport(account=account.name, status="failed", error=str(error), dry_run=options.dry_run)


def _account(system: System, account: Account, options: Options, progress: Progress) -> AccountReport:
    reader = account.reader()
    identity = reader.identity()
    now = _provider_now(reader, account)
    run = _start(system, account, options, identity)
    log.info(
        "reconcile.started", run_id=run.id, account=account.name, dry_run=options.dry_run, full=options.full,
        resumed=run.resumed,
    )  # fmt: skip
    work = _work(system, account, reader, options, progress, run, now)
    try:
        _passes(system, work)
    except RunStopped:
        with system.database.write() as connection:
            runs.release(connection, run, system.database.now())
        raise
    except RunRefused:
        raise
    except Exception as error:
        _close(work, "failed", f"{type(error).__name__}: {error}")
        raise
    finally:
        work.close()
    return _close(work, report.outcome(work.reports), None)


def _provider_now(reader: Reader, account: Account) -> datetime:
    """The provider's time, from the first listing that answers: the machine's own clock may be anything."""
    failure: ProviderError | None = None
    for listing in account.provider.listings:
        try:
            return reader.page(listing.source, cursor=None, since=None, until=None).as_of
        except ProviderError as error:
            failure = error
        except MappingError:
            continue
    raise failure or ConfigError(f"provider {account.provider.name!r} has no listing that could be read")


def _start(system: System, account: Account, options: Options, identity: str | None) -> runs.Run:
    holder = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"
    now = system.database.now()
    with system.database.write() as connection:
        if identity is not None and options.dry_run:
            runs.require_identity(connection, account.name, account.provider.name, identity)
        elif identity is not None:
            runs.record_identity(connection, account.name, account.provider.name, identity, now)
        return runs.start(
            connection, account.name, holder, now, options=options.text(), dry_run=options.dry_run, full=options.full,
            whole=options.whole, origin=options.origin,
        )  # fmt: skip


def _work(
    system: System, account: Account, reader: Reader, options: Options, progress: Progress, run: runs.Run, now: datetime
) -> Work:
    with system.database.read() as connection:
        marks = runs.marks(connection, account.name)
        entries = runs.entries(connection, run.id)
    work = Work(
        database=system.database, account=account, reader=reader, run=run, options=options, progress=progress, now=now,
        end=now - timedelta(seconds=account.provider.safety_lag_seconds), marks=marks, entries=entries,
    )  # fmt: skip
    work.reads_left = options.few.reads if options.few is not None else 0
    work.full = options.full or (options.since is None and forgotten(work))
    return work


def _passes(system: System, work: Work) -> None:
    found = audit(system, work)
    work.reports += [found] if found is not None else []
    for listing in _listings(work.account, work.options):
        work.reports.append(work.finished(listing.source) or _sweep(work, listing))
    if work.options.few is None and (work.options.kind is None or work.options.kind in _DERIVED_KINDS):
        work.reports.append(heal.repair(work))
    told = usage.compare(work, system.meters)
    work.reports += [told] if told is not None else []
    compared = booked.compare(work)
    work.reports += [compared] if compared is not None else []
    if work.options.whole and not work.options.dry_run and forgotten(work):
        _bridge(work)


def _bridge(work: Work) -> None:
    """Let the audit go on from here where the log has forgotten a part, and every listing was read whole since it began."""
    with work.database.write() as connection:
        read = runs.entries(connection, work.run.id).get(runs.EVENTS)
        if read is None or read.status != "complete" or read.started_as_of is None or read.window_end is None:
            return
        marks = runs.marks(connection, work.account.name)
        whole = [
            mark.full_at for each in work.account.provider.listings if (mark := marks.get(each.source)) is not None
        ]
        if len(whole) == len(work.account.provider.listings) and all(at and at >= read.started_as_of for at in whole):
            mark = runs.Mark(complete_until=read.window_end, confirmed_as_of=read.started_as_of)
            runs.move(connection, work.run, runs.EVENTS, mark)


def _sweep(work: Work, listing: Listing) -> KindReport:
    """One listing from its first page to its heal. A failing call leaves it partial, and nobody in it gone."""
    chosen = window(
        work.options,
        work.marks.get(listing.source),
        work.now,
        work.end,
        filtered=listing.filter is not None,
        full=work.full,
    )
    with work.database.read() as connection:
        statuses = drift.by_status(connection, work.account.name, kind_of(listing.kind))
    chosen = cheapest(chosen, listing.kind, statuses, changes_listed=listing.filter == "updated")
    with Pass(work, listing.source, listing.kind, chosen) as passing:
        return _passed(work, listing, passing)


def _passed(work: Work, listing: Listing, passing: Pass) -> KindReport:
    # Where objects of several listings feed one row, its money must be counted once.
    alone = all(each.owns_row for each in work.account.provider.listings if each.kind == listing.kind)
    sweep = Sweep if work.options.few is None else SmallSweep
    try:
        sweep(work, listing, passing, alone=alone).run()
    except ProviderError as error:
        return passing.finish("partial", str(error))
    except MappingError as error:
        return passing.finish("failed", str(error))
    if not work.options.dry_run:
        heal.heal(work, listing, passing)
    return passing.finish("complete")


def _close(work: Work, status: str, error: str | None) -> AccountReport:
    """Store the run's end with its report."""
    run, now = work.run, work.database.now()
    done = AccountReport(
        account=work.account.name, status=status, run_id=run.id, error=error, full=work.full,
        dry_run=work.options.dry_run, resumed=run.resumed, overrun=work.overrun, started_at=run.started_at, finished_at=now,
        provider_time=work.now, kinds=work.reports, money=by_day(each for kind in work.reports for each in kind.money),
        books=work.books,
    )  # fmt: skip
    done.totals = totals(done.money)
    with work.database.read() as connection:
        report.count(done, drift.tally(connection, run.id))
        done.at_stake = drift.at_stake(connection, run.id)
        done.open_calls = calls.counts(connection, work.account.name)
        found = drift.stored(connection, run_id=run.id, limit=report.MOST)
    done.findings = [_line(work.account, each) for each in found]
    done.omitted = sum(done.by_class.values()) - len(done.findings)
    with work.database.write() as connection:
        runs.finish(connection, run, status, msgspec.json.encode(done).decode(), now)
        over = _caught_up(connection, work, done)
    if over:
        log.info("outage.caught_up", account=work.account.name, outages=over, run_id=run.id)
    log.info(
        "reconcile.finished", run_id=run.id, account=work.account.name, status=status, error=error,
        drift=sum(done.by_class.values()), left=done.left,
    )  # fmt: skip
    return done


def _caught_up(connection: Connection, work: Work, done: AccountReport) -> int:
    """Close the outages that this run has caught up on: it read every listing whole since, and healed what it found."""
    options = work.options
    proves = options.whole and not options.dry_run and covers(work.account.provider.listings, full=work.full)
    if not proves or report.unsettled(done) is not None:
        return 0
    return outages.caught_up(connection, work.account.name, work.run.id, work.run.started_at, work.database.now())


def _line(account: Account, opened: Opened) -> Line:
    found = opened.finding
    source, _, source_id = (found.source or "").partition(":")
    url = account.provider.dashboard_url(source, source_id, livemode=account.livemode) if source_id else None
    shared = {name: getattr(found, name) for name in Line.__struct_fields__ if name not in ("cause", "url")}
    return Line(**shared, cause=found.cause or "no event", url=url)
