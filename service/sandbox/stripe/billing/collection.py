"""Collecting an invoice: the attempt, the retries, and what follows the last one."""

from typing import Any

from service.sandbox.stripe.billing import charging, invoicing, standing
from service.sandbox.stripe.errors import declined
from service.sandbox.stripe.settings import DAY
from service.sandbox.stripe.world import World

Json = dict[str, Any]


def waiting(world: World) -> Json:
    """The fields of a draft that will finalize itself after the account's waiting time."""
    return {"auto_advance": True, "automatically_finalizes_at": world.now + world.settings.draft_seconds}


def later(world: World, invoice: Json) -> None:
    """Finalize and collect the draft at the moment that it names, as Stripe does with a renewal."""
    moment = invoice["automatically_finalizes_at"]
    world.schedule.at(moment, lambda: _advance(world, invoice, moment))


def _advance(world: World, invoice: Json, moment: int) -> None:
    still = invoice["status"] == "draft" and invoice["auto_advance"]
    planned = still and invoice["automatically_finalizes_at"] == moment
    if planned and world.tables["invoice"].get(invoice["id"]) is not None:
        finalize_and_collect(world, invoice)


def finalize_and_collect(world: World, invoice: Json) -> None:
    """Finalize, then charge or send it, unless the subscription's collection is paused."""
    invoicing.finalize(world, invoice)
    subscription = standing.subscription_of(world, invoice)
    behavior = ((subscription or {}).get("pause_collection") or {}).get("behavior")
    if behavior == "mark_uncollectible" and invoice["status"] == "open":
        reason = "subscription_paused"
        invoicing.close(world, invoice, "uncollectible", "invoice.marked_uncollectible", why=reason)
    elif behavior == "void" and invoice["status"] == "open":
        invoicing.close(world, invoice, "void", "invoice.voided")
    elif invoice["collection_method"] == "send_invoice":
        world.emit(invoice, "invoice.sent")
    elif invoice["status"] == "open":
        attempt(world, invoice)


def attempt(world: World, invoice: Json, *, method: str | None = None, retries: bool = True) -> bool:
    """Charge an open invoice once; True if it is paid. A failure plans the next attempt if `retries`."""
    customer = world.tables["customer"].get(invoice["customer"])
    intent = world.get("payment_intent", invoice["_payment_intent"])
    failure = world.payments.next_failure(customer, method)
    if failure is None and method is None and not world.payments.has_method(invoice["customer"]):
        failure = "card_declined"
    charging.charge(world, intent, failure, method)
    if failure is None:
        invoicing.paid(world, invoice)
        _delinquent(world, customer, late=False)
        return True
    _failed(world, invoice, failure, retries=retries)
    _delinquent(world, customer, late=True)
    return False


def _delinquent(world: World, customer: Json | None, *, late: bool) -> None:
    if customer is not None and customer["delinquent"] is not late:
        world.change(customer, "customer.updated", delinquent=late)


def _failed(world: World, invoice: Json, failure: str, *, retries: bool) -> None:
    tries = invoice["attempt_count"] + 1
    days = world.settings.retry_days
    # The first invoice of a subscription is never retried: it expires with its subscription.
    retried = retries and invoice["billing_reason"] != "subscription_create"
    again = world.now + days[tries - 1] * DAY if retried and tries <= len(days) else None
    types = ["invoice.updated", "invoice.payment_failed"]
    if failure == "authentication_required":
        types.append("invoice.payment_action_required")
    values = {"attempt_count": tries, "attempted": True, "next_payment_attempt": again}
    world.change(invoice, *types, **values)
    standing.failed(world, invoice)
    if again is not None:
        world.schedule.at(again, lambda: _retry(world, invoice, again))
    elif retried:
        standing.given_up(world, invoice)


def _retry(world: World, invoice: Json, moment: int) -> None:
    if invoice["status"] == "open" and invoice["next_payment_attempt"] == moment:
        attempt(world, invoice)


def refusal(world: World, invoice: Json) -> Exception:
    """The error of a request whose payment of `invoice` was refused."""
    intent = world.get("payment_intent", invoice["_payment_intent"])
    error = intent["last_payment_error"] or {"code": "invoice_payment_intent_requires_action", "charge": None}
    return declined(error["code"], charge=error["charge"], payment_intent=dict(intent))


def confirmed(world: World, intent: Json, failure: str | None, method: str | None) -> None:
    """A payment intent was confirmed by its customer: charge it, and settle the invoice that it belongs to."""
    charging.charge(world, intent, failure, method)
    invoice = world.tables["invoice"].get(intent.get("_invoice") or "")
    if invoice is None or invoice["status"] not in ("open", "uncollectible"):
        return
    if intent["status"] == "succeeded":
        invoicing.paid(world, invoice)
    elif failure is not None:
        count = invoice["attempt_count"] + 1
        world.change(invoice, "invoice.updated", "invoice.payment_failed", attempted=True, attempt_count=count)


def soon(world: World, invoice: Json) -> None:
    """Collect an invoice that was finalized by hand after the account's waiting time."""

    def collect() -> None:
        if invoice["status"] == "open" and not invoice["attempted"]:
            attempt(world, invoice)

    world.schedule.at(world.now + world.settings.draft_seconds, collect)
