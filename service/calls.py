"""One write at a provider: intended, sent once, and settled where its outcome was lost.

intent (a row, committed) -> request -> outcome and state, one transaction
                                     -> unknown -> settled by the same key, or by looking for the object

A process may die anywhere between. Whatever is left open is settled by `service.settling`: while the provider still remembers the
idempotency key, the same request is sent again under it; otherwise the object is looked for, and what can be neither found
nor excluded waits for a person as `needs_review`. Nothing is ever blindly sent twice. A process that outlives its lease still
records what it learns to have been done; it can record nothing else.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
import structlog

from service.account import Account
from service.apply import seen
from service.attempt import backoff
from service.billing_provider import Result
from service.errors import (
    NOT_THIS_TIME,
    REFUSED,
    CallInProgress,
    KeyConflict,
    MappingError,
    NotDone,
    NotSupported,
    OutcomeUnknown,
    ProviderError,
    ProviderUnavailable,
    Undecided,
)
from service.instants import micros
from service.keep import keep, keep_read
from service.model import Cause, Fields, Kind
from service.store import billing_rows, calls
from service.store.calls import Stored
from service.store.engine import Database
from service.write_port import Call, Operation, Written

_SEND_SECONDS: Final = 45.0
"""No request is sent later than this after it was begun, however long the budget holds it back.

Where there are no keys, one request follows one intent, so absence can be told by when the intent was recorded.
"""
_KEY_MARGIN: Final = timedelta(hours=1)
_RETRIES: Final = 2
log = structlog.get_logger()

_encode = msgspec.json.Encoder().encode
_operation = msgspec.json.Decoder(Operation).decode
Sleep = Callable[[float], None]


class Request(msgspec.Struct, frozen=True):
    """What was asked: the operation's name and its arguments as plain values."""

    operation: str
    arguments: Mapping[str, Any]


class Calls:
    """The writes of one account. Safe to share between threads. `sleep` waits between quick repetitions under one key."""

    def __init__(self, database: Database, account: Account, sleep: Sleep = time.sleep) -> None:
        self._database = database
        self._account = account
        self._sleep = sleep

    def run(self, request: Request, build: Callable[[], Operation], idempotency_key: str | None = None) -> Result:
        """Do it once, and return what became of it; the same key returns the same result.

        `request` is what was asked: under one key it must stay the same. `build` makes of it what is sent, and is called only
        where the key is new, since what it looks up may have changed by the time of a second call.

        Raises:
            KeyConflict, CallInProgress: see `service.errors`.
            NotSupported, NotDone, BadRequest, NotFound, Forbidden, RateLimited: nothing was done; the same key may be tried again.
            OutcomeUnknown: it may have been done, and is being settled.
        """
        writer = self._account.writer()
        holder = uuid.uuid4().hex
        call = self._begin(request, build, idempotency_key or uuid.uuid4().hex, holder)
        if call.status in calls.DONE:
            return self.result(call)
        if call.status == "needs_review":
            raise OutcomeUnknown(call.id, call.error or "a person has to look", needs_review=True)
        if call.attempts > 1:
            return self._settled(call, holder)
        for attempt in range(1, (_RETRIES if writer.keys_last is not None else 0) + 2):
            try:
                return self._send(call, holder, attempt)
            except ProviderUnavailable as error:
                lost = error
                self._sleep(0.2 * attempt)
        return self._look(call) or self._lost(call, holder, lost)

    def settle(self, call_id: str) -> Result | None:
        """Settle an open call if nobody else holds it; its result, or None where there is none (yet)."""
        holder = uuid.uuid4().hex
        with self._database.write() as connection:
            call = calls.take(connection, call_id, holder, self._database.now())
        if call is None:
            return None
        try:
            return self._settled(call, holder)
        except (ProviderError, OutcomeUnknown, NotDone, NotSupported) as error:
            log.info("call.open", call_id=call_id, operation=call.operation, detail=str(error))
            return None

    def result(self, call: Stored) -> Result:
        """What a finished call came to, with the object as the copy holds it now."""
        value = self._value(call.kind, call.object_id)
        pending = call.status == "pending_checkout"
        return Result(
            call_id=call.id, account=call.account, operation=call.operation,
            state="pending_checkout" if pending else "done",
            kind=call.kind, object_id=call.object_id, url=call.url, value=value,
            explanation=_operation(call.parameters).explanation,
        )  # fmt: skip

    # --- intent

    def _begin(self, request: Request, build: Callable[[], Operation], key: str, holder: str) -> Stored:
        """The call of this key, held by us where it is still open or begun again."""
        name, asked = self._account.name, _encode([request.operation, request.arguments]).decode()
        with self._database.read() as connection:
            call = calls.of_key(connection, name, key)
        if call is None:
            parameters, now = self._prepared(build), self._database.now()
            with self._database.write() as connection:
                call = calls.begin(
                    connection, call_id=uuid.uuid4().hex, account=name, key=key, operation=request.operation, request=asked,
                    parameters=parameters, holder=holder, now=now,
                )  # fmt: skip
            if call.holder == holder:
                return call
        if call.request != asked:
            raise KeyConflict(f"the idempotency key was used for another request (call {call.id}, {call.operation})")
        return self._again(call, build, holder)

    def _again(self, call: Stored, build: Callable[[], Operation], holder: str) -> Stored:
        """A call that was begun before: as it ended, or held by us."""
        if call.status not in (*calls.VOID, "pending", "unknown"):
            return call
        parameters = self._prepared(build) if call.status in calls.VOID else None
        now = self._database.now()
        with self._database.write() as connection:
            if parameters is None:
                taken = calls.take(connection, call.id, holder, now)
            else:
                taken = calls.renew(connection, call, parameters, holder, now)
        if taken is None:
            raise CallInProgress(f"call {call.id} is being sent or settled right now; ask again in a moment")
        return taken

    def _prepared(self, build: Callable[[], Operation]) -> str:
        return _encode(self._account.writer().prepare(build())).decode()

    # --- sending

    def _send(self, call: Stored, holder: str, attempt: int) -> Result:
        """Send it, and record the outcome. Raises `ProviderUnavailable` where the outcome is unknown."""
        began = self._database.now()
        try:
            written = self._account.writer().perform(self._call(call, attempt))
        except REFUSED as error:
            self._close(call, holder, "refused", error)
            raise
        except NOT_THIS_TIME as error:
            if attempt + call.attempts > 2:
                raise ProviderUnavailable(
                    f"not sent again, after an attempt whose outcome is unknown: {error}"
                ) from error
            self._close(call, holder, "refused", error)
            raise
        except MappingError as error:
            raise ProviderUnavailable(f"the answer can't be translated: {error}") from error
        return self._done(call, written, began)

    def _call(self, call: Stored, attempt: int = 1) -> Call:
        return Call(
            id=call.id, key=call.sent_key, operation=_operation(call.parameters), sent_at=call.sent_at,
            attempt=call.attempts + attempt - 1, deadline=time.monotonic() + _SEND_SECONDS,
        )  # fmt: skip

    def _done(self, call: Stored, written: Written, began: datetime) -> Result:
        """Outcome and state in one transaction: what the answer showed goes through the one door."""
        cause = Cause("call", call.id)
        changes = seen(written.snapshots, written.as_of or began, micros(began), cause, read=True)
        with self._database.write() as connection:
            judged = keep(connection, self._account, changes, self._database.now())
            calls.finish(
                connection, call.id, written.state, self._database.now(), kind=written.kind, object_id=written.object_id,
                url=written.url,
            )  # fmt: skip
        log.info(
            "call.done", call_id=call.id, operation=call.operation, object_id=written.object_id, state=written.state
        )
        self._read_back(written, cause, tied=any(each.verdict == "tie" for each in judged))
        return self.result(msgspec.structs.replace(
            call, status=written.state, kind=written.kind, object_id=written.object_id, url=written.url
        ))  # fmt: skip

    def _read_back(self, written: Written, cause: Cause, *, tied: bool) -> None:
        """Read what the answer can't be trusted to show: a stored answer, or one that an event overtook."""
        wanted = {written.read} if written.read is not None else set()
        if tied:
            wanted |= {(each.source, each.source_id) for each in written.snapshots}
        for source, object_id in sorted(wanted):
            began = self._database.now()
            try:
                read = self._account.reader().get(source, object_id)
            except (ProviderError, MappingError) as error:
                # The call is done all the same; the webhook or the next run brings the object.
                log.warning("call.read_back_failed", object_id=object_id, error=type(error).__name__)
                continue
            keep_read(self._database, self._account, read, began, cause)

    # --- settling

    def _settled(self, call: Stored, holder: str) -> Result:
        """The outcome of a call whose answer was lost. Raises `OutcomeUnknown` where it stays open."""
        writer, now = self._account.writer(), self._database.now()
        if now < self._sent_until(call):
            try:
                return self._send(call, holder, 1)
            except ProviderUnavailable as error:
                # The provider may keep answering a key with the failure of its first use.
                return self._look(call) or self._lost(call, holder, error)
        try:
            found = writer.find(self._call(call))
        except Undecided as error:
            if now >= self._sent_until(call) + writer.absence_after:
                return self._review(call, holder, str(error))
            return self._lost(call, holder, error)
        except (ProviderError, MappingError) as error:
            return self._lost(call, holder, error)
        if found is not None:
            return self._done(call, found, now)
        return self._absent(call, holder, now)

    def _sent_until(self, call: Stored) -> datetime:
        """Until when the request is sent: again under its key as long as that counts once, else just the first time."""
        last = self._account.writer().keys_last
        return call.sent_at if last is None else call.sent_at + last - _KEY_MARGIN

    def _look(self, call: Stored) -> Result | None:
        """The result where it is seen to have been done; None proves nothing."""
        now = self._database.now()
        try:
            found = self._account.writer().find(self._call(call))
        except (Undecided, ProviderError, MappingError):
            return None
        return None if found is None else self._done(call, found, now)

    def _absent(self, call: Stored, holder: str, now: datetime) -> Result:
        """Complete lists show nothing: proof only once a request of ours must have had its effect."""
        earliest = self._sent_until(call) + self._account.writer().absence_after
        if now < earliest:
            return self._lost(call, holder, Undecided("not in the provider's lists yet"), earliest)
        error = NotDone(
            f"call {call.id}: the provider's lists show that it was not done; the same key may be tried again"
        )
        self._close(call, holder, "not_done", error)
        raise error

    def _lost(self, call: Stored, holder: str, error: Exception, earliest: datetime | None = None) -> Result:
        now = self._database.now()
        until = max(now + timedelta(seconds=backoff(call.attempts)), earliest or now)
        with self._database.write() as connection:
            calls.postpone(connection, call.id, holder, until, str(error)[:2000])
        log.warning("call.unknown", call_id=call.id, operation=call.operation, attempt=call.attempts, detail=str(error))
        raise OutcomeUnknown(
            call.id, f"its outcome is unknown ({error}); it is looked into again at {until:%H:%M:%S} UTC"
        )

    def _review(self, call: Stored, holder: str, detail: str) -> Result:
        with self._database.write() as connection:
            calls.close(connection, call.id, holder, "needs_review", self._database.now(), detail[:2000])
        log.error("call.needs_review", call_id=call.id, operation=call.operation, detail=detail)
        raise OutcomeUnknown(call.id, detail, needs_review=True)

    def _close(self, call: Stored, holder: str, status: calls.State, error: Exception) -> None:
        with self._database.write() as connection:
            calls.close(connection, call.id, holder, status, self._database.now(), str(error)[:2000])
        log.warning("call.refused", call_id=call.id, operation=call.operation, status=status, detail=str(error))

    def _value(self, kind: Kind | None, object_id: str | None) -> Fields | None:
        if kind is None or object_id is None:
            return None
        with self._database.read() as connection:
            return billing_rows.held(connection, self._account.name, kind, object_id)
