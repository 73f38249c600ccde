"""What each write sends: method, path and JSON:API document of an operation. Pure.

Documents as in docs.lemonsqueezy.com/api and `@lemonsqueezy/lemonsqueezy.js` 4.0.0.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from service.errors import BadRequest
from service.reading import Object
from service.transport import segment
from service.write_port import (
    Call,
    CancelSubscription,
    ChangePlan,
    CreateCustomer,
    CreateSubscription,
    RefundPayment,
    ResumeSubscription,
)

Body: TypeAlias = dict[str, Any]
CALL: Final = "tallyhook_call"
"""The key of a checkout's custom data under which it carries our call's id, so that it can be found again."""
_PRORATION: Final[dict[str, Body]] = {
    "prorate": {}, "invoice_now": {"invoice_immediately": True}, "none": {"disable_prorations": True},
}  # fmt: skip


def request(call: Call) -> tuple[str, str, Body | None]:
    """Method, path and document of a call."""
    operation = call.operation
    if isinstance(operation, CreateCustomer):
        return "POST", "/v1/customers", _customer(operation)
    if isinstance(operation, CreateSubscription):
        return "POST", "/v1/checkouts", _checkout(operation, call.id)
    if isinstance(operation, RefundPayment):
        kind, key = bill_of(operation.payment_id)
        attributes = {"amount": operation.prepared["amount"]}
        return "POST", f"/v1/{kind}/{segment(key)}/refund", _document(kind, attributes, id_=key)
    key = operation.subscription_id
    path = f"/v1/subscriptions/{segment(key)}"
    if isinstance(operation, CancelSubscription):
        return "DELETE", path, None
    return "PATCH", path, _document("subscriptions", _change(operation), id_=key)


def bill_of(row_id: str) -> tuple[str, str]:
    """Type and id of the object behind an invoice's or payment's row. Raises `BadRequest`."""
    kind, _, key = row_id.partition(":")
    if kind not in ("orders", "subscription-invoices") or not key:
        raise BadRequest(f"{row_id!r} is no payment or invoice of Lemon Squeezy; its ids look like orders:1")
    return kind, key


def undoing(attributes: Object, subscription_id: str) -> Body:
    """What takes back a cancellation or a pause. Raises `BadRequest` where there is neither."""
    if attributes.get("status") == "expired":
        raise BadRequest(f"subscription {subscription_id!r} has ended and can't be resumed; create a new one")
    if attributes.get("cancelled"):
        return {"cancelled": False}
    if attributes.get("pause") is not None:
        return {"pause": None}
    raise BadRequest(f"subscription {subscription_id!r} is neither cancelled nor paused")


def _change(operation: ChangePlan | ResumeSubscription) -> Body:
    if isinstance(operation, ResumeSubscription):
        change: Body = operation.prepared["change"]
        return change
    return {"variant_id": int(operation.prepared["variant_id"]), **_PRORATION[operation.proration]}


def _customer(operation: CreateCustomer) -> Body:
    user = operation.user
    attributes = {"name": user.name or user.email, "email": user.email}
    if user.country is not None:
        attributes["country"] = user.country
    return _document("customers", attributes, {"store": ("stores", operation.prepared["store_id"])})


def _checkout(operation: CreateSubscription, call_id: str) -> Body:
    prepared, item = operation.prepared, operation.items[0]
    custom = {"user_id": operation.user_id, "plan_id": operation.plan_id, CALL: call_id}
    data: Body = {
        "email": operation.email,
        "custom": {name: value for name, value in custom.items() if value is not None},
    }
    if item.quantity is not None:
        data["variant_quantities"] = [{"variant_id": int(prepared["variant_id"]), "quantity": item.quantity}]
    attributes: Body = {"checkout_data": data}
    if operation.return_url is not None:
        attributes["product_options"] = {"redirect_url": operation.return_url}
    ends = {"store": ("stores", prepared["store_id"]), "variant": ("variants", prepared["variant_id"])}
    return _document("checkouts", attributes, ends)


def _document(
    kind: str, attributes: Body, ends: dict[str, tuple[str, str]] | None = None, id_: str | None = None
) -> Body:
    data: Body = {"type": kind, "attributes": attributes}
    if id_ is not None:
        data["id"] = id_
    if ends is not None:
        data["relationships"] = {end: {"data": {"type": type_, "id": key}} for end, (type_, key) in ends.items()}
    return {"data": data}
