"""Disputes."""

from typing import Any

from service.sandbox.stripe.billing import booking
from service.sandbox.stripe.errors import refused
from service.sandbox.stripe.objects.attributes import metadata, taken
from service.sandbox.stripe.paging import CREATED, Page, page
from service.sandbox.stripe.params import Fields, anything, boolean, text
from service.sandbox.stripe.params import metadata as metadata_kind
from service.sandbox.stripe.routes import Route
from service.sandbox.stripe.settings import DAY
from service.sandbox.stripe.world import World

Json = dict[str, Any]

_UPDATE = Fields(evidence=anything, metadata=metadata_kind, submit=boolean)
_OVER = ("won", "lost", "warning_closed", "prevented")


def open_dispute(world: World, charge: Json, reason: str, amount: int | None = None) -> Json:
    """The customer's bank disputes a charge: the money is withdrawn at once."""
    if charge["disputed"] or charge["status"] != "succeeded":
        raise refused(f"Charge {charge['id']} cannot be disputed.")
    dispute = world.add(
        "dispute",
        "du",
        ["charge.dispute.created"],
        amount=amount or charge["amount"],
        charge=charge["id"],
        currency=charge["currency"],
        payment_intent=charge["payment_intent"],
        evidence_details={
            "due_by": world.now + 7 * DAY,
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        is_charge_refundable=False,
        reason=reason,
        status="needs_response",
    )
    world.change(charge, "charge.updated", disputed=True)
    return _move_money(world, dispute, -dispute["amount"], "charge.dispute.funds_withdrawn")


def _move_money(world: World, dispute: Json, amount: int, kind: str) -> Json:
    moved = booking.shown(world, booking.disputed(world, dispute, amount))
    transactions = [*dispute["balance_transactions"], moved]
    return world.change(dispute, "charge.dispute.updated", kind, balance_transactions=transactions)


def close_dispute(world: World, dispute: Json, status: str) -> Json:
    """The bank decides: a dispute that is won brings the money back."""
    if dispute["status"] in _OVER:
        raise refused("This dispute is already closed.")
    if status == "won":
        dispute["status"] = status
        _move_money(world, dispute, dispute["amount"], "charge.dispute.funds_reinstated")
    return world.change(dispute, "charge.dispute.updated", "charge.dispute.closed", status=status)


def retrieve(world: World, _params: Json, dispute_id: str) -> Json:
    """The dispute."""
    return world.get("dispute", dispute_id)


def update(world: World, params: Json, dispute_id: str) -> Json:
    """Add evidence; submitted, it puts the dispute under review."""
    dispute = world.get("dispute", dispute_id)
    values = metadata(params, dispute["metadata"])
    if "evidence" in params:
        submitted = params.get("submit", True)
        count = dispute["evidence_details"]["submission_count"] + (1 if submitted else 0)
        values["evidence_details"] = dispute["evidence_details"] | {"has_evidence": True, "submission_count": count}
        values["status"] = "under_review" if submitted else dispute["status"]
    return world.change(dispute, "charge.dispute.updated", **values)


def close(world: World, _params: Json, dispute_id: str) -> Json:
    """Accept the dispute, which loses it."""
    return close_dispute(world, world.get("dispute", dispute_id), "lost")


def listed(world: World, params: Json) -> Page:
    """Disputes."""
    wanted = taken(params, "charge", "payment_intent")

    def test(row: Json) -> bool:
        return all(row[name] == value for name, value in wanted.items())

    return page(world, "/v1/disputes", "dispute", params, test)


ROUTES = [
    Route("GET", "/v1/disputes", "dispute", listed, CREATED.plus(charge=text, payment_intent=text)),
    Route("GET", "/v1/disputes/*", "dispute", retrieve),
    Route("POST", "/v1/disputes/*", "dispute", update, _UPDATE),
    Route("POST", "/v1/disputes/*/close", "dispute", close),
]
