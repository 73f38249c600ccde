"""Refunds: a refund counts on its charge from its creation until it fails or is canceled."""

from typing import Any

from service.sandbox.stripe.billing import booking
from service.sandbox.stripe.errors import missing_parameter, refused
from service.sandbox.stripe.objects.attributes import metadata, taken
from service.sandbox.stripe.paging import CREATED, Page, page
from service.sandbox.stripe.params import Fields, natural, one_of, text
from service.sandbox.stripe.params import metadata as metadata_kind
from service.sandbox.stripe.routes import Route
from service.sandbox.stripe.world import World

Json = dict[str, Any]

STATUSES = ("pending", "requires_action", "succeeded", "failed", "canceled")
_REASON = one_of("duplicate", "fraudulent", "requested_by_customer")
_CREATE = Fields(amount=natural, charge=text, payment_intent=text, metadata=metadata_kind, reason=_REASON)


def create(world: World, params: Json) -> Json:
    """Refund a charge, or the charge of a payment intent: all that is left of it, or `amount`."""
    charge = _charge(world, params)
    left = charge["amount_captured"] - charge["amount_refunded"]
    amount = params.get("amount", left)
    if charge["refunded"] or left == 0:
        raise refused(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    if charge["disputed"]:
        raise refused(f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed")
    if not 0 < amount <= left:
        message = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
        raise refused(message, param="amount", code="amount_too_large" if amount else "parameter_invalid_integer")
    return made(world, charge, amount, taken(params, "reason") | metadata(params))


def _charge(world: World, params: Json) -> Json:
    if "charge" in params:
        return world.get("charge", params["charge"], "charge")
    if "payment_intent" not in params:
        raise missing_parameter("charge")
    intent = world.get("payment_intent", params["payment_intent"], "payment_intent")
    if intent["status"] != "succeeded":
        message = f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund."
        raise refused(message, code="payment_intent_unexpected_state")
    return world.get("charge", intent["latest_charge"])


def made(world: World, charge: Json, amount: int, values: Json) -> Json:
    """A new refund in the status that following refunds are created with."""
    refund_id = world.ids.new("re")
    charge["_refunds"] = [*charge["_refunds"], refund_id]
    _count(charge, amount)
    world.emit(charge, "charge.refunded")
    status = world.refund_status
    refund = world.add(
        "refund",
        "re",
        ["refund.created"],
        id=refund_id,
        amount=amount,
        balance_transaction=world.ids.new("txn"),
        charge=charge["id"],
        currency=charge["currency"],
        customer=charge["customer"],
        payment_intent=charge["payment_intent"],
        payment_method=charge["payment_method"],
        pending_reason="processing" if status == "pending" else None,
        status=status,
        **values,
    )
    booking.refunded(world, refund)
    return refund


def _count(charge: Json, amount: int) -> None:
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] >= charge["amount"]


def settle(world: World, refund: Json, status: str) -> Json:
    """Give a refund a new status; one that fails or is canceled returns the money, even after it succeeded."""
    if status == refund["status"]:
        return refund
    if refund["status"] in ("failed", "canceled"):
        raise refused(f"A refund that is {refund['status']} keeps that status.")
    ends = status in ("failed", "canceled")
    values: Json = {"status": status, "pending_reason": "processing" if status == "pending" else None}
    if ends:
        values["failure_balance_transaction"] = world.ids.new("txn")
        values["failure_reason"] = "expired_or_canceled_card" if status == "failed" else None
    types = ["refund.updated", "charge.refund.updated", *(["refund.failed"] if status == "failed" else [])]
    world.change(refund, *types, **values)
    if ends:
        booking.returned(world, refund)
        charge = world.get("charge", refund["charge"])
        _count(charge, -refund["amount"])
        world.emit(charge, "charge.updated")
    return refund


def retrieve(world: World, _params: Json, refund_id: str) -> Json:
    """The refund."""
    return world.get("refund", refund_id)


def update(world: World, params: Json, refund_id: str) -> Json:
    """Change a refund's metadata."""
    refund = world.get("refund", refund_id)
    return world.change(refund, "refund.updated", "charge.refund.updated", **metadata(params, refund["metadata"]))


def cancel(world: World, _params: Json, refund_id: str) -> Json:
    """Cancel a refund that waits for its customer."""
    refund = world.get("refund", refund_id)
    if refund["status"] != "requires_action":
        message = f"You can't cancel a refund with status {refund['status']}: only requires_action can be canceled."
        raise refused(message)
    return settle(world, refund, "canceled")


def listed(world: World, params: Json) -> Page:
    """Refunds."""
    wanted = taken(params, "charge", "payment_intent")

    def test(row: Json) -> bool:
        return all(row[name] == value for name, value in wanted.items())

    return page(world, "/v1/refunds", "refund", params, test)


ROUTES = [
    Route("POST", "/v1/refunds", "refund", create, _CREATE),
    Route("GET", "/v1/refunds", "refund", listed, CREATED.plus(charge=text, payment_intent=text)),
    Route("GET", "/v1/refunds/*", "refund", retrieve),
    Route("POST", "/v1/refunds/*", "refund", update, Fields(metadata=metadata_kind)),
    Route("POST", "/v1/refunds/*/cancel", "refund", cancel),
]
