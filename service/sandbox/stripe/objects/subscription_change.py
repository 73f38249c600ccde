"""Changes of a running subscription."""

from typing import Any

from service.sandbox.stripe.billing import collection, cycle, invoicing, lines, proration, standing
from service.sandbox.stripe.errors import missing, refused
from service.sandbox.stripe.objects import items
from service.sandbox.stripe.objects.attributes import metadata, taken
from service.sandbox.stripe.world import World

Json = dict[str, Any]

_PLAIN = ("collection_method", "days_until_due", "default_payment_method", "default_source", "description")


def update(world: World, params: Json, subscription_id: str) -> Json:
    """Change a subscription; a canceled one keeps only its metadata and its cancellation details open to change."""
    subscription = world.get("subscription", subscription_id)
    if not standing.lives(subscription) and set(params) - {"metadata", "cancellation_details"}:
        message = "A canceled subscription can only update its cancellation_details and metadata."
        raise refused(message)
    subscription |= taken(params, *_PLAIN, "trial_settings") | metadata(params, subscription["metadata"])
    if details := params.get("cancellation_details"):
        subscription["cancellation_details"] = subscription["cancellation_details"] | details
    if params.get("trial_end") is not None:
        _move_trial(world, subscription, params["trial_end"])
    restarted = _change_items(world, subscription, params)
    _change_end(world, subscription, params)
    _change_collection(world, subscription, params)
    world.emit(subscription, standing.UPDATED)
    if restarted or params.get("proration_behavior") == "always_invoice":
        _invoice_now(world, subscription, restarted=restarted)
    if standing.lives(subscription):
        cycle.plan(world, subscription)
    # A trial that was ended now is billed within this very request.
    world.advance(0)
    return subscription


def _move_trial(world: World, subscription: Json, trial_end: int | str) -> None:
    """A trial that ends now bills at once; one that ends later moves the renewal."""
    if trial_end == "now":
        if subscription["status"] == "trialing":
            subscription |= {"trial_end": world.now, "billing_cycle_anchor": world.now}
            for item in subscription["items"]["data"]:
                item["current_period_end"] = world.now
        return
    moment = int(trial_end)
    if moment <= world.now:
        raise refused("The `trial_end` must be in the future.", param="trial_end")
    start = subscription["trial_start"] or world.now
    subscription |= {"trial_start": start, "trial_end": moment, "status": "trialing", "billing_cycle_anchor": moment}
    subscription["_warned"] = False
    cycle.set_periods(subscription, world.now, trial_end=moment)


def _change_items(world: World, subscription: Json, params: Json) -> bool:
    """Apply the items and prorate; True if the billing cycle begins anew, as it does when an interval changes."""
    at = min(params.get("proration_date") or world.now, world.now)
    prorates = params.get("proration_behavior", "create_prorations") != "none" and subscription["status"] == "active"
    before = {item["id"]: dict(item) for item in subscription["items"]["data"]}
    after = _items_after(world, subscription, params.get("items", []))
    restarted = params.get("billing_cycle_anchor") == "now" or _interval_changed(before, after)
    changed = [item for item in after if restarted or _differs(before.get(item["id"]), item)]
    kept = {item["id"] for item in after} - {item["id"] for item in changed}
    if prorates:
        for old in before.values():
            if old["id"] not in kept:
                proration.credit(world, subscription, old, at)
    subscription["items"] = subscription["items"] | {"data": after}
    if restarted:
        subscription["billing_cycle_anchor"] = world.now
        cycle.set_periods(subscription, world.now)
    elif prorates:
        for item in changed:
            proration.debit(world, subscription, item, at)
    return restarted


def _items_after(world: World, subscription: Json, changes: list[Json]) -> list[Json]:
    rows: dict[str, Json] = {item["id"]: dict(item) for item in subscription["items"]["data"]}
    for at, change in enumerate(changes):
        path = f"items[{at}]"
        item_id = change.get("id")
        if item_id is not None and item_id not in rows:
            raise missing("subscription_item", item_id, param=f"{path}[id]")
        if item_id is None:
            new = _new(world, subscription, change, path)
            rows[new["id"]] = new
        elif change.get("deleted"):
            del rows[item_id]
        else:
            _alter(world, rows[item_id], change, path)
    if not rows:
        raise refused("A subscription must have at least one active plan.", param="items")
    return list(rows.values())


def _new(world: World, subscription: Json, change: Json, path: str) -> Json:
    taken_prices = {item["price"]["id"] for item in subscription["items"]["data"]}
    if change.get("price") in taken_prices:
        message = f"Cannot add multiple subscription items with the same plan: {change['price']}"
        raise refused(message, param=f"{path}[price]")
    new = items.made(world, subscription["id"], change, path)
    first = subscription["items"]["data"][0]
    for name in ("current_period_start", "current_period_end"):
        new[name] = first[name]
    return new


def _alter(world: World, item: Json, change: Json, path: str) -> None:
    item |= metadata(change, item["metadata"])
    if "price" in change or "price_data" in change:
        item["price"] = items.price_of(world, change, path)
        if lines.is_metered(item):
            item.pop("quantity", None)
        else:
            item.setdefault("quantity", 1)
    if "quantity" in change:
        item["quantity"] = change["quantity"]


def _interval_changed(before: dict[str, Json], after: list[Json]) -> bool:
    def interval(item: Json) -> tuple[str, int]:
        recurring = item["price"]["recurring"]
        return recurring["interval"], recurring["interval_count"]

    olds = {interval(item) for item in before.values()}
    return any(interval(item) not in olds for item in after)


def _differs(old: Json | None, new: Json) -> bool:
    return old is None or old["price"]["id"] != new["price"]["id"] or old.get("quantity") != new.get("quantity")


def _change_end(world: World, subscription: Json, params: Json) -> None:
    if not standing.lives(subscription):
        return
    if params.get("cancel_at_period_end") is True:
        end = cycle.period_end(subscription)
        _request_end(world, subscription, end, at_period_end=True)
    elif params.get("cancel_at") is not None:
        _request_end(world, subscription, items.moment_of(subscription, params["cancel_at"]), at_period_end=False)
    elif params.get("cancel_at_period_end") is False or "cancel_at" in params:
        details = subscription["cancellation_details"] | {"reason": None}
        none = {"cancel_at": None, "canceled_at": None, "cancellation_details": details}
        subscription |= {"cancel_at_period_end": False} | none


def _request_end(world: World, subscription: Json, moment: int, *, at_period_end: bool) -> None:
    details = subscription["cancellation_details"] | {"reason": "cancellation_requested"}
    subscription |= {
        "cancel_at": moment,
        "cancel_at_period_end": at_period_end,
        "canceled_at": world.now,
        "cancellation_details": details,
    }


def _change_collection(world: World, subscription: Json, params: Json) -> None:
    """Pausing the collection leaves the status alone."""
    if "pause_collection" not in params:
        return
    sent = params["pause_collection"]
    paused = {"behavior": sent["behavior"], "resumes_at": sent.get("resumes_at")} if sent else None
    subscription["pause_collection"] = paused
    if paused and paused["resumes_at"] is not None:
        world.schedule.at(paused["resumes_at"], lambda: _collect_again(world, subscription, paused))


def _collect_again(world: World, subscription: Json, paused: Json) -> None:
    if subscription["pause_collection"] == paused and standing.lives(subscription):
        world.change(subscription, standing.UPDATED, pause_collection=None)


def _invoice_now(world: World, subscription: Json, *, restarted: bool) -> None:
    """Invoice what is pending, and the first period as well if the cycle began anew."""
    customer = world.get("customer", subscription["customer"])
    rows = subscription["items"]["data"] if restarted and subscription["status"] == "active" else []
    billed = [line for item in rows if (line := items.first_line(world, subscription, item)) is not None]
    if not billed and not invoicing.pending_items(world, customer["id"], subscription["id"]):
        return
    invoice = invoicing.draft(world, customer, "subscription_update", billed, subscription=subscription)
    world.change(subscription, standing.UPDATED, latest_invoice=invoice["id"])
    collection.finalize_and_collect(world, invoice)
