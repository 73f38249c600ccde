"""The API as an ASGI application: admits a request, hands it to a thread, and answers. The event loop never waits for a
database or a provider; calls that may take seconds have threads of their own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

import msgspec
import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import Receive, Scope, Send

from service import metrics
from service.errors import Rejected, TallyhookError
from service.http.api import asking, openapi, outcomes
from service.http.api.asking import Headers
from service.http.api.operation import Asked, Operation, Reply
from service.http.api.problem import Cause, Refused
from service.http.api.router import Router
from service.http.api.routes import OPERATIONS
from service.http.api.tokens import Caller, Tokens
from service.http.body import read
from service.http.problem import MEDIA_TYPE, answer
from service.http.request_ids import request_ids
from service.system import System

PREFIX: Final = "/v1"
# More threads would only compete with the event loop for the interpreter: what a read waits for is short.
_THREADS: Final = {False: 3, True: 4}
_WAITING: Final = {False: 256, True: 64}
_OPERATIONS: Final = (*OPERATIONS, openapi.operation(OPERATIONS))
_encode = msgspec.json.Encoder().encode
log = structlog.get_logger()


class Api:
    """`/v1`. Raises `ConfigError` for tokens that can't be used; without any it answers `api_off` to everything."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._tokens = Tokens(system.settings.api_tokens)
        self._router = Router(_OPERATIONS)
        self._pools = {
            remote: ThreadPoolExecutor(threads, "api-remote" if remote else "api")
            for remote, threads in _THREADS.items()
        }
        self._running = dict.fromkeys(_THREADS, 0)
        self._request_ids = request_ids()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        begun = time.perf_counter()
        exchange = _Exchange(next(self._request_ids))
        try:
            reply = await self._handle(scope, receive, exchange)
        except Refused as refused:
            reply = _refusal(refused, exchange)
        except Exception:
            log.exception("api.failed", request_id=exchange.request_id, operation=exchange.operation)
            reply = _refusal(Refused("internal", "the service failed; the log has the request_id"), exchange)
        exchange.report(reply.status, time.perf_counter() - begun)
        headers = {"content-type": "application/json", "request-id": exchange.request_id, **reply.headers}
        packed = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        packed.append((b"content-length", str(len(reply.body)).encode()))
        for message in answer(reply.status, packed, reply.body):
            await send(message)

    async def close(self) -> None:
        """Finish what runs, and end the threads."""
        for pool in self._pools.values():
            await asyncio.to_thread(pool.shutdown)

    async def _handle(self, scope: Scope, receive: Receive, exchange: _Exchange) -> Reply:
        headers: Headers = scope["headers"]
        if not self._tokens:
            raise Refused("api_off", "the API is off: TALLYHOOK_API_TOKEN is not set")
        exchange.caller = caller = self._tokens.caller(headers)
        operation, id_ = self._router.find(scope["method"], scope["path"])
        exchange.operation = operation.name
        if operation.scope == "write" and caller.scope != "write":
            raise Refused("read_only_token", "this token may only read")
        query = asking.query(scope["query_string"], operation.query)
        key = None if operation.key == "none" else asking.idempotency_key(headers)
        if key is None and operation.key == "needed":
            raise asking.missing_key()
        raw = await self._body(receive) if operation.body is not None else b""
        asked = Asked(id=id_, query=query, body=None, address=_address(scope), key=key)
        return await self._run(operation, partial(_work, self._system, operation, asked, headers, raw))

    async def _body(self, receive: Receive) -> bytes:
        try:
            return await read(receive, self._system.settings.max_body)
        except Rejected as rejected:
            cause: Cause = "too_large" if rejected.cause == "too_large" else "bad_payload"
            raise Refused(cause, rejected.detail, headers={"connection": "close"}) from None

    async def _run(self, operation: Operation, work: Callable[[], Reply]) -> Reply:
        remote = operation.remote
        if self._running[remote] >= _WAITING[remote]:
            raise Refused("busy", "too many requests wait; try again")
        self._running[remote] += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._pools[remote], work)
        finally:
            self._running[remote] -= 1


def _work(system: System, operation: Operation, asked: Asked[Any, None], headers: Headers, raw: bytes) -> Reply:
    """In a thread: reading a large body would hold up the event loop."""
    if operation.body is not None:
        asked = msgspec.structs.replace(asked, body=asking.body(headers, raw, operation.body))
    try:
        reply = operation.run(system, asked)
    except TallyhookError as error:
        raise outcomes.refusal(error) from error
    except SQLAlchemyError as error:
        log.error("api.database_failed", operation=operation.name, error=type(error).__name__)
        raise Refused("unavailable", "the database did not answer; try again") from None
    body = reply.body if isinstance(reply.body, bytes) else _encode(reply.body)
    return Reply(body, reply.status, reply.headers)


class _Exchange:
    """What is reported of one request: never a header, a query or a body."""

    def __init__(self, request_id: str) -> None:
        self.request_id = request_id
        self.operation = "none"
        self.caller: Caller | None = None
        self.cause: str | None = None

    def report(self, status: int, seconds: float) -> None:
        """One line, and the metrics."""
        metrics.API_SECONDS.labels(self.operation).observe(seconds)
        metrics.API.labels(self.operation, str(status)).inc()
        log.info(
            "api.answered", request_id=self.request_id, operation=self.operation, status=status, cause=self.cause,
            caller=self.caller and self.caller.number, ms=round(seconds * 1000, 2),
        )  # fmt: skip


def _refusal(refused: Refused, exchange: _Exchange) -> Reply:
    exchange.cause = refused.cause
    document = _encode(refused.document(exchange.request_id))
    return Reply(document, refused.status, {"content-type": MEDIA_TYPE, **refused.headers})


def _address(scope: Scope) -> str:
    query: bytes = scope["query_string"]
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    shown = path.partition(b"?")[0].decode("ascii", "replace")
    return f"{shown}?{query.decode('ascii')}" if query else shown
