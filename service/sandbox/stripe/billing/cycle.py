"""The cycle of a subscription: its start, its trial, its renewals and its end."""

from typing import Any

from service.sandbox.stripe.billing import collection, invoicing, lines, standing
from service.sandbox.stripe.billing.periods import end_after
from service.sandbox.stripe.billing.usage import of_item
from service.sandbox.stripe.world import World

Json = dict[str, Any]


def set_periods(subscription: Json, start: int, *, trial_end: int | None = None) -> None:
    """Give every item the period that begins at `start`; a trial is one period of its own."""
    for item in subscription["items"]["data"]:
        anchor = subscription["billing_cycle_anchor"]
        item["current_period_start"] = start
        item["current_period_end"] = trial_end or end_after(anchor, item["price"]["recurring"], start)


def period_end(subscription: Json) -> int:
    """The end of the subscription's period: the earliest of its items'."""
    return min(int(item["current_period_end"]) for item in subscription["items"]["data"])


def plan(world: World, subscription: Json) -> None:
    """Schedule what the subscription's present dates bring: renewal, trial warning, end."""
    end = period_end(subscription)
    world.schedule.at(end, lambda: _turn(world, subscription, end))
    if subscription["status"] == "trialing":
        warning = max(end - world.settings.trial_warning_seconds, world.now)
        world.schedule.at(warning, lambda: _warn(world, subscription, end))
    if world.settings.upcoming_seconds:
        moment = max(end - world.settings.upcoming_seconds, world.now)
        world.schedule.at(moment, lambda: _upcoming(world, subscription, end))
    if (cancel_at := subscription["cancel_at"]) is not None:
        world.schedule.at(cancel_at, lambda: _cancel_at(world, subscription, cancel_at))


def _warn(world: World, subscription: Json, end: int) -> None:
    if subscription["status"] == "trialing" and subscription["trial_end"] == end and not subscription.get("_warned"):
        subscription["_warned"] = True
        world.emit(subscription, "customer.subscription.trial_will_end")


def _upcoming(world: World, subscription: Json, end: int) -> None:
    """A preview of the next invoice, under an id that no later request knows."""
    if not _renews(subscription, end):
        return
    customer = world.tables["customer"].get(subscription["customer"])
    if customer is not None:
        items = [each for each in subscription["items"]["data"] if not lines.is_metered(each)]
        preview = [_advance_line(world, subscription, item, (end, end)) for item in items]
        world.emit(invoicing.preview(world, customer, subscription, preview, end), "invoice.upcoming")


def _renews(subscription: Json, end: int) -> bool:
    billed = subscription["status"] in ("active", "trialing", "past_due", "unpaid")
    return billed and period_end(subscription) == end and not subscription["cancel_at_period_end"]


def _cancel_at(world: World, subscription: Json, moment: int) -> None:
    if standing.lives(subscription) and subscription["cancel_at"] == moment:
        standing.end(world, subscription, reason="cancellation_requested")


def start(world: World, subscription: Json, behavior: str) -> None:
    """Bill the first period and let the payment decide the status; a trial is billed at zero.

    Raises:
        SandboxError: the payment was refused and `behavior` is error_if_incomplete.
    """
    trial = subscription["trial_end"] is not None
    customer = world.get("customer", subscription["customer"])
    lines_or_none = (first_line(world, subscription, item, trial=trial) for item in subscription["items"]["data"])
    first = [line for line in lines_or_none if line is not None]
    invoice = invoicing.draft(world, customer, "subscription_create", first, subscription=subscription)
    subscription["latest_invoice"] = invoice["id"]
    invoicing.finalize(world, invoice)
    if trial or invoice["status"] == "paid" or subscription["collection_method"] == "send_invoice":
        subscription["status"] = "trialing" if trial else "active"
        if invoice["status"] == "open":
            world.emit(invoice, "invoice.sent")
    else:
        subscription["status"] = "incomplete"
    world.emit(subscription, "customer.subscription.created")
    if subscription["status"] == "incomplete" and behavior != "default_incomplete":
        collection.attempt(world, invoice)
    if subscription["status"] == "incomplete":
        world.schedule.at(world.now + world.settings.incomplete_seconds, lambda: _expire(world, subscription))
    plan(world, subscription)


def first_line(world: World, subscription: Json, item: Json, *, trial: bool) -> Json | None:
    """The line of an item's first period, zero in a trial; None for a metered one, which is billed afterwards."""
    if lines.is_metered(item):
        return None
    period = (item["current_period_start"], item["current_period_end"])
    amount = 0 if trial else lines.amount_of(item["price"], item["quantity"])
    return lines.for_item(world, subscription, item, period, item["quantity"], amount)


def _expire(world: World, subscription: Json) -> None:
    if subscription["status"] != "incomplete":
        return
    invoice = world.get("invoice", subscription["latest_invoice"])
    if invoice["status"] == "open":
        invoicing.close(world, invoice, "void", "invoice.voided")
    world.change(subscription, standing.UPDATED, status="incomplete_expired", ended_at=world.now)


def _turn(world: World, subscription: Json, end: int) -> None:
    """The period ends: the subscription ends with it, or begins its next one."""
    if subscription["status"] not in ("active", "trialing", "past_due", "unpaid") or period_end(subscription) != end:
        return
    if subscription["cancel_at_period_end"]:
        standing.end(world, subscription, reason="cancellation_requested")
    elif subscription["status"] == "trialing" and not world.payments.has_method(subscription["customer"]):
        _trial_without_method(world, subscription, end)
    else:
        renew(world, subscription, end)


def _trial_without_method(world: World, subscription: Json, end: int) -> None:
    behavior = subscription["trial_settings"]["end_behavior"]["missing_payment_method"]
    if behavior == "cancel":
        standing.end(world, subscription, reason="cancellation_requested")
    elif behavior == "pause":
        why = "trial_end_without_payment_method"
        standing.paused(world, subscription, why, standing.UPDATED, "customer.subscription.paused")
    else:
        renew(world, subscription, end)


def renew(world: World, subscription: Json, end: int, *, reason: str = "subscription_cycle") -> Json:
    """Roll the items that end at `end` into their next period and draft the invoice, to be collected later."""
    due: list[Json] = []
    billed: list[Json] = []
    for item in subscription["items"]["data"]:
        if item["current_period_end"] <= end:
            ended = (item["current_period_start"], item["current_period_end"])
            following = end_after(subscription["billing_cycle_anchor"], item["price"]["recurring"], end)
            due.append(item | {"current_period_start": end, "current_period_end": following})
            billed.append(_renewal_line(world, subscription, due[-1], ended))
        else:
            due.append(item)
    subscription["items"] = subscription["items"] | {"data": due}
    status = "active" if subscription["status"] == "trialing" else subscription["status"]
    customer = world.get("customer", subscription["customer"])
    held = (subscription["pause_collection"] or {}).get("behavior") == "keep_as_draft" or status == "unpaid"
    values = _window(billed) | ({"auto_advance": False} if held else collection.waiting(world))
    invoice = invoicing.draft(world, customer, reason, billed, subscription=subscription, **values)
    if not held:
        collection.later(world, invoice)
    world.change(subscription, standing.UPDATED, status=status, latest_invoice=invoice["id"])
    plan(world, subscription)
    return invoice


def _renewal_line(world: World, subscription: Json, item: Json, ended: tuple[int, int]) -> Json:
    """Licensed items are billed ahead, metered ones for the period that ended."""
    if not lines.is_metered(item):
        return _advance_line(world, subscription, item, (item["current_period_start"], item["current_period_end"]))
    used = of_item(world, subscription, item, *ended)
    return lines.for_item(world, subscription, item, ended, used, lines.amount_of(item["price"], used))


def _advance_line(world: World, subscription: Json, item: Json, period: tuple[int, int]) -> Json:
    amount = lines.amount_of(item["price"], item["quantity"])
    return lines.for_item(world, subscription, item, period, item["quantity"], amount)


def _window(billed: list[Json]) -> Json:
    """The invoice's own period: when invoice items could join it, which is the period before."""
    starts = [line["period"]["start"] for line in billed]
    return {"period_end": max(starts), "period_start": min(starts)} if starts else {}
