"""What each write sends: method, path and body of an operation. Pure. Bodies as in paddle-python-sdk 1.16.1."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import msgspec

from service.errors import BadRequest
from service.reading import Object
from service.transport import segment
from service.write_port import (
    Call,
    CancelSubscription,
    ChangePlan,
    CreateCustomer,
    CreateSubscription,
    Item,
    RefundPayment,
    ResumeSubscription,
)

Body: TypeAlias = dict[str, Any]
CALL: Final = "tallyhook_call"
"""The key of `custom_data` under which an object carries our call's id, so that it can be found again."""
_PRORATION: Final = {
    "prorate": "prorated_next_billing_period", "invoice_now": "prorated_immediately", "none": "do_not_bill",
}  # fmt: skip


class Line(msgspec.Struct, frozen=True):
    """One line of a transaction, and what of it may still be given back."""

    id: str
    left: int


def request(call: Call) -> tuple[str, str, Body]:
    """Method, path and body of a call."""
    operation = call.operation
    if isinstance(operation, CreateCustomer):
        return "POST", "/customers", _customer(operation, call.id)
    if isinstance(operation, CreateSubscription):
        return "POST", "/transactions", _transaction(operation, call.id)
    if isinstance(operation, RefundPayment):
        return "POST", "/adjustments", _adjustment(operation, call.id)
    path = f"/subscriptions/{segment(operation.subscription_id)}"
    if isinstance(operation, CancelSubscription):
        when = "next_billing_period" if operation.at_period_end else "immediately"
        return "POST", f"{path}/cancel", {"effective_from": when}
    if isinstance(operation, ChangePlan):
        mode = _PRORATION[operation.proration]
        return "PATCH", path, {"items": operation.prepared["items"], "proration_billing_mode": mode}
    if operation.prepared["paused"]:
        return "POST", f"{path}/resume", {"effective_from": "immediately"}
    return "PATCH", path, {"scheduled_change": None}


def items_after(subscription: Object, operation: ChangePlan) -> list[Body]:
    """The whole list of items after a change: what stays, and what comes. A list leaves out what is to go."""
    coming = {item.price_id for item in operation.items}
    going = set(operation.replaces) | coming
    kept = [
        {"price_id": each["price"]["id"], "quantity": each["quantity"]}
        for each in subscription["items"] if each["price"]["id"] not in going
    ]  # fmt: skip
    return kept + [_item(each) for each in operation.items]


def undoing(subscription: Object, operation: ResumeSubscription) -> bool:
    """Is it paused (True), or is there a scheduled end or pause to take back (False)? Raises `BadRequest` for neither."""
    if subscription.get("status") == "canceled":
        raise BadRequest(f"subscription {operation.subscription_id!r} has ended and can't be resumed; create a new one")
    if subscription.get("status") == "paused":
        return True
    if subscription.get("scheduled_change") is None:
        raise BadRequest(f"subscription {operation.subscription_id!r} has no scheduled end and is not paused")
    return False


def parts(lines: list[Line], amount: int) -> list[Body]:
    """The amount spread over a transaction's lines, the first ones first. Raises `BadRequest` where less is left."""
    found, missing = [], amount
    for line in lines:
        part = min(missing, line.left)
        if part > 0:
            found.append({"item_id": line.id, "type": "partial", "amount": str(part)})
            missing -= part
    if missing:
        raise BadRequest(f"{amount} minor units are more than what is left of the transaction's lines")
    return found


def _customer(operation: CreateCustomer, call_id: str) -> Body:
    user = operation.user
    body: Body = {"email": user.email, "custom_data": {"user_id": user.id, CALL: call_id}}
    return body | ({"name": user.name} if user.name is not None else {})


def _transaction(operation: CreateSubscription, call_id: str) -> Body:
    custom = {"user_id": operation.user_id, "plan_id": operation.plan_id, CALL: call_id}
    body: Body = {
        "items": [_item(each) for each in operation.items], "customer_id": operation.customer_id,
        "custom_data": {name: value for name, value in custom.items() if value is not None},
    }  # fmt: skip
    if operation.currency is not None:
        body["currency_code"] = operation.currency.upper()
    if operation.collection == "automatic":
        return body | {"collection_mode": "automatic"}
    details: Body = {"payment_terms": {"interval": "day", "frequency": operation.net_days}}
    if operation.purchase_order is not None:
        details["purchase_order_number"] = operation.purchase_order
    manual = {"collection_mode": "manual", "status": "billed", "address_id": operation.prepared["address_id"]}
    return body | manual | {"billing_details": details}


def _adjustment(operation: RefundPayment, call_id: str) -> Body:
    # An adjustment has no custom data: its reason, which the buyer doesn't see, is where our call's id can stand.
    reason = f"{operation.reason or 'refund'} [{call_id}]"
    body = {"action": "refund", "transaction_id": operation.payment_id, "reason": reason}
    if operation.amount == operation.paid and operation.refunded_before == 0:
        return body | {"type": "full"}
    return body | {"type": "partial", "items": operation.prepared["items"]}


def _item(item: Item) -> Body:
    return {"price_id": item.price_id, "quantity": 1 if item.quantity is None else item.quantity}
