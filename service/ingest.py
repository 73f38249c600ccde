"""Ingest: from verified bytes to a durable row. Nothing acknowledged is ever lost, nothing forged is ever stored.

Group commit: deliveries that arrive while a commit is in flight share the next one. Each is answered after its own batch is
durable, and only then.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Sequence

import msgspec
import structlog
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from service import metrics
from service.account import Account
from service.errors import NotDurable
from service.provider import Headers
from service.store import inbox
from service.store.engine import Database, is_data_error
from service.store.inbox import Delivery, Receipt

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
        self._database = database
        self._limit = limit
        self._timeout = timeout
        self._waiting: deque[tuple[Delivery, asyncio.Future[Receipt]]] = deque()
        self._promised: dict[asyncio.Future[Receipt], float] = {}
        self._wake = threading.Event()
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
        self._wake.set()
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
            self._wake.set()
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
            self._wake.wait()
            self._wake.clear()
            while batch := self._take():
                self._commit(batch)
            if self._stopping and not self._waiting:
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
            return self._insert(deliveries)
        except DBAPIError as error:
            if len(deliveries) == 1 or not is_data_error(error):
                raise
        # One bad row must not take its neighbours down with it.
        return [self._store_alone(delivery) for delivery in deliveries]

    def _store_alone(self, delivery: Delivery) -> Receipt | NotDurable:
        try:
            return self._insert([delivery])[0]
        except SQLAlchemyError as error:
            log.error("ingest.row_refused", error=type(error).__name__, provider_event_id=delivery.envelope.event_id)
            return NotDurable("the database refused this event")

    def _insert(self, deliveries: Sequence[Delivery]) -> list[Receipt]:
        now = self._database.now()
        with self._database.insert() as connection:
            return inbox.store(connection, deliveries, now)


def _answer(batch: Sequence[tuple[Delivery, asyncio.Future[Receipt]]], results: Sequence[Receipt | NotDurable]) -> None:
    for (_, future), result in zip(batch, results, strict=True):
        if future.done():
            continue  # the request gave up waiting; the provider will deliver again and be told `duplicate`
        if isinstance(result, NotDurable):
            future.set_exception(result)
        else:
            future.set_result(result)
