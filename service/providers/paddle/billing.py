"""The write side of one Paddle account. Facts: paddle-python-sdk 1.16.1, developer.paddle.com.

Paddle has no idempotency keys, so each request is sent once. Whether one whose answer was lost took effect is seen from
lists: customers by e-mail address (unique in an account), transactions by customer and our call's id in their custom data,
refunds by our call's id in their reason.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from service.errors import BadRequest, NotFound, NotSupported, Undecided
from service.model import Kind
from service.provider import Connection, Read
from service.providers.paddle import requests
from service.providers.paddle.listing import Slice, opened, read_slice, single, stamp
from service.providers.paddle.resources import RESOURCES, Resource
from service.providers.paddle.wire import api
from service.reading import Object
from service.refusals import broken
from service.transport import Answer, Params, Sleep, Transport, segment
from service.write_port import (
    Call,
    CancelSubscription,
    ChangePlan,
    CreateCustomer,
    CreateSubscription,
    Operation,
    RefundPayment,
    ResumeSubscription,
    Written,
    prepared,
)

_LOOK_BACK = timedelta(minutes=5)
_ISSUED = "billed,paid,completed,past_due,canceled"
_INVOICE_CURRENCIES = ("USD", "EUR", "GBP")
_SOURCES: Mapping[type, tuple[str, Kind]] = {
    CreateCustomer: ("customer", "customer"),
    CreateSubscription: ("transaction", "invoice"),
    RefundPayment: ("adjustment", "refund"),
}


class PaddleWriter:
    """`service.write_port.Writer` for Paddle."""

    keys_last: timedelta | None = None
    # The lists are current; the margin is for a request that is still under way.
    absence_after = timedelta(minutes=15)

    def __init__(self, connection: Connection, sleep: Sleep = time.sleep) -> None:
        self._transport = Transport(api(connection.api_key), connection, sleep)

    def prepare(self, operation: Operation) -> Operation:
        """Look up an invoice's address, what a change keeps, what a resume undoes, and the lines that a refund takes from."""
        if isinstance(operation, CreateSubscription):
            return self._billable(operation)
        if isinstance(operation, ChangePlan):
            subscription = self._object("subscription", operation.subscription_id)
            return prepared(operation, items=requests.items_after(subscription, operation))
        if isinstance(operation, ResumeSubscription):
            subscription = self._object("subscription", operation.subscription_id)
            return prepared(operation, paused=requests.undoing(subscription, operation))
        if isinstance(operation, RefundPayment):
            return prepared(operation, items=requests.parts(self._lines(operation.payment_id), operation.amount))
        return operation

    def perform(self, call: Call) -> Written:
        """Send it once; see `Writer`."""
        operation = call.operation
        method, path, body = requests.request(call)
        try:
            answer = self._transport.write(method, path, body, deadline=call.deadline)
        except BadRequest:
            # The address is taken: by the customer of the same user, or by somebody else's.
            known = self._known(operation) if isinstance(operation, CreateCustomer) else None
            if known is None:
                raise
            return known
        source, kind = _SOURCES.get(type(operation), ("subscription", "subscription"))
        return self._written(answer, single(answer), source, kind, operation)

    def find(self, call: Call) -> Written | None:
        """Look for what carries our call's id, or whether the subscription is in the state that was asked for."""
        operation = call.operation
        if isinstance(operation, CreateCustomer):
            return self._known(operation)
        if isinstance(operation, CreateSubscription | RefundPayment):
            return self._made(call, operation)
        return self._changed(operation)

    def invoices(self, customer_id: str) -> Iterator[Read]:
        """Every issued transaction of a customer, page by page."""
        resource = RESOURCES["transaction"]
        for page in self._pages(resource, {"customer_id": customer_id, "status": _ISSUED}):
            for obj, text in page.objects():
                yield Read(snapshots=resource.snapshots(obj, text), as_of=page.answer.as_of)

    def portal_url(self, customer_id: str, return_url: str | None) -> str:  # noqa: ARG002
        """A session of the customer portal. Paddle takes no address to return to, so `return_url` is not used."""
        answer = self._transport.write("POST", f"/customers/{segment(customer_id)}/portal-sessions", {})
        obj = opened(answer, single(answer))
        try:
            return str(obj["urls"]["general"]["overview"])
        except (KeyError, TypeError) as error:
            raise broken(answer.operation, "a portal session without its overview link") from error

    def invoice_pdf_url(self, invoice_id: str) -> str:
        """The invoice's PDF, at an address that lives for a short time; there is none before it was issued."""
        answer = self._transport.get(f"/transactions/{segment(invoice_id)}/invoice", reserve=True)
        url = opened(answer, single(answer)).get("url")
        if not isinstance(url, str):
            raise NotSupported(
                f"transaction {invoice_id!r} has no PDF", "Paddle makes one when it is billed or completed"
            )
        return url

    def close(self) -> None:
        """Give back the connections."""
        self._transport.close()

    # --- preparing

    def _billable(self, operation: CreateSubscription) -> Operation:
        if operation.trial_days is not None:
            raise NotSupported("Paddle's trials belong to prices", "use a price with a trial period")
        if operation.collection == "automatic":
            if operation.purchase_order is not None:
                raise NotSupported("only Paddle's manual invoices carry a purchase order", "use collection 'invoice'")
            return operation
        if operation.currency is not None and operation.currency.upper() not in _INVOICE_CURRENCIES:
            raise NotSupported("Paddle's manual invoices are in USD, EUR or GBP", "use a checkout, or another currency")
        return prepared(operation, address_id=operation.address_id or self._address(operation.customer_id))

    def _address(self, customer_id: str) -> str:
        """The customer's only address: an invoice needs one."""
        page = read_slice(self._transport, f"/customers/{segment(customer_id)}/addresses", {}, None, reserve=True)
        found = [str(obj["id"]) for obj, _ in page.objects()]
        if len(found) != 1:
            raise BadRequest(f"customer {customer_id!r} has {len(found)} addresses; give the address_id to be billed")
        return found[0]

    def _lines(self, transaction_id: str) -> list[requests.Line]:
        """The transaction's lines with what earlier adjustments left of them."""
        details = self._object("transaction", transaction_id).get("details") or {}
        gone: dict[str, int] = {}
        for page in self._pages(RESOURCES["adjustment"], {"transaction_id": transaction_id}):
            for adjustment, _ in page.objects():
                for item in adjustment.get("items") or () if adjustment.get("status") != "rejected" else ():
                    gone[item["item_id"]] = gone.get(item["item_id"], 0) + int((item.get("totals") or item)["total"])
        lines = details.get("line_items") or ()
        return [requests.Line(each["id"], int(each["totals"]["total"]) - gone.get(each["id"], 0)) for each in lines]

    # --- looking

    def _known(self, operation: CreateCustomer) -> Written | None:
        """The customer of this address, if it is this user's. Raises `BadRequest` where it is somebody else's."""
        resource, user = RESOURCES["customer"], operation.user
        for page in self._pages(resource, {"email": user.email, "status": "active,archived"}):
            for obj, text in page.objects():
                if _custom(obj).get("user_id") != user.id:
                    raise BadRequest(
                        f"customer {obj['id']!r} has this e-mail address, but not this user id in its custom_data;"
                        " set custom_data.user_id there, or use another address"
                    )
                return self._written(page.answer, text.encode(), "customer", "customer", operation)
        return None

    def _made(self, call: Call, operation: CreateSubscription | RefundPayment) -> Written | None:
        source, kind = _SOURCES[type(operation)]
        where: Params = {"transaction_id": getattr(operation, "payment_id", "")}
        if isinstance(operation, CreateSubscription):
            where = {"customer_id": operation.customer_id, "created_at[GTE]": stamp(call.sent_at - _LOOK_BACK)}
        for page in self._pages(RESOURCES[source], where):
            for obj, text in page.objects():
                if _custom(obj).get(requests.CALL) == call.id or f"[{call.id}]" in str(obj.get("reason")):
                    return self._written(page.answer, text.encode(), source, kind, operation)
        return None

    def _changed(self, operation: Operation) -> Written | None:
        assert isinstance(operation, CancelSubscription | ResumeSubscription | ChangePlan)
        key = operation.subscription_id
        try:
            subscription = self._object("subscription", key)
        except NotFound as error:
            raise Undecided(f"subscription {key!r} is unknown to this key now") from error
        reached = _reached(subscription, operation)
        return Written(kind="subscription", object_id=key, read=("subscription", key)) if reached else None

    def _written(self, answer: Answer, text: bytes, source: str, kind: Kind, operation: Operation) -> Written:
        obj = opened(answer, text)
        url = (obj.get("checkout") or {}).get("url") if isinstance(operation, CreateSubscription) else None
        waits = url is not None and obj.get("status") in ("draft", "ready")
        return Written(
            kind=kind, object_id=str(obj["id"]), snapshots=RESOURCES[source].snapshots(obj, text.decode()),
            as_of=answer.as_of, state="pending_checkout" if waits else "done", url=url if waits else None,
        )  # fmt: skip

    def _pages(self, resource: Resource, params: Params) -> Iterator[Slice]:
        cursor: str | None = None
        while True:
            page = read_slice(self._transport, resource.path, params, cursor, reserve=True)
            yield page
            cursor = page.cursor
            if cursor is None:
                return

    def _object(self, source: str, object_id: str) -> Object:
        answer = self._transport.get(f"{RESOURCES[source].path}/{segment(object_id)}", reserve=True)
        return opened(answer, single(answer))


def _reached(subscription: Object, operation: CancelSubscription | ResumeSubscription | ChangePlan) -> bool:
    """Is the subscription in the state that was asked for? Pure."""
    status, scheduled = subscription.get("status"), subscription.get("scheduled_change")
    if isinstance(operation, CancelSubscription):
        ends = isinstance(scheduled, dict) and scheduled.get("action") == "cancel"
        return status == "canceled" or (operation.at_period_end and ends)
    if isinstance(operation, ChangePlan):
        held = sorted((each["price"]["id"], each["quantity"]) for each in subscription["items"])
        return held == sorted((each["price_id"], each["quantity"]) for each in operation.prepared["items"])
    return scheduled is None and status not in ("paused", "canceled")


def _custom(obj: Object) -> Mapping[str, Any]:
    found = obj.get("custom_data")
    return found if isinstance(found, dict) else {}
