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
from reconcile.report import AccountReport, unsettled
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
        self._swept = chosen if self._every else []
        # A sweep that was too small notes an outage too, however silences are judged.
        self._followed = self._swept or [each for each in chosen if patience(each.provider, settings.catchup_after)]

    @property
    def needed(self) -> bool:
        """False where no account is of the kind that this is for."""
        return bool(self._followed)

    def run(self) -> None:
        """Look every ten seconds, sooner after a start and while there is work."""
        wait = _FIRST_WAIT
        while not self._stop.wait(wait):
            wait = _FIRST_WAIT if self.step() else min(wait * 2, _IDLE_SECONDS)

    def step(self) -> int:
        """Run what is due now; how many runs that were. Nothing that goes wrong ends the worker."""
        done = 0
        for account in self._followed:
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
        if not claimed:
            return False
        log.info("outage.catching_up", account=account.name, outages=len(claimed), attempt=_attempts(claimed))
        options = Options(account=account.name, full=True, origin="outage")
        report = reconcile(self._system, options, Stoppable(self._stop)).accounts[0]
        self._settle(account, claimed, report)
        return True

    def _settle(self, account: Account, claimed: Sequence[Unfinished], report: AccountReport) -> None:
        """What the run has not finished by its own end is due again: at once, unless it failed."""
        ids, now = [each.id for each in claimed], self._database.now()
        left = unsettled(report)
        if left is None or report.status == "stopped":
            # A run that was resumed may have begun before the outage was over.
            with self._database.write() as connection:
                outages.give_back(connection, ids, now)
            return
        until = now + delay(_attempts(claimed))
        with self._database.write() as connection:
            outages.postpone(connection, ids, left, until)
        log.warning("outage.postponed", account=account.name, status=report.status, error=left, until=until.isoformat())

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
        self._swept_well(account, report, now)
        return True

    def _swept_well(self, account: Account, report: AccountReport, began: datetime) -> None:
        """Remember a sweep; what it was too small for becomes an outage, on which a whole run catches up."""
        with self._database.write() as connection:
            # True up to here was the copy after the last sweep that ended well, or a whole run since.
            whole = history.last_complete(connection, account.name)
            known = (outages.last_swept(connection, account.name), whole["started_at"] if whole else None)
            since = max((each for each in known if each is not None), default=began)
            if report.status == "complete":
                outages.swept(connection, account.name, began)
            if report.overrun and outages.record(connection, account.name, outages.SWEEP, since, began):
                seconds = round((began - since).total_seconds())
                log.warning("outage.noticed", account=account.name, cause=outages.SWEEP, seconds=seconds)


def _attempts(claimed: Sequence[Unfinished]) -> int:
    return max(each.attempts for each in claimed)
