"""Transactions: how one is made, billed, paid, completed, past due and canceled.

Each change of status is told twice, by `transaction.updated` and by an event of its own, as the scenarios of Paddle's
webhook simulator list them.
"""

from __future__ import annotations

from typing import Any

from service.sandbox.paddle.billing.lines import Line, details, finished
from service.sandbox.paddle.billing.periods import moved
from service.sandbox.paddle.times import seconds, stamp
from service.sandbox.paddle.world import World

Json = dict[str, Any]

UPDATED = "transaction.updated"
UNPAID = ("draft", "ready", "billed", "past_due")


def made(world: World, lines: list[Line], *types: str, **values: Any) -> Json:
    """Create a transaction with these lines; `values` go over the defaults of a draft from the API."""
    currency = values["currency_code"]
    credit, to_balance = values.pop("credit", 0), values.pop("to_balance", 0)
    defaults: Json = {
        "status": "draft",
        **dict.fromkeys(("customer_id", "address_id", "business_id", "custom_data", "discount_id")),
        "origin": "api",
        "collection_mode": "automatic",
        **dict.fromkeys(("subscription_id", "invoice_id", "invoice_number", "billing_details", "billing_period")),
        "items": [line.item() for line in lines],
        "details": details(world, lines, currency, credit=credit, to_balance=to_balance),
        "payments": [],
        "checkout": None,
        "billed_at": None,
        "revised_at": None,
        "_lines": lines,
    }
    transaction = world.add("transaction", **(defaults | values))
    transaction["checkout"] = checkout(world, transaction, values.get("checkout"))
    world.emit(transaction, "transaction.created", *types)
    return transaction


def checkout(world: World, transaction: Json, asked: Json | None) -> Json | None:
    """Where the buyer pays; an invoice has such a link only if it enables it."""
    terms = transaction["billing_details"]
    if transaction["collection_mode"] == "manual" and not (terms and terms["enable_checkout"]):
        return None
    base = (asked or {}).get("url") or world.settings.checkout_url
    return {"url": f"{base}?_ptxn={transaction['id']}"}


def for_subscription(world: World, subscription: Json, lines: list[Line], origin: str, **values: Any) -> Json:
    """A transaction of a subscription, billed at once; the customer's credit balance pays what it can."""
    passes = world.settings.renewals_pass_billed or subscription["collection_mode"] == "manual"
    status = "billed" if passes else "ready"
    shared = ("customer_id", "address_id", "business_id", "currency_code", "collection_mode", "custom_data")
    copied = {name: subscription[name] for name in (*shared, "billing_details")}
    if "credit" not in values:
        values["credit"] = _from_balance(world, subscription, lines)
    at = world.stamp() if passes else None
    of = {"subscription_id": subscription["id"], "billing_period": subscription["current_billing_period"]}
    return made(
        world, lines, f"transaction.{status}", origin=origin, status=status, billed_at=at, **copied, **of, **values
    )


def _from_balance(world: World, subscription: Json, lines: list[Line]) -> int:
    key = (subscription["customer_id"], subscription["currency_code"])
    total = int(details(world, lines, subscription["currency_code"])["totals"]["total"])
    used = min(world.balances[key], total)
    world.balances[key] -= used
    return used


def refreshed(world: World, transaction: Json, lines: list[Line]) -> Json:
    """The fields of a transaction that follow from other lines."""
    currency = transaction["currency_code"]
    items = [line.item() for line in lines]
    return {"_lines": lines, "items": items, "details": details(world, lines, currency)}


def attempted(world: World, transaction: Json) -> bool:
    """Try to collect an automatic transaction; False if the payment was refused, which is told."""
    amount = transaction["details"]["totals"]["grand_total"]
    if amount == "0":
        return True
    failure = world.payments.next_failure(transaction["customer_id"])
    _add_attempt(world, transaction, amount, failure, "card")
    if failure is not None:
        world.change(transaction, UPDATED, "transaction.payment_failed")
    return failure is None


def _add_attempt(world: World, transaction: Json, amount: str, failure: str | None, method: str) -> None:
    at = world.stamp()
    card = {"type": "visa", "last4": "4242", "expiry_month": 1, "expiry_year": 2030, "cardholder_name": "Ada"}
    attempt = {
        "payment_attempt_id": world.ids.uuid(),
        "payment_method_id": world.ids.new("paymtd", world.moment()),
        "stored_payment_method_id": world.ids.uuid(),
        "amount": amount,
        "status": "captured" if failure is None else "error",
        "error_code": failure,
        "method_details": {"type": method, "card": card if method == "card" else None},
        "created_at": at,
        "captured_at": at if failure is None else None,
    }
    transaction["payments"] = [attempt, *transaction["payments"]]


def wired(world: World, transaction: Json) -> None:
    """The buyer pays an invoice by bank."""
    _add_attempt(world, transaction, transaction["details"]["totals"]["grand_total"], None, "wire_transfer")


def paid(world: World, transaction: Json, **values: Any) -> None:
    """The money is there, and is not yet processed: no payout totals, perhaps no number and no subscription."""
    at = transaction["billed_at"] or world.stamp()
    totals = transaction["details"]["totals"] | {"balance": "0"}
    told = {"status": "paid", "billed_at": at, "details": transaction["details"] | {"totals": totals}}
    world.change(transaction, UPDATED, "transaction.paid", **told, **values)


def completed(world: World, transaction: Json, **late: Any) -> None:
    """Paddle has processed all of it; what it learns late follows in one more `transaction.updated`."""
    told = {"status": "completed", "details": finished(world, transaction["details"])}
    late = _numbered(world, transaction) | late
    if world.settings.number_after_completed:
        world.change(transaction, UPDATED, "transaction.completed", **told)
        if late:
            world.change(transaction, UPDATED, **late)
    else:
        world.change(transaction, UPDATED, "transaction.completed", **told, **late)


def _numbered(world: World, transaction: Json) -> Json:
    if transaction["invoice_id"] is not None:
        return {}
    world.invoices += 1
    invoice = world.ids.new("inv", world.moment())
    return {"invoice_id": invoice, "invoice_number": f"325-{world.invoices}"}


def numbered(world: World, transaction: Json, **late: Any) -> None:
    """Give a billed transaction its invoice number, and what else comes late."""
    world.change(transaction, UPDATED, **_numbered(world, transaction), **late)


def past_due(world: World, transaction: Json) -> None:
    """The payment failed, or its time is over."""
    world.change(transaction, UPDATED, "transaction.past_due", status="past_due")


def canceled(world: World, transaction: Json) -> None:
    """Nothing is to be paid any more."""
    world.change(transaction, UPDATED, "transaction.canceled", status="canceled")


def due_at(transaction: Json) -> int:
    """When the terms of a billed invoice have elapsed, in unix seconds."""
    return moved(seconds(transaction["billed_at"]), transaction["billing_details"]["payment_terms"])


def period(start: int, end: int) -> Json:
    """A time period of unix seconds."""
    return {"starts_at": stamp(start), "ends_at": stamp(end)}
