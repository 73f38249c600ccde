"""One attempt to charge a payment intent."""

from typing import Any

from service.sandbox.stripe.billing import booking
from service.sandbox.stripe.errors import DECLINES
from service.sandbox.stripe.world import World

Json = dict[str, Any]


def charge(world: World, intent: Json, failure: str | None, method: str | None = None) -> Json | None:
    """Charge the intent's amount; `failure` is the code it fails with.

    Returns the charge, None where the bank wants the customer's word first and so none is made.
    """
    if failure == "authentication_required":
        action = {"type": "use_stripe_sdk", "use_stripe_sdk": {}}
        world.change(intent, "payment_intent.requires_action", status="requires_action", next_action=action)
        return None
    made = _made(world, intent, failure, method or intent["payment_method"] or "pm_card_visa")
    if failure:
        _refused(world, intent, made, failure)
    elif intent["capture_method"] == "manual":
        _held(world, intent, made)
    else:
        _taken(world, intent, made)
    return made


def _made(world: World, intent: Json, failure: str | None, method: str) -> Json:
    taken = failure is None and intent["capture_method"] != "manual"
    intent["payment_method"] = method
    made = world.add(
        "charge",
        "ch",
        ["charge.failed" if failure else "charge.succeeded"],
        amount=intent["amount"],
        amount_captured=intent["amount"] if taken else 0,
        balance_transaction=world.ids.new("txn") if taken else None,
        captured=taken,
        currency=intent["currency"],
        customer=intent["customer"],
        description=intent["description"],
        failure_code=failure,
        failure_message=DECLINES.get(failure, DECLINES["card_declined"]) if failure else None,
        metadata=dict(intent["metadata"]),
        outcome=_outcome(failure),
        paid=failure is None,
        payment_intent=intent["id"],
        payment_method=method,
        status="failed" if failure else "succeeded",
        _invoice=intent.get("_invoice"),
        _refunds=[],
    )
    if taken:
        booking.charged(world, made)
    return made


def _outcome(failure: str | None) -> Json:
    refused = failure is not None
    return {
        "network_status": "declined_by_network" if refused else "approved_by_network",
        "reason": failure,
        "risk_level": "normal",
        "seller_message": "The bank did not approve." if refused else "Payment complete.",
        "type": "issuer_declined" if refused else "authorized",
    }


def _refused(world: World, intent: Json, made: Json, failure: str) -> None:
    error = {
        "charge": made["id"],
        "code": failure,
        "decline_code": "generic_decline" if failure == "card_declined" else None,
        "message": made["failure_message"],
        "type": "card_error",
    }
    world.change(
        intent,
        "payment_intent.payment_failed",
        status="requires_payment_method",
        latest_charge=made["id"],
        last_payment_error=error,
        payment_method=None,
    )


def _held(world: World, intent: Json, made: Json) -> None:
    world.change(
        intent,
        "payment_intent.amount_capturable_updated",
        status="requires_capture",
        amount_capturable=intent["amount"],
        latest_charge=made["id"],
        last_payment_error=None,
        next_action=None,
    )


def _taken(world: World, intent: Json, made: Json) -> None:
    world.change(
        intent,
        "payment_intent.succeeded",
        status="succeeded",
        amount_received=intent["amount"],
        latest_charge=made["id"],
        last_payment_error=None,
        next_action=None,
    )


def capture(world: World, intent: Json, amount: int) -> None:
    """Take `amount` of what is held; the rest is released."""
    made = world.get("charge", intent["latest_charge"])
    released = made["amount"] - amount
    world.change(
        made,
        "charge.captured",
        captured=True,
        amount_captured=amount,
        amount_refunded=released,
        balance_transaction=world.ids.new("txn"),
    )
    booking.charged(world, made)
    world.change(intent, "payment_intent.succeeded", status="succeeded", amount_capturable=0, amount_received=amount)
