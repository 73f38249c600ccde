"""The worker: takes what is due and sees it through, until it is told to stop."""

from __future__ import annotations

import os
import signal
import socket
import threading
import uuid
from collections.abc import Callable
from datetime import datetime
from types import FrameType

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from reconcile.catchup import CatchUp
from service.entitlement_changes import PlanHistory
from service.outbox import Outbox
from service.process import Processor
from service.settling import settle_due
from service.store import heartbeat, queue
from service.store.engine import Database
from service.system import System

_FIRST_WAIT = 0.05
_IDLE_SECONDS = 1.0
_BEAT_SECONDS = 10.0
_STOP_SECONDS = 10.0
_SETTLE_SECONDS = 5.0
log = structlog.get_logger()


class Worker:
    """Processes events of every account of a system. `run` blocks; the table is polled as the only truth.

    Beside it run, each in a thread since they wait for a provider and events must not, the catch-up of the accounts that need
    one, the settling of writes whose outcome is open, and the telling of usage.
    """

    def __init__(self, system: System) -> None:
        self._system = system
        self._processor = Processor(
            system.database, system.accounts.by_name.get, max_attempts=system.settings.max_attempts,
            limit=system.settings.claim_limit,
        )  # fmt: skip
        self._plans = PlanHistory(system.database, system.entitlements, tuple(system.accounts.by_name))

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set; then finish the batch in hand and give back what can't be finished."""
        self._processor.stop = stop
        beat = Beat(self._system.database, "worker", self._processor)
        beat.start()
        catchup = CatchUp(self._system, stop)
        beside = threading.Thread(target=catchup.run, name="catchup", daemon=True)
        settling = threading.Thread(target=self._settle, args=(stop,), name="settling", daemon=True)
        settling.start()
        if catchup.needed:
            beside.start()
        telling = Telling(self._system, stop)
        telling.start()
        wait = 0.0
        try:
            while not stop.is_set():
                wait = next_wait(wait, self._step())
                if wait:
                    stop.wait(wait)
        finally:
            if catchup.needed:
                # It breaks off at its next page; a call that hangs is left behind, and its run taken over by the next one.
                beside.join(_STOP_SECONDS)
            # What it has in hand is settled later, by whoever comes next.
            telling.join(_STOP_SECONDS)
            beat.stop()

    def _settle(self, stop: threading.Event) -> None:
        """Settle writes whose outcome is open, as they fall due. One that hangs at exit is taken over when its lease ends."""
        while not stop.wait(_SETTLE_SECONDS):
            try:
                settle_due(self._system.database, self._system.accounts.by_name.get)
            except Exception as error:  # noqa: BLE001 - see _step
                log.error("worker.settling_failed", error=type(error).__name__)

    def drain(self) -> int:
        """Process until nothing is due; the number of attempts made."""
        total = 0
        while (taken := self._processor.step()) + self._plans.step():
            total += taken
        return total

    def _step(self) -> int:
        try:
            return self._processor.step() + self._plans.step()
        except Exception as error:  # noqa: BLE001 - inside `serve` nobody would start this thread again
            # The lease runs out by itself; the events are taken again, each alone, and what fails always ends dead.
            log.error("worker.step_failed", error=type(error).__name__)
            return 0


def next_wait(last: float, taken: int) -> float:
    """Seconds until the next look: 0 while there is work, then ever longer, up to a second. Pure.

    Under a steady trickle the queue is empty between two looks, and a full second would be each event's delay.
    """
    return 0.0 if taken else min(max(last * 2, _FIRST_WAIT), _IDLE_SECONDS)


class Telling(threading.Thread):
    """A thread that tells usage to the providers until `stop` is set: a provider that answers slowly must not hold up events."""

    def __init__(self, system: System, stop: threading.Event) -> None:
        super().__init__(name="outbox", daemon=True)
        self._outbox = Outbox(system.database, system.accounts.by_name.get, system.meters)
        self._asked_to_stop = stop

    def run(self) -> None:
        """Work; the batch in hand is finished when told to stop."""
        wait = 0.0
        while not self._asked_to_stop.wait(wait):
            try:
                wait = next_wait(wait, self._outbox.step())
            except Exception as error:  # noqa: BLE001 - see Worker._step
                # The claim runs out by itself; the batch is taken up again.
                log.error("worker.outbox_failed", error=type(error).__name__)
                wait = _IDLE_SECONDS


class Beat:
    """A thread that says every ten seconds that this process lives, and renews the lease of the claim in hand.

    `beside` is written in the same transaction as each beat.
    """

    def __init__(
        self, database: Database, role: str, processor: Processor | None = None,
        beside: Callable[[Connection, datetime], None] | None = None,
    ) -> None:  # fmt: skip
        self._database = database
        self._role = role
        self._processor = processor
        self._beside = beside
        self._process = f"{socket.gethostname()}:{os.getpid()}:{role}:{uuid.uuid4().hex[:6]}"
        self._started = database.now()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"beat-{role}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, and take the row away: a process that stopped on purpose is not missing."""
        self._stop.set()
        self._thread.join(_STOP_SECONDS)

    def beat(self) -> None:
        """Say once that this process lives; what keeps it from that is logged, and it is tried again with the next beat."""
        try:
            self._beat()
        except Exception as error:  # noqa: BLE001 - see Worker._step
            log.warning("worker.beat_failed", error=type(error).__name__)

    def _run(self) -> None:
        while True:
            self.beat()
            if self._stop.wait(_BEAT_SECONDS):
                break
        try:
            with self._database.write() as connection:
                heartbeat.end(connection, self._process)
        except SQLAlchemyError as error:
            log.warning("worker.beat_failed", error=type(error).__name__)

    def _beat(self) -> None:
        now = self._database.now()
        claim_id = self._processor.claim_id if self._processor is not None else None
        with self._database.write() as connection:
            heartbeat.beat(connection, self._process, self._role, self._started, now)
            if self._beside is not None:
                self._beside(connection, now)
            if claim_id is not None:
                queue.renew(connection, claim_id, now)


def main(system: System) -> None:
    """Run a worker until SIGTERM or SIGINT, then return."""
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    log.info("worker.started", accounts=sorted(system.accounts.by_name))
    Worker(system).run(stop)
    log.info("worker.stopped")
