"""The cycle of a subscription: its start, its renewals, and the scheduled changes at a period's end."""

from __future__ import annotations

from typing import Any

from service.sandbox.paddle import money
from service.sandbox.paddle.billing import collection, lines, standing, transactions
from service.sandbox.paddle.billing.lines import Line
from service.sandbox.paddle.billing.periods import end_after, moved
from service.sandbox.paddle.render import plain
from service.sandbox.paddle.times import seconds, stamp
from service.sandbox.paddle.world import World

Json = dict[str, Any]


def started(world: World, transaction: Json) -> Json:
    """The subscription that begins with a transaction's recurring items."""
    recurring = [line for line in transaction["_lines"] if line.price["billing_cycle"]]
    price, now = recurring[0].price, world.now
    trial, cycle = price["trial_period"], price["billing_cycle"]
    end = moved(now, trial) if trial else end_after(now, cycle, now)
    status = "trialing" if trial else "active"
    at = world.stamp()
    shared = ("customer_id", "address_id", "business_id", "currency_code", "collection_mode", "custom_data")
    subscription = world.add(
        "subscription",
        status=status,
        **{name: transaction[name] for name in (*shared, "billing_details")},
        **dict.fromkeys(("paused_at", "canceled_at", "discount", "scheduled_change", "import_meta")),
        started_at=at,
        first_billed_at=None if trial else at,
        next_billed_at=stamp(end),
        current_billing_period=transactions.period(now, end),
        billing_cycle={"interval": cycle["interval"], "frequency": cycle["frequency"]},
        items=[item(world, line, now, end, trial=bool(trial)) for line in recurring],
        consent_requirements=[],
        _anchor=end if trial else now,
        _pending=[],
        _transactions=[transaction["id"]],
    )
    world.emit(subscription, "subscription.created", transaction_id=transaction["id"])
    world.emit(subscription, "subscription.trialing" if trial else "subscription.activated")
    plan(world, subscription)
    return subscription


def item(world: World, line: Line, start: int, end: int, *, trial: bool = False) -> Json:
    """A line as an item of a subscription."""
    at = world.stamp()
    return {
        "status": "trialing" if trial else "active",
        "quantity": line.quantity,
        "recurring": True,
        "created_at": at,
        "updated_at": at,
        "previously_billed_at": None if trial else stamp(start),
        "next_billed_at": stamp(end),
        "trial_dates": transactions.period(start, end) if trial else None,
        "price": line.price,
        "product": plain(world.get("product", line.price["product_id"])),
    }


def plan(world: World, subscription: Json) -> None:
    """See to it that the period's end is noticed."""
    moment = subscription["next_billed_at"]
    if moment is not None:
        world.schedule.at(seconds(moment), lambda: _turned(world, subscription, moment))


def _turned(world: World, subscription: Json, moment: str) -> None:
    if subscription["next_billed_at"] != moment:
        return
    change = subscription["scheduled_change"]
    if change is not None and change["effective_at"] <= moment:
        _apply(world, subscription, change)
    elif subscription["status"] in ("active", "trialing"):
        renew(world, subscription, seconds(moment))


def _apply(world: World, subscription: Json, change: Json) -> None:
    if change["action"] == "cancel":
        standing.canceled(world, subscription)
    elif change["action"] == "pause":
        pause(world, subscription, change["resume_at"])


def pause(world: World, subscription: Json, resume_at: str | None) -> None:
    """Pause now, until `resume_at` if that is said."""
    kept = subscription["current_billing_period"]
    change = {"action": "resume", "effective_at": resume_at, "resume_at": None} if resume_at else None
    standing.paused(world, subscription, change)
    subscription["_paused_period"] = kept
    if change is not None:
        plan_resumption(world, subscription)


def plan_resumption(world: World, subscription: Json) -> None:
    """See to it that the scheduled resumption happens."""
    change = subscription["scheduled_change"]

    def due() -> None:
        if subscription["status"] == "paused" and subscription["scheduled_change"] == change:
            resume(world, subscription)

    world.schedule.at(seconds(change["effective_at"]), due)


def resume(world: World, subscription: Json, *, keep: bool = False) -> None:
    """Make a paused subscription active; a new period begins and is billed, unless one that still runs is kept."""
    kept: Json = subscription["_paused_period"]
    runs = keep and seconds(kept["ends_at"]) > world.now
    told: Json = {"status": "active", "paused_at": None, "scheduled_change": None}
    if runs:
        end = kept["ends_at"]
        items = standing.items_with(world, subscription, status="active", next_billed_at=end)
        told |= {"current_billing_period": kept, "next_billed_at": end, "items": items}
    else:
        subscription["_anchor"] = world.now
        told |= next_period(world, subscription, world.now) | {"status": "active"}
    world.change(subscription, standing.UPDATED, "subscription.resumed", **told)
    if not runs:
        bill(world, subscription, recurring(world, subscription))
    plan(world, subscription)


def renew(world: World, subscription: Json, start: int) -> None:
    """Begin the next period and bill it, with what was put off until now; a trial stays one until it is paid."""
    world.change(subscription, standing.UPDATED, **next_period(world, subscription, start))
    put_off, subscription["_pending"] = subscription["_pending"], []
    bill(world, subscription, recurring(world, subscription) + put_off)
    plan(world, subscription)


def next_period(world: World, subscription: Json, start: int) -> Json:
    """The fields of a subscription whose period begins at `start` (unix seconds)."""
    end = end_after(subscription["_anchor"], subscription["billing_cycle"], start)
    dates = {"previously_billed_at": stamp(start), "next_billed_at": stamp(end)}
    status = "trialing" if subscription["status"] == "trialing" else "active"
    items = standing.items_with(world, subscription, status=status, **dates)
    return {
        "current_billing_period": transactions.period(start, end),
        "next_billed_at": stamp(end),
        "items": items,
    }


def recurring(world: World, subscription: Json) -> list[Line]:
    """The lines of one full period."""
    country = country_of(world, subscription)
    return [_line(each, country) for each in subscription["items"]]


def _line(each: Json, country: str | None) -> Line:
    unit = int(money.unit_price(each["price"], country)["amount"])
    return lines.Line(each["price"], each["quantity"], unit * each["quantity"])


def country_of(world: World, subscription: Json) -> str | None:
    """The country of the subscription's address."""
    address = world.tables["address"].get(subscription["address_id"] or "")
    return None if address is None else str(address["country_code"])


def bill(world: World, subscription: Json, billed: list[Line]) -> None:
    """Bill a period's lines and collect the money, or send the invoice."""
    collect(world, subscription, transactions.for_subscription(world, subscription, billed, "subscription_recurring"))


def collect(world: World, subscription: Json, transaction: Json) -> None:
    """Collect a transaction that was made for a subscription, in the subscription's way."""
    subscription["_transactions"].append(transaction["id"])
    if subscription["collection_mode"] == "manual":
        transactions.numbered(world, transaction)
        collection.await_wire(world, transaction)
    else:
        collection.collect(world, transaction)


def period_after(subscription: Json) -> Json:
    """The period that follows the current one."""
    start = seconds(subscription["next_billed_at"])
    return transactions.period(start, end_after(subscription["_anchor"], subscription["billing_cycle"], start))
