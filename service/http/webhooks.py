"""`POST /webhooks/{account}`: read the raw bytes, verify, store durably, and only then answer 200."""

from __future__ import annotations

import msgspec
import structlog
from prometheus_client import Counter
from starlette.types import Receive, Scope, Send

from service import ingest, metrics
from service.account import Accounts
from service.errors import NotDurable, Rejected
from service.http.body import read
from service.http.problem import Message, answer, problem
from service.http.request_ids import request_ids
from service.ingest import GroupCommit
from service.store.inbox import Delivery, Receipt

log = structlog.get_logger()


class Webhooks:
    """The endpoint, as a bare ASGI application: a request object would cost as much as the rest of the work."""

    def __init__(self, accounts: Accounts, commit: GroupCommit, *, max_body: int) -> None:
        self._accounts = accounts
        self._commit = commit
        self._max_body = max_body
        self._request_ids = request_ids()
        self._counters: dict[tuple[str, str], Counter] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one delivery."""
        request_id = next(self._request_ids)
        name = scope["path_params"]["account"]
        try:
            delivery, receipt = await self._handle(scope, receive, name)
        except Rejected as refused:
            self._refused(name, refused, request_id)
            messages = problem(refused.cause, refused.detail, request_id)
        else:
            messages = self._accepted(delivery, receipt, request_id)
        for message in messages:
            await send(message)

    async def _handle(self, scope: Scope, receive: Receive, name: str) -> tuple[Delivery, Receipt]:
        if scope["method"] != "POST":
            raise Rejected("method_not_allowed", "deliveries are POSTed")
        account = self._accounts.by_name.get(name)
        if account is None:
            raise Rejected("unknown_account", "no account of this name is configured")
        body = await read(receive, self._max_body)
        delivery = ingest.admit(account, dict(scope["headers"]), body)
        try:
            return delivery, await self._commit.store(delivery)
        except NotDurable as error:
            raise Rejected("not_durable", str(error)) from None

    def _accepted(self, delivery: Delivery, receipt: Receipt, request_id: str) -> tuple[Message, Message]:
        envelope = delivery.envelope
        self._count(delivery.account, receipt.status)
        log.info(
            "webhook.accepted", account=delivery.account, request_id=request_id, event_id=receipt.id,
            provider_event_id=envelope.event_id, type=envelope.type, object_id=envelope.object_id,
            customer_id=envelope.customer_id, status=receipt.status, reason=envelope.ignored,
        )  # fmt: skip
        body = msgspec.json.encode({"id": receipt.id, "event_id": envelope.event_id, "status": receipt.status})
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        return answer(200, headers, body)

    def _count(self, account: str, outcome: str) -> None:
        counter = self._counters.get((account, outcome))
        if counter is None:
            counter = self._counters[account, outcome] = metrics.DELIVERIES.labels(account, outcome)
        counter.inc()

    def _refused(self, name: str, refused: Rejected, request_id: str) -> None:
        known = name if name in self._accounts.by_name else "unknown"
        self._count(known, refused.cause)
        log.warning(
            "webhook.rejected", account=known, cause=refused.cause, detail=refused.detail, request_id=request_id
        )
