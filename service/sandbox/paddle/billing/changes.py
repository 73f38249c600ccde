"""Changes in the middle of a period, and what each proration mode makes of them."""

from __future__ import annotations

from typing import Any

from service.sandbox.paddle import money
from service.sandbox.paddle.billing import cycle, lines, standing, transactions
from service.sandbox.paddle.billing.lines import Line
from service.sandbox.paddle.errors import refused
from service.sandbox.paddle.times import seconds
from service.sandbox.paddle.world import World

Json = dict[str, Any]

MODES = (
    *("prorated_immediately", "prorated_next_billing_period", "full_immediately"),
    *("full_next_billing_period", "do_not_bill"),
)


def change_items(world: World, subscription: Json, wanted: list[Line], mode: str, on_failure: str) -> None:
    """Give the subscription these items, and bill or credit the difference as the mode says.

    Raises:
        SandboxError: an immediate payment is refused and `on_failure` prevents the change.
    """
    before = [] if subscription["status"] == "trialing" else cycle.recurring(world, subscription)
    period = subscription["current_billing_period"]
    begin, end = seconds(period["starts_at"]), seconds(period["ends_at"])
    anew = wanted[0].price["billing_cycle"] != _cycle_of(subscription)
    immediate = mode.endswith("_immediately") and subscription["status"] != "trialing"
    charged, credited = [], 0
    if subscription["status"] != "trialing" and mode != "do_not_bill":
        prorated = mode.startswith("prorated") and not anew
        charged = [_share(line, begin, end, world.now) if prorated else line for line in wanted]
        credited = _credit(world, before, begin, end) if mode.startswith("prorated") else 0
    if immediate:
        _must_be_payable(world, subscription, charged, credited, on_failure)
    _put(world, subscription, wanted, anew=anew)
    if immediate:
        _bill_now(world, subscription, charged, credited)
    else:
        subscription["_pending"] += charged
        world.balances[_balance_key(subscription)] += credited


def _cycle_of(subscription: Json) -> Json:
    cycle_now: Json = subscription["billing_cycle"]
    return cycle_now


def _balance_key(subscription: Json) -> tuple[str, str]:
    return subscription["customer_id"], subscription["currency_code"]


def _share(line: Line, begin: int, end: int, at: int) -> Line:
    rate = f"{max(end - at, 0) / max(end - begin, 1):.6f}"
    proration = {"rate": rate, "billing_period": transactions.period(at, end)}
    return Line(line.price, line.quantity, money.share(line.amount, begin, end, at), proration)


def _credit(world: World, before: list[Line], begin: int, end: int) -> int:
    """What the unused time of the old items was worth, tax included."""
    unused = [money.part(world, line.price, money.share(line.amount, begin, end, world.now)) for line in before]
    return sum(part["total"] for part in unused)


def _must_be_payable(world: World, subscription: Json, charged: list[Line], credited: int, on_failure: str) -> None:
    """A refusal is known before anything is made, so that nothing has to be undone."""
    total = sum(money.part(world, line.price, line.amount)["total"] for line in charged)
    manual = subscription["collection_mode"] == "manual"
    due = total - credited - world.balances[_balance_key(subscription)]
    if on_failure != "prevent_change" or manual or due <= 0:
        return
    if world.payments.refuses_next(subscription["customer_id"]):
        raise refused("subscription_payment_declined", "the payment for the subscription change was declined")


def _put(world: World, subscription: Json, wanted: list[Line], *, anew: bool) -> None:
    told: Json = {}
    if anew:
        subscription["_anchor"] = world.now
        cycle_wanted = wanted[0].price["billing_cycle"]
        subscription["billing_cycle"] = {name: cycle_wanted[name] for name in ("interval", "frequency")}
        told = cycle.next_period(world, subscription, world.now)
    period = told.get("current_billing_period") or subscription["current_billing_period"]
    begin, end = seconds(period["starts_at"]), seconds(period["ends_at"])
    trial = subscription["status"] == "trialing"
    old = {each["price"]["id"]: each for each in subscription["items"]}
    items = []
    for line in wanted:
        made = cycle.item(world, line, begin, end, trial=trial)
        kept = old.get(line.price["id"])
        items.append(made if kept is None else made | {"created_at": kept["created_at"]})
    world.change(subscription, standing.UPDATED, **(told | {"items": items}))
    if anew:
        cycle.plan(world, subscription)


def _bill_now(world: World, subscription: Json, charged: list[Line], credited: int) -> None:
    currency = subscription["currency_code"]
    total = int(lines.details(world, charged, currency)["totals"]["total"])
    key = _balance_key(subscription)
    used = min(credited + world.balances[key], total)
    to_balance = max(credited - used, 0)
    world.balances[key] += credited - used
    values = {"credit": used, "to_balance": to_balance}
    transaction = transactions.for_subscription(world, subscription, charged, "subscription_update", **values)
    cycle.collect(world, subscription, transaction)


def charge(world: World, subscription: Json, charged: list[Line], effective_from: str, on_failure: str) -> None:
    """Bill prices once, now or with the next period.

    Raises:
        SandboxError: an immediate payment is refused and `on_failure` prevents the charge.
    """
    if effective_from == "next_billing_period":
        subscription["_pending"] += charged
        world.change(subscription, standing.UPDATED)
        return
    _must_be_payable(world, subscription, charged, 0, on_failure)
    transaction = transactions.for_subscription(world, subscription, charged, "subscription_charge")
    cycle.collect(world, subscription, transaction)
