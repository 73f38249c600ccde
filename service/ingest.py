"""Ingest: from verified bytes to a durable row. Nothing acknowledged is ever lost, nothing forged is ever stored.

Group commit: deliveries that arrive while a commit is in flight share the next one. Each is answered after its own batch is
durable, and only then.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections import deque
from collections.abc import Sequence

import msgspec
import structlog

from service import metrics
from service.account import Account
from service.errors import NotDurable
from service.provider import Headers
from service.store.engine import Database, is_data_error
from service.store.inbox import Delivery, Receipt
from service.store.writer import ERRORS, Writer

_BATCH = 256
log = structlog.get_logger()


def admit(account: Account, headers: Headers, body: bytes) -> Delivery:
    """Verify a delivery and read its envelope. Raises `Rejected` with the named cause, and nothing else."""
    account.verify(headers, body, time.time())
    envelope = account.provider.envelope(body)
    if envelope.ignored is None and (foreign := account.foreign(envelope)) is not None:
        envelope = msgspec.structs.replace(envelope, ignored=foreign)
    return Delivery(account=account.name, envelope=envelope, payload=body)


class GroupCommit:
    """Stores deliveries for one event loop; a thread commits. Bounded: beyond `limit` waiting it refuses at once."""

    def __init__(self, database: Database, *, limit: int, timeout: float) -> None:
        self._writer = Writer(database)
        self._limit = limit
        self._timeout = timeout
        self._waiting: deque[tuple[Delivery, asyncio.Future[Receipt]]] = deque()
        self._promised: dict[asyncio.Future[Receipt], float] = {}
        # A condition variable would cost more than the hand-over itself.
        self._wake: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._stopping = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="group-commit", daemon=True)

    def start(self) -> None:
        """Begin, in the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()
        self._expire()

    async def stop(self) -> None:
        """Commit what waits, then end the thread."""
        self._stopping = True
        self._wake.put(None)
        self._expiry.cancel()
        await asyncio.to_thread(self._thread.join, self._timeout)

    async def store(self, delivery: Delivery) -> Receipt:
        """The receipt, once the delivery is durable. Raises `NotDurable` when the queue is full or the commit failed."""
        if self._stopping or self._loop is None:
            raise NotDurable("the service is shutting down")
        if len(self._waiting) >= self._limit:
            raise NotDurable("too many deliveries wait for the database")
        future: asyncio.Future[Receipt] = self._loop.create_future()
        self._promised[future] = self._loop.time() + self._timeout
        self._waiting.append((delivery, future))
        if len(self._waiting) == 1:  # else the thread has been woken already and empties the queue before it sleeps
            self._wake.put(None)
        try:
            return await future
        finally:
            del self._promised[future]

    def _expire(self) -> None:
        """Once a second, answer what waited too long: a timer for each delivery would cost more than its signature."""
        assert self._loop is not None
        now = self._loop.time()
        for future, deadline in list(self._promised.items()):
            if deadline > now:
                break  # in the order of their deadlines
            if not future.done():
                future.set_exception(NotDurable("the database did not commit in time"))
        self._expiry = self._loop.call_later(1.0, self._expire)

    def _run(self) -> None:
        while True:
            self._wake.get()
            while batch := self._take():
                self._commit(batch)
            if self._stopping and not self._waiting:
                self._writer.close()
                return

    def _take(self) -> list[tuple[Delivery, asyncio.Future[Receipt]]]:
        waiting = self._waiting
        return [waiting.popleft() for _ in range(min(len(waiting), _BATCH))]

    def _commit(self, batch: Sequence[tuple[Delivery, asyncio.Future[Receipt]]]) -> None:
        deliveries = [delivery for delivery, _ in batch]
        metrics.COMMIT_BATCH.observe(len(batch))
        try:
            results: Sequence[Receipt | NotDurable] = self._store(deliveries)
        except Exception as error:  # noqa: BLE001 - whatever went wrong, every waiting request must be answered
            log.error("ingest.commit_failed", error=type(error).__name__, deliveries=len(batch))
            results = [NotDurable("the database could not commit")] * len(batch)
        assert self._loop is not None
        self._loop.call_soon_threadsafe(_answer, batch, results)

    def _store(self, deliveries: Sequence[Delivery]) -> Sequence[Receipt | NotDurable]:
        try:
            return self._writer.store(deliveries)
        except ERRORS as error:
            if len(deliveries) == 1 or not is_data_error(error):
                raise
        # One bad row must not take its neighbours down with it.
        return [self._store_alone(delivery) for delivery in deliveries]

    def _store_alone(self, delivery: Delivery) -> Receipt | NotDurable:
        try:
            return self._writer.store([delivery])[0]
        except ERRORS as error:
            log.error("ingest.row_refused", error=type(error).__name__, provider_event_id=delivery.envelope.event_id)
            return NotDurable("the database refused this event")


def _answer(batch: Sequence[tuple[Delivery, asyncio.Future[Receipt]]], results: Sequence[Receipt | NotDurable]) -> None:
    for (_, future), result in zip(batch, results, strict=True):
        if future.done():
            continue  # the request gave up waiting; the provider will deliver again and be told `duplicate`
        if isinstance(result, NotDurable):
            future.set_exception(result)
        else:
            future.set_result(result)
