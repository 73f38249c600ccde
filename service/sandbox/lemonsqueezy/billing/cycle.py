"""Periods: renewals, failing payments and what follows them, and the end of a subscription."""

from collections.abc import Callable
from typing import Any

from service.sandbox.lemonsqueezy.billing import usage
from service.sandbox.lemonsqueezy.billing.invoicing import bill, collect, due, price_of
from service.sandbox.lemonsqueezy.settings import DAY
from service.sandbox.lemonsqueezy.table import Row
from service.sandbox.lemonsqueezy.times import end_after, stamp
from service.sandbox.lemonsqueezy.world import World

Json = dict[str, Any]


def plan(world: World, subscription: Row, what: str, moment: int) -> None:
    """Do `what` (a name in `JOBS`) to the subscription at a moment, instead of when it was planned before."""
    subscription.hidden["plans"][what] = moment
    world.schedule.at(moment, lambda: _run(world, subscription, what, moment))


def forget(subscription: Row, *names: str) -> None:
    """Let what was planned under these names not happen."""
    for name in names:
        subscription.hidden["plans"].pop(name, None)


def _run(world: World, subscription: Row, what: str, moment: int) -> None:
    # A job stays in the schedule when its plan changes; only the one that is still planned for this moment counts.
    if subscription.hidden["plans"].get(what) == moment:
        forget(subscription, what)
        JOBS[what](world, subscription)


def begin_item(world: World, subscription: Row) -> Row:
    """The subscription's item, made now if a trial was in its way."""
    item = usage.item_of(world, subscription)
    if item is None:
        metered = price_of(world, subscription)["usage_aggregation"] is not None
        attributes = {
            "subscription_id": subscription.id,
            "price_id": subscription.hidden["price_id"],
            "quantity": 0 if metered else subscription.hidden["quantity"],
            "is_usage_based": metered,
        }
        item = world.add("subscription-items", attributes)
        subscription.hidden["item_id"] = item.id
    return item


def begin_period(world: World, subscription: Row) -> int:
    """Begin a period now and return its end."""
    price, hidden = price_of(world, subscription), subscription.hidden
    unit, step = price["renewal_interval_unit"], price["renewal_interval_quantity"]
    end = end_after(hidden["anchor"], unit, step, world.now)
    hidden.update(period_start=world.now, period_end=end)
    return end


def renew(world: World, subscription: Row) -> None:
    """A period or a trial is over: bill the next one, and tell how that went."""
    subtotal = due(world, subscription)
    begin_item(world, subscription)
    begin_period(world, subscription)
    if subscription.attributes["status"] == "paused":
        _pass(world, subscription, subtotal)
        return
    invoice = bill(world, subscription, "renewal", subtotal)
    if collect(world, invoice):
        _continue(world, subscription)
        world.emit(invoice, "subscription_payment_success")
        world.emit(subscription, "subscription_updated")
    else:
        subscription.hidden["attempts"] = 0
        _fail(world, subscription, invoice)


def _pass(world: World, subscription: Row, subtotal: int) -> None:
    """A period goes by in a pause: mode `void` leaves a void invoice (assumed), mode `free` none."""
    if subscription.hidden["pause"]["mode"] == "void":
        bill(world, subscription, "renewal", subtotal, status="void")
    _continue(world, subscription, status="paused")
    world.emit(subscription, "subscription_updated")


def _continue(world: World, subscription: Row, status: str = "active") -> None:
    """All is well until the period's end, or until the end of the one that is running if that is past."""
    end = subscription.hidden["period_end"]
    if end <= world.now:
        end = begin_period(world, subscription)
    world.touch(subscription, status=status, renews_at=stamp(end))
    plan(world, subscription, "renew", end)


def _fail(world: World, subscription: Row, invoice: Row) -> None:
    """A renewal or a retry failed: another retry, or `unpaid` when they are used up."""
    hidden, days = subscription.hidden, world.settings.retry_days
    hidden["invoice_id"] = invoice.id
    if hidden["attempts"] < len(days):
        again = world.now + days[hidden["attempts"]] * DAY
        hidden["attempts"] += 1
        world.touch(subscription, status="past_due", renews_at=stamp(again))
        plan(world, subscription, "retry", again)
    else:
        world.touch(subscription, status="unpaid")
        wait_for_dunning(world, subscription)
    world.emit(invoice, "subscription_payment_failed")
    world.emit(subscription, "subscription_updated")


def wait_for_dunning(world: World, subscription: Row) -> None:
    """An unpaid subscription ends some time later, if the store has dunning rules."""
    if world.settings.dunning_days is not None:
        plan(world, subscription, "expire", world.now + world.settings.dunning_days * DAY)


def retry(world: World, subscription: Row) -> None:
    """Try the open invoice again: paid, which is a recovery and a success, or failed once more."""
    invoice = world.get("subscription-invoices", subscription.hidden["invoice_id"])
    if not collect(world, invoice):
        _fail(world, subscription, invoice)
        return
    forget(subscription, "retry", "expire")
    _continue(world, subscription)
    world.emit(invoice, "subscription_payment_success", "subscription_payment_recovered")
    world.emit(subscription, "subscription_updated")


def expire(world: World, subscription: Row) -> None:
    """The subscription is over."""
    subscription.hidden["plans"].clear()
    world.touch(subscription, status="expired", ends_at=world.stamp)
    world.emit(subscription, "subscription_expired", "subscription_updated")


def unpause(world: World, subscription: Row) -> None:
    """Payments are collected again; a subscription that was cancelled meanwhile would come back unpaused."""
    subscription.hidden["pause"] = None
    forget(subscription, "unpause")
    if subscription.attributes["status"] == "paused":
        world.touch(subscription, status="active")
        world.emit(subscription, "subscription_unpaused", "subscription_updated")
    elif subscription.hidden["before"] == "paused":
        subscription.hidden["before"] = "active"


JOBS: dict[str, Callable[[World, Row], None]] = {
    "renew": renew,
    "retry": retry,
    "expire": expire,
    "unpause": unpause,
}
