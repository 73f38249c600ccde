"""Subscriptions: they begin with a paid transaction or an issued invoice, never by a request of their own."""

from typing import Any

from service.sandbox.paddle.billing import cycle, lines, standing
from service.sandbox.paddle.errors import refused
from service.sandbox.paddle.objects import subscription_params
from service.sandbox.paddle.objects.subscription_charges import charge, payment_method_change
from service.sandbox.paddle.objects.subscription_update import update
from service.sandbox.paddle.paging import Page, among, page, within
from service.sandbox.paddle.routes import Route
from service.sandbox.paddle.times import seconds, stamp
from service.sandbox.paddle.world import World

Json = dict[str, Any]

_OVER = "subscription is canceled"


def retrieve(world: World, params: Json, subscription_id: str) -> Json:
    """The subscription, canceled or not."""
    subscription = world.get("subscription", subscription_id)
    asked = params.get("include", frozenset())
    more: Json = {}
    recurring, currency = cycle.recurring(world, subscription) if asked else [], subscription["currency_code"]
    details = lines.details(world, recurring, currency) if asked else {}
    if "recurring_transaction_details" in asked:
        more["recurring_transaction_details"] = details
    if "next_transaction" in asked:
        # Charges that wait for the renewal are in its preview.
        more["next_transaction"] = _next(
            subscription, lines.details(world, recurring + subscription["_pending"], currency)
        )
    return subscription | more


def _next(subscription: Json, details: Json) -> Json | None:
    if subscription["next_billed_at"] is None:
        return None
    period = cycle.period_after(subscription)
    return {"billing_period": period, "details": details, "adjustments": []}


def listed(world: World, params: Json) -> Page:
    """Subscriptions of any status. There is no filter of creation or change."""
    actions, prices = params.get("scheduled_change_action"), params.get("price_id")
    mode = params.get("collection_mode")

    def test(row: Json) -> bool:
        change = row["scheduled_change"]
        return (
            (actions is None or (change is not None and change["action"] in actions))
            and (prices is None or any(each["price"]["id"] in prices for each in row["items"]))
            and mode in (None, row["collection_mode"])
        )

    plain = among(params, "id", "status", "customer_id", "address_id")
    return page(world, "subscription", params, plain, test, within(params, "next_billed_at"))


def cancel(world: World, fields: Json, subscription_id: str) -> Json:
    """Cancel at the end of the period, or at once; a paused subscription only at once."""
    subscription = _living(world, subscription_id)
    if fields.get("effective_from") == "immediately":
        standing.canceled(world, subscription)
        return subscription
    if subscription["status"] == "paused":
        raise refused("bad_request", "a paused subscription can only be canceled immediately")
    return _scheduled(world, subscription, "cancel", None)


def _living(world: World, subscription_id: str) -> Json:
    subscription = world.get("subscription", subscription_id)
    if subscription["status"] == "canceled":
        raise refused("subscription_update_when_canceled", _OVER)
    return subscription


def _scheduled(world: World, subscription: Json, action: str, resume_at: str | None) -> Json:
    if subscription["scheduled_change"] is not None:
        raise refused("subscription_locked_pending_changes", "cannot update subscription, pending scheduled changes")
    effective = subscription["current_billing_period"]["ends_at"]
    change = {"action": action, "effective_at": effective, "resume_at": resume_at}
    return world.change(subscription, standing.UPDATED, scheduled_change=change)


def pause(world: World, fields: Json, subscription_id: str) -> Json:
    """Pause at the end of the period, or at once, until `resume_at` or for good."""
    subscription = _living(world, subscription_id)
    if subscription["status"] != "active":
        raise refused("bad_request", f"a subscription with status {subscription['status']} can't be paused")
    resume_at = fields.get("resume_at")
    if resume_at is not None and resume_at <= stamp(world.now):
        raise refused("bad_request", "resume_at must be in the future")
    subscription["_keeps_period"] = fields.get("on_resume") == "continue_existing_billing_period"
    if fields.get("effective_from") == "immediately":
        cycle.pause(world, subscription, resume_at)
        return subscription
    return _scheduled(world, subscription, "pause", resume_at)


def resume(world: World, fields: Json, subscription_id: str) -> Json:
    """Resume a paused subscription now or at a moment; of one that is going to be paused, say when it resumes."""
    subscription = _living(world, subscription_id)
    at = fields.get("effective_from") or "immediately"
    change = subscription["scheduled_change"]
    if subscription["status"] == "paused":
        return _resumed(world, subscription, at, fields.get("on_resume"))
    if change is None or change["action"] != "pause" or at == "immediately":
        raise refused("bad_request", "only a paused subscription can be resumed")
    return world.change(subscription, standing.UPDATED, scheduled_change=change | {"resume_at": at})


def _resumed(world: World, subscription: Json, at: str, on_resume: str | None) -> Json:
    if at == "immediately" or seconds(at) <= world.now:
        keep = subscription.get("_keeps_period", False) if on_resume is None else on_resume.startswith("continue")
        cycle.resume(world, subscription, keep=keep)
        return subscription
    change = {"action": "resume", "effective_at": at, "resume_at": None}
    world.change(subscription, standing.UPDATED, scheduled_change=change)
    cycle.plan_resumption(world, subscription)
    return subscription


def activate(world: World, _fields: Json, subscription_id: str) -> Json:
    """End a trial now: the first period begins and is billed."""
    subscription = _living(world, subscription_id)
    if subscription["status"] != "trialing":
        raise refused("bad_request", "only a trialing subscription can be activated")
    subscription["_anchor"] = world.now
    cycle.renew(world, subscription, world.now)
    return subscription


_BASE = "/subscriptions/*"
ROUTES = [
    Route("GET", "/subscriptions", "subscription", listed, subscription_params.LIST),
    Route("GET", _BASE, "subscription", retrieve, subscription_params.INCLUDE),
    Route("PATCH", _BASE, "subscription", update, subscription_params.UPDATE),
    Route("POST", f"{_BASE}/cancel", "subscription", cancel, subscription_params.CANCEL),
    Route("POST", f"{_BASE}/pause", "subscription", pause, subscription_params.PAUSE),
    Route("POST", f"{_BASE}/resume", "subscription", resume, subscription_params.RESUME),
    Route("POST", f"{_BASE}/charge", "subscription", charge, subscription_params.CHARGE),
    Route("POST", f"{_BASE}/activate", "subscription", activate),
    Route("GET", f"{_BASE}/update-payment-method-transaction", "subscription", payment_method_change),
]
