"""The event types that we handle: one table, with the reason why we listen to each.

Stripe API `2026-10-28.endive`; every name exists in stripe-python 16.1.0. What is not in the table is stored and
ignored with the reason `unhandled_type`, and left out on purpose:

    invoice.upcoming                          a preview of an invoice that does not exist; ignored as `preview`
    customer.tax_id.*, customer.discount.*    the mirror keeps neither tax ids nor discounts; amounts come with invoices
    customer.source.*, payment_method.*       cards are not mirrored
    setup_intent.*                            saves a card, moves no money
    checkout.session.*                        what it creates (customer, subscription, payment) sends its own events
    subscription_schedule.*                   what it changes in the subscription comes as customer.subscription.updated
    invoiceitem.*                             waits for an invoice; then it is one of the invoice's lines
    plan.*, coupon.*, promotion_code.*        plans are prices under their old name; coupons are not mirrored
    tax_rate.*                                an invoice carries its own taxes
    radar.early_fraud_warning.*               a hint; if it comes to a dispute, that has its own events
    billing.*                                 meters and credits are not mirrored; what is refused of usage is `USAGE_ERRORS`
    entitlements.*                            entitlements are derived here, not taken over
    payout.*, balance.available               money between Stripe and the bank, not between buyer and seller
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from service.providers.stripe.resources import RESOURCES, Resource


class Row(msgspec.Struct, frozen=True):
    """How one event type is handled: whose object it carries, and why we listen.

    `begins`: the object did not exist before the event. `deletes`: it does not exist after it.
    """

    resource: Resource
    why: str
    begins: bool = False
    deletes: bool = False


def _rows(source: str, whys: Mapping[str, str], *, begins: str = "", deletes: str = "") -> dict[str, Row]:
    resource = RESOURCES[source]
    return {name: Row(resource, why, name == begins, name == deletes) for name, why in whys.items()}


EVENTS: Final[Mapping[str, Row]] = {
    **_rows(
        "customer",
        {
            "customer.created": "a buyer appears",
            "customer.updated": "e-mail, name or the application's user id changed",
            "customer.deleted": "the buyer is gone for good, and late events must not bring it back",
        },
        begins="customer.created",
        deletes="customer.deleted",
    ),
    **_rows(
        "subscription",
        {
            "customer.subscription.created": "a subscription begins, often still `incomplete`",
            "customer.subscription.updated": "renewal, plan change, scheduled cancellation, dunning: all come here",
            "customer.subscription.deleted": "the subscription is over; it stays readable as `canceled`",
            "customer.subscription.paused": "access ends without a cancellation",
            "customer.subscription.resumed": "and comes back",
            "customer.subscription.trial_will_end": "carries the whole subscription three days before the trial ends",
            "customer.subscription.pending_update_applied": "a change that waited for its payment took effect",
            "customer.subscription.pending_update_expired": "or was dropped",
        },
        begins="customer.subscription.created",
    ),
    **_rows(
        "invoice",
        {
            "invoice.created": "a draft appears",
            "invoice.updated": "lines or amounts of a draft, or the state of collection changed",
            "invoice.deleted": "only drafts can be deleted; what was billed is never lost",
            "invoice.finalized": "the invoice is issued: it has its number and is open",
            "invoice.finalization_failed": "it stays a draft that needs a person",
            "invoice.sent": "carries the invoice as it was mailed",
            "invoice.paid": "settled, also by credit or outside of Stripe",
            "invoice.payment_succeeded": "settled by an attempt; comes beside invoice.paid and covers its loss",
            "invoice.payment_failed": "dunning begins or goes on",
            "invoice.payment_action_required": "the buyer must confirm; still open",
            "invoice.payment_attempt_required": "an attempt must be made by hand; still open",
            "invoice.marked_uncollectible": "written off",
            "invoice.voided": "withdrawn",
            "invoice.overdue": "past its due date",
            "invoice.overpaid": "more came in than was due (since basil)",
            "invoice.will_be_due": "carries the invoice before its due date",
        },
        begins="invoice.created",
        deletes="invoice.deleted",
    ),
    **_rows(
        "invoice_payment",
        {"invoice_payment.paid": "since basil the only link between an invoice and the payment that settled it"},
    ),
    **_rows(
        "payment_intent",
        {
            "payment_intent.created": "a payment begins",
            "payment_intent.processing": "a slow method (bank debit) is under way",
            "payment_intent.requires_action": "the buyer must confirm",
            "payment_intent.amount_capturable_updated": "authorized, or the amount held changed",
            "payment_intent.partially_funded": "a part of a bank transfer came in",
            "payment_intent.succeeded": "money received",
            "payment_intent.payment_failed": "an attempt failed, and why",
            "payment_intent.canceled": "will never be paid",
        },
        begins="payment_intent.created",
    ),
    **_rows(
        "charge",
        {
            "charge.pending": "a slow method is under way",
            "charge.succeeded": "charged or authorized; the only event of payments without an intent",
            "charge.failed": "an attempt failed, and why",
            "charge.captured": "an authorization became money",
            "charge.updated": "late details of the charge",
            "charge.expired": "an authorization lapsed",
            "charge.refunded": "its object is the charge, not the refund; the refund has events of its own",
        },
    ),
    **_rows(
        "refund",
        {
            "refund.created": "money on its way back",
            "refund.updated": "its status or references changed",
            "refund.failed": "the money returned to us, even after it had succeeded",
            "charge.refund.updated": "refund.updated under its older name; its object is the refund, not the charge",
        },
        begins="refund.created",
    ),
    **_rows(
        "dispute",
        {
            "charge.dispute.created": "the buyer contests a payment",
            "charge.dispute.updated": "evidence or deadline changed",
            "charge.dispute.closed": "won, lost, or the warning passed",
            "charge.dispute.funds_withdrawn": "the bank took the money; carries the dispute",
            "charge.dispute.funds_reinstated": "the bank gave it back; carries the dispute",
        },
        begins="charge.dispute.created",
    ),
    **_rows(
        "credit_note",
        {
            "credit_note.created": "an issued invoice was reduced",
            "credit_note.updated": "its details changed",
            "credit_note.voided": "the reduction was withdrawn",
        },
        begins="credit_note.created",
    ),
    **_rows(
        "product",
        {
            "product.created": "names what is sold",
            "product.updated": "renamed, or switched on or off",
            "product.deleted": "gone for good",
        },
        begins="product.created",
        deletes="product.deleted",
    ),
    **_rows(
        "price",
        {
            "price.created": "tells what items and lines cost",
            "price.updated": "switched on or off",
            "price.deleted": "gone for good",
        },
        begins="price.created",
        deletes="price.deleted",
    ),
}


USAGE_ERRORS: Final = frozenset(("v1.billing.meter.error_report_triggered", "v1.billing.meter.no_meter_found"))
"""Usage that was taken and refused afterwards. There are thin notifications of it and no snapshot events."""


def ignored_thin(thin_type: str, context: str | None) -> str | None:
    """The same for a thin notification; one with a context belongs to a connected account."""
    return ignored(handled(thin_type), context) if context is not None or thin_type not in USAGE_ERRORS else None


def ignored(event_type: str, account: str | None) -> str | None:
    """Why an event is stored but not applied; None if it is applied.

    An event of a connected account (Connect) describes another account's objects, whatever its type.
    """
    if account is not None:
        return "connected_account"
    if event_type == "invoice.upcoming":
        return "preview"
    return None if event_type in EVENTS else "unhandled_type"


def handled(thin_type: str) -> str:
    """The snapshot type that a thin notification's type stands for: the same without its `v1.`."""
    return thin_type.removeprefix("v1.")
