"""What a subscription's status becomes, and what that does to its unpaid transactions."""

from __future__ import annotations

from typing import Any

from service.sandbox.paddle.billing import transactions
from service.sandbox.paddle.world import World

Json = dict[str, Any]

UPDATED = "subscription.updated"


def items_with(world: World, subscription: Json, **values: Any) -> list[Json]:
    """The subscription's items with other values."""
    return [item | values | {"updated_at": world.stamp()} for item in subscription["items"]]


def activated(world: World, subscription: Json) -> None:
    """It was paid for: a trial is over, or what was past due is settled."""
    items = items_with(world, subscription, status="active")
    first = subscription["first_billed_at"] or world.stamp()
    told = {"status": "active", "items": items, "first_billed_at": first}
    world.change(subscription, UPDATED, "subscription.activated", **told)


def past_due(world: World, subscription: Json) -> None:
    """A payment failed, or an invoice's terms have elapsed."""
    if subscription["status"] in ("active", "trialing"):
        world.change(subscription, UPDATED, "subscription.past_due", status="past_due")


def paid(world: World, subscription: Json, transaction: Json) -> bool:
    """One of its transactions was paid; True if that made it active."""
    trial_over = subscription["status"] == "trialing" and transaction["origin"] == "subscription_recurring"
    recovered = subscription["status"] == "past_due" and not _unsettled(world, subscription)
    if trial_over or recovered:
        activated(world, subscription)
    return trial_over or recovered


def canceled(world: World, subscription: Json) -> None:
    """It is over for good; what is past due is no longer collected."""
    told = _stopped(world, subscription) | {"status": "canceled", "canceled_at": world.stamp()}
    world.change(subscription, UPDATED, "subscription.canceled", **told)
    _let_go(world, subscription)


def paused(world: World, subscription: Json, change: Json | None) -> None:
    """It bills nothing until it is resumed; `change` is the scheduled resumption, if there is one."""
    told = _stopped(world, subscription) | {"status": "paused", "paused_at": world.stamp(), "scheduled_change": change}
    world.change(subscription, UPDATED, "subscription.paused", **told)
    _let_go(world, subscription)


def _stopped(world: World, subscription: Json) -> Json:
    items = items_with(world, subscription, status="inactive", next_billed_at=None)
    return {"items": items, "next_billed_at": None, "current_billing_period": None, "scheduled_change": None}


def _let_go(world: World, subscription: Json) -> None:
    for transaction in _unsettled(world, subscription):
        transactions.canceled(world, transaction)


def _unsettled(world: World, subscription: Json) -> list[Json]:
    every = (world.get("transaction", each) for each in subscription["_transactions"])
    return [each for each in every if each["status"] == "past_due"]
