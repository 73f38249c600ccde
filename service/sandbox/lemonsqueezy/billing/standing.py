"""What a customer or a store does to a running subscription: cancel, resume, pause, unpause."""

from typing import Any

from service.sandbox.lemonsqueezy.billing.cycle import forget, plan, unpause, wait_for_dunning
from service.sandbox.lemonsqueezy.errors import refused
from service.sandbox.lemonsqueezy.table import Row
from service.sandbox.lemonsqueezy.times import stamp, unix
from service.sandbox.lemonsqueezy.world import World

Json = dict[str, Any]

_PAUSABLE = ("active", "paused")


def cancel(world: World, subscription: Row) -> None:
    """Stop renewing: the subscription lives until its `ends_at`. Cancelling twice changes nothing (assumed).

    Raises:
        SandboxError: 422, the subscription is over.
    """
    status = subscription.attributes["status"]
    if status == "expired":
        raise refused("An expired subscription cannot be cancelled.")
    if status == "cancelled":
        return
    end = max(unix(subscription.attributes["renews_at"]), world.now)
    subscription.hidden["before"] = status
    forget(subscription, "renew", "retry", "expire")
    world.touch(subscription, status="cancelled", cancelled=True, ends_at=stamp(end))
    plan(world, subscription, "expire", end)
    world.emit(subscription, "subscription_cancelled", "subscription_updated")


def resume(world: World, subscription: Row) -> None:
    """Undo a cancellation before `ends_at`; nothing happens to a subscription that is not cancelled.

    Raises:
        SandboxError: 422, the subscription is over.
    """
    status = subscription.attributes["status"]
    if status == "expired":
        raise refused("An expired subscription cannot be resumed.")
    if status != "cancelled":
        return
    before = subscription.hidden["before"]
    forget(subscription, "expire")
    world.touch(subscription, status=before, cancelled=False, ends_at=None)
    if before == "unpaid":
        wait_for_dunning(world, subscription)
    else:
        job = "retry" if before == "past_due" else "renew"
        plan(world, subscription, job, unix(subscription.attributes["renews_at"]))
    world.emit(subscription, "subscription_resumed", "subscription_updated")


def pause(world: World, subscription: Row, wanted: Json | None) -> None:
    """Pause, change a pause, or with None end it. Periods go by meanwhile, unpaid.

    Raises:
        SandboxError: 422, the status allows no pause, or it would end in the past.
    """
    status = subscription.attributes["status"]
    if wanted is None:
        if status == "paused":
            unpause(world, subscription)
        return
    if status not in _PAUSABLE:
        raise refused(f"A subscription that is {status} cannot be paused.")
    until = wanted.get("resumes_at")
    if until is not None and unix(until) <= world.now:
        raise refused("The resumes at field must be a date after now.")
    forget(subscription, "unpause")
    subscription.hidden["pause"] = {"mode": wanted["mode"], "resumes_at": until}
    world.touch(subscription, status="paused")
    if until is not None:
        plan(world, subscription, "unpause", unix(until))
    news = ("subscription_paused", "subscription_updated") if status != "paused" else ("subscription_updated",)
    world.emit(subscription, *news)
