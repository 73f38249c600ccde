"""Adjustments: refunds, credits and chargebacks beside an unchanged transaction."""

from typing import Any

from service.sandbox.paddle.billing import adjusting
from service.sandbox.paddle.errors import invalid, refused
from service.sandbox.paddle.kinds import Fields, amount, csv, id_of, list_of, nullable, one_of, text
from service.sandbox.paddle.paging import Page, among, listing, page
from service.sandbox.paddle.render import signed
from service.sandbox.paddle.routes import Route
from service.sandbox.paddle.world import World

Json = dict[str, Any]

_MOST = 30
ACTIONS = (
    *("credit", "credit_reverse", "refund", "chargeback", "chargeback_reverse", "chargeback_warning"),
    "chargeback_warning_reverse",
)
STATUSES = ("pending_approval", "approved", "rejected", "reversed")
_ITEM = Fields("item_id type", item_id=id_of("txnitm"), type=one_of("full", "partial"), amount=nullable(amount))
CREATE = Fields(
    "action reason transaction_id",
    action=one_of("refund", "credit"),
    reason=text(),
    transaction_id=id_of("txn"),
    type=one_of("full", "partial"),
    tax_mode=one_of("internal"),
    items=nullable(list_of(_ITEM, least=1)),
)
LIST = listing(
    "adj",
    id=csv(id_of("adj")),
    status=csv(one_of(*STATUSES)),
    action=one_of(*ACTIONS),
    customer_id=csv(id_of("ctm")),
    transaction_id=csv(id_of("txn")),
    subscription_id=csv(id_of("sub")),
)
_DISPOSITION = Fields("", disposition=one_of("attachment", "inline"))


def create(world: World, fields: Json) -> Json:
    """Refund or credit a transaction; a refund waits for approval, a credit does not."""
    transaction = world.get("transaction", fields["transaction_id"])
    action, kind = fields["action"], fields.get("type", "partial")
    _check(world, transaction, action)
    if kind == "partial" and not fields.get("items"):
        raise invalid([("items", "must be provided for an adjustment of type partial")])
    if kind == "full" and fields.get("items"):
        raise invalid([("items", "is not allowed for an adjustment of type full")])
    whole = kind == "full"
    items = adjusting.whole(world, transaction) if whole else adjusting.asked(world, transaction, fields["items"])
    status = "approved" if action == "credit" else "pending_approval"
    values = {"action": action, "reason": fields["reason"], "type": kind, "status": status}
    adjustment = adjusting.made(world, transaction, items, **values)
    if action == "credit":
        _to_balance(world, adjustment)
    elif world.settings.auto_approve:
        adjusting.approve_later(world, adjustment)
    return adjustment


def _check(world: World, transaction: Json, action: str) -> None:
    allowed = ("completed",) if action == "refund" else ("billed", "past_due")
    automatic_credit = action == "credit" and transaction["collection_mode"] != "manual"
    if transaction["status"] not in allowed or automatic_credit:
        detail = f"The transaction being adjusted ({action}) has a non supported status. ID: {transaction['id']}"
        raise refused(f"adjustment_transaction_invalid_status_for_{action}", detail)
    if any(each["status"] == "pending_approval" for each in adjusting.of_transaction(world, transaction)):
        detail = "You are unable to create further adjustments against this transaction as there is a pending refund"
        raise refused("adjustment_pending_refund_request", f"{detail} request")


def _to_balance(world: World, adjustment: Json) -> None:
    world.balances[adjustment["customer_id"], adjustment["currency_code"]] += int(adjustment["totals"]["total"])


def listed(world: World, params: Json) -> Page:
    """Adjustments of any kind. There is no other way to read one, and no filter of time."""
    action = params.get("action")
    names = ("id", "status", "customer_id", "transaction_id", "subscription_id")
    return page(
        world,
        "adjustment",
        params,
        among(params, *names),
        lambda row: action in (None, row["action"]),
        most=_MOST,
    )


def credit_note(world: World, _params: Json, adjustment_id: str) -> Json:
    """A temporary URL of the credit note's PDF."""
    adjustment = world.get("adjustment", adjustment_id)
    if adjustment["status"] != "approved":
        raise refused("bad_request", "only an approved adjustment has a credit note")
    return {"url": signed(world, f"https://paddle-invoices.s3.amazonaws.com/{adjustment_id}.pdf")}


ROUTES = [
    Route("POST", "/adjustments", "adjustment", create, CREATE, 201),
    Route("GET", "/adjustments", "adjustment", listed, LIST),
    Route("GET", "/adjustments/*/credit-note", "adjustment", credit_note, _DISPOSITION),
]
