"""What each write sends: the form of an operation. Pure. Parameters as in stripe-python 16.1.0."""

from __future__ import annotations

from typing import Final, TypeAlias

from service.providers.stripe.money import stripe_units
from service.transport import Params
from service.write_port import ChangePlan, CreateCustomer, CreateSubscription, Item, RefundPayment

Form: TypeAlias = dict[str, str]
CALL: Final = "tallyhook_call"
"""The metadata key under which an object carries our call's id, so that it can be found again."""
_PRORATION: Final = {"prorate": "create_prorations", "invoice_now": "always_invoice", "none": "none"}
_REASONS: Final = ("duplicate", "fraudulent", "requested_by_customer")


def customer(operation: CreateCustomer, call_id: str) -> Params:
    """POST /v1/customers."""
    user = operation.user
    form = {"email": user.email, "metadata[user_id]": user.id, f"metadata[{CALL}]": call_id}
    return form | _given({"name": user.name, "address[country]": user.country})


def subscription(operation: CreateSubscription, call_id: str) -> Params:
    """POST /v1/subscriptions.

    A customer with a default payment method is charged at once. Without one the subscription is `incomplete` until its first
    invoice is paid (`payment_behavior=default_incomplete`); what was saved decides, before the intent is recorded.
    """
    form = {"customer": operation.customer_id, f"metadata[{CALL}]": call_id}
    for at, item in enumerate(operation.items):
        form |= _item(f"items[{at}]", item)
    form |= _given({"metadata[user_id]": operation.user_id, "metadata[plan_id]": operation.plan_id})
    form |= _given(
        {"trial_period_days": operation.trial_days, "currency": operation.currency and operation.currency.lower()}
    )
    if operation.collection == "invoice":
        form |= {"collection_method": "send_invoice", "days_until_due": str(operation.net_days)}
        form |= _given({"metadata[purchase_order]": operation.purchase_order})
    else:
        form["payment_behavior"] = "allow_incomplete" if operation.prepared.get("charge") else "default_incomplete"
    return form


def plan_change(operation: ChangePlan, call_id: str) -> Params:
    """POST /v1/subscriptions/{id}: the items that go are replaced one by one, so that periods and usage stay."""
    form = {"proration_behavior": _PRORATION[operation.proration], f"metadata[{CALL}]": call_id}
    form |= _given({"metadata[plan_id]": operation.plan_id})
    going: list[str] = list(operation.prepared["items"])
    for at, item in enumerate(operation.items):
        form |= _item(f"items[{at}]", item)
        if at < len(going):
            form[f"items[{at}][id]"] = going[at]
    for at, gone in enumerate(going[len(operation.items) :], len(operation.items)):
        form |= {f"items[{at}][id]": gone, f"items[{at}][deleted]": "true"}
    return form


def refund(operation: RefundPayment, call_id: str) -> Params:
    """POST /v1/refunds. Stripe knows three reasons; any other is kept in the metadata."""
    amount = stripe_units(operation.amount, operation.currency)
    source = "charge" if operation.payment_id.startswith(("ch_", "py_")) else "payment_intent"
    form = {source: operation.payment_id, "amount": str(amount), f"metadata[{CALL}]": call_id}
    known = operation.reason in _REASONS
    return form | _given({"reason" if known else "metadata[reason]": operation.reason})


def _item(prefix: str, item: Item) -> Form:
    quantity = {} if item.quantity is None else {f"{prefix}[quantity]": str(item.quantity)}
    return {f"{prefix}[price]": item.price_id, **quantity}


def _given(values: dict[str, object]) -> Form:
    return {name: str(value) for name, value in values.items() if value is not None}
