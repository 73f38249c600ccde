"""The write side of one Stripe account. Facts: PaymentIntents and Billing of docs.stripe.com, stripe-python 16.1.0.

Stripe remembers an idempotency key for at least 24 hours and answers a repetition with the stored first answer, marked
`Idempotent-Replayed`; while the first is still under way it answers 409. DELETE takes no key: it is looked first whether the
subscription has ended already.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec

from service.errors import BadRequest, NotFound, NotSupported, ProviderUnavailable, Undecided
from service.model import Kind
from service.provider import Connection, Read
from service.providers.stripe import forms
from service.providers.stripe.listing import completed, opened, read_all, read_slice
from service.providers.stripe.mapping.fields import Object
from service.providers.stripe.resources import RESOURCES
from service.providers.stripe.wire import API
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

_KEYS_LAST = timedelta(hours=24)
_LOOK_BACK = timedelta(minutes=5)
_PATHS: dict[type, str] = {
    CreateCustomer: "/v1/customers", CreateSubscription: "/v1/subscriptions", RefundPayment: "/v1/refunds",
}  # fmt: skip
_SOURCES: dict[type, Kind] = {
    CreateCustomer: "customer", CreateSubscription: "subscription", RefundPayment: "refund",
}  # fmt: skip
_OVER = ("canceled", "incomplete_expired")


class _Url(msgspec.Struct):
    url: str


class StripeWriter:
    """`service.write_port.Writer` for Stripe."""

    keys_last: timedelta | None = _KEYS_LAST
    # Lists of objects are current; only search lags (docs.stripe.com/search). The margin is for requests still under way.
    absence_after = timedelta(minutes=15)

    def __init__(self, connection: Connection, sleep: Sleep = time.sleep) -> None:
        self._transport = Transport(API, connection, sleep)

    def prepare(self, operation: Operation) -> Operation:
        """Look up whether a new subscription can be charged, which items a change replaces, and what a resume has to undo."""
        if isinstance(operation, CreateSubscription):
            customer = self._object("customer", operation.customer_id)
            if customer.get("deleted"):
                raise BadRequest(f"customer {operation.customer_id!r} is deleted")
            return prepared(operation, charge=_has_method(customer))
        if isinstance(operation, ChangePlan):
            return prepared(operation, items=self._going(operation))
        if isinstance(operation, ResumeSubscription):
            return prepared(operation, **_undoing(self._object("subscription", operation.subscription_id)))
        return operation

    def perform(self, call: Call) -> Written:
        """Send it under its idempotency key; see `Writer`."""
        operation = call.operation
        if isinstance(operation, CancelSubscription) and not operation.at_period_end:
            return self._end(call, operation)
        path, form = _request(call)
        answer = self._post(path, form, call)
        kind = _SOURCES.get(type(operation), "subscription")
        return self._written(answer, kind, operation)

    def find(self, call: Call) -> Written | None:
        """Look for an object that carries our call's id, or whether the subscription is in the state that was asked for."""
        operation = call.operation
        if isinstance(operation, CreateCustomer | CreateSubscription | RefundPayment):
            return self._made(call, operation)
        return self._changed(operation)

    def invoices(self, customer_id: str) -> Iterator[Read]:
        """Every invoice of a customer, drafts included, page by page, with all their lines."""
        resource, cursor = RESOURCES["invoice"], None
        while True:
            page = read_slice(self._transport, resource.path, {"customer": customer_id}, cursor, reserve=True)
            for entry in page.objects("invoice"):
                whole = completed(self._transport, resource, entry, reserve=True)
                yield Read(snapshots=resource.snapshots(*whole), as_of=page.answer.as_of)
            cursor = page.cursor
            if cursor is None:
                return

    def portal_url(self, customer_id: str, return_url: str | None) -> str:
        """A session of the billing portal; it ends after a short time."""
        form = {"customer": customer_id} | ({} if return_url is None else {"return_url": return_url})
        answer = self._transport.write_form("POST", "/v1/billing_portal/sessions", form, idempotency_key=_once())
        url: str = answer.decoded(_Url).url
        return url

    def invoice_pdf_url(self, invoice_id: str) -> str:
        """The invoice's PDF; a draft has none."""
        url = self._object("invoice", invoice_id).get("invoice_pdf")
        if not isinstance(url, str):
            raise NotSupported(f"invoice {invoice_id!r} has no PDF", "Stripe makes one when the invoice is finalized")
        return url

    def close(self) -> None:
        """Give back the connections."""
        self._transport.close()

    # --- sending

    def _post(self, path: str, form: Params, call: Call) -> Answer:
        try:
            return self._transport.write_form("POST", path, form, idempotency_key=call.key, deadline=call.deadline)
        except BadRequest as error:
            # 409: the first request under this key is still under way, so its outcome is open.
            if error.status == 409:
                raise ProviderUnavailable(str(error)) from error
            raise

    def _end(self, call: Call, operation: CancelSubscription) -> Written:
        path = f"/v1/subscriptions/{segment(operation.subscription_id)}"
        if call.attempt > 1 and (found := self._changed(operation)) is not None:
            return found
        return self._written(self._transport.write("DELETE", path, deadline=call.deadline), "subscription", operation)

    def _written(self, answer: Answer, kind: Kind, operation: Operation) -> Written:
        """What an answer says; a stored one is only good for the id."""
        resource = RESOURCES[kind]
        obj = opened(answer, answer.body, kind)
        key, url = str(obj["id"]), self._payment_page(obj, operation)
        state: Any = "pending_checkout" if url is not None else "done"
        if answer.replayed or resource.truncated(obj):
            return Written(kind=kind, object_id=key, read=(kind, key), state=state, url=url)
        snapshots = resource.snapshots(obj, answer.body.decode())
        return Written(kind=kind, object_id=key, snapshots=snapshots, as_of=answer.as_of, state=state, url=url)

    def _payment_page(self, subscription: Object, operation: Operation) -> str | None:
        """Where the first invoice of an incomplete subscription is paid."""
        invoice_id = subscription.get("latest_invoice")
        if not isinstance(operation, CreateSubscription) or subscription.get("status") != "incomplete":
            return None
        if not isinstance(invoice_id, str):
            return None
        url = self._object("invoice", invoice_id).get("hosted_invoice_url")
        return url if isinstance(url, str) else None

    # --- looking

    def _made(self, call: Call, operation: CreateCustomer | CreateSubscription | RefundPayment) -> Written | None:
        source = _SOURCES[type(operation)]
        since = int((call.sent_at - _LOOK_BACK).timestamp())
        where: dict[str, str | int] = {"created[gte]": since}
        if isinstance(operation, CreateSubscription):
            where |= {"customer": operation.customer_id, "status": "all"}
        found = read_all(self._transport, RESOURCES[source].path, where, source, reserve=True)
        mine = [obj for obj in found if (obj.get("metadata") or {}).get(forms.CALL) == call.id]
        if not mine:
            return None
        key = str(mine[0]["id"])
        url = self._payment_page(mine[0], operation)
        return Written(
            kind=source, object_id=key, read=(source, key), url=url, state="pending_checkout" if url else "done"
        )

    def _changed(self, operation: Operation) -> Written | None:
        assert isinstance(operation, CancelSubscription | ResumeSubscription | ChangePlan)
        key = operation.subscription_id
        try:
            subscription = self._object("subscription", key)
        except NotFound as error:
            raise Undecided(f"subscription {key!r} is unknown to this key now") from error
        reached = _reached(subscription, operation)
        return Written(kind="subscription", object_id=key, read=("subscription", key)) if reached else None

    def _going(self, operation: ChangePlan) -> list[str]:
        """The ids of the items whose prices go."""
        entry = self._object("subscription", operation.subscription_id)
        if entry.get("status") in _OVER:
            raise BadRequest(f"subscription {operation.subscription_id!r} has ended; create a new one")
        items = entry["items"]["data"]
        return [str(item["id"]) for item in items if (item.get("price") or {}).get("id") in operation.replaces]

    def _object(self, source: str, object_id: str) -> Object:
        resource = RESOURCES[source]
        answer = self._transport.get(f"{resource.path}/{segment(object_id)}", reserve=True)
        return completed(self._transport, resource, (opened(answer, answer.body, source), ""), reserve=True)[0]


def _request(call: Call) -> tuple[str, Params]:
    """Path and form of a call. Pure."""
    operation = call.operation
    if isinstance(operation, CreateCustomer):
        return _PATHS[CreateCustomer], forms.customer(operation, call.id)
    if isinstance(operation, CreateSubscription):
        return _PATHS[CreateSubscription], forms.subscription(operation, call.id)
    if isinstance(operation, RefundPayment):
        return _PATHS[RefundPayment], forms.refund(operation, call.id)
    path = f"/v1/subscriptions/{segment(operation.subscription_id)}"
    if isinstance(operation, ChangePlan):
        return path, forms.plan_change(operation, call.id)
    if isinstance(operation, CancelSubscription):
        return path, {"cancel_at_period_end": "true"}
    return path + operation.prepared["path"], operation.prepared["form"]


def _undoing(subscription: Object) -> dict[str, Any]:
    """What takes back a scheduled end, a pause of collection, or a pause."""
    status = subscription.get("status")
    if status in _OVER:
        raise BadRequest(f"subscription {subscription['id']!r} has ended and can't be resumed; create a new one")
    if status == "paused":
        return {"path": "/resume", "form": {"billing_cycle_anchor": "now"}}
    form = {}
    if subscription.get("cancel_at_period_end"):
        form["cancel_at_period_end"] = "false"
    elif subscription.get("cancel_at") is not None:
        form["cancel_at"] = ""
    if subscription.get("pause_collection") is not None:
        form["pause_collection"] = ""
    if not form:
        raise BadRequest(f"subscription {subscription['id']!r} has no scheduled end and is not paused")
    return {"path": "", "form": form}


def _reached(subscription: Object, operation: CancelSubscription | ResumeSubscription | ChangePlan) -> bool:
    """Is the subscription in the state that was asked for? Pure."""
    over = subscription.get("status") in _OVER
    if isinstance(operation, CancelSubscription):
        return over or (operation.at_period_end and _ends(subscription))
    if isinstance(operation, ChangePlan):
        held = {(item.get("price") or {}).get("id") for item in subscription["items"]["data"]}
        wanted = {item.price_id for item in operation.items}
        return wanted <= held and not held & (set(operation.replaces) - wanted)
    paused = subscription.get("status") == "paused" or subscription.get("pause_collection") is not None
    return not over and not paused and not _ends(subscription)


def _ends(subscription: Object) -> bool:
    return bool(subscription.get("cancel_at_period_end")) or subscription.get("cancel_at") is not None


def _has_method(customer: Object) -> bool:
    settings = customer.get("invoice_settings") or {}
    return bool(settings.get("default_payment_method") or customer.get("default_source"))


def _once() -> str:
    """A key for a request that leaves nothing behind, and so need not be found again."""
    return f"session-{uuid.uuid4().hex}"
