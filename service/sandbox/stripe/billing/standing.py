"""What a subscription's status becomes, and why."""

from typing import Any

from service.sandbox.stripe.world import World

Json = dict[str, Any]

OVER = ("canceled", "incomplete_expired")
UPDATED = "customer.subscription.updated"


def lives(subscription: Json) -> bool:
    """True until the subscription is canceled or expired."""
    return subscription["status"] not in OVER


def subscription_of(world: World, invoice: Json) -> Json | None:
    """The subscription that an invoice bills, if it bills one."""
    details = (invoice["parent"] or {}).get("subscription_details") or {}
    return world.tables["subscription"].get(details.get("subscription") or "")


def paid(world: World, invoice: Json) -> None:
    """The latest invoice was paid: a subscription that waited for it is active."""
    subscription = subscription_of(world, invoice)
    if subscription is None or subscription["latest_invoice"] != invoice["id"]:
        return
    waiting = subscription["status"] in ("incomplete", "past_due", "unpaid")
    resumed = subscription["status"] == "paused" and invoice.get("_resumes")
    if waiting or resumed:
        world.change(subscription, UPDATED, status="active", status_details=None)


def failed(world: World, invoice: Json) -> None:
    """A payment of the latest invoice failed: an active subscription is past due."""
    subscription = subscription_of(world, invoice)
    if subscription is None or subscription["latest_invoice"] != invoice["id"]:
        return
    if subscription["status"] in ("active", "trialing"):
        world.change(subscription, UPDATED, status="past_due")


def given_up(world: World, invoice: Json) -> None:
    """The last retry failed: the account's setting decides what becomes of the subscription."""
    subscription = subscription_of(world, invoice)
    if subscription is None or not lives(subscription):
        return
    if world.settings.after_retries == "cancel":
        end(world, subscription, reason="payment_failed")
    elif world.settings.after_retries == "unpaid":
        world.change(subscription, UPDATED, status="unpaid")


def end(world: World, subscription: Json, *, reason: str | None, details: Json | None = None) -> None:
    """Cancel now. `canceled_at` stays the moment of an earlier request to cancel; open invoices are not collected."""
    subscription["cancellation_details"] = {
        **subscription["cancellation_details"],
        **(details or {}),
        "reason": subscription["cancellation_details"]["reason"] or reason,
    }
    world.change(
        subscription,
        "customer.subscription.deleted",
        status="canceled",
        canceled_at=subscription["canceled_at"] or world.now,
        ended_at=world.now,
        status_details=None,
    )
    for invoice in invoices_of(world, subscription):
        if invoice["status"] in ("draft", "open") and invoice["auto_advance"]:
            world.change(invoice, "invoice.updated", auto_advance=False, next_payment_attempt=None)


def paused(world: World, subscription: Json, why: str, *types: str) -> None:
    """Pause: the subscription bills nothing until it is resumed."""
    transition = {"subscription": {"type": why}, "transitioned_at": world.now, "type": "subscription"}
    world.change(subscription, *types, status="paused", status_details={"paused": transition})


def invoices_of(world: World, subscription: Json) -> list[Json]:
    """The subscription's invoices, oldest first."""
    found = (world.tables["invoice"].get(invoice_id) for invoice_id in subscription["_invoices"])
    return [invoice for invoice in found if invoice is not None]
