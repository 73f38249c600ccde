"""Collecting a transaction: the payment, what follows from it, and the retries of a failed one."""

from __future__ import annotations

from functools import partial
from typing import Any

from service.sandbox.paddle.billing import cycle, standing, transactions
from service.sandbox.paddle.settings import DAY
from service.sandbox.paddle.world import World

Json = dict[str, Any]


def subscription_of(world: World, transaction: Json) -> Json | None:
    """The transaction's subscription, if it has one."""
    return world.tables["subscription"].get(transaction["subscription_id"] or "")


def collect(world: World, transaction: Json) -> bool:
    """Charge the stored payment method; a failure makes transaction and subscription past due and is retried."""
    if transactions.attempted(world, transaction):
        settled(world, transaction)
        return True
    fall_due(world, transaction)
    last = max(world.settings.retry_days)
    for day in world.settings.retry_days:
        world.schedule.at(world.now + day * DAY, partial(_retry, world, transaction, final=day == last))
    return False


def fall_due(world: World, transaction: Json) -> None:
    """The transaction is past due, and with it its subscription."""
    transactions.past_due(world, transaction)
    subscription = subscription_of(world, transaction)
    if subscription is not None:
        standing.past_due(world, subscription)


def _retry(world: World, transaction: Json, *, final: bool) -> None:
    if transaction["status"] != "past_due":
        return
    if transactions.attempted(world, transaction):
        settled(world, transaction)
    elif final:
        _given_up(world, transaction)


def _given_up(world: World, transaction: Json) -> None:
    subscription = subscription_of(world, transaction)
    assert subscription is not None
    if world.settings.after_retries == "pause":
        cycle.pause(world, subscription, None)
    else:
        standing.canceled(world, subscription)


def settled(world: World, transaction: Json) -> None:
    """The money is there: a first purchase starts its subscription, a later one keeps or makes it active."""
    subscription = subscription_of(world, transaction)
    transactions.paid(world, transaction)
    if subscription is not None:
        if standing.paid(world, subscription, transaction):
            cycle.plan(world, subscription)
        transactions.completed(world, transaction)
    elif begins_subscription(transaction):
        transactions.completed(world, transaction, **_begun(world, transaction))
    else:
        transactions.completed(world, transaction)


def begins_subscription(transaction: Json) -> bool:
    """True if some of its items recur."""
    return any(line.price["billing_cycle"] for line in transaction["_lines"])


def _begun(world: World, transaction: Json) -> Json:
    subscription = cycle.started(world, transaction)
    period = subscription["current_billing_period"]
    return {"subscription_id": subscription["id"], "billing_period": period}


def issue(world: World, transaction: Json) -> None:
    """Bill an invoice: it can't be changed any more, its subscription begins, and its terms start to run."""
    told = {"status": "billed", "billed_at": world.stamp()}
    world.change(transaction, transactions.UPDATED, "transaction.billed", **told)
    late = _begun(world, transaction) if begins_subscription(transaction) else {}
    transactions.numbered(world, transaction, **late)
    await_wire(world, transaction)


def await_wire(world: World, transaction: Json) -> None:
    """Make an invoice past due when its terms have elapsed."""

    def due() -> None:
        if transaction["status"] == "billed":
            fall_due(world, transaction)

    world.schedule.at(transactions.due_at(transaction), due)
