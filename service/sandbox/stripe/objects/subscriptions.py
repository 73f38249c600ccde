"""Subscriptions."""

from typing import Any

from service.sandbox.stripe.billing import collection, cycle, invoicing, lines, proration, standing
from service.sandbox.stripe.errors import declined, missing, refused
from service.sandbox.stripe.objects import items, subscription_params
from service.sandbox.stripe.objects.attributes import metadata, taken
from service.sandbox.stripe.objects.subscription_change import update
from service.sandbox.stripe.paging import Page, page
from service.sandbox.stripe.routes import Route
from service.sandbox.stripe.search import SEARCH, Found, search
from service.sandbox.stripe.settings import DAY
from service.sandbox.stripe.shapes import nested_list
from service.sandbox.stripe.world import World

Json = dict[str, Any]

_PLAIN = (
    "billing_mode",
    "cancel_at_period_end",
    "collection_method",
    "days_until_due",
    "default_payment_method",
    "default_source",
    "description",
    "trial_settings",
)


def create(world: World, params: Json) -> Json:
    """Create a subscription and bill its first period.

    A refused first payment leaves it incomplete; with error_if_incomplete it is the answer, and nothing is made.
    """
    customer = world.get("customer", params["customer"], "customer")
    behavior = params.get("payment_behavior", "allow_incomplete")
    _check(world, customer, params, behavior)
    if behavior == "error_if_incomplete":
        _refuse_early(world, customer, params)
    subscription = _made(world, params)
    cycle.start(world, subscription, behavior)
    return subscription


def _check(world: World, customer: Json, params: Json, behavior: str) -> None:
    if not params.get("items"):
        raise refused("You must specify at least one subscription item.", param="items", code="parameter_missing")
    sends = params.get("collection_method") == "send_invoice"
    if sends and "days_until_due" not in params:
        raise refused("You must set `days_until_due` if `collection_method` is `send_invoice`.", param="days_until_due")
    trial = "trial_end" in params or "trial_period_days" in params
    if not sends and not trial and behavior != "default_incomplete" and not world.payments.has_method(customer["id"]):
        message = "This customer has no attached payment source or default payment method."
        raise refused(f"{message} Please consider adding a default payment method.", code="resource_missing")


def _refuse_early(world: World, customer: Json, params: Json) -> None:
    """The payment is known to fail before anything is made, so that nothing has to be undone."""
    if "trial_end" in params or "trial_period_days" in params:
        return
    code = world.payments.next_failure(customer, params.get("default_payment_method"))
    if code is not None:
        raise declined(code)


def _made(world: World, params: Json) -> Json:
    now = world.now
    subscription_id = world.ids.new("sub")
    made = [items.made(world, subscription_id, each, f"items[{at}]") for at, each in enumerate(params["items"])]
    currencies = {item["price"]["currency"] for item in made}
    if len(currencies) > 1:
        raise refused("All prices on a subscription must have the same currency.", param="items")
    trial_end = _trial_end(now, params)
    values = taken(params, *_PLAIN) | metadata(params)
    subscription = items.fresh_subscription(
        id=subscription_id,
        created=now,
        start_date=now,
        billing_cycle_anchor=params.get("billing_cycle_anchor") or trial_end or now,
        currency=currencies.pop(),
        customer=params["customer"],
        items=nested_list(f"/v1/subscription_items?subscription={subscription_id}", made),
        trial_start=now if trial_end else None,
        trial_end=trial_end,
        status="trialing" if trial_end else "incomplete",
        _invoices=[],
        **values,
    )
    cycle.set_periods(subscription, now, trial_end=trial_end)
    _ends(subscription, params, now)
    world.tables["subscription"].add(subscription)
    return subscription


def _trial_end(now: int, params: Json) -> int | None:
    if params.get("trial_end") not in (None, "now"):
        if params["trial_end"] <= now:
            raise refused("The `trial_end` must be in the future.", param="trial_end")
        return int(params["trial_end"])
    days = params.get("trial_period_days") or 0
    return now + days * DAY if days > 0 else None


def _ends(subscription: Json, params: Json, now: int) -> None:
    if params.get("cancel_at_period_end"):
        subscription |= {"cancel_at": cycle.period_end(subscription), "canceled_at": now}
    elif params.get("cancel_at") is not None:
        subscription |= {"cancel_at": items.moment_of(subscription, params["cancel_at"]), "canceled_at": now}


def retrieve(world: World, _params: Json, subscription_id: str) -> Json:
    """The subscription, canceled or not."""
    return world.get("subscription", subscription_id)


def cancel(world: World, params: Json, subscription_id: str) -> Json:
    """Cancel now; with `prorate` the unused time is credited, with `invoice_now` it is invoiced as well."""
    subscription = world.get("subscription", subscription_id)
    if not standing.lives(subscription):
        raise missing("subscription", subscription_id)
    if params.get("prorate"):
        for item in subscription["items"]["data"]:
            proration.credit(world, subscription, item, world.now)
    if params.get("invoice_now"):
        _last_invoice(world, subscription)
    details = params.get("cancellation_details")
    standing.end(world, subscription, reason="cancellation_requested", details=details)
    return subscription


def _last_invoice(world: World, subscription: Json) -> None:
    customer = world.get("customer", subscription["customer"])
    metered = filter(lines.is_metered, subscription["items"]["data"])
    used = [items.usage_line(world, subscription, item) for item in metered]
    if used or invoicing.pending_items(world, customer["id"], subscription["id"]):
        invoice = invoicing.draft(world, customer, "subscription_update", used, subscription=subscription)
        subscription["latest_invoice"] = invoice["id"]
        collection.finalize_and_collect(world, invoice)


def pause(world: World, params: Json, subscription_id: str) -> Json:
    """Pause at once: nothing is billed until it is resumed; the unused time is credited unless asked otherwise."""
    subscription = world.get("subscription", subscription_id)
    if subscription["status"] not in ("active", "trialing", "past_due"):
        raise refused(f"You cannot pause a subscription with status `{subscription['status']}`.")
    bill_for = params.get("bill_for") or {}
    if (bill_for.get("unused_time_from") or {"type": "now"})["type"] != "none":
        for item in subscription["items"]["data"]:
            proration.credit(world, subscription, item, world.now)
    standing.paused(world, subscription, "pause_requested", standing.UPDATED, "customer.subscription.paused")
    return subscription


def resume(world: World, params: Json, subscription_id: str) -> Json:
    """Resume a paused subscription; its cycle begins anew unless the anchor is to stay."""
    subscription = world.get("subscription", subscription_id)
    if subscription["status"] != "paused":
        raise refused("The subscription cannot be resumed because it is not paused.")
    if params.get("billing_cycle_anchor", "now") == "now":
        subscription["billing_cycle_anchor"] = world.now
    cycle.set_periods(subscription, world.now)
    customer = world.get("customer", subscription["customer"])
    first = [items.first_line(world, subscription, each) for each in subscription["items"]["data"]]
    billed = [line for line in first if line is not None]
    invoice = invoicing.draft(world, customer, "subscription_update", billed, subscription=subscription)
    subscription["latest_invoice"] = invoice["id"]
    invoice["_resumes"] = True
    on_success = params.get("payment_behavior") == "resume_on_payment_success"
    if not on_success:
        values = {"status": "active", "status_details": None}
        world.change(subscription, standing.UPDATED, "customer.subscription.resumed", **values)
    collection.finalize_and_collect(world, invoice)
    if on_success:
        resumed = subscription["status"] == "active"
        world.emit(subscription, standing.UPDATED, *(["customer.subscription.resumed"] if resumed else []))
    cycle.plan(world, subscription)
    return subscription


def listed(world: World, params: Json) -> Page:
    """Subscriptions; canceled ones only if `status` asks for them."""
    status, price = params.get("status"), params.get("price")
    wanted = taken(params, "customer", "collection_method")

    def test(row: Json) -> bool:
        return (
            _has_status(row, status)
            and all(row[name] == value for name, value in wanted.items())
            and (price is None or any(item["price"]["id"] == price for item in row["items"]["data"]))
            and items.within(row, params)
        )

    return page(world, "/v1/subscriptions", "subscription", params, test)


def _has_status(row: Json, status: str | None) -> bool:
    if status is None:
        return bool(row["status"] != "canceled")
    return status == "all" or (row["status"] in standing.OVER if status == "ended" else row["status"] == status)


def searched(world: World, params: Json) -> Found:
    """Subscriptions that match a query, canceled ones included."""
    return search(world, "/v1/subscriptions/search", "subscription", params)


ROUTES = [
    Route("POST", "/v1/subscriptions", "subscription", create, subscription_params.CREATE),
    Route("GET", "/v1/subscriptions", "subscription", listed, subscription_params.LIST),
    Route("GET", "/v1/subscriptions/search", "subscription", searched, SEARCH),
    Route("GET", "/v1/subscriptions/*", "subscription", retrieve),
    Route("POST", "/v1/subscriptions/*", "subscription", update, subscription_params.UPDATE),
    Route("DELETE", "/v1/subscriptions/*", "subscription", cancel, subscription_params.CANCEL),
    Route("POST", "/v1/subscriptions/*/pause", "subscription", pause, subscription_params.PAUSE),
    Route("POST", "/v1/subscriptions/*/resume", "subscription", resume, subscription_params.RESUME),
]
