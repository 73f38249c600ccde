"""What the service reconciles by itself, for accounts whose provider keeps no event log: a whole run after an outage, and a
small sweep every hour, since what kept deliveries away need not have silenced us (a dead load balancer, a wrong rule).

Several processes may ask at once: an outage, and the turn of a sweep, are claimed in the database.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from reconcile.plan import Few, Options
from reconcile.progress import Progress
from reconcile.report import AccountReport
from reconcile.run import reconcile
from service.account import Account
from service.errors import RunStopped
from service.presence import patience
from service.provider import Listing
from service.store import history, outages
from service.store.outages import Unfinished
from service.system import System

# A process that dies in the middle is followed after this; one that lives is protected by the lock of its run.
LEASE: Final = timedelta(minutes=5)
# Whose key it is, the provider's time, and one call to spare.
_AROUND: Final = 3
_FIRST_WAIT, _IDLE_SECONDS = 1.0, 10.0
log = structlog.get_logger()


def watched(system: System) -> list[Account]:
    """The accounts that the service looks after by itself: no event log to ask later, but an API to read."""
    accounts = system.accounts.by_name.values()
    found = [each for each in accounts if each.provider.log_memory_days is None and each.readable]
    return [each for each in found if not each.settings.paused]


def few(calls: int, listings: Sequence[Listing], now: datetime, every: timedelta) -> Few:
    """A small sweep of at most `calls` calls: half of them for pages, the same for each listing, the rest for reads. Pure."""
    left = max(calls - _AROUND, 0)
    pages = max(left // 2 // max(len(listings), 1), 1)
    turn = int(now.timestamp() // max(every.total_seconds(), 1.0))
    return Few(pages=pages, reads=max(left - pages * len(listings), 0), turn=turn)


def delay(attempts: int) -> timedelta:
    """How long after so many failed attempts the next catch-up waits: half a minute, doubled up to an hour. Pure."""
    return timedelta(seconds=min(30 * 2 ** min(attempts - 1, 10), 3600))


def covers(listings: Sequence[Listing], *, full: bool) -> bool:
    """True where a whole run reads every listing whole: asked to, or because no list can be limited. Pure."""
    return full or all(each.filter is None for each in listings)


def unsettled(report: AccountReport) -> str | None:
    """Why a run has not caught up: it did not finish, or the brake holds what it found. None where it has. Pure."""
    if report.status != "complete":
        reasons = [each.reason for each in report.kinds if each.reason]
        return report.error or "; ".join(reasons) or report.status
    held = report.by_action.get("held", 0)
    return (
        f"the brake holds {held} findings: see the report, then reconcile with --full --max-changes" if held else None
    )


class Stoppable(Progress):
    """Breaks a run off at its next page once `stop` is set."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop

    def page(self, source: str, pages: int, objects: int) -> None:  # noqa: ARG002
        """Raises `RunStopped` where the process is about to end."""
        if self._stop.is_set():
            raise RunStopped(f"stopped before page {pages} of {source} was kept; the next run goes on from there")


class CatchUp:
    """Looks for outages and due sweeps, and runs what they ask for, one after the other, until `stop` is set."""

    def __init__(self, system: System, stop: threading.Event) -> None:
        self._system, self._database, self._stop = system, system.database, stop
        settings = system.settings
        self._every = timedelta(seconds=settings.sweep_seconds)
        self._calls = settings.sweep_calls
        chosen = watched(system)
        self._watched = [each for each in chosen if patience(each.provider, settings.catchup_after) is not None]
        self._swept = chosen if self._every else []

    @property
    def needed(self) -> bool:
        """False where no account is of the kind that this is for."""
        return bool(self._watched or self._swept)

    def run(self) -> None:
        """Look every ten seconds, sooner after a start and while there is work."""
        wait = _FIRST_WAIT
        while not self._stop.wait(wait):
            wait = _FIRST_WAIT if self.step() else min(wait * 2, _IDLE_SECONDS)

    def step(self) -> int:
        """Run what is due now; how many runs that were. Nothing that goes wrong ends the worker."""
        done = 0
        for account in self._watched:
            done += self._guarded(account, "outage")
        for account in self._swept:
            done += self._guarded(account, "sweep")
        return done

    def _guarded(self, account: Account, what: str) -> bool:
        try:
            return self._outages(account) if what == "outage" else self._sweep(account)
        except SQLAlchemyError as error:
            log.warning("catchup.failed", account=account.name, origin=what, error=type(error).__name__)
        except Exception as error:  # noqa: BLE001 - a defect of one run must end neither the worker nor the next run
            log.error("catchup.failed", account=account.name, origin=what, error=type(error).__name__)
        return False

    def _outages(self, account: Account) -> bool:
        now = self._database.now()
        with self._database.write() as connection:
            claimed = outages.claim(connection, account.name, now, LEASE)
        if not claimed or self._covered(account, claimed):
            return False
        log.info("outage.catching_up", account=account.name, outages=len(claimed), attempt=_attempts(claimed))
        options = Options(account=account.name, full=True, origin="outage")
        report = reconcile(self._system, options, Stoppable(self._stop)).accounts[0]
        self._settle(account, claimed, report)
        return True

    def _covered(self, account: Account, claimed: Sequence[Unfinished]) -> bool:
        """A whole run that somebody else began after the outage has caught up on it already."""
        with self._database.read() as connection:
            run = history.last_complete(connection, account.name)
        if run is None or run["started_at"] <= max(each.ended_at for each in claimed):
            return False
        if not covers(account.provider.listings, full=run["full"]):
            return False
        self._finish(account, claimed, run["id"])
        return True

    def _settle(self, account: Account, claimed: Sequence[Unfinished], report: AccountReport) -> None:
        ids, now = [each.id for each in claimed], self._database.now()
        left = unsettled(report)
        if left is None and report.run_id is not None:
            self._finish(account, claimed, report.run_id)
            return
        until = now if report.status == "stopped" else now + delay(_attempts(claimed))
        with self._database.write() as connection:
            if report.status == "stopped":
                outages.give_back(connection, ids, now)
            else:
                outages.postpone(connection, ids, left or report.status, until)
        log.warning("outage.postponed", account=account.name, status=report.status, error=left, until=until.isoformat())

    def _finish(self, account: Account, claimed: Sequence[Unfinished], run_id: int) -> None:
        with self._database.write() as connection:
            outages.finish(connection, [each.id for each in claimed], run_id, self._database.now())
        log.info("outage.caught_up", account=account.name, outages=len(claimed), run_id=run_id)

    def _sweep(self, account: Account) -> bool:
        now = self._database.now()
        with self._database.write() as connection:
            if not outages.take_turn(connection, account.name, now, self._every):
                return False
            run = history.last_complete(connection, account.name)
        # A small sweep keeps up what a whole run has made complete; a run within the last turn has done more than it would.
        if run is None or run["started_at"] > now - self._every:
            return False
        chosen = few(self._calls, account.provider.listings, now, self._every)
        options = Options(account=account.name, few=chosen, origin="sweep")
        report = reconcile(self._system, options, Stoppable(self._stop)).accounts[0]
        self._swept_well(account, report, run["started_at"], now)
        return True

    def _swept_well(self, account: Account, report: AccountReport, whole: datetime, began: datetime) -> None:
        """Remember a sweep; what it was too small for becomes an outage, on which a whole run catches up."""
        with self._database.write() as connection:
            since = outages.last_swept(connection, account.name) or whole
            if report.status == "complete":
                outages.swept(connection, account.name, began)
            if report.overrun and outages.record(connection, account.name, outages.SWEEP, since, began):
                seconds = round((began - since).total_seconds())
                log.warning("outage.noticed", account=account.name, cause=outages.SWEEP, seconds=seconds)


def _attempts(claimed: Sequence[Unfinished]) -> int:
    return max(each.attempts for each in claimed)
